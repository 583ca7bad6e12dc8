//! What an entry's flags promise becomes a proof to ask for, and the proof's outcome becomes words.

use armistice_arch::Arch;
use armistice_binfmt::{Flags, situation};
use armistice_proof::{Argv0, Credentials, Expect, Proof, ProofError, Ran, prove};

use crate::parallel;
use crate::registration::report::ProofLine;

/// A handler that is to be proven.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'f> {
    pub(crate) arch: &'static Arch,
    pub(crate) flags: &'f Flags,
    /// It takes test programs only.
    pub(crate) trial: bool,
}

/// Proves many, as many at once as the machine has CPUs; in order.
pub(crate) fn all<'f>(wanted: impl Iterator<Item = Wish<'f>>) -> Vec<ProofLine> {
    let wanted: Vec<_> = wanted.collect();
    parallel::map(&wanted, parallel::cpus(), one)
}

/// Proves what the flags promise.
fn one(wish: &Wish<'_>) -> ProofLine {
    let flags = wish.flags;
    let expect = Expect {
        argv0: flags.preserve_argv0,
        credentials: flags.credentials,
        empty_root: flags.fix_binary,
        trial: wish.trial,
        ..Expect::default()
    };
    let arch = wish.arch;
    let (proof, place) = if expect.empty_root {
        (prove(arch, expect), Place::Empty)
    } else {
        by_path(arch, expect)
    };
    match proof {
        Ok(proof) => in_words(&proof, &expect, place),
        Err(error) => ProofLine {
            proven: false,
            text: format!("NOT verified: {}", chain(&error)),
            not_tried: Vec::new(),
        },
    }
}

/// Where a program ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// As the proof says.
    Empty,
    /// In the root that the machine's programs run in.
    Machine,
    /// In the caller's root, which is not the machine's.
    Here,
}

/// Without flag F the emulator is looked up by path where the program runs. The
/// machine's programs run in the machine's root, so it is proven there, where the
/// caller may go there.
fn by_path(arch: &Arch, expect: Expect) -> (Result<Proof, ProofError>, Place) {
    if situation::is_machines_root() {
        return (prove(arch, expect), Place::Machine);
    }
    match situation::in_machines_root(|| prove(arch, expect)) {
        Some(proof) => (proof, Place::Machine),
        None => (prove(arch, expect), Place::Here),
    }
}

/// An error with its causes, on one line.
fn chain(error: &ProofError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

fn in_words(proof: &Proof, expect: &Expect, place: Place) -> ProofLine {
    let wrong = wrong(proof, expect);
    let proven = wrong.is_empty();
    let text = if proven {
        format!(
            "verified: ran a test program in {}{}",
            match place {
                Place::Empty => proof.root.to_string(),
                Place::Machine => "the machine's own root".to_owned(),
                Place::Here => "the caller's own root".to_owned(),
            },
            came_through(proof)
        )
    } else {
        format!("NOT verified: {}", wrong.join("; "))
    };
    ProofLine {
        proven,
        text,
        not_tried: not_tried(proof, expect, place),
    }
}

/// What was promised and not shown.
fn wrong(proof: &Proof, expect: &Expect) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Ran::No(failure) = &proof.ran {
        wrong.push(format!("the test program did not run: {failure}"));
    }
    if expect.empty_root && !proof.root.is_empty() {
        wrong.push(format!(
            "the test program ran, but {}; where it runs in a container, add --cap-add SYS_CHROOT or --privileged",
            proof.root
        ));
    }
    match &proof.argv0 {
        Argv0::Failed { got } if expect.argv0 => {
            wrong.push(format!(
                "argv[0] did not come through (it got \"{}\"): {ARGV0_NEEDS}",
                got.escape_debug()
            ));
        }
        _ => {}
    }
    match &proof.credentials {
        Credentials::Failed if expect.credentials => {
            wrong.push(
                "a set-user-ID copy did not get its owner's rights, in spite of flag C".to_owned(),
            );
        }
        Credentials::Broken(failure) => {
            wrong.push(format!("its set-user-ID copy fails: {failure}"))
        }
        _ => {}
    }
    wrong
}

/// What could not be tried, and why.
fn not_tried(proof: &Proof, expect: &Expect, place: Place) -> Vec<String> {
    let mut not_tried = Vec::new();
    if let Credentials::NotTried(why) = &proof.credentials
        && expect.credentials
        && proof.ran == Ran::Yes
    {
        not_tried.push(format!("credentials (flag C): {why}"));
    }
    if place == Place::Here {
        not_tried.push(
            "other roots: without flag F the emulator is looked up by path in the root of each program, and this \
             one is not the machine's"
                .to_owned(),
        );
    }
    not_tried
}

/// What flag P needs beside the flag.
const ARGV0_NEEDS: &str =
    "flag P needs an emulator that knows it (QEMU 5.2 or later, Linux 5.12 or later)";

fn came_through(proof: &Proof) -> &'static str {
    match (&proof.argv0, &proof.credentials) {
        (Argv0::Passed, Credentials::Passed) => "; argv[0] and credentials came through",
        (Argv0::Passed, _) => "; argv[0] came through",
        (_, Credentials::Passed) => "; credentials came through",
        _ => "",
    }
}
