//! `lineman init`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use clap_complete::engine::ArgValueCompleter;

use crate::model::PlanName;

/// `lineman init`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
On a terminal it asks for what is not given as an option; elsewhere, and with --no-ask, it takes what it can do without. Nothing
that is there already is ever overwritten, and nothing is written unless `lineman check` finds nothing wrong with it.

A CSV file of lines may have our own columns (id, site, number, hostname, console ...) or those of an inventory: what is
known of NetBox's exports of devices, sites and console server ports, and of the usual spreadsheets, is mapped, and told.
Numbers are read by the rules of the country, and written as +E.164; rows without a number are left out, and counted.

Examples:
  lineman init                                     asks, then writes a plan and a bank here
  lineman init --country US --from branches.csv --username oob --password env:OOB_PASSWORD
  lineman init /etc/lineman --country GB --find --line 'LDN01-A=020 7946 0139' --username oob
  lineman init --country US --from devices.csv --from sites.csv --column 'number=OOB phone'
                                                   exports of NetBox; the number is in a custom field
  lineman init --name weekly --bank hardware/banks/hq.yaml --from warehouses.csv
                                                   a second plan for a bank that is there

Exit codes: 0 written; 2 usage, or something is wrong with what was given: nothing is written.")]
pub struct Init {
    /// Where the folders `dialplans` and `hardware` are, or are to be; without it, here.
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The plan's name, and its file's: dialplans/NAME.yaml [default: nightly].
    #[arg(long, value_name = "NAME")]
    pub name: Option<PlanName>,
    /// The bank's file: used as it is if it is there, else written [default: DIR/hardware/banks/hq.yaml].
    #[arg(long, value_name = "FILE")]
    pub bank: Option<PathBuf>,
    /// The country that the modems dial from, two letters: by its rules numbers are read and dialed.
    #[arg(long, value_name = "XX", value_parser = super::modems::country)]
    pub country: Option<String>,
    /// Its area code there, without a prefix, where numbers in the area are dialed in another way.
    #[arg(long, value_name = "DIGITS")]
    pub area_code: Option<String>,
    /// What the modems dial for an outside line, as `9,`.
    #[arg(long, value_name = "PREFIX")]
    pub prefix: Option<String>,
    /// Ports of the modems: ttys, or `rfc2217://host:port`. They are not opened.
    #[arg(long, value_name = "PORT", value_delimiter = ',')]
    pub port: Vec<String>,
    /// Find the modems: opens all serial ports of this host and asks, as `lineman modems` does.
    #[arg(long, conflicts_with = "port")]
    pub find: bool,
    /// CSV files: of lines, and of what an inventory has beside them (sites, console server ports).
    #[arg(long, value_name = "FILE")]
    pub from: Vec<PathBuf>,
    /// Which column of the files is what of ours, as `number=OOB phone`; stronger than what is known.
    #[arg(long, value_name = "OURS=THEIRS")]
    pub column: Vec<Column>,
    /// Leave out rows that something is wrong with, and tell them, in place of writing nothing.
    #[arg(long, requires = "from")]
    pub skip_bad: bool,
    /// A line, as `BR0001-A=+1 919 555 0101`, or with the name of its host: `BR0001-A=919 555 0101=br0001-rtr1`.
    #[arg(long, value_name = "ID=NUMBER[=HOST]")]
    pub line: Vec<TypedLine>,
    /// What answers on the lines, for those that do not say [default: cisco-ios]; `none` stops after CONNECT.
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(crate::cli::names::consoles))]
    pub console: Option<String>,
    /// The user who logs in there [default: oob].
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// Where the password comes from: env:VARIABLE, file:PATH, systemd:NAME or prompt; never the password itself [default: prompt].
    #[arg(long, value_name = "SOURCE")]
    pub password: Option<String>,
    /// A number that always answers, with which the bench is checked.
    #[arg(long, value_name = "NUMBER")]
    pub reference: Option<String>,
    /// Ask nothing, even on a terminal.
    #[arg(long)]
    pub no_ask: bool,
}

/// A column of a foreign table that is one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Ours.
    pub ours: String,
    /// As the table's header has it.
    pub theirs: String,
}

impl FromStr for Column {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=').map(|(ours, theirs)| (ours.trim(), theirs.trim())) {
            Some((ours, theirs)) if !ours.is_empty() && !theirs.is_empty() => {
                Ok(Self { ours: ours.to_owned(), theirs: theirs.to_owned() })
            }
            _ => Err("write our column and theirs, as `number=OOB phone`".to_owned()),
        }
    }
}

/// A line on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedLine {
    /// Its id.
    pub id: String,
    /// Its number, as it was typed.
    pub number: String,
    /// The host behind it.
    pub hostname: Option<String>,
}

impl FromStr for TypedLine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split('=').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty());
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(id), Some(number), hostname, None) => Ok(Self { id, number, hostname }),
            _ => Err("write its id and its number, as `BR0001-A=+1 919 555 0101`".to_owned()),
        }
    }
}
