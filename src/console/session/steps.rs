//! What a session makes of what it sees, step by step: the decisions, apart from the clockwork around them.

use std::time::Duration;

use crate::model::{Fault, Hostname, Moment};

use super::super::legible::GARBAGE_BYTES_MIN;
use super::super::matcher::{self, Prompt, Sight};
use super::super::speech::{self, Say};
use super::{
    ANSWERS_MAX, CANCEL_GRACE, Credential, GRANT_PATIENCE, LOGOUT_REPEATS, LOGOUT_SILENCE, Outcome, Output,
    REFRESHES_MAX, SETTLE_NAMELESS, SETTLE_NOISE, SETTLE_OPEN, SETTLE_REPEATED, SETTLE_TEXT, SETTLE_WOKEN,
    Session, Step, USERNAMES_MAX,
};
use crate::model::Mono;

/// Whether `seen` names the expected host; the other way round than in [`Hostname::is`] too: where the plan has the
/// short name, a banner may show it with its domain.
fn names(expected: &Hostname, seen: &str) -> bool {
    let short = seen.split('.').next().unwrap_or(seen);
    expected.is(seen) || (!expected.as_str().contains('.') && expected.is(short))
}

fn seconds(span: Duration) -> String {
    format!("{} s", span.as_secs_f64())
}

/// The modem's own last word, which stands behind what the far end said.
fn without_no_carrier(text: &str) -> &str {
    let trimmed = text.trim_end();
    trimmed.strip_suffix("NO CARRIER").map_or(text, |before| before.strip_suffix('\n').unwrap_or(before))
}

impl Session {
    /// The output has rested, or the carrier is about to be told: what stands there?
    pub(super) fn look(&mut self) {
        let sight = matcher::look(&self.dialog, self.screen.since(self.mark));
        match self.step {
            Step::Prompt => self.look_for_prompt(&sight),
            Step::Login => self.look_for_login(&sight),
            Step::Logout => self.look_for_logout(&sight),
            Step::Grant | Step::Done => {}
        }
    }

    /// When silence is answered, if it is.
    pub(super) fn idle_at(&self) -> Option<Mono> {
        if self.look_at.is_some() {
            return None;
        }
        let active = self.last_rx.max(self.last_tx);
        match self.step {
            Step::Prompt if self.wakes < self.dialog.wake_times || self.may_refresh_prompt() => {
                Some(active + self.dialog.wake_after)
            }
            Step::Logout if self.refreshes < REFRESHES_MAX => Some(active + LOGOUT_SILENCE),
            _ => None,
        }
    }

    /// After a wait for the credential the prompt may have timed out, with all wake-ups spent.
    fn may_refresh_prompt(&self) -> bool {
        self.credential.is_some() && self.refreshes < REFRESHES_MAX
    }

    pub(super) fn idle(&mut self) {
        if self.step == Step::Prompt && self.wakes < self.dialog.wake_times {
            self.wakes += 1;
            let text = &self.dialog.wake_send;
            let say = if text.is_empty() { Say::Return } else { Say::Listed(text, true) };
            let bytes = speech::bytes(&self.dialog, say);
            self.say(bytes);
        } else {
            self.refresh();
        }
    }

    /// A CR for a new prompt. False if that was done often enough.
    fn refresh(&mut self) -> bool {
        let may = self.refreshes < REFRESHES_MAX;
        if may {
            self.refreshes += 1;
            self.say_return();
        }
        may
    }

    fn is_other(&self, host: &str) -> bool {
        self.expect.hostname.as_ref().is_some_and(|expected| !names(expected, host))
    }

    /// Notes a host that was named; says what is wrong if it is another one.
    fn meet(&mut self, host: Option<&str>) -> Option<(Fault, String)> {
        let host = host?;
        self.host = Some(host.to_owned());
        match &self.expect.hostname {
            Some(expected) if !names(expected, host) => {
                Some((Fault::WrongConsole, format!("answered as \"{host}\", expected \"{expected}\"")))
            }
            Some(_) => {
                self.host_fits = true;
                None
            }
            None => None,
        }
    }

    /// Notes the host of a banner; true if that ended the session.
    fn meet_banner(&mut self) -> bool {
        let host = matcher::banner(&self.dialog, self.screen.since(0), |host| self.is_other(host));
        if host.is_some() {
            self.prompted();
        }
        match self.meet(host.as_deref()) {
            Some(wrong) => {
                self.finish(Some(wrong));
                true
            }
            None => false,
        }
    }

    fn prompted(&mut self) {
        if !std::mem::replace(&mut self.prompted, true) {
            self.moment(Moment::Prompted, self.last_rx);
        }
    }

