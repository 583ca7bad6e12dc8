//! Promise: what `docs/threat-model.md` says. Guest pages are never executable
//! on the host; a set-user-ID program under flag C cannot be steered by who
//! calls it, through the engine, more than natively.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::compiled::{compile, guest, said};
use common::engine;
use common::guests::{BOTH, Guest, TABLE};
use tempfile::TempDir;

/// Starts a command and waits for a line of it.
fn started(command: &mut Command, line: &str) -> Child {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut said).unwrap();
    assert_eq!(said.trim_end(), line);
    child
}

/// The executable mappings of a process, as the host's kernel has them:
/// permissions and name.
fn executable(process: &str) -> Vec<(String, String)> {
    fs::read_to_string(format!("/proc/{process}/maps"))
        .unwrap()
        .lines()
        .map(|line| {
            let mut words = line.split_ascii_whitespace();
            let permissions = words.nth(1).unwrap().to_owned();
            (permissions, words.skip(3).collect::<Vec<_>>().join(" "))
        })
        .filter(|(permissions, _)| permissions.contains('x'))
        .collect()
}

#[test]
fn no_page_of_the_guests_is_executable_on_the_host() {
    BOTH.iter().for_each(no_page_is_executable);
}

fn no_page_is_executable(of: &Guest) {
    let dir = TempDir::new().unwrap();
    let program = of.guest(&dir, "executable.c", "-O1");
    let engine_file = fs::canonicalize(of.engine).unwrap();
    // As it is, with a stack that the program wants executable, and started
    // where all that may be read may be executed.
    let flags = ["-O1", "-static", "-std=gnu17", "-Wl,-z,execstack"];
    let stack = dir.path().join("stack");
    let stack = compile(of.target, "executable.c", &flags, stack);
    let mut implied = Command::new("setarch");
    implied
        .args(["x86_64", "--read-implies-exec"])
        .arg(&engine_file);
    for (mut command, program) in [
        (of.engine(), &program),
        (of.engine(), &stack),
        (implied, &program),
    ] {
        for children in [false, true] {
            let command = command.arg(program);
            if children {
                command.arg("child");
            }
            let mut child = started(command, "ready");
            let mut processes = vec![child.id().to_string()];
            let list = format!("/proc/{0}/task/{0}/children", child.id());
            let list = fs::read_to_string(list).unwrap();
            processes.extend(list.split_ascii_whitespace().map(str::to_owned));
            assert_eq!(processes.len(), 1 + usize::from(children));
            for process in &processes {
                let mut code = 0;
                for (permissions, name) in executable(process) {
                    assert!(!permissions.contains('w'), "{permissions} {name}");
                    match name.as_str() {
                        "[vdso]" | "[vsyscall]" => {}
                        // Translated code.
                        CODE => code += 1,
                        name => assert_eq!(Path::new(name), engine_file),
                    }
                }
                // A child has its parent's, and its own.
                let most = 1 + usize::from(children);
                assert!((1..=most).contains(&code), "the engine's code: {code}");
            }
            drop(child.stdin.take());
            if children {
                child.kill().unwrap();
            }
            child.wait().unwrap();
        }
    }
}

/// What translated code is written through lies where no store gets by mistake:
/// no other mapping is near, and each time it is elsewhere.
#[test]
fn translated_code_is_written_far_from_all_else() {
    BOTH.iter().for_each(is_far_from_all_else);
}

