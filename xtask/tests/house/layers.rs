//! Who must never know whom: ARCHITECTURE.md's rules as data, and the imports that break them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::imports::{Import, Workspace};
use super::source::Tree;

/// Files below the first of these never name what is below the others. What is not a
/// folder is another crate's (`std::fs`).
pub(crate) struct Rule {
    pub(crate) who: &'static [&'static str],
    pub(crate) whom: &'static [&'static str],
    pub(crate) why: &'static str,
}

/// The rules of crates, then those of the engine's rooms, from below.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        who: &["crates/arch/src"],
        whom: &["std::fs", "std::process", "std::net", "rustix", "libc"],
        why: "architectures are data: no I/O",
    },
    Rule {
        who: &[
            "crates/arch/src",
            "crates/ir/src",
            "crates/isa/src",
            "crates/softfp/src",
        ],
        whom: &["crates"],
        why: "it is below all others",
    },
    Rule {
        who: &["crates/lanes/src"],
        whom: &[
            "crates/a32",
            "crates/a64",
            "crates/guest",
            "crates/ir",
            "crates/x64",
            "crates/engine",
        ],
        why: "lanes are computed of integers, whoever asks",
    },
    Rule {
        who: &["crates/binfmt/src"],
        whom: &[
            "crates/emulators",
            "crates/proof",
            "crates/armistice",
            "clap",
        ],
        why: "the kernel's table knows no emulator and no command line",
    },
    Rule {
        who: &["crates/emulators/src"],
        whom: &["crates/binfmt", "crates/proof", "crates/armistice", "clap"],
        why: "finding emulators needs no table",
    },
    Rule {
        who: &["crates/proof/src"],
        whom: &[
            "crates/binfmt",
            "crates/emulators",
            "crates/armistice",
            "clap",
        ],
        why: "a proof runs programs and tells what they answered",
    },
    Rule {
        who: &["crates/store/src"],
        whom: &[
            "crates/registry",
            "crates/container",
            "crates/armistice",
            "ureq",
        ],
        why: "the store knows no network and no namespace",
    },
    Rule {
        who: &["crates/registry/src"],
        whom: &["crates/store", "crates/container", "crates/armistice"],
        why: "registries know no store",
    },
    Rule {
        who: &["crates/oci/src"],
        whom: &[
            "crates/binfmt",
            "crates/emulators",
            "crates/proof",
            "crates/registry",
            "crates/store",
            "crates/container",
            "crates/armistice",
            "clap",
            "ureq",
        ],
        why: "images are files and their digests, wherever they come from and go",
    },
    Rule {
        who: &["crates/container/src"],
        whom: &[
            "crates/arch",
            "crates/emulators",
            "crates/proof",
            "crates/oci",
            "crates/registry",
            "crates/store",
            "crates/armistice",
            "clap",
            "ureq",
        ],
        why: "a container is of a folder: it knows no image, and no command line",
    },
    Rule {
        who: &["crates/guest/src"],
        whom: &[
            "crates/a32",
            "crates/a64",
            "crates/lanes",
            "crates/softfp",
            "crates/toy",
        ],
        why: "what a guest gives knows none of them",
    },
    Rule {
        who: &[
            "crates/a32/src",
            "crates/a64/src",
            "crates/guest/src",
            "crates/toy/src",
        ],
        whom: &[
            "crates/anywords",
            "crates/x64",
            "crates/engine",
            "crates/oracle",
        ],
        why: "the guest knows no host",
    },
    Rule {
        who: &["crates/x64/src"],
        whom: &[
            "crates/a32",
            "crates/a64",
            "crates/guest",
            "crates/lanes",
            "crates/softfp",
            "crates/anywords",
            "crates/engine",
            "crates/oracle",
            "crates/toy",
        ],
        why: "the host's code knows no guest instruction",
    },
    Rule {
        who: &[
            "crates/engine/src",
            "crates/a32/src",
            "crates/a64/src",
            "crates/x64/src",
            "crates/ir/src",
            "crates/lanes/src",
            "crates/softfp/src",
            "crates/guest/src",
        ],
        whom: &[
            "crates/anywords",
            "crates/arch",
            "crates/armistice",
            "crates/binfmt",
            "crates/container",
            "crates/emulators",
            "crates/oci",
            "crates/oracle",
            "crates/proof",
            "crates/registry",
            "crates/store",
            "crates/toy",
            "libc",
            "std",
        ],
        why: "the engine depends on nothing of the tool, nor on a C library",
    },
    Rule {
        who: &[
            "crates/arch/src",
            "crates/armistice/src",
            "crates/binfmt/src",
            "crates/container/src",
            "crates/emulators/src",
            "crates/isa/src",
            "crates/oci/src",
            "crates/proof/src",
            "crates/registry/src",
            "crates/store/src",
            "tests/src",
            "xtask/src",
        ],
        whom: &["crates/anywords", "crates/oracle", "crates/toy"],
        why: "nothing but tests depends on these",
    },
    Rule {
        who: &["crates/engine/src/host"],
        whom: &[
            "crates/engine/src/memory",
            "crates/engine/src/thread",
            "crates/engine/src/translator",
            "crates/engine/src/linux",
            "crates/engine/src/debug",
            "crates/engine/src/inspect",
            "crates/engine/src/run.rs",
            "crates/engine/src/cli",
            "crates/a32",
            "crates/a64",
            "crates/guest",
            "crates/lanes",
            "crates/softfp",
            "crates/x64",
            "crates/ir",
        ],
        why: "the machine below knows nothing of a guest",
    },
    Rule {
        who: &["crates/engine/src/memory"],
        whom: &[
            "crates/engine/src/thread",
            "crates/engine/src/translator",
            "crates/engine/src/linux",
            "crates/engine/src/debug",
            "crates/engine/src/inspect",
            "crates/engine/src/run.rs",
            "crates/engine/src/cli",
        ],
        why: "whoever keeps something of the guest's code is told as a Watcher",
    },
    Rule {
        who: &["crates/engine/src/thread"],
        whom: &[
            "crates/engine/src/translator",
            "crates/engine/src/linux",
            "crates/engine/src/debug",
            "crates/engine/src/inspect",
            "crates/engine/src/run.rs",
            "crates/engine/src/cli",
        ],
        why: "handlers only note things: who acts on them is above",
    },
    Rule {
        who: &["crates/engine/src/translator"],
        whom: &[
            "crates/engine/src/linux",
            "crates/engine/src/debug",
            "crates/engine/src/inspect",
            "crates/engine/src/run.rs",
            "crates/engine/src/cli",
        ],
        why: "the translator knows no system call of the guest's",
    },
    Rule {
        who: &["crates/engine/src/linux"],
        whom: &[
            "crates/engine/src/translator",
            "crates/engine/src/debug",
            "crates/engine/src/inspect",
            "crates/engine/src/run.rs",
            "crates/engine/src/cli",
            "crates/x64",
            "crates/ir",
        ],
        why: "the guest's Linux knows no translation",
    },
    Rule {
        who: &["crates/engine/src/inspect"],
        whom: &[
            "crates/engine/src/linux",
            "crates/engine/src/debug",
            "crates/engine/src/run.rs",
            "crates/engine/src/cli",
        ],
        why: "it looks at code alone",
    },
    Rule {
        who: &["crates/engine/src/debug"],
        whom: &[
            "crates/engine/src/inspect",
            "crates/engine/src/run.rs",
            "crates/engine/src/cli",
        ],
        why: "the debugger is below the loop that asks it",
    },
];

