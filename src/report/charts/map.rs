//! Where the branches lie, each by the worst verdict of its lines. No tiles and no coast: a grid of degrees, on which a
//! region that is down is seen at a glance.
//!
//! The projection is the equirectangular one, true along the middle parallel; the map is cut where the widest stretch
//! without a site lies, so that sites on both sides of the date line stay together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::figure::{Figure, Key};
use super::gantt::{plural, short};
use super::svg::{Anchor, N, Svg};
use crate::model::{Coordinates, SiteId, Verdict};
use crate::report::RunState;

const ID: &str = "map";
const WIDTH: f64 = 760.0;
const HEIGHT_MAX: f64 = 460.0;
const HEIGHT_MIN: f64 = 220.0;
const EDGE: f64 = 34.0;
/// Sites within such a square share a mark; the squares grow until the marks are few enough.
const CELL: f64 = 15.0;
const MARKS_MAX: usize = 400;
/// Sites whose findings a mark tells.
const TOLD_MAX: usize = 4;
const NAMES_MAX: usize = 60;
/// Width that the degrees at the western edge take.
const DEGREES: f64 = 40.0;
/// From so many sites on, those that pass are dots without a name: what fails is to be seen among them.
const DOTS_FROM: usize = 200;
/// Least width and height of what is shown, degrees: 50 km.
const SPAN_MIN: f64 = 0.5;
const TABLE_MAX: usize = 200;

/// A site with all that is known of it.
struct Site<'a> {
    name: &'a str,
    at: Coordinates,
    /// By result; those that are not judged yet are in none.
    lines: [u32; 4],
    all: u32,
    /// A line with the worst result.
    line: &'a str,
}

/// From the worst on.
const WORST: [Verdict; 4] = [Verdict::Fail, Verdict::Degraded, Verdict::Untested, Verdict::Pass];

fn rank(result: Verdict) -> usize {
    WORST.iter().position(|worst| *worst == result).unwrap_or(WORST.len())
}

impl Site<'_> {
    /// Its worst result; one of which nothing is known yet is untested.
    fn worst(&self) -> Verdict {
        let worst = WORST.into_iter().find(|result| self.lines[rank(*result)] > 0);
        worst.unwrap_or(Verdict::Untested)
    }

    fn told(&self) -> String {
        let mut told = Vec::new();
        for result in WORST {
            if let count @ 1.. = self.lines[rank(result)] {
                told.push(if self.all == 1 { result.to_string() } else { format!("{count} {result}") });
            }
        }
        let judged: u32 = self.lines.iter().sum();
        if judged < self.all {
            told.push("not judged yet".to_owned());
        }
        format!("{}: {}", short(self.name, 24), told.join(", "))
    }
}

