//! A run for Zabbix: what there is (low-level discovery), and what was found of it (a file for `zabbix_sender -T`).
//!
//! Keys hold the name of a line or modem and no more, so each plan needs a Zabbix host of its own. What is not known is not
//! sent. Lines that were left out by choice keep the values that they have. `reports/monitoring/zabbix.md` is the user's
//! page, and the template beside it has an item for each of these keys.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::finding::Finding;
use super::nagios::Status;
use super::prometheus::{Detail, NO_REASON, phases};
use super::{Health, RunState, cell, exit_code};
use crate::model::{Fault, PhaseTimes, Verdict};

/// What can be discovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discovery {
    /// The lines of the plan.
    Lines,
    /// The modems of the bank.
    Modems,
}

impl Discovery {
    /// The key that takes the list.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Lines => "lineman.lines.discovery",
            Self::Modems => "lineman.modems.discovery",
        }
    }
}

#[derive(Serialize)]
struct LineMacros<'a> {
    #[serde(rename = "{#LINE}")]
    line: &'a str,
    #[serde(rename = "{#SITE}")]
    site: &'a str,
    #[serde(rename = "{#PLAN}")]
    plan: &'a str,
    #[serde(rename = "{#HOSTNAME}")]
    hostname: &'a str,
}

#[derive(Serialize)]
struct ModemMacros<'a> {
    #[serde(rename = "{#MODEM}")]
    modem: &'a str,
    #[serde(rename = "{#BANK}")]
    bank: &'a str,
    #[serde(rename = "{#PROFILE}")]
    profile: String,
}

/// The lines or modems of a run as JSON, for low-level discovery.
///
/// # Errors
/// It has no JSON form: a defect.
pub fn discovery(state: &RunState, what: Discovery) -> serde_json::Result<String> {
    let header = state.header();
    match what {
        Discovery::Lines => {
            let lines = state.lines().map(|(line, _)| LineMacros {
                line: line.id.as_str(),
                site: line.site.as_str(),
                plan: header.plan.as_str(),
                hostname: line.hostname.as_ref().map_or("", |name| name.as_str()),
            });
            serde_json::to_string(&lines.collect::<Vec<_>>())
        }
        Discovery::Modems => {
            let modems = state.modems().iter().map(|modem| ModemMacros {
                modem: modem.header.id.as_str(),
                bank: header.bank.as_str(),
                profile: cell::one_line(&modem.header.profile),
            });
            serde_json::to_string(&modems.collect::<Vec<_>>())
        }
    }
}

/// The file for `zabbix_sender -T -i`.
struct Sender<'a> {
    host: &'a str,
    out: String,
}

impl Sender<'_> {
    fn send(&mut self, key: &str, at: Timestamp, value: &str) {
        let (host, key, value) = (quoted(self.host), quoted(key), quoted(value));
        let _ = writeln!(self.out, "{host} {key} {} {value}", at.as_second());
    }
}

/// A field: in quotes, with a backslash before quotes and backslashes, as `zabbix_sender` reads them.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in cell::one_line(text).chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// What the sender sends.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The Zabbix host; `-` leaves it to `zabbix_sender`.
    pub host: String,
    /// How much is told of each line.
    pub detail: Detail,
    /// Lines too that were left out by choice.
    pub all: bool,
}

/// The run's discovery and values, a line each: host, key, time, value.
///
/// # Errors
/// The discovery has no JSON form: a defect.
pub fn sender(state: &RunState, asked: &Asked) -> serde_json::Result<String> {
    let mut file = Sender { host: &asked.host, out: String::new() };
    let at = state.ended().map_or(state.started(), |(_, at)| at);
    for what in [Discovery::Lines, Discovery::Modems] {
        file.send(what.key(), state.started(), &discovery(state, what)?);
    }
    // In the order of time, as triggers ask for it.
    let mut findings: Vec<_> = Finding::all(state).filter(|each| asked.all || !each.is_left_out()).collect();
    findings.sort_by_key(|finding| finding.judged);
    for finding in findings {
        line(&mut file, &finding, asked.detail);
    }
    for modem in state.modems() {
        let id = modem.header.id.as_str();
        let health = match modem.health() {
            Health::Good => "0",
            Health::Troubled => "1",
            Health::Bad => "2",
            Health::Unused => "3",
        };
        file.send(&format!("lineman.modem.health[{id}]"), at, health);
        file.send(&format!("lineman.modem.calls[{id}]"), at, &modem.calls.to_string());
        file.send(&format!("lineman.modem.bench_faults[{id}]"), at, &modem.bench_faults.to_string());
    }
    for result in Verdict::ALL {
        let count = state.counts().of(result).to_string();
        file.send(&format!("lineman.run.lines[{}]", result.word()), at, &count);
    }
    file.send("lineman.run.id", at, state.header().run.as_str());
    file.send("lineman.run.started", at, &state.started().as_second().to_string());
    // Last: whoever waits for it finds all else there.
    if let Some((_, ended)) = state.ended() {
        file.send("lineman.run.exit_code", at, &exit_code(state).to_string());
        file.send("lineman.run.finished", at, &ended.as_second().to_string());
    }
    Ok(file.out)
}

fn line(file: &mut Sender<'_>, finding: &Finding<'_>, detail: Detail) {
    let (id, at, fault) = (finding.line.id.as_str(), finding.judged, finding.verdict.fault);
    let mut send = |what: &str, value: &str| file.send(&format!("lineman.line.{what}[{id}]"), at, value);
    send("result", &Status::of(finding.result()).code().to_string());
    send("reason", fault.map_or(NO_REASON, Fault::code));
    let words: Vec<&str> = [finding.verdict.detail.as_str(), fault.map_or("", Fault::advice)]
        .into_iter()
        .filter(|words| !words.is_empty())
        .collect();
    send("detail", &words.join("; "));
    send("attempts", &finding.verdict.attempts.to_string());
    if let Some(last) = finding.tested() {
        send("tested", &last.at.as_second().to_string());
    }
    let Some(call) = finding.known.deciding().filter(|_| detail == Detail::Phases) else { return };
    let times = PhaseTimes::of(&call.timeline);
    let seconds = |ms: u64| format!("{}.{:03}", ms / 1000, ms % 1000);
    if let Some(ms) = times.total_ms {
        send("total", &seconds(ms));
    }
    if let Some(ms) = times.dialed_to_connect_ms {
        send("connect", &seconds(ms));
    }
    if let Some(bps) = call.link.rx_bps {
        send("rx_bps", &bps.to_string());
    }
    for (name, ms) in phases(&times) {
        if let Some(ms) = ms {
            file.send(&format!("lineman.line.phase[{id},{name}]"), at, &seconds(ms));
        }
    }
}

#[cfg(test)]
mod tests;
