//! `qemu-aarch64` as an executor: a guest program (`guest/runner.S`) that runs
//! batches out of memory shared with it.
//!
//! The shared memory is a file without a name that the guest opens through
//! `/proc`. A byte over a pipe starts a batch, a byte back says that it is
//! done, so that this process can work meanwhile.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::case::{Batch, CODE, CODE_SIZE, DATA, DATA_SIZE, MAX_STATES, Results, State};

/// Where the guest's own code lies: within a branch's reach of the programs.
const RUNNER: u64 = CODE + 0x100_0000;
/// Where the guest maps the shared file.
const SHARED: u64 = CODE + 0x1000_0000;

/// The parts of the shared file: head, programs, pattern, entries, states,
/// data areas.
const HEAD_LEAVE: u64 = 0;
const HEAD_CODE_BYTES: u64 = 8;
const HEAD_STATES: u64 = 12;
const HEAD_MEMORY: u64 = 16;
const AT_CODE: u64 = 0x1000;
const AT_PATTERN: u64 = AT_CODE + CODE_SIZE;
const AT_ENTRIES: u64 = AT_PATTERN + DATA_SIZE;
const AT_STATES: u64 = AT_ENTRIES + 4 * MAX_STATES as u64;
const AT_DATA: u64 = AT_STATES + (MAX_STATES * size_of::<State>()) as u64;
const SIZE: u64 = AT_DATA + MAX_STATES as u64 * DATA_SIZE;

/// The guest's view: `ldp x29, x30, [x30, #232]`.
const HEAD: u32 = 0xa94e_fbdd;

/// How long a batch may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The constants that the guest needs, from where they are defined.
fn layout() -> String {
    let constants = [
        ("CODE", CODE),
        ("CODE_SIZE", CODE_SIZE),
        ("DATA", DATA),
        ("DATA_SIZE", DATA_SIZE),
        ("SHARED", SHARED),
        ("SHARED_SIZE", SIZE),
        ("HEAD_LEAVE", HEAD_LEAVE),
        ("HEAD_CODE_BYTES", HEAD_CODE_BYTES),
        ("HEAD_STATES", HEAD_STATES),
        ("HEAD_MEMORY", HEAD_MEMORY),
        ("SHARED_CODE", AT_CODE),
        ("SHARED_PATTERN", AT_PATTERN),
        ("SHARED_ENTRIES", AT_ENTRIES),
        ("SHARED_STATES", AT_STATES),
        ("SHARED_DATA", AT_DATA),
        ("STATE_SIZE", size_of::<State>() as u64),
        ("STATE_PC", std::mem::offset_of!(State, pc) as u64),
        ("STATE_NZCV", std::mem::offset_of!(State, nzcv) as u64),
        ("STATE_FPCR", std::mem::offset_of!(State, fpcr) as u64),
        ("STATE_FPSR", std::mem::offset_of!(State, fpsr) as u64),
        ("STATE_TPIDR", std::mem::offset_of!(State, tpidr) as u64),
        ("STATE_SIGNAL", std::mem::offset_of!(State, signal) as u64),
        ("STATE_CODE", std::mem::offset_of!(State, code) as u64),
        ("STATE_ADDRESS", std::mem::offset_of!(State, address) as u64),
        // The arm64 kernel's: system calls, flags, the signal frame.
        ("SYS_openat", 56),
        ("SYS_read", 63),
        ("SYS_write", 64),
        ("SYS_exit_group", 94),
        ("SYS_sigaltstack", 132),
        ("SYS_rt_sigaction", 134),
        ("SYS_mmap", 222),
        ("AT_FDCWD", -100i64 as u64),
        ("O_RDWR", 2),
        ("PROT_READ", 1),
        ("PROT_WRITE", 2),
        ("PROT_EXEC", 4),
        ("MAP_SHARED", 1),
        ("MAP_PRIVATE", 2),
        ("MAP_FIXED", 0x10),
        ("MAP_ANONYMOUS", 0x20),
        ("SA_SIGINFO", 4),
        ("SA_ONSTACK", 0x0800_0000),
        ("SA_NODEFER", 0x4000_0000),
        ("STACK_SIZE", 0x1_0000),
        ("UC_REGS", 184),
        ("UC_RESERVED", 464),
        ("FPSIMD_MAGIC", 0x4650_8001),
    ];
    constants
        .iter()
        .fold(String::new(), |mut text, (name, value)| {
            let _ = writeln!(text, "#define {name} {:#x}", value);
            text
        })
}

