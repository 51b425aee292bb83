//! `lineman init`: what it writes is a plan that `lineman check` has nothing against, made of options, of inventories, or of
//! answers on a terminal; and it never writes over anything, nor half of it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::night::{Ended, SOON};
use crate::stage::{Stage, finish};
use crate::terminal::Terminal;

/// An inventory that is shipped.
fn inventory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans/inventories").join(name)
}

fn ran(stage: &Stage, arguments: &[&str]) -> Ended {
    let output = finish(stage.lineman(arguments), SOON);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { status: output.status, out: text(&output.stdout), err: text(&output.stderr) }
}

/// All files of a stage that are an answer to a question.
fn files(stage: &Stage) -> Vec<String> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    let root = stage.path("");
    walk(&root, &root, &mut found);
    // What lineman remembers, and by what editors check; both are another matter.
    found.retain(|path| !path.starts_with("home") && !path.ends_with(".schema.json"));
    found.sort();
    found
}

fn assert_checks(stage: &Stage, plan: &str, words: &[&str]) {
    let checked = ran(stage, &["check", plan]);
    assert_eq!((checked.code(), checked.err.as_str()), (Some(0), ""), "{}", checked.said());
    for word in words {
        assert!(checked.out.contains(word), "`{word}` is not to be seen:\n{}", checked.out);
    }
}

/// Its first line names a schema that is there, as editors look for it.
fn assert_schema(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let named = text.lines().next().unwrap().strip_prefix("# yaml-language-server: $schema=").unwrap();
    let schema = fs::read_to_string(path.parent().unwrap().join(named)).unwrap();
    serde_json::from_str::<serde_json::Value>(&schema).unwrap();
}

#[test]
fn a_starter_is_checked_clean_in_every_country_and_dials_nothing() {
    let countries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans/numbering")).unwrap();
    for country in countries {
        let country = country.unwrap().path().file_stem().unwrap().to_string_lossy().to_uppercase();
        let stage = Stage::new();
        let made = ran(&stage, &["init", "--country", &country]);
        assert_eq!((made.code(), made.err.as_str()), (Some(0), ""), "{country}: {}", made.said());
        assert_eq!(files(&stage), ["dialplans/nightly.yaml", "hardware/banks/hq.yaml"]);
        assert_checks(&stage, "dialplans/nightly.yaml", &["1 line, 0 to dial", "on-hold"]);
        for file in ["dialplans/nightly.yaml", "hardware/banks/hq.yaml"] {
            assert_schema(&stage.path(file));
        }
    }
}

#[test]
fn exports_of_netbox_become_a_plan() {
    let stage = Stage::new();
    let path = |name: &str| inventory(name).display().to_string();
    let (devices, sites, ports) =
        (path("netbox-devices.csv"), path("netbox-sites.csv"), path("netbox-console-server-ports.csv"));
    let made = ran(
        &stage,
        &[
            "init",
            "site",
            "--name",
            "oob",
            "--country",
            "US",
            "--area-code",
            "919",
            "--prefix",
            "9,",
            "--port",
            "/dev/ttyUSB0,rfc2217://10.0.0.9:4001",
            "--from",
            &devices,
            "--from",
            &sites,
            "--from",
            &ports,
            "--username",
            "o'ob: x",
            "--reference",
            "919 555 0199",
        ],
    );
    assert_eq!(made.code(), Some(0), "{}", made.said());
    assert!(made.err.contains("2 rows without a number left out"), "{}", made.err);
    let wanted = ["oob-consoles.csv", "oob-sites.csv", "oob.csv", "oob.yaml"]
        .map(|name| format!("site/dialplans/{name}"));
    assert_eq!(files(&stage), [&wanted[..], &["site/hardware/banks/hq.yaml".to_owned()]].concat());
    // Numbers of the bank's own area are dialed shorter, others by the long way.
    assert_checks(
        &stage,
        "site/dialplans/oob.yaml",
        &[
            "9,9195550101",
            "9,12145550102",
            "9,011442079460103",
            "opengear +2",
            "5 lines, 4 to dial, 2 modems",
            "planned in",
        ],
    );
}

#[test]
fn a_second_plan_takes_the_bank_that_is_there() {
    let stage = Stage::new();
    assert_eq!(ran(&stage, &["init", "--country", "GB", "--port", "/dev/ttyS0"]).code(), Some(0));
    let bank = fs::read(stage.path("hardware/banks/hq.yaml")).unwrap();
    let again = ran(&stage, &["init"]);
    assert!(again.code() == Some(2) && again.err.contains("not overwritten"), "{}", again.said());
    let other = ran(&stage, &["init", "--name", "weekly", "--port", "/dev/ttyS1"]);
    assert!(other.code() == Some(2) && other.err.contains("leave --port out"), "{}", other.said());
    let weekly = ran(&stage, &["init", "--name", "weekly", "--line", "LDN01-A=020 7946 0139=ldn01-rtr1"]);
    assert_eq!(weekly.code(), Some(0), "{}", weekly.said());
    assert_checks(&stage, "dialplans/weekly.yaml", &["LDN01-A", "+442079460139", "02079460139"]);
    assert_eq!(fs::read(stage.path("hardware/banks/hq.yaml")).unwrap(), bank);
}

