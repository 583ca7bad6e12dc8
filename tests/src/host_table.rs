//! The host's own binfmt_misc, for one test at a time.
//!
//! What is found (mounted or not, and each entry) is put back when dropped.
//! All entries are set aside meanwhile, whoever made them and whatever their
//! names are: another's entry for arm64 would be in a test's way, which begins
//! where users begin. Those that have their emulator open get the same file
//! back, also where no path leads to it (see [`crate::pinned`]). An entry that
//! could not be put back fails the test before any is removed.
//!
//! From Linux 6.7 the entries die with the last mount, so a table that is not
//! mounted has none.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::mount::{MountFlags, UnmountFlags};

use crate::{need, pinned};

/// Where every tool expects it.
pub const AT: &str = "/proc/sys/fs/binfmt_misc";

/// The host's table, held by one test.
#[derive(Debug)]
pub struct HostTable {
    found: Found,
    _lock: File,
}

impl HostTable {
    /// The table mounted, as systemd and most machines have it, without entries.
    /// Others may hold it, too.
    #[must_use]
    pub fn mounted() -> HostTable {
        let table = Self::take();
        mount();
        set_aside();
        table
    }

    /// Nobody holds the table: the state in which a registration made inside
    /// a container is lost with the container. For tests in a machine of their
    /// own ([`crate::own_machine`]): on any other, somebody may.
    #[must_use]
    pub fn unmounted() -> HostTable {
        let table = Self::take();
        unmount();
        // Containers that have just ended let go of it a moment later.
        let started = Instant::now();
        while held() {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "something holds binfmt_misc, though this machine is the test's own. Processes that have it mounted: {:?}",
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

/// What was found: nothing mounted, or these entries, the newest first.
#[derive(Debug)]
pub struct Found(Option<Vec<Kept>>);

/// An entry that can be put back.
#[derive(Debug)]
struct Kept {
    name: String,
    text: String,
    /// The emulator that it has open.
    emulator: Option<Arc<File>>,
}

impl Found {
    /// Notes what is there.
    ///
    /// # Panics
    /// When an entry is there that could not be put back.
    #[must_use]
    pub fn record() -> Found {
        if !is_mounted() {
            return Found(None);
        }
        let all = listed();
        let keep = |(name, text): &(String, String)| {
            let entry = Entry::parse(text);
            let emulator = entry.flags.contains('F').then(|| {
                alone(&all, name, || entry.emulator()).unwrap_or_else(|error| {
                    panic!(
                        "entry '{name}' of this machine has '{}' open, which can't be got at ({error}): it could not be put back after the test, so remove it yourself first: echo -1 > {AT}/{name}",
                        entry.interpreter
                    )
                })
            });
            Kept {
                name: name.clone(),
                text: text.clone(),
                emulator: emulator.map(Arc::new),
            }
        };
        Found(Some(all.iter().map(keep).collect()))
    }

    /// Makes it so again: the same entries, in the same order, since the newest
    /// is asked first.
    pub fn put_back(&self) {
        let kept = self.0.as_deref().unwrap_or_default();
        mount();
        let before: Vec<_> = kept
            .iter()
            .map(|k| (k.name.clone(), k.text.clone()))
            .collect();
        if listed() != before {
            clear();
            for kept in kept.iter().rev() {
                Entry::parse(&kept.text).register(&kept.name, kept.emulator.as_deref());
            }
        }
        if self.0.is_none() {
            unmount();
        }
    }
}

/// Removes the entries, which would make a test begin with its work done, or
/// with somebody in its way.
pub fn set_aside() {
    clear();
}

fn clear() {
    for (name, _) in listed() {
        remove(&name);
    }
}

/// Does it while this entry is the only one that is on.
fn alone<T>(all: &[(String, String)], name: &str, it: impl FnOnce() -> T) -> T {
    let set = |name: &str, on: bool| {
        fs::write(path(name), if on { "1" } else { "0" })
            .unwrap_or_else(|error| panic!("can't switch entry '{name}': {error}"));
    };
    for (other, _) in all {
        set(other, other == name);
    }
    let done = it();
    for (other, text) in all {
        set(other, Entry::parse(text).enabled);
    }
    done
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
    listed().into_iter().collect()
}

/// The entries in the kernel's order: the newest first.
fn listed() -> Vec<(String, String)> {
    let Ok(folder) = fs::read_dir(AT) else {
        return Vec::new();
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

    /// The emulator that it has open, by running a program that it takes.
    fn emulator(&self) -> std::io::Result<File> {
        let folder = crate::temporary();
        let mut program = folder.path().join("program");
        if let Some(extension) = &self.extension {
            program.set_extension(extension);
        }
        let digits = self.magic.as_bytes().chunks(2);
        let magic: Vec<u8> = digits
            .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        pinned::write_program(&program, self.offset.parse().unwrap_or(0), &magic)?;
        pinned::emulator_of(&program)
    }

    fn register(&self, name: &str, emulator: Option<&File>) {
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
        let written = match emulator {
            Some(file) => pinned::register(Path::new(AT), &line, Path::new(interpreter), file),
            None => fs::write(path("register"), &line),
        };
        written.unwrap_or_else(|error| panic!("can't put entry back as it was ({error}): {line}"));
        if !self.enabled {
            fs::write(path(name), "0").unwrap_or_else(|error| panic!("can't disable: {error}"));
        }
    }
}
