//! Whose the command is: a user's name or number, perhaps with a group, looked
//! up in the container's own /etc/passwd and /etc/group.

use std::io::Read;
use std::path::Path;

use rustix::io::Errno;

use super::identity::Identity;
use super::lookup;

/// The highest number of a user or a group; docker's.
const HIGHEST: u32 = i32::MAX.cast_unsigned();

/// So many further groups Linux lets a process have (`NGROUPS_MAX`).
const GROUPS_MAX: usize = 65536;

/// No file of users or groups is longer.
const LONGEST: u64 = 16 << 20;

/// Who the command runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Further groups.
    pub(super) groups: Vec<u32>,
    pub(super) home: String,
}

impl User {
    /// What its processes are.
    pub(super) fn identity(&self) -> Identity {
        Identity::new(self.uid, self.gid, self.groups.clone())
    }
}

/// Looks a user up in this process's root.
pub(super) fn look_up(wanted: &str) -> Result<User, String> {
    find(wanted, &read("/etc/passwd")?, &read("/etc/group")?)
}

/// A file of the image's, which may be anything: nothing is waited for, and no more is
/// read than a file of users can have. One that is not there is empty.
fn read(path: &str) -> Result<String, String> {
    let odd = |what: &str| Err(format!("the container's {path} {what}"));
    let file = match lookup::open(Path::new(path)) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(String::new()),
        Err(e) => return odd(&format!("cannot be read: {e}")),
    };
    if !file.metadata().is_ok_and(|m| m.is_file()) {
        return odd("is no regular file");
    }
    let mut bytes = Vec::new();
    match file.take(LONGEST + 1).read_to_end(&mut bytes) {
        Err(e) => odd(&format!("cannot be read: {e}")),
        Ok(_) if bytes.len() as u64 > LONGEST => odd("is longer than 16 MiB"),
        Ok(_) => Ok(String::from_utf8_lossy(&bytes).into()),
    }
}

/// A user's or a group's number: digits alone, and none that means something else to
/// the kernel.
fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| digits && *n <= HIGHEST)
}

/// A line's fields.
fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split(':').collect())
}

fn find(wanted: &str, passwd: &str, group: &str) -> Result<User, String> {
    let (name, wanted_group) = match wanted.split_once(':') {
        Some((name, group)) => (name, Some(group).filter(|g| !g.is_empty())),
        None => (wanted, None),
    };
    let name = if name.is_empty() { "0" } else { name };
    let field = |fields: &[&str], n: usize| fields.get(n).and_then(|f| number(f));
    // A name is looked for before a number, as it may be made of digits.
    let entry = lines(passwd)
        .find(|f| f.first() == Some(&name))
        .or_else(|| lines(passwd).find(|f| f.get(2) == Some(&name)));
    let uid = match &entry {
        Some(fields) => field(fields, 2),
        None => number(name),
    };
    let uid = uid.ok_or_else(|| {
        format!("no user {name} in the container's /etc/passwd, and no number from 0 to {HIGHEST}")
    })?;
    let own = entry
        .as_ref()
        .and_then(|fields| field(fields, 3))
        .unwrap_or(0);
    let mut groups = Vec::new();
    let gid = match wanted_group {
        Some(wanted) => lines(group)
            .find(|f| f.first() == Some(&wanted))
            .and_then(|f| field(&f, 2))
            .or_else(|| number(wanted))
            .ok_or_else(|| format!("no group {wanted} in the container's /etc/group"))?,
        None => {
            let login = entry.as_ref().and_then(|f| f.first().copied());
            let of_user = |f: &Vec<&str>| {
                let members = f.get(3).copied().unwrap_or_default();
                login.is_some_and(|login| members.split(',').any(|m| m == login))
            };
            groups = lines(group)
                .filter(of_user)
                .filter_map(|f| field(&f, 2))
                .collect();
            own
        }
    };
    if groups.len() > GROUPS_MAX {
        return Err(format!(
            "user {name} is in {} groups by the container's /etc/group, and Linux lets a process have {GROUPS_MAX}",
            groups.len()
        ));
    }
    let home = entry.and_then(|f| f.get(5).map(|h| (*h).to_owned()));
    Ok(User {
        uid,
        gid,
        groups,
        home: home
            .filter(|h| !h.is_empty())
            .unwrap_or_else(|| "/".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:100::/home/ann:/bin/sh\n7:x:70:70::/seven:\nbad:x:y:z\n";
    const GROUP: &str = "root:x:0:\nusers:x:100:\naudio:x:29:bob,ann\nstaff:x:50:ann\n";

    fn user(wanted: &str) -> (u32, u32, Vec<u32>, String) {
        let user = find(wanted, PASSWD, GROUP).unwrap();
        (user.uid, user.gid, user.groups, user.home)
    }

    #[test]
    fn names_and_numbers() {
        let ann = || "/home/ann".to_owned();
        assert_eq!(user(""), (0, 0, vec![], "/root".into()));
        assert_eq!(user("ann"), (1000, 100, vec![29, 50], ann()));
        assert_eq!(user("1000"), (1000, 100, vec![29, 50], ann()));
        assert_eq!(user("ann:audio"), (1000, 29, vec![], ann()));
        assert_eq!(user("ann:"), (1000, 100, vec![29, 50], ann()));
        assert_eq!(user("5:6"), (5, 6, vec![], "/".into()));
        assert_eq!(
            user("7"),
            (70, 70, vec![], "/seven".into()),
            "a name of digits"
        );
        assert_eq!(user(":50"), (0, 50, vec![], "/root".into()));
    }

    #[test]
    fn who_is_not_there() {
        for wanted in [
            "bob",
            "bad",
            "-1",
            "+5",
            "2147483648",
            "4294967295",
            "4294967296",
            "ann:none",
            "ann:4294967295",
            "ann:+5",
        ] {
            assert!(find(wanted, PASSWD, GROUP).is_err(), "{wanted}");
        }
    }

    #[test]
    fn too_many_groups() {
        let group =
            |count: u32| -> String { (0..count).map(|n| format!("g{n}:x:{n}:ann\n")).collect() };
        let most = find("ann", PASSWD, &group(65536)).unwrap();
        assert_eq!(most.groups.len(), 65536);
        let error = find("ann", PASSWD, &group(65537)).unwrap_err();
        assert!(error.contains("65537 groups"), "{error}");
    }

    proptest! {
        #[test]
        fn no_file_panics(wanted in ".{0,9}", passwd in "([a-z0-9:\\n,]|.){0,99}", group in "([a-z0-9:\\n,]|.){0,99}") {
            let _ = find(&wanted, &passwd, &group);
        }
    }
}
