//! The command's program: found as a shell finds it, and executed.

use std::convert::Infallible;
use std::ffi::CString;
use std::path::Path;

use rustix::io::Errno;

use super::report::Failure;
use super::starter::{self, Starter};
use super::user::User;

/// Where programs are looked for where nothing says otherwise; docker's.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Of each name the last value, and HOME.
pub(super) fn environment(given: &[String], user: &User) -> Vec<String> {
    let mut env: Vec<String> = Vec::new();
    for line in given {
        let name = line.split_once('=').map_or(&**line, |(name, _)| name);
        let same = |l: &String| {
            l.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('='))
        };
        match env.iter_mut().find(|l| same(l)) {
            Some(there) => there.clone_from(line),
            None => env.push(line.clone()),
        }
    }
    if !env.iter().any(|l| l.starts_with("PATH=")) {
        env.push(format!("PATH={PATH}"));
    }
    if !env.iter().any(|l| l.starts_with("HOME=")) {
        env.push(format!("HOME={}", user.home));
    }
    env
}

/// As execve(2) takes it; `what` it is.
fn cstring(what: &str, text: &str) -> Result<CString, Failure> {
    CString::new(text).map_err(|_| {
        let start: String = text.chars().take(40).collect();
        Failure::own(format!(
            "{what} has a zero byte in it, which no program can be given: {start:?}"
        ))
    })
}

/// So long a word may be, with the zero at its end (`MAX_ARG_STRLEN`).
const WORD_MAX: usize = 32 * 4096;

/// What is too long where execve(2) says that something is.
fn too_long(argv: &[String], env: &[String]) -> String {
    let is_too_long = |word: &&String| word.len() >= WORD_MAX;
    let name = |line: &String| line.split('=').next().unwrap_or_default().to_owned();
    if let Some(at) = argv.iter().position(|word| is_too_long(&word)) {
        return format!("word {at} of the command is longer than the 128 KiB that Linux takes");
    }
    match env.iter().find(is_too_long) {
        Some(line) => format!(
            "the variable {} is longer than the 128 KiB that Linux takes",
            name(line)
        ),
        None => "its arguments and variables are together longer than Linux takes (a quarter of the limit of the \
                 stack, `ulimit -s`)"
            .to_owned(),
    }
}

fn path_of(env: &[String]) -> &str {
    let line = env.iter().find_map(|l| l.strip_prefix("PATH="));
    line.unwrap_or(PATH)
}

/// Where a program may be, in order.
fn places(program: &str, env: &[String]) -> Vec<String> {
    if program.contains('/') {
        return vec![program.to_owned()];
    }
    let folders = path_of(env).split(':');
    folders
        .map(|folder| format!("{folder}/{program}"))
        .collect()
}

/// Refuses a program to which `/proc` leads by what this process has open (`lookup`), be it
/// by links or as the interpreter of a script. It would run inside, and with root's rights
/// there, a file that is not the container's.
pub(super) fn refuse_open_files(argv: &[String], env: &[String]) -> Result<(), Failure> {
    let places = argv.first().map(|program| places(program, env));
    for place in places.unwrap_or_default() {
        if let Some(path) = starter::of_open_files(Path::new(&place)) {
            let through = match path == Path::new(&place) {
                true => String::new(),
                false => format!("its interpreter {} ", path.display()),
            };
            return Err(Failure {
                code: 126,
                said: format!(
                    "cannot start {place}: {through}leads to a file that is open outside the container"
                ),
            });
        }
    }
    Ok(())
}

/// The program that a command names.
fn named(argv: &[String]) -> Result<&String, Failure> {
    match argv.first() {
        None => Err(Failure::own(
            "there is no command to run: the image names none",
        )),
        Some(program) if program.is_empty() => Err(Failure {
            code: 127,
            said: "there is no command to run: its first word (of ENTRYPOINT, CMD or what was typed) is empty"
                .to_owned(),
        }),
        Some(program) => Ok(program),
    }
}

/// Becomes a program, which is looked for in PATH where its name has no slash. What the
/// kernel does not execute is the starter's, where there is one.
pub(super) fn execute(
    argv: &[String],
    env: &[String],
    starter: Option<&Starter>,
) -> Result<Infallible, Failure> {
    let program = named(argv)?;
    let strings = |what: &str, words: &[String]| {
        let each = words.iter().map(|w| cstring(what, w));
        each.collect::<Result<Vec<_>, _>>()
    };
    let args = strings("a word of the command", argv)?;
    let env_strings = strings("a variable", env)?;
    let (args_at, env_at) = (starter::pointers(&args), starter::pointers(&env_strings));
    let mut worst = Errno::NOENT;
    for place in places(program, env) {
        if Path::new(&place).is_dir() {
            worst = Errno::ACCESS;
            continue;
        }
        let file = cstring("a path", &place)?;
        // SAFETY: a C string, and two arrays of C strings that end with null, all alive.
        unsafe { libc::execve(file.as_ptr(), args_at.as_ptr(), env_at.as_ptr()) };
        let error = std::io::Error::last_os_error();
        let mut error = Errno::from_io_error(&error).unwrap_or(Errno::IO);
        if let (Errno::NOEXEC, Some(starter)) = (error, starter) {
            error = starter.start(&file, &args, &env_strings);
        }
        match error {
            Errno::NOENT | Errno::NOTDIR if Path::new(&place).exists() => {
                return Err(Failure {
                    code: 127,
                    said: format!(
                        "cannot start {place}: its interpreter or loader is not in the container"
                    ),
                });
            }
            Errno::NOENT | Errno::NOTDIR => {}
            Errno::ACCESS => worst = Errno::ACCESS,
            other => {
                worst = other;
                break;
            }
        }
    }
    Err(not_started(program, argv, env, worst))
}

/// Why a program was not started: by the error that says most.
fn not_started(program: &str, argv: &[String], env: &[String], worst: Errno) -> Failure {
    match worst {
        Errno::NOENT => Failure {
            code: 127,
            said: match program.contains('/') {
                true => format!("cannot start {program}: no such file in the container"),
                false => {
                    format!(
                        "cannot start {program}: not found in the container's PATH ({})",
                        path_of(env)
                    )
                }
            },
        },
        Errno::NOEXEC => Failure {
            code: 126,
            said: format!(
                "cannot start {program}: it is a program of another architecture, or none at all ({worst})"
            ),
        },
        Errno::TOOBIG => Failure {
            code: 126,
            said: format!("cannot start {program}: {}", too_long(argv, env)),
        },
        worst => Failure {
            code: 126,
            said: format!("cannot start {program}: {worst}"),
        },
    }
}
