//! Running the guest in the reference interpreter, instruction by
//! instruction: `--interpret`.

use guest::memory::{Fault, FaultKind, Memory as _};
use guest::{Exception, Guest, is_aligned};
use ir::Mode;

use crate::memory::guest_memory::GuestMemory;
use crate::thread::attention::Attention;

/// Runs the guest until an exception, or until the thread is wanted.
pub fn run<G: Guest>(
    cpu: &mut G::State,
    memory: &mut GuestMemory<'_, G>,
    attention: &Attention,
) -> Option<Exception> {
    while !attention.wanted() {
        if let Err(exception) = one::<G>(cpu, memory) {
            return Some(exception);
        }
    }
    None
}

/// Runs the instruction at the PC.
///
/// # Errors
/// When it is not done.
pub fn one<G: Guest>(cpu: &mut G::State, memory: &mut GuestMemory<'_, G>) -> Result<(), Exception> {
    step::<G>(cpu, memory, guest::fetch::<G>)
}

/// Runs the instruction at the PC, whether the guest is to stop there or not.
///
/// # Errors
/// When it is not done.
pub fn past<G: Guest>(
    cpu: &mut G::State,
    memory: &mut GuestMemory<'_, G>,
) -> Result<(), Exception> {
    step::<G>(cpu, memory, |mode, pc, memory| {
        G::fetch(mode, pc, |pc, size| memory.fetch(pc, size))
    })
}

fn step<'a, G: Guest>(
    cpu: &mut G::State,
    memory: &mut GuestMemory<'a, G>,
    fetch: impl Fn(Mode, u64, &mut GuestMemory<'a, G>) -> Result<u32, Fault>,
) -> Result<(), Exception> {
    let (pc, mode) = (G::pc(cpu), G::mode(cpu));
    if !is_aligned::<G>(pc) {
        return Err(Exception::Fault(Fault {
            address: pc,
            kind: FaultKind::Alignment,
            write: false,
        }));
    }
    let word = fetch(mode, pc, memory)?;
    let insn = G::decode(mode, word).ok_or(Exception::Undefined)?;
    G::step(cpu, memory, insn)
}
