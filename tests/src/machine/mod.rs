//! A machine of a test's own: Debian on its own kernel, with systemd as PID 1,
//! made by QEMU. Nothing that goes on here reaches it, and it can be restarted.
//!
//! KVM runs it where the processor has that; else QEMU does in software, slowly.
//! Its disk forgets what was written when it is switched off, not when it is
//! restarted. It has no network. Files go in as an archive on a second disk;
//! scripts go in, and what they say comes out, by a port that
//! `machine/agent.sh` listens to:
//!
//! ```text
//! in    RUN <bytes>\n<script>
//! out   READY <boot's id>\n                   after each start
//!       DONE <code> <bytes> <bytes>\n<stdout><stderr>
//! ```
//!
//! The machine ends with the process that made it, however that ends.

mod disk;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::{Done, run};
use crate::need;
use disk::{Disk, LABEL};
pub use disk::{RELEASES, Release};

/// Longer than a start takes in software on a loaded host.
const START: Duration = Duration::from_secs(900);
/// Longer than any script takes there.
const SCRIPT: Duration = Duration::from_secs(900);

/// Where the given files are inside.
pub const GIVEN: &str = "/srv";

/// Runs the machine until the tests' process, which holds the other end of the
/// first stream, is gone.
const HOLDER: &str = r#"
folder=$1
shift
"$@" </dev/null >"$folder/qemu" 2>&1 &
cat
kill $!
wait
rm -rf "$folder""#;

/// A machine that runs.
#[derive(Debug)]
pub struct Machine {
    holder: Child,
    folder: PathBuf,
    port: Mutex<BufReader<UnixStream>>,
}

