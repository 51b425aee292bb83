//! Plans from files: every bad file of `tests/fixtures/config/` says in its head, behind `# > `, all that must be said of it.

mod calling;

use std::fs;
use std::path::Path;

use super::*;
use crate::config::load_plan;
use crate::fleet::scheduler::Preflight;
use crate::model::Hostname;

const FIXTURES: &str = "tests/fixtures/config";

fn load(name: &str) -> Result<Plan, String> {
    load_with(name, &Overrides::default())
}

fn load_with(name: &str, overrides: &Overrides) -> Result<Plan, String> {
    let path = Path::new(FIXTURES).join(name);
    load_plan(&path, overrides).map_err(|problems| {
        let said = problems.to_string().replace(&format!("{FIXTURES}/"), "");
        // Which profiles, consoles and countries there are changes with the tree, and is not what the fixtures are about.
        let there = regex::Regex::new(r"\(((?:hardware|dialplans)/\w+) has `[^)]*\)").unwrap();
        there.replace_all(&said, "($1 has ...)").into_owned()
    })
}

fn dials(plan: &Plan) -> Vec<String> {
    let dial = |line: &PlannedLine| plan.dial_string(&line.ways[0], &plan.bank.modems[0]).unwrap().command();
    plan.lines.iter().map(dial).collect()
}

#[test]
fn every_bad_file_gets_its_exact_messages_all_at_once() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for entry in fs::read_dir(FIXTURES).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_none_or(|e| e != "yaml") || name.starts_with("good") {
            continue;
        }
        seen += 1;
        let text = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&text);
        let expected: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# > ")).collect();
        let said = load(&name).err().unwrap_or_default();
        if said != expected.join("\n") || expected.is_empty() {
            wrong.push(format!("{name}: expected\n{}\nsaid\n{said}\n", expected.join("\n")));
        }
        assert!(
            !said.contains("hunter2") && !said.contains("4711007"),
            "{name} gives a password away: {said}"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen >= 30, "only {seen} bad files were found");
}

#[test]
fn a_real_bank_listens_for_its_dial_tones_first_and_a_simulated_one_need_not() {
    let checks = load("good.yaml").unwrap().checks;
    assert_eq!(checks, CheckPlan { preflight: Preflight::DialTone, reference: None, toll: None });
    assert_eq!(load("good-simulated.yaml").unwrap().checks, CheckPlan::default());
}

#[test]
fn a_good_plan_is_whole() {
    let plan = load("good.yaml").unwrap();
    assert_eq!(dials(&plan), ["9,9195550101", "9,17045550102", "9,011442079460103"]);
    assert_eq!((plan.name.as_str(), plan.bank.name.as_str(), plan.seed), ("bad", "good", 7));
    assert_eq!((plan.policy.attempts, plan.policy.confirm), (3, 2));
    assert_eq!(plan.policy.retry_after[&Fault::Busy], Duration::from_secs(180));
    assert_eq!(plan.policy.bench.patience, Duration::from_secs(60));
    assert_eq!((plan.limits, plan.bank.on_hook_min), (Limits::default(), Duration::from_secs(3)));
    let [first, second, third] = &plan.lines[..] else { panic!("{:?}", plan.lines) };
    assert_eq!(first.dialog.as_ref().map(|dialog| dialog.name()), Some("plain"));
    assert_eq!(first.credential.as_ref().map(CredentialName::as_str), Some("oob"));
    assert_eq!((&second.console, &second.credential), (&None, &None));
    assert_eq!(third.preset.as_ref().map(|preset| preset.fault), Some(Fault::OnHold));
    assert_eq!(plan.numbering.cadence_to(&first.line.number), Duration::from_secs(6));
    assert!(plan.bank.profiles.contains_key("courier") && plan.bank.profiles.len() == 2);
    assert_eq!(plan.warnings, []);
}

