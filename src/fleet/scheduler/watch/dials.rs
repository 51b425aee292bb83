//! What is held of each call: who may be dialed, by whom, and that no modem sleeps while a line waits.

use crate::model::event::WaitReason;

use super::{CallClass, Fault, LineId, ModemId, Mono, Preflight, Seat, Watch};
use crate::fleet::pileup::PILE_UP_LINES;

impl Watch {
    /// Only the first call to a number, where a second one can follow.
    pub(super) fn invariant_shortened(&self, now: Mono, line: &LineId, may_shorten: bool) {
        if !may_shorten {
            return;
        }
        let policy = &self.plan.policy;
        assert!(policy.adaptive && policy.confirm > 1 && policy.attempts > 1, "no second call can follow");
        let room = policy.second_call_room();
        assert!(self.deadline.is_none_or(|at| now + room <= at), "the deadline comes before the second call");
        assert_eq!(self.job(line).ways.len(), 1, "another way can't bear it out");
        let own = self.windows[line].holds(now, room + self.plan.room);
        assert!(own, "its window closes before the second call");
        let number = &self.job(line).ways[0].number;
        assert_eq!(self.siblings(number).count(), 1, "another line's calls count for its number");
        assert_eq!(self.dialed(number), 0, "it is not the first call");
    }

    /// What a line waits for is told once for each change.
    pub(super) fn waits(&mut self, now: Mono, line: &LineId, until: Option<Mono>, reason: WaitReason) {
        assert!(!self.running.contains_key(line), "waits in the middle of a call");
        assert!(!self.verdicts.contains_key(line), "waits although it is judged");
        assert!(until.is_none_or(|until| until > now), "waits for nothing");
        let before = self.waits.insert(line.clone(), (reason, until));
        // One group may be followed by another.
        assert!(before != Some((reason, until)) || reason == WaitReason::Group, "told twice");
    }

    pub(super) fn invariant_dial(
        &mut self,
        now: Mono,
        line: &LineId,
        way: usize,
        (modem, attempt): (&ModemId, u32),
    ) {
        let job = self.plan.lines.iter().find(|job| job.id == *line).unwrap();
        assert!(self.started && !self.draining, "dialed while draining");
        assert!(!self.past_deadline, "dialed after the deadline");
        assert!(!self.paused, "dialed in a pause");
        assert!(!self.disabled.contains_key(modem), "dialed on {modem}, which is disabled");
        assert!(!self.skipped.contains_key(line), "dialed although it is skipped");
        assert!(!self.refused.contains(line), "dialed although it may not be");
        assert!(job.preset.is_none() && !self.verdicts.contains_key(line), "dialed a finished line");
        assert_eq!(self.seats[modem].0, Seat::Ready, "{modem} is not free");
        assert!(!self.quarantined.contains(modem));
        assert!(self.trunk_has_room(modem), "trunk limit exceeded");
        let number = job.ways[way].number.clone();
        // A way that is shut meanwhile may lower what is enough.
        let enough = job.ways.len().max(self.plan.policy.confirm as usize);
        let most = self.plan.policy.attempts as usize;
        for busy in self.running.keys() {
            assert_ne!(*self.number_in_call(busy), number, "two calls to one number");
        }
        assert!(
            self.attempts(line) < most.max(if job.ways.len() > 1 { enough } else { 0 }),
            "one attempt too many on `{line}`"
        );
        assert!(!self.is_barred(now, &number, modem), "{modem} refuses the number");
        assert!(!self.is_spent(&number), "redial rules allow no more calls");
        let wait = self.redial.get(&number).and_then(|count| count.until(now));
        assert_eq!(wait, None, "redial rules ask for a pause");
        assert_eq!(self.unasked[modem], Preflight::Off, "{modem} was not asked what is to be asked first");
        assert!(!self.is_being_called(&number), "a check calls this number");
        assert!(!self.is_held(&number, now), "a call to a number that a modem of ours may hold");
        for call in self.calls(line).iter().filter(|call| call.class == CallClass::Final) {
            let elsewhere = matches!(call.report.fault, Some(Fault::Voice | Fault::Fax));
            assert!(elsewhere && *self.number(&call.report) != number, "woken twice");
        }
        assert!(!self.number_closed(&number), "the number has had its calls");
        let repeats = self.plan.policy.repeat > 1;
        assert!(!self.calls(line).iter().any(|call| {
            (call.class == CallClass::Passed && !repeats) || call.class == CallClass::Policy
        }));
        assert!(self.confirming(line) < enough, "confirmed once too often");
        // A pause is kept at the number that it is for; what else is waited for may end before its time.
        if let Some((WaitReason::Pause, Some(until))) = self.waits.remove(line) {
            let same = self.calls(line).last().is_some_and(|call| *self.number(&call.report) == number);
            assert!(until <= now || !same, "dialed before its time");
        }
        let weight = self.weight(now, line, &number, modem);
        for other in self.seats.keys().filter(|other| self.hopeful(other)) {
            assert!(
                weight <= self.weight(now, line, &number, other),
                "`{line}` meets {modem} again, although {other} is there"
            );
        }
        let begun = self.begun.entry(line.clone()).or_default();
        assert_eq!(attempt, *begun + 1, "attempts are counted on");
        *begun = attempt;
        self.running.insert(line.clone(), (modem.clone(), attempt));
        self.on_way.insert(line.clone(), way);
        self.seats.insert(modem.clone(), (Seat::InCall, None));
    }

    /// A line that was never called, whose number is idle, and a free modem: one of them is asleep.
    pub(super) fn invariant_no_idle_modem(&self, now: Mono) {
        // One that is to be checked first, or soon, may have to wait for its turn.
        let sound = |id: &ModemId| {
            self.unasked[id] == Preflight::Off
                && !self.quarantined.contains(id)
                && self.piles.get(id).is_none_or(|lines| lines.len() < PILE_UP_LINES)
        };
        let ready = |id: &ModemId, seat: Seat| seat == Seat::Ready && self.trunk_has_room(id) && sound(id);
        let free: Vec<&ModemId> =
            self.seats.iter().filter(|(id, (seat, _))| ready(id, *seat)).map(|(id, _)| id).collect();
        if free.is_empty() {
            return;
        }
        for job in &self.plan.lines {
            let fresh = job.preset.is_none()
                && !self.verdicts.contains_key(&job.id)
                && !self.begun.contains_key(&job.id);
            let idle = !self.is_held(&job.ways[0].number, now)
                && !self.is_being_called(&job.ways[0].number)
                && self.redial.get(&job.ways[0].number).is_none_or(|count| count.until(now).is_none())
                && free.iter().any(|id| !self.is_barred(now, &job.ways[0].number, id))
                && !self.running.keys().any(|busy| *self.number_in_call(busy) == job.ways[0].number);
            let may = !self.is_shut(&job.id, &job.ways[0])
                && self.is_open(now, &job.id)
                && self.groups_have_room(&job.id)
                && self.affords(Some(&job.id), &job.ways[0], true) == (true, true);
            assert!(!(fresh && idle && may), "`{}` waits while a modem is free", job.id);
        }
    }
}
