//! The soak: a week of a daemon with 64 modems, at high speed. A day takes half a minute: every night all lines, every four hours a
//! few of them, every day some calls of a technician, a pause, and a configuration that is written again; and somebody who
//! looks at its metrics all the time. Memory, descriptors and threads must be the same at its end.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::common::{FOUR, Line, Night, Row, Sample, Stage, Wire, pause, status};
use super::daemon::Daemon;

/// A day of the week that is played.
const DAY: Duration = Duration::from_secs(30);
const DAYS: u32 = 7;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);
const MODEMS: usize = 64;
/// Lines of a night, and of the round every four hours.
const LINES: usize = 192;
const ROUND: usize = 24;
/// By how much the last day may be above the second: what the heap keeps, and how runs fall together, is never quite the same.
const RATIO: f64 = 1.1;

/// One look.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Duration,
    memory_kib: u64,
    files: u64,
    threads: u64,
    calls: u64,
}

pub(crate) fn rows() -> Vec<Row> {
    let stage = Stage::set(&Night {
        modems: MODEMS,
        modem_extra: "",
        families: FOUR,
        wire: Wire::Pty,
        pace: 0.02,
        timing: "{ reply: 0ms }",
        limits: "{ dial: 90s, call: 240s }",
        lines: lines(),
    });
    write_round(&stage);
    // With seconds in front: every half minute is a night, every five seconds four hours.
    let plans = "  - { plan: plan.yaml, schedule: \"*/30 * * * * *\", missed: 20s }\n  - { plan: round.yaml, schedule: \"*/5 * * * * *\", missed: skip }\n";
    let daemon = Daemon::start(&stage, plans);
    let process = format!("/proc/{}", daemon.process.id());
    let (looks, runs, refused) = week(&stage, &daemon, Path::new(&process));
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/soak.svg");
    fs::write(&picture, draw(&looks)).expect("the picture can be written");
    let of = |day: u32, figure: fn(&Look) -> u64| {
        let (from, to) = (DAY * (day - 1), DAY * day);
        Sample::of(looks.iter().filter(|look| look.at >= from && look.at < to).map(figure))
    };
    let last = |figure: fn(&Look) -> u64| of(DAYS, figure);
    // The lowest tenth of a day is the daemon at rest between two runs.
    let rest = |sample: Sample| sample.percentile(10) as f64;
    let memory = |look: &Look| look.memory_kib;
    let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / 1024.0);
    vec![
        Row::told(format!("runs of a week on {MODEMS} modems, nights, rounds, calls"), format!("{runs:?}")),
        Row::told(
            "  calls that were refused",
            format!("{} {}", refused.len(), refused.first().map_or("", |why| why)),
        ),
        Row::at_most(
            "memory, median of the last day, in that of the second",
            last(memory).percentile(50) as f64 / of(2, memory).percentile(50) as f64,
            RATIO,
            "",
        ),
        Row::told("  median of the last day", mib(last(memory).percentile(50))),
        Row::told("  most", mib(looks.iter().map(memory).max().unwrap_or_default())),
        Row::at_most("descriptors at rest, last day", rest(last(|l| l.files)), rest(of(2, |l| l.files)), ""),
        Row::told("  most", looks.iter().map(|look| look.files).max().unwrap_or_default().to_string()),
        Row::at_most(
            "threads, most of the last day, in those of the second",
            last(|look| look.threads).percentile(100) as f64
                / of(2, |look| look.threads).percentile(100) as f64,
            RATIO,
            "",
        ),
        Row::told("  most", looks.iter().map(|look| look.threads).max().unwrap_or_default().to_string()),
        Row::told("picture", picture.display().to_string()),
    ]
}

/// Sound lines, and one in eight with something wrong.
fn lines() -> Vec<Line> {
    let wrong =
        [", fault: busy", ", fault: wrong-host", ", fault: open-console", ", fault: login-unavailable"];
    let line = |at: usize| match at % 8 {
        7 => Line::new("cisco-ios", wrong[at / 8 % wrong.len()]),
        0 => Line::new("junos", ""),
        1 => Line::new("linux", ""),
        _ => Line::new("cisco-ios", ""),
    };
    (0..LINES).map(line).collect()
}

/// The plan of every four hours: the first lines of the night's.
fn write_round(stage: &Stage) {
    let night = stage.read("plan.yaml").replace("plan: bench\n", "plan: round\n");
    let is_line = |line: &&str| line.starts_with("  - {");
    let kept = night.lines().count() - night.lines().filter(is_line).count() + ROUND;
    let text: Vec<&str> = night.lines().take(kept).collect();
    fs::write(stage.path("round.yaml"), text.join("\n") + "\n").expect("the folder can be written");
}

