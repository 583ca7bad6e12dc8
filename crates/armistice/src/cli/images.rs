//! The verbs about images and containers, about translations of what images run, and about
//! Armistice's own image.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::Format;
use super::shared::Emulators;

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
    /// Run what is usual in Arm images or root folders, in containers without a network, translate it,
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
    /// Of an image of several platforms: this one, as linux/arm/v7; default: linux/arm64, or what it has
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<String>,
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
