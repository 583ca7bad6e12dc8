//! Random tables, files and calls, and how they are put before the kernel.
//!
//! Every world has the same names, so that links, `#!` lines and entries often
//! hit one; what is behind each name is random.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use armistice_arch::Arch;
use proptest::prelude::*;

use super::probe;

/// The files of every world, as paths below its folder.
const FILES: [&str; 10] = [
    "a",
    "b",
    "c",
    "d.x",
    "e.y",
    "f.x.y",
    "g.",
    ".x",
    "sub.x/h",
    "sub.x/i.y",
];

/// The links of every world.
const LINKS: [&str; 3] = ["l", "l.x", "l.y"];

/// A path that a call, a link, a `#!` line or an entry names.
#[derive(Debug, Clone)]
pub(crate) enum Name {
    File(usize),
    Link(usize),
    Folder,
    Missing,
    /// Below a file.
    Below(usize),
}

/// How a path is written.
#[derive(Debug, Clone)]
pub(crate) struct Ref {
    name: Name,
    relative: bool,
}

impl Ref {
    fn below(&self) -> String {
        match &self.name {
            Name::File(i) => FILES[*i].to_owned(),
            Name::Link(i) => LINKS[*i].to_owned(),
            Name::Folder => "sub.x".to_owned(),
            Name::Missing => "missing.x".to_owned(),
            Name::Below(i) => format!("{}/x", FILES[*i]),
        }
    }

    /// The path, for a world in `root`, which is also the working directory.
    pub(crate) fn path(&self, root: &Path) -> PathBuf {
        if self.relative {
            Path::new(".").join(self.below())
        } else {
            root.join(self.below())
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Probe {
        wide: bool,
        loader: Option<Ref>,
    },
    /// A probe with one byte of its header changed.
    Damaged {
        wide: bool,
        at: usize,
        to: u8,
    },
    Foreign {
        arch: &'static str,
        osabi: u8,
        abi: u8,
    },
    Script(Line),
    Bytes(Vec<u8>),
}

/// A `#!` line.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    lead: &'static str,
    interpreter: Ref,
    argument: &'static str,
    pad: usize,
    end: &'static str,
}

#[derive(Debug, Clone)]
pub(crate) struct File {
    content: Content,
    mode: u32,
}

#[derive(Debug, Clone)]
pub(crate) enum Matching {
    Magic {
        offset: usize,
        magic: Vec<u8>,
        mask: Option<Vec<u8>>,
    },
    Ending(&'static str),
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    matching: Matching,
    interpreter: Ref,
    flags: String,
    enabled: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) files: Vec<File>,
    pub(crate) links: Vec<Ref>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) enabled: bool,
    pub(crate) call: Ref,
    pub(crate) argv: Vec<&'static str>,
    /// Whether the caller has root's capabilities.
    pub(crate) root: bool,
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![
        16 => (0..FILES.len()).prop_map(Name::File),
        3 => (0..LINKS.len()).prop_map(Name::Link),
        1 => Just(Name::Folder),
        1 => Just(Name::Missing),
        1 => (0..FILES.len()).prop_map(Name::Below),
    ]
}

fn reference() -> impl Strategy<Value = Ref> {
    (name(), prop::bool::weighted(0.1)).prop_map(|(name, relative)| Ref { name, relative })
}

fn content() -> impl Strategy<Value = Content> {
    let probe = (
        prop::bool::weighted(0.8),
        prop::option::weighted(0.15, reference()),
    );
    // e_type, e_machine, e_phentsize and e_phnum that no loader takes.
    let damage = |wide: bool| {
        let (size, count) = if wide { (54, 56) } else { (42, 44) };
        prop::sample::select(vec![
            (16, 0_u8),
            (16, 1),
            (16, 4),
            (18, 0),
            (18, 183),
            (size, 1),
            (count, 0),
        ])
        .prop_map(move |(at, to)| Content::Damaged { wide, at, to })
    };
    let foreign = prop::sample::select(vec!["aarch64", "arm", "riscv64", "s390x", "ppc64le"]);
    prop_oneof![
        5 => probe.prop_map(|(wide, loader)| Content::Probe { wide, loader }),
        1 => damage(true),
        1 => damage(false),
        3 => (foreign, prop_oneof![Just(0), Just(3), any::<u8>()], prop_oneof![3 => Just(0), 1 => Just(b'A')])
            .prop_map(|(arch, osabi, abi)| Content::Foreign { arch, osabi, abi }),
        6 => line().prop_map(Content::Script),
        3 => bytes().prop_map(Content::Bytes),
    ]
}

