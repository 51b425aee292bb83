//! Our own side as the scheduler sees it: which modems are free, which come back, and which trunks are full.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::ModemSeat;
use super::queue::Burden;
use crate::fleet::policy::{BenchPolicy, OUTSIDE_LINE_STREAK_MAX};
use crate::model::{Fault, ModemId, Mono, TrunkName};

/// What a modem is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is being set up, or the sitting has not begun.
    SettingUp,
    /// Set up and free.
    Ready,
    /// On a call.
    InCall,
    /// Out until then; then it is set up again.
    Out { until: Mono },
    /// Left alone for the rest of the run.
    Gone,
}

/// Why a modem is out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) fault: Fault,
    pub(super) detail: String,
}

#[derive(Debug)]
struct Seat {
    trunk: Option<usize>,
    state: State,
    quarantined: bool,
    has_number: bool,
    /// Times that it went out since its last good call; a busy port aside.
    strikes: u32,
    /// Times in a row that its port was busy.
    busy: u32,
    /// Calls in a row without a usable outside line.
    lineless: u32,
    /// Why it is out, or was last.
    trouble: Option<Trouble>,
    /// It was told to be out while its call was still running.
    leaves: bool,
}

#[derive(Debug)]
struct Trunk {
    most: Option<u32>,
    calls: u32,
}

/// What became of a modem that went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Exit {
    /// It is tried again then.
    Until(Mono),
    /// It was tried often enough.
    ForGood,
    /// Its call is still running.
    AfterCall,
    /// It was out already.
    AlreadyOut,
}

/// The modems and trunks.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) ids: Vec<ModemId>,
    seats: Vec<Seat>,
    trunks: Vec<Trunk>,
    /// Since when no modem at all is in service.
    bare_since: Option<Mono>,
    /// The modem that went out last.
    last_out: Option<usize>,
}

impl Bench {
    pub(super) fn new(modems: Vec<ModemSeat>, limits: &BTreeMap<TrunkName, NonZeroU32>) -> Self {
        let mut indices: BTreeMap<TrunkName, usize> = BTreeMap::new();
        let mut trunks = Vec::new();
        let mut ids = Vec::new();
        let mut seats = Vec::new();
        for modem in modems {
            let trunk = modem.trunk.map(|name| {
                let most = limits.get(&name).map(|most| most.get());
                *indices.entry(name).or_insert_with(|| {
                    trunks.push(Trunk { most, calls: 0 });
                    trunks.len() - 1
                })
            });
            ids.push(modem.id);
            seats.push(Seat {
                trunk,
                state: State::SettingUp,
                quarantined: false,
                has_number: modem.has_number,
                strikes: 0,
                busy: 0,
                lineless: 0,
                trouble: None,
                leaves: false,
            });
        }
        Self { ids, seats, trunks, bare_since: None, last_out: None }
    }

    pub(super) fn state(&self, modem: usize) -> State {
        self.seats[modem].state
    }

    pub(super) fn is_quarantined(&self, modem: usize) -> bool {
        self.seats[modem].quarantined
    }

    pub(super) fn has_number(&self, modem: usize) -> bool {
        self.seats[modem].has_number
    }

    /// No line is called on it; a call that is running ends first.
    pub(super) fn quarantine(&mut self, modem: usize) {
        self.seats[modem].quarantined = true;
    }

    /// It has passed its check. Whether it was under quarantine.
    pub(super) fn take_back(&mut self, modem: usize) -> bool {
        std::mem::take(&mut self.seats[modem].quarantined)
    }

    /// A modem under quarantine, not in a call, is left alone until then; without a time, for the rest of the run. Whether
    /// it was not left alone for good before.
    pub(super) fn rest(&mut self, modem: usize, until: Option<Mono>) -> bool {
        let seat = &mut self.seats[modem];
        if seat.state == State::Gone {
            return false;
        }
        seat.leaves = false;
        seat.state = until.map_or(State::Gone, |until| State::Out { until });
        true
    }

    /// Whether the trunks have room for two modems at a time, as they are now.
    pub(super) fn both_have_room(&self, one: usize, other: usize) -> bool {
        self.room_for_both(one, other, |trunk| trunk.calls)
    }

    /// The same if nobody else were calling.
    pub(super) fn could_both_call(&self, one: usize, other: usize) -> bool {
        self.room_for_both(one, other, |_| 0)
    }

