//! Asking ports who sits there, all at once: nothing is typed but what any modem may be asked (never an S register).

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::model::Fault;
use crate::modem::clock::Clock;
use crate::modem::codec::Codec;
use crate::modem::driver::drive;
use crate::modem::fingerprint::Fingerprint;
use crate::modem::identify::{Identify, choose};
use crate::modem::port::list::FoundPort;
use crate::modem::port::{Port, PortError, PortOptions, PortPath};
use crate::modem::profile::Profile;
use crate::modem::setup::{SetupFault, SetupLimits};

/// Longest that a port may take, opening and closing included: a driver that hangs must not hold up the others' rows.
const PORT_LIMIT: Duration = Duration::from_secs(25);
/// Longest that the modem's answers may take.
const SETUP_LIMIT: Duration = Duration::from_secs(15);

/// A port to be asked.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Place {
    /// As the user wrote it, or its name that lasts longest.
    pub(in crate::cli) name: String,
    pub(in crate::cli) path: PortPath,
    /// What the system knows of it.
    pub(in crate::cli) known: Option<FoundPort>,
}

impl Place {
    pub(in crate::cli) fn found(port: FoundPort) -> Self {
        let stable = port.stable().to_owned();
        Self { name: stable.display().to_string(), path: PortPath::Tty(stable), known: Some(port) }
    }
}

/// A modem that told who it is.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Modem {
    /// Its family's profile.
    pub(in crate::cli) profile: String,
    /// What it says of itself; none if it answers and says nothing.
    pub(in crate::cli) fingerprint: Option<Fingerprint>,
}

/// A port that was asked.
#[derive(Debug)]
pub(in crate::cli) struct Asked {
    pub(in crate::cli) place: Place,
    /// The modem, or why there is none to be had; absent if it was not asked.
    pub(in crate::cli) answer: Option<Result<Modem, String>>,
}

impl Asked {
    pub(in crate::cli) const fn not_asked(place: Place) -> Self {
        Self { place, answer: None }
    }

    pub(in crate::cli) fn modem(&self) -> Option<&Modem> {
        self.answer.as_ref()?.as_ref().ok()
    }
}

/// Asks all ports at the same time; their order stays.
pub(in crate::cli) async fn all(
    places: Vec<Place>,
    options: &PortOptions,
    profiles: Arc<[Profile]>,
    clock: Clock,
) -> Vec<Asked> {
    let mut asking = JoinSet::new();
    for (index, place) in places.into_iter().enumerate() {
        let (options, profiles) = (options.clone(), Arc::clone(&profiles));
        asking.spawn(async move {
            let one = tokio::time::timeout(PORT_LIMIT, ask(&place.path, &options, &profiles, clock));
            let answer = one.await.unwrap_or_else(|_| {
                Err(format!("its driver did not come to an end within {} s", PORT_LIMIT.as_secs()))
            });
            (index, Asked { place, answer: Some(answer) })
        });
    }
    let mut asked = Vec::new();
    while let Some(done) = asking.join_next().await {
        match done {
            Ok(one) => asked.push(one),
            Err(error) => tracing::error!(%error, "a port could not be asked"),
        }
    }
    asked.sort_by_key(|(index, _)| *index);
    asked.into_iter().map(|(_, one)| one).collect()
}

async fn ask(
    path: &PortPath,
    options: &PortOptions,
    profiles: &[Profile],
    clock: Clock,
) -> Result<Modem, String> {
    let mut port = Port::open(path, options, clock).await.map_err(|error| error.detail())?;
    let asked = identify(&mut port, profiles, clock).await;
    port.close().await;
    asked.map_err(|error| error.detail())?
}

async fn identify(
    port: &mut Port,
    profiles: &[Profile],
    clock: Clock,
) -> Result<Result<Modem, String>, PortError> {
    let limits = SetupLimits { total: SETUP_LIMIT, ..SetupLimits::default() };
    let machine = Identify::of_one(&port.facts_now(), limits);
    let identity = match drive(machine, Codec::new(false), port, clock).await? {
        Ok(identity) => identity,
        Err(SetupFault { fault: Fault::ModemSilent, detail }) => {
            return Ok(Err(format!("{detail}; is a modem there, switched on, and its cable in?")));
        }
        Err(fault) => return Ok(Err(fault.detail)),
    };
    Ok(choose(profiles, &identity)
        .map(|profile| Modem { profile: profile.profile.clone(), fingerprint: Fingerprint::of(&identity) })
        .ok_or_else(|| "there is no profile to choose from".to_owned()))
}
