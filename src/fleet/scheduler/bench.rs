//! Our own side as the scheduler sees it: which modems are free, which come back, and which trunks are full.
//!
//! Nothing here looks at all modems because something happened to one: what is asked of the whole bank at every step is
//! kept by [`Bench::edit`], through which each change of a modem goes.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use super::ModemSeat;
use super::orders::Bid;
use super::queue::Burden;
use crate::fleet::policy::{BenchPolicy, OUTSIDE_LINE_STREAK_MAX};
use crate::model::{Fault, ModemId, Mono, TrunkName};

/// The trunk of modems that have none.
const NO_TRUNK: usize = 0;

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
    /// Out of service by order: it has no worker.
    Away,
}

/// Why a modem is out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) fault: Fault,
    pub(super) detail: String,
}

#[derive(Debug)]
struct Seat {
    trunk: usize,
    state: State,
    quarantined: bool,
    due: Due,
    /// It was looked at already, and stays free.
    aside: bool,
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
    /// Something was ordered that is done once it is on-hook.
    bidden: Option<Bid>,
    /// It is lent: its call is not ours.
    lent: bool,
    /// Times in a row that its worker died in a call.
    deaths: u32,
    /// It was tried often enough, and is tried again slowly.
    down: bool,
}

/// What a modem counts as: whatever is asked of all of them at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    hopeful: bool,
    in_service: bool,
    gone: bool,
    /// In which of its trunk's queues it stands.
    ready: Option<Ready>,
    /// And in which for other modems' checks.
    answers: Option<Answers>,
}

/// What the scheduler's checks say of a modem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Due {
    /// It is to be checked before its next line.
    pub(super) check: bool,
    /// Its dial tone is to be listened for first.
    pub(super) tone: bool,
    /// It may answer another one's check: it has a number, and nothing speaks against it.
    pub(super) answers: bool,
}

/// What a modem that may answer another one's check is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// It is ready.
    Now,
    /// It will be.
    Later,
}

/// What a modem that is set up and in no call does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    /// It takes a line.
    ForLine,
    /// It is to be checked.
    ForCheck,
}

/// A group of modems that share outside lines. Those without a trunk have one without a limit.
#[derive(Debug)]
struct Trunk {
    most: Option<u32>,
    calls: u32,
    /// Modems that are ready, whether there is room or not; by what they are ready for.
    ready: [BTreeSet<usize>; 2],
    /// The first of each, as it stands in [`Bench::fronts`]: none where there is no room.
    fronts: [Option<usize>; 2],
    /// Modems that may answer another one's check, by when.
    answers: [BTreeSet<usize>; 2],
}

/// What became of a modem that went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Exit {
    /// It is tried again then.
    Until(Mono),
    /// It was tried often enough: it is tried again then, slowly.
    Slowly(Mono),
    /// It was tried often enough, and is left alone.
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
    /// Of each trunk that has room, the first modem (and the trunk) that is ready for a line, or for a check.
    fronts: [BTreeSet<(usize, usize)>; 2],
    /// Modems that are worth waiting for.
    hopeful: BTreeSet<usize>,
    /// How many are in service, and not under quarantine.
    in_service: usize,
    /// How many are left alone for the rest of the run.
    gone: usize,
    /// Modems that were looked at and stay free.
    aside: Vec<usize>,
    /// Since when no modem at all is in service.
    bare_since: Option<Mono>,
    /// The modem that went out last.
    last_out: Option<usize>,
}