/// Within a folder, what is named in some rooms alone.
pub(crate) struct Only {
    pub(crate) within: &'static str,
    /// A folder or a file, or one function's whole name (`a_crate::module::function`).
    pub(crate) whom: &'static str,
    pub(crate) rooms: &'static [&'static str],
    pub(crate) why: &'static str,
}

/// Rooms of a folder that do not name each other, however many there are.
pub(crate) struct Apart {
    pub(crate) within: &'static str,
    pub(crate) why: &'static str,
}

pub(crate) const APART: &[Apart] = &[Apart {
    within: "crates/armistice/src/verbs",
    why: "what two verbs need is below both",
}];

/// Which room of the engine knows which guest; then the command's layers.
pub(crate) const ONLY: &[Only] = &[
    Only {
        within: "crates/engine/src",
        whom: "crates/a64",
        rooms: &["crates/engine/src/linux/abi/arm64"],
        why: "a guest is told of as a Guest, and its Linux as an Abi",
    },
    Only {
        within: "crates/engine/src",
        whom: "crates/a32",
        rooms: &["crates/engine/src/linux/abi/arm"],
        why: "as a64",
    },
    Only {
        within: "crates/engine/src",
        whom: "crates/lanes",
        rooms: &[],
        why: "guests alone compute with it",
    },
    Only {
        within: "crates/engine/src",
        whom: "crates/softfp",
        rooms: &[],
        why: "as lanes",
    },
    Only {
        within: "crates/engine/src",
        whom: "crates/engine/src/linux/abi/arm64",
        rooms: &[
            "crates/engine/src/linux/abi/arm64",
            "crates/engine/src/main.rs",
            "crates/engine/src/arm.rs",
        ],
        why: "which guests there are, the binary says, and nobody else knows",
    },
    Only {
        within: "crates/engine/src",
        whom: "crates/engine/src/linux/abi/arm",
        rooms: &[
            "crates/engine/src/linux/abi/arm",
            "crates/engine/src/arm.rs",
            "crates/engine/src/main.rs",
        ],
        why: "as arm64",
    },
    Only {
        within: "crates/armistice/src",
        whom: "crates/armistice/src/verbs",
        rooms: &["crates/armistice/src/main.rs", "crates/armistice/src/verbs"],
        why: "verbs are above all else of the command",
    },
    Only {
        within: "crates/armistice/src",
        whom: "armistice_binfmt::situation::open_for_reading",
        rooms: &["crates/armistice/src/registration/live.rs"],
        why: "the table is opened in one place",
    },
    Only {
        within: "crates/armistice/src",
        whom: "armistice_binfmt::situation::open_for_writing",
        rooms: &["crates/armistice/src/registration/live.rs"],
        why: "as for reading",
    },
];

