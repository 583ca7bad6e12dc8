//! Which table exec looks in, whose it is, and whether it will outlive us.
//!
//! From Linux 6.7 a table belongs to a user namespace. Exec looks in that of the
//! caller's own namespace, or of its nearest ancestor that ever mounted one.
//! Mounts, however, are seen by mount namespace. So a table in sight may be
//! another's, and the one that counts may be out of sight. [`look`] tells them
//! apart: by device number where the caller may have a view of its own, by its
//! rights over the file system, else by asking exec itself ([`crate::lookup`]).
//!
//! A table's entries die with its last mount. So a container that mounts it for
//! itself and ends has done nothing. [`open_for_writing`] mounts the table where
//! it stays, or refuses.
//!
//! Invariant: in a child user namespace nothing is ever mounted here, and what
//! cannot be known counts as a child.

use std::path::{Path, PathBuf};

use crate::error::BinfmtError;
use crate::lookup;
use crate::mounting;
use crate::mounts;
use crate::namespace;
use crate::replay;
use crate::table::{Snapshot, Table};

pub use crate::mounting::{in_machines_root, is_machines_root, sees_all_processes};

/// Whose table exec looks in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The machine's own.
    Initial,
    /// A child user namespace's own, which hides its ancestors'.
    Private,
    /// An ancestor's: this child user namespace has none.
    Inherited,
    /// One of the latter two: the caller lacks the rights to tell.
    Unclear,
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Scope::Initial => "initial",
            Scope::Private => "private",
            Scope::Inherited => "inherited",
            Scope::Unclear => "unclear",
        })
    }
}

/// How a table for writing was had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It was mounted already.
    Mounted,
    /// It is mounted where we cannot see it.
    HeldElsewhere,
    /// We mounted it on this machine, to stay.
    MountedHere,
    /// We mounted it on the host, from a container.
    MountedOnHost,
}

/// What exec looks in, as seen from here.
#[derive(Debug)]
pub struct Situation {
    /// Whose table exec looks in.
    pub scope: Scope,
    /// That table: where it is mounted, else (as the machine's root) a view of
    /// our own that vanishes when dropped; or why it is out of sight.
    pub table: Result<Table, BinfmtError>,
    /// Where a table is mounted in which exec does not look.
    pub bystander: Option<PathBuf>,
    /// Whether it is beyond doubt that exec looks in `table`.
    sure: bool,
}

/// How a mounted table stands to the one in which exec looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is the same.
    Same,
    /// It answers as exec does.
    Alike,
    /// It is another.
    Another,
}

impl Situation {
    fn of(initial: bool, table: Table, bystander: Option<PathBuf>, sure: bool) -> Self {
        Self {
            scope: scope(initial, &table),
            table: Ok(table),
            bystander,
            sure,
        }
    }
}

/// Finds the table in which exec looks. Changes nothing.
#[must_use]
pub fn look() -> Situation {
    let initial = namespace::is_initial();
    let mut own = OwnView::default();
    let mut bystander = None;
    let mut alike = None;
    for table in mounted() {
        let standing = if initial {
            own.compare(&table)
        } else {
            in_child(&table)
        };
        match standing {
            Standing::Same => return Situation::of(initial, table, bystander, true),
            // One that is known to be the one may come behind it.
            Standing::Alike => alike = alike.or(Some(table)),
            Standing::Another => {
                bystander = bystander.or_else(|| table.path().map(Path::to_owned));
            }
        }
    }
    if let Some(table) = alike {
        return Situation::of(initial, table, bystander, false);
    }
    Situation {
        scope: match (initial, &bystander) {
            (true, _) => Scope::Initial,
            (false, None) => Scope::Inherited,
            // The namespace's own may have been unmounted, and counts still.
            (false, Some(_)) => Scope::Unclear,
        },
        table: if initial {
            own.take()
        } else {
            Err(BinfmtError::OutOfSight {
                another: bystander.clone(),
            })
        },
        bystander,
        sure: true,
    }
}

/// A view of the machine's own table, made when it is first asked for.
#[derive(Default)]
struct OwnView(Option<Result<Table, BinfmtError>>);

impl OwnView {
    fn get(&mut self) -> &Result<Table, BinfmtError> {
        self.0.get_or_insert_with(mounting::detached)
    }

    fn take(mut self) -> Result<Table, BinfmtError> {
        self.get();
        self.0.unwrap_or_else(mounting::detached)
    }

    /// How a mounted table stands to the machine's own.
    fn compare(&mut self, table: &Table) -> Standing {
        if !crate::KernelVersion::running().has_namespaces() {
            return Standing::Same;
        }
        // The machine's belongs to root, whom this namespace maps to itself.
        if table.owner().is_some_and(|owner| owner != 0) {
            return Standing::Another;
        }
        match self.get() {
            Ok(own) if own.device() == table.device() => Standing::Same,
            Ok(_) => Standing::Another,
            Err(_) if mounting::sees_all_processes() && at_init(table) => Standing::Same,
            Err(_) => by_asking(table),
        }
    }
}

/// How a mounted table stands to the one that a child user namespace uses.
fn in_child(table: &Table) -> Standing {
    // What was mounted by a namespace with rights that are ours, into mounts that
    // are ours, we mounted.
    if namespace::is_below(table.dir()) == Some(true) && namespace::owns_mount_namespace() {
        Standing::Same
    } else {
        by_asking(table)
    }
}

/// Compares what a table says with what exec does. Somebody may write to the
/// table meanwhile, so a difference counts when it lasts.
fn by_asking(table: &Table) -> Standing {
    let differs = || table.snapshot().is_ok_and(|live| !answers_as_exec(&live));
    if differs() && differs() {
        Standing::Another
    } else {
        Standing::Alike
    }
}

