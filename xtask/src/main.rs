//! The project's tasks: `cargo xtask TASK`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tasks talk to the person who started them"
)]

mod apt;
mod bench;
mod bench_engine;
mod bench_run;
mod deb;
mod decode_real;
mod demo;
mod differential;
mod dist;
mod guest;
mod machine;
mod measured;
mod proof_programs;
mod setup;
mod step;
mod suites;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask TASK

  demo           Show on this machine what Armistice does, and put all back
  test           Install what the tests need, build, check, and run all tests
  test --quick   The same without what needs a container engine
  machine [--long]
                 Run the tests that need a machine of their own, made by QEMU; with
                 --long in all releases of Debian, and write tests/results
  bench          Measure, and write benches/results
  bench-engine [--quick] [--only GROUP|KERNEL]
                 Measure the engine beside native code and QEMU
  bench-engine programs [--guest arm64|arm] [--quick] [--rounds N] [--only KIND|ITEM]
                 [--engine FILE]
                 The same with whole programs in Debian's userlands
  bench-run      Measure armistice run beside Podman and Docker
  differential [--long] [--seed N] [--op NAME] [--guest arm64|arm] [--installed-qemu]
                 [--without-avx512]
                 Compare interpreter, translator and QEMU; with --long, write
                 crates/oracle/results and crates/a32/results
  suites [--guest arm64|arm] [--only SUITE]
                 Run GCC's test programs under the engine and QEMU, and write
                 crates/engine/results
  suites [--guest arm64|arm] --only cpython|glib|perl|perl-cpan|stress-ng|systemd[:TEST,...]
                 [--again] [--fresh] [--all-on-qemu]
                 Run these in Debian for amd64 (i386) natively and for arm64
                 (armhf) on the engine; goes on where it was broken off
  suites [--guest arm64|arm] --only go|libc-test|ltp[:TEST,...] [--source CHECKOUT] [--all] [--jobs N]
                 Run tests of libraries and of system calls on the engine, and
                 natively and on QEMU what fails there, or all
  decode-real    Decode Debian's arm64 programs, and object files of armhf and armel, and
                 write crates/a64/results and crates/a32/results
  deb            Build the Debian package
  dist [--check] Make a release in target/dist; with --check twice, and compare
  proof-programs           Assemble crates/proof/programs
  proof-programs --check   Compare them with what is checked in";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["demo"] => demo::demo(),
        ["test"] => test::test(test::Extent::All),
        ["test", "--quick"] => test::test(test::Extent::Quick),
        ["machine"] => machine::machine(false),
        ["machine", "--long"] => machine::machine(true),
        ["bench"] => bench::run(),
        ["bench-engine", ref rest @ ..] => bench_engine::bench(rest),
        ["measured", ref rest @ ..] => measured::measured(rest),
        ["bench-run"] => bench_run::run(),
        ["differential", ref rest @ ..] => differential::differential(rest),
        ["suites", ref rest @ ..] => suites::suites(rest),
        ["decode-real"] => decode_real::decode_real(),
        ["deb"] => deb::build().map(|package| println!("Built {}", package.display())),
        ["dist", ref rest @ ..] => dist::dist(rest),
        ["proof-programs"] => proof_programs::proof_programs(proof_programs::Mode::Write),
        ["proof-programs", "--check"] => {
            proof_programs::proof_programs(proof_programs::Mode::Check)
        }
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
