//! Any bytes as manifest, index and configuration: read, or an error. What is
//! asserted is shared with crates/store/tests/any_layer.
#![no_main]

#[path = "../../crates/store/tests/any_layer/check.rs"]
mod check;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| check::documents(bytes));
