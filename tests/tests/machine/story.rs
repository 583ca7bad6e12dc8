//! Promise: on the kernels of Debian's releases, with systemd as PID 1, Docker
//! and AppArmor, the package installs, a registration is proven, is there after
//! a reboot with nobody's help, is kept by the guard, and goes with the package
//! without a trace; a kernel without private tables is named where that matters.
//!
//! The story is a table of acts; what each has to say is in it. One release runs
//! always, as far as the first reboot; all of them to the end with
//! `ARMISTICE_LONG=1`, which writes tests/results/machine.md.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use e2e::machine::{Machine, RELEASES, Release};
use e2e::{own_machine, product};

use crate::report::Page;

/// What is done, and how one sees that it worked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// A script that has to end with 0 and to say this. [`HELP`] is before it.
    Check {
        what: &'static str,
        script: &'static str,
        says: &'static str,
    },
    /// The machine is restarted.
    Reboot,
}

const fn check(what: &'static str, script: &'static str, says: &'static str) -> Act {
    Act::Check { what, script, says }
}

/// Before each script.
const HELP: &str = r#"
# systemd gives its services another PATH than users have, in newer releases.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# For the middle of a script: what fails after ! does not end it.
not() { if "$@"; then return 1; fi; }
T=/proc/sys/fs/binfmt_misc
# In a container, and in a folder that ada has: Docker takes its time here.
arm64() { docker run --rm --platform linux/arm64 armistice.test/debian:arm64 "$@"; }
arm64_root() { chroot /home/ada/root "$@"; }
# Linux is older than this.
before() { [ "$(printf '%s\n' "$1" "$(uname -r)" | sort --version-sort | head -n 1)" != "$1" ]; }
as_ada() {
    mkdir -p /run/user/ada; chown ada: /run/user/ada
    setpriv --reuid=ada --regid=ada --init-groups \
        env HOME=/home/ada USER=ada XDG_RUNTIME_DIR=/run/user/ada "$@"
}
# `run` of a root folder, by this command.
run_as_ada() {
    code=0
    as_ada "$1" run /home/ada/root uname -m > /root/said 2>&1 || code=$?
    cat /root/said
    if before 5.12; then
        [ $code = 125 ]
        grep 'Linux 5.12' /root/said
    else
        [ "$(cat /root/said)" = aarch64 ]
    fi
    echo as it should
}
# All files that lie on the disk, but for those of the engines, of apt and dpkg,
# and what a running system writes; dpkg's is asked by its own commands.
files() {
    find / -xdev \( -path /var/lib/docker -o -path /var/lib/containerd -o -path /var/lib/dpkg \
        -o -path /var/lib/apt -o -path /var/cache -o -path /var/log -o -path /var/tmp -o -path /tmp \
        -o -path /root -o -path /home -o -path /var/lib/systemd/timers \) -prune -o -print | sort
}
# What there is of Armistice, but for what the tests brought.
traces() {
    find / /run -xdev -path /proc -prune -o -path /srv -prune -o -path /sys -prune \
        -o -iname '*armistice*' -print | grep -v -e armistice-agent -e armistice-handed \
        -e '^/var/lib/docker' -e '^/home/ada' -e '^/root' | sort -u
    grep -rl -i -e armistice /etc/binfmt.d /usr/lib/binfmt.d /run/binfmt.d 2>/dev/null || true
    ls $T | grep -e qemu -e armistice || true
    pgrep --list-full '^armistice' | grep -v agent || true
    systemctl list-units --all --plain --no-legend 'armistice*' | grep -v agent || true
    dpkg-query --show --showformat '${Status} ${Package}\n' armistice 2>/dev/null |
        grep -v not-installed || true
}
"#;

/// Always.
const FIRST: &[Act] = &[
    check(
        "AppArmor is on",
        "cat /sys/module/apparmor/parameters/enabled; aa-status --enabled",
        "Y",
    ),
    check(
        "Docker is a service of systemd",
        "systemctl enable --now docker
         docker load --quiet --input /srv/target/userlands/image-arm64.tar
         docker load --quiet --input /srv/image.tar
         systemctl is-active docker",
        "active",
    ),
    check(
        "an arm64 image does not run",
        "! arm64 uname -m 2>&1",
        "exec format error",
    ),
    check(
        "an ordinary user runs it without Docker and unregistered, or the kernel's age is named",
        "mkdir /home/e2e; chown 54321:54321 /home/e2e; cd /home/e2e
         user='setpriv --reuid=54321 --regid=54321 --clear-groups env HOME=/home/e2e'
         if $user /srv/armistice run /srv/target/userlands/image-arm64.tar uname -m 2> /tmp/said; then
             rm -r /home/e2e
         else
             cat /tmp/said; grep -q 'needs Linux 5.12' /tmp/said; uname -r | grep '^5[.]10[.]'; echo named aarch64
         fi",
        "aarch64",
    ),
    check(
        "`explain` says why not, and what helps",
        "! /srv/armistice explain armistice.test/debian:arm64",
        "armistice register arm64",
    ),
    check(
        "the package is installed by apt",
        "files > /root/before
         traces > /root/traces
         apt-get install --yes --no-install-recommends /srv/armistice.deb
         armistice --version",
        "armistice 0.",
    ),
    check(
        "`register --persist` registers and proves",
        "armistice register arm64 --persist",
        "verified: ran a test program in an empty root",
    ),
    check("the arm64 image runs", "arm64 uname -m", "aarch64"),
    Act::Reboot,
    check(
        "after the reboot the entry is there, with its emulator open",
        "text=$(tr '\\n' ' ' < $T/qemu-aarch64)
         echo \"$text\"
         flags=POCF; if before 5.12; then flags=OCF; fi
         echo \"$text\" | grep \"^enabled interpreter .* flags: $flags \"",
        "enabled interpreter /usr/local/libexec/armistice/armistice-aarch64",
    ),
    check(
        "the arm64 image runs after the reboot",
        "arm64 uname -m",
        "aarch64",
    ),
    check("`verify` agrees", "armistice verify arm64 2>&1", "arm64"),
    check(
        "the container is confined by Docker's AppArmor profile",
        "arm64 cat /proc/1/attr/current",
        "docker-default (enforce)",
    ),
    check(
        "AppArmor denied nothing",
        "dmesg > /root/log; not grep 'apparmor=\"DENIED\"' /root/log; echo nothing",
        "nothing",
    ),
];

