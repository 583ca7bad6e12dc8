//! Promise: the Debian package leaves nothing behind when it is removed, and an
//! upgrade keeps what was registered.
//!
//! The real dpkg, as root of a system of its own: this machine's own files under
//! a layer in memory, with a table of its own. Nothing of it reaches the machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use e2e::isolation::run_isolated;
use e2e::{Done, need, product, run};

/// The package, and the same as a later version, in a folder.
fn packages() -> &'static Path {
    static PACKAGES: OnceLock<PathBuf> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        let folder = product::target_dir().join("e2e/packages");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("target/e2e can be made");
        xtask_deb(&folder);
        let made = folder.join(format!("armistice_{}_amd64.deb", env!("CARGO_PKG_VERSION")));
        let _ = need::program("dpkg-deb", "dpkg");
        std::fs::rename(made, folder.join("now.deb")).expect("the package is made");
        let later = "cd \"$1\"; dpkg-deb -R now.deb later
            sed -i 's/^Version: .*/&+later/' later/DEBIAN/control
            dpkg-deb -Zgzip -z1 --root-owner-group -b later later.deb; rm -r later";
        run(Command::new("sh").args(["-ec", later, "sh"]).arg(&folder)).ok();
        folder
    })
}

/// `cargo xtask deb` of the binary under test, with another target folder than
/// the workspace's. The task itself is built where Cargo builds.
fn xtask_deb(target_dir: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(Command::new(cargo)
        .args(["build", "--quiet", "--package", "xtask"])
        .current_dir(product::workspace()))
    .ok();
    let xtask = product::target_dir().join("x86_64-unknown-linux-gnu/debug/xtask");
    run(Command::new(xtask)
        .arg("deb")
        .env("ARMISTICE_BIN", product::binary())
        .env("CARGO_TARGET_DIR", target_dir))
    .ok();
}

/// A root over this machine's. The packages are in `/mnt`, what was changed is in
/// `/media`, and this machine as it is in `/srv`.
/// (Nothing in binfmt.d: with QEMU's package there, ours would have other names.)
const OVER: &str = "
cd '{layer}'; mount -t tmpfs tmpfs .; mkdir up work root
mount -t overlay -o lowerdir=/,upperdir=up,workdir=work overlay root
mount -t tmpfs tmpfs root/run
mkdir -p root/usr/lib/binfmt.d; mount -t tmpfs tmpfs root/usr/lib/binfmt.d
mount --bind '{packages}' root/mnt
mount --bind up root/media
mount --bind / root/srv";

/// What a container's start makes; then a script, with these to help it.
const ENTER: &str = r#"
mount -t proc proc root/proc
mount -t binfmt_misc binfmt_misc root/proc/sys/fs/binfmt_misc
mount --rbind /dev root/dev
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    chroot root sh -ec "$1""#;

const HELP: &str = r#"
T=/proc/sys/fs/binfmt_misc
# What is another file here than on the machine itself, but for dpkg's own.
files() {
    cd /media
    find . \( -path ./var/lib/dpkg -o -path ./var/cache -o -path ./var/log -o -path ./tmp \
        -o -path './root/.*' \) -prune -o -print | sort | while read -r f; do
        if [ -d "/$f" ] && [ -d "/srv/$f" ]; then continue; fi
        cmp --silent "/$f" "/srv/$f" || echo "$f $(stat -c %a "/$f" 2>&1)"
    done
}
entries() { ls $T | grep -v -e '^register$' -e '^status$' || true; }
# Or man-db would read every page of the machine.
rm -f /var/lib/man-db/auto-update
dpkg --purge armistice > /dev/null 2>&1
rm -rf /usr/local/libexec/armistice /etc/binfmt.d/zz-armistice.conf
files > /tmp/before
"#;

fn in_a_root_of_its_own(script: &str) -> Done {
    let layer = e2e::temporary();
    let mounts = OVER
        .replace("{layer}", &layer.path().display().to_string())
        .replace("{packages}", &packages().display().to_string());
    run_isolated(
        None,
        &mounts,
        &["sh", "-ec", ENTER, "enter", &format!("{HELP}\n{script}")],
        Duration::from_secs(300),
    )
}

