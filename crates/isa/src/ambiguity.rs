//! Two rows that claim one word, when neither is a part of the other, are refused.
//! That is exact: the bits that two `where` expressions read are few, so all their
//! values are tried.

use super::expression::Expr;
use super::table::Row;

/// Whether some word matches both patterns.
fn overlap(a: &Row, b: &Row) -> bool {
    (a.value ^ b.value) & a.mask & b.mask == 0
}

/// Panics when two rows claim one word and neither pattern is a part of the
/// other's.
pub(crate) fn refuse(rows: &[Row]) {
    for (i, a) in rows.iter().enumerate() {
        for b in rows[i + 1..].iter().filter(|b| overlap(a, b)) {
            let both = a.mask | b.mask;
            if a.mask != b.mask && (both == a.mask || both == b.mask) {
                continue;
            }
            let claims = |r: &Row, w| r.constraint.as_ref().is_none_or(|c| c.eval(w) != 0);
            let read = |r: &Row| r.constraint.as_ref().map_or(0, Expr::bits);
            let free = (read(a) | read(b)) & !both;
            let mut bits = 0u32;
            loop {
                let word = a.value | b.value | bits;
                assert!(
                    !(claims(a, word) && claims(b, word)),
                    "{} and {} both claim {word:#010x}",
                    a.name,
                    b.name
                );
                // The next subset of the free bits.
                bits = bits.wrapping_sub(free) & free;
                if bits == 0 {
                    break;
                }
            }
        }
    }
}
