//! `lineman modems`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::config::bank::{BAUD, BAUDS};

/// `lineman modems`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Every port that is asked is opened, what is online there is hung up, and `AT` and the questions ATI, ATI3, +GMI, +GMM and
+GSN are typed; never an S register. Ports that other programs hold are left alone.

Examples:
  lineman modems                                   all serial ports of this host
  lineman modems /dev/ttyUSB0 rfc2217://10.0.0.9:4001
  lineman modems --write hardware/banks/hq.yaml --country US
  lineman modems --no-ask                          only what the system knows; opens nothing

Exit codes: 0 some modem answered; 3 none did; 2 usage.")]
pub struct Modems {
    /// What else to do with modems than to list them.
    #[command(subcommand)]
    pub verb: Option<ModemsVerb>,
    /// Ask these ports alone: a tty's path, or `rfc2217://host:port`.
    #[arg(value_name = "PORT")]
    pub ports: Vec<String>,
    /// Write a bank file of what answered; an existing file is not overwritten.
    #[arg(long, value_name = "FILE", conflicts_with = "no_ask")]
    pub write: Option<PathBuf>,
    /// The country that the bank dials from, two letters, for the bank file.
    #[arg(long, value_name = "XX", requires = "write", value_parser = country)]
    pub country: Option<String>,
    /// Speed of the ports, bit/s.
    #[arg(long, value_name = "BPS", default_value_t = BAUD, value_parser = baud)]
    pub baud: u32,
    /// Open nothing: show only what the system knows of its ports.
    #[arg(long)]
    pub no_ask: bool,
}

/// What else can be done with modems.
#[derive(Debug, Subcommand)]
pub enum ModemsVerb {
    /// Tests the bench itself: dial tone on each modem, calls between the modems, calls to the reference number.
    Check(ModemsCheck),
}

/// `lineman modems check`.
#[derive(Debug, Args)]
#[command(after_help = "\
No line of a plan is called: the modems call each other where the bank has their numbers (`number:`), and the number that the plan names as its `reference:`.

Examples:
  lineman modems check dialplans/nightly.yaml      the bank of a plan, with its reference number
  lineman modems check --bank hardware/banks/hq.yaml
  lineman modems check                             the example's simulated bank

Exit codes: 0 all modems work, 1 some do not, 3 none does, 2 usage or configuration, 4 interrupted")]
pub struct ModemsCheck {
    /// The plan, for its bank and its reference number; without plan and bank, the example plan.
    pub plan: Option<PathBuf>,
    /// Test this bank instead of the plan's.
    #[arg(long, value_name = "FILE")]
    pub bank: Option<PathBuf>,
}

/// A country as a bank has it.
pub(super) fn country(text: &str) -> Result<String, String> {
    let is_code = text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic());
    is_code
        .then(|| text.to_ascii_uppercase())
        .ok_or_else(|| "write two letters, as `US`, `GB` or `DE`".to_owned())
}

/// A speed that a bank may have too.
fn baud(text: &str) -> Result<u32, String> {
    let told = || BAUDS.map(|baud| baud.to_string()).join(", ");
    let baud = text.parse().ok().filter(|baud| BAUDS.contains(baud));
    baud.ok_or_else(|| format!("speeds of serial ports are {}", told()))
}
