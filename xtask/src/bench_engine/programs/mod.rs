//! `cargo xtask bench-engine programs`: whole programs of the kinds that
//! container builds are made of, in Debian for amd64 natively, and in the same
//! Debian for arm64 on QEMU and on the engine; with `--guest arm`, in Debian for i386
//! and for armhf.
//!
//! All run in turn, round by round, each run on a layer of its own, and what
//! is printed must be what native code prints. What counts is the time of
//! processors that a program and its children use, which other work on the
//! machine disturbs least; the time of the clock is beside it.
//!
//! The engine is measured cold, without kept translations, and warm, with what one run
//! of each item before the measurement has learned behind its file.
//!
//! The result is benches/results/programs.md, with a picture, or programs-arm.md.

mod items;
mod page;
mod picture;
mod place;
mod samples;
mod warm;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use e2e::product;

use crate::guest::Guest;
use crate::setup::{self, Need, need};
use items::{ITEMS, Item};
use place::{Candidate, Userlands};
use samples::Samples;

/// How to say what is wanted.
pub(super) const USAGE: &str = "bench-engine programs [--guest arm64|arm] [--quick] [--rounds N] [--only KIND|ITEM] [--engine FILE]";

/// Beside what the tests need.
const NEEDS: &[Need] = &[need(
    "git",
    "git",
    "makes the repository that an item works in",
)];

/// How often each is measured; the median counts.
const ROUNDS: usize = 5;

/// What is wanted.
#[derive(Debug, PartialEq)]
struct Wanted<'a> {
    guest: Guest,
    rounds: usize,
    /// One round, without QEMU.
    quick: bool,
    only: Option<&'a str>,
    /// One that was built elsewhere.
    engine: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn read(args: &[&'a str]) -> Result<Self> {
        let mut wanted = Self {
            guest: Guest::default(),
            rounds: ROUNDS,
            quick: false,
            only: None,
            engine: None,
        };
        let mut args = args.iter();
        while let Some(&arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} wants a value"));
            match arg {
                "--guest" => {
                    wanted.guest =
                        Guest::by_name(value()?).context("--guest wants arm64 or arm")?;
                }
                "--quick" => (wanted.quick, wanted.rounds) = (true, 1),
                "--rounds" => {
                    wanted.rounds = value()?.parse().context("--rounds wants a number")?
                }
                "--only" => wanted.only = Some(value()?),
                "--engine" => wanted.engine = Some(value()?),
                _ => bail!("no option {arg}; usage: cargo xtask {USAGE}"),
            }
        }
        if wanted.rounds == 0 {
            bail!("--rounds wants at least one");
        }
        Ok(wanted)
    }

    fn items(&self) -> Result<Vec<&'static Item>> {
        let is_wanted = |item: &&Item| {
            self.only
                .is_none_or(|only| only == item.name || only == item.kind.name())
        };
        let items: Vec<&Item> = ITEMS.iter().filter(is_wanted).collect();
        if items.is_empty() {
            bail!(
                "{:?} is neither a kind nor an item",
                self.only.unwrap_or_default()
            );
        }
        Ok(items)
    }
}

/// Measures; writes the page when all was measured, in as many rounds as a page
/// needs.
///
/// # Errors
/// Where something is missing, or a candidate fails or prints something else
/// than native code does.
pub(super) fn bench(args: &[&str]) -> Result<()> {
    let wanted = Wanted::read(args)?;
    let items = wanted.items()?;
    setup::install(&[setup::QUICK, setup::ENGINES, setup::USERLANDS, NEEDS])?;
    let guest = wanted.guest;
    let folder = product::target_dir().join(guest.titled("bench-programs"));
    fs::create_dir_all(&folder)?;
    let engine = copy_of_engine(&wanted, &folder)?;
    let userlands = Userlands::make(guest, &folder, &engine)?;
    userlands.same_versions()?;
    let warm = warm::baked(&userlands, &engine, &items)?;
    let candidates = candidates(guest, engine, warm)?;
    let head = page::head(guest, &candidates, wanted.rounds)?;
    let who = if wanted.quick {
        samples::QUICK
    } else {
        samples::ALL
    };
    let mut measured: Vec<Samples> = items.iter().map(|&item| Samples::new(item)).collect();
    for round in 1..=wanted.rounds {
        for samples in &mut measured {
            eprintln!("{}, round {round}", samples.item.name);
            samples.round(&userlands, &candidates, who)?;
        }
    }
    let page = page::page(&head, guest, &measured);
    println!("{page}");
    if wanted.only.is_none() && !wanted.quick && wanted.rounds >= ROUNDS {
        let results = product::workspace().join("benches/results");
        let [text, drawn] = page::names(guest);
        fs::write(results.join(&text), &page)?;
        fs::write(results.join(drawn), picture::picture(&measured))?;
        println!("Written to benches/results/{text}");
    }
    let wrong: Vec<&str> = (measured.iter())
        .flat_map(|samples| &samples.wrong)
        .map(String::as_str)
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("not all went as natively:\n  {}", wrong.join("\n  "))
}

/// A copy of the engine, so that building meanwhile does not exchange it.
fn copy_of_engine(wanted: &Wanted<'_>, folder: &Path) -> Result<PathBuf> {
    let built = match wanted.engine {
        Some(file) => PathBuf::from(file),
        None => wanted.guest.engine()?,
    };
    let engine = folder.join(wanted.guest.engine_name());
    fs::copy(&built, &engine).with_context(|| format!("{} can't be copied", built.display()))?;
    Ok(engine)
}

/// In the order of [`samples::CANDIDATES`].
fn candidates(
    guest: Guest,
    cold: PathBuf,
    warm: PathBuf,
) -> Result<[Candidate; samples::CANDIDATES]> {
    let qemu = guest.newest_qemu()?;
    let (cpu, variables) = page::other_cpu(guest);
    let candidate = |name, emulator, variables| Candidate {
        name,
        emulator,
        variables,
    };
    Ok([
        candidate("native", None, &[]),
        candidate("QEMU", Some(qemu.clone()), &[]),
        candidate(cpu, Some(qemu), variables),
        candidate("cold", Some(cold), &[]),
        candidate("warm", Some(warm), &[]),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_read_or_refused() {
        let wanted = Wanted::read(&["--rounds", "2", "--only", "start"]).unwrap();
        assert_eq!((wanted.rounds, wanted.only), (2, Some("start")));
        assert!(
            wanted
                .items()
                .unwrap()
                .iter()
                .any(|item| item.name == "dash")
        );
        for wrong in [
            &["--rounds"][..],
            &["--rounds", "0"],
            &["--fast"],
            &["--guest", "mips"],
            &["--rounds", "x"],
        ] {
            assert!(Wanted::read(wrong).is_err(), "{wrong:?}");
        }
        assert!(
            Wanted::read(&["--only", "nothing"])
                .unwrap()
                .items()
                .is_err()
        );
    }
}