    fn look_for_prompt(&mut self, sight: &Sight) {
        if self.meet_banner() {
            return;
        }
        let rest = if self.wakes > 0 { SETTLE_WOKEN } else { self.dialog.settle };
        match sight.prompt {
            Some(prompt @ (Prompt::Username | Prompt::Password)) => {
                self.prompted();
                if self.rested(rest) {
                    self.login_prompt(prompt, sight);
                }
            }
            Some(Prompt::Command) => {
                if self.rested(rest.max(SETTLE_OPEN)) {
                    self.open_console(sight);
                }
            }
            Some(Prompt::Boot) => {
                if self.rested(SETTLE_OPEN) {
                    self.fail(Fault::BootPrompt, format!("boot loader's prompt \"{}\"", sight.line));
                }
            }
            Some(aside @ (Prompt::PressReturn | Prompt::Pager | Prompt::Question(_))) => {
                self.answer_aside(aside)
            }
            None => {
                let says = matcher::says_before_login(&self.dialog, self.screen.since(self.mark));
                if says.is_some() && self.rested(SETTLE_TEXT) {
                    self.finish(says);
                }
            }
        }
    }

    /// A login prompt before anything was answered.
    fn login_prompt(&mut self, prompt: Prompt, sight: &Sight) {
        if let Some(wrong) = self.meet(sight.host.as_deref()) {
            // Nothing is sent: not even a logout, since nobody is logged in.
            self.finish(Some(wrong));
        } else if prompt == Prompt::Password && self.wakes > 0 && self.was_asked_for_username() {
            // Our CR crossed a late username prompt and was taken for an empty name. A password now would be lost on
            // it, and counted; an empty line brings the username prompt back.
            self.refresh();
        } else if self.credential.is_some() {
            self.answer(prompt);
        } else {
            self.enter(Step::Grant, self.limits.wait_grant);
            self.out.push_back(Output::AskCredential);
        }
    }

    fn was_asked_for_username(&self) -> bool {
        matcher::asked_for_username(&self.dialog, self.screen.since(0))
    }

    fn open_console(&mut self, sight: &Sight) {
        if let Some((fault, detail)) = self.meet(sight.host.as_deref()) {
            // Somebody else's console: whose session that is, is not ours to end.
            self.fail(fault, format!("{detail}; its command prompt stands open without a login"));
            return;
        }
        let detail = format!("command prompt \"{}\" without a login", sight.line);
        self.log_out(Some((Fault::OpenConsole, detail)));
    }

    fn enter(&mut self, step: Step, limit: Duration) {
        self.step = step;
        self.since = self.now;
        self.last_tx = self.now;
        self.limit_at = self.now + limit;
    }

    pub(super) fn granted(&mut self, credential: Credential) {
        if self.step != Step::Grant {
            return;
        }
        self.credential = Some(credential);
        // The prompt may have gone while we waited; it is looked for again, with a limit of its own.
        self.enter(Step::Prompt, self.limits.prompt);
        if self.look_at.is_none() {
            self.look();
        }
    }

    pub(super) fn denied(&mut self, why: &str) {
        if self.step == Step::Grant {
            self.fail(Fault::CredentialUnproven, why);
        }
    }

    fn answer(&mut self, prompt: Prompt) {
        if self.step != Step::Login {
            self.enter(Step::Login, self.limits.login);
        }
        let Some(credential) = &self.credential else { return };
        let bytes = if prompt == Prompt::Username {
            self.usernames += 1;
            speech::bytes(&self.dialog, Say::Username(credential))
        } else {
            self.password_sent = true;
            self.outcome_due = true;
            self.out.push_back(Output::PasswordSent);
            speech::bytes(&self.dialog, Say::Password(credential))
        };
        self.say(bytes);
    }

    /// Something in the way that is answered from the allow-list.
    fn answer_aside(&mut self, prompt: Prompt) {
        if self.answers >= ANSWERS_MAX {
            return;
        }
        self.answers += 1;
        let say = match prompt {
            Prompt::Pager => Say::Listed(&self.dialog.pager_send, false),
            Prompt::Question(index) => {
                let question = &self.dialog.questions[index];
                Say::Listed(&question.answer, question.cr)
            }
            _ => Say::Return,
        };
        let bytes = speech::bytes(&self.dialog, say);
        self.say(bytes);
    }

    fn look_for_login(&mut self, sight: &Sight) {
        match sight.prompt {
            Some(Prompt::Command) => {
                let rest = if sight.host.is_some() { self.dialog.settle } else { SETTLE_NAMELESS };
                if self.rested(rest.max(self.dialog.settle)) {
                    let verdict = self.logged_in(sight);
                    self.log_out(verdict);
                }
            }
            Some(Prompt::Username | Prompt::Password) if self.password_sent => self.asked_again(sight),
            Some(Prompt::Username) => {
                let says = self.says_during_login();
                if says.is_some() {
                    self.finish(says);
                } else if self.usernames < USERNAMES_MAX && self.rested(SETTLE_REPEATED) {
                    self.answer_again(Prompt::Username, sight);
                }
            }
            Some(Prompt::Password) => self.answer_again(Prompt::Password, sight),
            Some(Prompt::Boot) => {
                if self.rested(SETTLE_OPEN) {
                    self.fail(Fault::BootPrompt, format!("boot loader's prompt \"{}\"", sight.line));
                }
            }
            Some(aside @ (Prompt::PressReturn | Prompt::Pager | Prompt::Question(_))) => {
                self.answer_aside(aside)
            }
            None => {
                let says = self.says_during_login();
                if says.is_some() {
                    if self.rested(SETTLE_TEXT) {
                        self.finish(says);
                    }
                } else if self.password_sent
                    && sight.noise
                    && self.refreshes < REFRESHES_MAX
                    && self.rested(SETTLE_NOISE)
                {
                    // Never before the password: there a lost prompt may be the password's own, and an empty line
                    // would be a wrong one.
                    self.refresh();
                }
            }
        }
    }

