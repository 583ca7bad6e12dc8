//! Promise: `armistice run` runs an image or a root folder, as root and as an ordinary
//! user, with docker's meaning of its options; and leaves nothing behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use e2e::run_place::{EVERYBODY, Place, Who};
use e2e::{Userland, command, need, run};

#[test]
fn everybody_runs_an_image() {
    for who in EVERYBODY {
        let place = Place::new(who);
        let done = place.run(&[], &["uname", "-m"]).ok();
        assert!(!done.stderr.contains("QEMU"), "not by the engine:\n{done}");
        done.prints("aarch64");
        // What one container writes, no other sees, and nothing stays.
        place
            .sh(&[], "echo x > /usr/written && cat /usr/written")
            .ok()
            .prints("x");
        place.sh(&[], "test ! -e /usr/written").ok();
        assert_eq!(place.running(), 0, "{who:?}");
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        assert!(!mounts.contains(&place.folder.path().display().to_string()));
    }
}

#[test]
fn a_root_folder_is_used_where_it_is() {
    let folder = e2e::temporary();
    run(Command::new("tar")
        .args(["--extract", "--exclude=./dev/*", "--file"])
        .arg(Userland::ARM64.tar())
        .arg("--directory")
        .arg(folder.path()))
    .ok();
    let place = Place::of(Who::Me);
    let root = folder.path().to_str().unwrap();
    let script = "uname -m && echo there > /stays";
    run(&mut place.armistice(&["run", root, "sh", "-c", script]))
        .ok()
        .prints("aarch64");
    assert_eq!(
        fs::read_to_string(folder.path().join("stays")).unwrap(),
        "there\n"
    );
    run(&mut place.armistice(&["run", "--platform", "linux/s390x", root, "true"]))
        .exits(125)
        .says("linux/arm64");
    run(&mut place.armistice(&["run", root]))
        .exits(125)
        .says("no command");
}

/// A bug once: what `docker import` made of an arm64 root here could not be run by any words.
#[test]
fn an_image_is_run_as_what_its_programs_are_where_its_label_errs() {
    let folder = e2e::temporary();
    let image = folder.path().join("odd.tar");
    let label = armistice_arch::Platform::new("linux", "amd64", "");
    e2e::archive::write(&image, &Userland::ARM64.tar(), &label, "odd.test/odd:1").unwrap();
    let image = image.to_str().unwrap();
    let place = Place::of(Who::Me);
    let says = "labelled linux/amd64, but /bin/sh in it is a program for arm64";
    run(&mut place.armistice(&["run", image, "uname", "-m"]))
        .ok()
        .says(says)
        .prints("aarch64");
    for platform in ["linux/arm64", "linux/amd64"] {
        run(&mut place.armistice(&["run", "--platform", platform, image, "true"]))
            .exits(125)
            .says(says)
            .says("without --platform");
    }
}

#[test]
fn programs_of_other_architectures_run_inside() {
    let folder = e2e::temporary();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let others = [Userland::ARMHF, Userland::S390X];
    let mut options = Vec::new();
    for other in &others {
        let root = folder.path().join(other.debian);
        fs::create_dir(&root).unwrap();
        run(Command::new("tar")
            .args(["--extract", "--exclude=./dev/*", "--file"])
            .arg(other.tar())
            .arg("--directory")
            .arg(&root))
        .ok();
        options.extend([
            "-v".to_owned(),
            format!("{}:/{}", root.display(), other.debian),
        ]);
    }
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    for who in EVERYBODY {
        Place::of(who)
            .sh(
                &options,
                "uname -m; for d in armhf s390x; do chroot /$d uname -m; done",
            )
            .ok()
            .prints(&format!(
                "aarch64\n{}\n{}",
                others[0].uname, others[1].uname
            ));
    }
}

#[test]
fn the_commands_exit_code_is_the_containers() {
    let place = Place::of(Who::User);
    for init in [&[][..], &["--init"]] {
        for code in [0, 1, 7, 125, 255] {
            place.sh(init, &format!("exit {code}")).exits(code);
        }
        place.sh(init, "sh -c 'kill -9 $$'").exits(137);
        place.run(init, &["nosuch"]).exits(127).says("PATH");
        place
            .run(init, &["/no/such"])
            .exits(127)
            .says("no such file");
        place.run(init, &["/etc"]).exits(126);
        place.run(init, &["/etc/debian_version"]).exits(126);
    }
    // Process 1 is not killed by itself, its child is.
    place.sh(&["--init"], "kill -TERM $$").exits(143);
    place.run(&["--nosuch"], &["true"]).exits(125);
    run(&mut place.armistice(&["run", "--pull", "never", "no.such/image", "true"]))
        .exits(125)
        .says("not here");
}

