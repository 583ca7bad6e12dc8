//! The command line, as one definition: help, man page and completions come from it.
//! Messages of this crate name options where one helps; no library knows any.
//!
//! Here are the verbs, and what all of them have; `table` has the options of those about handlers,
//! `images` of those about images and containers, `shared` what several of them have.

mod images;
mod shared;
mod table;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use images::*;
pub(crate) use shared::*;
pub(crate) use table::*;

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
    /// Translate what Arm images run before it is needed, and look after what is kept
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
