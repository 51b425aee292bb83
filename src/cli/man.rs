//! `lineman man`: manual pages, made of what `--help` says, so that the two never differ.
//!
//! What clap_mangen has no section for (examples, exit codes) is cut out of the words behind the options and written
//! here, in the macros of man(7).

use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_mangen::Man;

use super::args;
use super::{Failure, say};

/// Runs it; the exit code.
pub(super) fn run(args: &args::Man) -> Result<u8, Failure> {
    let mut all = args::command().disable_help_subcommand(true);
    all.build();
    let Some(dir) = &args.dir else {
        say(&page(&all).map_err(Failure::wrong)?);
        return Ok(0);
    };
    // A host that never had a manual page of its own has no folder for them.
    let written = std::fs::create_dir_all(dir).and_then(|()| write(&all, dir)).map_err(|error| {
        Failure::wrong(format!("{}: a manual page can't be written: {error}", dir.display()))
    })?;
    say(&format!("{written} manual pages written in {}", dir.display()));
    Ok(0)
}

/// Writes the page of a verb and of all verbs below it; how many.
fn write(verb: &Command, dir: &Path) -> io::Result<usize> {
    let name = format!("{}.1", name(verb));
    std::fs::write(dir.join(name), page(verb)?)?;
    let mut written = 1;
    for below in verb.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        written += write(below, dir)?;
    }
    Ok(written)
}

/// `lineman-report-diff`
fn name(verb: &Command) -> String {
    verb.get_display_name().unwrap_or_else(|| verb.get_name()).to_owned()
}

/// The page of a verb.
fn page(verb: &Command) -> io::Result<String> {
    let version = format!("lineman {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(verb.clone()).title(name(verb).to_uppercase()).source(version).manual("lineman");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if verb.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let after = verb.get_after_long_help().or_else(|| verb.get_after_help()).map(ToString::to_string);
    for Section { title, lines, is_laid_out } in sections(after.as_deref().unwrap_or_default()) {
        writeln!(page, ".SH \"{}\"", escaped(&title))?;
        if is_laid_out {
            writeln!(page, ".nf")?;
        }
        for line in lines {
            writeln!(page, "{}", escaped_line(line))?;
        }
        if is_laid_out {
            writeln!(page, ".fi")?;
        }
    }
    if !page.windows(EXIT_STATUS.len()).any(|begin| begin == EXIT_STATUS.as_bytes()) {
        writeln!(page, "{EXIT_STATUS}\nAs in\n.BR lineman (1).")?;
    }
    if !verb.has_subcommands() || name(verb) == "lineman" {
        write!(page, "{COMMON}")?;
    }
    if name(verb) == "lineman" {
        write!(page, "{FILES}")?;
    } else {
        writeln!(page, ".SH \"SEE ALSO\"\n.BR lineman (1)")?;
    }
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// Where a verb does not tell its own codes, those of the program are its own.
const EXIT_STATUS: &str = ".SH \"EXIT STATUS\"";

/// What the first page tells besides.
const FILES: &str = "\
.SH FILES
.TP
.I dialplans/, hardware/
Plans and banks; numbering rules, modem profiles and console dialogs of yours, which win over those that are built in.
.TP
.I reports/RUN/
What a run found: lines.csv, calls.csv, modems.csv, summary.json, transcripts/, and the journal events.jsonl.
.TP
.I reports/latest, reports/current, reports/history.db
The last run that ended, the one that goes on, and all runs over time.
";

/// Sections that all verbs share.
const COMMON: &str = "\
.SH ENVIRONMENT
.TP
.B NO_COLOR, CLICOLOR, CLICOLOR_FORCE
Whether there is colour, as long as \\fB\\-\\-color\\fR does not say it.
.TP
.B RUST_LOG
What is logged, as lineman=debug; stronger than \\fB\\-v\\fR.
.TP
.B XDG_STATE_HOME
Where refused passwords are remembered (as slow salted hashes, in \\fIlineman\\fR there); else \\fI~/.local/state\\fR.
";

/// A part of the words behind the options.
struct Section<'a> {
    title: String,
    lines: Vec<&'a str>,
    /// Its lines are a table, and stay as they are.
    is_laid_out: bool,
}

/// Paragraphs that open with a title and a colon (`Examples:`) are sections of their own; the rest are notes.
fn sections(text: &str) -> Vec<Section<'_>> {
    let mut found: Vec<Section<'_>> = Vec::new();
    for paragraph in text.split("\n\n").map(|text| text.trim_matches('\n')).filter(|text| !text.is_empty()) {
        let first = paragraph.lines().next().unwrap_or_default();
        let (title, lines): (&str, Vec<&str>) = match first.split_once(':') {
            Some(("Examples", _)) => ("EXAMPLES", paragraph.lines().skip(1).collect()),
            Some((head, _)) if head.starts_with("Exit codes") => ("EXIT STATUS", paragraph.lines().collect()),
            _ => ("NOTES", paragraph.lines().collect()),
        };
        let is_laid_out = lines.iter().any(|line| line.starts_with("  "));
        match found.iter_mut().find(|section| section.title == title && title == "NOTES") {
            Some(notes) => {
                notes.lines.push("");
                notes.lines.extend(lines);
                notes.is_laid_out |= is_laid_out;
            }
            None => found.push(Section { title: title.to_owned(), lines, is_laid_out }),
        }
    }
    found
}

/// Nothing of it is a macro.
fn escaped_line(line: &str) -> String {
    let text = escaped(line);
    // A dot or a quote in front would be one.
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('"', "\\(dq")
        .replace('`', "\\(ga")
        .replace('\'', "\\(aq")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_the_options_becomes_sections() {
        let text = "One note.\n\nExamples:\n  lineman x  'a'\n\nMore notes.\n\nExit codes: 0 good; 2 not.";
        let found = sections(text);
        let titles: Vec<_> =
            found.iter().map(|section| (section.title.as_str(), section.is_laid_out)).collect();
        assert_eq!(titles, [("NOTES", false), ("EXAMPLES", true), ("EXIT STATUS", false)]);
        assert_eq!(found[0].lines, ["One note.", "", "More notes."]);
        assert_eq!(escaped_line(".x \\n --y"), "\\&.x \\en \\-\\-y");
    }

    #[test]
    fn every_verb_has_a_page_with_examples() {
        let mut all = args::command().disable_help_subcommand(true);
        all.build();
        let mut verbs = vec![&all];
        while let Some(verb) = verbs.pop() {
            verbs.extend(verb.get_subcommands());
            let page = page(verb).unwrap();
            assert!(page.contains(".SH \"EXAMPLES\""), "{} has no examples", name(verb));
        }
    }
}
