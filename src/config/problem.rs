//! What is wrong with a file that somebody wrote, and where: the one form in which this room complains.

use std::fmt;

/// Most problems that are shown; a plan whose every line is wrong would fill the screen with one mistake.
pub const SHOWN_MAX: usize = 50;

/// A place in a file: `dialplans/x.yaml:12: lines[3].number`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The file, as short as it can be said.
    pub file: String,
    /// Line in the file, from 1; absent where the whole file is meant.
    pub line: Option<usize>,
    /// The key, with the way to it (`lines[3].number`, counted from 0); a column's name in a CSV file; or empty.
    pub key: String,
}

impl Place {
    /// A whole file.
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, key: String::new() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        Ok(())
    }
}

/// One thing that is wrong, and what would be right. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub at: Place,
    /// What, and what would be right.
    pub what: String,
}

impl Problem {
    /// A problem at a place.
    pub fn new(at: Place, what: impl Into<String>) -> Self {
        Self { at, what: what.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, visible(&self.what))
    }
}

/// All that is wrong, in the order of files and lines; never empty where it stands for a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `Ok(value)` if there is no problem; else all of them.
    pub fn or_value<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.is_empty() => Ok(value),
            _ => Err(self),
        }
    }

    /// Sorted by line within each file, files in the order in which they were met; the same thing is said once.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        let mut files: Vec<String> = Vec::new();
        for problem in &self.0 {
            if !files.contains(&problem.at.file) {
                files.push(problem.at.file.clone());
            }
        }
        let rank = |file: &str| files.iter().position(|f| f == file);
        self.0.sort_by_key(|p| (rank(&p.at.file), p.at.line));
        self.0.dedup();
        self
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().take(SHOWN_MAX).enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        match self.0.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for Problems {}

/// A text from a file as it may be shown: control characters (an escape sequence in a quoted scalar) become visible.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if hidden {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// A text from a file in backticks, visible and not longer than a message can bear.
pub fn quoted(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 60;
    let mut short: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        short.push('…');
    }
    format!("`{}`", visible(&short))
}

/// `did you mean ...?` where something near is known, else nothing; begins with `; `.
pub fn suggestion<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let near = known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wrong.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, name)| match name.chars().count() {
            0..=2 => *distance == 0,
            length => *distance <= 1 + length / 4,
        })
        .min();
    match near {
        Some((_, name)) => format!("; did you mean `{name}`?"),
        None => String::new(),
    }
}

/// `a`, `b` and `c`, each in backticks; `none` for none.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|n| format!("`{n}`")).collect();
    match names.split_last() {
        None => "none".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(file: &str, line: usize, what: &str) -> Problem {
        Problem::new(Place { file: file.into(), line: Some(line), key: "k".into() }, what)
    }

    #[test]
    fn problems_are_told_by_file_and_line_once_and_not_without_end() {
        let all = Problems(vec![
            problem("b", 9, "x"),
            problem("a", 2, "y"),
            problem("b", 3, "z"),
            problem("b", 3, "z"),
        ]);
        assert_eq!(all.in_order().to_string(), "b:3: k: z\nb:9: k: x\na:2: k: y");
        let many = Problems((0..60).map(|n| problem("a", n, "w")).collect());
        assert!(many.to_string().ends_with("\nand 10 more"));
    }

    #[test]
    fn what_a_file_holds_never_reaches_a_terminal_raw() {
        assert_eq!(quoted("a\u{1b}[31m\u{202e}\0"), r"`a\u{1b}[31m\u{202e}\u{0}`");
        assert!(quoted(&"x".repeat(10_000_000)).len() < 100);
    }

    #[test]
    fn a_suggestion_is_near_or_absent() {
        assert_eq!(suggestion("hostnam", ["hostname", "host"]), "; did you mean `hostname`?");
        assert_eq!(suggestion("colour", ["hostname", "id"]), "");
        assert_eq!(list(["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
