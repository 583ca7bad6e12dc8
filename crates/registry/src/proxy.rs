//! Which proxy is asked, by the variables that curl and Go's programs read.
//!
//! `ureq` takes one proxy for all, and knows fewer forms of NO_PROXY. Here each scheme has
//! its own, and the forms are put into those that it knows: a name counts for what is below
//! it, a port and a network are compared with the registries that will be asked. This
//! machine itself (localhost, 127.*) is asked without a proxy, as docker and podman do.

use std::net::IpAddr;

use std::ffi::OsString;

use ureq::{Proxy, ProxyProtocol};

use crate::Error;

/// A proxy for each scheme.
#[derive(Debug, Default)]
pub(crate) struct Proxies {
    pub(crate) https: Option<Proxy>,
    pub(crate) http: Option<Proxy>,
}

/// What NO_PROXY names without being told.
const OWN: [&str; 4] = ["localhost", "*.localhost", "127.*", "[::1]"];

impl Proxies {
    /// From the environment, as `env` reads it; `hosts` are the registries, `HOST[:PORT]`.
    pub(crate) fn new(
        env: &dyn Fn(&str) -> Option<OsString>,
        hosts: &[&str],
    ) -> Result<Proxies, Error> {
        let direct = direct(
            &first(env, &["NO_PROXY", "no_proxy"])?.map_or(String::new(), |v| v.1),
            hosts,
        );
        let find = |names: &[&'static str]| match first(env, names)? {
            Some((name, value)) => proxy(name, &value, &direct).map(Some),
            None => Ok(None),
        };
        Ok(Proxies {
            https: find(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])?,
            http: find(&["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])?,
        })
    }
}

/// The first variable that has a value.
fn first(
    env: &dyn Fn(&str) -> Option<OsString>,
    names: &[&'static str],
) -> Result<Option<(&'static str, String)>, Error> {
    for name in names {
        let value = env(name).map(OsString::into_string).transpose();
        let value = value.map_err(|_| Error::Proxy {
            name,
            reason: "is not text (UTF-8)",
        })?;
        let value = value.unwrap_or_default().trim().to_owned();
        if !value.is_empty() {
            return Ok(Some((name, value)));
        }
    }
    Ok(None)
}

fn proxy(name: &'static str, value: &str, direct: &[String]) -> Result<Proxy, Error> {
    // The value may have a password in it, and is not shown.
    let bad = |reason| Error::Proxy { name, reason };
    let parsed = Proxy::new(value).map_err(|_| bad("is not the address of a proxy"))?;
    if !matches!(
        parsed.protocol(),
        ProxyProtocol::Http | ProxyProtocol::Https
    ) {
        return Err(bad("names a SOCKS proxy; only HTTP proxies are spoken to"));
    }
    let mut builder = Proxy::builder(parsed.protocol())
        .host(parsed.host())
        .port(parsed.port());
    if let Some(user) = parsed.username() {
        builder = builder.username(user);
    }
    if let Some(password) = parsed.password() {
        builder = builder.password(password);
    }
    for entry in direct {
        builder = builder.no_proxy(entry);
    }
    builder
        .build()
        .map_err(|_| bad("is not the address of a proxy"))
}

/// What is asked directly, in `ureq`'s forms.
fn direct(no_proxy: &str, hosts: &[&str]) -> Vec<String> {
    let mut direct: Vec<String> = OWN.map(str::to_owned).to_vec();
    for entry in no_proxy.split([',', ' ']).filter(|e| !e.is_empty()) {
        let named = hosts.iter().filter(|host| matches(entry, host));
        direct.extend(named.map(|host| split_port(host).0.to_owned()));
        let is_name = !entry.contains(['/', ':']);
        if entry == "*" || (is_name && entry.starts_with('*')) {
            direct.push(entry.to_owned());
        } else if is_name && !entry.starts_with('.') {
            direct.push(entry.to_owned());
            direct.push(format!("*.{entry}"));
        } else if is_name {
            direct.push(format!("*{entry}"));
        }
    }
    direct
}

/// Whether an entry with a port or a network is this registry's.
fn matches(entry: &str, host: &str) -> bool {
    let (name, port) = split_port(host);
    if let Some((network, bits)) = entry.split_once('/') {
        let parsed = (
            network.parse().ok(),
            bits.parse().ok(),
            name.trim_matches(['[', ']']).parse().ok(),
        );
        let (Some(network), Some(bits), Some(address)) = parsed else {
            return false;
        };
        return is_in(address, network, bits);
    }
    let (wanted, wanted_port) = split_port(entry);
    let wanted = wanted.trim_matches(['[', ']']).to_ascii_lowercase();
    let name = name.trim_matches(['[', ']']).to_ascii_lowercase();
    let same = name == wanted
        || name
            .strip_suffix(wanted.trim_start_matches(['*', '.']))
            .is_some_and(|n| n.ends_with('.'));
    wanted_port.is_none_or(|w| w == port.unwrap_or("443")) && same
}

fn is_in(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let same = |a: u128, b: u128, width: u32| match width.checked_sub(bits) {
        None => false,
        Some(rest) => a.checked_shr(rest).unwrap_or(0) == b.checked_shr(rest).unwrap_or(0),
    };
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => same(u32::from(a).into(), u32::from(n).into(), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => same(a.into(), n.into(), 128),
        _ => false,
    }
}

/// `HOST[:PORT]`, where the host may be an IPv6 address in brackets, or one without.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|b| b.is_ascii_digit())
                && (!name.contains(':') || name.ends_with(']')) =>
        {
            (name, Some(port))
        }
        _ => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], hosts: &[&str]) -> Result<Proxies, Error> {
        let env = |name: &str| {
            let found = variables.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).into())
        };
        Proxies::new(&env, hosts)
    }

    fn port(proxy: Option<&Proxy>) -> Option<u16> {
        proxy.map(Proxy::port)
    }

    #[test]
    fn each_scheme_has_its_own() {
        let none = of(&[], &[]).unwrap();
        assert!(none.https.is_none() && none.http.is_none());
        let both = [
            ("HTTPS_PROXY", "http://a:1"),
            ("http_proxy", "http://b:2"),
            ("ALL_PROXY", "c:3"),
        ];
        let both = of(&both, &[]).unwrap();
        assert_eq!(
            (port(both.https.as_ref()), port(both.http.as_ref())),
            (Some(1), Some(2))
        );
        let http = of(&[("HTTP_PROXY", "http://a:1"), ("HTTPS_PROXY", "")], &[]).unwrap();
        assert_eq!(
            (port(http.https.as_ref()), port(http.http.as_ref())),
            (None, Some(1))
        );
        let all = of(&[("all_proxy", "http://u:p%40@a:1")], &[]).unwrap();
        let all = all.https.unwrap();
        assert_eq!((all.username(), all.password()), (Some("u"), Some("p@")));
    }

    #[test]
    fn what_is_no_proxy_is_told_without_its_password() {
        for (value, why) in [
            ("socks5://u:secret@a:1", "SOCKS"),
            ("http://", "not the address"),
        ] {
            let error = of(&[("HTTPS_PROXY", value)], &[]).unwrap_err().to_string();
            assert!(
                error.contains("HTTPS_PROXY") && error.contains(why),
                "{error}"
            );
            assert!(!error.contains("secret"), "{error}");
        }
    }

    /// A fault once: such a variable was passed over, and the registry asked directly.
    #[test]
    fn what_is_no_text_is_told() {
        use std::os::unix::ffi::OsStringExt;
        for wrong in ["HTTPS_PROXY", "all_proxy", "NO_PROXY"] {
            let env =
                |name: &str| (name == wrong).then(|| OsString::from_vec(b"http://\xff".to_vec()));
            let error = Proxies::new(&env, &[]).unwrap_err().to_string();
            assert!(error.contains(wrong) && error.contains("UTF-8"), "{error}");
        }
    }

    #[test]
    fn no_proxy_in_its_usual_forms() {
        for (no_proxy, host, is_direct) in [
            ("", "r.example", false),
            ("", "localhost:5000", true),
            ("", "127.0.0.1:5000", true),
            ("*", "r.example", true),
            ("example", "r.example", true),
            ("example", "example", true),
            (".example", "r.example:5000", true),
            ("*.example", "r.example", true),
            ("ample", "r.example", false),
            ("other, R.Example", "r.example", true),
            ("r.example:5000", "r.example:5000", true),
            ("example:5000", "r.example:5000", true),
            ("r.example:5000", "r.example:5001", false),
            ("r.example:443", "r.example", true),
            ("10.0.0.0/8", "10.1.2.3:5000", true),
            ("10.0.0.0/8", "11.1.2.3:5000", false),
            ("10.0.0.0/99", "10.0.0.0", false),
            ("0.0.0.0/0", "11.1.2.3", true),
            ("fd00::/8", "[fd12::1]:5000", true),
            ("10.1.2.3", "10.1.2.3:5000", true),
        ] {
            let env = [("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", no_proxy)];
            let proxy = of(&env, &[host]).unwrap().https.unwrap();
            let uri = format!("https://{host}/v2/").parse().unwrap();
            assert_eq!(
                proxy.is_no_proxy(&uri),
                is_direct,
                "NO_PROXY={no_proxy} {host}"
            );
        }
    }
}
