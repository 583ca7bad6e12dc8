//! A registry that misbehaves as a test wants it to: it cuts off, stalls, lies and
//! refuses. It serves one repository, without TLS, from this process's memory.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::registry::digest;

/// How a [`Fake`] answers.
#[derive(Debug, Default, Clone)]
pub struct Manners {
    /// Only who has a token, which is had with this `user:password`.
    pub password: Option<String>,
    /// A layer's connection ends after so many bytes.
    pub cut_after: Option<usize>,
    /// After so many bytes of a layer nothing more comes.
    pub stall_after: Option<usize>,
    /// Parts of a layer are not to be had.
    pub no_ranges: bool,
    /// So many requests get this status, with this header.
    pub refuse: Option<(usize, u16, String)>,
}

/// What a fake has, and what it was asked.
#[derive(Debug, Default)]
struct State {
    /// Bytes and media type by the end of the path.
    things: Mutex<HashMap<String, (Vec<u8>, String)>>,
    manners: Mutex<Manners>,
    asked: Mutex<Vec<String>>,
}

/// A registry with one repository, `test`, without TLS.
#[derive(Debug)]
pub struct Fake {
    state: Arc<State>,
    /// `127.0.0.1:PORT`.
    pub host: String,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fake {
    /// One with nothing in it. It serves until the process ends.
    #[must_use]
    pub fn new() -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let host = listener
            .local_addr()
            .expect("it has an address")
            .to_string();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let own = host.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, host) = (Arc::clone(&shared), own.clone());
                thread::spawn(move || state.answer(stream, &host));
            }
        });
        Fake { state, host }
    }

    /// Adds a manifest or a blob under the end of its path.
    pub fn put(&self, path: &str, bytes: &[u8], media_type: &str) {
        let thing = (bytes.to_vec(), media_type.to_owned());
        locked(&self.state.things).insert(path.to_owned(), thing);
    }

    /// How many bytes are under the end of a path.
    ///
    /// # Panics
    /// When there is nothing.
    #[must_use]
    pub fn size(&self, path: &str) -> usize {
        let things = locked(&self.state.things);
        things
            .get(path)
            .map(|(bytes, _)| bytes.len())
            .expect("it was put there")
    }

    /// Adds an image of these layers (tars) under a tag; its manifest's digest.
    pub fn image(&self, tag: &str, architecture: &str, layers: &[Vec<u8>]) -> String {
        self.image_typed(
            tag,
            architecture,
            layers,
            "application/vnd.oci.image.layer.v1.tar",
        )
    }

    /// The same, with a media type of the layers.
    pub fn image_typed(
        &self,
        tag: &str,
        architecture: &str,
        layers: &[Vec<u8>],
        media_type: &str,
    ) -> String {
        let ids: Vec<String> = layers.iter().map(|l| digest(l)).collect();
        let config = json!({
            "os": "linux", "architecture": architecture, "config": {"Cmd": ["/bin/sh"]},
            "rootfs": {"type": "layers", "diff_ids": ids},
        })
        .to_string();
        let listed: Vec<Value> = layers
            .iter()
            .map(|l| json!({"mediaType": media_type, "digest": digest(l), "size": l.len()}))
            .collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest(config.as_bytes()), "size": config.len(),
            },
            "layers": listed,
        })
        .to_string();
        for bytes in layers.iter().map(Vec::as_slice).chain([config.as_bytes()]) {
            self.put(
                &format!("blobs/{}", digest(bytes)),
                bytes,
                "application/octet-stream",
            );
        }
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let own = digest(manifest.as_bytes());
        self.put(&format!("manifests/{tag}"), manifest.as_bytes(), media_type);
        self.put(&format!("manifests/{own}"), manifest.as_bytes(), media_type);
        own
    }

    /// Changes how it answers.
    pub fn behave(&self, manners: Manners) {
        *locked(&self.state.manners) = manners;
    }

    /// How many requests had this in their line or their range.
    #[must_use]
    pub fn asked(&self, what: &str) -> usize {
        let asked = locked(&self.state.asked);
        asked.iter().filter(|line| line.contains(what)).count()
    }

    /// The name of the image with a tag.
    #[must_use]
    pub fn name(&self, tag: &str) -> String {
        format!("{}/test:{tag}", self.host)
    }
}