#[test]
fn each_rule_of_a_degraded_line_can_be_changed_or_switched_off() {
    use crate::call::quality::{Rules, TrainRule};
    let plan = load("good-degraded.yaml").unwrap();
    assert!(!plan.policy.adaptive);
    let train = TrainRule { margin: Duration::from_secs(12), ..Rules::default().train.unwrap() };
    assert_eq!(
        plan.policy.degraded,
        Rules {
            connect_bps: None,
            connect_share: Some(0.5),
            retrains: None,
            block_errors_per_min: Some(33.5),
            level_drop_db: None,
            rx_level_dbm: Some(-43),
            snr_db: Some(20),
            error_control: false,
            train: Some(train),
            needed_retry: false,
            nights: 7,
        }
    );
    let usual = load("good.yaml").unwrap().policy;
    assert_eq!((usual.adaptive, usual.degraded), (true, Rules::default()));
}

#[test]
fn the_law_of_the_country_that_we_dial_from_holds_whatever_the_bank_says() {
    let plan = load("good-law.yaml").unwrap();
    assert_eq!(plan.numbering.name, "ch");
    assert_eq!(plan.bank.on_hook_min, Duration::from_secs(5), "the bank wrote 1s");
    assert_eq!(plan.numbering.redial.as_ref().and_then(|law| law.attempts), Some(5));
    assert_eq!(dials(&plan), ["0,0215550101", "0,0049305550102"]);
    let simulated = load("good-simulated.yaml").unwrap();
    assert_eq!(simulated.bank.on_hook_min, Duration::ZERO, "no exchange that is played is bound by it");
}

#[test]
fn a_csv_file_has_the_same_names_as_columns_whatever_its_separator() {
    let plan = load("good-csv.yaml").unwrap();
    assert_eq!(dials(&plan), ["9,9195550101", "9,17045550102"]);
    assert_eq!(plan.lines[0].line.hostname.as_ref().map(crate::model::Hostname::as_str), Some("br1"));
    assert_eq!(plan.lines[1].line.hostname, None);
}

#[test]
fn what_may_not_be_dialed_is_screened_and_leaves_the_plan_good() {
    let plan = load("good-screened.yaml").unwrap();
    let details: Vec<&str> =
        plan.lines.iter().map(|l| l.preset.as_ref().map_or("", |p| p.detail.as_str())).collect();
    assert_eq!(
        details,
        [
            "it begins with the emergency number `110`, and the exchange would not wait for the rest",
            "it is a premium-rate number",
            "it is a premium-rate number",
            "",
            "",
        ]
    );
    assert!(plan.lines[..3].iter().all(|l| l.preset.as_ref().is_some_and(|p| p.fault == Fault::Screened)));
    let refused = |n: usize| plan.dial_string_of(&plan.lines[n].line.number, &plan.bank.modems[0]).is_err();
    assert!((0..3).all(|n| refused(n) && plan.lines[n].ways.is_empty()));
    let dial = |n: usize| plan.dial_string(&plan.lines[n].ways[0], &plan.bank.modems[0]).unwrap().command();
    assert_eq!((dial(3), dial(4)), ("0,0305555".to_owned(), "0,55550101".to_owned()));
}

#[test]
fn lines_that_are_not_wanted_are_skipped_and_a_name_that_fits_none_is_told() {
    let only = |names: &[&str]| Overrides {
        only: names.iter().map(ToString::to_string).collect(),
        ..Overrides::default()
    };
    let plan = load_with("good.yaml", &only(&["BR2"])).unwrap();
    let faults: Vec<_> = plan.lines.iter().map(|l| l.preset.as_ref().map(|p| p.fault)).collect();
    assert_eq!(faults, [Some(Fault::Skipped), None, Some(Fault::OnHold)]);
    let plan = load_with("good.yaml", &only(&["BR1"])).unwrap();
    let last = plan.lines[2].preset.as_ref().map(|p| p.fault);
    assert_eq!(last, Some(Fault::Skipped), "a line on hold that is not asked for is left out as the others");
    let plan = load_with("good.yaml", &only(&["BR2-*"])).unwrap();
    assert_eq!(plan.lines.iter().filter(|l| l.preset.is_none()).count(), 1);
    let said = load_with("good.yaml", &only(&["BR3"])).unwrap_err();
    assert_eq!(said, "--only: no line and no site of this plan is `BR3`; did you mean `BR1`?");
}

