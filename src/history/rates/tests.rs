//! Rates, against nights that are counted by hand; and who is accused.

use proptest::prelude::*;

use super::*;
use crate::history::played::{Call, Found, MODEMS, Town, began};
use crate::model::Fault;

fn call(modem: &'static str, fault: Option<Fault>) -> Call {
    Call { modem, fault, train_ms: None }
}

const PASS: Found = Some(None);
const BUSY: Found = Some(Some(Fault::Busy));

/// Forty nights of ten lines. One line is dead; m01 loses every fourth first call, and a brother gets through then.
fn town() -> Town {
    let mut town = Town::new();
    let names: Vec<String> = (0..10).map(|n| format!("b{n}-A")).collect();
    for night in 0..40_u32 {
        let found: Vec<(&str, Found, Vec<Call>)> = names
            .iter()
            .zip(0_u32..)
            .map(|(name, n)| {
                let name = name.as_str();
                let modem = MODEMS[((n + night) % 3) as usize].0;
                if n == 9 {
                    return (
                        name,
                        BUSY,
                        vec![call(modem, Some(Fault::Busy)), call("m00", Some(Fault::Busy))],
                    );
                }
                if modem == "m01" && (n + night / 3) % 4 == 0 {
                    let first = call(modem, Some(Fault::NoCarrier));
                    return (name, Some(Some(Fault::NeededRetry)), vec![first, call("m00", None)]);
                }
                (name, PASS, vec![call(modem, None)])
            })
            .collect();
        town.night_with_calls(night, &found);
    }
    town
}

fn rates(town: &Town, by: By) -> Rates {
    town.store().rates(by, began(10), None).unwrap()
}

#[test]
fn rates_by_site_and_cause_are_those_of_the_verdicts_of_the_time() {
    let town = town();
    let sites = rates(&town, By::Site);
    assert_eq!((sites.runs, sites.rates.len()), (30, 10));
    let dead = &sites.rates[0];
    assert_eq!((dead.name.as_str(), dead.tried, dead.failed, dead.lines), ("b9", 30, 30, 1));
    assert!(dead.share.low > 0.88 && dead.share.high > 0.999);
    assert!(sites.rates[1..].iter().all(|rate| rate.failed == 0 && rate.tried == 30));
    let causes = rates(&town, By::Cause);
    let names: Vec<&str> = causes.rates.iter().map(|rate| rate.name.as_str()).collect();
    assert_eq!(names, ["busy", "needed-retry"]);
    assert_eq!((causes.rates[0].failed, causes.rates[0].tried), (30, 300));
    let countries = rates(&town, By::Country);
    assert_eq!((countries.rates[0].name.as_str(), countries.rates[0].tried), ("US", 300));
    assert!(town.store().rates(By::Site, began(10), Some("other")).unwrap().rates.is_empty());
}

#[test]
fn rates_of_the_bench_are_those_of_its_calls() {
    let town = town();
    let modems = rates(&town, By::Modem);
    let tried: u64 = modems.rates.iter().map(|rate| rate.tried).sum();
    let retries = rates(&town, By::Cause).rates[1].failed;
    assert_eq!(tried, 300 + 30 + retries);
    let trunks = rates(&town, By::Trunk);
    let names: Vec<&str> = trunks.rates.iter().map(|rate| rate.name.as_str()).collect();
    assert_eq!(names, ["pstn", "isdn"]);
    assert_eq!(trunks.rates.iter().map(|rate| rate.tried).sum::<u64>(), tried);
    assert_eq!(rates(&town, By::Carrier).rates[0].name, "");
}

#[test]
fn the_modem_that_loses_sound_lines_is_told_and_no_other() {
    let modems = rates(&town(), By::Modem);
    let worse: Vec<&str> =
        modems.comparisons.iter().filter(|one| one.is_worse()).map(|one| one.modem.as_str()).collect();
    assert_eq!(worse, ["m01"]);
    let first = &modems.comparisons[0];
    // Second calls and the dead line count for nobody.
    assert_eq!(first.calls + first.others, 270);
    assert!(first.same_family && first.others_failed == 0 && first.failed > 15);
    assert!(first.chance.unwrap() < first.chance_of_all.unwrap());
}

#[test]
fn modems_of_one_name_on_two_banks_are_two() {
    let mut town = Town::new();
    for night in 0..30 {
        town.moves_to(if night % 2 == 0 { "hq" } else { "lab" });
        let found = if night % 2 == 0 { None } else { Some(Fault::NoCarrier) };
        town.night_with_calls(night, &[("b1-A", Some(found), vec![call("m00", found)])]);
    }
    for by in [By::Modem, By::Trunk] {
        let told = town.store().rates(by, began(0), None).unwrap();
        let counted: Vec<(Option<&str>, u64, u64)> =
            told.rates.iter().map(|rate| (rate.bank.as_deref(), rate.tried, rate.failed)).collect();
        assert_eq!(counted, [(Some("lab"), 15, 15), (Some("hq"), 15, 0)], "{by:?}");
    }
    let sites = town.store().rates(By::Site, began(0), None).unwrap();
    assert_eq!((sites.rates.len(), sites.rates[0].bank.as_deref()), (1, None));
}

#[test]
fn with_few_calls_nobody_is_accused() {
    let few = town().store().rates(By::Modem, began(38), None).unwrap();
    assert!(
        few.comparisons.iter().all(|one| one.chance.is_none() && !one.is_worse()),
        "{:?}",
        few.comparisons
    );
}

fn modem(n: usize, calls: u64, failed: u64, family: &str) -> FirstCalls {
    FirstCalls {
        bank: "hq".into(),
        modem: format!("m{n:02}"),
        family: family.into(),
        calls,
        failed: failed.min(calls),
    }
}

#[test]
fn brothers_are_of_the_family_where_there_are_some() {
    let told = compared(&[
        modem(0, 500, 5, "courier"),
        modem(1, 500, 5, "courier"),
        modem(2, 500, 60, "rockwell"),
        modem(3, 500, 60, "rockwell"),
        modem(4, 500, 6, "digi"),
    ]);
    assert!(told.iter().all(|one| !one.is_worse()), "{told:?}");
    let alone = told.iter().find(|one| one.modem == "m04").unwrap();
    assert_eq!((alone.same_family, alone.others), (false, 2000));
}

#[test]
fn of_modems_that_are_all_alike_one_report_in_a_hundred_accuses_somebody_at_most() {
    let mut state = 7_u64;
    let mut even = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut accused = 0;
    for _ in 0..300 {
        let modems: Vec<FirstCalls> = (0..16)
            .map(|n| {
                let failed = (0..200).filter(|_| even() < 0.04).count() as u64;
                modem(n, 200, failed, "courier")
            })
            .collect();
        accused += usize::from(compared(&modems).iter().any(Comparison::is_worse));
    }
    assert!(accused <= 6, "{accused} of 300");
}

proptest! {
    #[test]
    fn counts_are_those_that_were_handed_in(parts in prop::collection::vec((0_u64..300, 0_u64..40), 1..12)) {
        let modems: Vec<FirstCalls> =
            parts.iter().enumerate().map(|(n, &(calls, failed))| modem(n, calls, failed, "courier")).collect();
        let all: u64 = modems.iter().map(|modem| modem.calls).sum();
        let told = compared(&modems);
        prop_assert_eq!(told.len(), parts.len());
        for one in &told {
            prop_assert_eq!(one.calls + one.others, all);
            prop_assert_eq!(one.chance.is_some(), one.chance_of_all.is_some());
            prop_assert!(one.failed <= one.calls && one.others_failed <= one.others);
        }
    }
}
