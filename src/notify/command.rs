//! A command as a hook: started without a shell, with the message on its stdin and in its environment, and ended with all
//! that it started when its time is up.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

use super::payload::Message;
use super::secret::Failed;

/// How long the last words of a program that has ended are waited for.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program, and what it is given; never empty.
    pub words: Vec<String>,
    /// Variables that it does not get: those that hold passwords of consoles.
    pub hidden: Vec<OsString>,
}

/// Runs it.
///
/// # Errors
/// It can't be started, fails, or does not end in time.
pub async fn run(command: &Command, message: &Message, limit: Duration) -> Result<(), Failed> {
    let Some((program, arguments)) = command.words.split_first() else {
        return Err(Failed::new("there is no program"));
    };
    let mut started = tokio::process::Command::new(program);
    for hidden in &command.hidden {
        started.env_remove(hidden);
    }
    // In a group of its own a Ctrl-C that is meant for us does not end it, and what it starts can be ended with it.
    #[cfg(unix)]
    started.process_group(0);
    let mut child = started
        .args(arguments)
        .envs(message.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Failed::new(format!("`{program}` can't be started: {error}")))?;
    let group = Group::of(&child);
    let ended = tokio::time::timeout(limit, course(&mut child, &message.json)).await;
    let Ok(ended) = ended else {
        drop(group);
        return Err(Failed::new(format!("`{program}` did not end within {} s", limit.as_secs_f64())));
    };
    group.let_go();
    let (status, complaint) = ended.map_err(|error| Failed::new(format!("`{program}`: {error}")))?;
    if status.success() {
        return Ok(());
    }
    let first = complaint.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let said = if first.is_empty() { String::new() } else { format!(": {first}") };
    let how = status.code().map_or_else(|| "by a signal".to_owned(), |code| format!("with status {code}"));
    Err(Failed::new(format!("`{program}` ended {how}{said}")))
}

/// Gives it the message and waits for its end; what it says on stderr is read to its end, and kept up to a bound.
async fn course(child: &mut Child, json: &str) -> std::io::Result<(std::process::ExitStatus, String)> {
    const COMPLAINT_BYTES_MAX: u64 = 4096;
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let mut complaint = Vec::new();
    let status = {
        let write = async {
            if let Some(mut stdin) = stdin {
                // One that does not want to read it is not wrong.
                let _ = stdin.write_all(json.as_bytes()).await;
                let _ = stdin.write_all(b"\n").await;
                let _ = stdin.shutdown().await;
            }
        };
        let read = async {
            if let Some(mut stderr) = stderr {
                let _ = (&mut stderr).take(COMPLAINT_BYTES_MAX).read_to_end(&mut complaint).await;
                let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
            }
        };
        let both = async { tokio::join!(write, read) };
        tokio::pin!(both);
        tokio::select! {
            // What it left behind may hold its stderr open: its own end is what counts, and a moment for its last words.
            status = child.wait() => {
                let _ = tokio::time::timeout(LAST_WORDS, both).await;
                status?
            }
            _ = &mut both => child.wait().await?,
        }
    };
    Ok((status, String::from_utf8_lossy(&complaint).into_owned()))
}

/// Everything that a program started. Dropped, it is ended at once.
struct Group {
    #[cfg(unix)]
    id: Option<nix::unistd::Pid>,
}

impl Group {
    #[cfg(unix)]
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok()).map(nix::unistd::Pid::from_raw);
        Self { id }
    }

    #[cfg(not(unix))]
    fn of(_: &Child) -> Self {
        Self {}
    }

    /// It has ended by itself.
    fn let_go(self) {
        #[cfg(unix)]
        {
            let mut group = self;
            group.id = None;
        }
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let _ = nix::sys::signal::killpg(id, nix::sys::signal::Signal::SIGKILL);
        }
    }
}
