//! The command line, as one definition: help, man page and completions come from it.
//! Messages of this crate name options where one helps; no library knows any.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

const AFTER_HELP: &str = "\
Exit codes: 0 done; 1 it did not work, and stderr says why and what to do; 2 wrong usage.
`armistice run` and `armistice shell` exit with their command's code, or 125 where Armistice itself
failed.
Data goes to stdout, all else to stderr.";

/// Run Arm containers, and other foreign ones, on an Intel Linux machine.
#[derive(Debug, Parser)]
#[command(name = "armistice", version, propagate_version = true, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Global {
    /// Say less: no reports or notes, only errors, and answers that are asked for
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        help_heading = "For every verb"
    )]
    pub(crate) quiet: bool,
    /// Say more: what is looked at, and what is passed over
    #[arg(short, long, global = true, help_heading = "For every verb")]
    pub(crate) verbose: bool,
    /// Colour the output; NO_COLOR in the environment switches it off
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "For every verb"
    )]
    pub(crate) color: Color,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people; may change
    Table,
    /// For programs; stable
    Json,
    /// Names only, one a line
    Name,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make the kernel run foreign programs, and prove that it does
    Register(Register),
    /// Remove what Armistice registered
    Unregister(Unregister),
    /// Show the kernel's table: every handler, whose it is, what it pins
    Status(Status),
    /// Run a test program of each architecture through the kernel
    Verify(Verify),
    /// Say what would run a program, an image or a root folder, or why nothing would
    Explain(Explain),
    /// Keep the registrations in place: put back what others remove, and say who it was
    Guard(Guard),
    /// Run a command where foreign programs run, without root and without changing the machine
    Shell(Shell),
    /// Run a command in a container of an image or a root folder, without root and without a daemon
    Run(Box<Run>),
    /// Bring an image here: from a registry, an archive or a tar of a root folder
    Pull(Pull),
    /// List the images that are here
    Images(Images),
    /// Remove an image's name, and what only it led to
    Rmi(Rmi),
    /// Remove layers and other parts that no image here needs
    Prune(Prune),
    /// Translate what arm64 images run before it is needed, and look after what is kept
    #[command(subcommand)]
    Cache(Cache),
    /// Work with Armistice's own container image
    #[command(subcommand)]
    Image(Image),
    /// Write the man page or shell completions to stdout
    #[command(subcommand)]
    Generate(Generate),
}

impl Verb {
    /// Whether the answer is to be read by a program.
    pub(crate) fn answers_in_json(&self) -> bool {
        let format = match self {
            Verb::Register(args) => args.output,
            Verb::Status(args) => args.output,
            Verb::Verify(args) => args.output,
            Verb::Explain(args) => args.output,
            Verb::Pull(args) => args.output,
            Verb::Images(args) => args.output,
            Verb::Cache(Cache::Show(args) | Cache::Verify(args)) => args.output,
            Verb::Cache(Cache::Warm(_) | Cache::Clear)
            | Verb::Unregister(_)
            | Verb::Guard(_)
            | Verb::Shell(_)
            | Verb::Run(_)
            | Verb::Rmi(_)
            | Verb::Prune(_)
            | Verb::Image(_)
            | Verb::Generate(_) => return false,
        };
        format == Format::Json
    }

    /// Whether it changes anything, beside what it answers.
    pub(crate) fn changes(&self) -> bool {
        match self {
            Verb::Register(args) => !args.dry_run,
            Verb::Unregister(args) => !args.dry_run,
            Verb::Prune(args) => !args.dry_run,
            Verb::Guard(_) | Verb::Run(_) | Verb::Pull(_) | Verb::Rmi(_) => true,
            Verb::Cache(what) => matches!(what, Cache::Warm(_) | Cache::Clear),
            Verb::Status(_)
            | Verb::Verify(_)
            | Verb::Explain(_)
            | Verb::Shell(_)
            | Verb::Images(_)
            | Verb::Image(_)
            | Verb::Generate(_) => false,
        }
    }
}

/// The verb of a command line's words that follow the command: the first that is neither an
/// option nor an option's value.
pub(crate) fn verb_of<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> Option<W> {
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        // The only option of all verbs that has a value.
        if word.as_ref() == "--color" {
            words.next();
        } else if !word.as_ref().as_bytes().starts_with(b"-") {
            return Some(word);
        }
    }
    None
}

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
    /// 'armistice cache warm' does: of arm64, or of those of arm64 and 32-bit Arm that ARCH names;
    /// may be repeated
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
    #[command(flatten)]
    pub(crate) about: For,
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
    /// Be root inside, so that chroot and mount work there
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

