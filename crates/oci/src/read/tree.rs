//! The merged root of an image: its layers applied one on another, from the
//! lowest up.
//!
//! Whiteouts hide what lower layers hold, never what their own layer does,
//! wherever in it they stand (OCI image specification, layer filesystem
//! changeset). A directory on a directory keeps what is inside; anything else
//! replaces what was there. Where an entry's parent is a symbolic link and the
//! layer has no entry for it, the link is followed (as containerd does, and
//! Docker on storage without overlays).
//!
//! Nodes are never freed: a hard link is a second name of the same node.

use std::collections::BTreeMap;

use super::layer::{LayerIndex, What};
use crate::root::{MAX_LINKS, Missing};

/// Which file of which layer, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileAt {
    pub(crate) layer: usize,
    pub(crate) entry: usize,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) mode: u32,
    pub(crate) kind: NodeKind,
}

#[derive(Debug)]
pub(crate) enum NodeKind {
    Directory(BTreeMap<Box<[u8]>, usize>),
    File(FileAt),
    Symlink(Box<[u8]>),
    Other,
}

/// The merged root.
#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

/// The root directory's place among the nodes.
const TOP: usize = 0;

/// More files than any real image has; a hostile one must not take all memory.
const NODES_MAX: usize = 4_000_000;

/// Why a layer can't be applied.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// This entry is a hard link to what is no file.
    HardLink(usize),
    /// This entry's path leads through a loop of symbolic links.
    Loop(usize),
    /// There are more files than any real image has.
    TooMany,
}

/// Where a path leads: its node, and its names without links.
pub(crate) struct Reached {
    pub(crate) node: usize,
    pub(crate) names: Vec<Vec<u8>>,
}

impl Tree {
    pub(crate) fn new() -> Tree {
        Tree {
            nodes: vec![Node {
                mode: 0o755,
                kind: NodeKind::Directory(BTreeMap::new()),
            }],
        }
    }

    pub(crate) fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    /// Applies one layer, the `number`th.
    pub(crate) fn apply(&mut self, number: usize, layer: &LayerIndex) -> Result<(), Unfit> {
        for entry in &layer.entries {
            match entry.what {
                What::Whiteout => {
                    let (parent, name) = split(&entry.path);
                    if let Ok(parent) = self.reach(parent, true) {
                        self.unlink(parent.node, name);
                    }
                }
                What::Opaque => {
                    if let Ok(folder) = self.reach(&entry.path, true)
                        && let Some(children) = self.children(folder.node)
                    {
                        children.clear();
                    }
                }
                _ => {}
            }
        }
        for (index, entry) in layer.entries.iter().enumerate() {
            let kind = match &entry.what {
                What::Whiteout | What::Opaque => continue,
                What::Directory => NodeKind::Directory(BTreeMap::new()),
                What::File(_) => NodeKind::File(FileAt {
                    layer: number,
                    entry: index,
                }),
                What::Symlink(to) => NodeKind::Symlink(to.clone()),
                What::Other => NodeKind::Other,
                What::HardLink(to) => {
                    self.hard_link(&entry.path, to, index)?;
                    continue;
                }
            };
            self.put(&entry.path, entry.mode, kind, index)?;
        }
        Ok(())
    }

    fn put(&mut self, path: &[u8], mode: u32, kind: NodeKind, entry: usize) -> Result<(), Unfit> {
        if path.is_empty() {
            // Only a directory can be the root.
            if matches!(kind, NodeKind::Directory(_))
                && let Some(top) = self.nodes.get_mut(TOP)
            {
                top.mode = mode;
            }
            return Ok(());
        }
        let (parent, name) = split(path);
        let parent = self.make_parents(parent, entry)?;
        if matches!(kind, NodeKind::Directory(_))
            && let Some(old) = self.child(parent, name)
            && let Some(node) = self.nodes.get_mut(old)
            && matches!(node.kind, NodeKind::Directory(_))
        {
            node.mode = mode;
            return Ok(());
        }
        let new = self.add(Node { mode, kind })?;
        self.link(parent, name, new);
        Ok(())
    }

    fn hard_link(&mut self, path: &[u8], to: &[u8], entry: usize) -> Result<(), Unfit> {
        let (folder, name) = split(to);
        let target = self
            .reach(folder, true)
            .ok()
            .and_then(|folder| self.child(folder.node, name))
            .filter(|node| !self.is_directory(*node))
            .ok_or(Unfit::HardLink(entry))?;
        let (parent, name) = split(path);
        if name.is_empty() {
            return Err(Unfit::HardLink(entry));
        }
        let parent = self.make_parents(parent, entry)?;
        self.link(parent, name, target);
        Ok(())
    }

