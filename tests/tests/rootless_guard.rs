//! Promise: what an ordinary user has registered for Podman comes back: `guard` puts
//! back what is removed, and registers anew in each of Podman's user namespaces; the
//! unit that `--persist` writes runs it.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use e2e::command::wait_until;
use e2e::ordinary_user::{end_processes, started_by};
use e2e::{HostTable, OrdinaryUser, Userland, leftovers, need, run};
use rustix::process::{Pid, Signal, kill_process};

/// Longer than any of this takes.
const SOON: Duration = Duration::from_secs(60);

#[track_caller]
fn eventually(what: &str, is: impl Fn() -> bool) {
    wait_until(what, SOON, is);
}

/// A running guard; told to end when dropped.
struct Guard(Child);

impl Guard {
    fn start(user: &OrdinaryUser, args: &[&str]) -> Guard {
        Guard::start_as(user.armistice(), user, args)
    }

    fn start_as(mut armistice: Command, user: &OrdinaryUser, args: &[&str]) -> Guard {
        let log = std::fs::File::create(user.at("guard.log")).expect("the home is writable");
        let child = armistice
            .args(["guard", "--interval", "1", "--ready-file", "ready"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be cloned"))
            .stderr(log)
            .spawn()
            .expect("the guard starts");
        Guard(child)
    }

    fn tell(&self, signal: Signal) {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        let _ = kill_process(pid.expect("a process number"), signal);
    }

    /// Tells it to end; its exit code.
    fn end(mut self) -> Option<i32> {
        self.tell(Signal::TERM);
        self.0.wait().ok()?.code()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.tell(Signal::TERM);
            let _ = self.0.wait();
        }
    }
}

/// What the guard has said so far.
fn log(user: &OrdinaryUser) -> String {
    std::fs::read_to_string(user.at("guard.log")).unwrap_or_default()
}

fn is_ready(user: &OrdinaryUser) -> bool {
    user.at("ready").exists()
}

#[test]
fn it_guards_over_the_lives_of_podmans_namespace() {
    let host = HostTable::mounted();
    let user = OrdinaryUser::new();
    user.load(&Userland::ARM64);
    run(user.podman().args(["system", "migrate"])).ok();
    // No pause process runs: the guard starts it, and is ready before any container.
    let guard = Guard::start(&user, &["--for", "podman", "arm64"]);
    eventually("ready", || is_ready(&user));
    let outside =
        "Programs of arm64 that are started outside of these containers do not run by it.";
    assert!(log(&user).contains(outside), "{}", log(&user));
    let runs = || user.run(&Userland::ARM64, &["uname", "-m"]);
    runs().ok().prints("aarch64");

    let table = "/proc/sys/fs/binfmt_misc";
    let script = format!("echo -1 > {table}/qemu-aarch64");
    run(user.podman().args(["unshare", "sh", "-c", &script])).ok();
    eventually("it is put back", || {
        log(&user).contains("Put back and verified")
    });
    runs().ok().prints("aarch64");

    let first = user.pause();
    run(user.podman().args(["system", "migrate"])).ok();
    eventually("the next namespace is guarded", || {
        let pause = std::fs::read_to_string(user.at("run/libpod/tmp/pause.pid"));
        pause.is_ok_and(|pid| pid.trim() != first) && is_ready(&user)
    });
    eventually("and has the handler", || {
        run(user.podman().args(["unshare", "ls", table]))
            .stdout
            .contains("qemu-aarch64")
    });
    runs().ok().prints("aarch64");
    assert!(
        log(&user).contains("has ended, and its table with it"),
        "{}",
        log(&user)
    );
    assert!(host.entries().is_empty());

    let said = log(&user);
    assert_eq!(guard.end(), Some(0), "{said}");
    assert!(!is_ready(&user));
    // Nothing of it stays, and what it registered does.
    let left = run(Command::new("pgrep").args(["-U", &user.uid().to_string(), "-x", "armistice"]));
    assert_eq!(left.stdout, "", "{left}");
    runs().ok().prints("aarch64");
}

#[test]
fn a_killed_guard_leaves_no_child() {
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    let guard = Guard::start(&user, &["--for", "podman", "arm64"]);
    eventually("ready", || is_ready(&user));
    guard.tell(Signal::KILL);
    eventually("its child ends", || {
        let left =
            run(Command::new("pgrep").args(["-U", &user.uid().to_string(), "-x", "armistice"]));
        left.stdout.trim().is_empty() || left.stdout.trim() == guard.0.id().to_string()
    });
}

#[test]
fn without_names_it_keeps_what_was_registered() {
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    run(user
        .armistice()
        .args(["register", "--for", "podman", "arm64"]))
    .ok();
    let guard = Guard::start(&user, &[]);
    eventually("ready", || is_ready(&user));
    let first = user.pause();
    run(user.podman().args(["system", "migrate"])).ok();
    eventually("the next namespace is guarded", || {
        let pause = std::fs::read_to_string(user.at("run/libpod/tmp/pause.pid"));
        pause.is_ok_and(|pid| pid.trim() != first)
            && run(user.armistice().args(["status", "-o", "name"])).stdout == "qemu-aarch64\n"
    });
    let said = log(&user);
    assert_eq!(guard.end(), Some(0), "{said}");
}

/// A bug once: where the machine's table had all that was wanted, the guard was ready,
/// whether or not that ran.
#[test]
fn it_is_not_ready_where_the_machines_table_does_not_run_it() {
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    run(user.podman().args(["unshare", "true"])).ok();
    let arm64 = ["--engine", "qemu", "arm64"];
    run(Command::new(user.at("bin/armistice"))
        .arg("register")
        .args(arm64))
    .ok();
    let guarding = [&["--for", "podman"], &arm64[..]].concat();
    // So little memory that QEMU does not start, whoever calls it.
    let little = || {
        let mut outer = Command::new(need::program("prlimit", "util-linux"));
        outer.args(["--as=150000000:unlimited", "--"]);
        started_by(outer, &user.armistice())
    };
    let guard = Guard::start_as(little(), &user, &guarding);
    eventually("it says that it does not work", || {
        log(&user).contains("NOT verified") && log(&user).contains("it is not ready")
    });
    assert!(!is_ready(&user), "{}", log(&user));
    let mut register = little();
    register.args(["register", "--for", "podman"]).args(arm64);
    run(&mut register)
        .exits(1)
        .says("not proven to work: qemu-aarch64");

    let all = ["-U", &user.uid().to_string(), "-x", "armistice"];
    for pid in run(Command::new("pgrep").args(all)).ok().stdout.lines() {
        let raise = ["--as=unlimited", "--pid", pid];
        run(user.command("prlimit").args(raise)).ok();
    }
    eventually("ready", || is_ready(&user));
    assert!(
        log(&user).contains("The machine's table runs all of this"),
        "{}",
        log(&user)
    );
    assert_eq!(guard.end(), Some(0));

    let guard = Guard::start_as(little(), &user, &guarding);
    eventually("it says that it does not work", || {
        log(&user).contains("it is not ready")
    });
    assert_eq!(guard.end(), Some(1), "not all was in place");
}

#[test]
fn what_can_not_be_guarded_is_an_error() {
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    run(user.armistice().args(["guard", "--for", "docker", "arm64"]))
        .exits(1)
        .says("rootless Docker does not run here");
    run(user.armistice().args(["guard", "--for", "podman", "arm46"])).exits(2);
}

/// A manager of the user's systemd, as a login starts it, in cgroups of its own. Where
/// systemd is not PID 1, only its processes see a folder that says so.
struct UsersSystemd<'u> {
    user: &'u OrdinaryUser,
    manager: Child,
    cgroup: String,
}

