//! How all verbs word the command that mends something.
//!
//! The table, the kernel's modules and its switches are the machine's. In a
//! container that uses the machine's table, or an outer container's, no command
//! inside mends these: the words send people to the host. `sudo` is in the words only
//! where the caller is not root and `sudo` gives root's rights.
//! The libraries say what is amiss; this module says which command or option mends it, and where.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use armistice_binfmt::situation::{self, Scope, Situation};
use armistice_binfmt::{BinfmtError, STANDARD_PATH};
use armistice_container::{Error as ContainerError, Forbidden};
use armistice_emulators::Error as EmulatorError;
use armistice_registry::{Error as RegistryError, Lack};
use armistice_store::Error as StoreError;

use crate::rootless::choice::NoTables;
use crate::rootless::{self, Joined};
use crate::warm::missing::OnlyOwn;

/// Where a command is to be run, and by what right it is run there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words {
    on_host: bool,
    rights: Rights,
}

/// What the caller needs to be root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    /// The caller is.
    Root,
    /// `sudo`.
    Sudo,
    /// Another way: here `sudo` gives no rights (no_new_privs, or root is not mapped).
    Other,
    /// A rootless engine's namespace, which is the user's own.
    Engine(Joined),
}

impl Words {
    /// For this process, whose table was looked for.
    pub(crate) fn of(situation: &Situation) -> Words {
        if let Some(joined) = rootless::joined() {
            return Words {
                on_host: false,
                rights: Rights::Engine(joined),
            };
        }
        let on_host = is_the_hosts(situation);
        Words {
            on_host,
            rights: if rustix::process::geteuid().is_root() {
                Rights::Root
            } else if on_host || sudo_would_help() {
                Rights::Sudo
            } else {
                Rights::Other
            },
        }
    }

    /// For this process.
    pub(crate) fn here() -> Words {
        Words::of(&situation::look())
    }

    /// The same, of what is the host's whatever table is in sight.
    fn on_the_host(self) -> Words {
        Words {
            on_host: true,
            ..self
        }
    }

    /// Whether it is for a host around this process.
    pub(crate) fn is_on_host(self) -> bool {
        self.on_host
    }

    /// Whether the caller is not who may run a command for the machine's table.
    pub(crate) fn want_root(self) -> bool {
        matches!(self.rights, Rights::Sudo | Rights::Other)
    }

    /// What comes before the command, behind "run". What root of a container may is not
    /// what is needed there.
    pub(crate) fn place(self) -> &'static str {
        match (self.on_host, self.rights) {
            (false, Rights::Other) => " as root",
            (false, _) => "",
            (true, Rights::Root) => " on the host, as root",
            (true, _) => " on the host",
        }
    }

    /// A command that only root may run.
    pub(crate) fn command(self, command: &str) -> String {
        match self.rights {
            Rights::Sudo => format!("sudo {command}"),
            Rights::Root | Rights::Other | Rights::Engine(_) => command.to_owned(),
        }
    }

    /// A verb of this command's that changes the table, for whom it is to be.
    pub(crate) fn verb(self, verb: &str, words: &str) -> String {
        match self.rights {
            Rights::Engine(joined) => joined.command(verb, words),
            _ => self.command(format!("armistice {verb} {words}").trim_end()),
        }
    }

    /// `armistice register` with these words, for whom it is to be.
    pub(crate) fn registering(self, words: &str) -> String {
        self.verb("register", words)
    }

    /// To write something into a file, which only root may.
    pub(crate) fn write(self, text: &str, file: &str) -> String {
        match self.rights {
            Rights::Sudo => format!("echo {text} | sudo tee {file}"),
            Rights::Root | Rights::Other => format!("echo {text} > {file}"),
            Rights::Engine(joined) => joined.inside(&format!("echo {text} > {file}")),
        }
    }

    /// `run: COMMAND`, with the place where that is to be.
    pub(crate) fn run(self, command: &str) -> String {
        format!("run{}: {}", self.place(), self.command(command))
    }
}

/// The words for this process as it was before it entered a user namespace of its own, in
/// which every user is root.
static OUTSIDE: OnceLock<Words> = OnceLock::new();

/// To be called before this process enters a user namespace of its own.
pub(crate) fn remember_outside() {
    let _ = OUTSIDE.get_or_init(Words::here);
}

/// What mends something of the machine's: `run: COMMAND`, with the place where that
/// is to be. Only root may run it.
pub(crate) fn on_the_machine(command: &str) -> String {
    let outside = OUTSIDE.get().copied();
    outside.unwrap_or_else(Words::here).run(command)
}

