//! A server on real sockets, with a daemon behind it that is told of by hand: for the tests of this room.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::{Rooms, Server};
use crate::config::service::{Loaded, load};
use crate::model::Event;
use crate::modem::clock::Clock;
use crate::report::{self, sample};
use crate::run::Record;
use crate::service::control::{Answer, Control, Done, Refused};
use crate::service::live::{Begun, Live, LiveRun};
use crate::service::status::Status;

/// The token of the stage.
pub(super) const TOKEN: &str = "open-sesame-0123456789";
/// The last run of the stage.
pub(super) const RUN: &str = "20261121T020000Z-nightly";
/// For anything to happen.
const SOON: Duration = Duration::from_secs(20);

pub(super) struct Stage {
    pub(super) rooms: Rooms,
    pub(super) server: Option<Server>,
    pub(super) address: SocketAddr,
    pub(super) status: watch::Sender<Arc<Status>>,
    pub(super) config: watch::Sender<Arc<Loaded>>,
    /// What the daemon was told.
    pub(super) told: Arc<Mutex<Vec<Control>>>,
    folder: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Got {
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Stage {
    /// With these lines of configuration under `http`.
    pub(super) async fn open(http: &str) -> Self {
        let folder = TempDir::new().unwrap();
        write(folder.path(), http);
        let loaded = read(folder.path());
        let (status, status_out) = watch::channel(Arc::new(a_status()));
        let (config, config_out) = watch::channel(Arc::new(loaded));
        let (control, controls) = mpsc::channel(8);
        let told = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(answer(controls, Arc::clone(&told)));
        let rooms = Rooms {
            status: status_out,
            live: Arc::new(Live::default()),
            control,
            config: config_out,
            clock: Clock::start(),
        };
        let mut server = Server::new(rooms.clone());
        let service = config.borrow().service.clone();
        server.apply(&service).await.unwrap();
        let address = server.address().unwrap();
        Self { rooms, server: Some(server), address, status, config, told, folder }
    }

    /// As it is configured most often.
    pub(super) async fn usual() -> Self {
        Self::open("token: { file: token }").await
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Other lines of configuration.
    pub(super) async fn configure(&mut self, http: &str) -> Result<(), super::HttpError> {
        write(self.folder.path(), http);
        let loaded = Arc::new(read(self.folder.path()));
        self.config.send_replace(Arc::clone(&loaded));
        let server = self.server.as_mut().unwrap();
        let applied = server.apply(&loaded.service).await;
        self.address = server.address().unwrap();
        applied
    }

    /// The night of the samples, as it was recorded.
    pub(super) fn record_a_night(&self) {
        let run = self.path("reports/nightly").join(RUN);
        std::fs::create_dir_all(&run).unwrap();
        let events = sample::night();
        let lines: Vec<String> =
            events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect();
        std::fs::write(run.join("events.jsonl"), lines.concat()).unwrap();
        report::replay(&events, &run).unwrap();
        std::os::unix::fs::symlink(RUN, self.path("reports/nightly/latest")).unwrap();
    }

    /// The same night as one that goes on: the first events of it are recorded, the others are handed back.
    pub(super) fn begin_a_night(&self, events: usize) -> (Begun, Vec<Event>) {
        let mut all = sample::night();
        let rest = all.split_off(events);
        let state = report::fold(&all).unwrap();
        let run = self.path("reports/nightly").join(RUN);
        std::fs::create_dir_all(&run).unwrap();
        let lines: Vec<String> =
            all.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect();
        std::fs::write(run.join("events.jsonl"), lines.concat()).unwrap();
        let live = LiveRun::new(
            RUN.parse().unwrap(),
            "nightly".parse().unwrap(),
            "hq".parse().unwrap(),
            &run,
            false,
            Record::of(state),
        );
        (self.rooms.live.begin(live), rest)
    }

    pub(super) async fn connect(&self) -> TcpStream {
        timeout(SOON, TcpStream::connect(self.address)).await.unwrap().unwrap()
    }

    /// What is answered to these bytes, up to the end of the connection.
    pub(super) async fn raw(&self, request: &[u8]) -> Got {
        let mut stream = self.connect().await;
        // It may be answered, and closed, before all is sent.
        let _ = stream.write_all(request).await;
        let mut bytes = Vec::new();
        let _ = timeout(SOON, stream.read_to_end(&mut bytes)).await.expect("it is answered and closed");
        got(&bytes)
    }

    /// What is answered to a request with these further headers.
    pub(super) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        for (name, value) in headers {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        if !body.is_empty() {
            let _ = write!(request, "Content-Length: {}\r\n", body.len());
        }
        self.raw(format!("{request}\r\n{body}").as_bytes()).await
    }

    /// What is told to somebody who has the token.
    pub(super) async fn get(&self, path: &str) -> Got {
        self.ask("GET", path, &[("Authorization", &format!("Bearer {TOKEN}"))], "").await
    }

    /// What is answered to a control by somebody who has the token.
    pub(super) async fn post(&self, path: &str, body: &str) -> Got {
        let bearer = format!("Bearer {TOKEN}");
        self.ask("POST", path, &[("Authorization", &bearer), ("Content-Type", "application/json")], body)
            .await
    }

    /// Reads from a stream until it has said this.
    pub(super) async fn hear(stream: &mut (impl AsyncReadExt + Unpin), heard: &mut String, what: &str) {
        while !heard.contains(what) {
            let mut bytes = [0; 4096];
            let n = timeout(SOON, stream.read(&mut bytes))
                .await
                .unwrap_or_else(|_| panic!("no {what} in {heard}"));
            let n = n.unwrap();
            assert!(n > 0, "it ended before {what}: {heard}");
            heard.push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
    }
}

fn got(bytes: &[u8]) -> Got {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        unchunked(body)
    } else {
        body.to_owned()
    };
    Got { status, head: head.to_owned(), body }
}

fn unchunked(mut body: &str) -> String {
    let mut out = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let Ok(length @ 1..) = usize::from_str_radix(length, 16) else { break };
        out.push_str(&rest[..length]);
        body = rest[length..].trim_start_matches("\r\n");
    }
    out
}

/// The daemon's loop, as far as these tests need one.
async fn answer(
    mut controls: mpsc::Receiver<(Control, oneshot::Sender<Answer>)>,
    told: Arc<Mutex<Vec<Control>>>,
) {
    while let Some((control, reply)) = controls.recv().await {
        let answer = match &control {
            Control::Start { plan, .. } if plan.as_str() != "nightly" => {
                Err(Refused { why: format!("there is no plan `{plan}`"), unknown: true })
            }
            Control::Release => Err(Refused { why: "there is no emergency stop".to_owned(), unknown: false }),
            _ => Ok(Done { said: "done".to_owned(), run: None }),
        };
        told.lock().unwrap().push(control);
        let _ = reply.send(answer);
    }
}

fn write(folder: &Path, http: &str) {
    let mut plan =
        "plan: nightly\nbank: bank.yaml\nnumbering: us\ndefaults: { console: none }\nlines:\n".to_owned();
    for n in 1..=13 {
        let line = sample::line(n);
        let hostname = line.hostname.unwrap();
        let _ = writeln!(
            plan,
            "  - {{ id: {}, site: {}, number: \"{}\", hostname: {} }}",
            line.id,
            line.site,
            line.number,
            hostname.as_str()
        );
    }
    let bank = "bank: hq\nlocation: { country: US, area_code: \"919\" }\nmodems:\n  - { id: m00, port: /dev/ttyS0, profile: courier }\n";
    let service = format!(
        "service: hq\nreports: reports\nstate: state\nsocket: run/control.sock\nhttp:\n  listen: 127.0.0.1:0\n  {}\nplans:\n  - plan: nightly.yaml\n",
        http.replace('\n', "\n  ")
    );
    std::fs::create_dir_all(folder.join("state")).unwrap();
    std::fs::write(folder.join("nightly.yaml"), plan).unwrap();
    std::fs::write(folder.join("bank.yaml"), bank).unwrap();
    std::fs::write(folder.join("lineman.yaml"), service).unwrap();
    let token = folder.join("token");
    std::fs::write(&token, TOKEN).unwrap();
    std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

fn read(folder: &Path) -> Loaded {
    load(&folder.join("lineman.yaml"), &|_| None).unwrap_or_else(|unread| panic!("{}", unread.problems))
}

fn a_status() -> Status {
    serde_json::from_str(include_str!("../../../tests/fixtures/status.json")).unwrap()
}
