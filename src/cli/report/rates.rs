//! `lineman report rates`: how often it fails, by whom or what, and which of our modems is worse than its brothers.

use serde::Serialize;

use crate::history::rates::{By, CALLS_MIN, CHANCE_MAX, Comparison, Rate, Rates};
use crate::history::statistics::Share;
use crate::report::SCHEMA;
use crate::report::page::{Page, Paint};

use super::super::args::{self, Format};
use super::super::{Failure, say, screen};
use super::trend;
use crate::run::history::trouble;

/// A modem is worse than its brothers.
const ONE_IS_WORSE: u8 = 1;
/// Rows that people are shown; programs get all.
const ROWS_MAX: usize = 30;

/// Runs it.
pub(super) fn run(args: &args::Rates) -> Result<u8, Failure> {
    let store = super::store(&args.asked)?;
    let plan = args.asked.plan.as_ref().map(crate::model::PlanName::as_str);
    let since = trend::since(args.since);
    let found = store.rates(args.by, since, plan).map_err(|error| Failure::wrong(trouble(&error)))?;
    say(&match args.asked.format {
        Format::Text => text(since, &found),
        Format::Json => super::json(&Answer::of(since, &found))?,
        Format::Csv => super::csv(&COLUMNS, rows(&found))?,
    });
    Ok(if found.comparisons.iter().any(Comparison::is_worse) { ONE_IS_WORSE } else { 0 })
}

fn text(since: jiff::Timestamp, found: &Rates) -> String {
    let mut page = Page::new(screen::style());
    let runs = if found.runs == 1 { "1 run".to_owned() } else { format!("{} runs", found.runs) };
    page.wrapped(0, &format!("Failures by {} in {runs} since {}", found.by.word(), since.strftime("%F")));
    let mut banks: Vec<&str> = found.rates.iter().filter_map(|rate| rate.bank.as_deref()).collect();
    banks.sort_unstable();
    banks.dedup();
    let banks = banks.len();
    if found.by == By::Modem {
        brothers(&mut page, &found.comparisons, banks > 1);
    }
    if found.rates.is_empty() {
        page.line("  nothing was tested in them");
        return page.finish();
    }
    page.line("");
    let shown = &found.rates[..found.rates.len().min(ROWS_MAX)];
    let width =
        shown.iter().map(|rate| name(found.by, rate, banks > 1).chars().count()).max().unwrap_or(0).max(8);
    let unit = if found.by.counts_calls() { "calls" } else { "verdicts" };
    let bench = if found.by.counts_calls() { "  our bench" } else { "" };
    // Of a cause, what it was found in: a pass that was degraded too.
    let hits = if found.by == By::Cause { "found" } else { "failed" };
    page.painted(
        &format!(
            "  {:<width$} {:>9} {:>9}{bench} {:>7}  {:<15} {:>7}",
            found.by.word(),
            unit,
            hits,
            "rate",
            "95 % interval",
            "lines"
        ),
        Some(Paint::Bold),
    );
    for rate in shown {
        let Share { share, low, high } = rate.share;
        let bench =
            if found.by.counts_calls() { format!("{:>11}", rate.bench_faults) } else { String::new() };
        page.line(&format!(
            "  {:<width$} {:>9} {:>9}{bench} {:>7}  {:<15} {:>7}",
            name(found.by, rate, banks > 1),
            rate.tried,
            rate.failed,
            percent(share),
            format!("{} - {}", percent(low), percent(high)),
            rate.lines
        ));
    }
    if found.rates.len() > shown.len() {
        page.line(&format!("  and {} more: `--format csv` has all", found.rates.len() - shown.len()));
    }
    page.finish()
}

/// The name for people; where modems of several banks stand in one table, with the bank.
fn name(by: By, rate: &Rate, with_bank: bool) -> String {
    let name = match (by, rate.name.as_str()) {
        (By::Trunk, "") => "(no trunk)",
        (By::Carrier, "") => "(none)",
        (By::Country, "") => "(unknown)",
        (_, name) => name,
    };
    on_bank(name, rate.bank.as_deref().filter(|_| with_bank))
}

fn on_bank(name: &str, bank: Option<&str>) -> String {
    bank.map_or_else(|| name.to_owned(), |bank| format!("{name} on {bank}"))
}

