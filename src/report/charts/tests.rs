//! The pictures of the samples' night: well-formed, self-contained, and no two ids alike; what they show is what the run's
//! state says.

use std::collections::BTreeSet;

use quick_xml::Reader;
use quick_xml::events::Event as Xml;

use super::*;
use crate::model::event::{ModemState, Sitting};
use crate::model::{Event, EventKind, Verdict};
use crate::report::sample::{Story, event, header, line, modem, night};

type Picture = fn(&RunState) -> Option<String>;

const ALL: [(&str, Picture); 5] =
    [("gantt", gantt), ("phases", phases), ("times", times), ("speeds", speeds), ("map", map)];

fn sampled() -> RunState {
    RunState::of(&night()).unwrap()
}

/// Reads a fragment as XML, which is stricter than a browser, and hands back its ids and what refers to some.
fn ids_of(name: &str, fragment: &str) -> (Vec<String>, Vec<String>) {
    let (mut ids, mut referred) = (Vec::new(), Vec::new());
    let mut reader = Reader::from_str(fragment);
    let mut open = 0_i32;
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{name}: {error}\n{fragment}")) {
            Xml::Start(tag) => {
                open += 1;
                attributes(&tag, &mut ids, &mut referred);
            }
            Xml::Empty(tag) => attributes(&tag, &mut ids, &mut referred),
            Xml::End(_) => open -= 1,
            Xml::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open, 0, "{name} leaves an element open");
    (ids, referred)
}

fn attributes(tag: &quick_xml::events::BytesStart, ids: &mut Vec<String>, referred: &mut Vec<String>) {
    for attribute in tag.attributes() {
        let attribute = attribute.unwrap();
        let key = attribute.key.as_ref().to_owned();
        let value = attribute.value.into_owned();
        assert!(key != "style" && !key.starts_with("on"), "a strict policy refuses `{key}`");
        match key.as_str() {
            "id" => ids.push(value),
            "aria-labelledby" => referred.extend(value.split(' ').map(str::to_owned)),
            "fill" | "stroke" if value.starts_with("url(#") => {
                referred.push(value.trim_start_matches("url(#").trim_end_matches(')').to_owned());
            }
            "href" => assert!(value.starts_with("#line="), "`{value}` leads elsewhere"),
            _ => {}
        }
    }
}

#[test]
fn all_pictures_are_well_formed_and_need_nothing_else() {
    let state = sampled();
    let mut ids = Vec::new();
    let mut referred = Vec::new();
    for (name, draw) in ALL {
        let picture = draw(&state).unwrap_or_else(|| panic!("{name} is missing"));
        assert!(picture.starts_with("<figure") && picture.ends_with("</figure>"), "{picture}");
        assert!(
            picture.contains("role=\"img\"") && picture.contains("<desc id="),
            "{name} has no text for the blind"
        );
        assert!(
            !picture.contains("://") && !picture.contains("<script"),
            "{name} wants something from elsewhere"
        );
        assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
        let (its, refers) = ids_of(name, &picture);
        ids.extend(its);
        referred.extend(refers);
    }
    let unique: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "an id stands twice: {ids:?}");
    for id in referred {
        assert!(unique.contains(&id), "nothing has the id `{id}`");
    }
    for (line, known) in state.lines() {
        let picture = phases_of(&state, &line.id);
        assert_eq!(picture.is_some(), !known.calls.is_empty(), "{}", line.id);
        let Some(picture) = picture else { continue };
        assert!(ids_of("one line", &picture).0.is_empty(), "of these a page has many");
    }
}

#[test]
fn every_class_and_every_colour_is_in_the_style_sheet() {
    let state = sampled();
    let mut classes = BTreeSet::new();
    for (_, draw) in ALL {
        let picture = draw(&state).unwrap();
        for part in picture.split("class=\"").skip(1) {
            classes.extend(part.split('"').next().unwrap().split(' ').map(str::to_owned));
        }
    }
    for class in classes.iter().filter(|class| !class.starts_with("chart-svg-")) {
        assert!(STYLE.contains(&format!(".{class}")), "no rule for `.{class}`");
    }
    let used = STYLE.split("var(").skip(1).map(|part| part.split(')').next().unwrap());
    for variable in used.collect::<BTreeSet<_>>() {
        // By day, by night, by night on demand, and on paper.
        assert_eq!(
            STYLE.matches(&format!("{variable}:")).count(),
            4,
            "`{variable}` is not defined in all four"
        );
    }
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
}

#[test]
fn the_bank_has_a_shape_for_each_call_by_its_result() {
    let state = sampled();
    let picture = gantt(&state).unwrap();
    for result in Verdict::ALL {
        let calls: u64 = state.modems().iter().map(|modem| modem.calls_of(result)).sum();
        // One is the key's.
        let shapes = picture.matches(&format!("fill=\"url(#gantt-{result})\"")).count() as u64;
        assert_eq!(shapes, calls + 1, "{result}");
    }
    assert!(picture.contains("m03: out, port-busy"), "{picture}");
    assert!(
        picture.contains("BR0005-A, call 2 on m02: fail, wrong-console; 02:00:56 to 02:01:18"),
        "{picture}"
    );
    assert!(!picture.contains("c-break"), "one sitting has no break");
}

