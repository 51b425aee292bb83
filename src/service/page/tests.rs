//! The pages, asked for over their router, of a daemon that is told of by hand; and what they make of names and words that mean
//! harm.

use std::collections::BTreeMap;
use std::fs;

use axum::body::Body;
use axum::http::Request as HttpRequest;
use http_body_util::BodyExt;
use tempfile::TempDir;
use tower::ServiceExt;

use super::*;
use crate::history::night::{LineNight, ModemNight, Night};
use crate::history::{Store, Waits};
use crate::model::{Event, EventKind};
use crate::report::{RunState, sample};
use crate::run::Record;
use crate::service::control::Role;
use crate::service::live::LiveRun;
use crate::service::status::{BankStatus, ConfigStatus, LastRun, ModemStatus, PlanStatus, Stands, Waiting};

/// What nobody may take for markup.
const BLOW: &str = "</p><script>alert(1)</script><img src=x onerror=alert(1)>\u{1b}[31m\u{202e}";
const RUN: &str = "20261121T020000Z-nightly";

/// A daemon with the plan of the samples, whose last run is the samples'.
struct House {
    folder: TempDir,
    status: watch::Sender<Arc<Status>>,
    live: Arc<Live>,
    pages: Router<()>,
}

fn status(word: &str) -> Status {
    let at: jiff::Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
    let words = |text: &str| format!("{text} {word}");
    Status {
        service: words("hq"),
        lineman: "0.1.0".to_owned(),
        started: at,
        at,
        stands: Stands::Paused,
        why: words("for maintenance"),
        until: Some(at),
        role: Role::Primary,
        leadership: words("always"),
        config: ConfigStatus {
            path: words("serve.yaml"),
            loaded: at,
            problem: Some(words("no such key\nline 2")),
        },
        plans: vec![PlanStatus {
            plan: "nightly".parse().unwrap(),
            bank: "hq".parse().unwrap(),
            stands: Stands::Waiting,
            why: words("its bank is busy"),
            until: None,
            schedule: vec![words("0 2 * * *")],
            next: Some(at),
            run: None,
            progress: None,
            last: Some(LastRun {
                run: RUN.parse().unwrap(),
                ended: at,
                completed: true,
                counts: BTreeMap::from([("pass".to_owned(), 3)]),
            }),
            disabled_lines: BTreeMap::from([("BR0002-A".parse().unwrap(), words("cable cut"))]),
        }],
        banks: vec![BankStatus {
            bank: "hq".parse().unwrap(),
            run: None,
            modems: vec![ModemStatus {
                modem: "m00".parse().unwrap(),
                port: words("/dev/ttyS0"),
                stands: Stands::Down,
                why: words("it died four times"),
                until: Some(at),
                call: None,
                restarts: 4,
            }],
        }],
        queue: vec![Waiting {
            plan: "nightly".parse().unwrap(),
            line: Some("BR0001-A".parse().unwrap()),
            since: at,
            why: words("the bank is busy"),
        }],
        log: BTreeMap::from([(String::new(), crate::model::Level::Info)]),
        troubles: vec![words("the state can't be written")],
    }
}

impl House {
    fn new(word: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(
            "bank.yaml",
            "bank: hq\nlocation: { country: US, area_code: \"212\", local: 10 }\nmodems:\n  - { id: m00, port: /dev/ttyS0, profile: courier }\n",
        );
        let lines: String = (1..=3).map(|n| format!("  - {{ id: BR000{n}-A, site: BR000{n}, number: \"+1 919 555 010{n}\", hostname: br000{n}-rtr1 }}\n")).collect::<Vec<String>>().concat();
        write(
            "nightly.yaml",
            &format!(
                "plan: nightly\nbank: bank.yaml\nnumbering: us\ndefaults: {{ console: none }}\nlines:\n{lines}"
            ),
        );
        write(
            "serve.yaml",
            "service: hq\nreports: reports\nstate: state\nplans:\n  - { plan: nightly.yaml }\n",
        );
        let run = folder.path().join("reports/nightly").join(RUN);
        fs::create_dir_all(&run).unwrap();
        let events = sample::night();
        let journal: String =
            events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect();
        fs::write(run.join("events.jsonl"), journal).unwrap();
        take_in(folder.path(), &events);
        let loaded = crate::config::service::load(&folder.path().join("serve.yaml"), &|_| None)
            .unwrap_or_else(|unloaded| panic!("{:?}", unloaded.problems));
        let status = watch::Sender::new(Arc::new(status(word)));
        let config = watch::Sender::new(Arc::new(loaded));
        let live = Arc::new(Live::default());
        let shown = Shown {
            status: status.subscribe(),
            live: Arc::clone(&live),
            config: config.subscribe(),
            archive: Arc::default(),
        };
        let pages = routes(shown).merge(statics());
        Self { folder, status, live, pages }
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let request = HttpRequest::get(path).body(Body::empty()).unwrap();
        let answer = self.pages.clone().oneshot(request).await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text =
            String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
        // As a reader has it: the template engine is careful with slashes too.
        let text = text.replace("&#x2f;", "/");
        if status == StatusCode::OK && !path.starts_with("/static") {
            assert_eq!(headers[header::CONTENT_SECURITY_POLICY], POLICY, "{path}");
            assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{path}");
        }
        (status, text)
    }
}

