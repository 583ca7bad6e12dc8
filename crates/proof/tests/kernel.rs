//! Proofs through the kernel, in private tables of handlers: each flag with and
//! without, every way to go wrong, every root.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use armistice_arch::{ARCHES, Arch};
use armistice_proof::{
    Argv0, Credentials, Errno, Expect, Failure, Native, NotTried, Obstacle, Proof, Ran, Root, Step,
    program, prove, runs_natively,
};
use rustix::mount::MountFlags;
use rustix::process::DumpableBehavior;
use rustix::thread::CapabilitySet;
use support::emulator;
use support::table::{Users, inside, register, register_as, switch};

fn arch(name: &str) -> &'static Arch {
    Arch::by_name(name).unwrap()
}

/// A proof of everything for AArch64.
fn proof() -> Proof {
    prove(arch("aarch64"), Expect::default()).unwrap()
}

fn did_not_run(root: Root, failure: Failure) -> Proof {
    Proof {
        root,
        ran: Ran::No(failure),
        argv0: Argv0::NotTried(NotTried::DidNotRun),
        credentials: Credentials::NotTried(NotTried::DidNotRun),
    }
}

fn path_instead() -> Argv0 {
    Argv0::Failed {
        got: "./armistice-proof".to_owned(),
    }
}

#[test]
fn each_flag_is_proven_and_refuted() {
    inside("each_flag_is_proven_and_refuted", Users::All, || {
        let lost = path_instead;
        let (yes, no) = (Credentials::Passed, Credentials::Failed);
        let cases = [
            ("", None),
            ("P", None),
            ("OC", None),
            ("POC", None),
            ("F", Some((lost(), no.clone()))),
            ("PF", Some((Argv0::Passed, no.clone()))),
            ("OF", Some((lost(), no.clone()))),
            ("POF", Some((Argv0::Passed, no))),
            ("CF", Some((lost(), yes.clone()))),
            ("OCF", Some((lost(), yes.clone()))),
            ("POCF", Some((Argv0::Passed, yes))),
        ];
        for (flags, expected) in cases {
            register(arch("aarch64"), &emulator("aarch64"), flags);
            let expected = match expected {
                Some((argv0, credentials)) => Proof {
                    root: Root::MountNamespace,
                    ran: Ran::Yes,
                    argv0,
                    credentials,
                },
                None => did_not_run(Root::MountNamespace, Failure::NoEmulator),
            };
            let proof = proof();
            assert_eq!(proof, expected, "flags '{flags}'");
            let all = Expect::default();
            assert_eq!(proof.proves(&all), flags == "POCF", "flags '{flags}'");
            assert_eq!(proof.refutes(&all), flags != "POCF", "flags '{flags}'");
            let only_f = Expect {
                argv0: false,
                credentials: false,
                ..all
            };
            assert_eq!(proof.proves(&only_f), flags.contains('F'));
            switch("qemu-aarch64", "-1");
        }
    });
}

#[test]
fn without_a_handler_that_is_enabled_nothing_runs() {
    inside(
        "without_a_handler_that_is_enabled_nothing_runs",
        Users::All,
        || {
            let nothing = did_not_run(Root::MountNamespace, Failure::NoHandler);
            assert_eq!(proof(), nothing, "none registered");
            register(arch("aarch64"), &emulator("aarch64"), "POCF");
            switch("qemu-aarch64", "0");
            assert_eq!(proof(), nothing, "entry disabled");
            switch("qemu-aarch64", "1");
            switch("status", "0");
            assert_eq!(proof(), nothing, "table disabled");
            switch("status", "1");
            assert!(proof().proves(&Expect::default()), "both enabled");
        },
    );
}

#[test]
fn another_architectures_emulator_is_found_out() {
    inside(
        "another_architectures_emulator_is_found_out",
        Users::All,
        || {
            register(arch("aarch64"), &emulator("s390x"), "POCF");
            let Ran::No(Failure::Wrong { output, said, .. }) = proof().ran else {
                panic!("{:?}", proof());
            };
            assert_eq!(output, "");
            assert!(said.contains("Invalid ELF image"), "{said}");
        },
    );
}

