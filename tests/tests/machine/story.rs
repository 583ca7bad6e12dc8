//! Promise: on the kernels of Debian's releases, with systemd as PID 1, Docker
//! and AppArmor, the package installs, a registration is proven, is there after
//! a reboot with nobody's help, is kept by the guard, and goes without a trace.
//!
//! The story is a table of acts; what each has to say is in it. One release runs
//! always, as far as the first reboot; all of them to the end with
//! `ARMISTICE_LONG=1`, which writes tests/results/machine.md.

use e2e::machine::{Machine, RELEASES, Release};
use e2e::{own_machine, product};

use crate::report::Page;

/// What is done, and how one sees that it worked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// A script that has to end with 0 and to say this.
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
        "! docker run --rm --platform linux/arm64 armistice.test/debian:arm64 uname -m 2>&1",
        "exec format error",
    ),
    check(
        "`explain` says why not, and what helps",
        "! /srv/armistice explain armistice.test/debian:arm64",
        "armistice register arm64",
    ),
    check(
        "the package is installed by apt",
        "find / -xdev -path /proc -prune -o -print | sort > /root/before
         apt-get install --yes --no-install-recommends /srv/armistice.deb
         armistice --version",
        "armistice 0.",
    ),
    check(
        "`register --persist` registers and proves",
        "armistice register arm64 --persist",
        "verified: ran a test program in an empty root",
    ),
    check("the arm64 image runs", RUN, "aarch64"),
    Act::Reboot,
    check(
        "after the reboot the entry is there, with its emulator open",
        "tr '\\n' ' ' < /proc/sys/fs/binfmt_misc/qemu-aarch64",
        "enabled interpreter /usr/local/libexec/armistice/armistice-aarch64 flags: POCF",
    ),
    check("the arm64 image runs after the reboot", RUN, "aarch64"),
    check("`verify` agrees", "armistice verify arm64 2>&1", "arm64"),
    check(
        "the container is confined by Docker's AppArmor profile",
        "docker run --rm --platform linux/arm64 armistice.test/debian:arm64 cat /proc/1/attr/current",
        "docker-default (enforce)",
    ),
    check(
        "AppArmor denied nothing",
        "dmesg > /root/log; ! grep 'apparmor=\"DENIED\"' /root/log; echo nothing",
        "nothing",
    ),
];

/// With `ARMISTICE_LONG=1`.
const REST: &[Act] = &[
    check(
        "`systemd-binfmt` run again leaves it as it is",
        "systemctl restart systemd-binfmt
         armistice verify arm64 2>&1",
        "arm64",
    ),
    check(
        "the guard puts back what is removed",
        "systemctl enable --now armistice-guard
         sleep 5
         echo -1 > /proc/sys/fs/binfmt_misc/qemu-aarch64
         for i in $(seq 60); do
             if [ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]; then break; fi
             sleep 1
         done
         cat /proc/sys/fs/binfmt_misc/qemu-aarch64",
        "enabled",
    ),
    Act::Reboot,
    check(
        "the guard runs after the reboot",
        "systemctl is-active armistice-guard",
        "active",
    ),
    check("the arm64 image runs beside the guard", RUN, "aarch64"),
    check(
        "a private table works, or the kernel's age is named",
        "if setpriv --reuid=65534 --regid=65534 --clear-groups \
             armistice shell -a arm64 -- true > /tmp/said 2>&1; then
             echo works
         else
             grep -q 6.7 /tmp/said && echo 'named'
         fi",
        "",
    ),
    check(
        "`unregister --persist` leaves no entry and no file",
        "systemctl disable --now armistice-guard
         armistice unregister --persist
         ls /proc/sys/fs/binfmt_misc/ /etc/binfmt.d /usr/local/libexec 2>&1 | grep -i -e qemu -e armistice || echo nothing",
        "nothing",
    ),
    check(
        "removing the package leaves nothing",
        "apt-get purge --yes armistice
         find / -xdev -path /proc -prune -o -print | sort > /root/after
         comm -13 /root/before /root/after | grep -i armistice || echo nothing",
        "nothing",
    ),
    check(
        "the image registers, and the entry outlives its container",
        "docker run --rm --privileged --pid=host armistice --install arm64 >&2
         docker run --rm --platform linux/arm64 armistice.test/debian:arm64 uname -m",
        "aarch64",
    ),
    Act::Reboot,
    check(
        "after one more reboot nothing is registered",
        "! docker run --rm --platform linux/arm64 armistice.test/debian:arm64 uname -m 2>&1",
        "exec format error",
    ),
];

const RUN: &str = "docker run --rm --platform linux/arm64 armistice.test/debian:arm64 uname -m";

#[test]
fn a_registration_outlives_a_real_reboot() {
    let mut page = Page::default();
    let long = std::env::var_os("ARMISTICE_LONG").is_some_and(|value| value == "1");
    if long {
        for release in chosen() {
            tell(release, &[FIRST, REST].concat(), &mut page);
        }
        page.write();
    } else {
        tell(own_machine::STABLE, FIRST, &mut page);
    }
    assert!(page.failures().is_empty(), "{}", page.failures());
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

fn tell(release: Release, acts: &[Act], page: &mut Page) {
    let machine = own_machine::start(release, &[(product::package(), "armistice.deb")]);
    page.begin(release.suite, &versions(&machine));
    let mut reboots = 0;
    for act in acts {
        match act {
            Act::Reboot => {
                reboots += 1;
                machine.reboot();
            }
            Act::Check { what, script, says } => {
                let done = machine.run(script);
                let said = format!("{}{}", done.stdout, done.stderr).to_lowercase();
                let as_told = done.status.success() && said.contains(&says.to_lowercase());
                page.note(release.suite, what, (!as_told).then(|| done.to_string()));
            }
        }
    }
    assert!(reboots > 0, "a story without a reboot");
}

/// What the machine is made of.
fn versions(machine: &Machine) -> String {
    let script = r#"echo "Linux $(uname -r), $(systemctl --version | head -n 1), Docker $(dockerd --version | cut -d ' ' -f 3 | tr -d ,)""#;
    machine.run(script).ok().stdout.trim().to_owned()
}
