//! The words for each event.

use std::fmt;

use history::Outcome;
use service::events::{Event, GatewayFact, NodeFact};

use crate::seen::{Answered, ClientDid, Seen, StateDid, WorldDid};

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inside(Event::Node { event, .. }) => node(f, event),
            Self::Inside(Event::Gateway { event, .. }) => gateway(f, event),
            Self::Storage { did, .. } => write!(f, "storage: {did:?}"),
            Self::State { did, .. } => state(f, did),
            Self::Client { operation, did, .. } => match did {
                ClientDid::Invoked(input) => write!(f, "{operation} asks {input:?}"),
                ClientDid::Completed(answered) => completed(f, &operation.to_string(), answered),
            },
            Self::World(did) => match did {
                WorldDid::Fault(kind) => write!(f, "fault: {}", kind.name()),
                WorldDid::Starts(host) => write!(f, "{host} starts"),
                WorldDid::Stops(host) => write!(f, "{host} is told to stop"),
                WorldDid::Kills(host, death) => write!(f, "{host} dies: {death:?}"),
                WorldDid::Ended(host, ended) => write!(f, "{host} ended: {ended:?}"),
                WorldDid::Corrupts(host, member, row) => {
                    write!(
                        f,
                        "a bit turns in the {member} copy on {host}, in a row of kind {row:?}"
                    )
                }
                WorldDid::Begins(condition) => write!(f, "begins: {condition:?}"),
                WorldDid::Ends(condition) => write!(f, "ends: {condition:?}"),
                WorldDid::Phase(phase) => write!(f, "phase: {phase:?}"),
            },
        }
    }
}

fn state(f: &mut fmt::Formatter<'_>, did: &StateDid) -> fmt::Result {
    match did {
        StateDid::Saved(views) => {
            f.write_str("saves")?;
            views.iter().try_for_each(|view| write!(f, " [{view}]"))
        }
        StateDid::Locked => f.write_str("finds the state directory locked"),
        StateDid::Failed => f.write_str("fails to save"),
    }
}

fn completed(f: &mut fmt::Formatter<'_>, operation: &str, answered: &Answered) -> fmt::Result {
    let Answered { outcome, served_by, took, problem, .. } = answered;
    match outcome {
        Outcome::Done(output) => write!(f, "{operation} is told {output:?}")?,
        Outcome::NotDone => write!(f, "{operation} was not done")?,
        Outcome::Unknown => write!(f, "{operation} has an unknown outcome")?,
    }
    write!(f, " after {} ms", took.as_millis())?;
    if let Some(by) = served_by {
        write!(f, " by {} ({}, epoch {})", by.node, by.member, by.epoch)?;
    }
    match problem {
        Some(problem) => write!(f, ": {problem}"),
        None => Ok(()),
    }
}

fn node(f: &mut fmt::Formatter<'_>, event: &NodeFact) -> fmt::Result {
    match event {
        NodeFact::Starts { incarnation, boot, home, next } => write!(
            f,
            "starts, the {}. time, with data {incarnation}; home at {}, next at {}",
            boot.count, home.written, next.written
        ),
        NodeFact::Joins { gateway } => write!(f, "joins gateway {gateway}"),
        NodeFact::Leaves => f.write_str("has lost its link to the gateway"),
        NodeFact::TellsDisk { state } => write!(f, "tells the gateway of its disk: {state:?}"),
        NodeFact::Acts { member, view } => write!(f, "{member} acts on {view}"),
        NodeFact::Comes(progress) => write!(
            f,
            "{} of {}: written {}, durable {}, committed {}",
            progress.member,
            progress.partition,
            progress.written,
            progress.durable,
            progress.committed
        ),
        NodeFact::Applies { partition, member, position, request } => {
            write!(f, "{member} of {partition} applies entry {position}, request {request}")
        }
        NodeFact::Stores { member, view, from } => {
            write!(f, "{member} stores {view}, learned from {from:?}")
        }
        NodeFact::BeginsInstall { partition, member, base } => {
            write!(f, "{member} of {partition} drops all it has for a snapshot after entry {base}")
        }
        NodeFact::Installs { partition, member, is_complete } => {
            let much = if *is_complete { "the rest" } else { "more" };
            write!(f, "{member} of {partition} takes {much} of a snapshot")
        }
        NodeFact::FindsDamage { partition, member } => {
            write!(f, "{member} of {partition} is damaged")
        }
        NodeFact::Salvages { partition, member, records, ended } => {
            let whole = if *ended { ", and is whole" } else { "" };
            write!(f, "{member} of {partition} drops {records} records that cannot be read{whole}")
        }
        NodeFact::ReadsApart { member } => write!(f, "{member} reads a record of the disk"),
        NodeFact::ReadOvertaken { member } => {
            write!(f, "a record of {member} has changed while it was read")
        }
        NodeFact::SkipsComparison { member } => {
            write!(f, "{member} skips a stretch that has changed while it was read")
        }
        NodeFact::Compares { partition, verdict } => {
            write!(f, "the copies of {partition} are compared: {verdict:?}")
        }
        NodeFact::Appends { to, view, previous, last } => {
            write!(f, "sends {to} what follows {previous} up to {last} ({view})")
        }
        NodeFact::Acknowledges { partition, member, seq, is_whole } => {
            let whole = if *is_whole { " and whole" } else { "" };
            write!(f, "is durable up to {seq}{whole} as {member} of {partition}, it says")
        }
        NodeFact::Asks(ask) => {
            write!(
                f,
                "asks for both copies of {} (ask {}, epoch {})",
                ask.partition, ask.ask.0, ask.epoch
            )
        }
        NodeFact::AskRefused { partition, ask } => {
            write!(f, "is refused ask {} of {partition}", ask.0)
        }
        NodeFact::Replies { call, reply, position } => {
            write!(f, "replies to call {}: {reply:?}", call.0)?;
            position.map_or(Ok(()), |position| write!(f, " {position}"))
        }
    }
}

fn gateway(f: &mut fmt::Formatter<'_>, event: &GatewayFact) -> fmt::Result {
    match event {
        GatewayFact::Starts { cluster: Some(cluster), .. } => {
            write!(f, "starts, of cluster {cluster}")
        }
        GatewayFact::Starts { cluster: None, .. } => f.write_str("starts, without a cluster"),
        GatewayFact::Linked { link, node, boot, .. } => {
            write!(f, "{node} is linked (link {link}, start {})", boot.count)
        }
        GatewayFact::Unlinked { link, node } => {
            write!(f, "{node} is not linked any more (link {link})")
        }
        GatewayFact::Decides(view) => write!(f, "decides {view}"),
        GatewayFact::Publishes(view) => write!(f, "publishes {view}"),
        GatewayFact::Forgets { partition } => {
            write!(f, "knows the view of {partition} no more: there is a newer one")
        }
        GatewayFact::Tells { node, view } => write!(f, "tells {node}: {view}"),
        GatewayFact::Welcomes { node, .. } => write!(f, "welcomes {node}"),
        GatewayFact::Requests { node, partition, member, epoch, call, request, is_alone } => {
            let what = if request.is_some() { "update" } else { "read" };
            let alone = if *is_alone { ", alone" } else { "" };
            write!(
                f,
                "sends {node} a {what} of {partition} as {member} (call {}, epoch {epoch}{alone})",
                call.0
            )?;
            request.map_or(Ok(()), |request| write!(f, ", request {request}"))
        }
        GatewayFact::Probes { node, probe } => write!(f, "probes {node} (probe {})", probe.0),
        GatewayFact::Hears { node, said } => write!(f, "hears of {node}: {said:?}"),
    }
}