/// Builds the guest program into `folder`.
fn build(folder: &Path) -> io::Result<PathBuf> {
    // Tests run side by side: what is built is put in its place whole.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _building = BUILDING.lock();
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("layout.h"), layout())?;
    let place = folder.join("runner");
    let program = folder.join(format!("runner-{}", std::process::id()));
    let status = Command::new("aarch64-linux-gnu-gcc")
        .args(["-nostdlib", "-static", "-march=armv8.2-a", "-I"])
        .arg(folder)
        .arg(format!("-Wl,-Ttext-segment={RUNNER:#x}"))
        .arg("-o")
        .arg(&program)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("guest/runner.S"))
        .status()?;
    if !status.success() {
        return Err(io::Error::other("the guest program doesn't build"));
    }
    std::fs::rename(&program, &place)?;
    Ok(place)
}

/// Memory shared with the guest.
#[derive(Debug)]
struct Shared {
    file: File,
    base: *mut u8,
}

impl Shared {
    fn new() -> io::Result<Self> {
        // SAFETY: the name is a C string; the result is checked.
        let fd = unsafe { libc::memfd_create(c"oracle".as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and nobody else's.
        let file = unsafe { File::from_raw_fd(fd) };
        file.set_len(SIZE)?;
        // SAFETY: a new mapping where the kernel likes.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                SIZE as usize,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                fd,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            file,
            base: base.cast(),
        })
    }

    /// Copies `values` to an offset in the file.
    fn write<T: Copy>(&mut self, at: u64, values: &[T]) {
        let bytes = size_of_val(values);
        assert!(at as usize + bytes <= SIZE as usize, "within the file");
        // SAFETY: within the mapping, as just checked; plain values; the guest
        // doesn't run meanwhile.
        unsafe {
            std::ptr::copy_nonoverlapping(
                values.as_ptr().cast::<u8>(),
                self.base.add(at as usize),
                bytes,
            );
        }
    }

    /// Copies `count` values from an offset in the file.
    fn read<T: Copy + Default>(&self, at: u64, count: usize) -> Vec<T> {
        let mut values = vec![T::default(); count];
        let bytes = size_of_val(&values[..]);
        assert!(at as usize + bytes <= SIZE as usize, "within the file");
        // SAFETY: within the mapping, as just checked; any bytes are values of
        // the integers and states that are read.
        unsafe {
            std::ptr::copy_nonoverlapping(
                self.base.add(at as usize),
                values.as_mut_ptr().cast::<u8>(),
                bytes,
            );
        }
        values
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and nobody has a reference into it.
        unsafe {
            libc::munmap(self.base.cast(), SIZE as usize);
        }
    }
}

/// A QEMU that runs the guest program.
#[derive(Debug)]
pub struct Qemu {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    shared: Shared,
    /// Where programs end.
    leave: u64,
    posted: usize,
    memory: bool,
    /// The version, as it says it.
    pub version: String,
}

/// Where `cargo xtask differential` puts the newest QEMU, in the target folder.
pub const NEWEST: &str = "qemu/qemu-aarch64";

/// The QEMU to use: what `ARMISTICE_QEMU_AARCH64` names, else the newest that
/// `cargo xtask differential` has put into the target folder, else Debian's.
#[must_use]
pub fn binary(target: &Path) -> PathBuf {
    if let Some(given) = std::env::var_os("ARMISTICE_QEMU_AARCH64") {
        return given.into();
    }
    let newest = target.join(NEWEST);
    if newest.is_file() {
        newest
    } else {
        "qemu-aarch64-static".into()
    }
}

