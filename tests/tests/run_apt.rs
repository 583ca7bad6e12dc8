//! Promise: a whole Debian for arm64 is administered in a container as under docker:
//! apt-get and dnf fetch and install, programs become other users; as root, with ranges of
//! identities, and with one identity, where the others are played.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use e2e::run_place::{EVERYBODY, Place, Who};
use e2e::{DebianRoot, Done, need, product, run};

const IMAGE: &str = "debian-whole";

/// The package of the tests': with a file of another group's, and a script that makes a
/// user and gives it a folder.
const CONTROL: &str = "Package: hello\nVersion: 1\nArchitecture: arm64\nPre-Depends: passwd\n\
    Maintainer: e2e <e2e@example.org>\nDescription: says hello\n";
const POSTINST: &str = "#!/bin/sh\nset -e\n\
    useradd --system --home-dir /var/lib/hello --create-home hello\n\
    install -d -o hello -g hello -m 750 /var/lib/hello/own\n\
    chown hello:shadow /usr/share/hello\n";
const PROGRAM: &str = "#!/bin/sh\necho hello from $(uname -m)\n";

/// A repository on loopback.
struct Repository {
    server: Child,
    port: u16,
}

impl Repository {
    fn start(folder: &Path) -> Repository {
        let build = folder.join("hello");
        for below in ["DEBIAN", "usr/bin", "usr/share/hello"] {
            fs::create_dir_all(build.join(below)).expect("the test's own files");
        }
        fs::write(build.join("DEBIAN/control"), CONTROL).expect("the test's own files");
        for (path, text) in [("DEBIAN/postinst", POSTINST), ("usr/bin/hello", PROGRAM)] {
            fs::write(build.join(path), text).expect("the test's own files");
            run(Command::new("chmod").arg("755").arg(build.join(path))).ok();
        }
        std::os::unix::fs::chown(build.join("usr/share/hello"), Some(0), Some(42))
            .expect("the test's own files");
        let deb = folder.join("hello.deb");
        run(Command::new(need::program("dpkg-deb", "dpkg"))
            .arg("--build")
            .args([&build, &deb]))
        .ok();
        let bytes = fs::read(&deb).expect("the test's own files");
        let digest = e2e::registry::digest(&bytes).replace("sha256:", "");
        let packages = format!(
            "{CONTROL}Filename: ./hello.deb\nSize: {}\nSHA256: {digest}\n",
            bytes.len()
        );
        fs::write(folder.join("Packages"), packages).expect("the test's own files");
        let port = e2e::registry::free_port();
        let server = Command::new(need::program("python3", "python3"))
            .args(["-m", "http.server", "--bind", "127.0.0.1"])
            .arg(port.to_string())
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 can be started");
        let repository = Repository { server, port };
        e2e::command::wait_until("it serves", std::time::Duration::from_secs(30), || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        repository
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Debian with its packages configured, which takes minutes: made once, and kept beside the
/// other userlands.
fn debian() -> PathBuf {
    let folder = product::target_dir().join("userlands");
    let tar = folder.join("whole-bookworm-dnf-arm64.tar");
    if !tar.is_file() {
        let packages = ["passwd", "dnf", "rpm", "createrepo-c"];
        let debian = DebianRoot::make("bookworm", &packages, Some(&product::engine()));
        let new = tar.with_extension("new");
        fs::create_dir_all(&folder).expect("target/userlands can be made");
        debian.write_tar(&new);
        fs::rename(&new, &tar).expect("the userland can be renamed");
    }
    tar
}

/// Places with the image, for root, for a user, and for one with ranges.
fn places() -> Vec<(Who, Place)> {
    let folder = e2e::temporary();
    run(Command::new("chmod").arg("755").arg(folder.path())).ok();
    let tar = folder.path().join("debian.tar");
    // Where every user may read it.
    fs::copy(debian(), &tar).expect("the userland can be copied");
    let place = |who| {
        let place = Place::new(who);
        run(place
            .armistice(&["pull", "--name", IMAGE, "--platform", "linux/arm64"])
            .arg(&tar))
        .ok();
        (who, place)
    };
    EVERYBODY.map(place).into()
}

fn sh(place: &Place, options: &[&str], script: &str) -> Done {
    let words = [&["run"], options, &[IMAGE, "sh", "-ec", script]].concat();
    run(&mut place.armistice(&words))
}

#[test]
fn a_whole_debian_is_administered() {
    let folder = e2e::temporary();
    let repository = Repository::start(folder.path());
    for (who, place) in places() {
        apt_installs(who, &place, repository.port);
        dnf_installs(who, &place);
        identities_change(&place);
        a_user_of_the_images(&place);
    }
}

/// As it is typed: no options about sandboxes or root.
fn apt_installs(who: Who, place: &Place, port: u16) {
    let script = format!(
        "rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
         echo 'deb [trusted=yes] http://127.0.0.1:{port} ./' > /etc/apt/sources.list
         apt-get update
         apt-get install -y hello
         hello
         dpkg -s hello | grep Status
         getent passwd hello | cut -d: -f1,6
         stat -c '%U:%G %a' /var/lib/hello/own /usr/share/hello"
    );
    let done = sh(place, &[], &script).ok();
    assert!(
        !done.stderr.contains("W: ") && !done.stderr.contains("E: "),
        "{done}"
    );
    let (own, shared) = match who {
        // Files are the one identity's.
        Who::User => ("root:root 750", "root:root 755"),
        _ => ("hello:hello 750", "hello:shadow 755"),
    };
    let lines: Vec<&str> = done.stdout.lines().rev().take(5).collect();
    assert_eq!(
        lines,
        [
            shared,
            own,
            "hello:/var/lib/hello",
            "Status: install ok installed",
            "hello from aarch64"
        ],
        "{who:?}:\n{done}"
    );
}

/// A package that the container's own rpmbuild makes, of a repository over HTTP: with a
/// script that makes a user, and a folder of that user's.
fn dnf_installs(who: Who, place: &Place) {
    let script = "
        exec 3>&1 >&2
        mkdir -p /repository && cd /repository
        printf '%s\n' 'Name: hello' 'Version: 1' 'Release: 1' 'Summary: s' 'License: MIT' \
            'BuildArch: noarch' 'Provides: /bin/sh' '%description' 'says hello' \
            '%install' 'mkdir -p %{buildroot}/var/lib/hello' \
            '%pre' 'useradd --system --home-dir /var/lib/hello hello' \
            '%files' '%attr(750, hello, hello) /var/lib/hello' > hello.spec
        rpmbuild -bb --define '_rpmdir /repository' hello.spec
        createrepo_c .
        python3 -m http.server --bind 127.0.0.1 PORT &
        until python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", PORT))' 2> /dev/null; do
            sleep 0.1
        done
        dnf --repofrompath=own,http://127.0.0.1:PORT/ --repo=own --releasever=1 --nogpgcheck \
            install -y hello
        kill $!
        rpm -q hello >&3
        getent passwd hello | cut -d: -f1,6 >&3
        stat -c '%U:%G %a' /var/lib/hello >&3
        dnf --disablerepo='*' --releasever=1 remove -y hello
        rpm -q hello >&3 || true
        test ! -e /var/lib/hello";
    let own = match who {
        Who::User => "root:root 750",
        _ => "hello:hello 750",
    };
    let port = e2e::registry::free_port().to_string();
    sh(place, &[], &script.replace("PORT", &port))
        .ok()
        .prints(&format!(
            "hello-1-1.noarch\nhello:/var/lib/hello\n{own}\npackage hello is not installed"
        ));
}

/// Those who give up root's identity are somebody else, and can't take it back.
fn identities_change(place: &Place) {
    let script = "id -u; setpriv --reuid=7 --regid=8 --groups=9,10 sh -c 'id -u; id -g; id -G; \
        setpriv --reuid=0 id -u 2>/dev/null || echo no; (sleep 1; id -u > /tmp/later) &'; \
        su -s /bin/sh nobody -c 'id -un'; runuser -u www-data -- id -un; id -u; sleep 2; cat /tmp/later";
    sh(place, &[], script)
        .ok()
        .prints("0\n7\n8\n8 9 10\nno\nnobody\nwww-data\n0\n7");
}

/// A command that is an ordinary user's has no rights of root's.
fn a_user_of_the_images(place: &Place) {
    let script = "id -un; id -gn; echo $HOME; grep CapEff /proc/self/status; \
        mount -t tmpfs tmpfs /mnt 2>/dev/null || echo no; setpriv --reuid=0 true 2>/dev/null || echo no";
    sh(place, &["-u", "www-data"], script)
        .ok()
        .prints("www-data\nwww-data\n/var/www\nCapEff:\t0000000000000000\nno\nno");
}
