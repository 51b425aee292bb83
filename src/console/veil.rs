//! Takes secrets out of a console's words while they come: what may be the beginning of one is held back until it is
//! known. The rule is that of `transcript`, for a stream.

use std::collections::VecDeque;

use secrecy::{ExposeSecret, SecretString};

use super::sieve::{Mark, is_hidden};
use super::transcript::{MASK, WRAP_LEN_MAX};

/// The veil.
#[derive(Default)]
pub(super) struct Veil {
    secrets: Vec<Vec<char>>,
    held: VecDeque<Mark>,
}

/// How a secret fits what is held.
enum Fit {
    /// It is there, in so many marks.
    Whole(usize),
    /// All that is held may be its beginning, of so many characters.
    Begun(usize),
    Not,
}

impl Veil {
    /// Masks one more secret from here on.
    pub(super) fn add(&mut self, secret: &SecretString) {
        let secret: Vec<char> = secret.expose_secret().chars().filter(|&c| !is_hidden(c)).collect();
        if !secret.is_empty() && !self.secrets.contains(&secret) {
            self.secrets.push(secret);
            // Where one secret begins with another, the longer one is the one to look for.
            self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        }
    }

    /// Whether something is held back.
    pub(super) fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Takes a mark, and gives on what can't be a secret's any more.
    pub(super) fn take(&mut self, mark: Mark, to: &mut impl FnMut(Mark)) {
        self.held.push_back(mark);
        while !self.held.is_empty() {
            match self.fit() {
                Fit::Whole(len) => self.mask(len, to),
                Fit::Begun(_) => return,
                Fit::Not => self.give(to),
            }
        }
    }

    /// Gives on what is held: nothing more comes for now. Half a secret is one all the same.
    pub(super) fn flush(&mut self, to: &mut impl FnMut(Mark)) {
        while !self.held.is_empty() {
            match self.fit() {
                Fit::Whole(len) => self.mask(len, to),
                Fit::Begun(len) if self.is_half(len) => self.mask(self.held.len(), to),
                Fit::Begun(_) | Fit::Not => self.give(to),
            }
        }
    }

    fn is_half(&self, len: usize) -> bool {
        self.secrets.iter().any(|secret| len >= secret.len().div_ceil(2).max(4))
    }

    fn give(&mut self, to: &mut impl FnMut(Mark)) {
        self.held.pop_front().into_iter().for_each(to);
    }

    fn mask(&mut self, len: usize, to: &mut impl FnMut(Mark)) {
        self.held.drain(..len);
        MASK.chars().for_each(|c| to(Mark::Char(c)));
    }

    fn fit(&self) -> Fit {
        let mut begun = None;
        for secret in &self.secrets {
            match self.fit_of(secret) {
                Fit::Whole(len) if begun.is_none() => return Fit::Whole(len),
                Fit::Whole(_) | Fit::Not => {}
                Fit::Begun(len) => begun = begun.max(Some(len)),
            }
        }
        begun.map_or(Fit::Not, Fit::Begun)
    }

    fn fit_of(&self, secret: &[char]) -> Fit {
        let mut at = 0;
        for (index, wanted) in secret.iter().enumerate() {
            let is_wanted = |at: usize| self.held.get(at) == Some(&Mark::Char(*wanted));
            if !is_wanted(at) && index > 0 {
                // A terminal wraps its lines.
                let before = at;
                let wraps = |mark: &Mark| matches!(mark, Mark::Char(' ') | Mark::Newline | Mark::Return);
                while at - before < 2 * WRAP_LEN_MAX && self.held.get(at).is_some_and(wraps) {
                    at += 1;
                }
            }
            if at >= self.held.len() {
                return Fit::Begun(index);
            }
            if !is_wanted(at) {
                return Fit::Not;
            }
            at += 1;
        }
        Fit::Whole(at)
    }
}