impl Default for Fake {
    fn default() -> Self {
        Fake::new()
    }
}

impl State {
    fn answer(&self, mut stream: TcpStream, host: &str) -> Option<()> {
        // TLS is not spoken here, and it has no lines to wait for.
        let mut first = [0];
        stream.peek(&mut first).ok()?;
        if !first[0].is_ascii_uppercase() {
            return None;
        }
        let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
        let request = lines.next()?.ok()?;
        let (mut range, mut authorization) = (0, String::new());
        for line in lines {
            let line = line.ok()?;
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            match name.to_ascii_lowercase().as_str() {
                "" => break,
                "range" => {
                    let start = value.trim().strip_prefix("bytes=")?;
                    range = start.trim_end_matches('-').parse().ok()?;
                }
                "authorization" => authorization = value.trim().to_owned(),
                _ => {}
            }
        }
        locked(&self.asked).push(format!("{request} range={range}"));
        let path = request.split(' ').nth(1)?;
        let mut shared = locked(&self.manners);
        if let Some((left, status, header)) = &mut shared.refuse
            && *left > 0
        {
            *left -= 1;
            let text = format!(
                "HTTP/1.1 {status} No\r\n{header}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            return stream.write_all(text.as_bytes()).ok();
        }
        let manners = shared.clone();
        // Others are answered while this one stalls.
        drop(shared);
        if let Some(password) = &manners.password {
            if path.starts_with("/token") {
                return token(&mut stream, password, &authorization);
            }
            if authorization != "Bearer let-me-in" {
                let text = format!(
                    "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer realm=\"http://{host}/token\",\
                     service=\"fake\",scope=\"repository:test:pull\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                return stream.write_all(text.as_bytes()).ok();
            }
        }
        if path == "/v2/" {
            return send(&mut stream, b"{}", "application/json", 0, &manners);
        }
        let key = path.strip_prefix("/v2/test/").unwrap_or_default();
        let Some((bytes, media_type)) = locked(&self.things).get(key).cloned() else {
            let body = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#;
            let text = format!(
                "HTTP/1.1 404 No\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            return stream.write_all(text.as_bytes()).ok();
        };
        send(&mut stream, &bytes, &media_type, range, &manners)
    }
}

fn token(stream: &mut TcpStream, password: &str, authorization: &str) -> Option<()> {
    let given = Command::new("base64")
        .arg("-d")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = given.ok()?;
    let encoded = authorization.strip_prefix("Basic ").unwrap_or_default();
    child.stdin.take()?.write_all(encoded.as_bytes()).ok()?;
    let decoded = child.wait_with_output().ok()?.stdout;
    let (status, body) = if decoded == password.as_bytes() {
        (200, r#"{"token": "let-me-in"}"#)
    } else {
        (401, r#"{"errors":[{"message":"wrong password"}]}"#)
    };
    let text = format!(
        "HTTP/1.1 {status} -\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).ok()
}

fn send(
    stream: &mut TcpStream,
    bytes: &[u8],
    media_type: &str,
    range: usize,
    manners: &Manners,
) -> Option<()> {
    let start = if manners.no_ranges {
        0
    } else {
        range.min(bytes.len())
    };
    let part = bytes.get(start..)?;
    let status = if start > 0 {
        format!(
            "206 Part\r\nContent-Range: bytes {start}-{}/{}",
            bytes.len() - 1,
            bytes.len()
        )
    } else {
        "200 OK".to_owned()
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        part.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    // Documents are small; only layers are cut.
    let limit = manners
        .cut_after
        .or(manners.stall_after)
        .filter(|_| bytes.len() > 4096);
    let part = part.get(..limit.unwrap_or(part.len()).min(part.len()))?;
    stream.write_all(part).ok()?;
    if manners.stall_after.is_some() && limit.is_some() {
        thread::sleep(Duration::from_secs(300));
    }
    Some(())
}
