//! Promise: `armistice run` does with less than the newest kernel and the best file
//! system: without a table of its own, without newer ways of mounting, and where
//! overlay is refused.

use e2e::command::take_environment;
use e2e::lesser_kernel::{Lack, run_lacking};
use e2e::run_place::{EVERYBODY, Place, Who};
use e2e::{Done, HostTable, PrivateTable, Userland, run};

/// As Linux before 6.7 refuses a table inside a user namespace.
const NO_TABLE: Lack = Lack::FileSystem("binfmt_misc", libc::EPERM);
/// As a kernel whose module is not there.
const NO_MODULE: Lack = Lack::FileSystem("binfmt_misc", libc::ENODEV);

fn sh_lacking(place: &Place, lacks: &[Lack], options: &[&str], script: &str) -> Done {
    run_lacking(lacks, place.command(options, &["sh", "-c", script]))
}

/// A failure once, beside other tests: the machine's table ran arm64 as the container began,
/// and not any more as its command did. So these tests have that table, and it is empty.
#[test]
fn without_a_table_the_engine_executes_programs_itself() {
    let _host = HostTable::mounted();
    for who in EVERYBODY {
        let place = Place::of(who);
        for lack in [NO_TABLE, NO_MODULE] {
            for init in [&[][..], &["--init"]] {
                run_lacking(&[lack], place.command(init, &["uname", "-m"]))
                    .ok()
                    .prints("aarch64");
                // Programs that programs start, and scripts.
                let script = "uname -m; printf '#!/bin/sh\necho $0 $*; exec uname -m\n' > /bin/s; \
                              chmod +x /bin/s; s one two; echo '#!/bin/s three' > /bin/t; chmod +x /bin/t; t; \
                              readlink /proc/self/exe; ls /proc/sys/fs/binfmt_misc | wc -l; exit 7";
                let done = sh_lacking(&place, &[lack], init, script).exits(7);
                done.prints(
                    "aarch64\n/bin/s one two\naarch64\n/bin/s three /bin/t\naarch64\n/bin/readlink\n0",
                );
            }
        }
    }
}

#[test]
fn without_a_table_the_command_may_be_a_script() {
    let _host = HostTable::mounted();
    let place = Place::of(Who::User);
    let script = place.home().join("script");
    let text = "#!/usr/bin/env  sh\necho $0 $*\nuname -m\n";
    std::fs::write(&script, text).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, executable).unwrap();
    let mount = format!("{}:/usr/bin/of-mine", script.display());
    for command in ["of-mine", "/usr/bin/of-mine"] {
        let command = place.command(&["-v", &mount], &[command, "-a", "--", "b"]);
        run_lacking(&[NO_TABLE], command)
            .ok()
            .prints("/usr/bin/of-mine -a -- b\naarch64");
    }
}

#[test]
fn without_a_table_exit_codes_and_errors_are_the_same() {
    let _host = HostTable::mounted();
    let place = Place::of(Who::User);
    let run = |words: &[&str]| run_lacking(&[NO_TABLE], place.command(&[], words));
    run(&["nosuch"]).exits(127).says("PATH");
    run(&["/no/such"]).exits(127).says("no such file");
    run(&["/etc"]).exits(126);
    run(&["/etc/debian_version"]).exits(126);
    sh_lacking(&place, &[NO_TABLE], &[], "sh -c 'kill -9 $$'").exits(137);
    // What the kernel would say, the engine says.
    sh_lacking(&place, &[NO_TABLE], &[], "/etc/debian_version").exits(126);
}

#[test]
fn without_a_table_other_architectures_are_refused() {
    let _host = HostTable::mounted();
    let place = Place::new(Who::User);
    run(place
        .armistice(&["pull"])
        .arg(tar_for_everybody(&place, &Userland::S390X)))
    .ok();
    let image = Userland::S390X.image();
    let run = |lack| {
        let mut command = place.armistice(&["run", "--platform", "linux/s390x", &image, "true"]);
        command.env_remove("ARMISTICE_EMULATOR_DIR");
        run_lacking(&[lack], command)
    };
    run(NO_MODULE)
        .exits(125)
        .says("no binfmt_misc")
        .says("arm64");
}

/// The image where the place's user may read it.
fn tar_for_everybody(place: &Place, userland: &Userland) -> std::path::PathBuf {
    let to = place.folder.path().join(format!("{}.tar", userland.debian));
    std::fs::copy(userland.archive(), &to).expect("the test's own files");
    to
}

