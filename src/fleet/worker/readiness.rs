//! Making a modem ready: its port opened, who it is, its set-up; and the hook that wakes one that is stuck.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Bench, Channels, OPEN_LIMIT, OpenPort, ProfileChoice, Report, tell};
use crate::call::machine::Cancel;
use crate::console::transcript::clean_line;
use crate::fleet::reset::{self, REST_AFTER};
use crate::model::Fault;
use crate::modem::codec::Codec;
use crate::modem::driver::drive;
use crate::modem::fingerprint::Fingerprint;
use crate::modem::identify::{Identify, Identity, choose};
use crate::modem::port::{Port, PortError};
use crate::modem::profile::Profile;
use crate::modem::setup::{Setup, SetupLimits};

/// Why a modem is not ready.
enum Unready {
    /// Its port, or itself: a reset may help.
    Stuck(Fault, String),
    /// A reset changes nothing about it.
    Other(Fault, String),
}

impl From<PortError> for Unready {
    fn from(error: PortError) -> Self {
        match error.fault() {
            Fault::PortBusy => Self::Other(Fault::PortBusy, error.detail()),
            fault => Self::Stuck(fault, error.detail()),
        }
    }
}

impl<O: OpenPort> Bench<O> {
    /// Sets the modem up; one that is stuck is reset by its hook, if it has one and may be.
    pub(super) async fn set_up(&mut self, channels: &Channels) -> Report {
        let first = self.try_set_up().await;
        let Err(Unready::Stuck(_, why)) = &first else { return self.report(first) };
        let due = self.resets.failed(self.seat.reset.as_ref(), self.clock.now());
        let Some(hook) = self.seat.reset.clone().filter(|_| due) else { return self.report(first) };
        // An adaptor that loses its power under an open port comes back under another name.
        if let Some(port) = self.port.take() {
            port.close().await;
        }
        let running = reset::run(hook, self.seat.id.clone(), self.seat.port.clone());
        // A task of its own: it goes on when the run is ended meanwhile.
        let done = self.hook.insert(tokio::spawn(running)).await;
        self.hook = None;
        let done = done.unwrap_or_else(|error| Err(format!("the reset command was lost: {error}")));
        let (Ok(told) | Err(told)) = &done;
        let notice = format!("modem `{}`: {told}, after: {}", self.seat.id, clean_line(why));
        tell(channels, &self.seat.id, Report::Notice(notice)).await;
        if done.is_err() {
            return self.report(first);
        }
        tokio::time::sleep(REST_AFTER).await;
        let second = self.try_set_up().await;
        self.report(second)
    }

    /// Lets a hook finish that runs while the run is being ended, unless everything is to be dropped at once.
    pub(super) async fn let_hook_finish(&mut self, cancel: &mut watch::Receiver<Option<Cancel>>) {
        let Some(mut hook) = self.hook.take() else { return };
        tokio::select! {
            biased;
            _ = cancel.wait_for(|cancel| *cancel == Some(Cancel::HangUp)) => {}
            _ = &mut hook => {}
        }
    }

    fn report(&mut self, done: Result<Option<String>, Unready>) -> Report {
        match done {
            Ok(identified) => {
                self.resets.worked();
                if std::mem::take(&mut self.in_doubt) {
                    self.free_at = self.clock.now() + self.seat.on_hook_min;
                }
                Report::Ready { identified, abilities: self.abilities() }
            }
            Err(Unready::Stuck(fault, detail) | Unready::Other(fault, detail)) => Report::Out(fault, detail),
        }
    }

    async fn try_set_up(&mut self) -> Result<Option<String>, Unready> {
        // It goes with any error of its own, and is opened anew the next time.
        let mut port = self.opened().await?;
        let done = self.set_up_on(&mut port).await?;
        self.port = Some(port);
        done
    }

    async fn opened(&mut self) -> Result<Port, Unready> {
        if let Some(port) = self.port.take() {
            return Ok(port);
        }
        let opening = tokio::time::timeout(OPEN_LIMIT, self.opener.open(&self.seat.id));
        let Ok(opened) = opening.await else {
            let why = format!("the port did not open within {} s", OPEN_LIMIT.as_secs());
            return Err(Unready::Stuck(Fault::PortOpenFailed, why));
        };
        Ok(opened?)
    }

