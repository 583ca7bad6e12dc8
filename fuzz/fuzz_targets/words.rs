//! Any text as an image's name and as a registry's challenge. What is asserted is shared
//! with crates/registry/tests/any_words.
#![no_main]

#[path = "../../crates/registry/tests/any_words/check.rs"]
mod check;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| check::words(text));