    fn room_for_both(&self, one: usize, other: usize, calls: impl Fn(&Trunk) -> u32) -> bool {
        let (one, other) = (self.seats[one].trunk, self.seats[other].trunk);
        let wanted = if one == other { 2 } else { 1 };
        let fits = |trunk: Option<usize>| {
            trunk.is_none_or(|trunk| {
                let trunk = &self.trunks[trunk];
                trunk.most.is_none_or(|most| calls(trunk) + wanted <= most)
            })
        };
        fits(one) && fits(other)
    }

    /// Modems that can take a call now, in the order of the bank.
    pub(super) fn free(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.seats.len()).filter(|&modem| self.is_free(modem))
    }

    pub(super) fn is_free(&self, modem: usize) -> bool {
        let seat = &self.seats[modem];
        seat.state == State::Ready && seat.trunk.is_none_or(|trunk| self.trunks[trunk].has_room())
    }

    /// Whether a modem is in service, or is expected to be soon: worth waiting for. A port that another program holds
    /// is not: nobody knows when that one ends.
    pub(super) fn is_hopeful(&self, modem: usize) -> bool {
        let seat = &self.seats[modem];
        let held = seat.trouble.as_ref().is_some_and(|trouble| trouble.fault == Fault::PortBusy);
        match seat.state {
            _ if seat.quarantined => false,
            // One that leaves after its call is out then, and comes back like any other.
            State::Ready | State::InCall => !(seat.leaves && held),
            State::SettingUp | State::Out { .. } => !held,
            State::Gone => false,
        }
    }

    /// How many modems are worth waiting for.
    pub(super) fn hopeful(&self) -> usize {
        (0..self.seats.len()).filter(|&modem| self.is_hopeful(modem)).count()
    }

    /// The lightest weight that any of the `hopeful` modems has in a burden.
    pub(super) fn lightest(&self, burden: &Burden, hopeful: usize) -> u32 {
        let burdened = || burden.iter().filter(|&&(modem, _)| self.is_hopeful(modem));
        if hopeful > burdened().count() {
            return 0;
        }
        burdened().map(|&(_, weight)| weight).min().unwrap_or(0)
    }

    pub(super) fn begin_call(&mut self, modem: usize) {
        let seat = &mut self.seats[modem];
        debug_assert_eq!(seat.state, State::Ready, "a call begins on a modem that is not free");
        seat.state = State::InCall;
        if let Some(trunk) = seat.trunk {
            self.trunks[trunk].calls += 1;
        }
    }

    /// A call is over; its modem is not free before one of the following three says so.
    pub(super) fn end_call(&mut self, modem: usize) {
        let seat = &mut self.seats[modem];
        if let Some(trunk) = seat.trunk {
            self.trunks[trunk].calls = self.trunks[trunk].calls.saturating_sub(1);
        }
        seat.state = State::SettingUp;
    }

    /// The modem did its part in a call that is over.
    pub(super) fn served(&mut self, modem: usize, now: Mono, policy: &BenchPolicy) -> Option<Exit> {
        let seat = &mut self.seats[modem];
        seat.lineless = 0;
        seat.strikes = 0;
        seat.busy = 0;
        self.free_or_leave(modem, now, policy)
    }

    /// The modem had no usable outside line in a call that is over.
    pub(super) fn lineless(
        &mut self,
        modem: usize,
        now: Mono,
        trouble: Trouble,
        policy: &BenchPolicy,
    ) -> Option<Exit> {
        let seat = &mut self.seats[modem];
        seat.lineless += 1;
        if seat.lineless >= OUTSIDE_LINE_STREAK_MAX && !seat.leaves {
            seat.lineless = 0;
            return Some(self.out(modem, now, trouble, policy));
        }
        self.free_or_leave(modem, now, policy)
    }

    /// The call is over: free again, unless it was told to be out meanwhile.
    pub(super) fn free_or_leave(&mut self, modem: usize, now: Mono, policy: &BenchPolicy) -> Option<Exit> {
        let seat = &mut self.seats[modem];
        if seat.state == State::Gone {
            return None;
        }
        if std::mem::take(&mut seat.leaves)
            && let Some(trouble) = seat.trouble.clone()
        {
            return Some(self.out(modem, now, trouble, policy));
        }
        seat.state = State::Ready;
        None
    }

    /// The modem was set up. Whether that was news.
    pub(super) fn ready(&mut self, modem: usize) -> bool {
        let seat = &mut self.seats[modem];
        match seat.state {
            State::SettingUp | State::Out { .. } => {
                seat.state = State::Ready;
                seat.trouble = None;
                true
            }
            State::Ready | State::InCall | State::Gone => false,
        }
    }

    /// The modem can't be had.
    pub(super) fn out(&mut self, modem: usize, now: Mono, trouble: Trouble, policy: &BenchPolicy) -> Exit {
        let seat = &mut self.seats[modem];
        let held = trouble.fault == Fault::PortBusy;
        match seat.state {
            State::Gone | State::Out { .. } => return Exit::AlreadyOut,
            State::InCall => {
                seat.leaves = true;
                seat.trouble = Some(trouble);
                return Exit::AfterCall;
            }
            State::SettingUp | State::Ready => {}
        }
        seat.leaves = false;
        seat.trouble = Some(trouble);
        self.last_out = Some(modem);
        let tries = if held { &mut seat.busy } else { &mut seat.strikes };
        *tries = tries.saturating_add(1);
        if !held && *tries > policy.setups_max {
            seat.state = State::Gone;
            return Exit::ForGood;
        }
        let until = now + policy.pause(*tries);
        seat.state = State::Out { until };
        Exit::Until(until)
    }

    /// A modem is being set up again.
    pub(super) fn set_up(&mut self, modem: usize) {
        if self.seats[modem].state != State::Gone {
            self.seats[modem].state = State::SettingUp;
        }
    }

    /// A modem whose call is over is to be set up from scratch, at once.
    pub(super) fn set_up_again(&mut self, modem: usize, now: Mono) -> Option<Exit> {
        let seat = &mut self.seats[modem];
        if seat.state == State::Gone {
            return None;
        }
        seat.leaves = false;
        seat.state = State::Out { until: now };
        Some(Exit::Until(now))
    }

    /// Keeps the time since which no modem is in service. To be called after every change.
    pub(super) fn watch(&mut self, now: Mono) {
        let in_service = self
            .seats
            .iter()
            .any(|seat| !seat.quarantined && matches!(seat.state, State::Ready | State::InCall));
        if in_service {
            self.bare_since = None;
        } else {
            self.bare_since.get_or_insert(now);
        }
    }

    /// When lines that wait for a modem lose their patience.
    pub(super) fn patience_ends(&self, policy: &BenchPolicy) -> Option<Mono> {
        self.bare_since.map(|since| since + policy.patience)
    }

    /// The reason why no modem can be had any more, once there is one.
    pub(super) fn hopeless(&self, now: Mono, policy: &BenchPolicy) -> Option<Trouble> {
        let all_gone = self.seats.iter().all(|seat| seat.state == State::Gone);
        let waited = self.patience_ends(policy).is_some_and(|ends| now >= ends);
        if !all_gone && !waited {
            return None;
        }
        let out = self.last_out.into_iter().chain((0..self.seats.len()).rev());
        let last = out
            .filter(|&modem| !self.seats[modem].quarantined)
            .find_map(|modem| Some((&self.ids[modem], self.seats[modem].trouble.as_ref()?)));
        let told = last.map(|(id, trouble)| {
            let detail = if trouble.detail.is_empty() { trouble.fault.code() } else { &trouble.detail };
            format!("`{id}`: {detail}")
        });
        let quarantined = self.seats.iter().any(|seat| seat.quarantined);
        Some(match (quarantined, last, told) {
            (true, _, None) => Trouble {
                fault: Fault::QuarantinedBench,
                detail: "only modems under quarantine are left".to_owned(),
            },
            (true, _, Some(told)) => Trouble {
                fault: Fault::QuarantinedBench,
                detail: format!("only modems under quarantine are left; the last of the others, {told}"),
            },
            (false, Some((_, trouble)), Some(told)) => {
                Trouble { fault: trouble.fault, detail: format!("no modem is left; the last, {told}") }
            }
            (false, ..) => Trouble {
                fault: Fault::PortOpenFailed,
                detail: "no modem of the bank could be had".to_owned(),
            },
        })
    }
}

impl Trunk {
    fn has_room(&self) -> bool {
        self.most.is_none_or(|most| self.calls < most)
    }
}

/// What a modem weighs that refuses a line's number: it does not dial it, whatever the others weigh.
pub(super) const BARRED: u32 = u32::MAX;

/// What a modem weighs in a burden.
pub(super) fn weight(burden: &Burden, modem: usize) -> u32 {
    burden.binary_search_by_key(&modem, |&(modem, _)| modem).map_or(0, |found| burden[found].1)
}
