//! `cargo xtask bench`: how long registering, status and explain take, beside
//! a shell script and beside what peers do; sizes and peak memory.
//!
//! All candidates run in turn, round by round, in one private table of a user
//! namespace, so that the machine's table is not touched and noise hits all
//! alike. The result is a table in benches/results, with the machine named.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use e2e::PrivateTable;

use crate::step;

const ROUNDS: usize = 21;
const ARCHES: [&str; 3] = ["aarch64", "arm", "ppc64le"];

/// Something that is measured: how, and what has to be done before each time.
struct Candidate {
    name: &'static str,
    before: String,
    command: String,
    milliseconds: Vec<f64>,
    peak_kib: i64,
}

/// Measures and writes the table.
///
/// # Errors
/// Where a candidate fails, or something it needs is not installed.
pub(crate) fn run() -> Result<()> {
    let binary = step::build()?;
    let table = PrivateTable::new();
    let mut candidates = candidates(&binary.display().to_string())?;
    for round in 0..=ROUNDS {
        for candidate in &mut candidates {
            table.sh(&candidate.before).ok();
            let (milliseconds, peak_kib) = once(&table, &candidate.command)?;
            // The first round fills caches.
            if round > 0 {
                candidate.milliseconds.push(milliseconds);
                candidate.peak_kib = candidate.peak_kib.max(peak_kib);
            }
        }
    }
    let text = report(&mut candidates, &binary)?;
    let results = e2e::product::workspace().join("benches/results/registration.md");
    fs::create_dir_all(results.parent().context("a folder")?)?;
    fs::write(&results, &text)?;
    println!("{text}\nWritten to benches/results/registration.md");
    Ok(())
}

fn candidates(binary: &str) -> Result<Vec<Candidate>> {
    let names = ARCHES.join(" ");
    let clear = "for f in /proc/sys/fs/binfmt_misc/*; do case $f in */register|*/status) ;; *) echo -1 > $f;; esac; done".to_owned();
    let rules: String = register_lines(binary)?;
    let script = rules
        .lines()
        .map(|l| format!("printf '%s' '{l}' > /proc/sys/fs/binfmt_misc/register\n"))
        .collect::<String>();
    let filled = format!("{clear}; {binary} -q register {names} > /dev/null");
    let conf = format!(
        "{clear}; mkdir -p /etc/binfmt.d; printf '%s\\n' '{}' > /etc/binfmt.d/three.conf",
        rules.trim_end()
    );
    let prove: String = ARCHES
        .iter()
        .map(|a| format!("qemu-{a}-static --version > /dev/null\n"))
        .collect();
    let new = |name, before: &str, command: &str| Candidate {
        name,
        before: before.to_owned(),
        command: command.to_owned(),
        milliseconds: Vec::new(),
        peak_kib: 0,
    };
    Ok(vec![
        new(
            "register 3 architectures, with proof",
            &clear,
            &format!("{binary} register {names}"),
        ),
        new(
            "register again (nothing to do), with proof",
            &filled,
            &format!("{binary} register {names}"),
        ),
        new("status", &filled, &format!("{binary} status")),
        new(
            "explain (an arm64 program)",
            &filled,
            &format!("{binary} explain {}", arm64_program()?),
        ),
        new("verify 3", &filled, &format!("{binary} verify {names}")),
        new("a shell script: 3 printf, no proof", &clear, &script),
        new(
            "the same, and start each emulator once",
            &clear,
            &format!("{script}{prove}"),
        ),
        new(
            "systemd-binfmt: 3 rules, no proof",
            &conf,
            "/usr/lib/systemd/systemd-binfmt 2>/dev/null || /lib/systemd/systemd-binfmt",
        ),
    ])
}

/// The lines that the command itself would write.
fn register_lines(binary: &str) -> Result<String> {
    let table = PrivateTable::new();
    let done = table
        .sh(&format!("{binary} register --dry-run {}", ARCHES.join(" ")))
        .ok();
    let lines: Vec<&str> = done
        .stdout
        .lines()
        .map(str::trim)
        .filter(|l| l.starts_with(':'))
        .collect();
    if lines.len() != ARCHES.len() {
        bail!(
            "the dry run did not print {} lines:\n{}",
            ARCHES.len(),
            done.stdout
        );
    }
    Ok(lines.join("\n"))
}

