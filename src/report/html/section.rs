//! A line's own section: its verdict and what to do, its attempts side by side with what is usual on it, and what the
//! console said.

use minijinja::Value;
use serde::Serialize;

use super::super::{LineState, RunState, charts, consoles, news, transcript};
use super::words::{clean, clock, seconds};
use super::{PICTURED_LINES_MAX, Transcripts};
use crate::model::event::Hangup;
use crate::model::usual::{FamilyUsual, Spread};
use crate::model::{
    CallRecord, Change, Changed, Diagnostics, Fault, Line, Link, PhaseTimes, Termination, Verdict,
};

/// What stands where something was cut out of a transcript.
const CUT: &str = "\n[... cut here ...]\n";

/// One line.
#[derive(Serialize)]
pub(super) struct Section<'a> {
    line: &'a str,
    site: &'a str,
    number: &'a str,
    hostname: &'a str,
    tags: String,
    result: &'static str,
    fault: &'static str,
    blame: &'static str,
    advice: &'static str,
    detail: String,
    mark: String,
    /// When it was tested before, and what came out.
    before: String,
    withdrawn: Vec<String>,
    attempts: Vec<Attempt<'a>>,
    /// Figures of the attempts, side by side.
    facts: Vec<Fact>,
    /// Whether any of them has a usual figure beside it.
    has_usual: bool,
    picture: Value,
    consoles: Vec<Console<'a>>,
    said: Vec<Said>,
}

#[derive(Serialize)]
struct Attempt<'a> {
    /// Its number within the line.
    n: u32,
    modem: &'a str,
    dialed: String,
    via: String,
    started: String,
    result: &'static str,
    fault: &'static str,
    detail: String,
    hangup_unproven: bool,
    /// Whether the verdict rests on it.
    decided: bool,
}

#[derive(Serialize)]
struct Fact {
    what: &'static str,
    cells: Vec<String>,
    usual: String,
}

#[derive(Serialize)]
struct Console<'a> {
    name: String,
    result: &'static str,
    fault: &'static str,
    hostname: &'a str,
    detail: String,
}

#[derive(Serialize)]
struct Said {
    attempt: u32,
    text: String,
    /// The file that has all of it, if this has not.
    whole: String,
}

pub(super) fn sections<'a>(state: &'a RunState, said: &Transcripts) -> Vec<Section<'a>> {
    let limit = said.limit();
    let all_pictured = state.header().lines.len() <= PICTURED_LINES_MAX;
    let section = |(line, known): (&'a Line, &'a LineState)| {
        let passed = known.verdict.as_ref().is_some_and(|verdict| verdict.fault.is_none());
        let picture = if all_pictured || !passed { charts::phases_of(state, &line.id) } else { None };
        section(state, line, known, Transcript { said, limit }, picture)
    };
    state.lines().map(section).collect()
}

#[derive(Clone, Copy)]
struct Transcript<'a> {
    said: &'a Transcripts,
    limit: usize,
}

fn section<'a>(
    state: &RunState,
    line: &'a Line,
    known: &'a LineState,
    transcript: Transcript<'_>,
    picture: Option<String>,
) -> Section<'a> {
    let verdict = known.verdict.as_ref();
    let fault = verdict.and_then(|verdict| verdict.fault);
    let changed = state.changed(&line.id);
    let decided = verdict.and_then(|verdict| verdict.call.as_ref());
    let facts = facts(state, known);
    Section {
        line: line.id.as_str(),
        site: line.site.as_str(),
        number: line.number.as_str(),
        hostname: line.hostname.as_ref().map_or("", |host| host.as_str()),
        tags: line.facets.tags.iter().map(|tag| clean(tag)).collect::<Vec<_>>().join(", "),
        result: verdict.map_or("", |_| Verdict::of(fault).word()),
        fault: fault.map_or("", Fault::code),
        blame: fault.map_or("", |fault| fault.blame().word()),
        advice: fault.map_or("", Fault::advice),
        detail: verdict.map(|verdict| clean(&verdict.detail)).unwrap_or_default(),
        before: changed.as_ref().map(before).unwrap_or_default(),
        // What `before` says of these is the same in other words.
        mark: changed
            .as_ref()
            .filter(|changed| {
                !matches!(changed.change, Change::StillFailing | Change::StillDegraded | Change::Stale)
            })
            .and_then(news::mark)
            .unwrap_or_default(),
        withdrawn: known.withdrawn.iter().map(|why| clean(why)).collect(),
        attempts: known.calls.iter().map(|call| attempt(call, decided == Some(&call.call))).collect(),
        has_usual: facts.iter().any(|fact| !fact.usual.is_empty()),
        facts,
        picture: picture.map_or_else(|| Value::from(""), Value::from_safe_string),
        consoles: consoles::of_line(line, known)
            .map(|found| Console {
                name: clean(found.name),
                result: Verdict::of(found.fault()).word(),
                fault: found.fault().map_or("", Fault::code),
                hostname: found.by.and_then(|(_, record)| record.hostname.as_deref()).unwrap_or_default(),
                detail: clean(&found.detail()),
            })
            .collect(),
        said: said(known, &transcript),
    }
}

