//! Process 1 starts itself again before it does what an image says: from a copy of this
//! program's file that nobody can write to, and without any descriptor but those that it
//! needs.
//!
//! Whatever leads to an executed program's file (`/proc/PID/exe`, a script's
//! `#!/proc/self/exe`) or to an open file leads those inside to the copy, then, and not to
//! the machine's file or to a file of the caller's.
//!
//! What is left to do goes along in a file in memory, however much it is; in the environment are
//! the numbers of descriptors alone: no variable of an image's is seen by the C library, which
//! reads some, while the process has all rights.

use std::convert::Infallible;
use std::ffi::{CString, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd};

use super::mount;
use super::report::{Failure, Outside};
use super::user::User;

/// What the process is called, also by who starts it.
const NAME: &str = "armistice: process 1";

/// The name of each number in the environment.
const WORD: &str = "ARMISTICE";

/// `MFD_EXEC`, where files in memory are not executable by default. Since Linux 6.3.
const EXECUTABLE: MemfdFlags = MemfdFlags::from_bits_retain(0x10);

/// What is left to do once the container is made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rest {
    pub(super) user: User,
    /// Where the command starts.
    pub(super) folder: String,
    /// Process 1 stays, and the command is its child.
    pub(super) init: bool,
    pub(super) argv: Vec<String>,
    /// All variables of the command's.
    pub(super) env: Vec<String>,
    /// What the starter is for, in the words of who gave it; nothing where there is none.
    pub(super) starter: String,
}

impl Rest {
    fn words(&self) -> Vec<String> {
        let groups: Vec<String> = self.user.groups.iter().map(u32::to_string).collect();
        let first = [
            self.user.uid.to_string(),
            self.user.gid.to_string(),
            groups.join(","),
            self.user.home.clone(),
            self.folder.clone(),
            u8::from(self.init).to_string(),
            self.starter.clone(),
            self.argv.len().to_string(),
        ];
        let all = first.iter().chain(&self.argv).chain(&self.env);
        all.cloned().collect()
    }

    fn of(mut words: impl Iterator<Item = String>) -> Option<Rest> {
        let user = User {
            uid: words.next()?.parse().ok()?,
            gid: words.next()?.parse().ok()?,
            groups: words
                .next()?
                .split_terminator(',')
                .map(|group| group.parse().ok())
                .collect::<Option<_>>()?,
            home: words.next()?,
        };
        let (folder, init) = (words.next()?, words.next()? == "1");
        let starter = words.next()?;
        let count: usize = words.next()?.parse().ok()?;
        let argv: Vec<String> = words.by_ref().take(count).collect();
        (argv.len() == count).then(|| Rest {
            user,
            folder,
            init,
            argv,
            env: words.collect(),
            starter,
        })
    }
}

/// A copy of this program's file, to be made while the machine's root is there: its mount,
/// made read-only; of a file that is not at its path any more, its bytes, sealed.
pub(super) fn copy() -> io::Result<OwnedFd> {
    const OWN: &str = "/proc/self/exe";
    let own = fs::metadata(OWN)?;
    let is_own = |mount: &OwnedFd| {
        rustix::fs::fstat(mount).is_ok_and(|s| (s.st_dev, s.st_ino) == (own.dev(), own.ino()))
    };
    let mounted = fs::read_link(OWN).and_then(|path| mount::read_only_copy(&path));
    match mounted {
        Ok(mount) if is_own(&mount) => Ok(mount),
        _ => sealed(File::open(OWN)?),
    }
}

fn sealed(mut own: File) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = memfd_create("armistice", flags | EXECUTABLE).or_else(|error| match error {
        Errno::INVAL => memfd_create("armistice", flags),
        other => Err(other),
    })?;
    let mut file = File::from(file);
    io::copy(&mut own, &mut file)?;
    // One that is open to be written can't be executed: it is opened anew.
    fcntl_add_seals(
        &file,
        SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL,
    )?;
    let read_only = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(File::open(read_only)?.into())
}

/// Becomes the copy.
pub(super) fn become_copy(
    copy: &OwnedFd,
    rest: &Rest,
    outside: &Outside,
    starter: Option<&OwnedFd>,
) -> Result<Infallible, Failure> {
    let words = written(&rest.words()).map_err(Failure::doing("keep what is left to do"))?;
    let mut numbers = Vec::new();
    for descriptor in [
        Some(&words),
        Some(&outside.report),
        outside.players.as_ref(),
        starter,
    ] {
        if let Some(kept) = descriptor {
            fcntl_setfd(kept, FdFlags::empty()).map_err(Failure::doing("keep a descriptor"))?;
        }
        let number = descriptor.map_or(String::new(), |kept| kept.as_raw_fd().to_string());
        numbers.extend(CString::new(format!("{WORD}={number}")));
    }
    let name: Vec<CString> = CString::new(NAME).into_iter().collect();
    let error = super::starter::execute(copy, &name, &numbers);
    Err(Failure::own(format!(
        "cannot start process 1 from a copy of this program: {error}"
    )))
}

