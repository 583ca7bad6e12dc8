//! The proof for an engine that needs no table of its own: the outer table, which its namespace
//! uses, has all that is wanted, as it is wanted. Nothing is changed.

use armistice_binfmt::{Snapshot, replay};

use crate::proving::{self, Wish};
use crate::registration::report::{HandlerLine, Report};
use crate::registration::request::Request;

/// Proves what is there.
pub(crate) fn prove(request: &Request, live: &Snapshot) -> Report {
    let wishes = request.arches().iter().map(|arch| Wish {
        arch,
        flags: request.flags(),
        trial: false,
    });
    let proofs = proving::all(wishes);
    let handlers = request.arches().iter().zip(proofs);
    Report {
        schema: 1,
        emulators: Vec::new(),
        handlers: handlers
            .filter_map(|(arch, proof)| {
                let entry = replay::winner(live, &arch.sample_header(2, 0), "")?;
                Some(HandlerLine::of_entry(entry, arch.display_name(), proof))
            })
            .collect(),
    }
}
