//! Promises that need a machine of their own, which QEMU makes: see
//! docs/testing.md.

mod report;
mod story;
mod unmounted;
