//! A session that is handed over to a technician between its checks and its logout, and how it is taken back.
//!
//! What is said meanwhile is kept apart, to know where the console stands, and stands in no transcript. On taking it
//! back nothing is agreed to and no half-typed line is sent off: unless the console rests at a prompt that its dialog
//! knows, a Ctrl-C comes first, and a CR never does.

use std::time::Duration;

use crate::model::Moment;

use super::super::handover::{Back, Due, Handover, HandoverLimits, Stand};
use super::super::matcher::{self, Prompt, Sight};
use super::super::speech::{self, Say};
use super::super::transcript::{Screen, redact};
use super::{Credential, Output, SETTLE_OPEN, Session, Step};

/// What stands in the transcript for it.
const LEFT_OUT: &str = "\r\n[handed over to a technician: not kept]\r\n";
/// Ctrl-C, at most so often.
const INTERRUPTS_MAX: u32 = 3;
/// Silence after one before the next.
const INTERRUPT_SILENCE: Duration = Duration::from_secs(2);

/// A console in a technician's hands, and what is needed to take it back.
pub(super) struct Handed {
    handover: Handover,
    stand: Stand,
    /// What was said since.
    screen: Screen,
    /// Text before this belongs to lines that were sent off.
    mark: usize,
    interrupts: u32,
}

impl Session {
    /// The checks are to be followed by a technician's work, if they come so far.
    #[must_use]
    pub fn with_handover(self, limits: Option<HandoverLimits>) -> Self {
        Self { hand_over: limits, ..self }
    }

    /// Whether the console is in a technician's hands now.
    pub fn is_handed_over(&self) -> bool {
        self.step == Step::Handed
    }

    /// The checks are over, and nobody speaks against it: hands the console over if that is wanted. `line` is what
    /// stands there now. False if nobody wants it.
    pub(super) fn hand_over(&mut self, stand: Stand, line: &str) -> bool {
        if self.cancelled {
            return false;
        }
        let Some(limits) = self.hand_over.take() else { return false };
        let mut screen = Screen::new();
        line.bytes().for_each(|byte| screen.feed(byte));
        self.handed = Some(Box::new(Handed {
            handover: Handover::new(limits, self.now),
            stand,
            screen,
            mark: 0,
            interrupts: 0,
        }));
        self.step = Step::Handed;
        self.look_at = None;
        // As it stands, with the blank behind it.
        let last = self.screen.since(0).rsplit('\n').next().unwrap_or_default();
        let prompt = if last.trim() == line.trim() { last } else { line };
        let prompt = redact(prompt, self.credential.as_ref().map(Credential::password));
        let host = self.host.as_deref().map(|host| self.clean(host));
        self.out.push_back(Output::HandedOver { stand, host, prompt, limits });
        true
    }

    pub(super) fn handed_deadline(&self) -> Option<crate::model::Mono> {
        self.handed.as_ref().filter(|_| self.step == Step::Handed).map(|handed| handed.handover.deadline())
    }

    pub(super) fn handed_time(&mut self) {
        let now = self.now;
        match self.handed.as_mut().and_then(|handed| handed.handover.due(now)) {
            Some(Due::Soon(why, left)) => self.out.push_back(Output::Soon(why, left)),
            Some(Due::Over(why)) => self.take_back(why),
            None => {}
        }
    }

    pub(super) fn handed_byte(&mut self, byte: u8) {
        if let Some(handed) = &mut self.handed {
            handed.screen.feed(byte);
        }
        self.last_rx = self.now;
        if self.step == Step::TakingBack {
            self.look_at = Some(self.now + self.dialog.settle);
        }
    }

    pub(super) fn keys(&mut self, keys: &[u8]) {
        let (Step::Handed, Some(handed)) = (self.step, &mut self.handed) else { return };
        let out = handed.handover.keys(self.now, keys);
        if keys.iter().any(|key| matches!(key, b'\r' | b'\n')) {
            handed.mark = handed.screen.fix();
        }
        if !out.is_empty() {
            self.last_tx = self.now;
            self.out.push_back(Output::Send(speech::bytes(&self.dialog, Say::Keys(&out))));
        }
    }

    /// Ends it, and goes for the logout.
    pub(super) fn take_back(&mut self, why: Back) {
        if self.step != Step::Handed {
            return;
        }
        self.give_back(why);
        self.step = Step::TakingBack;
        (self.since, self.last_tx) = (self.now, self.now);
        self.limit_at = self.now + self.limits.logout;
        let is_typing = self.handed.as_ref().is_some_and(|handed| handed.handover.is_typing());
        if is_typing {
            self.interrupt();
        } else {
            self.look_at = Some(self.now.max(self.last_rx + self.dialog.settle));
        }
    }

