//! Whose a process is, as credentials(7) has it: what the calls that ask for it and change
//! it answer. Pure: played for a container that has one identity (`played`).
//!
//! Who may become anybody: effective user 0, and who kept its rights when it became another
//! (PR_SET_KEEPCAPS), which the kernel decides by capabilities. Others may become one of those
//! they are.

use rustix::io::Errno;

/// No identity: "leave it" among a call's arguments.
pub(super) const NONE: u32 = u32::MAX;

/// The four of a user, or of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) real: u32,
    pub(super) effective: u32,
    pub(super) saved: u32,
    pub(super) file: u32,
}

impl Ids {
    pub(super) const fn all(id: u32) -> Ids {
        Ids {
            real: id,
            effective: id,
            saved: id,
            file: id,
        }
    }

    fn has(&self, id: u32) -> bool {
        [self.real, self.effective, self.saved].contains(&id)
    }

    /// setuid(2), setgid(2).
    pub(super) fn set(&mut self, may: bool, id: u32) -> Result<(), Errno> {
        if id == NONE {
            return Err(Errno::INVAL);
        }
        if may {
            *self = Ids::all(id);
        } else if id == self.real || id == self.saved {
            self.effective = id;
            self.file = id;
        } else {
            return Err(Errno::PERM);
        }
        Ok(())
    }

    /// setreuid(2), setregid(2).
    pub(super) fn set_two(&mut self, may: bool, real: u32, effective: u32) -> Result<(), Errno> {
        let was = *self;
        if real != NONE {
            if !may && ![was.real, was.effective].contains(&real) {
                return Err(Errno::PERM);
            }
            self.real = real;
        }
        if effective != NONE {
            if !may && !was.has(effective) {
                *self = was;
                return Err(Errno::PERM);
            }
            self.effective = effective;
        }
        if real != NONE || (effective != NONE && effective != was.real) {
            self.saved = self.effective;
        }
        self.file = self.effective;
        Ok(())
    }

    /// setresuid(2), setresgid(2). One that changes nothing leaves the file's alone, too (since
    /// Linux 6.3).
    pub(super) fn set_three(&mut self, may: bool, to: [u32; 3]) -> Result<(), Errno> {
        let same = |id: u32, own: u32| id == NONE || id == own;
        let [real, effective, saved] = to;
        if same(real, self.real)
            && same(effective, self.effective)
            && same(effective, self.file)
            && same(saved, self.saved)
        {
            return Ok(());
        }
        if !may && to.iter().any(|id| *id != NONE && !self.has(*id)) {
            return Err(Errno::PERM);
        }
        let places = [&mut self.real, &mut self.effective, &mut self.saved];
        for (place, id) in places.into_iter().zip(to) {
            if id != NONE {
                *place = id;
            }
        }
        self.file = self.effective;
        Ok(())
    }

    /// setfsuid(2), setfsgid(2): says what was before, whether it is changed or not.
    pub(super) fn set_file(&mut self, may: bool, id: u32) -> u32 {
        let was = self.file;
        if id != NONE && (may || id == was || self.has(id)) {
            self.file = id;
        }
        was
    }
}

/// All that a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) user: Ids,
    pub(super) group: Ids,
    pub(super) groups: Vec<u32>,
    /// Root's rights stay when it becomes another user (PR_SET_KEEPCAPS), until it executes
    /// another program.
    pub(super) keeps: bool,
}

impl Identity {
    pub(super) const fn new(user: u32, group: u32, groups: Vec<u32>) -> Identity {
        Identity {
            user: Ids::all(user),
            group: Ids::all(group),
            groups,
            keeps: false,
        }
    }

