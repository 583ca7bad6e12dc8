//! A store of images of a test's own, as `pull`, `images`, `rmi` and `prune` have it, with a
//! home that has no settings.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fake_registry::Fake;
use crate::{Done, product, run};

/// A store of its own.
#[derive(Debug)]
pub struct ImageStore {
    folder: tempfile::TempDir,
}

impl ImageStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> ImageStore {
        ImageStore {
            folder: crate::temporary(),
        }
    }

    /// Its user's home.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// The command on this store.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(product::binary());
        self.prepare(&mut command);
        command.args(args);
        command
    }

    /// No credentials, proxies or settings of the machine's user come in.
    pub fn prepare(&self, command: &mut Command) {
        command
            .env("ARMISTICE_STORE", self.path())
            .env("HOME", self.folder.path())
            .env("DOCKER_CONFIG", self.folder.path())
            .env_remove("XDG_RUNTIME_DIR")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("REGISTRY_AUTH_FILE")
            .env_remove("ARMISTICE_MIRROR")
            .env_remove("ARMISTICE_MAX_LAYER")
            .env_remove("DOCKER_DEFAULT_PLATFORM")
            .env_remove("SSL_CERT_FILE");
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
    }

    /// The same, run.
    #[track_caller]
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Done {
        run(&mut self.command(args))
    }

    /// Pulls from a registry that misbehaves.
    #[track_caller]
    #[must_use]
    pub fn pull(&self, fake: &Fake, tag: &str) -> Done {
        self.run(&["pull", "--insecure", &fake.name(tag)])
    }

    /// Nothing is left that no image needs, beside what the next pull goes on with.
    #[track_caller]
    pub fn is_intact(&self) {
        let done = self.run(&["prune", "--dry-run"]).ok();
        for line in done.stdout.lines() {
            assert!(
                line.contains("unfinished layer") || line.starts_with("Would free"),
                "left over:\n{done}"
            );
        }
    }

    /// The one unpacked layer's folder that has this file.
    #[track_caller]
    #[must_use]
    pub fn with(&self, file: &str) -> PathBuf {
        let layers = fs::read_dir(self.path().join("layers"))
            .into_iter()
            .flatten()
            .flatten()
            .flat_map(|ids| fs::read_dir(ids.path()).into_iter().flatten().flatten())
            .map(|layer| layer.path().join("fs"));
        layers
            .into_iter()
            .find(|root| root.join(file).symlink_metadata().is_ok())
            .unwrap_or_else(|| panic!("no layer has {file}"))
    }
}

impl Default for ImageStore {
    fn default() -> Self {
        ImageStore::new()
    }
}

/// A layer of files with these names and sizes.
///
/// # Panics
/// When a name is too long for a tar.
#[must_use]
pub fn layer(files: &[(&str, usize)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, size) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(*size as u64);
        header.set_mode(0o644);
        header.set_uid(7);
        header.set_gid(8);
        // Not zeros: those would become holes.
        let bytes: Vec<u8> = (1..=251).cycle().take(*size).collect();
        tar.append_data(&mut header, name, &bytes[..])
            .expect("a tar in memory can be written");
    }
    tar.into_inner().expect("a tar in memory can be written")
}
