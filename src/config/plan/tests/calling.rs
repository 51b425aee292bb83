//! Who is called, by which ways, and who is left alone today.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::*;
use crate::config::plan::standing::Standing;
use crate::history::VoiceHold;
use crate::model::event::Via;

fn text(plan: &str, bank: &str) -> Result<Plan, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bank.yaml"), bank).unwrap();
    fs::write(folder.path().join("plan.yaml"), plan).unwrap();
    let there = format!("{}/", folder.path().display());
    load_plan(&folder.path().join("plan.yaml"), &Overrides::default())
        .map_err(|problems| problems.to_string().replace(&there, ""))
}

const BANK: &str = "bank: hq\nlocation: { country: US, area_code: \"919\" }\n\
    modems: [{ id: m00, port: /dev/ttyS100, profile: generic, prefix: \"9,\" }]\n";
const HEAD: &str = "plan: p\nbank: bank.yaml\ndefaults: { console: none }\n";

fn plan(rest: &str) -> Plan {
    text(&format!("{HEAD}{rest}"), BANK).unwrap()
}

fn ways(plan: &Plan, line: usize) -> Vec<(String, String)> {
    let dial = |way: &PlannedWay| plan.dial_string(way, &plan.bank.modems[0]).unwrap().command();
    plan.lines[line].ways.iter().map(|way| (way.told(), dial(way))).collect()
}

fn owned(ways: &[(&str, &str)]) -> Vec<(String, String)> {
    ways.iter().map(|(way, dial)| ((*way).to_owned(), (*dial).to_owned())).collect()
}

#[test]
fn a_line_is_called_by_each_number_through_each_carrier_in_turn() {
    let plan = load("good-ways.yaml").unwrap();
    assert_eq!(
        ways(&plan, 0),
        owned(&[
            // With a carrier all digits are dialed, within our own area too.
            ("+19195550101 through att", "9,101028819195550101"),
            ("+19195550101", "9,9195550101"),
            ("+17045550102 through att", "9,101028817045550102"),
            ("+17045550102", "9,17045550102"),
        ])
    );
    let line = &plan.lines[0].line;
    let vias: Vec<Option<Via>> = plan.lines[0].ways.iter().map(|way| way.via(line)).collect();
    let (att, other) = (Some("att".parse().unwrap()), Some("+17045550102".parse().unwrap()));
    assert_eq!(
        vias,
        [
            Some(Via { number: None, carrier: att.clone() }),
            None,
            Some(Via { number: other.clone(), carrier: att }),
            Some(Via { number: other, carrier: None }),
        ]
    );
}

#[test]
fn a_way_that_may_not_be_dialed_is_left_out_and_told_and_the_line_is_called_by_the_others() {
    let plan = load("good-ways.yaml").unwrap();
    assert_eq!(ways(&plan, 2), owned(&[("+442079460105", "9,011442079460105")]));
    assert_eq!(ways(&plan, 3), owned(&[("+14165550106 through att", "9,101028814165550106")]));
    assert!(plan.lines.iter().all(|planned| planned.preset.is_none()));
    let said: Vec<String> =
        plan.warnings.iter().map(|w| w.to_string().replace(&format!("{FIXTURES}/"), "")).collect();
    assert_eq!(
        said,
        [
            "good-ways.yaml:15: lines[2].number: +19005550104 is not called: it is a premium-rate number",
            "good-ways.yaml:16: lines[3].alternatives[0]: +19005550107 through att is not called: it is a premium-rate number",
            "good-ways.yaml:16: lines[3].id: the line's site `BR4` is not under `sites:`; did you mean `BR1`?",
        ]
    );
}