/// Words in a file in memory, each with its length before it.
fn written(words: &[String]) -> io::Result<OwnedFd> {
    let mut bytes = Vec::new();
    for word in words {
        bytes.extend((word.len() as u64).to_ne_bytes());
        bytes.extend(word.as_bytes());
    }
    let mut file = File::from(memfd_create("words", MemfdFlags::CLOEXEC)?);
    file.write_all(&bytes)?;
    file.rewind()?;
    Ok(file.into())
}

/// The words of such a file.
fn read(file: OwnedFd) -> Option<Vec<String>> {
    let mut bytes = Vec::new();
    File::from(file).read_to_end(&mut bytes).ok()?;
    let mut left = &bytes[..];
    let mut words = Vec::new();
    while let Some((length, rest)) = left.split_first_chunk() {
        let length = usize::try_from(u64::from_ne_bytes(*length)).ok()?;
        let (word, rest) = rest.split_at_checked(length)?;
        words.push(String::from_utf8_lossy(word).into_owned());
        left = rest;
    }
    left.is_empty().then_some(words)
}

/// What process 1 has, once it is the copy.
pub(super) struct HandedOver {
    pub(super) rest: Rest,
    pub(super) outside: Outside,
    /// The file of what starts the command where the kernel can't.
    pub(super) starter: Option<OwnedFd>,
}

/// What [`become_copy`] handed over; `None` in any other process.
pub(super) fn handed_over() -> Option<Result<HandedOver, Failure>> {
    let is_it = std::env::args_os().next().is_some_and(|name| name == NAME);
    is_it.then(|| {
        let numbers = std::env::vars_os().filter(|(name, _)| name == WORD);
        let mut numbers = numbers.map(|(_, number)| text(number));
        let mut descriptor = || numbers.next().map(|number| owned(&number));
        let mut kept = [descriptor(), descriptor(), descriptor(), descriptor()];
        let words = match &mut kept[0] {
            Some(Ok(words)) => words.take().and_then(read),
            _ => None,
        };
        let rest = words.and_then(|words| Rest::of(words.into_iter()));
        let (
            [
                _,
                Some(Ok(Some(report))),
                Some(Ok(players)),
                Some(Ok(starter)),
            ],
            Some(rest),
        ) = (kept, rest)
        else {
            return Err(Failure::own("this name is process 1's of a container"));
        };
        let outside = Outside {
            report,
            terminal: None,
            players,
        };
        Ok(HandedOver {
            rest,
            outside,
            starter,
        })
    })
}

fn text(word: OsString) -> String {
    String::from_utf8_lossy(&word.into_vec()).into_owned()
}

/// A descriptor by its number, closed from here on when the command starts.
fn owned(number: &str) -> Result<Option<OwnedFd>, Errno> {
    if number.is_empty() {
        return Ok(None);
    }
    let number = number.parse().map_err(|_| Errno::INVAL)?;
    if number <= libc::STDERR_FILENO {
        return Err(Errno::BADF);
    }
    // SAFETY: borrowed for two calls that change nothing but a flag, and fail where the
    // number is not open.
    let open = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
    fcntl_getfd(open).and_then(|flags| fcntl_setfd(open, flags | FdFlags::CLOEXEC))?;
    // SAFETY: it is open, was left so for this process by itself, and nobody else has it:
    // the process has done nothing yet.
    Ok(Some(unsafe { OwnedFd::from_raw_fd(number) }))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn the_rest_arrives_as_it_was() {
        for groups in [vec![], vec![4, 7]] {
            let rest = Rest {
                user: User {
                    uid: 1,
                    gid: 2,
                    groups,
                    home: "/home".into(),
                },
                folder: "/a b".into(),
                init: true,
                argv: vec!["sh".into(), String::new(), "-c\0".into()],
                env: vec!["A=1\n2".into(), "B=".into(), "x".repeat(1 << 20)],
                starter: "arm".into(),
            };
            let words = read(written(&rest.words()).unwrap()).unwrap();
            assert_eq!(Rest::of(words.into_iter()), Some(rest));
        }
        assert_eq!(read(written(&[]).unwrap()), Some(vec![]));
        assert_eq!(Rest::of(["1", "2"].map(str::to_owned).into_iter()), None);
    }

    #[test]
    fn a_sealed_copy_is_not_written() {
        let copy = sealed(File::open("/proc/self/exe").unwrap()).unwrap();
        let path = format!("/proc/self/fd/{}", copy.as_raw_fd());
        let mut file = File::options().write(true).open(&path).unwrap();
        let refused = file.write_all(b"x").unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EPERM));
        let read = |path: &str| {
            let mut bytes = Vec::new();
            File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
            bytes
        };
        assert!(read(&path) == read("/proc/self/exe"));
    }
}
