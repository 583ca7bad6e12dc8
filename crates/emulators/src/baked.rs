//! Baked engines: copies of Armistice's engine with translations behind them, which
//! `armistice cache warm` makes. One is taken in the place of the engine that it is a copy of.
//!
//! What it has beside the engine is host code that runs in every foreign program. So it
//! must be of the very build that was found, and lie in a folder of root's or the user's, which
//! nobody else may write to, and be such a file itself.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use object::Endianness;
use object::elf::{FileHeader64, NT_GNU_BUILD_ID};
use object::read::ReadCache;
use object::read::elf::{FileHeader, ProgramHeader};

use crate::Emulator;

/// Why what lies in a folder is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// There is none.
    #[error("there is no baked engine in {}", .0.display())]
    Missing(PathBuf),
    /// It is no emulator.
    #[error(transparent)]
    NotAnEmulator(#[from] crate::Error),
    /// Others may write to it.
    #[error("{} can be changed by others than root and this user", .0.display())]
    Others(PathBuf),
    /// It is of another build.
    #[error("{} was made of another build of the engine than {}", baked.display(), engine.display())]
    OtherBuild {
        /// The baked one.
        baked: PathBuf,
        /// The engine that is used.
        engine: PathBuf,
    },
}

/// The baked engine in a folder, by the engine's name, if it is a copy of this one.
///
/// # Errors
/// Why it is not taken.
pub fn of(folder: &Path, engine: &Emulator) -> Result<Emulator, Unfit> {
    let name = engine.path().file_name().unwrap_or_default();
    let path = folder.join(name);
    let missing = |_| Unfit::Missing(folder.to_owned());
    // Not by a link, which may be another's.
    let of_folder = std::fs::symlink_metadata(folder).map_err(missing)?;
    let of_file = std::fs::symlink_metadata(&path).map_err(missing)?;
    for (path, metadata) in [(folder, &of_folder), (&path, &of_file)] {
        if metadata.is_symlink() || !is_trusted(metadata) {
            return Err(Unfit::Others(path.to_owned()));
        }
    }
    let baked = Emulator::open(&path)?;
    match (build_id(&baked), build_id(engine)) {
        (Some(one), Some(other)) if one == other => Ok(baked),
        _ => Err(Unfit::OtherBuild {
            baked: path,
            engine: engine.path().to_owned(),
        }),
    }
}

/// Whether only root and this user may change it.
fn is_trusted(metadata: &Metadata) -> bool {
    let user = rustix::process::geteuid().as_raw();
    [0, user].contains(&metadata.uid()) && metadata.mode() & 0o022 == 0
}

/// The number that the linker made of all of a program's bytes.
fn build_id(emulator: &Emulator) -> Option<Vec<u8>> {
    let data = &ReadCache::new(emulator.file());
    let header = FileHeader64::<Endianness>::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let headers = header.program_headers(endian, data).ok()?;
    headers.iter().find_map(|header| {
        let mut notes = header.notes(endian, data).ok()??;
        while let Some(note) = notes.next().ok()? {
            if note.name() == b"GNU" && note.n_type(endian) == NT_GNU_BUILD_ID {
                return Some(note.desc().to_owned());
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A whole program of this machine's without a loader: a header, and a note with a
    /// build-id.
    fn program(id: u8) -> Vec<u8> {
        let mut bytes = vec![0; 4096];
        let mut put = |at: usize, with: &[u8]| bytes[at..at + with.len()].copy_from_slice(with);
        put(0, &[0x7f, b'E', b'L', b'F', 2, 1, 1]);
        put(16, &[2, 0, 62, 0, 1]);
        put(24, &[120]);
        put(32, &[64]);
        put(52, &[64, 0, 56, 0, 2]);
        for (at, kind, flags, offset, length) in
            [(64, 1_u8, 5_u8, 0_u64, 4096_u64), (120, 4, 4, 1024, 20)]
        {
            put(at, &[kind]);
            put(at + 4, &[flags]);
            put(at + 8, &offset.to_le_bytes());
            put(at + 16, &offset.to_le_bytes());
            put(at + 32, &length.to_le_bytes());
            put(at + 40, &length.to_le_bytes());
            put(at + 48, &[if kind == 4 { 4 } else { 1 }]);
        }
        put(1024, &[4, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0]);
        put(1036, b"GNU\0");
        put(1040, &[id; 4]);
        bytes
    }

    fn written(folder: &Path, bytes: &[u8]) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
        let path = folder.join("armistice-aarch64");
        let _ = fs::remove_file(&path);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn a_baked_engine_is_taken_only_if_it_is_ours() {
        let dir = tempfile::tempdir().unwrap();
        let engine = Emulator::open(&written(&dir.path().join("engine"), &program(7))).unwrap();
        let folder = dir.path().join("baked");
        assert!(matches!(of(&folder, &engine), Err(Unfit::Missing(_))));
        let mut longer = program(7);
        longer.extend([1; 5000]);
        let path = written(&folder, &longer);
        assert_eq!(of(&folder, &engine).unwrap().path(), path);
        // Of another build, or of none.
        written(&folder, &program(8));
        assert!(matches!(
            of(&folder, &engine),
            Err(Unfit::OtherBuild { .. })
        ));
        let mut none = program(7);
        none[1032] = 1;
        written(&folder, &none);
        assert!(matches!(
            of(&folder, &engine),
            Err(Unfit::OtherBuild { .. })
        ));
        // Others may write to it, or to its folder; or it lies elsewhere.
        for (which, mode) in [(&path, 0o775), (&path, 0o757), (&folder, 0o777)] {
            written(&folder, &longer);
            fs::set_permissions(which, Permissions::from_mode(mode)).unwrap();
            assert!(
                matches!(of(&folder, &engine), Err(Unfit::Others(_))),
                "{mode:o}"
            );
        }
        written(&folder, &longer);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert!(matches!(of(&link, &engine), Err(Unfit::Others(_))));
        // No program at all.
        written(&folder, b"#!/bin/sh\n");
        assert!(matches!(of(&folder, &engine), Err(Unfit::NotAnEmulator(_))));
    }
}
