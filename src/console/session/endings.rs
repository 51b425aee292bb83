//! How a session ends before its work is done: limits, a lost carrier, a cancel, and what is made of each.

use crate::model::Fault;

use super::super::handover::Back;
use super::super::matcher::{self, Prompt, Sight};
use super::super::unheard::{Unheard, seconds};
use super::{CANCEL_GRACE, GRANT_PATIENCE, Session, Step};

/// The modem's own last word, which stands behind what the far end said.
fn without_no_carrier(text: &str) -> &str {
    let trimmed = text.trim_end();
    trimmed.strip_suffix("NO CARRIER").map_or(text, |before| before.strip_suffix('\n').unwrap_or(before))
}

impl Session {
    pub(super) fn limit_reached(&mut self) {
        let last = self.last_line();
        let within = seconds(self.limit_at.since(self.since));
        match self.step {
            Step::Prompt => self.no_prompt(&within, &last),
            Step::Grant => {
                let detail = format!("waited {within} at the login prompt for the credential to be proven");
                self.fail(Fault::CredentialUnproven, detail);
            }
            Step::Login if self.cancelled => {
                self.fail(Fault::Cancelled, "cancelled while the password was on its way");
            }
            Step::Login => {
                let after = self.last_answer();
                self.fail(Fault::LoginTimeout, format!("no command prompt {after} within {within}{last}"));
            }
            Step::Logout => self.logout_unproven(&format!("no login prompt within {within}{last}")),
            Step::Round => self.stop_round(Fault::LoginTimeout, "the call's limit came first"),
            Step::TakingBack => self.not_taken_back(),
            // It has limits of its own.
            Step::Handed | Step::Done => {}
        }
    }

    /// The last line that was heard, for the end of a detail.
    fn last_line(&self) -> String {
        let line = matcher::look(&self.dialog, without_no_carrier(self.screen.since(0))).line;
        if line.is_empty() { line } else { format!("; last line \"{line}\"") }
    }

    fn last_answer(&self) -> &'static str {
        if self.password_sent { "after the password" } else { "after the username" }
    }

    /// Nothing that could be answered came in time: why not?
    fn no_prompt(&mut self, within: &str, last: &str) {
        let unheard = Unheard { legible: &self.legible, wakes: self.wakes, within, last };
        let (fault, detail) = unheard.why(self.screen.since(0), self.dialog.wake_send.trim());
        self.fail(fault, detail);
    }

    /// The limit on bytes is reached.
    pub(super) fn too_much(&mut self) {
        let bytes = self.bytes;
        if self.step == Step::Logout {
            self.logout_unproven(&format!("endless output, {bytes} bytes"));
        } else if let Some(garbage) = self.legible.garbage() {
            self.fail(Fault::Garbage, garbage);
        } else {
            self.fail(
                Fault::LoginTimeout,
                format!("endless output: {bytes} bytes and no prompt at their end"),
            );
        }
    }

    pub(super) fn carrier_lost(&mut self) {
        self.carrier_gone = true;
        self.look_at = None;
        if self.step == Step::Logout {
            self.logged_out(self.now);
            return;
        }
        if matches!(self.step, Step::Handed | Step::TakingBack) {
            self.lost_in_hands();
            return;
        }
        if self.step == Step::Round {
            self.abandon_round(Fault::CarrierLost, "the carrier was lost");
            return;
        }
        // Our modem's own last word stands behind what the far end said.
        let text = self.screen.since(self.mark).trim_end();
        let text =
            text.strip_suffix("NO CARRIER").map_or(text, |text| text.strip_suffix('\n').unwrap_or(text));
        let sight = matcher::look(&self.dialog, text);
        match self.step {
            Step::Prompt | Step::Grant => {
                let says = matcher::says_before_login(&self.dialog, text);
                if self.step == Step::Prompt && self.meet_banner() {
                    return;
                }
                let waited = self.now.since(self.since);
                if says.is_some() {
                    self.finish(says);
                } else if self.step == Step::Grant && waited >= GRANT_PATIENCE {
                    let waited = seconds(waited);
                    let detail = format!("the far end hung up after {waited} of waiting for the credential");
                    self.fail(Fault::CredentialUnproven, detail);
                } else {
                    let when = if self.prompted { "at the login prompt" } else { "before a login prompt" };
                    let last = self.last_line();
                    self.fail(Fault::CarrierLost, format!("lost {when}{last}"));
                }
            }
            Step::Login => self.lost_during_login(&sight),
            Step::Round | Step::Handed | Step::TakingBack | Step::Logout | Step::Done => {}
        }
    }

    /// What is there is read as if the carrier were lost; but that it is, says nothing of the line.
    pub(super) fn cut_off(&mut self) {
        self.cut_off = true;
        if self.step == Step::Logout {
            let verdict = self.verdict.take();
            self.finish(verdict);
        } else if matches!(self.step, Step::Handed | Step::TakingBack) {
            self.cut_in_hands();
        } else if self.step == Step::Round {
            self.abandon_round(Fault::Cancelled, "the call was dropped");
        } else {
            self.carrier_lost();
        }
    }

    /// Whether only who is logged in sees this.
    fn is_inside(&self, prompt: Prompt) -> bool {
        match prompt {
            Prompt::Menu(index) => self.is_behind_login(index),
            other => other == Prompt::Command,
        }
    }

    fn lost_during_login(&mut self, sight: &Sight) {
        let says = self.says_during_login();
        match sight.prompt {
            Some(prompt @ (Prompt::Command | Prompt::Menu(_))) if self.is_inside(prompt) => {
                let (fault, detail) = self.logged_in(sight).unwrap_or_else(|| {
                    (Fault::CarrierLost, "lost at the command prompt, before the logout".to_owned())
                });
                self.fail(fault, detail);
            }
            _ if says.is_some() => self.finish(says),
            Some(Prompt::Username | Prompt::Password) if self.password_sent => self.asked_again(sight),
            _ => {
                let (after, last) = (self.last_answer(), self.last_line());
                self.fail(Fault::CarrierLost, format!("lost {after}{last}"));
            }
        }
    }

    pub(super) fn cancel(&mut self) {
        match self.step {
            Step::Prompt | Step::Grant => self.fail(Fault::Cancelled, "cancelled before the login"),
            Step::Login if !self.password_sent => self.fail(Fault::Cancelled, "cancelled during the login"),
            // Left now, a login that still comes through would leave its session open.
            Step::Login => {
                self.cancelled = true;
                self.limit_at = self.limit_at.min(self.now + CANCEL_GRACE);
            }
            Step::Round => {
                self.cancelled = true;
                self.stop_round(Fault::Cancelled, "cancelled");
            }
            Step::Handed => self.take_back(Back::Cancelled),
            Step::TakingBack | Step::Logout | Step::Done => {}
        }
    }
}
