//! `lineman init`: a commented plan and bank to begin with, from answers, or from tables of lines. What it writes is what
//! `lineman check` has found nothing wrong with.

mod answers;
mod ask;
mod columns;
mod compose;
mod kinds;
mod place;
mod rows;
mod table;

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::config::library::Library;
use crate::config::numbering::Numbering;
use crate::config::schemas::Kind;
use crate::config::source::shown;
use crate::config::{Overrides, Place, Plan, Problem, Problems, load_bench, load_plan};

use super::args::Init;
use super::modems::bank_file;
use super::{Failure, modems, note, say};

use self::answers::{Answers, Ports, Source, wrong};
use self::ask::Asker;
use self::compose::File;
use self::place::Placed;
use self::rows::{Found, Line, Rules};
use self::table::Table;

/// The plan's name, if none is given.
const NAME: &str = "nightly";
/// The bank's file, if none is given.
const BANK: &str = "hardware/banks/hq.yaml";
/// By what editors complete and check the files: written beside them, unless they are there.
const PLAN_SCHEMA: &str = "dialplans/schemas/plan.schema.json";
const BANK_SCHEMA: &str = "hardware/schemas/bank.schema.json";
/// What answers on lines, if nothing is said.
const CONSOLE: &str = "cisco-ios";
/// Who logs in, if nothing is said.
const USERNAME: &str = "oob";

/// Runs it; the exit code.
pub(super) async fn run(args: &Init) -> Result<u8, Failure> {
    let root = args.dir.clone().unwrap_or_else(|| PathBuf::from("."));
    let asks = !args.no_ask && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let mut asker = asks.then(|| Asker::new(std::io::stdin().lock(), std::io::stderr()));
    let dialplans = root.join("dialplans");
    let library = Library::around(&dialplans.join("x"));
    let tables = tables(args)?;
    let name = match (&args.name, &mut asker) {
        (Some(name), _) => answers::plan_name(name.as_str(), &dialplans).map_err(wrong("--name"))?,
        (None, Some(asker)) => {
            asker.ask("Name of the plan", Some(NAME), |text| answers::plan_name(text, &dialplans))?
        }
        (None, None) => answers::plan_name(NAME, &dialplans).map_err(wrong("--name"))?,
    };
    let bank_path = args.bank.clone().unwrap_or_else(|| root.join(BANK));
    let there = there(&bank_path, args)?;
    if there.is_some() {
        note(&format!(
            "notice: {} is there already, and is the plan's bank as it stands",
            bank_path.display()
        ));
    }
    let rules = match (&there, &args.country, &mut asker) {
        (Some(bank), ..) => Numbering::clone(&bank.numbering),
        (None, Some(country), _) => answers::numbering(&library, country).map_err(wrong("--country"))?,
        (None, None, Some(asker)) => {
            asker.ask("Country that the modems dial from, two letters", None, |text| {
                answers::numbering(&library, text)
            })?
        }
        (None, None, None) => {
            return Err(Failure::wrong("name the country that the modems dial from, as `--country US`"));
        }
    };
    let mut answers = Answers {
        name,
        country: rules.country.clone(),
        numbering: rules.name.clone(),
        area_code: args
            .area_code
            .as_deref()
            .map(answers::area_code)
            .transpose()
            .map_err(wrong("--area-code"))?,
        prefix: args.prefix.as_deref().map(answers::prefix).transpose().map_err(wrong("--prefix"))?,
        ports: Ports::Unknown,
        console: CONSOLE.to_owned(),
        login: None,
        reference: None,
    };
    if there.is_none() {
        if let Some(asker) = asker.as_mut() {
            ask_bank(asker, args, &mut answers)?;
        }
        answers.ports = ports(args, asker.as_mut()).await?;
    }
    let mut found = lines(args, &tables, &rules, &library)?;
    if let Some(asker) = asker.as_mut().filter(|_| found.lines.is_empty()) {
        found = ask_lines(asker, &rules, &library)?;
    }
    login(args, asker.as_mut(), &library, &rules, &mut answers)?;
    write(&answers, &found, &root, &bank_path, there.is_some(), args.skip_bad)
}

/// The bank that is there already. What would be written into one that is not can't be said of it.
fn there(path: &Path, args: &Init) -> Result<Option<Plan>, Failure> {
    if !path.exists() {
        return Ok(None);
    }
    let bank = load_bench(path).map_err(Failure::wrong)?;
    let given = [
        ("--port", !args.port.is_empty()),
        ("--find", args.find),
        ("--area-code", args.area_code.is_some()),
        ("--prefix", args.prefix.is_some()),
        ("--country", args.country.as_ref().is_some_and(|country| *country != bank.numbering.country)),
    ];
    let idle: Vec<&str> = given.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| *name).collect();
    if idle.is_empty() {
        return Ok(Some(bank));
    }
    Err(Failure::wrong(format!(
        "{} is there already, and is not overwritten: leave {} out, or name another file with `--bank`",
        path.display(),
        idle.join(", ")
    )))
}

