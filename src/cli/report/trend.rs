//! `lineman report trend`: the nights of a line, a site or a modem, in words, and what drifts.

use serde::Serialize;

use crate::history::drift::{BASELINE_MIN, Course, Drift, Figure, RECENT_NIGHTS, picture};
use crate::history::trend::{Kind, Night, Trend, Trends};
use crate::model::usual::MAD_TO_DEVIATION;
use crate::model::{Fault, Verdict};
use crate::report::page::{Page, Paint};
use crate::report::{SCHEMA, safe_cell};

use super::super::args::{self, Format, Since};
use super::super::{Failure, say, screen};
use crate::modem::clock::Clock;
use crate::run::history::trouble;

/// Something drifts.
const DRIFTS: u8 = 1;
/// Nights that a picture shows, at most.
const PICTURE_NIGHTS: usize = 60;

/// When it is that far in the past.
pub(super) fn since(since: Since) -> jiff::Timestamp {
    match since {
        Since::Ago(ago) => {
            let now = Clock::start().wall();
            now.checked_sub(ago).unwrap_or(jiff::Timestamp::MIN)
        }
        Since::Date(date) => {
            date.to_zoned(jiff::tz::TimeZone::UTC).map_or(jiff::Timestamp::MIN, |day| day.timestamp())
        }
    }
}

/// Runs it.
pub(super) fn run(args: &args::Trend) -> Result<u8, Failure> {
    let store = super::store(&args.asked)?;
    let plan = args.asked.plan.as_ref().map(crate::model::PlanName::as_str);
    let name = args.name.as_deref();
    let found = match name {
        Some(name) => store.trend(name, plan, args.since.map(since)),
        None => store.drifting(plan),
    };
    let found = found.map_err(|error| Failure::wrong(trouble(&error)))?.ok_or_else(|| {
        let of = plan.map_or(String::new(), |plan| format!(" of plan `{plan}`"));
        let path = store.path().display();
        Failure::wrong(match name {
            Some(name) => format!("{path} knows no line, site or modem{of} `{name}`"),
            None => format!("{path} knows no run{of} yet"),
        })
    })?;
    say(&match args.asked.format {
        Format::Text => text(name, &found),
        Format::Json => super::json(&Answer::of(name, &found))?,
        Format::Csv => super::csv(&columns(), rows(&found))?,
    });
    let drifts =
        found.parts.iter().flat_map(|part| part.tracks.values()).any(|told| told.course == Course::Worse);
    Ok(if drifts { DRIFTS } else { 0 })
}

fn text(name: Option<&str>, found: &Trends) -> String {
    let mut page = Page::new(screen::style());
    let all = found.parts.len() + found.left_out;
    match (found.kind, name) {
        (Kind::Site, Some(name)) => {
            page.wrapped(0, &format!("site {name}: {}", count(all, "line", "lines")));
        }
        (Kind::All, _) if all == 0 => {
            // Of a new bank nothing can be said yet, and that is no good news.
            let enough = BASELINE_MIN + RECENT_NIGHTS;
            let words = format!(
                "nothing drifts: of {} lines that work and modems, {} have the {enough} nights that it takes to say so",
                found.looked, found.judged
            );
            page.painted(&words, (found.judged > 0).then_some(Paint::Green));
        }
        (Kind::All, _) => {
            page.wrapped(0, &format!("{all} of {} lines that work and modems drift", found.looked));
        }
        _ => {}
    }
    if found.left_out > 0 {
        page.wrapped(0, &format!("{} of them are left out here: ask for them by name", found.left_out));
    }
    for part in &found.parts {
        one(&mut page, part);
    }
    page.finish()
}

