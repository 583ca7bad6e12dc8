//! Shifts of integers that don't overflow.

/// `value` shifted to the left, or by less than nothing to the right. By 64 and
/// more gives some number that has nothing in its low 64 bits either, and
/// saturates in the same direction.
#[must_use]
#[inline]
pub fn shifted(value: i128, by: i32, rounded: bool) -> i128 {
    let distance = by.unsigned_abs();
    if by < 0 {
        right(value, distance, rounded)
    } else if distance < 64 {
        value << distance
    } else {
        value.signum() << 64
    }
}

/// `value`, of at most 65 bits, shifted to the right.
#[must_use]
#[inline]
pub fn right(value: i128, distance: u32, rounded: bool) -> i128 {
    // All distances above 65 give the same, and these don't overflow.
    let distance = distance.min(126);
    let half = if rounded && distance > 0 {
        1 << (distance - 1)
    } else {
        0
    };
    (value + half) >> distance
}
