//! How soon the daemon's pages are there: a line's page with a thousand nights of history beside five thousand lines, as its
//! server gives it and as Chromium shows it. The nights are those of `history`, the last run one of `morning`; nothing is dialed.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lineman::config::service::{self, Loaded};
use lineman::history::{Store, Waits};
use lineman::service::control::Role;
use lineman::service::http::archive::Archive;
use lineman::service::live::Live;
use lineman::service::page::{Shown, routes, statics};
use lineman::service::status::{ConfigStatus, LastRun, PlanStatus, Stands, Status};
use tokio::sync::watch;

use super::common::Row;
use super::drawn;
use super::driver::Browser;
use super::history::{Bank, NIGHTS};

/// What the issue asks of a line's page, ms.
const LINE_MAX_MS: f64 = 100.0;
/// Lines whose pages are asked for; each for the first time, as a person does.
const ASKED: usize = 20;
const LINES: usize = 5_000;

pub(crate) fn rows() -> Vec<Row> {
    let folder = tempfile::tempdir().expect("a folder for the benchmark");
    let loaded = files(folder.path());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let address = runtime.block_on(serve(loaded));
    let mut rows = served(address);
    if super::common::has_browser() {
        rows.extend(shown(address));
    } else {
        rows.push(Row::told("  in Chromium", "no chromium here"));
    }
    if std::env::args().any(|word| word == "--keep") {
        println!("http://{address}/ until Enter is pressed");
        let _ = std::io::stdin().read_line(&mut String::new());
    }
    rows
}

/// A plan of all lines, its history, and its last run.
fn files(folder: &Path) -> Loaded {
    let bank = Bank::new();
    let write =
        |name: &str, text: &str| fs::write(folder.join(name), text).expect("the folder can be written");
    let line =
        |n| format!("BR{n:04}-A,BR{n:04},+1919{:03}{:04},br{n:04}-rtr1\n", 200 + n / 1_000, n % 10_000);
    let lines = (0..LINES).map(line).collect::<Vec<_>>().concat();
    write("lines.csv", &format!("id,site,number,hostname\n{lines}"));
    let modem = |n: i32| format!("  - {{ id: m{n:02}, port: /dev/ttyS{n}, profile: courier }}\n");
    let modems = (0..32).map(modem).collect::<Vec<_>>().concat();
    write(
        "bank.yaml",
        &format!("bank: hq\nlocation: {{ country: US, area_code: \"212\", local: 10 }}\nmodems:\n{modems}"),
    );
    write(
        "nightly.yaml",
        "plan: nightly\nbank: bank.yaml\nnumbering: us\ndefaults: { console: none }\nlines: lines.csv\n",
    );
    write(
        "serve.yaml",
        "service: bench\nreports: reports\nstate: state\nplans:\n  - { plan: nightly.yaml, schedule: \"0 2 * * *\", zone: UTC }\n",
    );
    let reports = folder.join("reports/nightly");
    fs::create_dir_all(&reports).expect("the folder can be written");
    let mut store = Store::write(&reports.join("history.db"), Waits::Patiently).expect("a new history");
    bank.fill(&mut store, |_, _| ());
    let run = reports.join("20261121T020000Z-nightly");
    fs::create_dir_all(&run).expect("the folder can be written");
    fs::write(run.join("events.jsonl"), drawn::journal(&drawn::night(LINES, 32, 7))).expect("a journal");
    service::load(&folder.join("serve.yaml"), &|_| None)
        .unwrap_or_else(|unloaded| panic!("{:?}", unloaded.problems))
}