impl Machine {
    /// Starts a release, with these files (from, and the name inside [`GIVEN`]),
    /// and waits until systemd has done all it has to.
    ///
    /// # Panics
    /// When it does not start; with what it said.
    #[must_use]
    pub fn start(release: Release, given: &[(&Path, &str)]) -> Machine {
        let disk = Disk::of(release);
        let folder = crate::temporary().keep();
        let archive = folder.join("given.tar");
        write_archive(&archive, given)
            .unwrap_or_else(|error| panic!("can't write {}: {error}", archive.display()));
        let socket = folder.join("port");
        let mut command = Command::new("sh");
        command
            .args(["-c", HOLDER, "holder"])
            .arg(&folder)
            .arg(need::program("qemu-system-x86_64", "qemu-system-x86"))
            .args(options(&disk, &folder))
            .stdin(Stdio::piped());
        let holder = command.spawn().expect("a shell can be started");
        let started = Instant::now();
        let port = loop {
            if let Ok(port) = UnixStream::connect(&socket) {
                break port;
            }
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "QEMU does not start: {}",
                fs::read_to_string(folder.join("qemu")).unwrap_or_default()
            );
            thread::sleep(Duration::from_millis(50));
        };
        let machine = Machine {
            holder,
            folder,
            port: Mutex::new(BufReader::new(port)),
        };
        machine.wait_until_up();
        machine
            .run(&format!(
                "tar -x -f /dev/disk/by-id/virtio-given -C {GIVEN}"
            ))
            .ok();
        machine
    }

    /// Runs a script in bash, as root, with no terminal.
    ///
    /// # Panics
    /// When the machine does not answer.
    #[must_use]
    pub fn run(&self, script: &str) -> Done {
        let mut port = self.port.lock().unwrap_or_else(PoisonError::into_inner);
        self.send(&mut port, script);
        let answer = self.line(&mut port, "DONE ", SCRIPT);
        let numbers: Vec<usize> = answer
            .split(' ')
            .filter_map(|number| number.parse().ok())
            .collect();
        let [code, out, err] = numbers[..] else {
            panic!("the machine answers '{answer}'")
        };
        let mut text = |length| {
            let mut bytes = vec![0; length];
            self.expect("read", port.read_exact(&mut bytes));
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let (stdout, stderr) = (text(out), text(err));
        Done {
            line: script.trim().to_owned(),
            status: ExitStatus::from_raw(i32::try_from(code).unwrap_or(255) << 8),
            stdout,
            stderr,
        }
    }

    /// Restarts it, as its user would, and waits until it is up again.
    ///
    /// # Panics
    /// When it does not come up, or is the same boot.
    pub fn reboot(&self) {
        let id = "cat /proc/sys/kernel/random/boot_id";
        let before = self.run(id).ok().stdout;
        let mut port = self.port.lock().unwrap_or_else(PoisonError::into_inner);
        // Its answer may come, or the machine goes down before.
        self.send(&mut port, "systemctl --no-block reboot");
        drop(port);
        self.wait_until_up();
        assert_ne!(self.run(id).ok().stdout, before, "it was not restarted");
    }

    /// What its kernel and systemd wrote to the console.
    #[must_use]
    pub fn console(&self) -> String {
        let bytes = fs::read(self.folder.join("console")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\r', "")
    }

    fn wait_until_up(&self) {
        let mut port = self.port.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.line(&mut port, "READY ", START);
        drop(port);
        // "degraded" where a unit failed, and for ever "starting" where one hangs:
        // what a test needs it asks for itself.
        let _ = self.run("timeout 300 systemctl is-system-running --wait || true");
    }

    fn send(&self, port: &mut BufReader<UnixStream>, script: &str) {
        let order = format!("RUN {}\n{script}", script.len());
        self.expect("send", port.get_mut().write_all(order.as_bytes()));
    }

    /// The next line that begins so, without its beginning.
    fn line(&self, port: &mut BufReader<UnixStream>, start: &str, limit: Duration) -> String {
        self.expect("wait", port.get_ref().set_read_timeout(Some(limit)));
        loop {
            let mut line = String::new();
            if self.expect("hear", port.read_line(&mut line)) == 0 {
                self.gives_up("has stopped");
            }
            if let Some(rest) = line.trim_end().strip_prefix(start) {
                return rest.to_owned();
            }
        }
    }

    fn expect<T>(&self, what: &str, result: std::io::Result<T>) -> T {
        result.unwrap_or_else(|error| self.gives_up(&format!("can't {what}: {error}")))
    }

    fn gives_up(&self, why: &str) -> ! {
        let console = self.console();
        let lines: Vec<&str> = console.lines().collect();
        panic!(
            "the machine: {why}. QEMU: {}\nThe last of its console:\n{}",
            fs::read_to_string(self.folder.join("qemu")).unwrap_or_default(),
            lines[lines.len().saturating_sub(60)..].join("\n")
        )
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// What runs the machines: QEMU, in which way, and this processor.
///
/// # Panics
/// When QEMU is not there.
#[must_use]
pub fn host() -> String {
    let qemu =
        run(Command::new(need::program("qemu-system-x86_64", "qemu-system-x86")).arg("--version"))
            .ok();
    let version = qemu.stdout.split(' ').nth(3).unwrap_or("?").to_owned();
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1))
        .unwrap_or("an unknown processor");
    let how = if has_kvm() { "KVM" } else { "in software" };
    format!("QEMU {version} {how}, {model}")
}

/// How QEMU runs it.
fn options(disk: &Disk, folder: &Path) -> Vec<String> {
    let (accel, cpu) = if has_kvm() {
        ("kvm", "host")
    } else {
        ("tcg,thread=multi", "max")
    };
    let at = |name: &str| folder.join(name).display().to_string();
    let drive = |file: String, id: &str, how: &str| {
        [
            "-drive".to_owned(),
            format!("file={file},if=none,id={id},format=raw,{how}"),
            "-device".to_owned(),
            format!("virtio-blk-pci,drive={id},serial={id}"),
        ]
    };
    let console = format!("file:{}", at("console"));
    let port = format!("socket,id=port,path={},server=on,wait=off", at("port"));
    let line = format!(
        "root=LABEL={LABEL} rw console=ttyS0 panic=-1 no_timer_check loglevel=4 systemd.show_status=1"
    );
    let words = [
        &["-M", "q35", "-accel", accel, "-cpu", cpu][..],
        &["-smp", "2", "-m", "2048", "-nodefaults"],
        &["-display", "none", "-serial", &console],
        &["-device", "virtio-rng-pci", "-device", "virtio-serial-pci"],
        &["-chardev", &port],
        &["-device", "virtserialport,chardev=port,name=armistice"],
        &["-append", &line],
    ];
    let mut options: Vec<String> = words.concat().into_iter().map(str::to_owned).collect();
    for (option, file) in [("-kernel", &disk.kernel), ("-initrd", &disk.ram_disk)] {
        options.extend([option.to_owned(), file.display().to_string()]);
    }
    options.extend(drive(
        disk.image.display().to_string(),
        "root",
        "snapshot=on,cache=unsafe",
    ));
    options.extend(drive(at("given.tar"), "given", "readonly=on"));
    options
}

/// Whether the processor's own means can be used. A `/dev/kvm` alone says little:
/// there are some that run no machine with an ordinary kernel.
fn has_kvm() -> bool {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let able = processor
        .split_whitespace()
        .any(|flag| flag == "vmx" || flag == "svm");
    let open = File::options().read(true).write(true).open("/dev/kvm");
    able && open.is_ok()
}

fn write_archive(to: &Path, given: &[(&Path, &str)]) -> std::io::Result<()> {
    let mut archive = tar::Builder::new(File::create(to)?);
    for (from, name) in given {
        archive.append_path_with_name(from, name)?;
    }
    archive.finish()
}
