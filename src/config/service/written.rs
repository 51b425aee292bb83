//! The daemon's file as it is written, and what it comes to once all of it is right.

mod plans;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use self::plans::{Plans, check_apart};
use super::{Access, CONNECTIONS_MAX, Http, LISTEN, LeadershipPlan, LoadedPlan, LogPlan, Service, TlsFiles};
use crate::config::bank::missing;
use crate::config::credentials::{CredentialSource, PasswordFile, PlannedCredential};
use crate::config::plan::Plan;
use crate::config::problem::{Problems, list, quoted, suggestion};
use crate::config::source::{self, beside, shown};
use crate::config::yaml::{self, Doc};
use crate::model::{Level, PlanName, Role};

/// Reads the environment.
type Env<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// `lineman.yaml`
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ServiceFile {
    service: Option<String>,
    enabled: Option<bool>,
    reports: Option<String>,
    state: Option<String>,
    socket: Option<String>,
    http: Option<HttpWritten>,
    leadership: Option<LeadershipWritten>,
    log: Option<LogWritten>,
    plans: Option<Vec<Option<EntryFile>>>,
}

/// `http:`
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HttpFile {
    listen: Option<String>,
    tls: Option<TlsFile>,
    plaintext: bool,
    token: Option<PasswordFile>,
    reading: Option<String>,
    max_connections: Option<usize>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TlsFile {
    certificate: Option<String>,
    key: Option<String>,
}

/// `leadership:` as a mapping.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LeadershipFile {
    lock: Option<String>,
    told: Option<ToldFile>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ToldFile {
    initial: Option<String>,
}

/// `plans[n]:`
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EntryFile {
    plan: Option<String>,
    schedule: Option<Texts>,
    zone: Option<String>,
    missed: Option<String>,
    window: Option<String>,
    when: Option<String>,
    enabled: Option<bool>,
    during_pause: bool,
    reports: Option<String>,
}

/// One text, or a list of them.
#[derive(Debug, Default)]
struct Texts {
    items: Vec<Option<String>>,
    listed: bool,
}

/// A word, or a mapping.
#[derive(Debug)]
enum WordOr<T> {
    Word(String),
    Mapping(T),
}

type HttpWritten = WordOr<HttpFile>;
type LeadershipWritten = WordOr<LeadershipFile>;
type LogWritten = WordOr<BTreeMap<String, Option<String>>>;

impl<'de, T: Deserialize<'de>> Deserialize<'de> for WordOr<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Either<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = WordOr<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a word, or a mapping (`key: value`)")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<WordOr<T>, E> {
                Ok(WordOr::Word(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WordOr<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(WordOr::Mapping)
            }
        }

        d.deserialize_any(Either(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Items;

        impl<'de> Visitor<'de> for Items {
            type Value = Texts;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text in quotes, or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts { items: vec![Some(text.to_owned())], listed: false })
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, seq: A) -> Result<Texts, A::Error> {
                let items = Vec::deserialize(de::value::SeqAccessDeserializer::new(seq))?;
                Ok(Texts { items, listed: true })
            }
        }

        d.deserialize_any(Items)
    }
}

/// What a file comes to.
pub(super) type Read = (Service, Vec<LoadedPlan>, Vec<String>);