/// What is known of it from before, in words that stand alone.
fn before(changed: &Changed) -> String {
    let told = news::before(changed);
    match changed.change {
        Change::StillFailing | Change::StillDegraded => format!("It has been so {told}."),
        Change::Flapping => format!("It {told}."),
        _ => format!("Before: {told}."),
    }
}

fn attempt(call: &CallRecord, decided: bool) -> Attempt<'_> {
    let via = call.via.as_ref().map(|via| {
        let number = via.number.as_ref().map(|number| format!("calls {number} instead"));
        let carrier = via.carrier.as_ref().map(|carrier| format!("through {carrier}"));
        [number, carrier].into_iter().flatten().collect::<Vec<_>>().join(", ")
    });
    Attempt {
        n: call.attempt,
        modem: call.modem.as_str(),
        dialed: clean(&call.dialed),
        via: via.unwrap_or_default(),
        started: clock(call.started),
        result: Verdict::of(call.fault).word(),
        fault: call.fault.map_or("", Fault::code),
        detail: clean(&call.detail),
        hangup_unproven: call.hangup == Hangup::Unproven,
        decided,
    }
}

/// A figure of all attempts, side by side; absent where none has it.
fn fact<'a>(
    known: &'a LineState,
    what: &'static str,
    usual: String,
    of: impl Fn(&'a CallRecord) -> Option<String>,
) -> Option<Fact> {
    let cells: Vec<Option<String>> = known.calls.iter().map(of).collect();
    cells.iter().any(Option::is_some).then(|| Fact {
        what,
        cells: cells.into_iter().map(Option::unwrap_or_default).collect(),
        usual,
    })
}

/// What is usual on the line, in the family of the modem that decided: like is compared with like.
struct Before<'a> {
    connect: Option<&'a Spread>,
    family: Option<&'a FamilyUsual>,
}

impl<'a> Before<'a> {
    fn of(state: &RunState, known: &'a LineState) -> Self {
        let usual = known.before.as_ref().and_then(|before| before.usual.as_ref());
        let profile = known.deciding().and_then(|call| {
            let modem = state.modems().iter().find(|modem| modem.header.id == call.modem)?;
            Some(modem.header.profile.as_str())
        });
        let family = usual.zip(profile).and_then(|(usual, profile)| usual.families.get(profile));
        Self { connect: usual.and_then(|usual| usual.dialed_to_connect_ms.as_ref()), family }
    }

    fn ms(spread: Option<&Spread>) -> String {
        spread.map_or(String::new(), |spread| {
            let ms = |ms: i64| seconds(u64::try_from(ms).unwrap_or(0));
            format!("{} ± {}", ms(spread.median), ms(spread.deviation() as i64))
        })
    }

    fn plain(spread: Option<&Spread>) -> String {
        spread.map_or(String::new(), |spread| match spread.deviation().round() as i64 {
            0 => spread.median.to_string(),
            deviation => format!("{} ± {deviation}", spread.median),
        })
    }
}

