//! Where `armistice run` is tried: a store with Debian for arm64 in it, and a user who
//! owns it, root or an ordinary one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use crate::shared::Shared;
use crate::{Done, Userland, need, product, run};

/// The image in the store.
pub const IMAGE: &str = "armistice.test/debian:arm64";

/// An ordinary user of the tests' own, whom no file of the machine knows.
pub const USER: u32 = 54321;

/// The ranges of that user, and the lookup of its name, in a mount namespace of its own.
const WITH_RANGES: &str = r#"
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/ranges" /etc/subuid
mount --bind "$1/ranges" /etc/subgid
shift
exec "$@""#;

/// Who runs containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Whoever runs the tests, root on most machines.
    Me,
    /// An ordinary user with one identity.
    User,
    /// An ordinary user with ranges of them.
    Ranges,
}

/// All of them.
pub const EVERYBODY: [Who; 3] = [Who::Me, Who::User, Who::Ranges];

/// A store with the image in it, and all that its user needs to have.
#[derive(Debug)]
pub struct Place {
    who: Who,
    /// Readable to everybody; the user's home is in it.
    pub folder: tempfile::TempDir,
}

impl Place {
    /// The one that tests share; they change nothing in it.
    #[must_use]
    pub fn of(who: Who) -> Arc<Place> {
        static PLACES: [Shared<Place>; 3] = [const { Shared::new() }; 3];
        PLACES[who as usize].get(|| Place::new(who))
    }

    /// One of a test's own.
    ///
    /// # Panics
    /// When it can't be made.
    #[must_use]
    pub fn new(who: Who) -> Place {
        let place = Place {
            who,
            folder: crate::temporary(),
        };
        let folder = place.folder.path();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
            .expect("the test's own files");
        fs::create_dir(place.home()).expect("the test's own files");
        // The binaries where everybody may read them, wherever the workspace is.
        product::copy_all(folder);
        fs::copy(Userland::ARM64.archive(), folder.join("image.tar"))
            .expect("the test's own files");
        let passwd = fs::read_to_string("/etc/passwd").expect("the test's own files");
        let line = format!("{passwd}e2e:x:{USER}:{USER}::/:/bin/sh\n");
        fs::write(folder.join("passwd"), line).expect("the test's own files");
        fs::write(folder.join("ranges"), "e2e:200000:65536\n").expect("the test's own files");
        if who != Who::Me {
            need::host_root();
            std::os::unix::fs::chown(place.home(), Some(USER), Some(USER))
                .expect("the test's own files");
        }
        let image = folder.join("image.tar");
        let done = run(place.armistice(&["pull"]).arg(image)).ok();
        assert!(done.stdout.contains(IMAGE), "another name:\n{done}");
        place
    }

    /// Where the user may write.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn store(&self) -> PathBuf {
        self.home().join("store")
    }

    /// `armistice`, as the place's user.
    #[must_use]
    pub fn armistice(&self, args: &[&str]) -> Command {
        let folder = self.folder.path();
        let mut words: Vec<PathBuf> = Vec::new();
        if self.who == Who::Ranges {
            words.push(need::program("unshare", "util-linux"));
            words.extend(["--mount", "sh", "-ec", WITH_RANGES, "sh"].map(PathBuf::from));
            words.push(folder.to_owned());
        }
        if self.who != Who::Me {
            words.push(need::program("setpriv", "util-linux"));
            words.extend([
                format!("--reuid={USER}").into(),
                format!("--regid={USER}").into(),
                "--clear-groups".into(),
            ]);
        }
        words.push(folder.join("armistice"));
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .args(args)
            .current_dir(self.home())
            .env("ARMISTICE_STORE", self.store())
            .env("HOME", self.home())
            .env_remove("DOCKER_DEFAULT_PLATFORM")
            .env_remove("XDG_RUNTIME_DIR");
        command
    }

    /// `armistice run` of the image.
    #[must_use]
    pub fn command(&self, options: &[&str], words: &[&str]) -> Command {
        self.armistice(&[&["run"], options, &[IMAGE], words].concat())
    }

    /// The same to its end.
    #[must_use]
    #[track_caller]
    pub fn run(&self, options: &[&str], words: &[&str]) -> Done {
        run(&mut self.command(options, words))
    }

    /// The same with a shell's script.
    #[must_use]
    #[track_caller]
    pub fn sh(&self, options: &[&str], script: &str) -> Done {
        self.run(options, &["sh", "-c", script])
    }

    /// Folders of containers that are on disk.
    #[must_use]
    pub fn running(&self) -> usize {
        fs::read_dir(self.store().join("running")).map_or(0, Iterator::count)
    }
}