fn tables(args: &Init) -> Result<Vec<Table>, Failure> {
    let (mut tables, mut problems) = (Vec::new(), Vec::new());
    for path in &args.from {
        match Table::read(path) {
            Ok(table) => tables.push(table),
            Err(more) => problems.extend(more),
        }
    }
    if !problems.is_empty() {
        return Err(Failure::wrong(Problems(problems)));
    }
    let headers: Vec<&[String]> = tables.iter().map(|table| table.header.as_slice()).collect();
    let misnamed = columns::misnamed(&args.column, &headers);
    if misnamed.is_empty() { Ok(tables) } else { Err(Failure::wrong(misnamed.join("\n"))) }
}

/// Lines of the tables and of the command line.
fn lines(args: &Init, tables: &[Table], rules: &Numbering, library: &Library) -> Result<Found, Failure> {
    let other = |country: &str| answers::numbering(library, country).ok();
    let rules = Rules { own: rules, of: &other };
    let mut found =
        if tables.is_empty() { Found::default() } else { rows::read(tables, &args.column, &rules) };
    for notice in &found.notices {
        note(&format!("notice: {notice}"));
    }
    for typed in &args.line {
        let told = |key: &str, what: String| {
            Problem::new(Place { key: key.to_owned(), ..Place::file(format!("--line {}", typed.id)) }, what)
        };
        match line(&typed.id, &typed.number, typed.hostname.as_deref(), rules.own) {
            Ok(line) => found.lines.push(line),
            Err(wrong) => found.problems.extend(wrong.into_iter().map(|(key, what)| told(key, what))),
        }
    }
    let problems = std::mem::take(&mut found.problems);
    if problems.is_empty() {
        return Ok(found);
    }
    if args.skip_bad && !found.lines.is_empty() {
        note(&format!("warning: {} left out:\n{}", problems.len(), Problems(problems)));
        return Ok(found);
    }
    let hint = if found.lines.is_empty() || tables.is_empty() {
        ""
    } else {
        "\nnothing was written; `--skip-bad` leaves these rows out"
    };
    Err(Failure::wrong(format!("{}{hint}", Problems(problems))))
}

/// A line that was typed; what is wrong with it, by its keys.
fn line(
    id: &str,
    number: &str,
    hostname: Option<&str>,
    rules: &Numbering,
) -> Result<Line, Vec<(&'static str, String)>> {
    let id = id.parse().map_err(|why: crate::model::id::NameError| ("id", why.to_string()));
    let number = rules.read(number).map_err(|why| ("number", why));
    let hostname = hostname.filter(|text| !text.is_empty()).map(str::parse).transpose();
    let hostname = hostname.map_err(|why: crate::model::line::HostnameError| ("hostname", why.to_string()));
    match (id, number, hostname) {
        (Ok(id), Ok(number), Ok(hostname)) => Ok(Line {
            id,
            number,
            site: None,
            hostname,
            others: std::collections::BTreeMap::new(),
            at: Place::default(),
        }),
        (id, number, hostname) => {
            Err([id.err(), number.err(), hostname.err()].into_iter().flatten().collect())
        }
    }
}

type Questions<'a> = Asker<std::io::StdinLock<'a>, std::io::Stderr>;

fn ask_bank(asker: &mut Questions<'_>, args: &Init, answers: &mut Answers) -> Result<(), Failure> {
    if args.area_code.is_none() {
        answers.area_code = asker.ask_or_none(
            "Its area code, where numbers in the area are dialed in another way",
            answers::area_code,
        )?;
    }
    if args.prefix.is_none() {
        answers.prefix =
            asker.ask_or_none("What the modems dial for an outside line, as `9,`", answers::prefix)?;
    }
    Ok(())
}