/// Whether exec finds handlers for the same files: programs of all architectures,
/// and what each entry is for.
fn answers_as_exec(live: &Snapshot) -> bool {
    let samples = lookup::foreign().into_iter().map(lookup::sample);
    let patterns = live.entries.iter().filter_map(|e| e.pattern());
    let heads: Vec<Vec<u8>> = samples
        .chain(patterns.filter_map(|pattern| {
            let mut head = vec![0; pattern.offset];
            head.extend(pattern.magic.iter().zip(&pattern.mask).map(|(m, k)| m & k));
            (head.len() <= lookup::HEAD).then_some(head)
        }))
        .map(|mut head| {
            head.resize(lookup::HEAD, 0);
            head
        })
        .collect();
    let told = |head: &Vec<u8>| live.enabled && replay::winner(live, head, "").is_some();
    heads
        .iter()
        .zip(lookup::takes(&heads))
        .all(|(head, answer)| answer.is_none_or(|takes| takes == told(head)))
}

/// Whose a table is in which exec looks.
fn scope(initial: bool, table: &Table) -> Scope {
    if initial {
        return Scope::Initial;
    }
    match namespace::is_below(table.dir()) {
        Some(true) => Scope::Private,
        Some(false) => Scope::Inherited,
        // An ancestor's root may be unmapped here; or its table is seen at PID 1.
        None if table.owner() != Some(0) => Scope::Inherited,
        None if namespace::is_anothers("/proc/1") && at_init(table) => Scope::Inherited,
        None => Scope::Unclear,
    }
}

/// Whether PID 1 has this table mounted.
fn at_init(table: &Table) -> bool {
    let number = table.device();
    let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
    let device = format!("{major}:{minor}");
    let at_init = mounts::of("1");
    at_init
        .iter()
        .any(|m| m.fs_type == "binfmt_misc" && m.device == device)
}

/// The table in which exec looks, for looking at it.
///
/// # Errors
/// [`BinfmtError::Unsupported`]; [`BinfmtError::NotMounted`] and
/// [`BinfmtError::OutOfSight`] where it is not in sight.
pub fn open_for_reading() -> Result<Table, BinfmtError> {
    look().table
}

/// A table that was opened for writing.
#[derive(Debug)]
pub struct Opened {
    /// The table.
    pub table: Table,
    /// How it was had.
    pub how: How,
    /// Whose it is.
    pub scope: Scope,
    /// Where a table is mounted in which exec does not look.
    pub bystander: Option<PathBuf>,
}

/// The table in which exec looks, for changing it, mounted so that the change
/// will last.
///
/// # Errors
/// What is missing, with the command that mends it: see [`BinfmtError`].
pub fn open_for_writing() -> Result<Opened, BinfmtError> {
    let Situation {
        scope,
        table,
        bystander,
        sure,
    } = look();
    let opened = |table, how| Opened {
        table,
        how,
        scope,
        bystander: bystander.clone(),
    };
    match table {
        Ok(table) if table.path().is_some() => {
            table.check_writable()?;
            if !sure && !is_looked_in(&table)? {
                return Err(BinfmtError::OutOfSight {
                    another: table.path().map(Path::to_owned),
                });
            }
            return Ok(opened(table, How::Mounted));
        }
        Err(error @ BinfmtError::OutOfSight { another: Some(_) }) => return Err(error),
        _ if scope != Scope::Initial => return Err(BinfmtError::WouldBePrivate),
        // A view of our own holds the table: it has to go before others are looked for.
        own_view => drop(own_view),
    }
    if !rustix::process::geteuid().is_root() {
        let missing = "only root may mount binfmt_misc and write to it".to_owned();
        return Err(BinfmtError::NoRight {
            missing,
            source: None,
        });
    }
    if mounting::is_machine() {
        let path = Path::new(crate::STANDARD_PATH);
        let mounted = mounting::mount_at(path);
        // Where another run has mounted it meanwhile, the kernel refuses a second time.
        let table = match (Table::at(path), mounted) {
            (Some(table), _) => table,
            (None, Ok(())) => return Err(BinfmtError::NotMounted { source: None }),
            (None, Err(error)) => return Err(error),
        };
        return Ok(opened(table, How::MountedHere));
    }
    if mounting::held_elsewhere()? {
        return Ok(opened(mounting::detached()?, How::HeldElsewhere));
    }
    mounting::mount_on_host()?;
    Ok(opened(mounting::detached()?, How::MountedOnHost))
}

/// Whether exec looks in a table: a probe entry for a file that nobody else has
/// is made, asked about, and removed.
fn is_looked_in(table: &Table) -> Result<bool, BinfmtError> {
    if !table.snapshot()?.enabled {
        return Ok(true); // exec looks in no table that is switched off: nothing to find out
    }
    let name = mounting::probe_name();
    let line = format!(":{name}:M::{name}::/nonexistent:");
    table
        .write("register", &line)
        .map_err(mounting::probe_refused)?;
    let answer = lookup::takes_one(name.as_bytes());
    table.remove_probe(&name)?;
    Ok(answer.unwrap_or(true))
}

/// The tables that are mounted in sight, that at the standard path first.
fn mounted() -> Vec<Table> {
    let standard = Path::new(crate::STANDARD_PATH);
    // Opening the standard path also wakes an automount waiting there.
    let first = Table::at(standard);
    let own = mounts::of("self");
    let others = mounts::of_binfmt_misc(&own)
        .into_iter()
        .filter(|at| *at != standard)
        .filter_map(Table::at);
    first.into_iter().chain(others).collect()
}
