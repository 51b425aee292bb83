//! The reading side: all events of a journal, and what a crash left behind.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;

use super::JournalError;
use crate::model::event::EVENT_FORMAT;
use crate::model::{Event, EventKind};

/// What a journal holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// The events, in their order. The first, if there is one, is `run-started`.
    pub events: Vec<Event>,
    /// The cut last line, if there is one.
    pub cut: Option<Cut>,
    /// Length of the file without it.
    pub sound_bytes: u64,
}

/// A last line that a crash cut off. Nothing that was synced is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Number of the line, from 1.
    pub line: u64,
    /// Its length.
    pub bytes: u64,
}

/// Reads a journal.
///
/// A last line without its line end is what a crash leaves: it is told, not an error. Any other line that is no event
/// is damage, and an error with its number.
///
/// # Errors
/// If there is none, it can't be read, it is damaged, a newer lineman wrote it, or it is none.
pub fn read(path: &Path) -> Result<Replay, JournalError> {
    read_from(open(path)?, path)
}

/// Reads a journal event by event, as [`read`] does, without holding all of them at once.
///
/// # Errors
/// Those of [`read`]; `each` has been called with the events before.
pub fn scan(path: &Path, each: impl FnMut(Event)) -> Result<(), JournalError> {
    walk(open(path)?, path, |_| true, each).map(drop)
}

/// [`scan`] for events of these kinds alone (their word in the journal): the others are not even looked into, so a large
/// journal is read in a fraction of the time, and damage in one of them is not noticed.
///
/// # Errors
/// Those of [`read`]; `each` has been called with the events before.
pub fn scan_kinds(path: &Path, kinds: &[&str], each: impl FnMut(Event)) -> Result<(), JournalError> {
    walk(open(path)?, path, |text| kind_of(text).is_none_or(|kind| kinds.contains(&kind)), each).map(drop)
}

/// The word of an event's kind, from its line. Only stamps stand before it, so nothing that somebody else wrote can.
fn kind_of(text: &[u8]) -> Option<&str> {
    const KEY: &[u8] = br#""event":""#;
    let from = text.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let rest = text.get(from..)?;
    std::str::from_utf8(rest.split(|byte| *byte == b'"').next()?).ok()
}

fn open(path: &Path) -> Result<BufReader<File>, JournalError> {
    File::open(path).map(BufReader::new).map_err(|source| JournalError::io(path, "opened", source))
}

/// [`read`] from bytes; `path` is for messages.
pub(super) fn read_from(source: impl BufRead, path: &Path) -> Result<Replay, JournalError> {
    let mut events = Vec::new();
    let (cut, sound_bytes) = walk(source, path, |_| true, |event| events.push(event))?;
    Ok(Replay { events, cut, sound_bytes })
}

/// Hands on the events; tells the cut last line, and the length of what comes before it.
fn walk(
    mut source: impl BufRead,
    path: &Path,
    wanted: impl Fn(&[u8]) -> bool,
    mut each: impl FnMut(Event),
) -> Result<(Option<Cut>, u64), JournalError> {
    let (mut cut, mut sound_bytes) = (None, 0);
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        let bytes = source
            .read_until(b'\n', &mut text)
            .map_err(|source| JournalError::io(path, "read", source))? as u64;
        if bytes == 0 {
            break;
        }
        if text.last() != Some(&b'\n') {
            cut = Some(Cut { line, bytes });
            break;
        }
        if line == 1 {
            check_format(&text, path)?;
        } else if !wanted(&text) {
            sound_bytes += bytes;
            continue;
        }
        let event: Event = serde_json::from_slice(&text).map_err(|source| JournalError::Damaged {
            path: path.to_owned(),
            line,
            source,
        })?;
        if line == 1 && !matches!(event.kind, EventKind::RunStarted(_)) {
            return Err(JournalError::NotAJournal { path: path.to_owned() });
        }
        each(event);
        sound_bytes += bytes;
    }
    Ok((cut, sound_bytes))
}

/// Looks at the format alone, since a newer first line need not read as an event of ours.
fn check_format(text: &[u8], path: &Path) -> Result<(), JournalError> {
    #[derive(Deserialize)]
    struct First {
        event: String,
        format: u64,
    }
    match serde_json::from_slice::<First>(text) {
        Ok(First { event, format }) if event == "run-started" => {
            if format > u64::from(EVENT_FORMAT) {
                return Err(JournalError::Newer { path: path.to_owned(), format });
            }
            Ok(())
        }
        _ => Err(JournalError::NotAJournal { path: path.to_owned() }),
    }
}
