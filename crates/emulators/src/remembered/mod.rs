//! Identities that were found out once: an emulator that has not changed since is
//! neither read whole nor run again.
//!
//! They are kept in a folder of root's that ends with the boot. What is in it counts
//! only if nobody but root can have written it, the file is whole, and it is of this
//! boot; anything else is as good as nothing, and everything is found out anew.
//!
//! Invariant: what is remembered is what reading the file now would give. A file is
//! known by device, inode, size, and its times of last modification and last change
//! of status, in nanoseconds. The latter is the kernel's own: every write sets it,
//! and who sets the former back sets it too. An identity is kept only where that is
//! so:
//! - on file systems whose times the running kernel keeps itself, and that really
//!   have nanoseconds (an image made elsewhere, with times made to be the same, is
//!   mounted with whole seconds);
//! - where the last change was some seconds before the reading, so that a change
//!   during or after the reading has another time;
//! - where nobody had the file open for writing as the reading began: a shared
//!   mapping may be written to without a new time, but not without having been opened.
//!
//! Against root, who may set the clock back or write to the disk below the file
//! system, nothing is promised.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use crate::identity::identify_all;
use crate::{Digest, Emulator, Error, Identity, Version};

/// The folder, and the file in it.
const FOLDER: &str = "/run/armistice";
const FILE: &str = "identities";

/// What the file begins with; then comes the boot it is of.
const HEAD: &str = "armistice identities 1";
/// What the last line begins with; then comes the digest of all before it.
const END: &str = "sha256";

/// How many identities are kept, and how long a file may be: more than anybody needs.
const KEPT: usize = 256;
const LONGEST: u64 = 256 * 1024;

/// How long ago a file's last change must be: longer than a clock's tick.
const SETTLED: Duration = Duration::from_secs(2);

/// File systems that keep these times themselves: ext2 to ext4, XFS, Btrfs, tmpfs,
/// F2FS, bcachefs, overlayfs (magic numbers of linux/magic.h and statfs(2)).
const HONEST: [u32; 7] = [
    0x0000_ef53,
    0x5846_5342,
    0x9123_683e,
    0x0102_1994,
    0xf2f5_2010,
    0xca45_1a4e,
    0x794c_7630,
];

