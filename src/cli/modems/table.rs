//! What was found, as a table for people.

use comfy_table::{ContentArrangement, Table};

use crate::console::transcript::clean_line;

use super::ask::Asked;

/// Width where there is no terminal to ask, columns.
const WIDTH: u16 = 110;

/// The table.
pub(super) fn text(asked: &[Asked]) -> String {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(console::Term::stdout().size_checked().map_or(WIDTH, |(_, columns)| columns))
        .set_header(["port", "profile", "says of itself", "what it is"]);
    for one in asked {
        let (profile, says) = match &one.answer {
            None => ("not asked".to_owned(), String::new()),
            Some(Ok(modem)) => (
                modem.profile.clone(),
                modem.fingerprint.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string),
            ),
            Some(Err(why)) => ("none".to_owned(), why.clone()),
        };
        table.add_row([one.place.name.clone(), profile, clean_line(&says), clean_line(&hardware(one))]);
    }
    // A table pads its rows; nobody wants to copy that.
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// What the system knows of a port beside its name.
pub(super) fn hardware(asked: &Asked) -> String {
    let Some(port) = &asked.place.known else { return String::new() };
    let mut told = Vec::new();
    let real = port.path.display().to_string();
    if real != asked.place.name {
        told.push(real);
    }
    if let Some(usb) = &port.usb {
        let names: Vec<&str> = [&usb.maker, &usb.product].into_iter().flatten().map(String::as_str).collect();
        told.push(format!("USB {} {}", usb.ids, names.join(" ")).trim_end().to_owned());
        told.push(usb.serial.as_ref().map_or_else(
            || "no serial number: tell it from its like by its by-path name".to_owned(),
            |serial| format!("serial {serial}"),
        ));
    }
    if let Some(by_id) = &port.by_id {
        told.push(by_id.display().to_string());
    }
    told.join(", ")
}