/// The picture; absent if the plan gives no coordinates of a site that has lines.
pub(super) fn draw(state: &RunState) -> Option<String> {
    let places = &state.header().sites;
    let mut sites: BTreeMap<&SiteId, Site> = BTreeMap::new();
    let mut nowhere: BTreeSet<&SiteId> = BTreeSet::new();
    for (line, known) in state.lines() {
        let Some(at) = places.get(&line.site) else {
            nowhere.insert(&line.site);
            continue;
        };
        let site = sites.entry(&line.site).or_insert_with(|| Site {
            name: line.site.as_str(),
            at: *at,
            lines: [0; 4],
            all: 0,
            line: line.id.as_str(),
        });
        site.all += 1;
        if let Some(verdict) = &known.verdict {
            let result = rank(Verdict::of(verdict.fault));
            if site.lines[..=result].iter().all(|count| *count == 0) {
                site.line = line.id.as_str();
            }
            site.lines[result] += 1;
        }
    }
    let mut sites: Vec<Site> = sites.into_values().collect();
    if sites.is_empty() {
        return None;
    }
    // The worst are drawn last and named first.
    sites.sort_by_key(|site| (rank(site.worst()), site.name));
    let view = View::of(&sites);
    let mut svg = Svg::new(ID, WIDTH, view.height);
    graticule(&mut svg, &view);
    marks(&mut svg, &view, &sites);

    let title = "Map of the sites";
    let bad = sites.iter().filter(|site| site.worst() == Verdict::Fail).count();
    let mut says = match bad {
        0 => format!("None of {} has a line that fails.", plural(sites.len() as u64, "site")),
        1 => format!("1 of {} has a line that fails.", plural(sites.len() as u64, "site")),
        bad => format!("{bad} of {} have a line that fails.", plural(sites.len() as u64, "site")),
    };
    if !nowhere.is_empty() {
        let _ = write!(
            says,
            " {} not on the map: the plan gives no coordinates.",
            if nowhere.len() == 1 { "1 site is".to_owned() } else { format!("{} sites are", nowhere.len()) }
        );
    }
    let rows = sites.iter().take(TABLE_MAX).map(|site| {
        let of = |result| site.lines[rank(result)].to_string();
        let degrees = |udeg: i32| format!("{:.4}", f64::from(udeg) / 1e6);
        vec![
            site.name.to_owned(),
            site.worst().to_string(),
            of(Verdict::Fail),
            of(Verdict::Degraded),
            of(Verdict::Untested),
            of(Verdict::Pass),
            degrees(site.at.latitude_udeg),
            degrees(site.at.longitude_udeg),
        ]
    });
    let table = (
        vec!["site", "worst", "fail", "degraded", "untested", "pass", "latitude", "longitude"],
        rows.collect(),
    );
    let keys = WORST
        .into_iter()
        .filter(|result| sites.iter().any(|site| site.worst() == *result))
        .map(|result| {
            let dots = result == Verdict::Pass && sites.len() >= DOTS_FROM;
            let shape = if dots {
                "<path class=\"m-dots\" d=\"M7 7h0\"/>".to_owned()
            } else {
                mark(result, 7.0, 7.0, 5.0)
            };
            Key { shape, label: result.to_string() }
        })
        .chain((sites.len() > 1).then(|| Key {
            shape: "<text class=\"c-small\" x=\"7\" y=\"11\" text-anchor=\"middle\">3</text>".to_owned(),
            label: "so many sites close together, by the worst".to_owned(),
        }))
        .collect();
    let svgs = vec![svg.finish(title, &says)];
    Some(Figure { id: ID, title: title.to_owned(), says, svgs, keys, table }.html())
}

/// What is shown, and at which scale.
struct View {
    west: f64,
    north: f64,
    /// Pixels a degree.
    x_scale: f64,
    y_scale: f64,
    height: f64,
    /// Degrees that are seen.
    wide: f64,
    high: f64,
}

impl View {
    fn of(sites: &[Site]) -> Self {
        let mut longitudes: Vec<f64> = sites.iter().map(|site| degrees(site.at.longitude_udeg)).collect();
        longitudes.sort_by(f64::total_cmp);
        longitudes.dedup();
        // The widest stretch without a site, going east around the earth, ends at the western edge.
        let (mut west, mut gap) = (longitudes[0], longitudes[0] + 360.0 - longitudes[longitudes.len() - 1]);
        for pair in longitudes.windows(2) {
            if pair[1] - pair[0] > gap {
                (west, gap) = (pair[1], pair[1] - pair[0]);
            }
        }
        let latitudes = || sites.iter().map(|site| degrees(site.at.latitude_udeg));
        let (south, north) =
            (latitudes().fold(f64::INFINITY, f64::min), latitudes().fold(f64::NEG_INFINITY, f64::max));
        let squeeze = f64::midpoint(south, north).to_radians().cos().max(0.05);
        let wide = (360.0 - gap).max(SPAN_MIN / squeeze);
        let high = (north - south).max(SPAN_MIN);
        let plot = WIDTH - 2.0 * EDGE;
        let room = HEIGHT_MAX - 2.0 * EDGE;
        let y_scale = (plot / (wide * squeeze)).min(room / high);
        let x_scale = y_scale * squeeze;
        let height = (high * y_scale + 2.0 * EDGE).clamp(HEIGHT_MIN, HEIGHT_MAX);
        // The sites lie in the middle of what is seen.
        let (seen_wide, seen_high) = (WIDTH / x_scale, height / y_scale);
        let west = west + (360.0 - gap) / 2.0 - seen_wide / 2.0;
        let north = f64::midpoint(south, north) + seen_high / 2.0;
        Self { west, north, x_scale, y_scale, height, wide: seen_wide, high: seen_high }
    }

