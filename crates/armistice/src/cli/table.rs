//! The verbs about handlers in the kernel's table, and about what runs by them.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::Format;
use super::shared::{Emulators, FlagSwitches, For, Force, Names, Whose};

#[derive(Debug, Args)]
pub(crate) struct Register {
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) about: For,
    /// Show the plan, and for named architectures (or with -v) the exact register lines; change
    /// nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Remove somebody else's entry of the same name for good; else it stays, and Armistice's own is
    /// put before it
    #[arg(long)]
    pub(crate) replace: bool,
    /// Also keep it over reboots: copies the emulators and writes a file in binfmt.d; for a rootless
    /// engine: writes a unit of your systemd
    #[arg(long)]
    pub(crate) persist: bool,
    /// First run what is usual in this image, root folder or archive and translate it, as
    /// 'armistice cache warm' does: of several platforms those of arm64 and 32-bit Arm that ARCH
    /// names; may be repeated
    #[arg(long, value_name = "IMAGE|ROOTFS|ARCHIVE", conflicts_with_all = ["dry_run", "no_cache"])]
    pub(crate) warm: Vec<String>,
    /// How to show the result
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) emulators: Emulators,
    #[command(flatten)]
    pub(crate) flags: FlagSwitches,
    #[command(flatten)]
    pub(crate) force: Force,
}

#[derive(Debug, Args)]
pub(crate) struct Unregister {
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) about: For,
    /// Show what would go; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Also remove entries that are somebody else's
    #[arg(long, alias = "replace")]
    pub(crate) others: bool,
    /// Also undo `register --persist`
    #[arg(long)]
    pub(crate) persist: bool,
    /// Undo `register --persist` and nothing else: what is registered stays until the next boot
    #[arg(long, conflicts_with_all = ["persist", "others", "dry_run"])]
    pub(crate) only_persist: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) about: For,
    /// How to show it
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
    /// Run each handler and look at the emulator that really runs (takes some milliseconds each)
    #[arg(long)]
    pub(crate) probe: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) about: For,
    /// How to show the result
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A program, a script, a root folder, an image archive, or an image that docker or podman has
    #[arg(value_name = "FILE|IMAGE|ROOTFS", value_hint = ValueHint::AnyPath)]
    pub(crate) what: PathBuf,
    /// Of an image of several platforms: this one; a file has to be made for it
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<String>,
    /// Whose table: that of this rootless engine of yours, or the machine's; default: of an image
    /// that your rootless engine has, this engine's; of all else the machine's, as for your shell
    #[arg(long = "for", value_name = "ENGINE")]
    pub(crate) whose: Option<Whose>,
    /// How to show the result
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Guard {
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) about: For,
    /// Look at least this often, in seconds, beside being told of changes
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub(crate) interval: u64,
    /// Exists while everything is registered and verified, and only then
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ready_file: Option<PathBuf>,
    /// Unregister when told to end (SIGTERM, SIGINT)
    #[arg(long)]
    pub(crate) unregister_on_exit: bool,
    /// Remove somebody else's entry of the same name for good; else it stays, and Armistice's own is
    /// put before it
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) emulators: Emulators,
    #[command(flatten)]
    pub(crate) flags: FlagSwitches,
    #[command(flatten)]
    pub(crate) force: Force,
}

#[derive(Debug, Args)]
pub(crate) struct Shell {
    /// Architecture that shall run; may be repeated; default: all that an emulator exists for
    #[arg(short, long = "arch", value_name = "ARCH|PLATFORM")]
    pub(crate) arches: Vec<String>,
    /// Be root inside, so that chroot and mount work there, and with root's folders (/usr/sbin, ...)
    /// in PATH
    #[arg(long)]
    pub(crate) map_root: bool,
    #[command(flatten)]
    pub(crate) emulators: Emulators,
    #[command(flatten)]
    pub(crate) flags: FlagSwitches,
    #[command(flatten)]
    pub(crate) force: Force,
    /// The command; default: $SHELL
    #[arg(last = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    pub(crate) command: Vec<std::ffi::OsString>,
}
