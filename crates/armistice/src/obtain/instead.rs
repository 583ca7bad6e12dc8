//! What to write instead, where what was typed is no image's name: a folder's path, or an
//! archive that docker or podman saves.

use std::path::Path;

use anyhow::Error;

use crate::outcome::Usage;
use crate::output::{quoted_path, shown_path};

/// The error for a name that can be none, as `DIR/` or `X.tar`, with the folder that may be meant,
/// or the file that is not there.
pub(super) fn of_path(error: Error, typed: &str) -> Error {
    match (folder(typed), no_file(typed)) {
        (Some(folder), _) => Usage(format!("{error}; {folder}")).into(),
        (None, Some(no_file)) => Usage(format!("{no_file}, and {error}")).into(),
        (None, None) => error,
    }
}

/// How archives' names end.
const ENDS: [&str; 9] = [
    ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".txz", ".tar.bz2", ".oci", ".zip",
];

/// Where a file or a folder seems to be meant that is not there: a name that ends as an archive's
/// does, or in a folder that is here.
pub(super) fn no_file(typed: &str) -> Option<String> {
    let path = Path::new(typed);
    let ends = |end: &&str| typed.to_ascii_lowercase().ends_with(*end);
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    let kind = match ENDS.iter().any(ends) {
        true => "file",
        false if parent.is_some_and(Path::is_dir) => "file or folder",
        false => return None,
    };
    (!path.exists()).then(|| format!("there is no {kind} {}", shown_path(path)))
}

/// A folder of that name, which is meant only where it is written as a path.
pub(super) fn folder(typed: &str) -> Option<String> {
    let name = typed.trim_end_matches('/');
    let is_one = !name.is_empty() && !typed.starts_with(['/', '.']) && Path::new(name).is_dir();
    is_one.then(|| {
        let name = quoted_path(&Path::new(".").join(name));
        format!("there is a folder here: write {name}")
    })
}

/// How an engine's image comes here.
pub(super) fn way(engine: &str, name: &str) -> String {
    let name = quoted_path(Path::new(name));
    format!("{engine} save {name} -o x.tar, then armistice run x.tar")
}

/// [`way`] as one command.
pub(crate) fn saved(engine: &str, image: &Path) -> String {
    let image = quoted_path(image);
    format!("{engine} save {image} -o x.tar && armistice run x.tar")
}

/// What to write instead of a name with skopeo's transport before it.
pub(super) fn of_transport(typed: &str) -> Option<String> {
    let (transport, rest) = typed.split_once(':')?;
    let instead = match transport {
        "docker-daemon" => way("docker", rest),
        "containers-storage" => way("podman", rest),
        "docker" => format!("write its name alone: {}", rest.strip_prefix("//")?),
        "docker-archive" | "oci-archive" => format!("write the file's name alone: {rest}"),
        _ => return None,
    };
    Some(format!("{transport}: is not read; {instead}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transports_are_told_what_to_write_instead() {
        let instead = |typed: &str| of_transport(typed).unwrap_or_default();
        assert_eq!(
            instead("docker-daemon:app:1"),
            "docker-daemon: is not read; docker save app:1 -o x.tar, then armistice run x.tar"
        );
        assert!(instead("containers-storage:app").contains("podman save app"));
        assert!(instead("docker://debian").ends_with("alone: debian"));
        assert!(instead("oci-archive:x.tar").ends_with("alone: x.tar"));
        // An image's name and tag.
        assert_eq!(of_transport("docker:dind"), None);
        assert_eq!(of_transport("debian:trixie"), None);
    }
}
