//! The house: no file is above another that it is imported by, and each layer knows
//! those alone that it may know.

mod imports;
mod layers;
mod map;
mod options;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use imports::{Workspace, circles};
use source::Tree;

/// The workspace's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is in the workspace")
        .to_owned()
}

/// Read once for all tests.
fn workspace() -> &'static Workspace {
    static WORKSPACE: LazyLock<Workspace> = LazyLock::new(|| Workspace::read(&root()));
    &WORKSPACE
}

/// Files with a `main` of their own, tests, benchmarks and build scripts apart.
fn programs_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root().join(folder)).expect("the folder is there") {
        let name = entry.expect("an entry").file_name();
        let path = folder.join(&name);
        if root().join(&path).is_dir() {
            if !["tests", "benches", "target"].contains(&&*name.to_string_lossy()) {
                programs_below(&path, found);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") && name != "build.rs" {
            let text = fs::read_to_string(root().join(&path)).expect("it is text");
            let begins =
                |line: &str| line.starts_with("fn main()") || line.starts_with("#![no_main]");
            if text.lines().any(begins) {
                found.push(path);
            }
        }
    }
}

/// A bug once: only `src/main.rs` and the engine's binaries were.
#[test]
fn every_program_is_read() {
    let mut programs = Vec::new();
    for folder in ["crates", "xtask", "fuzz", "tests/src"] {
        programs_below(Path::new(folder), &mut programs);
    }
    let read: BTreeSet<&Path> = workspace().files().collect();
    programs.retain(|program| !read.contains(program.as_path()));
    assert!(programs.is_empty(), "not read: {programs:?}");
}

#[test]
fn no_file_is_above_another_that_it_is_imported_by() {
    let workspace = workspace();
    let imports = workspace.imports();
    let mut told = String::new();
    for circle in circles(&imports) {
        told += "\na circle:\n";
        for import in &imports {
            if let Some(to) = import.upward()
                && circle.contains(import.from.as_path())
                && circle.contains(to)
            {
                told += &format!("  {import} of {}\n", to.display());
            }
        }
    }
    assert!(told.is_empty(), "{told}");
}

#[test]
fn each_layer_knows_those_alone_that_it_may_know() {
    let workspace = workspace();
    let files: Vec<&Path> = workspace.files().collect();
    for rule in layers::RULES {
        let folders = rule.whom.iter().filter(|whom| whom.starts_with("crates"));
        for place in rule.who.iter().chain(folders) {
            let there = files.iter().any(|file| file.starts_with(place));
            assert!(there, "a rule is of {place}, and there is no file");
        }
    }
    let imports = workspace.imports();
    for only in layers::ONLY {
        for place in [only.within, only.whom].iter().chain(only.rooms) {
            let there = files.iter().any(|file| file.starts_with(place));
            let named = imports.iter().any(|import| import.name == *place);
            assert!(there || named, "a rule is of {place}, and there is none");
        }
    }
    for apart in layers::APART {
        let there = files.iter().any(|file| file.starts_with(apart.within));
        assert!(there, "a rule is of {}, and there is none", apart.within);
    }
    let told = layers::broken(&imports, layers::RULES, layers::ONLY, layers::APART);
    assert!(told.is_empty(), "{told}");
}

/// Where the command's options are defined.
const COMMAND: &str = "crates/armistice/src/cli";

/// The libraries that the command is made of.
const LIBRARIES: [&str; 8] = [
    "crates/arch",
    "crates/binfmt",
    "crates/container",
    "crates/emulators",
    "crates/oci",
    "crates/proof",
    "crates/registry",
    "crates/store",
];

#[test]
fn no_library_names_an_option_of_the_command() {
    let root = root();
    let read = |file: &Path| fs::read_to_string(root.join(file)).expect("it is text");
    let manifest = read(Path::new("crates/armistice/Cargo.toml"));
    let (_, needs) = manifest.split_once("[dependencies]").expect("it has some");
    let needs = needs.lines().take_while(|line| !line.starts_with('['));
    let needs = needs.filter_map(|line| line.strip_prefix("armistice-")?.split_once('.'));
    let needs: Vec<String> = needs.map(|(name, _)| format!("crates/{name}")).collect();
    assert_eq!(needs, LIBRARIES);
    let definition = fs::read_dir(root.join(COMMAND)).expect("it is there");
    let definition = definition.map(|entry| read(&entry.expect("an entry").path()));
    let options: BTreeSet<String> = definition
        .flat_map(|text| options::defined(&text))
        .collect();
    let options: Vec<String> = options.into_iter().collect();
    for known in ["--color", "--insecure", "--replace", "--emulator-dir"] {
        assert!(options.iter().any(|option| option == known), "{known}");
    }
    let mut told = String::new();
    for folder in LIBRARIES.map(Path::new) {
        for file in Tree::read(&root, folder, &folder.join("src/lib.rs")).files {
            for (line, option) in options::named(&read(&file.path), &options) {
                told += &format!("\n{}:{line} names {option}", file.path.display());
            }
        }
    }
    assert!(told.is_empty(), "remedy.rs names options: {told}");
}

/// Folders with a file of Rust below `folder`, and those files' names.
fn rooms_below(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<String>>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("target") {
            rooms_below(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path.file_name().expect("a name").to_string_lossy();
            found
                .entry(folder.to_owned())
                .or_default()
                .push(name.into_owned());
        }
    }
}

