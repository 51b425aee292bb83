//! `lineman schema`.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

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
    /// The kind of file.
    #[arg(value_parser = kind())]
    pub kind: Kind,
}

/// By its word, so that help, completions and complaints know all of them.
fn kind() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::ALL.map(Kind::word))
        .try_map(|text| Kind::ALL.into_iter().find(|kind| kind.word() == text).ok_or("is no kind of file"))
}