#[test]
fn a_carrier_that_would_reach_an_emergency_number_is_never_dialed() {
    let bank = "bank: hq\nlocation: { country: DE }\n\
        modems: [{ id: m00, port: /dev/ttyS100, profile: generic }]\n";
    let rest = "carriers: { bad: { prefix: \"01011\" }, good: { prefix: \"01033\" } }\n\
        lines: [{ id: A, number: \"+49 30 5550101\", carriers: [bad, good] }, { id: B, number: \"+49 30 5550102\", carriers: bad }]\n";
    let plan = text(&format!("{HEAD}{rest}"), bank).unwrap();
    // An exchange that swallows the first digits would hear 110.
    assert_eq!(ways(&plan, 0), owned(&[("+49305550101 through good", "010330305550101")]));
    assert_eq!(plan.lines[1].preset.as_ref().map(|preset| preset.fault), Some(Fault::Screened));
    assert!(plan.lines[1].ways.is_empty());
    let said: Vec<&str> = plan.warnings.iter().map(|w| w.at.key.as_str()).collect();
    assert_eq!(said, ["lines[0].carriers[0]"]);
}

#[test]
fn where_a_country_wants_the_carrier_within_the_number_its_code_stands_there() {
    let bank = "bank: hq\nlocation: { country: BR }\n\
        modems: [{ id: m00, port: /dev/ttyS100, profile: generic }]\n";
    let rest = "carriers: { embratel: { code: \"21\" } }\n\
        lines: [{ id: A, number: \"+55 11 3550 0101\", carriers: [direct, embratel] }]\n";
    let plan = text(&format!("{HEAD}{rest}"), bank).unwrap();
    let dialed: Vec<String> = ways(&plan, 0).into_iter().map(|(_, dialed)| dialed).collect();
    let usual = plan.numbering.carrier.clone();
    assert_eq!(dialed, [format!("0{usual}1135500101"), "0211135500101".to_owned()]);
}

#[test]
fn lines_have_the_tags_and_the_rank_of_their_site_and_their_own() {
    let plan = load("good-ways.yaml").unwrap();
    let facets: Vec<_> = plan
        .lines
        .iter()
        .map(|planned| {
            let facets = &planned.line.facets;
            let group = facets.hunt_group.as_ref().map_or("-", GroupName::as_str);
            let country = facets.country.as_deref().unwrap_or("-");
            format!("{} {} {group} {country}", facets.tags.join(","), facets.priority)
        })
        .collect();
    assert_eq!(facets, ["core,east,slow 5 lobby US", "east,far,slow -3 attic US", "far 0 - US", " 0 - CA"]);
    assert_eq!(plan.sites[&"BR1".parse().unwrap()].max_calls, Some(2));
    let groups: Vec<_> = plan.hunt_groups.iter().map(|(name, most)| (name.as_str(), *most)).collect();
    assert_eq!(groups, [("attic", 1), ("lobby", 2)]);
}

