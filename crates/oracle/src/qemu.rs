//! QEMU as an executor: a guest program (`guest/`) that runs
//! batches out of memory shared with it.
//!
//! The shared memory is a file without a name that the guest opens through
//! `/proc`. A byte over a pipe starts a batch, a byte back says that it is
//! done, so that this process can work meanwhile.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, FromRawFd};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::case::{Batch, CODE_SIZE, DATA_AT, DATA_SIZE, MAX_STATES, RUNNER_AT, Results};
use crate::tested::{State, Tested};

/// The parts of the shared file: head, programs, pattern, entries, states,
/// data areas.
const HEAD_CODE_BYTES: u64 = 0;
const HEAD_STATES: u64 = 4;
const HEAD_MEMORY: u64 = 8;
const AT_CODE: u64 = 0x1000;
const AT_PATTERN: u64 = AT_CODE + CODE_SIZE;
const AT_ENTRIES: u64 = AT_PATTERN + DATA_SIZE;
const AT_STATES: u64 = AT_ENTRIES + 4 * MAX_STATES as u64;

/// Where the data areas are, behind the states.
const fn at_data<G: Tested>() -> u64 {
    AT_STATES + (MAX_STATES * size_of::<G::Registers>()) as u64
}

const fn size<G: Tested>() -> u64 {
    (at_data::<G>() + MAX_STATES as u64 * DATA_SIZE).next_multiple_of(0x1000)
}

/// How long a batch may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The constants that the guest needs, from where they are defined.
fn layout<G: Tested>() -> String {
    let places = [
        ("CODE", G::CODE),
        ("CODE_SIZE", CODE_SIZE),
        ("DATA", G::CODE + DATA_AT),
        ("DATA_SIZE", DATA_SIZE),
        ("SHARED", G::SHARED),
        ("SHARED_SIZE", size::<G>()),
        ("HEAD_CODE_BYTES", HEAD_CODE_BYTES),
        ("HEAD_STATES", HEAD_STATES),
        ("HEAD_MEMORY", HEAD_MEMORY),
        ("SHARED_CODE", AT_CODE),
        ("SHARED_PATTERN", AT_PATTERN),
        ("SHARED_ENTRIES", AT_ENTRIES),
        ("SHARED_STATES", AT_STATES),
        ("SHARED_DATA", at_data::<G>()),
        ("STATE_SIZE", size_of::<G::Registers>() as u64),
        // What all kernels of Arm have.
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
    ];
    let constants = places.iter().chain(G::LAYOUT);
    constants.fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "#define {name} {value:#x}");
        text
    })
}

/// Builds the guest program into `folder`.
fn build<G: Tested>(folder: &Path) -> io::Result<PathBuf> {
    // Tests run side by side: what is built is put in its place whole.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _building = BUILDING.lock();
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("layout.h"), layout::<G>())?;
    let place = folder.join("runner");
    let program = folder.join(format!("runner-{}", std::process::id()));
    let runner = G::CODE + RUNNER_AT;
    let status = Command::new(G::EMULATOR.compiler)
        .args(["-nostdlib", "-static", "-Wl,--build-id=none"])
        .args(G::EMULATOR.compile)
        .args(["-Wl,--no-warn-rwx-segments", "-I"])
        .arg(folder)
        .arg(format!("-Wl,--section-start=.runner={runner:#x}"))
        .arg("-o")
        .arg(&program)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(G::EMULATOR.source))
        .status()
        .map_err(|error| io::Error::other(format!("{}: {error}", G::EMULATOR.compiler)))?;
    if !status.success() {
        return Err(io::Error::other("the guest program doesn't build"));
    }
    std::fs::rename(&program, &place)?;
    Ok(place)
}

/// What may be copied from and to the guest as bytes.
///
/// # Safety
/// Any bytes are a value of it, and a value has no others.
unsafe trait Plain: Copy + Default {}

// SAFETY: an integer.
unsafe impl Plain for u8 {}
// SAFETY: an integer.
unsafe impl Plain for u32 {}
// SAFETY: `State` demands no padding and that any bytes are a value.
unsafe impl<S: State> Plain for Registers<S> {}

/// A state as it lies in memory.
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
struct Registers<S>(S);

/// Memory shared with the guest.
#[derive(Debug)]
struct Shared {
    file: File,
    base: *mut u8,
    size: u64,
}

impl Shared {
    fn new(size: u64) -> io::Result<Self> {
        // SAFETY: the name is a C string; the result is checked.
        let fd = unsafe { libc::memfd_create(c"oracle".as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and nobody else's.
        let file = unsafe { File::from_raw_fd(fd) };
        file.set_len(size)?;
        // SAFETY: a new mapping where the kernel likes.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size as usize,
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
            size,
        })
    }

