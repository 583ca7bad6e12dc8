//! A registry of its own: Debian's docker-registry on a port of this machine's
//! that was free, with its content in a temporary folder. Gone when dropped.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::command::run;
use crate::{Dockerd, need};

/// A running registry.
#[derive(Debug)]
pub struct Registry {
    daemon: Child,
    address: String,
    _folder: TempDir,
}

impl Registry {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// When it doesn't within half a minute; with its log.
    #[must_use]
    pub fn start() -> Registry {
        let folder = crate::temporary();
        let at = |name: &str| folder.path().join(name);
        let address = free_address();
        let config = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
            at("content").display()
        );
        fs::write(at("config.yml"), config).expect("the temporary folder is writable");
        let log = File::create(at("log")).expect("the temporary folder is writable");
        let mut daemon = Command::new(need::program("docker-registry", "docker-registry"))
            .arg("serve")
            .arg(at("config.yml"))
            .stdout(log.try_clone().expect("a file can be cloned"))
            .stderr(log)
            .spawn()
            .expect("docker-registry can be started");
        let started = Instant::now();
        while TcpStream::connect(&address).is_err() {
            let ended = daemon.try_wait().ok().flatten();
            if ended.is_some() || started.elapsed() > Duration::from_secs(30) {
                let _ = daemon.kill();
                let _ = daemon.wait();
                let log = fs::read_to_string(at("log")).unwrap_or_default();
                panic!("docker-registry does not answer ({ended:?}); its log:\n{log}");
            }
            thread::sleep(Duration::from_millis(50));
        }
        Registry {
            daemon,
            address,
            _folder: folder,
        }
    }

    /// Pushes an image that an engine has, and takes it from the engine; the name
    /// that it has here.
    #[track_caller]
    #[must_use]
    pub fn push(&self, docker: &Dockerd, image: &str) -> String {
        let name = format!("{}/{image}", self.address);
        run(docker.docker().args(["tag", image, &name])).ok();
        run(docker.docker().args(["push", &name])).ok();
        run(docker.docker().args(["image", "rm", &name])).ok();
        name
    }
}

/// Nobody listens there now.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    format!("localhost:{}", address.port())
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
