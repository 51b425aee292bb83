//! A call as the stretches between the instants that are known of it, in their order.

use crate::model::{CallRecord, Mark, Moment, Verdict};

/// One phase, as far as pictures tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Dial,
    PostDial,
    Ring,
    Train,
    Connect,
    Prompt,
    Login,
    Verify,
    Logout,
    Hangup,
}

impl Phase {
    pub(super) const ALL: [Self; 10] = [
        Self::Dial,
        Self::PostDial,
        Self::Ring,
        Self::Train,
        Self::Connect,
        Self::Prompt,
        Self::Login,
        Self::Verify,
        Self::Logout,
        Self::Hangup,
    ];

    /// The word of the reports' columns.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Dial => "dial",
            Self::PostDial => "post-dial",
            Self::Ring => "ring",
            Self::Train => "train",
            Self::Connect => "connect",
            Self::Prompt => "prompt",
            Self::Login => "login",
            Self::Verify => "verify",
            Self::Logout => "logout",
            Self::Hangup => "hangup",
        }
    }

    /// What ends it.
    const fn end(self) -> Moment {
        match self {
            Self::Dial => Moment::DigitsSent,
            Self::PostDial => Moment::Ringing,
            Self::Ring => Moment::Answered,
            Self::Train => Moment::Carrier,
            Self::Connect => Moment::Connected,
            Self::Prompt => Moment::Prompted,
            Self::Login => Moment::LoggedIn,
            Self::Verify => Moment::Verified,
            Self::Logout => Moment::LoggedOut,
            Self::Hangup => Moment::OnHook,
        }
    }
}

/// The stretch between two neighbouring instants that are known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Segment {
    /// Since the dial command, ms.
    pub(super) from_ms: f64,
    /// Since the dial command, ms.
    pub(super) to_ms: f64,
    /// How wrong its end may be, ms; 0 where that was observed.
    pub(super) error_ms: f64,
    /// What ends it.
    pub(super) to: Moment,
    /// The phases that lie in it: several where the modem hides what is between them; none where the call came no
    /// further, and this is how long it waited and hung up.
    pub(super) phases: Vec<Phase>,
}

impl Segment {
    /// Its phases in words.
    pub(super) fn words(&self) -> String {
        match self.phases.as_slice() {
            [] if self.to == Moment::HandedBack => "in a technician's hands".to_owned(),
            [] if self.to == Moment::LoggedOut => "at the console, until logged out".to_owned(),
            [] => "no further, and hang-up".to_owned(),
            phases => phases.iter().map(|phase| phase.word()).collect::<Vec<_>>().join(" + "),
        }
    }
}

/// A call from its dial command to the last instant that is known; empty if it dialed nothing.
pub(super) fn of(record: &CallRecord) -> Vec<Segment> {
    let Some(dialed) = record.timeline.get(Moment::Dialed) else { return Vec::new() };
    let marks: Vec<(Moment, Mark)> = record
        .timeline
        .iter()
        .filter(|(moment, _)| (Moment::Dialed..=Moment::OnHook).contains(moment))
        .collect();
    let ms = |mark: Mark| mark.at.since(dialed.at).as_secs_f64() * 1000.0;
    let has = |moment| record.timeline.get(moment).is_some();
    marks
        .windows(2)
        .map(|pair| {
            let ((from, first), (to, last)) = (pair[0], pair[1]);
            let passed = matches!(Verdict::of(record.fault), Verdict::Pass | Verdict::Degraded);
            let between = |phase: &Phase| {
                let end = phase.end();
                from < end && end <= to && (end == to || !optional(*phase, &has))
            };
            let phases = match (from, to) {
                (Moment::LoggedOut | Moment::HandedBack, Moment::OnHook) => vec![Phase::Hangup],
                // Nobody was to log in.
                (Moment::Connected, Moment::OnHook) if passed => vec![Phase::Hangup],
                // What it waited for in vain is told by its fault, not by a phase.
                (_, Moment::OnHook) if !passed => Vec::new(),
                // A console hides nothing: what is not there did not happen, and what it took instead has no name.
                (_, Moment::HandedBack) | (Moment::Connected | Moment::Prompted, Moment::LoggedOut) => {
                    Vec::new()
                }
                _ => Phase::ALL.into_iter().filter(between).collect(),
            };
            Segment {
                from_ms: ms(first),
                to_ms: ms(last),
                error_ms: last.half_width.as_secs_f64() * 1000.0,
                to,
                phases,
            }
        })
        .collect()
}

/// Phases that a call may do without: what is not known of them is no part of a longer stretch. `dial` is seen by few
/// modems, and is then within what the reports call post-dial; a line without a host's name has nothing to verify.
fn optional(phase: Phase, has: &impl Fn(Moment) -> bool) -> bool {
    match phase {
        Phase::Dial => !has(Moment::DigitsSent),
        Phase::Verify => !has(Moment::Verified),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fault, Mono};

    fn told(fault: Option<Fault>, marks: &[(Moment, u64)]) -> Vec<(String, f64)> {
        let mut record = CallRecord { fault, ..CallRecord::sample() };
        for &(moment, ms) in marks {
            record.timeline.observe(moment, Mono::from_millis(ms));
        }
        of(&record).into_iter().map(|segment| (segment.words(), segment.to_ms - segment.from_ms)).collect()
    }

    fn want(rows: &[(&str, f64)]) -> Vec<(String, f64)> {
        rows.iter().map(|(words, ms)| ((*words).to_owned(), *ms)).collect()
    }

    #[test]
    fn a_modem_that_shows_all_has_each_phase_by_itself() {
        use Moment::*;
        let marks = [
            (Taken, 0),
            (Ready, 50),
            (Dialed, 60),
            (Ringing, 4060),
            (Answered, 10_060),
            (Carrier, 19_060),
            (Connected, 20_060),
            (Prompted, 20_560),
            (LoggedIn, 21_560),
            (LoggedOut, 22_060),
            (OnHook, 22_560),
            (Released, 22_570),
        ];
        let rows = [
            ("post-dial", 4000.0),
            ("ring", 6000.0),
            ("train", 9000.0),
            ("connect", 1000.0),
            ("prompt", 500.0),
            ("login", 1000.0),
            ("logout", 500.0),
            ("hangup", 500.0),
        ];
        assert_eq!(told(None, &marks), want(&rows));
    }

    #[test]
    fn what_a_modem_hides_is_one_stretch_with_all_that_lies_in_it() {
        use Moment::*;
        let rows = [("post-dial + ring + train + connect", 20_000.0), ("no further, and hang-up", 500.0)];
        let silent = [(Dialed, 0), (Connected, 20_000), (OnHook, 20_500)];
        assert_eq!(told(Some(Fault::ConsoleSilent), &silent), want(&rows));
        let open = [(Dialed, 0), (Connected, 20_000), (Prompted, 20_300), (LoggedOut, 20_800)];
        assert_eq!(
            told(Some(Fault::OpenConsole), &open)[2],
            ("at the console, until logged out".to_owned(), 500.0)
        );
        // Where no console is asked, that is all there is.
        assert_eq!(told(None, &silent)[1], ("hangup".to_owned(), 500.0));
        let rows = [("dial", 900.0), ("post-dial + ring + train", 9100.0)];
        assert_eq!(told(None, &[(Dialed, 0), (DigitsSent, 900), (Carrier, 10_000)]), want(&rows));
        assert!(told(None, &[(Taken, 0), (Ready, 5)]).is_empty());
    }
}