/// The doors that stand beside their rooms: `x.rs` beside a folder `x` of modules.
fn doors_outside(folder: &Path) -> Vec<PathBuf> {
    let mut rooms = BTreeMap::new();
    rooms_below(folder, &mut rooms);
    let doors = rooms.keys().map(|room| room.with_extension("rs"));
    doors.filter(|door| door.exists()).collect()
}

/// One style: a module with modules of its own is `x/mod.rs`, a test with modules
/// is `x/main.rs`.
#[test]
fn a_rooms_door_is_in_the_room() {
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("doors");
    for name in ["src/right/mod.rs", "src/right/part.rs", "src/wrong/part.rs"] {
        let path = made.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("there is room");
        fs::write(path, "").expect("it fits");
    }
    let wrong = made.join("src/wrong.rs");
    fs::write(&wrong, "mod part;").expect("it fits");
    assert_eq!(doors_outside(&made), [wrong]);
    for folder in ["crates", "xtask", "tests", "fuzz"] {
        let found = doors_outside(&root().join(folder));
        assert!(found.is_empty(), "move it into its folder: {found:?}");
    }
}

/// Numbers of the kernel's that several crates ask for, and the one crate that writes them down.
const STAND_ONCE: [(&str, &str); 2] = [
    ("0xEFFF_FFFD", "crates/binfmt/src"), // USER_NS_INIT_INO
    ("0x4249_4E4D", "crates/binfmt/src"), // BINFMTFS_MAGIC
];

#[test]
fn what_several_crates_ask_for_stands_once() {
    let workspace = workspace();
    for (number, place) in STAND_ONCE {
        let says = |file: &&Path| {
            let text = fs::read_to_string(root().join(file)).expect("it is text");
            text.to_ascii_uppercase()
                .contains(&number.to_ascii_uppercase())
        };
        let found: Vec<&Path> = workspace.files().filter(says).collect();
        assert!(
            found.len() == 1 && found[0].starts_with(place),
            "{number} is to stand once, in {place}: {found:?}"
        );
    }
}

/// Whether a line has this word by itself: `layout.fpcr`, `FPCR_DN`, not `0xa64a`.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let is_part = |beside: Option<char>| beside.is_some_and(char::is_alphanumeric);
        !is_part(before) && !is_part(after)
    })
}

#[test]
fn what_is_of_one_guest_is_written_in_its_rooms_alone() {
    assert!(has_word("const arm_tls: 'nt_arm'", "arm"));
    assert!(!has_word("armistice, 0xa64a, alarm, t32s", "arm"));
    let (root, workspace) = (root(), workspace());
    let is_in = |file: &Path, rooms: &[&str]| rooms.iter().any(|room| file.starts_with(room));
    let mut told = String::new();
    let mut excused = BTreeSet::new();
    for file in workspace.files() {
        if !is_in(file, layers::SHARED) || is_in(file, layers::OF_GUESTS) {
            continue;
        }
        let text = fs::read_to_string(root.join(file)).expect("it was read before");
        // Tests come last in a file.
        let code = text
            .lines()
            .take_while(|line| line.trim() != "#[cfg(test)]");
        for (n, line) in code.enumerate() {
            let line = line.to_lowercase();
            for word in layers::WORDS
                .iter()
                .filter(|word| has_word(&line, word.word))
            {
                if word.but.iter().any(|(but, _)| file == Path::new(but)) {
                    excused.insert((file, word.word));
                } else {
                    let (file, word) = (file.display(), word.word);
                    told += &format!("\n{file}:{} has {word}, which is a guest's", n + 1);
                }
            }
        }
    }
    assert!(told.is_empty(), "{told}");
    let reasons: usize = layers::WORDS.iter().map(|word| word.but.len()).sum();
    assert_eq!(excused.len(), reasons, "an excuse is of no use");
}

const BEGIN: &str = "<!-- rooms: made from the files' headers by xtask/tests/house -->\n\n";
const END: &str = "\n<!-- end of rooms -->\n";

#[test]
fn the_map_says_what_the_rooms_say_of_themselves() {
    let root = root();
    let page = root.join("ARCHITECTURE.md");
    let text = fs::read_to_string(&page).expect("the page is there");
    let (before, rest) = text.split_once(BEGIN).expect("the map has a beginning");
    let (map, after) = rest.split_once(END).expect("the map has an end");
    let made = map::of(&root, workspace());
    if std::env::var_os("ARMISTICE_BLESS").is_some() {
        fs::write(&page, [before, BEGIN, &made, END, after].concat()).expect("it is written");
        return;
    }
    assert_eq!(
        map, made,
        "ARMISTICE_BLESS=1 cargo test -p xtask --test house renews the map"
    );
}

#[test]
fn what_the_hand_drawn_map_names_is_there() {
    let root = root();
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("the page is there");
    let (_, map) = text.split_once("# The map\n\n").expect("the map is there");
    let mut folders: Vec<(usize, PathBuf)> = Vec::new();
    for line in map.lines().take_while(|line| line.starts_with("    ")) {
        let name = line.trim_start();
        let depth = line.len() - name.len();
        if depth > 12 {
            continue;
        }
        let name = name.split(' ').next().expect("a first part");
        folders.retain(|(other, _)| *other < depth);
        let above = folders.last().map_or(Path::new(""), |(_, path)| path);
        let path = above.join(name);
        assert!(root.join(&path).exists(), "{} is not there", path.display());
        folders.push((depth, path));
    }
    assert!(!folders.is_empty());
}
