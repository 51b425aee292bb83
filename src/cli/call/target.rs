//! What is to be called, and from where: lines of a plan or a number in none; the plan's bank, a modem on a port that is
//! named, or the one modem that is found.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;

use crate::cli::args::Call;
use crate::cli::example::Example;
use crate::cli::modems::{self, Found};
use crate::cli::{Failure, complain, note};
use crate::config::bank::BAUD;
use crate::config::credentials::CredentialSource;
use crate::config::library::Library;
use crate::config::plan::lone::{Login, LoneLine, LonePlace, LonePort};
use crate::config::{Overrides, Plan, load_bench, load_plan};
use crate::console::transcript::clean_line;
use crate::model::PhoneNumber;

/// What was found.
pub(super) struct Target {
    /// A plan of nothing but the lines that are to be called.
    pub(super) plan: Plan,
    /// Keeps the example's files.
    pub(super) example: Option<Example>,
}

/// Finds it.
///
/// # Errors
/// All that is wrong with what was typed, and with the files that it names.
pub(super) async fn find(args: &Call) -> Result<Target, Failure> {
    let number = number(args)?;
    let example = match (&args.plan, &number) {
        (None, None) => Some(Example::find()?),
        _ => None,
    };
    if example.is_some() && (args.port.is_some() || args.bank.is_some()) {
        return Err(Failure::wrong(
            "without `--plan` the lines are those of the example plan, whose numbers are made up; name a plan, or a number as `+1 919 555 0101`",
        ));
    }
    let path = args.plan.as_deref().or_else(|| example.as_ref().map(|example| example.plan.as_path()));
    let library = Library::around(path.or(args.bank.as_deref()).unwrap_or(Path::new("lineman")));
    let port = lone_port(args);
    let plan = match (path, &args.bank, port) {
        (Some(path), bank, port) => {
            let overrides = Overrides { bank: bank.clone(), seed: args.seed, ..Overrides::default() };
            let plan = load_plan(path, &overrides).map_err(Failure::wrong)?;
            match port {
                Some(port) => port.instead(plan, &library).map_err(Failure::wrong)?,
                None => plan,
            }
        }
        (None, Some(bank), _) => load_bench(bank).map_err(Failure::wrong)?,
        (None, None, Some(port)) => port.bench(&library).map_err(Failure::wrong)?,
        (None, None, None) => {
            let found = the_one_modem(modems::search().await?)?;
            let port = LonePort {
                port: found.port,
                profile: args.profile.clone().or(Some(found.profile)),
                ..place_of(args)
            };
            port.bench(&library).map_err(Failure::wrong)?
        }
    };
    let plan = with_lines(args, number, plan, &library)?;
    Ok(Target { plan: with_modem(args, plan)?, example })
}

/// The number that was typed, if one was.
fn number(args: &Call) -> Result<Option<PhoneNumber>, Failure> {
    if let Some(number) = &args.number {
        return Ok(Some(number.clone()));
    }
    if args.plan.is_none() {
        // Nothing of the example is named so: it is a number, as it stands on a bill.
        let bare = |name: &&String| {
            name.starts_with(|c: char| c.is_ascii_digit() || c == '(')
                && name.chars().all(|c| c.is_ascii_digit() || " ()-./".contains(c))
        };
        if let Some(name) = args.names.iter().find(bare)
            && let Err(error) = name.parse::<PhoneNumber>()
        {
            return Err(Failure::wrong(format!("`{}` {error}", clean_line(name))));
        }
    }
    let (numbers, names): (Vec<_>, Vec<_>) = args.names.iter().partition(|name| name.trim().starts_with('+'));
    match (numbers.as_slice(), names.is_empty()) {
        ([], _) => Ok(None),
        ([one], true) => {
            one.parse().map(Some).map_err(|error| Failure::wrong(format!("`{}` {error}", clean_line(one))))
        }
        _ => Err(Failure::wrong("one number at a time, and no lines beside it")),
    }
}

fn lone_port(args: &Call) -> Option<LonePort> {
    let port = args.port.clone()?;
    Some(LonePort { port, profile: args.profile.clone(), ..place_of(args) })
}

/// A modem of which all but the port is known.
fn place_of(args: &Call) -> LonePort {
    LonePort {
        baud: args.baud,
        prefix: args.prefix.clone(),
        from: LonePlace {
            country: args.country.clone(),
            area_code: args.area_code.clone(),
            numbering: args.numbering.clone(),
        },
        ..LonePort::default()
    }
}

/// The one modem of this host; of several the one that a person chooses.
fn the_one_modem(mut found: Vec<Found>) -> Result<Found, Failure> {
    if found.len() > 1 && std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        return choose(found);
    }
    match (found.pop(), found.as_slice()) {
        (Some(one), []) => {
            note(&format!("calling from {}, a {}", clean_line(&one.port), clean_line(&one.told)));
            Ok(one)
        }
        (None, _) => Err(Failure::wrong(
            "no modem answered on any serial port of this host; name its port (`--port /dev/ttyUSB0`), a bank (`--bank FILE`) or a plan (`--plan FILE`); `lineman modems` shows what was looked at",
        )),
        (Some(last), others) => {
            let mut ports: Vec<String> = others.iter().map(|one| one.port.clone()).collect();
            ports.push(last.port);
            Err(Failure::wrong(format!(
                "this host has {} modems; name the port of one: `--port {}`\n  {}",
                ports.len(),
                clean_line(&ports[0]),
                ports.iter().map(|port| clean_line(port)).collect::<Vec<_>>().join("\n  ")
            )))
        }
    }
}