    fn place(&self, at: Coordinates) -> (f64, f64) {
        let east = (degrees(at.longitude_udeg) - self.west).rem_euclid(360.0);
        (east * self.x_scale, (self.north - degrees(at.latitude_udeg)) * self.y_scale)
    }
}

fn degrees(udeg: i32) -> f64 {
    f64::from(udeg) / 1e6
}

/// Steps of a grid of degrees.
const STEPS: [f64; 12] = [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0];

fn graticule(svg: &mut Svg, view: &View) {
    let step = |span: f64, count: f64| STEPS.into_iter().find(|step| span / step <= count).unwrap_or(45.0);
    let lattice = |from: f64, to: f64, step: f64| {
        let first = (from / step).ceil() as i64;
        (first..first + 40).map(move |n| n as f64 * step).take_while(move |at| *at <= to)
    };
    svg.rect("c-sea", (0.0, 0.0), (WIDTH, view.height));
    for longitude in lattice(view.west, view.west + view.wide, step(view.wide, 9.0)) {
        let x = (longitude - view.west) * view.x_scale;
        svg.line("c-grid", (x, 0.0), (x, view.height));
        let there = (longitude + 180.0).rem_euclid(360.0) - 180.0;
        if x > 20.0 && x < WIDTH - 20.0 {
            svg.text("c-small c-dim", (x + 3.0, view.height - 4.0), Anchor::Start, &meridian(there));
        }
    }
    let south = view.north - view.high;
    for latitude in lattice(south.max(-90.0), view.north.min(90.0), step(view.high, 6.0)) {
        let y = (view.north - latitude) * view.y_scale;
        svg.line("c-grid", (0.0, y), (WIDTH, y));
        if y > 14.0 && y < view.height - 18.0 {
            svg.text("c-small c-dim", (3.0, y - 3.0), Anchor::Start, &angle(latitude, 'N', 'S'));
        }
    }
}

fn meridian(longitude: f64) -> String {
    if (longitude.abs() - 180.0).abs() < 1e-6 { "180°".to_owned() } else { angle(longitude, 'E', 'W') }
}

fn angle(degrees: f64, plus: char, minus: char) -> String {
    let text = format!("{:.2}", degrees.abs());
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match degrees {
        d if d.abs() < 1e-6 => "0°".to_owned(),
        d if d > 0.0 => format!("{text}°{plus}"),
        _ => format!("{text}°{minus}"),
    }
}

/// The mark of a result: each has a shape of its own.
fn mark(result: Verdict, x: f64, y: f64, r: f64) -> String {
    let word = result.word();
    match result {
        Verdict::Pass => {
            format!("<circle class=\"m-{word}\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>", N(x), N(y), N(r))
        }
        Verdict::Degraded => {
            let (r, top) = (r * 1.25, y - r * 1.35);
            let (x, y, side, high, wide) = (N(x), N(top), N(r), N(1.8 * r), N(2.0 * r));
            format!("<path class=\"m-{word}\" d=\"M{x} {y}l{side} {high}h-{wide}z\"/>")
        }
        Verdict::Fail => {
            let (left, top, side) = (N(x - r), N(y - r), N(2.0 * r));
            format!("<path class=\"m-{word}\" d=\"M{left} {top}h{side}v{side}h-{side}z\"/>")
        }
        Verdict::Untested => {
            let r = r * 1.25;
            let (x, top, side) = (N(x), N(y - r), N(r));
            format!(
                "<path class=\"m-{word}\" d=\"M{x} {top}l{side} {side}l-{side} {side}l-{side}-{side}z\"/>"
            )
        }
    }
}

