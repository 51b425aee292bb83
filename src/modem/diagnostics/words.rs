//! How a call ended, from a modem's own words: US Robotics' disconnect reasons and Rockwell's termination reasons.

use crate::model::Termination;

/// What is looked for, in capitals, the more exact first. Only `DISC Received`, `DTR dropped`, `Keypress Abort` (modems.md
/// 3.1) and `LOCAL REQUEST` (3.2) were seen in samples; the rest are from lore, and mean what they say.
const WORDS: [(&str, Termination); 31] = [
    ("LOCAL", Termination::Local),
    ("DTR", Termination::Local),
    ("KEYPRESS", Termination::Local),
    ("KEY ABORT", Termination::Local),
    ("ESCAPE CODE", Termination::Local),
    ("ATH", Termination::Local),
    ("REMOTE", Termination::Remote),
    ("DISC RECEIVED", Termination::Remote),
    ("LD RECEIVED", Termination::Remote),
    ("CLEAR DOWN", Termination::Remote),
    ("CLEARDOWN", Termination::Remote),
    ("LONG SPACE", Termination::Remote),
    ("LOSS OF CARRIER", Termination::CarrierLost),
    ("CARRIER LOSS", Termination::CarrierLost),
    ("CARRIER LOST", Termination::CarrierLost),
    ("LOST CARRIER", Termination::CarrierLost),
    ("INACTIVITY", Termination::Inactivity),
    ("NO ANSWER", Termination::NoAnswer),
    ("RETRANSMI", Termination::LineTooBad),
    ("RETRAIN", Termination::LineTooBad),
    ("TRAINING", Termination::TrainingFailed),
    ("HANDSHAKE", Termination::TrainingFailed),
    ("XID", Termination::ErrorControl),
    ("PROTOCOL", Termination::ErrorControl),
    ("ERROR CORRECTION", Termination::ErrorControl),
    ("ERROR CONTROL", Termination::ErrorControl),
    ("BUSY", Termination::Network),
    ("DIAL TONE", Termination::OwnLine),
    ("DIALTONE", Termination::OwnLine),
    ("BLACKLIST", Termination::Refused),
    ("DELAYED", Termination::Refused),
];

/// How the call ended; words that nobody knows are [`Termination::Other`], and no words are nothing.
pub(super) fn termination(text: &str) -> Option<Termination> {
    let text = text.trim().to_ascii_uppercase();
    if text.is_empty() || text == "NONE" {
        return None;
    }
    let found = WORDS.iter().find(|(word, _)| holds(&text, word));
    Some(found.map_or(Termination::Other, |(_, termination)| *termination))
}

/// Whether `word` stands in `text` at the beginning of a word.
fn holds(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric()))
}
