//! What a run of a plan would cost: class and price of each line, the sum as an estimate, and what may be spent.

use std::time::Duration;

use crate::config::Plan;
use crate::config::plan::PlannedLine;
use crate::config::tariff::said;
use crate::fleet::budget::{Budget, Purse};
use crate::model::charge::ChargeSum;
use crate::model::{Charge, Micros, NumberClass};

/// What is shown of a plan's costs.
#[derive(Debug, Clone, Default)]
pub struct Cost {
    /// `example, USD`; absent: the plan has no tariff.
    tariff: Option<(String, String)>,
    /// Lines to dial by class.
    classes: Vec<(NumberClass, usize)>,
    /// One expected call to each line that has a price.
    sum: ChargeSum,
    unpriced: usize,
    /// What may be spent, in words; absent without a budget.
    budget: Option<String>,
    /// The purses that all lines share, each with what one expected call to each line would take of it.
    purses: Vec<(Option<NumberClass>, Purse, ChargeSum)>,
}

/// What is shown of a line's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineCost {
    /// Where its number lies.
    pub class: NumberClass,
    /// `0.035/min`; absent where there is none.
    pub price: Option<String>,
    /// What a call of the expected length is charged at most.
    pub expected: Charge,
}

impl LineCost {
    /// Of a line's first way; absent where neither a tariff nor a budget asks for it.
    pub(super) fn of(plan: &Plan, planned: &PlannedLine, expected: Duration) -> Option<Self> {
        if plan.tariff.is_none() && plan.budget == Budget::default() {
            return None;
        }
        let number = planned.ways.first().map_or(&planned.line.number, |way| &way.number);
        let price = plan.price(number);
        Some(Self {
            class: price.class,
            price: price.rates.as_deref().map(|rates| said(rates, expected)),
            expected: price.worst(expected),
        })
    }
}

impl Cost {
    pub(super) fn of(plan: &Plan) -> Self {
        let currency = plan.tariff.as_ref().map(|tariff| tariff.currency.as_str()).unwrap_or_default();
        Self {
            tariff: plan.tariff.as_ref().map(|tariff| (tariff.name.clone(), tariff.currency.clone())),
            budget: budget(&plan.budget, currency),
            purses: std::iter::once((None, plan.budget.run))
                .chain(plan.budget.by_class.iter().map(|(class, purse)| (Some(*class), *purse)))
                .map(|(class, purse)| (class, purse, ChargeSum::default()))
                .collect(),
            ..Self::default()
        }
    }

    /// Counts a line that is to be dialed.
    pub(super) fn add(&mut self, line: &LineCost) {
        match self.classes.iter_mut().find(|(class, _)| *class == line.class) {
            Some((_, count)) => *count += 1,
            None => self.classes.push((line.class, 1)),
        }
        self.classes.sort_unstable();
        for (class, _, taken) in &mut self.purses {
            if class.is_none_or(|class| class == line.class) {
                taken.add(Some(line.expected));
            }
        }
        match line.expected.cost {
            Some(_) => self.sum.add(Some(line.expected)),
            None => self.unpriced += 1,
        }
    }

    /// Below the table, each with a line end in front.
    pub(super) fn to_text(&self) -> String {
        let each = |(class, count): &(NumberClass, usize)| format!("{count} {}", class.word());
        let classes: Vec<String> = self.classes.iter().map(each).collect();
        let classes = (!classes.is_empty()).then(|| format!("numbers: {}", classes.join(", ")));
        let cost = self.tariff.as_ref().map(|(name, currency)| {
            let sum = self.sum.cost().unwrap_or(Micros(0));
            let without = match self.unpriced {
                0 => String::new(),
                1 => format!(", without 1 line that {name} has no price for"),
                lines => format!(", without {lines} lines that {name} has no price for"),
            };
            format!(
                "about {sum} {currency} if each needs one call (tariff {name}, at its dearest hours; an estimate){without}"
            )
        });
        let budget = self.budget.as_ref().map(|budget| format!("to be spent, at most: {budget}"));
        let short: Vec<&str> = self
            .purses
            .iter()
            .filter(|(_, purse, taken)| is_short(purse, taken))
            .map(|(class, ..)| class.map_or("run", NumberClass::word))
            .collect();
        // Whoever sets a budget up is to hear of it now, and not from the first morning's report.
        let short = (!short.is_empty()).then(|| {
            format!(
                "not enough for one call to each line: {}; what is left ends untested/over-budget",
                short.join(", ")
            )
        });
        let rows: Vec<String> = [classes, cost, budget, short].into_iter().flatten().collect();
        if rows.is_empty() { String::new() } else { format!("\n{}", rows.join("\n")) }
    }
}

