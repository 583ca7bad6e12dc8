//! What the debugger's packets say, and the answers.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use guest::Guest;

use super::packet::{escape, hex, number, numbers, unhex};
use super::server::Server;
use super::signals::{from_gdb, to_gdb};
use super::{Tracee, Watch, Why};
use crate::host::signal::{SIGKILL, SignalInfo, bit};
use crate::host::sys::{self, Errno};
use crate::linux::abi::Abi;

/// The longest packet that is taken, and about what is sent at a time.
const PACKET: usize = 0x8000;

const FEATURES: &str = "QStartNoAckMode+;qXfer:features:read+;qXfer:auxv:read+;\
    qXfer:exec-file:read+;qXfer:siginfo:read+;qXfer:threads:read+;QPassSignals+;vContSupported+;\
    swbreak+;exec-events+";

const SIGTRAP: u8 = 5;
const SIGINT: u8 = 2;

/// An answer, or the end of the session.
enum Answer {
    Packet(Vec<u8>),
    /// Nothing: the threads run.
    Later,
    End,
}

impl From<&str> for Answer {
    fn from(text: &str) -> Self {
        Self::Packet(text.into())
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self::Packet(text.into_bytes())
    }
}

impl From<Result<(), Errno>> for Answer {
    fn from(result: Result<(), Errno>) -> Self {
        match result {
            Ok(()) => "OK".into(),
            Err(error) => format!("E{:02x}", error.0 & 0xff).into(),
        }
    }
}

/// What is not known is answered with nothing, as the protocol has it.
const UNKNOWN: &str = "";
/// What is wrong in a packet.
const WRONG: Result<(), Errno> = Err(Errno::EINVAL);

impl<A: Abi> Server<A> {
    /// Does what a packet says. Returns whether the session goes on.
    pub(super) fn execute(&mut self, packet: &[u8]) -> bool {
        match self.answer(packet).unwrap_or_else(|| WRONG.into()) {
            Answer::Packet(answer) => self.send(&answer),
            Answer::Later => true,
            Answer::End => false,
        }
    }

    /// None for a packet that is not well formed.
    fn answer(&mut self, packet: &[u8]) -> Option<Answer> {
        let (&kind, rest) = packet.split_first()?;
        Some(match kind {
            b'?' => {
                let thread = self.chosen_thread(|thread| thread.id());
                self.chosen = thread.unwrap_or(0);
                Answer::Packet(self.stop_reply(self.chosen))
            }
            b'g' => Answer::Packet(self.read_registers()?),
            b'G' => self.write_registers(&unhex(rest)?),
            b'p' => Answer::Packet(self.read_register(number(rest)?)?),
            b'P' => self.write_register(rest)?,
            b'm' => self.read_memory(rest)?,
            b'M' => {
                let (place, bytes) = split(rest, b':')?;
                self.write_memory(place, &unhex(bytes)?)?
            }
            b'X' => {
                let (place, bytes) = split(rest, b':')?;
                self.write_memory(place, bytes)?
            }
            b'H' => self.choose(rest.get(1..)?)?,
            b'T' => self.is_alive(number(rest)?).into(),
            b'Z' => self.breakpoint(rest, true)?,
            b'z' => self.breakpoint(rest, false)?,
            b'D' => {
                self.send(b"OK");
                Answer::End
            }
            b'k' => kill(),
            b'q' => self.query(packet)?,
            b'Q' => self.set(packet)?,
            b'v' => self.verb(packet)?,
            _ => UNKNOWN.into(),
        })
    }

    fn verb(&mut self, packet: &[u8]) -> Option<Answer> {
        if let Some(actions) = packet.strip_prefix(b"vCont;") {
            return self.go_on_as(actions);
        }
        if let Some(call) = packet.strip_prefix(b"vFile:") {
            let process = self.debugger.process();
            let answer = self.session.files.answer(process, call);
            return Some(answer.map_or(UNKNOWN.into(), Answer::Packet));
        }
        Some(match packet {
            b"vCont?" => "vCont;c;C;s;S".into(),
            _ if packet.starts_with(b"vKill") => {
                self.send(b"OK");
                kill()
            }
            _ => UNKNOWN.into(),
        })
    }

