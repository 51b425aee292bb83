//! What a person sees: a board while the run goes on, a terminal left as it was, and nothing of what far ends send that acts.

use std::collections::BTreeSet;
use std::fs::{self, File};

use lineman::sim::log::What;

use crate::night::{Exchange, RUN, SOON, audit, audited, rows, run_of};
use crate::stage::{Stage, wait_until};
use crate::terminal::{Screen, Terminal};
use crate::town::{Branch, PASSWORD, Town};

/// Slow enough to be watched.
fn watched_town() -> Town {
    let branches = (1..=9).map(|n| match n {
        3 => Branch::with_fault(n, "busy"),
        _ => Branch::new(n).rings(2),
    });
    let mut town = Town::new(&["courier", "rockwell-conexant", "v250", "generic"], branches);
    town.pace = 0.15;
    town
}

/// A row of the board: the modem's line, what it is at, and since when.
fn row_of(screen: &str, modem: &str) -> Option<(String, String, u64)> {
    let rest = screen.lines().find_map(|line| line.strip_prefix(modem))?.trim_end();
    let rest = rest.strip_suffix(" s")?;
    let (before, seconds) = rest.rsplit_once(' ')?;
    let mut words = before.split_whitespace();
    let line = words.next()?.to_owned();
    Some((line, words.collect::<Vec<_>>().join(" "), seconds.parse().ok()?))
}

fn assert_sane(terminal: &Terminal) {
    terminal.see(|screen| {
        assert!(!screen.cursor_hidden, "the cursor is hidden");
        assert_eq!(screen.column(), 0, "the shell's prompt would stand amid a row:\n{}", screen.text());
        assert_eq!(screen.odd, Vec::<String>::new());
        let left = screen.text().lines().any(|line| line.starts_with("m00  ") || line.starts_with("[##"));
        assert!(!left, "the board is still there:\n{}", screen.text());
    });
}

#[test]
fn the_board_shows_each_modem_its_line_its_phase_and_the_counts() {
    let stage = Stage::new();
    watched_town().found(&stage);
    let mut terminal = Terminal::start(&audit(&stage, &[]), None);
    let before = terminal.settings();
    let mut phases = BTreeSet::new();
    let (mut lines, mut seconds, mut counts) = (BTreeSet::new(), 0, BTreeSet::new());
    let over = wait_until(RUN, || {
        let screen = terminal.see(Screen::text);
        let modems = ["m00", "m01", "m02", "m03"].map(|modem| row_of(&screen, modem));
        for (line, phase, since) in modems.into_iter().flatten() {
            phases.insert(phase);
            lines.insert(line);
            seconds = seconds.max(since);
        }
        for line in screen.lines().filter(|line| line.starts_with('[')) {
            if let Some((_, text)) =
                line.split_once("] ").filter(|(_, text)| text.contains(" of 9 lines  pass "))
            {
                counts.insert(text.split_whitespace().next().unwrap_or_default().to_owned());
            }
        }
        screen.contains("of 9 lines in the plan")
    });
    assert!(over, "no end:\n{}", terminal.see(Screen::all));
    assert_eq!(terminal.settings(), before, "the terminal's settings are not what they were");
    assert_sane(&terminal);
    for phase in ["ringing", "dialing", "idle"] {
        assert!(phases.contains(phase), "{phase}: {phases:?}");
    }
    assert!(
        phases.len() >= 5 && lines.len() >= 8 && counts.len() >= 4 && seconds >= 1,
        "{phases:?} {lines:?} {counts:?} {seconds}"
    );
    // What did not pass stays to be read, and the summary at the end.
    let all = terminal.see(Screen::all);
    assert!(all.contains("fail     BR0003-A busy (far-line)"), "{all}");
    assert!(all.contains("lines.csv"), "{all}");
    let (status, _) = terminal.finish(SOON);
    assert_eq!(status.code(), Some(1), "{all}");
}

