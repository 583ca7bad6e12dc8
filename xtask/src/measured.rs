//! `xtask measured`: what a command in another root costs. The benchmarks call
//! it, as a process of its own, so that all that its children used is the
//! command's.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::chroot;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What a command and its descendants used, as far as they were waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cost {
    /// From start to end.
    pub(crate) wall: Duration,
    /// Of processors, by the programs and by the kernel for them.
    pub(crate) processor: Duration,
    /// Of the largest process, in KiB: what it had resident at once.
    pub(crate) memory: u64,
}

impl Cost {
    fn write(&self, mut to: File) -> Result<()> {
        let (wall, processor) = (self.wall.as_micros(), self.processor.as_micros());
        Ok(writeln!(to, "{wall} {processor} {}", self.memory)?)
    }

    /// From what `measured` wrote.
    ///
    /// # Errors
    /// When it is not that.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut numbers = text.split_whitespace().map(str::parse);
        let mut next = || {
            numbers
                .next()
                .context("a number is missing")?
                .context(text.to_owned())
        };
        Ok(Self {
            wall: Duration::from_micros(next()?),
            processor: Duration::from_micros(next()?),
            memory: next()?,
        })
    }
}

/// `FILE TIMES ROOT COMMAND...`: changes the root, runs the command so often, and
/// writes to the file, which is outside, what all of it cost.
///
/// # Errors
/// When the command fails.
pub(crate) fn measured(args: &[&str]) -> Result<()> {
    let [file, times, root, program, args @ ..] = args else {
        bail!("usage: measured FILE TIMES ROOT COMMAND...");
    };
    let times: u32 = times.parse().context("how often")?;
    let file = File::create(file)?;
    chroot(root)?;
    std::env::set_current_dir("/")?;
    let started = Instant::now();
    for _ in 0..times {
        let status = Command::new(program)
            .args(args)
            .status()
            .with_context(|| format!("{program} can't be started"))?;
        if !status.success() {
            bail!("{program}: {status}");
        }
    }
    let wall = started.elapsed();
    let (processor, memory) = children()?;
    let cost = Cost {
        wall,
        processor,
        memory,
    };
    cost.write(file)
}

/// What ended children used.
fn children() -> Result<(Duration, u64)> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: getrusage writes one rusage, for which there is room.
    let done = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) };
    if done != 0 {
        return Err(std::io::Error::last_os_error()).context("getrusage");
    }
    // SAFETY: getrusage returned 0, so it has written all of it.
    let usage = unsafe { usage.assume_init() };
    let time = |of: libc::timeval| -> Result<Duration> {
        let micros = of.tv_sec * 1_000_000 + of.tv_usec;
        Ok(Duration::from_micros(u64::try_from(micros)?))
    };
    let processor = time(usage.ru_utime)? + time(usage.ru_stime)?;
    Ok((processor, u64::try_from(usage.ru_maxrss)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_read_as_it_was_written() {
        let file = e2e::temporary();
        let path = file.path().join("cost");
        let cost = Cost {
            wall: Duration::from_micros(1_234_567),
            processor: Duration::from_micros(89),
            memory: 4096,
        };
        cost.write(File::create(&path).unwrap()).unwrap();
        assert_eq!(
            Cost::parse(&std::fs::read_to_string(path).unwrap()).unwrap(),
            cost
        );
        assert!(Cost::parse("1 2").is_err());
        assert!(Cost::parse("1 2 three").is_err());
    }

    #[test]
    fn what_children_use_counts() {
        let burn = "i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done";
        let (before, _) = children().unwrap();
        assert!(
            Command::new("sh")
                .args(["-c", burn])
                .status()
                .unwrap()
                .success()
        );
        let (after, memory) = children().unwrap();
        assert!(after > before);
        assert!(memory > 100);
    }
}
