//! What the words mean: an image's name, or a path. A path is written as one (`./x`, `/x`,
//! `../x`), or is a file, or an OCI layout's folder; anything else is a name.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use armistice_oci::{Archive, Error, Found, Reference};

use super::instead;
use crate::outcome::Usage;
use crate::output::shown_path;

/// What was given.
#[derive(Debug, Clone)]
pub(crate) enum Given {
    /// An image's name.
    Image(Reference),
    /// A docker-archive, an OCI archive or an OCI layout.
    Archive(PathBuf),
    /// A tar of a root folder.
    RootTar(PathBuf),
    /// A root folder.
    Folder(PathBuf),
}

impl Given {
    /// Looks at a path's file, and at no registry.
    pub(crate) fn parse(text: &str) -> Result<Given> {
        let path = Path::new(text);
        let written = text.starts_with(['/', '.']);
        if !written && !path.is_file() && !path.join("oci-layout").is_file() {
            if let Some(instead) = instead::of_transport(text) {
                return Err(Usage(instead).into());
            }
            let image = reference(text).map_err(|error| instead::of_path(error, text))?;
            return Ok(Given::Image(image));
        }
        if path.is_dir() && !path.join("oci-layout").is_file() {
            return Ok(Given::Folder(path.to_owned()));
        }
        if path
            .symlink_metadata()
            .is_err_and(|e| e.kind() == ErrorKind::NotFound)
        {
            return Err(anyhow!("there is no file or folder {}", shown_path(path)));
        }
        match Archive::open(path) {
            Ok(_) => Ok(Given::Archive(path.to_owned())),
            Err(Error::NotAnImage {
                found: Found::OtherTar,
                ..
            }) => Ok(Given::RootTar(path.to_owned())),
            Err(error) => Err(error.into()),
        }
    }
}

/// An image's name, or wrong usage.
pub(crate) fn reference(text: &str) -> Result<Reference> {
    Reference::parse(text).map_err(|e| anyhow!(Usage(e.to_string())))
}

/// The names under which an archive's image is kept: those that the archive
/// gives it, else one made of the file's name.
pub(crate) fn names(path: &Path, own: &[String]) -> Vec<String> {
    let stem = stem(path);
    let full = |name: &String| {
        // Some tools write only the tag into a layout's index.
        let text = if name.contains(['/', ':']) {
            name.clone()
        } else {
            format!("localhost/{stem}:{name}")
        };
        Reference::parse(&text).ok().map(|r| r.to_string())
    };
    let names: Vec<String> = own.iter().filter_map(full).collect();
    if names.is_empty() {
        return vec![format!("localhost/{stem}:latest")];
    }
    names
}

/// A file's name without what says how it is packed, as a repository's name.
fn stem(path: &Path) -> String {
    let name = path.canonicalize().ok();
    let name = name.as_deref().unwrap_or(path).file_name();
    let mut name = name
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    for end in [".gz", ".tgz", ".zst", ".tar"] {
        if let Some(shorter) = name.strip_suffix(end) {
            name = shorter.to_owned();
        }
    }
    let parts: Vec<&str> = name
        .split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit())
        .filter(|p| !p.is_empty())
        .collect();
    if parts.is_empty() {
        return "image".to_owned();
    }
    parts.join("-").chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_without_names_get_one() {
        let one = |path: &str, own: &[&str]| {
            let own: Vec<String> = own.iter().map(|n| (*n).to_owned()).collect();
            names(Path::new(path), &own)
        };
        assert_eq!(
            one("/x/My Root_1.tar.gz", &[]),
            ["localhost/my-root-1:latest"]
        );
        assert_eq!(one("/x/app.tar", &["trixie"]), ["localhost/app:trixie"]);
        assert_eq!(
            one("/x/app.tar", &["debian:1"]),
            ["docker.io/library/debian:1"]
        );
        assert_eq!(one("/x/___", &[]), ["localhost/image:latest"]);
    }
}