async fn ports(args: &Init, asker: Option<&mut Questions<'_>>) -> Result<Ports, Failure> {
    if !args.port.is_empty() {
        let ports: Result<Vec<String>, String> = args.port.iter().map(|text| answers::port(text)).collect();
        return ports.map(Ports::Named).map_err(wrong("--port"));
    }
    let find = match asker {
        _ if args.find => true,
        None => false,
        Some(asker) => {
            let ports = asker.ask_or_none(
                "Ports of the modems, as /dev/ttyUSB0 or rfc2217://host:port, with blanks between; `find` opens all and asks",
                |text| match text {
                    "find" => Ok(None),
                    _ => text.split([' ', ',']).filter(|word| !word.is_empty()).map(answers::port).collect::<Result<Vec<_>, _>>().map(Some),
                },
            )?;
            match ports {
                None => return Ok(Ports::Unknown),
                Some(Some(named)) => return Ok(Ports::Named(named)),
                Some(None) => true,
            }
        }
    };
    if !find {
        return Ok(Ports::Unknown);
    }
    let asked = modems::find().await?;
    let modems = asked.iter().filter(|one| one.modem().is_some()).count();
    note(&format!("notice: {} ports asked, {modems} modems answered", asked.len()));
    Ok(if modems == 0 { Ports::Unknown } else { Ports::Asked(asked) })
}

fn ask_lines(asker: &mut Questions<'_>, rules: &Numbering, library: &Library) -> Result<Found, Failure> {
    let other = |country: &str| answers::numbering(library, country).ok();
    let from = asker.ask_or_none("CSV file of the lines", |text| {
        let table = Table::read(Path::new(text)).map_err(|problems| Problems(problems).to_string())?;
        let found = rows::read(&[table], &[], &Rules { own: rules, of: &other });
        if found.problems.is_empty() { Ok(found) } else { Err(Problems(found.problems).to_string()) }
    })?;
    if let Some(found) = from {
        for notice in &found.notices {
            asker.tell(&format!("  {notice}"));
        }
        return Ok(found);
    }
    asker.tell(
        "Lines, one by one; Enter ends them (and without any the plan gets an example that is never dialed).",
    );
    let mut found = Found::default();
    loop {
        let taken: Vec<String> = found.lines.iter().map(|line: &Line| line.id.to_string()).collect();
        let id = asker.ask_or_none("  Name of a line, as BR0001-A", |text| {
            if taken.iter().any(|known| known == text) {
                return Err(format!("`{text}` is there already"));
            }
            text.parse::<crate::model::LineId>().map_err(|why| why.to_string())
        })?;
        let Some(id) = id else { return Ok(found) };
        let number = asker.ask("  Its number", None, |text| rules.read(text))?;
        let hostname = asker.ask_or_none("  The host that must answer there", |text| {
            text.parse().map_err(|why: crate::model::line::HostnameError| why.to_string())
        })?;
        let others = std::collections::BTreeMap::new();
        found.lines.push(Line { id, number, site: None, hostname, others, at: Place::default() });
    }
}

fn login(
    args: &Init,
    mut asker: Option<&mut Questions<'_>>,
    library: &Library,
    rules: &Numbering,
    answers: &mut Answers,
) -> Result<(), Failure> {
    answers.console = match (&args.console, asker.as_deref_mut()) {
        (Some(text), _) => answers::console(library, text).map_err(wrong("--console"))?,
        (None, Some(asker)) => asker.ask(
            "What answers on the lines (a console of hardware/consoles/, or `none` to stop after CONNECT)",
            Some(CONSOLE),
            |text| answers::console(library, text),
        )?,
        (None, None) => CONSOLE.to_owned(),
    };
    if answers.console != "none" {
        let username = match (&args.username, asker.as_deref_mut()) {
            (Some(text), _) => answers::username(text).map_err(wrong("--username"))?,
            (None, Some(asker)) => asker.ask("User who logs in there", Some(USERNAME), answers::username)?,
            (None, None) => USERNAME.to_owned(),
        };
        let source = match (&args.password, asker.as_deref_mut()) {
            (Some(text), _) => answers::source(text).map_err(wrong("--password"))?,
            (None, Some(asker)) => asker.ask(
                "Where the password comes from: env:VARIABLE, file:PATH, systemd:NAME, or prompt; not the password itself",
                Some("prompt"),
                answers::source,
            )?,
            (None, None) => Source::Prompt,
        };
        answers.login = Some((username, source));
    }
    answers.reference = match (&args.reference, asker) {
        (Some(text), _) => Some(rules.read(text).map_err(wrong("--reference"))?),
        (None, Some(asker)) => asker
            .ask_or_none("A number that always answers, with which the bench is checked", |text| {
                rules.read(text)
            })?,
        (None, None) => None,
    };
    Ok(())
}

