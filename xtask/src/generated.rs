//! A program of some megabytes of code that runs once, to measure translating.
//!
//! Functions of random statements, from a fixed seed: integers of all widths,
//! loads and stores, doubles, branches, switches, short loops, calls of small
//! functions. They are C, so that what is translated is what compilers write.
//! Nothing in them is undefined or differs between machines: integers are
//! unsigned, divisors odd, and doubles stay finite.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// How many files, and functions in each.
const FILES: usize = 12;
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

/// Writes the sources into a folder.
pub(crate) fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut files = Vec::new();
    let mut main = format!("#include <stdio.h>\n{HEAD}");
    let mut calls = String::new();
    for file in 0..FILES {
        let mut text = HEAD.to_owned();
        for function in 0..FUNCTIONS {
            let name = format!("f_{file}_{function}");
            writeln!(
                text,
                "u64 {name}(struct state *p, u64 a, u64 b)\n{{\n\tu64 x = a ^ b, y = a + {};\n\tdouble e = p->d[{}];",
                random.below(4096),
                random.below(8)
            )?;
            for _ in 0..STATEMENTS {
                statement(&mut random, &mut text, 1)?;
            }
            writeln!(
                text,
                "\tp->d[{}] = e * 0.25;\n\treturn a ^ b + x - y;\n}}",
                random.below(8)
            )?;
            writeln!(main, "u64 {name}(struct state *p, u64 a, u64 b);")?;
            writeln!(calls, "\tsum = sum * 31 + {name}(&state, sum, {function});")?;
        }
        let path = folder.join(format!("generated_{file}.c"));
        fs::write(&path, text)?;
        files.push(path);
    }
    let path = folder.join("generated_main.c");
    fs::write(
        &path,
        format!(
            "{main}static struct state state;\nint main(void)\n{{\n\tu64 sum = 1;\n{calls}\
             \tfor (int i = 0; i < 16; i++)\n\t\tsum = sum * 31 + state.w[i] + state.h[i] + state.s[i];\n\
             \tprintf(\"%016lx %a\\n\", sum, state.d[0]);\n\treturn 0;\n}}\n"
        ),
    )?;
    files.push(path);
    Ok(files)
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
