//! A batch in the interpreter, and in the translator on each kind of host: this one, and this one
//! without AVX-512.
//!
//! Tests that need no QEMU compare by [`same`]; those that look at some of the registers only, by
//! [`results`].

use std::fmt::Display;

use x64::features::HostFeatures;

use crate::case::{Batch, Results};
use crate::interpreter;
use crate::tested::Tested;
use crate::translator::Translator;

/// What the interpreter makes of a batch, and what the translator does on each host.
///
/// # Panics
/// Where the host is none for the translator.
#[must_use]
pub fn results<G: Tested>(batch: &Batch<G>) -> (Results<G>, [Results<G>; 2]) {
    let host = HostFeatures::detect();
    assert!(host.v3(), "the translator needs x86-64-v3");
    let by_hosts = [host, host.without_avx512()].map(|host| {
        let mut translator = Translator::new(host).expect("a translator");
        translator.run(batch)
    });
    (interpreter::run(batch), by_hosts)
}

/// What the interpreter makes of a batch; the translator makes the same of it on each host.
///
/// # Panics
/// Where the translator makes something else: `what` says of what.
#[track_caller]
pub fn same<G: Tested>(batch: &Batch<G>, what: impl Display) -> Results<G> {
    let (expected, by_hosts) = results(batch);
    for (found, host) in by_hosts.iter().zip(["", ", without AVX-512"]) {
        for (n, (program, before)) in batch.states.iter().enumerate() {
            let words = &batch.programs[*program].words;
            assert_eq!(
                expected.states[n], found.states[n],
                "{what}{host}: {words:08x?} from {before:x?}"
            );
            assert!(
                expected.data_of(n) == found.data_of(n),
                "{what}{host}: the memory that {words:08x?} leaves from {before:x?}"
            );
        }
    }
    expected
}
