//! The keeper behind a guard: a panic in it ends neither the daemon nor its calls.
//!
//! What died is never asked again. Whoever carries out what it says ends what goes on, cleanly, and then has another one begin
//! from what was kept on the disk. One that dies again and again is a matter for the service manager.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::durable::Durable;
use super::keeper::{Action, Input, Keeper};
use super::status::Status;
use crate::config::service::Loaded;
use crate::model::{Mono, Reading};

/// So often within [`DEATHS_WITHIN`], and no other one is begun.
const DEATHS_MAX: usize = 3;
/// What died longer ago is forgotten.
const DEATHS_WITHIN: Duration = Duration::from_secs(10 * 60);
/// Jobs and orders that one of them may name; the next one's names begin behind them.
const NAMES: u64 = 1 << 32;

/// What decides.
pub(super) trait Brain: Send {
    /// One thing has happened: what is to be done.
    fn step(&mut self, now: &Reading, input: Input) -> Vec<Action>;
    /// When it wants to be stepped again, whatever happens.
    fn next_deadline(&self) -> Option<Timestamp>;
    /// The daemon as it stands.
    fn status(&self, now: &Reading) -> Status;
    /// Its names of jobs and orders are those behind this number.
    fn name_behind(&mut self, number: u64);
}

impl Brain for Keeper {
    fn step(&mut self, now: &Reading, input: Input) -> Vec<Action> {
        Self::step(self, now, input)
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        Self::next_deadline(self)
    }

    fn status(&self, now: &Reading) -> Status {
        Self::status(self, now)
    }

    fn name_behind(&mut self, number: u64) {
        Self::name_behind(self, number);
    }
}

/// Begins one, with a configuration and what was kept on the disk.
pub(super) type Make = fn(&Reading, Arc<Loaded>, Durable) -> (Box<dyn Brain>, Vec<Action>);

/// The daemon's own.
pub(super) fn keeper(now: &Reading, loaded: Arc<Loaded>, durable: Durable) -> (Box<dyn Brain>, Vec<Action>) {
    let (keeper, first) = Keeper::new(now, loaded, durable);
    (Box::new(keeper), first)
}

/// One that lives, or has died.
pub(super) struct Guarded {
    make: Make,
    brain: Option<Box<dyn Brain>>,
    /// It died when nothing was to be told: of what.
    died_of: Option<String>,
    /// When the last ones died.
    deaths: VecDeque<Mono>,
    begun: u64,
}

impl Guarded {
    /// None lives yet.
    pub(super) fn new(make: Make) -> Self {
        Self { make, brain: None, died_of: None, deaths: VecDeque::new(), begun: 0 }
    }

    /// None lives, and that was told.
    pub(super) fn is_dead(&self) -> bool {
        self.brain.is_none() && self.died_of.is_none()
    }

    /// They die too often: no other one is to be begun.
    pub(super) fn is_hopeless(&self) -> bool {
        self.deaths.len() >= DEATHS_MAX
    }

    /// Begins one.
    ///
    /// # Errors
    /// It died of it, and of what.
    pub(super) fn begin(
        &mut self,
        now: &Reading,
        loaded: Arc<Loaded>,
        durable: Durable,
    ) -> Result<Vec<Action>, String> {
        let make = self.make;
        let (mut brain, first) = self.guard(now.mono, || make(now, loaded, durable))?;
        brain.name_behind(self.begun * NAMES);
        self.begun += 1;
        self.brain = Some(brain);
        Ok(first)
    }

    /// One thing has happened: what is to be done; nothing, if none lives.
    ///
    /// # Errors
    /// It died of it, and of what.
    pub(super) fn step(&mut self, now: &Reading, input: Input) -> Result<Vec<Action>, String> {
        if let Some(why) = self.died_of.take() {
            return Err(why);
        }
        let Some(mut brain) = self.brain.take() else { return Ok(Vec::new()) };
        let (brain, actions) = self.guard(now.mono, || {
            let actions = brain.step(now, input);
            (brain, actions)
        })?;
        self.brain = Some(brain);
        Ok(actions)
    }

    /// When it wants to be stepped again. One that dies of the question is stepped at once, which tells of its death.
    pub(super) fn next_deadline(&mut self, now: &Reading) -> Option<Timestamp> {
        let brain = self.brain.take()?;
        let asked = self.guard(now.mono, || {
            let next = brain.next_deadline();
            (brain, next)
        });
        match asked {
            Ok((brain, next)) => {
                self.brain = Some(brain);
                next
            }
            Err(why) => {
                self.died_of = Some(why);
                Some(now.wall)
            }
        }
    }