    fn query(&mut self, packet: &[u8]) -> Option<Answer> {
        if let Some(known) = packet.strip_prefix(b"qSupported:") {
            let knows = |name: &[u8]| known.split(|&byte| byte == b';').any(|one| one == name);
            self.session.swbreak = knows(b"swbreak+");
            self.session.exec = knows(b"exec-events+");
            return Some(format!("PacketSize={PACKET:x};{FEATURES}").into());
        }
        if let Some(object) = packet.strip_prefix(b"qXfer:") {
            return self.transfer(object);
        }
        if let Some(thread) = packet.strip_prefix(b"qThreadExtraInfo,") {
            let mut answer = Vec::new();
            hex(&name_of(number(thread)?), &mut answer);
            return Some(Answer::Packet(answer));
        }
        Some(match packet {
            b"qfThreadInfo" => {
                let threads: Vec<String> =
                    self.threads().iter().map(|id| format!("{id:x}")).collect();
                format!("m{}", threads.join(",")).into()
            }
            b"qsThreadInfo" => "l".into(),
            b"qC" => format!("QC{:x}", self.chosen).into(),
            // It was started for this, and ends with it.
            _ if packet.starts_with(b"qAttached") => "0".into(),
            _ if packet.starts_with(b"qSymbol") => "OK".into(),
            _ => UNKNOWN.into(),
        })
    }

    fn set(&mut self, packet: &[u8]) -> Option<Answer> {
        if packet == b"QStartNoAckMode" {
            self.send(b"OK");
            self.acknowledges = false;
            self.debugger.state.hold().can_hand_over = self.session.exec;
            return Some(Answer::Later);
        }
        let Some(signals) = packet.strip_prefix(b"QPassSignals:") else {
            return Some(UNKNOWN.into());
        };
        let numbers = signals.split(|&byte| byte == b';').filter_map(number);
        let passed = numbers
            .filter_map(from_gdb)
            .fold(0, |all, one| all | bit(one));
        self.debugger.state.hold().passed = passed;
        Some("OK".into())
    }

    /// `OBJECT:read:ANNEX:OFFSET,LENGTH`.
    fn transfer(&self, request: &[u8]) -> Option<Answer> {
        let mut fields = request.splitn(4, |&byte| byte == b':');
        let (object, what, annex) = (fields.next()?, fields.next()?, fields.next()?);
        let (offset, length) = numbers(fields.next()?, b',')?;
        if what != b"read" {
            return Some(UNKNOWN.into());
        }
        let whole = match object {
            b"features" if annex == b"target.xml" => A::description().into_bytes(),
            b"features" => return None,
            b"auxv" => {
                let range = self.debugger.auxiliary.clone();
                let mut bytes = alloc::vec![0; usize::try_from(range.end - range.start).ok()?];
                let length = self.memory.read(range.start, &mut bytes);
                bytes.truncate(length);
                bytes
            }
            b"exec-file" => self.debugger.process().executable.clone(),
            b"siginfo" => self.chosen_thread(|thread| match thread.why {
                Why::Signal(info) => info.bytes().to_vec(),
                _ => Vec::new(),
            })?,
            b"threads" => self.thread_list().into_bytes(),
            _ => return Some(UNKNOWN.into()),
        };
        Some(Answer::Packet(piece(&whole, offset, length)))
    }

    fn thread_list(&self) -> String {
        let mut list = String::from("<threads>\n");
        for id in self.threads() {
            let name: String = String::from_utf8_lossy(&name_of(id.into()))
                .chars()
                .filter(|c| !c.is_control() && !matches!(c, '<' | '>' | '&' | '"' | '\''))
                .collect();
            let _ = writeln!(list, "<thread id=\"{id:x}\" name=\"{name}\"/>");
        }
        list.push_str("</threads>\n");
        list
    }

    /// What the chosen thread says; that of the first when it is gone.
    fn chosen_thread<R>(&self, look: impl FnOnce(&mut Tracee<A>) -> R) -> Option<R> {
        let mut state = self.debugger.state.hold();
        let threads = &mut state.threads;
        let at = threads
            .iter()
            .position(|thread| thread.id() == self.chosen)
            .unwrap_or(0);
        threads.get_mut(at).map(look)
    }

    fn choose(&mut self, thread: &[u8]) -> Option<Answer> {
        // All of them, or any.
        if thread != b"-1" && thread != b"0" {
            let id = number(thread)?;
            if self.is_alive(id).is_err() {
                return Some(self.is_alive(id).into());
            }
            self.chosen = u32::try_from(id).ok()?;
        }
        Some("OK".into())
    }

    fn is_alive(&self, id: u64) -> Result<(), Errno> {
        if self.threads().iter().any(|&thread| u64::from(thread) == id) {
            Ok(())
        } else {
            Err(Errno::ESRCH)
        }
    }

