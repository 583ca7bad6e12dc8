//! Constants as the host's instructions take them.

use ir::Width;

/// An immediate as an instruction takes it: 32 bits, sign-extended.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "checked"
)]
pub(super) fn imm32(w: Width, value: u64) -> Option<i32> {
    match w {
        Width::W32 => Some(value as u32 as i32),
        Width::W64 => i32::try_from(value as i64).ok(),
    }
}
