//! No purse is ever overdrawn, nothing set aside is lost, and what is told of a shortage is so.

use proptest::prelude::*;

use super::*;

fn charge(class: NumberClass, billed_s: u32, cost: u64) -> Charge {
    Charge { class, billed_s, cost: Some(Micros(cost)) }
}

fn national(billed_s: u32, cost: u64) -> Charge {
    charge(NumberClass::National, billed_s, cost)
}

fn calls(calls: u64) -> Purse {
    Purse { calls: Some(calls), ..Purse::default() }
}

#[test]
fn the_last_of_a_purse_is_set_aside_first_and_spent_only_when_the_call_has_ended() {
    let mut ledger = Ledger::new(Budget { run: calls(2), ..Budget::default() });
    let one = ledger.begin(Some(1), 1, national(60, 0)).unwrap();
    let two = ledger.begin(Some(2), 2, national(60, 0)).unwrap();
    let short = Shortage { scope: Scope::Run, measure: Measure::Calls, limit: 2 };
    assert_eq!(ledger.begin(Some(3), 3, national(60, 0)), Err(Funds::SetAside(short)));
    // It dialed nothing: its place is free again.
    ledger.settle(one, None);
    let three = ledger.begin(Some(3), 3, national(60, 0)).unwrap();
    ledger.settle(two, Some(&national(0, 0)));
    assert_eq!(ledger.may_begin(Some(&4), &4, &national(60, 0)), Funds::SetAside(short));
    ledger.settle_in_full(three);
    assert_eq!(ledger.may_begin(Some(&4), &4, &national(60, 0)), Funds::Spent(short));
}

#[test]
fn time_that_a_call_did_not_take_is_free_again() {
    let time = Purse { time: Some(Duration::from_secs(600)), ..Purse::default() };
    let mut ledger = Ledger::new(Budget { run: time, ..Budget::default() });
    for n in 0..10 {
        let reserve = ledger.begin(Some(n), n, national(300, 0)).unwrap();
        ledger.settle(reserve, Some(&national(30, 0)));
    }
    // 300 of 600 s are left, and that is just enough.
    let last = ledger.begin(Some(10), 10, national(300, 0)).unwrap();
    assert!(matches!(ledger.may_begin(Some(&11), &11, &national(300, 0)), Funds::SetAside(_)));
    ledger.settle(last, Some(&national(1, 0)));
    let Funds::Spent(short) = ledger.may_begin(Some(&11), &11, &national(300, 0)) else { panic!() };
    assert_eq!(short.to_string(), "the run's budget of 10 min");
    assert_eq!(ledger.may_begin(Some(&11), &11, &national(299, 0)), Funds::Enough, "a shorter one would fit");
}

#[test]
fn a_class_has_its_own_purse_and_a_line_and_a_number_have_theirs() {
    let cost = |cost| Purse { cost: Some(Micros(cost)), ..Purse::default() };
    let mut ledger = Ledger::new(Budget {
        run: Purse::default(),
        by_class: [(NumberClass::Mobile, cost(100))].into(),
        line: calls(1),
        number: calls(2),
    });
    let mobile = charge(NumberClass::Mobile, 60, 80);
    ledger.spend(Some(&1), &7, &mobile);
    let told = |funds| match funds {
        Funds::Spent(short) => short.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(told(ledger.may_begin(Some(&1), &8, &national(60, 900))), "the line's budget of 1 call");
    assert_eq!(told(ledger.may_begin(Some(&2), &7, &mobile)), "the run's budget for mobile calls of 0.0001");
    assert_eq!(ledger.may_begin(Some(&2), &7, &national(60, 900)), Funds::Enough);
    ledger.spend(Some(&2), &7, &national(60, 900));
    assert_eq!(told(ledger.may_begin(None, &7, &national(60, 900))), "the number's budget of 2 calls");
    // A check of the bench has no line.
    assert_eq!(ledger.may_begin(None, &8, &national(60, 900)), Funds::Enough);
}

#[test]
fn a_call_without_a_price_is_never_paid_from_a_purse_of_money() {
    let purse = Purse { cost: Some(Micros(u64::MAX)), ..Purse::default() };
    let ledger: Ledger<u32, u32> = Ledger::new(Budget { run: purse, ..Budget::default() });
    let unpriced = Charge { class: NumberClass::National, billed_s: 1, cost: None };
    assert!(matches!(ledger.may_begin(Some(&1), &1, &unpriced), Funds::Spent(_)));
}

/// What a run does with its ledger.
#[derive(Debug, Clone)]
enum Step {
    /// A line, a number, the class of its call, the most that it can take; not always of a line.
    Begin { line: Option<u8>, number: u8, most: Charge },
    /// The call at this place (of those that run) ends with this many percent of what was set aside; absent: it dialed nothing.
    End { place: usize, percent: Option<u8> },
    /// Nobody knows what it took.
    Lost { place: usize },
}

fn charges() -> impl Strategy<Value = Charge> {
    (prop::sample::select(NumberClass::ALL.to_vec()), 0u32..400, 0u64..1000)
        .prop_map(|(class, billed_s, cost)| charge(class, billed_s, cost))
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let begin = (prop::option::weighted(0.9, 0u8..6), 0u8..5, charges())
        .prop_map(|(line, number, most)| Step::Begin { line, number, most });
    let end = (0usize..8, prop::option::weighted(0.9, 0u8..=100))
        .prop_map(|(place, percent)| Step::End { place, percent });
    let lost = (0usize..8).prop_map(|place| Step::Lost { place });
    prop::collection::vec(prop_oneof![5 => begin, 4 => end, 1 => lost], 0..120)
}

fn purses() -> impl Strategy<Value = Purse> {
    (
        prop::option::of(0u64..30),
        prop::option::of((0u64..4000).prop_map(Duration::from_secs)),
        prop::option::of((0u64..9000).prop_map(Micros)),
    )
        .prop_map(|(calls, time, cost)| Purse { calls, time, cost })
}

fn budgets() -> impl Strategy<Value = Budget> {
    let by_class = prop::collection::btree_map(
        prop::sample::select(NumberClass::ALL.to_vec()),
        purses(),
        0..NumberClass::ALL.len(),
    );
    (purses(), by_class, purses(), purses()).prop_map(|(run, by_class, line, number)| Budget {
        run,
        by_class,
        line,
        number,
    })
}

/// What the calls of one purse come to, counted the plain way.
fn within<'a>(purse: &Purse, calls: impl Iterator<Item = &'a Charge>) -> bool {
    let (mut count, mut seconds, mut cost) = (0, 0, 0);
    for charge in calls {
        count += 1;
        seconds += u64::from(charge.billed_s);
        cost += charge.cost.unwrap().0;
    }
    purse.calls.is_none_or(|most| count <= most)
        && purse.time.is_none_or(|most| seconds <= most.as_secs())
        && purse.cost.is_none_or(|most| cost <= most.0)
}