fn line() -> impl Strategy<Value = Line> {
    let lead = prop::sample::select(vec!["", "", " ", "\t ", "\n", "\0"]);
    let argument = prop::sample::select(vec![
        "",
        "",
        "",
        " ",
        " -e",
        "\t-e -x",
        " \x1b[31m",
        " -e ",
        " \0 -e",
    ]);
    let pad = prop_oneof![6 => Just(0_usize), 1 => 180..250_usize];
    let end = prop::sample::select(vec![
        "\n", "\n", "\n", "", "\r\n", "\0", " \n", "\necho\n", "\0\n",
    ]);
    (lead, reference(), argument, pad, end).prop_map(|(lead, interpreter, argument, pad, end)| {
        Line {
            lead,
            interpreter,
            argument,
            pad,
            end,
        }
    })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        Just(b"MZ rest".to_vec()),
        Just(b"MZqFpD rest".to_vec()),
        Just(b"no program\n".to_vec()),
        Just(b"\x7fELF".to_vec()),
        Just(b"#!".to_vec()),
        Just(vec![0; 300]),
        prop::collection::vec(any::<u8>(), 0..300),
    ]
}

fn file() -> impl Strategy<Value = File> {
    let mode = prop_oneof![
        20 => Just(0o755_u32),
        3 => Just(0o644),
        1 => Just(0o111),
        1 => Just(0o600),
        1 => Just(0o070),
        1 => Just(0o655),
    ];
    (content(), mode).prop_map(|(content, mode)| File { content, mode })
}

