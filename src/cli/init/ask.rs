//! Questions on a terminal: one at a time, each with what is taken if nothing is typed; an answer that can't be is told, and
//! asked again. Nothing is written before the last one, so that whoever leaves off leaves nothing behind.

use std::io::{BufRead, Write};

use crate::cli::Failure;

/// Most wrong answers to one question: who types on and on is no person.
const TRIES_MAX: u32 = 20;
/// Longest answer that is taken, bytes.
const ANSWER_MAX: u64 = 4096;

/// Where questions go, and answers come from.
pub(super) struct Asker<R, W> {
    from: R,
    to: W,
}

impl<R: BufRead, W: Write> Asker<R, W> {
    pub(super) const fn new(from: R, to: W) -> Self {
        Self { from, to }
    }

    /// Says something that is no question.
    pub(super) fn tell(&mut self, text: &str) {
        // A terminal that takes nothing gives no answers either.
        let _ = writeln!(self.to, "{text}");
    }

    /// Asks until the answer is one. Without a default, an empty answer is for `parse` to judge.
    ///
    /// # Errors
    /// The answers have ended.
    pub(super) fn ask<T>(
        &mut self,
        question: &str,
        default: Option<&str>,
        mut parse: impl FnMut(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        for _ in 0..TRIES_MAX {
            let shown = default.map_or_else(String::new, |default| format!(" [{default}]"));
            let _ = write!(self.to, "{question}{shown}: ");
            let _ = self.to.flush();
            let mut line = String::new();
            let read = std::io::Read::take(&mut self.from, ANSWER_MAX).read_line(&mut line);
            match read {
                Ok(length) if length > 0 => {}
                _ => {
                    self.tell("");
                    return Err(Failure::wrong("the answers ended; nothing was written"));
                }
            }
            let typed = line.trim();
            let answer = if typed.is_empty() { default.unwrap_or_default() } else { typed };
            match parse(answer) {
                Ok(answer) => return Ok(answer),
                Err(why) => self.tell(&format!("  {why}")),
            }
        }
        Err(Failure::wrong(format!("no answer to `{question}`; nothing was written")))
    }

    /// The same for what may be left out.
    pub(super) fn ask_or_none<T>(
        &mut self,
        question: &str,
        mut parse: impl FnMut(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Failure> {
        self.ask(&format!("{question} (Enter: none)"), None, |text| {
            if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(typed: &str) -> (Result<u32, Failure>, String) {
        let mut said = Vec::new();
        let mut asker = Asker::new(typed.as_bytes(), &mut said);
        let answer =
            asker.ask("How many", Some("3"), |text| text.parse().map_err(|_| "write a number".to_owned()));
        (answer, String::from_utf8(said).unwrap())
    }

    #[test]
    fn a_wrong_answer_is_told_and_asked_again_and_none_is_the_default() {
        let (answer, said) = asked("x\n7\n");
        assert_eq!(
            (answer.unwrap(), said.as_str()),
            (7, "How many [3]: \u{20} write a number\nHow many [3]: ")
        );
        assert_eq!(asked("\n").0.unwrap(), 3);
        assert!(asked("").0.unwrap_err().text.contains("nothing was written"));
        assert!(asked(&"x\n".repeat(100)).0.is_err());
    }
}
