//! Both searches must agree. `crates/history/tests` shows that each is right.

use super::Budget;
use super::evaluation::{Ending, Evaluation};
use super::problem::Problem;
use super::search::Search;
use super::sweep::Sweep;
use crate::history::History;
use crate::operation::{ClientId, Outcome};
use crate::recorder::{PendingOperation, Recorder};
use crate::register::{Input, Output, Register};

type RegisterHistory = History<Input, Output>;

/// Numbers drawn from a seed (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn value(&mut self) -> i64 {
        self.below(3) as i64
    }
}

/// A possible history of a register that loses nothing, but now and then answers at random.
fn random_history(seed: u64, operations: usize) -> RegisterHistory {
    let mut numbers = Numbers(seed);
    let recorder = Recorder::new(|| 0);
    let mut value = None;
    let mut open: Vec<(Input, PendingOperation<Input, Output>)> = Vec::new();
    for _ in 0..operations {
        let input = match numbers.below(3) {
            0 => Input::Read,
            1 => Input::Write(numbers.value()),
            _ => Input::CompareAndSet { from: numbers.value(), to: numbers.value() },
        };
        open.push((input, recorder.invoke(ClientId(0), input)));
        while !open.is_empty() && (open.len() > 3 || numbers.below(2) == 0) {
            let (input, pending) = open.swap_remove(numbers.below(open.len() as u64) as usize);
            let output = execute(&mut value, input);
            match numbers.below(20) {
                0 => pending.complete(Outcome::Done(Output::Value(Some(numbers.value())))),
                1..5 => pending.complete(Outcome::Unknown),
                _ => pending.complete(Outcome::Done(output)),
            }
        }
    }
    recorder.history()
}

fn execute(value: &mut Option<i64>, input: Input) -> Output {
    match input {
        Input::Read => Output::Value(*value),
        Input::CompareAndSet { from, .. } if *value != Some(from) => Output::Different,
        Input::Write(new) | Input::CompareAndSet { to: new, .. } => {
            *value = Some(new);
            Output::Set
        }
    }
}

#[test]
fn the_sweep_agrees_with_the_search() {
    let mut linearizable = 0;
    for seed in 0..500 {
        let history = random_history(seed, 12);
        let operations = history.operations();
        let problem = Problem::new(&Register, &operations);
        let mut evaluation = Evaluation::new(&problem, Budget::default());
        let searched = Search::new(&mut evaluation).run().unwrap().unwrap();
        let swept = Sweep::new(&mut evaluation).run().unwrap();
        match (&searched, &swept) {
            (Ending::AllPlaced(_), Ending::AllPlaced(_)) => linearizable += 1,
            (Ending::Impossible(searched), Ending::Impossible(swept)) => {
                let definite = |placements: &[_]| {
                    let output = |placement: &&_| problem.output(**placement).is_some();
                    placements.iter().filter(output).count()
                };
                assert_eq!(definite(searched), definite(swept), "seed {seed}");
            }
            _ => panic!("seed {seed}: {searched:?}, but {swept:?}"),
        }
    }
    assert!((100..400).contains(&linearizable), "{linearizable} of 500 are linearizable");
}

#[test]
fn the_sweep_stops_when_the_budget_is_spent() {
    let history = random_history(1, 100);
    let operations = history.operations();
    let problem = Problem::new(&Register, &operations);
    let mut unhurried = Evaluation::new(&problem, Budget::default());
    assert!(Sweep::new(&mut unhurried).run().is_ok());
    let too_few = unhurried.steps() - 1;
    let mut hurried = Evaluation::new(&problem, Budget::steps(too_few));
    assert!(Sweep::new(&mut hurried).run().is_err());
    assert_eq!(hurried.steps(), too_few);
}
