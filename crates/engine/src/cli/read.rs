//! From arguments to what they ask for.
//!
//! Started by the kernel through `binfmt_misc`, there are no options: every
//! argument is the user's. The kernel says so by a descriptor of the program
//! (flag O, and C, which implies it) or by `AT_FLAGS` (flag P).

use alloc::vec::Vec;
use core::ffi::CStr;

use super::qemu::of_qemu;
use super::{Command, Debugger, Options, Run, Usage, Variable, name_of};
use crate::debug::listen::Place;
use crate::host::auxv::key;
use crate::host::start::Start;

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
        reads_imply_exec: false,
    }))
}

/// Options up to the first argument that is none; that is the program.
fn from_user<'a>(arguments: &[&'a CStr]) -> Result<Command<'a>, Usage<'a>> {
    let mut given = Given::default();
    let mut rest = arguments.iter().copied();
    let program = loop {
        let argument = rest.next().ok_or(Usage::NoProgram)?;
        let option = argument.to_bytes();
        if option == b"--" {
            break rest.next().ok_or(Usage::NoProgram)?;
        }
        if let Some(command) = instead(argument, &mut rest)? {
            return Ok(command);
        }
        if let Some(flag) = given.flag(option) {
            *flag = true;
        } else if !given.with_value(argument, &mut rest)? {
            match attached(argument, option)? {
                Some(name) => given.argv0 = Some(name),
                None => break argument,
            }
        }
    };
    Ok(Command::Run(given.run(program, rest)))
}

/// What an option asks for in place of running a program.
fn instead<'a>(
    argument: &'a CStr,
    rest: &mut impl Iterator<Item = &'a CStr>,
) -> Result<Option<Command<'a>>, Usage<'a>> {
    let mut value = || rest.next().ok_or(Usage::NoValue(argument));
    Ok(Some(match argument.to_bytes() {
        b"-h" | b"-help" | b"--help" => Command::Help,
        b"-V" | b"-version" | b"--version" => Command::Version,
        b"--bake" => Command::Bake {
            translations: value()?,
            engine: value()?,
        },
        b"--translate" => Command::Translate {
            notes: value()?,
            translations: value()?,
        },
        _ => return Ok(None),
    }))
}

impl Options {
    /// What an option without a value switches on.
    fn flag(&mut self, option: &[u8]) -> Option<&mut bool> {
        Some(match option {
            b"--interpret" => &mut self.interpret,
            b"--eager" => &mut self.eager,
            b"--print-guest" => &mut self.print_guest,
            b"--print-ir" => &mut self.print_ir,
            b"--print-host" => &mut self.print_host,
            b"--counters" => &mut self.counters,
            b"-strace" | b"--strace" => &mut self.strace,
            b"--perf-map" => &mut self.perf_map,
            _ => return None,
        })
    }
}

/// What the options have said.
#[derive(Default)]
struct Given<'a> {
    options: Options,
    argv0: Option<&'a CStr>,
    descriptor: Option<i32>,
    debugger: Option<Debugger<'a>>,
    handed: Option<i32>,
    executed: Option<&'a CStr>,
    prefix: Option<&'a CStr>,
    variables: Vec<Variable<'a>>,
    kept: Option<&'a CStr>,
    learn: Option<&'a CStr>,
    reads_imply_exec: bool,
}

impl<'a> Given<'a> {
    /// What an option without a value switches on.
    fn flag(&mut self, option: &[u8]) -> Option<&mut bool> {
        match option {
            b"--read-implies-exec" => Some(&mut self.reads_imply_exec),
            _ => self.options.flag(option),
        }
    }

    /// Reads an option whose value is the next argument; whether it is one.
    fn with_value(
        &mut self,
        argument: &'a CStr,
        rest: &mut impl Iterator<Item = &'a CStr>,
    ) -> Result<bool, Usage<'a>> {
        let mut value = || rest.next().ok_or(Usage::NoValue(argument));
        let number = |value: &'a CStr| {
            let number = value.to_str().ok().and_then(|text| text.parse().ok());
            number.ok_or(Usage::Number(value))
        };
        match argument.to_bytes() {
            b"-L" | b"--root" => self.prefix = Some(value()?),
            b"--kept" => self.kept = Some(value()?),
            b"--learn" => self.learn = Some(value()?),
            b"-E" => self.variables.push(set(value()?)?),
            b"-U" => self.variables.push(unset(value()?)?),
            b"-0" | b"--argv0" => self.argv0 = Some(value()?),
            b"--descriptor" => self.descriptor = Some(number(value()?)?),
            b"--arguments" => self.handed = Some(number(value()?)?),
            b"--execfn" => self.executed = Some(value()?),
            b"--debugger" => self.debugger = Some(Debugger::Connected(number(value()?)?)),
            b"-g" | b"--gdb" => {
                let value = value()?;
                let place = Place::read(value).ok_or(Usage::Place(value))?;
                self.debugger = Some(Debugger::Waiting(place));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A program with these options and arguments.
    fn run(self, program: &'a CStr, rest: impl Iterator<Item = &'a CStr>) -> Run<'a> {
        let mut arguments = alloc::vec![self.argv0.unwrap_or(program)];
        arguments.extend(rest);
        Run {
            options: self.options,
            program,
            descriptor: self.descriptor,
            arguments,
            handed: self.handed,
            executed: self.executed,
            from_kernel: false,
            debugger: self.debugger,
            prefix: self.prefix,
            variables: self.variables,
            kept: self.kept,
            learn: self.learn,
            reads_imply_exec: self.reads_imply_exec,
        }
    }
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
    use super::super::qemu::OF_QEMU;
    use super::super::set_environment;
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
            c"--read-implies-exec",
            c"--",
            c"/bin/a",
        ]));
        assert!(next.reads_imply_exec);
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
