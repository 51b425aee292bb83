//! The bench's own test, outside of any run: every modem set up, its dial tone listened for, calls between the modems, calls
//! to a reference number. Modems work at a time; no number and no modem is in two calls, and no trunk over its limit.
//!
//! Which calls are to be made is the caller's to say ([`ring`] is the usual way); what the findings mean for people is
//! `cli`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::dispatcher::LineBook;
use super::order::{Order, Told};
use super::scheduler::Check;
use super::worker::{self, Channels, CheckOver, Command, OpenPort, Report, Seat};
use crate::call::machine::Cancel;
use crate::model::event::{CheckOutcome, Hangup};
use crate::model::{Fault, Link, ModemId, TrunkName};
use crate::modem::clock::Clock;
use crate::modem::port::Port;

/// Reports and notices that may wait to be read.
const QUEUE_MAX: usize = 256;

/// What is to be inspected.
pub struct Bench<O, B> {
    /// The workers' seats, with the ports that were opened already.
    pub seats: Vec<(Seat, Option<Port>)>,
    /// Opens ports.
    pub opener: Arc<O>,
    /// Makes the calls' particulars.
    pub book: B,
    /// The trunk of each modem that shares one.
    pub trunks: BTreeMap<ModemId, TrunkName>,
    /// Most calls at a time on each.
    pub limits: BTreeMap<TrunkName, NonZeroU32>,
    /// What is to be done, in this order as far as modems are free. A modem that could not be set up, or has no dial
    /// tone, is left out of the rest.
    pub checks: Vec<(ModemId, Check)>,
}

/// What one check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub check: Check,
    /// What it came to.
    pub outcome: CheckOutcome,
    /// What was heard instead.
    pub fault: Option<Fault>,
    /// In words.
    pub detail: String,
    /// The link, where there was one.
    pub link: Link,
}

/// What is known of one modem.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inspected {
    /// Who it said it is, if it was asked.
    pub identified: Option<String>,
    /// Why it could not be set up, or stopped working.
    pub out: Option<(Fault, String)>,
    /// Its dial tone and the calls that it made, in their order.
    pub made: Vec<Finding>,
    /// Calls of others that it was to answer: who called, and whether both connected.
    pub taken: Vec<(ModemId, CheckOutcome)>,
    /// Why its on-hook could not be proven, if so.
    pub hangup_unproven: Option<String>,
}

/// What is known of a bench.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// Of each modem.
    pub modems: BTreeMap<ModemId, Inspected>,
    /// What the user should read besides.
    pub notices: Vec<String>,
    /// It was ended before its end.
    pub stopped: bool,
}

/// The calls of a bank: each modem calls the next one that has a number of its own, so that each of those makes one call
/// and takes one; then all call the reference number, if there is one. The dial tones come first.
pub fn ring(modems: &[(ModemId, bool)], tones: bool, reference: bool) -> Vec<(ModemId, Check)> {
    let mut checks = Vec::new();
    if tones {
        checks.extend(modems.iter().map(|(modem, _)| (modem.clone(), Check::DialTone)));
    }
    for (at, (modem, _)) in modems.iter().enumerate() {
        let others = modems.iter().cycle().skip(at + 1).take(modems.len().saturating_sub(1));
        let mut numbered = others.filter(|(_, has_number)| *has_number);
        if let Some((peer, _)) = numbered.next() {
            checks.push((modem.clone(), Check::Peer(peer.clone())));
        }
    }
    if reference {
        checks.extend(modems.iter().map(|(modem, _)| (modem.clone(), Check::Reference)));
    }
    checks
}

