//! Pages, and where the addresses of programs end: the host's are the guest's.

/// The first address that no user program has: x86-64 with four levels of
/// page tables has 47 bits, without the last page.
pub const END: u64 = (1 << 47) - 4096;

/// The size of a page.
pub const PAGE: u64 = 4096;

/// The page an address is in.
#[must_use]
pub const fn page_down(address: u64) -> u64 {
    address & !(PAGE - 1)
}

/// The end of the page before an address, or the address if a page starts
/// there; none past the end of all addresses.
#[must_use]
pub const fn page_up(address: u64) -> Option<u64> {
    match address.checked_add(PAGE - 1) {
        Some(end) => Some(page_down(end)),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_between_pages() {
        assert_eq!(page_down(0x1fff), 0x1000);
        assert_eq!(page_up(0x1001), Some(0x2000));
        assert_eq!(page_up(0x1000), Some(0x1000));
        assert_eq!(page_up(u64::MAX), None);
    }
}
