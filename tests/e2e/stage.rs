//! What every end-to-end test needs: a folder of its own with the files that a user would write, lineman run in it with
//! limits, and what it left behind, read back as a script would.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

pub(crate) use crate::patience::{end, ended, wait_until};

/// A cell by its column's name.
pub(crate) type Row = BTreeMap<String, String>;

/// A folder that is gone with the test, with everything in it that lineman reads or writes.
pub(crate) struct Stage {
    folder: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::with_prefix("lineman-").expect("a folder for the test") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that a user would write; gives its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("the test's folder can be written");
        path
    }

    /// lineman in this folder, its home and everything it remembers in there as well.
    pub(crate) fn lineman<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lineman"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for variable in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            command.env(variable, self.path("home"));
        }
        command
    }

    /// Runs an audit of `plan.yaml` with its reports in `reports`, to its end.
    pub(crate) fn audit(&self, variables: &[(&str, &str)], limit: Duration) -> Audit {
        let mut command = self.lineman(["audit", "plan.yaml", "--reports", "reports"]);
        command.envs(variables.iter().copied());
        let output = finish(command, limit);
        Audit { run: self.path("reports").join("latest"), reports: self.path("reports"), output }
    }
}

/// An audit that has ended.
pub(crate) struct Audit {
    run: PathBuf,
    reports: PathBuf,
    pub(crate) output: Output,
}

impl Audit {
    /// All that it said, for the message of a failing test.
    pub(crate) fn said(&self) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let events = fs::read_to_string(self.run.join("events.jsonl")).unwrap_or_default();
        format!(
            "lineman ended with {}\n{}\n{}\n{events}",
            self.output.status,
            text(&self.output.stdout),
            text(&self.output.stderr)
        )
    }

    /// The rows of `lines.csv`, by line.
    pub(crate) fn lines(&self) -> BTreeMap<String, Row> {
        self.table("lines.csv", "line")
    }

    /// The rows of `modems.csv`, by modem.
    pub(crate) fn modems(&self) -> BTreeMap<String, Row> {
        self.table("modems.csv", "modem")
    }

    fn table(&self, name: &str, key: &str) -> BTreeMap<String, Row> {
        let mut reader = csv::Reader::from_path(self.run.join(name))
            .unwrap_or_else(|error| panic!("{name}: {error}\n{}", self.said()));
        reader
            .deserialize::<Row>()
            .map(|row| row.expect("a row that is CSV"))
            .map(|row| (row[key].clone(), row))
            .collect()
    }

    /// Files under the reports folder, and the streams, that hold `secret`.
    pub(crate) fn holding(&self, secret: &str) -> Vec<String> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_symlink() {
                    continue;
                }
                if path.is_dir() { walk(&path, found) } else { found.push(path) }
            }
        }
        let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        let mut files = Vec::new();
        walk(&self.reports, &mut files);
        assert!(!files.is_empty(), "nothing was written\n{}", self.said());
        let mut found: Vec<String> = files
            .iter()
            .filter(|path| fs::read(path).is_ok_and(|bytes| holds(&bytes)))
            .map(|path| path.display().to_string())
            .collect();
        for (name, bytes) in [("stdout", &self.output.stdout), ("stderr", &self.output.stderr)] {
            if holds(bytes) {
                found.push(name.to_owned());
            }
        }
        found
    }
}

/// Runs a command to its end, which must come within `limit`.
pub(crate) fn finish(mut command: Command, limit: Duration) -> Output {
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let stdout = reading(child.stdout.take());
    let stderr = reading(child.stderr.take());
    let status = ended(&mut child, limit);
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let output = |reader: thread::JoinHandle<Vec<u8>>| reader.join().expect("a stream is read to its end");
    let (stdout, stderr) = (output(stdout), output(stderr));
    let Some(status) = status else {
        panic!(
            "{command:?} has not ended within {limit:?}; it said:\n{}\n{}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        );
    };
    Output { status, stdout, stderr }
}

/// A thread of its own for each stream, so that none can fill up and stop the program.
fn reading(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        bytes
    })
}
