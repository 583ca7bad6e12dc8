//! What a registration for a rootless engine means outside of its containers: nothing. Who registers
//! reads it, with what helps there.

use armistice_arch::{ARCHES, Arch};
use armistice_binfmt::{Snapshot, lookup, replay};
use armistice_container::rootless::Keeper;

use super::Joined;
use crate::output::Output;
use crate::registration::live::{self, Live};
use crate::registration::request::Request;
use crate::remedy;

/// The architectures whose programs the table runs that this process uses before it joins an engine's
/// namespace; nothing where it is in that already, so that what is outside cannot be known.
pub(crate) fn handled(chosen: Option<&Keeper>) -> Option<Vec<&'static Arch>> {
    if chosen.is_none_or(|keeper| keeper.joined) {
        return None;
    }
    remedy::remember_outside();
    let wins = |live: &Snapshot, arch: &Arch| {
        live.enabled && replay::winner(live, &arch.sample_header(2, 0), "").is_some()
    };
    Some(match live::look() {
        Ok(Live::Seen(live)) => ARCHES.iter().filter(|arch| wins(&live, arch)).collect(),
        Ok(Live::OutOfSight(_)) | Err(_) => lookup::handled(),
    })
}

/// Says where a registration holds, and where not.
pub(crate) fn tell(joined: Joined, request: &Request, outside: &[&Arch], output: Output) {
    let all: Vec<&str> = request.arches().iter().map(|a| a.display_name()).collect();
    let elsewhere = |arch: &&Arch| outside.iter().any(|o| o.name == arch.name);
    let missing = request
        .arches()
        .iter()
        .copied()
        .filter(|arch| !elsewhere(arch));
    let missing: Vec<&str> = missing.map(Arch::display_name).collect();
    output.note(format!(
        "This is for containers of {} alone: they run programs of {}.",
        joined.named(),
        all.join(", ")
    ));
    if missing.is_empty() {
        return;
    }
    // Where nearly all are meant, nobody types all.
    let (names, options) = match missing.len() {
        0..4 => (
            format!(" {}", missing.join(" ")),
            format!(" -a {}", missing.join(" -a ")),
        ),
        _ => (String::new(), String::new()),
    };
    output.note(format!(
        "Programs of {} that are started outside of these containers do not run by it. For those, {}; or without root: \
         armistice run IMAGE, armistice shell{options} -- COMMAND",
        missing.join(", "),
        remedy::on_the_machine(&format!("armistice register{names}"))
    ));
}
