//! `qemu-arm` as an executor: a guest program (`runner.S`) that runs batches out of memory
//! shared with it: a file that the guest opens through `/proc`. A byte over a pipe starts a
//! batch, a byte back says that it is done.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::mem::offset_of;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use crate::case::{Batch, CODE, CODE_SIZE, DATA, DATA_SIZE, MAX_STATES, Results, State};

/// Where the guest's own code lies: within a branch's reach of the programs.
const RUNNER: u32 = CODE + 0x10_0000;
/// Where the guest maps the shared file.
const SHARED: u32 = CODE + 0x5000_0000;
/// The parts of the shared file: head, programs, pattern, entries, states, data areas.
const HEAD_LEAVE: u32 = 0;
const HEAD_CODE_BYTES: u32 = 8;
const HEAD_STATES: u32 = 12;
const HEAD_DATA_BYTES: u32 = 16;
const AT_CODE: u32 = 0x1000;
const AT_PATTERN: u32 = AT_CODE + CODE_SIZE;
const AT_ENTRIES: u32 = AT_PATTERN + DATA_SIZE;
const AT_STATES: u32 = AT_ENTRIES + 4 * MAX_STATES as u32;
const AT_DATA: u32 = AT_STATES + (MAX_STATES * size_of::<State>()) as u32;
const SIZE: u32 = AT_DATA + MAX_STATES as u32 * DATA_SIZE;

/// How long a batch may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The constants that the guest needs, from where they are defined.
fn layout() -> String {
    let constants = [
        ("CODE", CODE),
        ("CODE_SIZE", CODE_SIZE),
        ("DATA", DATA),
        ("DATA_SIZE", DATA_SIZE),
        ("SHARED", SHARED),
        ("SHARED_SIZE", SIZE.next_multiple_of(4096)),
        ("HEAD_LEAVE", HEAD_LEAVE),
        ("HEAD_LEAVE_THUMB", HEAD_LEAVE + 4),
        ("HEAD_CODE_BYTES", HEAD_CODE_BYTES),
        ("HEAD_STATES", HEAD_STATES),
        ("HEAD_DATA_BYTES", HEAD_DATA_BYTES),
        ("SHARED_CODE", AT_CODE),
        ("SHARED_PATTERN", AT_PATTERN),
        ("SHARED_ENTRIES", AT_ENTRIES),
        ("SHARED_STATES", AT_STATES),
        ("SHARED_DATA", AT_DATA),
        ("STATE_SIZE", size_of::<State>() as u32),
        ("STATE_PC", offset_of!(State, pc) as u32),
        ("STATE_CPSR", offset_of!(State, cpsr) as u32),
        ("STATE_FPSCR", offset_of!(State, fpscr) as u32),
        ("STATE_SIGNAL", offset_of!(State, signal) as u32),
        ("STATE_CODE", offset_of!(State, code) as u32),
        ("STATE_ADDRESS", offset_of!(State, address) as u32),
        ("STATE_TPIDRURW", offset_of!(State, tpidrurw) as u32),
        ("STATE_D", offset_of!(State, d) as u32),
        // The arm kernel's: system calls, flags, the signal frame.
        ("SYS_read", 3),
        ("SYS_write", 4),
        ("SYS_mprotect", 125),
        ("SYS_rt_sigaction", 174),
        ("SYS_sigaltstack", 186),
        ("SYS_mmap2", 192),
        ("SYS_exit_group", 248),
        ("SYS_openat", 322),
        ("SYS_cacheflush", 0xf_0002),
        ("AT_FDCWD", -100i32 as u32),
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
        ("UC_REGS", 32),
        ("UC_REGSPACE", 232),
        ("VFP_MAGIC", 0x5646_5001),
    ];
    constants
        .iter()
        .fold(String::new(), |mut text, (name, value)| {
            let _ = writeln!(text, "#define {name} {value:#x}");
            text
        })
}

/// Builds the guest program into `folder`.
fn build(folder: &Path) -> PathBuf {
    // Tests run side by side: what is built is put in its place whole.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _building = BUILDING.lock();
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("layout.h"), layout()).unwrap();
    let place = folder.join("runner");
    let program = folder.join(format!("runner-{}", std::process::id()));
    let status = Command::new("arm-linux-gnueabihf-gcc")
        .args(["-nostdlib", "-static", "-Wa,-mno-warn-deprecated"])
        .args(["-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments", "-I"])
        .arg(folder)
        .arg(format!("-Wl,--section-start=.runner={RUNNER:#x}"))
        .arg("-o")
        .arg(&program)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/qemu/runner.S"))
        .status()
        .expect("arm-linux-gnueabihf-gcc: apt-get install gcc-arm-linux-gnueabihf (`cargo xtask test` does so)");
    assert!(status.success(), "the guest program doesn't build");
    std::fs::rename(&program, &place).unwrap();
    place
}

/// A QEMU that runs the guest program.
pub(crate) struct Qemu {
    child: Child,
    stdin: Option<ChildStdin>,
    /// A byte for each batch that is done.
    answers: Receiver<()>,
    shared: File,
    /// Where programs end.
    pub(crate) leave: [u32; 2],
    /// The version, as it says it.
    pub(crate) version: String,
}