/// An executable file in the test's own temporary folder.
struct File(PathBuf);

impl File {
    fn new(name: &str, bytes: &[u8]) -> File {
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        File(path)
    }

    /// A program of this machine with this code.
    fn with_code(name: &str, code: &[u8]) -> File {
        // The x86-64 proof program up to its code: ELF header, program header.
        let mut bytes = program(arch("x86_64")).unwrap().to_vec();
        bytes[120..120 + code.len()].copy_from_slice(code);
        File::new(name, &bytes)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

#[test]
fn an_emulator_that_is_no_program_is_no_handler() {
    inside(
        "an_emulator_that_is_no_program_is_no_handler",
        Users::All,
        || {
            let garbage = File::new("garbage", b"this is no program\n");
            register(arch("aarch64"), &garbage.0, "POCF");
            assert_eq!(
                proof(),
                did_not_run(Root::MountNamespace, Failure::NoHandler)
            );
        },
    );
}

#[test]
fn a_dynamic_emulator_is_not_found_in_an_empty_root() {
    inside(
        "a_dynamic_emulator_is_not_found_in_an_empty_root",
        Users::All,
        || {
            register(arch("aarch64"), Path::new("/usr/bin/env"), "POCF");
            assert_eq!(
                proof(),
                did_not_run(Root::MountNamespace, Failure::NoEmulator)
            );
        },
    );
}

#[test]
fn an_emulator_that_the_handler_takes_itself_is_a_loop() {
    inside(
        "an_emulator_that_the_handler_takes_itself_is_a_loop",
        Users::All,
        || {
            let own = File::new("own", program(arch("aarch64")).unwrap());
            for (flags, failure) in [
                ("PF", Failure::Refused(Errno::LOOP)),
                // Under O and C, a second round is refused at once.
                ("POCF", Failure::NoHandler),
            ] {
                register(arch("aarch64"), &own.0, flags);
                assert_eq!(proof(), did_not_run(Root::MountNamespace, failure));
                switch("qemu-aarch64", "-1");
            }
        },
    );
}

#[test]
fn an_emulator_that_only_echoes_is_not_believed() {
    inside(
        "an_emulator_that_only_echoes_is_not_believed",
        Users::All,
        || {
            // The x86-64 proof program as an emulator: it knows nothing of AArch64,
            // yet prints a line and exits with its user.
            let echo = File::new("echo", program(arch("x86_64")).unwrap());
            for flags in ["F", "PF", "POCF"] {
                register(arch("aarch64"), &echo.0, flags);
                let Ran::No(Failure::Wrong { output, .. }) = proof().ran else {
                    panic!("'{flags}': {:?}", proof());
                };
                assert_eq!(output, format!("{}\n", echo.0.display()));
                switch("qemu-aarch64", "-1");
            }
        },
    );
}

#[test]
fn an_emulator_that_crashes_is_reported_with_its_signal() {
    inside(
        "an_emulator_that_crashes_is_reported_with_its_signal",
        Users::All,
        || {
            let crash = File::with_code("crash", &[0x0f, 0x0b]); // ud2
            register(arch("aarch64"), &crash.0, "POCF");
            let failure = Failure::Signal {
                number: libc::SIGILL,
                said: String::new(),
            };
            assert_eq!(proof(), did_not_run(Root::MountNamespace, failure));
        },
    );
}

#[test]
fn an_emulator_that_hangs_is_ended_with_all_it_started() {
    inside(
        "an_emulator_that_hangs_is_ended_with_all_it_started",
        Users::All,
        || {
            let limit = Duration::from_millis(200);
            let expect = Expect {
                limit,
                ..Expect::default()
            };
            // mov eax, fork; syscall; jmp to itself: two processes that never end.
            let hang = File::with_code("hang", b"\xb8\x39\0\0\0\x0f\x05\xeb\xfe");
            register(arch("aarch64"), &hang.0, "POCF");
            let proof = prove(arch("aarch64"), expect).unwrap();
            assert_eq!(
                proof,
                did_not_run(Root::MountNamespace, Failure::Timeout(limit))
            );
            // A killed process is gone once the kernel has got round to it.
            let patience = Instant::now() + Duration::from_secs(10);
            while processes_of(&hang.0) > 0 {
                assert!(Instant::now() < patience, "a process is left behind");
                std::thread::yield_now();
            }
        },
    );
}

/// How many processes run this file.
fn processes_of(file: &Path) -> usize {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(Result::ok)
        .filter(|entry| std::fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == file))
        .count()
}

#[test]
fn an_emulator_that_floods_is_ended() {
    inside("an_emulator_that_floods_is_ended", Users::All, || {
        let limit = Duration::from_millis(200);
        // write(1, rsp, 4096) for ever.
        let flood = File::with_code(
            "flood",
            b"\xb8\x01\0\0\0\xbf\x01\0\0\0\x48\x89\xe6\xba\0\x04\0\0\x0f\x05\xeb\xea",
        );
        register(arch("aarch64"), &flood.0, "POCF");
        let expect = Expect {
            limit,
            ..Expect::default()
        };
        assert_eq!(
            prove(arch("aarch64"), expect).unwrap().ran,
            Ran::No(Failure::Timeout(limit))
        );
    });
}

/// Lets go of a capability, in this thread and what it forks.
fn drop_capability(which: CapabilitySet) {
    let mut sets = rustix::thread::capabilities(None).unwrap();
    sets.effective.remove(which);
    sets.permitted.remove(which);
    sets.inheritable.remove(which);
    rustix::thread::set_capabilities(None, sets).unwrap();
}

/// Becomes an ordinary user, in this thread and what it forks, as a program
/// does that this user starts: it may write to its own `/proc` files.
fn become_ordinary() {
    let user = rustix::process::Uid::from_raw(1000);
    rustix::thread::set_thread_res_uid(user, user, user).unwrap();
    rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable).unwrap();
}

