//! What is known of a run: a pure fold over its events, from which every file is derived.
//!
//! It is also where promise 1 is held: a second verdict, a verdict for a line that the plan does not have, two calls
//! on one modem or to one number, counts that do not add up to the plan are errors, never figures in a report.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::cost::Charges;
use super::counts::Counts;
use super::modem::ModemFigures;
use super::night::{Nights, SittingSpan, Spell};
use super::transcript;
use crate::model::changes::Standing;
use crate::model::charge::ChargeSum;
use crate::model::event::{CredentialState, EVENT_FORMAT, Ending, LineVerdict, RunHeader};
use crate::model::{
    CallId, CallRecord, Changed, Changes, CredentialName, Event, EventKind, Fault, Line, LineBefore, LineId,
    ModemId, Mono, PhoneNumber, Verdict,
};

/// Events that can't be true together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// No event, or another one first.
    #[error("the run does not begin with a `run-started` event")]
    NoHeader,
    /// A newer lineman wrote it.
    #[error("the run has event format {0}, and this lineman knows formats up to {EVENT_FORMAT}")]
    Newer(u32),
    /// One run, one beginning.
    #[error("a second `run-started` event")]
    SecondHeader,
    /// A name twice in the plan or the bank.
    #[error("`{0}` stands twice in the plan or the bank")]
    Twice(String),
    /// Not in the plan.
    #[error("line `{0}` is not in the plan")]
    UnknownLine(LineId),
    /// Not in the bank.
    #[error("modem `{0}` is not in the bank")]
    UnknownModem(ModemId),
    /// It never began, or it is void.
    #[error("call `{0}` ended and never began")]
    UnknownCall(CallId),
    /// One id, one call.
    #[error("call `{0}` began a second time")]
    CallTwice(CallId),
    /// Its end tells another line, modem or attempt than its beginning.
    #[error("call `{0}` ended as another than it began")]
    OtherCall(CallId),
    /// Promise 2.
    #[error("call `{call}` began on modem `{modem}` during its call `{running}`")]
    ModemTaken {
        /// The second.
        call: CallId,
        /// Where.
        modem: ModemId,
        /// The first.
        running: CallId,
    },
    /// Promise 2.
    #[error("call `{call}` began to {number} during call `{running}` to it")]
    NumberTaken {
        /// The second.
        call: CallId,
        /// Whereto.
        number: PhoneNumber,
        /// The first.
        running: CallId,
    },
    /// Promise 2: no line is called on a modem that is being checked.
    #[error("modem `{modem}` was checked during its call `{call}`")]
    CheckedInCall {
        /// Which.
        modem: ModemId,
        /// The call.
        call: CallId,
    },
    /// Promise 1.
    #[error("line `{0}` got a second verdict, and its first was not withdrawn")]
    SecondVerdict(LineId),
    /// Nothing to take back.
    #[error("a verdict of line `{0}` was withdrawn, and it had none")]
    NothingToWithdraw(LineId),
    /// The deciding call is no finished call of that line.
    #[error("the verdict of line `{line}` rests on call `{call}`, which is no finished call of it")]
    NoSuchCall {
        /// The line.
        line: LineId,
        /// The call.
        call: CallId,
    },
    /// A pass that no call found.
    #[error("line `{0}` passed without a call")]
    PassWithoutCall(LineId),
    /// Nothing follows the end but a resumption.
    #[error("an event after the end of the run")]
    AfterEnd,
    /// Promise 1, at the end.
    #[error("the run has ended, and {count} of its lines have no verdict (the first is `{first}`)")]
    Unjudged {
        /// How many.
        count: usize,
        /// One of them.
        first: LineId,
    },
    /// Every call ends before its run does.
    #[error("the run has ended, and call `{0}` has not")]
    StillRunning(CallId),
    /// Promise 1, the sum.
    #[error("{what} add up to {sum}, and should to {plan}")]
    Sum {
        /// Of what.
        what: &'static str,
        /// What was counted.
        sum: u64,
        /// What it should be.
        plan: u64,
    },
}

