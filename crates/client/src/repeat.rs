//! The rule for repeating a request: after a 503 once its `Retry-After` has passed, after an
//! unknown outcome only once a look has shown that it is not done.

use std::time::Duration;

use protocol::user::UserId;
use tokio::time::{Instant, sleep};

use crate::attempt::{Answer, Attempt, Call, PAUSE};
use crate::requests::{Versioned, user_path, versioned};
use crate::{Client, Error};

/// How long a request may go on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Until(Instant);

impl Until {
    /// Waits before another attempt; returns whether there is time for one.
    pub(crate) async fn pause(self, pause: Duration) -> bool {
        let again = Instant::now().checked_add(pause);
        if again.is_none_or(|again| again >= self.0) {
            return false;
        }
        sleep(pause).await;
        true
    }
}

impl Client {
    pub(crate) fn until(&self) -> Until {
        Until(Instant::now() + self.patience)
    }

    /// Sends a request until it is answered. It must do no harm if it is carried out twice.
    pub(crate) async fn fetch(&self, call: &Call, until: Until) -> Result<Answer, Error> {
        loop {
            let (error, pause) = match self.attempt(call).await {
                Attempt::Done(answer) => return Ok(answer),
                Attempt::Failed(error) => return Err(error),
                Attempt::NotDone { error, pause } => (error, pause),
                Attempt::Unknown { why } if call.method.is_safe() => {
                    (Error::Unreachable(why), PAUSE)
                }
                Attempt::Unknown { why } => (Error::Unknown(why), PAUSE),
            };
            if !until.pause(pause).await {
                return Err(error);
            }
        }
    }

    /// Sends an update until its outcome is known. The result comes from the answer, or after an
    /// unknown outcome from the user as it is: `seen` has none if the update is not done. A later
    /// refusal is looked at in the same way.
    pub(crate) async fn update<T>(
        &self,
        call: &Call,
        id: &UserId,
        answered: impl Fn(Answer) -> Result<T, Error>,
        seen: impl Fn(Option<Versioned>) -> Option<T>,
    ) -> Result<T, Error> {
        // Why the outcome of an earlier attempt is unknown.
        let (until, mut unknown) = (self.until(), None);
        loop {
            let (error, pause) = match self.attempt(call).await {
                Attempt::Done(answer) => return answered(answer),
                Attempt::Failed(error) => {
                    // The refusal may be due to the earlier attempt.
                    let Some(why) = unknown else { return Err(error) };
                    return match (self.look(id, until).await, error) {
                        (Ok(found), error @ Error::Refused(_)) => seen(found).ok_or(error),
                        _ => Err(Error::Unknown(why)),
                    };
                }
                Attempt::NotDone { error, pause } => (error, pause),
                Attempt::Unknown { why } => {
                    if let Ok(found) = self.look(id, until).await
                        && let Some(done) = seen(found)
                    {
                        return Ok(done);
                    }
                    unknown = Some(why.clone());
                    (Error::Unknown(why), PAUSE)
                }
            };
            if !until.pause(pause).await {
                return Err(unknown.map_or(error, Error::Unknown));
            }
        }
    }

    /// The user at present; none if there is none.
    async fn look(&self, id: &UserId, until: Until) -> Result<Option<Versioned>, Error> {
        match self.fetch(&Call::get(user_path(id)), until).await {
            Ok(answer) => versioned(answer).map(Some),
            Err(error) if error.is_problem("user-not-found") => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pause_beyond_all_time_is_no_pause() {
        let until = Until(Instant::now() + Duration::from_secs(3_600));
        assert!(!until.pause(Duration::from_secs(u64::MAX)).await);
        assert!(until.pause(Duration::ZERO).await);
    }
}
