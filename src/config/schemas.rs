//! The JSON Schemas of the files that people write, for editors, which complete and check by them while somebody types.
//!
//! They know forms, not meanings: whether a name stands for something, or an hour for a window, `lineman check` alone can
//! say. The keys of each are held against those that the readers know.

/// A kind of file that people write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `dialplans/*.yaml`
    Plan,
    /// `dialplans/numbering/*.yaml`
    Numbering,
    /// `dialplans/tariffs/*.yaml`
    Tariff,
    /// `hardware/banks/*.yaml`
    Bank,
    /// `hardware/modems/*.yaml`
    Modem,
    /// `hardware/consoles/*.yaml`
    Console,
    /// `hardware/exchanges/*.yaml`
    Exchange,
    /// The daemon's file: `lineman serve CONFIG`
    Service,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Plan,
        Self::Numbering,
        Self::Tariff,
        Self::Bank,
        Self::Modem,
        Self::Console,
        Self::Exchange,
        Self::Service,
    ];

    /// Its name on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Numbering => "numbering",
            Self::Tariff => "tariff",
            Self::Bank => "bank",
            Self::Modem => "modem",
            Self::Console => "console",
            Self::Exchange => "exchange",
            Self::Service => "service",
        }
    }

    /// The schema, as text: JSON Schema, draft 7, which is what editors know best.
    pub const fn schema(self) -> &'static str {
        match self {
            Self::Plan => include_str!("../../dialplans/schemas/plan.schema.json"),
            Self::Numbering => include_str!("../../dialplans/schemas/numbering.schema.json"),
            Self::Tariff => include_str!("../../dialplans/schemas/tariff.schema.json"),
            Self::Bank => include_str!("../../hardware/schemas/bank.schema.json"),
            Self::Modem => include_str!("../../hardware/schemas/modem.schema.json"),
            Self::Console => include_str!("../../hardware/schemas/console.schema.json"),
            Self::Exchange => include_str!("../../hardware/schemas/exchange.schema.json"),
            Self::Service => include_str!("../../hardware/schemas/service.schema.json"),
        }
    }
}

#[cfg(test)]
mod tests;
