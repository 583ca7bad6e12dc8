//! The map of rooms in ARCHITECTURE.md: a crate or a folder of modules each, with the
//! first sentence of its header.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::imports::Workspace;

const WIDTH: usize = 104;
const COLUMN: usize = 24;

/// The lines of the map.
pub(crate) fn of(root: &Path, workspace: &Workspace) -> String {
    let mut rooms: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for tree in &workspace.trees {
        if !tree.folder.starts_with("crates") {
            continue;
        }
        for file in &tree.files {
            let room = if file.module.is_empty() {
                tree.folder.clone()
            } else {
                tree.folder.join(file.module.join("/"))
            };
            let inside = tree.files.iter().any(|other| {
                other.module.len() > file.module.len() && other.module.starts_with(&file.module)
            });
            // A crate with a library and a binary is described by the library.
            if file.module.is_empty() || inside && !tests_only(&room) {
                rooms.entry(room).or_insert_with(|| file.path.clone());
            }
        }
    }
    let mut map = String::new();
    for (room, file) in rooms {
        let depth = room.components().count();
        let name = room.file_name().expect("a name").to_string_lossy();
        let name = format!("{}{name}/", "  ".repeat(depth - 1));
        let text = fs::read_to_string(root.join(&file)).expect("it was read before");
        lines(&name, &sentence(&text), &mut map);
    }
    map
}

fn tests_only(room: &Path) -> bool {
    room.ends_with("tests")
}

/// A name and what is said of it, on as many lines as it takes.
fn lines(name: &str, said: &str, map: &mut String) {
    let mut line = format!("    {name:COLUMN$}");
    let mut empty = true;
    for word in said.split(' ') {
        if !empty && line.len() + 1 + word.len() > WIDTH {
            map.push_str(&line);
            map.push('\n');
            line = " ".repeat(4 + COLUMN);
        }
        line.push(' ');
        line.push_str(word);
        empty = false;
    }
    map.push_str(line.trim_end());
    map.push('\n');
}

/// The first sentence of a file's header.
fn sentence(text: &str) -> String {
    let header: Vec<&str> = text
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .map(|line| line.trim_start_matches("//!").trim())
        .take_while(|line| !line.is_empty())
        .collect();
    let header = header.join(" ");
    let end = header.find(". ").unwrap_or(header.len());
    header[..end]
        .trim_end_matches(['.', ':'])
        .replace(['[', ']'], "")
}
