//! `lineman call`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap_complete::engine::ArgValueCompleter;

use crate::config::bank::{BAUD, BAUDS};
use crate::model::line::Hostname;
use crate::model::{CredentialName, ModemId, PhoneNumber, span};

/// Most calls of one `--repeat`: an hour of somebody's telephone line.
const REPEAT_MAX: u32 = 100;

/// `lineman call`.
#[derive(Debug, Args)]
#[command(after_help = "\
One call a line, shown phase by phase as it happens, then a verdict and what to look at, the likeliest first. No second call
confirms a failure, as the night's audit would: it is one call's finding. Screening, the law on calling again, and the
guard over passwords hold as in any run. What was found is written to calls/ in the reports folder, and is not taken into
the plan's history.

Examples:
  lineman call RDU01-A                              a line of the example plan, on the simulated bank
  lineman call BR0001 --plan dialplans/nightly.yaml
                                                    the lines of a site
  lineman call BR0001-A --plan dialplans/nightly.yaml --watch
                                                    with the console's own words
  lineman call BR0001-A --plan dialplans/nightly.yaml --repeat 10
                                                    is it always like that? counts, spread, a picture of the times
  lineman call BR0001-A --plan dialplans/nightly.yaml --interactive
                                                    hands the console over after the login; hangs up afterwards
  lineman call '+1 919 555 0101' --port /dev/ttyUSB0 --country US
                                                    a number, with one modem and no file at all
  lineman call '+1 919 555 0101' --country US --console cisco-ios --username oob
                                                    and log in there; the password is asked for

Exit codes: 0 pass; 1 some line is not a pass; 2 usage or configuration, nothing was dialed; 3 nothing could be judged (our
own bench, a credential, or no line may be called now); 4 interrupted, what there was is written")]
pub struct Call {
    /// Lines or sites of the plan (`*` stands for anything), or one number as `+1 919 555 0101`.
    #[arg(value_name = "LINE|SITE|NUMBER", required_unless_present = "number", add = ArgValueCompleter::new(crate::cli::names::lines))]
    pub names: Vec<String>,
    /// A number that is in no plan; screened all the same.
    #[arg(long, value_name = "NUMBER", conflicts_with = "names")]
    pub number: Option<PhoneNumber>,
    /// The plan; without one, and without a number, the example plan on the simulated bank.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Use this bank file instead of the plan's.
    #[arg(long, value_name = "FILE")]
    pub bank: Option<PathBuf>,
    /// Call from this modem of the bank.
    #[arg(long, value_name = "ID", conflicts_with = "port", add = ArgValueCompleter::new(crate::cli::names::modems))]
    pub modem: Option<ModemId>,
    /// Call from the modem on this port, whatever the bank has: a tty's path, or `rfc2217://host:port`.
    #[arg(long, value_name = "PORT", conflicts_with = "bank")]
    pub port: Option<String>,
    /// What the modem on that port is (hardware/modems/); it is asked if nothing is said.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Speed of that port, bit/s.
    #[arg(long, value_name = "BPS", default_value_t = BAUD, value_parser = baud)]
    pub baud: u32,
    /// What that modem dials for an outside line, as `9,`.
    #[arg(long, value_name = "DIGITS", default_value = "", hide_default_value = true)]
    pub prefix: String,
    /// The country that we dial from, two letters, where no bank file says it.
    #[arg(long, value_name = "XX", value_parser = super::modems::country)]
    pub country: Option<String>,
    /// Our own area code, where numbers in it are dialed in another way and no bank file says it.
    #[arg(long, value_name = "DIGITS")]
    pub area_code: Option<String>,
    /// The dialing rules (dialplans/numbering/), where they are not those of the country's name.
    #[arg(long, value_name = "NAME")]
    pub numbering: Option<String>,
    /// What answers at the number, as `cisco-ios`; without one the call ends after CONNECT.
    #[arg(long, value_name = "NAME")]
    pub console: Option<String>,
    /// The host that must answer at the number.
    #[arg(long, value_name = "HOST", value_parser = hostname)]
    pub hostname: Option<Hostname>,
    /// Log in at the number with this credential of the plan.
    #[arg(long, value_name = "NAME", requires = "plan", conflicts_with = "username")]
    pub credential: Option<CredentialName>,
    /// Log in at the number as this user; the password is asked for, or read from the variable of `--password-env`.
    #[arg(long, value_name = "USER", requires = "console")]
    pub username: Option<String>,
    /// The environment variable that has the password.
    #[arg(long, value_name = "NAME", requires = "username")]
    pub password_env: Option<String>,
    /// Call each line so many times, whatever the calls find: counts, spread, and a picture of the times.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(REPEAT_MAX)))]
    pub repeat: u32,
    /// Least pause between two calls to a line; the law on calling again and the modem's own rest may make it longer.
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    pub pause: Option<Duration>,
    /// Show what the console says, line by line, secrets out.
    #[arg(long)]
    pub watch: bool,
    /// Hand this terminal over to the console after the checks; `Ctrl-]` gives it back. Then log out and hang up.
    #[arg(long, conflicts_with = "repeat")]
    pub interactive: bool,
    /// Call now, whatever windows the plan has.
    #[arg(long)]
    pub any_time: bool,
    /// Call although the plan has the line on hold.
    #[arg(long)]
    pub on_hold: bool,
    /// You have confirmed the numbers of these lines: call although a person answered there.
    #[arg(long)]
    pub number_confirmed: bool,
    /// Forget that the secret of this credential was refused, and try it again.
    #[arg(long, value_name = "NAME")]
    pub forget_refusal: Vec<CredentialName>,
    /// Where runs are written; calls go to the folder calls/ in it.
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
    /// Seed of the simulated exchange.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Plain lines instead of a row that shows the seconds.
    #[arg(long)]
    pub plain: bool,
}

fn hostname(text: &str) -> Result<Hostname, String> {
    text.parse().map_err(|error: crate::model::line::HostnameError| error.to_string())
}

/// A speed that a bank may have too.
fn baud(text: &str) -> Result<u32, String> {
    let told = || BAUDS.map(|baud| baud.to_string()).join(", ");
    let baud = text.parse().ok().filter(|baud| BAUDS.contains(baud));
    baud.ok_or_else(|| format!("speeds of serial ports are {}", told()))
}
