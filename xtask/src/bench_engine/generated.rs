//! A program of some megabytes of code that runs once, to measure translating.
//!
//! Functions of random statements, from a fixed seed: integers of all widths,
//! loads and stores, doubles, branches, switches, short loops, calls of small
//! functions. They are C, so that what is translated is what compilers write.
//! Nothing in them is undefined or differs between machines: integers are
//! unsigned, divisors odd, and doubles stay finite.
//!
//! Compiling so much takes minutes, so each file is compiled once and linked
//! several times, with other names: to a translator all of it is new code.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// How many files, how often each is linked, and functions in each.
const FILES: usize = 3;
const COPIES: usize = 4;
const FUNCTIONS: usize = 220;
/// How many statements a function has at its top.
const STATEMENTS: usize = 22;

const HEAD: &str = "\
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
struct state { u64 w[16]; u32 h[16]; u16 s[16]; u8 c[32]; double d[8]; };
__attribute__((noinline)) static u64 rotate(u64 x, u64 y) { return x << (y & 31) | x >> (32 - (y & 31)); }
__attribute__((noinline)) static u32 bytes(struct state *p, u64 x) { return p->c[x % 32] * 257u + p->c[(x >> 5) % 32]; }
__attribute__((noinline)) static double middle(double x, double y) { return (x + y) * 0.5; }
";

/// xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    fn variable(&mut self) -> char {
        self.one_of(&['a', 'b', 'x', 'y'])
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap_or(0)]
    }
}

/// Makes the program `to` in a folder, with the tools of that prefix.
pub(crate) fn build(folder: &Path, prefix: &str, to: &Path) -> Result<()> {
    let mut link = Command::new(format!("{prefix}gcc"));
    link.args(FLAGS).arg("-static").arg("-o").arg(to);
    for file in 0..FILES {
        let name = format!("generated_{file}");
        let (source, object) = (folder.join(name + ".c"), folder.join("generated.o"));
        fs::write(&source, text(file)?)?;
        let mut compile = Command::new(format!("{prefix}gcc"));
        done(
            compile
                .args(FLAGS)
                .arg("-c")
                .arg(&source)
                .arg("-o")
                .arg(&object),
        )?;
        for copy in 0..COPIES {
            let renamed = folder.join(format!("generated_{copy}_{file}.o"));
            let mut rename = Command::new(format!("{prefix}objcopy"));
            rename.arg(format!("--prefix-symbols=copy_{copy}_"));
            done(rename.arg(&object).arg(&renamed))?;
            link.arg(renamed);
        }
    }
    let main = folder.join("generated_main.c");
    fs::write(&main, main_text()?)?;
    done(link.arg(main))
}

/// Without contraction, for the same bits on both machines.
const FLAGS: [&str; 3] = ["-O2", "-ffp-contract=off", "-w"];

fn done(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("can't start {}", command.get_program().display()))?;
    if !status.success() {
        bail!("{} fails: {status}", command.get_program().display());
    }
    Ok(())
}

/// The source of one file: its functions, and one that calls them all.
fn text(file: usize) -> Result<String> {
    let mut random = Random(0x2545_f491_4f6c_dd1d + file as u64);
    let mut text = HEAD.to_owned();
    let mut calls = String::new();
    for function in 0..FUNCTIONS {
        let (add, from) = (random.below(4096), random.below(8));
        writeln!(
            text,
            "u64 f_{function}_{file}(struct state *p, u64 a, u64 b)\n{{\n\
             \tu64 x = a ^ b, y = a + {add};\n\tdouble e = p->d[{from}];"
        )?;
        for _ in 0..STATEMENTS {
            statement(&mut random, &mut text, 1)?;
        }
        let to = random.below(8);
        writeln!(
            text,
            "\tp->d[{to}] = e * 0.25;\n\treturn a ^ b + x - y;\n}}"
        )?;
        writeln!(
            calls,
            "\tsum = sum * 31 + f_{function}_{file}(p, sum, {function});"
        )?;
    }
    writeln!(
        text,
        "u64 all_{file}(struct state *p, u64 sum)\n{{\n{calls}\treturn sum;\n}}"
    )?;
    Ok(text)
}