/// What is known of one line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineState {
    /// Its verdict, once it has one.
    pub verdict: Option<LineVerdict>,
    /// Its finished calls, in the order of their ends. Their transcripts are not kept: they are written as they come.
    pub calls: Vec<CallRecord>,
    /// Highest number of a call that began, void ones included.
    pub attempts_begun: u32,
    /// Calls that have a file in `transcripts/`.
    pub transcripts: Vec<CallId>,
    /// Why verdicts of it were taken back.
    pub withdrawn: Vec<String>,
    /// What earlier runs found; absent: the plan did not have it, or no history was told.
    pub before: Option<LineBefore>,
    /// When the verdict was told.
    pub judged: Option<Timestamp>,
}

impl LineState {
    /// The call that decided the verdict.
    pub fn deciding(&self) -> Option<&CallRecord> {
        let id = self.verdict.as_ref()?.call.as_ref()?;
        self.calls.iter().find(|record| record.call == *id)
    }

    /// How it stands after this run, once it is judged.
    pub fn standing(&self) -> Option<Standing> {
        let (verdict, at) = (self.verdict.as_ref()?, self.judged?);
        Some(Standing::after(self.before.as_ref(), verdict.fault, at))
    }

    /// What is charged for its calls.
    pub fn charges(&self) -> ChargeSum {
        ChargeSum::of(self.calls.iter().map(|record| record.charge))
    }
}

/// A call that has begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningCall {
    /// Its line.
    pub line: LineId,
    /// Its modem.
    pub modem: ModemId,
    /// Its number within the line.
    pub attempt: u32,
    /// What it called instead of the line's own number, if it did.
    pub other_number: Option<PhoneNumber>,
}

/// What is known of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunState {
    header: RunHeader,
    started: Timestamp,
    sittings: u64,
    lines: Vec<LineState>,
    line_places: HashMap<LineId, usize>,
    modems: Vec<ModemFigures>,
    modem_places: HashMap<ModemId, usize>,
    nights: Nights,
    running: BTreeMap<CallId, RunningCall>,
    credentials: BTreeMap<CredentialName, (CredentialState, String)>,
    notices: Vec<(Timestamp, String)>,
    counts: Counts,
    calls_ended: u64,
    ended: Option<(Ending, Timestamp)>,
    /// Lines that the plan has no more; absent: no history was told.
    gone: Option<Vec<LineBefore>>,
    /// Whether the history that was told knows any line of the plan.
    has_past: bool,
}

impl RunState {
    /// Begins with a run's first event.
    ///
    /// # Errors
    /// If it is another, or its names are not unique.
    pub fn begin(event: &Event) -> Result<Self, Broken> {
        let EventKind::RunStarted(header) = &event.kind else { return Err(Broken::NoHeader) };
        if header.format > EVENT_FORMAT {
            return Err(Broken::Newer(header.format));
        }
        let header = header.as_ref().clone();
        let mut line_places = HashMap::with_capacity(header.lines.len());
        for (place, line) in header.lines.iter().enumerate() {
            if line_places.insert(line.id.clone(), place).is_some() {
                return Err(Broken::Twice(line.id.to_string()));
            }
        }
        let mut modem_places = HashMap::with_capacity(header.modems.len());
        for (place, modem) in header.modems.iter().enumerate() {
            if modem_places.insert(modem.id.clone(), place).is_some() {
                return Err(Broken::Twice(modem.id.to_string()));
            }
        }
        Ok(Self {
            started: event.at,
            sittings: 1,
            lines: vec![LineState::default(); header.lines.len()],
            line_places,
            modems: header.modems.iter().cloned().map(ModemFigures::new).collect(),
            modem_places,
            nights: Nights::begin(header.modems.len(), event.at, event.mono),
            running: BTreeMap::new(),
            credentials: BTreeMap::new(),
            notices: Vec::new(),
            counts: Counts::none_of(header.lines.len()),
            calls_ended: 0,
            ended: None,
            gone: None,
            has_past: false,
            header,
        })
    }

