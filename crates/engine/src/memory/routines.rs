//! The routines that touch guest memory, and where they go on when an access faults.
//!
//! The routines are in assembler and lie in two runs of code. The exception table names
//! these; when an access faults there, the signal handler lets the routine return the
//! fault's address in rax and its kind in rdx ([`recover`]). The routines are leaves
//! without a frame, so that returning is all there is to do. They check no address:
//! [`super::guest_memory`] does, which alone calls them.

use core::arch::global_asm;
use core::ops::Range;

use guest::memory::{Fault, FaultKind};

use crate::host::own;
use crate::host::signal::{Context, Info, SIGBUS};

/// What a routine returns: the registers rax and rdx.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Pair {
    /// The value, or the address of the fault.
    pub value: u64,
    /// 0, or the kind of the fault.
    pub kind: u64,
}

// Each returns its value in rax and 0 in rdx; 16 bytes go through memory of
// the engine at rsi. A movaps of 16 aligned bytes is atomic on every CPU that
// has AVX.
// What is generic over a guest is compiled into its binary, and names these from there.
global_asm!(
    ".globl armistice_guest_begin",
    ".hidden armistice_guest_begin",
    ".globl armistice_guest_load1",
    ".hidden armistice_guest_load1",
    ".globl armistice_guest_load2",
    ".hidden armistice_guest_load2",
    ".globl armistice_guest_load4",
    ".hidden armistice_guest_load4",
    ".globl armistice_guest_load8",
    ".hidden armistice_guest_load8",
    ".globl armistice_guest_load16",
    ".hidden armistice_guest_load16",
    ".globl armistice_guest_store1",
    ".hidden armistice_guest_store1",
    ".globl armistice_guest_store2",
    ".hidden armistice_guest_store2",
    ".globl armistice_guest_store4",
    ".hidden armistice_guest_store4",
    ".globl armistice_guest_store8",
    ".hidden armistice_guest_store8",
    ".globl armistice_guest_store16",
    ".hidden armistice_guest_store16",
    ".globl armistice_guest_exchange1",
    ".hidden armistice_guest_exchange1",
    ".globl armistice_guest_exchange2",
    ".hidden armistice_guest_exchange2",
    ".globl armistice_guest_exchange4",
    ".hidden armistice_guest_exchange4",
    ".globl armistice_guest_exchange8",
    ".hidden armistice_guest_exchange8",
    ".globl armistice_guest_copy",
    ".hidden armistice_guest_copy",
    ".globl armistice_guest_fill",
    ".hidden armistice_guest_fill",
    ".globl armistice_guest_zero",
    ".hidden armistice_guest_zero",
    ".globl armistice_guest_same",
    ".hidden armistice_guest_same",
    ".globl armistice_guest_end",
    ".hidden armistice_guest_end",
    ".globl armistice_guest_fixup",
    ".hidden armistice_guest_fixup",
    ".globl armistice_guest_pair_begin",
    ".hidden armistice_guest_pair_begin",
    ".globl armistice_guest_exchange16",
    ".hidden armistice_guest_exchange16",
    ".globl armistice_guest_pair_end",
    ".hidden armistice_guest_pair_end",
    ".globl armistice_guest_pair_fixup",
    ".hidden armistice_guest_pair_fixup",
    ".p2align 5",
    "armistice_guest_begin:",
    "armistice_guest_load1:",
    "xor edx, edx",
    "movzx eax, byte ptr [rdi]",
    "ret",
    "armistice_guest_load2:",
    "xor edx, edx",
    "movzx eax, word ptr [rdi]",
    "ret",
    "armistice_guest_load4:",
    "xor edx, edx",
    "mov eax, [rdi]",
    "ret",
    "armistice_guest_load8:",
    "xor edx, edx",
    "mov rax, [rdi]",
    "ret",
    "armistice_guest_load16:",
    "xor edx, edx",
    "test dil, 15",
    "jnz 2f",
    "movaps xmm0, [rdi]",
    "movups [rsi], xmm0",
    "ret",
    "2:",
    "movups xmm0, [rdi]",
    "movups [rsi], xmm0",
    "ret",
    "armistice_guest_store1:",
    "xor edx, edx",
    "mov [rdi], sil",
    "ret",
    "armistice_guest_store2:",
    "xor edx, edx",
    "mov [rdi], si",
    "ret",
    "armistice_guest_store4:",
    "xor edx, edx",
    "mov [rdi], esi",
    "ret",
    "armistice_guest_store8:",
    "xor edx, edx",
    "mov [rdi], rsi",
    "ret",
    "armistice_guest_store16:",
    "xor edx, edx",
    "movups xmm0, [rsi]",
    "test dil, 15",
    "jnz 2f",
    "movaps [rdi], xmm0",
    "ret",
    "2:",
    "movups [rdi], xmm0",
    "ret",
    // Compare with rsi, write rdx.
    "armistice_guest_exchange1:",
    "mov rcx, rdx",
    "xor edx, edx",
    "mov eax, esi",
    "lock cmpxchg [rdi], cl",
    "movzx eax, al",
    "ret",
    "armistice_guest_exchange2:",
    "mov rcx, rdx",
    "xor edx, edx",
    "mov eax, esi",
    "lock cmpxchg [rdi], cx",
    "movzx eax, ax",
    "ret",
    "armistice_guest_exchange4:",
    "mov rcx, rdx",
    "xor edx, edx",
    "mov eax, esi",
    "lock cmpxchg [rdi], ecx",
    // eax is written only when they differ: clear what is above it.
    "mov eax, eax",
    "ret",
    "armistice_guest_exchange8:",
    "mov rcx, rdx",
    "xor edx, edx",
    "mov rax, rsi",
    "lock cmpxchg [rdi], rcx",
    "ret",
    // rdx bytes from rsi to rdi.
    "armistice_guest_copy:",
    "mov rcx, rdx",
    "xor edx, edx",
    "rep movsb",
    "ret",
    // rsi bytes of value dl to rdi.
    "armistice_guest_fill:",
    "mov rcx, rsi",
    "mov eax, edx",
    "xor edx, edx",
    "rep stosb",
    "ret",
    // rsi zeros to rdi.
    "armistice_guest_zero:",
    "mov rcx, rsi",
    "xor edx, edx",
    "xor eax, eax",
    "rep stosb",
    "ret",
    // Whether rdx bytes, whole words, are the same at rdi and rsi: then rax is 1.
    "armistice_guest_same:",
    "mov rcx, rdx",
    "xor edx, edx",
    "2:",
    "cmp rcx, 16",
    "jb 3f",
    "movups xmm0, [rdi]",
    "movups xmm1, [rsi]",
    "pcmpeqb xmm0, xmm1",
    "pmovmskb eax, xmm0",
    "cmp eax, 0xffff",
    "jne 5f",
    "add rdi, 16",
    "add rsi, 16",
    "sub rcx, 16",
    "jmp 2b",
    "3:",
    "test rcx, rcx",
    "jz 4f",
    "mov eax, [rdi]",
    "cmp eax, [rsi]",
    "jne 5f",
    "add rdi, 4",
    "add rsi, 4",
    "sub rcx, 4",
    "jmp 3b",
    "4:",
    "mov eax, 1",
    "ret",
    "5:",
    "xor eax, eax",
    "ret",
    "armistice_guest_end:",
    "armistice_guest_fixup:",
    "ret",
    // Compare with the 16 bytes at rsi, write those at rdx, and put what was
    // there at rsi. cmpxchg16b needs rbx, which is the caller's.
    "armistice_guest_pair_begin:",
    "armistice_guest_exchange16:",
    "mov r11, rbx",
    "mov rbx, [rdx]",
    "mov rcx, [rdx + 8]",
    "mov rax, [rsi]",
    "mov rdx, [rsi + 8]",
    "lock cmpxchg16b [rdi]",
    "mov [rsi], rax",
    "mov [rsi + 8], rdx",
    "xor edx, edx",
    "mov rbx, r11",
    "ret",
    "armistice_guest_pair_end:",
    "armistice_guest_pair_fixup:",
    "mov rbx, r11",
    "ret",
);

