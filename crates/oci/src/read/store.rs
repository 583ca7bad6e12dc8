//! Where an archive's documents and blobs are: members of a tar, found once and
//! sought from then on, or files of a folder. A compressed tar is first unpacked
//! into an unlinked temporary file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::blob::Blob;
use super::compress::{self, Method};
use super::walk::{self, Fault, MemberKind};
use crate::path::{clean_joined, lossy};
use crate::{Error, Found, digest};

/// Documents larger than this are not read: real ones have some kilobytes, and
/// registries take no manifest above four mebibytes.
pub(crate) const JSON_MAX: u64 = 4 << 20;

/// An opened archive.
#[derive(Debug)]
pub(crate) struct Store {
    /// As it was asked for; in every message.
    pub(crate) path: PathBuf,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Folder,
    Tar {
        blob: Blob,
        members: HashMap<Vec<u8>, Stored>,
    },
}

/// A member of the tar, by its cleaned name.
#[derive(Debug)]
enum Stored {
    At(u64, u64),
    /// A link to this member.
    Link(Vec<u8>),
}

/// How many links are followed from member to member.
const LINKS_MAX: usize = 8;

impl Store {
    pub(crate) fn open(path: &Path) -> Result<Store, Error> {
        let not_image = |found| {
            Err(Error::NotAnImage {
                archive: path.to_owned(),
                found,
            })
        };
        let failed = |source| Error::Open {
            path: path.to_owned(),
            source,
        };
        let meta = std::fs::metadata(path).map_err(failed)?;
        if meta.is_dir() {
            if !path.join("oci-layout").is_file() {
                return not_image(Found::Folder);
            }
            return Ok(Store {
                path: path.to_owned(),
                place: Place::Folder,
            });
        }
        let Some(file) = open_regular(path).map_err(failed)? else {
            return not_image(Found::Special);
        };
        let mut blob = Blob::whole(file).map_err(failed)?;
        let first = blob.bytes(512).map_err(failed)?;
        let method = Method::of(&first);
        if method != Method::Plain {
            blob = spool(path, &blob, method)?;
        } else if !walk::looks_like_tar(&first) {
            return not_image(describe(&first));
        }
        let members = index(&blob).map_err(|fault| damaged(path, "the archive", fault))?;
        let has = |name: &[u8]| members.contains_key(name);
        if !has(b"index.json") && !has(b"manifest.json") {
            return not_image(if has(b"repositories") {
                Found::OldDocker
            } else {
                Found::OtherTar
            });
        }
        Ok(Store {
            path: path.to_owned(),
            place: Place::Tar { blob, members },
        })
    }