    fn add(&mut self, node: Node) -> Result<usize, Unfit> {
        if self.nodes.len() >= NODES_MAX {
            return Err(Unfit::TooMany);
        }
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    /// The directory at a path, made where it is not there.
    fn make_parents(&mut self, path: &[u8], entry: usize) -> Result<usize, Unfit> {
        let mut walk = Walk::new(path);
        while let Some(name) = walk.left.pop() {
            if walk.is_dots(&name) {
                continue;
            }
            let here = walk.here();
            let next = self.child(here, &name);
            match next.and_then(|n| Some((n, &self.nodes.get(n)?.kind))) {
                Some((n, NodeKind::Directory(_))) => walk.enter(n, name),
                Some((_, NodeKind::Symlink(to))) => walk.follow(to).ok_or(Unfit::Loop(entry))?,
                _ => {
                    let new = self.add(Node {
                        mode: 0o755,
                        kind: NodeKind::Directory(BTreeMap::new()),
                    })?;
                    self.link(here, &name, new);
                    walk.enter(new, name);
                }
            }
        }
        Ok(walk.here())
    }

    /// Where a path leads; the last part's link is followed if `follow`.
    pub(crate) fn reach(&self, path: &[u8], follow: bool) -> Result<Reached, Missing> {
        let mut walk = Walk::new(path);
        while let Some(name) = walk.left.pop() {
            if !self.is_directory(walk.here()) {
                return Err(Missing::NotADirectory);
            }
            if walk.is_dots(&name) {
                continue;
            }
            let next = self.child(walk.here(), &name).ok_or(Missing::NoEntry)?;
            match self.nodes.get(next).map(|n| &n.kind) {
                Some(NodeKind::Symlink(to)) if follow || !walk.at_end() => {
                    if to.is_empty() {
                        return Err(Missing::NoEntry);
                    }
                    walk.follow(to).ok_or(Missing::Loop)?;
                }
                _ => walk.enter(next, name),
            }
        }
        if walk.must_be_directory && !self.is_directory(walk.here()) {
            return Err(Missing::NotADirectory);
        }
        Ok(Reached {
            node: walk.here(),
            names: walk.entered.into_iter().map(|(_, name)| name).collect(),
        })
    }

    fn is_directory(&self, at: usize) -> bool {
        matches!(
            self.nodes.get(at),
            Some(Node {
                kind: NodeKind::Directory(_),
                ..
            })
        )
    }

    fn child(&self, at: usize, name: &[u8]) -> Option<usize> {
        match &self.nodes.get(at)?.kind {
            NodeKind::Directory(children) => children.get(name).copied(),
            _ => None,
        }
    }

    fn children(&mut self, at: usize) -> Option<&mut BTreeMap<Box<[u8]>, usize>> {
        match &mut self.nodes.get_mut(at)?.kind {
            NodeKind::Directory(children) => Some(children),
            _ => None,
        }
    }

    fn link(&mut self, parent: usize, name: &[u8], node: usize) {
        if let Some(children) = self.children(parent) {
            children.insert(name.into(), node);
        }
    }

    fn unlink(&mut self, parent: usize, name: &[u8]) {
        if let Some(children) = self.children(parent) {
            children.remove(name);
        }
    }
}

/// A cleaned path's parent and last name.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|b| *b == b'/') {
        Some(at) => (
            path.get(..at).unwrap_or_default(),
            path.get(at + 1..).unwrap_or_default(),
        ),
        None => (b"", path),
    }
}

/// One path being gone along.
struct Walk {
    /// Names still to go, the next one last.
    left: Vec<Vec<u8>>,
    /// The nodes entered below the top, with their names.
    entered: Vec<(usize, Vec<u8>)>,
    links: usize,
    /// A final slash or dot was seen.
    must_be_directory: bool,
}

impl Walk {
    fn new(path: &[u8]) -> Walk {
        let mut walk = Walk {
            left: Vec::new(),
            entered: Vec::new(),
            links: 0,
            must_be_directory: false,
        };
        walk.push(path);
        walk
    }

    fn push(&mut self, path: &[u8]) {
        if self.left.is_empty() {
            self.must_be_directory |= matches!(path, [.., b'/'] | b"." | [.., b'/', b'.']);
        }
        let parts = path.split(|b| *b == b'/').rev();
        self.left
            .extend(parts.filter(|p| !p.is_empty()).map(<[u8]>::to_vec));
    }

    fn here(&self) -> usize {
        self.entered.last().map_or(TOP, |(node, _)| *node)
    }

    /// Whether a name is `.` or `..`; if so, it has been gone along.
    fn is_dots(&mut self, name: &[u8]) -> bool {
        if name == b".." {
            self.entered.pop();
        }
        matches!(name, b"." | b"..")
    }

    fn at_end(&self) -> bool {
        self.left.is_empty() && !self.must_be_directory
    }

    fn enter(&mut self, node: usize, name: Vec<u8>) {
        self.entered.push((node, name));
    }

    /// Goes on along a link's target. `None` where there were too many.
    fn follow(&mut self, target: &[u8]) -> Option<()> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return None;
        }
        if target.starts_with(b"/") {
            self.entered.clear();
        }
        self.push(target);
        Some(())
    }
}
