//! Lets `sim-seed` put its own randomness and clocks in the place of libc's for those who look them up by name, too.

fn main() {
    // getrandom 0.4 asks the dynamic linker, which sees of a program only what that exports.
    for symbol in ["getrandom", "getentropy", "clock_gettime"] {
        println!("cargo::rustc-link-arg-bin=sim-seed=-Wl,--export-dynamic-symbol={symbol}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