fn is_far_from_all_else(of: &Guest) {
    const NEAR: u64 = 1 << 20;
    let dir = TempDir::new().unwrap();
    let program = of.guest(&dir, "executable.c", "-O1");
    let mut distances = Vec::new();
    for _ in 0..4 {
        let mut child = started(of.engine().arg(&program), "ready");
        let maps = fs::read_to_string(format!("/proc/{}/maps", child.id())).unwrap();
        drop(child.stdin.take());
        child.wait().unwrap();
        let mut writable = Vec::new();
        let mut others = Vec::new();
        for line in maps.lines() {
            let (range, rest) = line.split_once(' ').unwrap();
            let (start, end) = range.split_once('-').unwrap();
            let [start, end] = [start, end].map(|at| u64::from_str_radix(at, 16).unwrap());
            if rest.starts_with("rw-s") && end - start == 128 << 20 {
                writable.push((start, end));
            } else {
                others.push((start, end));
            }
        }
        let [(start, end)] = writable[..] else {
            panic!("{maps}")
        };
        let near = |&(from, to): &(u64, u64)| from < end + NEAR && to + NEAR > start;
        assert!(!others.iter().any(near), "{start:x}-{end:x} in\n{maps}");
        // From the guest's stack, say.
        let stack = others.iter().rfind(|other| other.0 < 1 << 47).unwrap().0;
        distances.push(stack - start);
    }
    distances.sort_unstable();
    distances.dedup();
    assert_eq!(
        distances.len(),
        4,
        "it lies at the same place: {distances:x?}"
    );
}

/// How the map shows memory that translated code is in.
const CODE: &str = "/memfd:translated (deleted)";

/// How many mappings a process has that translated code can be written through,
/// as it is now: without a protection key.
fn writable_code(process: &str) -> usize {
    let maps = fs::read_to_string(format!("/proc/{process}/smaps")).unwrap();
    let mut found = 0;
    let mut key = "0";
    // From the end: a mapping's first line comes after what is told of it.
    for line in maps.lines().rev() {
        if let Some(number) = line.strip_prefix("ProtectionKey:") {
            key = number.trim();
        }
        if !line.contains(" rw-s ") {
            continue;
        }
        let code = line.ends_with(CODE);
        found += usize::from(code && key == "0");
        key = "0";
    }
    found
}

/// A mapping of translated code's memory.
#[derive(Debug, Default)]
struct CodeMapping {
    memory: String,
    permissions: String,
    /// Which part of the memory.
    part: std::ops::Range<u64>,
    /// Whether it can be written, or made writable, by the kernel's flags.
    may_be_written: bool,
}

fn code_mappings(process: &str) -> Vec<CodeMapping> {
    let number = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let maps = fs::read_to_string(format!("/proc/{process}/smaps")).unwrap();
    let mut found = Vec::new();
    let mut this = None;
    for line in maps.lines() {
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            let mut flags = flags.split_ascii_whitespace();
            found.extend(this.take().map(|this| CodeMapping {
                may_be_written: flags.any(|flag| flag == "wr" || flag == "mw"),
                ..this
            }));
        } else if line.ends_with(CODE) {
            let words: Vec<_> = line.split_ascii_whitespace().collect();
            let (start, end) = words[0].split_once('-').unwrap();
            let offset = number(words[2]);
            this = Some(CodeMapping {
                memory: words[4].to_owned(),
                permissions: words[1].to_owned(),
                part: offset..offset + number(end) - number(start),
                may_be_written: true,
            });
        }
    }
    found
}

/// Of the code that both have, neither can write nor make writable any mapping.
#[test]
fn neither_parent_nor_child_can_write_the_others_code() {
    BOTH.iter().for_each(neither_can_write_the_others_code);
}

fn neither_can_write_the_others_code(of: &Guest) {
    let dir = TempDir::new().unwrap();
    let program = of.guest(&dir, "executable.c", "-O1");
    let mut child = started(of.engine().arg(&program).arg("child"), "ready");
    let parent = child.id();
    let list = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    let (parents, childs) = (
        code_mappings(&parent.to_string()),
        code_mappings(list.trim()),
    );
    drop(child.stdin.take());
    child.kill().unwrap();
    child.wait().unwrap();
    let all = format!("{parents:#?} {childs:#?}");
    let executed = |mapping: &&CodeMapping| mapping.permissions == "r-xs";
    for mapping in parents.iter().chain(&childs).filter(executed) {
        assert!(!mapping.may_be_written, "{all}");
    }
    let memory = &parents.iter().find(executed).expect("its code").memory;
    let of_parent = |mapping: &&CodeMapping| mapping.memory == *memory;
    let [common] = childs.iter().filter(of_parent).collect::<Vec<_>>()[..] else {
        panic!("{all}")
    };
    assert!(
        common.permissions == "r-xs" && common.part.start == 0,
        "{all}"
    );
    let writable = parents.iter().filter(|mapping| mapping.may_be_written);
    let writable: Vec<_> = writable.collect();
    assert_eq!(writable.len(), 1, "{all}");
    assert!(writable[0].part.start >= common.part.end, "{all}");
}

