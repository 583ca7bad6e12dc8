//! How a container of an image is run, and for which platform it is made.

use std::collections::BTreeMap;

use armistice_arch::Platform;

use crate::json;

/// The `PATH` that engines give a container whose image sets none.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The command line of a container: the entrypoint, then the command. An
/// entrypoint of one empty word is none: so Dockerfiles take a base's away
/// (`ENTRYPOINT [""]`), and engines treat it.
#[must_use]
pub fn command_line(entrypoint: &[String], cmd: &[String]) -> Vec<String> {
    let entrypoint = match entrypoint {
        [only] if only.is_empty() => &[],
        all => all,
    };
    entrypoint.iter().chain(cmd).cloned().collect()
}

/// An image's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageConfig {
    /// Normalised. The architecture is empty where the image names none.
    pub platform: Platform,
    /// The fixed part of the command line.
    pub entrypoint: Vec<String>,
    /// The part that arguments to `docker run` replace.
    pub cmd: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// Labels, in the order of their names.
    pub labels: BTreeMap<String, String>,
    /// A user's name or number, perhaps with `:group`; empty is root.
    pub user: String,
    /// Where the program starts; empty is `/`.
    pub working_dir: String,
    /// Folders that a container has to have, and may write to (`VOLUME`).
    pub volumes: Vec<String>,
}

impl ImageConfig {
    /// A configuration that has only a platform.
    #[must_use]
    pub fn new(platform: Platform) -> ImageConfig {
        ImageConfig {
            platform,
            entrypoint: Vec::new(),
            cmd: Vec::new(),
            env: Vec::new(),
            labels: BTreeMap::new(),
            user: String::new(),
            working_dir: String::new(),
            volumes: Vec::new(),
        }
    }

    /// The command line: the entrypoint, then the command.
    #[must_use]
    pub fn argv(&self) -> Vec<String> {
        command_line(&self.entrypoint, &self.cmd)
    }

    /// `PATH` as the image sets it; the last counts where there are several.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.env
            .iter()
            .rev()
            .find_map(|var| var.strip_prefix("PATH="))
    }

    /// What a document says; the descriptor of the manifest knows the platform
    /// too, and sometimes alone knows the variant (`linux/arm/v6`).
    pub(crate) fn from_json(
        doc: &json::Config,
        described: Option<&json::PlatformJson>,
    ) -> ImageConfig {
        let mut platform = Platform::new(&doc.os, &doc.architecture, &doc.variant);
        if let Some(d) = described {
            let other = Platform::new(&d.os, &d.architecture, &d.variant);
            let silent = doc.architecture.is_empty();
            let same = other.os == platform.os && other.architecture == platform.architecture;
            if silent || (doc.variant.is_empty() && same) {
                platform = other;
            }
        }
        ImageConfig {
            platform,
            entrypoint: doc.config.entrypoint.clone(),
            cmd: doc.config.cmd.clone(),
            env: doc.config.env.clone(),
            labels: doc.config.labels.clone(),
            user: doc.config.user.clone(),
            working_dir: doc.config.working_dir.clone(),
            volumes: doc.config.volumes.keys().cloned().collect(),
        }
    }
}
