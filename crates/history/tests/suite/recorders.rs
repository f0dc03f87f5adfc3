//! Recording from many places at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use history::{ClientId, History, Outcome, Recorder};

#[test]
fn what_threads_record_at_once_makes_a_sound_history() {
    let now = AtomicU64::new(0);
    // A clock that now and then steps back.
    let clock = move || now.fetch_add(1, Ordering::Relaxed) / 3 * 10 % 4_000;
    let recorder: Recorder<u64, u64> = Recorder::new(clock);
    thread::scope(|scope| {
        for client in 0..4 {
            let recorder = recorder.clone();
            scope.spawn(move || {
                for number in 0..500 {
                    let pending = recorder.invoke(ClientId(client), number);
                    if number % 5 != 0 {
                        pending.complete(Outcome::Done(number));
                    }
                }
            });
        }
    });
    let history = recorder.history();
    assert_eq!(History::from_events(history.events().to_vec()), Ok(history.clone()));
    let operations = history.operations();
    assert_eq!(operations.len(), 2_000);
    for operation in operations {
        match operation.outcome() {
            Outcome::Done(output) => assert_eq!(output, operation.input()),
            other => assert_eq!((other, operation.input() % 5), (Outcome::Unknown, 0)),
        }
        assert_eq!(operation.completed_ns().is_some(), operation.input() % 5 != 0);
    }
}

#[test]
fn a_tester_that_panics_leaves_the_recording_usable() {
    let recorder: Recorder<u64, u64> = Recorder::new(|| 0);
    let panicking = recorder.clone();
    let result = thread::scope(|scope| {
        let tester = scope.spawn(move || {
            let _pending = panicking.invoke(ClientId(1), 1);
            panic!("the tester fails, as it is meant to");
        });
        tester.join()
    });
    assert!(result.is_err());
    recorder.invoke(ClientId(2), 2).complete(Outcome::NotDone);
    assert_eq!(recorder.history().operations().len(), 2);
}
