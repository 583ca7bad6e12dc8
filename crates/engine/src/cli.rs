//! The command line: from arguments to what is to be done. No I/O.
//!
//! Started by the kernel through `binfmt_misc`, there are no options: every
//! argument is the user's. The kernel says so by a descriptor of the program
//! (flag O, and C, which implies it) or by `AT_FLAGS` (flag P).

use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::fmt;

use crate::debug::listen::Place;
use crate::host::auxv::key;
use crate::host::message::{self, Shown};
use crate::host::start::Start;
use crate::linux::abi::platform::Platform;

/// The exit code of a wrong command line.
pub const USAGE_ERROR: i32 = 2;

/// What `--help` prints, with names in braces.
const HELP: &str = "\
Runs Linux programs of {architecture} on this x86-64 machine.

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
pub fn help(platform: &Platform) -> String {
    let names = &platform.names;
    HELP.replace("{architecture}", platform.elf.name)
        .replace("{engine}", names.engine)
        .replace("{folder}", &names.folders[0].to_string_lossy())
        .replace("{package}", names.package)
}

/// What to look at while the program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Everything in the interpreter.
    pub interpret: bool,
    /// Everything translated before it runs.
    pub eager: bool,
    /// Print the guest code of each region.
    pub print_guest: bool,
    /// Print what each region is lifted to.
    pub print_ir: bool,
    /// Print the host code of each region.
    pub print_host: bool,
    /// Print the regions' counters at the end.
    pub counters: bool,
    /// Print system calls.
    pub strace: bool,
    /// Write a map for perf.
    pub perf_map: bool,
}

