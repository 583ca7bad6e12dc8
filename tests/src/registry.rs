//! Registries of a test's own: Debian's `docker-registry` on a port of this
//! machine's that was free, plain or with TLS of an authority of its own, with its
//! content in a temporary folder. Gone when dropped. And what fills them.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::command::{run, wait_until};
use crate::{Dockerd, need};

/// Debian's registry, with its storage in a temporary folder.
#[derive(Debug)]
pub struct Registry {
    server: Child,
    folder: tempfile::TempDir,
    /// `127.0.0.1:PORT`.
    pub host: String,
}

impl Registry {
    /// One without TLS.
    #[must_use]
    pub fn plain() -> Registry {
        Registry::start(crate::temporary(), "")
    }

    /// One without TLS that lets in who has a token, which is had with this
    /// `user:password`.
    #[must_use]
    pub fn with_tokens(password: &'static str) -> Registry {
        let folder = crate::temporary();
        let auth = crate::token_server::start(folder.path(), password);
        Registry::start_with(folder, "", &auth)
    }

    /// One without TLS that wants `ann`'s password, `secret`, with each request.
    #[must_use]
    pub fn with_password() -> Registry {
        // By bcrypt, the only method that it knows.
        const LINE: &str = "ann:$2b$05$QRCoZk8fDUKaVIkA7Aex0.XkkXpfZPt1bZx2FiXPGV/D/Iw.PuEUm\n";
        let folder = crate::temporary();
        let file = folder.path().join("htpasswd");
        fs::write(&file, LINE).expect("the folder is writable");
        let auth = format!(
            "auth: {{htpasswd: {{realm: test, path: {}}}}}\n",
            file.display()
        );
        Registry::start_with(folder, "", &auth)
    }

    /// One with TLS; [`Registry::ca`] is the authority's certificate.
    #[must_use]
    pub fn tls() -> Registry {
        let folder = crate::temporary();
        let openssl = need::program("openssl", "openssl");
        let new = |args: &[&str]| {
            run(Command::new(&openssl)
                .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
                .args(["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
                .args(args)
                .current_dir(folder.path()))
            .ok()
        };
        let _ = new(&[
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-subj",
            "/CN=authority",
        ]);
        let _ = new(&[
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-keyout",
            "own.key",
            "-out",
            "own.pem",
            "-subj",
            "/CN=registry",
            "-addext",
            "subjectAltName=IP:127.0.0.1,IP:0.0.0.0",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ]);
        let at = folder.path().display().to_string();
        let tls = format!(", tls: {{certificate: {at}/own.pem, key: {at}/own.key}}");
        Registry::start(folder, &tls)
    }

    fn start(folder: tempfile::TempDir, tls: &str) -> Registry {
        Registry::start_with(folder, tls, "")
    }

    fn start_with(folder: tempfile::TempDir, tls: &str, auth: &str) -> Registry {
        let host = format!("127.0.0.1:{}", free_port());
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: \"{host}\"{tls}}}\n{auth}",
            folder.path().join("storage").display()
        );
        let file = folder.path().join("config.yml");
        fs::write(&file, config).expect("the registry's configuration can be written");
        let log = File::create(folder.path().join("log")).expect("the folder is writable");
        let mut server = Command::new(need::program("docker-registry", "docker-registry"))
            .arg("serve")
            .arg(&file)
            .stdout(log.try_clone().expect("a file can be cloned"))
            .stderr(log)
            .spawn()
            .expect("docker-registry can be started");
        let started = Instant::now();
        while TcpStream::connect(&host).is_err() {
            let ended = server.try_wait().ok().flatten();
            if ended.is_some() || started.elapsed() > Duration::from_secs(30) {
                let _ = server.kill();
                let _ = server.wait();
                let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
                panic!("docker-registry does not answer ({ended:?}); its log:\n{log}");
            }
            thread::sleep(Duration::from_millis(50));
        }
        Registry {
            server,
            folder,
            host,
        }
    }

    /// Pushes an image that an engine has, and takes it from the engine; the name
    /// that it has here.
    #[track_caller]
    #[must_use]
    pub fn push(&self, docker: &Dockerd, image: &str) -> String {
        // Docker takes a registry without TLS at this name.
        let name = format!("localhost:{}/{image}", self.port());
        run(docker.docker().args(["tag", image, &name])).ok();
        run(docker.docker().args(["push", &name])).ok();
        run(docker.docker().args(["image", "rm", &name])).ok();
        name
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> &str {
        self.host.rsplit(':').next().unwrap_or_default()
    }

    /// A server with this one's certificate that answers to one path, and sends
    /// who asks for it elsewhere; its `127.0.0.1:PORT`. It serves until it is dropped.
    #[must_use]
    pub fn redirecting(&self, path: &str, to: &str) -> (Served, String) {
        let root = self.folder.path().join("redirecting");
        let file = root.join(path);
        fs::create_dir_all(file.parent().expect("a path has a folder"))
            .expect("a folder can be made");
        let answer =
            format!("HTTP/1.1 307 Elsewhere\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
        fs::write(&file, answer).expect("an answer can be written");
        let host = format!("127.0.0.1:{}", free_port());
        let server = Command::new(need::program("openssl", "openssl"))
            .args(["s_server", "-quiet", "-HTTP", "-accept", &host])
            .args(["-cert", "../own.pem", "-key", "../own.key"])
            .current_dir(root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl can be started");
        wait_until("openssl listens", Duration::from_secs(30), || {
            TcpStream::connect(&host).is_ok()
        });
        (Served(server), host)
    }

    /// The authority's certificate.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

/// A server that ends with this.
#[derive(Debug)]
pub struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A port of loopback on which nothing listens at this moment.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener.local_addr().expect("it has an address").port()
}

/// Copies an image with skopeo, verifying no certificate.
pub fn skopeo_copy(args: &[&str], from: &str, to: &str) {
    let _ = run(Command::new(need::program("skopeo", "skopeo"))
        .args(["--insecure-policy", "copy", "--quiet"])
        .args(["--src-tls-verify=false", "--dest-tls-verify=false"])
        .args(args)
        .args([from, to]))
    .ok();
}

/// An OCI layout with an index under the name `multi`, of the images that are in
/// it under these tags, each with its OCI architecture.
pub fn add_index(layout: &Path, images: &[(&str, &str)]) {
    let path = layout.join("index.json");
    let text = fs::read(&path).expect("the layout has an index");
    let mut top: Value = serde_json::from_slice(&text).expect("the index is JSON");
    let entries = top["manifests"].as_array().cloned().unwrap_or_default();
    let tag = |d: &Value| d["annotations"]["org.opencontainers.image.ref.name"].clone();
    let manifests: Vec<Value> = images
        .iter()
        .map(|(name, architecture)| {
            let mut one = entries
                .iter()
                .find(|d| tag(d) == *name)
                .unwrap_or_else(|| panic!("{name} is in the layout"))
                .clone();
            one["platform"] = json!({"os": "linux", "architecture": architecture});
            one.as_object_mut().map(|o| o.remove("annotations"));
            one
        })
        .collect();
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": manifests,
    })
    .to_string();
    let hex = hex(index.as_bytes());
    fs::write(layout.join("blobs/sha256").join(&hex), &index).expect("a blob can be added");
    top["manifests"] = json!([{
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": format!("sha256:{hex}"),
        "size": index.len(),
        "annotations": {"org.opencontainers.image.ref.name": "multi"},
    }]);
    fs::write(&path, top.to_string()).expect("the index can be written");
}

fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// `sha256:` and the digest of bytes.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}
