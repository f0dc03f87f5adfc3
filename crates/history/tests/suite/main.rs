//! The checker from outside: known verdicts, generated histories, and histories written by hand.

#![cfg(test)] // tells clippy that helpers of tests are tests too

mod brute_force;
mod checker_rules;
mod choices;
mod etcd_histories;
mod generated_histories;
mod json_lines;
mod keys;
mod large_histories;
mod model_hints;
mod recorders;
mod stores;
mod user_etags;
mod user_histories;
