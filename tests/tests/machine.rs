//! Promises that need a machine of their own, which QEMU makes: see
//! docs/testing.md.

#[path = "machine/report.rs"]
mod report;
#[path = "machine/story.rs"]
mod story;
#[path = "machine/unmounted.rs"]
mod unmounted;
