//! Being told to end, while waiting for something else.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result};
use armistice_binfmt::watch::Watch;
use rustix::event::{PollFd, PollFlags, Timespec};

/// SIGTERM and SIGINT, as something that can be waited for.
pub(super) struct StopSignal {
    pipe: UnixStream,
}

impl StopSignal {
    pub(super) fn new() -> Result<StopSignal> {
        let (pipe, sender) = UnixStream::pair().context("cannot make a pipe for signals")?;
        for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
            let sender = sender
                .try_clone()
                .context("cannot make a pipe for signals")?;
            signal_hook::low_level::pipe::register(signal, sender)
                .context("cannot wait for signals")?;
        }
        Ok(StopSignal { pipe })
    }

    /// Waits for the signal, an event or the interval's end; whether to stop.
    pub(super) fn or_event(&self, watch: Option<&Watch>, limit: Duration) -> Result<bool> {
        let mut fds = vec![PollFd::new(&self.pipe, PollFlags::IN)];
        if let Some(watch) = watch {
            fds.push(PollFd::from_borrowed_fd(watch.as_fd(), PollFlags::IN));
        }
        let limit = Timespec::try_from(limit).unwrap_or_default();
        match rustix::event::poll(&mut fds, Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno).context("waiting for changes"),
        }
        Ok(!fds[0].revents().is_empty())
    }
}
