//! Unpacked layers in the store: made in a folder of their own, renamed into
//! place, and trusted after a crash only if they had reached the disk.
//!
//! A layer that is in place has a file `unflushed` with the boot's id until
//! one `syncfs` has been done for all layers of a pull. Where the machine went down
//! before, the id is another's, and the layer is made anew.

use std::fs::{self, File};
use std::path::Path;

use armistice_oci::Digest;
use rustix::fs::{FlockOperation, Mode, OFlags};
use serde::{Deserialize, Serialize};

use crate::files::{self, failed};
use crate::unpack::{self, Limits, Lower, Unpacked};
use crate::{Error, Store};

/// What stands beside an unpacked layer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) diff_id: String,
    pub(crate) chain_id: String,
    pub(crate) parent: Option<String>,
    /// Bytes on disk.
    pub(crate) disk: u64,
    #[serde(flatten)]
    pub(crate) unpacked: Unpacked,
}

const UNFLUSHED: &str = "unflushed";

/// The id of this boot; of none, where the kernel does not tell it.
fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

impl Store {
    /// A layer's record, if the layer is there and can be trusted.
    pub(crate) fn layer_record(&self, chain: &Digest) -> Option<Record> {
        let folder = self.layer(chain);
        if let Ok(boot) = fs::read_to_string(folder.join(UNFLUSHED))
            && (boot != boot_id() || boot.is_empty())
        {
            return None;
        }
        let text = fs::read(folder.join("layer.json")).ok()?;
        let record: Record = serde_json::from_slice(&text).ok()?;
        (record.chain_id == chain.to_string() && folder.join("fs").is_dir()).then_some(record)
    }

    /// Unpacks a layer over those below, unless it is there. `open` gives its
    /// stored bytes, and how many they are. Returns the record, and whether it was made now.
    pub(crate) fn make_layer(
        &self,
        name: &str,
        chain: &[Digest],
        diff_id: &Digest,
        open: impl FnOnce() -> Result<(Box<dyn std::io::Read + Send>, u64), Error>,
    ) -> Result<(Record, bool), Error> {
        let Some((own, below)) = chain.split_last() else {
            return Err(Error::BadLayer {
                layer: name.to_owned(),
                reason: "it has no chain".to_owned(),
            });
        };
        let lock_path = self.work(own, "lock");
        let _lock = files::lock(&lock_path, FlockOperation::LockExclusive)?;
        if let Some(record) = self.layer_record(own) {
            // Another pull was faster.
            let _ = fs::remove_file(&lock_path);
            return Ok((record, false));
        }
        let work = self.work(own, "new");
        files::remove(&work)?;
        let made = self.make_in(&work, name, own, below, diff_id, open);
        let done = made.and_then(|record| {
            let place = self.layer(own);
            // One that is not trusted.
            files::remove(&place)?;
            fs::rename(&work, &place).map_err(failed("put into place", &place))?;
            Ok((record, true))
        });
        if done.is_err() {
            let _ = files::remove(&work);
        }
        let _ = fs::remove_file(&lock_path);
        done
    }

    fn make_in(
        &self,
        work: &Path,
        name: &str,
        own: &Digest,
        below: &[Digest],
        diff_id: &Digest,
        open: impl FnOnce() -> Result<(Box<dyn std::io::Read + Send>, u64), Error>,
    ) -> Result<Record, Error> {
        let mut lowers = Vec::new();
        for chain in below.iter().rev() {
            lowers.push(self.lower(chain)?);
        }
        let root = work.join("fs");
        files::make_folder(&root)?;
        let opened = open_root(&root)?;
        let (bytes, stored) = open()?;
        let usual = Limits::of(stored);
        let limits = Limits {
            bytes: self.layer_max().unwrap_or(usual.bytes),
            ..usual
        };
        let (found, unpacked) = unpack::unpack(bytes, opened, &lowers, self.ids().owners, limits)
            .map_err(|trouble| trouble.of_layer(name))?;
        if found != *diff_id {
            return Err(Error::BadLayer {
                layer: name.to_owned(),
                reason: format!("its tar hashes to {found}, not to {diff_id} as its image says"),
            });
        }
        let record = Record {
            diff_id: diff_id.to_string(),
            chain_id: own.to_string(),
            parent: below.last().map(Digest::to_string),
            disk: files::disk_usage(&root),
            unpacked,
        };
        let text = serde_json::to_vec(&record).unwrap_or_default();
        for (file, bytes) in [("layer.json", &text), (UNFLUSHED, &boot_id().into_bytes())] {
            let path = work.join(file);
            fs::write(&path, bytes).map_err(failed("write", &path))?;
        }
        Ok(record)
    }

    pub(crate) fn lower(&self, chain: &Digest) -> Result<Lower, Error> {
        let record = self.layer_record(chain).ok_or_else(|| Error::BadLayer {
            layer: chain.to_string(),
            reason: "it went away while it was needed; pull again".to_owned(),
        })?;
        Ok(Lower {
            root: open_root(&self.layer(chain).join("fs"))?,
            opaque: record.unpacked.opaque,
        })
    }

    /// Brings layers to disk, and says so beside them.
    pub(crate) fn flush_layers(&self, chain: &[Digest]) -> Result<(), Error> {
        let marks: Vec<_> = chain
            .iter()
            .map(|c| self.layer(c).join(UNFLUSHED))
            .filter(|mark| mark.exists())
            .collect();
        if marks.is_empty() {
            return Ok(());
        }
        let folder = self.layers();
        let opened = File::open(&folder).map_err(failed("open", &folder))?;
        rustix::fs::syncfs(&opened).map_err(|e| failed("flush", &folder)(e.into()))?;
        for mark in marks {
            match fs::remove_file(&mark) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(failed("remove", &mark)(e));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn open_root(path: &Path) -> Result<std::os::fd::OwnedFd, Error> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::open(path, flags, Mode::empty()).map_err(|e| failed("open", path)(e.into()))
}