/// Which modem is worse than its brothers, and the numbers that say that it isn't chance.
fn brothers(page: &mut Page, comparisons: &[Comparison], with_bank: bool) {
    page.line("");
    let compared = comparisons.iter().filter(|one| one.chance.is_some()).count();
    let worse: Vec<&Comparison> = comparisons.iter().filter(|one| one.is_worse()).collect();
    for one in &worse {
        let modem = on_bank(&one.modem, Some(one.bank.as_str()).filter(|_| with_bank));
        page.painted(&format!("  {modem} IS WORSE THAN ITS BROTHERS"), Some(Paint::Red));
        let brothers = if one.same_family {
            format!("the other {} modems", one.family)
        } else {
            "all other modems (it is the only one of its family)".to_owned()
        };
        page.wrapped(
            4,
            &format!(
                "of its {} first calls to lines that were sound that night {} failed ({}); of those of {brothers} {} of {} ({})",
                one.calls,
                one.failed,
                share(one.share),
                one.others_failed,
                one.others,
                share(one.others_share),
            ),
        );
        if let (Some(alone), Some(all)) = (one.chance, one.chance_of_all) {
            page.wrapped(
                4,
                &format!(
                    "chance would do that with p {} (Fisher's exact test), {} when {compared} modems are compared at once (Holm)",
                    super::chance(alone),
                    super::chance(all)
                ),
            );
        }
    }
    if compared == 0 {
        page.wrapped(
            2,
            &format!("too few calls to compare the modems: {CALLS_MIN} first calls to sound lines are needed, of a modem and of its brothers"),
        );
    } else if worse.is_empty() {
        page.painted(
            &format!("  no modem is worse than its brothers beyond chance ({compared} compared, p below {CHANCE_MAX} for all of them together)"),
            Some(Paint::Green),
        );
    }
}

fn share(share: Option<Share>) -> String {
    share.map_or_else(
        || "none".to_owned(),
        |Share { share, low, high }| {
            format!("{}, between {} and {}", percent(share), percent(low), percent(high))
        },
    )
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// The columns of the table; from `brothers` on they are filled for modems alone.
const COLUMNS: [&str; 17] = [
    "by",
    "name",
    "tried",
    "failed",
    "bench_faults",
    "lines",
    "rate",
    "rate_low",
    "rate_high",
    "brothers",
    "sound_calls",
    "sound_failed",
    "brothers_calls",
    "brothers_failed",
    "p",
    "p_all",
    "bank",
];

fn rows(found: &Rates) -> impl Iterator<Item = Vec<String>> {
    found.rates.iter().map(move |rate| {
        let mut row = vec![
            found.by.word().to_owned(),
            rate.name.clone(),
            rate.tried.to_string(),
            rate.failed.to_string(),
            rate.bench_faults.to_string(),
            rate.lines.to_string(),
            figure(rate.share.share),
            figure(rate.share.low),
            figure(rate.share.high),
        ];
        match found
            .comparisons
            .iter()
            .find(|one| one.modem == rate.name && rate.bank.as_ref() == Some(&one.bank))
        {
            Some(one) => row.extend([
                brothers_word(one).to_owned(),
                one.calls.to_string(),
                one.failed.to_string(),
                one.others.to_string(),
                one.others_failed.to_string(),
                one.chance.map(figure).unwrap_or_default(),
                one.chance_of_all.map(figure).unwrap_or_default(),
            ]),
            None => row.resize(COLUMNS.len() - 1, String::new()),
        }
        row.push(rate.bank.clone().unwrap_or_default());
        row
    })
}

/// What a modem is among its brothers.
fn brothers_word(one: &Comparison) -> &'static str {
    match (one.chance_of_all, one.is_worse()) {
        (None, _) => "too-few-calls",
        (Some(_), true) => "worse",
        (Some(_), false) => "alike",
    }
}

fn figure(value: f64) -> String {
    format!("{value:.6}")
}

#[derive(Serialize)]
struct Answer<'a> {
    schema: u32,
    by: &'static str,
    since: String,
    runs: u64,
    rates: Vec<RateJson<'a>>,
    brothers: Vec<Brothers<'a>>,
}

#[derive(Serialize)]
struct RateJson<'a> {
    name: &'a str,
    bank: Option<&'a str>,
    tried: u64,
    failed: u64,
    bench_faults: u64,
    lines: u64,
    rate: f64,
    low: f64,
    high: f64,
}

#[derive(Serialize)]
struct Brothers<'a> {
    modem: &'a str,
    bank: &'a str,
    family: &'a str,
    same_family: bool,
    finding: &'static str,
    sound_calls: u64,
    sound_failed: u64,
    #[serde(rename = "brothers_calls")]
    others: u64,
    #[serde(rename = "brothers_failed")]
    others_failed: u64,
    p: Option<f64>,
    p_all: Option<f64>,
}

impl<'a> Answer<'a> {
    fn of(since: jiff::Timestamp, found: &'a Rates) -> Self {
        let rate = |rate: &'a Rate| RateJson {
            name: &rate.name,
            bank: rate.bank.as_deref(),
            tried: rate.tried,
            failed: rate.failed,
            bench_faults: rate.bench_faults,
            lines: rate.lines,
            rate: rate.share.share,
            low: rate.share.low,
            high: rate.share.high,
        };
        let brothers = |one: &'a Comparison| Brothers {
            modem: &one.modem,
            bank: &one.bank,
            family: &one.family,
            same_family: one.same_family,
            finding: brothers_word(one),
            sound_calls: one.calls,
            sound_failed: one.failed,
            others: one.others,
            others_failed: one.others_failed,
            p: one.chance,
            p_all: one.chance_of_all,
        };
        Self {
            schema: SCHEMA,
            by: found.by.word(),
            since: format!("{since:.3}"),
            runs: found.runs,
            rates: found.rates.iter().map(rate).collect(),
            brothers: found.comparisons.iter().map(brothers).collect(),
        }
    }
}
