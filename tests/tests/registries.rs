//! How registries are reached: who the user is to them, through which proxy, at which mirror. With
//! real registries, helpers and proxies.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use e2e::fake_registry::{Fake, Manners};
use e2e::image_store::{ImageStore, layer};
use e2e::registry::{Registry, free_port, skopeo_copy};
use e2e::run_place::USER;
use e2e::token_server::{base64, log_in};
use e2e::{Done, command, copy_program, need, product, run};

const MINE: &str = "the test's own files";

/// An OCI layout with one image of one small layer.
fn layout(folder: &Path) -> String {
    let fake = Fake::new();
    fake.image("1", "arm64", &[layer(&[("f", 10)])]);
    let to = format!("oci:{}:1", folder.join("layout").display());
    skopeo_copy(&[], &format!("docker://{}", fake.name("1")), &to);
    to
}

/// Pushes the small image under this name.
fn push(registry: &Registry, name: &str, options: &[&str]) -> String {
    let temp = e2e::temporary();
    let name = format!("{}/{name}", registry.host);
    skopeo_copy(options, &layout(temp.path()), &format!("docker://{name}"));
    name
}

fn plain(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// A file as `docker login` writes it.
fn config(host: &str, password: &str) -> String {
    let auth = base64(password.as_bytes());
    format!(r#"{{"auths": {{"{host}": {{"auth": "{auth}"}}}}}}"#)
}

#[test]
fn real_registries_let_in_who_has_a_token_or_a_password() {
    for (registry, creds) in [
        (
            Registry::with_tokens("ann:secret"),
            "--dest-creds=ann:secret",
        ),
        (Registry::with_password(), "--dest-creds=ann:secret"),
    ] {
        let name = push(&registry, "team/app:1", &[creds]);
        let store = ImageStore::new();
        let pull = || store.run(&["pull", "--insecure", &name]);
        let _ = pull().exits(1).says("podman login");
        // What skopeo, and so podman, writes at a login, in each of its places.
        let auth = store.home().join("auth.json");
        log_in(&registry.host, "ann", "secret", &auth);
        let named = ["pull", "--insecure", "--authfile", plain(&auth), &name];
        let _ = store.run(&named).ok();
        let by_variable = |variable: &str, file: &str| {
            let path = store.home().join(file);
            fs::create_dir_all(path.parent().expect("it has a folder")).expect(MINE);
            fs::copy(&auth, &path).expect(MINE);
            let value = match variable {
                "REGISTRY_AUTH_FILE" => path.clone(),
                _ => store
                    .home()
                    .join(file.split('/').next().unwrap_or_default()),
            };
            let mut command = store.command(&["pull", "--insecure", &name]);
            let _ = run(command.env(variable, value)).ok();
            fs::remove_file(path).expect(MINE);
        };
        by_variable("REGISTRY_AUTH_FILE", "named.json");
        by_variable("XDG_RUNTIME_DIR", "runtime/containers/auth.json");
        by_variable("XDG_CONFIG_HOME", "config/containers/auth.json");
        by_variable("DOCKER_CONFIG", "docker/config.json");
        // Without a variable: ~/.config and ~/.docker.
        let own = store.home().join(".config/containers/auth.json");
        fs::create_dir_all(own.parent().expect("it has a folder")).expect(MINE);
        fs::copy(&auth, &own).expect(MINE);
        let _ = pull().ok();
        // A team's own entry counts before the registry's.
        let text = format!(
            r#"{{"auths": {{"{0}": {{"auth": "{1}"}}, "{0}/team": {{"auth": "{2}"}}}}}}"#,
            registry.host,
            base64(b"ann:wrong"),
            base64(b"ann:secret")
        );
        fs::write(&own, text).expect(MINE);
        let _ = pull().ok();
        fs::write(&own, config(&registry.host, "ann:wrong")).expect(MINE);
        let _ = pull().exits(1).says("wants a login");
        fs::write(&own, "{").expect(MINE);
        let _ = pull().exits(1).says("not as docker and podman write it");
        store.is_intact();
    }
}

/// A home with `pass` and a key of its own, for `docker-credential-pass`.
struct Pass {
    home: tempfile::TempDir,
}

impl Pass {
    fn new(host: &str) -> Pass {
        let helper = need::program("docker-credential-pass", "golang-docker-credential-helpers");
        let pass = Pass {
            home: e2e::temporary(),
        };
        fs::set_permissions(pass.home.path(), fs::Permissions::from_mode(0o700)).expect(MINE);
        // GnuPG makes only its usual folder.
        fs::create_dir(pass.home.path().join("gnupg")).expect(MINE);
        let gpg = need::program("gpg", "gpg gpg-agent");
        let key = [
            "--batch",
            "--passphrase",
            "",
            "--quick-generate-key",
            "e2e@test.invalid",
        ];
        let _ = run(pass.prepare(&mut Command::new(gpg)).args(key)).ok();
        let init = ["init", "e2e@test.invalid"];
        let program = need::program("pass", "pass");
        let _ = run(pass.prepare(&mut Command::new(program)).args(init)).ok();
        let mut store = pass
            .prepare(&mut Command::new(helper))
            .arg("store")
            .stdin(Stdio::piped())
            .spawn()
            .expect("the helper can be started");
        let login = format!(r#"{{"ServerURL": "{host}", "Username": "ann", "Secret": "secret"}}"#);
        let mut input = store.stdin.take().expect("it is a pipe");
        std::io::Write::write_all(&mut input, login.as_bytes()).expect("the helper reads");
        drop(input);
        assert!(store.wait().expect("it ends").success());
        pass
    }

    fn prepare<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("GNUPGHOME", self.home.path().join("gnupg"))
            .env("PASSWORD_STORE_DIR", self.home.path().join("store"))
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut end = Command::new(need::program("gpgconf", "gpgconf"));
        let _ = run(self.prepare(&mut end).args(["--kill", "all"]));
    }
}

#[test]
fn a_real_credential_helper_is_asked() {
    let registry = Registry::with_tokens("ann:secret");
    let name = push(&registry, "team/app:1", &["--dest-creds=ann:secret"]);
    let pass = Pass::new(&registry.host);
    let store = ImageStore::new();
    let file = store.home().join("config.json");
    let pull = || {
        let mut command = store.command(&["pull", "--insecure", &name]);
        run(pass.prepare(&mut command))
    };
    let helpers = format!(r#"{{"credHelpers": {{"{}": "pass"}}}}"#, registry.host);
    for text in [r#"{"credsStore": "pass"}"#, &helpers] {
        fs::write(&file, text).expect(MINE);
        let _ = pull().ok();
    }
    // One who knows nobody there is no failure, and one who is missing is told.
    let other = Registry::with_tokens("ann:secret");
    let unknown = push(&other, "app:1", &["--dest-creds=ann:secret"]);
    fs::write(&file, r#"{"credsStore": "pass"}"#).expect(MINE);
    let mut command = store.command(&["pull", "--insecure", &unknown]);
    let said = run(pass.prepare(&mut command))
        .exits(1)
        .says("wants a login");
    assert!(!said.stderr.contains("helper"), "{said}");
    fs::write(&file, r#"{"credsStore": "armistice-none"}"#).expect(MINE);
    let _ = pull().exits(1).says("credential helper");
}

/// A helper that writes down who it is, and then answers as `body` does.
fn script(folder: &Path, body: &str) -> PathBuf {
    let log = folder.join("log");
    let text = format!(
        "#!/bin/sh\nread -r server\necho \"$1 $server $(id -u) $(readlink /proc/self/ns/user)\" >> {}\n{body}\n",
        log.display()
    );
    let path = folder.join("docker-credential-script");
    fs::write(&path, text).expect(MINE);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect(MINE);
    log
}

fn with_path(command: &mut Command, folder: &Path) {
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", folder.display()));
}

const LETS_IN: &str = r#"echo '{"Username": "ann", "Secret": "secret"}'"#;

#[test]
fn a_helper_is_asked_once_and_only_where_it_is_needed() {
    let fake = Fake::new();
    fake.image("1", "arm64", &[layer(&[("f", 10)])]);
    let store = ImageStore::new();
    fs::write(
        store.home().join("config.json"),
        r#"{"credsStore": "script"}"#,
    )
    .expect(MINE);
    let pull = |body: &str| -> (Done, String) {
        let folder = e2e::temporary();
        let log = script(folder.path(), body);
        let mut command = store.command(&["pull", "--insecure", &fake.name("1")]);
        with_path(&mut command, folder.path());
        let done = run(&mut command);
        (done, fs::read_to_string(log).unwrap_or_default())
    };
    let (done, log) = pull(LETS_IN);
    let _ = done.ok();
    assert_eq!(log, "", "nobody wanted to know who it is");
    fake.behave(Manners {
        password: Some("ann:secret".to_owned()),
        ..Manners::default()
    });
    let (done, log) = pull(LETS_IN);
    let _ = done.ok();
    let lines: Vec<&str> = log.lines().collect();
    assert!(
        matches!(lines[..], [line] if line.starts_with(&format!("get {} ", fake.host))),
        "{log}"
    );
    let (done, _) = pull("echo the vault is closed >&2; exit 1");
    let _ = done.exits(1).says("the vault is closed");
    let (done, _) = pull("echo nonsense");
    let _ = done.exits(1).says("malformed");
    // An identity token is changed for a token of the registry's.
    let (done, _) = pull(r#"echo '{"Username": "<token>", "Secret": "refresh"}'"#);
    let _ = done.exits(1);
    assert_eq!(fake.asked("POST /token"), 1, "it was sent");
}

/// A session's bus or agent knows its user by number and namespace.
#[test]
fn an_ordinary_users_helper_is_that_user() {
    need::host_root();
    let fake = Fake::new();
    fake.image("1", "arm64", &[layer(&[("f", 10)])]);
    fake.behave(Manners {
        password: Some("ann:secret".to_owned()),
        ..Manners::default()
    });
    let store = ImageStore::new();
    let bin = e2e::temporary();
    fs::set_permissions(bin.path(), fs::Permissions::from_mode(0o755)).expect(MINE);
    let log = script(bin.path(), LETS_IN);
    fs::write(&log, "").expect(MINE);
    fs::write(
        store.home().join("config.json"),
        r#"{"credsStore": "script"}"#,
    )
    .expect(MINE);
    for path in [store.home(), &log] {
        std::os::unix::fs::chown(path, Some(USER), Some(USER)).expect(MINE);
    }
    copy_program(product::binary(), &bin.path().join("armistice"));
    let mut command = Command::new(need::program("setpriv", "util-linux"));
    store.prepare(&mut command);
    with_path(&mut command, bin.path());
    let user = USER.to_string();
    command
        .args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"])
        .arg(bin.path().join("armistice"))
        .args(["pull", "--insecure", &fake.name("1")]);
    let _ = run(&mut command).ok();
    let log = fs::read_to_string(log).expect(MINE);
    let own = fs::read_link("/proc/self/ns/user").expect("/proc is there");
    let expected = format!("get {} {USER} {}\n", fake.host, own.display());
    assert_eq!(log, expected);
}

/// Debian's tinyproxy.
struct Tinyproxy {
    server: Child,
    folder: tempfile::TempDir,
    host: String,
}

impl Tinyproxy {
    fn start(more: &str) -> Tinyproxy {
        let folder = e2e::temporary();
        let port = free_port();
        let text = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nAllow 127.0.0.1\n\
             LogFile \"{}\"\nLogLevel Connect\n{more}\n",
            folder.path().join("log").display()
        );
        fs::write(folder.path().join("conf"), text).expect(MINE);
        let server = Command::new(need::program("tinyproxy", "tinyproxy-bin"))
            .args(["-d", "-c"])
            .arg(folder.path().join("conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("tinyproxy can be started");
        let host = format!("127.0.0.1:{port}");
        command::wait_until("tinyproxy listens", Duration::from_secs(30), || {
            TcpStream::connect(&host).is_ok()
        });
        Tinyproxy {
            server,
            folder,
            host,
        }
    }

    /// How many tunnels were asked for so far.
    fn tunnels(&self) -> usize {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        log.matches("CONNECT ").count()
    }
}

impl Drop for Tinyproxy {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// This machine by an address that is not known as its own: it counts as far.
fn far(registry: &Registry, name: &str) -> String {
    format!("0.0.0.0:{}/{name}", registry.port())
}

#[test]
fn proxies_are_gone_through_as_the_variables_say() {
    let proxy = Tinyproxy::start("");
    let address = format!("http://{}", proxy.host);
    let registry = Registry::tls();
    let near = push(&registry, "app:1", &[]);
    let far = far(&registry, "app:1");
    let ca = registry.ca();
    let store = ImageStore::new();
    let is_through = |name: &str, variables: &[(&str, &str)]| {
        let _ = store.run(&["prune", "-a"]).ok();
        let before = proxy.tunnels();
        let mut command = store.command(&["pull", "--tls-ca", plain(&ca), name]);
        let _ = run(command.envs(variables.iter().copied())).ok();
        proxy.tunnels() > before
    };
    let https = ("HTTPS_PROXY", address.as_str());
    assert!(is_through(&far, &[https]));
    assert!(is_through(&far, &[("https_proxy", &address)]));
    assert!(is_through(&far, &[("ALL_PROXY", &address)]));
    assert!(
        !is_through(&far, &[("HTTP_PROXY", &address)]),
        "that is for what has no TLS"
    );
    assert!(!is_through(&near, &[https]), "it is this machine");
    let host = format!("0.0.0.0:{}", registry.port());
    for no_proxy in ["0.0.0.0", &host, "example.com, 0.0.0.0/8", "*"] {
        assert!(
            !is_through(&far, &[https, ("NO_PROXY", no_proxy)]),
            "{no_proxy}"
        );
    }
    assert!(is_through(
        &far,
        &[https, ("NO_PROXY", "example.com,0.0.0.0:1")]
    ));
}

#[test]
fn a_registry_without_tls_is_reached_through_its_proxy() {
    let proxy = Tinyproxy::start("");
    let registry = Registry::plain();
    let _ = push(&registry, "app:1", &[]);
    let store = ImageStore::new();
    let name = far(&registry, "app:1");
    let mut command = store.command(&["pull", "--insecure", &name]);
    let _ = run(command.env("HTTP_PROXY", format!("http://{}", proxy.host))).ok();
    assert!(proxy.tunnels() > 0);
}

#[test]
fn what_goes_wrong_with_a_proxy_is_told() {
    let proxy = Tinyproxy::start("BasicAuth ann secret");
    let registry = Registry::tls();
    let _ = push(&registry, "app:1", &[]);
    let name = far(&registry, "app:1");
    let ca = registry.ca();
    let store = ImageStore::new();
    let pull = |value: &str| {
        let mut command = store.command(&["pull", "--tls-ca", plain(&ca), &name]);
        run(command.env("HTTPS_PROXY", value))
    };
    let _ = pull(&format!("http://ann:secret@{}", proxy.host)).ok();
    let _ = pull(&format!("http://ann:wrong@{}", proxy.host))
        .exits(1)
        .says("proxy");
    let _ = pull(&format!("http://{}", proxy.host)).exits(1).says("407");
    let _ = pull("http://127.0.0.1:1").exits(1).says("can't reach");
    let _ = pull("socks5://127.0.0.1:1")
        .exits(1)
        .says("HTTPS_PROXY names a SOCKS proxy");
    let _ = pull("://")
        .exits(1)
        .says("HTTPS_PROXY is not the address of a proxy");
    store.is_intact();
}

#[test]
fn a_mirror_is_asked_first() {
    let mirror = Registry::plain();
    let _ = push(&mirror, "library/small:1", &[]);
    let _ = push(&mirror, "hub/library/small:2", &[]);
    let store = ImageStore::new();
    // Docker's own registry is not to be reached.
    let pull = |args: &[&str], variable: &str| {
        let mut command = store.command(&["pull", "--insecure"]);
        for name in ["HTTP_PROXY", "HTTPS_PROXY"] {
            command.env(name, "http://127.0.0.1:1");
        }
        run(command.env("ARMISTICE_MIRROR", variable).args(args))
    };
    let host = mirror.host.as_str();
    let deeper = format!("{host}/hub");
    let _ = pull(&["small:1"], "")
        .exits(1)
        .says("can't reach docker.io");
    let done = pull(&["-o", "name", "--mirror", host, "small:1"], "").ok();
    let _ = done.prints("docker.io/library/small:1");
    let _ = pull(&["--mirror", &deeper, "small:2"], "").ok();
    let _ = pull(
        &["--mirror", "127.0.0.1:1", "--mirror", host, "small:1"],
        "",
    )
    .ok();
    let _ = pull(&["small:2"], &format!("127.0.0.1:1,{deeper}")).ok();
    let _ = pull(&["--mirror", host, "small:none"], "")
        .exits(1)
        .says("can't reach docker.io")
        .says(&format!("(asked first: {host} has no library/small:none"));
    // One that is passed over is told of in detail, and in the error where all fail.
    let _ = pull(&["--mirror", "127.0.0.1:1", "small:1"], "")
        .exits(1)
        .says("asked first: can't reach 127.0.0.1:1");
    let _ = pull(
        &["-v", "--mirror", "127.0.0.1:1", "--mirror", host, "small:1"],
        "",
    )
    .ok()
    .says("A mirror is passed over: can't reach 127.0.0.1:1");
    // Of images of others it is not asked.
    let _ = pull(&["--mirror", host, "0.0.0.0:1/library/small:1"], "").exits(1);
    store.is_intact();
}
