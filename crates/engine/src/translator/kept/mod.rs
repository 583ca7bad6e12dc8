//! Translations that outlive the process: code in a file, used in place.
//!
//! A file has *clusters*: regions of one image of the guest's that ran together, at most
//! some ten kilobytes of code. A cluster is found by the first words at one of its entries,
//! and used once all of the guest's words that it was made of have been compared
//! with what is there: no path, no build-id and no address takes part. Its code is mapped
//! from the file and never changed; what differs between processes (where the guest's
//! code lies, where exits lead) is in words before the code, which are the process's own.
//!
//! A cluster is awake or not, as a region is (`code/cache.rs`), and as a whole: when a
//! part of its guest code changes, all of it sleeps, and live translations take its place.
//! It relies on no entry outside, as its exits leave with the flags in the state.

pub mod bake;
pub mod build;
pub mod cluster;
pub mod file;
pub mod format;
pub mod image;
pub mod learn;
pub mod notes;
pub mod write;

#[cfg(test)]
mod tests;
