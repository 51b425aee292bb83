//! The figures of a call, by name: what a moment completes, and what is usual of it on the line.

use std::collections::BTreeMap;

use crate::model::usual::{FamilyUsual, Spread, Usual};
use crate::model::{CallRecord, PhaseTimes, Verdict};

/// A stretch of a call, in the order in which they end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// taken .. ready
    Setup,
    /// dialed .. digits sent
    Dial,
    /// digits sent (else dialed) .. ringing
    PostDial,
    /// ringing .. answered
    Ring,
    /// answered .. carrier
    Train,
    /// ringing .. carrier, where the answer is hidden
    RingTrain,
    /// carrier .. connected
    Connect,
    /// answered .. connected, where the carrier is hidden
    TrainConnect,
    /// dialed .. connected
    DialedToConnect,
    /// connected .. prompted
    Prompt,
    /// prompted .. logged in
    Login,
    /// logged in .. verified
    Verify,
    /// verified .. logged out
    Logout,
    /// logged out .. on-hook
    Hangup,
    /// dialed .. on-hook
    Total,
}

/// What is usual on a line, as far as it is known, for the family of modem that calls.
pub type Usually = BTreeMap<Figure, Spread>;
/// The same by family of modem.
pub type ThereUsually = BTreeMap<String, Usually>;

impl Figure {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Setup,
        Self::Dial,
        Self::PostDial,
        Self::Ring,
        Self::Train,
        Self::RingTrain,
        Self::Connect,
        Self::TrainConnect,
        Self::DialedToConnect,
        Self::Prompt,
        Self::Login,
        Self::Verify,
        Self::Logout,
        Self::Hangup,
        Self::Total,
    ];

    /// What it is called.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Setup => "set-up",
            Self::Dial => "dial",
            Self::PostDial => "post-dial",
            Self::Ring => "ring",
            Self::Train => "train",
            Self::RingTrain => "ring+train",
            Self::Connect => "connect",
            Self::TrainConnect => "train+connect",
            Self::DialedToConnect => "dialed to CONNECT",
            Self::Prompt => "prompt",
            Self::Login => "login",
            Self::Verify => "verify",
            Self::Logout => "logout",
            Self::Hangup => "hang-up",
            Self::Total => "whole call",
        }
    }

    /// It, ms, if it is known.
    pub const fn of(self, times: &PhaseTimes) -> Option<u64> {
        match self {
            Self::Setup => times.setup_ms,
            Self::Dial => times.dial_ms,
            Self::PostDial => times.post_dial_ms,
            Self::Ring => times.ring_ms,
            Self::Train => times.train_ms,
            Self::RingTrain => times.ring_train_ms,
            Self::Connect => times.connect_ms,
            Self::TrainConnect => times.train_connect_ms,
            Self::DialedToConnect => times.dialed_to_connect_ms,
            Self::Prompt => times.prompt_ms,
            Self::Login => times.login_ms,
            Self::Verify => times.verify_ms,
            Self::Logout => times.logout_ms,
            Self::Hangup => times.hangup_ms,
            Self::Total => times.total_ms,
        }
    }

    /// What the history says is usual of it: of all modems, or of those of one family.
    fn usual(self, all: &Usual, family: Option<&FamilyUsual>) -> Option<Spread> {
        match self {
            Self::DialedToConnect => all.dialed_to_connect_ms,
            Self::Train => family?.train_ms,
            Self::RingTrain => family?.ring_train_ms,
            Self::TrainConnect => family?.train_connect_ms,
            _ => None,
        }
    }

    /// What is usual on a line: what the history says, and, of figures that it does not keep, what these calls of earlier
    /// nights say that passed.
    pub fn usually<'a>(
        history: Option<&Usual>,
        family: &str,
        nights: impl IntoIterator<Item = &'a CallRecord>,
    ) -> Usually {
        let passed = |record: &&CallRecord| {
            matches!(Verdict::of(record.fault), Verdict::Pass | Verdict::Degraded)
        };
        let times: Vec<PhaseTimes> =
            nights.into_iter().filter(passed).map(|record| PhaseTimes::of(&record.timeline)).collect();
        let of = |figure: Self| {
            let known = history.and_then(|all| figure.usual(all, all.families.get(family)));
            let seen = || {
                let all: Vec<i64> =
                    times.iter().filter_map(|times| i64::try_from(figure.of(times)?).ok()).collect();
                Spread::of(&all)
            };
            Some((figure, known.or_else(seen)?))
        };
        Self::ALL.into_iter().filter_map(of).collect()
    }
}
