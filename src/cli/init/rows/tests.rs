//! Tables of inventories, as lines of a plan.

use super::*;
use crate::config::library::Library;
use crate::config::numbering::NumberingFile;
use proptest::prelude::*;

const DEVICES: &str = include_str!("../../../../dialplans/inventories/netbox-devices.csv");
const SITES: &str = include_str!("../../../../dialplans/inventories/netbox-sites.csv");
const PORTS: &str = include_str!("../../../../dialplans/inventories/netbox-console-server-ports.csv");
const BRANCHES: &str = include_str!("../../../../dialplans/inventories/branches.csv");

fn rules(name: &str) -> Option<Numbering> {
    Library::built_in().load::<NumberingFile>(&name.to_lowercase()).ok()
}

fn found(tables: &[&str], named: &[&str]) -> Found {
    let tables: Vec<Table> =
        tables.iter().enumerate().map(|(at, text)| Table::of(format!("t{at}.csv"), text).unwrap()).collect();
    let named: Vec<Column> = named.iter().map(|text| text.parse().unwrap()).collect();
    let own = rules("us").unwrap();
    read(&tables, &named, &Rules { own: &own, of: &rules })
}

fn told(found: &Found) -> Vec<String> {
    found.problems.iter().map(ToString::to_string).collect()
}

fn numbers(found: &Found) -> Vec<(&str, &str)> {
    found.lines.iter().map(|line| (line.id.as_str(), line.number.as_str())).collect()
}

#[test]
fn an_export_of_netbox_becomes_lines_with_their_sites_and_what_stands_behind_them() {
    let found = found(&[PORTS, SITES, DEVICES], &[]);
    assert_eq!(told(&found), Vec::<String>::new());
    assert_eq!(
        numbers(&found),
        [
            ("rdu01-rtr1", "+19195550101"),
            ("dfw02-cs1", "+12145550102"),
            ("lon03-rtr1", "+442079460103"),
            ("den04-rtr1", "+13035550104"),
            ("bos05-oob", "+16175550105"),
        ]
    );
    let [rdu, dfw, _, den, bos] = &found.lines[..] else { panic!("{:?}", found.lines) };
    assert_eq!(rdu.site.as_ref().map(SiteId::as_str), Some("Raleigh-01"));
    assert_eq!((rdu.others["console"].as_str(), rdu.others["tags"].as_str()), ("cisco-ios", "core|dsl"));
    assert_eq!((dfw.others["console"].as_str(), bos.others.get("console")), ("opengear", None));
    assert_eq!(den.others["on_hold"], "planned in t2.csv", "a device that is planned answers nothing yet");
    let sites: Vec<_> = found.sites.iter().map(|(id, site)| (id.as_str(), site.zone.as_deref())).collect();
    assert_eq!(
        sites,
        [
            ("Boston-05", Some("America/New_York")),
            ("Dallas-02", Some("America/Chicago")),
            ("Denver-04", None),
            ("London-03", Some("Europe/London")),
            ("Raleigh-01", Some("America/New_York")),
        ]
    );
    let behind: Vec<_> = found
        .behind
        .iter()
        .map(|one| {
            (one.line.as_str(), one.port.as_str(), one.hostname.as_ref().map(Hostname::as_str), one.console)
        })
        .collect();
    // The router is in the table of devices, the switch is not.
    assert_eq!(
        behind,
        [("dfw02-cs1", "1", Some("dfw02-rtr1"), Some("junos")), ("dfw02-cs1", "2", Some("dfw02-sw1"), None)]
    );
    let notices = found.notices.join("\n");
    for word in ["number is `OOB phone`", "2 rows without a number left out", "`Raleigh 01` is `Raleigh-01`"]
    {
        assert!(notices.contains(word), "{word}: {notices}");
    }
}