/// Whether a purse can't pay for these calls.
fn is_short(purse: &Purse, taken: &ChargeSum) -> bool {
    purse.calls.is_some_and(|most| taken.calls() > most)
        || purse.time.is_some_and(|most| taken.billed_s().unwrap_or(0) > most.as_secs())
        || purse.cost.is_some_and(|most| taken.known_cost() > most)
}

/// `run 900 calls, 600 min, 25.50 USD; each line 4 calls`
fn budget(budget: &Budget, currency: &str) -> Option<String> {
    let classes = budget.by_class.iter().map(|(class, purse)| (class.word(), purse));
    let purses = std::iter::once(("run", &budget.run))
        .chain(classes)
        .chain([("each line", &budget.line), ("each number", &budget.number)]);
    let told: Vec<String> = purses
        .filter(|(_, purse)| !purse.is_unlimited())
        .map(|(who, purse)| format!("{who} {}", purse_said(purse, currency)))
        .collect();
    (!told.is_empty()).then(|| told.join("; "))
}

fn purse_said(purse: &Purse, currency: &str) -> String {
    let calls =
        purse.calls.map(|calls| if calls == 1 { "1 call".to_owned() } else { format!("{calls} calls") });
    let time = purse.time.map(|time| format!("{} min", time.as_secs() / 60));
    let cost = purse.cost.map(|cost| format!("{cost} {currency}"));
    [calls, time, cost].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use crate::config::check::Check;
    use crate::config::{Overrides, load_plan};

    #[test]
    fn class_and_price_of_each_line_and_the_cost_of_the_run_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        write(
            "bank.yaml",
            "bank: hq\nlocation: { country: US, area_code: '919' }\nmodems: [{ id: m00, port: /dev/ttyS100, profile: generic }]\n",
        );
        let text = "plan: p\nbank: bank.yaml\ntariff: example\npreflight: off\n\
            budget: { run: { calls: 900, minutes: 600, cost: '25.50' }, line: { calls: 4 }, international: { minutes: 30 } }\n\
            defaults: { console: none }\nlines:\n  - { id: A, number: '+1 919 555 0101' }\n  \
            - { id: B, number: '+1 704 555 0102' }\n  - { id: C, number: '+44 7400 123456' }\n  \
            - { id: D, number: '+1 900 555 0101' }\n";
        let plan = load_plan(&write("plan.yaml", text), &Overrides::default()).unwrap();
        let shown =
            |plan: &crate::config::Plan| Check::of(plan, |_| std::time::Duration::from_secs(75)).to_text();
        insta::assert_snapshot!(shown(&plan));
        for (limit, little, short) in [
            ("calls: 900", "calls: 2", "run"),
            ("minutes: 600", "minutes: 5", "run"),
            ("calls: 900", "calls: 3", ""),
        ] {
            let text = text.replace(limit, little);
            let plan = load_plan(&write("plan.yaml", &text), &Overrides::default()).unwrap();
            let told = shown(&plan);
            let words = told.split_once("not enough for one call to each line: ").map(|(_, who)| who);
            assert_eq!(words.and_then(|who| who.split(';').next()).unwrap_or(""), short, "{little}\n{told}");
        }
    }
}
