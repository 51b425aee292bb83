//! The hook that wakes a stuck modem: a command of the user's (USB power, a relay), run off to the side, bounded and
//! never often.
//!
//! When it is run is the worker's to decide: after set-ups have failed in a row.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};

use crate::console::transcript::clean_line;
use crate::model::{ModemId, Mono};

/// Least time between two resets of one modem, unless the bank says otherwise: a power supply or an adaptor that is
/// switched every few seconds dies of it.
pub const EVERY: Duration = Duration::from_secs(600);

/// Failed set-ups in a row after which a modem is reset.
pub const AFTER_FAILURES: u32 = 2;

/// Longest that the command may take.
pub const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// How long a modem is left alone after it: an adaptor that was switched comes back under its name.
pub const REST_AFTER: Duration = Duration::from_secs(5);

/// Most of what the command says that is kept, bytes.
const WORDS_BYTES_MAX: usize = 512;

/// Longest that the rest of its words is waited for once it has ended, or its end once it was killed.
const WORDS_LIMIT: Duration = Duration::from_millis(500);

/// A modem's reset hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResetHook {
    /// Program and arguments; no shell is between. It finds `LINEMAN_MODEM` and `LINEMAN_PORT` in its environment.
    pub command: Vec<String>,
    /// Least time between two resets.
    pub every: Duration,
}

/// When a modem was reset, and how its set-ups went since.
#[derive(Debug, Clone, Default)]
pub struct Resets {
    failures: u32,
    last: Option<Mono>,
}

impl Resets {
    /// A set-up worked.
    pub const fn worked(&mut self) {
        self.failures = 0;
    }

    /// A set-up failed for the modem's own sake; whether it is to be reset now.
    pub fn failed(&mut self, hook: Option<&ResetHook>, now: Mono) -> bool {
        self.failures = self.failures.saturating_add(1);
        let Some(hook) = hook.filter(|_| self.failures >= AFTER_FAILURES) else { return false };
        let due = self.last.is_none_or(|last| now.since(last) >= hook.every);
        if due {
            self.last = Some(now);
            self.failures = 0;
        }
        due
    }
}