#[test]
fn all_that_is_wrong_is_told_with_its_rows_and_nothing_is_left_behind() {
    let stage = Stage::new();
    let table = stage.write(
        "lines.csv",
        "Branch,Phone,Router\nA,919 555 0101,a\nB,555 0102,b\nC,1.9E+10,c\nD,(919) 555-0104 ext 3,a\nE,919 555 0105,e\n",
    );
    let before = files(&stage);
    let from = table.display().to_string();
    let made = ran(&stage, &["init", "--country", "US", "--from", &from]);
    for word in ["lines.csv:3: Phone", "lines.csv:4: Phone", "lines.csv:5:", "--skip-bad"] {
        assert!(made.code() == Some(2) && made.err.contains(word), "{word}: {}", made.said());
    }
    assert_eq!(files(&stage), before);
    let most = ran(&stage, &["init", "--country", "US", "--from", &from, "--skip-bad"]);
    assert_eq!(most.code(), Some(0), "{}", most.said());
    assert_checks(&stage, "dialplans/nightly.yaml", &["2 lines, 2 to dial"]);

    // What only the whole plan tells is told of the row, or of the option, that it came from.
    let other =
        stage.write("b.csv", "id,number,console\nA,+1 919 555 0101,cisco-iso\n").display().to_string();
    let odd = ran(&stage, &["init", "--name", "b", "--from", &other, "--area-code", "1"]);
    assert!(odd.code() == Some(2) && odd.err.contains("leave --area-code out"), "{}", odd.said());
    let odd = ran(&stage, &["init", "--name", "b", "--from", &other]);
    assert!(
        odd.code() == Some(2) && odd.err.contains("b.csv:2: console") && odd.err.contains("`cisco-ios`"),
        "{}",
        odd.said()
    );
    let secret = ran(&stage, &["init", "--name", "b", "--password", "Tin-Kettle-19"]);
    assert!(
        secret.code() == Some(2) && !secret.said().contains("Kettle"),
        "a password is not said again: {}",
        secret.said()
    );
    assert!(!stage.path("dialplans/b.yaml").exists() && !stage.path("dialplans/b.csv").exists());
}

#[test]
fn on_a_terminal_it_asks_and_takes_a_wrong_answer_for_what_it_is() {
    let stage = Stage::new();
    let mut terminal = Terminal::start(&stage.lineman(["init"]), None);
    let answers = [
        ("Name of the plan [nightly]", "branches"),
        ("Country that the modems dial from", "USA"),
        ("`USA` is no country whose numbers are known", "us"),
        ("area code", "919"),
        ("outside line", ""),
        ("Ports of the modems", "/dev/ttyUSB0 rfc2217://10.0.0.9:4001"),
        ("CSV file of the lines", ""),
        ("Name of a line", "BR0001-A"),
        ("Its number", "555 0101"),
        ("no number of US", "(336) 555-0101"),
        ("The host that must answer there", "br0001-rtr1"),
        ("Name of a line", ""),
        ("What answers on the lines", "linux"),
        ("User who logs in there [oob]", ""),
        ("Where the password comes from", "prompt"),
        ("A number that always answers", ""),
    ];
    let mut seen = 0;
    for (question, answer) in answers {
        terminal.wait_for(question, |screen| {
            let end = screen.trim_end();
            end.len() > seen && end.ends_with(':') && screen[seen.min(screen.len())..].contains(question)
        });
        seen = terminal.see(|screen| screen.all().trim_end().len());
        terminal.press(format!("{answer}\r").as_bytes());
    }
    let (status, raw) = terminal.finish(SOON);
    assert!(status.success(), "{}", String::from_utf8_lossy(&raw));
    assert_checks(&stage, "dialplans/branches.yaml", &["BR0001-A", "+13365550101", "linux", "2 modems"]);

    // Who leaves off leaves nothing behind.
    let mut terminal = Terminal::start(&stage.lineman(["init", "--name", "other"]), None);
    terminal.wait_for("a question", |screen| screen.contains("CSV file of the lines"));
    terminal.press(&[4]);
    let (status, _) = terminal.finish(SOON);
    assert_eq!(status.code(), Some(2));
    assert!(!stage.path("dialplans/other.yaml").exists());
}