#[test]
fn another_bank_takes_the_place_of_the_plans() {
    let bank = Path::new(FIXTURES).join("hardware/banks/germany.yaml");
    let overrides = Overrides { bank: Some(bank), seed: Some(9), ..Overrides::default() };
    let said = load_with("good.yaml", &overrides).unwrap_err();
    assert!(
        said.contains("numbering: `us` has the dialing rules of US, and the bank stands in DE"),
        "{said}"
    );
    let plan = load_with("good-screened.yaml", &overrides).unwrap();
    assert_eq!(plan.seed, 9);
}

#[test]
fn two_lines_with_one_number_are_worth_a_word() {
    let plan = load("good-doubles.yaml").unwrap();
    let said: Vec<String> =
        plan.warnings.iter().map(|w| w.to_string().replace(&format!("{FIXTURES}/"), "")).collect();
    assert_eq!(
        said,
        [
            "good-doubles.yaml:6: lines[1].id: has the number of `BR1` at good-doubles.yaml:5 and another hostname (`br1` there, `br2` here): one of the two will fail",
            "good-doubles.yaml:7: lines[2].id: has the number of `BR1` at good-doubles.yaml:5: it is dialed twice",
        ]
    );
    assert_eq!(plan.deadline, Some(jiff::civil::time(5, 30, 0, 0)));
}

#[test]
fn five_thousand_lines_are_read_with_a_mistake_in_each_and_not_all_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let bank = fs::canonicalize(Path::new(FIXTURES).join("hardware/banks/good.yaml")).unwrap();
    let mut text = format!(
        "plan: big\nbank: {}\nnumbering: us\ndefaults: {{ console: none }}\nlines:\n",
        bank.display()
    );
    for n in 0..5000 {
        let line = format!(
            "  - {{ id: L{n}, site: S{n}, number: 919 555 {n:04}, hostname: a-rather-long-name-{n} }}\n"
        );
        text.push_str(&line);
    }
    let path = folder.path().join("big.yaml");
    fs::write(&path, &text).unwrap();
    let problems = load_plan(&path, &Overrides::default()).unwrap_err();
    assert_eq!(problems.0.len(), 5000);
    assert!(problems.to_string().ends_with("and 4950 more"));
    fs::write(&path, text.replace("number: 919", "number: +1 919")).unwrap();
    assert_eq!(load_plan(&path, &Overrides::default()).unwrap().lines.len(), 5000);
}

#[test]
fn a_users_profile_wins_over_the_one_built_in() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("hardware/modems")).unwrap();
    fs::write(root.join("hardware/modems/generic.yaml"), "profile: generic\nabout: ours\nsetup: [AT&F]\n")
        .unwrap();
    fs::write(
        root.join("bank.yaml"),
        "bank: b\nlocation: { country: US }\nmodems: [{ id: m, port: /dev/null, profile: auto }]\n",
    )
    .unwrap();
    fs::write(
        root.join("plan.yaml"),
        "plan: p\nbank: bank.yaml\nlines: [{ id: L, number: +1 919 555 0101, console: none }]\n",
    )
    .unwrap();
    let plan = load_plan(&root.join("plan.yaml"), &Overrides::default()).unwrap();
    assert_eq!(plan.bank.profiles["generic"].about, "ours");
    assert!(
        plan.bank.profiles.len() > 3,
        "`auto` needs every profile there is: {:?}",
        plan.bank.profiles.keys()
    );
    assert_eq!((plan.numbering.name.as_str(), &plan.lines[0].line.site.to_string()), ("us", &"L".to_owned()));
}

