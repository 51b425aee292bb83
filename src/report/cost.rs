//! What a run's calls are charged: the sums, by class and in all, as text and for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::RunState;
use crate::model::charge::ChargeSum;
use crate::model::{Charge, Micros, NumberClass};

/// Charges by the class of the number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Charges {
    by_class: BTreeMap<NumberClass, ChargeSum>,
    /// Calls of which not even the class is known: an older lineman made them.
    unknown: ChargeSum,
}

impl Charges {
    /// Adds that of one more call.
    pub(super) fn add(&mut self, charge: Option<Charge>) {
        match charge {
            Some(charge) => self.by_class.entry(charge.class).or_default().add(Some(charge)),
            None => self.unknown.add(None),
        }
    }

    /// Adds others.
    pub(super) fn merge(&mut self, other: &Self) {
        for (class, sum) in &other.by_class {
            self.by_class.entry(*class).or_default().merge(sum);
        }
        self.unknown.merge(&other.unknown);
    }

    /// All of them.
    pub fn total(&self) -> ChargeSum {
        let mut total = self.unknown;
        self.by_class.values().for_each(|sum| total.merge(sum));
        total
    }

    /// Of each class that was called.
    pub const fn by_class(&self) -> &BTreeMap<NumberClass, ChargeSum> {
        &self.by_class
    }
}

/// The sentence of the summary; absent where nothing was called, or nothing is known of it.
pub(super) fn text(state: &RunState) -> Option<String> {
    let charges = state.charges();
    let total = charges.total();
    let billed = total.billed_s()?;
    let currency = state.header().currency.as_deref();
    let cost = currency.map(|currency| match (total.cost(), total.known_cost()) {
        (Some(cost), _) => format!(", {cost} {currency} at most"),
        (None, known) => format!(
            ", {known} {currency} at most, without {} that the tariff has no price for",
            calls(total.without_cost())
        ),
    });
    let each: Vec<String> =
        charges.by_class.iter().map(|(class, sum)| one_class(*class, sum, currency)).collect();
    // One class alone is all of it.
    let each = (each.len() > 1).then(|| format!(" ({})", each.join("; ")));
    Some(format!("billed: {}{}{}", minutes(billed), cost.unwrap_or_default(), each.unwrap_or_default()))
}

/// `3 mobile calls 0.36`, or with their time where nothing is known of the cost.
fn one_class(class: NumberClass, sum: &ChargeSum, currency: Option<&str>) -> String {
    let what = match (currency.and(sum.cost()), sum.billed_s()) {
        (Some(cost), _) => cost.to_string(),
        (None, Some(billed)) => minutes(billed),
        (None, None) => String::new(),
    };
    format!("{} {what}", calls(sum.calls()).replacen(' ', &format!(" {} ", class.word()), 1))
}

fn calls(count: u64) -> String {
    if count == 1 { "1 call".to_owned() } else { format!("{count} calls") }
}

/// `14 min`, `14 min 30 s`, `50 s`.
fn minutes(seconds: u64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, rest) => format!("{rest} s"),
        (whole, 0) => format!("{whole} min"),
        (whole, rest) => format!("{whole} min {rest} s"),
    }
}

/// Money in JSON: a decimal fraction in quotes, which no reader makes a floating figure of.
pub(super) fn decimal(cost: Micros) -> String {
    cost.to_string()
}

/// Of one class, for programs.
#[derive(Serialize)]
pub(super) struct ClassJson {
    calls: u64,
    billed_s: Option<u64>,
    cost: Option<String>,
}

impl From<&ChargeSum> for ClassJson {
    fn from(sum: &ChargeSum) -> Self {
        Self { calls: sum.calls(), billed_s: sum.billed_s(), cost: sum.cost().map(decimal) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charge(class: NumberClass, billed_s: u32, cost: Option<u64>) -> Charge {
        Charge { class, billed_s, cost: cost.map(Micros) }
    }

    #[test]
    fn sums_by_class_add_up_and_what_is_not_known_makes_no_sum() {
        let mut charges = Charges::default();
        charges.add(Some(charge(NumberClass::Mobile, 60, Some(120_000))));
        charges.add(Some(charge(NumberClass::National, 90, Some(0))));
        let mut others = Charges::default();
        others.add(Some(charge(NumberClass::Mobile, 60, Some(120_000))));
        charges.merge(&others);
        let total = charges.total();
        assert_eq!((total.calls(), total.billed_s(), total.cost()), (3, Some(210), Some(Micros(240_000))));
        assert_eq!(charges.by_class()[&NumberClass::Mobile].cost(), Some(Micros(240_000)));
        charges.add(Some(charge(NumberClass::International, 60, None)));
        let total = charges.total();
        assert_eq!((total.billed_s(), total.cost(), total.without_cost()), (Some(270), None, 1));
        charges.add(None);
        assert_eq!(charges.total().billed_s(), None, "an older lineman's call may have been billed");
    }
}
