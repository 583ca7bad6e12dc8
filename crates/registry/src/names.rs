//! Which of glibc's resolvers look up a host's address.
//!
//! This program is static. When it asks for an address, glibc loads the modules that
//! the host's nsswitch.conf lists, which belong to the host's glibc and may
//! crash in ours. `files` and `dns` are part of glibc itself since 2.34, so
//! only these are used.

use std::ffi::{c_char, c_int};
use std::sync::Once;

// SAFETY: glibc's function, by the type in its nss.h.
unsafe extern "C" {
    /// glibc: takes the place of a line of nsswitch.conf.
    fn __nss_configure_lookup(database: *const c_char, services: *const c_char) -> c_int;
}

static ONCE: Once = Once::new();

/// Lets glibc use only what is part of itself.
pub(crate) fn only_what_is_linked() {
    ONCE.call_once(|| {
        // SAFETY: both strings are static and end with NUL; glibc copies what it
        // needs. Called once, before this crate's first look-up.
        unsafe { __nss_configure_lookup(c"hosts".as_ptr(), c"files dns".as_ptr()) };
    });
}