#[test]
fn what_docker_has_and_run_has_not_is_refused_by_name() {
    let place = Place::of(Who::User);
    for (flag, why) in [
        ("-p=80:80", "network"),
        ("-d", "daemon"),
        ("--memory=1g", "control groups"),
        ("--privileged", "capabilities"),
        ("--cap-add=ALL", "capabilities"),
        ("--name=x", "daemon"),
    ] {
        let name = flag.split('=').next().unwrap();
        place
            .run(&[flag], &["true"])
            .exits(125)
            .says(name)
            .says(why);
    }
    place
        .run(&["-v", "data:/data"], &["true"])
        .exits(125)
        .says("named volumes");
    // Behind the image, options are the command's.
    place
        .run(&[], &["echo", "-d", "--privileged", "-v"])
        .ok()
        .prints("-d --privileged -v");
}

/// Faults once: some of docker's forms were refused, and some taken that docker refuses.
#[test]
fn dockers_forms_are_taken_and_no_others() {
    let place = Place::of(Who::User);
    let folder = place.home().join("forms");
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::chown(
        &folder,
        Some(e2e::run_place::USER),
        Some(e2e::run_place::USER),
    )
    .unwrap();
    let at = folder.display();
    let (one, two) = (format!("{at}:/one:z"), format!("{at}:/two:ro,Z"));
    let taken = [
        "--rm=true",
        "--init=false",
        "-i=false",
        "--tty=false",
        "--read-only=false",
        "-v",
        &one,
        "-v",
        &two,
        "--tmpfs",
        "/t:exec",
        "-e",
        "A B=c",
        "--add-host",
        "pier:[::1]",
        "--add-host",
        "host.docker.internal:host-gateway",
    ];
    let script = "echo x > /one/x && ! touch /two/x && cp /bin/true /t/true && /t/true \
                  && tail -n 2 /etc/hosts";
    place
        .sh(&taken, script)
        .ok()
        .prints("::1\tpier\n127.0.0.1\thost.docker.internal");
    let env = place.run(&["-e", "A B=c"], &["env"]).ok();
    assert!(env.stdout.lines().any(|line| line == "A B=c"), "{env}");
    let again = format!("{at}:/one/");
    for (refused, says) in [
        (&["--rm=false"][..], "always removed"),
        (&["-w", "here"], "begin with '/'"),
        (&["-v", &one, "-v", &again], "twice"),
        (&["-v", &one, "--tmpfs", "/one"], "twice"),
        (&["--add-host", "pier"], "NAME:ADDRESS"),
        (&["--add-host", "pier:here"], "no address"),
        (&["--tmpfs", "/t:suid"], "not supported"),
        (&["--oom-kill-disable"], "control groups"),
        (&["--storage-opt", "size=1g"], "disk"),
    ] {
        place.run(refused, &["true"]).exits(125).says(says);
    }
}

/// Faults once: the errors did not name the cause, what fits was refused, and a line break
/// made lines of /etc/hosts.
#[test]
fn errors_name_what_is_wrong_and_what_fits_is_taken() {
    let place = Place::of(Who::User);
    let file = place.home().join("variables");
    fs::write(&file, "A=1\n# none\nB C=2\n").unwrap();
    let file = file.to_str().unwrap();
    let long = "a".repeat(65);
    for (options, says) in [
        (&["-h", "a\n127.0.0.1 b"][..], "line break"),
        (&["-h", &long], "at most 64 letters"),
        (&["--add-host", "a\nb:10.0.0.1"], "a line of /etc/hosts"),
        (&["--env-file", file], "variables, line 3: 'B C=2'"),
        (&["--env-file", "/dev/zero"], "longer than 16 MiB"),
    ] {
        place.run(options, &["true"]).exits(125).says(says);
    }
    place
        .run(&[], &[""])
        .exits(127)
        .says("its first word (of ENTRYPOINT, CMD or what was typed) is empty");
    let word = "a".repeat(131_000);
    place
        .run(&[], &["sh", "-c", "echo ${#1}", "x", &word])
        .ok()
        .prints("131000");
}

