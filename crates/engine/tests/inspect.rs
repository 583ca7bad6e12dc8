//! Promise: `--print-guest`, `--print-ir`, `--print-host`, `--counters` and `--perf-map` say
//! what they should, on standard error or in the map, and change nothing for
//! the guest.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use armistice_engine::translator::code::arena::Arena;
use common::elf::{BASE, CODE, Elf};
use common::{engine, program};
use tempfile::TempDir;

/// Forty times around a loop that has a jump in it with the flags alive across:
/// ends with 120. Each instruction, and what is printed of it.
const PROGRAM: [(u32, &str); 9] = [
    (0xd280_0501, "MOVZ sf=1 hw=0 imm16=0x28 Rd=1"),
    (0xd280_0000, "MOVZ sf=1 hw=0 imm16=0x0 Rd=0"),
    (0xf100_0421, "SUBS_immediate sf=1 sh=0 imm12=0x1 Rn=1 Rd=1"),
    (0x1400_0001, "B imm26=0x1"),
    (0x9100_0c00, "ADD_immediate sf=1 sh=0 imm12=0x3 Rn=0 Rd=0"),
    (0x54ff_ffa1, "B_cond imm19=0x7fffd bcond=1"),
    (0xd280_0ba8, "MOVZ sf=1 hw=0 imm16=0x5d Rd=8"),
    (0xd400_0001, "SVC imm16=0x0"),
    // What comes after a system call is translated with it.
    (0xd420_0000, "BRK imm16=0x0"),
];
const START: u64 = BASE + CODE;

fn the_program(dir: &TempDir) -> PathBuf {
    let elf = Elf::with(|elf| elf.code = PROGRAM.iter().map(|&(word, _)| word).collect());
    program(dir, "loop", &elf.bytes())
}

fn run(options: &[&str]) -> Output {
    let dir = TempDir::new().unwrap();
    engine()
        .args(options)
        .arg(the_program(&dir))
        .output()
        .unwrap()
}

