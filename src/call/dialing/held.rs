//! The `;` dial form: `ATDT<number>;` is answered OK once the digits are out, and a bare `ATD` lets call progress begin,
//! so that dialing is timed apart (modems.md 2.2). It heals itself: a modem that does not do it is found out, and is
//! dialed plainly from then on.

use std::time::Duration;

use super::{Dialing, Heard};
use crate::call::CallSpec;
use crate::model::{Fault, Mono};
use crate::modem::profile::{DigitsMark, Profile};
use crate::modem::result_code::ResultCode;

/// An end that comes so soon behind the bare `ATD` is no call progress: nothing of it can be known by then.
const RIGHT_BEHIND: Duration = Duration::from_secs(2);

/// How the number is dialed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `ATDT<number>`.
    Plain,
    /// `ATDT<number>;` is out, its OK is due.
    Sending { proven: bool },
    /// The digits are out, and the modem was told to listen.
    Proceeding { proven: bool, sent: Mono },
}

impl Form {
    pub(super) fn of(profile: &Profile, spec: &CallSpec) -> Self {
        let proven = profile.marks.digits_sent == Some(DigitsMark::HeldProven);
        if is_due(profile, spec) { Self::Sending { proven } } else { Self::Plain }
    }

    /// Whether call progress is known to have begun with the end of dialing.
    pub(super) const fn is_proven(self) -> bool {
        matches!(self, Self::Proceeding { proven: true, .. })
    }

    /// When the digits were out, if that was observed.
    pub(super) const fn digits_sent(self) -> Option<Mono> {
        match self {
            Self::Proceeding { sent, .. } => Some(sent),
            Self::Plain | Self::Sending { .. } => None,
        }
    }
}

/// Whether a call takes this form. A call that is to confirm another does only where this modem has shown that it works:
/// a modem that went deaf behind the form must not fail a line twice.
pub(super) fn is_due(profile: &Profile, spec: &CallSpec) -> bool {
    match profile.marks.digits_sent {
        None => false,
        Some(DigitsMark::Held) => spec.attempt <= 1,
        Some(DigitsMark::HeldProven) => true,
    }
}

impl Dialing {
    /// What a result means to the form; `None` where it means what it always does.
    pub(super) fn hear_held(&mut self, now: Mono, code: &ResultCode) -> Option<Heard> {
        match self.form {
            Form::Plain => None,
            Form::Sending { proven } => self.sending(now, proven, code),
            Form::Proceeding { sent, .. } => self.proceeding(now, sent, code),
        }
    }

    fn sending(&mut self, now: Mono, proven: bool, code: &ResultCode) -> Option<Heard> {
        let quick = self.too_quick(now);
        match code {
            ResultCode::Ok if !quick => {
                self.form = Form::Proceeding { proven, sent: now };
                Some(Heard::DigitsSent)
            }
            ResultCode::Ok => {
                let ms = now.since(self.dialed).as_millis();
                Some(self.does_not(&format!("OK came after {ms} ms, faster than the number can be dialed")))
            }
            ResultCode::Error if quick || self.compressed => {
                self.learned.held_dial_fails = true;
                self.form = Form::Plain;
                Some(Heard::DialPlainly)
            }
            ResultCode::Error => Some(self.does_not("ERROR came only after the number can have been dialed")),
            // It took the `;` for nothing, and listens already.
            ResultCode::Ringing
            | ResultCode::Carrier(_)
            | ResultCode::Modulation(_)
            | ResultCode::ModulationName(_)
            | ResultCode::Protocol(_)
            | ResultCode::Compression(_)
            | ResultCode::Connect(_) => {
                self.learned.held_dial_fails = true;
                self.form = Form::Plain;
                None
            }
            _ => None,
        }
    }

    fn proceeding(&mut self, now: Mono, sent: Mono, code: &ResultCode) -> Option<Heard> {
        let right_behind = !self.compressed && now.since(sent) < RIGHT_BEHIND;
        match code {
            // There was a dial tone before the digits; a modem that looks for one behind them dials anew.
            ResultCode::NoDialtone | ResultCode::Dialtone | ResultCode::Error | ResultCode::Ok => {
                Some(self.does_not(&format!("`{}` was answered {code}", super::PROCEED)))
            }
            ResultCode::NoCarrier | ResultCode::NoAnswer if right_behind && !self.heard_something() => {
                let ms = now.since(sent).as_millis();
                Some(self.does_not(&format!("{code} came {ms} ms behind `{}`", super::PROCEED)))
            }
            ResultCode::Ringing
            | ResultCode::Carrier(_)
            | ResultCode::Modulation(_)
            | ResultCode::ModulationName(_)
            | ResultCode::Protocol(_)
            | ResultCode::Compression(_)
            | ResultCode::Connect(_)
            | ResultCode::Busy
            | ResultCode::Reorder
            | ResultCode::Voice
            | ResultCode::Fax
            | ResultCode::NoAnswer => {
                self.listens();
                None
            }
            _ => None,
        }
    }

    /// The modem was heard to listen to the line: behind its bare `ATD` that proves the form.
    pub(super) fn listens(&mut self) {
        if let Form::Proceeding { .. } = self.form {
            self.learned.held_dial_works = true;
        }
    }

    fn heard_something(&self) -> bool {
        self.rings > 0 || self.answered.is_some() || self.carrier.is_some()
    }

    /// A finding that tells nothing of the line leaves a doubt about the form, while it is not known to work.
    pub(super) fn doubt(&mut self, fault: Fault) {
        if let Form::Proceeding { proven: false, .. } = self.form
            && matches!(fault, Fault::NoConnect | Fault::NoRing)
        {
            self.learned.held_dial_doubts = 1;
        }
    }

    /// The number is on its way, and the modem has not told that it is out.
    pub(super) const fn is_sending(&self) -> bool {
        matches!(self.form, Form::Sending { .. })
    }

    /// The dial limit came, and the form is to blame.
    pub(super) fn expired_held(&mut self, now: Mono) -> Option<(Fault, String)> {
        let s = now.since(self.dialed).as_secs();
        let why = match self.form {
            Form::Sending { .. } => format!("the number was not told as sent within {s} s"),
            // It does not even keep its own limit.
            Form::Proceeding { proven: false, sent } if !self.heard_something() => {
                let s7 = Duration::from_secs(self.s7_s?.into());
                if now.since(sent) <= s7 + super::S7_SET_BACK {
                    return None;
                }
                format!("no result behind `{}`, though S7 is {} s", super::PROCEED, s7.as_secs())
            }
            Form::Plain | Form::Proceeding { .. } => return None,
        };
        self.learned.held_dial_fails = true;
        Some((
            Fault::ModemSilent,
            format!("{why}: this modem does not do the `;` dial form, and is dialed without it"),
        ))
    }

    fn does_not(&mut self, why: &str) -> Heard {
        self.learned.held_dial_fails = true;
        Heard::Failed(
            Fault::ModemError,
            format!("{why}: this modem does not do the `;` dial form, and is dialed without it from here on"),
        )
    }
}