#[test]
fn ctrl_c_leaves_a_terminal_that_is_fit_for_use() {
    let stage = Stage::new();
    watched_town().found(&stage);
    let mut terminal = Terminal::start(&audit(&stage, &[]), None);
    let before = terminal.settings();
    terminal.wait_for("a modem that rings", |text| text.contains("ringing"));
    terminal.press(b"\x03");
    terminal.wait_for("the answer to Ctrl-C", |text| text.contains("stopping"));
    terminal.wait_for("the summary", |text| text.contains("of 9 lines in the plan"));
    assert_eq!(terminal.settings(), before);
    let (status, _) = terminal.finish(RUN);
    assert_sane(&terminal);
    assert_eq!(status.code(), Some(4), "{}", terminal.see(Screen::all));
    assert!(terminal.see(Screen::all).contains("--resume"));
}

#[test]
fn a_terminal_that_is_closed_stops_the_run_as_ctrl_c_does() {
    let stage = Stage::new();
    watched_town().found(&stage);
    let terminal = Terminal::start(&audit(&stage, &[]), None);
    terminal.wait_for("a modem that rings", |text| text.contains("ringing"));
    drop(terminal);
    let latest = stage.path("reports/latest/summary.json");
    assert!(wait_until(RUN, || latest.exists()), "no report was written");
    let summary = fs::read_to_string(latest).unwrap();
    assert!(
        summary.contains("\"ending\": \"interrupted\"") || summary.contains("\"ending\":\"interrupted\""),
        "{summary}"
    );
    assert_eq!(rows(&run_of(&stage, "latest").join("lines.csv")).len(), 9);
}

#[test]
fn a_password_is_asked_for_unseen_and_asked_for_again_when_it_was_refused_before() {
    let stage = Stage::new();
    let mut town = Town::new(&["courier"], [Branch::new(1)]);
    town.credentials = "{ oob: { username: oob, password: { prompt: true } } }".to_owned();
    let exchange = Exchange::of(&town, &stage);
    let typed = |wrong: &str, right: &str| {
        let mut terminal = Terminal::start(&audit(&stage, &["--plain"]), None);
        let before = terminal.settings();
        for (n, secret) in [wrong, right].into_iter().filter(|secret| !secret.is_empty()).enumerate() {
            terminal
                .wait_for("the question", |text| text.matches("Password of credential `oob`").count() > n);
            terminal.press(format!("{secret}\n").as_bytes());
        }
        terminal.wait_for("the summary", |text| text.contains("of 1 line in the plan"));
        assert_eq!(terminal.settings(), before, "echo stays off");
        let (status, raw) = terminal.finish(RUN);
        let text = String::from_utf8_lossy(&raw).into_owned();
        assert!(!text.contains(PASSWORD) && !text.contains("wrong-one"), "{text}");
        status.code()
    };
    assert_eq!(typed("wrong-one", ""), Some(3));
    // The same once more is not even tried; who typed it may think again.
    assert_eq!(typed("wrong-one", PASSWORD), Some(0));
    assert_eq!(exchange.logged(What::Password).len(), 2);
}

#[test]
fn a_terminal_that_takes_nothing_holds_up_nothing_but_itself() {
    let stage = Stage::new();
    watched_town().found(&stage);
    let mut terminal = Terminal::start(&audit(&stage, &[]), None);
    terminal.wait_for("a modem that rings", |text| text.contains("ringing"));
    // Ctrl-S: from here on every write waits.
    terminal.press(b"\x13");
    let latest = stage.path("reports/latest");
    assert!(wait_until(RUN, || latest.exists()), "the run waits for its terminal");
    let lines = rows(&run_of(&stage, "latest").join("lines.csv"));
    assert!(lines.len() == 9 && lines.iter().all(|row| !row["result"].is_empty()), "{lines:?}");
    terminal.press(b"\x11");
    let (status, _) = terminal.finish(SOON);
    let all = terminal.see(Screen::all);
    assert_eq!(status.code(), Some(1), "{all}");
    assert!(all.contains("of 9 lines in the plan"), "{all}");
}

/// What far ends can send, as `printf` writes it, and what of it must not be seen to act.
const HOSTILE: [&str; 7] = [
    "\\r\\n\\033]0;owned\\007\\033[2J\\033[1;1Hyou are owned\\r\\n",
    "\\r\\n=cmd|\\047/C calc\\047!A0\\r\\n",
    "\\r\\n@SUM(1+1)*cmd\\r\\n",
    "\\r\\n\\342\\200\\256gnp.exe\\342\\200\\254\\r\\n",
    "\\r\\n-1+1\\t=2\\r+3\\r\\n",
    "\\r\\n\\2331mC1\\302\\2332J\\220q\\r\\n",
    "\\r\\n% Bad passwords\\033[8m; =hidden\\r\\n",
];