/// What a run with these options writes to standard error, where all is
/// translated.
fn printed(options: &[&str]) -> String {
    let output = run(&[options, &["--eager"]].concat());
    assert_eq!(output.status.code(), Some(120), "{output:?}");
    assert_eq!(output.stdout, b"");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn nothing_without_options() {
    assert_eq!(printed(&[]), "");
}

fn guest_text() -> String {
    let mut text = format!("guest code of region {START:x}:\n");
    for (pc, (word, name)) in (START..).step_by(4).zip(PROGRAM) {
        // Blocks start at the loop, after its jump, after it, and after SVC.
        if [8, 0x10, 0x18, 0x20].contains(&(pc - START)) {
            text.push('\n');
        }
        let _ = writeln!(text, "{pc:16x}  {word:08x}  {name}");
    }
    text
}

#[test]
fn guest_code() {
    assert_eq!(printed(&["--print-guest"]), guest_text());
}

/// What is printed as IR is a region again.
#[test]
fn ir() {
    let text = printed(&["--print-ir"]);
    let (head, rest) = text.split_once('\n').unwrap();
    assert_eq!(head, format!("IR of region {START:x}:"));
    let region = ir::text::parse(rest).unwrap();
    assert_eq!(region.words, PROGRAM.map(|(word, _)| word));
    assert_eq!(region.blocks[0].pc, START);
    assert_eq!(ir::text::print(&region), rest);
    assert!(rest.contains("bin.sub.w64"), "{rest}");
}

/// The number that is in front of `what`.
#[cfg(feature = "disassembler")]
fn number_before(text: &str, what: &str) -> usize {
    let before = text.split(what).next().unwrap();
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
#[cfg(feature = "disassembler")]
fn host_code() {
    let text = printed(&["--print-host"]);
    let mut lines = text.lines();
    let head = lines.next().unwrap();
    let start = format!("host code of region {START:x}: ");
    assert!(head.starts_with(&start), "{head}");
    let length = number_before(head, " bytes at ");
    for line in [
        "  guest 401000, entry:",
        "  guest 401008, loop:",
        "  guest 401010:",
        "     0  mov     esi, 0x28",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }
    for part in [
        "sub     rsi, 1",
        "add     rbx, 3",
        "jne     ",
        "[rbp+leave]",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains("(bad)"), "{text}");
    // Offsets ascend, inside the code.
    let offsets = lines.filter_map(|line| {
        let offset = line.split_whitespace().next()?;
        let named = line.ends_with(':');
        (!named).then(|| usize::from_str_radix(offset, 16).unwrap())
    });
    let offsets: Vec<usize> = offsets.collect();
    assert!(offsets.is_sorted() && offsets[0] == 0, "{text}");
    assert!(*offsets.last().unwrap() < length, "{text}");
}

/// All at once come in the order in which things happen.
#[test]
fn in_order() {
    let text = printed(&["--print-guest", "--print-ir", "--print-host", "--counters"]);
    let rest = text.strip_prefix(&guest_text()).unwrap();
    assert!(rest.starts_with("IR of region"), "{text}");
    let rest = &rest[rest.find("host code").unwrap()..];
    assert!(rest.starts_with("host code of region"), "{text}");
    let counters = rest.find("1 regions, ").unwrap();
    assert!(rest[counters..].lines().count() == 3, "{text}");
}

#[test]
fn counters() {
    let text = printed(&["--counters"]);
    let lines: Vec<&str> = text.lines().collect();
    // Two before the loop, forty times four in it, two after it.
    let executed = 2 + 40 * 4 + 2;
    assert_eq!(
        lines[..2],
        [
            &format!("1 regions, {executed} guest instructions executed"),
            "        executed          times   guest    host  region",
        ]
    );
    let fields: Vec<&str> = lines[2].split_whitespace().collect();
    let [ran, times, guest, host, region] = fields[..] else {
        panic!("{text}");
    };
    let guest_length = PROGRAM.len().to_string();
    assert_eq!(
        (ran, times, guest, region),
        (
            &*executed.to_string(),
            "1",
            &*guest_length,
            &*format!("{START:x}")
        )
    );
    assert!(host.parse::<u32>().unwrap() > 0);
    assert_eq!(lines.len(), 3, "{text}");
}

/// What has not run often is interpreted: the start, and the loop's first
/// rounds. Then it is a region, without what has never run.
#[test]
fn cold_code() {
    const LOOP: u64 = START + 8;
    let output = run(&["--counters", "--print-guest"]);
    assert_eq!(output.status.code(), Some(120), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    let (region, counters) = text.split_once("1 regions, ").unwrap();
    let head = format!("guest code of region {LOOP:x}:\n");
    assert!(region.starts_with(&head), "{text}");
    assert!(!region.contains("BRK"), "{text}");
    let number = |line: &str| line.split_whitespace().next().unwrap().parse::<u32>();
    let executed = number(counters).unwrap();
    let interpreted = text.lines().last().unwrap();
    assert!(interpreted.ends_with(" interpreted before they were translated"));
    // Forty rounds of four, and the four around them.
    assert_eq!(executed + number(interpreted).unwrap(), 164, "{text}");
    assert!(executed >= 8, "{text}");
}

/// A map, which goes when it is dropped.
struct Map(PathBuf);

impl Drop for Map {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Runs the program with a map from a shell that first does `before`; `MAP` is
/// the map's path.
fn mapped(before: &str, other: &Path) -> Map {
    let dir = TempDir::new().unwrap();
    let script = format!("MAP=/tmp/perf-$$.map; rm -f $MAP; {before}; echo $MAP; exec \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &script, "sh"])
        .arg(env!("CARGO_BIN_EXE_armistice-aarch64"))
        .args(["--eager", "--perf-map"])
        .arg(the_program(&dir))
        .env("OTHER", other)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(120), "{output:?}");
    assert_eq!(output.stderr, b"");
    let path = String::from_utf8(output.stdout).unwrap();
    Map(PathBuf::from(path.trim_end()))
}

/// Whatever a process of the same number left behind is gone.
#[test]
fn map_for_perf() {
    let map = mapped("echo stale > $MAP", Path::new(""));
    let text = std::fs::read_to_string(&map.0).unwrap();
    let mut names = Vec::new();
    let mut free = 0;
    for line in text.lines() {
        let mut fields = line.splitn(3, ' ');
        let mut number = || u64::from_str_radix(fields.next().unwrap(), 16).unwrap();
        let (start, size) = (number(), number());
        assert!(start >= free && size > 0, "{text}");
        free = start + size;
        names.push(fields.next().unwrap());
    }
    assert_eq!(
        names,
        [
            "armistice stubs",
            "guest 401000",
            "guest 401008",
            "guest 401010",
            "guest 401018",
            "guest 401020",
        ]
    );
}

/// perf looks into its map for code in memory that it takes for anonymous, of
/// which `/dev/zero` is a kind. What is written shows where it is executed.
#[test]
fn code_lies_where_perf_asks_the_map() {
    let mut arena = Arena::new().unwrap();
    arena.show_to_perf();
    let at = arena.add(&[0xb8, 1, 0, 0, 0, 0xc3]).unwrap();
    arena.patch(at, 0x0203_04b8);
    // SAFETY: that many bytes were added there.
    let code = unsafe { std::slice::from_raw_parts(at as *const u8, 6) };
    assert_eq!(code, [0xb8, 4, 3, 2, 0, 0xc3]);
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let start = format!("{:x}-", arena.range().start);
    let line = maps.lines().find(|line| line.starts_with(&start)).unwrap();
    assert!(line.contains(" r-xs "), "{line}");
    assert!(line.ends_with(" /dev/zero (deleted)"), "{line}");
}

/// In a directory that all may write to, a link may be anyone's.
#[test]
fn no_link_is_followed_for_the_map() {
    let dir = TempDir::new().unwrap();
    let other = dir.path().join("other");
    std::fs::write(&other, "precious").unwrap();
    let map = mapped("ln -s \"$OTHER\" $MAP", &other);
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "precious");
    assert!(std::fs::symlink_metadata(&map.0).unwrap().is_symlink());
}