/// The imports that break these rules, a line each.
pub(crate) fn broken(
    imports: &BTreeSet<Import>,
    rules: &[Rule],
    only: &[Only],
    apart: &[Apart],
) -> String {
    let mut told = String::new();
    for rule in rules {
        for import in imports {
            let Some(who) = rule.who.iter().find(|who| import.from.starts_with(who)) else {
                continue;
            };
            let known = |whom: &&&str| match &import.to {
                Some(to) => to.starts_with(whom) && !to.starts_with(who),
                None => {
                    let rest = import.name.strip_prefix(**whom);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
                }
            };
            if let Some(whom) = rule.whom.iter().find(known) {
                told += &format!("\n{import}, which is of {whom}: {}", rule.why);
            }
        }
    }
    for only in only {
        let is_in = |from: &Path| only.rooms.iter().any(|room| from.starts_with(room));
        let elsewhere = |from: &Path| from.starts_with(only.within) && !is_in(from);
        for import in imports.iter().filter(|import| elsewhere(&import.from)) {
            let to = import.to.as_ref();
            if to.is_some_and(|to| to.starts_with(only.whom)) || import.name == only.whom {
                let (rooms, why) = (only.rooms, only.why);
                told += &format!("\n{import}, which {rooms:?} alone may: {why}");
            }
        }
    }
    for apart in apart {
        // The folder's own door is above them all.
        let room = |file: &Path| {
            let below = file.strip_prefix(apart.within).ok()?.iter().next()?;
            (below != "mod.rs").then(|| Path::new(below).with_extension(""))
        };
        for import in imports {
            let (from, to) = (room(&import.from), import.to.as_deref().and_then(room));
            if from.is_some() && to.is_some() && from != to {
                told += &format!("\n{import}, a room beside: {}", apart.why);
            }
        }
    }
    told
}

/// A name that is handed on is named as well: a bug once.
#[test]
fn a_layer_that_hands_on_another_is_found() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("layers");
    fs::create_dir_all(root.join("src")).expect("there is room");
    let write = |name: &str, text: &str| fs::write(root.join(name), text).expect("it fits");
    write("src/lib.rs", "mod above; mod below;");
    write("src/above.rs", "pub struct Above;");
    let rules = [Rule {
        who: &["src/below.rs"],
        whom: &["src/above.rs", "std::fs"],
        why: "it is below",
    }];
    let only = [Only {
        within: "src",
        whom: "src/above.rs",
        rooms: &["src/above.rs"],
        why: "nobody else knows",
    }];
    let found = |below: &str| {
        write("src/below.rs", below);
        let workspace = Workspace {
            trees: vec![Tree::read(&root, Path::new(""), Path::new("src/lib.rs"))],
            libraries: BTreeMap::new(),
        };
        let imports = workspace.imports();
        let lines = |told: String| told.lines().filter(|line| !line.is_empty()).count();
        (
            lines(broken(&imports, &rules, &[], &[])),
            lines(broken(&imports, &[], &only, &[])),
        )
    };
    assert_eq!(found("pub struct Below;"), (0, 0));
    for below in [
        "use crate::above::Above;",
        "pub use crate::above::Above;",
        "pub(crate) use super::above::Above as Other;",
        "pub use crate::above::*;",
        "pub(super) use crate::above;",
    ] {
        assert_eq!(found(below), (1, 1), "{below}");
    }
    assert_eq!(found("pub use std::fs::File;"), (1, 0));
    assert_eq!(found("pub use std::fs::*;"), (1, 0));
    assert_eq!(found("use std::fs::*;"), (1, 0));
    assert_eq!(found("use std::fs; pub use fs::File;"), (2, 0));
}

