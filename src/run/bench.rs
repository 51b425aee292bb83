//! The bench of a run: the bank's ports opened, or a virtual exchange started in their place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::config::{Plan, load_exchange};
use crate::fleet::worker::OpenPort;
use crate::model::{Fault, ModemId};
use crate::modem::clock::Clock;
use crate::modem::port::{Port, PortError, PortOptions, PortPath, allow_files};
use crate::sim::log::Log;
use crate::sim::{Exchange, RunningExchange};

use super::Failure;

/// Longest that opening a port may take: a wedged driver must not hold up the ports beside it.
const OPEN_LIMIT: Duration = Duration::from_secs(10);

/// Open files of one modem: its port, its lock, a reset command's pipes, and in a simulated bank the exchange's side of it.
const FILES_A_MODEM: u64 = 8;
/// Open files besides those: standard streams, the journal, the reports, what the runtime has.
const FILES_BESIDES: u64 = 256;

/// Where each modem's port is, and how it is opened.
#[derive(Debug)]
pub(crate) struct Ports {
    ports: BTreeMap<ModemId, (PortPath, PortOptions)>,
    clock: Clock,
}

impl OpenPort for Ports {
    async fn open(&self, modem: &ModemId) -> Result<Port, PortError> {
        match self.ports.get(modem) {
            Some((path, options)) => {
                let opened = tokio::time::timeout(OPEN_LIMIT, Port::open(path, options, self.clock)).await;
                opened.unwrap_or_else(|_| {
                    let why = format!("its driver did not open it within {} s", OPEN_LIMIT.as_secs());
                    let source = std::io::Error::new(std::io::ErrorKind::TimedOut, why);
                    Err(PortError::Open { path: path.to_string(), source })
                })
            }
            None => Err(PortError::Missing { path: modem.to_string() }),
        }
    }
}

/// The bench.
pub(crate) struct Bench {
    /// Opens ports.
    pub(crate) ports: Arc<Ports>,
    /// The ports that could be had, already open.
    pub(crate) open: BTreeMap<ModemId, Port>,
    exchange: Option<Played>,
}

/// A virtual exchange, and the folder of its ports.
type Played = (RunningExchange, TempDir);

impl Bench {
    /// Opens what can be opened, but for what is to be left alone. A port that can't is left out and tried again during the run.
    ///
    /// # Errors
    /// A port's name makes no sense, the exchange does not start, or every port is held by somebody else.
    pub(crate) async fn open(
        plan: &Plan,
        left: impl Fn(&ModemId) -> bool,
        clock: Clock,
    ) -> Result<Self, Failure> {
        let (ports, exchange) = Self::places(plan, clock)?;
        let open = open_all(plan, left, &ports).await?;
        Ok(Self { ports, open, exchange })
    }

