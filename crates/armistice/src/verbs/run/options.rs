//! From options with docker's meaning to what a container is made of.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use armistice_container::run::{Tmpfs, Volume};
use armistice_oci::ImageConfig;

use crate::cli::{NetworkKind, Run};
use crate::outcome::Usage;

/// `SRC:DST[:ro]`. A folder that is not there is made, as docker does.
pub(super) fn volumes(given: &[String]) -> Result<Vec<Volume>> {
    given.iter().map(|text| volume(text)).collect()
}

fn volume(text: &str) -> Result<Volume> {
    let bad = |why: &str| Usage(format!("-v {text}: {why}"));
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, modes) = match parts[..] {
        [source, target] => (source, target, ""),
        [source, target, modes] => (source, target, modes),
        _ => bail!(bad("write it as SRC:DST or SRC:DST:ro")),
    };
    let mut read_only = false;
    for mode in modes.split(',').filter(|m| !m.is_empty()) {
        match mode {
            "ro" => read_only = true,
            "rw" => read_only = false,
            // SELinux's labels stay as they are, as in docker where SELinux is not in use; the
            // others are about docker on other systems.
            "z" | "Z" | "cached" | "delegated" | "consistent" => {}
            other => bail!(bad(&format!(
                "'{other}' is not supported; ro, rw, z and Z are"
            ))),
        }
    }
    if !target.starts_with('/') || target == "/" {
        bail!(bad("the path inside has to begin with '/', and not be '/'"));
    }
    let place: PathBuf = Path::new(target).components().collect();
    if let Some(why) = armistice_container::run::is_taken(&place) {
        bail!(bad(why));
    }
    if !source.starts_with(['/', '.']) {
        bail!(bad(
            "there are no named volumes; the path here has to begin with '/' or '.'"
        ));
    }
    let source = std::path::absolute(source)
        .with_context(|| format!("-v {text}: cannot find the folder that {source} begins in"))?;
    if fs::symlink_metadata(&source).is_err() {
        fs::create_dir_all(&source).with_context(|| format!("cannot make {}", source.display()))?;
    }
    Ok(Volume {
        source,
        target: target.into(),
        read_only,
    })
}

/// `DST[:OPTIONS]`.
pub(super) fn tmpfs(given: &[String]) -> Result<Vec<Tmpfs>> {
    let one = |text: &String| {
        let (target, options) = text.split_once(':').unwrap_or((text, ""));
        if !target.starts_with('/') || target == "/" {
            bail!(Usage(format!(
                "--tmpfs {text}: the path inside has to begin with '/', and not be '/'"
            )));
        }
        let mut programs = false;
        let mut all = vec![("mode".to_owned(), "1777".to_owned())];
        for option in options.split(',').filter(|o| !o.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            match name {
                // Mounted so in any case.
                "rw" | "nosuid" | "nodev" if value.is_empty() => {}
                "exec" | "noexec" if value.is_empty() => programs = name == "exec",
                "size" | "mode" | "uid" | "gid" | "nr_inodes" | "nr_blocks" => {
                    all.retain(|(n, _)| n != name);
                    all.push((name.to_owned(), value.to_owned()));
                }
                other => bail!(Usage(format!(
                    "--tmpfs {text}: '{other}' is not supported; size, mode, uid, gid and exec are"
                ))),
            }
        }
        Ok(Tmpfs {
            target: PathBuf::from(target),
            options: all,
            programs,
        })
    };
    given.iter().map(one).collect()
}

/// Refuses what docker refuses, too: two things at one place inside.
pub(super) fn apart(volumes: &[Volume], tmpfs: &[Tmpfs]) -> Result<()> {
    let targets = volumes.iter().map(|v| &v.target);
    let mut seen: Vec<PathBuf> = Vec::new();
    for target in targets.chain(tmpfs.iter().map(|t| &t.target)) {
        // Without what is said twice: /a//b/ is /a/b.
        let place: PathBuf = target.components().collect();
        if seen.contains(&place) {
            bail!(Usage(format!(
                "{} is asked for twice; one place inside shows one thing",
                place.display()
            )));
        }
        seen.push(place);
    }
    Ok(())
}

/// The folder in which the command starts: what is asked for, else the image's.
pub(super) fn working_dir(args: &Run, config: &ImageConfig) -> Result<String> {
    // As docker has it: an empty one is none.
    match args.workdir.as_ref().filter(|w| !w.is_empty()) {
        Some(asked) if !asked.starts_with('/') => {
            bail!(Usage(format!("-w {asked}: the path has to begin with '/'")))
        }
        Some(asked) => Ok(asked.clone()),
        None => Ok(config.working_dir.clone()),
    }
}

/// The name and the address of `--add-host NAME:ADDRESS`.
fn extra_host(text: &str, network: NetworkKind) -> Result<(&str, String)> {
    let bad = |why: &str| Usage(format!("--add-host {}: {why}", text.escape_debug()));
    if text.contains(char::is_control) {
        return Err(bad("a line of /etc/hosts can't have that in it").into());
    }
    let parts = text
        .split_once([':', '='])
        .filter(|(name, _)| !name.is_empty());
    let (name, address) = parts.ok_or_else(|| bad("write it as NAME:ADDRESS"))?;
    // The machine, as docker calls it.
    if address == "host-gateway" {
        return match network {
            NetworkKind::Host => Ok((name, "127.0.0.1".to_owned())),
            NetworkKind::None => Err(bad("without a network the machine is not reached").into()),
        };
    }
    let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']'));
    let address: Result<std::net::IpAddr, _> = bare.unwrap_or(address).parse();
    let address = address.map_err(|_| bad("that is no address; write one like 10.0.0.1 or ::1"))?;
    Ok((name, address.to_string()))
}