/// Reads the file, and the plans that it names by `load_plan`.
///
/// # Errors
/// All that is wrong with any of it.
pub(super) fn read(
    path: &Path,
    env: Env<'_>,
    load_plan: &dyn Fn(&Path) -> Result<Plan, Problems>,
) -> Result<Read, Problems> {
    let yaml::Decoded { value, doc } = yaml::read::<ServiceFile>(path);
    let Some(file) = value else { return Err(doc.into_problems().in_order()) };
    let name = name(file.service.as_deref(), &doc);
    let folder = |key: &str, text: Option<&str>| folder(key, text, path, &doc);
    let reports = folder("reports", file.reports.as_deref());
    if reports.is_none() && file.reports.is_none() {
        missing(&doc, "reports", "names no folder for the runs; write `reports: /var/lib/lineman/reports`");
    }
    let state = match &file.state {
        Some(text) => folder("state", Some(text)),
        None => default_state(env).or_else(|| {
            missing(&doc, "state", "names no folder, and neither $STATE_DIRECTORY nor $HOME is set; write `state: /var/lib/lineman/state`");
            None
        }),
    };
    let socket = match file.socket.as_deref() {
        Some("none") => None,
        Some(text) => folder("socket", Some(text)),
        None => in_env(env, "RUNTIME_DIRECTORY").or_else(|| state.clone()).map(|folder| folder.join(SOCKET)),
    };
    let http = match file.http {
        None => HttpFile::default().check(path, &doc),
        Some(WordOr::Mapping(http)) => http.check(path, &doc),
        Some(WordOr::Word(word)) if word == "none" => None,
        Some(WordOr::Word(word)) => {
            doc.problem(
                "http",
                format!("is {}; write `none`, or a mapping as `{{ listen: \"{LISTEN}\" }}`", quoted(&word)),
            );
            None
        }
    };
    let leadership = leadership(file.leadership, path, &doc);
    let log = log(file.log, &doc);
    if file.plans.as_ref().is_none_or(Vec::is_empty) && !doc.is_pruned("plans") && !doc.is_pruned("plans[0]")
    {
        missing(
            &doc,
            "plans",
            "the daemon has no plans; list them, as `plans: [{ plan: dialplans/nightly.yaml, schedule: \"0 2 * * *\" }]`",
        );
    }
    let mut plans = Plans {
        path,
        doc: &doc,
        reports: reports.as_deref(),
        load_plan,
        loaded: Vec::new(),
        problems: Vec::new(),
        warnings: Vec::new(),
    };
    for (at, entry) in file.plans.into_iter().flatten().enumerate() {
        let key = format!("plans[{at}]");
        match entry {
            Some(entry) => plans.entry(&key, &entry),
            None if doc.is_pruned(&key) => {}
            None => doc.problem(&key, "is empty; write `{ plan: PATH, schedule: \"0 2 * * *\" }`"),
        }
    }
    let Plans { loaded, problems: theirs, warnings, .. } = plans;
    check_apart(&loaded, &doc);
    let mut problems = doc.into_problems();
    problems.0.extend(theirs);
    let service = name.zip(reports).zip(state).map(|((name, reports), state)| Service {
        name,
        path: path.to_owned(),
        enabled: file.enabled.unwrap_or(true),
        reports,
        state,
        socket,
        http,
        leadership,
        log,
    });
    let loaded = loaded.into_iter().map(|(_, plan)| plan).collect();
    problems.in_order().or_value(service.map(|service| (service, loaded, warnings)))
}

/// The control socket's name in its folder.
pub(super) const SOCKET: &str = "control.sock";

/// A name that can be one of a file.
fn name(text: Option<&str>, doc: &Doc) -> Option<String> {
    let Some(text) = text else {
        missing(doc, "service", "the daemon has no name; write `service: NAME`");
        return None;
    };
    // What a plan may be called a daemon may be called.
    match text.parse::<PlanName>() {
        Ok(name) => Some(name.to_string()),
        Err(error) => {
            doc.problem("service", error.to_string());
            None
        }
    }
}

/// A path that is written, from the folder of the file.
fn folder(key: &str, text: Option<&str>, path: &Path, doc: &Doc) -> Option<PathBuf> {
    let text = text?.trim();
    if text.is_empty() || text.starts_with('~') {
        doc.problem(key, format!("is {}; write a path, whole and without `~`", quoted(text)));
        return None;
    }
    Some(absolute(&beside(path, text)))
}

/// The daemon may be asked from another folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A folder that the environment names; of several, as systemd gives them, the first.
fn in_env(env: Env<'_>, name: &str) -> Option<PathBuf> {
    let value = env(name)?;
    let first = value.to_string_lossy().split(':').next().map(PathBuf::from)?;
    (!first.as_os_str().is_empty()).then_some(first)
}

pub(super) fn default_state(env: Env<'_>) -> Option<PathBuf> {
    in_env(env, "STATE_DIRECTORY")
        .or_else(|| Some(in_env(env, "XDG_STATE_HOME")?.join("lineman")))
        .or_else(|| Some(in_env(env, "HOME")?.join(".local/state/lineman")))
}