// SAFETY: the routines above, with the arguments and results that each says.
unsafe extern "C" {
    pub(super) fn armistice_guest_load1(address: u64) -> Pair;
    pub(super) fn armistice_guest_load2(address: u64) -> Pair;
    pub(super) fn armistice_guest_load4(address: u64) -> Pair;
    pub(super) fn armistice_guest_load8(address: u64) -> Pair;
    pub(super) fn armistice_guest_load16(address: u64, value: &mut u128) -> Pair;
    pub(super) fn armistice_guest_store1(address: u64, value: u64) -> Pair;
    pub(super) fn armistice_guest_store2(address: u64, value: u64) -> Pair;
    pub(super) fn armistice_guest_store4(address: u64, value: u64) -> Pair;
    pub(super) fn armistice_guest_store8(address: u64, value: u64) -> Pair;
    pub(super) fn armistice_guest_store16(address: u64, value: &u128) -> Pair;
    pub(super) fn armistice_guest_exchange1(address: u64, expected: u64, new: u64) -> Pair;
    pub(super) fn armistice_guest_exchange2(address: u64, expected: u64, new: u64) -> Pair;
    pub(super) fn armistice_guest_exchange4(address: u64, expected: u64, new: u64) -> Pair;
    pub(super) fn armistice_guest_exchange8(address: u64, expected: u64, new: u64) -> Pair;
    pub(super) fn armistice_guest_exchange16(address: u64, expected: &mut u128, new: &u128)
    -> Pair;
    pub(super) fn armistice_guest_copy(to: u64, from: u64, length: u64) -> Pair;
    pub(super) fn armistice_guest_fill(to: u64, length: u64, byte: u64) -> Pair;
    pub(super) fn armistice_guest_zero(to: u64, length: u64) -> Pair;
    pub(super) fn armistice_guest_same(one: u64, other: u64, length: u64) -> Pair;

    static armistice_guest_begin: u8;
    static armistice_guest_end: u8;
    static armistice_guest_fixup: u8;
    static armistice_guest_pair_begin: u8;
    static armistice_guest_pair_end: u8;
    static armistice_guest_pair_fixup: u8;
}