/// With `ARMISTICE_LONG=1`.
const REST: &[Act] = &[
    check(
        "`systemd-binfmt` run again leaves it as it is",
        "cat $T/qemu-aarch64 > /root/entry
         systemctl restart systemd-binfmt
         diff /root/entry $T/qemu-aarch64
         armistice verify arm64 2>&1",
        "arm64",
    ),
    check(
        "an ordinary user's `run` runs a root folder, or names the kernel's age",
        "mkdir -p /home/ada/root
         tar -x -f /srv/target/userlands/bookworm-arm64.tar -C /home/ada/root
         chown -R ada: /home/ada
         run_as_ada armistice",
        "as it should",
    ),
    check(
        "rootless Podman runs the arm64 image by the machine's entry",
        "cd /home/ada
         as_ada podman --cgroup-manager=cgroupfs load --quiet --input /srv/target/userlands/image-arm64.tar >&2
         as_ada podman --cgroup-manager=cgroupfs run --rm --network=host --cgroups=disabled \
             armistice.test/debian:arm64 uname -m",
        "aarch64",
    ),
    check(
        "the guard puts back what is removed",
        "systemctl enable --now armistice-guard 2>&1
         for i in $(seq 60); do
             if journalctl --unit armistice-guard | grep -q verified; then break; fi
             sleep 1
         done
         echo -1 > $T/qemu-aarch64
         for i in $(seq 60); do
             if [ -e $T/qemu-aarch64 ]; then break; fi
             sleep 1
         done
         cat $T/qemu-aarch64",
        "enabled",
    ),
    Act::Reboot,
    check(
        "the guard runs after the reboot",
        "systemctl is-active armistice-guard",
        "active",
    ),
    check(
        "arm64 programs run beside the guard",
        "arm64_root uname -m",
        "aarch64",
    ),
    check(
        "the guard of after the reboot puts back what is removed",
        "echo -1 > $T/qemu-aarch64
         for i in $(seq 60); do
             if [ -e $T/qemu-aarch64 ]; then break; fi
             sleep 1
         done
         arm64_root uname -m",
        "aarch64",
    ),
    check(
        "the package is removed with the guard running: no entry, rule, copy or unit is left",
        "apt-get remove --yes armistice 2>&1 | tee /root/removal
         not grep 'may be left' /root/removal
         # Until it is purged, dpkg knows of a removed package.
         traces | grep -v -e ^/var/lib/dpkg/info/ -e config-files | diff /root/traces -
         files | diff /root/before - | grep '^[<>]' || echo no other file",
        "no other file",
    ),
    check(
        "arm64 programs run no more",
        "! arm64_root uname -m 2>&1",
        "exec format error",
    ),
    check(
        "purged after that, nothing of it is in dpkg",
        "apt-get purge --yes armistice 2>&1
         ! dpkg --status armistice 2>&1",
        "not installed",
    ),
    check(
        "installed, persisted and guarded again, it is purged at one go without a trace",
        "apt-get install --yes --no-install-recommends /srv/armistice.deb
         armistice register arm64 --persist
         systemctl enable --now armistice-guard 2>&1
         arm64_root uname -m
         apt-get purge --yes armistice 2>&1
         traces | diff /root/traces -
         files | diff /root/before - | grep '^[<>]' || echo no other file",
        "no other file",
    ),
    Act::Reboot,
    check(
        "after a reboot nothing of it has come back, and no unit failed for it",
        "not arm64_root uname -m 2>&1
         traces | diff /root/traces -
         systemctl is-failed systemd-binfmt || true
         systemctl --failed --no-legend --plain > /root/units
         not grep -i -e binfmt -e armistice /root/units",
        "exec format error",
    ),
    check(
        "`shell` gives an ordinary user a table, or names the kernel's age and what to do",
        "if before 6.7; then
             code=0
             as_ada /srv/armistice shell -a arm64 -- true > /root/said 2>&1 || code=$?
             cat /root/said
             [ $code = 125 ]
             grep 'a private one needs Linux 6.7' /root/said
             grep 'register' /root/said
             echo as it should
         else
             as_ada /srv/armistice shell --map-root -a arm64 -- chroot /home/ada/root uname -m > /root/said
             grep aarch64 /root/said
             not ls $T/qemu-aarch64
             echo as it should
         fi",
        "as it should",
    ),
    check(
        "root's `shell` does the same, and the machine's table stays as it is",
        "ls $T > /root/table
         if before 6.7; then
             not /srv/armistice shell -a arm64 -- true > /root/said 2>&1
             cat /root/said
             grep 'a private one needs Linux 6.7' /root/said
         else
             /srv/armistice shell -a arm64 -- chroot /home/ada/root uname -m > /root/said
             grep aarch64 /root/said
         fi
         ls $T | diff /root/table - && echo as it should",
        "as it should",
    ),
    check(
        "an ordinary user's `register` says that it takes root",
        "not as_ada /srv/armistice register arm64 > /root/said 2>&1
         cat /root/said
         grep sudo /root/said",
        "sudo",
    ),
    check(
        "an ordinary user's `run` does the same with nothing registered",
        "run_as_ada /srv/armistice",
        "as it should",
    ),
    check(
        "the image registers, and the entry outlives its container",
        "docker run --rm --privileged --pid=host armistice --install arm64 >&2
         arm64 uname -m",
        "aarch64",
    ),
    Act::Reboot,
    check(
        "after one more reboot nothing is registered",
        "! arm64_root uname -m 2>&1",
        "exec format error",
    ),
];

