//! What the kernel hands to a new process: arguments, environment, auxiliary
//! vector.

use alloc::vec::Vec;
use core::ffi::{CStr, c_char};

/// The initial stack, read.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The arguments, with the engine's name first.
    pub arguments: Vec<&'static CStr>,
    /// The environment.
    pub environment: Vec<&'static CStr>,
    /// The auxiliary vector.
    pub auxiliary: Vec<(u64, u64)>,
}

impl Start {
    /// Reads the initial stack.
    ///
    /// # Safety
    /// `stack` is where the kernel let SP point at the process's entry, and
    /// nothing of it is ever changed.
    #[must_use]
    pub unsafe fn read(stack: *const usize) -> Self {
        let mut start = Self::default();
        // SAFETY: the kernel ends each part with a null, after as many
        // strings as it says.
        unsafe {
            let mut at = stack.add(1);
            for part in [&mut start.arguments, &mut start.environment] {
                while *at != 0 {
                    part.push(CStr::from_ptr(*at as *const c_char));
                    at = at.add(1);
                }
                at = at.add(1);
            }
            while *at != 0 {
                start.auxiliary.push((*at as u64, *at.add(1) as u64));
                at = at.add(2);
            }
        }
        start
    }

    /// A value of the auxiliary vector.
    #[must_use]
    pub fn auxiliary(&self, key: u64) -> Option<u64> {
        self.auxiliary
            .iter()
            .find_map(|&(k, value)| (k == key).then_some(value))
    }
}