    /// As it is handed from one process to another: user, group, groups.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let first = [self.user.real, self.group.real];
        let all = first.iter().chain(&self.groups);
        all.flat_map(|id| id.to_ne_bytes()).collect()
    }

    /// Of such bytes.
    pub(super) fn of(bytes: &[u8]) -> Option<Identity> {
        let ids = bytes.chunks_exact(4).filter_map(|b| b.first_chunk());
        let mut ids = ids.map(|b| u32::from_ne_bytes(*b));
        Some(Identity::new(ids.next()?, ids.next()?, ids.collect()))
    }

    /// Whether it may become anybody.
    pub(super) const fn may(&self) -> bool {
        self.user.effective == 0 || self.keeps
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One change, of the user or of the group.
    #[derive(Debug, Clone, Copy)]
    enum Change {
        Set(u32),
        Two(u32, u32),
        Three(u32, u32, u32),
        File(u32),
    }

    fn id() -> impl Strategy<Value = u32> {
        prop_oneof![Just(NONE), 0..3u32]
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            id().prop_map(Change::Set),
            (id(), id()).prop_map(|(r, e)| Change::Two(r, e)),
            (id(), id(), id()).prop_map(|(r, e, s)| Change::Three(r, e, s)),
            id().prop_map(Change::File),
        ]
    }

    fn played(ids: &mut Ids, may: bool, change: Change) -> Result<u32, Errno> {
        match change {
            Change::Set(id) => ids.set(may, id).map(|()| 0),
            Change::Two(r, e) => ids.set_two(may, r, e).map(|()| 0),
            Change::Three(r, e, s) => ids.set_three(may, [r, e, s]).map(|()| 0),
            Change::File(id) => Ok(ids.set_file(may, id)),
        }
    }

    /// The kernel's own, of this thread alone.
    fn real(change: Change, user: bool) -> Result<u32, Errno> {
        let call = |numbers: (libc::c_long, libc::c_long), args: [u32; 3]| {
            let number = if user { numbers.0 } else { numbers.1 };
            // SAFETY: system calls that take numbers, and change this thread only.
            let done = unsafe { libc::syscall(number, args[0], args[1], args[2]) };
            if done < 0 {
                return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap());
            }
            Ok(u32::try_from(done).unwrap())
        };
        match change {
            Change::Set(id) => call((libc::SYS_setuid, libc::SYS_setgid), [id, 0, 0]),
            Change::Two(r, e) => call((libc::SYS_setreuid, libc::SYS_setregid), [r, e, 0]),
            Change::Three(r, e, s) => call((libc::SYS_setresuid, libc::SYS_setresgid), [r, e, s]),
            Change::File(id) => call((libc::SYS_setfsuid, libc::SYS_setfsgid), [id, 0, 0]),
        }
    }

    /// Real, effective, saved, and file, of users and groups, of this thread.
    fn live() -> Vec<Ids> {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let ids = |name: &str| {
            let line = status.lines().find_map(|l| l.strip_prefix(name)).unwrap();
            let n: Vec<u32> = line
                .split_whitespace()
                .map(|n| n.parse().unwrap())
                .collect();
            Ids {
                real: n[0],
                effective: n[1],
                saved: n[2],
                file: n[3],
            }
        };
        vec![ids("Uid:"), ids("Gid:")]
    }

    #[test]
    fn it_arrives_as_it_was() {
        let who = Identity::new(1000, 50, vec![4, 7]);
        assert_eq!(Identity::of(&who.bytes()), Some(who));
        assert_eq!(Identity::of(b"t"), None);
    }

    proptest! {
        /// Needs root: each thread begins as root, and ends as somebody.
        #[test]
        fn identities_change_as_the_kernels_do(changes in proptest::collection::vec((change(), any::<bool>()), 1..12)) {
            assert!(rustix::process::geteuid().is_root(), "this test needs root");
            let outcome = std::thread::scope(|scope| {
                scope.spawn(|| {
                    let mut played_by = Identity::new(0, 0, Vec::new());
                    for (change, user) in &changes {
                        let may = played_by.may();
                        let ids = if *user { &mut played_by.user } else { &mut played_by.group };
                        let (ours, theirs) = (played(ids, may, *change), real(*change, *user));
                        prop_assert_eq!(ours, theirs, "{:?} {}", change, user);
                        prop_assert_eq!(vec![played_by.user, played_by.group], live());
                    }
                    Ok(())
                }).join()
            });
            outcome.unwrap()?;
        }
    }
}