    fn read_registers(&self) -> Option<Vec<u8>> {
        self.chosen_thread(|thread| {
            let mut answer = Vec::new();
            for number in 0..A::REGISTERS {
                if let Some(bytes) = A::read(thread.cpu(), number) {
                    hex(&bytes, &mut answer);
                }
            }
            answer
        })
    }

    fn read_register(&self, number: u64) -> Option<Vec<u8>> {
        let number = usize::try_from(number).ok()?;
        let bytes = self.chosen_thread(|thread| A::read(thread.cpu(), number))??;
        let mut answer = Vec::new();
        hex(&bytes, &mut answer);
        Some(answer)
    }

    fn write_registers(&self, mut bytes: &[u8]) -> Answer {
        let written = self.chosen_thread(|thread| {
            thread.about_to_write();
            (0..A::REGISTERS).all(|number| {
                let length = A::write(thread.cpu(), number, bytes);
                let rest = length.and_then(|length| bytes.get(length..));
                bytes = rest.unwrap_or_default();
                rest.is_some()
            })
        });
        match written {
            Some(true) => "OK".into(),
            _ => WRONG.into(),
        }
    }

    fn write_register(&self, rest: &[u8]) -> Option<Answer> {
        let (register, value) = split(rest, b'=')?;
        let register = usize::try_from(number(register)?).ok()?;
        let value = unhex(value)?;
        self.chosen_thread(|thread| {
            thread.about_to_write();
            A::write(thread.cpu(), register, &value)
        })??;
        Some("OK".into())
    }

    fn read_memory(&self, rest: &[u8]) -> Option<Answer> {
        let (address, length) = numbers(rest, b',')?;
        let length = usize::try_from(length).ok()?.min(PACKET / 2 - 8);
        let mut bytes = alloc::vec![0; length];
        let read = self.memory.read(address, &mut bytes);
        if read == 0 && length > 0 {
            return Some(Err(Errno::EFAULT).into());
        }
        let mut answer = Vec::with_capacity(2 * read);
        hex(&bytes[..read], &mut answer);
        Some(Answer::Packet(answer))
    }

    fn write_memory(&self, place: &[u8], bytes: &[u8]) -> Option<Answer> {
        let (address, length) = numbers(place, b',')?;
        if usize::try_from(length).ok()? != bytes.len() {
            return None;
        }
        let space = &self.debugger.process().space;
        Some(self.memory.write(space, address, bytes).into())
    }

    /// `TYPE,ADDRESS,KIND`: software and hardware breakpoints are alike here;
    /// of watchpoints, those for writing.
    fn breakpoint(&self, rest: &[u8], set: bool) -> Option<Answer> {
        const WATCHED: usize = 64;
        let (kind, rest) = split(rest, b',')?;
        let (address, length) = numbers(rest, b',')?;
        let address = address & !A::Guest::IGNORED;
        match kind {
            b"0" | b"1" => {
                let space = &self.debugger.process().space;
                if set {
                    let unit = 1 << A::Guest::UNIT_LOG2;
                    if self.memory.read(address, &mut [0; 4][..unit]) < unit {
                        return Some(Err(Errno::EFAULT).into());
                    }
                    space.breakpoints.insert(address);
                } else {
                    space.breakpoints.remove(address);
                }
                space.changed(address..address + 4);
                Some("OK".into())
            }
            b"2" => {
                let length = usize::try_from(length).ok()?.min(WATCHED);
                let watches = &mut self.debugger.state.hold().watches;
                if set {
                    let Some(watch) = Watch::new(address, length) else {
                        return Some(Err(Errno::EFAULT).into());
                    };
                    watches.push(watch);
                } else {
                    let same =
                        |watch: &Watch| watch.address == address && watch.bytes.len() == length;
                    if let Some(at) = watches.iter().position(same) {
                        watches.swap_remove(at);
                    }
                }
                Some("OK".into())
            }
            _ => Some(UNKNOWN.into()),
        }
    }

