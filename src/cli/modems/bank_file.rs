//! A commented bank file of what was found, for a person to finish.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use crate::cli::{Failure, args};
use crate::console::transcript::clean_line;
use crate::model::BankName;
use crate::modem::port::PortPath;

use super::ask::{Asked, Place};
use super::table::hardware;

/// A bank whose file's name is no name.
const NAME: &str = "bank";

/// Makes sure that nothing is overwritten, before anything is asked.
pub(super) fn is_free(path: &Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(Failure::wrong(format!(
            "{} can't be written: there is no folder {}",
            path.display(),
            folder.display()
        )));
    }
    if path.symlink_metadata().is_ok() {
        return Err(Failure::wrong(format!(
            "{} is there already, and is not overwritten; choose another name",
            path.display()
        )));
    }
    Ok(())
}

/// Writes it; how many modems are in it, in words.
pub(super) fn write(path: &Path, asked: &[Asked], args: &args::Modems) -> Result<String, Failure> {
    let text = text(&name(path), asked, args);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Failure::wrong(format!("{} can't be written: {error}", path.display())))?;
    let modems = asked.iter().filter(|one| one.modem().is_some()).count();
    Ok(if modems == 1 { "1 modem".to_owned() } else { format!("{modems} modems") })
}

/// The name of a bank: that of its file, if it is one.
pub(in crate::cli) fn name(path: &Path) -> String {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or(NAME);
    stem.parse::<BankName>().map_or_else(|_| NAME.to_owned(), |name| name.to_string())
}

fn text(name: &str, asked: &[Asked], args: &args::Modems) -> String {
    let mut text = String::new();
    let country = args.country.as_deref().map_or_else(
        || "# location: { country: US, area_code: \"919\" }   # where these modems dial from: to be filled in".to_owned(),
        |country| format!("location: {{ country: {} }}   # where these modems dial from; `area_code:` if numbers in it are dialed in another way", quoted(country)),
    );
    let _ = write!(
        text,
        "# Written by `lineman modems`. By-path names stay with the socket: like modems are told apart by them.\n\
         bank: {name}\n\
         {country}\n\
         on_hook_min: 3s             # less is a hook flash to the exchange\n\
         # trunks: {{ pstn: {{ max_calls: 2 }} }}   # outside lines that modems share; name it in each: `trunk: pstn`\n\
         modems:\n"
    );
    let baud = match args.baud {
        crate::modem::port::BAUD_DEFAULT => String::new(),
        baud => format!(", baud: {baud}"),
    };
    text.push_str(&modem_rows(asked, &baud));
    text.push_str(
        "# Each modem may have `prefix: \"9,\"` (what it dials for an outside line), `number: \"+1 919 555 0199\"` (its own\n\
         # number: for `lineman modems check`), and `reset: { command: [prog, arg], every: 10m }` (what wakes a stuck one).\n",
    );
    text
}

/// The rows of a bank's `modems:`; those without a modem are comments. `more` is said of each modem: `, baud: 9600`.
pub(in crate::cli) fn modem_rows(asked: &[Asked], more: &str) -> String {
    let mut text = String::new();
    let mut number = 0;
    for one in asked {
        let known = clean_line(&hardware(one));
        if !known.is_empty() {
            let _ = writeln!(text, "  # {known}");
        }
        let port = quoted(&lasting(&one.place));
        match &one.answer {
            Some(Ok(modem)) => {
                let _ = write!(text, "  - {{ id: m{number:02}, port: {port}, profile: {}", modem.profile);
                if let Some(fingerprint) = &modem.fingerprint {
                    // What a modem says is data: quoted as YAML wants it.
                    let _ = write!(text, ", fingerprint: {}", quoted(&fingerprint.to_string()));
                }
                let _ = writeln!(text, "{more} }}");
                number += 1;
            }
            Some(Err(why)) => {
                let _ = writeln!(text, "  # {port}: {}", clean_line(why));
            }
            None => {
                let _ = writeln!(text, "  # {port}: not asked");
            }
        }
    }
    text
}

/// The port as it is known from everywhere: a bank's relative paths begin at its own folder, not where we stand.
fn lasting(place: &Place) -> String {
    match &place.path {
        PortPath::Tty(path) => {
            std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string()
        }
        _ => place.name.clone(),
    }
}

/// A YAML double-quoted scalar.
pub(in crate::cli) fn quoted(text: &str) -> String {
    // JSON's strings are YAML's.
    serde_json::Value::from(text).to_string()
}