/// Whether a set-user-ID program gets root's rights here.
fn sudo_would_help() -> bool {
    let no_new_privileges = rustix::thread::no_new_privs().unwrap_or(false);
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let root_outside = |line: &str| {
        let mut words = line.split_whitespace();
        words.next() == Some("0") && words.next().is_some_and(|outside| outside == "0")
    };
    // Without `/proc` nothing tells.
    !no_new_privileges && (map.is_empty() || map.lines().any(root_outside))
}

/// What registers, as what mends something: for the machine, or for the engine whose
/// namespace was joined.
pub(crate) fn registering(words: &str) -> String {
    let here = Words::here();
    format!("run{}: {}", here.place(), here.registering(words))
}

/// Whether what exec looks in is the business of a host around this process.
pub(crate) fn is_the_hosts(situation: &Situation) -> bool {
    match (situation.scope, &situation.table) {
        (Scope::Private, _) => false,
        (Scope::Inherited, _) | (_, Err(BinfmtError::OutOfSight { .. })) => true,
        (Scope::Initial | Scope::Unclear, _) => is_container(),
    }
}

/// What mends an error, in words; `None` where nothing of the machine's does, or
/// where its own text says what to do.
pub(crate) fn of(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<EmulatorError>() {
            return of_emulators(error).map(str::to_owned);
        }
        if let Some(OnlyOwn(error)) = cause.downcast_ref() {
            return of_own_engines(error).map(str::to_owned);
        }
        if let Some(error) = cause.downcast_ref::<BinfmtError>() {
            return of_binfmt(error, Words::here());
        }
        if let Some(error) = cause.downcast_ref::<RegistryError>() {
            return of_registry(error).map(str::to_owned);
        }
        if let Some(error) = cause.downcast_ref::<StoreError>() {
            return of_store(error).map(str::to_owned);
        }
        if cause.is::<NoTables>() {
            return Some(format!(
                "{}; or without root and without an engine: armistice run IMAGE",
                on_the_machine("armistice register")
            ));
        }
        let container = cause.downcast_ref::<ContainerError>();
        if let Some(ContainerError::OldKernel) = container {
            return Some(format!(
                "in Docker, Podman or a chroot foreign programs run all the same once they are \
                 registered; {}",
                on_the_machine("armistice register")
            ));
        }
        if let Some(ContainerError::NoRanges { user, .. }) = container {
            let range = "100000-165535";
            return Some(on_the_machine(&format!(
                "usermod --add-subuids {range} --add-subgids {range} {user}"
            )));
        }
        let forbidden = match container {
            Some(ContainerError::Forbidden(forbidden)) => Some(forbidden),
            _ => cause.downcast_ref::<Forbidden>(),
        };
        Some(on_the_machine(&of_forbidden(forbidden?)?))
    })
}

/// What mends what is amiss with the table.
fn of_binfmt(error: &BinfmtError, words: Words) -> Option<String> {
    let mount = format!("mount -t binfmt_misc binfmt_misc {STANDARD_PATH}");
    Some(match error {
        BinfmtError::Unsupported => words.run("modprobe binfmt_misc"),
        error if is_to_register(error) => {
            format!("run{}: {}", words.place(), words.registering(""))
        }
        BinfmtError::NotMounted { .. } => words.run(&mount),
        BinfmtError::SwitchedOff => format!(
            "run{}: {}",
            words.place(),
            words.write("1", &format!("{STANDARD_PATH}/status"))
        ),
        BinfmtError::WouldBeLost => format!(
            "{}; or start this container with --pid=host (and --privileged), and it is done for you",
            words.on_the_host().run(&mount)
        ),
        BinfmtError::Foreign { name, .. } => {
            format!("to remove {name} for good and take its name: --replace")
        }
        BinfmtError::KernelTooOld { flag, .. } => {
            format!("leave it out with {}", option_against(*flag)?)
        }
        BinfmtError::WouldBePrivate => format!(
            "{}; or there without root, as the user whose rootless engine this is: armistice register --for podman (or \
             docker)",
            words.on_the_host().run("armistice register")
        ),
        _ => return None,
    })
}

/// Whether `register`, run by root, mends it: it mounts the table itself. Another answer of the
/// kernel's to who has tried to mount it than that the right is missing is root's answer, too.
pub(crate) fn is_to_register(error: &BinfmtError) -> bool {
    let BinfmtError::NotMounted { source } = error else {
        return false;
    };
    let denied = |answer: &std::io::Error| answer.kind() == std::io::ErrorKind::PermissionDenied;
    source.as_ref().is_none_or(denied)
}