impl Bench {
    pub(super) fn new(modems: Vec<ModemSeat>, limits: &BTreeMap<TrunkName, NonZeroU32>) -> Self {
        let mut indices: BTreeMap<TrunkName, usize> = BTreeMap::new();
        // The first is for those that have none.
        let mut trunks = vec![Trunk::new(None)];
        let mut ids = Vec::with_capacity(modems.len());
        let mut seats = Vec::with_capacity(modems.len());
        for modem in modems {
            let trunk = modem.trunk.map_or(NO_TRUNK, |name| {
                let most = limits.get(&name).map(|most| most.get());
                *indices.entry(name).or_insert_with(|| {
                    trunks.push(Trunk::new(most));
                    trunks.len() - 1
                })
            });
            ids.push(modem.id);
            seats.push(Seat {
                trunk,
                state: State::SettingUp,
                quarantined: false,
                due: Due::default(),
                aside: false,
                strikes: 0,
                busy: 0,
                lineless: 0,
                trouble: None,
                leaves: false,
                bidden: None,
                lent: false,
                deaths: 0,
                down: false,
            });
        }
        Self {
            hopeful: (0..seats.len()).filter(|&modem| Seat::standing(&seats[modem]).hopeful).collect(),
            ids,
            seats,
            trunks,
            fronts: Default::default(),
            in_service: 0,
            gone: 0,
            aside: Vec::new(),
            bare_since: None,
            last_out: None,
        }
    }

    /// Changes a modem, and what is kept of the whole bank.
    fn edit<T>(&mut self, modem: usize, change: impl FnOnce(&mut Seat) -> T) -> T {
        let before = self.seats[modem].standing();
        let result = change(&mut self.seats[modem]);
        let (after, trunk) = (self.seats[modem].standing(), self.seats[modem].trunk);
        if before == after {
            return result;
        }
        match (before.hopeful, after.hopeful) {
            (false, true) => drop(self.hopeful.insert(modem)),
            (true, false) => drop(self.hopeful.remove(&modem)),
            _ => {}
        }
        self.in_service = self.in_service + usize::from(after.in_service) - usize::from(before.in_service);
        self.gone = self.gone + usize::from(after.gone) - usize::from(before.gone);
        if before.answers != after.answers {
            if let Some(answers) = before.answers {
                self.trunks[trunk].answers[answers as usize].remove(&modem);
            }
            if let Some(answers) = after.answers {
                self.trunks[trunk].answers[answers as usize].insert(modem);
            }
        }
        if before.ready != after.ready {
            if let Some(ready) = before.ready {
                self.trunks[trunk].ready[ready as usize].remove(&modem);
            }
            if let Some(ready) = after.ready {
                self.trunks[trunk].ready[ready as usize].insert(modem);
            }
            self.line_up(trunk);
        }
        result
    }

    /// Changes how many calls a trunk carries.
    fn carry(&mut self, trunk: usize, calls: impl FnOnce(u32) -> u32) {
        self.trunks[trunk].calls = calls(self.trunks[trunk].calls);
        self.line_up(trunk);
    }

    /// Keeps a trunk's place among those that have room.
    fn line_up(&mut self, index: usize) {
        let trunk = &mut self.trunks[index];
        let room = trunk.has_room();
        for (kind, all) in self.fronts.iter_mut().enumerate() {
            let front = trunk.ready[kind].first().copied().filter(|_| room);
            let before = std::mem::replace(&mut trunk.fronts[kind], front);
            if before != front {
                before.map(|modem| all.remove(&(modem, index)));
                front.map(|modem| all.insert((modem, index)));
            }
        }
    }

    pub(super) fn state(&self, modem: usize) -> State {
        self.seats[modem].state
    }

    pub(super) fn is_quarantined(&self, modem: usize) -> bool {
        self.seats[modem].quarantined
    }

    /// No line is called on it; a call that is running ends first.
    pub(super) fn quarantine(&mut self, modem: usize) {
        self.edit(modem, |seat| seat.quarantined = true);
    }

    /// It has passed its check. Whether it was under quarantine.
    pub(super) fn take_back(&mut self, modem: usize) -> bool {
        self.edit(modem, |seat| std::mem::take(&mut seat.quarantined))
    }

    /// Takes in what the checks say of it.
    pub(super) fn note_due(&mut self, modem: usize, due: Due) {
        self.edit(modem, |seat| seat.due = due);
    }

    /// A modem under quarantine, not in a call, is left alone until then; without a time, for the rest of the run. Whether
    /// it was not left alone for good before.
    pub(super) fn rest(&mut self, modem: usize, until: Option<Mono>) -> bool {
        self.edit(modem, |seat| {
            if matches!(seat.state, State::Gone | State::Away) {
                return false;
            }
            seat.leaves = false;
            seat.state = until.map_or(State::Gone, |until| State::Out { until });
            true
        })
    }