fn one(page: &mut Page, part: &Trend) {
    // A line is of a plan; a modem is of a bank alone.
    let is_modem = part.plan.is_none();
    let what = if is_modem { "modem" } else { "line" };
    let place = match (&part.site, &part.plan) {
        (Some(site), Some(plan)) => format!(" (site {site}, plan {plan} on bank {})", part.bank),
        _ => format!(" (bank {})", part.bank),
    };
    page.heading(&format!("{what} {}{place}", part.name));
    let (Some(first), Some(last)) = (part.nights.first(), part.nights.last()) else {
        page.line("  no nights are known");
        return;
    };
    page.wrapped(
        2,
        &format!(
            "{} from {} to {}",
            count(part.nights.len(), "run", "runs"),
            first.started.strftime("%F"),
            last.started.strftime("%F")
        ),
    );
    lead(page, part);
    if !is_modem {
        results(page, &part.nights);
    }
    let families: Vec<&String> = {
        let mut names: Vec<&String> = part.tracks.keys().map(|(family, _)| family).collect();
        names.dedup();
        names
    };
    for family in families {
        page.painted(&format!("  on {family} modems").replace("on  modems", "on modems"), Some(Paint::Bold));
        for figure in Figure::ALL {
            if let Some(told) = part.tracks.get(&(family.clone(), figure)) {
                track(page, part, family, figure, told);
            }
        }
    }
}

/// What a person wants to know first.
fn lead(page: &mut Page, part: &Trend) {
    let of = |course| {
        let tracks = part.tracks.iter().filter(move |(_, told)| told.course == course);
        tracks.map(|((family, figure), _)| format!("{} on {family}", figure.title())).collect::<Vec<_>>()
    };
    let (worse, better) = (of(Course::Worse), of(Course::Better));
    if !worse.is_empty() {
        page.painted(&format!("  IT DRIFTS: {}", worse.join(", ")), Some(Paint::Red));
    }
    if !better.is_empty() {
        page.painted(&format!("  better than it was: {}", better.join(", ")), Some(Paint::Green));
    }
    let judged = part.tracks.values().filter(|told| told.course != Course::TooFew).count();
    if judged == 0 {
        let most = part.tracks.values().map(|told| told.nights).max().unwrap_or(0);
        page.wrapped(
            2,
            &format!(
                "too few nights to say whether anything drifts: {most} have figures, and {} are needed",
                BASELINE_MIN + RECENT_NIGHTS
            ),
        );
    } else if worse.is_empty() && better.is_empty() {
        page.painted("  nothing drifts", Some(Paint::Green));
    }
}

fn results(page: &mut Page, nights: &[Night]) {
    let shown = &nights[nights.len().saturating_sub(PICTURE_NIGHTS)..];
    let of = |result: Verdict| {
        let found = shown.iter().filter(|night| night.found.map(Verdict::of) == Some(result)).count();
        (found > 0).then(|| format!("{} {found}", result.word()))
    };
    let told: Vec<String> = Verdict::ALL.into_iter().filter_map(of).collect();
    let letters: String = shown.iter().map(Night::letter).collect();
    page.line(&format!("  last {}: {}", count(shown.len(), "run", "runs"), told.join(", ")));
    page.line(&format!("    [{letters}]  . pass  d degraded  X fail"));
}

fn track(page: &mut Page, part: &Trend, family: &str, figure: Figure, told: &Drift) {
    let show = |value: f64| figure.told(value);
    let words = match told.recent {
        None => {
            format!("{} in {}; too few to say more", show(told.median), count(told.nights, "night", "nights"))
        }
        Some(recent) => {
            let usual = spread_text(figure, told.mad * MAD_TO_DEVIATION);
            let mut words = format!(
                "{} in the last {RECENT_NIGHTS} nights; usual {} ± {usual} ({} before)",
                show(recent),
                show(told.median),
                count(told.baseline_nights, "night", "nights"),
            );
            let course = match told.course {
                Course::Worse | Course::Better => {
                    let by = match (told.sloping, told.slope_by_day, told.chance) {
                        (true, Some(slope), Some(chance)) => format!(
                            ", {} in {:.0} days, by chance p {}",
                            signed(figure, slope * told.slope_days),
                            told.slope_days,
                            super::chance(chance)
                        ),
                        _ => String::new(),
                    };
                    format!(": {}{by}", told.course.word().to_uppercase())
                }
                Course::Steady => ", steady".to_owned(),
                Course::TooFew => String::new(),
            };
            words.push_str(&course);
            words
        }
    };
    page.hanging(4, 8, &format!("{}: {words}", figure.title()));
    let figures = part.figures(family, figure);
    let shown = &figures[figures.len().saturating_sub(PICTURE_NIGHTS)..];
    // A line that is always on the same step shows nothing.
    let mut known = shown.iter().flatten();
    let first = known.next();
    if known.any(|value| Some(value) != first) {
        page.line(&format!("      [{}]", picture(shown)));
    }
}

