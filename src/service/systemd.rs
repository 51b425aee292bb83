//! What systemd is told of the daemon (`sd_notify(3)`): that it is ready, reloads, stops; how it stands, in a line; and that
//! its loop is alive, as often as systemd wants to hear it. Where no service manager listens, all of this is nothing.
//!
//! The socket is opened once, and nothing here ever waits: a manager that takes nothing must not hold up a call.

use std::ffi::OsString;
#[cfg(unix)]
use std::fmt::Write as _;
use std::time::Duration;

#[cfg(unix)]
use sd_notify::NotifyState;

#[cfg(unix)]
use crate::modem::clock::monotonic_us;

/// Longest line of state that is told, in characters: `systemctl status` shows one line.
#[cfg(unix)]
const STATUS_CHARS_MAX: usize = 256;

/// The service manager that listens, or none.
#[derive(Debug, Default)]
pub struct Systemd {
    #[cfg(unix)]
    socket: Option<std::os::unix::net::UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Systemd {
    /// Nobody listens.
    pub fn none() -> Self {
        Self::default()
    }

    /// The one that this environment names (`NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`). One that can't be reached is
    /// logged, and is told nothing.
    #[cfg(unix)]
    pub fn of(env: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let Some(name) = env("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return Self::none() };
        match unix::connect(&name) {
            Ok(socket) => Self { socket: Some(socket), watchdog: watchdog(env) },
            Err(error) => {
                tracing::warn!(socket = %name.display(), %error, "the service manager can't be told anything");
                Self::none()
            }
        }
    }

    /// There is none here.
    #[cfg(not(unix))]
    pub fn of(_env: &dyn Fn(&str) -> Option<OsString>) -> Self {
        Self::none()
    }

    /// How often [`Systemd::beat`] must be called: half of what systemd allows. `None`: it does not ask, and the loop makes no
    /// wake-up for it.
    pub const fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }
}

#[cfg(unix)]
impl Systemd {
    /// The daemon is up, or its reload is over: the configuration is in force, and control is listened to.
    pub fn ready(&self, status: &str) {
        self.tell(&[NotifyState::Ready, NotifyState::Status(&line(status))]);
    }

    /// A reload has begun; [`Systemd::ready`] tells its end, a failed one's too.
    pub fn reloading(&self) {
        let now = NotifyState::MonotonicUsec(monotonic_us().into());
        self.tell(&[NotifyState::Reloading, now, NotifyState::Status("reading the configuration")]);
    }

    /// How the daemon stands, in words, for `systemctl status`: told when it changes, not in turns.
    pub fn status(&self, status: &str) {
        self.tell(&[NotifyState::Status(&line(status))]);
    }

    /// The daemon ends, and this is what it still does.
    pub fn stopping(&self, status: &str) {
        self.tell(&[NotifyState::Stopping, NotifyState::Status(&line(status))]);
    }

    /// Starting, reloading or stopping takes longer: systemd is to wait so long from now on before it kills. To be told again
    /// before that is over, as long as it is true.
    pub fn extend(&self, by: Duration) {
        let by = u32::try_from(by.as_micros()).unwrap_or(u32::MAX);
        self.tell(&[NotifyState::ExtendTimeoutUsec(by)]);
    }

    /// The loop is alive.
    pub fn beat(&self) {
        if self.watchdog.is_some() {
            self.tell(&[NotifyState::Watchdog]);
        }
    }

