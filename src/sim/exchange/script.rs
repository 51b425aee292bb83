//! The script of a call: what happens when, unless somebody hangs up first.

use std::time::Duration;

use crate::model::Mono;
use crate::sim::fault::{FaultEntry, FaultKind, Stage};
use crate::sim::file::LinkEntry;
use crate::sim::modem::Reply;

use super::Engine;
use super::calls::Call;
use super::dial::Dialed;

/// Part of the pause after a burst before the far end goes off-hook.
const ANSWER_IN_PAUSE: f64 = 0.2;
/// Part of the span from carrier to CONNECT after which error control is settled.
const NEGOTIATED_AT: f64 = 0.8;
/// How long a modem listens to a voice before it says so.
const VOICE: Duration = Duration::from_millis(1500);
/// How long a modem listens to a fax before it says so.
const FAX: Duration = Duration::from_secs(3);
/// When a line that is in use is noticed.
const IN_USE: Duration = Duration::from_millis(500);
/// What stands for four times the usual training.
const SLOW_TRAIN_FACTOR: u32 = 4;
/// A slow link, bit/s.
const SLOW_BPS: u32 = 2400;
/// Level of a weak signal, dBm: V.34 receivers end near -43 (modems.md 3.8).
const WEAK_DBM: i16 = -42;
/// What a modem says when its own redial lock holds for a while that is not told, s.
const DELAYED_S: u64 = 60;

/// One step of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The digits are out.
    DigitsSent,
    /// The network has found the line: it is taken, or busy.
    Seize,
    /// A burst of ringing.
    Ringback,
    /// A call comes in at our end.
    IncomingRing,
    /// A burst at the called modem is over.
    RingOff,
    /// The far end goes off-hook.
    Answer,
    /// Training is over.
    Carrier,
    /// Error control is settled.
    Negotiated,
    /// CONNECT.
    Connect,
    /// The call ends with this result.
    Fail(Reply),
    /// The far end drops the carrier.
    LoseCarrier,
    /// Our modem has noticed.
    NoCarrier,
    /// The port vanishes.
    Vanish,
}

impl Engine {
    /// The script of a dial command, up to the point where the network has found the line. `tone` is how long dial tone
    /// takes: nothing when digits follow others.
    pub(super) fn begin_script(&self, call: &mut Call, now: Mono, tone: Duration, dialed: &Dialed) {
        let seat = &self.seats[call.port];
        let timing = &self.file.timing;
        let digits_out = now + self.paced(tone + dialed.span);
        call.limit = digits_out + self.s7(call.port);
        let at_once = |reply| (now, Step::Fail(reply));
        let fault = call.fault.as_ref();
        let refusal = match fault.map(|f| f.kind) {
            _ if call.refusal.is_some() => call.refusal.clone(),
            Some(FaultKind::DialError) => Some(Reply::Error),
            Some(FaultKind::Blacklisted) => Some(Reply::Blacklisted),
            Some(FaultKind::Delayed) => {
                let span = fault.and_then(|f| f.span);
                Some(Reply::Delayed(span.map_or(DELAYED_S, |span| span.as_secs())))
            }
            Some(FaultKind::DialingDisabled) => Some(Reply::DialingDisabled),
            _ => None,
        };
        if let Some(reply) = refusal {
            call.script.push_back(at_once(reply));
            return;
        }
        let listens = seat.modem.listens_for_tone(dialed.waits);
        let steps = match (fault.map(|f| f.kind), listens) {
            (Some(FaultKind::LineInUse), _) => {
                vec![(now + self.paced(IN_USE), Step::Fail(Reply::LineInUse))]
            }
            (Some(FaultKind::NoDialtone), Some(seconds)) => {
                let limit = Duration::from_secs(u64::from(seconds));
                vec![(now + self.paced(limit), Step::Fail(Reply::NoDialtone))]
            }
            (Some(FaultKind::Glare), _) => vec![
                (now + self.paced(timing.dial_tone), Step::IncomingRing),
                (now + self.paced(timing.dial_tone + timing.ring.on), Step::Fail(Reply::NoCarrier)),
            ],
            _ => {
                call.script.push_back((digits_out, Step::DigitsSent));
                self.network_script(call, digits_out)
            }
        };
        call.script.extend(steps);
    }

