//! What a plan's tariff and budget come to, and what is wrong with some.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::config::{Overrides, load_plan};
use crate::model::Micros;

const BANK: &str = "bank: hq\nlocation: { country: US, area_code: \"919\" }\n\
    modems: [{ id: m00, port: /dev/ttyS0, profile: generic, number: '+1 919 555 0199' }]\n";
const LINES: &str = "lines:\n  - { id: A, number: \"+1 919 555 0101\" }\n  - { id: B, number: \"+1 704 555 0102\" }\n  \
    - { id: C, number: \"+44 7400 123456\" }\n";

fn load_with(keys: &str, tariff: Option<&str>) -> Result<Plan, String> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    fs::create_dir(folder.path().join("hardware")).unwrap();
    write("bank.yaml", BANK);
    if let Some(text) = tariff {
        write("dialplans/tariffs/own.yaml", text);
    }
    let text = format!("plan: p\nbank: bank.yaml\ndefaults: {{ console: none }}\n{keys}{LINES}");
    load_plan(&write("plan.yaml", &text), &Overrides::default()).map_err(|problems| problems.to_string())
}

fn wrong(keys: &str, tariff: Option<&str>) -> String {
    load_with(keys, tariff).unwrap_err()
}

#[test]
fn a_number_is_priced_by_its_class_as_seen_from_the_bank() {
    let plan = load_with("tariff: example\n", None).unwrap();
    let price = |number: &str| plan.price(&number.parse().unwrap());
    for (number, class, per_minute) in [
        ("+1 919 555 0101", NumberClass::Local, 0),
        ("+1 704 555 0102", NumberClass::National, 35_000),
        ("+44 7400 123456", NumberClass::International, 280_000),
        ("+1 416 555 0102", NumberClass::International, 1_200_000),
    ] {
        let price = price(number);
        assert_eq!(
            (price.class, price.rates.unwrap().base.per_minute),
            (class, Micros(per_minute)),
            "{number}"
        );
    }
    // The whole room of a call is billed, by the begun minute.
    let worst = price("+1 704 555 0102").worst(plan.room());
    let minutes = u32::try_from(plan.room().as_secs().div_ceil(60)).unwrap();
    assert_eq!((worst.billed_s, worst.cost), (minutes * 60, Some(Micros(35_000).times(minutes.into()))));
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    let without = load_with("", None).unwrap();
    assert_eq!(without.price(&"+1 704 555 0102".parse().unwrap()).worst(without.room()).cost, None);
}

#[test]
fn a_budget_is_read_whole() {
    let plan = load_with(
        "tariff: example\nbudget: { run: { calls: 900, minutes: 600, cost: '25.50' }, line: { calls: 4 }, \
         number: { minutes: 30 }, international: { cost: '9' }, mobile: { calls: 0 } }\n",
        None,
    )
    .unwrap();
    let run =
        Purse { calls: Some(900), time: Some(Duration::from_secs(36_000)), cost: Some(Micros(25_500_000)) };
    assert_eq!(plan.budget.run, run);
    assert_eq!(plan.budget.line, Purse { calls: Some(4), ..Purse::default() });
    assert_eq!(plan.budget.number.time, Some(Duration::from_secs(1800)));
    let classes: Vec<_> = plan.budget.by_class.keys().copied().collect();
    assert_eq!(classes, [NumberClass::Mobile, NumberClass::International]);
    assert_eq!(plan.budget.by_class[&NumberClass::Mobile].calls, Some(0), "none of these is to be called");
}

#[test]
fn money_needs_a_tariff_and_a_price_for_every_number() {
    let said = wrong("budget: { run: { cost: '25' }, mobile: { cost: '1' } }\n", None);
    assert!(said.contains("budget.run.cost: is in money, and the plan has no tariff"), "{said}");
    assert!(said.contains("budget.mobile.cost: is in money"), "{said}");

    let own = "tariff: own\ncurrency: USD\nclasses: { local: { per_call: '0.1' }, national: { per_minute: '0.03' } }\n";
    let said = wrong("tariff: own\nbudget: { run: { cost: '25' } }\n", Some(own));
    assert!(
        said.contains("tariff: the tariff `own` has no price for international numbers (+447400123456); give it `classes.international`"),
        "{said}"
    );
    // No purse would have to pay for those.
    let plan = load_with("tariff: own\nbudget: { national: { cost: '25' } }\n", Some(own)).unwrap();
    assert_eq!(plan.warnings.len(), 1, "{:?}", plan.warnings);
    assert!(plan.warnings[0].to_string().contains("what they cost is not told"), "{:?}", plan.warnings);
}

#[test]
fn a_purse_that_pays_for_no_call_is_told() {
    let said = wrong("budget: { run: { minutes: 1 } }\n", None);
    assert!(said.contains("budget.run.minutes: is less than one call may take"), "{said}");
    assert!(said.contains("3 lines, the first is `A`"), "{said}");
    let plan = load_with("tariff: example\nbudget: { international: { cost: '0.05' } }\n", None).unwrap();
    assert_eq!(plan.warnings.len(), 1, "{:?}", plan.warnings);
    let said = plan.warnings[0].to_string();
    assert!(said.contains("budget.international.cost") && said.contains("line `C`"), "{said}");
}

#[test]
fn what_is_wrong_with_either_is_told_at_its_key() {
    let said = wrong(
        "tariff: exampel\nbudget: { run: {}, line: { calls: 0 }, number: { cost: '1,5' }, nation: { calls: 1 } }\n",
        None,
    );
    for part in [
        "tariff: there is no tariff `exampel`; did you mean `example`?",
        "budget.run: has no limit; write `calls: 500`",
        "budget.line.calls: is 0; nothing could be dialed",
        "budget.number.cost: is `1,5`",
        "did you mean `national`?",
    ] {
        assert!(said.contains(part), "{part} is not told:\n{said}");
    }
    let said = wrong(
        "tariff: own\n",
        Some("tariff: own\ncurrency: dollars\nclasses: { local: { per_call: '1' } }\n"),
    );
    assert!(said.contains("dialplans/tariffs/own.yaml:2: currency: is `dollars`"), "{said}");
}
