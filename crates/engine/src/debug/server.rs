//! The server: the thread that has the connection, takes the debugger's
//! packets and stops and starts the guest's threads.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::sync::atomic::Ordering;

use guest::Guest;

use super::memory::Memory;
use super::packet::{Incoming, Item, framed};
use super::{Debugger, Place, Why, session};
use crate::host::signal;
use crate::host::sys::{self, Errno, Fd, fd_argument, number};
use crate::linux::abi::Abi;
use crate::linux::signals;
use crate::thread::attention::{Attention, BREAK_OFF, Block, LOOK, NOTES};
use crate::thread::clone::{self, Arguments, Request};
use crate::thread::{handlers, interruptible, taken};

/// `CLONE_VM | FS | SIGHAND | THREAD | SYSVSEM`: not FILES.
const FLAGS: u64 = 0x100 | 0x200 | 0x800 | 0x1_0000 | 0x4_0000;

struct Start<A: Abi> {
    debugger: &'static Debugger<A>,
    block: Block,
    connection: i32,
}

/// Starts it; the connection is its own from then on.
pub(super) fn start<A: Abi>(debugger: &'static Debugger<A>, connection: Fd) -> Result<(), Errno> {
    let block = Block::new()?;
    let stack = block.stack();
    let start = Box::into_raw(Box::new(Start {
        debugger,
        block,
        connection: connection.number(),
    }));
    let request = Request {
        arguments: Arguments {
            flags: FLAGS,
            ..Arguments::default()
        },
        third: false,
    };
    let mask = signal::set_whole_mask(!0);
    // SAFETY: `begin` gets its `Start` and a stack that is its own.
    let result = unsafe { clone::clone(&request, Some((stack, begin::<A>, start.cast()))) };
    let _ = signal::set_whole_mask(mask);
    // The server has another number for the connection by now, or this one in
    // a table of its own.
    drop(connection);
    result.map(drop)
}

/// # Safety
/// `start` points to the `Start` that is given away.
unsafe extern "C" fn begin<A: Abi>(start: *mut c_void) -> ! {
    // SAFETY: the caller's.
    let Start {
        debugger,
        block,
        connection,
    } = *unsafe { Box::from_raw(start.cast::<Start<A>>()) };
    let attention = block.attention();
    attention.claim();
    let _ = block.use_for_signals();
    // Signals to the process are for the guest's threads.
    let _ = signal::set_whole_mask(!taken::TAKEN);
    let connection = alone(connection);
    debugger
        .connection
        .store(connection.number(), Ordering::Release);
    debugger
        .server
        .store(core::ptr::from_ref(attention).cast_mut(), Ordering::Release);
    let mut server = Server {
        debugger,
        attention,
        connection,
        incoming: Incoming::default(),
        memory: Memory::open(A::Guest::IGNORED),
        acknowledges: !debugger.state.hold().can_hand_over,
        interrupted: false,
        chosen: 0,
        session: session::Session::default(),
    };
    while server.turn() {}
    server.detach();
    drop(server);
    // SAFETY: the stack stays: threads may still look at the attention.
    unsafe { clone::leave(None, 0) }
}

/// Keeps the connection alone of all descriptors, which are copies of the
/// guest's; and standard error, for what is the engine's fault.
fn alone(connection: i32) -> Fd {
    const CLOSE_RANGE: u32 = 436;
    const STANDARD_ERROR: u64 = 2;
    let mut kept = [u64::from(connection.unsigned_abs()), STANDARD_ERROR];
    kept.sort_unstable();
    let mut first = 0;
    for last in kept.into_iter().chain([u64::from(u32::MAX)]) {
        if first < last {
            // SAFETY: the table is the server's alone, and nothing in it is
            // used.
            let _ = unsafe { sys::syscall(CLOSE_RANGE, [first, last - 1, 0, 0, 0, 0]) };
        }
        first = last + 1;
    }
    Fd::new(connection)
}

/// The server's own state.
pub(super) struct Server<A: Abi> {
    pub(super) debugger: &'static Debugger<A>,
    attention: &'static Attention,
    connection: Fd,
    incoming: Incoming,
    pub(super) memory: Memory,
    /// Packets are acknowledged.
    pub(super) acknowledges: bool,
    /// It wanted all to stop when they had already, and will want it again.
    interrupted: bool,
    /// The thread that packets without one are about.
    pub(super) chosen: u32,
    pub(super) session: session::Session,
}

impl<A: Abi> Server<A> {
    /// Does what there is to do, then waits. Returns whether the session goes
    /// on.
    fn turn(&mut self) -> bool {
        while let Some(item) = self.incoming.next() {
            let goes_on = match item {
                Item::Damaged => self.send_bytes(if self.acknowledges { b"-" } else { b"" }),
                Item::Interrupt => {
                    self.interrupt();
                    true
                }
                Item::Packet(packet) => {
                    (!self.acknowledges || self.send_bytes(b"+")) && self.execute(&packet)
                }
            };
            if !goes_on {
                return false;
            }
        }
        self.attention.word.fetch_and(!BREAK_OFF, Ordering::AcqRel);
        self.pass_on();
        self.tell() && self.receive()
    }