/// A program under a filter of its own, and its children, can't write translated
/// code, nor can another thread while it is written but by luck.
#[test]
fn translated_code_is_writable_nowhere_under_filters() {
    BOTH.iter().for_each(is_writable_nowhere);
}

fn is_writable_nowhere(of: &Guest) {
    let dir = TempDir::new().unwrap();
    let confined = of.guest(&dir, "confined.c", "-O0");
    let program = of.guest(&dir, "executable.c", "-O1");
    let keys = fs::read_to_string("/proc/cpuinfo")
        .unwrap()
        .contains(" ospke");
    for under_filter in [false, true] {
        let mut command = of.engine();
        if under_filter {
            command.arg(&confined);
        }
        let mut child = started(command.arg(&program).arg("child"), "ready");
        let parent = child.id();
        let list = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
        let expected = usize::from(!under_filter && !keys);
        for process in [&parent.to_string(), list.trim()] {
            let deadline = Instant::now() + Duration::from_secs(60);
            while writable_code(process) != expected && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(10));
            }
            assert_eq!(writable_code(process), expected);
        }
        drop(child.stdin.take());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// A program under a filter tries in every way to write where its code is executed.
#[test]
fn nor_can_it_be_written_where_it_is_executed() {
    let dir = TempDir::new().unwrap();
    let confined = guest(&dir, "confined.c", "-O0");
    let program = guest(&dir, "keys.c", "-O1");
    let mut child = started(engine().arg(&confined).arg(&program), "ready");
    let process = child.id();
    let code = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let code = code.lines().find(|line| line.contains(" r-xs ")).unwrap();
    let start = u64::from_str_radix(code.split('-').next().unwrap(), 16).unwrap();
    let memory = fs::File::open(format!("/proc/{process}/mem")).unwrap();
    let now = || {
        let mut bytes = [0; 64];
        memory.read_exact_at(&mut bytes, start).unwrap();
        bytes
    };
    let before = now();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{start:x}").unwrap();
    let mut ways = 0;
    let mut last = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        last = line.unwrap();
        assert_eq!(now(), before, "{last}");
        ways += 1;
        writeln!(stdin).unwrap();
    }
    assert!(child.wait().unwrap().success());
    assert_eq!((ways, &*last), (32, "all the time: never"));
}

/// All that writes code does so there, too: new code, links, code that is changed,
/// `fork`.
#[test]
fn programs_under_filters_run_as_others_do() {
    const SOURCES: [[&str; 3]; 2] = [
        ["patched.c", "signals.c", "threads.c"],
        ["arm.c", "masked.c", "threads.c"],
    ];
    for (of, sources) in BOTH.iter().zip(SOURCES) {
        let dir = TempDir::new().unwrap();
        let confined = of.guest(&dir, "confined.c", "-O1");
        for source in sources {
            let program = of.guest(&dir, source, "-O2");
            let run = |command: &mut Command| said(&command.arg(&program).output().unwrap());
            let free = run(&mut of.engine());
            assert!(free.contains("exit status: "), "{source}: {free}");
            assert_eq!(run(of.engine().arg(&confined)), free, "{source}");
        }
    }
}

const INSIDE: &str = "ARMISTICE_TEST_INSIDE";

