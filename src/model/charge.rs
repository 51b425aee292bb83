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