/// Asks a person, who sits at a terminal.
fn choose(mut found: Vec<Found>) -> Result<Found, Failure> {
    complain("this host has more than one modem:");
    for (nth, one) in found.iter().enumerate() {
        complain(&format!("  {}  {}  {}", nth + 1, clean_line(&one.port), clean_line(&one.told)));
    }
    complain(&format!("which one shall call? 1 to {}, or Enter for none:", found.len()));
    let mut typed = String::new();
    let read = std::io::stdin().lock().read_line(&mut typed);
    let chosen = read.ok().and_then(|_| typed.trim().parse::<usize>().ok());
    match chosen.and_then(|nth| nth.checked_sub(1)).filter(|at| *at < found.len()) {
        Some(at) => Ok(found.swap_remove(at)),
        None => Err(Failure::wrong("no modem was chosen; `--port` names one")),
    }
}

/// The plan with the lines that are meant, and none beside.
fn with_lines(
    args: &Call,
    number: Option<PhoneNumber>,
    mut plan: Plan,
    library: &Library,
) -> Result<Plan, Failure> {
    let of_number = [
        ("--console", args.console.is_some()),
        ("--hostname", args.hostname.is_some()),
        ("--credential", args.credential.is_some()),
        ("--username", args.username.is_some()),
    ];
    let given = of_number.iter().find(|(_, given)| *given).map(|(flag, _)| *flag);
    let of_plan = |number: &PhoneNumber| plan.lines.iter().any(|planned| planned.line.number == *number);
    match number {
        // What the plan knows of a number is more than what was typed.
        Some(number) if given.is_none() && of_plan(&number) => {
            plan.cut_down(&[number.to_string()]).map_err(Failure::wrong)?;
            Ok(plan)
        }
        Some(number) => {
            let typed = args.username.as_ref().map(|username| {
                let from = args.password_env.clone().map_or(CredentialSource::Prompt, CredentialSource::Env);
                Login::Typed(username.clone(), from)
            });
            let login = typed.or_else(|| args.credential.clone().map(Login::Planned));
            let lone =
                LoneLine { number, console: args.console.clone(), hostname: args.hostname.clone(), login };
            lone.alone_in(plan, library).map_err(Failure::wrong)
        }
        None => {
            if let Some(flag) = given {
                return Err(Failure::wrong(format!(
                    "{flag} says what answers at a number that is in no plan; of a line the plan says it"
                )));
            }
            plan.cut_down(&args.names).map_err(Failure::wrong)?;
            Ok(plan)
        }
    }
}

/// The plan with the modem that is named, where one is.
fn with_modem(args: &Call, mut plan: Plan) -> Result<Plan, Failure> {
    let alone = [
        ("--profile", args.profile.is_some()),
        ("--prefix", !args.prefix.is_empty()),
        ("--baud", args.baud != BAUD),
    ];
    let of_bank = args.port.is_none() && (args.plan.is_some() || args.bank.is_some());
    if let Some((flag, _)) = alone.iter().find(|(_, given)| *given && of_bank) {
        return Err(Failure::wrong(format!(
            "{flag} is for a modem on `--port`; of a bank's modems its file says it"
        )));
    }
    let Some(wanted) = &args.modem else { return Ok(plan) };
    if !plan.bank.modems.iter().any(|modem| modem.id == *wanted) {
        let known: Vec<&str> = plan.bank.modems.iter().map(|modem| modem.id.as_str()).collect();
        return Err(Failure::wrong(format!(
            "--modem: bank `{}` has no modem `{wanted}`; it has {}",
            plan.bank.name,
            known.join(", ")
        )));
    }
    plan.bank.modems.retain(|modem| modem.id == *wanted);
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(ports: &[&str]) -> Vec<Found> {
        let found = |port: &&str| Found {
            port: (*port).to_owned(),
            profile: "courier".to_owned(),
            told: "courier\u{1b}[2J".to_owned(),
        };
        ports.iter().map(found).collect()
    }

    #[test]
    fn one_modem_is_taken_none_and_several_say_what_to_name() {
        assert_eq!(the_one_modem(found(&["/dev/ttyUSB0"])).unwrap().port, "/dev/ttyUSB0");
        let none = the_one_modem(Vec::new()).unwrap_err();
        assert!(none.text.contains("--port") && none.text.contains("--plan"), "{}", none.text);
        // Of several a person is asked, where one sits at a terminal.
        if !std::io::stdin().is_terminal() {
            let several = the_one_modem(found(&["/dev/ttyUSB0", "/dev/ttyUSB1"])).unwrap_err().text;
            assert!(several.contains("/dev/ttyUSB0") && several.contains("/dev/ttyUSB1"), "{several}");
        }
    }
}