/// Runs the named test once more in a user namespace of the test's own that
/// has all users, with a table of its own. Whether this is that run.
fn in_a_table_of_its_own(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    assert_eq!(
        fs::metadata("/proc/self").unwrap().uid(),
        0,
        "this test needs root, to give a user namespace more than one user"
    );
    let script = format!(
        "echo unshared; read go; mount -t binfmt_misc none {TABLE}; mount -t tmpfs none /mnt
         exec \"$0\" --exact {name} --nocapture"
    );
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--mount", "--", "sh", "-ec", &script])
        .arg(std::env::current_exe().unwrap())
        .env(INSIDE, "1")
        .stderr(Stdio::piped());
    let mut child = started(&mut command, "unshared");
    for map in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{}/{map}", child.id()), "0 0 65536").unwrap();
    }
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

/// Who calls, and whose programs are.
const CALLER: u32 = 1000;
const OWNER: u32 = 1234;

/// A program of the owner's that is set-user-ID.
fn install(from: &Path, name: &str) -> std::path::PathBuf {
    let to = Path::new("/mnt").join(name);
    fs::copy(from, &to).unwrap();
    chown(&to, Some(OWNER), Some(OWNER)).unwrap();
    fs::set_permissions(&to, fs::Permissions::from_mode(0o4755)).unwrap();
    to
}

/// The caller's shell, with an environment that is to steer the engine.
fn caller(script: &str, program: &Path, place: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args([
            format!("--reuid={CALLER}"),
            format!("--regid={CALLER}"),
            "--clear-groups".to_owned(),
        ])
        .args(["bash", "-c", script])
        .arg(program)
        .current_dir(place)
        .env_clear()
        .env("PATH", "/usr/bin:/bin");
    for variable in [
        "ARMISTICE_STRACE",
        "ARMISTICE_OPTIONS",
        "ARMISTICE_PERF_MAP",
        "QEMU_STRACE",
        "QEMU_LOG",
        "RUST_BACKTRACE",
    ] {
        command.env(variable, "1");
    }
    command
}

fn text(output: &Output) -> String {
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_set_user_id_program_is_its_owners() {
    if !in_a_table_of_its_own("a_set_user_id_program_is_its_owners") {
        return;
    }
    BOTH.iter().for_each(is_its_owners);
}

fn is_its_owners(of: &Guest) {
    let dir = TempDir::new_in("/mnt").unwrap();
    let foreign = install(&of.guest(&dir, "secure.c", "-O1"), "foreign");
    let own = install(&of.native(&dir, "secure.c"), "own");
    let rule = of.register("/mnt/engine", "POCF");
    // Where the caller may write, and nothing is to be written.
    let place = Path::new("/mnt/place");
    fs::create_dir(place).unwrap();
    chown(place, Some(CALLER), Some(CALLER)).unwrap();
    fs::set_permissions(place, fs::Permissions::from_mode(0o777)).unwrap();

    let scripts = [
        // Every option of the engine's, as the program's own arguments.
        "exec \"$0\" --strace --perf-map --counters --print-host --interpret --descriptor 0 --version",
        // As its argument 0.
        "exec -a --strace \"$0\" x",
        "ulimit -s 300; exec \"$0\"",
        "ulimit -n 5; exec \"$0\"",
        "exec \"$0\" 3</dev/null 4</dev/null",
        // Nothing open to write to but its output.
        "exec \"$0\" <&- 2>&-",
        "exec setarch x86_64 --read-implies-exec --addr-no-randomize \"$0\"",
    ];
    for script in scripts {
        let run = |program: &Path| {
            let output = caller(script, program, place).output().unwrap();
            text(&output)
                .replace("/mnt/own", "PROGRAM")
                .replace("/mnt/foreign", "PROGRAM")
        };
        let said = run(&foreign);
        assert!(
            said.starts_with("secure 1, uid 1000 1234, aux 1000 1234, dumpable "),
            "{said}"
        );
        assert_eq!(said, run(&own), "{script}");
    }
    assert_eq!(fs::read_dir(place).unwrap().count(), 0);
    let maps = fs::read_dir("/tmp").unwrap().flatten();
    let mut maps = maps.filter(|file| file.metadata().is_ok_and(|m| m.uid() == OWNER));
    assert!(maps.next().is_none(), "something of the owner's in /tmp");

    // Nor can the program be made to write its own code.
    let mut waiting = caller("exec \"$0\" wait", &foreign, place);
    let mut child = waiting
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert!(said.starts_with("secure 1"), "{said}");
    assert_eq!(writable_code(&child.id().to_string()), 0);
    child.kill().unwrap();
    child.wait().unwrap();

    // While it runs, its caller may not look into it, nor steer it.
    for program in [&foreign, &own] {
        let script = "exec 3<&0; \"$0\" wait <&3 & pid=$!; sleep 0.3
            for file in mem environ maps auxv exe; do
                if head -c 1 /proc/$pid/$file >/dev/null 2>&1; then echo may read $file; fi
            done; kill -9 $pid; wait";
        let output = caller(script, program, place)
            .stdin(Stdio::piped())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            said.starts_with("secure 1") && !said.contains("may read"),
            "{said}"
        );
    }
    fs::write(format!("{TABLE}/{rule}"), "-1").unwrap();
    fs::remove_dir(place).unwrap();
}