    /// Gives signals to the process that came here to a thread of the guest's.
    fn pass_on(&self) {
        for index in 0..NOTES {
            let info = self.attention.take_taken(index);
            let state = self.debugger.state.hold();
            if let (Some(info), Some(thread)) = (info, state.threads.first()) {
                signals::put_back(thread.attention, &info);
            }
        }
    }

    /// Tells the debugger what has happened since. Returns whether the session
    /// goes on.
    fn tell(&mut self) -> bool {
        let mut state = self.debugger.state.hold();
        let (ended, stopped) = (state.ended, state.stopped.take());
        drop(state);
        if let Some(end) = ended {
            let packet = session::ended(end);
            self.send(&packet);
            return false;
        }
        if let Some(thread) = stopped {
            self.halt();
            self.chosen = thread;
            let packet = self.stop_reply(thread);
            return self.send(&packet);
        }
        true
    }

    /// The debugger wants all to stop.
    fn interrupt(&mut self) {
        let mut state = self.debugger.state.hold();
        if state.halted {
            self.interrupted = true;
            return;
        }
        let first = state
            .threads
            .iter()
            .map(super::Tracee::<A>::id)
            .find(|&id| id == self.chosen)
            .or_else(|| state.threads.first().map(super::Tracee::<A>::id));
        if let Some(first) = first {
            for thread in &mut state.threads {
                thread.stop(Why::Asked);
            }
            state.halt(first);
        }
    }

    /// Waits until no thread is in guest code.
    fn halt(&self) {
        let mut round = 0_u32;
        loop {
            let state = self.debugger.state.hold();
            if state.ended.is_some() {
                return;
            }
            let mut all = true;
            for thread in &state.threads {
                if thread.place == Place::Guest {
                    all = false;
                    thread.attention.word.fetch_or(LOOK, Ordering::AcqRel);
                    if round.is_multiple_of(100) {
                        handlers::kick(thread.attention);
                    }
                }
            }
            drop(state);
            if all {
                return;
            }
            round = round.wrapping_add(1);
            sys::pause(50_000);
        }
    }

    /// Lets those threads go on that may.
    pub(super) fn go_on(&mut self) {
        let mut state = self.debugger.state.hold();
        state.halted = false;
        for thread in state.threads.iter_mut().filter(|thread| thread.runs) {
            thread.go_back();
            if thread.rewritten && thread.place == Place::Call {
                thread.attention.word.fetch_or(BREAK_OFF, Ordering::AcqRel);
                handlers::kick(thread.attention);
            }
        }
        drop(state);
        self.debugger.round.next();
        if core::mem::take(&mut self.interrupted) {
            self.interrupt();
        }
    }

    /// Nobody debugs any more.
    fn detach(&self) {
        let process = self.debugger.process();
        for address in process.space.breakpoints.clear() {
            process.space.changed(address..address + 4);
        }
        let mut state = self.debugger.state.hold();
        state.connected = false;
        state.halted = false;
        state.watches.clear();
        drop(state);
        self.debugger.round.next();
    }

    /// Waits for bytes, or for what a thread has to say.
    fn receive(&mut self) -> bool {
        const POLLIN: u64 = 1;
        let this = fd_argument(self.connection.number());
        let poll = [this & 0xffff_ffff | POLLIN << 32];
        let arguments = [poll.as_ptr() as u64, 1, 0, 0, 0, 0];
        // SAFETY: the kernel reads and writes the array only.
        match unsafe { interruptible::syscall(self.attention, number::PPOLL, &arguments) } {
            Ok(_) => {}
            Err(Errno::RESTART | Errno::EINTR) => return true,
            Err(_) => return false,
        }
        let mut bytes = alloc::vec![0_u8; 1 << 16];
        let arguments = [this, bytes.as_mut_ptr() as u64, bytes.len() as u64, 0, 0, 0];
        // SAFETY: the kernel writes into the vector only.
        match unsafe { sys::syscall(number::READ, arguments) } {
            Ok(n) if n > 0 => {
                let n = usize::try_from(n).unwrap_or(0);
                self.incoming.add(&bytes[..n]);
                true
            }
            Err(Errno::EINTR) => true,
            _ => false,
        }
    }

    /// Sends a packet.
    pub(super) fn send(&mut self, packet: &[u8]) -> bool {
        self.send_bytes(&framed(packet))
    }

    fn send_bytes(&self, bytes: &[u8]) -> bool {
        sys::write_all(self.connection.number(), bytes).is_ok()
    }

    /// The threads' numbers.
    pub(super) fn threads(&self) -> Vec<u32> {
        let state = self.debugger.state.hold();
        state.threads.iter().map(super::Tracee::<A>::id).collect()
    }
}