    fn says_during_login(&self) -> Option<(Fault, String)> {
        matcher::says_during_login(&self.dialog, self.screen.since(self.mark))
    }

    fn answer_again(&mut self, prompt: Prompt, sight: &Sight) {
        match self.meet(sight.host.as_deref()) {
            Some(wrong) => self.finish(Some(wrong)),
            None => self.answer(prompt),
        }
    }

    /// A login prompt after the password: a verdict, never answered.
    fn asked_again(&mut self, sight: &Sight) {
        let says = self.says_during_login();
        self.finish(Some(says.unwrap_or_else(|| {
            (Fault::LoginRefused, format!("asked again after the password: \"{}\"", sight.line))
        })));
    }

    /// The command prompt is there: tells the instants, and what is wrong with the host, if anything.
    fn logged_in(&mut self, sight: &Sight) -> Option<(Fault, String)> {
        let at = self.last_rx;
        self.outcome(Outcome::Accepted);
        self.moment(Moment::LoggedIn, at);
        let wrong = self.meet(sight.host.as_deref());
        if wrong.is_some() {
            return wrong;
        }
        let expected = self.expect.hostname.as_ref()?;
        if !self.host_fits {
            let detail =
                format!("logged in, but neither banner nor prompt names a host; expected \"{expected}\"");
            return Some((Fault::WrongConsole, detail));
        }
        self.moment(Moment::Verified, at);
        None
    }

    fn log_out(&mut self, verdict: Option<(Fault, String)>) {
        self.verdict = verdict;
        self.bytes = 0;
        self.enter(Step::Logout, self.limits.logout);
        self.say_logout();
    }

    fn say_logout(&mut self) {
        let last = self.dialog.logout.len() - 1;
        let command = &self.dialog.logout[self.logouts.min(last)];
        let bytes = speech::bytes(&self.dialog, Say::Listed(command, true));
        self.logouts += 1;
        self.say(bytes);
    }

    fn look_for_logout(&mut self, sight: &Sight) {
        match sight.prompt {
            Some(Prompt::Username | Prompt::Password | Prompt::PressReturn) => self.logged_out(self.last_rx),
            // A deeper mode was left, or the command was lost.
            Some(Prompt::Command) => {
                if self.logouts < self.dialog.logout.len() + LOGOUT_REPEATS && self.rested(SETTLE_OPEN) {
                    self.say_logout();
                }
            }
            Some(aside @ (Prompt::Pager | Prompt::Question(_))) => self.answer_aside(aside),
            Some(Prompt::Boot) | None => {}
        }
    }

    fn logged_out(&mut self, at: Mono) {
        self.moment(Moment::LoggedOut, at);
        self.logout_proven = true;
        let verdict = self.verdict.take();
        self.finish(verdict);
    }

    /// The logout's proof did not come.
    fn logout_unproven(&mut self, why: &str) {
        let verdict = match self.verdict.take() {
            Some((fault, detail)) => (fault, format!("{detail}; logout not proven: {why}")),
            None => (Fault::LogoutUnproven, why.to_owned()),
        };
        self.finish(Some(verdict));
    }

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
            Step::Done => {}
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
        if let Some(garbage) = self.legible.garbage() {
            self.fail(Fault::Garbage, garbage);
            return;
        }
        let woken = match self.wakes {
            0 => String::new(),
            1 => " after 1 CR".to_owned(),
            times => format!(" after {times} CRs"),
        };
        let (total, unreadable) = (self.legible.total(), self.legible.unreadable());
        if total == 0 {
            self.fail(Fault::ConsoleSilent, format!("not one character within {within}{woken}"));
        } else if self.echoes_alone() {
            let what = if self.wakes > 0 { "it only echoes what is sent" } else { "blank lines alone" };
            self.fail(Fault::ConsoleSilent, format!("{what}, nothing else within {within}{woken}"));
        } else if total < GARBAGE_BYTES_MIN && unreadable * 2 > total {
            let detail = format!("{total} bytes of noise, nothing else within {within}{woken}");
            self.fail(Fault::ConsoleSilent, detail);
        } else {
            self.fail(Fault::LoginTimeout, format!("no login prompt within {within}{woken}{last}"));
        }
    }

    /// Whether nothing came but what we sent.
    fn echoes_alone(&self) -> bool {
        let wake = self.dialog.wake_send.trim();
        self.legible.unreadable() == 0
            && self.screen.since(0).lines().all(|line| {
                let line = line.trim();
                line.is_empty() || line == wake
            })
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
            Step::Logout | Step::Done => {}
        }
    }

    fn lost_during_login(&mut self, sight: &Sight) {
        let says = self.says_during_login();
        match sight.prompt {
            Some(Prompt::Command) => {
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
            Step::Logout | Step::Done => {}
        }
    }
}
