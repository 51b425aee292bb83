//! What each modem did and when: its calls, its checks, and the spells in which no line was called on it. Kept for the
//! picture of the bank; figures that are counted are `modem`'s.
//!
//! All instants are monotonic, which hold within one sitting alone: between two sittings lies a gap of no known length.

use jiff::Timestamp;

use crate::model::event::{CheckOutcome, ModemState};
use crate::model::{Fault, LineId, Mono};

/// One sitting of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SittingSpan {
    /// When its first event was told.
    pub started: Timestamp,
    /// That event's monotonic stamp.
    pub from: Mono,
    /// The stamp of its last event so far.
    pub to: Mono,
}

/// What a modem was at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A call that has ended.
    Call {
        /// Its line.
        line: LineId,
        /// Its number within the line.
        attempt: u32,
        /// What it found; absent is a pass.
        fault: Option<Fault>,
    },
    /// A call that is running, or was when its sitting was cut off.
    OpenCall {
        /// Its line.
        line: LineId,
        /// Its number within the line.
        attempt: u32,
    },
    /// A check of the bench; absent: it is running, or its sitting was cut off.
    Check(Option<CheckOutcome>),
    /// Out for a while, until it was set up again.
    Out(Option<Fault>),
    /// Its on-hook was not proven; no line is called on it before a set-up has hung up.
    HangupUnproven,
    /// Under quarantine.
    Quarantined,
    /// Left alone for the rest of the run.
    Wedged,
    /// Tried again slowly.
    Down,
    /// Out of service, by whoever operates the bank.
    Disabled,
    /// Lent to a technician's call.
    Lent,
}

/// So long was it at that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spell {
    /// Which sitting, from 0.
    pub sitting: usize,
    /// From then on, within the sitting.
    pub from: Mono,
    /// To then, within the sitting.
    pub to: Mono,
    /// At what.
    pub act: Act,
}

/// One modem's spells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Night {
    spells: Vec<Spell>,
    call: Option<(Mono, LineId, u32)>,
    standing: Option<(Mono, Act)>,
    /// How it stood when its check began, which the check interrupts and need not end.
    behind: Option<Act>,
}

/// The spells of all modems of the bank, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nights {
    sittings: Vec<SittingSpan>,
    modems: Vec<Night>,
}

impl Nights {
    pub(super) fn begin(modems: usize, at: Timestamp, mono: Mono) -> Self {
        let first = SittingSpan { started: at, from: mono, to: mono };
        Self { sittings: vec![first], modems: vec![Night::default(); modems] }
    }

    /// An event has come: the sitting lasts at least until then.
    pub(super) fn tick(&mut self, mono: Mono) {
        if let Some(sitting) = self.sittings.last_mut() {
            sitting.to = sitting.to.max(mono);
        }
    }

    /// A new sitting: whatever was going on ended with the old one, nobody knows how.
    pub(super) fn resume(&mut self, at: Timestamp, mono: Mono) {
        let (sitting, now) = self.now();
        for night in &mut self.modems {
            let open: Vec<Spell> = night.open(sitting, now).collect();
            night.spells.extend(open);
            (night.call, night.standing, night.behind) = (None, None, None);
        }
        self.sittings.push(SittingSpan { started: at, from: mono, to: mono });
    }

    pub(super) fn call_started(&mut self, modem: usize, line: LineId, attempt: u32, mono: Mono) {
        self.modems[modem].call = Some((mono, line, attempt));
    }

    pub(super) fn call_ended(&mut self, modem: usize, fault: Option<Fault>, mono: Mono) {
        let sitting = self.sittings.len() - 1;
        let night = &mut self.modems[modem];
        if let Some((from, line, attempt)) = night.call.take() {
            night.spells.push(Spell { sitting, from, to: mono, act: Act::Call { line, attempt, fault } });
        }
    }

    pub(super) fn told(&mut self, modem: usize, state: ModemState, fault: Option<Fault>, mono: Mono) {
        let act = match state {
            ModemState::Identified => return,
            ModemState::Ready => None,
            ModemState::Out => Some(Act::Out(fault)),
            ModemState::HangupUnproven => Some(Act::HangupUnproven),
            ModemState::Checking => Some(Act::Check(None)),
            ModemState::Quarantined => Some(Act::Quarantined),
            ModemState::Wedged => Some(Act::Wedged),
            ModemState::Down => Some(Act::Down),
            ModemState::Disabled => Some(Act::Disabled),
            ModemState::Lent => Some(Act::Lent),
        };
        let sitting = self.sittings.len() - 1;
        let night = &mut self.modems[modem];
        let before = night.stand(sitting, act, mono);
        night.behind = before.filter(|_| state == ModemState::Checking);
    }