    /// The state after all of a run's events.
    ///
    /// # Errors
    /// If they can't be true together.
    pub fn of(events: &[Event]) -> Result<Self, Broken> {
        let (first, rest) = events.split_first().ok_or(Broken::NoHeader)?;
        let mut state = Self::begin(first)?;
        for event in rest {
            state.apply(event)?;
        }
        Ok(state)
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// If it can't be true after those before it; the state is then as it was.
    pub fn apply(&mut self, event: &Event) -> Result<(), Broken> {
        if self.ended.is_some() && !matches!(event.kind, EventKind::RunResumed(_)) {
            return Err(Broken::AfterEnd);
        }
        match &event.kind {
            EventKind::RunStarted(_) => return Err(Broken::SecondHeader),
            EventKind::RunResumed(_) => self.resume(event),
            EventKind::Modem { modem, state, fault, detail, .. } => {
                let place = self.modem_place(modem)?;
                self.modems[place].told(*state, *fault, detail);
                self.nights.told(place, *state, *fault, event.mono);
            }
            EventKind::CallStarted { call, line, modem, attempt, via, .. } => {
                let other_number = via.as_ref().and_then(|via| via.number.clone());
                let (line, modem, attempt) = (line.clone(), modem.clone(), *attempt);
                self.call_started(call, RunningCall { line, modem, attempt, other_number }, event.mono)?;
            }
            EventKind::CallEnded(record) => self.call_ended(record, event.mono)?,
            EventKind::BenchCheck(record) => {
                let place = self.modem_place(&record.modem)?;
                if let Some((call, _)) = self.running.iter().find(|(_, call)| call.modem == record.modem) {
                    let (modem, call) = (record.modem.clone(), call.clone());
                    return Err(Broken::CheckedInCall { modem, call });
                }
                self.modems[place].checked(record);
                self.nights.checked(place, record.outcome, record.took_ms, event.mono);
            }
            EventKind::Credential { credential, state, detail } => {
                self.credentials.insert(credential.clone(), (*state, detail.clone()));
            }
            EventKind::Verdict(verdict) => self.judge(verdict, event.at)?,
            EventKind::LinesBefore { lines } => self.before(lines),
            EventKind::VerdictWithdrawn { line, why } => {
                let place = self.line_place(line)?;
                let state = &mut self.lines[place];
                let Some(verdict) = state.verdict.take() else {
                    return Err(Broken::NothingToWithdraw(line.clone()));
                };
                state.judged = None;
                state.withdrawn.push(why.clone());
                self.counts.withdraw(Verdict::of(verdict.fault));
            }
            EventKind::Notice { text } => self.notices.push((event.at, text.clone())),
            EventKind::Paused { why, until } => {
                let text = crate::report::why::pause_text(why, *until);
                self.notices.push((event.at, text));
            }
            EventKind::Resumed => self.notices.push((event.at, "the pause is over".to_owned())),
            EventKind::RunEnded { ending } => {
                self.ended = Some((*ending, event.at));
                if let Err(broken) = self.check() {
                    self.ended = None;
                    return Err(broken);
                }
            }
            // Facts of the moment, for the live board alone.
            EventKind::CallMoment { .. } | EventKind::PasswordSent { .. } | EventKind::LineWaits { .. } => {}
        }
        self.nights.tick(event.mono);
        Ok(())
    }

    /// A resumed run may be told again: the later word counts.
    fn before(&mut self, told: &[LineBefore]) {
        for line in &mut self.lines {
            line.before = None;
        }
        let mut gone = Vec::new();
        for before in told {
            match self.line_places.get(&before.line) {
                Some(&place) => self.lines[place].before = Some(before.clone()),
                None => gone.push(before.clone()),
            }
        }
        self.has_past = gone.len() < told.len();
        self.gone = Some(gone);
    }

    fn resume(&mut self, event: &Event) {
        self.sittings += 1;
        self.nights.resume(event.at, event.mono);
        self.ended = None;
        self.running.clear();
        for line in &mut self.lines {
            if line.verdict.as_ref().is_some_and(|verdict| verdict.fault == Some(Fault::Cancelled)) {
                line.verdict = None;
                line.judged = None;
                self.counts.withdraw(Verdict::of(Some(Fault::Cancelled)));
            }
        }
    }

    fn call_started(&mut self, call: &CallId, new: RunningCall, mono: Mono) -> Result<(), Broken> {
        let modem = self.modem_place(&new.modem)?;
        let place = self.line_place(&new.line)?;
        if self.running.contains_key(call)
            || self.lines[place].calls.iter().any(|record| record.call == *call)
        {
            return Err(Broken::CallTwice(call.clone()));
        }
        // Which need not be the lines' own: each may have gone on to an alternative.
        let number = new.other_number.as_ref().unwrap_or(&self.header.lines[place].number);
        for (id, other) in &self.running {
            if other.modem == new.modem {
                return Err(Broken::ModemTaken { call: call.clone(), modem: new.modem, running: id.clone() });
            }
            let own = || self.line(&other.line).map(|(line, _)| &line.number);
            if other.other_number.as_ref().or_else(own) == Some(number) {
                return Err(Broken::NumberTaken {
                    call: call.clone(),
                    number: number.clone(),
                    running: id.clone(),
                });
            }
        }
        let line = &mut self.lines[place];
        line.attempts_begun = line.attempts_begun.max(new.attempt);
        self.nights.call_started(modem, new.line.clone(), new.attempt, mono);
        self.running.insert(call.clone(), new);
        Ok(())
    }

    fn call_ended(&mut self, record: &CallRecord, mono: Mono) -> Result<(), Broken> {
        let begun = self.running.get(&record.call).ok_or_else(|| Broken::UnknownCall(record.call.clone()))?;
        if (&begun.line, &begun.modem, begun.attempt) != (&record.line, &record.modem, record.attempt) {
            return Err(Broken::OtherCall(record.call.clone()));
        }
        let (line, modem) = (self.line_place(&record.line)?, self.modem_place(&record.modem)?);
        self.running.remove(&record.call);
        self.modems[modem].called(record);
        self.nights.call_ended(modem, record.fault, mono);
        if transcript::is_kept(record) {
            self.lines[line].transcripts.push(record.call.clone());
        }
        let mut kept = record.clone();
        kept.transcript = None;
        self.lines[line].calls.push(kept);
        self.calls_ended += 1;
        Ok(())
    }

    fn judge(&mut self, verdict: &LineVerdict, at: Timestamp) -> Result<(), Broken> {
        let place = self.line_place(&verdict.line)?;
        let line = &mut self.lines[place];
        if line.verdict.is_some() {
            return Err(Broken::SecondVerdict(verdict.line.clone()));
        }
        match &verdict.call {
            Some(call) if !line.calls.iter().any(|record| record.call == *call) => {
                return Err(Broken::NoSuchCall { line: verdict.line.clone(), call: call.clone() });
            }
            None if verdict.fault.is_none() => return Err(Broken::PassWithoutCall(verdict.line.clone())),
            _ => {}
        }
        self.counts.judge(Verdict::of(verdict.fault));
        line.verdict = Some(verdict.clone());
        line.judged = Some(at);
        Ok(())
    }

    /// Checks promise 1: that what was counted on the way is what the lines and modems say now, that it adds up to
    /// the plan, and that a run that has ended left nothing open.
    ///
    /// # Errors
    /// If anything does not add up.
    pub fn check(&self) -> Result<(), Broken> {
        let mut recount = Counts::none_of(self.lines.len());
        for verdict in self.lines.iter().filter_map(|line| line.verdict.as_ref()) {
            recount.judge(Verdict::of(verdict.fault));
        }
        let sum = |what, sum, plan| if sum == plan { Ok(()) } else { Err(Broken::Sum { what, sum, plan }) };
        for result in Verdict::ALL {
            sum(result.word(), self.counts.of(result), recount.of(result))?;
        }
        sum("verdicts and lines without one", self.counts.total(), self.header.lines.len() as u64)?;
        let by_line = self.lines.iter().map(|line| line.calls.len() as u64).sum();
        sum("calls by line", by_line, self.calls_ended)?;
        sum("calls by modem", self.modems.iter().map(|modem| modem.calls).sum(), self.calls_ended)?;
        for modem in &self.modems {
            sum("calls of a modem by result", modem.by_result.values().sum(), modem.calls)?;
        }
        if self.ended.is_some() {
            if let Some(call) = self.running.keys().next() {
                return Err(Broken::StillRunning(call.clone()));
            }
            if let Some((line, _)) = self.lines().find(|(_, state)| state.verdict.is_none()) {
                let count = usize::try_from(self.counts.left).unwrap_or(usize::MAX);
                return Err(Broken::Unjudged { count, first: line.id.clone() });
            }
        }
        Ok(())
    }

    /// The run's header.
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    /// When the run began, in its first sitting.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// How the run ended, and when; absent while it is going on, and after a crash.
    pub fn ended(&self) -> Option<(Ending, Timestamp)> {
        self.ended
    }

    /// Sittings so far, the first included.
    pub fn sittings(&self) -> u64 {
        self.sittings
    }

    /// All lines with what is known of them, in the order of the plan.
    pub fn lines(&self) -> impl Iterator<Item = (&Line, &LineState)> {
        self.header.lines.iter().zip(&self.lines)
    }

    /// One line.
    pub fn line(&self, id: &LineId) -> Option<(&Line, &LineState)> {
        let place = *self.line_places.get(id)?;
        Some((self.header.lines.get(place)?, self.lines.get(place)?))
    }

    /// All modems, in the order of the bank.
    pub fn modems(&self) -> &[ModemFigures] {
        &self.modems
    }

    /// The sittings of the run, in their order.
    pub fn sitting_spans(&self) -> &[SittingSpan] {
        self.nights.sittings()
    }

    /// What one modem did and when; `place` is its place in [`RunState::modems`].
    pub fn spells(&self, place: usize) -> impl Iterator<Item = Spell> + '_ {
        self.nights.of(place)
    }

