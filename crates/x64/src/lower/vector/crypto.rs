//! AES, on the host's AES instructions.

use crate::asm::V;
use crate::lower::Lowering;
use ir::VReg;
use ir::vector::Crypto;

impl Lowering<'_> {
    /// The host's last rounds substitute, shift rows and add a key: with a key
    /// of zeros they are the guest's after its own addition. Undoing and
    /// redoing the first two leaves the mixing of columns.
    pub(super) fn crypto(&mut self, op: Crypto, d: VReg, a: VReg, b: VReg) {
        let aes = matches!(
            op,
            Crypto::AesEncrypt | Crypto::AesDecrypt | Crypto::AesMix | Crypto::AesUnmix
        );
        if !aes {
            return self.sha(op, d, a, b);
        }
        if !self.c.host.aes {
            return self.fall_back();
        }
        let x = self.vread(a, self.s(0));
        let (t, zero) = (self.s(2), self.s(3));
        self.a.v3(V::Pxor, zero, zero, zero);
        match op {
            Crypto::AesEncrypt | Crypto::AesDecrypt => {
                let old = self.vread(d, self.s(1));
                self.v3(V::Pxor, t, x, old);
                let row = if op == Crypto::AesEncrypt {
                    V::Aesenclast
                } else {
                    V::Aesdeclast
                };
                // The EVEX forms are of another extension.
                self.a.v3(row, t, t, zero);
            }
            Crypto::AesMix => {
                self.a.v2(V::Movdqu, t, x);
                self.a.v3(V::Aesdeclast, t, t, zero);
                self.a.v3(V::Aesenc, t, t, zero);
            }
            _ => self.v2(V::Aesimc, t, x),
        }
        self.vwrite(d, t);
    }
}
