//! What a copy does with a read that has returned.

use protocol::user::UserId;

use super::PartitionCopy;
use super::context::{Context, Fault};
use super::reads::Purpose;
use super::replica::WasRead;
use super::salvage::Salvaged;
use crate::store::{ReadError, ReadId, ReadRows};

impl PartitionCopy {
    /// A read has returned.
    pub(super) fn has_read(
        &mut self,
        cx: &mut Context<'_>,
        read: ReadId,
        result: Result<ReadRows, ReadError>,
    ) -> Result<(), Fault> {
        if let Err(failed @ ReadError::Failed(_)) = result {
            return Err(failed.into());
        }
        let Some(purpose) = self.replica.reads.end(read) else { return Ok(()) };
        let went_on = match purpose {
            Purpose::Record(id) => {
                let record = result.map(ReadRows::into_record);
                return self.serve_waiting(cx, id, WasRead::Record(record));
            }
            Purpose::Answer(id, request) => {
                let answer = result.map(|rows| rows.into_answers().pop().and_then(|row| row.1));
                return self.serve_waiting(cx, id, WasRead::Answer(request, answer));
            }
            Purpose::Rows(rows) => self.sending().has_rows(cx, read, rows, result),
            Purpose::Log { from } => self.sending().has_entries(cx, from, result),
            Purpose::Position(seq) => {
                self.replica.reads.has_looked_up(seq, result);
                Ok(())
            }
            Purpose::Verification { from } => self.sending().has_verified(cx, from, result),
            Purpose::Comparison => self.receiving().comparing().has_rows(cx, read, result),
            Purpose::Salvage(pin) => {
                let salvaged = self.salvager().has_rows(cx, read, pin, result);
                salvaged.map(|salvaged| self.has_salvaged(cx, salvaged))
            }
        };
        self.handle_damage(cx, went_on)?;
        self.proceed(cx)
    }

    /// What requests wait for was read: they are admitted again, in their order, as the view may be
    /// another one now.
    fn serve_waiting(
        &mut self,
        cx: &mut Context<'_>,
        id: UserId,
        read: WasRead,
    ) -> Result<(), Fault> {
        let requests = self.replica.waiting.begin_serving(id, read);
        let served = requests.into_iter().try_for_each(|request| self.request(cx, request));
        self.replica.waiting.end_serving();
        served
    }

    fn has_salvaged(&mut self, cx: &mut Context<'_>, salvaged: Salvaged) {
        match salvaged {
            Salvaged::Part => {}
            Salvaged::LogEnd => {
                self.replica.tell_alone(cx);
                self.told.tell(cx, &self.replica);
            }
            Salvaged::All => {
                self.source.restore_receiver(self.replica.log.last_entry());
                self.replica.tell_salvage(cx);
                self.salvager().announce(cx);
            }
        }
    }
}