#[test]
fn a_spreadsheet_is_understood_and_lines_without_names_get_letters() {
    let one = found(&[BRANCHES], &[]);
    assert_eq!(numbers(&one)[1], ("br0002-oob", "+13365550102"));
    assert_eq!(one.lines[2].others["on_hold"], "closed in t0.csv");
    let letters = found(&["Branch,Phone\nDurham Main,919 555 0101\nDurham Main,919 555 0102\n"], &[]);
    assert_eq!(
        numbers(&letters).iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        ["Durham-Main-A", "Durham-Main-B"]
    );
    let abroad = found(
        &[
            "site,phone,country\nA,020 7946 0139,GB\nB,020 7946 0139,United Kingdom\nC,+44 20 7946 0140,United Kingdom\n",
        ],
        &[],
    );
    assert_eq!(numbers(&abroad), [("A-A", "+442079460139"), ("C-A", "+442079460140")]);
    assert!(
        told(&abroad)[0].starts_with("t0.csv:3: country: `United Kingdom` is no country"),
        "{:?}",
        told(&abroad)
    );
}

#[test]
fn our_own_columns_stay_what_they_are() {
    let own = "id,site,number,hostname,console,zone,windows,on_hold_until,hostnam\n\
        1001,BR1,+1 919 555 0101,h,none,America/New_York,22:00-05:00,,x\n";
    let found = found(&[own], &[]);
    assert_eq!(numbers(&found), [("1001", "+19195550101")]);
    let others: Vec<_> = found.lines[0].others.iter().map(|(key, text)| (*key, text.as_str())).collect();
    assert_eq!(others, [("console", "none"), ("windows", "22:00-05:00"), ("zone", "America/New_York")]);
    assert!(
        found.sites.is_empty() && found.notices[0].contains("of no use here: `hostnam`"),
        "{:?}",
        found.notices
    );
}

#[test]
fn everything_that_is_wrong_is_told_with_its_row() {
    let table = "Device,OOB phone\n\
        a,919 555 0101\n\
        a,919 555 0102\n\
        b,555 0103\n\
        c,1.91956E+10\n\
        d,919 555 0104 x7\n\
        ,919 555 0105\n";
    let found = found(&[table], &[]);
    let told = told(&found);
    let begins =
        ["t0.csv:3:", "t0.csv:4: OOB phone:", "t0.csv:5: OOB phone:", "t0.csv:6: OOB phone:", "t0.csv:7:"];
    assert_eq!(told.len(), begins.len(), "{told:?}");
    for (told, begin) in told.iter().zip(begins) {
        assert!(told.starts_with(begin), "{told}");
    }
    assert_eq!(numbers(&found), [("a", "+19195550101")]);
}

#[test]
fn a_table_without_numbers_is_refused_with_the_way_out() {
    let none = found(&["Name,Site\na,b\n"], &[]);
    assert!(told(&none)[0].contains("--column number=NAME") && told(&none)[0].contains("`Name` and `Site`"));
    let empty = found(&["Name,Phone,Line 2\na,,919 555 0101\n"], &[]);
    assert!(told(&empty)[0].contains("no row has a telephone number"), "{:?}", told(&empty));
    let named = found(&["Name,Phone,Line 2\na,,919 555 0101\n"], &["number=Line 2"]);
    assert_eq!(numbers(&named), [("a", "+19195550101")]);
}

proptest! {
    #[test]
    fn no_table_breaks_it_and_no_two_lines_have_one_name(
        rows in prop::collection::vec(("\\PC{0,12}", "[A-Z]{0,2}\\PC{0,6}", "[0-9 ]{0,12}"), 0..12),
    ) {
        let mut text = String::from("Site,Device,Phone\n");
        let cell = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
        for (site, device, phone) in &rows {
            text.push_str(&[cell(site), cell(device), cell(phone)].join(","));
            text.push('\n');
        }
        let found = found(&[&text], &[]);
        let ids: BTreeSet<_> = found.lines.iter().map(|line| line.id.clone()).collect();
        prop_assert_eq!(ids.len(), found.lines.len());
    }
}