    fn tell(&self, states: &[NotifyState]) {
        let Some(socket) = &self.socket else { return };
        let mut text = String::new();
        for state in states {
            let _ = writeln!(text, "{state}");
        }
        if let Err(error) = socket.send(text.as_bytes()) {
            tracing::debug!(%error, "the service manager was not told: {}", text.trim_end());
        }
    }
}

#[cfg(not(unix))]
#[expect(missing_docs, clippy::unused_self, reason = "the same as where there is a systemd")]
impl Systemd {
    pub const fn ready(&self, _status: &str) {}
    pub const fn reloading(&self) {}
    pub const fn status(&self, _status: &str) {}
    pub const fn stopping(&self, _status: &str) {}
    pub const fn extend(&self, _by: Duration) {}
    pub const fn beat(&self) {}
}

/// Half of the time that systemd's watchdog gives this process, if it has one.
#[cfg(unix)]
fn watchdog(env: &dyn Fn(&str) -> Option<OsString>) -> Option<Duration> {
    let number = |name: &str| env(name)?.to_str()?.parse::<u64>().ok();
    // It may be meant for the program that started this one.
    if env("WATCHDOG_PID").is_some() && number("WATCHDOG_PID") != Some(std::process::id().into()) {
        return None;
    }
    number("WATCHDOG_USEC").filter(|us| *us > 0).map(|us| Duration::from_micros(us / 2))
}

/// One line, whatever it was made of: a line break would begin another word to the manager.
#[cfg(unix)]
fn line(status: &str) -> String {
    let one = |c: char| if c.is_control() { ' ' } else { c };
    status.chars().take(STATUS_CHARS_MAX).map(one).collect()
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::io;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    /// The socket of this name; `@` begins one of Linux's abstract names.
    pub(super) fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
        let address = match name.as_bytes() {
            #[cfg(target_os = "linux")]
            [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest)?,
            [b'/', ..] => SocketAddr::from_pathname(name)?,
            _ => return Err(io::Error::new(io::ErrorKind::Unsupported, "no kind of socket that is known")),
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    /// A manager that listens, and a daemon that it started with this environment beside.
    fn manager(more: &[(&str, &str)]) -> (tempfile::TempDir, UnixDatagram, Systemd) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let systemd = Systemd::of(&|name| {
            let more = more.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
            more.or_else(|| (name == "NOTIFY_SOCKET").then(|| path.clone().into()))
        });
        (folder, socket, systemd)
    }

    fn heard(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 4_096];
        let n = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..n].to_vec()).unwrap()
    }

    #[test]
    fn each_word_is_the_managers() {
        let (_folder, socket, systemd) = manager(&[("WATCHDOG_USEC", "120000000")]);
        systemd.ready("idle; next is nightly at 02:00");
        assert_eq!(heard(&socket), "READY=1\nSTATUS=idle; next is nightly at 02:00\n");
        let before = monotonic_us();
        systemd.reloading();
        let text = heard(&socket);
        let usec = text.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
        assert!(
            text.starts_with("RELOADING=1\n") && (before..=monotonic_us()).contains(&usec.parse().unwrap())
        );
        systemd.status("2 calls\nREADY=1\u{1b}[1m");
        assert_eq!(heard(&socket), "STATUS=2 calls READY=1 [1m\n");
        systemd.extend(Duration::from_secs(90));
        assert_eq!(heard(&socket), "EXTEND_TIMEOUT_USEC=90000000\n");
        systemd.beat();
        assert_eq!(heard(&socket), "WATCHDOG=1\n");
        systemd.stopping("hanging up 3 calls");
        assert_eq!(heard(&socket), "STOPPING=1\nSTATUS=hanging up 3 calls\n");
    }

    #[test]
    fn the_loop_beats_twice_as_often_as_it_must_and_only_where_it_is_asked() {
        let own = std::process::id().to_string();
        assert_eq!(manager(&[]).2.watchdog(), None);
        let (_folder, _socket, systemd) = manager(&[("WATCHDOG_USEC", "60000000"), ("WATCHDOG_PID", &own)]);
        assert_eq!(systemd.watchdog(), Some(Duration::from_secs(30)));
        assert_eq!(manager(&[("WATCHDOG_USEC", "60000000"), ("WATCHDOG_PID", "1")]).2.watchdog(), None);
        assert_eq!(manager(&[("WATCHDOG_USEC", "0")]).2.watchdog(), None);
        assert_eq!(manager(&[("WATCHDOG_USEC", "soon")]).2.watchdog(), None);
    }

    #[test]
    fn a_manager_that_takes_nothing_or_is_gone_holds_up_nobody() {
        let (folder, socket, systemd) = manager(&[]);
        for _ in 0..10_000 {
            systemd.status("nobody reads this");
        }
        drop((socket, folder));
        systemd.stopping("the end");
        Systemd::none().ready("nobody listens");
        Systemd::of(&|_| Some("/nowhere/at/all".into())).ready("nobody listens");
        Systemd::of(&|_| Some("vsock:2:1234".into())).ready("nobody listens");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_abstract_name_is_reached() {
        use std::os::linux::net::SocketAddrExt as _;
        let name = format!("lineman-test-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        let systemd = Systemd::of(&|asked| (asked == "NOTIFY_SOCKET").then(|| format!("@{name}").into()));
        systemd.status("here");
        assert_eq!(heard(&socket), "STATUS=here\n");
    }
}
