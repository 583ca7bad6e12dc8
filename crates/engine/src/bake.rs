//! `--bake`: an engine is written that has translations behind it.

use core::ffi::CStr;
use core::format_args as text;

use x64::convention::Convention;
use x64::features::HostFeatures;

use crate::host::message::{self, Shown};
use crate::host::start::Start;
use crate::host::sys::{self, Errno, Fd};
use crate::linux::abi::Abi;
use crate::translator::kept::bake::engine_with;
use crate::translator::kept::file::File;
use crate::translator::kept::format::Identity;
use crate::translator::kept::write;
use crate::translator::vcpu;

/// Writes an engine, this one with the translations of a file behind it.
pub fn run<A: Abi>(start: &Start, translations: &CStr, engine: &CStr) -> ! {
    let fits = start.build_id().is_some_and(|build| {
        let host = HostFeatures::detect();
        let convention = Convention::new(vcpu::layout::<A::Guest>(), host);
        File::open(translations, &Identity::new(build, &convention)).is_ok()
    });
    let name = Shown(translations.to_bytes());
    if !fits {
        message::line(text!("{name}: no translations that this engine can use"));
        sys::exit_group(1)
    }
    let content = |path: &CStr| Fd::open(path)?.read_sized(u64::MAX);
    let made = content(c"/proc/self/exe").and_then(|own| {
        let with = engine_with(&own, &content(translations)?);
        write::publish(engine, &with.ok_or(Errno::ENOEXEC)?, 0o755)
    });
    match made {
        Ok(()) => sys::exit_group(0),
        Err(error) => {
            let engine = Shown(engine.to_bytes());
            message::line(text!("{engine} can't be written: {error}"));
            sys::exit_group(1)
        }
    }
}
