//! What is mounted in a container's root: what it has of the system (`system`), its own files,
//! and what the caller wants to be shown.
//!
//! Everything is made or copied as a descriptor while the machine's root is there
//! ([`Mounts::gather`]): the kernel gives a new /proc only to those who see one.
//! Then the root is changed, and each is put in its place ([`Mounts::put`]).

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::mount::{self, DATA, PLAIN};
use super::place::{self, Kind, Place};
use super::report::Failure;
use super::system::{System, is_taken};
use super::{Container, Handlers, Starter, Tmpfs};
use crate::{Facts, diagnose, namespace};

/// A mount, and where it belongs.
struct Mount {
    at: PathBuf,
    mount: OwnedFd,
    /// For messages.
    what: String,
    kind: Kind,
    /// Done without where there is no place for it.
    optional: bool,
}

/// All mounts but the root, not yet at their places.
pub(super) struct Mounts {
    system: System,
    rest: Vec<Mount>,
}

/// By what foreign programs run.
enum Table {
    /// A new one, filled.
    New(OwnedFd),
    /// The machine's.
    Outside,
    /// None; the command is started by this.
    None(Starter),
}

impl Mounts {
    /// Makes and copies what is to be mounted; and what starts the command, where the
    /// kernel can't.
    pub(super) fn gather(
        container: &Container,
        handlers: Option<&dyn Handlers>,
    ) -> Result<(Mounts, Option<Starter>), Failure> {
        let (table, starter) = match handlers.map(table).transpose()? {
            Some(Table::New(table)) => (Some(table), None),
            Some(Table::None(without)) => (None, Some(without)),
            Some(Table::Outside) | None => (None, None),
        };
        let mut all = Mounts {
            system: System::make(&container.folder, container.network, table)?,
            rest: Vec::new(),
        };
        all.files(container)?;
        for tmpfs in &container.tmpfs {
            all.rest.push(in_memory(tmpfs)?);
        }
        all.volumes(container)?;
        // What is above comes before what is below it: a volume over /etc has the files, too.
        all.rest.sort_by_key(|m| m.at.components().count());
        Ok((all, starter))
    }

    /// The container's own files.
    fn files(&mut self, container: &Container) -> Result<(), Failure> {
        for (path, content) in &container.files {
            let asked = container.volumes.iter().map(|v| &v.target);
            let mut asked = asked.chain(container.tmpfs.iter().map(|t| &t.target));
            if asked.any(|target| target == Path::new(path)) {
                continue;
            }
            let name = path.rsplit('/').next().unwrap_or_default();
            let file = container.folder.join(name);
            fs::write(&file, content)
                .map_err(Failure::doing(format!("write {}", file.display())))?;
            let mount = mount::copy(&file).map_err(Failure::doing(format!("show {path}")))?;
            self.rest.push(Mount {
                at: path.into(),
                mount,
                what: (*path).to_owned(),
                kind: Kind::File,
                optional: true,
            });
        }
        Ok(())
    }

    fn volumes(&mut self, container: &Container) -> Result<(), Failure> {
        for volume in &container.volumes {
            let source = volume.source.display();
            let mount = match volume.read_only {
                true => mount::read_only_copy(&volume.source),
                false => mount::copy(&volume.source).map_err(Into::into),
            };
            // One device alone is what was asked for.
            let mount = match is_device(&volume.source) {
                true => mount,
                false => mount.and_then(mount::without_devices),
            };
            self.rest.push(Mount {
                at: volume.target.clone(),
                mount: mount.map_err(Failure::doing(format!("show {source}")))?,
                what: source.to_string(),
                kind: match volume.source.is_dir() {
                    true => Kind::Folder,
                    false => Kind::File,
                },
                optional: false,
            });
        }
        Ok(())
    }

    /// Puts all at their places in the new root. Returns what the container has of the
    /// system.
    pub(super) fn put(self) -> Result<System, Failure> {
        self.system.put()?;
        for mount in self.rest {
            match place_of(&mount) {
                Ok(place) => mount::put_at(&mount.mount, &place).map_err(Failure::doing(
                    format!("show {} at {}", mount.what, mount.at.display()),
                ))?,
                Err(_) if mount.optional => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(self.system)
    }
}

fn is_device(path: &Path) -> bool {
    let kind = fs::metadata(path).map(|metadata| metadata.file_type());
    kind.is_ok_and(|kind| kind.is_char_device() || kind.is_block_device())
}

fn place_of(mount: &Mount) -> Result<Place, Failure> {
    let at = mount.at.display();
    let failed = |why: String| {
        Failure::own(format!(
            "cannot show {} at {at} in the container: {why}",
            mount.what
        ))
    };
    let place = place::make(&mount.at, mount.kind).map_err(|why| failed(why.to_string()))?;
    match is_taken(&place.path) {
        Some(why) if place.path == mount.at => Err(failed(why.to_owned())),
        Some(why) => Err(failed(format!(
            "it leads to {}: {why}",
            place.path.display()
        ))),
        None => Ok(place),
    }
}

/// An empty folder in memory.
fn in_memory(tmpfs: &Tmpfs) -> Result<Mount, Failure> {
    let options: Vec<(&str, &str)> = tmpfs.options.iter().map(|(k, v)| (&**k, &**v)).collect();
    let attributes = if tmpfs.programs { PLAIN } else { DATA };
    let made = mount::new_telling("tmpfs", &options, attributes);
    let mount = made.map_err(|(option, error)| {
        let at = tmpfs.target.display();
        let why = match option {
            Some((name @ ("uid" | "gid"), value)) if value.parse::<u32>().is_ok() => format!(
                "{name}={value} is not among the identities of this container (/etc/subuid and /etc/subgid give \
                 ranges of them)"
            ),
            Some((name, value)) => format!("{name}={value}: {error}"),
            None => error.to_string(),
        };
        Failure::own(format!("cannot mount a tmpfs at {at}: {why}"))
    })?;
    Ok(Mount {
        at: tmpfs.target.clone(),
        mount,
        what: "a tmpfs".to_owned(),
        kind: Kind::Folder,
        optional: false,
    })
}

/// Makes the folders that the image wants to be there. In a root that is read-only they are
/// not, but for what is shown there already.
pub(super) fn make_folders(container: &Container) -> Result<(), Failure> {
    for folder in &container.folders {
        let failed = || format!("make {folder}, a VOLUME of the image");
        let place =
            place::make(Path::new(folder), Kind::Folder).map_err(Failure::doing(failed()))?;
        if container.read_only && place.path != Path::new("/") {
            mount::copy_of(&place)
                .and_then(|mount| mount::put_at(mount, &place))
                .map_err(Failure::doing::<Errno>(failed()))?;
        }
    }
    Ok(())
}

/// A table of foreign programs; where there can be no new one, what serves instead.
fn table(handlers: &dyn Handlers) -> Result<Table, Failure> {
    let table = match namespace::new_table() {
        Ok(table) => table,
        Err(_) if handlers.are_outside() => return Ok(Table::Outside),
        Err((step, errno)) => {
            let why = diagnose(&Facts::gather(), step, errno).to_string();
            let starter = handlers.without_table(&why).map_err(Failure::own)?;
            return Ok(Table::None(starter));
        }
    };
    let path = format!("/proc/self/fd/{}", table.as_raw_fd());
    handlers.fill(Path::new(&path)).map_err(Failure::own)?;
    Ok(Table::New(table))
}
