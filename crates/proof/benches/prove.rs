//! How long proofs take: one, and three architectures at once, in a private
//! table of handlers. `cargo bench -p armistice-proof`; needs root.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement, for a person to read"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use armistice_arch::{ARCHES, Arch};
use armistice_proof::{Expect, prove};
use support::table::{Users, execute_inside, is_inside, register};

const ROUNDS: usize = 50;

fn main() {
    if is_inside("bench") {
        measure();
    } else {
        print!("{}", execute_inside("bench", &[], Users::All));
    }
}

fn measure() {
    let foreign: Vec<&Arch> = ARCHES
        .iter()
        .filter(|arch| arch.name != Arch::host().name)
        .collect();
    for arch in &foreign {
        register(arch, &support::emulator(arch.emulator), "POCF");
    }
    let three = ["aarch64", "arm", "riscv64"].map(|name| Arch::by_name(name).unwrap());
    report("aarch64", || prove_all(&three[..1]));
    report("the host's own program", || prove_all(&[Arch::host()]));
    report("aarch64, arm and riscv64 at once", || prove_all(&three));
    report("all at once", || prove_all(&foreign));
}

fn prove_all(arches: &[&'static Arch]) {
    std::thread::scope(|scope| {
        for arch in arches {
            scope.spawn(|| {
                let proof = prove(arch, Expect::default()).unwrap();
                assert!(proof.proves(&Expect::default()), "{}: {proof:?}", arch.name);
            });
        }
    });
}

fn report(what: &str, once: impl Fn()) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            once();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!(
        "{what}: median {:.1} ms, fastest {:.1} ms, slowest {:.1} ms",
        ms(times[ROUNDS / 2]),
        ms(times[0]),
        ms(times[ROUNDS - 1])
    );
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
