//! What one modem has shown of itself beyond what its profile says of its family: commands that it does not know, and
//! habits that no manual tells. A profile with that worked in is the profile of that one modem.
//!
//! Who keeps it, and for how long, is `fleet`'s.

use std::collections::BTreeSet;

use super::profile::{CarrierMark, DigitsMark, MarkName, Profile, Report};

/// What is known of one modem.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// Optional set-up lines that it answered `ERROR`.
    pub refused: BTreeSet<String>,
    /// Reports on the last call that it does not have.
    pub no_reports: BTreeSet<Report>,
    /// It printed more than one RINGING in a call, so silence after a RINGING means something.
    pub ringing_repeats: bool,
    /// It printed RINGING.
    pub rang: bool,
    /// Calls that it connected without a RINGING.
    pub silent_connects: u32,
    /// Behind the `;` dial form and its bare `ATD` it was heard to listen to the line.
    pub held_dial_works: bool,
    /// It does not do the `;` dial form.
    pub held_dial_fails: bool,
    /// Calls in the `;` dial form that told nothing of the line, before the form was known to work.
    pub held_dial_doubts: u32,
}

/// After so many doubts the `;` dial form is given up: a modem that goes deaf behind it would fail good lines.
pub const HELD_DIAL_DOUBTS_MAX: u32 = 2;

/// After so many connections without a RINGING, and never one heard, it does not print them, whatever it took: one may
/// have been answered within the first burst.
const SILENT_CONNECTS_MAX: u32 = 2;

impl Learned {
    /// Nothing was learned.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what was learned later.
    pub fn absorb(&mut self, later: Self) {
        self.refused.extend(later.refused);
        self.no_reports.extend(later.no_reports);
        self.ringing_repeats |= later.ringing_repeats;
        self.rang |= later.rang;
        self.silent_connects = self.silent_connects.saturating_add(later.silent_connects);
        self.held_dial_works |= later.held_dial_works;
        self.held_dial_fails |= later.held_dial_fails;
        self.held_dial_doubts = self.held_dial_doubts.saturating_add(later.held_dial_doubts);
    }

    /// The mark of a modem whose family marks the end of dialing.
    fn digits_sent(&self) -> Option<DigitsMark> {
        match (self.held_dial_fails, self.held_dial_works) {
            (true, _) => None,
            (false, true) => Some(DigitsMark::HeldProven),
            (false, false) => (self.held_dial_doubts < HELD_DIAL_DOUBTS_MAX).then_some(DigitsMark::Held),
        }
    }
}

impl Profile {
    /// The profile of one modem of this family: lines that it refuses are left out, and with them the marks that no
    /// other line gives.
    #[must_use]
    pub fn for_modem(&self, learned: &Learned) -> Self {
        let mut own = self.clone();
        own.marks.digits_sent = match own.marks.digits_sent {
            None => None,
            Some(DigitsMark::HeldProven) if !learned.held_dial_fails => Some(DigitsMark::HeldProven),
            Some(_) => learned.digits_sent(),
        };
        if learned.ringing_repeats && own.marks.ringing_repeats.is_none() {
            own.marks.ringing_repeats = Some(true);
        }
        if !learned.rang && learned.silent_connects >= SILENT_CONNECTS_MAX {
            own.marks.remove(MarkName::Ringing);
        }
        own.diagnostics.retain(|report| !learned.no_reports.contains(report));
        own.setup.retain(|line| !(line.optional && learned.refused.contains(&line.send)));
        for mark in [MarkName::Ringing, MarkName::Answered, MarkName::Carrier] {
            let gives = |profile: &Self| profile.setup.iter().any(|line| line.gives.contains(&mark));
            if gives(self) && !gives(&own) {
                own.marks.remove(mark);
            }
        }
        own
    }

