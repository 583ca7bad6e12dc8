//! What a verdict on user namespaces is based on.
//!
//! Gathered before anything is tried, because inside a new namespace the same
//! files say something else. What can't be read is left unknown.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::{getegid, geteuid};

/// Bits of the capability sets (`include/uapi/linux/capability.h`).
const CAP_SETGID: u32 = 6;
const CAP_SETUID: u32 = 7;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_SETFCAP: u32 = 31;

/// The system, as far as it bears on user namespaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// `uname -r`.
    pub release: String,
    /// Its first two numbers.
    pub kernel: Option<(u32, u32)>,
    /// Whether the effective user is 0 in its own namespace.
    pub root: bool,
    /// Whether the process has CAP_SYS_ADMIN.
    pub sys_admin: bool,
    /// Whether the process has CAP_SETFCAP.
    pub setfcap: bool,
    /// Whether it has CAP_SETUID and CAP_SETGID, and so may map every identity.
    pub set_ids: bool,
    /// Whether it runs in a user namespace other than the machine's first.
    pub nested: bool,
    /// Whether its user and group exist in its user namespace.
    pub mapped: bool,
    /// `user.max_user_namespaces`.
    pub max_user_namespaces: Option<u64>,
    /// `kernel.unprivileged_userns_clone`; only Debian's older kernels have it.
    pub unprivileged_userns_clone: Option<u64>,
    /// `kernel.apparmor_restrict_unprivileged_userns`; only Ubuntu's have it.
    pub apparmor_restricts: Option<u64>,
    /// The AppArmor profile that confines the process.
    pub apparmor_profile: Option<String>,
    /// Whether a seccomp filter is on it.
    pub seccomp_filter: bool,
    /// Whether it runs in a chroot, where that can be told.
    pub chrooted: Option<bool>,
}

impl Facts {
    /// Looks at this process and the system.
    #[must_use]
    pub fn gather() -> Facts {
        let uname = rustix::system::uname();
        let release = uname.release().to_string_lossy().into_owned();
        let status = read("/proc/self/status").unwrap_or_default();
        let capabilities = field(&status, "CapEff")
            .and_then(|v| u64::from_str_radix(v, 16).ok())
            .unwrap_or(0);
        let has = |bit: u32| capabilities & (1 << bit) != 0;
        let (uid_map, gid_map) = (read("/proc/self/uid_map"), read("/proc/self/gid_map"));
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let maps = |map: &Option<String>, id| map.as_deref().is_none_or(|m| is_mapped(m, id));
        Facts {
            kernel: parse_release(&release),
            release,
            root: uid == 0,
            sys_admin: has(CAP_SYS_ADMIN),
            setfcap: has(CAP_SETFCAP),
            set_ids: has(CAP_SETUID) && has(CAP_SETGID),
            nested: uid_map.as_deref().is_some_and(|m| !is_whole(m)),
            mapped: maps(&uid_map, uid) && maps(&gid_map, gid),
            max_user_namespaces: number("/proc/sys/user/max_user_namespaces"),
            unprivileged_userns_clone: number("/proc/sys/kernel/unprivileged_userns_clone"),
            apparmor_restricts: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
            apparmor_profile: read("/proc/self/attr/apparmor/current")
                .and_then(|t| confining_profile(&t)),
            seccomp_filter: field(&status, "Seccomp") == Some("2"),
            chrooted: chrooted(),
        }
    }
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn number(path: &str) -> Option<u64> {
    read(path)?.trim().parse().ok()
}

/// A field of `/proc/self/status`.
fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim)
}

/// The first two numbers of `uname -r`.
fn parse_release(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(str::parse::<u32>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// The extents of a `uid_map`: first inside, how many.
fn extents(map: &str) -> impl Iterator<Item = (u64, u64)> {
    map.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let inside = words.next()?.parse().ok()?;
        let count = words.nth(1)?.parse().ok()?;
        Some((inside, count))
    })
}

/// Whether an identity of this namespace exists in its parent.
fn is_mapped(map: &str, id: u32) -> bool {
    let id = u64::from(id);
    extents(map).any(|(inside, count)| id >= inside && id - inside < count)
}

/// Whether a map is that of the machine's first namespace: every identity, to
/// itself.
fn is_whole(map: &str) -> bool {
    map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// The profile of `/proc/self/attr/apparmor/current`, unless it confines
/// nothing: `NAME (enforce)`.
fn confining_profile(text: &str) -> Option<String> {
    let text = text.trim_matches(['\0', '\n', ' ']);
    let name = text.strip_suffix(" (enforce)")?;
    (!name.is_empty() && name != "unconfined").then(|| name.to_owned())
}

/// Whether the root directory is not that of the mount namespace. A chroot into
/// a mount point can be told only where process 1 may be looked at.
fn chrooted() -> Option<bool> {
    let mounts = read("/proc/self/mountinfo")?;
    if !has_root_mount(&mounts) {
        return Some(true);
    }
    let namespace = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/mnt")).ok();
    if namespace("1")? != namespace("self")? {
        return None;
    }
    let of = |path: &str| {
        let m = std::fs::metadata(Path::new(path)).ok()?;
        Some((m.dev(), m.ino()))
    };
    Some(of("/proc/1/root/")? != of("/")?)
}

/// Whether `/` is a mount point, as it always is outside a chroot.
fn has_root_mount(mountinfo: &str) -> bool {
    mountinfo
        .lines()
        .any(|line| line.split(' ').nth(4) == Some("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases() {
        assert_eq!(parse_release("6.18.44-fc-v595"), Some((6, 18)));
        assert_eq!(parse_release("6.7-rc1"), Some((6, 7)));
        assert_eq!(
            parse_release("5.15.153.1-microsoft-standard-WSL2"),
            Some((5, 15))
        );
        assert_eq!(parse_release("banana"), None);
    }

    #[test]
    fn maps() {
        let host = "         0          0 4294967295\n";
        assert!(is_whole(host) && is_mapped(host, 1000));
        let rootless = "         0       1000          1\n         1     100000      65536\n";
        assert!(!is_whole(rootless));
        assert!(is_mapped(rootless, 65536) && !is_mapped(rootless, 65537));
        assert!(!is_mapped("", 0), "a namespace without a map");
    }

    #[test]
    fn profiles() {
        assert_eq!(
            confining_profile("docker-default (enforce)\n").as_deref(),
            Some("docker-default")
        );
        for none in [
            "unconfined\n",
            "",
            "x (complain)\n",
            "armistice (unconfined)\n",
        ] {
            assert_eq!(confining_profile(none), None, "{none}");
        }
    }

    #[test]
    fn roots() {
        assert!(has_root_mount(
            "24 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n25 24 0:5 / /proc rw - proc proc rw"
        ));
        assert!(!has_root_mount("25 24 0:5 / /proc rw - proc proc rw"));
    }

    #[test]
    fn this_machine() {
        let facts = Facts::gather();
        assert!(facts.kernel.is_some() && facts.mapped, "{facts:?}");
        assert_ne!(facts.chrooted, Some(true), "{facts:?}");
    }
}
