//! What a session makes of what it sees, step by step: the decisions, apart from the clockwork around them.

use std::time::Duration;

use crate::model::{Fault, Moment};

use super::super::dialog::Way;
use super::super::handover::Stand;
use super::super::matcher::{self, Prompt, Sight, names};
use super::super::speech::{self, Say};
use super::{
    ANSWERS_MAX, Credential, LOGOUT_REPEATS, LOGOUT_SILENCE, Outcome, Output, REFRESHES_MAX, SETTLE_NAMELESS,
    SETTLE_NOISE, SETTLE_OPEN, SETTLE_REPEATED, SETTLE_TEXT, SETTLE_WOKEN, Session, Step, USERNAMES_MAX,
};
use crate::model::Mono;

impl Session {
    /// The output has rested, or the carrier is about to be told: what stands there?
    pub(super) fn look(&mut self) {
        let sight = matcher::look(&self.dialog, self.screen.since(self.mark));
        if !sight.noise || sight.line != self.last_line {
            self.last_text = self.last_rx;
            self.last_line.clone_from(&sight.line);
        }
        match self.step {
            Step::Prompt => self.look_for_prompt(&sight),
            Step::Login => self.look_for_login(&sight),
            Step::Logout => self.look_for_logout(&sight),
            Step::TakingBack => self.look_taken_back(),
            Step::Handed | Step::Grant | Step::Round | Step::Done => {}
        }
    }

