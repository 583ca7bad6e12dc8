//! Which identities exist inside, and what they are outside.
//!
//! Two namespaces are made. In the outer one the caller is user 0, which fills
//! the table. The inner one turns the map around, so that the command has its
//! own identity again and whatever else is mapped keeps its number.

use std::path::{Path, PathBuf};

use rustix::process::{getegid, geteuid, getuid};

use crate::{Error, Facts};

/// Which identities to map.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IdMap {
    /// As root all; as an ordinary user that stays user 0 inside the range that
    /// /etc/subuid and /etc/subgid give, if there is one; else only the caller.
    #[default]
    Auto,
    /// Only the caller; the files of all others appear as nobody's.
    SelfOnly,
    /// As root all; else the caller and the range of /etc/subuid and
    /// /etc/subgid, or an error.
    Ranges,
}

/// Consecutive identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The first, inside.
    pub inside: u32,
    /// What that is outside.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

/// The identities of one kind that exist in a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map(pub Vec<Extent>);

impl Map {
    /// One identity only.
    #[must_use]
    pub fn one(inside: u32, outside: u32) -> Map {
        Map(vec![Extent {
            inside,
            outside,
            count: 1,
        }])
    }

    /// The map that undoes this one in a namespace inside.
    #[must_use]
    pub fn inverse(&self) -> Map {
        let turn = |e: &Extent| Extent {
            inside: e.outside,
            outside: e.inside,
            count: e.count,
        };
        Map(self.0.iter().map(turn).collect())
    }

    /// Everything that exists in a namespace, to itself: from the text of its
    /// own `uid_map`.
    fn all_of(text: &str) -> Map {
        let line = |line: &str| {
            let mut words = line.split_whitespace();
            let inside = words.next()?.parse().ok()?;
            let count = words.nth(1)?.parse().ok()?;
            Some(Extent {
                inside,
                outside: inside,
                count,
            })
        };
        Map(text.lines().filter_map(line).collect())
    }

    /// The caller as 0, and then its ranges.
    fn with_ranges(own: u32, ranges: &[(u32, u32)]) -> Map {
        let mut next = 1u32;
        let mut extents = Map::one(0, own).0;
        for (outside, count) in ranges {
            let count = (*count).min(u32::MAX - next);
            if count == 0 {
                break;
            }
            extents.push(Extent {
                inside: next,
                outside: *outside,
                count,
            });
            next += count;
        }
        Map(extents)
    }

    /// Its numbers, three an extent, as newuidmap takes them.
    pub(crate) fn words(&self) -> impl Iterator<Item = String> {
        self.0
            .iter()
            .flat_map(|e| [e.inside, e.outside, e.count])
            .map(|n| n.to_string())
    }
}

impl std::fmt::Display for Map {
    /// As the kernel takes it, one line an extent.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .iter()
            .try_for_each(|e| writeln!(f, "{} {} {}", e.inside, e.outside, e.count))
    }
}

/// Who may write a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Method {
    /// The process itself; only its own identity.
    Own,
    /// A process outside that has the right to.
    Outside,
    /// `newuidmap` and `newgidmap`, started outside.
    Tools {
        newuidmap: PathBuf,
        newgidmap: PathBuf,
    },
}

/// Both maps of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Maps {
    pub(crate) uid: Map,
    pub(crate) gid: Map,
    pub(crate) method: Method,
}

impl Maps {
    /// Only this process, as user 0.
    pub(crate) fn own() -> Maps {
        Maps {
            uid: Map::one(0, geteuid().as_raw()),
            gid: Map::one(0, getegid().as_raw()),
            method: Method::Own,
        }
    }

    /// Of planned maps only the caller, who comes first in each. (Its own
    /// number can't be asked for any more once it has left unmapped.)
    pub(crate) fn own_of(maps: &Maps) -> Maps {
        let first = |map: &Map| Map(map.0.first().copied().into_iter().collect());
        Maps {
            uid: first(&maps.uid),
            gid: first(&maps.gid),
            method: Method::Own,
        }
    }

    /// The maps of the inner namespace: the caller's identity again.
    pub(crate) fn inverse(&self) -> Maps {
        Maps {
            uid: self.uid.inverse(),
            gid: self.gid.inverse(),
            method: match self.method {
                Method::Own => Method::Own,
                Method::Outside | Method::Tools { .. } => Method::Outside,
            },
        }
    }