/// Inspects a bench. An order to stop ends it: what is running hangs up, and what is known then is the answer.
pub async fn inspect<O: OpenPort, B: LineBook>(
    bench: Bench<O, B>,
    clock: Clock,
    mut orders: mpsc::Receiver<Told>,
) -> Findings {
    let Bench { seats, opener, book, trunks, limits, checks } = bench;
    let (notices, mut notices_in) = mpsc::channel(QUEUE_MAX);
    let (reports, mut reports_in) = mpsc::channel(QUEUE_MAX);
    let (stop, _) = watch::channel(None);
    let mut tasks = JoinSet::new();
    let mut work = Work {
        book,
        trunks,
        limits,
        left: checks,
        workers: BTreeMap::new(),
        busy: BTreeMap::new(),
        found: BTreeMap::new(),
        notices: Vec::new(),
        stopped: false,
    };
    for (seat, port) in seats {
        let (commands, commands_in) = mpsc::channel(2);
        let channels = Channels {
            commands: commands_in,
            notices: notices.clone(),
            reports: reports.clone(),
            cancel: stop.subscribe(),
        };
        let id = seat.id.clone();
        work.found.insert(id.clone(), Inspected::default());
        work.workers.insert(id.clone(), commands);
        let task = worker::work(seat, Arc::clone(&opener), port, false, clock, channels);
        let name = id.clone();
        tasks.spawn(async move {
            // A worker that dies is an answer too.
            let died = tokio::spawn(task).await.err().map(|error| error.to_string());
            (name, died)
        });
        work.order(&id, Command::SetUp, Doing::SetUp);
    }
    loop {
        work.begin_what_can_be();
        if work.busy.is_empty() {
            break;
        }
        tokio::select! {
            biased;
            Some(Told { order: Order::Stop { how, .. }, .. }) = orders.recv() => {
                work.stopped = true;
                work.left.clear();
                stop.send_replace(Some(how));
            }
            // What a call tells of its instants is nobody's here.
            Some(_) = notices_in.recv() => {}
            Some((modem, report)) = reports_in.recv() => work.report(&modem, report),
            Some(ended) = tasks.join_next() => {
                if let Ok((modem, Some(why))) = ended {
                    work.died(&modem, why);
                }
            }
        }
    }
    // Nobody has to wait for what comes behind a call.
    stop.send_replace(Some(Cancel::HangUp));
    work.workers.clear();
    while tasks.join_next().await.is_some() {}
    Findings { modems: work.found, notices: work.notices, stopped: work.stopped }
}

/// What a modem is at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Doing {
    SetUp,
    Check(Check),
    /// The call of this one.
    Answer(ModemId),
}

struct Work<B> {
    book: B,
    trunks: BTreeMap<ModemId, TrunkName>,
    limits: BTreeMap<TrunkName, NonZeroU32>,
    left: Vec<(ModemId, Check)>,
    workers: BTreeMap<ModemId, mpsc::Sender<Command>>,
    busy: BTreeMap<ModemId, Doing>,
    found: BTreeMap<ModemId, Inspected>,
    notices: Vec<String>,
    stopped: bool,
}

impl<B: LineBook> Work<B> {
    fn order(&mut self, modem: &ModemId, command: Command, doing: Doing) {
        let taken = self.workers.get(modem).is_some_and(|commands| commands.try_send(command).is_ok());
        if taken {
            self.busy.insert(modem.clone(), doing);
        }
    }

    fn is_out(&self, modem: &ModemId) -> bool {
        self.found.get(modem).is_none_or(|found| {
            let silent = |finding: &Finding| {
                finding.check == Check::DialTone && finding.outcome == CheckOutcome::Failed
            };
            found.out.is_some() || found.made.iter().any(silent)
        })
    }

    /// Begins every check whose modems, number and trunks are free, the first ones first.
    fn begin_what_can_be(&mut self) {
        let mut waiting: BTreeSet<ModemId> = BTreeSet::new();
        for (modem, check) in std::mem::take(&mut self.left) {
            let peer = match &check {
                Check::Peer(peer) => Some(peer.clone()),
                Check::DialTone | Check::Reference | Check::Line(_) => None,
            };
            if self.is_out(&modem) || peer.as_ref().is_some_and(|peer| self.is_out(peer)) {
                continue;
            }
            let modems: Vec<&ModemId> = std::iter::once(&modem).chain(&peer).collect();
            let number_taken = check == Check::Reference
                && self.busy.values().any(|doing| *doing == Doing::Check(Check::Reference));
            let free = modems.iter().all(|id| !self.busy.contains_key(*id) && !waiting.contains(*id));
            if free && !number_taken && self.trunks_have_room(&modems) {
                self.begin(&modem, check);
            } else {
                // In its order: whoever waits for a long call is not overtaken for ever.
                waiting.insert(modem.clone());
                self.left.push((modem, check));
            }
        }
    }

    fn trunks_have_room(&self, modems: &[&ModemId]) -> bool {
        let mut wanted: BTreeMap<&TrunkName, u32> = BTreeMap::new();
        for trunk in modems.iter().filter_map(|modem| self.trunks.get(*modem)) {
            *wanted.entry(trunk).or_default() += 1;
        }
        wanted.into_iter().all(|(trunk, wanted)| {
            let calling = |(modem, doing): (&ModemId, &Doing)| {
                *doing != Doing::SetUp && self.trunks.get(modem) == Some(trunk)
            };
            let calls = self.busy.iter().filter(|&pair| calling(pair)).count();
            // A trunk of one call can't have two at a time; such a check would wait for ever.
            let most = self.limits.get(trunk).map_or(u32::MAX, |most| most.get());
            (calls == 0 && wanted > most) || calls + wanted as usize <= most as usize
        })
    }

