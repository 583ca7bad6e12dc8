//! Real engines read what this crate writes, and it reads what they write.
//!
//! Needs root, podman, buildah, runc and dockerd; no network. Everything is kept
//! in temporary folders and an own dockerd, which are gone afterwards.
//!
//! runc and the limits given to podman make it run where cgroup v1 is mounted
//! and where root may not raise its limits (no CAP_SYS_RESOURCE).
#![allow(clippy::unwrap_used, reason = "a failed helper is a failed test")]

mod common;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use armistice_arch::Platform;
use armistice_oci::{
    Archive, Content, Error, Image, ImageConfig, ImageSpec, Interpreter, Layer, ProgramKind, Root,
    Start,
};
use tempfile::TempDir;

/// Where everything an engine keeps is; removed with it.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests need root; run them with sudo"
        );
        Place(
            tempfile::Builder::new()
                .prefix("armistice-oci-")
                .tempdir()
                .unwrap(),
        )
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// podman or buildah with storage of their own.
    fn storage(&self, tool: &str, args: &[&str]) -> String {
        let (root, run) = (self.path("root"), self.path("run"));
        let mut all = vec![
            "--root",
            &root,
            "--runroot",
            &run,
            "--storage-driver",
            "vfs",
        ];
        if tool == "podman" {
            all.extend(["--cgroup-manager", "cgroupfs", "--events-backend", "none"]);
            all.extend(["--runtime", "runc"]);
        }
        all.extend(args);
        output(tool, &all)
    }

    fn podman(&self, args: &[&str]) -> String {
        self.storage("podman", args)
    }

    fn buildah(&self, args: &[&str]) -> String {
        self.storage("buildah", args)
    }
}

fn hint(tool: &str) -> String {
    let package = match tool {
        "docker" | "dockerd" => "docker.io",
        other => other,
    };
    format!("{tool} is needed: apt-get install {package} runc")
}

