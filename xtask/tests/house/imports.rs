//! Which file imports which: names followed to the file that they are written in,
//! through those that hand them on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::source::{File, Tree};

/// A file names something that is in another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    pub(crate) from: PathBuf,
    pub(crate) line: usize,
    /// The name as it is followed, or one of another world (`std::fs`).
    pub(crate) name: String,
    /// The file that it is in, if it is one of the workspace.
    pub(crate) to: Option<PathBuf>,
    /// It is handed on there, which is no use of it.
    pub(crate) handed_on: bool,
}

impl std::fmt::Display for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}:{} names {}",
            self.from.display(),
            self.line,
            self.name
        )
    }
}

impl Import {
    /// The file that is imported, unless it is the door of a room that this one lies
    /// in: what a room's `mod.rs` holds is for the files in the room. Nor does it count what a
    /// crate's root hands on: that is the crate's interface, and the root uses none of it.
    pub(crate) fn upward(&self) -> Option<&Path> {
        let to = self.to.as_deref()?;
        let room = if to.file_name().is_some_and(|name| name == "mod.rs") {
            to.parent()?.to_owned()
        } else {
            to.with_extension("")
        };
        let is_root = |room: &Path| {
            room.file_name()
                .is_some_and(|name| name == "lib" || name == "main")
        };
        let counts = if self.handed_on && is_root(&self.from.with_extension("")) {
            false
        } else {
            is_root(&room) || !self.from.starts_with(room)
        };
        counts.then_some(to)
    }
}

/// All trees, and by which names their crates call each other.
pub(crate) struct Workspace {
    pub(crate) trees: Vec<Tree>,
    /// Name of a crate in Rust, and its library.
    pub(crate) libraries: BTreeMap<String, usize>,
}

impl Workspace {
    /// Reads every library and every binary of the workspace, and of `fuzz`, whose targets are
    /// programs of their own.
    pub(crate) fn read(root: &Path) -> Self {
        let mut folders: Vec<PathBuf> = fs::read_dir(root.join("crates"))
            .expect("crates are there")
            .map(|entry| Path::new("crates").join(entry.expect("an entry").file_name()))
            .collect();
        folders.extend(["fuzz".into(), "xtask".into(), "tests".into()]);
        folders.sort();
        let mut found = Self {
            trees: Vec::new(),
            libraries: BTreeMap::new(),
        };
        for folder in &folders {
            let library = folder.join("src/lib.rs");
            if root.join(&library).exists() {
                let name = folder.file_name().expect("a name").to_string_lossy();
                let index = found.trees.len();
                let own = if name == "tests" { "e2e" } else { &name };
                found.libraries.insert(own.to_owned(), index);
                found.libraries.insert(format!("armistice_{name}"), index);
                found.trees.push(Tree::read(root, folder, &library));
            }
            for binary in binaries(root, folder) {
                found.trees.push(Tree::read(root, folder, &binary));
            }
        }
        found
    }

    /// Every import of every file, each once.
    pub(crate) fn imports(&self) -> BTreeSet<Import> {
        let mut imports = BTreeSet::new();
        for (index, tree) in self.trees.iter().enumerate() {
            for file in &tree.files {
                for name in &file.names {
                    let to = self.find(index, &name.segments, 0);
                    if to.is_some_and(|to| to.path == file.path) {
                        continue;
                    }
                    imports.insert(Import {
                        from: file.path.clone(),
                        line: name.line,
                        name: name.segments.join("::"),
                        to: to.map(|to| to.path.clone()),
                        handed_on: name.handed_on,
                    });
                }
            }
        }
        imports
    }

    /// Every file.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let files = self.trees.iter().flat_map(|tree| &tree.files);
        files.map(|file| file.path.as_path())
    }

    /// The file that a name is written in.
    fn find(&self, tree: usize, segments: &[String], depth: usize) -> Option<&File> {
        let (first, rest) = segments.split_first()?;
        let tree = match first.as_str() {
            "crate" => tree,
            other => *self.libraries.get(other)?,
        };
        // A circle of files that hand on to each other names nothing.
        if depth > 8 {
            return None;
        }
        let files = &self.trees[tree].files;
        let (file, rest) = (0..=rest.len()).rev().find_map(|length| {
            let (module, item) = rest.split_at(length);
            let file = files.iter().find(|file| file.module == module)?;
            Some((file, item))
        })?;
        let Some((item, after)) = rest.split_first() else {
            return Some(file);
        };
        let follow = |path: &[String]| self.find(tree, &[path, after].concat(), depth + 1);
        if let Some(path) = file.handed_on.get(item) {
            return follow(path);
        }
        if file.own.contains(item) {
            return Some(file);
        }
        let handed_on = file.whole.iter().find_map(|module| {
            let path = [module.as_slice(), std::slice::from_ref(item)].concat();
            self.find(tree, &path, depth + 1)
                .filter(|found| found.own.contains(item))
        });
        Some(handed_on.unwrap_or(file))
    }
}

