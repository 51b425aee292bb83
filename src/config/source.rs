//! Reads a file that somebody wrote into text: bounded, whole, and with a plain word where it can't be read.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

use super::problem::{Place, Problem};

/// Largest file that is read, bytes. A plan of 5,000 lines written at length is about 1 MiB.
pub const FILE_BYTES_MAX: u64 = 8 << 20;

thread_local! {
    /// What [`noting`] notes, innermost last. Reading is one thread's work from its first file to its last.
    static NOTES: RefCell<Vec<Vec<PathBuf>>> = const { RefCell::new(Vec::new()) };
}

/// Does what reads files, and gives with its outcome all that were read or looked for, each once, in their order: what
/// must be watched to know when the outcome would be another.
pub fn noting<T>(read: impl FnOnce() -> T) -> (T, Vec<PathBuf>) {
    NOTES.with_borrow_mut(|notes| notes.push(Vec::new()));
    let outcome = read();
    let mut noted = NOTES.with_borrow_mut(Vec::pop).unwrap_or_default();
    let mut met = std::collections::HashSet::new();
    noted.retain(|path| met.insert(path.clone()));
    (outcome, noted)
}

/// Notes a file that was looked for, for [`noting`].
pub fn note(path: &Path) {
    NOTES.with_borrow_mut(|notes| {
        if let Some(noted) = notes.last_mut() {
            noted.push(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
        }
    });
}

/// The text of a file, without a byte order mark.
pub fn read(path: &Path) -> Result<String, Problem> {
    note(path);
    let at = |line| Place { file: shown(path), line, key: String::new() };
    let refuse = |what: String| Problem::new(at(None), what);
    // Asked before opening: to open a fifo would wait for its writer.
    let facts = fs::metadata(path).map_err(|error| {
        refuse(match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => "there is no such file".to_owned(),
            _ => format!("can't be read: {error}"),
        })
    })?;
    if facts.is_dir() {
        return Err(refuse("is a folder; a file is meant".to_owned()));
    }
    if !facts.is_file() {
        return Err(refuse("is no plain file".to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| refuse(format!("can't be read: {error}")))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(refuse(format!("is larger than {} MiB, which no plan needs", FILE_BYTES_MAX >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        Problem::new(at(Some(line_of(good))), "is not UTF-8; save it as UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    let bad = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    if let Some((offset, c)) = text.char_indices().find(|&(_, c)| bad(c)) {
        let line = line_of(&text.as_bytes()[..offset]);
        let what = format!("holds the control character {}; this is no text file", c.escape_unicode());
        return Err(Problem::new(at(Some(line)), what));
    }
    Ok(text)
}

fn line_of(before: &[u8]) -> usize {
    before.split(|&b| b == b'\n').count()
}

/// A path as it is said in messages: `a/../b` is `b`, and what lies under the working folder is said from there.
pub fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let path = here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path);
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() { ".".to_owned() } else { out.display().to_string() }
}

/// `path` as it was written in the file `from`: relative paths begin at the folder of the file that names them.
pub fn beside(from: &Path, path: &str) -> PathBuf {
    from.parent().unwrap_or(Path::new("")).join(path)
}