/// Puts the files in their places, and lets them stay if nothing is wrong with them.
fn write(
    answers: &Answers,
    found: &Found,
    root: &Path,
    bank_path: &Path,
    is_there: bool,
    skip_bad: bool,
) -> Result<u8, Failure> {
    let dialplans = root.join("dialplans");
    let mut files = compose::plan(answers, found, &way(&dialplans, bank_path));
    let mut placed = Placed::default();
    for (kind, schema) in [(Kind::Plan, PLAN_SCHEMA), (Kind::Bank, BANK_SCHEMA)] {
        let path = root.join(schema);
        if !path.exists() {
            placed.put(&path, kind.schema()).map_err(Failure::wrong)?;
        }
    }
    if let Some(plan) = files.first_mut() {
        plan.text.insert_str(0, &compose::modeline(&way(&dialplans, &root.join(PLAN_SCHEMA))));
    }
    if !is_there {
        let folder = bank_path.parent().unwrap_or(Path::new(""));
        let first = compose::modeline(&way(folder, &root.join(BANK_SCHEMA)));
        let bank = compose::bank(&bank_file::name(bank_path), answers);
        placed.put(bank_path, &(first + &bank)).map_err(Failure::wrong)?;
    }
    for file in &files {
        placed.put(&dialplans.join(&file.name), &file.text).map_err(Failure::wrong)?;
    }
    let path = dialplans.join(format!("{}.yaml", answers.name));
    let plan = load_plan(&path, &Overrides::default()).map_err(|problems| {
        let hint = if skip_bad { "" } else { "\nnothing was written" };
        Failure::wrong(format!(
            "{}{hint}",
            Problems(problems.0.into_iter().map(|one| traced(one, &dialplans, bank_path, &files)).collect())
        ))
    })?;
    for warning in &plan.warnings {
        note(&format!("warning: {}", traced(warning.clone(), &dialplans, bank_path, &files)));
    }
    let written: Vec<String> = placed.keep().iter().map(|path| shown(path)).collect();
    say(&told(answers, found, &plan, &written, &shown(&path)));
    Ok(0)
}

/// What was written, and what comes next.
fn told(answers: &Answers, found: &Found, plan: &Plan, written: &[String], path: &str) -> String {
    let sites: std::collections::BTreeSet<_> = plan.lines.iter().map(|planned| &planned.line.site).collect();
    let lines = match found.lines.len() {
        0 => "an example line, on hold".to_owned(),
        1 => "1 line".to_owned(),
        many => format!("{many} lines of {} sites", sites.len()),
    };
    let modems = match (&answers.ports, plan.bank.modems.len()) {
        (Ports::Unknown, 1) => "an example modem".to_owned(),
        (_, 1) => "1 modem".to_owned(),
        (_, many) => format!("{many} modems"),
    };
    let mut text = format!("{lines}, {modems}; written:\n");
    for file in written {
        text.push_str("  ");
        text.push_str(file);
        text.push('\n');
    }
    text.push_str("next:\n");
    if let Some((_, Source::Env(name))) = &answers.login {
        let _ = writeln!(text, "  export {name}=...");
    }
    let _ = write!(text, "  lineman check {path}\n  lineman modems check {path}\n  lineman audit {path}");
    text
}

/// A problem of a file that does not stay, told as one of what it was made of.
fn traced(problem: Problem, dialplans: &Path, bank: &Path, files: &[File]) -> Problem {
    let Problem { at, what } = problem;
    let table = files.iter().find(|file| shown(&dialplans.join(&file.name)) == at.file);
    if let Some(read_from) = table.filter(|file| !file.read_from.is_empty()) {
        // Its header is line 1.
        let row = at.line.and_then(|line| read_from.read_from.get(line.checked_sub(2)?));
        if let Some(place) = row.filter(|place| place.line.is_some()) {
            return Problem::new(Place { key: at.key, ..place.clone() }, what);
        }
    }
    let options = [
        ("bank", "--bank"),
        ("reference", "--reference"),
        ("defaults.console", "--console"),
        ("credentials", "--username, --password"),
        ("location.area_code", "--area-code"),
        ("location", "--country"),
        ("modems", if at.key.ends_with("prefix") { "--prefix" } else { "--port" }),
        ("lines", "--line"),
    ];
    let is_ours = table.is_some() || at.file == shown(bank);
    let option = options.iter().find(|(key, _)| at.key.starts_with(key)).filter(|_| is_ours);
    match option {
        Some((_, option)) => Problem::new(Place::file(*option), what),
        None => Problem::new(at, what),
    }
}

/// The way from a folder to a file, as a plan has it.
fn way(from: &Path, to: &Path) -> String {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (from, to) = (whole(from), whole(to));
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    // Up to the root there is nothing that both lie in.
    if shared <= 1 {
        return to.display().to_string();
    }
    let up = from.components().skip(shared).map(|_| std::path::Component::ParentDir);
    up.chain(to.components().skip(shared)).collect::<PathBuf>().display().to_string()
}