#[test]
fn patterns_of_names() {
    for (pattern, name, fits) in [
        ("BR1", "BR1", true),
        ("BR1", "BR10", false),
        ("BR*", "BR10", true),
        ("*-A", "BR10-A", true),
        ("B*0*A", "BR10-A", true),
        ("*", "x", true),
        ("a*a", "a", false),
        ("B*1*1", "BR1", false),
    ] {
        assert_eq!(glob(pattern, name), fits, "{pattern} {name}");
    }
}

#[test]
fn a_simulated_bank_has_the_modems_of_its_exchange_and_no_rest() {
    let plan = load("good-simulated.yaml").unwrap();
    let modems: Vec<_> =
        plan.bank.modems.iter().map(|m| (m.id.as_str(), m.profile.as_str(), m.port.as_str())).collect();
    assert_eq!(modems, [("m00", "courier", ""), ("m01", "generic", "")]);
    assert_eq!(plan.bank.on_hook_min, Duration::ZERO);
    let (file, profiles) = crate::config::load_exchange(plan.bank.exchange.as_deref().unwrap()).unwrap();
    assert_eq!((file.modems.len(), profiles.len()), (2, 2));
}

#[test]
fn the_example_plan_is_good() {
    let plan = load_plan(Path::new("dialplans/example.yaml"), &Overrides::default()).unwrap();
    assert_eq!(plan.warnings, []);
    assert!(plan.lines.iter().any(|l| l.preset.as_ref().is_some_and(|p| p.fault == Fault::Screened)));
    assert!(plan.bank.exchange.is_some());
}

#[test]
fn all_that_is_shipped_is_built_in_and_right() {
    use crate::config::library::{Known, Library};
    use crate::config::numbering::NumberingFile;
    use crate::config::tariff::TariffFile;
    use crate::console::dialog::DialogFile;
    use crate::modem::profile::Profile;

    let built_in = Library::built_in();
    let here = Library::around(Path::new("dialplans/example.yaml"));
    for kind in [Known::Modem, Known::Console, Known::Numbering, Known::Tariff] {
        assert_eq!(built_in.names(kind), here.names(kind), "{}", kind.folder());
        for name in built_in.names(kind) {
            let good = match kind {
                Known::Modem => built_in.load::<Profile>(&name).map(drop),
                Known::Console => built_in.load::<DialogFile>(&name).map(drop),
                Known::Numbering => built_in.load::<NumberingFile>(&name).map(drop),
                Known::Tariff => built_in.load::<TariffFile>(&name).map(drop),
            };
            assert!(good.is_ok(), "{name}: {good:?}");
        }
    }
}

#[test]
fn the_nearest_hours_win_and_blackouts_add_up() {
    let plan = load("good-hours.yaml").unwrap();
    let hours: Vec<_> = plan.lines.iter().map(|line| line.hours.clone().unwrap()).collect();
    let said: Vec<String> = hours.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "mon-fri 22:00-05:00, sat,sun,holiday 00:00-24:00 America/New_York",
            "01:00-04:00, 12:00-13:00 America/New_York",
            "mon,tue 23:00-04:00, sat 00:00-24:00 Europe/London",
            "mon-fri 22:00-05:00, sat,sun,holiday 00:00-24:00 America/Chicago",
        ]
    );
    let open = |line: usize, at: &str| hours[line].is_open(at.parse().unwrap());
    // Thanksgiving, a holiday of every year, one of a file; a day that is none.
    assert!(
        open(0, "2026-11-26T17:00:00Z") && open(0, "2029-12-25T17:00:00Z") && open(0, "2026-07-03T17:00:00Z")
    );
    assert!(!open(0, "2026-11-27T17:00:00Z") && open(0, "2026-11-28T04:00:00Z"));
    assert!(open(3, "2026-11-26T17:00:00Z") && !open(3, "2026-11-28T03:59:00Z"));
    // The plan's blackout, in each zone, and a line's or site's own besides.
    assert!(open(0, "2026-12-31T05:30:00Z") == open(0, "2026-12-31T09:00:00Z"));
    assert!(!open(0, "2027-01-01T16:59:00Z") && open(0, "2027-01-01T17:00:00Z"));
    assert!(!open(1, "2026-12-24T07:00:00Z") && open(1, "2026-12-25T07:00:00Z"));
    assert!(!open(1, "2027-01-01T07:00:00Z"));
    assert!(!open(2, "2026-12-01T23:30:00Z") && open(2, "2026-12-08T23:30:00Z"));
    // A site's holidays stand in place of the plan's.
    assert!(!open(2, "2026-12-28T23:30:00Z") && open(2, "2026-12-29T23:30:00Z"));
    assert_eq!(plan.zone.as_ref().map(|zone| zone.name().to_owned()).as_deref(), Some("America/New_York"));
    assert_eq!(plan.warnings, []);
    assert!(load("good.yaml").unwrap().lines.iter().all(|line| line.hours.is_none()));
}

