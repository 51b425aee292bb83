//! What tests ask of a run that is over.

use lineman::model::event::{CheckRecord, Hangup, LineVerdict, ModemState};
use lineman::model::{CallRecord, CredentialName, EventKind, Fault};
use lineman::report::RunState;
use lineman::sim::log::{Entry, What};

use crate::stage::Played;

impl Played {
    /// The verdict of a line that stands at the end.
    pub(crate) fn verdict(&self, line: &str) -> &LineVerdict {
        let mut verdicts = self.events.iter().filter_map(|event| match &event.kind {
            EventKind::Verdict(verdict) if verdict.line.as_str() == line => Some(verdict),
            _ => None,
        });
        verdicts.next_back().unwrap_or_else(|| panic!("`{line}` has no verdict"))
    }

    /// Its fault; none is a pass.
    pub(crate) fn fault(&self, line: &str) -> Option<Fault> {
        self.verdict(line).fault
    }

    /// The faults of all lines, in the order of the plan.
    pub(crate) fn faults(&self) -> Vec<(String, Option<Fault>)> {
        let ids = self.setting.lines.iter().map(|line| line.id.as_str());
        ids.map(|id| (id.to_owned(), self.fault(id))).collect()
    }

    /// All calls that are over, in the order of their ends.
    pub(crate) fn calls(&self) -> Vec<&CallRecord> {
        self.events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::CallEnded(record) => Some(&**record),
                _ => None,
            })
            .collect()
    }

    /// A line's calls that are over.
    pub(crate) fn calls_of(&self, line: &str) -> Vec<&CallRecord> {
        self.calls().into_iter().filter(|call| call.line.as_str() == line).collect()
    }

    /// Each time that a modem's state was told: modem, state, fault, detail.
    pub(crate) fn modem_states(&self) -> Vec<(&str, ModemState, Option<Fault>, &str)> {
        self.events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Modem { modem, state, fault, detail, .. } => {
                    Some((modem.as_str(), *state, *fault, detail.as_str()))
                }
                _ => None,
            })
            .collect()
    }

    /// All checks that are over, in the order of their ends.
    pub(crate) fn checks(&self) -> Vec<&CheckRecord> {
        self.events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::BenchCheck(record) => Some(&**record),
                _ => None,
            })
            .collect()
    }

    /// How often a modem was told to be in this state.
    pub(crate) fn times(&self, modem: &str, state: ModemState) -> usize {
        self.modem_states().iter().filter(|(id, now, ..)| *id == modem && *now == state).count()
    }

    /// The exit code that the program would give.
    pub(crate) fn exit_code(&self) -> u8 {
        lineman::report::exit_code(&RunState::of(&self.events).expect("a run"))
    }

    /// What became of the credentials, in order.
    pub(crate) fn credentials(&self) -> Vec<(String, lineman::model::event::CredentialState)> {
        self.events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Credential { credential, state, .. } => Some((name(credential), *state)),
                _ => None,
            })
            .collect()
    }

    /// The exchange's entries of one kind.
    pub(crate) fn logged(&self, what: What) -> Vec<&Entry> {
        self.log.iter().filter(|entry| entry.event == what).collect()
    }

    /// Calls whose on-hook was not proven.
    pub(crate) fn unproven(&self) -> Vec<&CallRecord> {
        self.calls().into_iter().filter(|call| call.hangup == Hangup::Unproven).collect()
    }

    /// The whole run without its stamps: two of these are equal if all decisions were.
    pub(crate) fn story(&self) -> Vec<(u64, String)> {
        let told = |kind: &EventKind| match kind {
            EventKind::CallEnded(record) => {
                let mut record = record.clone();
                (record.started, record.finished) =
                    (jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::UNIX_EPOCH);
                format!("{record:?}")
            }
            EventKind::LineWaits { line, why, .. } => format!("{line} waits: {why}"),
            EventKind::Modem { modem, state, fault, detail, .. } => {
                format!("{modem} is {state:?}: {fault:?} {detail}")
            }
            other => format!("{other:?}"),
        };
        self.events.iter().map(|event| (event.mono.as_micros(), told(&event.kind))).collect()
    }
}

fn name(credential: &CredentialName) -> String {
    credential.as_str().to_owned()
}
