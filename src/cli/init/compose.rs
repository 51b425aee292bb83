//! The text of a starter: a plan and a bank with what was answered, and comments on what comes next; tables of lines, sites
//! and consoles where there are many. Every text that came from outside is quoted as YAML or CSV wants it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::cli::modems::bank_file::modem_rows;
use crate::model::{PhoneNumber, PlanName};

use super::answers::{Answers, Ports, Source};
use super::rows::{Found, Line};

/// Most lines that stand in the plan itself: a table is easier from there on.
const INLINE_MAX: usize = 12;

/// A file that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    /// Beside the plan.
    pub(super) name: String,
    pub(super) text: String,
    /// Of a table, where each row was read from, in their order.
    pub(super) read_from: Vec<crate::config::Place>,
}

/// The line by which editors complete and check a file. `schema` is the way from the file to it.
pub(super) fn modeline(schema: &str) -> String {
    format!("# yaml-language-server: $schema={schema}\n")
}

/// The plan, and its tables. `bank` is the way from the plan to the bank's file.
pub(super) fn plan(answers: &Answers, found: &Found, bank: &str) -> Vec<File> {
    let name = &answers.name;
    let mut files = Vec::new();
    let mut text = head(answers, bank);
    if let Some((username, source)) = &answers.login {
        let _ = write!(
            text,
            "\n# Who logs in. The password is never written here: it is asked for at the start, or comes from elsewhere:\n\
             # {{ env: OOB_PASSWORD }}, {{ file: PATH }} (mode 0600), {{ command: [PROGRAM, ARGUMENT] }}, {{ systemd: NAME }}. A night\n\
             # from a timer needs one of these. `prove_on: LINE` is the line on which it is proven before any other uses it.\n\
             credentials:\n  oob: {{ username: {}, password: {} }}\n",
            scalar(username),
            password(source),
        );
    }
    let console = answers.console.as_str();
    let credential = if answers.login.is_some() { ", credential: oob" } else { "" };
    let _ = write!(
        text,
        "\n# What answers on lines that do not say: {}.\n\
         defaults: {{ console: {}{credential} }}\n{POLICY}",
        if console == "none" {
            "nothing is typed, the call ends after CONNECT"
        } else {
            "a dialog of hardware/consoles/, or `none`"
        },
        scalar(console),
    );
    if !found.sites.is_empty() {
        let table = sites(name, found);
        let _ = write!(
            text,
            "\n# Zones and coordinates of sites. `windows:` there, or here for all, says when lines may be dialed.\nsites: {}\n",
            scalar(&table.name)
        );
        files.push(table);
    }
    if !found.behind.is_empty() {
        let table = behind(name, found);
        let _ = write!(
            text,
            "\n# What stands behind lines that lead to a console server.\nconsoles: {}\n",
            scalar(&table.name)
        );
        files.push(table);
    }
    if found.lines.is_empty() {
        text.push_str(EXAMPLE_LINES);
    } else if found.lines.len() <= INLINE_MAX && found.lines.iter().all(|line| line.others.is_empty()) {
        text.push_str("\n# Many lines are better kept in a table: `lines: branches.csv`, with the same names as columns.\nlines:\n");
        for line in &found.lines {
            text.push_str(&inline(line));
        }
    } else {
        let table = lines(name, found);
        let _ = write!(
            text,
            "\n# A table with a row for each line; dialplans/README.md has all its columns.\nlines: {}\n",
            scalar(&table.name)
        );
        files.push(table);
    }
    files.insert(0, File { name: format!("{name}.yaml"), text, read_from: Vec::new() });
    files
}

fn head(answers: &Answers, bank: &str) -> String {
    let name = &answers.name;
    let reference = answers.reference.as_ref().map(PhoneNumber::as_str).map_or_else(
        || "# reference: \"+1 919 555 0100\"   # a number that always answers: what the bench is checked with\n".to_owned(),
        |number| format!("reference: \"{number}\"   # a number that always answers: what the bench is checked with\n"),
    );
    format!(
        "# Which lines are dialed, and what must answer there. Written by `lineman init`; look it through, then:\n\
         #   lineman check PLAN           all that is wrong with it, and what would be dialed; dials nothing\n\
         #   lineman modems check PLAN    whether the modems work\n\
         #   lineman audit PLAN           the night\n\
         plan: {name}\n\
         bank: {}\n\
         numbering: {}   # dialing rules of the country that the modems stand in\n{reference}",
        scalar(bank),
        answers.numbering,
    )
}

const POLICY: &str = "
policy:
  attempts: 3                                     # calls that a line gets at most
  confirm: 2                                      # failing calls that make a verdict
  retry_after: { busy: 180s, no-answer: 300s }    # the line waits, the modem does not
  # deadline: \"05:30\"                             # nothing is dialed after it

# When lines may be dialed, by the clocks of each site; without it at any time.
# zone: America/New_York
# windows: [\"mon-fri 22:00-05:00\", \"sat,sun,holiday 00:00-24:00\"]
";