/// The exception table: where code may fault, and where it goes on then.
fn exceptions() -> [(Range<u64>, u64); 2] {
    let range = |begin: *const u8, end: *const u8| begin as u64..end as u64;
    [
        (
            range(
                &raw const armistice_guest_begin,
                &raw const armistice_guest_end,
            ),
            &raw const armistice_guest_fixup as u64,
        ),
        (
            range(
                &raw const armistice_guest_pair_begin,
                &raw const armistice_guest_pair_end,
            ),
            &raw const armistice_guest_pair_fixup as u64,
        ),
    ]
}

const SEGV_MAPERR: i32 = 1;
const BUS_ADRALN: i32 = 1;

/// The kind of a fault the host reported.
fn kind_of(info: &Info) -> FaultKind {
    match (info.signal, info.code) {
        (SIGBUS, BUS_ADRALN) => FaultKind::Alignment,
        (SIGBUS, _) => FaultKind::External,
        (_, SEGV_MAPERR) => FaultKind::Translation,
        // Nothing is there, as far as the guest knows.
        _ if own::stack::reserved().is_some_and(|range| range.contains(&info.address)) => {
            FaultKind::Translation
        }
        (_, _) => FaultKind::Permission,
    }
}

/// Lets an access here return when the fault was its own; called by the
/// signal handler.
pub(crate) fn recover(info: &Info, context: &mut Context) -> bool {
    if info.code <= 0 {
        return false;
    }
    let registers = &mut context.registers;
    let entry = exceptions()
        .into_iter()
        .find(|(range, _)| range.contains(&registers.rip));
    let Some((_, fixup)) = entry else {
        return false;
    };
    registers.rip = fixup;
    registers.rax = info.address;
    registers.rdx = match kind_of(info) {
        FaultKind::Translation => 1,
        FaultKind::Permission => 2,
        FaultKind::Alignment => 3,
        FaultKind::External => 4,
    };
    true
}

/// The value, or the fault.
pub(super) fn checked(pair: Pair, write: bool) -> Result<u64, Fault> {
    let kind = match pair.kind {
        0 => return Ok(pair.value),
        1 => FaultKind::Translation,
        2 => FaultKind::Permission,
        3 => FaultKind::Alignment,
        _ => FaultKind::External,
    };
    Err(Fault {
        address: pair.value,
        kind,
        write,
    })
}
