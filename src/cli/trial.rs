//! The daemon to look at: `lineman serve` without a file, on the simulated bank, with a state and a token of its own that are gone
//! with it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::example::{self, Example};
use super::{Failure, note};
use crate::config::service::LISTEN;

/// Bytes of its token's randomness.
const TOKEN_BYTES: usize = 12;

/// What such a daemon works by; gone when this is dropped.
pub(super) struct Trial {
    /// Its file.
    pub(super) config: PathBuf,
    _folder: TempDir,
    _example: Example,
}

impl Trial {
    /// Writes it.
    ///
    /// # Errors
    /// No folder can be made, or there is no randomness.
    pub(super) fn make() -> Result<Self, Failure> {
        let example = Example::find()?;
        let wrong = |error: std::io::Error| Failure::wrong(format!("nothing can be tried: {error}"));
        let folder = tempfile::Builder::new().prefix("lineman-serve-").tempdir().map_err(wrong)?;
        let token = token().map_err(wrong)?;
        keep(&folder.path().join("token"), &token).map_err(wrong)?;
        let config = folder.path().join("lineman.yaml");
        let reports = std::path::absolute(example::REPORTS).map_err(wrong)?;
        let plan = std::path::absolute(&example.plan).map_err(wrong)?;
        std::fs::write(&config, text(&plan, &reports)).map_err(wrong)?;
        note(&format!(
            "the example plan on a simulated bank; `lineman control start example --config {}` begins a run, and so does the page, with this token: {token}",
            config.display()
        ));
        Ok(Self { config, _folder: folder, _example: example })
    }
}

fn text(plan: &Path, reports: &Path) -> String {
    // Somebody may look at two of them, or have a real one beside.
    let listen = TcpListener::bind(LISTEN).map_or("127.0.0.1:0", |_| LISTEN);
    let quoted = |path: &Path| serde_json::Value::from(path.display().to_string()).to_string();
    format!(
        "service: example\nreports: {}\nstate: .\nsocket: control.sock\n\
         http: {{ listen: \"{listen}\", reading: open, token: {{ file: token }} }}\n\
         plans:\n  - {{ plan: {}, reports: {} }}\n",
        quoted(reports),
        quoted(plan),
        quoted(reports),
    )
}

/// Writes a secret: one that others can read is refused, whatever the folder around it lets them.
fn keep(path: &Path, secret: &str) -> std::io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(secret.as_bytes())
}

fn token() -> std::io::Result<String> {
    let mut bytes = [0; TOKEN_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut token = String::new();
    for byte in bytes {
        let _ = write!(token, "{byte:02x}");
    }
    Ok(token)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn nobody_else_can_read_the_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        keep(&path, "x").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "x");
    }
}
