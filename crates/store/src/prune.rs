//! How images go. Marks what names and leases lead to, and removes the rest.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use armistice_oci::Digest;
use rustix::fs::FlockOperation;

use crate::files::{self, failed};
use crate::image::RefFile;
use crate::{Error, Store};

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
    /// [`Error::Files`]; what went until then is gone.
    pub fn prune(&self, all: bool, dry_run: bool) -> Result<Vec<Pruned>, Error> {
        let _alone = self.alone()?;
        let used = self.used()?;
        let mut pruned = Vec::new();
        let mut refs = self.ref_files()?;
        if all {
            let (kept, go): (Vec<_>, Vec<_>) = refs.into_iter().partition(|(_, file)| {
                Digest::parse(&file.manifest).is_some_and(|m| used.contains(&m))
            });
            refs = kept;
            for (path, file) in go {
                drop_name(&path, &file, dry_run, &mut pruned)?;
            }
        }
        self.sweep(&refs, used, None, dry_run, &mut pruned)?;
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
            drop_name(path, file, false, &mut pruned)?;
        }
        self.sweep(&kept, self.used()?, Some(&only), false, &mut pruned)?;
        Ok(pruned)
    }

    /// The images that containers hold now.
    fn used(&self) -> Result<BTreeSet<Digest>, Error> {
        let mut used = BTreeSet::new();
        for path in entries(&self.leases())? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let digest = Digest::parse(&format!("sha256:{name}"));
            match files::lock_maybe(&path, FlockOperation::NonBlockingLockExclusive)? {
                Some(_free) => files::remove(&path)?,
                None => used.extend(digest),
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
        refs: &[(PathBuf, RefFile)],
        used: BTreeSet<Digest>,
        only: Option<&BTreeSet<Digest>>,
        dry_run: bool,
        pruned: &mut Vec<Pruned>,
    ) -> Result<(), Error> {
        let (documents, layers) = self.led_to(refs, used);
        let kept = |set: &BTreeSet<Digest>, path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match Digest::parse(&format!("sha256:{name}")) {
                Some(d) => set.contains(&d) || only.is_some_and(|only| !only.contains(&d)),
                None => only.is_some(),
            }
        };
        let mut go = Vec::new();
        for folder in entries(&self.root().join("layers"))? {
            let there = entries(&folder)?;
            go.extend(
                there
                    .into_iter()
                    .filter(|p| !kept(&layers, p))
                    .map(|p| (What::Layer, p)),
            );
        }
        let blobs = entries(&self.root().join("blobs/sha256"))?;
        go.extend(
            blobs
                .into_iter()
                .filter(|p| !kept(&documents, p))
                .map(|p| (What::Document, p)),
        );
        if only.is_none() {
            // Nobody adds now: whatever is here is left over.
            let partial = entries(&self.root().join("partial"))?;
            go.extend(partial.into_iter().map(|p| (What::Partial, p)));
            let work = entries(&self.root().join("work"))?;
            go.extend(work.into_iter().map(|p| (What::Leftover, p)));
            let runs = self.left_over()?;
            go.extend(runs.into_iter().map(|p| (What::Leftover, p)));
            let unwritten = entries(&self.refs())?;
            let unwritten = unwritten
                .into_iter()
                .filter(|p| p.extension().is_none_or(|e| e != "json"));
            go.extend(unwritten.map(|p| (What::Leftover, p)));
        }
        for (what, path) in go {
            let bytes = files::disk_usage(&path);
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            pruned.push(Pruned {
                what,
                name: match what {
                    What::Leftover => name.into_owned(),
                    _ => format!("sha256:{name}"),
                },
                bytes,
            });
            if !dry_run {
                files::remove(&path)?;
            }
        }
        Ok(())
    }
}

fn drop_name(
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
    if dry_run { Ok(()) } else { files::remove(path) }
}

fn platform_of(file: &RefFile) -> armistice_arch::Platform {
    armistice_arch::Platform::new(&file.os, &file.architecture, &file.variant)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let listed = fs::read_dir(folder).map_err(failed("list", folder))?;
    let paths: Result<Vec<_>, _> = listed.map(|e| e.map(|e| e.path())).collect();
    paths.map_err(failed("list", folder))
}