/// How an image is fetched.
#[derive(Debug, Args)]
pub(crate) struct Fetching {
    /// This platform, or a lower variant of it; default: the only one that the image has, else
    /// linux/arm64
    #[arg(long, env = "DOCKER_DEFAULT_PLATFORM", value_name = "PLATFORM")]
    pub(crate) platform: Option<String>,
    /// Credentials are in this file; default: podman's auth.json, then Docker's config.json
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) authfile: Option<PathBuf>,
    /// Also trust the certificate authority in this PEM file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) tls_ca: Option<PathBuf>,
    /// Trust any certificate, and do without TLS where the registry has none
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Ask here first for images of docker.io; may be repeated
    #[arg(
        long = "mirror",
        env = "ARMISTICE_MIRROR",
        value_delimiter = ',',
        value_name = "HOST[/PATH]"
    )]
    pub(crate) mirrors: Vec<String>,
    /// Unpack a layer up to this size, such as 20g or 500m; default: 200 times what is stored of
    /// it, but at least 1g
    #[arg(long, env = "ARMISTICE_MAX_LAYER", value_name = "SIZE", value_parser = size)]
    pub(crate) max_layer: Option<u64>,
    /// What to show while it comes
    #[arg(long, value_name = "KIND", default_value = "auto")]
    pub(crate) progress: ProgressKind,
}

/// Bytes, as docker writes sizes.
fn size(text: &str) -> Result<u64, String> {
    let lower = text.to_ascii_lowercase();
    let digits = lower
        .trim_end_matches('b')
        .trim_end_matches(['k', 'm', 'g', 't']);
    let shift = match lower.trim_end_matches('b').strip_prefix(digits) {
        Some("") => 0,
        Some("k") => 10,
        Some("m") => 20,
        Some("g") => 30,
        Some("t") => 40,
        _ => 64,
    };
    let bytes = digits
        .parse()
        .ok()
        .and_then(|n: u64| n.checked_mul(1_u64.checked_shl(shift)?));
    bytes.ok_or_else(|| "write it like 20g or 500m".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressKind {
    /// Bars on a terminal, else lines
    Auto,
    /// Lines
    Plain,
    /// Nothing
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PullWhen {
    /// Ask the registry each time; layers that are here are not fetched again
    Always,
    /// Only where the image is not here
    Missing,
    /// Fail where the image is not here
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NetworkKind {
    /// The machine's own
    Host,
    /// Only a loopback
    None,
}

#[derive(Debug, Args)]
// What a variable gives (ARMISTICE_MIRROR) would be in the usage line as if it were required.
#[command(
    disable_help_flag = true,
    override_usage = "armistice run [OPTIONS] <IMAGE|ROOTFS|ARCHIVE> [COMMAND]...",
    // Of an option that is given twice docker takes the last.
    args_override_self = true
)]
pub(crate) struct Run {
    /// Set a variable; the name alone takes the value from here; may be repeated
    #[arg(short, long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<String>,
    /// Set the variables in this file, one a line; may be repeated
    #[arg(long = "env-file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) env_files: Vec<PathBuf>,
    /// Show a file or folder of this machine inside, perhaps read-only; may be repeated
    #[arg(short = 'v', long = "volume", value_name = "SRC:DST[:ro]")]
    pub(crate) volumes: Vec<String>,
    /// An empty folder in memory; may be repeated
    #[arg(long, value_name = "DST[:OPTIONS]")]
    pub(crate) tmpfs: Vec<String>,
    /// Where the command starts; default: what the image says
    #[arg(short, long, value_name = "DIR")]
    pub(crate) workdir: Option<String>,
    /// Who the command runs as, by name or number; default: what the image says
    #[arg(short, long, value_name = "USER[:GROUP]")]
    pub(crate) user: Option<String>,
    /// The program, in the place of the image's entry point; an empty one removes that
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) entrypoint: Option<String>,
    /// Give the command this input
    #[arg(short, long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) interactive: Option<bool>,
    /// Give the command a terminal
    #[arg(short, long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) tty: Option<bool>,
    /// Have a process 1 that hands signals on and reaps, and the command as its child
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) init: Option<bool>,
    /// The root is read-only
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) read_only: Option<bool>,
    /// The container's host name
    #[arg(short = 'h', long, value_name = "NAME")]
    pub(crate) hostname: Option<String>,
    /// A line for /etc/hosts; may be repeated
    #[arg(long, value_name = "HOST:IP")]
    pub(crate) add_host: Vec<String>,
    /// Which network there is
    #[arg(long, alias = "net", value_name = "KIND", default_value = "host")]
    pub(crate) network: NetworkKind,
    /// When to ask the registry
    #[arg(long, value_name = "WHEN", default_value = "missing")]
    pub(crate) pull: PullWhen,
    /// Taken for docker's sake: a container is always removed when it ends
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) rm: Option<bool>,
    #[command(flatten)]
    pub(crate) fetching: Fetching,
    #[command(flatten)]
    pub(crate) emulators: Emulators,
    /// Say more: what is looked at, and what is passed over
    #[arg(id = "verbose", long)]
    pub(crate) verbose: bool,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// An image's name, an archive, an OCI layout, a tar of a root folder, or a root folder, which is
    /// used where it is; a path begins with '/' or '.', or is a file
    #[arg(value_name = "IMAGE|ROOTFS|ARCHIVE", value_hint = ValueHint::AnyPath)]
    pub(crate) image: String,
    /// The command and its arguments; default: the image's
    #[arg(
        value_name = "COMMAND",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Args)]
