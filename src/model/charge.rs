//! What a call costs: its class, what is billed of it, and money. Prices are `config`'s.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a number lies, as seen from the bank: what budgets and prices go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberClass {
    /// In the bank's own area.
    Local,
    /// In the bank's country.
    National,
    /// A mobile number of the bank's country, where the country's numbers tell.
    Mobile,
    /// In another country.
    International,
}

impl NumberClass {
    /// All of them, in the order of the reports.
    pub const ALL: [Self; 4] = [Self::Local, Self::National, Self::Mobile, Self::International];

    /// The stable word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::National => "national",
            Self::Mobile => "mobile",
            Self::International => "international",
        }
    }
}

/// Money, in millionths of the tariff's currency: sums are exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub u64);

impl Micros {
    /// Both together; what can't be counted any more is the most that can.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// So many times this.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }
}

impl fmt::Display for Micros {
    /// `1.25`, `0.0375`: at least two digits behind the point, and as many as it has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let digits = format!("{rest:06}");
        let kept = digits.trim_end_matches('0').len().max(2);
        f.pad(&format!("{whole}.{}", &digits[..kept]))
    }
}

/// What is billed of a call, never too little: where the modem can't tell when the far end answered, all of the time in
/// which it may have is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Where the number lies.
    pub class: NumberClass,
    /// Seconds that the tariff bills, after its rounding; 0 where nobody answered.
    pub billed_s: u32,
    /// What they cost; absent without a tariff that has a price for the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Micros>,
}

/// Charges added up. Nothing is left out in silence: with one call among them of which the charge, or the cost, is not
/// known, that sum is not known either.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChargeSum {
    calls: u64,
    billed_s: u64,
    cost: Micros,
    without_charge: u64,
    without_cost: u64,
}

impl ChargeSum {
    /// The sum of some.
    pub fn of(charges: impl IntoIterator<Item = Option<Charge>>) -> Self {
        let mut sum = Self::default();
        charges.into_iter().for_each(|charge| sum.add(charge));
        sum
    }

    /// Adds that of one more call; absent is one that is not known.
    pub fn add(&mut self, charge: Option<Charge>) {
        self.calls += 1;
        self.billed_s = self.billed_s.saturating_add(charge.map_or(0, |charge| u64::from(charge.billed_s)));
        self.without_charge += u64::from(charge.is_none());
        match charge.and_then(|charge| charge.cost) {
            Some(cost) => self.cost = self.cost.plus(cost),
            None => self.without_cost += 1,
        }
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.billed_s = self.billed_s.saturating_add(other.billed_s);
        self.cost = self.cost.plus(other.cost);
        self.without_charge += other.without_charge;
        self.without_cost += other.without_cost;
    }

    /// Calls in it.
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// Billed seconds of all of them; absent where there is no call, or one of which it is not known.
    pub fn billed_s(&self) -> Option<u64> {
        (self.calls > 0 && self.without_charge == 0).then_some(self.billed_s)
    }

    /// Cost of those of which it is known.
    pub const fn known_cost(&self) -> Micros {
        self.cost
    }

    /// Calls of which no cost is known.
    pub const fn without_cost(&self) -> u64 {
        self.without_cost
    }

    /// Cost of all of them; absent where there is no call, or one of which it is not known.
    pub fn cost(&self) -> Option<Micros> {
        (self.calls > 0 && self.without_cost == 0).then_some(self.cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact_and_has_cents() {
        assert_eq!(Micros(1_250_000).to_string(), "1.25");
        assert_eq!(Micros(37_500).to_string(), "0.0375");
        assert_eq!(Micros(0).to_string(), "0.00");
    }
}
