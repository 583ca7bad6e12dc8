//! What is measured, as data: commands of the kinds that container builds are
//! made of.
//!
//! The commands run in `/mnt`, which has what is in benches/programs, a text
//! (`text`), and unpacked sources; what they write is gone afterwards. Sizes
//! are such that native code takes from some hundredths of a second to some seconds.

/// Debian's release.
pub(super) const RELEASE: &str = "trixie";

/// What both userlands have.
pub(super) const PACKAGES: &[&str] = &[
    "bash",
    "bc",
    "busybox-static",
    "bzip2",
    "gawk",
    "gcc",
    "g++",
    "git",
    "golang-go",
    "luajit",
    "lua5.4",
    "make",
    "mawk",
    "node-typescript",
    "nodejs",
    "openjdk-21-jdk-headless",
    "openssl",
    "perl",
    "procps",
    "python3",
    "python3-numpy",
    "redis-server",
    "redis-tools",
    "ruby",
    "rustc",
    "sqlite3",
    "xz-utils",
    "zstd",
];

/// Source packages whose upstream archive is unpacked to `/mnt/NAME`.
pub(super) const SOURCES: &[&str] = &["bzip2", "lua5.4", "zlib"];

/// Packages that are there to be installed, in `/mnt/packages/ARCHITECTURE`; no
/// others are needed for them.
pub(super) const DEBS: &[&str] = &[
    "adduser",
    "file",
    "hello",
    "libmagic-mgc",
    "libmagic1t64",
    "sensible-utils",
    "tree",
];

/// What is measured once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) run: Run,
    /// Whether what it prints is the same on each architecture.
    pub(super) compared: bool,
}

/// How it is started.
#[derive(Debug, Clone, Copy)]
pub(super) enum Run {
    /// The program itself, so often, with words as arguments.
    Times(u32, &'static [&'static str]),
    /// A line for the shell.
    Shell(&'static str),
}

/// What it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Start,
    Shell,
    Compiler,
    Make,
    Interpreter,
    Jit,
    Text,
    Compression,
    Crypto,
    Database,
    Numbers,
    Threads,
    Install,
}

impl Kind {
    pub(super) const ALL: [Self; 13] = [
        Self::Start,
        Self::Shell,
        Self::Compiler,
        Self::Make,
        Self::Interpreter,
        Self::Jit,
        Self::Text,
        Self::Compression,
        Self::Crypto,
        Self::Database,
        Self::Numbers,
        Self::Threads,
        Self::Install,
    ];

    /// As `--only` says it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Shell => "shell",
            Self::Compiler => "compiler",
            Self::Make => "make",
            Self::Interpreter => "interpreter",
            Self::Jit => "jit",
            Self::Text => "text",
            Self::Compression => "compression",
            Self::Crypto => "crypto",
            Self::Database => "database",
            Self::Numbers => "numbers",
            Self::Threads => "threads",
            Self::Install => "install",
        }
    }

    /// As the page says it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Start => "Starting things",
            Self::Shell => "Shells, configure scripts, git",
            Self::Compiler => "Compilers",
            Self::Make => "make",
            Self::Interpreter => "Interpreters",
            Self::Jit => "JITs",
            Self::Text => "Text tools",
            Self::Compression => "Compression",
            Self::Crypto => "Hashes and ciphers",
            Self::Database => "Databases",
            Self::Numbers => "Numbers",
            Self::Threads => "Threads and processes",
            Self::Install => "Installing, and an image's steps",
        }
    }
}

