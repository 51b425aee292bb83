//! Which lines of a plan are dialed: `--only`, `--tag` and `--site`. A line that one of them leaves out is `skipped`.

use super::{Overrides, PlannedLine, Preset, glob};
use crate::config::problem::{Place, Problem, list, quoted, suggestion};
use crate::config::yaml::Doc;
use crate::model::{Fault, Line};

/// One of the flags, with what was typed behind it.
struct Flag<'a> {
    name: &'static str,
    noun: &'static str,
    patterns: &'a [String],
    /// What a pattern is held against.
    names: fn(&Line) -> Vec<&str>,
}

/// Leaves out what the flags leave out. Every pattern must fit something: who mistypes a line is not to hear that all is
/// well.
pub(super) fn select(overrides: &Overrides, lines: &mut [PlannedLine], doc: &Doc) {
    let flags = [
        Flag {
            name: "--only",
            noun: "no line and no site of this plan is",
            patterns: &overrides.only,
            names: |line| vec![line.id.as_str(), line.site.as_str()],
        },
        Flag {
            name: "--site",
            noun: "no site of this plan is",
            patterns: &overrides.sites,
            names: |line| vec![line.site.as_str()],
        },
        Flag {
            name: "--tag",
            noun: "no line of this plan has the tag",
            patterns: &overrides.tags,
            names: |line| line.facets.tags.iter().map(String::as_str).collect(),
        },
    ];
    let flags: Vec<&Flag> = flags.iter().filter(|flag| !flag.patterns.is_empty()).collect();
    let mut unknown = false;
    for flag in &flags {
        for pattern in flag.patterns {
            if !lines.iter().any(|planned| fits(std::slice::from_ref(pattern), &(flag.names)(&planned.line)))
            {
                unknown = true;
                let near = suggestion(pattern, lines.iter().flat_map(|planned| (flag.names)(&planned.line)));
                let what = format!("{} {}{near}", flag.noun, quoted(pattern));
                doc.push(Problem::new(Place::file(flag.name), what));
            }
        }
    }
    let mut left = flags.is_empty();
    for planned in lines {
        let without = flags.iter().find(|flag| !fits(flag.patterns, &(flag.names)(&planned.line)));
        match without {
            // Above all else that keeps it from being dialed: who asks for one line is not to hear of others.
            Some(flag) => {
                let detail = format!("not among those of `{}`", flag.name);
                planned.preset = Some(Preset { fault: Fault::Skipped, detail });
            }
            None => left = true,
        }
    }
    if !left && !unknown {
        let names = list(flags.iter().map(|flag| flag.name));
        let at = Place::file(flags.first().map_or("", |flag| flag.name));
        doc.push(Problem::new(at, format!("no line of this plan is left by {names} together")));
    }
}

fn fits(patterns: &[String], names: &[&str]) -> bool {
    patterns.iter().any(|pattern| names.iter().any(|name| glob(pattern, name)))
}
