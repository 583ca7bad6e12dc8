//! musl's libc-test, out of a checkout that the caller has (`--source`): its
//! programs linked with Debian's musl and with glibc, statically and
//! dynamically.
//!
//! musl is unpacked into the target folder. Dynamic programs name their loader
//! there, so that no root of another architecture is needed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use e2e::command::Done;

use super::compared::{Suite, Test, Verdict, Verdicts, of_program};
use super::source;
use crate::guest::{Arch, Guest};
use crate::setup;
use crate::step::run;

const LIMIT: Duration = Duration::from_secs(60);

const RELEASE: &str = "bookworm";

pub(super) fn suite(guest: Guest, folder: &Path, checkout: &Path) -> Result<Suite> {
    let work = folder.join("libc-test");
    std::fs::create_dir_all(&work)?;
    let mut tests = Vec::new();
    for libc in ["musl", "glibc"] {
        for arch in guest.both() {
            let place = work.join(format!("{libc}-{}", arch.name()));
            if !place.is_dir() {
                build(checkout, &place, libc, arch, guest, &work)?;
            }
        }
        // One that was built for one of them only is told as not built.
        let mut built = BTreeSet::new();
        for arch in guest.both() {
            built.extend(programs(&work.join(format!("{libc}-{}/src", arch.name())))?);
        }
        tests.extend(
            built
                .iter()
                .map(|program| test(&work, libc, guest, program)),
        );
    }
    Ok(Suite {
        name: "libc-test",
        guest,
        about: format!(
            "musl's libc-test ({}), linked with Debian {RELEASE}'s musl and with glibc, statically \
             and dynamically.",
            source::version(checkout)?
        ),
        tests,
    })
}

/// All programs of a libc and an architecture. Whole or not at all.
fn build(
    checkout: &Path,
    place: &Path,
    libc: &str,
    arch: Arch,
    guest: Guest,
    work: &Path,
) -> Result<()> {
    println!("Building libc-test: {libc}, {}.", arch.name());
    let partial = place.with_extension("partial");
    source::copy(checkout, &partial)?;
    let config = partial.join("config.mak");
    std::fs::copy(partial.join("config.mak.def"), &config)?;
    let mut text = std::fs::read_to_string(&config)?;
    text.push_str(&match libc {
        "musl" => with_musl(work, arch, guest)?,
        _ => with_glibc(arch),
    });
    std::fs::write(&config, text)?;
    let make = |goals: &[String]| -> Result<std::process::Output> {
        let mut make = Command::new("make");
        make.args(["-k", "-j2"]).args(goals).current_dir(&partial);
        make.output().context("can't start make")
    };
    // It has no goal that only builds, but tells what it would.
    let told = String::from_utf8(make(&["debug".to_owned()])?.stdout)?;
    let lines = told.lines().filter_map(|line| {
        line.strip_prefix("BINS ")
            .or_else(|| line.strip_prefix("LIBS "))
    });
    let goals: Vec<String> = lines
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
        .collect();
    if goals.is_empty() {
        bail!(
            "{}: libc-test's Makefile names no programs",
            checkout.display()
        );
    }
    // Some are not for each libc.
    let output = make(&goals)?;
    std::fs::write(
        partial.join("make.log"),
        [output.stdout, output.stderr].concat(),
    )?;
    Ok(std::fs::rename(partial, place)?)
}

/// The cross compilers' glibc comes without libcrypt.
fn with_glibc(arch: Arch) -> String {
    let (gnu, loader) = (arch.gnu(), arch.loader());
    let mut config = format!(
        "CC = {gnu}-gcc\nCROSS_COMPILE = {gnu}-\n\
         LDLIBS := $(filter-out -lcrypt,$(LDLIBS))\n"
    );
    if arch != Arch::Amd64 {
        let root = format!("/usr/{gnu}/lib");
        // The old tag is for what libc itself opens, too: libgcc_s, to end threads.
        config.push_str(&format!(
            "LDFLAGS += -Wl,--dynamic-linker={root}/{loader} \
             -Wl,-rpath,{root},--disable-new-dtags\n"
        ));
    }
    config
}

