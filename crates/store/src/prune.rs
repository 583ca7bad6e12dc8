//! How images go. Marks what names and leases lead to, and removes the rest: of the names that
//! a store makes, no others, and in its own folders, open.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use armistice_oci::Digest;
use rustix::fs::FlockOperation;

use crate::folder::Folder;
use crate::image::RefFile;
use crate::{Error, Store, files, names};

/// What something is that goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A name of an image.
    Name,
    /// An unpacked layer.
    Layer,
    /// A manifest or a configuration.
    Document,
    /// A layer that did not come whole.
    Partial,
    /// What a killed run left.
    Leftover,
}

/// Something that went, or would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// What it is.
    pub what: What,
    /// A name with its platform, or a digest.
    pub name: String,
    /// Bytes on disk.
    pub bytes: u64,
}

impl Store {
    /// Removes what nothing leads to; with `all`, names first that no
    /// container uses. With `dry_run`, only tells. Waits for pulls to end.
    ///
    /// # Errors
    /// [`Error::Files`], [`Error::NotAStore`], [`Error::NoFolder`] and the like; what went until
    /// then is gone.
    pub fn prune(&self, all: bool, dry_run: bool) -> Result<Vec<Pruned>, Error> {
        let top = self.top()?;
        let _alone = self.alone()?;
        let used = self.used(&top)?;
        let mut pruned = Vec::new();
        let mut refs = self.ref_files()?;
        if all {
            let (kept, go): (Vec<_>, Vec<_>) = refs.into_iter().partition(|(_, file)| {
                Digest::parse(&file.manifest).is_some_and(|m| used.contains(&m))
            });
            refs = kept;
            for (path, file) in go {
                drop_name(&top.inside("refs")?, &path, &file, dry_run, &mut pruned)?;
            }
        }
        self.sweep(&top, &refs, used, None, dry_run, &mut pruned)?;
        Ok(pruned)
    }

    /// Removes an image's name, for one platform or for all, and what only it
    /// led to.
    ///
    /// # Errors
    /// [`Error::NoSuchImage`], [`Error::Files`].
    pub fn remove(
        &self,
        name: &str,
        platform: Option<&armistice_arch::Platform>,
    ) -> Result<Vec<Pruned>, Error> {
        let top = self.top()?;
        let _alone = self.alone()?;
        let mut pruned = Vec::new();
        let (go, kept): (Vec<_>, Vec<_>) = self.ref_files()?.into_iter().partition(|(_, file)| {
            file.name == name && platform.is_none_or(|p| platform_of(file) == *p)
        });
        if go.is_empty() {
            return Err(Error::NoSuchImage {
                name: match platform {
                    Some(p) => format!("{name} for {p}"),
                    None => name.to_owned(),
                },
            });
        }
        // An interrupted pull of another image goes on later with what it left.
        let (documents, layers) = self.led_to(&go, BTreeSet::new());
        let only: BTreeSet<Digest> = documents.into_iter().chain(layers).collect();
        for (path, file) in &go {
            drop_name(&top.inside("refs")?, path, file, false, &mut pruned)?;
        }
        self.sweep(
            &top,
            &kept,
            self.used(&top)?,
            Some(&only),
            false,
            &mut pruned,
        )?;
        Ok(pruned)
    }

    /// The images that containers hold now.
    fn used(&self, top: &Folder) -> Result<BTreeSet<Digest>, Error> {
        let mut used = BTreeSet::new();
        let leases = top.inside("leases")?;
        for name in leases.names()? {
            let Some(digest) = names::digest(&name) else {
                continue;
            };
            let path = leases.path().join(&name);
            match files::lock_maybe(&path, FlockOperation::NonBlockingLockExclusive)? {
                Some(_free) => leases.remove(&name)?,
                None => drop(used.insert(digest)),
            }
        }
        Ok(used)
    }