impl Qemu {
    /// Builds the guest program in `folder` and starts it under `binary`.
    ///
    /// # Errors
    /// When compiler or QEMU are missing or fail.
    pub fn start(binary: &Path, folder: &Path) -> io::Result<Self> {
        let version = Command::new(binary).arg("--version").output()?.stdout;
        let version = String::from_utf8_lossy(&version);
        let version = version.lines().next().unwrap_or_default();
        let program = build(folder)?;
        let shared = Shared::new()?;
        let path = format!(
            "/proc/{}/fd/{}",
            std::process::id(),
            shared.file.as_raw_fd()
        );
        let mut child = Command::new(binary)
            // What is out of the instruction table is out here too.
            .args(["-cpu", "max,sve=off,sme=off,pauth=off"])
            .arg(program)
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("was asked for");
        let mut qemu = Self {
            child,
            stdin,
            stdout,
            shared,
            leave: 0,
            posted: 0,
            memory: false,
            version: version.into(),
        };
        qemu.wait()?;
        qemu.leave = qemu.shared.read::<u64>(HEAD_LEAVE, 1)[0];
        Ok(qemu)
    }

    /// Starts running a batch.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn post(&mut self, batch: &Batch) -> io::Result<()> {
        assert!(batch.states.len() <= MAX_STATES, "too many states");
        let leave = self.leave;
        let image = batch.image(HEAD, |program| branch(program.end(), leave));
        let mut bytes = image;
        if bytes.len() % 2 == 1 {
            bytes.push(0);
        }
        assert!(4 * bytes.len() as u64 <= CODE_SIZE, "too many programs");
        self.memory = !batch.pattern.is_empty();
        self.shared.write(
            HEAD_CODE_BYTES,
            &[
                4 * bytes.len() as u32,
                batch.states.len() as u32,
                u32::from(self.memory),
            ],
        );
        self.shared.write(AT_CODE, &bytes);
        self.shared.write(AT_PATTERN, &batch.pattern);
        let entries: Vec<u32> = batch
            .states
            .iter()
            .map(|&(program, _)| (batch.programs[program].address - 4 - CODE) as u32)
            .collect();
        self.shared.write(AT_ENTRIES, &entries);
        for (n, (_, state)) in batch.states.iter().enumerate() {
            let at = AT_STATES + (n * size_of::<State>()) as u64;
            self.shared.write(at, std::slice::from_ref(state));
        }
        self.posted = batch.states.len();
        let stdin = self.stdin.as_mut().expect("open until the end");
        stdin.write_all(b"g")
    }

    /// Waits for the batch that was started.
    ///
    /// # Errors
    /// When the process is gone, or takes too long.
    pub fn collect(&mut self) -> io::Result<Results> {
        self.wait()?;
        Ok(Results {
            states: self.shared.read(AT_STATES, self.posted),
            data: if self.memory {
                self.shared.read(AT_DATA, self.posted * DATA_SIZE as usize)
            } else {
                Vec::new()
            },
        })
    }

    /// Runs a batch.
    ///
    /// # Errors
    /// As [`Qemu::post`] and [`Qemu::collect`].
    pub fn run(&mut self, batch: &Batch) -> io::Result<Results> {
        self.post(batch)?;
        self.collect()
    }

    /// Waits for a byte of the guest.
    fn wait(&mut self) -> io::Result<()> {
        let until = Instant::now() + PATIENCE;
        let mut poll = libc::pollfd {
            fd: self.stdout.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let left = until.saturating_duration_since(Instant::now()).as_millis();
        // SAFETY: one struct of this frame.
        let ready = unsafe { libc::poll(&raw mut poll, 1, left as i32) };
        if ready == 0 {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "a batch doesn't end under QEMU",
            ));
        }
        self.stdout.read_exact(&mut [0])
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        self.stdin = None;
        // It may hang in a program that does not end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `B to`, at `from`.
const fn branch(from: u64, to: u64) -> u32 {
    0x1400_0000 | (to.wrapping_sub(from) >> 2) as u32 & 0x03ff_ffff
}
