//! The mail of the night of the samples, and of nights that mean harm.

use super::*;
use crate::model::{EventKind, RunId};
use crate::notify::occasion::is_due;
use crate::notify::options::When;
use crate::report::sample::{Story, header, line, modem, night};

fn context() -> Context {
    let run: RunId = "20261121T020000Z-nightly".parse().unwrap();
    Context {
        run,
        plan: "nightly".parse().unwrap(),
        host: "oob1".to_owned(),
        folder: "/var/lib/lineman/reports/20261121T020000Z-nightly".to_owned(),
        rehearsal: false,
    }
}

fn sample() -> RunState {
    RunState::of(&night()).unwrap()
}

/// A night of one line, of which a far end said this.
fn hostile(said: &str) -> RunState {
    let mut story = Story::new(header(vec![line(1)], vec![modem(0, "courier")]));
    story.judge(10, 1, 0, None, Some(Fault::Voice), said);
    story.tell(11, EventKind::Notice { text: said.to_owned() });
    RunState::of(&story.events()).unwrap()
}

#[test]
fn the_subject_says_what_is_new_and_how_many_are_how() {
    let letter = Letter::of_run(&context(), &sample(), Enclosed::default());
    assert_eq!(
        letter.subject,
        "lineman nightly: 3 new failures, 1 newly degraded, 1 recovered, 6 fail, 2 degraded, 1 untested, 4 pass"
    );
    assert!(letter.text.starts_with("nightly: 3 new failures, "), "{}", letter.text);
    assert!(letter.text.contains("\nWhat changed since 20261120T020000Z-nightly\n"), "{}", letter.text);
    assert!(letter.text.lines().all(|line| line.chars().count() <= 200), "{}", letter.text);
    let rehearsed = Context { rehearsal: true, ..context() };
    let letter = Letter::of_run(&rehearsed, &sample(), Enclosed::default());
    assert!(
        letter.subject.starts_with("[rehearsal] lineman nightly: ") && letter.html.contains("Rehearsal.")
    );
}

#[test]
fn the_page_says_the_same_as_the_run_and_needs_nothing_from_elsewhere() {
    let state = sample();
    let html = Letter::of_run(&context(), &state, Enclosed::default()).html;
    for (line, known) in state.lines() {
        let fault = known.verdict.as_ref().and_then(|verdict| verdict.fault);
        if let Some(fault) = fault {
            assert!(
                html.contains(&format!("<b>{}</b>", line.id)) && html.contains(fault.code()),
                "{}",
                line.id
            );
        }
    }
    for bad in ["<script", "http:", "https:", "<img", "<link", "url("] {
        assert!(!html.contains(bad), "{bad}");
    }
}

#[test]
fn what_a_far_end_said_is_no_markup_no_header_and_no_escape() {
    let said = "</td></table><script>alert(1)</script><img src=x>\r\nBcc: all@example.com\u{1b}[2J\u{202e}";
    let letter = Letter::of_run(&context(), &hostile(said), Enclosed::default());
    assert!(!letter.html.contains("<script") && !letter.html.contains("<img"), "{}", letter.html);
    assert!(letter.html.contains("&lt;script&gt;"), "{}", letter.html);
    for text in [&letter.subject, &letter.text, &letter.html] {
        assert!(!text.contains(['\u{1b}', '\r', '\u{202e}']), "{text:?}");
        assert!(!text.contains("\nBcc:"), "{text:?}");
    }
    assert!(!letter.subject.contains("script"), "a subject holds nothing that a far end said");
    let broken = Letter::of_breakdown(&context(), "the disk is full\n<b>see</b> x\r\nBcc: y");
    assert_eq!(broken.subject, "lineman nightly: the run BROKE DOWN: the disk is full");
    assert!(broken.html.contains("&lt;b&gt;see"), "{}", broken.html);
}

#[test]
fn a_night_on_which_everything_fails_is_cut_at_a_line_and_told() {
    let whole = "a line of text\n".repeat(10_000);
    let part = cut(&whole, 1000);
    assert!(part.len() <= 1000 && part.ends_with('\n') && part.len() > 980);
    assert_eq!(cut("ä\nö", 1), "");
    assert_eq!(cut("short", 10), "short");
}

#[test]
fn attachments_fill_the_room_in_their_order_and_the_others_are_told() {
    let bytes = |n: usize| Some(Ok(vec![b'x'; n]));
    let files = [
        ("lines.csv", bytes(600)),
        ("calls.csv", bytes(500)),
        ("consoles.csv", None),
        ("modems.csv", bytes(400)),
        ("report.html", Some(Err("it can't be read".to_owned()))),
    ];
    let packed = Enclosed::pack(files, 1000);
    let names: Vec<&str> = packed.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["lines.csv", "modems.csv"]);
    let letter = Letter::of_run(&context(), &sample(), packed);
    for said in [
        "Attached: lines.csv, modems.csv.",
        "Not attached: calls.csv: it has 0.5 kB",
        "report.html: it can't be read",
    ] {
        assert!(
            letter.text.contains(said) && letter.html.contains(&said.replace('\'', "&#x27;")),
            "{said}: {}",
            letter.text
        );
    }
}

#[test]
fn a_run_is_told_when_it_is_due_and_never_silent_where_it_could_not_do_its_work() {
    let all = |state: &RunState| {
        [When::Always, When::Change, When::Failure, When::Never].map(|when| is_due(when, state))
    };
    assert_eq!(all(&sample()), [true, true, true, false]);
    // It has no end: nobody can say that all is as it was.
    let going_on = RunState::of(&night()[..3]).unwrap();
    assert_eq!(all(&going_on), [true, true, true, false]);
}