fn output(tool: &str, args: &[&str]) -> String {
    let out = Command::new(tool).args(args).output();
    let out = out.unwrap_or_else(|e| panic!("{}: {e}", hint(tool)));
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{tool} {args:?}: {stderr}");
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// A static x86-64 program that ends with 42.
fn program() -> Vec<u8> {
    let code = [0xb8, 60, 0, 0, 0, 0xbf, 42, 0, 0, 0, 0x0f, 0x05];
    let mut elf = armistice_arch::Arch::by_name("x86_64")
        .unwrap()
        .sample_header(2, 0)
        .to_vec();
    let base = 0x40_0000_u64;
    let size = 64 + 56 + code.len() as u64;
    elf[24..32].copy_from_slice(&(base + 64 + 56).to_le_bytes());
    elf[32..40].copy_from_slice(&64_u64.to_le_bytes());
    elf[52..54].copy_from_slice(&64_u16.to_le_bytes());
    elf[54..56].copy_from_slice(&56_u16.to_le_bytes());
    elf[56..58].copy_from_slice(&1_u16.to_le_bytes());
    elf.extend([1_u32.to_le_bytes(), 5_u32.to_le_bytes()].concat());
    for word in [0, base, base, size, size, 0x1000] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend(code);
    elf
}

/// An image of ours that can be started on this machine.
fn spec(compression: armistice_oci::Compression) -> ImageSpec {
    let mut tool = Layer::new("tool");
    tool.compression = compression;
    tool.file("/usr/bin/tool", 0o755, Content::Bytes(program()))
        .unwrap()
        .symlink("/bin", "usr/bin")
        .unwrap();
    let mut note = Layer::new("note");
    note.file("/etc/note", 0o644, Content::Bytes(b"hello".to_vec()))
        .unwrap();
    let mut config = ImageConfig::new(Platform::new("linux", "amd64", ""));
    config.entrypoint = vec!["tool".to_owned()];
    config.env = vec!["PATH=/bin".to_owned()];
    config.labels = [("org.example".to_owned(), "yes".to_owned())].into();
    config.working_dir = "/etc".to_owned();
    ImageSpec {
        layers: vec![tool, note],
        config,
        tags: vec![
            "localhost/armistice/ours:1".to_owned(),
            "docker.io/library/ours:2".to_owned(),
        ],
        timestamp: 1_700_000_000,
    }
}

const BOTH: [armistice_oci::Compression; 2] = [
    armistice_oci::Compression::None,
    armistice_oci::Compression::Gzip,
];

/// That it is our image again, from whichever engine.
fn assert_ours(path: &str) {
    let archive = Archive::open(Path::new(path)).unwrap();
    let [image] = archive.images() else {
        panic!("{} images", archive.images().len())
    };
    assert_eq!(image.platform().to_string(), "linux/amd64");
    assert_eq!(image.config().entrypoint, ["tool"]);
    assert_eq!(image.config().labels["org.example"], "yes");
    assert_eq!(
        image.first_bytes(Path::new("/etc/note"), 9).unwrap(),
        b"hello"
    );
    let Start::Program(found) = image.start().unwrap() else {
        panic!("{:?}", image.start())
    };
    assert_eq!(found.file.path, Path::new("/usr/bin/tool"));
    assert_eq!(found.first, program());
    assert_eq!(found.kind, ProgramKind::Elf(Interpreter::None));
}

#[test]
fn podman_loads_runs_and_saves_ours() {
    for compression in BOTH {
        let place = Place::new();
        let tar = place.path("ours.tar");
        spec(compression).write_file(Path::new(&tar)).unwrap();
        let said = place.podman(&["load", "--quiet", "--input", &tar]);
        for name in ["localhost/armistice/ours:1", "docker.io/library/ours:2"] {
            assert!(said.contains(name), "{said}");
            let format =
                "{{.Architecture}} {{.Config.Entrypoint}} {{.Config.WorkingDir}} {{.Created.Unix}}";
            let shown = place.podman(&["inspect", "--type", "image", "--format", format, name]);
            assert_eq!(shown, "amd64 [tool] /etc 1700000000");
        }
        // Limits as low as any machine has: raising them takes a right.
        let limits = ["--ulimit", "nofile=512:512", "--ulimit", "nproc=512:512"];
        let script = format!(
            "podman --root {} --runroot {} --storage-driver vfs --cgroup-manager cgroupfs \
             --events-backend none --runtime runc run --rm --network none {} \
             localhost/armistice/ours:1; test $? = 42",
            place.path("root"),
            place.path("run"),
            limits.join(" ")
        );
        output("sh", &["-c", &script]);
        for format in ["docker-archive", "oci-archive"] {
            let saved = place.path(format);
            place.podman(&[
                "save", "--quiet", "--format", format, "--output", &saved, "ours:2",
            ]);
            assert_ours(&saved);
        }
        let saved = place.path("oci-dir");
        place.podman(&[
            "save", "--quiet", "--format", "oci-dir", "--output", &saved, "ours:2",
        ]);
        assert_ours(&saved);
    }
}

/// With one tag podman takes it as an OCI layout, with several as a docker-archive.
#[test]
fn podman_loads_ours_by_each_of_its_names() {
    for (tags, wanted) in [
        (&["ghcr.io/a/b:1"][..], &["ghcr.io/a/b:1"][..]),
        (&["short"], &["docker.io/library/short:latest"]),
        (&["x/y:1", "x/y:2"], &["docker.io/x/y:1", "docker.io/x/y:2"]),
    ] {
        let place = Place::new();
        let mut spec = spec(armistice_oci::Compression::None);
        spec.tags = tags.iter().map(ToString::to_string).collect();
        let tar = place.path("ours.tar");
        spec.write_file(Path::new(&tar)).unwrap();
        place.podman(&["load", "--quiet", "--input", &tar]);
        let names = place.podman(&["images", "--format", "{{.Repository}}:{{.Tag}}"]);
        let mut names: Vec<&str> = names.lines().collect();
        names.sort_unstable();
        assert_eq!(names, wanted);
    }
}

#[test]
fn buildah_pulls_and_pushes_ours() {
    let place = Place::new();
    let tar = place.path("ours.tar");
    spec(armistice_oci::Compression::Gzip)
        .write_file(Path::new(&tar))
        .unwrap();
    place.buildah(&[
        "pull",
        "--quiet",
        &format!("docker-archive:{tar}:localhost/armistice/ours:1"),
    ]);
    for (transport, extra) in [
        ("oci-archive", None),
        ("oci", None),
        ("docker-archive", None),
        ("oci", Some("zstd")),
        ("oci", Some("zstd:chunked")),
    ] {
        let saved = place.path(&format!(
            "{transport}-{}",
            extra.unwrap_or("plain").replace(':', "-")
        ));
        let to = format!("{transport}:{saved}:localhost/armistice/ours:1");
        let mut args = vec!["push", "--quiet"];
        if let Some(method) = extra {
            args.extend(["--compression-format", method]);
        }
        args.extend(["localhost/armistice/ours:1", &to]);
        place.buildah(&args);
        assert_ours(&saved);
        let archive = Archive::open(Path::new(&saved)).unwrap();
        assert_eq!(archive.images()[0].names(), ["localhost/armistice/ours:1"]);
    }
}

/// What an engine makes of a removed file and folder, and of a second platform.
#[test]
fn whiteouts_and_lists_of_buildah() {
    let place = Place::new();
    let tar = place.path("ours.tar");
    spec(armistice_oci::Compression::None)
        .write_file(Path::new(&tar))
        .unwrap();
    place.podman(&["load", "--quiet", "--input", &tar]);
    let work = place.buildah(&["from", "--pull-never", "localhost/armistice/ours:1"]);
    let mounted = place.buildah(&["mount", &work]);
    let mounted = Path::new(&mounted);
    std::fs::remove_file(mounted.join("etc/note")).unwrap();
    std::fs::remove_file(mounted.join("bin")).unwrap();
    std::fs::create_dir(mounted.join("bin")).unwrap();
    std::fs::hard_link(mounted.join("usr/bin/tool"), mounted.join("bin/twin")).unwrap();
    place.buildah(&["commit", "--quiet", &work, "changed"]);
    place.buildah(&["rm", &work]);
    let other = place.buildah(&["from", "scratch"]);
    place.buildah(&["config", "--arch", "arm", "--variant", "v6", &other]);
    place.buildah(&["commit", "--quiet", &other, "other"]);
    place.buildah(&["rm", &other]);
    place.buildah(&["manifest", "create", "list", "changed", "other"]);
    let saved = place.path("list");
    place.buildah(&[
        "manifest",
        "push",
        "--all",
        "list",
        &format!("oci-archive:{saved}"),
    ]);

    let archive = Archive::open(Path::new(&saved)).unwrap();
    let platform = |i: &Image| i.platform().to_string();
    let seen: Vec<String> = archive.images().iter().map(platform).collect();
    assert_eq!(seen, ["linux/amd64", "linux/arm/v6"]);
    let image = &archive.images()[0];
    assert_eq!(image.layer_count(), 3);
    let there = |path: &str| image.lookup(Path::new(path)).unwrap().found().is_some();
    assert!(!there("/etc/note") && !there("/bin/tool"));
    assert_eq!(
        image.first_bytes(Path::new("/bin/twin"), 999).unwrap(),
        program()
    );
    assert!(there("/usr/bin/tool"));
}

/// A dockerd of the test's own.
struct Docker {
    child: Child,
    place: Place,
}

impl Docker {
    fn start() -> Docker {
        let place = Place::new();
        let log = std::fs::File::create(place.path("log")).unwrap();
        let child = Command::new("dockerd")
            .args([
                "--data-root",
                &place.path("data"),
                "--exec-root",
                &place.path("exec"),
            ])
            .args(["--pidfile", &place.path("pid"), "--host", &place.socket()])
            .args([
                "--bridge",
                "none",
                "--iptables=false",
                "--storage-driver",
                "vfs",
            ])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|e| panic!("{}: {e}", hint("dockerd")));
        let mut docker = Docker { child, place };
        let end = Instant::now() + Duration::from_secs(60);
        while !docker.ready() {
            let over = Instant::now() > end || docker.child.try_wait().unwrap().is_some();
            let log = || std::fs::read_to_string(docker.place.path("log")).unwrap();
            assert!(!over, "dockerd does not start: {}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
        docker
    }

    fn ready(&self) -> bool {
        let ping = Command::new("docker")
            .args(["--host", &self.place.socket(), "version"])
            .output();
        ping.unwrap_or_else(|e| panic!("{}: {e}", hint("docker")))
            .status
            .success()
    }

    fn run(&self, args: &[&str]) -> String {
        let socket = self.place.socket();
        output("docker", &[&["--host", &socket], args].concat())
    }
}

impl Place {
    fn socket(&self) -> String {
        format!("unix://{}", self.path("socket"))
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        // SIGTERM, so that it ends its containerd as well.
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

#[test]
fn docker_loads_runs_and_saves_ours() {
    let docker = Docker::start();
    for compression in BOTH {
        let tar = docker.place.path("ours.tar");
        spec(compression).write_file(Path::new(&tar)).unwrap();
        let said = docker.run(&["load", "--input", &tar]);
        assert!(
            said.contains("Loaded image: localhost/armistice/ours:1"),
            "{said}"
        );
        assert!(said.contains("Loaded image: ours:2"), "{said}");
        let format = "{{.Architecture}} {{.Config.Entrypoint}} {{.Config.WorkingDir}} {{.Created}}";
        let shown = docker.run(&["image", "inspect", "--format", format, "ours:2"]);
        assert_eq!(shown, "amd64 [tool] /etc 2023-11-14T22:13:20Z");
        let id = docker.run(&["create", "--network", "none", "ours:2"]);
        docker.run(&["start", &id]);
        assert_eq!(docker.run(&["wait", &id]), "42");
        docker.run(&["rm", &id]);
        let saved = docker.place.path("saved.tar");
        docker.run(&["save", "--output", &saved, "ours:2"]);
        assert_ours(&saved);
        docker.run(&["rmi", "ours:2", "localhost/armistice/ours:1"]);
    }
    let mut spec = spec(armistice_oci::Compression::None);
    spec.tags.clear();
    let tar = docker.place.path("ours.tar");
    spec.write_file(Path::new(&tar)).unwrap();
    let said = docker.run(&["load", "--input", &tar]);
    assert!(said.contains("Loaded image ID: sha256:"), "{said}");
}

/// A small disk, unmounted when it goes.
struct Disk(TempDir);

impl Disk {
    fn new() -> Disk {
        let dir = Place::new().0;
        let size = Some(c"size=64k");
        rustix::mount::mount(
            "tmpfs",
            dir.path(),
            "tmpfs",
            rustix::mount::MountFlags::empty(),
            size,
        )
        .unwrap();
        Disk(dir)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(self.0.path(), rustix::mount::UnmountFlags::DETACH);
    }
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let disk = Disk::new();
    let target = disk.0.path().join("image.tar");
    std::fs::write(&target, "old").unwrap();
    let mut spec = spec(armistice_oci::Compression::None);
    spec.layers[1]
        .file("/big", 0o644, Content::Bytes(vec![7; 1 << 20]))
        .unwrap();
    match spec.write_file(&target) {
        Err(Error::Write { path, source }) => {
            assert_eq!(
                (path, source.kind()),
                (target.clone(), std::io::ErrorKind::StorageFull)
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(std::fs::read(&target).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(disk.0.path()).unwrap().count(), 1);
}