    /// S7 of a modem, at the exchange's pace.
    pub(super) fn s7(&self, port: usize) -> Duration {
        self.paced(Duration::from_secs(u64::from(self.seats[port].modem.register(7))))
    }

    /// What the network makes of the digits.
    fn network_script(&self, call: &Call, digits_out: Mono) -> Vec<(Mono, Step)> {
        let timing = &self.file.timing;
        let setup = call.line.and_then(|l| self.lines[l].entry.setup).unwrap_or(timing.setup);
        let found = digits_out + self.paced(setup);
        let tone = found + self.paced(timing.tone);
        let busy = self.seats[call.port].modem.busy(call.quiet_answer);
        match call.fault.as_ref().map(|f| f.kind) {
            // Dial tone is heard, and nothing is done with it until more digits come.
            _ if call.digits.is_empty() && call.held => Vec::new(),
            // A modem that does not listen for dial tone dials into nothing.
            Some(FaultKind::NoDialtone | FaultKind::NoRing) => {
                vec![(call.limit, Step::Fail(Reply::NoCarrier))]
            }
            _ if call.digits.is_empty() => vec![(call.limit, Step::Fail(Reply::NoCarrier))],
            Some(FaultKind::Reorder) => vec![(tone, Step::Fail(Reply::Reorder))],
            Some(FaultKind::Busy) => vec![(tone, Step::Fail(busy))],
            // An announcement is a voice without ringing before it; a number out of service has one too.
            Some(FaultKind::Intercept) => vec![self.voice(call, tone)],
            _ if call.line.is_none() => vec![self.voice(call, tone)],
            _ => vec![(found, Step::Seize)],
        }
    }

    fn voice(&self, call: &Call, at: Mono) -> (Mono, Step) {
        if self.tells_voice(call) {
            (at, Step::Fail(Reply::Voice))
        } else {
            (call.limit, Step::Fail(Reply::NoCarrier))
        }
    }

    /// Our modem tells a voice from silence, or the file has it say something of its own.
    fn tells_voice(&self, call: &Call) -> bool {
        self.seats[call.port].modem.shows(&Reply::Voice)
            || call.fault.as_ref().is_some_and(|f| f.text.is_some())
    }

    /// The script from the first burst on.
    pub(super) fn ring_script(&self, call: &mut Call, from: Mono) {
        let Some(line) = call.line.map(|l| &self.lines[l]) else { return };
        let modem = &self.seats[call.port].modem;
        let cadence = line.entry.ring.unwrap_or(self.file.timing.ring);
        let kind = call.fault.as_ref().map(|f| f.kind);
        let bursts = line.entry.rings;
        let cycle = self.paced(cadence.on + cadence.off);
        let after =
            line.entry.answer_after.unwrap_or_else(|| cadence.on + cadence.off.mul_f64(ANSWER_IN_PAUSE));
        let answer = from + cycle * (bursts.saturating_sub(1)) + self.paced(after);
        let waits = kind == Some(FaultKind::NoAnswer) || line.answering.is_some() || answer >= call.limit;
        let mut burst = from;
        let mut rung = 0;
        while burst < call.limit && (waits || rung < bursts) {
            call.script.push_back((burst, Step::Ringback));
            if line.answering.is_some() {
                call.script.push_back((burst + self.paced(cadence.on), Step::RingOff));
            }
            burst = burst + cycle.max(Duration::from_millis(1));
            rung += 1;
        }
        if waits {
            call.script.push_back((call.limit, Step::Fail(modem.no_answer(call.quiet_answer))));
        } else {
            self.answer_script(call, answer);
        }
    }