const fn start(name: &'static str, times: u32, words: &'static [&'static str]) -> Item {
    Item {
        name,
        kind: Kind::Start,
        run: Run::Times(times, words),
        compared: true,
    }
}

const fn item(kind: Kind, name: &'static str, line: &'static str) -> Item {
    Item {
        name,
        kind,
        run: Run::Shell(line),
        compared: true,
    }
}

/// One that prints its architecture, addresses, or times.
const fn differs(item: Item) -> Item {
    Item {
        compared: false,
        ..item
    }
}

/// All of them.
pub(super) const ITEMS: &[Item] = &[
    start("busybox (static)", 40, &["/bin/busybox", "true"]),
    start("true", 40, &["/usr/bin/true"]),
    start("dash", 40, &["/usr/bin/dash", "-c", ":"]),
    start("bash", 30, &["/usr/bin/bash", "-c", ":"]),
    start("perl", 30, &["/usr/bin/perl", "-e", "0"]),
    start("python3", 15, &["/usr/bin/python3", "-c", "pass"]),
    start("ruby", 4, &["/usr/bin/ruby", "-e", "0"]),
    start("node", 4, &["/usr/bin/node", "-e", "0"]),
    differs(start("java", 3, &["/usr/bin/java", "-version"])),
    differs(start("go version", 15, &["/usr/bin/go", "version"])),
    differs(start("gcc --version", 30, &["/usr/bin/gcc", "--version"])),
    start("git --version", 30, &["/usr/bin/git", "--version"]),
    item(Kind::Shell, "cases", "dash cases.sh"),
    item(Kind::Shell, "cases, bash", "bash cases.sh"),
    item(Kind::Shell, "pipes", "dash pipes.sh"),
    differs(item(Kind::Shell, "configure", "cd zlib && ./configure")),
    item(
        Kind::Shell,
        "git, a day's work",
        "cd /tmp && git clone -q /mnt/repository r && cd r && git config user.name a && git config user.email a@b \
         && for n in 1 2 3 4 5; do echo $n >> README; git add README; git commit -qm $n; done \
         && git log --oneline | wc -l && git diff --stat HEAD~5 | tail -1 && git gc -q",
    ),
    item(
        Kind::Compiler,
        "gcc, small files",
        "for n in 1 2 3 4 5 6 7 8; do gcc -c -O1 -o /tmp/$n.o small.c || exit; done",
    ),
    item(
        Kind::Compiler,
        "gcc, a large file",
        "gcc -c -O2 -o /tmp/lvm.o lua5.4/src/lvm.c",
    ),
    item(
        Kind::Compiler,
        "g++, templates",
        "g++ -c -O0 -o /tmp/t.o templates.cc",
    ),
    item(
        Kind::Compiler,
        "ld",
        "gcc -o /tmp/small small.c && gcc -static -o /tmp/small small.c",
    ),
    item(
        Kind::Compiler,
        "go tool compile",
        "for n in 1 2 3 4 5 6 7 8; do go tool compile -p main -o /tmp/p.o program.go || exit; done",
    ),
    item(
        Kind::Compiler,
        "rustc",
        "rustc --edition 2021 --emit=obj -O -o /tmp/p.o program.rs",
    ),
    item(
        Kind::Compiler,
        "tsc",
        "tsc --outDir /tmp --target es2022 program.ts; cat /tmp/program.js",
    ),
    item(Kind::Compiler, "javac", "javac -d /tmp Sort.java"),
    item(
        Kind::Make,
        "make -j2, bzip2",
        "cp -r bzip2 /tmp/b && cd /tmp/b && make -j2 CFLAGS=-O1 bzip2 > /dev/null",
    ),
    item(
        Kind::Make,
        "make -j2, small files",
        "cp -r many /tmp/m && cd /tmp/m && make -s -j2 && ./all",
    ),
    item(Kind::Interpreter, "python, objects", "python3 bodies.py"),
    item(Kind::Interpreter, "python, text", "python3 words.py"),
    item(Kind::Interpreter, "perl, text", "perl words.pl"),
    item(Kind::Interpreter, "lua", "lua5.4 queens.lua 8"),
    item(
        Kind::Interpreter,
        "ruby, text",
        "ruby -e 'h = Hash.new(0); File.foreach(\"text\") { |l| l.scan(/[a-z]+/i) { |w| h[w.downcase] += 1 } }; p h.size, h.values.max'",
    ),
    item(Kind::Interpreter, "mawk", "mawk -f words.awk text"),
    item(Kind::Interpreter, "gawk", "gawk -f words.awk text"),
    item(
        Kind::Interpreter,
        "bc",
        "echo 'scale=900; 4*a(1)' | BC_LINE_LENGTH=0 bc -l",
    ),
    item(Kind::Jit, "node, hot loops", "node loop.js"),
    item(Kind::Jit, "node, text", "node text.js"),
    item(Kind::Jit, "java, sorting", "java Sort.java"),
    item(Kind::Jit, "luajit", "luajit queens.lua 10"),
    item(Kind::Text, "sort", "sort text text | md5sum"),
    item(
        Kind::Text,
        "grep",
        "for n in 1 2 3 4; do grep -cE '(copy|right).*[a-z]{3}s' text; grep -ciw license text; done",
    ),
    item(
        Kind::Text,
        "sed",
        "sed -E 's/([a-z]+) ([a-z]+)/\\2 \\1/g; /^$/d' text | md5sum",
    ),
    item(
        Kind::Text,
        "wc, tr, cut, uniq",
        "wc text; tr A-Z a-z < text | tr -cs a-z '\\n' | sort | uniq -c | sort -rn | head -5",
    ),
    item(
        Kind::Compression,
        "xz",
        "head -c 1500000 text | xz -6 | tee /tmp/x | md5sum; xz -dc /tmp/x | md5sum",
    ),
    item(
        Kind::Compression,
        "zstd",
        "zstd -q -12 -c text > /tmp/x; for n in 1 2 3; do zstd -dc /tmp/x | md5sum; done",
    ),
    item(
        Kind::Compression,
        "gzip",
        "gzip -c text > /tmp/x; gzip -dc /tmp/x | md5sum",
    ),
    item(
        Kind::Compression,
        "bzip2",
        "head -c 2000000 text | bzip2 | tee /tmp/x | md5sum; bzip2 -dc /tmp/x | md5sum",
    ),
    item(
        Kind::Crypto,
        "sha256sum, md5sum",
        "cat text text text text text > /tmp/x; sha256sum < /tmp/x; md5sum < /tmp/x",
    ),
    item(
        Kind::Crypto,
        "openssl, ciphers",
        "cat text text text text text > /tmp/x; for c in aes-256-ctr aes-128-cbc chacha20; do \
         openssl enc -$c -K 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff -iv 00112233445566778899aabbccddeeff \
         -in /tmp/x 2> /dev/null | md5sum; done; openssl dgst -sha512 -r /tmp/x; openssl dgst -sha3-256 -r /tmp/x",
    ),
    item(
        Kind::Crypto,
        "openssl, RSA",
        "for n in 1 2 3 4 5 6 7 8; do openssl dgst -sha256 -sign key.pem small.c | md5sum; done",
    ),
    item(
        Kind::Database,
        "sqlite, tables",
        "sqlite3 :memory: < sqlite.sql",
    ),
    item(
        Kind::Database,
        "sqlite, joins on disk",
        "sqlite3 /tmp/db < join.sql",
    ),
    item(Kind::Database, "redis", "sh redis.sh"),
    item(
        Kind::Numbers,
        "numpy",
        "OPENBLAS_NUM_THREADS=1 python3 linear.py",
    ),
    item(Kind::Numbers, "scalar", "sh scalar.sh"),
    item(
        Kind::Threads,
        "threads",
        "gcc -O2 -o /tmp/threads threads.c -lpthread && /tmp/threads",
    ),
    item(Kind::Threads, "fork, perl", "perl forks.pl"),
    item(Kind::Threads, "fork, python", "python3 pool.py"),
    item(
        Kind::Threads,
        "xz -T2",
        "head -c 4000000 text | xz -3 -T2 --block-size=1000000 | xz -dc -T2 | md5sum",
    ),
    item(
        Kind::Install,
        "dpkg --install",
        "DEBIAN_FRONTEND=noninteractive dpkg --install packages/$(dpkg --print-architecture)/*.deb > /dev/null",
    ),
    item(Kind::Install, "an image's steps", "sh image.sh"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_each_and_each_kind_has_some() {
        for (n, item) in ITEMS.iter().enumerate() {
            assert!(
                ITEMS[..n].iter().all(|other| other.name != item.name),
                "{}",
                item.name
            );
        }
        for kind in Kind::ALL {
            assert!(ITEMS.iter().any(|item| item.kind == kind), "{kind:?}");
        }
        assert!(ITEMS.len() >= 40);
    }
}