/// The pages of a daemon that has nothing to do.
async fn serve(loaded: Loaded) -> SocketAddr {
    let (status, config) = (watch::Sender::new(Arc::new(status())), watch::Sender::new(Arc::new(loaded)));
    let shown = Shown {
        status: status.subscribe(),
        live: Arc::new(Live::default()),
        config: config.subscribe(),
        archive: Arc::new(Archive::default()),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let pages = routes(shown).merge(statics());
    tokio::spawn(async move {
        let _kept = (status, config);
        axum::serve(listener, pages).await
    });
    address
}

fn status() -> Status {
    let at: Timestamp = "2026-11-21T08:00:00Z".parse().expect("a time");
    let run = "20261121T020000Z-nightly".parse().expect("a run's id");
    let last = LastRun { run, ended: at, completed: true, counts: std::collections::BTreeMap::new() };
    Status {
        service: "bench".to_owned(),
        lineman: "0.1.0".to_owned(),
        started: at,
        at,
        stands: Stands::Idle,
        why: String::new(),
        until: None,
        role: Role::Primary,
        leadership: "always".to_owned(),
        config: ConfigStatus { path: "serve.yaml".to_owned(), loaded: at, problem: None },
        plans: vec![PlanStatus {
            plan: "nightly".parse().expect("a name"),
            bank: "hq".parse().expect("a name"),
            stands: Stands::Idle,
            why: "not due before 02:00".to_owned(),
            until: None,
            schedule: vec!["0 2 * * *".to_owned()],
            next: Some(at),
            run: None,
            progress: None,
            last: Some(last),
            disabled_lines: std::collections::BTreeMap::new(),
        }],
        banks: Vec::new(),
        queue: Vec::new(),
        troubles: Vec::new(),
        log: std::collections::BTreeMap::new(),
    }
}

/// The median and the greatest, ms.
fn told(mut all: Vec<f64>) -> (f64, f64) {
    all.sort_by(f64::total_cmp);
    (all[all.len() / 2], all[all.len() - 1])
}

fn page_of(n: usize) -> String {
    format!("/lines/nightly/BR{:04}-A", n * 97 % 2_500)
}

fn served(address: SocketAddr) -> Vec<Row> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(60)))
        .proxy(None)
        .build()
        .new_agent();
    let get = |path: &str| {
        let began = Instant::now();
        let mut answer = agent
            .get(format!("http://{address}{path}"))
            .call()
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        let bytes = answer.body_mut().with_config().limit(64 << 20).read_to_vec().expect("a page").len();
        (began.elapsed().as_secs_f64() * 1e3, bytes)
    };
    let bytes = get(&page_of(0)).1;
    let (median, most) = told((1..=ASKED).map(|n| get(&page_of(n)).0).collect());
    let mut rows = vec![
        Row::told(
            format!("a line's page, {NIGHTS} nights beside {LINES} lines"),
            format!("{:.0} kB", bytes as f64 / 1e3),
        ),
        Row::told("  from the server, median", format!("{median:.1} ms")),
        Row::at_most("  from the server, the slowest", most, LINE_MAX_MS, "ms"),
    ];
    for (what, path) in [
        ("tonight's page with the last report", "/"),
        ("200 lines of them", "/lines"),
        ("a search among them", "/lines?q=br0042"),
        ("all runs", "/runs?plan=nightly"),
        ("32 modems over 45 runs", "/modems"),
        ("the whole report of the last run", "/runs/nightly/20261121T020000Z-nightly"),
    ] {
        let first = get(path).0;
        let (median, _) = told((0..5).map(|_| get(path).0).collect());
        rows.push(Row::told(format!("  {what}: first, then"), format!("{first:.0} ms, {median:.1} ms")));
    }
    rows
}

fn shown(address: SocketAddr) -> Vec<Row> {
    let browser = Browser::start();
    browser.size(1440, 900);
    let mut painted = Vec::new();
    let mut loaded = Vec::new();
    for n in 0..=ASKED {
        browser.visit(&format!("http://{address}{}", page_of(n + 100)));
        let seen = browser.wait_for(
            "const paint = () => performance.getEntriesByName('first-contentful-paint')[0];
             const ready = () => { const all = performance.getEntriesByType('navigation')[0];
               if (paint() && all.loadEventEnd > 0) done([paint().startTime, all.loadEventEnd]); else setTimeout(ready, 5); };
             ready();",
        );
        // The first one starts the browser's own parts, and fetches style and script.
        if n > 0 {
            painted.extend(seen[0].as_f64());
            loaded.extend(seen[1].as_f64());
        }
    }
    let ((painted, _), (loaded, most)) = (told(painted), told(loaded));
    vec![
        Row::told("  in Chromium, the first paint, median", format!("{painted:.0} ms")),
        Row::at_most("  in Chromium, all of it there, median", loaded, LINE_MAX_MS, "ms"),
        Row::told("  in Chromium, all of it there, the slowest", format!("{most:.0} ms")),
    ]
}
