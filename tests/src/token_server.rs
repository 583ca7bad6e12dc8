//! A token server for Debian's `docker-registry`: it gives who knows the password tokens that the
//! registry verifies (JSON Web Tokens signed by RS256, as Docker's "Token Authentication
//! Specification" has them).

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::{need, run};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Starts one that serves until the process ends, with its key and certificate in `folder`; what the
/// registry's configuration says of it.
#[must_use]
pub fn start(folder: &Path, password: &'static str) -> String {
    let made = Command::new(need::program("openssl", "openssl"))
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        ])
        .args([
            "-subj",
            "/CN=tokens",
            "-keyout",
            "token.key",
            "-out",
            "token.pem",
        ])
        .current_dir(folder)
        .output();
    assert!(
        made.is_ok_and(|o| o.status.success()),
        "openssl makes a key"
    );
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let host = listener.local_addr().expect("it has an address");
    let at = folder.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let at = at.clone();
            thread::spawn(move || answer(stream, &at, password));
        }
    });
    format!(
        "auth: {{token: {{realm: \"http://{host}/token\", service: registry, issuer: tokens, \
         rootcertbundle: {}}}}}\n",
        folder.join("token.pem").display()
    )
}

fn answer(mut stream: TcpStream, folder: &Path, password: &str) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    let mut given = String::new();
    for line in lines {
        let line = line.ok()?;
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("authorization: ") {
            given = line[line.len() - value.len()..].to_owned();
        }
    }
    let expected = format!("Basic {}", base64(password.as_bytes()));
    let (status, body) = if given == expected {
        let path = request.split(' ').nth(1)?;
        (200, json!({"token": token(&scopes(path), folder)}))
    } else {
        (401, json!({"errors": [{"message": "wrong password"}]}))
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()
}

/// What is asked for: `scope=repository:NAME:pull,push`, as often as wanted.
fn scopes(path: &str) -> Vec<Value> {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let decoded = query
        .replace("%3A", ":")
        .replace("%2F", "/")
        .replace("%2C", ",");
    let scope = |part: &str| {
        let mut words = part.strip_prefix("scope=")?.split(':');
        let (kind, name) = (words.next()?.to_owned(), words.next()?.to_owned());
        let actions: Vec<&str> = words.next()?.split(',').collect();
        Some(json!({"type": kind, "name": name, "actions": actions}))
    };
    decoded.split('&').filter_map(scope).collect()
}

fn token(access: &[Value], folder: &Path) -> String {
    let pem = fs::read_to_string(folder.join("token.pem")).expect("the certificate was made");
    let der: String = pem.lines().filter(|l| !l.starts_with('-')).collect();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    let header = json!({"typ": "JWT", "alg": "RS256", "x5c": [der]});
    let claims = json!({
        "iss": "tokens", "sub": "ann", "aud": "registry", "jti": now.to_string(),
        "iat": now, "nbf": now.saturating_sub(60), "exp": now + 300, "access": access,
    });
    let part = |value: &Value| url_safe(&base64(value.to_string().as_bytes()));
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = sign(signed.as_bytes(), folder.join("token.key"));
    format!("{signed}.{}", url_safe(&base64(&signature)))
}

fn sign(bytes: &[u8], key: PathBuf) -> Vec<u8> {
    let mut openssl = Command::new(need::program("openssl", "openssl"))
        .args(["dgst", "-sha256", "-sign"])
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl can be started");
    let mut input = openssl.stdin.take().expect("it is a pipe");
    input.write_all(bytes).expect("openssl reads what it signs");
    drop(input);
    openssl.wait_with_output().expect("openssl signs").stdout
}

fn url_safe(text: &str) -> String {
    text.trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_")
}

/// Base64 with padding.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .fold(0_u32, |word, b| word << 8 | u32::from(*b));
        let word = word << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit = ALPHABET[(word >> (18 - 6 * i) & 63) as usize];
            out.push(if i > chunk.len() {
                '='
            } else {
                char::from(digit)
            });
        }
    }
    out
}

/// What `podman login` leaves: an auth file, written by skopeo's.
#[track_caller]
pub fn log_in(host: &str, user: &str, password: &str, authfile: &Path) {
    let _ = run(Command::new(need::program("skopeo", "skopeo"))
        .args([
            "login",
            "--tls-verify=false",
            "--username",
            user,
            "--password",
            password,
        ])
        .arg("--authfile")
        .arg(authfile)
        .arg(host))
    .ok();
}
