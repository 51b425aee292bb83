//! When each site of a plan may be dialed next, in its own zone and in UTC.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;

use crate::config::Plan;
use crate::config::hours::{Hours, local_and_utc};
use crate::model::Fault;

use super::spoken;

/// A spell so long at most ends on a day that needs no date, ..
const HOURS_SAID_SHORT: i64 = 48;
/// .. and one that is longer than this has no end that anybody cares for.
const HOURS_SAID: i64 = 60 * 24;

/// A site, and its lines with the hours of each.
type Site<'a> = (&'a str, Vec<(&'a str, Option<&'a Arc<Hours>>)>);

/// One row a site, or a line where lines of one site differ; absent where no line has hours of its own.
pub fn text(plan: &Plan, now: Timestamp) -> Option<String> {
    let room = plan.room();
    let shown = plan
        .lines
        .iter()
        .filter(|planned| planned.preset.as_ref().is_none_or(|preset| preset.fault != Fault::Skipped));
    let mut sites: Vec<Site<'_>> = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for planned in shown {
        let site = planned.line.site.as_str();
        let place = *places.entry(site).or_insert_with(|| {
            sites.push((site, Vec::new()));
            sites.len() - 1
        });
        sites[place].1.push((planned.line.id.as_str(), planned.hours.as_ref()));
    }
    if sites.iter().all(|(_, lines)| lines.iter().all(|(_, hours)| hours.is_none())) {
        return None;
    }
    let mut table = vec![["site", "opens next", "until", "windows"].map(str::to_owned)];
    for (site, lines) in sites {
        let different: BTreeSet<Option<&Arc<Hours>>> = lines.iter().map(|(_, hours)| *hours).collect();
        if different.len() == 1 {
            table.push(row(site, lines[0].1, now, room));
        } else {
            table.extend(lines.iter().map(|(line, hours)| row(line, *hours, now, room)));
        }
    }
    let mut widths = [0; 3];
    for row in &table {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(unicode_width::UnicodeWidthStr::width(cell.as_str()));
        }
    }
    let mut out = String::new();
    for row in &table {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            let pad = width - unicode_width::UnicodeWidthStr::width(cell.as_str());
            line.extend(std::iter::repeat_n(' ', pad + 2));
        }
        line.push_str(&row[3]);
        out.push_str(line.trim_end());
        out.push('\n');
    }
    let _ = write!(out, "a call is begun only where its longest form, {}, lies within", spoken(room));
    if let Some(deadline) = plan.deadline {
        let zone = plan.zone.as_ref().map_or_else(|| "this host".to_owned(), ToString::to_string);
        let _ = write!(out, "; nothing is dialed after {} of {zone}", deadline.strftime("%H:%M"));
    }
    if let Some(last) = outdated(plan, now) {
        let _ = write!(
            out,
            "\nthe last holiday that is listed was {last}: from then on every day counts as a day of the week"
        );
    }
    Some(out)
}

fn row(name: &str, hours: Option<&Arc<Hours>>, now: Timestamp, room: std::time::Duration) -> [String; 4] {
    let Some(hours) = hours else {
        return [name.to_owned(), "at any time".to_owned(), String::new(), String::new()];
    };
    let (opens, until) = match hours.next(now, room) {
        None => ("not within two years".to_owned(), String::new()),
        Some(next) => {
            let is_now = next.from.timestamp().duration_since(now).as_secs() < 1;
            let opens = if is_now { "now".to_owned() } else { local_and_utc(&next.from) };
            let hours = next.to.duration_since(&next.from).as_hours();
            let until = if hours <= HOURS_SAID_SHORT {
                next.to.strftime("%a %H:%M").to_string()
            } else if hours < HOURS_SAID {
                next.to.strftime("%a %Y-%m-%d %H:%M").to_string()
            } else {
                "-".to_owned()
            };
            (opens, until)
        }
    };
    [name.to_owned(), opens, until, hours.to_string()]
}

/// The last holiday, if all that are listed are over: somebody has forgotten the new year's. Days of every year are never over.
pub fn outdated(plan: &Plan, now: Timestamp) -> Option<jiff::civil::Date> {
    let lists = plan.lines.iter().filter_map(|planned| planned.hours.as_ref());
    let over = lists.filter_map(|hours| {
        let last = hours.holidays().last_date().filter(|_| !hours.holidays().has_yearly())?;
        (last < hours.zone().rules().to_datetime(now).date()).then_some(last)
    });
    over.min()
}