/// The option that leaves a flag out.
fn option_against(flag: char) -> Option<&'static str> {
    Some(match flag {
        'F' => "--no-fix-binary",
        'P' => "--no-preserve-argv0",
        'O' => "--no-open-binary",
        'C' => "--no-credentials",
        _ => return None,
    })
}

/// The option by which another emulator is taken, or found.
fn of_emulators(error: &EmulatorError) -> Option<&'static str> {
    Some(match error {
        EmulatorError::OldProcessor { .. } => "use QEMU: --engine qemu",
        EmulatorError::NoEngine { .. } => {
            "or name its folder by --emulator-dir, or use QEMU: --engine qemu"
        }
        EmulatorError::NotFound { .. } => "or name a directory with --emulator-dir",
        _ => return None,
    })
}

/// The option by which an engine is found that nothing else can stand for.
fn of_own_engines(error: &EmulatorError) -> Option<&'static str> {
    matches!(error, EmulatorError::NoEngine { .. })
        .then_some("or name its folder by --emulator-dir")
}

/// The option by which a registry is reached, or another one is asked.
fn of_registry(error: &RegistryError) -> Option<&'static str> {
    Some(match error {
        RegistryError::AndMirrors { error, mirrors } => {
            return of_registry(error).or_else(|| mirrors.iter().find_map(of_registry));
        }
        RegistryError::Unauthorized { .. } => "or name a file with --authfile",
        // Of images of others no mirror is asked.
        RegistryError::Busy { registry, .. } if registry == "docker.io" => "or use --mirror",
        _ => match error.lacks()? {
            Lack::Registry => "a registry without TLS needs --insecure",
            Lack::Redirect | Lack::TokenServer => "--insecure allows that",
            Lack::Trust => {
                "name its authority's certificate with --tls-ca, or trust anybody with --insecure"
            }
        },
    })
}

/// What lets the store take what it has refused.
fn of_store(error: &StoreError) -> Option<&'static str> {
    match error {
        StoreError::LargeLayer { .. } => Some("where that is right, allow more by --max-layer"),
        StoreError::Owner { .. } => Some(of_owner()),
        _ => None,
    }
}

/// Whether this process's identities are those of /etc/subuid and /etc/subgid.
static HAS_RANGES: AtomicBool = AtomicBool::new(false);

/// Notes that this process has entered a user namespace with the user's ranges of
/// identities.
pub(crate) fn ranges_are_entered() {
    HAS_RANGES.store(true, Ordering::Relaxed);
}

/// What gives this process an owner that it does not have.
fn of_owner() -> &'static str {
    if HAS_RANGES.load(Ordering::Relaxed) {
        "give a longer range in /etc/subuid and /etc/subgid"
    } else {
        "this namespace was made with no more: run it on the machine itself, or make it with more"
    }
}

/// The command that lifts what forbids a private table.
fn of_forbidden(error: &Forbidden) -> Option<String> {
    let switch = |setting: &str| Some(format!("sysctl -w {setting}"));
    match error {
        Forbidden::SwitchedOff => switch("user.max_user_namespaces=65536"),
        Forbidden::UnprivilegedSwitchedOff => switch("kernel.unprivileged_userns_clone=1"),
        Forbidden::AppArmorRestricts => switch("kernel.apparmor_restrict_unprivileged_userns=0"),
        Forbidden::AllUsed { limit } => switch(&format!(
            "user.max_user_namespaces={}",
            limit.saturating_mul(2)
        )),
        Forbidden::NoBinfmtMisc => Some("modprobe binfmt_misc".to_owned()),
        _ => None,
    }
}