    /// What it can show of a call before CONNECT, and which lines of `family` it has not, in words.
    pub fn abilities(&self, family: &Self) -> String {
        let marks = &self.marks;
        let shown: Vec<&str> = [
            (marks.digits_sent.is_some(), "end of dialing"),
            (marks.ringing, "ringing"),
            (marks.answered.is_some(), "answer by DSR"),
            (marks.carrier.contains(&CarrierMark::Line), "carrier"),
            (marks.carrier.contains(&CarrierMark::Dcd), "carrier by DCD"),
        ]
        .into_iter()
        .filter_map(|(has, word)| has.then_some(word))
        .collect();
        let shown = if shown.is_empty() { "CONNECT alone".to_owned() } else { shown.join(", ") };
        let refused: Vec<String> = family
            .setup
            .iter()
            .filter(|line| !self.setup.contains(line))
            .map(|line| format!("`{}`", line.send))
            .collect();
        if refused.is_empty() {
            format!("tells {shown}")
        } else {
            format!("tells {shown}; does not take {}", refused.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(yaml: &str) -> Profile {
        let profile: Profile = serde_yaml::from_str(yaml).unwrap();
        assert_eq!(profile.problems(), []);
        profile
    }

    fn refusing(lines: &[&str]) -> Learned {
        Learned { refused: lines.iter().map(ToString::to_string).collect(), ..Learned::default() }
    }

    #[test]
    fn a_mark_goes_with_the_last_line_that_gives_it() {
        let family = profile(
            "profile: a
setup:
  - AT&F
  - { send: ATX6, optional: true, gives: [ringing] }
  - { send: ATX7, optional: true, gives: [ringing] }
  - { send: AT+MR=1, optional: true, gives: [carrier] }
  - { send: AT+ER=1, optional: true }
marks: { ringing: true, carrier: [line, dcd] }
",
        );
        let own = family.for_modem(&refusing(&["ATX7", "AT+ER=1"]));
        assert_eq!((own.setup.len(), own.marks.ringing), (3, true));
        assert_eq!(
            own.abilities(&family),
            "tells ringing, carrier, carrier by DCD; does not take `ATX7`, `AT+ER=1`"
        );
        let own = family.for_modem(&refusing(&["ATX6", "ATX7", "AT+MR=1"]));
        assert!(!own.marks.ringing);
        assert_eq!(own.marks.carrier, [CarrierMark::Dcd], "no command turns a wire on");
        assert_eq!(family.for_modem(&Learned::default()).marks, family.marks);
    }

    #[test]
    fn only_optional_lines_are_left_out() {
        let family = profile("{ profile: a, setup: ['AT&F', { send: ATM0, optional: true }] }");
        let own = family.for_modem(&refusing(&["AT&F", "ATM0"]));
        assert_eq!(own.setup.len(), 1);
        assert_eq!(own.abilities(&family), "tells CONNECT alone; does not take `ATM0`");
    }

    #[test]
    fn habits_are_worked_in_unless_the_family_is_known_to_have_others() {
        let learned = Learned { ringing_repeats: true, held_dial_fails: true, ..Learned::default() };
        let family = profile("{ profile: a, setup: ['AT&F'], marks: { ringing: true, digits_sent: held } }");
        assert_eq!(family.abilities(&family), "tells end of dialing, ringing");
        let own = family.for_modem(&learned);
        assert_eq!((own.marks.ringing_repeats, own.marks.digits_sent), (Some(true), None));
        let mut all = Learned::default();
        assert!(all.is_empty());
        all.absorb(learned.clone());
        all.absorb(refusing(&["ATX7"]));
        assert_eq!((all.ringing_repeats, all.held_dial_fails, all.refused.len()), (true, true, 1));
    }

    #[test]
    fn a_modem_that_never_prints_ringing_is_not_taken_for_one_that_hears_it() {
        let family = profile("{ profile: a, setup: ['AT&F'], marks: { ringing: true } }");
        let hears = |learned: &Learned| family.for_modem(learned).marks.ringing;
        let mut learned = Learned::default();
        let silent = Learned { silent_connects: 1, ..Learned::default() };
        learned.absorb(silent.clone());
        assert!(hears(&learned), "it may have been answered within the first burst");
        learned.absorb(silent);
        assert!(!hears(&learned), "it took the command, and prints none all the same");
        learned.absorb(Learned { rang: true, ..Learned::default() });
        assert!(hears(&learned));
    }

    #[test]
    fn the_held_dial_form_is_on_probation_until_it_has_worked() {
        let family = profile("{ profile: a, setup: ['AT&F'], marks: { digits_sent: held } }");
        let mark = |learned: &Learned| family.for_modem(learned).marks.digits_sent;
        let mut learned = Learned::default();
        assert_eq!(mark(&learned), Some(DigitsMark::Held));
        let doubt = Learned { held_dial_doubts: 1, ..Learned::default() };
        learned.absorb(doubt.clone());
        assert_eq!(mark(&learned), Some(DigitsMark::Held), "a dead line looks like that");
        learned.absorb(doubt);
        assert_eq!(mark(&learned), None);
        learned.absorb(Learned { held_dial_works: true, ..Learned::default() });
        assert_eq!(mark(&learned), Some(DigitsMark::HeldProven));
        learned.absorb(Learned { held_dial_fails: true, ..Learned::default() });
        assert_eq!(mark(&learned), None);
        let plain = profile("{ profile: a, setup: ['AT&F'] }");
        assert_eq!(plain.for_modem(&Learned::default()).marks.digits_sent, None);
    }
}