    /// The maps that were asked for.
    pub(crate) fn plan(ids: IdMap, map_root: bool, facts: &Facts) -> Result<Maps, Error> {
        if ids == IdMap::SelfOnly {
            return Ok(Maps::own());
        }
        if facts.root && facts.set_ids && facts.setfcap {
            return Maps::everything();
        }
        match ids {
            IdMap::Ranges => Maps::ranges(),
            _ if map_root => Ok(Maps::ranges().unwrap_or_else(|_| Maps::own())),
            _ => Ok(Maps::own()),
        }
    }

    /// All identities of the surrounding namespace.
    fn everything() -> Result<Maps, Error> {
        let all = |file: &str| {
            std::fs::read_to_string(file)
                .map(|text| Map::all_of(&text))
                .map_err(|source| Error::NoProc {
                    path: file.into(),
                    source,
                })
        };
        Ok(Maps {
            uid: all("/proc/self/uid_map")?,
            gid: all("/proc/self/gid_map")?,
            method: Method::Outside,
        })
    }

    /// The caller's ranges.
    fn ranges() -> Result<Maps, Error> {
        let user = user_name();
        let of = |file: &str| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let ranges = parse_ranges(&text, &user, getuid().as_raw());
            if ranges.is_empty() {
                return Err(Error::NoRanges {
                    user: user.clone(),
                    file: file.into(),
                });
            }
            Ok(ranges)
        };
        Ok(Maps {
            uid: Map::with_ranges(geteuid().as_raw(), &of("/etc/subuid")?),
            gid: Map::with_ranges(getegid().as_raw(), &of("/etc/subgid")?),
            method: Method::Tools {
                newuidmap: tool("newuidmap")?,
                newgidmap: tool("newgidmap")?,
            },
        })
    }
}

/// Where a set-user-ID tool lies; only the system's own folders are trusted.
fn tool(name: &'static str) -> Result<PathBuf, Error> {
    ["/usr/bin", "/bin", "/usr/sbin", "/run/wrappers/bin"]
        .iter()
        .map(|dir| Path::new(dir).join(name))
        .find(|path| path.is_file())
        .ok_or(Error::NoTool { tool: name })
}

/// The real user's name in /etc/passwd, or its number.
fn user_name() -> String {
    let uid = getuid().as_raw().to_string();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    });
    name.unwrap_or(uid)
}

/// The ranges of a user in the text of /etc/subuid (subuid(5)): first, count.
fn parse_ranges(text: &str, user: &str, uid: u32) -> Vec<(u32, u32)> {
    let uid = uid.to_string();
    text.lines()
        .filter_map(|line| {
            let mut fields = line.trim().split(':');
            let who = fields.next()?;
            let first = fields.next()?.parse::<u32>().ok()?;
            let count = fields.next()?.parse::<u32>().ok()?;
            let fits = count > 0 && first.checked_add(count).is_some();
            ((who == user || who == uid) && fits).then_some((first, count))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn subuid() {
        let text = "root:1:2\nann:100000:65536\n\n# ann:1:1\n1000:300000:10\nann:x:1\nann:5:0\nann:4294967295:2\nann:7";
        assert_eq!(
            parse_ranges(text, "ann", 1000),
            [(100_000, 65536), (300_000, 10)]
        );
        assert!(parse_ranges(text, "bob", 1001).is_empty());
    }

    #[test]
    fn ranges_follow_the_caller() {
        let map = Map::with_ranges(1000, &[(100_000, 65536), (300_000, 10)]);
        assert_eq!(
            map.to_string(),
            "0 1000 1\n1 100000 65536\n65537 300000 10\n"
        );
        assert_eq!(
            map.inverse().to_string(),
            "1000 0 1\n100000 1 65536\n300000 65537 10\n"
        );
        let all = Map::with_ranges(0, &[(1, u32::MAX - 1), (1, u32::MAX - 1)]);
        assert_eq!(all.0.len(), 2, "no number overflows");
    }

    #[test]
    fn everything_of_a_container() {
        let map = Map::all_of("         0     100000      65536\n");
        assert_eq!(map.to_string(), "0 0 65536\n");
    }

    proptest! {
        #[test]
        fn turning_twice_changes_nothing(extents in proptest::collection::vec(any::<(u32, u32, u32)>(), 0..9)) {
            let map = Map(extents.into_iter().map(|(inside, outside, count)| Extent { inside, outside, count }).collect());
            prop_assert_eq!(map.inverse().inverse(), map);
        }

        #[test]
        fn no_file_panics(text in "([a-z0-9:\\n ]|.){0,200}") {
            let map = Map::with_ranges(1, &parse_ranges(&text, "a", 0));
            let _ = Map::all_of(&text);
            prop_assert!(map.0[0].inside == 0);
        }
    }
}