const MANAGER: &str = r#"
if [ ! -d /run/systemd/system ]; then
    mkdir -p /run/systemd
    mount -t tmpfs tmpfs /run/systemd
    mkdir /run/systemd/system
fi
for root in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
    if [ -e $root/cgroup.procs ]; then
        mkdir $root/$1
        chown -R $2 $root/$1
        echo $$ > $root/$1/cgroup.procs
    fi
done
shift 2
exec "$@""#;

impl UsersSystemd<'_> {
    fn start(user: &OrdinaryUser) -> UsersSystemd<'_> {
        let cgroup = format!("armistice-e2e-{}-systemd", std::process::id());
        let mut outer = Command::new(need::program("unshare", "util-linux"));
        outer
            .args(["--mount", "--propagation", "private"])
            .args(["sh", "-ec", MANAGER, "manager", &cgroup])
            .arg(user.uid().to_string());
        let log = std::fs::File::create(user.at("systemd.log")).expect("the home is writable");
        let program = need::program("/lib/systemd/systemd", "systemd");
        let manager = started_by(outer, &user.command(program))
            .arg("--user")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be cloned"))
            .stderr(log)
            .spawn()
            .expect("unshare starts");
        let systemd = UsersSystemd {
            user,
            manager,
            cgroup,
        };
        eventually("the user's systemd answers", || {
            let state = run(&mut systemd.systemctl(&["is-system-running"]));
            ["running", "degraded"].contains(&state.stdout.trim())
        });
        systemd
    }

    fn systemctl(&self, args: &[&str]) -> Command {
        let mut outer = Command::new(need::program("nsenter", "util-linux"));
        outer
            .arg(format!("--target={}", self.manager.id()))
            .args(["--mount", "--"]);
        let mut command = started_by(outer, &self.user.command("systemctl"));
        command.arg("--user").args(args);
        command
    }
}

