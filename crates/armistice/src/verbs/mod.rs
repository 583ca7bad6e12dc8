//! The verbs: each plans, applies, and prints, and none names another.
//!
//! A verb has a module, but for `rmi` and `prune`, which `images` has. `entrypoint` is what the
//! container image starts. What several verbs need is in rooms below them, such as `registration`.

pub(crate) mod cache;
pub(crate) mod entrypoint;
pub(crate) mod explain;
pub(crate) mod generate;
pub(crate) mod guard;
pub(crate) mod image;
pub(crate) mod images;
pub(crate) mod pull;
pub(crate) mod register;
pub(crate) mod run;
pub(crate) mod shell;
pub(crate) mod status;
pub(crate) mod unregister;
pub(crate) mod verify;