type Made = (Option<u8>, u8, Charge);

fn no_purse_is_overdrawn(budget: &Budget, made: &[Made]) -> bool {
    let of = |pick: &dyn Fn(&Made) -> bool, purse: &Purse| {
        within(purse, made.iter().filter(|call| pick(call)).map(|(_, _, charge)| charge))
    };
    of(&|_| true, &budget.run)
        && budget.by_class.iter().all(|(class, purse)| of(&|call| call.2.class == *class, purse))
        && (0..6).all(|line| of(&|call| call.0 == Some(line), &budget.line))
        && (0..5).all(|number| of(&|call| call.1 == number, &budget.number))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_purse_is_ever_overdrawn_whatever_the_calls_that_run_still_take(
        budget in budgets(),
        steps in steps(),
    ) {
        let mut ledger = Ledger::new(budget.clone());
        let mut running: Vec<(Made, SetAside<u8, u8>)> = Vec::new();
        let mut made: Vec<Made> = Vec::new();
        for step in steps {
            match step {
                Step::Begin { line, number, most } => {
                    // What would be, if all that run took their most, and this one too.
                    let mut all = made.clone();
                    all.push((line, number, most));
                    let fits_alone = no_purse_is_overdrawn(&budget, &all);
                    all.extend(running.iter().map(|(call, _)| *call));
                    let fits = no_purse_is_overdrawn(&budget, &all);
                    match ledger.begin(line, number, most) {
                        Ok(reserve) => {
                            prop_assert!(fits);
                            running.push(((line, number, most), reserve));
                        }
                        Err(Funds::SetAside(_)) => prop_assert!(fits_alone && !fits),
                        Err(Funds::Spent(_)) => prop_assert!(!fits_alone),
                        Err(Funds::Enough) => prop_assert!(false, "enough is no reason"),
                    }
                }
                Step::End { place, percent } if place < running.len() => {
                    let ((line, number, most), reserve) = running.remove(place);
                    let took = percent.map(|percent| Charge {
                        class: most.class,
                        billed_s: most.billed_s * u32::from(percent) / 100,
                        cost: most.cost.map(|cost| Micros(cost.0 * u64::from(percent) / 100)),
                    });
                    ledger.settle(reserve, took.as_ref());
                    made.extend(took.map(|took| (line, number, took)));
                }
                Step::Lost { place } if place < running.len() => {
                    let (call, reserve) = running.remove(place);
                    ledger.settle_in_full(reserve);
                    made.push(call);
                }
                Step::End { .. } | Step::Lost { .. } => {}
            }
            prop_assert!(no_purse_is_overdrawn(&budget, &made));
        }
        // Once all have ended nothing is set aside: whatever can't begin now never can.
        for (call, reserve) in running.drain(..) {
            ledger.settle_in_full(reserve);
            made.push(call);
        }
        for line in 0..6 {
            let funds = ledger.may_begin(Some(&line), &0, &national(1, 1));
            prop_assert!(!matches!(funds, Funds::SetAside(_)), "{:?}", funds);
        }
        // A resumed run knows the same.
        let mut resumed = Ledger::new(budget);
        for (line, number, took) in &made {
            resumed.spend(line.as_ref(), number, took);
        }
        for number in 0..5 {
            let most = charge(NumberClass::Mobile, 60, 10);
            prop_assert_eq!(
                resumed.may_begin(Some(&0), &number, &most),
                ledger.may_begin(Some(&0), &number, &most)
            );
        }
    }
}
