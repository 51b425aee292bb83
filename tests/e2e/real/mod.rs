//! Real programs at the far end, and at ours: Debian's getty and login, its mgetty, its iaxmodem, a modem whose AT
//! interpreter nobody here wrote, its ser2net, a server of ports, and its python3-serial, a client of RFC 2217. The scripts
//! in `tests/real` start each of the first three in namespaces of its own.
//!
//! Those need root; all need Debian's packages. In CI they always run; elsewhere, where they cannot, each says so on stderr
//! past the test harness, which would swallow it.

mod far_end;
mod getty;
mod iaxmodem;
mod mgetty;
mod monitors;
mod pyserial;
mod ser2net;

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// What the account `oob` has as its password, at those far ends that are meant to let us in.
const PASSWORD: &str = "Korrekt-Horse-41";

/// The script of that name in `tests/real`.
fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(name)
}

/// Whether the real programs can run here; says loudly when not, and does not put up with it in CI.
fn can_run(test: &str) -> bool {
    can_run_with(test, &lacking(&[]))
}

/// What this machine lacks for these programs; without any, for all that run in namespaces.
pub(crate) fn lacking(programs: &[&str]) -> String {
    let output = Command::new(script("ready")).args(programs).output().expect("tests/real/ready runs");
    if output.status.success() {
        return String::new();
    }
    String::from_utf8_lossy(&output.stdout).trim().replace('\n', "; ")
}

/// [`can_run`] where this is what is lacking.
#[expect(clippy::disallowed_methods, reason = "whether this is CI is told by the environment alone")]
pub(crate) fn can_run_with(test: &str, lacking: &str) -> bool {
    if lacking.is_empty() {
        return true;
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "in CI the real programs must run, and cannot: this machine lacks {lacking}"
    );
    let _ = writeln!(std::io::stderr(), "\n*** {test} DID NOT RUN: this machine lacks {lacking}\n");
    false
}