/// Its compiler's description names the places that Debian installs it to.
fn with_musl(work: &Path, arch: Arch, guest: Guest) -> Result<String> {
    let root = musl(work, guest)?.display().to_string();
    let (gnu, lib) = (arch.gnu(), format!("/usr/lib/{}", arch.musl()));
    let specs = std::fs::read_to_string(format!("{root}{lib}/musl-gcc.specs"))?;
    let moved = specs.replace("/usr/", &format!("{root}/usr/")).replace(
        &format!("/lib/{}", arch.musl_loader()),
        &format!("{root}{lib}/libc.so"),
    );
    let file = work.join(format!("musl-{gnu}.specs"));
    std::fs::write(&file, moved)?;
    Ok(format!(
        "CC = {gnu}-gcc -specs {}\nCROSS_COMPILE = {gnu}-\nLDLIBS := \
         $(filter-out -lcrypt -ldl -lresolv -lutil,$(LDLIBS))\n",
        file.display()
    ))
}

/// musl for both architectures, unpacked as it would lie on Debian, where /lib
/// is /usr/lib.
fn musl(work: &Path, guest: Guest) -> Result<PathBuf> {
    let root = work.join(guest.titled("musl"));
    if root.is_dir() {
        return Ok(root);
    }
    println!("Missing: Debian's musl of {RELEASE}, for both architectures (2 MB).");
    let at = work.join("musl-apt");
    let apt = setup::lists_for(&at, "deb", RELEASE, &guest.both().map(Arch::name))?;
    let unpacked = at.join("unpacked");
    for arch in guest.both().map(Arch::name) {
        for package in ["musl", "musl-dev"] {
            apt.get(&["download", &format!("{package}:{arch}")])?;
            run(Command::new("dpkg-deb")
                .arg("--extract")
                .arg(apt.file(&format!("{package}_"), &format!("_{arch}.deb"))?)
                .arg(&unpacked))?;
        }
    }
    run(Command::new("cp")
        .arg("--archive")
        .arg(unpacked.join("lib/."))
        .arg(unpacked.join("usr/lib")))?;
    std::fs::rename(unpacked, &root)?;
    std::fs::remove_dir_all(&at)?;
    Ok(root)
}

/// The programs that were built below a folder, as `functional/argv.exe`.
fn programs(folder: &Path) -> Result<Vec<String>> {
    let mut programs = Vec::new();
    for part in std::fs::read_dir(folder)? {
        let part = part?;
        if !part.path().is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(part.path())? {
            let (part, name) = (part.file_name(), entry?.file_name());
            let (part, name) = (part.to_string_lossy(), name.to_string_lossy());
            // runtest starts others, and api/main does nothing.
            if name.ends_with(".exe") && part != "common" && part != "api" {
                programs.push(format!("{part}/{name}"));
            }
        }
    }
    if programs.is_empty() {
        bail!(
            "{}: nothing was built: see make.log beside it",
            folder.display()
        );
    }
    Ok(programs)
}

fn test(work: &Path, libc: &str, guest: Guest, program: &str) -> Test {
    let at = |arch: &str| work.join(format!("{libc}-{arch}/src")).join(program);
    let [native, own] = guest.both().map(|arch| at(arch.name()));
    let both = [native.clone(), own.clone()];
    let name = program.trim_end_matches(".exe");
    Test {
        name: format!("{libc}/{name}"),
        build: Box::new(move |_| Ok(both.iter().all(|file| file.is_file()))),
        folder: work.to_owned(),
        native: vec![native.display().to_string()],
        own: vec![own.display().to_string()],
        limit: LIMIT,
        read,
        temporary: Vec::new(),
    }
}

fn read(name: &str, done: &Done) -> Verdicts {
    let verdict = if done.status.success() {
        Verdict::Passed
    } else {
        Verdict::Failed(of_program(done))
    };
    vec![(name.to_owned(), verdict)]
}