    /// Calls that have begun and not ended.
    pub fn running(&self) -> &BTreeMap<CallId, RunningCall> {
        &self.running
    }

    /// What was told last of each credential.
    pub fn credentials(&self) -> &BTreeMap<CredentialName, (CredentialState, String)> {
        &self.credentials
    }

    /// What the user should read, as it came.
    pub fn notices(&self) -> &[(Timestamp, String)] {
        &self.notices
    }

    /// Whether a history was told that knows any line of the plan: without one, nothing can be said to have changed.
    pub fn has_past(&self) -> bool {
        self.has_past
    }

    /// What the run changed of the lines that are judged so far, and of those that are gone.
    pub fn changes(&self) -> Changes {
        if !self.has_past {
            return Changes::default();
        }
        let judged = self.lines().filter_map(|(line, known)| {
            let now = known.standing()?;
            Some(Changed::of(line.id.clone(), Some(line.site.clone()), known.before.as_ref(), now))
        });
        let gone = self.gone.iter().flatten().map(|before| Changed::gone(before, None));
        Changes::of(judged.chain(gone))
    }

    /// What the run changed of one line; absent before it is judged, and without a history.
    pub fn changed(&self, id: &LineId) -> Option<Changed> {
        let (line, known) = self.line(id)?;
        let now = known.standing().filter(|_| self.has_past)?;
        Some(Changed::of(line.id.clone(), Some(line.site.clone()), known.before.as_ref(), now))
    }

    /// Whether any history was told.
    pub fn has_history(&self) -> bool {
        self.gone.is_some()
    }

    /// Lines by result.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What is charged for all calls, those of checks of the bench too.
    pub fn charges(&self) -> Charges {
        let mut sum = Charges::default();
        self.modems.iter().for_each(|modem| sum.merge(&modem.charges));
        sum
    }

    /// Calls that have ended.
    pub fn calls_ended(&self) -> u64 {
        self.calls_ended
    }

    fn line_place(&self, line: &LineId) -> Result<usize, Broken> {
        self.line_places.get(line).copied().ok_or_else(|| Broken::UnknownLine(line.clone()))
    }

    fn modem_place(&self, modem: &ModemId) -> Result<usize, Broken> {
        self.modem_places.get(modem).copied().ok_or_else(|| Broken::UnknownModem(modem.clone()))
    }
}
