//! A layer as a stream: what compresses it is seen from its first bytes, and its
//! entries are gone over once, in order, with bounded memory.

pub use crate::read::attributes::Attributes;
pub use crate::read::compress::{Method, decode};
pub use crate::read::walk::{Fault, Member, MemberKind, Visit, looks_like_tar, stream};