#[test]
fn equal_hours_are_one_and_the_banks_zone_comes_last() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "bank.yaml",
        "bank: hq\nlocation: { country: US, zone: America/Denver }\nmodems: [{ id: m00, port: /dev/ttyS100, profile: generic }]\n",
    );
    let plan = |keys: &str| {
        let text = format!(
            "plan: p\nbank: bank.yaml\n{keys}defaults: {{ console: none }}\nlines:\n- {{ id: A, number: '+1 704 555 0101' }}\n- {{ id: B, number: '+1 704 555 0102' }}\n"
        );
        write("plan.yaml", &text);
        load_plan(&folder.path().join("plan.yaml"), &Overrides::default()).unwrap()
    };
    let found = plan("windows: 22:00-05:00\n");
    let [a, b] = &found.lines[..] else { panic!("two lines") };
    assert!(Arc::ptr_eq(a.hours.as_ref().unwrap(), b.hours.as_ref().unwrap()));
    assert_eq!(a.hours.as_ref().unwrap().zone().name(), "America/Denver");
    let found = plan("zone: EST\nwindows: 'holiday 22:00-05:00'\n");
    let warned: Vec<String> = found.warnings.iter().map(|warning| warning.what.clone()).collect();
    assert!(warned.iter().any(|what| what.contains("no summer time")), "{warned:?}");
    assert!(warned.iter().any(|what| what.contains("no holidays are listed")), "{warned:?}");
    assert_eq!(plan("").lines[0].hours, None);
}

#[test]
fn consoles_behind_a_line_are_written_in_it_or_in_a_table_of_their_own() {
    let plan = load("good-consoles.yaml").unwrap();
    let told = |line: &PlannedLine| {
        let one = |behind: &crate::console::Behind| {
            let host = behind.hostname.as_ref().map_or("-", Hostname::as_str);
            format!("{}={}/{host}/{}", behind.name, behind.port, behind.dialog.name())
        };
        line.consoles.iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(
        told(&plan.lines[0]),
        ["core=1/br1-sw1/cisco-ios", "br1-sw2=2/br1-sw2/generic", "12=12/-/generic"]
    );
    assert_eq!(told(&plan.lines[1]), ["rtr=br2-rtr/br2-rtr1/cisco-ios", "br2-pdu=br2-pdu/-/linux"]);
    assert_eq!(told(&plan.lines[2]), [""; 0]);
    assert_eq!(plan.lines[0].line.facets.consoles, ["core", "br1-sw2", "12"]);
    // Each console adds its three limits to the room of a call, and the way to the menu one more.
    let [first, _, third] = &plan.lines[..] else { panic!("{:?}", plan.lines) };
    let room = |line: &PlannedLine| plan.limits.room(line.dialog.as_deref(), &line.consoles);
    let more = Duration::from_secs(5 + 3 * (5 + 30 + 8) + 2 * 8);
    assert_eq!(room(first), room(third) + more);
    assert_eq!(plan.room(), room(first));
}