impl Options {
    /// Whether translations are made as they are needed, and nobody looks at them.
    #[must_use]
    pub const fn only_runs(&self) -> bool {
        !(self.interpret
            || self.eager
            || self.print_guest
            || self.print_ir
            || self.print_host
            || self.counters
            || self.perf_map)
    }
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

/// What is wrong with a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage<'a> {
    /// There is no such option.
    Unknown(&'a CStr),
    /// The option takes no value.
    Value(&'a CStr),
    /// The option's value is missing.
    NoValue(&'a CStr),
    /// The value is no number.
    Number(&'a CStr),
    /// Neither a port nor a path.
    Place(&'a CStr),
    /// A debugger, or a file of translations or notes, for a program with rights that its user does
    /// not have.
    Rights,
    /// An option that only QEMU has, and what to do here.
    OfQemu(&'a CStr, &'static str),
    /// No `NAME=VALUE`, or no `NAME`.
    Variable(&'a CStr),
    /// Several variables in one.
    Variables(&'a CStr),
    /// There is no program.
    NoProgram,
}

impl fmt::Display for Usage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown =
            |option: &CStr, f: &mut fmt::Formatter<'_>| write!(f, "'{}'", Shown(option.to_bytes()));
        match self {
            Self::Unknown(option) => {
                f.write_str("unknown option ")?;
                shown(option, f)?;
            }
            Self::Value(option) => {
                f.write_str("a value for an option that takes none: ")?;
                shown(option, f)?;
            }
            Self::NoValue(option) => {
                f.write_str("a value is missing for ")?;
                shown(option, f)?;
            }
            Self::Number(value) => {
                f.write_str("not a descriptor: ")?;
                shown(value, f)?;
            }
            Self::Place(value) => {
                f.write_str("neither a port nor a path with a slash: ")?;
                shown(value, f)?;
            }
            Self::Rights => f.write_str(
                "no debugger and no file of translations for a program with others' rights",
            )?,
            Self::OfQemu(option, advice) => {
                shown(option, f)?;
                write!(f, " is an option of QEMU's only: {advice}")?;
            }
            Self::Variable(value) => {
                f.write_str("no variable of the environment (-E NAME=VALUE, -U NAME): ")?;
                shown(value, f)?;
            }
            Self::Variables(value) => {
                f.write_str("more than one variable (repeat -E or -U; or use env(1) for a value with this comma): ")?;
                shown(value, f)?;
            }
            Self::NoProgram => f.write_str("no program to run")?,
        }
        write!(f, "; see {} --help", message::name())
    }
}

/// `AT_FLAGS_PRESERVE_ARGV0`: the program's own argument 0 comes behind its
/// path.
const PRESERVE_ARGV0: u64 = 1;

/// What the process was started for.
///
/// # Errors
/// When the arguments are wrong.
pub fn read(start: &Start) -> Result<Command<'static>, Usage<'static>> {
    let arguments = start.arguments.get(1..).unwrap_or_default();
    let descriptor = start
        .auxiliary(key::EXECFD)
        .and_then(|descriptor| i32::try_from(descriptor).ok());
    let preserved = start.auxiliary(key::FLAGS).unwrap_or(0) & PRESERVE_ARGV0 != 0;
    if descriptor.is_some() || preserved {
        from_kernel(arguments, descriptor, preserved, start.executed)
    } else {
        let command = from_user(arguments)?;
        let secure = start.auxiliary(key::SECURE).unwrap_or(0) != 0;
        match command {
            Command::Run(Run {
                debugger,
                kept,
                learn,
                ..
            }) if secure && (debugger.is_some() || kept.is_some() || learn.is_some()) => {
                Err(Usage::Rights)
            }
            command => Ok(command),
        }
    }
}

/// The kernel's arguments: the path, with the flag P the program's argument
/// 0, and its other arguments.
fn from_kernel<'a>(
    arguments: &[&'a CStr],
    descriptor: Option<i32>,
    preserved: bool,
    executed: Option<&'a CStr>,
) -> Result<Command<'a>, Usage<'a>> {
    let (&program, rest) = arguments.split_first().ok_or(Usage::NoProgram)?;
    // A program that was started without any argument has none.
    let arguments = if preserved { rest } else { arguments };
    Ok(Command::Run(Run {
        options: Options::default(),
        program,
        descriptor,
        arguments: arguments.to_vec(),
        handed: None,
        executed,
        from_kernel: true,
        debugger: None,
        prefix: None,
        variables: Vec::new(),
        kept: None,
        learn: None,
    }))
}

/// Options up to the first argument that is none; that is the program.
fn from_user<'a>(arguments: &[&'a CStr]) -> Result<Command<'a>, Usage<'a>> {
    let mut options = Options::default();
    let mut argv0 = None;
    let mut descriptor = None;
    let mut debugger = None;
    let mut handed = None;
    let mut executed = None;
    let mut prefix = None;
    let mut variables = Vec::new();
    let (mut kept, mut learn) = (None, None);
    let mut rest = arguments.iter().copied();
    let program = loop {
        let argument = rest.next().ok_or(Usage::NoProgram)?;
        let flag = match argument.to_bytes() {
            b"--" => break rest.next().ok_or(Usage::NoProgram)?,
            b"-h" | b"-help" | b"--help" => return Ok(Command::Help),
            b"-V" | b"-version" | b"--version" => return Ok(Command::Version),
            b"-L" | b"--root" => {
                prefix = Some(rest.next().ok_or(Usage::NoValue(argument))?);
                continue;
            }
            option @ (b"--bake" | b"--translate") => {
                let mut value = || rest.next().ok_or(Usage::NoValue(argument));
                let (from, to) = (value()?, value()?);
                return Ok(if option == b"--bake" {
                    Command::Bake {
                        translations: from,
                        engine: to,
                    }
                } else {
                    Command::Translate {
                        notes: from,
                        translations: to,
                    }
                });
            }
            option @ (b"--kept" | b"--learn") => {
                let path = rest.next().ok_or(Usage::NoValue(argument))?;
                *(if option == b"--learn" {
                    &mut learn
                } else {
                    &mut kept
                }) = Some(path);
                continue;
            }
            b"-E" => {
                let value = rest.next().ok_or(Usage::NoValue(argument))?;
                variables.push(set(value)?);
                continue;
            }
            b"-U" => {
                let value = rest.next().ok_or(Usage::NoValue(argument))?;
                variables.push(unset(value)?);
                continue;
            }
            b"-0" | b"--argv0" => {
                argv0 = Some(rest.next().ok_or(Usage::NoValue(argument))?);
                continue;
            }
            b"--descriptor" => {
                descriptor = Some(number_of(argument, rest.next())?);
                continue;
            }
            b"--arguments" => {
                handed = Some(number_of(argument, rest.next())?);
                continue;
            }
            b"--execfn" => {
                executed = Some(rest.next().ok_or(Usage::NoValue(argument))?);
                continue;
            }
            b"--debugger" => {
                debugger = Some(Debugger::Connected(number_of(argument, rest.next())?));
                continue;
            }
            b"-g" | b"--gdb" => {
                let value = rest.next().ok_or(Usage::NoValue(argument))?;
                let place = Place::read(value).ok_or(Usage::Place(value))?;
                debugger = Some(Debugger::Waiting(place));
                continue;
            }
            b"--interpret" => &mut options.interpret,
            b"--eager" => &mut options.eager,
            b"--print-guest" => &mut options.print_guest,
            b"--print-ir" => &mut options.print_ir,
            b"--print-host" => &mut options.print_host,
            b"--counters" => &mut options.counters,
            b"-strace" | b"--strace" => &mut options.strace,
            b"--perf-map" => &mut options.perf_map,
            bytes => match attached(argument, bytes)? {
                Some(name) => {
                    argv0 = Some(name);
                    continue;
                }
                None => break argument,
            },
        };
        *flag = true;
    };
    let mut arguments = alloc::vec![argv0.unwrap_or(program)];
    arguments.extend(rest);
    Ok(Command::Run(Run {
        options,
        program,
        descriptor,
        arguments,
        handed,
        executed,
        from_kernel: false,
        debugger,
        prefix,
        variables,
        kept,
        learn,
    }))
}

/// `NAME=VALUE`. QEMU would take `A=1,B=2` for two variables.
fn set(value: &CStr) -> Result<Variable<'_>, Usage<'_>> {
    let bytes = value.to_bytes();
    let name = name_of(value);
    if name.is_empty() || name.len() == bytes.len() {
        return Err(Usage::Variable(value));
    }
    let is_name = |name: &[u8]| {
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        !name.is_empty() && name.iter().all(word)
    };
    let second = |part: &[u8]| {
        let end = part.iter().position(|&byte| byte == b'=');
        end.is_some_and(|end| is_name(&part[..end]))
    };
    if bytes.split(|&byte| byte == b',').skip(1).any(second) {
        return Err(Usage::Variables(value));
    }
    Ok(Variable::Set(value))
}

/// `NAME`.
fn unset(value: &CStr) -> Result<Variable<'_>, Usage<'_>> {
    let bytes = value.to_bytes();
    if bytes.contains(&b',') {
        return Err(Usage::Variables(value));
    }
    if bytes.is_empty() || bytes.contains(&b'=') {
        return Err(Usage::Variable(value));
    }
    Ok(Variable::Unset(value))
}

/// Options that QEMU has and the engine has not, and what to do instead. QEMU
/// takes them with one dash or two.
const OF_QEMU: [(&[u8], &str); 17] = [
    (
        b"cpu",
        "the processor is always the one that 'cat /proc/cpuinfo' shows; leave it out",
    ),
    (
        b"s",
        "the stack may grow as far as ulimit -s allows; set that",
    ),
    (
        b"R",
        "the program has the whole address space; ulimit -v limits it",
    ),
    (b"B", "guest addresses are this machine's; leave it out"),
    (
        b"r",
        "the release of the kernel is this machine's; leave it out",
    ),
    (b"p", "pages have 4096 bytes; leave it out"),
    (
        b"d",
        "--print-guest, --print-ir and --print-host show code, --strace system calls",
    ),
    (
        b"D",
        "what is printed goes to standard error; redirect that",
    ),
    (
        b"dfilter",
        "what --print-guest and --print-host show can be searched",
    ),
    (b"singlestep", "--interpret runs one instruction at a time"),
    (
        b"one-insn-per-tb",
        "--interpret runs one instruction at a time",
    ),
    (b"seed", "random numbers are the kernel's; leave it out"),
    (b"trace", "--strace prints system calls"),
    (
        b"plugin",
        "there are no plugins; --counters says what runs how often",
    ),
    (b"perfmap", "--perf-map does it"),
    (b"jitdump", "--perf-map names code for perf"),
    (
        b"t",
        "the memory for translated code grows as needed; leave it out",
    ),
];

/// What is said of an option of QEMU's.
fn of_qemu<'a>(argument: &'a CStr) -> Option<Usage<'a>> {
    let name = argument.to_bytes().strip_prefix(b"-")?;
    let name = name.strip_prefix(b"-").unwrap_or(name);
    let known = OF_QEMU.iter().find(|(known, _)| *known == name);
    known.map(|(_, advice)| Usage::OfQemu(argument, advice))
}

/// The descriptor behind an option.
fn number_of<'a>(option: &'a CStr, value: Option<&'a CStr>) -> Result<i32, Usage<'a>> {
    let value = value.ok_or(Usage::NoValue(option))?;
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.ok_or(Usage::Number(value))
}

/// The name in `-0NAME` or `--argv0=NAME`; none when the argument is no
/// option at all.
fn attached<'a>(argument: &'a CStr, bytes: &[u8]) -> Result<Option<&'a CStr>, Usage<'a>> {
    const LONG: [&[u8]; 10] = [
        b"--help",
        b"--version",
        b"--interpret",
        b"--eager",
        b"--print-guest",
        b"--print-ir",
        b"--print-host",
        b"--counters",
        b"--perf-map",
        b"--strace",
    ];
    if bytes.len() < 2 || bytes[0] != b'-' {
        return Ok(None);
    }
    for prefix in [&b"--argv0="[..], b"-0"] {
        if bytes.starts_with(prefix) {
            let with_nul = argument.to_bytes_with_nul();
            let name = with_nul.get(prefix.len()..).unwrap_or_default();
            return CStr::from_bytes_with_nul(name)
                .map(Some)
                .map_err(|_| Usage::NoValue(argument));
        }
    }
    let name = bytes.split(|&byte| byte == b'=').next().unwrap_or_default();
    if name.len() < bytes.len() && LONG.contains(&name) {
        return Err(Usage::Value(argument));
    }
    Err(of_qemu(argument).unwrap_or(Usage::Unknown(argument)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::boxed::Box;
    use alloc::string::ToString as _;

    fn run<'a>(result: Result<Command<'a>, Usage<'a>>) -> Run<'a> {
        match result {
            Ok(Command::Run(run)) => run,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_end_at_the_program() {
        let run = run(from_user(&[
            c"--interpret",
            c"--counters",
            c"./a",
            c"--help",
        ]));
        assert!(run.options.interpret && run.options.counters && !run.options.perf_map);
        assert_eq!(run.program, c"./a");
        assert_eq!(run.arguments, [c"./a", c"--help"]);
    }

    #[test]
    fn argument_0_in_every_form() {
        for form in [
            &[c"-0", c"x"][..],
            &[c"-0x"],
            &[c"--argv0", c"x"],
            &[c"--argv0=x"],
        ] {
            let mut arguments = form.to_vec();
            arguments.extend([c"a", c"b"]);
            let run = run(from_user(&arguments));
            assert_eq!((run.program, &run.arguments[..]), (c"a", &[c"x", c"b"][..]));
        }
        assert_eq!(run(from_user(&[c"--argv0=", c"a"])).arguments, [c""]);
    }

    #[test]
    fn a_program_whose_name_starts_with_a_dash() {
        assert_eq!(run(from_user(&[c"--", c"--help"])).program, c"--help");
        assert_eq!(run(from_user(&[c"-"])).program, c"-");
        assert_eq!(run(from_user(&[c""])).program, c"");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (arguments, text) in [
            (&[][..], "no program to run"),
            (&[c"--"], "no program to run"),
            (&[c"--counters"], "no program to run"),
            (&[c"--nonsense"], "unknown option '--nonsense'"),
            (&[c"-x\n"], "unknown option '-x\\x0a'"),
            (&[c"--argv0"], "a value is missing for '--argv0'"),
            (
                &[c"--counters=1"],
                "a value for an option that takes none: '--counters=1'",
            ),
        ] {
            let usage = from_user(arguments).unwrap_err().to_string();
            assert_eq!(usage, alloc::format!("{text}; see armistice --help"));
        }
    }

    #[test]
    fn what_people_know_from_qemu() {
        let given = run(from_user(&[
            c"-L", c"/root", c"-E", c"A=1,2", c"-U", c"B", c"-strace", c"-E", c"C=x=y", c"a",
        ]));
        assert_eq!(given.prefix, Some(c"/root"));
        assert!(given.options.strace);
        let mut environment = alloc::vec![c"A=0", c"B=0", c"BB=0"];
        let variables: Vec<Variable<'static>> = alloc::vec![
            Variable::Set(c"A=1,2"),
            Variable::Unset(c"B"),
            Variable::Set(c"C=x=y"),
        ];
        assert_eq!(given.variables, variables);
        set_environment(&mut environment, &variables);
        assert_eq!(environment, [c"BB=0", c"A=1,2", c"C=x=y"]);
        for arguments in [&[c"-help"][..], &[c"-h"]] {
            assert_eq!(from_user(arguments), Ok(Command::Help));
        }
        assert_eq!(from_user(&[c"-version"]), Ok(Command::Version));
        for (option, _) in OF_QEMU {
            for dashes in ["-", "--"] {
                let text = alloc::format!("{dashes}{}", core::str::from_utf8(option).unwrap());
                let text = alloc::ffi::CString::new(text).unwrap();
                let text: &'static CStr = Box::leak(text.into_boxed_c_str());
                let usage = from_user(&[text, c"max", c"a"]).unwrap_err();
                assert!(matches!(usage, Usage::OfQemu(..)), "{usage}");
            }
        }
        for (arguments, usage) in [
            ([c"-E", c"A"], Usage::Variable(c"A")),
            ([c"-E", c"=1"], Usage::Variable(c"=1")),
            ([c"-E", c"A=1,B=2"], Usage::Variables(c"A=1,B=2")),
            ([c"-U", c"A=1"], Usage::Variable(c"A=1")),
            ([c"-U", c"A,B"], Usage::Variables(c"A,B")),
        ] {
            assert_eq!(from_user(&arguments), Err(usage));
        }
        assert_eq!(from_user(&[c"-L"]), Err(Usage::NoValue(c"-L")));
    }

    #[test]
    fn where_a_debugger_is() {
        let place = |arguments: &[&'static CStr]| run(from_user(arguments)).debugger;
        let port = Some(Debugger::Waiting(Place::Port(1234)));
        assert_eq!(place(&[c"-g", c"1234", c"a"]), port);
        assert_eq!(place(&[c"--gdb", c"1234", c"a"]), port);
        let path = Some(Debugger::Waiting(Place::Path(c"./s")));
        assert_eq!(place(&[c"-g", c"./s", c"a"]), path);
        assert_eq!(place(&[c"a", c"-g"]), None);
        assert_eq!(from_user(&[c"-g", c"x", c"a"]), Err(Usage::Place(c"x")));
        assert_eq!(from_user(&[c"-g"]), Err(Usage::NoValue(c"-g")));
    }

    #[test]
    fn what_one_engine_tells_the_next() {
        let next = run(from_user(&[
            c"--descriptor",
            c"3",
            c"--execfn",
            c"/bin/script",
            c"--arguments",
            c"4",
            c"--",
            c"/bin/a",
        ]));
        assert_eq!((next.descriptor, next.handed), (Some(3), Some(4)));
        assert_eq!((next.program, next.name()), (c"/bin/a", c"/bin/script"));
        assert!(!next.from_kernel);
    }

    #[test]
    fn no_debugger_for_others_rights() {
        let start = |secure, option, value| Start {
            arguments: alloc::vec![c"/engine", option, value, c"/bin/a"],
            environment: Vec::new(),
            auxiliary: alloc::vec![(key::SECURE, secure)],
            stack: 0..0,
            executed: None,
        };
        for (option, value) in [(c"-g", c"0"), (c"--kept", c"/a"), (c"--learn", c"/a")] {
            let read = |secure| read(&start(secure, option, value));
            assert_eq!(read(1), Err(Usage::Rights), "{option:?}");
            let run = run(read(0));
            let given = [
                run.debugger.is_some(),
                run.kept.is_some(),
                run.learn.is_some(),
            ];
            let options = [c"-g", c"--kept", c"--learn"].map(|known| known == option);
            assert_eq!(given, options);
        }
    }

    #[test]
    fn the_kernels_arguments_are_the_users() {
        let start = |auxiliary: &[(u64, u64)]| Start {
            arguments: alloc::vec![c"/engine", c"/bin/a", c"--help", c"b"],
            environment: Vec::new(),
            auxiliary: auxiliary.to_vec(),
            stack: 0..0,
            executed: Some(c"/bin/script"),
        };
        // Flags O and P.
        let both = run(read(&start(&[(key::EXECFD, 3), (key::FLAGS, 1)])));
        assert_eq!(both.program, c"/bin/a");
        assert_eq!(both.arguments, [c"--help", c"b"]);
        assert_eq!(both.descriptor, Some(3));
        assert_eq!(both.name(), c"/bin/script");
        // Flag O alone: the kernel has put the path in place of argument 0.
        let open = run(read(&start(&[(key::EXECFD, 3)])));
        assert_eq!(open.arguments, [c"/bin/a", c"--help", c"b"]);
        // Flag P alone.
        let preserved = run(read(&start(&[(key::FLAGS, 1)])));
        assert_eq!(preserved.arguments, [c"--help", c"b"]);
        assert_eq!(preserved.descriptor, None);
        assert_eq!(preserved.name(), c"/bin/script");
        // Neither: as the user would.
        assert_eq!(run(read(&start(&[]))).name(), c"/bin/a");
        assert_eq!(
            run(read(&start(&[]))).arguments,
            [c"/bin/a", c"--help", c"b"]
        );
    }
}