impl Drop for UsersSystemd<'_> {
    fn drop(&mut self) {
        let pid = i32::try_from(self.manager.id())
            .ok()
            .and_then(Pid::from_raw);
        // What systemd ends by (systemd(1)): SIGTERM asks a user's manager to.
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        let started = Instant::now();
        while matches!(self.manager.try_wait(), Ok(None)) {
            if started.elapsed() > Duration::from_secs(10) {
                let _ = self.manager.kill();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        end_processes(self.user.uid());
        leftovers::remove_cgroup(&self.cgroup);
    }
}

#[test]
fn the_users_systemd_starts_it_and_leaves_podman_alone() {
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    user.load(&Userland::ARM64);
    let systemd = UsersSystemd::start(&user);
    let unit = "armistice-guard-podman.service";
    run(user
        .armistice()
        .args(["register", "--persist", "--for", "podman", "arm64"]))
    .ok();
    run(user.podman().args(["system", "migrate"])).ok();
    run(&mut systemd.systemctl(&["daemon-reload"])).ok();
    run(&mut systemd.systemctl(&["enable", "--now", unit])).ok();
    // As after a login: nobody has typed anything of Armistice's since.
    let script = "ls /proc/sys/fs/binfmt_misc";
    eventually("the unit registers", || {
        run(user.podman().args(["unshare", "sh", "-c", script]))
            .stdout
            .contains("qemu-aarch64")
    });
    user.run(&Userland::ARM64, &["uname", "-m"])
        .ok()
        .prints("aarch64");
    // What the guard has started of Podman's outlives it.
    let pause = user.pause();
    run(&mut systemd.systemctl(&["stop", unit])).ok();
    let state = run(&mut systemd.systemctl(&["show", "--property=Result", unit]));
    assert_eq!(state.stdout.trim(), "Result=success", "{state}");
    user.run(&Userland::ARM64, &["uname", "-m"])
        .ok()
        .prints("aarch64");
    assert_eq!(user.pause(), pause);
    run(user
        .armistice()
        .args(["unregister", "--persist", "--for", "podman"]))
    .ok();
    run(&mut systemd.systemctl(&["daemon-reload"])).ok();
    let left = run(&mut systemd.systemctl(&["list-unit-files", "armistice*"]));
    assert!(!left.stdout.contains(unit), "{left}");
}

#[test]
fn persisting_writes_a_unit_of_the_users_systemd() {
    let _ = need::program("/lib/systemd/systemd", "systemd");
    let analyze = need::program("systemd-analyze", "systemd");
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    let unit = ".config/systemd/user/armistice-guard-podman.service";
    run(user
        .armistice()
        .args(["register", "--persist", "--for", "podman", "arm64"]))
    .ok()
    .says("systemctl --user enable --now armistice-guard-podman.service")
    .says("loginctl enable-linger");
    let text = std::fs::read_to_string(user.at(unit)).expect("the unit is written");
    let line = format!(
        "ExecStart={} guard --for podman -- aarch64\n",
        user.at("bin/armistice").display()
    );
    assert!(text.contains(&line), "{text}");
    run(user
        .command(&analyze)
        .args(["--user", "verify"])
        .arg(user.at(unit)))
    .ok();
    run(user.armistice().arg("status"))
        .ok()
        .says("the guard in your systemd brings it back");

    // What `systemctl --user enable` makes.
    let wants = user.folder(".config/systemd/user/default.target.wants");
    let link = wants.join("armistice-guard-podman.service");
    std::os::unix::fs::symlink(user.at(unit), &link).expect("a link can be made");
    run(user.armistice().args(["unregister", "--for", "podman"]))
        .ok()
        .says("armistice unregister --for podman --persist");
    run(user
        .armistice()
        .args(["unregister", "--persist", "--for", "podman"]))
    .ok()
    .says("Removed")
    .says("systemctl --user stop armistice-guard-podman.service");
    assert!(!user.at(unit).exists());
    assert!(link.symlink_metadata().is_err());
    run(user
        .armistice()
        .args(["unregister", "--only-persist", "--for", "podman"]))
    .ok()
    .says("Nothing was persisted");
}

/// A bug once: it could not be undone while the engine did not run.
#[test]
fn what_was_persisted_is_undone_without_the_engine() {
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    let folder = user.folder(".config/systemd/user");
    let unit = folder.join("armistice-guard-docker.service");
    std::fs::write(&unit, "[Service]\nExecStart=/bin/true\n").expect("the home is writable");
    run(user
        .armistice()
        .args(["unregister", "--persist", "--for", "docker"]))
    .exits(1)
    .says("rootless Docker does not run here")
    .says("armistice unregister --only-persist --for docker");
    assert!(unit.exists());
    run(user
        .armistice()
        .args(["unregister", "--only-persist", "--for", "docker"]))
    .ok()
    .says("Removed");
    assert!(!unit.exists());
}
