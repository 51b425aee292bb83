//! Tells when somebody sets the wall clock, without looking at it again and again.
//!
//! Linux cancels a timer that was asked to be (`timerfd_create(2)`, `TFD_TIMER_CANCEL_ON_SET`): at each discontinuous change of
//! CLOCK_REALTIME, and when the host wakes from sleep. Elsewhere nothing tells it; who cares looks at the clock before
//! each decision as well.

use tokio::sync::mpsc;

/// A watch over the wall clock; ends when it is dropped.
#[derive(Debug)]
pub struct SetWatch {
    told: mpsc::Receiver<()>,
    /// Its end is the thread's.
    #[cfg(target_os = "linux")]
    _stop: Option<std::io::PipeWriter>,
}

impl SetWatch {
    /// Watches the host's clock from now on.
    #[cfg(target_os = "linux")]
    pub fn start() -> Self {
        let (tell, told) = mpsc::channel(1);
        let stop = match linux::start(tell) {
            Ok(stop) => Some(stop),
            Err(error) => {
                tracing::warn!(%error, "nothing tells when the wall clock is set");
                None
            }
        };
        Self { told, _stop: stop }
    }

    /// Nothing tells it here.
    #[cfg(not(target_os = "linux"))]
    pub fn start() -> Self {
        Self::of(mpsc::channel(1).1)
    }

    /// Is told by somebody else.
    pub const fn of(told: mpsc::Receiver<()>) -> Self {
        Self {
            told,
            #[cfg(target_os = "linux")]
            _stop: None,
        }
    }

    /// The next time that the clock may have been set; several sets may be one. Cancel-safe.
    pub async fn next(&mut self) {
        if self.told.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::AsFd as _;
    use std::thread;

    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::sys::time::TimeSpec;
    use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
    use tokio::sync::mpsc;

    /// A second that no clock comes to (in the year 2262): the timer never runs off, it is only ever cancelled.
    const NEVER_S: i64 = i64::MAX / 1_000_000_000 - 1;

    /// Starts a thread that sleeps until the clock is set. What is returned ends it when it is dropped.
    pub(super) fn start(tell: mpsc::Sender<()>) -> io::Result<io::PipeWriter> {
        let (stop, stopper) = io::pipe()?;
        let timer =
            TimerFd::new(ClockId::CLOCK_REALTIME, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        arm(&timer)?;
        thread::Builder::new().name("wall-clock".to_owned()).spawn(move || {
            if let Err(error) = watch(&timer, &stop, &tell) {
                tracing::warn!(%error, "the wall clock is no longer watched");
            }
        })?;
        Ok(stopper)
    }

    fn watch(timer: &TimerFd, stop: &io::PipeReader, tell: &mpsc::Sender<()>) -> nix::Result<()> {
        loop {
            let mut either =
                [PollFd::new(timer.as_fd(), PollFlags::POLLIN), PollFd::new(stop.as_fd(), PollFlags::POLLIN)];
            match poll(&mut either, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                other => drop(other?),
            }
            if either[1].any().unwrap_or(true) {
                return Ok(());
            }
            match nix::unistd::read(timer.as_fd(), &mut [0; 8]) {
                Ok(_) | Err(Errno::ECANCELED) => {
                    arm(timer)?;
                    // A full channel has a word in it already.
                    let _ = tell.try_send(());
                }
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn arm(timer: &TimerFd) -> nix::Result<()> {
        let never = TimeSpec::new(NEVER_S, 0);
        let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
        match timer.set(Expiration::OneShot(never), flags) {
            // A set that came in between: the timer is armed all the same, and the next look finds it.
            Ok(()) | Err(Errno::ECANCELED) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_watch_is_silent_while_nobody_sets_the_clock_and_ends_when_it_is_dropped() {
        let mut watch = SetWatch::start();
        let told = tokio::time::timeout(std::time::Duration::from_millis(20), watch.next()).await;
        assert!(told.is_err(), "nobody set the clock");
        drop(watch);
        let (tell, told) = mpsc::channel(1);
        let mut watch = SetWatch::of(told);
        tell.send(()).await.unwrap();
        watch.next().await;
    }
}