/// The QEMU to use: what `ARMISTICE_QEMU_ARM` names, else the newest that `cargo xtask
/// differential` has put into the target folder, else Debian's.
fn binary() -> PathBuf {
    if let Some(given) = std::env::var_os("ARMISTICE_QEMU_ARM") {
        return given.into();
    }
    let folders = Path::new(env!("CARGO_TARGET_TMPDIR")).ancestors();
    folders
        .take(3)
        .map(|folder| folder.join("qemu/qemu-arm"))
        .find(|file| file.is_file())
        .unwrap_or_else(|| "qemu-arm-static".into())
}

impl Qemu {
    /// Builds the guest program and starts it.
    pub(crate) fn start() -> Self {
        let binary = binary();
        let version = Command::new(&binary).arg("--version").output().expect(
            "qemu-arm-static: apt-get install qemu-user-static (`cargo xtask test` does so)",
        );
        let version = String::from_utf8_lossy(&version.stdout);
        let version = version.lines().next().unwrap_or_default().to_owned();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracle-a32");
        let program = build(&folder);
        let (path, shared) = (0..)
            .map(|n| folder.join(format!("shared-{}-{n}", std::process::id())))
            .find_map(|path| {
                let mut options = File::options();
                let file = options.read(true).write(true).create_new(true);
                Some((path.clone(), file.open(path).ok()?))
            })
            .unwrap();
        shared.set_len(SIZE.next_multiple_of(4096).into()).unwrap();
        let mut child = Command::new(&binary)
            .args(["-cpu", "max"])
            .arg(program)
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut stdout = child.stdout.take().unwrap();
        let (sender, answers) = channel();
        std::thread::spawn(
            move || {
                while stdout.read_exact(&mut [0]).is_ok() && sender.send(()).is_ok() {}
            },
        );
        let mut qemu = Self {
            child,
            stdin,
            answers,
            shared,
            leave: [0; 2],
            version,
        };
        let started = qemu.wait();
        std::fs::remove_file(path).unwrap();
        started.expect("QEMU runs the guest program");
        qemu.leave = [qemu.word(HEAD_LEAVE), qemu.word(HEAD_LEAVE + 4)];
        qemu
    }

    fn word(&self, at: u32) -> u32 {
        let mut bytes = [0; 4];
        self.shared.read_exact_at(&mut bytes, at.into()).unwrap();
        u32::from_le_bytes(bytes)
    }

    fn write(&self, at: u32, bytes: &[u8]) {
        self.shared.write_all_at(bytes, at.into()).unwrap();
    }

    fn wait(&mut self) -> Result<(), RecvTimeoutError> {
        self.answers.recv_timeout(PATIENCE)
    }

    /// Starts a batch, of which [`Self::results`] waits for the end.
    pub(crate) fn start_batch(&mut self, batch: &Batch) {
        let image = batch.image(self.leave);
        assert!(image.len() <= CODE_SIZE as usize && batch.states.len() <= MAX_STATES);
        let head = [
            (HEAD_CODE_BYTES, image.len()),
            (HEAD_STATES, batch.states.len()),
            (HEAD_DATA_BYTES, batch.data_size()),
        ];
        for (at, value) in head {
            self.write(at, &(value as u32).to_le_bytes());
        }
        self.write(AT_CODE, &image);
        self.write(AT_PATTERN, &batch.pattern);
        let (mut entries, mut states) = (Vec::new(), Vec::new());
        for (program, state) in &batch.states {
            let program = &batch.programs[*program];
            let thumb = u32::from(program.set == armistice_a32::decode::State::Thumb);
            entries.extend(((program.address - 8) | thumb).to_le_bytes());
            states.extend(to_bytes(state));
        }
        self.write(AT_ENTRIES, &entries);
        self.write(AT_STATES, &states);
        self.stdin.as_mut().unwrap().write_all(b"g").unwrap();
    }

    /// What came of the batch that was started.
    pub(crate) fn results(&mut self, batch: &Batch) -> Result<Results, RecvTimeoutError> {
        self.wait()?;
        let count = batch.states.len();
        let mut results = Results::default();
        let mut bytes = vec![0; count * size_of::<State>()];
        self.shared
            .read_exact_at(&mut bytes, AT_STATES.into())
            .unwrap();
        results.states = bytes.chunks(size_of::<State>()).map(from_bytes).collect();
        results.data = vec![0; count * batch.data_size()];
        self.shared
            .read_exact_at(&mut results.data, AT_DATA.into())
            .unwrap();
        Ok(results)
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

/// A state as it lies in memory.
fn to_bytes(state: &State) -> Vec<u8> {
    let State {
        r,
        pc,
        cpsr,
        fpscr,
        signal,
        code,
        address,
        tpidrurw,
        d,
    } = state;
    let rest = [pc, cpsr, fpscr, signal, code, address, tpidrurw];
    let words = r.iter().chain(rest).copied().flat_map(u32::to_le_bytes);
    words
        .chain(d.iter().copied().flat_map(u64::to_le_bytes))
        .collect()
}

/// A state from where it lies.
fn from_bytes(bytes: &[u8]) -> State {
    let (words, doubles) = bytes.split_at(offset_of!(State, d));
    let mut words = words
        .chunks(4)
        .map(|w| u32::from_le_bytes(w.try_into().unwrap()));
    let mut doubles = doubles
        .chunks(8)
        .map(|d| u64::from_le_bytes(d.try_into().unwrap()));
    let mut next = || words.next().unwrap();
    State {
        r: std::array::from_fn(|_| next()),
        pc: next(),
        cpsr: next(),
        fpscr: next(),
        signal: next(),
        code: next(),
        address: next(),
        tpidrurw: next(),
        d: std::array::from_fn(|_| doubles.next().unwrap()),
    }
}