/// Magic that files here begin with, or have somewhere.
fn magic() -> impl Strategy<Value = (usize, Vec<u8>, Option<Vec<u8>>)> {
    let arm64 = Arch::by_name("aarch64").expect("known").pattern();
    prop_oneof![
        Just((0, b"MZ".to_vec(), None)),
        Just((0, b"MZqFpD".to_vec(), None)),
        Just((0, b"#!".to_vec(), None)),
        Just((2, b"/".to_vec(), None)),
        Just((0, b"\x7fELF".to_vec(), None)),
        Just((0, arm64.magic, Some(arm64.mask))),
        Just((18, vec![62], None)),
        Just((0, vec![0, 0], None)),
        Just((250, vec![0, 0], None)),
        (
            0..4_usize,
            prop::collection::vec(any::<u8>(), 1..3),
            0..4_u8
        )
            .prop_map(|(offset, magic, bits)| {
                let mask = vec![bits; magic.len()];
                (offset, magic, Some(mask))
            }),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let matching = prop_oneof![
        3 => magic().prop_map(|(offset, magic, mask)| Matching::Magic { offset, magic, mask }),
        2 => prop::sample::select(vec!["x", "y", "X", "x.y", "c"]).prop_map(Matching::Ending),
    ];
    let flags = prop::sample::subsequence(vec!['P', 'O', 'C', 'F'], 0..=4);
    (matching, reference(), flags, prop::bool::weighted(0.85)).prop_map(
        |(matching, interpreter, flags, enabled)| Entry {
            matching,
            interpreter,
            flags: flags.into_iter().collect(),
            enabled,
        },
    )
}

/// Any world.
pub(crate) fn world() -> impl Strategy<Value = World> {
    let any_file = (0..FILES.len()).prop_map(|at| Ref {
        name: Name::File(at),
        relative: false,
    });
    let call = prop_oneof![any_file, reference()];
    (
        prop::collection::vec(file(), FILES.len()),
        prop::collection::vec(reference(), LINKS.len()),
        prop::collection::vec(entry(), 0..5),
        prop::bool::weighted(0.93),
        call,
        prop_oneof![
            Just(vec!["zero", "one"]),
            Just(vec!["zero"]),
            Just(vec![""]),
            Just(vec![])
        ],
        prop::bool::weighted(0.7),
    )
        .prop_map(|(files, links, entries, enabled, call, argv, root)| World {
            files,
            links,
            entries,
            enabled,
            call,
            argv,
            root,
        })
}

impl World {
    /// Writes the files into a folder, and the entries into the table. Entries
    /// that the kernel refuses (flag F without a program) are not there then.
    pub(crate) fn set_up(&self, root: &Path, table: &Path) {
        let name = |at: usize| FILES[at].to_owned();
        fs::create_dir(root.join("sub.x")).expect("a folder");
        for (at, file) in self.files.iter().enumerate() {
            let path = root.join(FILES[at]);
            fs::write(&path, file.bytes(&name(at), root)).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(file.mode)).expect("chmod");
        }
        for (at, target) in self.links.iter().enumerate() {
            symlink(target.path(root), root.join(LINKS[at])).expect("a link");
        }
        for (at, entry) in self.entries.iter().enumerate() {
            let name = format!("e{at}");
            if fs::write(table.join("register"), entry.line(&name, root)).is_ok() && !entry.enabled
            {
                fs::write(table.join(name), "0").expect("switched off");
            }
        }
        if !self.enabled {
            fs::write(table.join("status"), "0").expect("switched off");
        }
    }

    /// Takes all of that away again.
    pub(crate) fn tear_down(&self, root: &Path, table: &Path) {
        fs::write(table.join("status"), "-1").expect("emptied");
        fs::write(table.join("status"), "1").expect("switched on");
        for file in fs::read_dir(root).expect("a folder").flatten() {
            if file.file_type().is_ok_and(|kind| kind.is_dir()) {
                fs::remove_dir_all(file.path()).expect("removed");
            } else {
                fs::remove_file(file.path()).expect("removed");
            }
        }
    }
}

impl File {
    fn bytes(&self, name: &str, root: &Path) -> Vec<u8> {
        match &self.content {
            Content::Probe { wide, loader } => {
                let loader = loader.as_ref().map(|r| r.path(root));
                let loader = loader.as_ref().map(|p| p.as_os_str().as_bytes());
                probe::elf(*wide, name, loader)
            }
            Content::Damaged { wide, at, to } => {
                let mut bytes = probe::elf(*wide, name, None);
                bytes[*at] = *to;
                bytes
            }
            Content::Foreign { arch, osabi, abi } => {
                let arch = Arch::by_name(arch).expect("known");
                let mut bytes = arch.sample_header(2, *osabi).to_vec();
                bytes[8] = *abi;
                bytes
            }
            Content::Script(line) => {
                let interpreter = line.interpreter.path(root);
                let pad = " ".repeat(line.pad);
                [
                    b"#!",
                    line.lead.as_bytes(),
                    pad.as_bytes(),
                    interpreter.as_os_str().as_bytes(),
                    line.argument.as_bytes(),
                    line.end.as_bytes(),
                ]
                .concat()
            }
            Content::Bytes(bytes) => bytes.clone(),
        }
    }
}

impl Entry {
    fn line(&self, name: &str, root: &Path) -> Vec<u8> {
        let hex =
            |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("\\x{b:02x}")).collect() };
        let front = match &self.matching {
            Matching::Magic {
                offset,
                magic,
                mask,
            } => {
                let mask = mask.as_deref().map_or_else(String::new, hex);
                format!(":{name}:M:{offset}:{}:{mask}:", hex(magic))
            }
            Matching::Ending(ending) => format!(":{name}:E::{ending}::"),
        };
        let interpreter = self.interpreter.path(root);
        let interpreter: &OsStr = interpreter.as_os_str();
        [
            front.as_bytes(),
            interpreter.as_bytes(),
            b":",
            self.flags.as_bytes(),
        ]
        .concat()
    }
}