/// The samples' run, in the history.
fn take_in(folder: &std::path::Path, events: &[Event]) {
    let state = RunState::of(events).unwrap();
    let lines: Vec<LineNight<'_>> = state
        .lines()
        .map(|(line, known)| LineNight {
            line,
            verdict: known.verdict.as_ref(),
            calls: &known.calls,
            doubted: false,
        })
        .collect();
    let modem =
        |modem: &'_ crate::report::ModemFigures| (modem.header.id.clone(), modem.header.profile.clone());
    let modems: Vec<_> = state.modems().iter().map(modem).collect();
    let modems = modems.iter().map(|(id, family)| ModemNight {
        id,
        family,
        trunk: None,
        health: "troubled",
        state: Some("ready"),
        quarantined: false,
        bench_faults: 1,
        hangup_unproven: 0,
        times_out: 1,
        checks: 0,
        checks_failed: 0,
        on_line_ms: 1_000,
        last_fault: None,
        detail: BLOW,
    });
    let night = Night {
        header: state.header(),
        started: state.started(),
        ended: state.ended(),
        sittings: 1,
        journal_bytes: 1_000,
        lines,
        modems: modems.collect(),
    };
    let mut store = Store::write(&folder.join("reports/nightly/history.db"), Waits::Patiently).unwrap();
    store.ingest(&night).unwrap();
}

const PAGES: [&str; 9] = [
    "/",
    "/lines",
    "/lines?q=br0001&result=&plan=nightly",
    "/lines/nightly/BR0001-A",
    "/lines/nightly/BR0005-A",
    "/runs",
    "/runs/nightly/20261121T020000Z-nightly",
    "/modems",
    "/control",
];

