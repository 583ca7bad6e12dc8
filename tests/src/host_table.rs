//! The host's own binfmt_misc, for one test at a time.
//!
//! What is found (mounted or not, and each entry) is put back when dropped.
//! `qemu-*` entries are set aside meanwhile, so that a test begins where users
//! begin. An entry that could not be put back (its pinned emulator is no file
//! of this machine) fails the test before anything is touched.
//!
//! From Linux 6.7 the entries die with the last mount, so a table that is not
//! mounted has none.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::mount::{MountFlags, UnmountFlags};

use crate::need;

/// Where every tool expects it.
pub const AT: &str = "/proc/sys/fs/binfmt_misc";

/// The host's table, held by one test.
#[derive(Debug)]
pub struct HostTable {
    found: Found,
    _lock: File,
}

impl HostTable {
    /// The table mounted, as systemd and most machines have it, without
    /// `qemu-*` entries.
    #[must_use]
    pub fn mounted() -> HostTable {
        let table = Self::take();
        mount();
        set_aside();
        table
    }

    /// Nobody holds the table: the state in which a registration made inside
    /// a container is lost with the container.
    #[must_use]
    pub fn unmounted() -> HostTable {
        let table = Self::take();
        unmount();
        // Containers that have just ended let go of it a moment later.
        let started = Instant::now();
        while held() {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "something else on this machine holds binfmt_misc: end it first. Processes that have it mounted: {:?}",
                holders()
            );
            thread::sleep(Duration::from_millis(100));
        }
        table
    }

    fn take() -> HostTable {
        need::host_root();
        let lock = lock();
        let found = Found::record();
        HostTable { found, _lock: lock }
    }

    /// Whether the table is mounted on the host now.
    #[must_use]
    pub fn is_mounted(&self) -> bool {
        is_mounted()
    }

    /// The entries now: name and text.
    #[must_use]
    pub fn entries(&self) -> BTreeMap<String, String> {
        entries()
    }
}

impl Drop for HostTable {
    fn drop(&mut self) {
        self.found.put_back();
    }
}

/// What was found: nothing mounted, or these entries.
#[derive(Debug)]
pub struct Found(Option<BTreeMap<String, String>>);

impl Found {
    /// Notes what is there.
    ///
    /// # Panics
    /// When an entry is there that could not be put back.
    #[must_use]
    pub fn record() -> Found {
        let found = is_mounted().then(entries);
        for (name, text) in found.iter().flatten() {
            let entry = Entry::parse(text);
            assert!(
                !entry.flags.contains('F') || Path::new(&entry.interpreter).is_file(),
                "entry '{name}' of this machine pins '{}', which is no file here: it could not be put back after the test, so remove it yourself first: echo -1 > {AT}/{name}",
                entry.interpreter
            );
        }
        Found(found)
    }

    /// Makes it so again.
    pub fn put_back(&self) {
        let before = self.0.clone().unwrap_or_default();
        mount();
        for (name, text) in entries() {
            if before.get(&name) != Some(&text) {
                remove(&name);
            }
        }
        let left = entries();
        for (name, text) in before.iter().filter(|(name, _)| !left.contains_key(*name)) {
            Entry::parse(text).register(name);
        }
        if self.0.is_none() {
            unmount();
        }
    }
}

/// Removes the entries that would make a test begin with its work done.
pub fn set_aside() {
    for name in entries().into_keys().filter(|n| n.starts_with("qemu-")) {
        remove(&name);
    }
}

/// One test at a time, over all processes of this machine.
fn lock() -> File {
    let path = std::env::temp_dir().join("armistice-host-table.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .unwrap_or_else(|error| panic!("can't open {}: {error}", path.display()));
    file.lock()
        .unwrap_or_else(|error| panic!("can't lock {}: {error}", path.display()));
    file
}

fn is_mounted() -> bool {
    need::is_mounted(Path::new(AT), "binfmt_misc")
}

fn mount() {
    if !is_mounted() {
        rustix::mount::mount("binfmt_misc", AT, "binfmt_misc", MountFlags::empty(), None)
            .unwrap_or_else(|error| panic!("can't mount binfmt_misc at {AT}: {error}"));
    }
}

fn unmount() {
    while is_mounted() {
        rustix::mount::unmount(AT, UnmountFlags::DETACH)
            .unwrap_or_else(|error| panic!("can't unmount {AT}: {error}"));
    }
}

/// Whether the table lives on though the host has it no longer mounted: an
/// entry survives the only mount that we know of.
fn held() -> bool {
    const PROBE: &str = "armistice-e2e-probe";
    mount();
    fs::write(
        path("register"),
        format!(":{PROBE}:E::{PROBE}::/nonexistent:"),
    )
    .unwrap_or_else(|error| panic!("can't register '{PROBE}': {error}"));
    unmount();
    mount();
    let held = path(PROBE).exists();
    if held {
        remove(PROBE);
    }
    unmount();
    held
}

/// Processes that see a binfmt_misc mount.
fn holders() -> Vec<String> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|process| {
            fs::read_to_string(process.path().join("mountinfo"))
                .is_ok_and(|mounts| mounts.contains(" - binfmt_misc "))
        })
        .filter_map(|process| {
            let line = fs::read(process.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            Some(format!(
                "{} {}",
                process.file_name().to_string_lossy(),
                line.trim()
            ))
        })
        .collect()
}

fn entries() -> BTreeMap<String, String> {
    let Ok(folder) = fs::read_dir(AT) else {
        return BTreeMap::new();
    };
    folder
        .flatten()
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "register" && name != "status")
        .filter_map(|name| {
            let text = fs::read_to_string(path(&name)).ok()?;
            Some((name, text))
        })
        .collect()
}

fn path(name: &str) -> PathBuf {
    Path::new(AT).join(name)
}

fn remove(name: &str) {
    fs::write(path(name), "-1").unwrap_or_else(|error| panic!("can't remove '{name}': {error}"));
}

/// What the kernel says of an entry, as far as putting it back needs it.
#[derive(Debug, Default)]
struct Entry {
    enabled: bool,
    interpreter: String,
    flags: String,
    offset: String,
    extension: Option<String>,
    magic: String,
    mask: String,
}

impl Entry {
    fn parse(text: &str) -> Entry {
        let mut entry = Entry::default();
        for line in text.lines() {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            let value = value.to_owned();
            match key {
                "enabled" => entry.enabled = true,
                "interpreter" => entry.interpreter = value,
                "flags:" => entry.flags = value,
                "offset" => entry.offset = value,
                "extension" => {
                    entry.extension = Some(value.trim_start_matches('.').to_owned());
                }
                "magic" => entry.magic = value,
                "mask" => entry.mask = value,
                _ => {}
            }
        }
        entry
    }

    fn register(&self, name: &str) {
        let escaped = |hex: &str| -> String {
            hex.as_bytes()
                .chunks(2)
                .map(|pair| format!("\\x{}", String::from_utf8_lossy(pair)))
                .collect()
        };
        let Entry {
            interpreter,
            flags,
            offset,
            ..
        } = self;
        let line = match &self.extension {
            Some(extension) => format!(":{name}:E::{extension}::{interpreter}:{flags}"),
            None => format!(
                ":{name}:M:{offset}:{}:{}:{interpreter}:{flags}",
                escaped(&self.magic),
                escaped(&self.mask)
            ),
        };
        fs::write(path("register"), &line)
            .unwrap_or_else(|error| panic!("can't put entry back as it was ({error}): {line}"));
        if !self.enabled {
            fs::write(path(name), "0").unwrap_or_else(|error| panic!("can't disable: {error}"));
        }
    }
}