#[test]
fn a_registration_outlives_a_real_reboot() {
    let mut page = Page::default();
    let long = std::env::var_os("ARMISTICE_LONG").is_some_and(|value| value == "1");
    if long {
        let acts = [FIRST, REST].concat();
        let names = acts.iter().filter_map(|act| match act {
            Act::Check { what, .. } => Some(*what),
            Act::Reboot => None,
        });
        page.expect(std::iter::once(UP).chain(names));
        for release in chosen() {
            // A machine that does not come up is a failure of its release alone.
            let told = catch_unwind(AssertUnwindSafe(|| {
                // After each, so that a run which is broken off keeps what it has.
                tell(release, &acts, &mut page, Page::write);
            }));
            if let Err(panic) = told {
                page.note(release.suite, UP, Duration::ZERO, Some(text_of(&*panic)));
            }
            page.write();
        }
    } else {
        tell(own_machine::STABLE, FIRST, &mut page, |_| ());
    }
    assert!(page.failures().is_empty(), "{}", page.failures());
}

/// The check that an [`Act::Reboot`] is.
const UP: &str = "the machine comes up each time";

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.unwrap_or_else(|| "it panicked".to_owned())
}

/// All, or those that `ARMISTICE_RELEASES` names.
fn chosen() -> Vec<Release> {
    let named = std::env::var("ARMISTICE_RELEASES").ok();
    let is_named = |release: &Release| {
        named
            .as_ref()
            .is_none_or(|names| names.split(',').any(|name| name == release.suite))
    };
    RELEASES.into_iter().filter(is_named).collect()
}

fn tell(release: Release, acts: &[Act], page: &mut Page, keep: fn(&mut Page)) {
    let started = Instant::now();
    let machine = own_machine::start(release, &[(product::package(), "armistice.deb")]);
    page.begin(release.suite, &versions(&machine));
    page.note(release.suite, UP, started.elapsed(), None);
    let mut reboots = 0;
    for act in acts {
        let started = Instant::now();
        match act {
            Act::Reboot => {
                reboots += 1;
                machine.reboot();
            }
            Act::Check { what, script, says } => {
                let done = machine.run(&format!("{HELP}{script}"));
                let said = format!("{}{}", done.stdout, done.stderr).to_lowercase();
                let as_told = done.status.success() && said.contains(&says.to_lowercase());
                // Without the help, which is long and always the same.
                let failure = (!as_told).then(|| done.to_string().replace(HELP.trim(), ""));
                say(release, what, started.elapsed(), failure.as_deref());
                page.note(release.suite, what, started.elapsed(), failure);
                keep(page);
            }
        }
    }
    assert!(reboots > 0, "a story without a reboot");
}

/// At once, since the whole takes an hour and more: past what the test harness keeps
/// until a test's end.
fn say(release: Release, what: &str, took: Duration, failure: Option<&str>) {
    let how = failure.map_or_else(String::new, |failure| format!("\n{failure}"));
    let line = format!("{}: {what}, {} s{how}\n", release.suite, took.as_secs());
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// What the machine is made of.
fn versions(machine: &Machine) -> String {
    let script = r#"echo "Linux $(uname -r), $(systemctl --version | head -n 1), Docker $(dockerd --version | cut -d ' ' -f 3 | tr -d ,)""#;
    machine.run(script).ok().stdout.trim().to_owned()
}
