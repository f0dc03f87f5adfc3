//! The view that a copy acts on, and the newer one that it is making durable first.

use protocol::id::Epoch;
use protocol::message::Request;
use protocol::view::{Member, View};

use crate::node::copy::context::{Context, Fault};
use crate::node::effect::StopReason;
use crate::store::{Mark, Mutation};

/// A copy's views.
///
/// ```text
///             offer: higher epoch               its mark is durable
///   acting e ---------------------> storing e' ---------------------> acting e'
/// ```
///
/// Rule 1 (*a copy makes a view durable before it acts on it*) and rule 2 (*fencing*) are decided
/// here. While a view is being stored, requests of its epoch are parked, and those of the epoch
/// before it are fenced: nothing new is begun under a view that is known to be over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Acting {
    acting: Option<View>,
    storing: Option<(Mark, View)>,
    parked: Vec<Request>,
}

/// What to do with a view that someone offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offer {
    /// It is known, or older than what is known.
    Known,
    /// It is to be made durable, and then acted on.
    Store,
    /// It has the epoch of the known view and another content: two controllers are at work (rule
    /// 14).
    Conflict,
}

/// What to do with a request, by its epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is of the acting view.
    Serve,
    /// It waits for the view that is being stored.
    Park,
    /// It is of an older view.
    Fence,
    /// It is of a view that never was announced on its link.
    ProtocolError,
}

impl Acting {
    /// What a copy finds when it starts.
    pub(super) fn recovered(view: Option<View>) -> Self {
        Self { acting: view, storing: None, parked: Vec::new() }
    }

    /// The view to act on.
    pub(crate) fn view(&self) -> Option<&View> {
        self.acting.as_ref()
    }

    /// The view that is being stored.
    pub(crate) fn storing(&self) -> Option<&View> {
        self.storing.as_ref().map(|(_, view)| view)
    }

    /// The newest view that is known, acted on or not.
    pub(crate) fn newest(&self) -> Option<&View> {
        self.storing().or(self.view())
    }

    /// Judges a view that the controller or the other copy offers.
    fn judge(&self, offered: &View) -> Offer {
        match self.newest() {
            Some(known) if offered.epoch < known.epoch => Offer::Known,
            Some(known) if offered.epoch == known.epoch && offered == known => Offer::Known,
            Some(known) if offered.epoch == known.epoch => Offer::Conflict,
            Some(_) | None => Offer::Store,
        }
    }

    /// Whether a view is going to be stored if it is offered.
    pub(super) fn is_new(&self, view: &View) -> bool {
        self.judge(view) == Offer::Store
    }

    /// Takes a view that the controller or the other copy offers: what is new is stored first.
    pub(super) fn offer(
        &mut self,
        cx: &mut Context<'_>,
        member: Member,
        view: View,
    ) -> Result<(), Fault> {
        match self.judge(&view) {
            Offer::Known => {}
            Offer::Store => {
                let mark = cx.write(Mutation::View { member, view });
                self.storing = Some((mark, view));
            }
            Offer::Conflict => {
                return Err(Fault::Stop(StopReason::conflict(self.newest(), &view)));
            }
        }
        Ok(())
    }

    /// The mutations up to `mark` are durable: returns the view to act on from now, and the
    /// requests parked for it.
    pub(super) fn durable(&mut self, mark: Mark) -> Option<(View, Vec<Request>)> {
        let (_, view) = self.storing.take_if(|(stored_at, _)| *stored_at <= mark)?;
        let before = self.acting.replace(view);
        assert!(
            before.is_none_or(
                |before| before.epoch < view.epoch && before.partition == view.partition
            ),
            "a copy's epoch never goes back: {before:?} then {view:?}",
        );
        Some((view, std::mem::take(&mut self.parked)))
    }

    /// Judges a request by its epoch.
    pub(super) fn admit(&self, epoch: Epoch) -> Admission {
        match (&self.acting, &self.storing) {
            (_, Some((_, storing))) if epoch == storing.epoch => Admission::Park,
            (_, Some((_, storing))) if epoch < storing.epoch => Admission::Fence,
            (Some(acting), None) if epoch == acting.epoch => Admission::Serve,
            (Some(acting), None) if epoch < acting.epoch => Admission::Fence,
            _ => Admission::ProtocolError,
        }
    }

    /// Keeps a request for the view that is being stored.
    pub(super) fn park(&mut self, request: Request) {
        self.parked.push(request);
    }

    /// Forgets the parked requests: the link that brought them is gone.
    pub(super) fn forget_parked(&mut self) {
        self.parked.clear();
    }
}
