//! The command line: from arguments to what is to be done. No I/O.
//!
//! Here is what a command line may ask for, and what `--help` says of it; `read` finds in
//! arguments which of it they mean, `usage` says what is wrong with them.

mod qemu;
mod read;
mod usage;

use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;

use crate::debug::listen::Place;
use crate::linux::abi::platform::Guests;
use crate::options::Options;

pub use read::read;
pub use usage::Usage;

/// The exit code of a wrong command line.
pub const USAGE_ERROR: i32 = 2;

/// What `--help` prints, with names in braces.
const HELP: &str = "\
Runs Linux programs of {architecture} on this x86-64 machine, and of {other} too.

Usage: {engine} [OPTIONS] PROGRAM [ARGUMENT]...

Options:
  -0, --argv0 NAME   Give the program NAME as its argument 0 instead of PROGRAM
  -L, --root DIR     Look for the dynamic loader, libraries and other absolute
                     paths that are opened below DIR first
  -E NAME=VALUE      Set a variable of the program's environment
  -U NAME            Remove one
      --descriptor N PROGRAM is open at the descriptor N, and is closed
      --interpret    Run every instruction in the reference interpreter: slow,
                     and the measure of the translator
      --eager        Translate all code before it runs; else what runs a few
                     times only is interpreted
      --print-guest  Print the guest code of each region as it is translated
      --print-ir     Print what the guest code of each region is lifted to
      --print-host   Print the host code of each region as it is translated
      --counters     Print how often each region ran, at the end
      --strace       Print the program's system calls, also of what it executes
  -g, --gdb WHERE    Wait for GDB, at a port of this machine (0: any), or at a
                     path with a slash; then 'target remote WHERE'
      --perf-map     Write /tmp/perf-PID.map, so that perf names guest code
      --kept FILE    Use the translations in FILE, if it fits, in what the
                     program executes too; their host code is trusted as it is
      --learn NOTES  Add to NOTES which code of files ran, and not from kept
                     translations, in what the program executes too
      --translate NOTES FILE
                     Run nothing: translate what NOTES say, of the files that
                     are here by these paths, and add it to FILE
      --bake FILE ENGINE
                     Run nothing: write ENGINE, this program with the
                     translations in FILE behind it, for all programs it runs
  -h, --help         Print this help
  -V, --version      Print the version

Environment: ARMISTICE_LD_PREFIX, else QEMU_LD_PREFIX, is a DIR as for -L, if
it is there. Without either, a program whose loader is not here gets the one
in {folder} (Debian's {package}). No other QEMU_...
variable is read.

What is printed about code and system calls goes to standard error.

Exit code: that of PROGRAM, or 128 and its signal's number as shells have it;
2 when the options are wrong; 126 when PROGRAM cannot be run here, 127 when it
is not found; 70 when {engine} itself is at fault.
";

/// What `--help` prints.
#[must_use]
pub fn help(guests: Guests) -> String {
    let names = &guests.own.names;
    HELP.replace("{architecture}", guests.own.elf.name)
        .replace("{other}", guests.other.elf.name)
        .replace("{engine}", names.engine)
        .replace("{folder}", &names.folders[0].to_string_lossy())
        .replace("{package}", names.package)
}

/// A program to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    /// The options.
    pub options: Options,
    /// The path.
    pub program: &'a CStr,
    /// The descriptor that the kernel opened it at.
    pub descriptor: Option<i32>,
    /// Its arguments, with its name first.
    pub arguments: Vec<&'a CStr>,
    /// The descriptor of a file that has them and the environment instead.
    pub handed: Option<i32>,
    /// What was executed, where that is not the program but a script.
    pub executed: Option<&'a CStr>,
    /// Whether the kernel has started the engine for it.
    pub from_kernel: bool,
    /// Where a debugger is.
    pub debugger: Option<Debugger<'a>>,
    /// Where its loader and libraries are looked for first.
    pub prefix: Option<&'a CStr>,
    /// Changes of the environment, in their order.
    pub variables: Vec<Variable<'a>>,
    /// The file of translations that are used.
    pub kept: Option<&'a CStr>,
    /// The file of notes that what ran is added to.
    pub learn: Option<&'a CStr>,
    /// Whether who executes it has `READ_IMPLIES_EXEC`, which the kernel takes from an engine.
    pub reads_imply_exec: bool,
}

/// A change of the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable<'a> {
    /// `NAME=VALUE`.
    Set(&'a CStr),
    /// The name of one that goes.
    Unset(&'a CStr),
}

impl Variable<'_> {
    fn name(&self) -> &[u8] {
        let (Self::Set(text) | Self::Unset(text)) = self;
        name_of(text)
    }
}

/// The name in `NAME=VALUE`.
fn name_of(text: &CStr) -> &[u8] {
    let mut parts = text.to_bytes().split(|&byte| byte == b'=');
    parts.next().unwrap_or_default()
}

/// Changes the environment as the command line says.
pub fn set_environment(environment: &mut Vec<&'static CStr>, variables: &[Variable<'static>]) {
    for variable in variables {
        environment.retain(|text| name_of(text) != variable.name());
        if let Variable::Set(text) = variable {
            environment.push(text);
        }
    }
}

impl<'a> Run<'a> {
    /// What was executed: a script, or the program.
    #[must_use]
    pub fn name(&self) -> &'a CStr {
        self.executed.unwrap_or(self.program)
    }
}

/// Where a debugger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Debugger<'a> {
    /// It will connect there.
    Waiting(Place<'a>),
    /// It is connected by this descriptor.
    Connected(i32),
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Printing [`help`].
    Help,
    /// Printing the version.
    Version,
    /// Writing an engine with translations behind it.
    Bake {
        /// The file of translations.
        translations: &'a CStr,
        /// The engine that is written.
        engine: &'a CStr,
    },
    /// Translating what notes say that ran.
    Translate {
        /// The file of notes.
        notes: &'a CStr,
        /// The file of translations that is added to.
        translations: &'a CStr,
    },
    /// Running a program.
    Run(Run<'a>),
}