    /// The script from the answer on.
    pub(super) fn answer_script(&self, call: &mut Call, answer: Mono) {
        let Some(line) = call.line.map(|l| &self.lines[l].entry) else { return };
        let timing = &self.file.timing;
        let fault = call.fault.as_ref();
        let kind = fault.map(|f| f.kind);
        // S7 begins anew when the answer tone is heard (modems.md 1.7).
        let limit = answer + self.s7(call.port);
        let usual = line.train.unwrap_or(timing.train);
        let train = match kind {
            Some(FaultKind::SlowTrain) => fault.and_then(|f| f.span).unwrap_or(usual * SLOW_TRAIN_FACTOR),
            _ => usual,
        };
        let carrier = answer + self.paced(train);
        let control = self.paced(line.error_control.unwrap_or(timing.error_control));
        let far_is_deaf = call.far_bench.as_ref().is_some_and(|f| f.kind == FaultKind::Deaf);
        let steps = match kind {
            // No tone is heard, so S7 does not begin anew.
            _ if call.is_deaf() => vec![(call.limit, Step::Fail(Reply::NoCarrier))],
            _ if far_is_deaf => vec![(limit, Step::Fail(Reply::NoCarrier))],
            Some(FaultKind::Voice) if self.tells_voice(call) => {
                vec![(answer + self.paced(VOICE), Step::Fail(Reply::Voice))]
            }
            // A voice is no answer tone either; S7 may even be over before it speaks.
            Some(FaultKind::Voice) => vec![(call.limit.max(answer), Step::Fail(Reply::NoCarrier))],
            Some(FaultKind::NeverTrains) => vec![(limit, Step::Fail(Reply::NoCarrier))],
            Some(FaultKind::Fax) => vec![(answer + self.paced(FAX), Step::Fail(Reply::Fax))],
            _ if carrier >= limit => vec![(limit, Step::Fail(Reply::NoCarrier))],
            _ => vec![
                (carrier, Step::Carrier),
                (carrier + control.mul_f64(NEGOTIATED_AT), Step::Negotiated),
                (carrier + control, Step::Connect),
            ],
        };
        call.script.push_back((answer, Step::Answer));
        call.script.extend(steps);
    }

    /// A stage is reached: a fault may wait for it.
    pub(super) fn stage(&self, call: &mut Call, stage: Stage, now: Mono) {
        let Some(fault) = &call.fault else { return };
        let step = match fault.kind {
            FaultKind::Drops => Step::LoseCarrier,
            FaultKind::PortVanishes => Step::Vanish,
            _ => return,
        };
        if fault.at.unwrap_or(Stage::Connected) != stage || call.fault_done {
            return;
        }
        call.fault_done = true;
        call.insert(now + self.paced(fault.after), step);
    }

    /// What the modems agree upon in this call.
    pub(super) fn link_of(&self, call: &Call) -> LinkEntry {
        let mut link = call.line.map(|l| self.lines[l].entry.link.clone()).unwrap_or_default();
        for fault in [&call.fault, &call.bench, &call.far_bench].into_iter().flatten() {
            worsen(&mut link, fault);
        }
        link
    }
}

/// What a fault makes of a link.
fn worsen(link: &mut LinkEntry, fault: &FaultEntry) {
    match fault.kind {
        FaultKind::SlowConnect => {
            link.tx = fault.rate.unwrap_or(SLOW_BPS);
            link.rx = None;
            "V22B".clone_into(&mut link.modulation);
        }
        FaultKind::NoErrorControl => {
            "NONE".clone_into(&mut link.protocol);
            "NONE".clone_into(&mut link.compression);
        }
        FaultKind::Noisy => {
            link.retrains = link.retrains.max(4);
            link.block_errors = link.block_errors.max(250);
            link.snr = link.snr.min(18);
        }
        FaultKind::Weak => {
            link.rx_level_dbm = link.rx_level_dbm.min(WEAK_DBM);
            link.snr = link.snr.min(22);
        }
        _ => {}
    }
    if let Some(change) = &fault.link {
        change.apply(link);
    }
}
