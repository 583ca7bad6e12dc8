//! Rust files, and what each names: `use` items, paths in code, and paths inside
//! macros. What is compiled for tests alone is left out.
//!
//! cargo-modules finds circles, too, but brings all of rust-analyzer; arch_test_core
//! is not kept up. Names are enough here: a call of a method names no file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{
    Attribute, Expr, ExprLit, Item, ItemMod, ItemUse, Lit, Macro, Meta, UseTree, Visibility,
};

/// One file of a crate.
#[derive(Debug)]
pub(crate) struct File {
    /// Below the workspace.
    pub(crate) path: PathBuf,
    /// What it is called in its crate; the crate's root has no name.
    pub(crate) module: Vec<String>,
    /// What it names, from its crate's root (`crate::...`) or another crate's name.
    pub(crate) names: Vec<Name>,
    /// What it hands on under a name of its own.
    pub(crate) handed_on: BTreeMap<String, Vec<String>>,
    /// Modules whose every item it hands on.
    pub(crate) whole: Vec<Vec<String>>,
    /// What is written in it, by name.
    pub(crate) own: BTreeSet<String>,
}

/// A name and where it stands.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// It is handed on here (`pub use`); where it is also used here, that is another name.
    pub(crate) handed_on: bool,
}

/// The files that make up one library or binary.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The folder of the crate, below the workspace.
    pub(crate) folder: PathBuf,
    pub(crate) files: Vec<File>,
}

impl Tree {
    /// Reads the tree whose root is this file.
    pub(crate) fn read(workspace: &Path, folder: &Path, root: &Path) -> Self {
        let mut tree = Self {
            folder: folder.to_owned(),
            files: Vec::new(),
        };
        let directory = root.parent().expect("a file is in a folder");
        tree.add(workspace, root, directory, &[]);
        tree
    }

    /// Adds a file and those of the modules that it declares, which lie in
    /// `directory`.
    fn add(&mut self, workspace: &Path, path: &Path, directory: &Path, module: &[String]) {
        let text = fs::read_to_string(workspace.join(path))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (file, children) = read(path, &text, module.to_vec());
        self.files.push(file);
        for Child { name: child, place } in children {
            let module = [module, std::slice::from_ref(&child)].concat();
            if let Some(place) = place {
                let path = path.parent().expect("a file is in a folder").join(place);
                let path = without_dots(&path);
                let directory = path.parent().expect("a file is in a folder").to_owned();
                self.add(workspace, &path, &directory, &module);
                continue;
            }
            let below = directory.join(&child);
            let beside = directory.join(format!("{child}.rs"));
            let inside = below.join("mod.rs");
            let path = if workspace.join(&beside).exists() {
                beside
            } else {
                inside
            };
            self.add(workspace, &path, &below, &module);
        }
    }
}

/// A module in another file.
#[derive(Debug)]
pub(crate) struct Child {
    name: String,
    /// Where `#[path]` says that it is, from this file's folder.
    place: Option<String>,
}

impl Child {
    fn of(item: &ItemMod) -> Self {
        let place = item.attrs.iter().find_map(|attribute| {
            let Meta::NameValue(pair) = &attribute.meta else {
                return None;
            };
            let Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) = &pair.value
            else {
                return None;
            };
            pair.path.is_ident("path").then(|| text.value())
        });
        Self {
            name: item.ident.to_string(),
            place,
        }
    }
}

/// The same path without `..`.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path {
        if part == ".." {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

/// A file's names, and the modules that it declares in other files.
pub(crate) fn read(path: &Path, text: &str, module: Vec<String>) -> (File, Vec<Child>) {
    let parsed =
        syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut reader = Reader {
        inside: Vec::new(),
        children: Vec::new(),
        imported: BTreeMap::new(),
        used: Vec::new(),
        file: File {
            path: path.to_owned(),
            module,
            names: Vec::new(),
            handed_on: BTreeMap::new(),
            whole: Vec::new(),
            own: BTreeSet::new(),
        },
    };
    for item in &parsed.items {
        if let Item::Mod(item) = item
            && item.content.is_none()
            && !for_tests(&item.attrs)
        {
            reader.children.push(Child::of(item));
        }
        reader.file.own.extend(name_of(item));
    }
    reader.visit_file(&parsed);
    reader.finish()
}

/// The name that an item has in its module, but for modules and imports.
fn name_of(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

/// Whether it is compiled for tests alone.
fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && attribute
                    .parse_args::<syn::Path>()
                    .is_ok_and(|path| path.is_ident("test"))
    })
}