/// Where a crate's binaries begin: `src/main.rs`, and what `[[bin]]` names in its manifest.
fn binaries(root: &Path, folder: &Path) -> BTreeSet<PathBuf> {
    let manifest = folder.join("Cargo.toml");
    let manifest = fs::read_to_string(root.join(manifest)).expect("a crate has a manifest");
    let sections = manifest
        .split("\n[")
        .filter_map(|section| section.strip_prefix("[bin]]"));
    let paths = sections.flat_map(str::lines).filter_map(|line| {
        let path = line.strip_prefix("path = \"")?.strip_suffix('"')?;
        Some(folder.join(path))
    });
    let usual = folder.join("src/main.rs");
    let usual = root.join(&usual).exists().then_some(usual);
    paths.chain(usual).collect()
}

/// Groups of files each of which imports all of its group, directly or through others.
pub(crate) fn circles(imports: &BTreeSet<Import>) -> Vec<BTreeSet<&Path>> {
    let mut to: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
    for import in imports {
        if let Some(target) = import.upward() {
            to.entry(&import.from).or_default().insert(target);
        }
    }
    let reached: BTreeMap<&Path, BTreeSet<&Path>> =
        to.keys().map(|&file| (file, reach(&to, file))).collect();
    let mut circles: Vec<BTreeSet<&Path>> = Vec::new();
    for (&file, targets) in &reached {
        if !targets.contains(file) || circles.iter().any(|circle| circle.contains(file)) {
            continue;
        }
        let back = |other: &&&Path| reached.get(**other).is_some_and(|from| from.contains(file));
        circles.push(targets.iter().filter(back).copied().collect());
    }
    circles
}

/// What is imported by a file, by what it imports, and so on.
fn reach<'a>(to: &BTreeMap<&'a Path, BTreeSet<&'a Path>>, file: &'a Path) -> BTreeSet<&'a Path> {
    let mut reached = BTreeSet::new();
    let mut next = vec![file];
    while let Some(file) = next.pop() {
        for target in to.get(file).into_iter().flatten() {
            if reached.insert(*target) {
                next.push(target);
            }
        }
    }
    reached
}

/// The reader finds what it is for, however it is written, and leaves out what is
/// compiled for tests alone and what a room's own door holds.
#[test]
fn circles_are_found() {
    let circle_below = |library: &str, above: &str, below: &str| {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("house");
        let source = root.join("src/room");
        fs::create_dir_all(&source).expect("there is room");
        let write = |name: &str, text: &str| fs::write(root.join(name), text).expect("it fits");
        write("src/lib.rs", library);
        write(
            "src/room/mod.rs",
            "mod above; mod below; pub use self::above::Above; pub struct Held;",
        );
        write("src/room/above.rs", above);
        write("src/room/below.rs", below);
        let workspace = Workspace {
            trees: vec![Tree::read(&root, Path::new(""), Path::new("src/lib.rs"))],
            libraries: BTreeMap::new(),
        };
        circles(&workspace.imports()).len()
    };
    let circle = |above: &str, below: &str| {
        let handed = "mod room;\nmod handed { pub use crate::room::above::Above; }";
        circle_below(handed, above, below)
    };
    let above = "use super::below; pub struct Above(below::Below);";
    let plain = "pub struct Below;";
    assert_eq!(circle(above, plain), 0);
    assert_eq!(
        circle(above, "use super::above::Above; pub struct Below;"),
        1
    );
    assert_eq!(
        circle(above, "use crate::room::Above; pub struct Below;"),
        1
    );
    assert_eq!(
        circle(above, "pub struct Below; fn f(_: &super::above::Above) {}"),
        1
    );
    assert_eq!(
        circle(
            above,
            "pub struct Below; fn f() { assert!(crate::room::above::x()) }"
        ),
        1
    );
    // A bug once: what is reached through an imported room or a name of one's own for it.
    for below in [
        "use crate::room; pub struct Below; fn f() { room::above::x() }",
        "use crate::room as r; pub struct Below; fn f(_: &r::Above) {}",
        "use crate::{room::{self}}; pub struct Below; fn f() { assert!(room::above::x()) }",
        "use crate::room; use room::above::Above; pub struct Below;",
        "use crate::room as r; pub use r::above::Above; pub struct Below;",
        "use r::Above; use crate::room as r; pub struct Below;",
        "use crate::room; pub use room::above::*; pub struct Below;",
    ] {
        assert_eq!(circle(above, below), 1, "{below}");
    }
    assert_eq!(
        circle(above, "use crate::room; pub struct Below(room::Held);"),
        0
    );
    assert_eq!(circle(above, "use super::Held; pub struct Below(Held);"), 0);
    let tested = "pub struct Below; #[cfg(test)] mod tests { use super::super::above::Above; }";
    assert_eq!(circle(above, tested), 0);
    // A bug once: what is handed on and not used.
    for below in [
        "pub use super::above::Above; pub struct Below;",
        "pub(crate) use crate::room::above::*; pub struct Below;",
    ] {
        assert_eq!(circle(above, below), 1, "{below}");
    }
    // A crate's root uses nothing of what it hands on.
    let above = "pub struct Above(crate::Root);";
    for (library, found) in [
        ("mod room; pub use room::above::Above; pub struct Root;", 0),
        ("mod room; pub use room::above::*; pub struct Root;", 0),
        (
            "mod room; pub use room::above::Above; pub struct Root; fn f(_: Above) {}",
            1,
        ),
        ("mod room; use room::above::Above; pub struct Root;", 1),
    ] {
        assert_eq!(circle_below(library, above, plain), found, "{library}");
    }
}