/// The source of `main`: calls all copies, and prints what they made.
fn main_text() -> Result<String> {
    let mut text = format!("#include <stdio.h>\n{HEAD}static struct state state;\n");
    let mut calls = String::new();
    for copy in 0..COPIES {
        for file in 0..FILES {
            writeln!(
                text,
                "u64 copy_{copy}_all_{file}(struct state *p, u64 sum);"
            )?;
            writeln!(calls, "\tsum = copy_{copy}_all_{file}(&state, sum);")?;
        }
    }
    writeln!(
        text,
        "int main(void)\n{{\n\tu64 sum = 1;\n{calls}\tfor (int i = 0; i < 16; i++)\n\
         \t\tsum = sum * 31 + state.w[i] + state.h[i] + state.s[i];\n\
         \tprintf(\"%016lx %a\\n\", sum, state.d[0]);\n\treturn 0;\n}}"
    )?;
    Ok(text)
}

/// One statement, which may hold others.
fn statement(random: &mut Random, out: &mut String, depth: usize) -> Result<()> {
    let indent = "\t".repeat(depth);
    let kinds = if depth > 2 { 11 } else { 15 };
    let (a, b, c) = (random.variable(), random.variable(), random.variable());
    let (i, j, n) = (random.below(16), random.below(16), random.below(65_536));
    let shift = 1 + random.below(62);
    let op = random.one_of(&["+", "-", "^", "|", "&", "*"]);
    match random.below(kinds) {
        0 => writeln!(out, "{indent}{a} {op}= p->w[{i}] + {b};"),
        1 => writeln!(out, "{indent}p->w[{i}] = {a} {op} ({b} >> {shift});"),
        2 => writeln!(out, "{indent}{a} = (u32){b} {op} p->h[{i}] + {n};"),
        3 => writeln!(
            out,
            "{indent}p->s[{i}] = (u16)({a} {op} {b}); {b} += p->c[{j}];"
        ),
        4 => writeln!(out, "{indent}{a} = {b} << {shift} | {b} >> {};", 64 - shift),
        5 => writeln!(
            out,
            "{indent}{a} += {b} / ({c} | 1) + (u32){c} % {};",
            n | 1
        ),
        6 => writeln!(out, "{indent}e = e * 0.5 + p->d[{}] + {n}.25;", i % 8),
        7 => writeln!(
            out,
            "{indent}p->d[{}] = (double)(u32){a} - p->d[{}] * 0.125;",
            i % 8,
            j % 8
        ),
        8 => writeln!(out, "{indent}{a} ^= rotate({b}, {c}) + bytes(p, {c});"),
        9 => writeln!(
            out,
            "{indent}{a} = {b} > {c} ? {b} - {n} : (u64)__builtin_clzll({c} | 1);"
        ),
        10 => writeln!(
            out,
            "{indent}e = middle(e, p->d[{}]); p->h[{i}] += (u32){a};",
            j % 8
        ),
        11 | 12 => {
            let (left, right) = match random.below(3) {
                0 => (format!("{a}"), format!("{b}")),
                1 => (format!("{a} & {}", 1 << (shift % 16)), "0".to_owned()),
                _ => (format!("(u16){a}"), format!("{}", n / 2)),
            };
            let compare = random.one_of(&["<", ">=", "!=", "=="]);
            writeln!(out, "{indent}if (({left}) {compare} {right}) {{")?;
            statement(random, out, depth + 1)?;
            statement(random, out, depth + 1)?;
            writeln!(out, "{indent}}} else {{")?;
            statement(random, out, depth + 1)?;
            writeln!(out, "{indent}}}")
        }
        13 => {
            writeln!(out, "{indent}switch ({a} % 6) {{")?;
            for case in 0..5 {
                writeln!(out, "{indent}case {case}:")?;
                statement(random, out, depth + 2)?;
                writeln!(out, "{indent}\tbreak;")?;
            }
            writeln!(out, "{indent}}}")
        }
        _ => {
            writeln!(out, "{indent}for (u64 i = {b} & 1; i < 3; i++) {{")?;
            statement(random, out, depth + 2)?;
            writeln!(
                out,
                "{indent}\tp->w[(i + {i}) % 16] {op}= i + {c};\n{indent}}}"
            )
        }
    }?;
    Ok(())
}
