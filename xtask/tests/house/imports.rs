//! Which file imports which: names followed to the file that they are written in,
//! through those that hand them on.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
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
}

impl Import {
    /// The file that is imported, unless it is the door of a room that this one lies
    /// in: what a room's `mod.rs` holds is for the files in the room.
    pub(crate) fn upward(&self) -> Option<&Path> {
        let to = self.to.as_deref()?;
        let room = if to.file_name().is_some_and(|name| name == "mod.rs") {
            to.parent()?.to_owned()
        } else {
            to.with_extension("")
        };
        let is_root = ["lib", "main"].map(OsStr::new).contains(&room.file_name()?);
        (is_root || !self.from.starts_with(room)).then_some(to)
    }
}

/// All trees, and by which names their crates call each other.
pub(crate) struct Workspace {
    pub(crate) trees: Vec<Tree>,
    /// Name of a crate in Rust, and its library.
    pub(crate) libraries: BTreeMap<String, usize>,
}

impl Workspace {
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