fn facts(state: &RunState, known: &LineState) -> Vec<Fact> {
    let before = Before::of(state, known);
    let family = |of: fn(&FamilyUsual) -> Option<&Spread>| before.family.and_then(of);
    let times: Vec<PhaseTimes> = known.calls.iter().map(|call| PhaseTimes::of(&call.timeline)).collect();
    let phase = |what, usual: Option<&Spread>, of: fn(&PhaseTimes) -> Option<u64>| {
        let cells: Vec<Option<String>> = times.iter().map(|times| of(times).map(seconds)).collect();
        cells.iter().any(Option::is_some).then(|| Fact {
            what,
            cells: cells.into_iter().map(Option::unwrap_or_default).collect(),
            usual: Before::ms(usual),
        })
    };
    let train = family(|usual| usual.train_ms.as_ref());
    let phases = [
        phase("set-up, s", None, |times| times.setup_ms),
        phase("dial, s", None, |times| times.dial_ms),
        phase("post-dial, s", None, |times| times.post_dial_ms),
        phase("ring, s", None, |times| times.ring_ms),
        phase("train, s", train, |times| times.train_ms),
        phase("ring and train, s", family(|usual| usual.ring_train_ms.as_ref()), |times| times.ring_train_ms),
        phase("connect, s", None, |times| times.connect_ms),
        phase("train and connect, s", family(|usual| usual.train_connect_ms.as_ref()), |times| {
            times.train_connect_ms
        }),
        phase("dialed to connect, s", before.connect, |times| times.dialed_to_connect_ms),
        phase("prompt, s", None, |times| times.prompt_ms),
        phase("login, s", None, |times| times.login_ms),
        phase("verify, s", None, |times| times.verify_ms),
        phase("logout, s", None, |times| times.logout_ms),
        phase("hang-up, s", None, |times| times.hangup_ms),
        phase("total, s", None, |times| times.total_ms),
        phase("split error, s", None, |times| times.split_error_ms),
    ];
    let rate = Before::plain(family(|usual| usual.connect_bps.as_ref()));
    let level = Before::plain(family(|usual| usual.rx_level_dbm.as_ref()));
    let noise = Before::plain(family(|usual| usual.snr_db.as_ref()));
    let told = |what, usual, of: fn(&Diagnostics) -> Option<String>| {
        fact(known, what, usual, move |call| call.diagnostics.as_deref().and_then(of))
    };
    let none = String::new;
    let rest = [
        fact(known, "rings", none(), |call| call.rings.map(|rings| rings.to_string())),
        fact(known, "speed, bit/s", rate, |call| speed(&call.link)),
        fact(known, "modulation", none(), |call| call.link.modulation.as_deref().map(clean)),
        fact(known, "error control", none(), |call| protocol(&call.link)),
        told("received, dBm", level, |told| told.rx_level_dbm.map(|dbm| dbm.to_string())),
        told("sent, dBm", none(), |told| told.tx_level_dbm.map(|dbm| dbm.to_string())),
        told("signal to noise, dB", noise, |told| told.snr_db.map(|db| db.to_string())),
        told("line quality (lower is better)", none(), |told| {
            told.line_quality.map(|figure| figure.to_string())
        }),
        told("retrains", none(), |told| told.retrains.map(|count| count.to_string())),
        told("rate shifts", none(), |told| told.rate_shifts.map(|count| count.to_string())),
        told("block errors", none(), |told| told.block_errors.map(|count| count.to_string())),
        told("round trip, ms", none(), |told| told.round_trip_ms.map(|ms| ms.to_string())),
        told("ended by", none(), ended_by),
        fact(known, "host", none(), |call| call.hostname.as_deref().map(clean)),
        fact(known, "billed, s", none(), |call| call.charge.map(|charge| charge.billed_s.to_string())),
        fact(known, "cost", none(), |call| {
            let currency = state.header().currency.as_deref()?;
            Some(format!("{} {}", call.charge?.cost?, clean(currency)))
        }),
    ];
    phases.into_iter().chain(rest).flatten().collect()
}

/// One rate where both ways have it.
fn speed(link: &Link) -> Option<String> {
    match (link.tx_bps, link.rx_bps) {
        (Some(tx), Some(rx)) if tx != rx => Some(format!("{tx} out, {rx} in")),
        (tx, rx) => tx.or(rx).map(|rate| rate.to_string()),
    }
}

fn protocol(link: &Link) -> Option<String> {
    let both = [link.protocol.as_deref(), link.compression.as_deref()];
    let words: Vec<String> = both.into_iter().flatten().map(clean).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn ended_by(told: &Diagnostics) -> Option<String> {
    let word = told.termination.map(Termination::word);
    let cause = told.disconnect_cause.as_deref().map(clean);
    match (word, cause) {
        (Some(word), Some(cause)) => Some(format!("{word}: {cause}")),
        (word, cause) => word.map(str::to_owned).or(cause),
    }
}

fn said(known: &LineState, transcript: &Transcript<'_>) -> Vec<Said> {
    let heard = known.calls.iter().filter_map(|call| {
        let text = transcript.said.of_call(&call.call)?;
        let short = shortened(text, transcript.limit);
        let whole = match &short {
            Some(_) => format!("transcripts/{}", transcript::file_name(&call.call)),
            None => String::new(),
        };
        Some(Said { attempt: call.attempt, text: short.unwrap_or_else(|| text.to_owned()), whole })
    });
    heard.collect()
}

/// The first quarter and the last three of a text that is too long; absent where it is not.
fn shortened(text: &str, limit: usize) -> Option<String> {
    if text.len() <= limit {
        return None;
    }
    let whole = |at: &usize| text.is_char_boundary(*at);
    let head = (0..=limit / 4).rev().find(whole).unwrap_or(0);
    let tail = (text.len() - limit * 3 / 4..text.len()).find(whole).unwrap_or(text.len());
    Some(format!("{}{CUT}{}", &text[..head], &text[tail..]))
}
