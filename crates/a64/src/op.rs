//! The rows of `a64.isa`: every instruction, and what the table says of it. Made
//! by the crate `isa`, with the two look-ups by bits of a word that find the few rows it
//! may be.

use crate::features::Feature;

include!(concat!(env!("OUT_DIR"), "/a64.rs"));