    /// The documents and the layers that names lead to, and these manifests.
    fn led_to(
        &self,
        refs: &[(PathBuf, RefFile)],
        mut documents: BTreeSet<Digest>,
    ) -> (BTreeSet<Digest>, BTreeSet<Digest>) {
        documents.extend(refs.iter().filter_map(|(_, f)| Digest::parse(&f.manifest)));
        let mut layers = BTreeSet::new();
        for manifest in documents.clone() {
            if let Some(parsed) = self.parsed(&manifest) {
                documents.insert(parsed.manifest.config.digest);
                layers.extend(parsed.chain);
            }
        }
        (documents, layers)
    }

    /// Removes what neither names nor `used` lead to: all of it, or `only` these.
    fn sweep(
        &self,
        top: &Folder,
        refs: &[(PathBuf, RefFile)],
        used: BTreeSet<Digest>,
        only: Option<&BTreeSet<Digest>>,
        dry_run: bool,
        pruned: &mut Vec<Pruned>,
    ) -> Result<(), Error> {
        let (documents, layers) = self.led_to(refs, used);
        let goes = |kept: &BTreeSet<Digest>, name: &str| {
            names::digest(name)
                .is_some_and(|d| !kept.contains(&d) && only.is_none_or(|only| only.contains(&d)))
        };
        let mut sweep = |folder: &Folder, what, goes: &dyn Fn(&str) -> bool| {
            let names = folder.names()?;
            let go = names.into_iter().filter(|name| goes(name));
            go.map(|name| go_one(folder, what, &name, dry_run))
                .try_for_each(|one| one.map(|one| pruned.push(one)))
        };
        let folders = top.inside("layers")?;
        for ids in folders.names()?.iter().filter(|name| names::is_ids(name)) {
            sweep(&folders.inside(ids)?, What::Layer, &|n| goes(&layers, n))?;
        }
        let blobs = top.inside("blobs")?.inside("sha256")?;
        sweep(&blobs, What::Document, &|n| goes(&documents, n))?;
        if only.is_some() {
            return Ok(());
        }
        // Nobody adds now: whatever is here is left over.
        let is_digest = |name: &str| names::digest(name).is_some();
        let unwritten =
            |is: &dyn Fn(&str) -> bool, name: &str| names::becomes(name).is_some_and(is);
        sweep(&top.inside("partial")?, What::Partial, &is_digest)?;
        sweep(&blobs, What::Leftover, &|n| unwritten(&is_digest, n))?;
        let refs = top.inside("refs")?;
        sweep(&refs, What::Leftover, &|n| unwritten(&names::is_ref, n))?;
        sweep(&top.inside("work")?, What::Leftover, &names::is_work)?;
        let runs = top.inside("running")?;
        let left = Store::left_over(&runs)?;
        sweep(&runs, What::Leftover, &|n| left.iter().any(|l| l == n))
    }
}

/// Removes one name of a folder, or only tells.
fn go_one(folder: &Folder, what: What, name: &str, dry_run: bool) -> Result<Pruned, Error> {
    let one = Pruned {
        what,
        bytes: files::disk_usage(&folder.path().join(name)),
        name: match what {
            What::Leftover => name.to_owned(),
            _ => format!("sha256:{name}"),
        },
    };
    if !dry_run {
        folder.remove(name)?;
    }
    Ok(one)
}

fn drop_name(
    refs: &Folder,
    path: &Path,
    file: &RefFile,
    dry_run: bool,
    pruned: &mut Vec<Pruned>,
) -> Result<(), Error> {
    pruned.push(Pruned {
        what: What::Name,
        name: format!("{} ({})", file.name, platform_of(file)),
        bytes: 0,
    });
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if dry_run { Ok(()) } else { refs.remove(&name) }
}

fn platform_of(file: &RefFile) -> armistice_arch::Platform {
    armistice_arch::Platform::new(&file.os, &file.architecture, &file.variant)
}