/// Without flag C it runs with its caller's rights, and says nothing else.
#[test]
fn without_the_flag_it_is_its_callers() {
    if !in_a_table_of_its_own("without_the_flag_it_is_its_callers") {
        return;
    }
    for of in &BOTH {
        let dir = TempDir::new_in("/mnt").unwrap();
        let foreign = install(&of.guest(&dir, "secure.c", "-O1"), "foreign");
        let rule = of.register("/mnt/engine", "POF");
        let output = caller("exec \"$0\"", &foreign, Path::new("/mnt"))
            .output()
            .unwrap();
        let said = text(&output);
        assert!(
            said.starts_with("secure 0, uid 1000 1000, aux 1000 1000, dumpable 1"),
            "{said}"
        );
        fs::write(format!("{TABLE}/{rule}"), "-1").unwrap();
    }
}

/// A folder that the caller names has no say in what runs with the owner's rights.
#[test]
fn a_set_user_id_program_gets_no_loader_of_its_callers() {
    if !in_a_table_of_its_own("a_set_user_id_program_gets_no_loader_of_its_callers") {
        return;
    }
    BOTH.iter().for_each(gets_no_loader_of_its_callers);
}

fn gets_no_loader_of_its_callers(of: &Guest) {
    let root = Path::new("/mnt/root/only-there");
    fs::create_dir_all(root).unwrap();
    // What runs in the loader's place says so.
    let dir = TempDir::new_in("/mnt").unwrap();
    fs::copy(of.guest(&dir, "secure.c", "-O1"), root.join("loader")).unwrap();
    let dynamic = Path::new("/mnt/dynamic");
    let flags = ["-std=gnu17", "-Wl,--dynamic-linker=/only-there/loader"];
    compile(of.target, "sysroot.c", &flags, dynamic.to_owned());
    let program = install(dynamic, "set-user-id");
    for (flags, runs) in [("POCF", false), ("POF", true)] {
        let rule = of.register("/mnt/engine", flags);
        for variable in ["ARMISTICE_LD_PREFIX", "QEMU_LD_PREFIX"] {
            let output = caller("exec \"$0\"", &program, Path::new("/mnt"))
                .env(variable, "/mnt/root")
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(
                said.contains("secure"),
                runs,
                "{flags} {variable}: {output:?}"
            );
            assert_eq!(output.status.code() == Some(127), !runs, "{output:?}");
        }
        fs::write(format!("{TABLE}/{rule}"), "-1").unwrap();
    }
}