#[test]
fn a_line_must_be_left_by_every_flag() {
    let left = |only: &[&str], sites: &[&str], tags: &[&str]| {
        let all = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let overrides =
            Overrides { only: all(only), sites: all(sites), tags: all(tags), ..Overrides::default() };
        load_with("good-ways.yaml", &overrides).map(|plan| {
            let dialed = plan.lines.iter().filter(|planned| planned.preset.is_none());
            dialed.map(|planned| planned.line.id.to_string()).collect::<Vec<_>>().join(" ")
        })
    };
    assert_eq!(left(&[], &[], &["slow"]), Ok("BR1-A BR2-A".to_owned()));
    assert_eq!(left(&[], &[], &["core", "far"]), Ok("BR1-A BR2-A BR2-B".to_owned()), "any of them will do");
    assert_eq!(left(&[], &["BR2"], &["slow"]), Ok("BR2-A".to_owned()));
    assert_eq!(left(&["BR2-*"], &["BR*"], &["f*"]), Ok("BR2-A BR2-B".to_owned()));
    assert_eq!(
        left(&["BR1"], &["BR2"], &[]),
        Err("--only: no line of this plan is left by `--only` and `--site` together".to_owned())
    );
    assert_eq!(
        left(&[], &["BR9"], &["sloww"]),
        Err("--site: no site of this plan is `BR9`; did you mean `BR1`?\n--tag: no line of this plan has the tag `sloww`; did you mean `slow`?".to_owned())
    );
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn settled(
    plan: &mut Plan,
    now: &str,
    voice: &BTreeMap<PhoneNumber, VoiceHold>,
) -> Result<Vec<String>, String> {
    let passed = BTreeMap::new();
    let standing = Standing { now: at(now), voice, passed: &passed, skip_passed: None };
    plan.settle(&standing).map_err(|problems| {
        let said: Vec<String> = problems.0.iter().map(|p| format!("{}: {}", p.at.key, p.what)).collect();
        said.join("\n")
    })
}

fn presets(plan: &Plan) -> Vec<Option<(Fault, &str)>> {
    let presets = plan.lines.iter().map(|planned| planned.preset.as_ref());
    presets.map(|preset| preset.map(|preset| (preset.fault, preset.detail.as_str()))).collect()
}

#[test]
fn a_hold_ends_with_the_first_instant_of_its_day_at_the_site() {
    let lines = "zone: America/New_York\nlines:\n\
        - { id: A, number: \"+1 919 555 0101\", on_hold: \"dug up\", on_hold_until: 2026-11-25 }\n\
        - { id: B, number: \"+1 808 555 0102\", zone: Pacific/Honolulu, on_hold: \"dug up\", on_hold_until: 2026-11-25 }\n\
        - { id: C, number: \"+1 919 555 0103\", on_hold: \"dug up\" }\n";
    let faults = |now: &str| {
        let mut plan = plan(lines);
        assert_eq!(settled(&mut plan, now, &BTreeMap::new()), Ok(vec![]));
        plan.lines.iter().map(|planned| planned.preset.is_some()).collect::<Vec<_>>()
    };
    assert_eq!(faults("2026-11-25T04:59:59Z"), [true, true, true]);
    assert_eq!(faults("2026-11-25T05:00:00Z"), [false, true, true], "midnight in New York");
    assert_eq!(faults("2026-11-25T09:59:59Z"), [false, true, true]);
    assert_eq!(faults("2026-11-25T10:00:00Z"), [false, false, true], "midnight in Honolulu");
    assert_eq!(faults("2036-01-01T00:00:00Z"), [false, false, true], "without an end there is none");
    let plan = plan(lines);
    assert_eq!(
        presets(&plan)[0..3],
        [
            Some((Fault::OnHold, "dug up (until 2026-11-25)")),
            Some((Fault::OnHold, "dug up (until 2026-11-25)")),
            Some((Fault::OnHold, "dug up (no end date, age unknown)")),
        ]
    );
}

#[test]
fn a_day_without_a_zone_is_told_and_so_is_a_confirmation_that_is_still_to_come() {
    let mut plan = plan(
        "lines:\n\
        - { id: A, number: \"+1 919 555 0101\", on_hold: \"dug up\", on_hold_until: 2026-11-25 }\n\
        - { id: B, number: \"+1 919 555 0102\", number_confirmed: 2027-11-25 }\n",
    );
    let said = settled(&mut plan, "2026-11-25T12:00:00Z", &BTreeMap::new()).unwrap_err();
    assert_eq!(
        said,
        "lines[0].on_hold_until: is 2026-11-25, and when that day begins is not known; write the site's `zone:` (as `zone: America/New_York`) at the line, its site or the plan\n\
         lines[1].number_confirmed: is 2027-11-25, which is still to come; write the day on which somebody confirmed it"
    );
}

fn voices(numbers: &[(&str, &str, &str)]) -> BTreeMap<PhoneNumber, VoiceHold> {
    let run = "20261121T020000Z-p".to_owned();
    let hold = |line: &str, when: &str| VoiceHold { at: at(when), run: run.clone(), line: line.to_owned() };
    numbers.iter().map(|(number, line, when)| (number.parse().unwrap(), hold(line, when))).collect()
}

#[test]
fn a_number_that_a_person_answered_is_not_rung_until_it_is_confirmed_or_changed() {
    // 22:30 in New York on the 20th.
    let voice = voices(&[("+19195550101", "A", "2026-11-21T03:30:00Z")]);
    let settle = |keys: &str, zone: &str| {
        let mut plan = plan(&format!("{zone}lines: [{{ id: A, number: \"+1 919 555 0101\"{keys} }}]\n"));
        settled(&mut plan, "2026-11-25T03:00:00Z", &voice).unwrap();
        plan.lines[0].preset.clone()
    };
    let zone = "zone: America/New_York\n";
    let held = settle("", zone).unwrap();
    assert_eq!(held.fault, Fault::OnHold);
    assert_eq!(
        held.detail,
        "+19195550101 was answered by voice in run 20261121T020000Z-p, and nobody has confirmed the number since: `lineman audit --number-confirmed A`, or `number_confirmed: 2026-11-20` or later in the plan"
    );
    assert!(settle(", number_confirmed: 2026-11-19", zone).is_some(), "that was before");
    assert!(settle(", number_confirmed: 2026-11-20", zone).is_none());
    assert!(settle(", number_confirmed: 2026-11-23", zone).is_none());
    // Without a zone it may have been the 21st already.
    assert!(settle(", number_confirmed: 2026-11-20", "").is_some());
    assert!(settle(", number_confirmed: 2026-11-21", "").is_none());

    let mut changed = plan("lines: [{ id: A, number: \"+1 919 555 0109\" }]\n");
    settled(&mut changed, "2026-11-25T03:00:00Z", &voice).unwrap();
    assert_eq!(changed.lines[0].preset, None);
}

#[test]
fn a_line_with_another_number_is_called_by_that_one_while_a_person_answers_the_first() {
    let rest = "lines:\n\
        - { id: A, number: \"+1 919 555 0101\", alternatives: [\"+1 919 555 0102\"] }\n\
        - { id: B, number: \"+1 919 555 0103\", hostname: b }\n\
        - { id: C, number: \"+1 919 555 0103\", hostname: b }\n\
        - { id: D, number: \"+1 919 555 0104\", on_hold: \"dug up\", alternatives: [\"+1 919 555 0105\"] }\n";
    let mut plan = plan(rest);
    let heard = "2026-11-21T03:30:00Z";
    let voice =
        voices(&[("+19195550101", "A", heard), ("+19195550103", "B", heard), ("+19195550104", "D", heard)]);
    let told = settled(&mut plan, "2026-11-25T03:00:00Z", &voice).unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("line `A` is called by +19195550102: +19195550101 was answered by voice"),
        "{told:?}"
    );
    assert_eq!(ways(&plan, 0), owned(&[("+19195550102", "9,9195550102")]));
    let presets = presets(&plan);
    assert_eq!(presets[0], None);
    assert!(presets[2].is_some_and(|(_, detail)| detail.contains("for line `B`")), "{presets:?}");
    assert!(
        presets[3].is_some_and(|(_, detail)| detail.starts_with("dug up")),
        "the plan's own word comes first"
    );
}