    /// The check is over; unless it passed, the modem stands as it did before, until it is told otherwise.
    pub(super) fn checked(&mut self, modem: usize, outcome: CheckOutcome, took_ms: u64, mono: Mono) {
        let sitting = self.sittings.len() - 1;
        let night = &mut self.modems[modem];
        let took = std::time::Duration::from_millis(took_ms);
        let from = match &night.standing {
            Some((from, Act::Check(_))) => *from,
            _ => mono.before(took),
        };
        if matches!(night.standing, Some((_, Act::Check(_)))) {
            night.standing = None;
            let behind = night.behind.take().filter(|_| outcome != CheckOutcome::Passed);
            night.standing = behind.map(|act| (mono, act));
        }
        night.spells.push(Spell { sitting, from, to: mono, act: Act::Check(Some(outcome)) });
    }

    pub(super) fn sittings(&self) -> &[SittingSpan] {
        &self.sittings
    }

    /// The spells of one modem, those that are still going on behind the others.
    pub(super) fn of(&self, modem: usize) -> impl Iterator<Item = Spell> + '_ {
        let (sitting, now) = self.now();
        let night = self.modems.get(modem);
        night.into_iter().flat_map(move |night| night.spells.iter().cloned().chain(night.open(sitting, now)))
    }

    fn now(&self) -> (usize, Mono) {
        let to = self.sittings.last().map_or(Mono::ZERO, |sitting| sitting.to);
        (self.sittings.len().saturating_sub(1), to)
    }
}

impl Night {
    /// Takes a new standing and hands back the old one.
    fn stand(&mut self, sitting: usize, act: Option<Act>, mono: Mono) -> Option<Act> {
        let old = self.standing.take();
        if let Some((from, act)) = &old {
            self.spells.push(Spell { sitting, from: *from, to: mono, act: act.clone() });
        }
        self.standing = act.map(|act| (mono, act));
        old.map(|(_, act)| act)
    }

    fn open(&self, sitting: usize, now: Mono) -> impl Iterator<Item = Spell> + '_ {
        let call = self.call.as_ref().map(|(from, line, attempt)| {
            let act = Act::OpenCall { line: line.clone(), attempt: *attempt };
            Spell { sitting, from: *from, to: now, act }
        });
        let standing = self.standing.as_ref();
        let standing = standing.map(|(from, act)| Spell { sitting, from: *from, to: now, act: act.clone() });
        call.into_iter().chain(standing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nights() -> Nights {
        Nights::begin(1, Timestamp::UNIX_EPOCH, Mono::ZERO)
    }

    fn told(nights: &Nights) -> Vec<(u64, u64, Act)> {
        nights.of(0).map(|s| (s.from.as_micros() / 1000, s.to.as_micros() / 1000, s.act)).collect()
    }

    const fn ms(ms: u64) -> Mono {
        Mono::from_millis(ms)
    }

    #[test]
    fn a_modem_is_out_until_it_is_ready_again() {
        let mut nights = nights();
        nights.told(0, ModemState::Ready, None, ms(5));
        nights.told(0, ModemState::HangupUnproven, None, ms(10));
        nights.told(0, ModemState::Out, Some(Fault::PortLost), ms(11));
        nights.told(0, ModemState::Identified, None, ms(30));
        nights.told(0, ModemState::Ready, None, ms(40));
        nights.tick(ms(90));
        assert_eq!(told(&nights), [(10, 11, Act::HangupUnproven), (11, 40, Act::Out(Some(Fault::PortLost)))]);
    }

    #[test]
    fn a_quarantine_goes_on_behind_a_check_that_fails_and_ends_with_one_that_passes() {
        let mut nights = nights();
        nights.told(0, ModemState::Quarantined, None, ms(10));
        nights.told(0, ModemState::Checking, None, ms(20));
        nights.checked(0, CheckOutcome::Failed, 4, ms(24));
        nights.told(0, ModemState::Checking, None, ms(30));
        nights.checked(0, CheckOutcome::Passed, 5, ms(35));
        nights.tick(ms(50));
        let want = [
            (10, 20, Act::Quarantined),
            (20, 24, Act::Check(Some(CheckOutcome::Failed))),
            (24, 30, Act::Quarantined),
            (30, 35, Act::Check(Some(CheckOutcome::Passed))),
        ];
        assert_eq!(told(&nights), want);
    }

    #[test]
    fn what_goes_on_lasts_until_the_last_word_of_its_sitting() {
        let mut nights = nights();
        nights.call_started(0, "BR0001-A".parse().unwrap(), 1, ms(10));
        nights.tick(ms(70));
        let open = Act::OpenCall { line: "BR0001-A".parse().unwrap(), attempt: 1 };
        assert_eq!(told(&nights), [(10, 70, open.clone())]);
        nights.resume(Timestamp::UNIX_EPOCH, ms(0));
        nights.told(0, ModemState::Wedged, None, ms(3));
        nights.tick(ms(5));
        assert_eq!(told(&nights), [(10, 70, open), (3, 5, Act::Wedged)]);
        assert_eq!(nights.sittings().len(), 2);
    }
}
