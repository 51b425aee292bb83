//! The daemon's loop in this process, over a simulated bank: what dies in it of a panic (its brain, a job), and what becomes of
//! the run that went on meanwhile. Real sockets and files, real time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use jiff::Timestamp;

use super::deeds::lasting;
use super::*;
use crate::model::{EventKind, RunId};
use crate::service::brain::Brain;
use crate::service::control::Done;
use crate::service::keeper::{Action, Keeper};

const LINES: usize = 14;
/// How long anything may take.
const SOON: Duration = Duration::from_secs(60);

/// A folder with a town of a few branches, and a daemon's file.
fn town() -> TempDir {
    let folder = TempDir::with_prefix("lineman-").unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("secret", "Tin-Kettle-19");
    fs::set_permissions(folder.path().join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let mut far = "exchange: town\nseed: 7\npace: 0.02\ntiming: { think: 1s }\nmodems:\n  - { id: m00, profile: courier }\n  - { id: m01, profile: v250 }\nlines:\n".to_owned();
    let mut plan = "plan: town\nbank: bank.yaml\nnumbering: us\ncredentials: { oob: { username: oob, password: { file: secret } } }\ndefaults: { console: cisco-ios, credential: oob }\nlimits: { setup: 5s, dial: 20s, prompt: 3s, login: 4s, logout: 2s, hangup: 4s, call: 40s }\npreflight: off\nlines:\n".to_owned();
    for n in 1..=LINES {
        let (host, number) = (format!("br{n:04}-rtr1"), format!("+1 704 555 {:04}", 100 + n));
        let _ = writeln!(
            far,
            "  - {{ id: BR{n:04}-A, number: \"{number}\", console: cisco-ios, hostname: {host}, username: oob, password: Tin-Kettle-19, rings: 1 }}"
        );
        let _ = writeln!(
            plan,
            "  - {{ id: BR{n:04}-A, site: BR{n:04}, number: \"{number}\", hostname: {host} }}"
        );
    }
    write("exchange.yaml", &far);
    write("plan.yaml", &plan);
    write(
        "bank.yaml",
        "bank: town\nexchange: exchange.yaml\non_hook_min: 0s\nmodems:\n  - { id: m00, profile: courier }\n  - { id: m01, profile: v250 }\n",
    );
    write(
        "hq.yaml",
        "service: hq\nreports: reports\nstate: state\nsocket: hq.sock\nhttp: none\nplans: [{ plan: plan.yaml }]\n",
    );
    folder
}

/// What a brain was told, for the test that waits for it.
type News = mpsc::UnboundedSender<(String, Option<RunId>)>;

/// The keeper, but for one word of which it dies.
struct Frail {
    keeper: Keeper,
    news: &'static Mutex<Option<News>>,
}

impl Brain for Frail {
    fn step(&mut self, now: &Reading, input: Input) -> Vec<Action> {
        let dies = matches!(&input, Input::Control { control: Control::Log { room: Some(room), .. }, .. } if room == "history");
        assert!(!dies, "a word that nobody thought of");
        let told = match &input {
            Input::Begun { run, .. } => Some(("begun".to_owned(), Some(run.clone()))),
            Input::Ended { end, .. } => Some((format!("{end:?}"), None)),
            _ => None,
        };
        let actions = self.keeper.step(now, input);
        if let Some((told, news)) =
            told.zip(self.news.lock().unwrap_or_else(PoisonError::into_inner).as_ref())
        {
            let _ = news.send(told);
        }
        actions
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.keeper.next_deadline()
    }

    fn status(&self, now: &Reading) -> Status {
        self.keeper.status(now)
    }

    fn name_behind(&mut self, number: u64) {
        self.keeper.name_behind(number);
    }
}

/// One control over the socket; the whole answer.
async fn tell(folder: &Path, control: &str) -> String {
    let mut stream = UnixStream::connect(folder.join("hq.sock")).await.unwrap();
    let length = control.len();
    let request = format!(
        "POST /api/v1/control HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{control}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

/// Waits for a file that is written by others.
async fn until(mut holds: impl FnMut() -> bool) {
    let looked = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, looked).await.expect("it comes to pass");
}

fn journal(run: &Path) -> Vec<crate::model::Event> {
    let text = fs::read_to_string(run.join("events.jsonl")).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Lines by what was found of them, but for those that an end cut off.
fn judged(events: &[crate::model::Event]) -> BTreeMap<String, bool> {
    let mut judged = BTreeMap::new();
    for event in events {
        if let EventKind::Verdict(verdict) = &event.kind
            && verdict.fault != Some(crate::model::Fault::Cancelled)
        {
            judged.insert(verdict.line.to_string(), verdict.fault.is_none());
        }
    }
    judged
}

/// One run it is, gone on with once; all its lines passed, and none was called again once it was judged.
fn assert_whole(folder: &Path, run: &RunId) {
    let events = journal(&folder.join("reports/town").join(run.as_str()));
    let cut =
        events.iter().position(|event| matches!(event.kind, EventKind::RunResumed(_))).expect("resumed");
    let before = judged(&events[..cut]);
    assert!((1..LINES).contains(&before.len()), "{before:?}");
    for event in &events[cut..] {
        assert!(
            !matches!(&event.kind, EventKind::CallStarted { line, .. } if before.contains_key(line.as_str())),
            "called again: {event:?}"
        );
    }
    let all = judged(&events);
    assert!(all.len() == LINES && all.values().all(|passed| *passed), "{all:?}");
    assert_eq!(fs::read_link(folder.join("reports/town/latest")).unwrap().to_str(), Some(run.as_str()));
}

/// A daemon at work on a folder, the news of its brain, and its end.
async fn daemon(
    folder: &Path,
    crew: Crew,
    at: &'static Mutex<Option<News>>,
) -> (
    mpsc::UnboundedReceiver<(String, Option<RunId>)>,
    mpsc::Sender<Word>,
    tokio::task::JoinHandle<Result<(), Failure>>,
) {
    let (tell, news) = mpsc::unbounded_channel();
    *at.lock().unwrap() = Some(tell);
    let (stop, signals) = mpsc::channel(4);
    let setup =
        Setup { config: folder.join("hq.yaml"), levels: Levels::none(), systemd: Systemd::none(), signals };
    let task = tokio::spawn(serve_with(setup, crew));
    let socket = folder.join("hq.sock");
    until(|| socket.exists()).await;
    (news, stop, task)
}

async fn next(news: &mut mpsc::UnboundedReceiver<(String, Option<RunId>)>) -> (String, Option<RunId>) {
    tokio::time::timeout(SOON, news.recv()).await.expect("in time").expect("it lives")
}

fn own_work() -> Work {
    |begin, orders, around| Box::pin(jobs::work(begin, orders, around))
}

#[test]
fn whoever_stops_everything_hears_that_it_could_not_be_kept() {
    let done = || Ok(Done { said: "everything hangs up".to_owned(), run: None });
    assert_eq!(lasting(done(), None), done());
    let said = lasting(done(), Some("no space left")).unwrap().said;
    assert!(said.contains("everything hangs up; BUT") && said.contains("no space left"), "{said}");
    let refused = || Err(Refused { why: "no".to_owned(), unknown: false });
    assert_eq!(lasting(refused(), Some("no space left")), refused());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brain_that_dies_ends_its_runs_cleanly_and_the_next_one_goes_on() {
    static NEWS: Mutex<Option<News>> = Mutex::new(None);
    let folder = town();
    let make: Make = |now, loaded, durable| {
        let (keeper, first) = Keeper::new(now, loaded, durable);
        (Box::new(Frail { keeper, news: &NEWS }), first)
    };
    let (mut news, stop, task) = daemon(folder.path(), Crew { make, work: own_work() }, &NEWS).await;
    let started = tell(folder.path(), r#"{"do": "start", "plan": "town"}"#).await;
    assert!(started.starts_with("HTTP/1.1 200"), "{started}");
    let (_, run) = next(&mut news).await;
    let run = run.expect("a run");
    let path = folder.path().join("reports/town").join(run.as_str());
    until(|| judged(&journal(&path)).len() >= 3).await;
    let answer = tell(folder.path(), r#"{"do": "log", "room": "history", "level": "debug"}"#).await;
    assert!(answer.starts_with("HTTP/1.1 409") && answer.contains("an error of its own"), "{answer}");
    // The end of the run comes to the next brain, which knows nothing of it; and then that goes on with it.
    let mut heard = next(&mut news).await;
    while heard.0 != "begun" {
        heard = next(&mut news).await;
    }
    assert_eq!(heard.1.as_ref(), Some(&run));
    let ended = next(&mut news).await;
    assert!(ended.0.contains("completed: true"), "{ended:?}");
    stop.send(Word::Terminate).await.unwrap();
    tokio::time::timeout(SOON, task).await.unwrap().unwrap().unwrap();
    assert_whole(folder.path(), &run);
    // Whoever was in a session was logged out: no call of the run was cut off.
    let cut_off = journal(&path).into_iter().filter(
        |event| matches!(&event.kind, EventKind::CallEnded(call) if call.hangup != crate::model::event::Hangup::Proven),
    );
    assert_eq!(cut_off.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brain_that_dies_again_and_again_leaves_it_to_the_service_manager() {
    static NEWS: Mutex<Option<News>> = Mutex::new(None);
    let folder = town();
    let make: Make = |now, loaded, durable| {
        let (keeper, first) = Keeper::new(now, loaded, durable);
        (Box::new(Frail { keeper, news: &NEWS }), first)
    };
    let (_news, _stop, task) = daemon(folder.path(), Crew { make, work: own_work() }, &NEWS).await;
    for _ in 0..3 {
        let answer = tell(folder.path(), r#"{"do": "log", "room": "history", "level": "debug"}"#).await;
        assert!(answer.contains("an error of its own"), "{answer}");
    }
    let failure = tokio::time::timeout(SOON, task).await.unwrap().unwrap().unwrap_err();
    assert!(failure.text.contains("again and again") && failure.text.contains("nobody thought of"));
}

/// The run's task, with everything in it that is no worker: dispatcher, scheduler, scribe's end, history, reports.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_task_panics_is_gone_on_with() {
    static NEWS: Mutex<Option<News>> = Mutex::new(None);
    static TIME_TO_DIE: tokio::sync::Notify = tokio::sync::Notify::const_new();
    static HAS_DIED: AtomicBool = AtomicBool::new(false);
    let folder = town();
    let make: Make = |now, loaded, durable| {
        let (keeper, first) = Keeper::new(now, loaded, durable);
        (Box::new(Frail { keeper, news: &NEWS }), first)
    };
    let work: Work = |begin, orders, around| {
        Box::pin(async move {
            tokio::select! {
                done = jobs::work(begin, orders, around) => done,
                () = TIME_TO_DIE.notified(), if !HAS_DIED.load(Ordering::SeqCst) => {
                    HAS_DIED.store(true, Ordering::SeqCst);
                    panic!("a run that nobody thought of")
                }
            }
        })
    };
    let (mut news, stop, task) = daemon(folder.path(), Crew { make, work }, &NEWS).await;
    tell(folder.path(), r#"{"do": "start", "plan": "town"}"#).await;
    let (_, run) = next(&mut news).await;
    let run = run.expect("a run");
    let path = folder.path().join("reports/town").join(run.as_str());
    until(|| judged(&journal(&path)).len() >= 3).await;
    TIME_TO_DIE.notify_one();
    let died = next(&mut news).await;
    assert!(died.0.contains("a run that nobody thought of"), "{died:?}");
    // It would go on by itself in some seconds; whoever is there need not wait.
    let again = tell(folder.path(), r#"{"do": "start", "plan": "town"}"#).await;
    assert!(again.starts_with("HTTP/1.1 200") && again.contains(run.as_str()), "{again}");
    assert_eq!(next(&mut news).await.1.as_ref(), Some(&run));
    let ended = next(&mut news).await;
    assert!(ended.0.contains("completed: true"), "{ended:?}");
    stop.send(Word::Terminate).await.unwrap();
    tokio::time::timeout(SOON, task).await.unwrap().unwrap().unwrap();
    assert_whole(folder.path(), &run);
}