struct Reader {
    file: File,
    /// The modules of this file that what is read now is in.
    inside: Vec<String>,
    /// Modules that are other files.
    children: Vec<Child>,
    /// What this file imports for itself, under the name that it has here.
    imported: BTreeMap<String, Vec<String>>,
    /// Paths that begin neither at the root nor with a child's name: with what is imported
    /// or written here, or with another crate's name.
    used: Vec<Name>,
}

impl Reader {
    /// A path as seen from the crate's root; one of another crate, or of what is in
    /// scope here, as it is.
    fn absolute(&self, segments: &[String]) -> Option<Vec<String>> {
        let here = [self.file.module.as_slice(), &self.inside].concat();
        let from_root = |module: &[String], rest: &[String]| {
            Some([&["crate".to_owned()], module, rest].concat())
        };
        match segments.first()?.as_str() {
            "crate" => Some(segments.to_vec()),
            "self" => from_root(&here, &segments[1..]),
            "super" => {
                let up = segments.iter().take_while(|name| *name == "super").count();
                from_root(&here[..here.len().checked_sub(up)?], &segments[up..])
            }
            first
                if self.inside.is_empty()
                    && self.children.iter().any(|child| child.name == first) =>
            {
                from_root(&here, segments)
            }
            _ => None,
        }
    }

    fn add(&mut self, segments: &[String], line: usize) {
        if let Some(segments) = self.absolute(segments) {
            self.file.names.push(Name {
                segments,
                line,
                handed_on: false,
            });
        } else if !segments.is_empty() {
            self.used.push(Name {
                segments: segments.to_vec(),
                line,
                handed_on: false,
            });
        }
    }

    fn import(&mut self, tree: &UseTree, before: &[String], public: bool) {
        let with = |ident: &dyn ToString| [before, &[ident.to_string()]].concat();
        let (segments, name, line) = match tree {
            UseTree::Path(path) => {
                return self.import(&path.tree, &with(&path.ident), public);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before, public);
                }
                return;
            }
            UseTree::Name(name) if name.ident == "self" => {
                let last = before.last().cloned().unwrap_or_default();
                (before.to_vec(), last, name.ident.span().start().line)
            }
            UseTree::Name(name) => (
                with(&name.ident),
                name.ident.to_string(),
                name.ident.span().start().line,
            ),
            UseTree::Rename(rename) => (
                with(&rename.ident),
                rename.rename.to_string(),
                rename.ident.span().start().line,
            ),
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                let segments = self.absolute(before).unwrap_or(before.to_vec());
                if public {
                    self.file.whole.push(segments.clone());
                }
                self.file.names.push(Name {
                    segments,
                    line,
                    handed_on: public,
                });
                return;
            }
        };
        let absolute = self.absolute(&segments).unwrap_or(segments);
        let kept = if public {
            &mut self.file.handed_on
        } else {
            &mut self.imported
        };
        kept.insert(name, absolute.clone());
        // Who hands a thing on knows it, even where the file makes no other use of it.
        self.file.names.push(Name {
            segments: absolute,
            line,
            handed_on: public,
        });
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.add(&core::mem::take(&mut path), line);
                        line = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.add(&core::mem::take(&mut path), line);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.add(&path, line);
    }

    /// What is reached through an import is named as well: `use crate::room;` and
    /// `room::file::item` name the file, whether that is code or an import, too. So is what is
    /// handed on and used here.
    fn finish(mut self) -> (File, Vec<Child>) {
        let through = |path: &mut Vec<String>| {
            // A crate and what it is imported for may have the same name.
            if let Some(start) = self.imported.get(&path[0])
                && start[0] != path[0]
            {
                path.splice(..1, start.iter().cloned());
            }
        };
        self.file.handed_on.values_mut().for_each(through);
        self.file.whole.iter_mut().for_each(through);
        let names = self.file.names.iter_mut();
        names.for_each(|name| through(&mut name.segments));
        for Name { segments, line, .. } in self.used {
            let (first, rest) = segments.split_first().expect("a path has a segment");
            let known = |names: &BTreeMap<String, Vec<String>>| names.get(first).cloned();
            let whole = match known(&self.file.handed_on).or_else(|| known(&self.imported)) {
                Some(start) => [start.as_slice(), rest].concat(),
                None if rest.is_empty() => continue,
                None => segments,
            };
            self.file.names.push(Name {
                segments: whole,
                line,
                handed_on: false,
            });
        }
        (self.file, self.children)
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Const(item) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.content.is_some() {
            self.inside.push(item.ident.to_string());
            visit::visit_item_mod(self, item);
            self.inside.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let public = !matches!(item.vis, Visibility::Inherited);
        self.import(&item.tree, &[], public && self.inside.is_empty());
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        let line = path.segments[0].ident.span().start().line;
        self.add(&segments, line);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.visit_path(&item.path);
        self.tokens(item.tokens.clone());
    }
}