    async fn set_up_on(&mut self, port: &mut Port) -> Result<Result<Option<String>, Unready>, PortError> {
        let limits = SetupLimits { total: self.seat.setup_limit, ..SetupLimits::default() };
        let known = match (&self.family, &self.seat.profile) {
            (Some(profile), _) | (None, ProfileChoice::Fixed(profile)) => Some(Arc::clone(profile)),
            (None, ProfileChoice::Auto(_)) => None,
        };
        let mut asked = false;
        let mut identified = None;
        let family = match known {
            Some(family) if self.seat.fingerprint.is_none() => family,
            known => {
                asked = true;
                let identity = match self.identify(port, limits).await? {
                    Ok(identity) => identity,
                    Err(unready) => return Ok(Err(unready)),
                };
                if let Some(family) = known {
                    family
                } else {
                    let Some(profile) = self.chosen(&identity) else {
                        let why = "there is no profile to choose from".to_owned();
                        return Ok(Err(Unready::Other(Fault::ModemError, why)));
                    };
                    identified = Some(said(&profile.profile, &identity));
                    Arc::new(profile)
                }
            }
        };
        let own = family.for_modem(&self.learned);
        let setup = Setup::full(&own, &port.facts_now(), limits);
        // Whoever was asked who it is was hung up for that.
        let mut setup = if asked { setup.on_hook() } else { setup };
        let done = drive(&mut setup, Codec::for_profile(&own), port, self.clock).await?;
        self.in_doubt |= setup.hung_up();
        Ok(match done {
            Ok(done) => {
                // What it does not know is not asked again.
                self.learned.refused.extend(done.refused);
                self.family = Some(family);
                self.fresh = false;
                Ok(identified)
            }
            Err(why) => Err(Unready::Stuck(why.fault, why.detail)),
        })
    }

    fn chosen(&self, identity: &Identity) -> Option<Profile> {
        match &self.seat.profile {
            ProfileChoice::Fixed(profile) => Some(Profile::clone(profile)),
            ProfileChoice::Auto(profiles) => choose(profiles, identity).cloned(),
        }
    }

    /// Asks who it is, and makes sure that it is the one that the bank has there.
    async fn identify(
        &mut self,
        port: &mut Port,
        limits: SetupLimits,
    ) -> Result<Result<Identity, Unready>, PortError> {
        let facts = port.facts_now();
        let mut machine = match self.seat.fingerprint {
            Some(_) => Identify::of_one(&facts, limits),
            None => Identify::new(&facts, limits),
        };
        let asked = drive(&mut machine, Codec::new(false), port, self.clock).await?;
        self.in_doubt |= machine.hung_up();
        let identity = match asked {
            Ok(identity) => identity,
            Err(why) => return Ok(Err(Unready::Stuck(why.fault, why.detail))),
        };
        let expected = self.seat.fingerprint.as_ref().filter(|fingerprint| !fingerprint.fits(&identity));
        Ok(match expected {
            None => Ok(identity),
            Some(expected) => Err(Unready::Other(Fault::ModemError, self.stranger(expected, &identity))),
        })
    }

    /// What is told of another modem than the one expected.
    fn stranger(&self, expected: &Fingerprint, identity: &Identity) -> String {
        let says = Fingerprint::of(identity).map_or_else(|| "nothing".to_owned(), |says| format!("`{says}`"));
        let whose: Vec<String> = self
            .seat
            .neighbours
            .iter()
            .filter(|(id, fingerprint)| *id != self.seat.id && fingerprint.fits(identity))
            .map(|(id, _)| format!("`{id}`"))
            .collect();
        let whose =
            if whose.is_empty() { String::new() } else { format!(", as {} should", whose.join(" or ")) };
        let text = format!(
            "another modem is on this port: it says {says}{whose}, and the bank expects `{expected}`; was a cable swapped?"
        );
        clean_line(&text)
    }

    /// What the modem can show of a call, if that is news.
    fn abilities(&mut self) -> Option<String> {
        let family = self.family.as_ref()?;
        let now = family.for_modem(&self.learned).abilities(family);
        if now == self.told {
            return None;
        }
        self.told.clone_from(&now);
        Some(now)
    }
}

/// Who a modem said it is: its profile's name, then its own words.
fn said(profile: &str, identity: &Identity) -> String {
    let words: Vec<&str> =
        identity.answers.iter().flat_map(|(_, lines)| lines.iter().map(String::as_str)).collect();
    format!("{profile} {}", clean_line(&words.join(" / "))).trim_end().to_owned()
}
