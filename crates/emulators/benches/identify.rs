//! How long it takes to check, hash and ask emulators: `cargo bench -p armistice-emulators`.
#![allow(clippy::print_stdout, reason = "its only purpose is to print")]
#![allow(clippy::unwrap_used, reason = "a bench has nobody to report to")]

use std::time::{Duration, Instant};

use armistice_arch::Arch;
use armistice_emulators::{Emulator, Search, identify_all};

/// The median of many runs.
fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..31)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn found(names: &[&str]) -> Vec<Emulator> {
    let search = Search::new(&[], None, None);
    names
        .iter()
        .map(|n| search.find(Arch::by_name(n).unwrap()).unwrap().emulator)
        .collect()
}

fn main() {
    let one = ["aarch64"];
    let three = ["aarch64", "arm", "riscv64"];
    let emulator = found(&one).remove(0);
    println!("find and check 1   {:>9.2?}", median(|| drop(found(&one))));
    println!(
        "sha256 of 1        {:>9.2?}  ({} bytes)",
        median(|| _ = emulator.sha256().unwrap()),
        emulator.size()
    );
    println!(
        "--version of 1     {:>9.2?}",
        median(|| drop(emulator.version().unwrap()))
    );
    for names in [&one[..], &three[..]] {
        let time = median(|| {
            for identity in identify_all(&found(names)) {
                identity.unwrap().version.unwrap();
            }
        });
        println!("all of it for {}    {time:>9.2?}", names.len());
    }
}