#[test]
fn removed_it_leaves_no_entry_no_rule_no_copy_and_no_file() {
    let done = in_a_root_of_its_own(
        r#"
        dpkg --install /mnt/now.deb
        armistice register arm64 arm/v7 --persist
        echo ':other:E::armistice-test::/bin/true:' > $T/register
        entries; ls /etc/binfmt.d/zz-armistice.conf /usr/local/libexec/armistice
        # As a later run keeps it: not of an emulator that was written just now.
        mkdir -p /run/armistice; touch /run/armistice/identities
        # As 'cache warm' leaves it.
        mkdir -p /var/lib/armistice/baked; touch /var/lib/armistice/baked/armistice-aarch64
        dpkg --remove armistice
        echo removed
        test ! -e /run/armistice
        entries
        files > /tmp/after
        diff /tmp/before /tmp/after
        dpkg --purge armistice
        echo purged"#,
    )
    .ok();
    done.clone().says("qemu-aarch64").says("armistice-aarch64");
    let (_, after) = done.stdout.split_once("removed\n").expect("said above");
    assert_eq!(after.lines().next(), Some("other"), "{done}");
    assert!(!after.contains("qemu-"), "{done}");
}

#[test]
fn an_upgrade_keeps_what_was_registered() {
    let done = in_a_root_of_its_own(
        r#"
        dpkg --install /mnt/now.deb
        armistice register arm64 --persist
        armistice register riscv64
        entries > /tmp/entries; cat $T/qemu-* > /tmp/texts
        dpkg --install /mnt/later.deb
        entries | diff /tmp/entries -; cat $T/qemu-* | diff /tmp/texts -
        armistice verify arm64 riscv64
        ls /etc/binfmt.d/zz-armistice.conf /usr/local/libexec/armistice/armistice-aarch64"#,
    )
    .ok();
    done.says("goes on with the emulators of before");
}

/// The table that a chroot shows is that of the machine around it.
#[test]
fn removed_in_a_chroot_it_leaves_the_machines_table_alone() {
    in_a_root_of_its_own(
        r#"
        dpkg --install /mnt/now.deb
        armistice register arm64 --persist
        cp $T/qemu-aarch64 /tmp/entry
        mkdir /tmp/inner; mount --rbind / /tmp/inner
        chroot /tmp/inner dpkg --remove armistice
        diff /tmp/entry $T/qemu-aarch64
        files | diff /tmp/before -"#,
    )
    .ok();
}

#[test]
fn where_no_table_is_mounted_it_is_removed_all_the_same() {
    in_a_root_of_its_own(
        r#"
        dpkg --install /mnt/now.deb
        armistice register arm64 --persist
        umount $T
        dpkg --remove armistice
        files | diff /tmp/before -"#,
    )
    .ok();
}

#[test]
fn where_the_table_cannot_be_written_it_is_removed_and_says_what_stays() {
    in_a_root_of_its_own(
        r#"
        dpkg --install /mnt/now.deb
        armistice register arm64 --persist
        mount -o remount,bind,ro $T
        dpkg --remove armistice
        files | diff /tmp/before -
        entries"#,
    )
    .ok()
    .says("stays until the next boot")
    .says("qemu-aarch64");
}

/// A bug once: dpkg could not remove what had lost its command.
#[test]
fn with_the_command_gone_or_broken_it_is_removed_and_says_what_may_stay() {
    let done = in_a_root_of_its_own(
        r"
        for broken in 'rm /usr/bin/armistice' 'ln -sf /bin/false /usr/bin/armistice'; do
            dpkg --install /mnt/now.deb
            $broken
            dpkg --remove armistice
            if dpkg --status armistice | grep 'Status: .* installed'; then exit 9; fi
        done",
    );
    let done = done.ok();
    assert_eq!(done.stderr.matches("may be left").count(), 2, "{done}");
}

/// What the removal does, by hand.
#[test]
fn what_is_persisted_is_undone_alone() {
    in_a_root_of_its_own(
        r#"
        dpkg --install /mnt/now.deb
        files > /tmp/installed
        armistice register arm64 --persist
        armistice unregister --only-persist
        files | diff /tmp/installed -
        test "$(entries)" = qemu-aarch64"#,
    )
    .ok();
}
