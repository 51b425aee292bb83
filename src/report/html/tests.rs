//! The page as text: whole, escaped, the same from events and from files. How it behaves is tested in a real browser
//! (`tests/e2e/browser`).

use std::collections::BTreeMap;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::model::event::{Ending, LineVerdict};
use crate::model::{CallRecord, Fault, Verdict};
use crate::report::sample::{self, Story};

fn of(events: &[Event]) -> String {
    let state = RunState::of(events).unwrap();
    page(&state, &Transcripts::of(events)).unwrap_or_else(|error| panic!("{error:#}"))
}

/// The rows of the table, by line: result, fault, blame.
fn rows(page: &str) -> BTreeMap<String, (String, String, String)> {
    let (_, rest) = page.split_once("<!--rows-->").unwrap();
    let (rows, _) = rest.split_once("<!--end-->").unwrap();
    let text = |cell: &str| {
        let cell = cell.split_once('>').map_or(cell, |(_, text)| text);
        cell.split('<').next().unwrap_or_default().trim().to_owned()
    };
    rows.split("<tr>")
        .skip(1)
        .map(|row| {
            let cells: Vec<&str> = row.split("<td").collect();
            let name = cells[0].split('>').nth(2).unwrap().split('<').next().unwrap().to_owned();
            (name, (text(cells[3]), text(cells[4]), text(cells[5])))
        })
        .collect()
}

#[test]
fn every_line_has_its_row_and_its_section_with_the_words_of_the_verdict() {
    let events = sample::night();
    let state = RunState::of(&events).unwrap();
    let page = of(&events);
    let rows = rows(&page);
    assert_eq!(rows.len(), state.header().lines.len());
    for (line, known) in state.lines() {
        let fault = known.verdict.as_ref().unwrap().fault;
        let told = (
            Verdict::of(fault).word().to_owned(),
            fault.map_or("", Fault::code).to_owned(),
            fault.map_or("", |fault| fault.blame().word()).to_owned(),
        );
        assert_eq!(rows[line.id.as_str()], told, "{}", line.id);
        assert!(page.contains(&format!("<article id=\"line={}\">", line.id)));
    }
}
