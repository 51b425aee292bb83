//! The faces of the exchange: started on ptys, over RFC 2217, or in memory under tokio's time.

use std::path::{Path, PathBuf};

use crate::model::{LineId, ModemId};
use crate::modem::clock::Clock;
use crate::modem::port::PortPath;
use crate::modem::port::memory::Wires;
use crate::modem::profile::Profile;

use super::error::SimError;
use super::exchange::Engine;
use super::file::ExchangeFile;
use super::log::Log;
use super::memory::MemoryOffice;
use super::office::{Office, Place};
use super::rfc2217::Manners;

/// Starts exchanges.
#[derive(Debug)]
pub struct Exchange;

/// An exchange at work. Dropping it stops it.
#[derive(Debug)]
pub struct RunningExchange {
    ports: Vec<(ModemId, PathBuf)>,
    urls: Vec<(ModemId, String)>,
    answering: Vec<(LineId, PathBuf)>,
    log: Log,
    work: Work,
}

#[derive(Debug)]
enum Work {
    Thread(Office),
    Memory(MemoryOffice),
}

impl Exchange {
    /// An exchange on ptys: each modem is a link `dir/<id>` to its slave, and so is each answering port. It has a thread
    /// of its own, and needs no runtime.
    pub fn start(
        file: ExchangeFile,
        profiles: &[Profile],
        dir: &Path,
        log: Log,
    ) -> Result<RunningExchange, SimError> {
        Self::on_a_thread(file, profiles, dir, None, log)
    }

    /// An exchange whose modems are reached by RFC 2217, with their modem-control lines: each on a TCP port of 127.0.0.1
    /// that the kernel chooses, with its URL in the file `dir/<id>.url` as well. Answering ports are ptys all the same,
    /// since who answers on them wants a tty. It needs no runtime.
    pub fn start_rfc2217(
        file: ExchangeFile,
        profiles: &[Profile],
        dir: &Path,
        manners: &Manners,
        log: Log,
    ) -> Result<RunningExchange, SimError> {
        Self::on_a_thread(file, profiles, dir, Some(manners), log)
    }

    fn on_a_thread(
        file: ExchangeFile,
        profiles: &[Profile],
        dir: &Path,
        wires: Option<&Manners>,
        log: Log,
    ) -> Result<RunningExchange, SimError> {
        checked(&file, profiles)?;
        let mut modems = file.modems.iter().map(|m| m.id.clone()).collect::<Vec<ModemId>>().into_iter();
        let lines: Vec<LineId> =
            file.lines.iter().filter(|l| l.answer_on.is_some()).map(|l| l.id.clone()).collect();
        let mut lines = lines.into_iter();
        let (office, places) =
            Office::open(Engine::new(file, profiles), dir, wires, Clock::start(), log.clone())?;
        let (mut ports, mut urls, mut answering) = (Vec::new(), Vec::new(), Vec::new());
        for at in places {
            match at.place {
                Place::Path(path) if at.ours => ports.extend(modems.next().map(|id| (id, path))),
                Place::Path(path) => answering.extend(lines.next().map(|id| (id, path))),
                Place::Url(url) => urls.extend(modems.next().map(|id| (id, url))),
            }
        }
        Ok(RunningExchange { ports, urls, answering, log, work: Work::Thread(office) })
    }

    /// An exchange in memory, on the current tokio runtime and its time, paused or not. Lines with `exec` or `answer_on`
    /// are refused: those are real, and real programs know no paused time.
    pub fn in_memory(
        file: ExchangeFile,
        profiles: &[Profile],
        clock: Clock,
        wires: Wires,
        log: Log,
    ) -> Result<(RunningExchange, Vec<(ModemId, PortPath)>), SimError> {
        checked(&file, profiles)?;
        if let Some(line) = file.lines.iter().find(|l| l.exec.is_some() || l.answer_on.is_some()) {
            return Err(SimError::NotInMemory(line.id.to_string()));
        }
        let modems: Vec<ModemId> = file.modems.iter().map(|m| m.id.clone()).collect();
        let (office, doors) = MemoryOffice::open(Engine::new(file, profiles), clock, wires, log.clone());
        let running = RunningExchange {
            ports: Vec::new(),
            urls: Vec::new(),
            answering: Vec::new(),
            log,
            work: Work::Memory(office),
        };
        Ok((running, modems.into_iter().zip(doors.into_iter().map(PortPath::Memory)).collect()))
    }
}

impl RunningExchange {
    /// Our modems and the paths of their ports; none in memory and over RFC 2217.
    pub fn ports(&self) -> Vec<(ModemId, PathBuf)> {
        self.ports.clone()
    }

    /// Our modems and the URLs of their ports, if they are served over RFC 2217.
    pub fn urls(&self) -> Vec<(ModemId, String)> {
        self.urls.clone()
    }

    /// Lines with an answering modem, and the paths of its port.
    pub fn answering_ports(&self) -> Vec<(LineId, PathBuf)> {
        self.answering.clone()
    }

    /// Its log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Stops it: ports and links go, programs are hung up on and reaped.
    pub async fn stop(self) {
        match self.work {
            Work::Thread(mut office) => {
                if tokio::task::spawn_blocking(move || office.stop()).await.is_err() {
                    tracing::error!("the exchange could not be stopped in order");
                }
            }
            Work::Memory(office) => office.stop().await,
        }
    }
}

fn checked(file: &ExchangeFile, profiles: &[Profile]) -> Result<(), SimError> {
    let problems = file.problems();
    if !problems.is_empty() {
        return Err(SimError::File(problems));
    }
    match file.modems.iter().find(|m| !profiles.iter().any(|p| p.profile == m.profile)) {
        Some(modem) => {
            Err(SimError::NoProfile { modem: modem.id.to_string(), profile: modem.profile.clone() })
        }
        None => Ok(()),
    }
}