#[test]
fn without_mounting_a_chroot_proves_everything() {
    inside(
        "without_mounting_a_chroot_proves_everything",
        Users::All,
        || {
            register(arch("aarch64"), &emulator("aarch64"), "POCF");
            drop_capability(CapabilitySet::SYS_ADMIN);
            assert_eq!(
                proof(),
                Proof {
                    root: Root::Chroot,
                    ran: Ran::Yes,
                    argv0: Argv0::Passed,
                    credentials: Credentials::Passed,
                }
            );
            switch("qemu-aarch64", "-1");
            register(arch("aarch64"), &emulator("aarch64"), "POC");
            assert_eq!(proof(), did_not_run(Root::Chroot, Failure::NoEmulator));
        },
    );
}

#[test]
fn a_caller_in_a_chroot_proves_everything() {
    inside("a_caller_in_a_chroot_proves_everything", Users::All, || {
        register(arch("aarch64"), &emulator("aarch64"), "POCF");
        // A root that is no mount point: its mounts can't be made private.
        rustix::mount::mount("none", "/mnt", "tmpfs", MountFlags::empty(), None).unwrap();
        std::fs::create_dir_all("/mnt/root/tmp").unwrap();
        rustix::process::chroot("/mnt/root").unwrap();
        rustix::process::chdir("/").unwrap();
        let proof = proof();
        assert_eq!(proof.root, Root::Chroot);
        assert!(proof.proves(&Expect::default()), "{proof:?}");
        assert_eq!(std::fs::read_dir("/tmp").unwrap().count(), 0);
    });
}

