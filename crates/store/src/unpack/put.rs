//! A layer's entries, made in its folder one after another as the tar has them: files, folders,
//! links, and whiteouts as overlayfs wants them.
//!
//! A layer may come from anybody. Invariants: no path leads out of the folder, be it by `..` or by
//! a link, since each folder on the way is opened for itself (`place`); the limits hold before
//! bytes are written; no device is made. Modes and times of folders are set last, because each
//! entry in a folder changes its time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use armistice_oci::stream::{Member, MemberKind};
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, linkat, mkdirat, mknodat, openat, symlinkat, unlinkat,
};
use rustix::io::Errno;

use super::meta;
use super::place::{Canonical, Merged, Reached, Seen, flags, is_whiteout, look_in, open_folder};
use super::{Limits, Lower, Unpacked};
use crate::error::Trouble;
use crate::ids::Owners;
use crate::removal::remove_in;

/// The longest path Linux takes.
const PATH_MAX: usize = 4096;

/// Zeros of this length become holes.
const HOLE: usize = 64 * 1024;

/// How many devices are named.
const NAMED: usize = 4;

/// One layer on its way to disk.
pub(crate) struct Unpacker<'a> {
    merged: Merged<'a>,
    owners: Owners,
    limits: Limits,
    result: Unpacked,
    /// The folder of the entry before, by the path as the tar has it.
    last: Option<(Vec<u8>, Rc<OwnedFd>, Canonical)>,
    /// Folders whose mode and time are set last, for what comes changes them.
    folders: BTreeMap<Vec<u8>, (u32, i64, u32)>,
    buf: Vec<u8>,
}