/// A fault once: without a network, /sys told of the machine's.
#[test]
fn sys_shows_the_containers_network() {
    for who in EVERYBODY {
        Place::of(who)
            .run(&["--network", "none"], &["ls", "/sys/class/net"])
            .ok()
            .prints("lo");
    }
}

/// Faults once: a volume over /etc hid the container's own files, and a folder in the place
/// of one of them ended the run.
#[test]
fn a_volume_over_etc_has_the_containers_own_files() {
    let place = Place::of(Who::User);
    let etc = place.home().join("etc");
    fs::create_dir_all(etc.join("hostname")).unwrap();
    run(Command::new("chown")
        .arg("-R")
        .arg(e2e::run_place::USER.to_string())
        .arg(&etc))
    .ok();
    let volume = format!("{}:/etc", etc.display());
    let options = ["-v", &volume, "--add-host", "pier:10.0.0.1"];
    place
        .sh(&options, "tail -n 1 /etc/hosts; ls -A /etc/hostname")
        .ok()
        .prints("10.0.0.1\tpier");
    // Who asks for such a file has asked for it.
    let own = place.home().join("hosts");
    fs::write(&own, "mine\n").unwrap();
    let own = format!("{}:/etc/hosts", own.display());
    place
        .sh(&["-v", &own], "cat /etc/hosts")
        .ok()
        .prints("mine");
}

/// A fault once: folders of VOLUME that no layer has were not there.
#[test]
fn folders_of_an_images_volume_are_there_and_written_to() {
    let place = Place::new(Who::User);
    let archive = place.folder.path().join("volumes.tar");
    let platform = armistice_arch::Platform::parse("linux/arm64").unwrap();
    let name = "armistice.test/volumes:1";
    e2e::archive::write_with(
        &archive,
        &Userland::ARM64.tar(),
        &platform,
        name,
        |config| {
            config["Volumes"] =
                serde_json::json!({"/data/new": {}, "/usr/share": {}, "/var/tmp": null});
        },
    )
    .unwrap();
    run(place.armistice(&["pull"]).arg(&archive)).ok();
    let script = "for d in /data/new /usr/share /var/tmp; do echo x > $d/x && cat $d/x; done; \
                  ls /usr/share | wc -l; touch /usr/x 2>/dev/null && echo written";
    for (options, says) in [(&[][..], true), (&["--read-only"], false)] {
        let args = [&["run"], options, &[name, "sh", "-c", script]].concat();
        let done = run(&mut place.armistice(&args));
        let lines: Vec<&str> = done.stdout.lines().collect();
        assert_eq!(lines[..3], ["x"; 3], "{done}");
        assert!(lines[3].trim().parse::<u32>().unwrap() > 3, "{done}");
        assert_eq!(lines.contains(&"written"), says, "{done}");
    }
}

/// A fault once: the digests that `images` prints were taken for names of images.
#[test]
fn images_go_by_the_digests_that_are_shown() {
    let place = Place::new(Who::User);
    let images = || {
        run(&mut place.armistice(&["images", "-o", "json"]))
            .ok()
            .stdout
    };
    let all: serde_json::Value = serde_json::from_str(&images()).unwrap();
    let digest = all["images"][0]["digest"].as_str().unwrap().to_owned();
    let hex = digest.strip_prefix("sha256:").unwrap();
    for shown in [&digest, hex, &hex[..12]] {
        run(&mut place.armistice(&["run", shown, "uname", "-m"]))
            .ok()
            .prints("aarch64");
    }
    let never = |shown: &str| run(&mut place.armistice(&["run", "--pull", "never", shown, "true"]));
    never(&hex[..11]).exits(125);
    run(&mut place.armistice(&["rmi", "--platform", "linux/s390x", &hex[..12]])).exits(1);
    run(&mut place.armistice(&["rmi", &hex[..12]])).ok();
    assert!(!images().contains(hex));
    never(&hex[..12]).exits(125);
}

