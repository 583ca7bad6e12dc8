//! Any text as an image's name and as a registry's challenge. fuzz/fuzz_targets/words.rs asserts
//! the same.

mod check;

use proptest::prelude::*;

proptest! {
    #[test]
    fn any_text(text in ".{0,60}") {
        check::words(&text);
    }

    #[test]
    fn almost_a_name(text in "([a-zA-Z0-9.:_@/\\[\\]-]|sha256:[0-9a-f]{64}){0,12}") {
        check::words(&text);
    }

    #[test]
    fn a_long_name(text in "(docker.io/|a/|r.io/)?[a-z]{225,260}") {
        check::words(&text);
    }

    #[test]
    fn almost_a_challenge(text in "(Bearer |Basic )?([a-z]{1,8}=(\"[^\"]{0,10}\"|[^,]{0,5}),? ?){0,5}[=\",\\\\]{0,3}") {
        check::words(&text);
    }
}
