//! One seed, in a process of its own: its clocks are turmoil's, and its randomness comes from
//! the seed.
//!
//! Writes the requested output to standard output, and the [`RunReport`] as the last line, after
//! [`REPORT`]. `sim` starts it; people may also start it by hand.

mod entropy;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, anyhow};
use clap::Parser;
use ring_core::placement::Ring;
use sim::child::{REPORT, SeedArgs};
use sim::digest::Digest;
use sim::panics;
use sim::plan::Plan;
use sim::plan::host::Host;
use sim::report::{Failure, RunReport};
use sim::seen::Log;
use sim::timeline::Timeline;

use self::show::Show;

fn main() -> ExitCode {
    let args = SeedArgs::parse();
    match plan(&args).and_then(|plan| run(&args, plan)) {
        Ok(report) => {
            let json = serde_json::to_string(&report);
            let json = json.unwrap_or_else(|error| unreachable!("a report serialises: {error}"));
            show::print(&format!("{REPORT}{json}"));
            report.failure.map_or(ExitCode::SUCCESS, |failure| failure.exit_status().into())
        }
        Err(error) => {
            show::complain(&format!("{error:#}"));
            Failure::Harness(String::new()).exit_status().into()
        }
    }
}

fn plan(args: &SeedArgs) -> anyhow::Result<Plan> {
    match &args.schedule {
        Some(path) => read_plan(path),
        None => Ok(Plan::draw(args.seed, &args.options())),
    }
}

fn read_plan(path: &PathBuf) -> anyhow::Result<Plan> {
    let json = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    Plan::from_json(&json).with_context(|| format!("{} cannot be run", path.display()))
}

/// Runs a plan in a thread that has drawn nothing before, so its hash keys come from the seed
/// too.
fn run(args: &SeedArgs, plan: Plan) -> anyhow::Result<RunReport> {
    let expected = entropy::simulate(plan.seed);
    let (show, left_out) = (args.show, args.plan.checks_left_out());
    #[allow(clippy::disallowed_methods, reason = "the one thread in which the simulation runs")]
    let running = thread::Builder::new().name("simulation".to_owned()).spawn(move || {
        entropy::check(expected)?;
        let _clocks = mad_turmoil::time::SimClocksGuard::init();
        panics::keep();
        Ok(run_here(&plan, &left_out, Show::new(show)))
    });
    running?.join().map_err(|_| anyhow!("the harness panicked"))?
}

fn run_here(plan: &Plan, left_out: &[String], show: Show) -> RunReport {
    let log = Log::default();
    show.start(&log);
    let (mut timeline, mut digest) = (Timeline::default(), Digest::default());
    let mut report = sim::run::run(plan, left_out, &log, &mut |at, seen| {
        digest.add(at, seen);
        timeline.add(at, seen.clone());
        show.show(seen, || timeline.line(at, seen));
    });
    if let Some(violation) = report.failure.as_ref().and_then(Failure::violation) {
        let nodes = (0..plan.swarm.nodes).map(Host::node_id).collect();
        let ring = Ring::new(nodes).unwrap_or_else(|error| unreachable!("it has run: {error}"));
        report.events = timeline.about(&ring, &violation.finding.about);
    }
    report.digest = digest.finish();
    show.finish();
    report
}
