//! Options that several verbs have: which architectures, by which emulator, in whose table, with
//! which flags.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

/// Architectures, by any usual name.
#[derive(Debug, Clone, Args)]
pub(crate) struct Names {
    /// Architectures or platforms: arm64, aarch64, linux/arm/v7, armhf, ... or all
    #[arg(value_name = "ARCH|PLATFORM")]
    pub(crate) names: Vec<String>,
}

/// Where emulators are looked for first.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Emulators {
    /// Look for emulators here, before the usual places; may be repeated
    #[arg(long = "emulator-dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dirs: Vec<PathBuf>,
    /// What runs arm64 and 32-bit Arm; default: Armistice's own engine, and QEMU where that is not
    /// found or the processor is too old for it
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<Engine>,
    /// Leave out the translations that 'armistice cache warm' has made
    #[arg(long)]
    pub(crate) no_cache: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// Armistice's own, which needs a processor of x86-64-v3
    Armistice,
    /// QEMU
    Qemu,
}

/// Whose table it is about.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct For {
    /// Whose table: that of this rootless engine of yours, or the machine's; default: the machine's,
    /// or as an ordinary user that of the only rootless engine that runs
    #[arg(long = "for", value_name = "ENGINE")]
    pub(crate) whose: Option<Whose>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Whose {
    /// The machine's, also where a rootless engine runs
    Machine,
    /// Rootless Podman's
    Podman,
    /// Podman's, which Buildah uses as `podman unshare buildah`
    Buildah,
    /// Rootless Docker's
    Docker,
    /// Rootless BuildKit's
    Buildkit,
}

/// What is refused unless it is insisted on.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Force {
    /// Also for architectures, by name, whose programs this machine runs by itself; the reason is
    /// shown with what is done
    #[arg(long, value_name = "REASON")]
    pub(crate) force_native: Option<String>,
}

/// Flags that can be left out of an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub(crate) struct FlagSwitches {
    /// Leave out flag F: the emulator is looked up in each container
    #[arg(long)]
    pub(crate) no_fix_binary: bool,
    /// Leave out flag P: programs do not see the name they were called by
    #[arg(long)]
    pub(crate) no_preserve_argv0: bool,
    /// Leave out flag O: programs that may be run but not read do not run (and C, which implies O)
    #[arg(long)]
    pub(crate) no_open_binary: bool,
    /// Leave out flag C: set-user-ID programs (sudo, su) do not get their owner's rights
    #[arg(long)]
    pub(crate) no_credentials: bool,
}
