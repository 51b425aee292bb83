//! The figures of a call, by name: what a moment completes, and what is usual of it on the line.

use std::collections::{BTreeMap, BTreeSet};

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

/// What is usual of some figures.
pub(super) type Usually = BTreeMap<Figure, Spread>;

/// What is usual on a line, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThereUsually {
    /// Of all calls: the figures that are the far end's, whatever modem calls.
    all: Usually,
    /// By the family of the modem that calls: families differ in what they show, and when.
    families: BTreeMap<String, Usually>,
}

impl ThereUsually {
    /// What the history says, and, of figures that it does not keep, what these calls of earlier nights say that passed; each
    /// with the family of its modem.
    pub fn of(history: Option<&Usual>, nights: &[(String, CallRecord)]) -> Self {
        let names = history.into_iter().flat_map(|usual| usual.families.keys());
        let names: BTreeSet<&String> = names.chain(nights.iter().map(|(family, _)| family)).collect();
        let family = |name: &String| {
            let calls = nights.iter().filter(|(family, _)| family == name).map(|(_, record)| record);
            (name.clone(), usually(history, name, calls, |_| true))
        };
        let all =
            usually(history, "", nights.iter().map(|(_, record)| record), |figure| !figure.is_our_modems());
        Self { all, families: names.into_iter().map(family).collect() }
    }

    /// What is usual of a figure, called from a modem of this family.
    pub fn get(&self, family: &str, figure: Figure) -> Option<&Spread> {
        let of_family = self.families.get(family).and_then(|usually| usually.get(&figure));
        of_family.or_else(|| self.all.get(&figure))
    }
}

fn usually<'a>(
    history: Option<&Usual>,
    family: &str,
    nights: impl Iterator<Item = &'a CallRecord>,
    wanted: impl Fn(Figure) -> bool,
) -> Usually {
    let passed =
        |record: &&CallRecord| matches!(Verdict::of(record.fault), Verdict::Pass | Verdict::Degraded);
    let times: Vec<PhaseTimes> =
        nights.filter(passed).map(|record| PhaseTimes::of(&record.timeline)).collect();
    let of = |figure: Figure| {
        let known = history.and_then(|all| figure.usual(all, all.families.get(family)));
        let seen = || {
            let all: Vec<i64> =
                times.iter().filter_map(|times| i64::try_from(figure.of(times)?).ok()).collect();
            Spread::of(&all)
        };
        Some((figure, known.or_else(seen)?))
    };
    Figure::ALL.into_iter().filter(|figure| wanted(*figure)).filter_map(of).collect()
}

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

    /// It hangs on what our modem shows, or does itself, so that families can't be held against each other.
    const fn is_our_modems(self) -> bool {
        !matches!(
            self,
            Self::DialedToConnect | Self::Prompt | Self::Login | Self::Verify | Self::Logout | Self::Total
        )
    }
}