/// A spread has no sign and no reference: dB, where a level has dBm.
fn spread_text(figure: Figure, value: f64) -> String {
    match figure {
        Figure::Level | Figure::Snr => format!("{value:.1} dB"),
        Figure::Retrains => format!("{value:.1}"),
        _ => figure.told(value),
    }
}

fn signed(figure: Figure, value: f64) -> String {
    format!("{}{}", if value < 0.0 { "-" } else { "+" }, spread_text(figure, value.abs()))
}

fn count(n: usize, one: &str, more: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {more}") }
}

#[derive(Serialize)]
struct Answer<'a> {
    schema: u32,
    name: Option<&'a str>,
    kind: &'static str,
    drifts: bool,
    looked: usize,
    judged: usize,
    left_out: usize,
    parts: Vec<Part<'a>>,
}

#[derive(Serialize)]
struct Part<'a> {
    name: &'a str,
    site: Option<&'a str>,
    plan: Option<&'a str>,
    bank: &'a str,
    runs: usize,
    first: Option<String>,
    last: Option<String>,
    tracks: Vec<Track<'a>>,
}

#[derive(Serialize)]
struct Track<'a> {
    family: &'a str,
    figure: &'static str,
    course: &'static str,
    nights: usize,
    baseline_nights: usize,
    median: f64,
    mad: f64,
    recent: Option<f64>,
    slope_per_day: Option<f64>,
    slope_days: f64,
    p: Option<f64>,
    shifted: bool,
    sloping: bool,
}

impl<'a> Answer<'a> {
    fn of(name: Option<&'a str>, found: &'a Trends) -> Self {
        let parts: Vec<Part<'_>> = found.parts.iter().map(part_json).collect();
        let worse = Course::Worse.word();
        let drifts = parts.iter().flat_map(|part| &part.tracks).any(|track| track.course == worse);
        let Trends { kind, looked, judged, left_out, .. } = found;
        Self {
            schema: SCHEMA,
            name,
            kind: kind.word(),
            drifts,
            looked: *looked,
            judged: *judged,
            left_out: *left_out,
            parts,
        }
    }
}

fn part_json(part: &Trend) -> Part<'_> {
    let began = |night: Option<&Night>| night.map(|night| format!("{:.3}", night.started));
    let tracks = part.tracks.iter().map(|((family, figure), told)| Track {
        family,
        figure: figure.word(),
        course: told.course.word(),
        nights: told.nights,
        baseline_nights: told.baseline_nights,
        median: told.median,
        mad: told.mad,
        recent: told.recent,
        slope_per_day: told.slope_by_day,
        slope_days: told.slope_days,
        p: told.chance,
        shifted: told.shifted,
        sloping: told.sloping,
    });
    Part {
        name: &part.name,
        site: part.site.as_deref(),
        plan: part.plan.as_deref(),
        bank: &part.bank,
        runs: part.nights.len(),
        first: began(part.nights.first()),
        last: began(part.nights.last()),
        tracks: tracks.collect(),
    }
}

/// The columns of the table: a row a night.
fn columns() -> Vec<&'static str> {
    ["name", "site", "run", "started", "result", "fault", "family"]
        .into_iter()
        .chain(Figure::ALL.map(Figure::word))
        .collect()
}

fn rows(found: &Trends) -> impl Iterator<Item = Vec<String>> {
    found.parts.iter().flat_map(|part| part.nights.iter().map(move |night| row(part, night)))
}

fn row(part: &Trend, night: &Night) -> Vec<String> {
    let mut cells = vec![
        part.name.clone(),
        part.site.clone().unwrap_or_default(),
        night.run.clone(),
        format!("{:.3}", night.started),
        night.found.map(|fault| Verdict::of(fault).word().to_owned()).unwrap_or_default(),
        night.found.flatten().map(Fault::code).unwrap_or_default().to_owned(),
        safe_cell(night.family.as_deref().unwrap_or_default()),
    ];
    let figure = |figure: Figure| night.figures.get(&figure).map(ToString::to_string).unwrap_or_default();
    cells.extend(Figure::ALL.map(figure));
    cells
}