    /// The daemon as it stands, if it can say so.
    pub(super) fn status(&self, now: &Reading) -> Option<Status> {
        let brain = self.brain.as_ref()?;
        catch_unwind(AssertUnwindSafe(|| brain.status(now))).ok()
    }

    /// Nothing that was begun and not finished is looked at again, so no half-done change is ever seen.
    fn guard<T>(&mut self, now: Mono, work: impl FnOnce() -> T) -> Result<T, String> {
        catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
            self.deaths.retain(|death| now.since(*death) < DEATHS_WITHIN);
            self.deaths.push_back(now);
            panic_text(payload.as_ref())
        })
    }
}

/// What a panic said.
pub(super) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
    format!("it panicked: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::control::Level;

    /// Dies of the `n`th step; or of the question when it wants to be stepped.
    struct Frail(u32, bool);

    impl Brain for Frail {
        fn step(&mut self, _: &Reading, _: Input) -> Vec<Action> {
            self.0 = self.0.checked_sub(1).expect("one step too many");
            vec![Action::Log { level: Level::Info, text: "well".to_owned() }]
        }

        fn next_deadline(&self) -> Option<Timestamp> {
            assert!(!self.1, "no idea");
            None
        }

        fn status(&self, _: &Reading) -> Status {
            panic!("it can't say")
        }

        fn name_behind(&mut self, _: u64) {}
    }

    fn loaded() -> Arc<Loaded> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.yaml");
        let town = "exchange: town\nmodems: [{ id: m00, profile: courier }]\nlines: [{ id: A, number: \"+1 704 555 0101\" }]\n";
        std::fs::write(folder.path().join("exchange.yaml"), town).unwrap();
        let plan = "plan: town\nexchange: exchange.yaml\nnumbering: us\ndefaults: { console: none }\nlines: [{ id: A, number: \"+1 704 555 0101\" }]\n";
        let bank = "bank: town\nexchange: exchange.yaml\nmodems: [{ id: m00, profile: courier }]\n";
        std::fs::write(folder.path().join("bank.yaml"), bank).unwrap();
        std::fs::write(folder.path().join("plan.yaml"), plan.replace("exchange: exchange", "bank: bank"))
            .unwrap();
        std::fs::write(
            &path,
            "service: hq\nreports: r\nstate: s\nhttp: none\nplans: [{ plan: plan.yaml }]\n",
        )
        .unwrap();
        Arc::new(crate::config::service::load(&path, &|_| None).unwrap())
    }

    fn now(mono: u64) -> Reading {
        let wall = "2026-11-22T02:00:00Z".parse().unwrap();
        Reading { mono: Mono::from_millis(mono), wall, begun: wall }
    }

    #[test]
    fn what_dies_is_told_once_and_never_asked_again_and_another_one_can_begin() {
        let loaded = loaded();
        let mut guarded = Guarded::new(|_, _, _| (Box::new(Frail(1, false)), Vec::new()));
        assert!(guarded.is_dead());
        for death in 1..=DEATHS_MAX {
            guarded.begin(&now(0), Arc::clone(&loaded), Durable::default()).unwrap();
            assert_eq!(guarded.step(&now(1), Input::Time).unwrap().len(), 1);
            assert!(guarded.status(&now(1)).is_none() && !guarded.is_dead());
            assert!(guarded.step(&now(2), Input::Time).unwrap_err().contains("one step too many"));
            assert!(guarded.is_dead() && guarded.next_deadline(&now(3)).is_none());
            assert!(guarded.step(&now(3), Input::Time).unwrap().is_empty());
            assert_eq!(guarded.is_hopeless(), death == DEATHS_MAX);
        }
    }

    #[test]
    fn who_dies_of_a_question_is_found_dead_by_the_next_step() {
        let mut guarded = Guarded::new(|_, _, _| (Box::new(Frail(1, true)), Vec::new()));
        guarded.begin(&now(0), loaded(), Durable::default()).unwrap();
        let at = now(5);
        assert_eq!(guarded.next_deadline(&at), Some(at.wall));
        assert!(!guarded.is_dead(), "nobody was told yet");
        assert!(guarded.step(&at, Input::Time).unwrap_err().contains("no idea"));
        assert!(guarded.is_dead());
    }

    #[test]
    fn deaths_of_long_ago_are_forgotten() {
        let loaded = loaded();
        let mut guarded = Guarded::new(|_, _, _| (Box::new(Frail(0, false)), Vec::new()));
        for death in 0..20 {
            let at = now(death * 6 * 60 * 1_000);
            guarded.begin(&at, Arc::clone(&loaded), Durable::default()).unwrap();
            guarded.step(&at, Input::Time).unwrap_err();
            assert!(!guarded.is_hopeless(), "after {death}");
        }
    }
}