    /// Who may answer a check of this modem now, in the order of the bank within each trunk; and whether somebody may
    /// later, for all that is known.
    pub(super) fn answerers(&self, modem: usize) -> (Vec<&BTreeSet<usize>>, bool) {
        let own = self.seats[modem].trunk;
        let anybody = |modems: &BTreeSet<usize>| modems.iter().take(2).any(|&other| other != modem);
        let (mut now, mut later) = (Vec::new(), false);
        for (index, trunk) in self.trunks.iter().enumerate() {
            if !self.room_for_both(own, index, |_| 0) {
                continue;
            }
            let [ready, busy] = &trunk.answers;
            later |= anybody(busy);
            if self.room_for_both(own, index, |trunk| trunk.calls) {
                now.push(ready);
            } else {
                later |= anybody(ready);
            }
        }
        (now, later)
    }

    /// Whether two trunks, or one, have room for two more calls beside these.
    fn room_for_both(&self, one: usize, other: usize, calls: impl Fn(&Trunk) -> u32) -> bool {
        let wanted = if one == other { 2 } else { 1 };
        let fits = |trunk: usize| {
            let trunk = &self.trunks[trunk];
            trunk.most.is_none_or(|most| calls(trunk) + wanted <= most)
        };
        fits(one) && fits(other)
    }

    /// The next modem that can take a call now, in the order of the bank: one that is to be checked, or any if there are
    /// lines to be called. One that stays free is to be put aside, or it is the next one again.
    pub(super) fn next_free(&self, lines: bool) -> Option<usize> {
        let first = |ready: Ready| self.fronts[ready as usize].first().map(|&(modem, _)| modem);
        let for_line = first(Ready::ForLine).filter(|_| lines);
        for_line.into_iter().chain(first(Ready::ForCheck)).min()
    }

    /// A modem that is free stays so, and is not asked for again before [`Self::ask_again`].
    pub(super) fn put_aside(&mut self, modem: usize) {
        if self.edit(modem, |seat| !std::mem::replace(&mut seat.aside, true)) {
            self.aside.push(modem);
        }
    }

    /// Those that were put aside count as the others.
    pub(super) fn ask_again(&mut self) {
        for modem in std::mem::take(&mut self.aside) {
            self.edit(modem, |seat| seat.aside = false);
        }
    }

    pub(super) fn is_free(&self, modem: usize) -> bool {
        let seat = &self.seats[modem];
        seat.state == State::Ready && self.trunks[seat.trunk].has_room()
    }

    /// Whether a modem is in service, or is expected to be soon: worth waiting for. A port that another program holds
    /// is not: nobody knows when that one ends.
    pub(super) fn is_hopeful(&self, modem: usize) -> bool {
        self.seats[modem].is_hopeful()
    }

