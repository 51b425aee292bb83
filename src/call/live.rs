//! What passes between a running call and whoever sits at the terminal: the console's words, the technician's keys. Types
//! alone, and no events: none of it is written down. `tap` carries it, `console::handover` makes it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::model::{CallId, LineId};

pub use crate::console::handover::{Back, HandoverLimits, Stand};

/// What is wanted of a call beyond its events.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// What the console says, line by line: [`Live::Line`].
    pub watch: bool,
    /// The terminal is handed over after the checks, with these limits.
    pub handover: Option<HandoverLimits>,
    /// What is masked wherever the console says it, beside the credential of the call itself.
    pub secrets: Arc<[SecretString]>,
}

/// What a running call tells the terminal. All texts are cleaned: printable characters of the far end, no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// A line of what the console says, as it comes; of a prompt, once the output rests.
    Line {
        /// The call.
        call: CallId,
        /// Its line.
        line: LineId,
        /// One line without its end.
        text: String,
    },
    /// The terminal is handed over: keys go to the console from here on, until [`Live::TakenBack`].
    HandedOver {
        /// The call.
        call: CallId,
        /// Its line.
        line: LineId,
        /// How far the checks came.
        stand: Stand,
        /// The host that the console said it is.
        host: Option<String>,
        /// When it will be taken back at the latest.
        limits: HandoverLimits,
    },
    /// What the console says meanwhile: printable characters, CR, LF and backspaces, for a terminal as they are.
    Words {
        /// The call.
        call: CallId,
        /// The text.
        text: String,
    },
    /// It will be taken back soon.
    Soon {
        /// The call.
        call: CallId,
        /// Why.
        why: Back,
        /// In how long.
        left: Duration,
    },
    /// It was taken back; logout and hang-up follow.
    TakenBack {
        /// The call.
        call: CallId,
        /// Why.
        why: Back,
        /// How long it was handed over.
        lasted: Duration,
    },
    /// It was to be handed over and was not, in words.
    NotHandedOver {
        /// The call.
        call: CallId,
        /// Why.
        why: String,
    },
    /// So many pieces were left out, since nobody took what was said.
    Missed(u64),
}

/// What the terminal tells a call that was handed over.
#[derive(Clone, PartialEq, Eq)]
pub enum Key {
    /// Bytes as they were typed. At most [`KEYS_MAX`] at a time.
    Typed(Vec<u8>),
    /// The terminal is so many columns wide.
    Width(u16),
    /// It is given back, and why.
    Back(Back),
}

/// Most bytes of one [`Key::Typed`]: what a modem at 1200 bit/s takes within half a second, so that a pasted page is taken
/// at the line's pace.
pub const KEYS_MAX: usize = 60;

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // They may be a password.
            Self::Typed(bytes) => write!(f, "Typed({} bytes)", bytes.len()),
            Self::Width(columns) => write!(f, "Width({columns})"),
            Self::Back(why) => write!(f, "Back({why:?})"),
        }
    }
}