    /// `ACTION[:THREAD];...`: the first that is about a thread holds for it.
    fn go_on_as(&mut self, actions: &[u8]) -> Option<Answer> {
        let mut parsed = Vec::new();
        for action in actions.split(|&byte| byte == b';') {
            let (what, thread) = match split(action, b':') {
                Some((what, b"-1")) => (what, None),
                Some((what, thread)) => (what, Some(number(thread)?)),
                None => (action, None),
            };
            let (steps, signal) = match what.split_first()? {
                (b'c', []) => (false, None),
                (b's', []) => (true, None),
                (b'C', signal) => (false, Some(from_gdb(number(signal)?)?)),
                (b'S', signal) => (true, Some(from_gdb(number(signal)?)?)),
                _ => return None,
            };
            parsed.push((thread, steps, signal));
        }
        let mut state = self.debugger.state.hold();
        for thread in &mut state.threads {
            let about = |&&(id, ..): &&(Option<u64>, bool, Option<i32>)| {
                id.is_none_or(|id| id == u64::from(thread.id()))
            };
            if let Some(&(_, steps, signal)) = parsed.iter().find(about) {
                thread.go_on(steps, signal);
            }
        }
        drop(state);
        self.go_on();
        Some(Answer::Later)
    }

    /// Why a thread has stopped.
    pub(super) fn stop_reply(&mut self, id: u32) -> Vec<u8> {
        let why = self.chosen_thread(|thread| thread.why);
        let mut reply = String::from("T");
        let _ = match why {
            None | Some(Why::Asked) => write!(reply, "{SIGINT:02x}"),
            Some(Why::Signal(info)) => write!(reply, "{:02x}", to_gdb(info.signal())),
            Some(Why::Breakpoint) if self.session.swbreak => {
                write!(reply, "{SIGTRAP:02x}swbreak:;")
            }
            Some(Why::Watched(address)) => write!(reply, "{SIGTRAP:02x}watch:{address:x};"),
            Some(Why::Executed) => {
                let mut name = Vec::new();
                hex(&self.debugger.process().executable, &mut name);
                let name = String::from_utf8_lossy(&name);
                write!(reply, "{SIGTRAP:02x}exec:{name};")
            }
            Some(Why::Breakpoint | Why::Stepped) => write!(reply, "{SIGTRAP:02x}"),
        };
        let _ = write!(reply, "thread:{id:x};");
        let mut reply = reply.into_bytes();
        for &number in A::EXPEDITED {
            if let Some(value) = self.read_register(number as u64) {
                reply.extend_from_slice(format!("{number:x}:").as_bytes());
                reply.extend(value);
                reply.push(b';');
            }
        }
        reply
    }
}

impl<A: Abi> Tracee<A> {
    /// It may go on, by one step only or not, with a signal or without.
    fn go_on(&mut self, steps: bool, signal: Option<i32>) {
        self.runs = true;
        self.steps = steps;
        self.advanced = false;
        if let Why::Signal(info) = self.why {
            self.told = Some(signal.map(|signal| {
                if signal == info.signal() {
                    info
                } else {
                    // Its sender is unknown.
                    SignalInfo::fault(signal, 0, 0)
                }
            }));
        }
        self.why = Why::Asked;
    }
}

fn kill() -> Answer {
    // SAFETY: the call ends the process.
    unsafe {
        let own = sys::syscall(sys::number::GETPID, [0; 6]).unwrap_or(0);
        let signal = u64::from(SIGKILL.cast_unsigned());
        let _ = sys::syscall(sys::number::KILL, [own, signal, 0, 0, 0, 0]);
    }
    Answer::End
}

/// What is before the first of these bytes, and behind it.
fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|&byte| byte == at)?;
    Some((&text[..place], &text[place + 1..]))
}

/// A piece of an object, marked as the last one or not.
fn piece(whole: &[u8], offset: u64, length: u64) -> Vec<u8> {
    let clamp = |value: u64| {
        usize::try_from(value)
            .unwrap_or(usize::MAX)
            .min(whole.len())
    };
    let start = clamp(offset);
    // Escapes may double it.
    let end = clamp(offset.saturating_add(length.min(PACKET as u64 / 2 - 8)));
    let mut answer = alloc::vec![if end < whole.len() { b'm' } else { b'l' }];
    escape(whole.get(start..end).unwrap_or_default(), &mut answer);
    answer
}

/// The name of a thread, as the kernel has it.
fn name_of(thread: u64) -> Vec<u8> {
    let path = format!("/proc/self/task/{thread}/comm\0");
    let mut name = alloc::vec![0; 64];
    let length = core::ffi::CStr::from_bytes_with_nul(path.as_bytes())
        .ok()
        .and_then(|path| sys::Fd::open(path).ok())
        .and_then(|file| file.read_at(&mut name, 0).ok());
    name.truncate(length.unwrap_or(0));
    name.trim_ascii_end().to_vec()
}