    fn begin(&mut self, modem: &ModemId, check: Check) {
        if check == Check::DialTone {
            return self.order(modem, Command::DialTone, Doing::Check(check));
        }
        if let Check::Peer(peer) = &check
            && !self.could_share(modem, peer)
        {
            return self.note(modem, check, "its trunk takes one call at a time".to_owned());
        }
        match self.book.check(&check, modem) {
            Ok(spec) => {
                if let Check::Peer(peer) = &check {
                    self.order(peer, Command::Answer, Doing::Answer(modem.clone()));
                }
                self.order(modem, Command::Check(Box::new(spec)), Doing::Check(check));
            }
            Err(why) => self.note(modem, check, why.to_string()),
        }
    }

    /// Whether two modems can be in calls at the same time.
    fn could_share(&self, one: &ModemId, other: &ModemId) -> bool {
        match (self.trunks.get(one), self.trunks.get(other)) {
            (Some(trunk), Some(same)) if trunk == same => {
                self.limits.get(trunk).is_none_or(|most| most.get() >= 2)
            }
            _ => true,
        }
    }

    /// A check that could not be made.
    fn note(&mut self, modem: &ModemId, check: Check, detail: String) {
        if let Some(found) = self.found.get_mut(modem) {
            let (outcome, link) = (CheckOutcome::Unknown, Link::default());
            found.made.push(Finding { check, outcome, fault: None, detail, link });
        }
    }

    fn report(&mut self, modem: &ModemId, report: Report) {
        if let Report::Notice(text) = report {
            self.notices.push(format!("{modem}: {text}"));
            return;
        }
        let doing = self.busy.remove(modem);
        let Some(found) = self.found.get_mut(modem) else { return };
        match report {
            Report::Ready { identified, .. } => found.identified = identified,
            Report::Out(fault, detail) => {
                if !self.stopped {
                    found.out = Some((fault, detail));
                }
            }
            Report::Checked(over) => match doing {
                Some(Doing::Check(check)) => self.checked(modem, check, *over),
                Some(Doing::Answer(caller)) => {
                    found.taken.push((caller, over.outcome));
                    if over.hangup == Hangup::Unproven {
                        found.hangup_unproven = Some(over.hangup_detail);
                    }
                }
                Some(Doing::SetUp) | None => {}
            },
            // No line is called here.
            Report::Over(_) | Report::Notice(_) => {}
        }
    }

    fn checked(&mut self, modem: &ModemId, check: Check, over: CheckOver) {
        let CheckOver { outcome, fault, detail, hangup, hangup_detail, port_lost, link, .. } = over;
        let Some(found) = self.found.get_mut(modem) else { return };
        if hangup == Hangup::Unproven {
            found.hangup_unproven = Some(hangup_detail.clone());
        }
        if port_lost {
            found.out = Some((Fault::PortLost, detail.clone()));
        }
        found.made.push(Finding { check, outcome, fault, detail, link });
        // After an on-hook that is not proven its set-up hangs up first.
        if hangup == Hangup::Unproven && !port_lost && !self.stopped {
            self.order(modem, Command::SetUp, Doing::SetUp);
        }
    }

    fn died(&mut self, modem: &ModemId, why: String) {
        self.busy.remove(modem);
        self.workers.remove(modem);
        if let Some(found) = self.found.get_mut(modem) {
            found.out = Some((Fault::Internal, why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> ModemId {
        format!("m{n}").parse().unwrap()
    }

    #[test]
    fn each_modem_with_a_number_makes_one_call_and_takes_one() {
        let modems: Vec<(ModemId, bool)> = (0..4).map(|n| (id(n), true)).collect();
        let checks = ring(&modems, false, false);
        let calls: Vec<(ModemId, Check)> = (0..4).map(|n| (id(n), Check::Peer(id((n + 1) % 4)))).collect();
        assert_eq!(checks, calls);
    }

    #[test]
    fn one_without_a_number_calls_and_nobody_calls_itself() {
        let some = [(id(0), false), (id(1), true), (id(2), false)];
        let checks = ring(&some, true, true);
        let peers: Vec<_> = checks.iter().filter(|(_, check)| matches!(check, Check::Peer(_))).collect();
        assert_eq!(peers, [&(id(0), Check::Peer(id(1))), &(id(2), Check::Peer(id(1)))]);
        assert_eq!(checks.iter().filter(|(_, check)| *check == Check::Reference).count(), 3);
        assert_eq!(checks.iter().filter(|(_, check)| *check == Check::DialTone).count(), 3);
        assert_eq!(ring(&[(id(0), true)], false, false), []);
    }
}
