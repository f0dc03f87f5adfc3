//! Lets `sim-seed` replace libc's randomness and clocks also for callers that look them up by
//! name.

fn main() {
    // getrandom 0.4 asks the dynamic linker, and the linker sees only the exported symbols of a
    // program.
    for symbol in ["getrandom", "getentropy", "clock_gettime"] {
        println!("cargo::rustc-link-arg-bin=sim-seed=-Wl,--export-dynamic-symbol={symbol}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