    /// When silence is answered, if it is.
    pub(super) fn idle_at(&self) -> Option<Mono> {
        if self.look_at.is_some() {
            return None;
        }
        let active = self.last_text.max(self.last_tx);
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
    pub(super) fn meet_banner(&mut self) -> bool {
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
            Some(menu @ Prompt::Menu(index)) => {
                if self.rested(rest.max(self.menu_rest(index))) {
                    if self.is_behind_login(index) {
                        self.open_console(sight);
                    } else {
                        self.answer_aside(menu);
                    }
                }
            }
            Some(aside @ (Prompt::PressReturn | Prompt::Pager | Prompt::Question(_))) => {
                self.answer_aside(aside);
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
        let what = if matches!(sight.prompt, Some(Prompt::Menu(_))) { "menu" } else { "command prompt" };
        let host = self.host_of(sight);
        if let Some((fault, detail)) = self.meet(host.as_deref()) {
            // Somebody else's console: whose session that is, is not ours to end.
            self.fail(fault, format!("{detail}; its {what} stands open without a login"));
            return;
        }
        let detail = format!("{what} \"{}\" without a login", sight.line);
        self.log_out(Some((Fault::OpenConsole, detail)), sight.prompt);
    }

    /// Whether only who is logged in sees this menu.
    pub(super) fn is_behind_login(&self, menu: usize) -> bool {
        matches!(self.dialog.menus[menu].way, Way::Leave(_))
    }

    /// How long the output must rest before this menu is believed to stand there: one that is drawn has no end that
    /// shows, and a key that comes too early may be lost, or be taken by something else.
    pub(super) fn menu_rest(&self, menu: usize) -> Duration {
        if self.dialog.menus[menu].screen { SETTLE_TEXT } else { SETTLE_OPEN }
    }

    /// The host that a prompt names; where it names none, that of a banner since our last answer.
    fn host_of(&self, sight: &Sight) -> Option<String> {
        let banner =
            || matcher::banner(&self.dialog, self.screen.since(self.mark), |host| self.is_other(host));
        sight.host.clone().or_else(banner)
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

    /// There is no password to be had. Up to here the console was checked; the rest may be a technician's.
    pub(super) fn no_credential(&mut self, why: &str) {
        if self.step != Step::Grant {
            return;
        }
        let line = matcher::look(&self.dialog, self.screen.since(self.mark)).line;
        self.verdict = Some((Fault::CredentialUnproven, why.to_owned()));
        if !self.hand_over(Stand::LoginPrompt, &line) {
            let verdict = self.verdict.take();
            self.finish(verdict);
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
            Prompt::Menu(index) => {
                let menu = &self.dialog.menus[index];
                let Way::Enter(key) = &menu.way else { return };
                Say::Listed(key, menu.cr)
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
                // What is typed at a console server is compared with the line that stands there now: it must be whole.
                let rest = if self.behind.is_empty() { rest } else { rest.max(SETTLE_OPEN) };
                if self.rested(rest.max(self.dialog.settle)) {
                    self.inside(sight);
                }
            }
            Some(menu @ Prompt::Menu(index)) => {
                if self.rested(self.menu_rest(index)) {
                    if self.is_behind_login(index) {
                        self.inside(sight);
                    } else {
                        self.answer_aside(menu);
                    }
                }
            }
            Some(Prompt::Username | Prompt::Password) if self.password_sent => self.asked_again(sight),
            Some(Prompt::Username) => {
                let may_repeat = self.usernames < USERNAMES_MAX;
                match self.says_during_login() {
                    // It may be meant for an empty name that our CR typed.
                    Some((Fault::LoginRefused, _)) if may_repeat && self.wakes > 0 => {}
                    None => {}
                    says => return self.finish(says),
                }
                if may_repeat && self.rested(SETTLE_REPEATED) {
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
                self.answer_aside(aside);
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

    pub(super) fn says_during_login(&self) -> Option<(Fault, String)> {
        matcher::says_during_login(&self.dialog, self.screen.since(self.mark))
    }

    fn answer_again(&mut self, prompt: Prompt, sight: &Sight) {
        // A banner may have come behind the username.
        if self.meet_banner() {
            return;
        }
        match self.meet(sight.host.as_deref()) {
            Some(wrong) => self.finish(Some(wrong)),
            None => self.answer(prompt),
        }
    }

    /// A login prompt after the password: a verdict, never answered.
    pub(super) fn asked_again(&mut self, sight: &Sight) {
        let says = self.says_during_login();
        self.finish(Some(says.unwrap_or_else(|| {
            (Fault::LoginRefused, format!("asked again after the password: \"{}\"", sight.line))
        })));
    }

    /// The command prompt is there: tells the instants, and what is wrong with the host, if anything.
    pub(super) fn logged_in(&mut self, sight: &Sight) -> Option<(Fault, String)> {
        let at = self.last_rx;
        self.outcome(Outcome::Accepted);
        self.moment(Moment::LoggedIn, at);
        let host = self.host_of(sight);
        let wrong = self.meet(host.as_deref());
        if wrong.is_some() {
            return wrong;
        }
        let expected = self.expect.hostname.as_ref()?;
        if !self.host_fits {
            let detail =
                format!("logged in, but neither banner nor prompt names a host; expected \"{expected}\"");
            return Some((Fault::WrongConsole, detail));
        }
        if self.behind.is_empty() {
            self.moment(Moment::Verified, at);
        }
        None
    }

    pub(super) fn log_out(&mut self, verdict: Option<(Fault, String)>, at: Option<Prompt>) {
        self.verdict = verdict;
        self.bytes = 0;
        self.enter(Step::Logout, self.limits.logout);
        self.say_logout(at);
    }

    /// The way out of where we stand: a menu has its own.
    fn say_logout(&mut self, at: Option<Prompt>) {
        let menu = match at {
            Some(Prompt::Menu(index)) => Some(&self.dialog.menus[index]),
            _ => None,
        };
        let (keys, cr, sent) = match menu.map(|menu| (&menu.way, menu.cr)) {
            Some((Way::Leave(keys), cr)) => (keys, cr, &mut self.leaves),
            _ => (&self.dialog.logout, true, &mut self.logouts),
        };
        let key = &keys[(*sent).min(keys.len() - 1)];
        *sent += 1;
        let bytes = speech::bytes(&self.dialog, Say::Listed(key, cr));
        self.say(bytes);
    }

    fn look_for_logout(&mut self, sight: &Sight) {
        match sight.prompt {
            Some(Prompt::Username | Prompt::Password | Prompt::PressReturn) => self.logged_out(self.last_rx),
            // A deeper mode was left, or the command was lost.
            Some(Prompt::Command) => {
                if self.logouts < self.dialog.logout.len() + LOGOUT_REPEATS && self.rested(SETTLE_OPEN) {
                    self.say_logout(sight.prompt);
                }
            }
            Some(Prompt::Menu(index)) => match &self.dialog.menus[index].way {
                Way::Enter(_) => self.logged_out(self.last_rx),
                Way::Leave(keys) => {
                    if self.leaves < keys.len() + LOGOUT_REPEATS && self.rested(self.menu_rest(index)) {
                        self.say_logout(sight.prompt);
                    }
                }
            },
            Some(aside @ (Prompt::Pager | Prompt::Question(_))) => self.answer_aside(aside),
            Some(Prompt::Boot) | None => {}
        }
    }

    pub(super) fn logged_out(&mut self, at: Mono) {
        self.moment(Moment::LoggedOut, at);
        self.logout_proven = true;
        let verdict = self.verdict.take();
        self.finish(verdict);
    }

    /// The logout's proof did not come.
    pub(super) fn logout_unproven(&mut self, why: &str) {
        let verdict = match self.verdict.take() {
            Some((fault, detail)) => (fault, format!("{detail}; logout not proven: {why}")),
            None => (Fault::LogoutUnproven, why.to_owned()),
        };
        self.finish(Some(verdict));
    }
}