#[test]
fn a_chroot_on_nosuid_mounts_leaves_credentials_untried() {
    inside(
        "a_chroot_on_nosuid_mounts_leaves_credentials_untried",
        Users::All,
        || {
            register(arch("aarch64"), &emulator("aarch64"), "POCF");
            let nosuid = MountFlags::NOSUID;
            rustix::mount::mount_remount("/", MountFlags::BIND | nosuid, "").unwrap();
            // Also where machines have mounts of their own.
            for folder in ["/dev", "/run", "/tmp", "/var/tmp"] {
                rustix::mount::mount("none", folder, "tmpfs", nosuid, None).unwrap();
            }
            drop_capability(CapabilitySet::SYS_ADMIN);
            let proof = proof();
            assert_eq!(proof.root, Root::Chroot);
            assert_eq!(proof.argv0, Argv0::Passed);
            assert_eq!(proof.credentials, Credentials::NotTried(NotTried::NoSuid));
            assert!(!proof.proves(&Expect::default()) && !proof.refutes(&Expect::default()));
        },
    );
}

#[test]
fn an_ordinary_user_proves_the_inherited_table_in_a_user_namespace() {
    inside(
        "an_ordinary_user_proves_the_inherited_table_in_a_user_namespace",
        Users::All,
        || {
            register(arch("aarch64"), &emulator("aarch64"), "POCF");
            register(arch("s390x"), &emulator("s390x"), "PC");
            become_ordinary();
            assert_eq!(
                proof(),
                Proof {
                    root: Root::UserNamespace,
                    ran: Ran::Yes,
                    argv0: Argv0::Passed,
                    credentials: Credentials::NotTried(NotTried::OneUser),
                }
            );
            assert_eq!(
                prove(arch("s390x"), Expect::default()).unwrap(),
                did_not_run(Root::UserNamespace, Failure::NoEmulator)
            );
        },
    );
}

#[test]
fn without_an_empty_root_it_says_so() {
    inside("without_an_empty_root_it_says_so", Users::All, || {
        // No F: in the own root, the emulator is found all the same.
        register(arch("aarch64"), &emulator("aarch64"), "P");
        std::fs::write("/proc/sys/user/max_user_namespaces", "0").unwrap();
        std::fs::set_permissions(std::env::temp_dir(), std::fs::Permissions::from_mode(0o777))
            .unwrap();
        become_ordinary();
        let proof = proof();
        let obstacle = |step, errno| Obstacle { step, errno };
        assert_eq!(
            proof,
            Proof {
                root: Root::NotEmpty {
                    why: vec![
                        obstacle(Step::MountNamespace, Errno::PERM),
                        obstacle(Step::Chroot, Errno::PERM),
                        obstacle(Step::UserNamespace, Errno::NOSPC),
                    ]
                },
                ran: Ran::Yes,
                argv0: Argv0::Passed,
                credentials: Credentials::NotTried(NotTried::NotAllowed(obstacle(
                    Step::Owner,
                    Errno::PERM
                ))),
            }
        );
        assert!(!proof.proves(&Expect::default()) && !proof.refutes(&Expect::default()));
        assert!(proof.root.to_string().starts_with("not in an empty root: "));
    });
}

#[test]
fn with_one_user_credentials_are_untried() {
    inside("with_one_user_credentials_are_untried", Users::Root, || {
        register(arch("aarch64"), &emulator("aarch64"), "POCF");
        assert_eq!(
            proof(),
            Proof {
                root: Root::MountNamespace,
                ran: Ran::Yes,
                argv0: Argv0::Passed,
                credentials: Credentials::NotTried(NotTried::OneUser),
            }
        );
    });
}

#[test]
fn under_no_new_privs_credentials_are_untried() {
    inside(
        "under_no_new_privs_credentials_are_untried",
        Users::All,
        || {
            register(arch("aarch64"), &emulator("aarch64"), "POCF");
            rustix::thread::set_no_new_privs(true).unwrap();
            let proof = proof();
            assert_eq!(proof.ran, Ran::Yes);
            assert_eq!(
                proof.credentials,
                Credentials::NotTried(NotTried::NoNewPrivs)
            );
        },
    );
}

#[test]
fn credentials_are_not_tried_where_nobody_asks() {
    inside(
        "credentials_are_not_tried_where_nobody_asks",
        Users::All,
        || {
            register(arch("aarch64"), &emulator("aarch64"), "PF");
            let expect = Expect {
                credentials: false,
                ..Expect::default()
            };
            let proof = prove(arch("aarch64"), expect).unwrap();
            assert_eq!(proof.credentials, Credentials::NotTried(NotTried::NotAsked));
            assert!(proof.proves(&expect));
        },
    );
}

