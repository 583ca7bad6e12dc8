//! Images on disk: documents, unpacked layers, names; how they come, and how
//! they go. docs/run-design.md has the layout and the reasons.
//!
//! What a container needs is one value: [`Held`], from [`Store::hold`]. It has
//! the lowers in overlay's order, the configuration and the platform, and
//! keeps the layers from being removed while it is open.
//!
//! - [`layout`]: the store and its paths. `mark`: which folder is a store. `names`: what is
//!   its own there. `folder`: one of its folders, open. `files`: whole writes, locks. `removal`: trees.
//! - [`source`]: where images come from. [`pull`]: how they come.
//! - `fetch`: one blob, resumed and verified. `unpack`: one layer.
//! - [`image`]: what there is. `prune`: what nothing leads to.
//! - [`running`]: folders of containers that run.
//! - [`mod@view`]: images for who only looks.
//! - [`ids`]: under which identities this process unpacks.
//!
//! Nothing here knows a network or a namespace, and nothing prints.

mod error;
mod event;
mod fetch;
mod files;
mod folder;
pub mod ids;
pub mod image;
mod layer;
pub mod layout;
mod mark;
mod names;
pub mod near;
mod prune;
pub mod pull;
mod removal;
pub mod running;
pub mod source;
mod unpack;
pub mod view;

pub use error::{Error, SourceError};
pub use event::Event;
pub use ids::{Ids, Owners};
pub use image::{Held, StoredImage};
pub use layout::Store;
pub use near::Near;
pub use prune::{Pruned, What};
pub use pull::{LeftOut, Pulled, Wanted};
pub use running::RunFolder;
pub use source::{Source, Top, choose};
pub use unpack::Limits;
#[doc(hidden)]
pub use unpack::scratch;
pub use view::{Files, Viewed, view};