/// Where several rooms use a thing, it is not in one of them.
#[test]
fn rooms_that_name_each_other_are_found() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("apart");
    fs::create_dir_all(root.join("src/rooms/one")).expect("there is room");
    let write = |name: &str, text: &str| fs::write(root.join(name), text).expect("it fits");
    write("src/lib.rs", "mod rooms; pub fn shared() {}");
    write(
        "src/rooms/mod.rs",
        "mod one; mod two; pub use one::part::Part;",
    );
    write("src/rooms/one/mod.rs", "pub mod part; use part::Part;");
    write(
        "src/rooms/one/part.rs",
        "pub struct Part; use crate::shared;",
    );
    let apart = [Apart {
        within: "src/rooms",
        why: "they are apart",
    }];
    let found = |two: &str| {
        write("src/rooms/two.rs", two);
        let workspace = Workspace {
            trees: vec![Tree::read(&root, Path::new(""), Path::new("src/lib.rs"))],
            libraries: BTreeMap::new(),
        };
        broken(&workspace.imports(), &[], &[], &apart)
    };
    assert_eq!(found("use crate::shared;"), "");
    for two in ["use super::one;", "use crate::rooms::Part;"] {
        assert!(found(two).contains("src/rooms/two.rs:1 names"), "{two}");
    }
}

/// What is of one guest and is written in its rooms alone, comments included and tests apart.
pub(crate) struct Word {
    /// As it is written, in small letters; no letter and no digit stands beside it.
    pub(crate) word: &'static str,
    /// The files that have it for another reason, and that reason.
    pub(crate) but: &'static [(&'static str, &'static str)],
}

impl Word {
    const fn of(word: &'static str) -> Self {
        Self { word, but: &[] }
    }
}

/// Where the words are looked for, and the rooms that have them.
pub(crate) const SHARED: &[&str] = &[
    "crates/engine/src",
    "crates/guest/src",
    "crates/ir/src",
    "crates/x64/src",
];
pub(crate) const OF_GUESTS: &[&str] = &[
    "crates/engine/src/linux/abi/arm",
    "crates/engine/src/linux/abi/arm64",
    "crates/engine/src/arm.rs",
    "crates/engine/src/main.rs",
];

/// Names of Arm's, of its states and features, and numbers of arm64's.
pub(crate) const WORDS: &[Word] = &[
    Word {
        word: "aarch64",
        but: &[
            (
                "crates/engine/src/linux/loader/elf/invalid.rs",
                "names of machines that a file may be for",
            ),
            ("crates/engine/src/lib.rs", "what the binaries are"),
        ],
    },
    Word {
        word: "arm64",
        but: &[("crates/engine/src/linux/abi/mod.rs", "the room's door")],
    },
    Word {
        word: "arm",
        but: &[
            (
                "crates/engine/src/linux/loader/elf/invalid.rs",
                "names of machines that a file may be for",
            ),
            ("crates/engine/src/linux/abi/mod.rs", "the room's door"),
            ("crates/engine/src/lib.rs", "what the binaries are"),
        ],
    },
    Word::of("aarch32"),
    Word::of("armv7"),
    Word::of("armv8"),
    Word::of("a64"),
    Word::of("a32"),
    Word::of("t32"),
    Word::of("thumb"),
    // Instructions.
    Word::of("adrp"),
    Word::of("ccmp"),
    Word::of("dmb"),
    Word::of("dsb"),
    Word::of("ivau"),
    Word::of("smulh"),
    Word::of("svc"),
    Word::of("umulh"),
    // Registers.
    Word::of("el0"),
    Word::of("el1"),
    Word::of("fpcr"),
    Word::of("fpsr"),
    Word::of("fpscr"),
    Word::of("cpsr"),
    Word::of("pstate"),
    // Features.
    Word::of("lse2"),
    Word::of("mte"),
    Word::of("neon"),
    Word::of("pac"),
    Word::of("sme"),
    Word::of("sve"),
    // AUDIT_ARCH_AARCH64, BRK, and the address without what TBI ignores.
    Word::of("0xc000_00b7"),
    Word::of("0xd420_0000"),
    Word::of("0x00ff_ffff_ffff_ffff"),
];