#[tokio::test]
async fn every_page_shows_what_it_is_for() {
    let house = House::new("");
    for (path, words) in [
        (
            "/",
            &[
                "for maintenance",
                "no such key",
                "the state can&#x27;t be written",
                "its bank is busy",
                "a call to",
                "New failures",
                "would not have saved the day",
            ][..],
        ),
        ("/lines", &["3 lines.", "BR0002-A", "disabled"]),
        ("/lines?q=rtr1+BR0003", &["1 line.", "BR0003-A"]),
        ("/lines?q=nowhere", &["No line is like that."]),
        ("/lines/nightly/BR0005-A", &["wrong-console", "The plan has no such line any more", "Run by run"]),
        ("/lines/nightly/BR0002-A", &["cable cut", "Enable it", "Call BR0002-A now"]),
        ("/runs", &[RUN, "done"]),
        (
            "/runs/nightly/20261121T020000Z-nightly",
            &[
                "What changed since the last run",
                "/static/report.js?",
                "/api/v1/runs/nightly/20261121T020000Z-nightly/lines.csv",
            ],
        ),
        ("/modems", &["down", "it died four times", "Bank hq over its last runs", "chart-bank-nights"]),
        ("/control", &["Resume", "Emergency stop", "This daemon has no token", "Restart m00"]),
    ] {
        let (status, text) = house.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        for word in words {
            assert!(text.contains(word), "{path} does not say {word}:\n{text}");
        }
        // Nothing inline, and nothing from elsewhere.
        for wrong in ["<style", " style=", " onclick=", "javascript:", "http://", "https://", "<script>"] {
            let at = text.find(wrong).map(|at| &text[at..text.len().min(at + 120)]);
            assert!(
                at.is_none_or(|at| at.starts_with("http://www.w3.org/2000/svg") || at.contains("w3.org")),
                "{path}: {at:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_said_elsewhere_is_no_markup() {
    let house = House::new(BLOW);
    for path in PAGES {
        for path in [path.to_owned(), format!("{path}{}part=1", if path.contains('?') { "&" } else { "?" })] {
            let (status, text) = house.get(&path).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert!(!text.contains("<script>alert") && !text.contains("<img"), "{path}:\n{text}");
            assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{path}");
        }
    }
    for path in [
        "/lines?q=%3Cscript%3Ealert(1)%3C/script%3E%22%3E",
        "/lines?result=%22%3E%3Cscript%3Ealert",
        "/lines/nightly/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/lines/%3Cscript%3Ealert/x",
        "/runs?plan=%3Cscript%3Ealert",
    ] {
        let (_, text) = house.get(path).await;
        assert!(!text.contains("<script>alert") && !text.contains("\"><script"), "{path}:\n{text}");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_told_and_no_path_leads_out() {
    let house = House::new("");
    fs::write(house.folder.path().join("events.jsonl"), "secret").unwrap();
    for path in [
        "/lines/nightly/BR9999-A",
        "/lines/weekly/BR0001-A",
        "/runs/nightly/20261122T020000Z-nightly",
        "/runs/nightly/..",
        "/runs/nightly/..%2F..",
        "/runs/nightly/latest",
        "/runs/..%2Fnightly/20261121T020000Z-nightly",
        "/runs?plan=weekly",
        "/lines/nightly/..%2F..%2Fevents.jsonl",
        "/static/..%2Fapp.js",
        "/static/nothing.js",
    ] {
        let (status, text) = house.get(path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {text}");
        assert!(!text.contains("secret"), "{path}");
    }
    for file in ["app.css", "app.js", "report.css", "report.js"] {
        assert_eq!(house.get(&format!("/static/{file}?anything")).await.0, StatusCode::OK, "{file}");
    }
    // A damaged history, or a journal that is no journal, spoils its own part alone.
    fs::write(house.folder.path().join("reports/nightly/history.db"), "no database").unwrap();
    let (status, text) = house.get("/lines/nightly/BR0001-A").await;
    assert!(status == StatusCode::OK && text.contains("the history can"), "{text}");
    assert_eq!(house.get("/modems").await.0, StatusCode::OK);
    assert_eq!(house.get("/runs").await.0, StatusCode::OK);
    fs::write(house.folder.path().join("reports/nightly").join(RUN).join("events.jsonl"), "{}\n").unwrap();
    assert_eq!(house.get("/").await.0, StatusCode::OK);
    assert_eq!(house.get(&format!("/runs/nightly/{RUN}")).await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_run_that_goes_on_is_shown_at_every_of_its_moments() {
    let house = House::new("");
    let mut healthy = status("");
    healthy.banks.clear();
    house.status.send_replace(Arc::new(healthy));
    let events = sample::night();
    let record = Record::default();
    let run = LiveRun::new(
        RUN.parse().unwrap(),
        "nightly".parse().unwrap(),
        "hq".parse().unwrap(),
        house.folder.path(),
        false,
        record.clone(),
    );
    let begun = house.live.begin(run);
    assert_eq!(house.get("/?part=1").await.0, StatusCode::OK);
    let mut watcher = begun.watcher();
    let (mut state, mut seen_steps) = (None, false);
    for (nth, event) in events.iter().enumerate() {
        match &mut state {
            None => state = Some(RunState::begin(event).unwrap()),
            Some(state) => state.apply(event).unwrap(),
        }
        let state = state.as_ref().unwrap();
        record.write(|kept| *kept = Some(state.clone()));
        watcher.see(state, event);
        let (status, text) = house.get("/?part=1").await;
        assert_eq!(status, StatusCode::OK, "event {nth}");
        assert_eq!(text.matches("<tr id=\"row-").count(), state.modems().len(), "event {nth}");
        assert!(text.contains(&format!("{} calling", state.running().len())), "event {nth}:\n{text}");
        if let EventKind::CallMoment { call, .. } = &event.kind
            && let Some(running) = state.running().get(call)
        {
            let (status, text) = house.get(&format!("/lines/nightly/{}?part=1", running.line)).await;
            assert_eq!(status, StatusCode::OK);
            assert!(text.contains("stands busy") && text.contains("class=\"steps\""), "event {nth}:\n{text}");
            seen_steps = true;
        }
        if let EventKind::CallEnded(record) = &event.kind {
            let (_, text) = house.get(&format!("/lines/nightly/{}?part=1", record.line)).await;
            let steps = record.timeline.iter().count();
            assert!(text.matches("<th scope=\"row\">").count() >= steps, "event {nth}:\n{text}");
        }
    }
    assert!(seen_steps, "the samples have no call that is followed");
    let (_, text) = house.get(&format!("/runs/nightly/{RUN}")).await;
    assert!(text.contains("What changed since the last run"));
    drop(begun);
    assert!(house.get("/?part=1").await.1.contains("Nothing is dialed now."));
}
