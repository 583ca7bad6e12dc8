//! Images for who only looks: nothing is made, fetched or held, and it does not matter
//! under which identities the layers were unpacked. So no user namespace is needed.
//!
//! The layers are merged as overlay would merge them. Links are followed here, never by
//! the kernel: no path leads out of a layer's folder.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use armistice_arch::Platform;
use armistice_oci::{Error, FileInfo, FileKind, ImageConfig, Lookup, Missing, Root};
use rustix::fs::{FileType, Mode, OFlags, Stat, openat};

use crate::files;
use crate::image::Parsed;
use crate::unpack::Lower;
use crate::unpack::place::{LINKS_MAX, Seen, flags, look_through, open_folder, parts};
use crate::{Store, StoredImage};

/// An image of a name.
#[derive(Debug)]
pub struct Viewed {
    /// What it is made for.
    pub platform: Platform,
    /// How a container of it is run.
    pub config: ImageConfig,
    /// Its files; `None` where a layer is missing.
    pub files: Option<Files>,
}

/// An image's files, merged.
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
    /// The topmost first.
    layers: Vec<Lower>,
}

/// The images that a store has under a whole name, one a platform. None where there
/// is no store, or it is another user's.
#[must_use]
pub fn view(root: &Path, name: &str) -> Vec<Viewed> {
    let mut found: Vec<Viewed> = Vec::new();
    if files::is_own(root).is_err() {
        return found;
    }
    let folders = fs::read_dir(root.join("layers"));
    for key in folders.into_iter().flatten().flatten() {
        let store = Store::of_key(root, key.file_name().to_string_lossy().into_owned());
        for image in store.named(name).unwrap_or_default() {
            let Some(parsed) = store.parsed(&image.manifest) else {
                continue;
            };
            let viewed = Viewed {
                platform: image.platform,
                files: store.files_of(&parsed),
                config: parsed.config,
            };
            match found.iter_mut().find(|v| v.platform == viewed.platform) {
                Some(other) if other.files.is_none() => *other = viewed,
                Some(_) => {}
                None => found.push(viewed),
            }
        }
    }
    found
}

impl Store {
    /// An image's files; `None` where a layer is missing.
    #[must_use]
    pub fn files(&self, image: &StoredImage) -> Option<Files> {
        self.files_of(&self.parsed(&image.manifest)?)
    }

    fn files_of(&self, parsed: &Parsed) -> Option<Files> {
        let layers = parsed.chain.iter().rev().map(|chain| self.lower(chain));
        let layers: Result<Vec<Lower>, _> = layers.collect();
        Some(Files {
            root: self.root().to_owned(),
            layers: layers.ok()?,
        })
    }
}

/// Where a path leads: the layer, the folder and the name in it, and what is there.
struct Reached {
    layer: usize,
    at: Vec<Vec<u8>>,
    name: Vec<u8>,
    stat: Stat,
}

/// What a path comes to.
enum Walked {
    To(Reached),
    Top,
    Nowhere(Missing),
}

impl Files {
    fn walk(&self, path: &Path) -> io::Result<Walked> {
        let mut left: Vec<Vec<u8>> = parts(path.as_os_str().as_bytes()).rev().collect();
        let mut at: Vec<Vec<u8>> = Vec::new();
        let mut links = 0;
        while let Some(name) = left.pop() {
            if name == b".." {
                at.pop();
                continue;
            }
            match look_through(&self.layers, &at, &name)? {
                None | Some((_, Seen::Nothing)) => return Ok(Walked::Nowhere(Missing::NoEntry)),
                Some((layer, Seen::Directory(stat))) => {
                    if left.is_empty() {
                        return Ok(Walked::To(Reached {
                            layer,
                            at,
                            name,
                            stat,
                        }));
                    }
                    at.push(name);
                }
                Some((_, Seen::Symlink(target))) => {
                    links += 1;
                    if links > LINKS_MAX {
                        return Ok(Walked::Nowhere(Missing::Loop));
                    }
                    if target.starts_with(b"/") {
                        at.clear();
                    }
                    left.extend(parts(&target).rev());
                }
                Some((layer, Seen::Other(stat))) if left.is_empty() => {
                    return Ok(Walked::To(Reached {
                        layer,
                        at,
                        name,
                        stat,
                    }));
                }
                Some((_, Seen::Other(_))) => return Ok(Walked::Nowhere(Missing::NotADirectory)),
            }
        }
        Ok(Walked::Top)
    }

    fn failed(&self, path: &Path, source: io::Error) -> Error {
        Error::Folder {
            root: self.root.clone(),
            path: path.to_owned(),
            source,
        }
    }
}

impl Root for Files {
    fn lookup(&self, path: &Path) -> Result<Lookup, Error> {
        let walked = self.walk(path).map_err(|e| self.failed(path, e))?;
        let reached = match walked {
            Walked::To(reached) => reached,
            Walked::Nowhere(why) => return Ok(Lookup::Missing(why)),
            Walked::Top => {
                return Ok(Lookup::Found(FileInfo {
                    path: PathBuf::from("/"),
                    kind: FileKind::Directory,
                    mode: 0o755,
                    size: 0,
                }));
            }
        };
        let kind = match FileType::from_raw_mode(reached.stat.st_mode) {
            FileType::RegularFile => FileKind::Regular,
            FileType::Directory => FileKind::Directory,
            _ => FileKind::Other,
        };
        let names = reached.at.into_iter().chain([reached.name]);
        let real = names.map(std::ffi::OsString::from_vec);
        Ok(Lookup::Found(FileInfo {
            path: Path::new("/").join(real.collect::<PathBuf>()),
            kind,
            mode: reached.stat.st_mode & 0o7777,
            size: match kind {
                FileKind::Regular => u64::try_from(reached.stat.st_size).unwrap_or(0),
                _ => 0,
            },
        }))
    }

    fn read_at(&self, path: &Path, offset: u64, len: usize) -> Result<Vec<u8>, Error> {
        let no_file = || Error::NoFile {
            path: path.to_owned(),
        };
        let failed = |e: io::Error| self.failed(path, e);
        let Walked::To(reached) = self.walk(path).map_err(failed)? else {
            return Err(no_file());
        };
        if FileType::from_raw_mode(reached.stat.st_mode) != FileType::RegularFile {
            return Err(no_file());
        }
        let layer = self.layers.get(reached.layer).ok_or_else(no_file)?;
        let folder = open_folder(&layer.root, &reached.at.join(&b'/'));
        let folder = folder.map_err(|e| failed(e.into()))?;
        // Should the file have become a pipe since: don't wait for its writer.
        let how = flags(OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY);
        let file = openat(folder.as_fd(), reached.name, how, Mode::empty());
        let file = File::from(file.map_err(|e| failed(e.into()))?);
        read_fully(&file, offset, len).map_err(failed)
    }
}

/// Reads until `len` bytes or the end of the file.
fn read_fully(file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len().saturating_sub(offset);
    // A caller's `len` may be far beyond the file's.
    let mut bytes = vec![0; len.min(usize::try_from(size).unwrap_or(usize::MAX))];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