const EXAMPLE_LINES: &str = "
# An example, on hold: it is never dialed, and its number is nobody's. Put your own lines here, or `lines: branches.csv`, a
# table with the same names as columns.
lines:
  - { id: BR0001-A, site: BR0001, number: \"+1 919 555 0101\", hostname: br0001-rtr1, on_hold: \"an example of `lineman init`\" }
";

fn password(source: &Source) -> String {
    match source {
        Source::Env(name) => format!("{{ env: {} }}", scalar(name)),
        Source::File(path) => format!("{{ file: {} }}", scalar(path)),
        Source::Systemd(name) => format!("{{ systemd: {} }}", scalar(name)),
        Source::Prompt => "{ prompt: true }".to_owned(),
    }
}

/// A text as YAML has it: plain where nothing of it can mean anything else.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '.')
        && text.chars().any(|c| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
        && !["y", "n", "yes", "no", "on", "off", "true", "false", "null", ".inf", ".nan"]
            .contains(&text.to_lowercase().as_str());
    // JSON's strings are YAML's.
    if is_plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

fn inline(line: &Line) -> String {
    let mut text = format!("  - {{ id: {}", scalar(line.id.as_str()));
    if let Some(site) = &line.site {
        let _ = write!(text, ", site: {}", scalar(site.as_str()));
    }
    let _ = write!(text, ", number: \"{}\"", line.number);
    if let Some(hostname) = &line.hostname {
        let _ = write!(text, ", hostname: {}", scalar(hostname.as_str()));
    }
    text.push_str(" }\n");
    text
}

/// The lines as a table, with the columns that any of them has.
fn lines(name: &PlanName, found: &Found) -> File {
    let others: BTreeSet<&str> = found.lines.iter().flat_map(|line| line.others.keys().copied()).collect();
    let mut columns = vec!["id", "site", "number", "hostname"];
    columns.extend(&others);
    let row = |line: &Line| {
        let text = |value: Option<&dyn std::fmt::Display>| value.map(ToString::to_string).unwrap_or_default();
        let mut cells = vec![
            line.id.to_string(),
            text(line.site.as_ref().map(|site| site as _)),
            line.number.to_string(),
            text(line.hostname.as_ref().map(|host| host as _)),
        ];
        cells.extend(others.iter().map(|key| line.others.get(key).cloned().unwrap_or_default()));
        cells
    };
    let read_from = found.lines.iter().map(|line| line.at.clone()).collect();
    File { name: format!("{name}.csv"), text: csv(&columns, found.lines.iter().map(row)), read_from }
}

fn sites(name: &PlanName, found: &Found) -> File {
    let rows = found.sites.iter().map(|(id, site)| {
        let (latitude, longitude) = site.coordinates.clone().unwrap_or_default();
        vec![id.to_string(), site.zone.clone().unwrap_or_default(), latitude, longitude]
    });
    let read_from = found.sites.values().map(|site| site.at.clone()).collect();
    File {
        name: format!("{name}-sites.csv"),
        text: csv(&["site", "zone", "latitude", "longitude"], rows),
        read_from,
    }
}

fn behind(name: &PlanName, found: &Found) -> File {
    let rows = found.behind.iter().map(|one| {
        let hostname = one.hostname.as_ref().map(ToString::to_string).unwrap_or_default();
        vec![one.line.to_string(), one.port.clone(), hostname, one.console.unwrap_or_default().to_owned()]
    });
    let read_from = found.behind.iter().map(|one| one.at.clone()).collect();
    File {
        name: format!("{name}-consoles.csv"),
        text: csv(&["line", "port", "hostname", "console"], rows),
        read_from,
    }
}

/// RFC 4180 but for its line ends: people edit these files.
fn csv(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let cell = |text: &str| {
        if text.contains([',', '"', '\n', '\r', ';', '\t']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    let mut text = columns.join(",");
    text.push('\n');
    for row in rows {
        text.push_str(&row.iter().map(|text| cell(text)).collect::<Vec<_>>().join(","));
        text.push('\n');
    }
    text
}

/// The bank.
pub(super) fn bank(name: &str, answers: &Answers) -> String {
    let country = &answers.country;
    let area =
        answers.area_code.as_ref().map_or_else(String::new, |code| format!(", area_code: {}", scalar(code)));
    let hint = if area.is_empty() { "; `area_code:` if numbers in it are dialed in another way" } else { "" };
    let mut text = format!(
        "# Our modems, and where they dial from. Written by `lineman init`; `lineman modems` asks ports who is there.\n\
         bank: {name}\n\
         location: {{ country: {country}{area} }}   # where these modems dial from{hint}\n\
         on_hook_min: 3s                            # less is a hook flash to the exchange\n\
         # trunks: {{ pstn: {{ max_calls: 2 }} }}       # outside lines that modems share; each names it: `trunk: pstn`\n\
         modems:\n"
    );
    let prefix =
        answers.prefix.as_ref().map_or_else(String::new, |prefix| format!(", prefix: {}", scalar(prefix)));
    match &answers.ports {
        Ports::Asked(asked) => text.push_str(&modem_rows(asked, &prefix)),
        Ports::Named(ports) => {
            for (number, port) in ports.iter().enumerate() {
                let port = scalar(port);
                let _ = writeln!(
                    text,
                    "  - {{ id: m{number:02}, port: {port}, profile: auto{prefix} }}   # auto: the modem is asked who it is"
                );
            }
        }
        Ports::Unknown => {
            let _ = write!(
                text,
                "  # An example: no modem was named. `lineman modems` shows what there is; /dev/serial/by-path/... names stay the\n  \
                 # same after a reboot, and `rfc2217://host:port` is a port of a server.\n  \
                 - {{ id: m00, port: /dev/ttyUSB0, profile: auto{prefix} }}\n"
            );
        }
    }
    let asked = "# Each may have `number: \"+1 919 555 0199\"`, its own: with it `lineman modems check` lets them call each other.\n";
    text.push_str(asked);
    if answers.prefix.is_none() {
        text.push_str("# And `prefix: \"9,\"`: what it dials for an outside line.\n");
    }
    text
}