#[test]
fn what_far_ends_send_acts_neither_on_a_terminal_nor_in_a_spreadsheet() {
    let branches = HOSTILE.iter().enumerate().map(|(n, text)| {
        let far =
            format!("exec: [sh, -c, \"sleep 0.2; printf '{}'; sleep 0.3\"]", text.replace('\\', "\\\\"));
        Branch::new(n + 1).far_only(&far)
    });
    let mut town = Town::new(&["courier", "courier", "v250"], branches);
    town.policy = "attempts: 1, confirm: 1".to_owned();
    let stage = Stage::new();
    town.found(&stage);
    let mut terminal = Terminal::start(&audit(&stage, &[]), None);
    let (status, raw) = terminal.finish(RUN);
    let said = terminal.see(Screen::all);
    assert_eq!(status.code(), Some(1), "{said}");
    assert_sane(&terminal);
    let text = String::from_utf8(raw).expect("nothing but UTF-8 goes to a terminal");
    assert!(!text.chars().any(|c| ('\u{80}'..'\u{a0}').contains(&c) || c == '\u{202e}'), "{text:?}");

    let run = run_of(&stage, "latest");
    let mut heard = String::new();
    for name in ["lines.csv", "calls.csv"] {
        for row in rows(&run.join(name)) {
            heard.push_str(&row["detail"]);
            for (column, cell) in &row {
                // A level is a number below zero, and must be one.
                let level = column.ends_with("_dbm") && cell.parse::<i16>().is_ok();
                let formula =
                    cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && column != "number" && !level;
                assert!(!formula, "{name}: {column} is a formula: {cell}");
                assert!(
                    !cell.chars().any(|c| c.is_control() || c == '\u{202e}'),
                    "{name}: {column}: {cell:?}"
                );
            }
        }
    }
    // It was heard, and is told; only it does nothing.
    assert!(heard.contains("cmd|") && heard.contains("SUM"), "{heard}\n{said}");
    let transcripts = fs::read_dir(run.join("transcripts")).unwrap();
    let mut count = 0;
    for path in transcripts
        .map(|entry| entry.unwrap().path())
        .chain([run.join("events.jsonl"), run.join("summary.json")])
    {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let bad = text.chars().find(|c| (c.is_control() && !['\n', '\t'].contains(c)) || *c == '\u{202e}');
        assert_eq!(bad, None, "{}: {text:?}", path.display());
        count += 1;
    }
    assert!(count >= HOSTILE.len(), "{count} files");
    // The same on stderr in all its talk.
    let talk = audited(&stage, &["-vvv"]);
    for stream in [&talk.out, &talk.err] {
        let bad = stream.chars().find(|c| (c.is_control() && !['\n', '\t'].contains(c)) || *c == '\u{202e}');
        assert_eq!(bad, None, "{stream:?}");
    }
}

#[test]
fn without_a_terminal_or_by_wish_there_are_plain_lines_and_no_escapes() {
    let town = Town::new(&["courier"], [Branch::with_fault(1, "voice"), Branch::new(2)]);
    let plain = |raw: &[u8]| {
        let text = String::from_utf8(raw.to_vec()).unwrap();
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(text.contains("[1/2] ") && text.contains("[2/2] "), "{text:?}");
    };
    // No terminal at all; a dumb one; one, and the wish for plain lines; stderr elsewhere.
    let stage = Stage::new();
    town.found(&stage);
    let ended = audited(&stage, &[]);
    plain(ended.out.as_bytes());
    assert_eq!(ended.err, "", "a good run has nothing to complain about");

    let mut dumb = audit(&stage, &[]);
    dumb.env("TERM", "dumb").env("NO_COLOR", "1");
    let mut wish = audit(&stage, &["--plain"]);
    wish.env("NO_COLOR", "1");
    for command in [dumb, wish] {
        plain(&Terminal::start(&command, None).finish(RUN).1);
    }
    let errors = stage.path("errors");
    let mut command = audit(&stage, &[]);
    command.env("NO_COLOR", "1");
    plain(&Terminal::start(&command, Some(File::create(&errors).unwrap())).finish(RUN).1);
    assert_eq!(fs::read_to_string(&errors).unwrap(), "");
}
