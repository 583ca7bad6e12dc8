//! Under which identities this process unpacks. Layers that were unpacked under
//! others have other owners, so each map of identities has layers of its own.

use armistice_oci::Digest;

/// What becomes of files' owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owners {
    /// They are kept.
    Kept,
    /// All belong to the one identity that there is.
    Lost,
}

/// The identities of this process's user namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    /// The name of the folder with the layers unpacked so.
    pub(crate) key: String,
    /// What becomes of files' owners.
    pub owners: Owners,
}

impl Ids {
    /// Of this process, now: enter a user namespace first, where there is to be one.
    #[must_use]
    pub fn of_this_process() -> Ids {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let root = rustix::process::geteuid().is_root();
        Ids::from_maps(
            root,
            &read("/proc/self/uid_map"),
            &read("/proc/self/gid_map"),
        )
    }

    /// Those whose layers lie in a folder of this name, for looking at them.
    pub(crate) fn of_key(key: String) -> Ids {
        Ids {
            key,
            owners: Owners::Lost,
        }
    }

    fn from_maps(root: bool, users: &str, groups: &str) -> Ids {
        let (users, groups) = (extents(users), extents(groups));
        let several = |map: &[[u64; 3]]| map.iter().map(|e| e[2]).sum::<u64>() > 1;
        if !root || !several(&users) || !several(&groups) {
            return Ids {
                key: "one".to_owned(),
                owners: Owners::Lost,
            };
        }
        let all = |map: &[[u64; 3]]| map == [[0, 0, 0xffff_ffff]];
        let key = if all(&users) && all(&groups) {
            "all".to_owned()
        } else {
            let digest = Digest::of(format!("{users:?} {groups:?}").as_bytes());
            format!("map-{}", digest.hex().get(..16).unwrap_or_default())
        };
        Ids {
            key,
            owners: Owners::Kept,
        }
    }
}

/// The lines of a `uid_map`.
fn extents(text: &str) -> Vec<[u64; 3]> {
    let line = |line: &str| {
        let mut words = line.split_whitespace().map(|w| w.parse().ok());
        Some([words.next()??, words.next()??, words.next()??])
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps() {
        let of = |root, map: &str| Ids::from_maps(root, map, map);
        let whole = "         0          0 4294967295\n";
        assert_eq!(
            (&*of(true, whole).key, of(true, whole).owners),
            ("all", Owners::Kept)
        );
        assert_eq!(of(false, whole).key, "one");
        assert_eq!(of(true, "0 1000 1\n").owners, Owners::Lost);
        let ranges = of(true, "0 1000 1\n1 100000 65536\n");
        assert_eq!(ranges.owners, Owners::Kept);
        assert!(ranges.key.starts_with("map-"));
        assert_ne!(ranges, of(true, "0 1000 1\n1 200000 65536\n"));
        assert_eq!(of(true, "").owners, Owners::Lost);
    }
}