impl<'a> Unpacker<'a> {
    pub(crate) fn new(
        root: OwnedFd,
        lowers: &'a [Lower],
        owners: Owners,
        limits: Limits,
    ) -> Result<Unpacker<'a>, Trouble> {
        let mut unpacker = Unpacker {
            merged: Merged {
                root,
                lowers,
                opaque: Default::default(),
            },
            owners,
            limits,
            result: Unpacked::default(),
            last: None,
            folders: BTreeMap::new(),
            buf: vec![0; HOLE],
        };
        // A root that the layer does not list is that of the layer below.
        if let Some(lower) = lowers.first() {
            let stat = rustix::fs::fstat(&lower.root)
                .map_err(|e| Trouble::System("/".to_owned(), e.into()))?;
            let owner = (stat.st_uid.into(), stat.st_gid.into());
            meta::own(&unpacker.merged.root, b".", owners, owner, "/")?;
            unpacker.later(Vec::new(), stat.st_mode, stat.st_mtime, nanos(&stat));
        } else {
            unpacker.later(Vec::new(), 0o755, 0, 0);
        }
        Ok(unpacker)
    }

    /// One entry, with its bytes.
    pub(crate) fn put(&mut self, member: &Member, bytes: &mut dyn Read) -> Result<(), Trouble> {
        let entry = String::from_utf8_lossy(&member.name).into_owned();
        self.count(member)?;
        let path = clean(&member.name).ok_or_else(|| {
            Trouble::Bad(format!(
                "the path of '{entry}' leads out of the root, or is too long"
            ))
        })?;
        let Some((name, parent)) = path.split_last() else {
            return self.put_root(member, &entry);
        };
        let parent = parent.join(&b'/');
        if let Some(deleted) = name.strip_prefix(b".wh.") {
            return self.put_whiteout(&parent, deleted, &entry);
        }
        match member.kind {
            MemberKind::Device => {
                self.result.devices += 1;
                if self.result.device_names.len() < NAMED {
                    self.result.device_names.push(entry);
                }
                Ok(())
            }
            MemberKind::Directory => self.put_directory(&parent, name, member, &entry),
            MemberKind::HardLink => self.put_hard_link(&parent, name, member, &entry),
            MemberKind::File => {
                let (folder, _) = self.folder(&parent, &entry)?;
                self.make_way(&folder, name, &entry)?;
                let file = create(&folder, name).map_err(|e| Trouble::System(entry.clone(), e))?;
                self.fill(&file, bytes, &entry)?;
                self.finish_file(&folder, name, &file, member, &entry)
            }
            MemberKind::Symlink | MemberKind::Fifo => {
                self.put_special(&parent, name, member, &entry)
            }
        }
    }

    /// Counts an entry, and refuses it beyond the limits.
    fn count(&mut self, member: &Member) -> Result<(), Trouble> {
        self.result.entries += 1;
        if self.result.entries > self.limits.entries {
            let text = format!("it has more than {} entries", self.limits.entries);
            return Err(Trouble::Bad(text));
        }
        if member.kind == MemberKind::File {
            self.result.bytes = self.result.bytes.saturating_add(member.size);
        }
        if self.result.bytes > self.limits.bytes {
            let text = format!("its files come to more than {} bytes", self.limits.bytes);
            return Err(Trouble::Large(text));
        }
        Ok(())
    }

    /// A symbolic link or a named pipe, which have no bytes.
    fn put_special(
        &mut self,
        parent: &[u8],
        name: &[u8],
        member: &Member,
        entry: &str,
    ) -> Result<(), Trouble> {
        let (folder, _) = self.folder(parent, entry)?;
        self.make_way(&folder, name, entry)?;
        let system = |e: io::Error| Trouble::System(entry.to_owned(), e);
        let is_link = member.kind == MemberKind::Symlink;
        if is_link {
            symlinkat(member.link.as_slice(), &folder, name).map_err(|e| link_trouble(e, entry))?;
        } else {
            mknodat(&folder, name, FileType::Fifo, Mode::RUSR, 0).map_err(|e| system(e.into()))?;
        }
        let attributes = &member.attributes;
        let owner = (attributes.uid, attributes.gid);
        meta::own(&folder, name, self.owners, owner, entry)?;
        if !is_link {
            let mode = Mode::from_raw_mode(member.mode & 0o7777);
            rustix::fs::chmodat(&folder, name, mode, AtFlags::empty())
                .map_err(|e| system(e.into()))?;
        }
        self.result.xattrs_left_out += attributes.xattrs.len() as u64;
        meta::touch(&folder, name, attributes.mtime, attributes.mtime_nanos).map_err(system)
    }

    /// Modes and times of folders, the deepest first.
    pub(crate) fn finish(mut self) -> Result<Unpacked, Trouble> {
        // Children come behind their parents in this order.
        for (path, (mode, seconds, nanos)) in std::mem::take(&mut self.folders).into_iter().rev() {
            let entry = String::from_utf8_lossy(&path).into_owned();
            let system = |e: io::Error| Trouble::System(entry.clone(), e);
            // What became of it since, nobody needs to know.
            let Ok(folder) = open_folder(&self.merged.root, &path) else {
                continue;
            };
            meta::touch(&folder, b".", seconds, nanos).map_err(system)?;
            let readable = meta::open_to_read(&folder, b".").map_err(system)?;
            meta::set_mode(&readable, mode).map_err(system)?;
        }
        self.result.opaque = self.merged.opaque;
        Ok(self.result)
    }

    fn later(&mut self, path: Vec<u8>, mode: u32, seconds: i64, nanos: u32) {
        self.folders.insert(path, (mode, seconds, nanos));
    }

    /// The folder at a path of the tar, made where it is not there.
    fn folder(&mut self, path: &[u8], entry: &str) -> Result<(Rc<OwnedFd>, Canonical), Trouble> {
        if let Some((last, folder, at)) = &self.last
            && last == path
        {
            return Ok((Rc::clone(folder), at.clone()));
        }
        let (folder, at) = match open_folder(&self.merged.root, path) {
            Ok(folder) => (folder, super::place::parts(path).collect()),
            Err(_) => {
                let Reached { at, .. } = self.merged.reach(path, entry)?;
                (self.make_folders(&at, entry)?, at)
            }
        };
        let folder = Rc::new(folder);
        self.last = Some((path.to_vec(), Rc::clone(&folder), at.clone()));
        Ok((folder, at))
    }

    /// Makes the folders of a path that this layer has not, as they are below.
    fn make_folders(&mut self, at: &Canonical, entry: &str) -> Result<OwnedFd, Trouble> {
        let system = |e: io::Error| Trouble::System(entry.to_owned(), e);
        let mut folder = open_folder(&self.merged.root, b"").map_err(|e| system(e.into()))?;
        for n in 0..at.len() {
            let above = at.get(..n).unwrap_or_default();
            let name = at.get(n).map(Vec::as_slice).unwrap_or_default();
            let there = look_in(&folder, name).map_err(system)?;
            if !matches!(there, Some((_, FileType::Directory))) {
                let below = self.merged.look(above, name).map_err(system)?;
                if there.is_some() {
                    unlinkat(&folder, name, AtFlags::empty()).map_err(|e| system(e.into()))?;
                }
                mkdirat(&folder, name, Mode::RWXU).map_err(|e| system(e.into()))?;
                let path = at.get(..=n).unwrap_or_default().join(&b'/');
                let (mode, seconds, nanos) = match below {
                    Seen::Directory(stat) => {
                        let owner = (stat.st_uid.into(), stat.st_gid.into());
                        meta::own(&folder, name, self.owners, owner, entry)?;
                        (stat.st_mode, stat.st_mtime, nanos(&stat))
                    }
                    _ => (0o755, 0, 0),
                };
                if there.is_some() {
                    self.make_opaque(&folder, name, path.clone())
                        .map_err(system)?;
                }
                self.later(path, mode, seconds, nanos);
            }
            folder = open_folder(&folder, name).map_err(|e| system(e.into()))?;
        }
        Ok(folder)
    }

    fn make_opaque(&mut self, folder: impl AsFd, name: &[u8], path: Vec<u8>) -> io::Result<()> {
        meta::set_opaque(meta::open_to_read(folder, name)?)?;
        self.merged.opaque.insert(path);
        Ok(())
    }

    /// Removes what an earlier entry of this layer put there.
    fn make_way(&mut self, folder: &Rc<OwnedFd>, name: &[u8], entry: &str) -> Result<(), Trouble> {
        let there = look_in(folder, name).map_err(|e| Trouble::System(entry.to_owned(), e))?;
        if there.is_none() {
            return Ok(());
        }
        self.last = None;
        remove_in(folder, name).map_err(|e| Trouble::System(entry.to_owned(), e))
    }

    fn put_root(&mut self, member: &Member, entry: &str) -> Result<(), Trouble> {
        if member.kind != MemberKind::Directory {
            return Err(Trouble::Bad(format!(
                "'{entry}' would take the place of the root"
            )));
        }
        let a = &member.attributes;
        meta::own(&self.merged.root, b".", self.owners, (a.uid, a.gid), entry)?;
        self.later(Vec::new(), member.mode, a.mtime, a.mtime_nanos);
        Ok(())
    }

    fn put_directory(
        &mut self,
        parent: &[u8],
        name: &[u8],
        member: &Member,
        entry: &str,
    ) -> Result<(), Trouble> {
        let system = |e: io::Error| Trouble::System(entry.to_owned(), e);
        let (folder, at) = self.folder(parent, entry)?;
        let mut path = at;
        path.push(name.to_vec());
        let path = path.join(&b'/');
        match look_in(&folder, name).map_err(system)? {
            Some((_, FileType::Directory)) => {}
            there => {
                if there.is_some() {
                    self.make_way(&folder, name, entry)?;
                }
                mkdirat(&folder, name, Mode::RWXU).map_err(|e| system(e.into()))?;
                if there.is_some() {
                    // Not what is below under this name comes back.
                    self.make_opaque(&folder, name, path.clone())
                        .map_err(system)?;
                }
            }
        }
        let a = &member.attributes;
        meta::own(&folder, name, self.owners, (a.uid, a.gid), entry)?;
        if !a.xattrs.is_empty() {
            let open = meta::open_to_read(&folder, name).map_err(system)?;
            self.result.xattrs_left_out += meta::set_xattrs(open, a).map_err(system)?;
        }
        self.later(path, member.mode, a.mtime, a.mtime_nanos);
        Ok(())
    }

    fn put_whiteout(&mut self, parent: &[u8], deleted: &[u8], entry: &str) -> Result<(), Trouble> {
        let system = |e: io::Error| Trouble::System(entry.to_owned(), e);
        if deleted == b".wh..opq" {
            let (folder, at) = self.folder(parent, entry)?;
            return self
                .make_opaque(&folder, b".", at.join(&b'/'))
                .map_err(system);
        }
        // What is left of aufs's own.
        if deleted.starts_with(b".wh.") {
            return Ok(());
        }
        if matches!(deleted, b"" | b"." | b"..") {
            return Err(Trouble::Bad(format!(
                "'{entry}' deletes nothing that has a name"
            )));
        }
        if self.merged.reach(parent, entry)?.missing {
            return Ok(());
        }
        let (folder, mut at) = self.folder(parent, entry)?;
        match look_in(&folder, deleted).map_err(system)? {
            None => mknodat(
                &folder,
                deleted,
                FileType::CharacterDevice,
                Mode::empty(),
                0,
            )
            .map_err(|e| system(e.into())),
            // A layer's whiteouts are for what is below, in whatever order they come.
            Some((_, FileType::Directory)) => {
                at.push(deleted.to_vec());
                self.make_opaque(&folder, deleted, at.join(&b'/'))
                    .map_err(system)
            }
            Some(_) => Ok(()),
        }
    }

    fn put_hard_link(
        &mut self,
        parent: &[u8],
        name: &[u8],
        member: &Member,
        entry: &str,
    ) -> Result<(), Trouble> {
        let system = |e: io::Error| Trouble::System(entry.to_owned(), e);
        let target = String::from_utf8_lossy(&member.link).into_owned();
        let bad = || {
            Trouble::Bad(format!(
                "'{entry}' is linked to '{target}', which is not a file there"
            ))
        };
        let to = clean(&member.link).ok_or_else(bad)?;
        let (to_name, to_parent) = to.split_last().ok_or_else(bad)?;
        let to_parent = to_parent.join(&b'/');
        if self.merged.reach(&to_parent, entry)?.missing {
            return Err(bad());
        }
        let (from, at) = self.folder(&to_parent, entry)?;
        match look_in(&from, to_name).map_err(system)? {
            Some((_, FileType::Directory)) => return Err(bad()),
            Some((stat, kind)) if is_whiteout(&stat, kind) => return Err(bad()),
            Some(_) => {}
            None => self.copy_up(&from, &at, to_name, entry)?.ok_or_else(bad)?,
        }
        let (folder, own_at) = self.folder(parent, entry)?;
        if own_at == at && name == *to_name {
            return Ok(());
        }
        self.make_way(&folder, name, entry)?;
        // What made way may have held the target.
        match linkat(&from, to_name.as_slice(), &folder, name, AtFlags::empty()) {
            Err(Errno::NOENT) => Err(bad()),
            other => other.map_err(|e| system(e.into())),
        }
    }

    /// Brings a file of a layer below into this one; `None` where there is none.
    fn copy_up(
        &mut self,
        folder: &Rc<OwnedFd>,
        at: &Canonical,
        name: &[u8],
        entry: &str,
    ) -> Result<Option<()>, Trouble> {
        let system = |e: io::Error| Trouble::System(entry.to_owned(), e);
        let Some((number, seen)) = self.merged.look_below(at, name).map_err(system)? else {
            return Ok(None);
        };
        let lower = self.merged.lowers.get(number);
        let lower = lower.ok_or_else(|| system(io::ErrorKind::NotFound.into()))?;
        let below = open_folder(&lower.root, &at.join(&b'/')).map_err(|e| system(e.into()))?;
        match seen {
            Seen::Symlink(target) => {
                symlinkat(target.as_slice(), folder, name).map_err(|e| system(e.into()))?;
                Ok(Some(()))
            }
            Seen::Other(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
                let source = openat(&below, name, flags(OFlags::RDONLY), Mode::empty())
                    .map_err(|e| system(e.into()))?;
                let file = create(folder, name).map_err(system)?;
                let mut source = File::from(source);
                self.fill(&file, &mut source, entry)?;
                let owner = (stat.st_uid.into(), stat.st_gid.into());
                meta::own(folder, name, self.owners, owner, entry)?;
                meta::set_mode(&file, stat.st_mode).map_err(system)?;
                meta::copy_xattrs(&source, &file).map_err(system)?;
                meta::touch(folder, name, stat.st_mtime, nanos(&stat)).map_err(system)?;
                Ok(Some(()))
            }
            _ => Ok(None),
        }
    }

    /// Writes a file's bytes; runs of zeros become holes.
    fn fill(&mut self, mut file: &File, bytes: &mut dyn Read, entry: &str) -> Result<(), Trouble> {
        let system = |e: io::Error| Trouble::System(entry.to_owned(), e);
        let (mut len, mut hole) = (0_u64, false);
        loop {
            let n = fill_up(bytes, &mut self.buf).map_err(|e| match e.raw_os_error() {
                Some(_) => system(e),
                None if e.kind() == io::ErrorKind::UnexpectedEof => {
                    Trouble::Bad(format!("it is cut off at {entry}"))
                }
                None => Trouble::Bad(format!("{e} (at {entry})")),
            })?;
            let part = self.buf.get(..n).unwrap_or_default();
            if part.is_empty() {
                break;
            }
            len += n as u64;
            hole = n == HOLE && part.iter().all(|b| *b == 0);
            if hole {
                file.seek(SeekFrom::Start(len)).map_err(system)?;
            } else {
                file.write_all(part).map_err(system)?;
            }
        }
        if hole {
            file.set_len(len).map_err(system)?;
        }
        Ok(())
    }

    fn finish_file(
        &mut self,
        folder: &Rc<OwnedFd>,
        name: &[u8],
        file: &File,
        member: &Member,
        entry: &str,
    ) -> Result<(), Trouble> {
        let system = |e: io::Error| Trouble::System(entry.to_owned(), e);
        let a = &member.attributes;
        // A change of owner drops set-user-ID and capabilities: so they come after.
        meta::own(folder, name, self.owners, (a.uid, a.gid), entry)?;
        meta::set_mode(file, member.mode).map_err(system)?;
        self.result.xattrs_left_out += meta::set_xattrs(file, a).map_err(system)?;
        meta::touch(folder, name, a.mtime, a.mtime_nanos).map_err(system)
    }
}

fn nanos(stat: &rustix::fs::Stat) -> u32 {
    u32::try_from(stat.st_mtime_nsec).unwrap_or(0)
}

/// A new file, which nobody else can have made.
fn create(folder: impl AsFd, name: &[u8]) -> io::Result<File> {
    let how = flags(OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL);
    Ok(openat(folder, name, how, Mode::RUSR | Mode::WUSR)?.into())
}

fn link_trouble(e: Errno, entry: &str) -> Trouble {
    match e {
        Errno::NOENT | Errno::NAMETOOLONG | Errno::INVAL => Trouble::Bad(format!(
            "the target of the link '{entry}' is empty or too long"
        )),
        e => Trouble::System(entry.to_owned(), e.into()),
    }
}

/// Reads until the buffer is full or the end.
fn fill_up(from: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

/// A path's names, `..` applied; `None` where it leads out of the root.
fn clean(path: &[u8]) -> Option<Canonical> {
    if path.len() >= PATH_MAX || path.contains(&0) {
        return None;
    }
    let mut out = Vec::new();
    for part in super::place::parts(path) {
        if part == b".." {
            out.pop()?;
        } else {
            out.push(part);
        }
    }
    Some(out)
}
