//! What a modem told of the call that it has just had: how it ended, and how good the line was.
//!
//! How each family words it is `modem::diagnostics`'s; what it makes of a verdict is `call`'s.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A modem's own account of its last call. Every field is absent where the modem did not say it: never guessed, never 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Diagnostics {
    /// How the call ended, in our words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination: Option<Termination>,
    /// The same as the modem put it: `DISC Received`, `LOCAL REQUEST`, `#UD 60=3C`. Cleaned: one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disconnect_cause: Option<String>,
    /// What it heard while the call was set up (`AT#UD` key 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_setup: Option<CallSetup>,
    /// Register S86, the first event behind a NO CARRIER (modems.md 3.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s86: Option<u8>,
    /// Level that it sent at, dBm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tx_level_dbm: Option<i16>,
    /// Level that it received, dBm: -10 to -25 is usual, below -43 V.34 gives up (modems.md 3.8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rx_level_dbm: Option<i16>,
    /// Signal to noise ratio, dB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snr_db: Option<u16>,
    /// The family's own figure of line quality, higher is worse (EQM on Rockwell): to be compared with the same line's
    /// other calls on the same family, and with nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_quality: Option<u32>,
    /// Retrains, asked for by either end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retrains: Option<u32>,
    /// Changes of rate without a whole retrain, either way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_shifts: Option<u32>,
    /// Blocks that were received with errors, or had to be sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_errors: Option<u32>,
    /// Round trip to the far modem, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip_ms: Option<u32>,
    /// All else that it told, under the modem's own keys in kebab-case, cleaned and bounded.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub more: BTreeMap<String, String>,
}

/// How a call ended, as the modem sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Termination {
    /// Our own request: DTR, ATH, a key.
    Local,
    /// The far modem said good-bye.
    Remote,
    /// The carrier went without a word, or loop current did.
    CarrierLost,
    /// Nobody answered, or nothing was recognised within S7.
    NoAnswer,
    /// It was answered, and training failed, or the two have no modulation in common.
    TrainingFailed,
    /// Error control failed, or could not be agreed upon where it was demanded.
    ErrorControl,
    /// A line too bad to go on: retrains or retransmissions beyond the limit.
    LineTooBad,
    /// The network: busy, reorder.
    Network,
    /// Our own line: no dial tone, in use, glare.
    OwnLine,
    /// The modem's own redial lock.
    Refused,
    /// Nothing happened for too long.
    Inactivity,
    /// It says something else.
    Other,
}

impl Termination {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Local,
        Self::Remote,
        Self::CarrierLost,
        Self::NoAnswer,
        Self::TrainingFailed,
        Self::ErrorControl,
        Self::LineTooBad,
        Self::Network,
        Self::OwnLine,
        Self::Refused,
        Self::Inactivity,
        Self::Other,
    ];

    /// The stable word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
            Self::CarrierLost => "carrier-lost",
            Self::NoAnswer => "no-answer",
            Self::TrainingFailed => "training-failed",
            Self::ErrorControl => "error-control",
            Self::LineTooBad => "line-too-bad",
            Self::Network => "network",
            Self::OwnLine => "own-line",
            Self::Refused => "refused",
            Self::Inactivity => "inactivity",
            Self::Other => "other",
        }
    }
}

/// What a modem heard while a call was set up (V.58, key 1; modems.md 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallSetup {
    /// No dial tone.
    NoDialtone,
    /// Reorder, network busy.
    Reorder,
    /// Busy.
    Busy,
    /// Nothing that it knows: neither busy nor reorder, neither a voice nor answer tone. Ringback is not told.
    Nothing,
    /// A voice.
    Voice,
    /// A modem's answer tone.
    AnswerTone,
}

impl Diagnostics {
    /// Whether the modem told nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_serde_writes_and_what_is_absent_is_not_written() {
        for end in Termination::ALL {
            assert_eq!(serde_json::to_value(end).unwrap(), end.word());
        }
        let nothing = Diagnostics::default();
        assert_eq!(serde_json::to_string(&nothing).unwrap(), "{}");
        assert!(nothing.is_empty());
        let level: Diagnostics = serde_json::from_str(r#"{"rx_level_dbm":-23,"s86":12}"#).unwrap();
        assert_eq!((level.rx_level_dbm, level.s86, level.is_empty()), (Some(-23), Some(12), false));
    }
}
