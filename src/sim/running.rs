//! The faces of the exchange: started on ptys, or in memory under tokio's time.

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
use super::office::Office;

/// Starts exchanges.
#[derive(Debug)]
pub struct Exchange;

/// An exchange at work. Dropping it stops it.
#[derive(Debug)]
pub struct RunningExchange {
    ports: Vec<(ModemId, PathBuf)>,
    answering: Vec<(LineId, PathBuf)>,
    log: Log,
    work: Work,
}

#[derive(Debug)]
enum Work {
    Ptys(Office),
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
        checked(&file, profiles)?;
        let modems: Vec<ModemId> = file.modems.iter().map(|m| m.id.clone()).collect();
        let lines: Vec<LineId> =
            file.lines.iter().filter(|l| l.answer_on.is_some()).map(|l| l.id.clone()).collect();
        let (office, ports) = Office::open(Engine::new(file, profiles), dir, Clock::start(), log.clone())?;
        let paths = |ours| ports.iter().filter(move |p| p.ours == ours).map(|p| p.path.clone());
        Ok(RunningExchange {
            answering: lines.into_iter().zip(paths(false)).collect(),
            ports: modems.into_iter().zip(paths(true)).collect(),
            log,
            work: Work::Ptys(office),
        })
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
        let running =
            RunningExchange { ports: Vec::new(), answering: Vec::new(), log, work: Work::Memory(office) };
        Ok((running, modems.into_iter().zip(doors.into_iter().map(PortPath::Memory)).collect()))
    }
}

impl RunningExchange {
    /// Our modems and the paths of their ports; none in memory.
    pub fn ports(&self) -> Vec<(ModemId, PathBuf)> {
        self.ports.clone()
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
            Work::Ptys(mut office) => {
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
