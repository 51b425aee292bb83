//! Asks for a password at the terminal, without echo.

use secrecy::SecretString;

/// Asks; `text` is the question. Echo is off before the question can be read: whoever answers at once, a program too, is not
/// shown.
///
/// # Errors
/// There is no terminal, or it can't be read.
pub(super) fn ask(text: &str) -> std::io::Result<SecretString> {
    let _quiet = quiet();
    rpassword::prompt_password(text).map(Into::into)
}

/// Echo goes off, and comes back when this is dropped. Without a terminal there is none to switch.
#[cfg(unix)]
fn quiet() -> Option<Quiet> {
    use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
    let terminal = std::fs::File::open("/dev/tty").ok()?;
    let before = tcgetattr(&terminal).ok()?;
    let mut hidden = before.clone();
    hidden.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(&terminal, SetArg::TCSANOW, &hidden).ok()?;
    Some(Quiet { terminal, before })
}

#[cfg(not(unix))]
const fn quiet() {}

#[cfg(unix)]
struct Quiet {
    terminal: std::fs::File,
    before: nix::sys::termios::Termios,
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        use nix::sys::termios::{SetArg, tcsetattr};
        let _ = tcsetattr(&self.terminal, SetArg::TCSANOW, &self.before);
    }
}
