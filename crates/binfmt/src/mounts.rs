//! The lines of `/proc/PID/mountinfo`, as far as binfmt_misc needs them.
//! Format: `Documentation/filesystems/proc.rst`, section 3.5.

use std::path::{Path, PathBuf};

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The folder inside the file system that is mounted.
    pub root: PathBuf,
    /// Where.
    pub at: PathBuf,
    /// The file system's type.
    pub fs_type: String,
    /// Whether mounts made on it appear in its peers (other namespaces).
    pub shared: bool,
    /// `major:minor`.
    pub device: String,
}

/// The mounts that a process sees; empty where they cannot be read.
#[must_use]
pub fn of(pid: &str) -> Vec<Mount> {
    std::fs::read_to_string(format!("/proc/{pid}/mountinfo"))
        .map(|text| parse(&text))
        .unwrap_or_default()
}

/// The numbers of the mounts that a process sees; `None` where they cannot be
/// read.
#[must_use]
pub fn numbers(pid: &str) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/mountinfo")).ok()?;
    let first = |line: &str| line.split(' ').next().map(str::to_owned);
    Some(text.lines().filter_map(first).collect())
}

/// Reads the text of a mountinfo file; lines that do not fit are left out.
#[must_use]
pub fn parse(text: &str) -> Vec<Mount> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ');
    let (_id, _parent) = (left.next()?, left.next()?);
    let device = left.next()?.to_owned();
    let root = unescape(left.next()?);
    let at = unescape(left.next()?);
    let _options = left.next()?;
    let shared = left.any(|tag| tag.starts_with("shared:"));
    let fs_type = right.split(' ').next()?.to_owned();
    Some(Mount {
        root,
        at,
        fs_type,
        shared,
        device,
    })
}

/// Space, tab, line break and backslash are written as octal escapes.
fn unescape(field: &str) -> PathBuf {
    let mut out = String::with_capacity(field.len());
    let mut rest = field;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        match rest
            .get(at + 1..at + 4)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok())
        {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &rest[at + 4..];
            }
            None => {
                out.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    PathBuf::from(out)
}

/// The places where binfmt_misc is mounted, the standard one first.
#[must_use]
pub fn of_binfmt_misc(mounts: &[Mount]) -> Vec<&Path> {
    let mut places: Vec<&Path> = mounts
        .iter()
        .filter(|m| m.fs_type == "binfmt_misc")
        .map(|m| m.at.as_path())
        .collect();
    places.sort_by_key(|at| *at != Path::new(crate::STANDARD_PATH));
    places.dedup();
    places
}

/// Binds of the host's `/proc/sys/fs` (or its folder) that pass mounts made
/// here on to the host: where they would have to be made.
#[must_use]
pub fn shared_binds(mounts: &[Mount]) -> Vec<PathBuf> {
    mounts
        .iter()
        .filter(|m| m.fs_type == "proc" && m.shared)
        .filter_map(|m| match m.root.to_str()? {
            "/sys/fs/binfmt_misc" => Some(m.at.clone()),
            "/sys/fs" => Some(m.at.join("binfmt_misc")),
            "/sys" => Some(m.at.join("fs/binfmt_misc")),
            _ => None,
        })
        .collect()
}
