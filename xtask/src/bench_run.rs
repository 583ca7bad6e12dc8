//! `cargo xtask bench-run`: how long a container takes from nothing to its end, with
//! `armistice run`, Podman and Docker, and the command alone.
//!
//! All run `true` of the same Debian for arm64 on the same engine, in turn, round by round,
//! so that noise hits all alike. Podman and Docker need it registered in the machine's
//! table, which is put back afterwards. The result is a table in benches/results, with
//! the machine named.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use e2e::command::line_of;
use e2e::run_place::{Place, Who};
use e2e::{Dockerd, HostTable, Podman, Userland, product};

use crate::{setup, step};

const ROUNDS: usize = 25;

/// A way to run the command, and what it took.
struct Candidate {
    name: &'static str,
    command: Command,
    milliseconds: Vec<f64>,
}

impl Candidate {
    fn new(name: &'static str, mut command: Command) -> Candidate {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Candidate {
            name,
            command,
            milliseconds: Vec::new(),
        }
    }

    fn once(&mut self) -> Result<f64> {
        let started = Instant::now();
        let status = self.command.status()?;
        let took = started.elapsed();
        if !status.success() {
            bail!("{status}: {}", line_of(&self.command));
        }
        Ok(took.as_secs_f64() * 1000.0)
    }

    fn median(&self) -> f64 {
        let mut sorted = self.milliseconds.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// Measures and writes the table.
///
/// # Errors
/// Where a candidate fails, or something it needs is not installed.
pub(crate) fn run() -> Result<()> {
    setup::install(&[setup::USERLANDS, setup::ENGINES])?;
    let binary = step::build()?;
    let debian = Userland::ARM64;
    let host = HostTable::mounted();
    let registered = e2e::run(Command::new(&binary).args(["register", "arm64"]));
    if !registered.status.success() {
        bail!("arm64 is not registered:\n{registered}");
    }
    let docker = Dockerd::start();
    docker.load_userland(&debian);
    let (podman, rootless) = (Podman::new(), Podman::rootless());
    for store in [&podman, &rootless] {
        store.run(&debian, &["true"]).ok();
    }
    let (root, user) = (Place::new(Who::Me), Place::new(Who::User));
    let folder = root.home().join("root");
    fs::create_dir(&folder)?;
    e2e::run(
        Command::new("tar")
            .args(["-x", "--exclude=./dev/*", "-f"])
            .arg(debian.tar())
            .arg("-C")
            .arg(&folder),
    )
    .ok();
    let with = |mut command: Command, args: &[&str]| {
        command.args(args);
        command
    };
    let image = debian.image();
    let engines = [
        "run",
        "--rm",
        "--network",
        "none",
        "--platform",
        debian.platform,
        &image,
        "true",
    ];
    let mut alone = Command::new("chroot");
    alone.arg(&folder).arg("/bin/true");
    let mut candidates = [
        Candidate::new("the command alone (chroot)", alone),
        Candidate::new(
            "`armistice run ./root`, root",
            root.armistice(&["run", &folder.to_string_lossy(), "true"]),
        ),
        Candidate::new("`armistice run IMAGE`, root", root.command(&[], &["true"])),
        Candidate::new(
            "`armistice run IMAGE`, an ordinary user",
            user.command(&[], &["true"]),
        ),
        Candidate::new(
            "`podman run --rm IMAGE`, root",
            with(podman.podman(), &engines),
        ),
        Candidate::new(
            "`podman run --rm IMAGE`, an ordinary user",
            with(rootless.podman(), &engines),
        ),
        Candidate::new("`docker run --rm IMAGE`", with(docker.docker(), &engines)),
    ];
    for round in 0..=ROUNDS {
        for candidate in &mut candidates {
            let took = candidate.once()?;
            // The first round fills caches.
            if round > 0 {
                candidate.milliseconds.push(took);
            }
        }
    }
    drop(host);
    let text = report(&candidates)?;
    fs::write(product::workspace().join("benches/results/run.md"), &text)?;
    println!("{text}\nWritten to benches/results/run.md");
    Ok(())
}

fn report(candidates: &[Candidate]) -> Result<String> {
    let says = |program: &str, args: &[&str]| -> Result<String> {
        let output = Command::new(program).args(args).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    };
    let cpuinfo = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpuinfo.lines().find_map(|l| l.strip_prefix("model name"));
    let model = model
        .context("a processor's name")?
        .trim_start_matches([' ', '\t', ':']);
    let load = fs::read_to_string("/proc/loadavg")?;
    let mut text = String::from("# A container from nothing to its end: figures\n\n");
    writeln!(
        text,
        "`true` of Debian for arm64, all on Armistice's engine, without a network of its own; {ROUNDS} rounds, in turn. \
         Machine: {model}, {} cores, Linux {}, load {}; {}; {}. Made by `cargo xtask bench-run`.\n",
        std::thread::available_parallelism()?,
        // Without what its builder has added to the version.
        says("sh", &["-c", "uname -r | cut -d- -f1"])?,
        load.split(' ').next().unwrap_or_default(),
        says("podman", &["--version"])?,
        // The daemon's, which runs the containers.
        says("dockerd", &["--version"])?,
    )?;
    text.push_str(
        "| | median | least | beyond the command alone |\n| --- | ---: | ---: | ---: |\n",
    );
    let alone = candidates.first().map_or(0.0, Candidate::median);
    for candidate in candidates {
        let least = candidate
            .milliseconds
            .iter()
            .copied()
            .fold(f64::INFINITY, f64::min);
        let median = candidate.median();
        writeln!(
            text,
            "| {} | {median:.1} ms | {least:.1} ms | {:.1} ms |",
            candidate.name,
            median - alone
        )?;
    }
    Ok(text)
}
