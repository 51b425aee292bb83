//! A configuration that was read again: what is new is in force at once, what is wrong changes nothing.

use std::sync::Arc;

use super::{Action, Keeper, Level, done, refused};
use crate::config::problem::Problems;
use crate::config::service::{Loaded, difference};

impl Keeper {
    /// A good one.
    pub(super) fn reload(&mut self, loaded: Arc<Loaded>) {
        let changes = difference::told(&self.loaded, &loaded);
        for words in &changes {
            self.log(Level::Info, format!("configuration: {words}"));
        }
        match (changes.is_empty(), self.problem.is_some()) {
            (true, false) => self.log(Level::Debug, "configuration: nothing has changed"),
            (_, true) => self.log(Level::Info, "configuration: it is right again, and in force"),
            (false, false) => {}
        }
        let led = self.loaded.service.leadership != loaded.service.leadership;
        let before = self.effective_levels();
        self.loaded = loaded;
        self.loaded_at = self.now.wall;
        self.problem = None;
        if led {
            self.after.push(Action::Lead(self.loaded.service.leadership.clone()));
        }
        let levels = self.effective_levels();
        if levels != before {
            self.after.push(Action::Levels(levels));
        }
        let now = Arc::clone(&self.loaded);
        self.looked.retain(|plan, _| now.plan(plan).is_some_and(|plan| plan.entry.when.fits(self.role)));
        self.unseen.retain(|plan, _| now.plan(plan).is_some());
        let gone = self.queue.take_all(|item| {
            now.plan(&item.plan).is_none_or(|plan| match &item.want {
                super::queue::Want::Call(line) => plan.plan.line(line).is_none(),
                // Its times may be others now; what is due by the new ones is taken up anew.
                super::queue::Want::Due(_) => plan.entry.schedule.is_none(),
                _ => false,
            })
        });
        for item in gone {
            self.drop_item(&item, "it is no longer in the configuration");
        }
        self.remember_plans();
        let said = if changes.is_empty() { "nothing has changed".to_owned() } else { changes.join("; ") };
        for ticket in std::mem::take(&mut self.reloads) {
            self.reply(ticket, done(format!("the configuration was read: {said}")));
        }
    }

    /// A bad one: the old one stays.
    pub(super) fn bad_reload(&mut self, problems: &Problems) {
        let words = problems.to_string();
        if self.problem.as_ref() != Some(&words) {
            let told = words.replace('\n', "; ");
            self.log(
                Level::Error,
                format!("configuration: the new one is wrong, and the old one stays in force: {told}"),
            );
        }
        for ticket in std::mem::take(&mut self.reloads) {
            self.reply(
                ticket,
                Err(refused(format!(
                    "the new configuration is wrong, and the old one stays in force:\n{words}"
                ))),
            );
        }
        self.problem = Some(words);
    }
}