/// No file of variables is longer: what is has no end.
const ENV_FILE_MAX: u64 = 16 << 20;

/// The variables that are asked for: those of files first, then those of `-e`.
pub(super) fn env(args: &Run) -> Result<Vec<String>> {
    let mut env = Vec::new();
    for file in &args.env_files {
        let text = env_file(file).with_context(|| format!("cannot read {}", file.display()))?;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let name = line.split('=').next().unwrap_or_default();
            if name.is_empty() || name.contains(char::is_whitespace) || line.contains('\0') {
                bail!(Usage(format!(
                    "{}, line {}: {}",
                    file.display(),
                    number + 1,
                    no_variable(line)
                )));
            }
            env.extend(variable(line)?);
        }
    }
    for text in &args.env {
        env.extend(variable(text)?);
    }
    Ok(env)
}

fn env_file(file: &Path) -> Result<String> {
    let mut text = String::new();
    let file = fs::File::open(file)?;
    if file.take(ENV_FILE_MAX + 1).read_to_string(&mut text)? as u64 > ENV_FILE_MAX {
        bail!("it is longer than 16 MiB");
    }
    Ok(text)
}

fn no_variable(text: &str) -> Usage {
    Usage(format!("'{text}' is no variable; write it as NAME=value"))
}

/// `NAME=value`, or a name alone, which takes this process's value where it has one.
fn variable(text: &str) -> Result<Option<String>> {
    let name = text.split('=').next().unwrap_or_default();
    if name.is_empty() {
        bail!(no_variable(text));
    }
    if text.contains('=') {
        return Ok(Some(text.to_owned()));
    }
    Ok(std::env::var(name)
        .ok()
        .map(|value| format!("{name}={value}")))
}

/// All variables, as docker orders them: what every container has, the image's,
/// those asked for. The last of a name counts.
pub(super) fn environment(
    config: &ImageConfig,
    hostname: &str,
    terminal: bool,
    asked: Vec<String>,
) -> Vec<String> {
    let mut env = vec![format!("HOSTNAME={hostname}")];
    if terminal {
        env.push("TERM=xterm".to_owned());
    }
    env.extend(config.env.iter().cloned());
    env.extend(asked);
    env
}

/// The command line: what is typed takes the place of the image's command, and an
/// entry point that is given, of both.
pub(super) fn command(args: &Run, config: &ImageConfig) -> Result<Vec<String>> {
    let mut argv = match args.entrypoint.as_deref() {
        None => config.entrypoint.clone(),
        Some("") => Vec::new(),
        Some(program) => vec![program.to_owned()],
    };
    if !args.command.is_empty() || args.entrypoint.is_some() {
        argv.extend(args.command.iter().cloned());
    } else {
        argv.extend(config.cmd.iter().cloned());
    }
    if argv.is_empty() {
        bail!(Usage(format!(
            "{} names no command of its own; write one after it",
            args.image
        )));
    }
    Ok(argv)
}

/// The name asked for; an empty one is none.
fn asked_name(args: &Run) -> Option<&str> {
    args.hostname.as_deref().filter(|name| !name.is_empty())
}

/// As long as Linux takes a name.
const HOST_NAME_MAX: usize = 64;

/// The name asked for; else the machine's with its network, or the container's own.
///
/// # Errors
/// A name that is none.
pub(super) fn hostname(args: &Run, id: &str) -> Result<String> {
    match (asked_name(args), args.network) {
        (Some(name), _) if name.len() > HOST_NAME_MAX => bail!(Usage(format!(
            "-h {name}: a host name has at most {HOST_NAME_MAX} letters, and this one has {}",
            name.len()
        ))),
        (Some(name), _) if name.contains(char::is_control) => bail!(Usage(format!(
            "-h {}: a host name has no line break or other control character in it",
            name.escape_debug()
        ))),
        (Some(name), _) => Ok(name.to_owned()),
        (None, NetworkKind::None) => Ok(id.to_owned()),
        (None, NetworkKind::Host) => {
            let names = rustix::system::uname();
            Ok(names.nodename().to_string_lossy().into_owned())
        }
    }
}

/// Files that a container gets of its own.
///
/// # Errors
/// Where a host that is asked for has no address.
pub(super) fn files(args: &Run, hostname: &str) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let host = args.network == NetworkKind::Host;
    let mut hosts = match fs::read("/etc/hosts") {
        Ok(text) if host => text,
        _ => b"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n".to_vec(),
    };
    let mut line = |text: String| {
        if !hosts.is_empty() && !hosts.ends_with(b"\n") {
            hosts.push(b'\n');
        }
        hosts.extend(text.as_bytes());
    };
    if !host || asked_name(args).is_some() {
        line(format!("127.0.1.1\t{hostname}\n"));
    }
    for extra in &args.add_host {
        let (name, address) = extra_host(extra, args.network)?;
        line(format!("{address}\t{name}\n"));
    }
    let mut files = vec![
        ("/etc/hosts", hosts),
        ("/etc/hostname", format!("{hostname}\n").into_bytes()),
    ];
    if let Ok(resolv) = fs::read("/etc/resolv.conf") {
        files.push(("/etc/resolv.conf", resolv));
    }
    Ok(files)
}
