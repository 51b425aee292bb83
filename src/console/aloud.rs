//! What a console says, line by line, for somebody who looks on: cleaned, without secrets, as it comes. A prompt, which has
//! no line end, is told once the output rests.

use std::time::Duration;

use secrecy::SecretString;

use super::row::Row;
use super::sieve::Sieve;
use super::veil::Veil;
use crate::model::Mono;

/// Rest before a line without an end is told. An answer to a prompt mostly comes sooner, and is told with it.
const REST: Duration = Duration::from_millis(700);

/// The listener.
#[derive(Default)]
pub struct Aloud {
    sieve: Sieve,
    veil: Veil,
    row: Row,
    /// What was told of the line that has not ended.
    told: String,
    /// When it is told as it stands.
    rest_at: Option<Mono>,
    lines: Vec<String>,
}

impl std::fmt::Debug for Aloud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aloud").field("rest_at", &self.rest_at).finish_non_exhaustive()
    }
}

impl Aloud {
    /// Masks a secret from here on.
    pub fn mask(&mut self, secret: &SecretString) {
        self.veil.add(secret);
    }

    /// Takes what came at `now`.
    pub fn take(&mut self, now: Mono, bytes: &[u8]) {
        let Self { sieve, veil, row, told, lines, .. } = self;
        let mut end = |mark| {
            if let Some(cells) = row.take(mark) {
                tell(lines, told, &cells);
                told.clear();
            }
        };
        for &byte in bytes {
            sieve.feed(byte, &mut |mark| veil.take(mark, &mut end));
        }
        self.rest_at = Some(now + REST);
    }

    /// When [`Self::rest`] is due.
    pub fn deadline(&self) -> Option<Mono> {
        self.rest_at
    }

    /// The output may have rested.
    pub fn rest(&mut self, now: Mono) {
        if self.rest_at.take_if(|at| *at <= now).is_some() {
            tell(&mut self.lines, &self.told, self.row.cells());
            self.told = text(self.row.cells());
        }
    }

    /// Nothing more comes: tells what is left.
    pub fn end(&mut self) {
        self.rest_at = None;
        let Self { veil, row, told, lines, .. } = self;
        let mut end = |mark| {
            if let Some(cells) = row.take(mark) {
                tell(lines, told, &cells);
                told.clear();
            }
        };
        veil.flush(&mut end);
        let left = row.end();
        tell(lines, told, &left);
        told.clear();
    }

    /// The lines since the last time.
    pub fn lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }
}

fn text(cells: &[char]) -> String {
    cells.iter().collect::<String>().trim_end().to_owned()
}

/// Tells a line, unless it is blank or was told as it stands.
fn tell(lines: &mut Vec<String>, told: &str, cells: &[char]) {
    let line = text(cells);
    if !line.is_empty() && line != told {
        lines.push(line);
    }
}

#[cfg(test)]
#[path = "aloud/tests.rs"]
mod tests;
