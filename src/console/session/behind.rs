//! The session of a console server between its login and its logout: the round over the consoles behind it.

use crate::model::{Fault, Moment};

use super::super::handover::Stand;
use super::super::matcher::{Prompt, Sight};
use super::super::round::{Act, Round};
use super::{Credential, Output, Session, Step};

impl Session {
    /// The login worked: on to the consoles, if there are any and nothing speaks against it; else out again.
    pub(super) fn inside(&mut self, sight: &Sight) {
        let mut verdict = self.logged_in(sight);
        if self.cancelled && verdict.is_none() && !self.behind.is_empty() {
            verdict = Some((Fault::Cancelled, "cancelled before its consoles were seen".to_owned()));
        }
        let Some(prompt) = sight.prompt.filter(|_| verdict.is_none() && !self.behind.is_empty()) else {
            self.leave_or_hand_over(verdict, sight.prompt, &sight.line);
            return;
        };
        let secret = self.credential.as_ref().map(Credential::password).cloned();
        let mut round = Box::new(Round::new(
            std::sync::Arc::clone(&self.dialog),
            self.behind.clone(),
            self.backwards,
            self.limits.round,
            self.limits.bytes_max,
            secret,
        ));
        self.step = Step::Round;
        self.look_at = None;
        let act = round.start(self.now, prompt, &sight.line);
        self.round = Some(round);
        self.round_act(Some(act));
    }

    /// Logged in, and all was seen: out again, but for a technician who wants to go on. Never where it is not the console
    /// that it should be.
    fn leave_or_hand_over(&mut self, verdict: Option<(Fault, String)>, at: Option<Prompt>, line: &str) {
        let stand = if self.expect.hostname.is_some() { Stand::Verified } else { Stand::LoggedIn };
        let is_here = verdict.is_none() || self.round.is_some();
        if is_here && self.hand_over(stand, line) {
            self.verdict = verdict;
        } else {
            self.log_out(verdict, at);
        }
    }

    pub(super) fn round_act(&mut self, act: Option<Act>) {
        match act {
            Some(Act::Say(bytes)) => {
                self.out.push_back(Output::Send(bytes));
                self.last_tx = self.now;
            }
            Some(Act::Over) => self.round_over(),
            None => {}
        }
    }

    /// Every console was seen, or no more can be: out, if it is proven that the console server listens.
    fn round_over(&mut self) {
        let Some(found) = self.round.as_ref().map(|round| round.found()) else { return };
        if found.verdict.is_none() {
            self.moment(Moment::Verified, found.at);
        }
        if found.home.is_some() {
            let line = found.home_line.clone();
            self.leave_or_hand_over(found.verdict, found.home, &line);
        } else {
            self.finish(found.verdict);
        }
    }

    /// No further console.
    pub(super) fn stop_round(&mut self, fault: Fault, why: &str) {
        let now = self.now;
        let act = self.round.as_mut().and_then(|round| round.stop(now, fault, why));
        self.round_act(act);
    }

    /// The call is over without us.
    pub(super) fn abandon_round(&mut self, fault: Fault, why: &str) {
        let now = self.now;
        let Some(round) = &mut self.round else { return };
        round.abandon(now, fault, why);
        // Even where every console passed: whether it may be logged out of is not known any more.
        let verdict = round.found().verdict.unwrap_or_else(|| (fault, format!("{why}, before the logout")));
        self.finish(Some(verdict).filter(|(fault, _)| !self.cut_off || *fault != Fault::Cancelled));
    }
}