/// A file, unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Key {
    fn of(metadata: &Metadata) -> Key {
        Key {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    fn of_file(file: &File) -> Option<Key> {
        file.metadata().ok().map(|m| Key::of(&m))
    }
}

/// What was found out of emulators, by this run and by earlier ones.
#[derive(Debug)]
pub struct Remembered {
    folder: PathBuf,
    /// Whose the folder must be.
    owner: u32,
    settled: Duration,
    boot: Option<String>,
    known: HashMap<Key, (Digest, Version)>,
    /// In the order in which they are kept: those of this run first.
    order: Vec<Key>,
    news: bool,
}

impl Remembered {
    /// What earlier runs left; nothing, where that can't be trusted.
    #[must_use]
    pub fn read() -> Remembered {
        Remembered::read_from(Path::new(FOLDER), 0, SETTLED)
    }

    fn read_from(folder: &Path, owner: u32, settled: Duration) -> Remembered {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id");
        let mut remembered = Remembered {
            folder: folder.to_owned(),
            owner,
            settled,
            boot: boot.ok().map(|id| id.trim().to_owned()),
            known: HashMap::new(),
            order: Vec::new(),
            news: false,
        };
        if let Some((text, boot)) = remembered.text().zip(remembered.boot.as_deref())
            && let Some(records) = parse(&text, boot)
        {
            remembered.order = records.iter().map(|(key, _)| *key).collect();
            remembered.known = records.into_iter().collect();
        }
        remembered
    }

    /// The identities of emulators, in their order. Those that are not remembered are
    /// found out, as [`identify_all`] does.
    pub fn identify_all(&mut self, emulators: &[Emulator]) -> Vec<Result<Identity, Error>> {
        let mut found: Vec<Option<Identity>> = emulators.iter().map(|e| self.get(e)).collect();
        let unknown: Vec<&Emulator> = emulators
            .iter()
            .zip(&found)
            .filter(|(_, found)| found.is_none())
            .map(|(emulator, _)| emulator)
            .collect();
        let before: Vec<Option<Key>> = unknown.iter().map(|e| self.settled(e.file())).collect();
        let identities = identify_all(&unknown);
        for ((emulator, before), identity) in unknown.iter().zip(before).zip(&identities) {
            if let Ok(identity) = identity
                && let Some(key) = before
                && Key::of_file(emulator.file()) == Some(key)
            {
                self.remember(key, identity);
            }
        }
        let mut identities = identities.into_iter();
        found
            .iter_mut()
            .filter_map(|known| match known.take() {
                Some(identity) => Some(Ok(identity)),
                None => identities.next(),
            })
            .collect()
    }

    /// Keeps what is known for later runs, where there is news. Many runs at once may
    /// do that: the last one's file stays, and what others found is found out again.
    ///
    /// # Errors
    /// Where the folder can't be made or written to, or is not root's own.
    pub fn write(&self) -> io::Result<()> {
        let Some(boot) = self.boot.as_deref().filter(|_| self.news) else {
            return Ok(());
        };
        match fs::DirBuilder::new().mode(0o755).create(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        if !self.is_own(&fs::symlink_metadata(&self.folder)?) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let aside = self.folder.join(format!(".{FILE}.{}", std::process::id()));
        let _ = fs::remove_file(&aside);
        let write = || {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o644)
                .open(&aside)?;
            file.write_all(self.in_text(boot).as_bytes())?;
            fs::rename(&aside, self.folder.join(FILE))
        };
        write().inspect_err(|_| drop(fs::remove_file(&aside)))
    }

    /// What is known of a file as it is at this moment.
    fn get(&self, emulator: &Emulator) -> Option<Identity> {
        let (sha256, version) = self.known.get(&Key::of_file(emulator.file())?)?;
        Some(Identity {
            sha256: *sha256,
            version: Ok(version.clone()),
        })
    }

    /// The file, where what is read from now on may be kept.
    fn settled(&self, file: &File) -> Option<Key> {
        let metadata = file.metadata().ok()?;
        let key = Key::of(&metadata);
        let magic = u32::try_from(rustix::fs::fstatfs(file).ok()?.f_type).ok()?;
        let (seconds, nanoseconds) = key.changed;
        let changed = SystemTime::UNIX_EPOCH
            + Duration::new(seconds.try_into().ok()?, nanoseconds.try_into().ok()?);
        let age = SystemTime::now().duration_since(changed).ok()?;
        let may =
            HONEST.contains(&magic) && nanoseconds != 0 && age >= self.settled && no_writer(file);
        may.then_some(key)
    }

    fn remember(&mut self, key: Key, identity: &Identity) {
        let Ok(version) = &identity.version else {
            return;
        };
        let build = version.build.as_deref().unwrap_or_default();
        if [&version.program, &version.number, build]
            .iter()
            .any(|text| text.contains(char::is_control))
        {
            return;
        }
        self.known.insert(key, (identity.sha256, version.clone()));
        self.order.retain(|other| *other != key);
        self.order.insert(0, key);
        self.news = true;
    }

    /// What the file says, if nobody else can have written it.
    fn text(&self) -> Option<String> {
        if !self.is_own(&fs::symlink_metadata(&self.folder).ok()?) {
            return None;
        }
        let file = OpenOptions::new()
            .read(true)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(self.folder.join(FILE))
            .ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || !self.is_own(&metadata) {
            return None;
        }
        let mut text = String::new();
        file.take(LONGEST).read_to_string(&mut text).ok()?;
        Some(text)
    }

    fn is_own(&self, metadata: &Metadata) -> bool {
        metadata.uid() == self.owner
            && metadata.mode() & 0o022 == 0
            && !metadata.file_type().is_symlink()
    }

    fn in_text(&self, boot: &str) -> String {
        let mut text = format!("{HEAD} {boot}\n");
        for key in self.order.iter().take(KEPT) {
            if let Some((sha256, version)) = self.known.get(key) {
                let _ = writeln!(text, "{}", line(key, *sha256, version));
            }
        }
        sealed(text)
    }
}

/// A text with its own digest behind it.
fn sealed(mut text: String) -> String {
    let digest = Digest(Sha256::digest(&text).into());
    let _ = writeln!(text, "{END} {digest}");
    text
}

/// One identity, in fields that tabs part.
fn line(key: &Key, sha256: Digest, version: &Version) -> String {
    let (m, c) = (key.modified, key.changed);
    format!(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{sha256}\t{}\t{}\t{}",
        key.device,
        key.inode,
        key.size,
        m.0,
        m.1,
        c.0,
        c.1,
        version.program,
        version.number,
        version.build.as_deref().unwrap_or_default()
    )
}

/// All identities of a text, if it is whole and of this boot.
fn parse(text: &str, boot: &str) -> Option<Vec<(Key, (Digest, Version))>> {
    let before_end = text.strip_suffix('\n')?.rfind('\n')? + 1;
    let body = text.get(..before_end)?;
    if sealed(body.to_owned()) != text {
        return None;
    }
    let mut lines = body.lines();
    if lines.next()? != format!("{HEAD} {boot}") {
        return None;
    }
    lines.map(record).collect()
}

fn record(line: &str) -> Option<(Key, (Digest, Version))> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [
        device,
        inode,
        size,
        ms,
        mn,
        cs,
        cn,
        sha256,
        program,
        number,
        build,
    ] = fields[..]
    else {
        return None;
    };
    let key = Key {
        device: device.parse().ok()?,
        inode: inode.parse().ok()?,
        size: size.parse().ok()?,
        modified: (ms.parse().ok()?, mn.parse().ok()?),
        changed: (cs.parse().ok()?, cn.parse().ok()?),
    };
    let version = Version {
        program: program.to_owned(),
        number: number.to_owned(),
        build: (!build.is_empty()).then(|| build.to_owned()),
    };
    Some((key, (digest(sha256)?, version)))
}

fn digest(hex: &str) -> Option<Digest> {
    let mut bytes = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?;
    }
    Some(Digest(bytes))
}

/// Whether nobody has the file open for writing: only then the kernel gives a lease
/// for reading. It is given back at once; who opens the file for writing in between
/// waits for that, and the signal that tells of it is one that nothing is done about.
fn no_writer(file: &File) -> bool {
    /// Of linux/fcntl.h; not in the libc crate.
    const F_SETSIG: libc::c_int = 10;
    let fd = file.as_raw_fd();
    // SAFETY: fcntl with these commands takes an integer and touches no memory; the
    // descriptor is open as long as `file` is borrowed.
    unsafe {
        libc::fcntl(fd, F_SETSIG, libc::SIGURG) == 0
            && libc::fcntl(fd, libc::F_SETLEASE, libc::F_RDLCK) == 0
            && libc::fcntl(fd, libc::F_SETLEASE, libc::F_UNLCK) == 0
    }
}

#[cfg(test)]
mod tests;
