//! The probes reached by clients' operations.

use history::Outcome;
use history::users::Input;
use protocol::view::{InSync, Member};

use super::probe::Probe;
use crate::model::{Model, sole};
use crate::seen::Answered;

/// The probes reached by the end of an operation.
pub(super) fn reached(model: &Model, answered: &Answered) -> Vec<Probe> {
    let Answered { input, outcome, status, served_by, .. } = answered;
    let is_read = matches!(input, Input::Read { .. });
    let mut reached = Vec::new();
    match (outcome, status) {
        (Outcome::NotDone, Some(503)) if answered.is_overload() => {
            reached.extend((!is_read).then_some(Probe::UpdateTurnedAway));
        }
        (Outcome::NotDone, Some(503)) if !is_read => reached.push(Probe::UpdateUnavailable),
        (Outcome::NotDone, Some(503)) if is_stale_alone(model, input) => {
            reached.push(Probe::StaleAlone);
        }
        (Outcome::Unknown, None) if !model.links.is_empty() => reached.push(Probe::ClientGaveUp),
        (_, None) if model.links.is_empty() => reached.push(Probe::GatewayGone),
        (Outcome::Unknown, Some(504)) => reached.push(Probe::UpdateUnknown),
        (Outcome::Done(_), Some(412)) => reached.push(Probe::PreconditionFailed),
        _ => {}
    }
    let (Outcome::Done(_), Some(by), Ok(id)) = (outcome, served_by, input.id().parse()) else {
        return reached;
    };
    let partition = model.ring.partition_of(&id);
    let view = model.views.get(&(partition, by.epoch));
    let is_alone = view.is_some_and(|view| matches!(view.in_sync, InSync::HomeOnly { .. }));
    match (is_read, by.member) {
        (true, Member::Home) => reached.push(Probe::ReadAtPrimary),
        (true, Member::Next) => {
            let home = model.ring.holder(partition, Member::Home);
            if view.is_some_and(|view| matches!(view.in_sync, InSync::NextOnly { .. })) {
                reached.push(Probe::ReadAtNextAlone);
            } else if model.gateway.is_some_and(|gateway| !model.is_linked(gateway, home)) {
                reached.push(Probe::ReadWithoutHome);
            }
        }
        (false, _) if is_alone => reached.push(Probe::UpdateAlone),
        (false, _) => {}
    }
    reached
}

/// Whether the user's only linked copy is out of sync.
fn is_stale_alone(model: &Model, input: &Input) -> bool {
    let (Ok(id), Some(gateway)) = (input.id().parse(), model.gateway) else { return false };
    let partition = model.ring.partition_of(&id);
    let view = model.published.get(&partition);
    let is_linked = |member| model.is_linked(gateway, model.ring.holder(partition, member));
    view.and_then(|view| sole(view.in_sync))
        .is_some_and(|member| !is_linked(member) && is_linked(member.other()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use protocol::problem::ProblemType;

    use super::*;
    use crate::checks::documented::Documented;
    use crate::checks::support::Scene;

    #[test]
    fn a_read_turned_away_from_a_busy_node_is_no_update() {
        let code = ProblemType::Overloaded.code();
        let answered = |input| Answered {
            input,
            outcome: Outcome::NotDone,
            status: Some(503),
            served_by: None,
            has_retry_after: true,
            took: Duration::from_secs(1),
            problem: Some(format!(r#"{{"type":"tag:chainring,2026:problem:{code}"}}"#)),
        };
        let model = Scene::formed(Documented).model;
        let id = "user-1".to_owned();
        let delete = Input::Delete { id: id.clone(), if_match: None, if_none_match: None };
        assert_eq!(reached(&model, &answered(delete)), [Probe::UpdateTurnedAway]);
        assert_eq!(reached(&model, &answered(Input::Read { id })), []);
    }
}
