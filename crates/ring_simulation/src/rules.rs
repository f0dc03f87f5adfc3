//! The rules of the design, as assertions on the whole simulation. No process can check them
//! alone.
//!
//! | when | handler | rules |
//! |---|---|---|
//! | the gateway sends a message | [`OnSend`] | 1, 7 |
//! | the controller decides | [`OnDecision`] | 1, 5, 6, 9 |
//! | a node replies | [`OnReply`] | 2, 3, 7, 8 |
//! | between two steps | [`BetweenSteps`] | 1, 4, 6 |
//! | at the end | [`AtTheEnd`] | 12, 13, durability, convergence |
//!
//! Each handler borrows what it looks at. It changes only what the rules remember ([`KnownViews`])
//! and the counts. [`Evidence`] follows the links of the gateway.

mod between_steps;
mod evidence;
mod known_views;
mod on_decision;
mod on_reply;
mod on_send;
mod the_end;

pub(crate) use self::between_steps::BetweenSteps;
pub(crate) use self::evidence::Evidence;
pub(crate) use self::known_views::KnownViews;
pub(crate) use self::on_decision::OnDecision;
pub(crate) use self::on_reply::OnReply;
pub(crate) use self::on_send::OnSend;
pub(crate) use self::the_end::AtTheEnd;
