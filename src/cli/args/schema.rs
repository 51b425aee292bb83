//! `lineman schema`.

use clap::Args;

use crate::config::schemas::Kind;

/// `lineman schema`.
#[derive(Debug, Args)]
#[command(after_help = "\
An editor completes and checks a file whose first line names its schema:
  # yaml-language-server: $schema=plan.schema.json

Examples:
  lineman schema plan > plan.schema.json
  lineman schema bank > bank.schema.json

A schema knows forms, not meanings: `lineman check` has the last word.")]
pub struct Schema {
    /// The kind of file: plan, numbering, tariff, bank, modem, console or exchange.
    #[arg(value_parser = kind)]
    pub kind: Kind,
}

fn kind(text: &str) -> Result<Kind, String> {
    let told = || Kind::ALL.map(Kind::word).join(", ");
    Kind::ALL.into_iter().find(|kind| kind.word() == text).ok_or_else(|| format!("there are {}", told()))
}