/// The proof program for arm64, which any checkout has, made executable.
fn arm64_program() -> Result<String> {
    use std::os::unix::fs::PermissionsExt;
    let to = e2e::product::target_dir().join("bench-arm64-program");
    fs::copy(
        e2e::product::workspace().join("crates/proof/programs/bin/aarch64"),
        &to,
    )
    .context("the arm64 proof program")?;
    fs::set_permissions(&to, fs::Permissions::from_mode(0o755))?;
    Ok(to.display().to_string())
}

/// One run: milliseconds from start to end, peak memory in KiB.
fn once(table: &PrivateTable, script: &str) -> Result<(f64, i64)> {
    let mut command = table.command("sh");
    // The shell enters the namespaces first; the clock runs around the command alone.
    let timed = format!(
        "s=$(date +%s%N); {{ {script}\n}} > /dev/null || exit 1; e=$(date +%s%N); echo $((e - s))"
    );
    let child = command
        .args(["-c", &timed])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let pid = i32::try_from(child.id())?;
    let started = Instant::now();
    let mut stdout = child.stdout.context("stdout")?;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut stdout, &mut text)?;
    let (status, peak) = wait(pid)?;
    if !status.success() {
        bail!("failed after {:?}: {script}", started.elapsed());
    }
    let nanoseconds: f64 = text
        .trim()
        .lines()
        .last()
        .unwrap_or("")
        .parse()
        .context("the shell's clock")?;
    Ok((nanoseconds / 1e6, peak))
}

/// Waits, and reads the peak memory of the process and its waited-for children.
fn wait(pid: i32) -> Result<(std::process::ExitStatus, i64)> {
    let mut status = 0;
    // SAFETY: rusage is plain integers, for which zeros are a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live locals; the child is ours and not waited for yet.
    let waited = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
    if waited != pid {
        bail!("wait4: {}", std::io::Error::last_os_error());
    }
    Ok((std::process::ExitStatus::from_raw(status), usage.ru_maxrss))
}

fn report(candidates: &mut [Candidate], binary: &Path) -> Result<String> {
    let mut text = String::from("# Registration: figures\n\n");
    let line = |command: &str| sh(command).map(|t| t.trim().to_owned());
    writeln!(
        text,
        "Machine: {}, {} cores, Linux {}, {}; {}; {} rounds, all candidates in turn, in one private table (so flag C is not tried in the proof). Made by `cargo xtask bench`.\n",
        line("grep -m1 'model name' /proc/cpuinfo | cut -d: -f2")?,
        line("nproc")?,
        line("uname -r | cut -d- -f1")?,
        line(". /etc/os-release; echo $PRETTY_NAME")?,
        line("qemu-aarch64-static --version | head -1")?,
        ROUNDS,
    )?;
    writeln!(
        text,
        "| what | median ms | fastest ms | peak memory KiB |\n| --- | ---: | ---: | ---: |"
    )?;
    for c in candidates {
        c.milliseconds.sort_by(f64::total_cmp);
        let median = c.milliseconds[c.milliseconds.len() / 2];
        writeln!(
            text,
            "| {} | {median:.1} | {:.1} | {} |",
            c.name, c.milliseconds[0], c.peak_kib
        )?;
    }
    let image = std::env::temp_dir().join(format!("armistice-bench-{}.tar", std::process::id()));
    sh(&format!(
        "'{}' -q image build -o '{}'",
        binary.display(),
        image.display()
    ))?;
    writeln!(text, "\n| size | bytes |\n| --- | ---: |")?;
    writeln!(
        text,
        "| the command, static, stripped | {} |",
        fs::metadata(binary)?.len()
    )?;
    writeln!(
        text,
        "| the image: the command and the emulators of all platforms that containers come in | {} |",
        fs::metadata(&image)?.len()
    )?;
    fs::remove_file(image)?;
    Ok(text)
}

fn sh(script: &str) -> Result<String> {
    let output = Command::new("sh")
        .args(["-c", script])
        .stderr(Stdio::inherit())
        .output()?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        bail!("failed: {script}")
    }
}