/// A mark that is hollow has its count in the colour of writing.
const fn count_class(result: Verdict) -> &'static str {
    match result {
        Verdict::Untested => "c-count c-count-hollow",
        Verdict::Pass | Verdict::Degraded | Verdict::Fail => "c-count",
    }
}

/// Sites that lie close together, as one mark.
struct Cluster<'a> {
    sites: Vec<&'a Site<'a>>,
    x: f64,
    y: f64,
    r: f64,
}

fn clusters<'a>(view: &View, sites: &'a [Site<'a>], dots: bool) -> Vec<Cluster<'a>> {
    let mut cell = CELL;
    let cells = loop {
        let mut cells: BTreeMap<(i64, i64), Vec<&Site>> = BTreeMap::new();
        for site in sites.iter().filter(|site| !dots || site.worst() != Verdict::Pass) {
            let (x, y) = view.place(site.at);
            cells.entry(((x / cell) as i64, (y / cell) as i64)).or_default().push(site);
        }
        if cells.len() <= MARKS_MAX {
            break cells;
        }
        cell *= 1.25;
    };
    let mut clusters: Vec<Cluster> = cells
        .into_values()
        .map(|sites| {
            let count = sites.len() as f64;
            let (x, y) = sites
                .iter()
                .map(|site| view.place(site.at))
                .fold((0.0, 0.0), |sum, at| (sum.0 + at.0 / count, sum.1 + at.1 / count));
            let r = if sites.len() == 1 { 5.0 } else { 6.5 + (count.ln() * 0.9).min(4.0) };
            Cluster { sites, x, y, r }
        })
        .collect();
    clusters.sort_by_key(|cluster| std::cmp::Reverse(rank(cluster.sites[0].worst())));
    clusters
}

fn marks(svg: &mut Svg, view: &View, sites: &[Site]) {
    let dots = sites.len() >= DOTS_FROM;
    let clusters = clusters(view, sites, dots);
    if dots {
        let passing = sites.iter().filter(|site| site.worst() == Verdict::Pass);
        // Two that lie within two pixels of each other are one dot.
        let places: BTreeSet<(i64, i64)> = passing
            .map(|site| view.place(site.at))
            .map(|(x, y)| ((x / 2.0).round() as i64, (y / 2.0).round() as i64))
            .collect();
        let mut path = String::new();
        for (x, y) in places {
            let _ = write!(path, "M{} {}h0", x * 2, y * 2);
        }
        svg.titled(None, &format!("<path class=\"m-dots\" d=\"{path}\"/>"), "sites without a finding");
    }
    // Where nothing more may be written.
    let mut taken: Vec<[f64; 4]> = Vec::new();
    for cluster in &clusters {
        let Cluster { sites, x, y, r } = cluster;
        let worst = sites[0];
        let shape = mark(worst.worst(), *x, *y, *r);
        let mut title = sites.iter().take(TOLD_MAX).map(|site| site.told()).collect::<Vec<_>>().join("; ");
        if sites.len() > TOLD_MAX {
            let _ = write!(title, "; and {} more sites", sites.len() - TOLD_MAX);
        }
        svg.titled(Some(worst.line).filter(|_| sites.len() == 1), &shape, &title);
        if sites.len() > 1 {
            let drop = if worst.worst() == Verdict::Degraded { 5.0 } else { 3.5 };
            let count = if sites.len() > 999 { "…".to_owned() } else { sites.len().to_string() };
            svg.text(count_class(worst.worst()), (*x, y + drop), Anchor::Middle, &count);
        }
        taken.push([x - r, y - r, x + r, y + r]);
    }
    let mut named = 0;
    for cluster in clusters.iter().rev() {
        if named == NAMES_MAX {
            break;
        }
        let Cluster { sites, x, y, r } = cluster;
        let name = match sites.len() {
            1 => short(sites[0].name, 14),
            count => format!("{} +{}", short(sites[0].name, 12), count - 1),
        };
        let wide = name.chars().count() as f64 * 7.6;
        let right = [x + r + 3.0, y - 6.0, x + r + 3.0 + wide, y + 6.0];
        let left = [x - r - 3.0 - wide, y - 6.0, x - r - 3.0, y + 6.0];
        let free = |at: &[f64; 4]| {
            at[0] >= DEGREES
                && at[2] <= WIDTH
                && taken
                    .iter()
                    .all(|other| at[2] < other[0] || at[0] > other[2] || at[3] < other[1] || at[1] > other[3])
        };
        let Some((at, anchor)) =
            [(right, Anchor::Start), (left, Anchor::End)].into_iter().find(|(at, _)| free(at))
        else {
            continue;
        };
        let x = if anchor == Anchor::Start { at[0] } else { at[2] };
        svg.text("c-small c-place", (x, y + 4.0), anchor, &name);
        taken.push(at);
        named += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(name: &str, latitude: f64, longitude: f64) -> Site<'_> {
        let at =
            Coordinates { latitude_udeg: (latitude * 1e6) as i32, longitude_udeg: (longitude * 1e6) as i32 };
        Site { name, at, lines: [0, 0, 0, 1], all: 1, line: name }
    }

    #[test]
    fn sites_on_both_sides_of_the_date_line_lie_together() {
        let sites = [site("AKL", -36.8, 174.8), site("HNL", 21.3, -157.9)];
        let view = View::of(&sites);
        let (auckland, honolulu) = (view.place(sites[0].at), view.place(sites[1].at));
        assert!(
            auckland.0 < honolulu.0 && honolulu.0 - auckland.0 < WIDTH / 2.0,
            "{auckland:?} {honolulu:?}"
        );
        assert!(auckland.1 > honolulu.1);
    }

    #[test]
    fn every_site_lies_on_the_map_wherever_on_earth_it_is() {
        let corners = [(90.0, 180.0), (-90.0, -180.0), (0.0, 0.0), (89.9, -0.1), (35.8, -78.6)];
        for one in corners {
            for other in corners {
                let sites = [site("A", one.0, one.1), site("B", other.0, other.1)];
                let view = View::of(&sites);
                for site in &sites {
                    let (x, y) = view.place(site.at);
                    assert!((-0.5..=WIDTH + 0.5).contains(&x), "{one:?} {other:?}: {x}");
                    assert!((-0.5..=view.height + 0.5).contains(&y), "{one:?} {other:?}: {y}");
                }
            }
        }
    }

    #[test]
    fn the_worst_verdict_of_a_site_is_its_own() {
        let mut site = site("A", 0.0, 0.0);
        assert_eq!(site.worst(), Verdict::Pass);
        (site.lines, site.all) = ([1, 0, 0, 1], 3);
        assert_eq!(site.worst(), Verdict::Fail);
        assert_eq!(site.told(), "A: 1 fail, 1 pass, not judged yet");
        site.lines = [0; 4];
        assert_eq!(site.worst(), Verdict::Untested);
    }

    #[test]
    fn a_line_of_the_grid_is_told_by_its_hemisphere() {
        assert_eq!(
            (meridian(-180.0), meridian(0.0), meridian(-78.5)),
            ("180°".into(), "0°".into(), "78.5°W".into())
        );
        assert_eq!(angle(-33.0, 'N', 'S'), "33°S");
    }
}