    /// The modems that are worth waiting for, in the order of the bank.
    pub(super) fn all_hopeful(&self) -> impl Iterator<Item = usize> + '_ {
        self.hopeful.iter().copied()
    }

    /// How many modems are worth waiting for.
    pub(super) fn hopeful(&self) -> usize {
        self.hopeful.len()
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
        let trunk = self.edit(modem, |seat| {
            debug_assert_eq!(seat.state, State::Ready, "a call begins on a modem that is not free");
            seat.state = State::InCall;
            seat.trunk
        });
        self.carry(trunk, |calls| calls + 1);
    }

    /// A call is over; its modem is not free before one of the following three says so.
    pub(super) fn end_call(&mut self, modem: usize) {
        let trunk = self.edit(modem, |seat| {
            seat.state = State::SettingUp;
            seat.trunk
        });
        self.carry(trunk, |calls| calls.saturating_sub(1));
    }

    /// The modem did its part in a call that is over.
    pub(super) fn served(&mut self, modem: usize, now: Mono, policy: &BenchPolicy) -> Option<Exit> {
        self.edit(modem, |seat| {
            seat.lineless = 0;
            seat.strikes = 0;
            seat.busy = 0;
            seat.deaths = 0;
        });
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
        let streak = self.edit(modem, |seat| {
            seat.lineless += 1;
            let streak = seat.lineless >= OUTSIDE_LINE_STREAK_MAX && !seat.leaves;
            if streak {
                seat.lineless = 0;
            }
            streak
        });
        if streak {
            return Some(self.out(modem, now, trouble, policy));
        }
        self.free_or_leave(modem, now, policy)
    }

    /// The call is over: free again, unless it was told to be out meanwhile.
    pub(super) fn free_or_leave(&mut self, modem: usize, now: Mono, policy: &BenchPolicy) -> Option<Exit> {
        if self.seats[modem].state == State::Gone {
            return None;
        }
        let leaves = self.edit(modem, |seat| std::mem::take(&mut seat.leaves));
        if leaves && let Some(trouble) = self.seats[modem].trouble.clone() {
            return Some(self.out(modem, now, trouble, policy));
        }
        self.edit(modem, |seat| seat.state = State::Ready);
        None
    }

    /// The modem was set up. Whether that was news.
    pub(super) fn ready(&mut self, modem: usize) -> bool {
        self.edit(modem, |seat| match seat.state {
            State::SettingUp | State::Out { .. } => {
                seat.state = State::Ready;
                seat.trouble = None;
                seat.down = false;
                true
            }
            State::Ready | State::InCall | State::Gone | State::Away => false,
        })
    }

    /// The modem can't be had.
    pub(super) fn out(&mut self, modem: usize, now: Mono, trouble: Trouble, policy: &BenchPolicy) -> Exit {
        let held = trouble.fault == Fault::PortBusy;
        match self.seats[modem].state {
            State::Gone | State::Out { .. } | State::Away => return Exit::AlreadyOut,
            State::InCall => {
                self.edit(modem, |seat| {
                    seat.leaves = true;
                    seat.trouble = Some(trouble);
                });
                return Exit::AfterCall;
            }
            State::SettingUp | State::Ready => {}
        }
        self.last_out = Some(modem);
        self.edit(modem, |seat| {
            seat.leaves = false;
            seat.trouble = Some(trouble);
            let spent = seat.is_spent(held, policy);
            let until = seat.back_at(now, held, policy);
            let tries = if held { &mut seat.busy } else { &mut seat.strikes };
            *tries = tries.saturating_add(1);
            if spent {
                return seat.rest_long(until);
            }
            let until = until.unwrap_or(now);
            seat.state = State::Out { until };
            Exit::Until(until)
        })
    }

    /// When a modem that went out now would be tried again, if ever; of one that is out already, when it is. Absent too for one
    /// that is in a call: that comes first.
    pub(super) fn back_at(
        &self,
        modem: usize,
        now: Mono,
        fault: Fault,
        policy: &BenchPolicy,
    ) -> Option<Mono> {
        let seat = &self.seats[modem];
        match seat.state {
            State::SettingUp | State::Ready => seat.back_at(now, fault == Fault::PortBusy, policy),
            State::Out { until } => Some(until),
            State::InCall | State::Gone | State::Away => None,
        }
    }

    /// A modem is being set up again.
    pub(super) fn set_up(&mut self, modem: usize) {
        self.edit(modem, |seat| {
            if !matches!(seat.state, State::Gone | State::Away) {
                seat.state = State::SettingUp;
            }
        });
    }

    /// The worker of a modem died in a call that is over: it is set up from scratch, at once the first time, and then after
    /// pauses that grow.
    pub(super) fn died(
        &mut self,
        modem: usize,
        now: Mono,
        trouble: Trouble,
        policy: &BenchPolicy,
    ) -> Option<Exit> {
        if matches!(self.seats[modem].state, State::Gone | State::Away) {
            return None;
        }
        self.edit(modem, |seat| {
            seat.leaves = false;
            seat.deaths = seat.deaths.saturating_add(1);
            if seat.deaths > policy.deaths_max {
                seat.trouble = Some(trouble);
                return Some(seat.rest_long(policy.slow_retry.map(|pause| now + pause)));
            }
            let until = now + policy.after_death(seat.deaths);
            seat.state = State::Out { until };
            Some(Exit::Until(until))
        })
    }

    // --- by order

    /// Something is to be done with it once it is on-hook, or no longer.
    pub(super) fn bid(&mut self, modem: usize, bidden: Option<Bid>) {
        self.edit(modem, |seat| seat.bidden = bidden);
    }

    /// It is out of service.
    pub(super) fn send_away(&mut self, modem: usize) {
        self.edit(modem, |seat| {
            (seat.leaves, seat.down) = (false, false);
            seat.trouble = None;
            seat.state = State::Away;
        });
    }

    /// It is set up as if it were new.
    pub(super) fn renew(&mut self, modem: usize) {
        self.edit(modem, |seat| {
            (seat.strikes, seat.busy, seat.lineless, seat.deaths) = (0, 0, 0, 0);
            (seat.leaves, seat.down) = (false, false);
            seat.trouble = None;
            seat.state = State::SettingUp;
        });
    }

    /// It can't be had any more. Whether that is news.
    pub(super) fn give_up(&mut self, modem: usize) -> bool {
        self.edit(modem, |seat| std::mem::replace(&mut seat.state, State::Gone) != State::Gone)
    }

    /// It goes to a technician: on its trunk that is a call like any other.
    pub(super) fn lend(&mut self, modem: usize) {
        let trunk = self.edit(modem, |seat| {
            seat.lent = true;
            seat.state = State::InCall;
            seat.trunk
        });
        self.carry(trunk, |calls| calls + 1);
    }

    /// It is back, and to be set up.
    pub(super) fn take_home(&mut self, modem: usize) {
        self.edit(modem, |seat| seat.lent = false);
        self.end_call(modem);
        self.renew(modem);
    }

    /// The modems that could make a call now, in the order of the bank.
    pub(super) fn free(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.seats.len()).filter(|&modem| self.is_free(modem) && self.seats[modem].bidden.is_none())
    }

    /// Modems that were missed are missed from now on only.
    pub(super) const fn forget_bareness(&mut self) {
        self.bare_since = None;
    }

    /// Keeps the time since which no modem is in service. To be called after every change.
    pub(super) fn watch(&mut self, now: Mono) {
        if self.in_service > 0 {
            self.bare_since = None;
        } else {
            self.bare_since.get_or_insert(now);
        }
    }

    /// When lines that wait for a modem lose their patience.
    pub(super) fn patience_ends(&self, policy: &BenchPolicy) -> Option<Mono> {
        self.bare_since.map(|since| since + policy.patience)
    }

    /// Whether every modem is left alone for the rest of the run.
    pub(super) const fn is_gone(&self) -> bool {
        self.gone == self.seats.len()
    }

    /// The reason why no modem can be had any more, once there is one.
    pub(super) fn hopeless(&self, now: Mono, policy: &BenchPolicy) -> Option<Trouble> {
        let waited = self.patience_ends(policy).is_some_and(|ends| now >= ends);
        if !self.is_gone() && !waited {
            return None;
        }
        let out = self.last_out.into_iter().chain((0..self.seats.len()).rev());
        let last = out
            .filter(|&modem| !self.seats[modem].quarantined && self.seats[modem].state != State::Away)
            .find_map(|modem| Some((&self.ids[modem], self.seats[modem].trouble.as_ref()?)));
        let told = last.map(|(id, trouble)| {
            let detail = if trouble.detail.is_empty() { trouble.fault.code() } else { &trouble.detail };
            format!("`{id}`: {detail}")
        });
        let is_there = |seat: &&Seat| seat.state != State::Away;
        let quarantined = self.seats.iter().filter(is_there).any(|seat| seat.quarantined);
        let away = self.seats.iter().any(|seat| seat.state == State::Away);
        Some(match (quarantined, last, told) {
            // Nothing is wrong with them: whoever took them out of service wanted that.
            (false, None, _) if away => Trouble {
                fault: Fault::Cancelled,
                detail: "no modem is left in service: all are disabled".to_owned(),
            },
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

#[cfg(test)]
impl Bench {
    /// Holds what is kept of the whole bank to what its modems say one by one.
    pub(super) fn assert_kept(&self) {
        let standing = |modem: &usize| self.seats[*modem].standing();
        let all = || 0..self.seats.len();
        assert_eq!(self.hopeful, all().filter(|modem| standing(modem).hopeful).collect());
        assert_eq!(self.in_service, all().filter(|modem| standing(modem).in_service).count());
        assert_eq!(self.gone, all().filter(|modem| standing(modem).gone).count());
        assert_eq!(self.aside, [0; 0]);
        for (kind, ready) in [Ready::ForLine, Ready::ForCheck].into_iter().enumerate() {
            let mut fronts = BTreeSet::new();
            for (index, trunk) in self.trunks.iter().enumerate() {
                let here = |modem: &usize| self.seats[*modem].trunk == index;
                let modems: BTreeSet<usize> =
                    all().filter(|modem| here(modem) && standing(modem).ready == Some(ready)).collect();
                fronts.extend(modems.first().filter(|_| trunk.has_room()).map(|&modem| (modem, index)));
                assert_eq!(trunk.ready[kind], modems);
                let answers = [Answers::Now, Answers::Later][kind];
                let modems: BTreeSet<usize> =
                    all().filter(|modem| here(modem) && standing(modem).answers == Some(answers)).collect();
                assert_eq!(trunk.answers[kind], modems);
                let calls = all().filter(|modem| here(modem) && self.seats[*modem].state == State::InCall);
                assert_eq!(trunk.calls as usize, calls.count());
            }
            assert_eq!(self.fronts[kind], fronts);
        }
    }

    pub(super) fn due(&self, modem: usize) -> Due {
        self.seats[modem].due
    }
}

impl Seat {
    /// When it would be tried again if it went out now; absent if it has been tried often enough.
    fn back_at(&self, now: Mono, held: bool, policy: &BenchPolicy) -> Option<Mono> {
        if self.is_spent(held, policy) {
            return policy.slow_retry.map(|pause| now + pause);
        }
        let tries = if held { self.busy } else { self.strikes }.saturating_add(1);
        Some(now + policy.pause(tries))
    }

    /// It was tried as often as modems are tried; a busy port has no such limit.
    const fn is_spent(&self, held: bool, policy: &BenchPolicy) -> bool {
        !held && self.strikes >= policy.setups_max
    }

    /// It was tried often enough: left alone, or tried again then.
    const fn rest_long(&mut self, until: Option<Mono>) -> Exit {
        let Some(until) = until else {
            self.state = State::Gone;
            return Exit::ForGood;
        };
        self.down = true;
        self.state = State::Out { until };
        Exit::Slowly(until)
    }

    fn is_hopeful(&self) -> bool {
        let held = self.trouble.as_ref().is_some_and(|trouble| trouble.fault == Fault::PortBusy);
        match self.state {
            _ if self.quarantined || self.bidden == Some(Bid::Leave) || self.lent || self.down => false,
            // One that leaves after its call is out then, and comes back like any other.
            State::Ready | State::InCall => !(self.leaves && held),
            State::SettingUp | State::Out { .. } => !held,
            State::Gone | State::Away => false,
        }
    }

    fn standing(&self) -> Standing {
        let ready = (self.state == State::Ready && !self.aside && self.bidden.is_none())
            .then_some(if self.due.check { Ready::ForCheck } else { Ready::ForLine });
        let hopeful = self.is_hopeful();
        let answers = match self.state {
            _ if !self.due.answers || !hopeful => None,
            State::Ready if !self.due.tone => Some(Answers::Now),
            State::Ready | State::InCall | State::SettingUp => Some(Answers::Later),
            State::Out { .. } | State::Gone | State::Away => None,
        };
        Standing {
            hopeful,
            answers,
            in_service: !self.quarantined && matches!(self.state, State::Ready | State::InCall),
            gone: self.state == State::Gone,
            ready,
        }
    }
}

impl Trunk {
    fn new(most: Option<u32>) -> Self {
        Self { most, calls: 0, ready: Default::default(), fronts: [None; 2], answers: Default::default() }
    }

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
