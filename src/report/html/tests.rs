//! The page as text: whole, escaped, the same from events and from files. How it looks and behaves is tested in a real browser
//! (`tests/e2e/browser`).

use std::collections::BTreeMap;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::model::event::ConsoleRecord;
use crate::model::{Fault, Verdict};
use crate::report::{self, sample};

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

#[test]
fn the_page_needs_nothing_and_names_what_may_run() {
    let page = of(&sample::night());
    for stranger in ["http://", "https://", "src=", "url(\"", "@import", "style=\"", "onclick", "javascript:"]
    {
        // In the text of the style and the script, in attributes, anywhere.
        assert!(
            !page.contains(stranger),
            "{stranger}: {:?}",
            page.find(stranger).map(|at| &page[at.saturating_sub(80)..at + 40])
        );
    }
    let between =
        |open: &str, close: &str| page.split_once(open).unwrap().1.split_once(close).unwrap().0.to_owned();
    // What a browser hashes is what stands between the tags.
    for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
        let hash = digest::base64(&digest::sha256(between(open, close).as_bytes()));
        // The engine takes a slash for markup.
        assert!(page.contains(&format!("sha256-{}&#x27;", hash.replace('/', "&#x2f;"))), "{open}");
    }
}

#[test]
fn from_events_and_from_the_files_of_the_run_come_the_same_bytes() {
    let events = sample::night();
    let home = TempDir::new().unwrap();
    let (state, written) = report::replay(&events, home.path()).unwrap();
    assert!(written.contains(&home.path().join(FILE)));
    assert_eq!(fs::read_to_string(home.path().join(FILE)).unwrap(), of(&events));
    assert_eq!(Transcripts::read(&state, home.path()).unwrap(), Transcripts::of(&events));
    // One that somebody removed is missing on the page, and stops nothing.
    fs::remove_dir_all(home.path().join(report::render::TRANSCRIPTS)).unwrap();
    assert_eq!(Transcripts::read(&state, home.path()).unwrap(), Transcripts::default());
}

#[test]
fn a_run_at_any_moment_has_a_page_that_says_so_and_no_file_before_its_end() {
    let events = sample::night();
    for end in [1, 2, 7, 40, events.len() / 2, events.len() - 1] {
        let page = of(&events[..end]);
        assert!(page.contains("The run has no end"), "after {end} events");
        assert_eq!(rows(&page).len(), 13);
        let home = TempDir::new().unwrap();
        report::replay(&events[..end], home.path()).unwrap();
        assert!(!home.path().join(FILE).exists());
    }
    let page = of(&events[..1]);
    assert!(page.contains("No earlier run is known") && page.contains("No line was tested"));
}

#[test]
fn what_is_new_comes_before_what_everybody_knows() {
    let page = of(&sample::night());
    let place = |words: &str| page.find(words).unwrap_or_else(|| panic!("`{words}` is not on the page"));
    let order = [
        place("What changed since the last run"),
        place("New failures"),
        place("Recovered"),
        place("Known already"),
        place("<h2 id=\"verdicts-h\">"),
        place("<h2 id=\"faults-h\">"),
        place("<h2 id=\"bench-h\">"),
        place("<!--rows-->"),
    ];
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn a_long_transcript_is_cut_in_its_middle_and_the_page_says_where_all_of_it_is() {
    let mut events = sample::night();
    let long = format!("begin\n{}\nend", "é".repeat(4 << 20));
    for event in &mut events {
        if let EventKind::CallEnded(record) = &mut event.kind
            && record.transcript.is_some()
        {
            record.transcript = Some(long.clone());
        }
    }
    let page = of(&events);
    assert!(page.len() < 6 << 20, "{}", page.len());
    assert!(page.contains("begin\n") && page.contains("\nend\n") && page.contains("[... cut here ...]"));
    assert!(page.contains("Cut; all of it is in"));
}

#[test]
fn consoles_behind_a_line_have_a_table_of_their_own() {
    let mut events = sample::night();
    for event in &mut events {
        match &mut event.kind {
            EventKind::RunStarted(header) => {
                header.lines[0].facets.consoles = vec!["core-1".to_owned(), "core-2".to_owned()];
            }
            EventKind::CallEnded(record) if record.line.as_str() == "BR0001-A" => {
                let console = |name: &str, fault| ConsoleRecord {
                    console: name.to_owned(),
                    fault,
                    detail: String::new(),
                    hostname: Some(name.to_owned()),
                    answer_ms: Some(400),
                };
                record.consoles =
                    vec![console("core-1", None), console("core-2", Some(Fault::ConsoleSilent))];
            }
            _ => {}
        }
    }
    let page = of(&events);
    assert!(page.contains("2 consoles behind console servers: 1 pass, 0 degraded, 1 fail, 0 not reached."));
    assert!(
        page.contains("Consoles behind it")
            && page.contains("<tr><th>core-2<td class=fail>fail<td>console-silent")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_text_of_a_far_end_becomes_markup(said in "(<[a-z/!]{1,8}[ >]|[\"'`&;=]|-->|\\]\\]>|\\{\\{|\\{%|\\PC){1,40}") {
        let mut events = sample::night();
        for event in &mut events {
            match &mut event.kind {
                EventKind::CallEnded(record) => {
                    record.detail.clone_from(&said);
                    record.hostname = Some(said.clone());
                    record.link.modulation = Some(said.clone());
                    record.transcript = record.transcript.as_ref().map(|_| format!("\n{said}"));
                }
                EventKind::Verdict(verdict) => verdict.detail.clone_from(&said),
                EventKind::Notice { text } => text.clone_from(&said),
                EventKind::Modem { detail, .. } | EventKind::Credential { detail, .. } => detail.clone_from(&said),
                _ => {}
            }
        }
        let page = of(&events);
        let plain = of(&sample::night());
        // However a text is put in, the page has the elements that it has anyway: as many of each kind.
        for tag in ["<script", "<style", "</noscript", "<!--line-->", "<!--end-->", "<article", "<table", "</table", "<img", "<iframe", "<pre", "</pre"] {
            prop_assert_eq!(page.matches(tag).count(), plain.matches(tag).count(), "{}", tag);
        }
        prop_assert_eq!(rows(&page).len(), 13);
    }
}