    /// Tells that it is over. Nothing is handed over from here on.
    fn give_back(&mut self, why: Back) {
        let Some(handed) = &self.handed else { return };
        let lasted = handed.handover.lasted(self.now);
        self.out.push_back(Output::TakenBack(why, lasted));
        self.moment(Moment::HandedBack, self.now);
        LEFT_OUT.bytes().for_each(|byte| self.screen.feed(byte));
        self.mark = self.screen.fix();
    }

    fn handed_sight(&self) -> Sight {
        let text = self.handed.as_ref().map_or("", |handed| handed.screen.since(handed.mark));
        matcher::look(&self.dialog, text)
    }

    fn interrupt(&mut self) {
        let Some(handed) = &mut self.handed else { return };
        handed.interrupts += 1;
        // Behind half a line no prompt is one; else a console that takes no notice still stands at its own.
        if handed.handover.is_typing() {
            handed.mark = handed.screen.fix();
        }
        self.last_tx = self.now;
        self.look_at = None;
        self.out.push_back(Output::Send(speech::bytes(&self.dialog, Say::Interrupt)));
    }

    /// When the next Ctrl-C is due, if one is.
    pub(super) fn interrupt_at(&self) -> Option<crate::model::Mono> {
        let handed = self.handed.as_ref()?;
        let may = self.step == Step::TakingBack && handed.interrupts < INTERRUPTS_MAX;
        may.then(|| self.last_tx.max(self.last_rx) + INTERRUPT_SILENCE)
    }

    pub(super) fn interrupt_again(&mut self) {
        self.interrupt();
    }

    /// What stands there after it was taken back?
    pub(super) fn look_taken_back(&mut self) {
        let sight = self.handed_sight();
        match sight.prompt {
            Some(Prompt::Username | Prompt::Password | Prompt::PressReturn) => {
                if self.rested(SETTLE_OPEN) {
                    self.left_by_hand();
                }
            }
            Some(Prompt::Command) => {
                if self.rested(SETTLE_OPEN) {
                    let verdict = self.verdict.take();
                    self.log_out(verdict, sight.prompt);
                }
            }
            Some(Prompt::Menu(index)) => {
                if self.rested(self.menu_rest(index)) {
                    if self.is_behind_login(index) {
                        let verdict = self.verdict.take();
                        self.log_out(verdict, sight.prompt);
                    } else {
                        self.left_by_hand();
                    }
                }
            }
            // Whatever is asked, or runs, or is shown page by page: Ctrl-C is the answer, and again once it rests.
            Some(Prompt::Pager | Prompt::Question(_) | Prompt::Boot) | None => {
                if self.handed.as_ref().is_some_and(|handed| handed.interrupts == 0) {
                    self.interrupt();
                }
            }
        }
    }

    /// Nobody is logged in any more, or ever was.
    fn left_by_hand(&mut self) {
        if self.handed.as_ref().is_some_and(|handed| handed.stand == Stand::LoginPrompt) {
            let verdict = self.verdict.take();
            self.finish(verdict);
        } else {
            self.logged_out(self.last_rx);
        }
    }

    /// The carrier went while the console was in a technician's hands, or was being taken back.
    pub(super) fn lost_in_hands(&mut self) {
        let is_out = self.handed.as_ref().is_some_and(|handed| {
            handed.stand == Stand::LoginPrompt || handed.handover.said_farewell(Some(&self.dialog))
        });
        let at_login = matches!(self.handed_sight().prompt, Some(Prompt::Username | Prompt::PressReturn));
        if self.step == Step::Handed {
            self.give_back(Back::CarrierLost);
        }
        if is_out || at_login {
            self.step = Step::TakingBack;
            // What was found before holds; a far end that hangs up has nobody logged in.
            self.left_by_hand();
        } else {
            self.logout_unproven("the carrier was lost while the console was handed over");
        }
    }

    pub(super) fn not_taken_back(&mut self) {
        self.logout_unproven("the console came to no prompt after it was handed back");
    }

    /// The call is dropped.
    pub(super) fn cut_in_hands(&mut self) {
        if self.step == Step::Handed {
            self.give_back(Back::Cancelled);
        }
        let verdict = self.verdict.take();
        self.finish(verdict);
    }
}
