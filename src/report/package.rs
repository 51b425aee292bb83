//! datapackage.json: what the tables of a run are and what each of their columns means, for programs that read Frictionless
//! data packages. The columns are described in `reports/schemas/*.table.json`; a test holds those against the tables.

use std::fmt::Write as _;

use super::{RunState, Table, consoles};

/// The description of a table's columns, as a Table Schema.
pub(super) const fn columns(table: Table) -> &'static str {
    match table {
        Table::Lines => include_str!("../../reports/schemas/lines.table.json"),
        Table::Calls => include_str!("../../reports/schemas/calls.table.json"),
        Table::Consoles => include_str!("../../reports/schemas/consoles.table.json"),
        Table::Modems => include_str!("../../reports/schemas/modems.table.json"),
    }
}

/// The file's bytes. They hang on the header of the run alone, so that they are true of its tables while it goes on, too.
pub(super) fn bytes(state: &RunState) -> serde_json::Result<Vec<u8>> {
    let header = state.header();
    let text = |text: &str| serde_json::to_string(text);
    let mut out = format!(
        "{{\n\"profile\": \"tabular-data-package\",\n\"name\": {},\n\"title\": {},\n\"created\": \"{:.3}\",\n\"resources\": [",
        text(&name(header.run.as_str()))?,
        text(&format!("Run {} of plan {} on bank {}", header.run, header.plan, header.bank))?,
        state.started(),
    );
    let has = |table: &Table| *table != Table::Consoles || consoles::any(state);
    for (place, table) in Table::ALL.into_iter().filter(has).enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let _ = write!(
            out,
            "{comma}\n{{\"name\": \"{}\", \"path\": \"{}\", \"profile\": \"tabular-data-resource\", \"format\": \"csv\", \
             \"mediatype\": \"text/csv\", \"encoding\": \"utf-8\", \"schema\": {}}}",
            table.word(),
            table.file(),
            columns(table).trim_end()
        );
    }
    out.push_str("\n]\n}\n");
    Ok(out.into_bytes())
}

/// A name as data packages have it: small letters, digits, `.`, `_` and `-`.
fn name(run: &str) -> String {
    run.chars()
        .map(|c| match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() || "._-".contains(c) => c,
            _ => '-',
        })
        .collect()
}
