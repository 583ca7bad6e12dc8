//! Promise: as root on the host, `armistice guard` is told by the kernel who
//! emptied the table, even if the culprit has ended since.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use e2e::command::wait_until;
use e2e::{HostTable, armistice, need, run};

const SOON: Duration = Duration::from_secs(30);

/// Ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_culprit_is_named_by_the_kernel() {
    let host = HostTable::mounted();
    let systemd_binfmt = need::program("/lib/systemd/systemd-binfmt", "systemd");
    let folder = e2e::temporary();
    let (log, ready) = (folder.path().join("log"), folder.path().join("ready"));
    let _guard = Ended(
        armistice()
            // Far longer than the test: it has to be told, not to look.
            .args(["guard", "arm64", "--interval", "3600", "--ready-file"])
            .arg(&ready)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("written"))
            .spawn()
            .expect("the guard can be started"),
    );
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    wait_until("the guard is ready", SOON, || ready.exists());
    run(Command::new(systemd_binfmt).arg("--unregister")).ok();
    wait_until("the entry is back", SOON, || {
        host.entries().contains_key("qemu-aarch64")
    });
    wait_until("the culprit is named", SOON, || {
        said().contains("systemd-binfmt")
    });
    run(armistice().args(["verify", "arm64"])).ok();
}
