//! The rules themselves: which room may use which, what a pure core may not name, who prints, where `unsafe` stands, and
//! what every file owes. A rule is a function from one file to the sentences that say where it is broken.

use crate::source::{self, PathUse, Token};

/// The longest a source file may get before it must be cut.
const LINES_MAX: usize = 800;

/// Who may use whom: a room, and the rooms that it may name. `a::b` allows only that module of the room `a`.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("modem", &["model"]),
    ("console", &["model"]),
    ("call", &["model", "modem", "console"]),
    ("fleet", &["model", "modem", "console", "call"]),
    ("journal", &["model"]),
    ("report", &["model"]),
    ("history", &["model"]),
    ("notify", &["model", "report", "modem::clock"]),
    (
        "config",
        &["model", "modem", "console", "call", "fleet", "journal", "report", "history", "notify", "sim"],
    ),
    ("sim", &["model", "modem::port", "modem::profile", "modem::clock"]),
    (
        "run",
        &[
            "model", "modem", "console", "call", "fleet", "journal", "report", "history", "notify", "config",
            "sim",
        ],
    ),
    (
        "service",
        &[
            "model", "modem", "console", "call", "fleet", "journal", "report", "history", "notify", "config",
            "run",
        ],
    ),
    (
        "cli",
        &[
            "model", "modem", "console", "call", "fleet", "journal", "report", "history", "notify", "config",
            "sim", "run", "service",
        ],
    ),
];

/// The pure cores, by file or folder under `src`. A name that ends with `/` is a folder; any other is a file without its
/// `.rs`, or the folder of that name.
pub(crate) const CORES: &[&str] = &[
    "model/",
    "modem/codec",
    "modem/result_code",
    "modem/connect",
    "modem/machine",
    "modem/setup",
    "modem/hangup",
    "modem/dialtone",
    "modem/answer",
    "modem/identify",
    "modem/profile",
    "modem/diagnostics/",
    "modem/port/remote/client",
    "modem/port/remote/com_port",
    "modem/port/remote/options",
    "modem/port/remote/telnet",
    "console/",
    "config/hours/mod",
    "config/hours/days",
    "config/hours/spells",
    "config/hours/week",
    "call/machine",
    "call/dialing",
    "call/evidence",
    "call/limits",
    "call/live",
    "call/quality",
    "call/spec",
    "cli/terminal/escape",
    "fleet/budget",
    "report/call/",
    "report/exposition",
    "report/charts/",
    "report/finding",
    "report/nagios",
    "report/night",
    "report/prometheus",
    "report/zabbix",
    "service/progress",
    "history/drift",
    "history/statistics",
    "config/plan/standing",
    "report/html/digest",
    "report/html/findings",
    "report/html/head",
    "report/html/lines",
    "report/html/modems",
    "report/html/section",
    "report/html/words",
    "fleet/scheduler",
    "fleet/policy",
    "fleet/health",
    "fleet/pileup",
    "fleet/redial",
    "fleet/guard",
    "fleet/forecast",
    "notify/digest",
    "notify/letter",
    "notify/occasion",
    "notify/options",
    "notify/payload",
    "notify/secret",
    "service/control",
    "service/http/bucket",
    "service/http/seats",
    "service/metrics",
    "service/control",
    "service/keeper/",
    "service/status",
    "config/service/difference",
    "config/service/schedule",
];

/// What a pure core never names, as the beginning of a path.
const IMPURE_PATHS: &[&str] = &[
    "tokio",
    "tokio_serial",
    "tokio_util",
    "serialport",
    "nix",
    "fastrand",
    "tempfile",
    "tracing",
    "std::env",
    "std::fs",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
];

/// What a pure core never names, wherever it stands in a path.
const IMPURE_NAMES: &[&str] =
    &["async", "await", "SystemTime", "thread_local", "AtomicBool", "AtomicU64", "Mutex", "RwLock"];

/// Types whose `now()` reads a clock.
const CLOCKS: &[&str] = &["Instant", "SystemTime", "Timestamp", "Zoned"];

/// The files that may read a clock: the program's own, and the exchange's log, which is held against it.
const CLOCK_READERS: &[&str] = &["modem/clock.rs"];

/// The one file that may say `unsafe`.
const UNSAFE_FILE: &str = "modem/port/signals.rs";

/// A file of `src`, read.
pub(crate) struct SourceFile {
    /// Its path under `src`, with `/`.
    pub(crate) path: String,
    text: String,
    tokens: Vec<Token>,
    paths: Vec<PathUse>,
}

impl SourceFile {
    /// Reads `text` as the file `path` (under `src`).
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let tokens = source::tokens(text);
        let paths = source::paths(&tokens);
        Self { path: path.to_owned(), text: text.to_owned(), tokens, paths }
    }

    /// The room that it belongs to; `main.rs` belongs to `cli`, `lib.rs` to none.
    fn room(&self) -> Option<&str> {
        match self.path.split_once('/') {
            Some((room, _)) => Some(room),
            None if self.path == "main.rs" => Some("cli"),
            None => None,
        }
    }

    /// How many modules deep it stands: 1 for `model/mod.rs`, 2 for `model/line.rs`.
    fn depth(&self) -> usize {
        let parts = self.path.split('/').count();
        if self.path.ends_with("/mod.rs") { parts - 1 } else { parts }
    }

    pub(crate) fn is_core(&self) -> bool {
        CORES.iter().any(|core| is_in(&self.path, core))
    }

    fn at(&self, line: usize, what: &str) -> String {
        format!("src/{}:{line}: {what}", self.path)
    }
}