    /// The same with the first modems of the bank that can be had, as many as are wanted, one after the other; the others are
    /// left alone, and out of the plan. Where none can be had the first one stays in it, to be told about.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) async fn open_few(plan: &mut Plan, wanted: usize, clock: Clock) -> Result<Self, Failure> {
        let (ports, exchange) = Self::places(plan, clock)?;
        let mut open = BTreeMap::new();
        let mut closed = BTreeMap::new();
        for modem in &plan.bank.modems {
            if open.len() == wanted {
                break;
            }
            match ports.open(&modem.id).await {
                Ok(port) => drop(open.insert(modem.id.clone(), port)),
                Err(error) => drop(closed.insert(modem.id.clone(), error)),
            }
        }
        all_busy(plan, open.is_empty(), &closed)?;
        match (open.is_empty(), plan.bank.modems.first().map(|modem| modem.id.clone())) {
            (true, Some(first)) => plan.bank.modems.retain(|modem| modem.id == first),
            _ => plan.bank.modems.retain(|modem| open.contains_key(&modem.id)),
        }
        Ok(Self { ports, open, exchange })
    }

    /// Where each modem's port is; the virtual exchange is started, if there is one.
    fn places(plan: &Plan, clock: Clock) -> Result<(Arc<Ports>, Option<Played>), Failure> {
        allow_files(plan.bank.modems.len() as u64 * FILES_A_MODEM + FILES_BESIDES);
        let (places, exchange) = match &plan.bank.exchange {
            Some(file) => {
                let (exchange, folder) = simulate(plan, file)?;
                let places: BTreeMap<ModemId, PathBuf> = exchange.ports().into_iter().collect();
                (places, Some((exchange, folder)))
            }
            None => (BTreeMap::new(), None),
        };
        let mut ports = BTreeMap::new();
        for modem in &plan.bank.modems {
            let path = match places.get(&modem.id) {
                Some(path) => PortPath::Tty(path.clone()),
                None => modem.port.parse().map_err(|error| {
                    Failure::wrong(format!("{}: modem `{}`: {error}", plan.bank.path.display(), modem.id))
                })?,
            };
            // Flow control is the modem's business with its far end: our own few bytes never fill its buffer, and a
            // cable without CTS would stop them.
            let options = PortOptions { baud: modem.baud, rtscts: false, ..PortOptions::default() };
            ports.insert(modem.id.clone(), (path, options));
        }
        Ok((Arc::new(Ports { ports, clock }), exchange))
    }

    /// Ends the virtual exchange, if there is one.
    pub(crate) async fn close(self) {
        if let Some((exchange, _folder)) = self.exchange {
            exchange.stop().await;
        }
    }
}

async fn open_all(
    plan: &Plan,
    left: impl Fn(&ModemId) -> bool,
    ports: &Arc<Ports>,
) -> Result<BTreeMap<ModemId, Port>, Failure> {
    let mut opening = tokio::task::JoinSet::new();
    for modem in plan.bank.modems.iter().filter(|modem| !left(&modem.id)) {
        let (ports, modem) = (Arc::clone(ports), modem.id.clone());
        opening.spawn(async move {
            let port = ports.open(&modem).await;
            (modem, port)
        });
    }
    let mut open = BTreeMap::new();
    let mut closed = BTreeMap::new();
    while let Some(done) = opening.join_next().await {
        match done {
            Ok((modem, Ok(port))) => drop(open.insert(modem, port)),
            Ok((modem, Err(error))) => drop(closed.insert(modem, error)),
            Err(error) => return Err(Failure::wrong(format!("a port could not be opened: {error}"))),
        }
    }
    all_busy(plan, open.is_empty(), &closed)?;
    Ok(open)
}

/// A bench of which nothing could be opened since others hold all of it.
fn all_busy(plan: &Plan, none: bool, closed: &BTreeMap<ModemId, PortError>) -> Result<(), Failure> {
    let busy = |error: &PortError| error.fault() == Fault::PortBusy;
    if none && !closed.is_empty() && closed.values().all(busy) {
        let who: Vec<String> =
            closed.iter().map(|(modem, error)| format!("  {modem}: {}", error.detail())).collect();
        return Err(Failure::wrong(format!(
            "no modem of bank `{}` is free; end the other programs, or wait for them:\n{}",
            plan.bank.name,
            who.join("\n")
        )));
    }
    Ok(())
}

fn simulate(plan: &Plan, file: &Path) -> Result<Played, Failure> {
    let wrong = |error: String| Failure::wrong(format!("the virtual exchange does not start: {error}"));
    let folder = tempfile::Builder::new()
        .prefix("lineman-exchange-")
        .tempdir()
        .map_err(|error| wrong(format!("no folder for its ports: {error}")))?;
    let (mut exchange, profiles) = load_exchange(file).map_err(|problems| wrong(problems.to_string()))?;
    exchange.seed = plan.seed;
    let running = Exchange::start(exchange, &profiles, folder.path(), Log::none())
        .map_err(|error| wrong(error.to_string()))?;
    Ok((running, folder))
}
