//! apt-get with lists and state of its own in a folder: fetches packages of
//! another suite than the machine's, as an ordinary user, installing nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::step::run;

const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What it fetches is put into the folder.
pub(crate) struct Apt {
    folder: PathBuf,
}

impl Apt {
    /// With the lists of a suite of Debian's for these architectures, of packages
    /// (`deb`) or of sources (`deb-src`).
    pub(crate) fn new(folder: &Path, kind: &str, suite: &str, arches: &[&str]) -> Result<Self> {
        for part in ["state/lists/partial", "cache/archives/partial"] {
            std::fs::create_dir_all(folder.join(part))?;
        }
        // sid's lists may be older than they say they may be.
        let source = format!(
            "{kind} [check-valid-until=no signed-by={KEYS}] http://deb.debian.org/debian {suite} main\n"
        );
        std::fs::write(folder.join("sources.list"), source)?;
        std::fs::write(folder.join("status"), "")?;
        let at = folder.display();
        let arches = arches.join("\"; \"");
        let config = format!(
            "Dir::State \"{at}/state\";\nDir::State::Status \"{at}/status\";\n\
             Dir::Cache \"{at}/cache\";\nDir::Etc::SourceList \"{at}/sources.list\";\n\
             Dir::Etc::SourceParts \"/dev/null\";\nAcquire::Languages \"none\";\n\
             APT::Architecture \"amd64\";\nAPT::Architectures {{ \"{arches}\"; }};\nAPT::Sandbox::User \"\";\n"
        );
        std::fs::write(folder.join("apt.conf"), config)?;
        let apt = Self {
            folder: folder.to_owned(),
        };
        apt.get(&["update"])?;
        Ok(apt)
    }

    /// `apt-get` with these arguments, in the folder.
    pub(crate) fn get(&self, args: &[&str]) -> Result<()> {
        run(Command::new("apt-get")
            .args(args)
            .env("APT_CONFIG", self.folder.join("apt.conf"))
            .current_dir(&self.folder))
    }

    /// The file that was fetched whose name starts and ends so.
    pub(crate) fn file(&self, start: &str, end: &str) -> Result<PathBuf> {
        std::fs::read_dir(&self.folder)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| {
                let name = path.file_name().and_then(|name| name.to_str());
                name.is_some_and(|name| name.starts_with(start) && name.ends_with(end))
            })
            .with_context(|| format!("apt-get has fetched no {start}*{end}"))
    }
}