/// Whether the file `path` is, or is part of, the core `core`.
pub(crate) fn is_in(path: &str, core: &str) -> bool {
    path.strip_prefix(core).is_some_and(|rest| core.ends_with('/') || rest == ".rs" || rest.starts_with('/'))
}

/// All rules over one file.
pub(crate) fn broken(file: &SourceFile) -> Vec<String> {
    let rules = [arrows, purity, clocks, printing, unsafety, opening, length];
    rules.iter().flat_map(|rule| rule(file)).collect()
}

/// The path from the crate's root, if this one leads there.
fn from_root<'a>(file: &SourceFile, path: &'a PathUse) -> Option<&'a [String]> {
    let segments = &path.segments;
    match segments.first()?.as_str() {
        "crate" | "lineman" => Some(&segments[1..]),
        "super" => {
            let up = segments.iter().take_while(|s| *s == "super").count();
            (up >= file.depth()).then(|| &segments[up..])
        }
        _ => None,
    }
}

fn arrows(file: &SourceFile) -> Vec<String> {
    let Some(room) = file.room() else { return Vec::new() };
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
        return vec![file.at(1, &format!("`{room}` is no room that the arrows know"))];
    };
    let may_name = |rest: &[String]| match rest {
        [] => true,
        [used, ..] if used == room => true,
        [used, ..] if !ARROWS.iter().any(|(name, _)| name == used) => used != "*",
        [used, inner @ ..] => allowed.iter().any(|allowed| match allowed.split_once("::") {
            None => allowed == used,
            Some((outer, module)) => outer == used && inner.first().is_some_and(|first| first == module),
        }),
    };
    file.paths
        .iter()
        .filter_map(|path| from_root(file, path).map(|rest| (path, rest)))
        .filter(|(_, rest)| !may_name(rest))
        .map(|(path, _)| file.at(path.line, &format!("`{room}` may not use `{}`", path.segments.join("::"))))
        .collect()
}

fn purity(file: &SourceFile) -> Vec<String> {
    if !file.is_core() {
        return Vec::new();
    }
    let begins = |path: &PathUse, forbidden: &str| {
        forbidden
            .split("::")
            .enumerate()
            .all(|(at, segment)| path.segments.get(at).is_some_and(|s| s == segment))
    };
    let named = file.paths.iter().filter_map(|path| {
        let impure = IMPURE_PATHS.iter().any(|forbidden| begins(path, forbidden))
            || path.segments.iter().any(|s| IMPURE_NAMES.contains(&s.as_str()))
            || reads_clock(path);
        impure
            .then(|| file.at(path.line, &format!("a pure core may not name `{}`", path.segments.join("::"))))
    });
    let global = file
        .tokens
        .windows(2)
        .filter(|pair| pair[0].text == "static" && pair[1].text == "mut")
        .map(|pair| file.at(pair[0].line, "a pure core may not have a `static mut`"));
    named.chain(global).collect()
}

fn reads_clock(path: &PathUse) -> bool {
    matches!(&path.segments[..], [.., clock, now] if now == "now" && CLOCKS.contains(&clock.as_str()))
}

fn clocks(file: &SourceFile) -> Vec<String> {
    if CLOCK_READERS.contains(&file.path.as_str()) {
        return Vec::new();
    }
    file.paths
        .iter()
        .filter(|path| reads_clock(path))
        .map(|path| {
            file.at(path.line, &format!("`{}`: only modem/clock.rs reads clocks", path.segments.join("::")))
        })
        .collect()
}

fn printing(file: &SourceFile) -> Vec<String> {
    if file.room() == Some("cli") {
        return Vec::new();
    }
    let printed = file
        .tokens
        .windows(2)
        .filter(|pair| matches!(pair[0].text.as_str(), "print" | "println" | "eprint" | "eprintln" | "dbg"))
        .filter(|pair| pair[1].text == "!")
        .map(|pair| file.at(pair[0].line, &format!("only cli prints: `{}!`", pair[0].text)));
    let reached = file
        .paths
        .iter()
        .filter(|path| match &path.segments[..] {
            [.., module, name] => {
                (module == "process" && (name == "exit" || name == "abort"))
                    || (module == "io" && (name == "stdout" || name == "stderr"))
            }
            _ => false,
        })
        .map(|path| file.at(path.line, &format!("only cli prints or exits: `{}`", path.segments.join("::"))));
    printed.chain(reached).collect()
}

fn unsafety(file: &SourceFile) -> Vec<String> {
    if file.path == UNSAFE_FILE {
        return Vec::new();
    }
    let said = file.tokens.iter().filter(|token| token.text == "unsafe");
    said.map(|token| file.at(token.line, &format!("`unsafe` stands in src/{UNSAFE_FILE} alone"))).collect()
}

fn opening(file: &SourceFile) -> Vec<String> {
    opens_with_its_subject(&file.text)
        .then(Vec::new)
        .unwrap_or_else(|| vec![file.at(1, "must open with `//!`")])
}

/// Whether a file begins by saying what it is.
pub(crate) fn opens_with_its_subject(text: &str) -> bool {
    text.strip_prefix("//!").is_some_and(|rest| !rest.lines().next().unwrap_or_default().trim().is_empty())
}

fn length(file: &SourceFile) -> Vec<String> {
    let lines = file.text.lines().count();
    if lines <= LINES_MAX {
        return Vec::new();
    }
    vec![file.at(LINES_MAX, &format!("{lines} lines, more than {LINES_MAX}: cut it"))]
}