    /// A member by its name in the archive, if it is there.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Blob>, Error> {
        let Some(mut key) = clean_joined(name.as_bytes()) else {
            return Ok(None);
        };
        match &self.place {
            Place::Folder => {
                let failed = |source| self.read_error(name, source);
                match open_regular(&self.path.join(lossy(&key))) {
                    Ok(Some(file)) => Ok(Some(Blob::whole(file).map_err(failed)?)),
                    Ok(None) => Ok(None),
                    Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(e) => Err(failed(e)),
                }
            }
            Place::Tar { blob, members } => {
                for _ in 0..LINKS_MAX {
                    match members.get(&key) {
                        Some(Stored::At(offset, len)) => return Ok(Some(blob.part(*offset, *len))),
                        Some(Stored::Link(to)) => key.clone_from(to),
                        None => return Ok(None),
                    }
                }
                Ok(None)
            }
        }
    }

    /// A blob of an OCI layout by its digest, if it is there.
    pub(crate) fn by_digest(&self, digest: &str) -> Result<Option<Blob>, Error> {
        self.get(&self.blob_name(digest)?)
    }

    /// The name of a blob of an OCI layout.
    pub(crate) fn blob_name(&self, digest: &str) -> Result<String, Error> {
        match digest::hex_of(digest) {
            Some(hex) => Ok(format!("blobs/sha256/{hex}")),
            None => Err(Error::BadDigest {
                archive: self.path.clone(),
                digest: digest.chars().take(100).collect(),
            }),
        }
    }

    /// A whole document.
    pub(crate) fn document(&self, name: &str, blob: &Blob) -> Result<Vec<u8>, Error> {
        if blob.len > JSON_MAX {
            return Err(Error::TooLarge {
                archive: self.path.clone(),
                name: name.to_owned(),
                size: blob.len,
                limit: JSON_MAX,
            });
        }
        blob.bytes(JSON_MAX).map_err(|e| self.read_error(name, e))
    }

    pub(crate) fn parse<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        bytes: &[u8],
    ) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|source| Error::BadJson {
            archive: self.path.clone(),
            name: name.to_owned(),
            source,
        })
    }

    /// That a document's bytes are those its digest names.
    pub(crate) fn check_digest(&self, hex: &str, bytes: &[u8]) -> Result<(), Error> {
        self.same_digest(&format!("sha256:{hex}"), hex, digest::of(bytes))
    }

    pub(crate) fn same_digest(&self, name: &str, hex: &str, found: String) -> Result<(), Error> {
        if found == hex {
            return Ok(());
        }
        Err(Error::WrongDigest {
            archive: self.path.clone(),
            name: name.to_owned(),
            found,
        })
    }

    pub(crate) fn missing(&self, name: &str) -> Error {
        Error::MissingBlob {
            archive: self.path.clone(),
            name: name.to_owned(),
        }
    }

    pub(crate) fn read_error(&self, name: &str, source: io::Error) -> Error {
        Error::Read {
            archive: self.path.clone(),
            name: name.to_owned(),
            source,
        }
    }

    /// The error that a fault in a layer is.
    pub(crate) fn fault(&self, layer: &str, fault: Fault) -> Error {
        damaged(&self.path, layer, fault)
    }
}

/// Opens a regular file; `None` for any other kind, which is not waited for.
fn open_regular(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    // Opening a device can have effects of its own, so look first.
    if !std::fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    Ok(file.metadata()?.is_file().then_some(file))
}

/// Unpacks a compressed tar into a file that has no name.
fn spool(path: &Path, blob: &Blob, method: Method) -> Result<Blob, Error> {
    let at = "its compressed stream";
    let undecodable = |e: io::Error| damaged(path, at, fault_of(at, &e));
    let first = compress::first_bytes(blob, method, 512).map_err(undecodable)?;
    if !walk::looks_like_tar(&first) {
        return Err(Error::NotAnImage {
            archive: path.to_owned(),
            found: Found::CompressedOther,
        });
    }
    let spooling = |source| Error::Spool {
        archive: path.to_owned(),
        source,
    };
    let mut file = tempfile::tempfile().map_err(spooling)?;
    let mut reader = compress::decode(method, blob.reader());
    let mut buf = vec![0; 64 * 1024];
    loop {
        let n = match reader.read(&mut buf) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(undecodable(e)),
        };
        let part = buf.get(..n).unwrap_or_default();
        io::Write::write_all(&mut file, part).map_err(spooling)?;
    }
    Blob::whole(file).map_err(spooling)
}

/// A decoder's error, as a tar's would be.
pub(crate) fn fault_of(at: &str, e: &io::Error) -> Fault {
    match e.raw_os_error() {
        Some(code) => Fault::Io(io::Error::from_raw_os_error(code)),
        None if e.kind() == io::ErrorKind::UnexpectedEof => Fault::CutOff(at.to_owned()),
        None => Fault::Bad(at.to_owned(), e.to_string()),
    }
}

