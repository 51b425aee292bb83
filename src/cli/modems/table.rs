//! What was found, as a table for people.

use comfy_table::{ColumnConstraint, ContentArrangement, Table};

use crate::console::transcript::clean_line;

use super::ask::Asked;

/// Width where there is no terminal to ask, columns.
const WIDTH: usize = 110;
/// Least room that a table needs beside the names of the ports, columns.
const BESIDE_MIN: usize = 60;

/// The table; for a terminal that is too narrow for one, a list: names of ports are to be copied, so they stay whole.
pub(super) fn text(asked: &[Asked]) -> String {
    let width = console::Term::stdout().size_checked().map_or(WIDTH, |(_, columns)| columns.into());
    laid_out(asked, width)
}

fn laid_out(asked: &[Asked], width: usize) -> String {
    let rows: Vec<[String; 4]> = asked.iter().map(row).collect();
    let longest = rows.iter().map(|[port, ..]| port.chars().count()).max().unwrap_or(0);
    if longest + BESIDE_MIN > width {
        let told = rows.iter().map(|[port, profile, says, what]| {
            let about = [says, what].into_iter().filter(|text| !text.is_empty()).cloned();
            let about: Vec<String> = about.map(|text| format!("\n    {text}")).collect();
            format!("{port}  {profile}{}", about.concat())
        });
        return told.collect::<Vec<_>>().join("\n");
    }
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX))
        .set_header(["port", "profile", "says of itself", "what it is"])
        .add_rows(rows);
    if let Some(ports) = table.column_mut(0) {
        ports.set_constraint(ColumnConstraint::ContentWidth);
    }
    // A table pads its rows; nobody wants to copy that.
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn row(one: &Asked) -> [String; 4] {
    let (profile, says) = match &one.answer {
        None => ("not asked".to_owned(), String::new()),
        Some(Ok(modem)) => (
            modem.profile.clone(),
            modem.fingerprint.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string),
        ),
        Some(Err(why)) => ("none".to_owned(), why.clone()),
    };
    [clean_line(&one.place.name), profile, clean_line(&says), clean_line(&hardware(one))]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::modems::ask::{Modem, Place};

    #[test]
    fn names_of_ports_stay_whole_at_any_width() {
        let name = "/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0";
        let words = "USRobotics Courier V.Everything Rev. 2.1.1 / and more of it than fits";
        let modem = Modem { profile: "courier".to_owned(), fingerprint: words.parse().ok() };
        let place = |name: &str| Place { name: name.to_owned(), path: name.parse().unwrap(), known: None };
        let asked = [
            Asked { place: place(name), answer: Some(Ok(modem)) },
            Asked { place: place("/dev/ttyS0"), answer: Some(Err("no answer to `AT`".to_owned())) },
        ];
        for width in [1, 20, 40, 80, 110, 114, 200] {
            let text = laid_out(&asked, width);
            assert!(text.contains(name) && text.contains("courier") && text.contains("/dev/ttyS0"), "{text}");
        }
        assert!(
            laid_out(&asked, 40).contains(&format!("{name}  courier\n    {words}\n/dev/ttyS0  none\n    no"))
        );
    }
}
