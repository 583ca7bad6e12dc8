//! A machine with a processor that this one may not have, made by QEMU in
//! software: a kernel, and a first process (`programs/machine.c`) that runs the
//! engine as it is told.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// As many seconds as it may run.
const PATIENCE: &str = "600";
/// So long it may take to its first step.
const SILENCE: Duration = Duration::from_secs(180);

/// The kernel: what `ARMISTICE_KERNEL` names, else what `cargo xtask test` has
/// fetched into the target folder.
fn kernel() -> PathBuf {
    std::env::var_os("ARMISTICE_KERNEL")
        .map(PathBuf::from)
        .or_else(|| {
            let above = Path::new(env!("CARGO_TARGET_TMPDIR")).ancestors();
            let mut kernels = above.map(|folder| folder.join("machine/vmlinuz"));
            kernels.find(|kernel| kernel.is_file())
        })
        .expect("no kernel for a machine of QEMU's; `cargo xtask test` fetches one")
}

/// What is in its memory when it starts: directories and files, by name.
#[derive(Debug, Default)]
pub(crate) struct Root(Vec<u8>);

impl Root {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let mut root = Self::default();
        for directory in ["proc", "dev", "tmp", "guest"] {
            root.entry(directory, 0o040_755, &[]);
        }
        root
    }

    /// With a copy of a file that may be executed.
    pub(crate) fn program(&mut self, name: &str, from: &Path) {
        self.entry(name, 0o100_755, &std::fs::read(from).unwrap());
    }

    /// With a text.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.entry(name, 0o100_644, text.as_bytes());
    }

    /// An entry of a `cpio` archive as the kernel takes it
    /// (Documentation/driver-api/early-userspace/buffer-format.rst): thirteen
    /// numbers, the name, the content, each to a multiple of 4.
    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) {
        let mut fields = [0; 13];
        // A number of its own, lest it is taken for another link to a file.
        fields[0] = u32::try_from(self.0.len()).unwrap();
        (fields[1], fields[4]) = (mode, 1);
        fields[6] = u32::try_from(content.len()).unwrap();
        fields[11] = u32::try_from(name.len() + 1).unwrap();
        self.0.extend_from_slice(b"070701");
        for field in fields {
            self.0.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(0);
        self.align();
        self.0.extend_from_slice(content);
        self.align();
    }

    fn align(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }
}

/// Starts the machine with two processors of this kind, and returns what its
/// first process says until it stops.
#[track_caller]
#[expect(
    clippy::print_stderr,
    reason = "a machine that is started anew is told of"
)]
pub(crate) fn run(processor: &str, mut root: Root) -> String {
    let dir = TempDir::new().unwrap();
    root.entry("TRAILER!!!", 0, &[]);
    let image = dir.path().join("root.cpio");
    std::fs::write(&image, root.0).unwrap();
    once(processor, &image).unwrap_or_else(|| {
        // Seen once: the machine stood still before its first process.
        eprintln!("the machine has said nothing for {SILENCE:?}: it is started anew");
        once(processor, &image).expect("the machine starts")
    })
}

/// `None` where it says nothing.
fn once(processor: &str, image: &Path) -> Option<String> {
    let said = image.with_extension("said");
    let mut machine = Command::new("timeout")
        .args([PATIENCE, "qemu-system-x86_64", "-accel", "tcg,thread=multi"])
        .args(["-cpu", processor, "-smp", "2", "-m", "1024", "-nodefaults"])
        .args([
            "-display",
            "none",
            "-serial",
            "stdio",
            "-no-reboot",
            "-append",
        ])
        .arg("console=ttyS0 quiet loglevel=0 panic=-1 no_timer_check")
        .arg("-kernel")
        .arg(kernel())
        .arg("-initrd")
        .arg(image)
        .stdin(Stdio::null())
        .stdout(File::create(&said).unwrap())
        .spawn()
        .unwrap();
    let text = || {
        let bytes = std::fs::read(&said).unwrap();
        String::from_utf8_lossy(&bytes).replace('\r', "")
    };
    let started = Instant::now();
    let status = loop {
        if let Some(status) = machine.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > SILENCE && !text().contains("== ") {
            // `timeout` hands it on.
            let id = machine.id().to_string();
            Command::new("kill").arg(id).status().unwrap();
            machine.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    let help = "qemu-system-x86_64 is of Debian's qemu-system-x86; `cargo xtask test` installs it";
    let said = text();
    assert!(status.success(), "{status}: {said} ({help})");
    Some(said)
}