#[test]
fn the_environment_is_dockers() {
    let place = Place::of(Who::User);
    let file = place.folder.path().join("env");
    fs::write(&file, "# comment\nFROM_FILE=1\nBOTH=file\nPASSED\n").unwrap();
    let file = file.to_str().unwrap();
    let options = [
        "-e",
        "A=b c",
        "--env",
        "BOTH=flag",
        "-e",
        "GIVEN",
        "-e",
        "ABSENT",
    ];
    let mut command = place.command(&[&options[..], &["--env-file", file]].concat(), &["env"]);
    command
        .env("GIVEN", "here")
        .env("PASSED", "too")
        .env("SECRET", "not inside");
    let done = run(&mut command).ok();
    let lines: Vec<&str> = done.stdout.lines().collect();
    for line in [
        "A=b c",
        "BOTH=flag",
        "GIVEN=here",
        "FROM_FILE=1",
        "PASSED=too",
    ] {
        assert!(lines.contains(&line), "no {line}:\n{done}");
    }
    for name in ["SECRET", "ABSENT", "ARMISTICE_STORE", "TERM"] {
        let there = lines.iter().any(|l| l.starts_with(&format!("{name}=")));
        assert!(!there, "{name} came inside:\n{done}");
    }
    assert!(done.stdout.contains("PATH=/usr/local/sbin:") && done.stdout.contains("HOME="));
    place.run(&["-e", "=x"], &["true"]).exits(125);
}