    /// Copies `values` to an offset in the file.
    fn write<T: Plain>(&mut self, at: u64, values: &[T]) {
        let bytes = size_of_val(values);
        assert!(at as usize + bytes <= self.size as usize, "within the file");
        // SAFETY: within the mapping, as just checked; the values are plain; the guest
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
    fn read<T: Plain>(&self, at: u64, count: usize) -> Vec<T> {
        let mut values = vec![T::default(); count];
        let bytes = size_of_val(&values[..]);
        assert!(at as usize + bytes <= self.size as usize, "within the file");
        // SAFETY: within the mapping, as just checked; any bytes are values of
        // a plain type.
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
            libc::munmap(self.base.cast(), self.size as usize);
        }
    }
}

/// A QEMU that runs the guest program.
#[derive(Debug)]
pub struct Qemu<G> {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    shared: Shared,
    posted: usize,
    memory: bool,
    /// The version, as it says it.
    pub version: String,
    _guest: PhantomData<G>,
}

/// Where `cargo xtask differential` puts the newest QEMU, in the target folder.
pub const NEWEST: &str = "qemu";

/// The QEMU to use: what the environment names, else the newest that
/// `cargo xtask differential` has put into the target folder, else Debian's.
#[must_use]
pub fn binary<G: Tested>(target: &Path) -> PathBuf {
    if let Some(given) = std::env::var_os(G::EMULATOR.variable) {
        return given.into();
    }
    let newest = target.join(NEWEST).join(G::EMULATOR.name);
    if newest.is_file() {
        newest
    } else {
        format!("{}-static", G::EMULATOR.name).into()
    }
}

impl<G: Tested> Qemu<G> {
    /// Builds the guest program in `folder` and starts it under `binary`.
    ///
    /// # Errors
    /// When compiler or QEMU are missing or fail.
    pub fn start(binary: &Path, folder: &Path) -> io::Result<Self> {
        let version = Command::new(binary).arg("--version").output()?.stdout;
        let version = String::from_utf8_lossy(&version);
        let version = version.lines().next().unwrap_or_default();
        let program = build::<G>(folder)?;
        let shared = Shared::new(size::<G>())?;
        let path = format!(
            "/proc/{}/fd/{}",
            std::process::id(),
            shared.file.as_raw_fd()
        );
        let mut child = Command::new(binary)
            .args(G::EMULATOR.options)
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
            posted: 0,
            memory: false,
            version: version.into(),
            _guest: PhantomData,
        };
        qemu.wait()?;
        Ok(qemu)
    }

    /// Starts running a batch.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn post(&mut self, batch: &Batch<G>) -> io::Result<()> {
        assert!(batch.states.len() <= MAX_STATES, "too many states");
        let image = batch.image();
        self.memory = !batch.pattern.is_empty();
        self.shared.write(
            HEAD_CODE_BYTES,
            &[
                image.len() as u32,
                batch.states.len() as u32,
                u32::from(self.memory),
            ],
        );
        self.shared.write(AT_CODE, &image);
        self.shared.write(AT_PATTERN, &batch.pattern);
        let programs = batch.states.iter().map(|&(program, _)| program);
        let entries: Vec<u32> = programs.map(|program| batch.entry(program)).collect();
        self.shared.write(AT_ENTRIES, &entries);
        let states = batch.states.iter().map(|(_, state)| Registers(*state));
        self.shared.write(AT_STATES, &states.collect::<Vec<_>>());
        self.posted = batch.states.len();
        let stdin = self.stdin.as_mut().expect("open until the end");
        stdin.write_all(b"g")
    }

    /// Waits for the batch that was started.
    ///
    /// # Errors
    /// When the process is gone, or takes too long.
    pub fn collect(&mut self) -> io::Result<Results<G>> {
        self.wait()?;
        let states: Vec<Registers<G::Registers>> = self.shared.read(AT_STATES, self.posted);
        Ok(Results {
            states: states.into_iter().map(|Registers(state)| state).collect(),
            data: if self.memory {
                let bytes = self.posted * DATA_SIZE as usize;
                self.shared.read(at_data::<G>(), bytes)
            } else {
                Vec::new()
            },
        })
    }

    /// Runs a batch.
    ///
    /// # Errors
    /// As [`Qemu::post`] and [`Qemu::collect`].
    pub fn run(&mut self, batch: &Batch<G>) -> io::Result<Results<G>> {
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

impl<G> Drop for Qemu<G> {
    fn drop(&mut self) {
        self.stdin = None;
        // It may hang in a program that does not end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
