//! One module a verb: plan, apply, print.

pub(crate) mod cache;
pub(crate) mod dry_run;
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
