//! Writes a run's files and keeps them up to date: what an event changed is written again, whole, at the next turn.
//!
//! When that turn comes is the dispatcher's to decide. It syncs the journal first: then no file tells what the journal
//! does not know, and rendering the journal again gives the same bytes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::view::View;
use super::{Broken, RunState, atomic, transcript};
use crate::model::{CallRecord, Event, EventKind};

/// Folder of the transcripts within the run's.
pub(super) const TRANSCRIPTS: &str = "transcripts";
/// Bytes of transcripts that a replay holds before it writes them.
const HELD_MAX: usize = 1 << 20;

/// A report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// Nothing more fits on the disk.
    #[error(
        "the disk that holds `{path}` is full; the journal has what was synced, free some space and render it again"
    )]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// As the system says it.
        source: io::Error,
    },
    /// Another fault of the disk or its rights.
    #[error("`{path}` could not be written")]
    Io {
        /// The file.
        path: PathBuf,
        /// As the system says it.
        source: io::Error,
    },
    /// A table has no CSV form: a defect.
    #[error("`{file}` could not be put together")]
    Csv {
        /// The file.
        file: &'static str,
        /// Why.
        source: csv::Error,
    },
    /// A report has no JSON form: a defect.
    #[error("the JSON of the run could not be put together")]
    Json(#[from] serde_json::Error),
    /// A report has no XML form: a defect.
    #[error("the JUnit XML of the run could not be put together")]
    Xml(#[source] io::Error),
    /// A metric has no text form: a defect.
    #[error("the metrics of the run could not be put together")]
    Metrics(#[from] std::fmt::Error),
    /// The page's template does not fit what it is given: a defect.
    #[error("`report.html` could not be put together")]
    Page(#[from] minijinja::Error),
    /// The events contradict each other.
    #[error("event {number} of the run cannot be: {source}")]
    Broken {
        /// Which, from 1.
        number: usize,
        /// Why.
        source: Broken,
    },
}

impl ReportError {
    pub(super) fn io(path: PathBuf, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path, source },
            _ => Self::Io { path, source },
        }
    }
}

/// Keeps the files of one run.
///
/// For each event: `state.apply(event)`, then `renderer.note(&state, event)`; now and then `renderer.write(&state)`.
#[derive(Debug)]
pub struct Renderer {
    dir: PathBuf,
    stale: [bool; View::ALL.len()],
    transcripts: Vec<(String, String)>,
    held_bytes: usize,
    swept: bool,
}

impl Renderer {
    /// For the run's folder, which must exist. Nothing is written yet; the first [`Renderer::write`] writes all.
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            stale: [true; View::ALL.len()],
            transcripts: Vec::new(),
            held_bytes: 0,
            swept: false,
        }
    }

    /// Takes note of an event that `state` has applied.
    pub fn note(&mut self, state: &RunState, event: &Event) {
        for (stale, view) in self.stale.iter_mut().zip(View::ALL) {
            *stale |= view.hangs_on(&event.kind);
        }
        if let EventKind::CallEnded(record) = &event.kind {
            self.keep_transcript(state, record);
        }
    }

    fn keep_transcript(&mut self, state: &RunState, record: &CallRecord) {
        let Some((line, _)) = state.line(&record.line) else { return };
        if let Some(text) = transcript::text(line, record) {
            self.held_bytes += text.len();
            self.transcripts.push((transcript::file_name(&record.call), text));
        }
    }

    /// Whether a [`Renderer::write`] would write anything.
    pub fn is_stale(&self) -> bool {
        self.stale.contains(&true) || !self.transcripts.is_empty()
    }

    /// Writes what has changed and hands back the paths. After an error what was not written stays stale, and the next
    /// call tries again. Once the run has ended the files are brought to the disk before this returns.
    ///
    /// # Errors
    /// If a file can't be written; those before it are.
    pub fn write(&mut self, state: &RunState) -> Result<Vec<PathBuf>, ReportError> {
        let durable = state.ended().is_some();
        if !self.swept {
            atomic::sweep(&self.dir).map_err(|source| ReportError::io(self.dir.clone(), source))?;
            self.swept = true;
        }
        let mut written = self.write_transcripts(durable)?;
        for (place, view) in View::ALL.into_iter().enumerate() {
            if self.stale[place] && !view.is_for(state) {
                self.stale[place] = false;
            } else if self.stale[place] {
                let path = self.dir.join(view.file());
                atomic::write(&self.dir, view.file(), &view.bytes(state, &self.dir)?, durable)
                    .map_err(|source| ReportError::io(path.clone(), source))?;
                self.stale[place] = false;
                written.push(path);
            }
        }
        if durable && !written.is_empty() {
            atomic::sync_dir(&self.dir).map_err(|source| ReportError::io(self.dir.clone(), source))?;
        }
        Ok(written)
    }

    fn write_transcripts(&mut self, durable: bool) -> Result<Vec<PathBuf>, ReportError> {
        if self.transcripts.is_empty() {
            return Ok(Vec::new());
        }
        let dir = self.dir.join(TRANSCRIPTS);
        fs::create_dir_all(&dir).map_err(|source| ReportError::io(dir.clone(), source))?;
        let mut written = Vec::with_capacity(self.transcripts.len());
        while let Some((name, text)) = self.transcripts.last() {
            let path = dir.join(name);
            atomic::write(&dir, name, text.as_bytes(), durable)
                .map_err(|source| ReportError::io(path.clone(), source))?;
            self.held_bytes = self.held_bytes.saturating_sub(text.len());
            self.transcripts.pop();
            written.push(path);
        }
        written.reverse();
        Ok(written)
    }
}

/// The files of a run that has been rendered into `dir`: the tables, the summary, and the folder of the transcripts
/// where there is one.
pub fn files(state: &RunState, dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        View::ALL.into_iter().filter(|view| view.is_for(state)).map(|view| dir.join(view.file())).collect();
    if state.lines().any(|(_, line)| !line.transcripts.is_empty()) {
        files.push(dir.join(TRANSCRIPTS));
    }
    files
}

/// What is known of a run after all of its events.
///
/// # Errors
/// If the events contradict each other.
pub fn fold(events: &[Event]) -> Result<RunState, ReportError> {
    let broken = |at: usize| move |source| ReportError::Broken { number: at + 1, source };
    let (first, rest) = events.split_first().ok_or_else(|| broken(0)(Broken::NoHeader))?;
    let mut state = RunState::begin(first).map_err(broken(0))?;
    for (i, event) in rest.iter().enumerate() {
        state.apply(event).map_err(broken(i + 1))?;
    }
    Ok(state)
}

/// Renders a whole run from its events into `dir`, and hands back its state with the paths of all files.
///
/// # Errors
/// If the events contradict each other, or a file can't be written.
pub fn replay(events: &[Event], dir: &Path) -> Result<(RunState, Vec<PathBuf>), ReportError> {
    let broken = |at: usize| move |source| ReportError::Broken { number: at + 1, source };
    let (first, rest) =
        events.split_first().ok_or(ReportError::Broken { number: 1, source: Broken::NoHeader })?;
    let mut state = RunState::begin(first).map_err(broken(0))?;
    let mut renderer = Renderer::new(dir);
    let mut written = Vec::new();
    for (i, event) in rest.iter().enumerate() {
        state.apply(event).map_err(broken(i + 1))?;
        renderer.note(&state, event);
        if renderer.held_bytes > HELD_MAX {
            written.extend(renderer.write_transcripts(false)?);
        }
    }
    written.extend(renderer.write(&state)?);
    Ok((state, written))
}