#[command(override_usage = "armistice pull [OPTIONS] <IMAGE|ARCHIVE>")]
pub(crate) struct Pull {
    /// An image's name (debian:trixie, ghcr.io/a/b@sha256:...), an archive, an OCI layout, or a
    /// tar of a root folder; a path begins with '/' or '.', or is a file
    #[arg(value_name = "IMAGE|ARCHIVE", value_hint = ValueHint::AnyPath)]
    pub(crate) image: String,
    /// Keep it under this name
    #[arg(long, value_name = "NAME:TAG")]
    pub(crate) name: Option<String>,
    /// How to show the result
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) fetching: Fetching,
}

#[derive(Debug, Args)]
pub(crate) struct Images {
    /// Only the images of this name; exit code 1 where there is none
    #[arg(value_name = "IMAGE")]
    pub(crate) name: Option<String>,
    /// How to show them; with -q, a table is only the names
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Rmi {
    /// Their names
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) images: Vec<String>,
    /// Only the image for this platform; default: for all
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// Also remove the images that no container uses now
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Show what would go; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// Run what is usual in arm64 images or root folders, in containers without a network, translate it,
    /// and put that behind a copy of the engine, which register and run take from then on
    Warm(CacheWarm),
    /// Show what is kept
    Show(CacheShow),
    /// Check that what is kept is whole, is this user's or root's alone, and fits the engine
    Verify(CacheShow),
    /// Remove what is kept; what is registered stays as it is
    Clear,
}

#[derive(Debug, Args)]
pub(crate) struct CacheWarm {
    /// An image's name, an archive, or a root folder; what was kept before for the platform goes
    #[arg(value_name = "IMAGE|ROOTFS|ARCHIVE", value_hint = ValueHint::AnyPath, required = true)]
    pub(crate) what: Vec<String>,
    /// Whose programs: linux/arm64, or 32-bit Arm's, as linux/arm/v7
    #[arg(long, value_name = "PLATFORM", default_value = "linux/arm64")]
    pub(crate) platform: String,
    /// Look for the engine here, before the usual places; may be repeated
    #[arg(long = "emulator-dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dirs: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CacheShow {
    /// Look for the engine here, before the usual places; may be repeated
    #[arg(long = "emulator-dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dirs: Vec<PathBuf>,
    /// How to show it
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Image {
    /// Write a reproducible image with this command and the emulators, for docker load and podman load
    Build(ImageBuild),
}

#[derive(Debug, Args)]
pub(crate) struct ImageBuild {
    /// The archive to write; - is standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
    /// Architecture to put an emulator in for; may be repeated; default: all that containers come in
    #[arg(short, long = "arch", value_name = "ARCH|PLATFORM")]
    pub(crate) arches: Vec<String>,
    /// Name and tag of the image
    #[arg(
        short,
        long,
        value_name = "NAME:TAG",
        default_value = "armistice:latest"
    )]
    pub(crate) tag: String,
    /// Time stamp of all files, seconds since the epoch
    #[arg(
        long,
        env = "SOURCE_DATE_EPOCH",
        value_name = "SECONDS",
        default_value = "0"
    )]
    pub(crate) timestamp: u64,
    #[command(flatten)]
    pub(crate) emulators: Emulators,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Generate {
    /// The man page, in roff
    Man,
    /// Completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bug once: of `armistice --color never run` the verb was taken to be `never`.
    #[test]
    fn the_verb_is_found_behind_options_and_their_values() {
        let of = |line: &str| verb_of(line.split_whitespace().map(str::to_owned));
        for line in [
            "run debian",
            "-q run debian",
            "--color never run debian",
            "--color=never -v run debian",
        ] {
            assert_eq!(of(line).as_deref(), Some("run"), "{line}");
        }
        assert_eq!(of("--color"), None);
        assert_eq!(of(""), None);
        // Which options have a value, besides the verbs' own.
        let command = <Cli as clap::CommandFactory>::command();
        let valued = command
            .get_arguments()
            .filter(|a| !a.is_positional() && a.get_action().takes_values());
        let valued: Vec<_> = valued.filter_map(clap::Arg::get_long).collect();
        assert_eq!(valued, ["color"]);
    }
}
