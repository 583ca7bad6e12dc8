//! From the kernel's entry to [`engine::main`]: what a C library would do.
//!
//! `_start` applies the relocations of the static-PIE, all relative, before
//! any Rust code runs, since Rust code may use a relocated pointer anywhere.
//! There is no thread-local storage, no constructor and no stack protector.
//!
//! Nor does anything run on the stack that the kernel made, which is the
//! guest's: `_start` maps another one, in a thread's mapping
//! ([`attention::Block`]).

mod memory;

use core::arch::global_asm;
use core::panic::PanicInfo;

use armistice_engine::host::heap::{self, Heap};
use armistice_engine::host::message;
use armistice_engine::linux::exec::engine_file;
use armistice_engine::thread::attention;

#[global_allocator]
static HEAP: Heap = Heap::new();

// rdi: the initial stack (argc, argv, environment, auxiliary vector).
// rsi walks _DYNAMIC, r8 is the address we were loaded at, r9 and r10 the
// table of relocations and its length: 24 bytes each, of r_offset, r_info
// (type 8: R_X86_64_RELATIVE) and r_addend. r11 and rcx are the packed table and
// its length: 8 bytes each, which are the place of a word, or, if bit 0 is set, a bit for each
// of the 63 words that follow (rsi). These words have their addends in them.
global_asm!(
    ".globl _start",
    ".hidden _DYNAMIC",
    ".hidden __ehdr_start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "lea r8, [rip + __ehdr_start]",
    "lea rsi, [rip + _DYNAMIC]",
    "xor r9d, r9d",
    "xor r10d, r10d",
    "xor r11d, r11d",
    "xor ecx, ecx",
    "2:",
    "mov rax, [rsi]",
    "mov rdx, [rsi + 8]",
    "add rsi, 16",
    "cmp rax, 7", // DT_RELA
    "cmove r9, rdx",
    "cmp rax, 8", // DT_RELASZ
    "cmove r10, rdx",
    "cmp rax, 36", // DT_RELR
    "cmove r11, rdx",
    "cmp rax, 35", // DT_RELRSZ
    "cmove rcx, rdx",
    "test rax, rax", // DT_NULL
    "jnz 2b",
    "add r9, r8",
    "add r10, r9",
    "3:",
    "cmp r9, r10",
    "jae 7f",
    "cmp dword ptr [r9 + 8], 8",
    "jne 5f",
    "mov rax, [r9]",
    "mov rdx, [r9 + 16]",
    "add rdx, r8",
    "mov [rax + r8], rdx",
    "add r9, 24",
    "jmp 3b",
    "7:",
    "add r11, r8",
    "add rcx, r11",
    "8:",
    "cmp r11, rcx",
    "jae 4f",
    "mov rax, [r11]",
    "add r11, 8",
    "test al, 1",
    "jnz 9f",
    "lea rsi, [rax + r8]",
    "add [rsi], r8",
    "add rsi, 8",
    "jmp 8b",
    "9:",
    "shr rax, 1",
    "jz 11f",
    "10:",
    "bsf rdx, rax",
    "add [rsi + 8 * rdx], r8",
    "lea rdx, [rax - 1]",
    "and rax, rdx", // Without that bit.
    "jnz 10b",
    "11:",
    "add rsi, 63 * 8",
    "jmp 8b",
    // rbx: the initial stack. mmap(0, whole, protection, flags, -1, 0)
    "4:",
    "mov rbx, rdi",
    "mov eax, 9",
    "xor edi, edi",
    "mov esi, {whole}",
    "mov edx, {protection}",
    "mov r10d, {flags}",
    "mov r8, -1",
    "xor r9d, r9d",
    "syscall",
    "xor esi, esi",
    "cmp rax, -4095",
    "jae 6f", // An error: on the kernel's stack that is said.
    "mov rsi, rax",
    "lea rsp, [rax + {alignment} - 1]",
    "and rsp, -{alignment}",
    "add rsp, {top}",
    "6:",
    "mov rdi, rbx",
    "and rsp, -16",
    "call {main}",
    "5:",
    "ud2",
    main = sym main,
    whole = const attention::WHOLE,
    protection = const attention::PROTECTION,
    flags = const attention::FLAGS,
    alignment = const attention::ALIGNMENT,
    top = const attention::TOP,
);

/// Called once by `_start`, on the stack that it mapped.
///
/// # Safety
/// `stack` is the initial stack of the process, `mapping` that of this thread,
/// or 0.
unsafe extern "C" fn main(stack: *const usize, mapping: u64) -> ! {
    // SAFETY: the first that is done after relocation.
    unsafe { engine_file::keep() };
    heap::set_global(&HEAP);
    // SAFETY: `_start` hands over what the kernel made.
    unsafe { armistice_engine::main::<crate::Guest, crate::Other>(stack, mapping) }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    message::panicked(info)
}

// The prebuilt core and alloc are made for unwinding and name these two in
// their tables; with panic = "abort" neither is ever called.
global_asm!(
    ".globl rust_eh_personality",
    ".globl _Unwind_Resume",
    "rust_eh_personality:",
    "_Unwind_Resume:",
    "ud2",
);