#[test]
fn nothing_of_the_engine_is_in_the_container_or_can_be_written() {
    let _host = HostTable::mounted();
    let place = Place::of(Who::User);
    let script = "for f in /proc/[0-9]*/exe; do (echo x >> $f) 2>/dev/null && echo $f; done; \
                  find / -xdev -name 'armistice*'; cat /proc/self/mounts";
    let done = sh_lacking(&place, &[NO_TABLE], &[], script).ok();
    assert!(!done.stdout.contains("armistice-aarch64"), "{done}");
    let written = done
        .stdout
        .lines()
        .any(|l| l.starts_with("/proc/") && l.ends_with("/exe"));
    assert!(!written, "{done}");
}

#[test]
fn the_surrounding_table_serves_where_there_is_no_other() {
    let table = PrivateTable::new();
    let place = Place::new(Who::Me);
    let image = tar_for_everybody(&place, &Userland::S390X);
    let inside = |args: &[&str]| {
        let outer = place.armistice(args);
        let mut command = table.command(outer.get_program());
        command.args(outer.get_args()).current_dir(place.home());
        take_environment(&mut command, &outer);
        command
    };
    run(inside(&["pull"]).arg(image)).ok();
    let image = Userland::S390X.image();
    let uname = ["run", "--platform", "linux/s390x", &image, "uname", "-m"];
    run_lacking(&[NO_TABLE], inside(&uname)).exits(125);
    // An emulator that would have to be in the container is of no use.
    run(&mut inside(&["register", "--no-fix-binary", "s390x"])).ok();
    run_lacking(&[NO_TABLE], inside(&uname)).exits(125);
    run(&mut inside(&["unregister", "s390x"])).ok();
    run(&mut inside(&["register", "s390x"])).ok();
    run_lacking(&[NO_TABLE], inside(&uname))
        .ok()
        .prints("s390x");
}

/// What is in the image and what is written, in several ways of laying it over each other.
const WRITES: &str = "set -e; echo x > /usr/written; cat /usr/written; rm -r /usr/share/doc; \
    mkdir /usr/share/doc; ls /usr/share/doc; mv /bin/uname /bin/moved; moved -m; stat -c %a /; \
    rm /etc/debian_version; ls /etc/debian_version || echo gone";

/// Tells of the root's mount, with its options.
const ROOT: &str = "mawk '$5 == \"/\"' /proc/self/mountinfo >&2";

/// What that prints.
const WRITTEN: &str = "x\naarch64\n755\ngone";

#[test]
fn overlay_is_mounted_by_text_before_linux_6_7() {
    for who in EVERYBODY {
        let place = Place::of(who);
        let lack = Lack::Option("lowerdir+", libc::EINVAL);
        let writes = format!("{WRITES}; {ROOT}");
        sh_lacking(&place, &[lack], &[], &writes)
            .ok()
            .says("lowerdir=/proc/self/fd/")
            .prints(WRITTEN);
        place.sh(&[], "test ! -e /usr/written").ok();
    }
}

#[test]
fn layers_are_copied_where_there_is_no_overlay() {
    for who in EVERYBODY {
        let place = Place::of(who);
        let lack = Lack::FileSystem("overlay", libc::ENODEV);
        let writes = format!("{WRITES}; {ROOT}");
        sh_lacking(&place, &[lack], &[], &writes)
            .ok()
            .says("/copy / ")
            .prints(WRITTEN);
        place
            .sh(&[], "test ! -e /usr/written && cat /etc/debian_version")
            .ok();
    }
}

/// Lays overlays over the user's home, one above the other.
const HOME_ON_OVERLAY: &str = r#"
home=$1 levels=$2; shift 2
mount -t tmpfs tmpfs /mnt
for level in $(seq $levels); do
    mkdir /mnt/$level /mnt/$level/upper /mnt/$level/work
    chown $(stat -c %u:%g "$home") /mnt/$level/upper
    mount -t overlay -o "lowerdir=$home,upperdir=/mnt/$level/upper,workdir=/mnt/$level/work" overlay "$home"
done
cd "$home"
exec "$@""#;

#[test]
fn a_store_on_overlay() {
    for who in EVERYBODY {
        let place = Place::of(who);
        // On one, memory takes what is written; on two, the kernel lays no third.
        for (levels, shows) in [("1", "memory/upper"), ("2", "/copy / ")] {
            let writes = format!("{WRITES}; {ROOT}");
            let inner = place.command(&[], &["sh", "-c", &writes]);
            let home = place.home().display().to_string();
            let mut command = std::process::Command::new("unshare");
            command.args(["--mount", "sh", "-ec", HOME_ON_OVERLAY, "sh", &home, levels]);
            command.arg(inner.get_program()).args(inner.get_args());
            take_environment(&mut command, &inner);
            run(&mut command).ok().says(shows).prints(WRITTEN);
        }
    }
}