impl HttpFile {
    fn check(self, path: &Path, doc: &Doc) -> Option<Http> {
        let text = self.listen.as_deref().unwrap_or(LISTEN);
        let listen = text.parse::<SocketAddr>().ok();
        if listen.is_none() {
            let what = format!("is {}; write address and port, as `{LISTEN}` or `[::1]:9467`", quoted(text));
            doc.problem("http.listen", what);
        }
        let tls = self.tls.as_ref().and_then(|tls| {
            let file = |name: &str, text: Option<&str>| {
                let key = format!("http.tls.{name}");
                if text.is_none() {
                    missing(doc, &key, "is missing; TLS wants `{ certificate: x.pem, key: x.key }`");
                }
                let file = folder(&key, text, path, doc)?;
                source::note(&file);
                if let Err(error) = std::fs::File::open(&file) {
                    doc.problem(&key, format!("`{}` can't be read: {error}", shown(&file)));
                }
                Some(file)
            };
            let (certificate, key) =
                (file("certificate", tls.certificate.as_deref()), file("key", tls.key.as_deref()));
            Some(TlsFiles { certificate: certificate?, key: key? })
        });
        if let Some(listen) = listen
            && !listen.ip().is_loopback()
            && self.tls.is_none()
            && !self.plaintext
            && !doc.is_pruned("http.tls")
        {
            doc.problem(
                "http.listen",
                format!(
                    "{listen} can be reached from other hosts, and without TLS they could read along, the token too; write `tls: {{ certificate: x.pem, key: x.key }}`, or `plaintext: true` if something else (a proxy, a VPN) sees to it"
                ),
            );
        }
        let token = self.token.and_then(|token| {
            let source = token.check("http.token", path, doc)?;
            if source == CredentialSource::Prompt {
                doc.problem("http.token", "asks for it at a terminal, which a daemon has not; name a file, a variable, a command, or systemd's");
                return None;
            }
            if let CredentialSource::File(file) = &source {
                source::note(file);
            }
            Some(PlannedCredential { username: String::new(), source, prove_on: None, at: doc.place("http.token") })
        });
        let reading = match self.reading.as_deref() {
            None | Some("token") => Access::Token,
            Some("open") => Access::Open,
            Some(other) => {
                doc.problem("http.reading", format!("is {}; write `token` or `open`", quoted(other)));
                Access::Token
            }
        };
        let max_connections = self.max_connections.unwrap_or(CONNECTIONS_MAX);
        if max_connections == 0 {
            doc.problem(
                "http.max_connections",
                "is 0; then nobody could connect. Write `http: none` for no server",
            );
        }
        Some(Http { listen: listen?, tls, token, reading, max_connections })
    }
}

fn leadership(written: Option<LeadershipWritten>, path: &Path, doc: &Doc) -> LeadershipPlan {
    const RIGHT: &str = "write `always`, `{ lock: PATH }` or `{ told: { initial: secondary } }`";
    let file = match written {
        None => return LeadershipPlan::Always,
        Some(WordOr::Word(word)) => {
            match word.as_str() {
                "always" => return LeadershipPlan::Always,
                "told" => return LeadershipPlan::Told(Role::None),
                _ => doc.problem("leadership", format!("is {}; {RIGHT}", quoted(&word))),
            }
            return LeadershipPlan::Always;
        }
        Some(WordOr::Mapping(file)) => file,
    };
    match (file.lock, file.told) {
        (Some(lock), None) => {
            let lock = folder("leadership.lock", Some(&lock), path, doc);
            lock.map_or(LeadershipPlan::Always, LeadershipPlan::Lock)
        }
        (None, Some(told)) => {
            let initial = told.initial.as_deref().unwrap_or(Role::None.word());
            let roles = [Role::Primary, Role::Secondary, Role::None];
            let role = roles.into_iter().find(|role| role.word() == initial);
            if role.is_none() {
                let what = format!("is {}; write one of {}", quoted(initial), list(roles.map(Role::word)));
                doc.problem("leadership.told.initial", what);
            }
            LeadershipPlan::Told(role.unwrap_or(Role::None))
        }
        (Some(_), Some(_)) => {
            doc.problem("leadership", format!("says two ways; {RIGHT}"));
            LeadershipPlan::Always
        }
        (None, None) => {
            if !doc.lost_a_part("leadership") {
                doc.problem("leadership", format!("says nothing; {RIGHT}"));
            }
            LeadershipPlan::Always
        }
    }
}

/// The rooms of the program: what a level can be set for.
pub const ROOMS: [&str; 14] = [
    "model", "modem", "console", "call", "fleet", "journal", "report", "history", "notify", "config", "run",
    "service", "sim", "cli",
];

fn log(written: Option<LogWritten>, doc: &Doc) -> LogPlan {
    let level = |key: &str, text: &str| {
        let level = Level::ALL.into_iter().find(|level| level.word() == text);
        if level.is_none() {
            let near = suggestion(text, Level::ALL.map(Level::word));
            let what =
                format!("is {}{near}; write one of {}", quoted(text), list(Level::ALL.map(Level::word)));
            doc.problem(key, what);
        }
        level
    };
    let mut plan = LogPlan { default: Level::Info, rooms: BTreeMap::new() };
    match written {
        None => {}
        Some(WordOr::Word(word)) => plan.default = level("log", &word).unwrap_or(plan.default),
        Some(WordOr::Mapping(rooms)) => {
            for (room, text) in rooms {
                let key = format!("log.{room}");
                let Some(text) = text else {
                    missing(doc, &key, "is empty; write a level, as `info`");
                    continue;
                };
                let Some(level) = level(&key, &text) else { continue };
                if room == "default" {
                    plan.default = level;
                } else if ROOMS.contains(&room.as_str()) {
                    plan.rooms.insert(room, level);
                } else {
                    let near = suggestion(&room, ROOMS);
                    doc.problem(
                        &key,
                        format!("is no room of lineman{near}; there are {}, and `default`", list(ROOMS)),
                    );
                }
            }
        }
    }
    plan
}
