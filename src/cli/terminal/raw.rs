//! The terminal's mode while a console has its keys: nothing is echoed, collected or taken for a signal here. What the
//! program writes keeps its line ends.

use std::io::stdin;
use std::sync::{Mutex, PoisonError};

use nix::sys::termios::{
    InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};

/// The mode as it was, while it is another one.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Makes the keys raw. What was typed before is nobody's, and is dropped: it was not meant for the console.
///
/// # Errors
/// stdin is no terminal, or takes no mode.
pub(super) fn begin() -> nix::Result<()> {
    let before = tcgetattr(stdin())?;
    let mut raw = before.clone();
    raw.input_flags &= !(InputFlags::IGNBRK
        | InputFlags::BRKINT
        | InputFlags::PARMRK
        | InputFlags::ISTRIP
        | InputFlags::INLCR
        | InputFlags::IGNCR
        | InputFlags::ICRNL
        | InputFlags::IXON);
    raw.local_flags &=
        !(LocalFlags::ECHO | LocalFlags::ECHONL | LocalFlags::ICANON | LocalFlags::ISIG | LocalFlags::IEXTEN);
    raw.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
    raw.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
    // The keeper first: whatever ends us from here on puts it back.
    *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
    tcsetattr(stdin(), SetArg::TCSAFLUSH, &raw)
}

/// Puts the mode back, if it was changed. Keys that were meant for the console are dropped: a shell is no console.
pub(super) fn restore() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(before) = before {
        // A terminal that is gone needs none.
        let _ = tcsetattr(stdin(), SetArg::TCSAFLUSH, &before);
    }
}