fn damaged(archive: &Path, part: &str, fault: Fault) -> Error {
    let archive = archive.to_owned();
    let at = |entry: String| {
        if entry == part {
            entry
        } else {
            format!("{entry} of {part}")
        }
    };
    match fault {
        Fault::CutOff(entry) => Error::CutOff {
            archive,
            name: at(entry),
        },
        Fault::Bad(entry, reason) => Error::Damaged {
            archive,
            name: at(entry),
            reason,
        },
        Fault::Io(source) => Error::Read {
            archive,
            name: part.to_owned(),
            source,
        },
    }
}

/// So many files of names that no image archive has, and hardly another, are
/// enough to tell that a tar is none: a root file system, say, of which it would
/// take long to see the end.
const OTHERS_MAX: usize = 1000;

/// Where the members of the outer tar are. A name that leads out of it names
/// nothing that could be asked for and is left out; of two the last counts.
fn index(blob: &Blob) -> Result<HashMap<Vec<u8>, Stored>, Fault> {
    let mut members = HashMap::new();
    let (mut images, mut others) = (0_usize, 0_usize);
    walk::plain(blob, &mut |member, _| {
        if member.kind != MemberKind::Directory {
            let counter = if is_of_an_image(&member.name) {
                &mut images
            } else {
                &mut others
            };
            *counter += 1;
            if others > OTHERS_MAX && others > 10 * images {
                return Ok(ControlFlow::Break(()));
            }
        }
        let Some(key) = clean_joined(&member.name) else {
            return Ok(ControlFlow::Continue(()));
        };
        let stored = match (member.kind, member.offset) {
            (MemberKind::File, Some(offset)) => Some(Stored::At(offset, member.size)),
            (MemberKind::HardLink, _) => clean_joined(&member.link).map(Stored::Link),
            (MemberKind::Symlink, _) => beside(&member.name, &member.link).map(Stored::Link),
            _ => None,
        };
        if let Some(stored) = stored {
            members.insert(key, stored);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(members)
}

/// Whether a member is called as those of image archives are, by whichever
/// program: documents, layers, and blobs by their digests.
fn is_of_an_image(name: &[u8]) -> bool {
    // Manual pages end in `.gz`, too.
    const ENDS: [&[u8]; 5] = [b".json", b".tar", b".tar.gz", b".tgz", b".tar.zst"];
    const NAMES: [&[u8]; 4] = [b"json", b"VERSION", b"repositories", b"oci-layout"];
    let file = name.rsplit(|b| *b == b'/').next().unwrap_or(name);
    let digest = file.len() == 64 && file.iter().all(u8::is_ascii_hexdigit);
    digest || ENDS.into_iter().any(|end| file.ends_with(end)) || NAMES.contains(&file)
}

/// A symbolic link's target: relative to the folder the link is in.
fn beside(name: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    let folder = name.iter().rposition(|b| *b == b'/').map_or(0, |i| i + 1);
    let (folder, _) = name.split_at(folder);
    clean_joined(&[folder, target].concat())
}

/// What is compressed, but not as images are.
fn compressed(first: &[u8]) -> Option<Found> {
    let methods: [(&[u8], _, _); 3] = [
        (b"\xfd7zXZ\0", "xz", "xz -dk FILE"),
        (b"BZh", "bzip2", "bzip2 -dk FILE"),
        (b"\x04\x22\x4d\x18", "lz4", "lz4 -d FILE"),
    ];
    let (_, by, unpack) = methods.into_iter().find(|(m, ..)| first.starts_with(m))?;
    Some(Found::Compressed { by, unpack })
}

/// What a file that is neither a tar nor compressed begins like.
fn describe(first: &[u8]) -> Found {
    let begins = |magic: &[u8]| first.starts_with(magic);
    if first.is_empty() {
        Found::Empty
    } else if begins(b"\x7fELF") {
        Found::Elf
    } else if begins(b"#!") {
        Found::Script
    } else if begins(b"PK\x03\x04") {
        Found::Zip
    } else if let Some(compressed) = compressed(first) {
        compressed
    } else if matches!(first.trim_ascii_start().first(), Some(b'{' | b'[')) {
        Found::Json
    } else {
        Found::Other
    }
}