/// Runs a hook to its end; what came of it, in words. Who stops waiting leaves it running: what it has switched off is
/// for it to switch on again.
pub async fn run(hook: ResetHook, modem: ModemId, port: String) -> Result<String, String> {
    let Some((program, arguments)) = hook.command.split_first() else {
        return Err("the reset command is empty".to_owned());
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("LINEMAN_MODEM", modem.as_str())
        .env("LINEMAN_PORT", port)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // Ctrl-C at the terminal is for us, and not for a relay that is just switched off.
    #[cfg(unix)]
    command.process_group(0);
    let mut child =
        command.spawn().map_err(|error| format!("the reset command `{program}` did not start: {error}"))?;
    let mut words = Words { stream: child.stderr.take(), kept: Vec::new() };
    let both = async {
        loop {
            tokio::select! {
                biased;
                ended = child.wait() => break ended,
                () = words.read(), if words.stream.is_some() => {}
            }
        }
    };
    let Ok(ended) = tokio::time::timeout(COMMAND_LIMIT, both).await else {
        kill(&mut child).await;
        return Err(format!(
            "the reset command `{program}` did not end within {} s and was killed",
            COMMAND_LIMIT.as_secs()
        ));
    };
    // Something that it left in the background may hold the stream for ever.
    let rest = async {
        while words.stream.is_some() {
            words.read().await;
        }
    };
    let _ = tokio::time::timeout(WORDS_LIMIT, rest).await;
    let words = clean_line(&String::from_utf8_lossy(&words.kept));
    match ended {
        Ok(status) if status.success() => Ok(format!("reset by `{program}`")),
        Ok(status) if words.is_empty() => Err(format!("the reset command `{program}` ended with {status}")),
        Ok(status) => Err(format!("the reset command `{program}` ended with {status}: {words}")),
        Err(error) => Err(format!("the reset command `{program}` could not be waited for: {error}")),
    }
}

/// What a command says of its troubles.
struct Words {
    /// Absent once it has ended.
    stream: Option<ChildStderr>,
    kept: Vec<u8>,
}

impl Words {
    /// Reads some more. What it says beyond what is kept is thrown away, so that it can't stand still.
    async fn read(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        let mut bytes = [0; 1024];
        match stream.read(&mut bytes).await {
            Ok(length @ 1..) => {
                let room = WORDS_BYTES_MAX.saturating_sub(self.kept.len());
                self.kept.extend_from_slice(&bytes[..length.min(room)]);
            }
            Ok(0) | Err(_) => self.stream = None,
        }
    }
}

/// Kills a command, and on Unix what it has started.
async fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
        let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGKILL);
    }
    let _ = child.start_kill();
    let _ = tokio::time::timeout(WORDS_LIMIT, child.wait()).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(command: &[&str]) -> ResetHook {
        ResetHook { command: command.iter().map(|part| (*part).to_owned()).collect(), every: EVERY }
    }

    fn modem() -> ModemId {
        "m00".parse().unwrap()
    }

    #[test]
    fn a_modem_is_reset_after_failures_in_a_row_and_no_oftener_than_allowed() {
        let hook = hook(&["true"]);
        let mut resets = Resets::default();
        let at = |seconds: u64| Mono::from_millis(seconds * 1000);
        assert!(!resets.failed(Some(&hook), at(0)));
        resets.worked();
        assert!(!resets.failed(Some(&hook), at(10)));
        assert!(resets.failed(Some(&hook), at(20)));
        assert!(!resets.failed(Some(&hook), at(30)));
        assert!(!resets.failed(Some(&hook), at(40)), "too soon after the last one");
        assert!(resets.failed(Some(&hook), at(20 + EVERY.as_secs())));
        let mut without = Resets::default();
        assert!((0..5).all(|n| !without.failed(None, at(n))));
    }

    #[tokio::test]
    async fn the_command_knows_which_modem_it_is_for() {
        let dir = tempfile::tempdir().unwrap();
        let seen = dir.path().join("seen");
        let script = format!("printf '%s %s' \"$LINEMAN_MODEM\" \"$LINEMAN_PORT\" > '{}'", seen.display());
        let done = run(hook(&["sh", "-c", &script]), modem(), "/dev/ttyUSB7".to_owned()).await;
        assert_eq!(done, Ok("reset by `sh`".to_owned()));
        assert_eq!(std::fs::read_to_string(seen).unwrap(), "m00 /dev/ttyUSB7");
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_in_its_own_words() {
        let failed =
            run(hook(&["sh", "-c", "echo no such\u{1b}[31m relay >&2; exit 3"]), modem(), "x".to_owned())
                .await;
        let words = failed.unwrap_err();
        assert!(
            words.contains("exit status: 3") && words.contains("relay") && !words.contains('\u{1b}'),
            "{words}"
        );
        let flood = run(hook(&["sh", "-c", "yes | head -c 300000 >&2"]), modem(), "x".to_owned()).await;
        assert!(flood.is_ok(), "{flood:?}");
        let missing = run(hook(&["/nowhere/relay"]), modem(), "x".to_owned()).await.unwrap_err();
        assert!(missing.contains("did not start"), "{missing}");
    }

    /// `&` in a script is all it takes, and a reset that worked would count as one that did not.
    #[tokio::test]
    async fn what_it_leaves_in_the_background_is_not_waited_for() {
        let script = "echo done >&2; sleep 20 & exit 0";
        let done = tokio::time::timeout(
            Duration::from_secs(10),
            run(hook(&["sh", "-c", script]), modem(), "x".to_owned()),
        );
        assert_eq!(done.await, Ok(Ok("reset by `sh`".to_owned())));
    }

    /// Killed in the middle, a relay would stay off.
    #[tokio::test]
    async fn one_that_nobody_waits_for_any_more_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let (off, on) = (dir.path().join("off"), dir.path().join("on"));
        let script = format!("echo > '{}'; sleep 1; echo > '{}'", off.display(), on.display());
        let running = tokio::spawn(run(hook(&["sh", "-c", &script]), modem(), "x".to_owned()));
        let there = async |path: std::path::PathBuf| {
            while !path.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), there(off)).await.unwrap();
        running.abort();
        tokio::time::timeout(Duration::from_secs(10), there(on)).await.unwrap();
    }
}