#[test]
fn a_run_that_was_taken_up_again_has_a_break_and_keeps_what_was_cut_off() {
    let mut story = Story::new(header((1..=2).map(line).collect(), vec![modem(0, "courier")]));
    story.modem(10, 0, ModemState::Ready, None, "");
    let mut events = story.events();
    events.push(event(20, started(1)));
    events.push(event(9_000, EventKind::Notice { text: "the last word before the crash".into() }));
    // Monotonic time begins again.
    events.push(event(0, EventKind::RunResumed(Sitting { lineman: "0.1.0".into(), origin_us: 7 })));
    events.push(event(50, started(2)));
    events.push(event(4_000, EventKind::Notice { text: "still going on".into() }));
    let state = RunState::of(&events).unwrap();
    let spells: Vec<_> = state.spells(0).map(|spell| (spell.sitting, spell.to.as_micros() / 1000)).collect();
    assert_eq!(spells, [(0, 9_000), (1, 4_000)]);
    let picture = gantt(&state).unwrap();
    assert_eq!(picture.matches("c-break").count(), 1, "{picture}");
    assert_eq!(picture.matches("not over").count(), 2, "{picture}");
    assert!(picture.contains("taken up again once"), "{picture}");
}

fn started(n: u32) -> EventKind {
    EventKind::CallStarted {
        call: crate::model::CallId::new(&line(n).id, 1),
        line: line(n).id,
        modem: modem(0, "").id,
        attempt: 1,
        dialed: String::new(),
        via: None,
    }
}

#[test]
fn a_run_in_which_nothing_happened_has_no_picture() {
    let begun = event(0, header(vec![line(1)], vec![modem(0, "courier")]));
    let state = RunState::of(&[begun]).unwrap();
    for (name, draw) in ALL {
        assert_eq!(draw(&state), None, "{name}");
    }
    assert_eq!(phases_of(&state, &line(1).id), None);
    assert_eq!(phases_of(&state, &"NOBODY".parse().unwrap()), None);
}

#[test]
fn what_a_modem_says_of_itself_is_no_markup() {
    let events: Vec<Event> = night()
        .into_iter()
        .map(|mut event| {
            if let EventKind::Modem { state: ModemState::Identified, detail, .. } = &mut event.kind {
                *detail = "\"><script>alert(1)</script>\u{1b}[31m".into();
            }
            event
        })
        .collect();
    let state = RunState::of(&events).unwrap();
    for (name, draw) in ALL {
        let Some(picture) = draw(&state) else { continue };
        assert!(!picture.contains("<script") && !picture.contains('\u{1b}'), "{name}");
        ids_of(name, &picture);
    }
}

#[test]
fn a_rate_far_below_the_usual_is_named_and_a_first_night_has_none() {
    use crate::model::usual::{FamilyUsual, Spread, Usual};
    let without = night().into_iter().filter(|event| !matches!(event.kind, EventKind::LinesBefore { .. }));
    let first = speeds(&RunState::of(&without.collect::<Vec<_>>()).unwrap()).unwrap();
    assert!(first.contains("not known yet"), "{first}");
    let mut events = night();
    for event in &mut events {
        if let EventKind::LinesBefore { lines } = &mut event.kind {
            for before in lines {
                let usual = if before.line == line(1).id { 50_000 } else { 31_200 };
                let family = FamilyUsual { connect_bps: Spread::of(&[usual; 5]), ..FamilyUsual::default() };
                let families = [("courier".to_owned(), family)].into();
                before.usual = Some(Usual { dialed_to_connect_ms: Spread::of(&[21_000; 5]), families });
            }
        }
    }
    let state = RunState::of(&events).unwrap();
    let picture = speeds(&state).unwrap();
    assert!(picture.contains("is far below it: BR0001-A."), "{picture}");
    assert!(picture.contains("BR0001-A: 31.2 kbit/s, usual 50"), "{picture}");
    assert_eq!(picture.matches("class=\"c-slow\"").count(), 2, "one, and the key's: {picture}");
    assert!(phases(&state).unwrap().contains("c-usual"));
}

#[test]
fn a_site_has_the_mark_of_its_worst_line_and_one_without_a_place_is_told() {
    let picture = map(&sampled()).unwrap();
    assert!(picture.contains("1 site is not on the map"), "{picture}");
    assert!(picture.contains("BR0005: fail"), "{picture}");
    assert!(picture.contains("href=\"#line=BR0005-A\""), "{picture}");
}

/// What WCAG 2.2 calls the contrast ratio of two colours. [https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio]
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |colour: &str| {
        let part = |at: usize| {
            let part = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn writing_and_shapes_stand_out_by_day_and_by_night() {
    assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 1e-9);
    let blocks: Vec<&str> = STYLE.split('{').filter(|block| block.contains("--chart-paper:")).collect();
    assert_eq!(blocks.len(), 4, "by day, by night, by night on demand, and on paper");
    for block in blocks {
        let colour = |name: &str| {
            let value = block.split(&format!("--chart-{name}:")).nth(1).unwrap();
            value.split(';').next().unwrap().trim().to_owned()
        };
        let paper = colour("paper");
        for writing in ["ink", "dim"] {
            assert!(contrast(&colour(writing), &paper) >= 4.5, "{writing} on {paper}");
        }
        for shape in ["pass", "degraded", "fail", "untested", "check", "out"] {
            assert!(contrast(&colour(shape), &paper) >= 3.0, "{shape} on {paper}");
            assert!(contrast(&colour(shape), &colour("track")) >= 3.0, "{shape} on the track");
        }
        for phase in
            ["dial", "post-dial", "ring", "train", "connect", "prompt", "login", "verify", "logout", "hangup"]
        {
            assert!(contrast(&colour(phase), &paper) >= 3.0, "{phase} on {paper}");
            assert!(
                contrast(&colour("over"), &colour(phase)) >= 4.5,
                "a name on {phase}: {}",
                contrast(&colour("over"), &colour(phase))
            );
        }
        for mark in ["pass", "degraded", "fail"] {
            assert!(contrast(&colour("over"), &colour(mark)) >= 4.5, "a count on {mark}");
        }
    }
}
