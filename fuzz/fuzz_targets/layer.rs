//! Any bytes as a layer: unpacked, or an error; nothing outside its folder. What is
//! asserted is shared with crates/store/tests/any_layer.
#![no_main]

#[path = "../../crates/store/tests/any_layer/check.rs"]
mod check;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check::layer(bytes);
    let mut repaired = bytes.to_vec();
    check::repair(&mut repaired);
    if repaired != bytes {
        check::layer(&repaired);
    }
});
