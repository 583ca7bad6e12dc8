//! Which hosts are this machine itself: nobody is between, so they may do without TLS.
//!
//! By their names alone: no other name is believed, whatever address it has.

use std::net::IpAddr;

/// Whether a host, perhaps with a port, is `localhost`, of 127.0.0.0/8, or `[::1]`.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

/// The host of an address, and perhaps its port.
pub(crate) fn host_of(url: &str) -> &str {
    let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
    let authority = behind.split(['/', '?', '#', '\\']).next().unwrap_or(behind);
    authority.rsplit('@').next().unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_near() {
        for host in [
            "localhost",
            "LOCALHOST:5000",
            "127.0.0.1:5000",
            "127.9.9.9",
            "[::1]:5000",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "localhost.example",
            "127.0.0.1.example:5000",
            "0.0.0.0:5000",
            "10.0.0.1",
            "[::2]:5000",
            "[::]",
            "",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_user_in_an_address_is_no_host() {
        assert_eq!(host_of("http://localhost:1/v2/"), "localhost:1");
        assert_eq!(host_of("http://localhost@far.example/x"), "far.example");
        assert_eq!(host_of("http://far.example?@localhost"), "far.example");
    }
}