/// Lets the week pass, and looks.
fn week(stage: &Stage, daemon: &Daemon, process: &Path) -> (Vec<Look>, [usize; 3], Vec<String>) {
    let started = Instant::now();
    let mut looks = Vec::new();
    let mut done = 0;
    let mut refused = Vec::new();
    while started.elapsed() < DAY * DAYS {
        let metrics = daemon.metrics();
        let calls = metrics.iter().find(|(name, _)| name.starts_with("lineman_live_calls{"));
        looks.push(Look {
            at: started.elapsed(),
            memory_kib: status(process, "VmRSS:"),
            files: fs::read_dir(process.join("fd")).map_or(0, |all| all.count() as u64),
            threads: status(process, "Threads:"),
            #[expect(clippy::cast_sign_loss, reason = "a count")]
            calls: calls.map_or(0, |(_, calls)| *calls as u64),
        });
        // Three times a day somebody wants something.
        #[expect(clippy::cast_sign_loss, reason = "time goes on")]
        let due = (started.elapsed().as_secs_f64() / (DAY.as_secs_f64() / 3.0)) as u32;
        if due > done {
            done = due;
            match due % 3 {
                0 => {
                    // It may be that this very line is being called.
                    let call =
                        "{\"do\": \"call\", \"plan\": \"bench\", \"line\": \"L002\", \"anyway\": true}";
                    refused.extend(daemon.try_control(call).err());
                }
                1 => fs::write(stage.path("plan.yaml"), stage.read("plan.yaml"))
                    .expect("the plan can be written"),
                _ => daemon.control("{\"do\": \"log\", \"room\": \"fleet\", \"level\": \"warn\"}"),
            }
        }
        pause(LOOK);
    }
    let ended = |plan: &str| {
        let runs = fs::read_dir(stage.path("reports").join(plan)).into_iter().flatten().flatten();
        runs.filter(|run| run.path().join("summary.json").is_file() && !run.path().is_symlink()).count()
    };
    (looks, [ended("bench"), ended("round"), ended("bench/calls")], refused)
}

/// The picture: each figure over the week, nothing else, readable on white and on black.
fn draw(looks: &[Look]) -> String {
    type Figure = fn(&Look) -> f64;
    let panels: [(&str, Figure); 4] = [
        ("Memory, MiB", |look| look.memory_kib as f64 / 1024.0),
        ("Descriptors", |look| look.files as f64),
        ("Threads", |look| look.threads as f64),
        ("Calls at once", |look| look.calls as f64),
    ];
    let (left, width, height, gap) = (64.0, 800.0, 90.0, 34.0);
    let total = 40.0 + panels.len() as f64 * (height + gap) + 20.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {total}\" role=\"img\" aria-labelledby=\"title\">\n\
         <title id=\"title\">A daemon with {MODEMS} modems over a week, a day in half a minute: memory, descriptors, threads, calls</title>\n\
         <style>text {{ font: 13px sans-serif; fill: #333 }} .axis {{ stroke: #bbb; fill: none }} .line {{ stroke: #1565c0; fill: none; stroke-width: 1.2 }}\n\
         @media (prefers-color-scheme: dark) {{ text {{ fill: #ddd }} .axis {{ stroke: #555 }} .line {{ stroke: #64b5f6 }} }}</style>\n",
        left + width + 20.0
    );
    let whole = (DAY * DAYS).as_secs_f64();
    let x = |at: Duration| left + width * at.as_secs_f64() / whole;
    for (place, (name, figure)) in panels.iter().enumerate() {
        let top = 34.0 + place as f64 * (height + gap);
        let most = looks.iter().map(figure).fold(1.0_f64, f64::max);
        // A round number above the highest.
        let step = 10_f64.powf(most.log10().floor()) / 2.0;
        let scale = (most / step).ceil() * step;
        let y = |value: f64| top + height * (1.0 - value / scale);
        let _ = writeln!(out, "<text x=\"{left}\" y=\"{:.0}\">{name}</text>", top - 8.0);
        for value in [0.0, scale] {
            let at = y(value);
            let _ = writeln!(
                out,
                "<path class=\"axis\" d=\"M{left} {at:.1}H{}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value:.0}</text>",
                left + width,
                left - 8.0,
                at + 4.0
            );
        }
        for day in 0..=DAYS {
            let at = x(DAY * day);
            let _ = writeln!(out, "<path class=\"axis\" d=\"M{at:.1} {top}v{height}\"/>");
        }
        let points: Vec<String> =
            looks.iter().map(|look| format!("{:.1} {:.1}", x(look.at), y(figure(look)))).collect();
        let _ = writeln!(out, "<path class=\"line\" d=\"M{}\"/>", points.join("L"));
    }
    for day in 1..=DAYS {
        let at = x(DAY * day) - width / f64::from(DAYS) / 2.0;
        let _ = writeln!(
            out,
            "<text x=\"{at:.1}\" y=\"{:.0}\" text-anchor=\"middle\">day {day}</text>",
            total - 18.0
        );
    }
    out.push_str("</svg>\n");
    out
}