#[test]
fn users_and_working_directories() {
    let place = Place::of(Who::Ranges);
    let script = "echo $(id -u) $(id -g) $(id -G) $(pwd) $HOME";
    place
        .sh(&["-u", "1000:50"], script)
        .ok()
        .prints("1000 50 50 / /");
    place
        .sh(&["-w", "/made/new"], script)
        .ok()
        .prints("0 0 0 /made/new /");
    let passwd = place.folder.path().join("inner");
    fs::write(
        &passwd,
        "root:x:0:0::/root:/bin/sh\nann:x:1000:100::/home/ann:/bin/sh\n",
    )
    .unwrap();
    let group = place.folder.path().join("groups");
    fs::write(&group, "users:x:100:\naudio:x:29:ann\n").unwrap();
    let passwd = format!("{}:/etc/passwd:ro", passwd.display());
    let group = format!("{}:/etc/group:ro", group.display());
    let files = ["-v", &passwd, "-v", &group];
    let with = |more: &[&'static str]| [&files[..], more].concat();
    place
        .sh(&with(&["-u", "ann"]), script)
        .ok()
        .prints("1000 100 100 29 / /home/ann");
    place
        .sh(&with(&["-u", "ann:audio"]), script)
        .ok()
        .prints("1000 29 29 / /home/ann");
    place
        .sh(&with(&["-u", "bob"]), script)
        .exits(125)
        .says("bob");
    // Where there is one identity, the others are played.
    Place::of(Who::User)
        .sh(&["-u", "1000:50"], script)
        .ok()
        .prints("1000 50 50 / /");
    // An ordinary user inside has no rights of root's.
    for place in [place, Place::of(Who::User)] {
        place
            .sh(&["-u", "1000"], "cat /proc/self/status")
            .ok()
            .says("CapEff:\t0000000000000000");
    }
}

#[test]
fn volumes_memory_and_a_read_only_root() {
    let place = Place::of(Who::User);
    let shared = place.home().join("shared");
    let at = shared.to_str().unwrap();
    let (write, read) = (format!("{at}:/w"), format!("{at}:/deep/r:ro"));
    let options = [
        "-v",
        &write,
        "-v",
        &read,
        "--tmpfs",
        "/run:size=1m",
        "--read-only",
    ];
    let script = "echo one > /w/one && cat /deep/r/one && echo x > /run/x && cat /run/x \
                  && ! touch /deep/r/two && ! touch /usr/x && ! touch /etc/x";
    place.sh(&options, script).ok().prints("one\nx");
    assert_eq!(fs::read_to_string(shared.join("one")).unwrap(), "one\n");
}

#[test]
fn the_containers_own_names_processes_and_network() {
    for who in EVERYBODY {
        let place = Place::of(who);
        let done = place.sh(
            &[
                "--network",
                "none",
                "--hostname",
                "boat",
                "--add-host",
                "pier:10.0.0.1",
            ],
            "echo $$; uname -n; cat /etc/hostname /etc/hosts; tail -n +3 /proc/net/dev; ls /proc",
        );
        let done = done.ok();
        let lines: Vec<&str> = done.stdout.lines().collect();
        assert_eq!(&lines[..3], ["1", "boat", "boat"], "{done}");
        assert!(lines.contains(&"10.0.0.1\tpier"), "{done}");
        let networks: Vec<_> = lines.iter().filter(|l| l.contains(": ")).collect();
        assert!(networks.len() == 1 && networks[0].contains("lo:"), "{done}");
        let processes = lines.iter().filter(|l| l.parse::<u32>().is_ok()).count();
        assert!(processes <= 3, "others' processes are seen:\n{done}");
        place
            .sh(&[], "uname -n; tail -n +3 /proc/net/dev | wc -l")
            .ok();
    }
}

#[test]
fn the_machine_is_not_changed_from_inside() {
    for who in EVERYBODY {
        let place = Place::of(who);
        let script = "for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /sys/kernel/uevent_seqnum \
                      /proc/sys/fs/binfmt_misc/register; do (echo x > $f) 2>/dev/null && echo $f; done; \
                      cat /proc/self/status; ls /proc/acpi /sys/firmware 2>/dev/null";
        let done = place.sh(&[], script);
        let written: Vec<_> = done.stdout.lines().filter(|l| l.starts_with('/')).collect();
        assert!(written.iter().all(|l| l.ends_with(':')), "written:\n{done}");
        done.says("CapBnd:\t00000000a80425fb");
    }
}

/// A hole once: as root, a container changed the mode, owner and times of the machine's own
/// devices.
#[test]
fn the_machines_devices_stay_as_they_are() {
    use std::os::unix::fs::MetadataExt;
    let state = |name: &str| {
        let it = fs::metadata(format!("/dev/{name}")).expect("every machine has it");
        (it.mode(), it.uid(), it.gid(), it.mtime(), it.mtime_nsec())
    };
    // Such as nobody else uses meanwhile; null's mount covers hidden files, too.
    let before = state("full");
    for who in EVERYBODY {
        let script = "chmod 666 /dev/full 2>/dev/null && echo chmod
                      chown 0:0 /dev/full 2>/dev/null && echo chown
                      touch -d 2001-01-01 /dev/full 2>/dev/null && echo touch
                      test ! -e /proc/kcore || ! touch -d 2001-01-01 /proc/kcore 2>/dev/null || echo kcore
                      echo x > /dev/null && head -c 3 /dev/zero | wc -c
                      (echo x > /dev/full) 2>/dev/null || echo full";
        let place = Place::of(who);
        place.sh(&[], script).prints("3\nfull");
        // Nor by a stream.
        let device = fs::File::options().read(true).write(true).open("/dev/full");
        let device = device.expect("every machine has it");
        let script = "chmod 600 /proc/self/fd/0; touch -d 2001-01-01 /proc/self/fd/2; exit 7";
        let mut command = place.command(&["-i"], &["sh", "-c", script]);
        command.stdin(device.try_clone().unwrap()).stderr(device);
        assert_eq!(command.status().unwrap().code(), Some(7));
    }
    assert_eq!(state("full"), before);
}

/// A hole once: as root, the container saw what the machine's kernel shows of itself in
/// file systems below /sys.
#[test]
fn the_machines_inside_is_not_seen() {
    let mounts = "mount -t debugfs debugfs /sys/kernel/debug; mount -t tracefs tracefs /sys/kernel/tracing; \
                  ls /sys/kernel/debug /sys/kernel/tracing | wc -l >&2; exec \"$@\"";
    let script = "for d in /proc/acpi /proc/asound /proc/scsi /sys/firmware /sys/fs/bpf /sys/fs/pstore \
                  /sys/kernel/debug /sys/kernel/tracing /sys/kernel/security /sys/kernel/config \
                  /sys/devices/virtual/powercap; do test ! -d $d || ls -A $d; done; \
                  for f in interrupts kcore keys latency_stats timer_list; do \
                  test ! -e /proc/$f || head -c 9 /proc/$f; done";
    for who in EVERYBODY {
        let place = Place::of(who);
        let inner = place.command(&[], &["sh", "-c", script]);
        let mut outer = Command::new("unshare");
        outer.args(["--mount", "sh", "-ec", mounts, "sh"]);
        outer.arg(inner.get_program()).args(inner.get_args());
        command::take_environment(&mut outer, &inner);
        outer.current_dir(inner.get_current_dir().unwrap());
        let done = run(&mut outer).ok();
        let outside: u32 = done.stderr.lines().next().unwrap().trim().parse().unwrap();
        assert!(outside > 5, "nothing is mounted outside:\n{done}");
        done.prints("");
    }
}

/// A command that goes on for long, once it has said that it runs.
struct Long {
    child: Child,
    out: fs::File,
}

impl Long {
    fn start(place: &Place, options: &[&str], script: &str) -> Long {
        let path = place
            .folder
            .path()
            .join(format!("out-{:?}", std::thread::current().id()));
        let out = fs::File::create(&path).expect("the test's own files");
        let child = place
            .command(options, &["sh", "-c", script])
            .stdout(out)
            .stdin(Stdio::null())
            .spawn()
            .expect("the test's own files");
        let long = Long {
            child,
            out: fs::File::open(&path).expect("the test's own files"),
        };
        long.wait_for("ready");
        long
    }

    fn said(&self) -> String {
        use std::os::unix::fs::FileExt;
        let mut bytes = vec![0; 4096];
        let count = self
            .out
            .read_at(&mut bytes, 0)
            .expect("the test's own files");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    #[track_caller]
    fn wait_for(&self, word: &str) {
        command::wait_until(word, Duration::from_secs(60), || self.said().contains(word));
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("the test's own files");
    }

    fn code(&mut self) -> Option<i32> {
        self.child.wait().expect("the test's own files").code()
    }
}

#[test]
fn signals_reach_the_command() {
    use rustix::process::Signal;
    let place = Place::of(Who::User);
    for init in [&[][..], &["--init"]] {
        for (signal, name, code) in [(Signal::TERM, "TERM", 41), (Signal::USR1, "USR1", 42)] {
            let script = format!(
                "trap 'echo got; exit {code}' {name}; echo ready; while :; do sleep 0.1; done"
            );
            let mut long = Long::start(&place, init, &script);
            long.signal(signal);
            assert_eq!(long.code(), Some(code), "{init:?} {name}: {}", long.said());
        }
    }
    let mut long = Long::start(&place, &["--init"], "echo ready; exec sleep 100");
    long.signal(Signal::TERM);
    assert_eq!(long.code(), Some(143));
}

#[test]
fn process_1_reaps() {
    let place = Place::of(Who::User);
    let shared = place.home().join("reaped");
    let mount = format!("{}:/w", shared.display());
    // The orphan comes to process 1; only an init waits for it, and sleep does not.
    let script = "(sleep 0.1 &); (sleep 1; cat /proc/[0-9]*/stat > /w/stat) & exec sleep 2";
    for (init, left) in [(&["--init"][..], false), (&[], true)] {
        let options = [&["-v", mount.as_str()], init].concat();
        place.sh(&options, script).ok();
        let stat = fs::read_to_string(shared.join("stat")).unwrap();
        assert_eq!(stat.contains(" Z "), left, "{init:?}: {stat}");
    }
}

#[test]
fn a_killed_run_ends_the_container_and_prune_removes_the_rest() {
    use rustix::process::Signal;
    // The kernel forgets whose death process 1 is to die with when that becomes another.
    let another = "echo a:x:1000:1000::/:/bin/sh >> /etc/passwd; \
                   exec start-stop-daemon --start --name none --chuid a --startas /bin/sleep --";
    for who in EVERYBODY {
        for (init, sleep) in [(&[][..], "sleep"), (&["--init"], "sleep"), (&[], another)] {
            let place = Place::new(who);
            let mark = format!("1{}", std::process::id());
            let script = format!("touch /usr/x; echo ready; {sleep} {mark}; echo over");
            let mut long = Long::start(&place, init, &script);
            // A container that runs is not prune's.
            run(&mut place.armistice(&["prune"])).ok();
            assert_eq!(place.running(), 1);
            long.signal(Signal::KILL);
            assert_eq!(long.code(), None);
            command::wait_until("the container ends", Duration::from_secs(10), || {
                !has_process(&[&mark])
            });
            // Its folder is held until it has ended.
            let mut said = String::new();
            command::wait_until("prune removes the rest", Duration::from_secs(10), || {
                said += &run(&mut place.armistice(&["prune"])).ok().to_string();
                place.running() == 0
            });
            assert!(said.contains("left by a killed run"), "{said}");
            place.run(&[], &["true"]).ok();
        }
    }
}

/// Whether a process has these words at the end of its command line.
fn has_process(words: &[&str]) -> bool {
    let wanted: Vec<u8> = words
        .iter()
        .flat_map(|w| [w.as_bytes(), b"\0"].concat())
        .collect();
    let processes = fs::read_dir("/proc")
        .expect("the test's own files")
        .flatten();
    processes
        .filter_map(|p| fs::read(p.path().join("cmdline")).ok())
        .any(|line| line.ends_with(&wanted))
}

#[test]
fn input_is_given_only_when_asked_for() {
    use std::io::Write;
    let place = Place::of(Who::User);
    for (options, read) in [(&["-i"][..], "hello"), (&[], "")] {
        let mut child = place
            .command(options, &["cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(b"hello");
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), read, "{options:?}");
    }
    place.run(&["-it"], &["true"]).exits(125).says("terminal");
}

/// A fault once: nothing interrupted run before the command's start.
#[test]
fn making_a_container_is_interrupted() {
    let place = Place::new(Who::User);
    for (signal, code) in [
        (rustix::process::Signal::INT, 130),
        (rustix::process::Signal::TERM, 143),
    ] {
        // Its root is a while in the making.
        let inner = place.command(&[], &["true"]);
        let mut strace = Command::new(need::program("strace", "strace"));
        strace.args(["-f", "-qq", "-o", "/dev/null", "--trace=pivot_root"]);
        strace.arg("--inject=pivot_root:delay_enter=30s");
        strace.arg(inner.get_program()).args(inner.get_args());
        for (name, value) in inner.get_envs() {
            strace.env(name, value.unwrap_or_default());
        }
        let mut child = strace.current_dir(place.home()).spawn().unwrap();
        command::wait_until("a container's folder", Duration::from_secs(60), || {
            place.running() == 1
        });
        std::thread::sleep(Duration::from_secs(1));
        let children =
            fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap();
        let run = children.split_whitespace().next().unwrap().parse().unwrap();
        let run = rustix::process::Pid::from_raw(run).unwrap();
        rustix::process::kill_process(run, signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert_eq!(place.running(), 0);
    }
}

#[test]
fn dpkg_installs_a_package() {
    for who in EVERYBODY {
        let place = Place::of(who);
        let package = hello_package(place.folder.path(), who);
        let mount = format!("{}:/mnt/hello.deb:ro", package.display());
        // dpkg wants these to be there, and uses neither for this package.
        let script = "ln -s /bin/true /usr/bin/diff && ln -s /bin/true /sbin/ldconfig && \
                      dpkg -i /mnt/hello.deb && hello && cat /configured && dpkg -s hello";
        let done = place.sh(&["-v", &mount], script).ok();
        for text in ["hello from arm64", "aarch64", "install ok installed"] {
            assert!(done.stdout.contains(text), "no '{text}':\n{done}");
        }
    }
}

/// A package with a program and a script that runs when it is installed.
fn hello_package(folder: &Path, who: Who) -> PathBuf {
    let at = folder.join(format!("hello-{who:?}"));
    let _ = fs::remove_dir_all(&at);
    fs::create_dir_all(at.join("DEBIAN")).expect("the test's own files");
    fs::create_dir_all(at.join("usr/bin")).expect("the test's own files");
    fs::write(
        at.join("DEBIAN/control"),
        "Package: hello\nVersion: 1\nArchitecture: arm64\nMaintainer: e2e <e2e@example.org>\nDescription: says hello\n",
    )
    .expect("the test's own files");
    let script = |path: PathBuf, text: &str| {
        fs::write(&path, text).expect("the test's own files");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .expect("the test's own files");
    };
    script(
        at.join("DEBIAN/postinst"),
        "#!/bin/sh\nset -e\nuname -m > /configured\n",
    );
    script(
        at.join("usr/bin/hello"),
        "#!/bin/sh\necho hello from arm64\n",
    );
    let deb = at.with_extension("deb");
    run(Command::new(need::program("dpkg-deb", "dpkg"))
        .args(["--build", "--root-owner-group"])
        .arg(&at)
        .arg(&deb))
    .ok();
    deb
}
