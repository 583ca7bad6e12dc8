//! Finding, checking and identifying emulators.