/// Whether this is inside a container, whose table is the host's: processes of
/// its own, or the file that Docker and Podman leave and another root than the
/// machine's (`--pid=host`).
fn is_container() -> bool {
    if !situation::sees_all_processes() {
        return true;
    }
    let marked = ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|mark| std::path::Path::new(mark).exists());
    marked && !situation::is_machines_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_mounted_is_mounted_by_registering() {
        let remedy = |errno: rustix::io::Errno| {
            let source = Some(errno.into());
            of(&BinfmtError::NotMounted { source }.into()).unwrap_or_default()
        };
        let told = remedy(rustix::io::Errno::PERM);
        assert!(told.ends_with("armistice register"), "{told}");
        // Which the kernel refuses root as well.
        let told = remedy(rustix::io::Errno::NOENT);
        assert!(told.contains("mount -t binfmt_misc"), "{told}");
    }

    #[test]
    fn a_used_up_limit_is_doubled() {
        let command = of_forbidden(&Forbidden::AllUsed { limit: 60000 });
        assert!(command.is_some_and(|c| c.contains("user.max_user_namespaces=120000")));
    }

    /// The libraries know no options: that they are told is held here.
    #[test]
    fn the_option_that_helps_is_told() {
        let option =
            |error: anyhow::Error| of(&error.context("what was tried")).unwrap_or_default();
        let foreign = BinfmtError::Foreign {
            name: "qemu-arm".to_owned(),
            second: "armistice-arm".to_owned(),
            interpreter: "/bin/false".into(),
            flags: "F".to_owned(),
        };
        assert_eq!(
            option(foreign.into()),
            "to remove qemu-arm for good and take its name: --replace"
        );
        let old = BinfmtError::KernelTooOld {
            flag: 'F',
            needs: armistice_binfmt::KernelVersion::FIX_BINARY,
            running: armistice_binfmt::KernelVersion::FIX_BINARY,
        };
        assert_eq!(option(old.into()), "leave it out with --no-fix-binary");
        let old = EmulatorError::OldProcessor {
            path: "/x".into(),
            missing: "AVX2".to_owned(),
        };
        assert_eq!(option(old.into()), "use QEMU: --engine qemu");
        let none = || EmulatorError::NoEngine {
            arch: "arm",
            searched: Vec::new(),
            passed_over: Vec::new(),
        };
        let both = "or name its folder by --emulator-dir, or use QEMU: --engine qemu";
        assert_eq!(option(none().into()), both);
        // QEMU keeps no translations.
        let only = OnlyOwn(none());
        assert_eq!(only.to_string(), none().to_string());
        assert_eq!(option(only.into()), "or name its folder by --emulator-dir");
        let large = StoreError::LargeLayer {
            layer: "sha256:0".to_owned(),
            reason: "it has too much".to_owned(),
        };
        assert_eq!(
            option(large.into()),
            "where that is right, allow more by --max-layer"
        );
    }

    #[test]
    fn the_option_that_helps_with_a_registry_is_told() {
        let option = |error: RegistryError| of(&anyhow::Error::from(error)).unwrap_or_default();
        let busy = |registry: &str| RegistryError::Busy {
            registry: registry.to_owned(),
            status: 429,
            after: None,
        };
        let no_tls = || RegistryError::NoTls {
            registry: "r.example".to_owned(),
        };
        let after = |mirrors: Vec<RegistryError>| RegistryError::AndMirrors {
            error: Box::new(busy("r.example")),
            mirrors,
        };
        let wants_login = RegistryError::Unauthorized {
            registry: "r.example".to_owned(),
            repository: "a".to_owned(),
            reason: String::new(),
        };
        let in_clear = RegistryError::TokenServerNoTls {
            registry: "r.example".to_owned(),
            realm: "http://t.example".to_owned(),
        };
        let plain = "a registry without TLS needs --insecure";
        assert_eq!(option(wants_login), "or name a file with --authfile");
        assert_eq!(option(in_clear), "--insecure allows that");
        assert_eq!(option(busy("docker.io")), "or use --mirror");
        assert_eq!(option(busy("r.example")), "");
        assert_eq!(option(no_tls()), plain);
        assert_eq!(option(after(vec![no_tls()])), plain);
        assert_eq!(option(after(Vec::new())), "");
    }

    #[test]
    fn sudo_is_for_those_who_are_not_root() {
        let words = |on_host, rights| Words { on_host, rights };
        let said = |words: Words| {
            let off = of_binfmt(&BinfmtError::SwitchedOff, words);
            [words.run("modprobe x"), off.unwrap_or_default()]
        };
        let file = format!("{STANDARD_PATH}/status");
        assert_eq!(
            said(words(false, Rights::Root)),
            [
                "run: modprobe x".to_owned(),
                format!("run: echo 1 > {file}")
            ]
        );
        assert_eq!(
            said(words(false, Rights::Sudo)),
            [
                "run: sudo modprobe x".to_owned(),
                format!("run: echo 1 | sudo tee {file}")
            ]
        );
        assert_eq!(
            said(words(false, Rights::Other))[0],
            "run as root: modprobe x"
        );
        assert_eq!(
            said(words(true, Rights::Root))[0],
            "run on the host, as root: modprobe x"
        );
        assert_eq!(
            said(words(true, Rights::Sudo))[0],
            "run on the host: sudo modprobe x"
        );
    }
}