#[test]
fn every_architecture_is_proven_at_once_and_nothing_is_left() {
    inside(
        "every_architecture_is_proven_at_once_and_nothing_is_left",
        Users::All,
        || {
            // This machine's own programs would run by their emulator, too, and it
            // by itself.
            let host = Arch::host();
            let foreign = || ARCHES.iter().filter(|a| a.name != host.name);
            for arch in foreign() {
                register(arch, &emulator(arch.emulator), "POCF");
            }
            let mounts = || std::fs::read_to_string("/proc/self/mountinfo").unwrap();
            let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
            let before = (mounts(), open());
            std::thread::scope(|scope| {
                let threads: Vec<_> = foreign()
                    .map(|arch| (arch, scope.spawn(|| prove(arch, Expect::default()))))
                    .collect();
                for (arch, thread) in threads {
                    let proof = thread.join().unwrap().unwrap();
                    assert!(proof.proves(&Expect::default()), "{}: {proof:?}", arch.name);
                }
            });
            assert_eq!((mounts(), open()), before);
            assert!(
                rustix::process::waitpid(None, rustix::process::WaitOptions::NOHANG).is_err(),
                "a child is left behind"
            );
        },
    );
}

#[test]
fn this_machines_own_program_runs_without_a_handler() {
    inside(
        "this_machines_own_program_runs_without_a_handler",
        Users::All,
        || {
            let proof = prove(Arch::host(), Expect::default()).unwrap();
            assert!(proof.proves(&Expect::default()), "{proof:?}");
        },
    );
}

#[test]
fn a_trials_handler_is_proven_by_programs_that_the_usual_one_does_not_take() {
    inside(
        "a_trials_handler_is_proven_by_programs_that_the_usual_one_does_not_take",
        Users::All,
        || {
            let trial = Expect {
                trial: true,
                ..Expect::default()
            };
            let prove_trial = || prove(arch("aarch64"), trial).unwrap();
            register(arch("aarch64"), &emulator("aarch64"), "POCF");
            assert_eq!(
                prove_trial(),
                did_not_run(Root::MountNamespace, Failure::NoHandler)
            );
            switch("qemu-aarch64", "-1");
            let pattern = arch("aarch64").pattern().for_trial().unwrap();
            register_as("tried", &pattern, &emulator("aarch64"), "POCF");
            assert!(prove_trial().proves(&trial));
            assert_eq!(
                proof(),
                did_not_run(Root::MountNamespace, Failure::NoHandler),
                "nobody's programs are taken"
            );
        },
    );
}

#[test]
fn what_the_kernel_runs_by_itself_is_found_out_beside_handlers() {
    inside(
        "what_the_kernel_runs_by_itself_is_found_out_beside_handlers",
        Users::All,
        || {
            let ask = |name: &str| runs_natively(arch(name), Duration::from_secs(10));
            assert_eq!(ask("x86_64"), Native::Yes, "as this test is run");
            assert_eq!(ask("aarch64"), Native::No);
            // What the kernel says of the plain program, with no handler there.
            let plain = Expect {
                argv0: false,
                ..Expect::default()
            };
            let kernels = match prove(arch("i386"), plain).unwrap().ran {
                Ran::Yes => Native::Yes,
                Ran::No(Failure::NoHandler) => Native::No,
                other => panic!("{other:?}"),
            };
            assert_eq!(ask("i386"), kernels);
            // The usual handlers have no part in it.
            for name in ["i386", "aarch64"] {
                register(arch(name), &emulator(name), "POCF");
            }
            assert_eq!(ask("i386"), kernels);
            assert_eq!(ask("aarch64"), Native::No);
            // One that takes even test programs hides the answer.
            let mut all = arch("i386").pattern();
            all.mask[7..16].fill(0);
            register_as("all", &all, &emulator("i386"), "POCF");
            assert_eq!(ask("i386"), Native::Unknown);
        },
    );
}