#[test]
fn a_line_that_passed_not_long_ago_is_skipped_and_told_when() {
    let mut plan = plan(
        "lines:\n- { id: A, number: \"+1 919 555 0101\" }\n- { id: B, number: \"+1 919 555 0102\" }\n\
         - { id: C, number: \"+1 919 555 0103\" }\n- { id: D, number: \"+1 919 555 0104\", on_hold: \"dug up\" }\n",
    );
    let passed: BTreeMap<LineId, Timestamp> =
        [("A", "2026-11-18T03:00:00Z"), ("B", "2026-11-18T02:59:59Z"), ("D", "2026-11-24T03:00:00Z")]
            .map(|(line, when)| (line.parse().unwrap(), at(when)))
            .into();
    let voice = BTreeMap::new();
    let standing = Standing {
        now: at("2026-11-25T03:00:00Z"),
        voice: &voice,
        passed: &passed,
        skip_passed: Some(Duration::from_secs(7 * 24 * 3600)),
    };
    plan.settle(&standing).unwrap();
    assert_eq!(
        presets(&plan),
        [
            Some((Fault::Skipped, "passed at 2026-11-18T03:00:00Z, within the time of `--skip-passed`")),
            None,
            None,
            Some((Fault::OnHold, "dug up (no end date, age unknown)")),
        ]
    );
}
