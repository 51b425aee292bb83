//! What stands in no file: a modem on a port that no bank has, a number that no plan has; and a plan that is cut down to
//! the lines that somebody names. For a technician's call: whatever is screened, checked and guarded for a plan is for these.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::ways::{PlannedWay, dialable};
use super::{CONSOLE_NONE, Plan, PlannedLine, Preset, Undialable, glob};
use crate::call::Limits;
use crate::config::bank::{Bank, BankModem, Location, ON_HOOK_MIN, PROFILE_AUTO};
use crate::config::credentials::{CredentialSource, PlannedCredential};
use crate::config::history::HistoryPlan;
use crate::config::library::{Known, Library, LoadError};
use crate::config::numbering::{Countries, Numbering, NumberingFile};
use crate::config::problem::{Place, Problem, Problems, quoted, suggestion};
use crate::console::{Dialog, DialogFile};
use crate::model::{
    BankName, CredentialName, DialString, Facets, Fault, Hostname, Line, LineId, ModemId, PhoneNumber,
    PlanName,
};
use crate::modem::port::PortPath;
use crate::modem::profile::Profile;

/// Name of the plan, and of the bank, that has no file.
const NAMELESS: &str = "call";
/// The one modem of a bank without a file, where its port has no name that would do.
const MODEM: &str = "modem";
/// The credential that was typed.
const TYPED: &str = "typed";

/// A modem on a port, and where it dials from. What is not given comes from a plan's bank, if there is one.
#[derive(Debug, Clone, Default)]
pub struct LonePort {
    /// The port, as a bank has it.
    pub port: String,
    /// Its profile; absent: it is asked.
    pub profile: Option<String>,
    /// Speed, bit/s.
    pub baud: u32,
    /// What it dials for an outside line.
    pub prefix: String,
    /// Where it stands.
    pub from: LonePlace,
}

/// Where a modem stands that no bank file tells of.
#[derive(Debug, Clone, Default)]
pub struct LonePlace {
    /// The country, two capitals.
    pub country: Option<String>,
    /// Our own area code.
    pub area_code: Option<String>,
    /// The dialing rules, where they are not the country's name.
    pub numbering: Option<String>,
}

/// A line that no plan has.
#[derive(Debug, Clone)]
pub struct LoneLine {
    /// What is called.
    pub number: PhoneNumber,
    /// What answers there; absent or `none`: the call ends after CONNECT.
    pub console: Option<String>,
    /// The host that must answer.
    pub hostname: Option<Hostname>,
    /// What to log in with.
    pub login: Option<Login>,
}

/// What to log in with at a line that no plan has.
#[derive(Debug, Clone)]
pub enum Login {
    /// A credential of the plan.
    Planned(CredentialName),
    /// This user, with a password from there.
    Typed(String, CredentialSource),
}

impl LonePort {
    /// A plan of this modem alone, without lines.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn bench(&self, library: &Library) -> Result<Plan, Problems> {
        let mut problems = Problems::default();
        let Some(country) = &self.from.country else {
            problems.0.push(at(
                "--country",
                "is missing: no bank file says where this modem dials from; write `--country US`",
            ));
            // What else is wrong is told in one go.
            let _ = self.modem(library, &mut problems);
            return Err(problems);
        };
        let location = self.from.location(country);
        let numbering = self.from.rules(country, &location, library, &mut problems);
        let bank = self.bank(location, library, &mut problems);
        let plan = bank.zip(numbering).zip(PlanName::try_from(NAMELESS.to_owned()).ok());
        problems.or_value(plan.map(|((bank, numbering), name)| nameless(name, bank, numbering)))
    }

    /// A plan with this modem alone in the place of its bank's.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn instead(&self, mut plan: Plan, library: &Library) -> Result<Plan, Problems> {
        if plan.bank.exchange.is_some() && self.from.country.is_none() {
            let what = "the plan's bank is a simulated one, which says nothing of where this modem dials from; write `--country US` too";
            return Err(at("--port", what).into());
        }
        let mut problems = Problems::default();
        let known = plan.bank.location.country.clone();
        let location = match &self.from.country {
            Some(country) if known.as_ref() != Some(country) => {
                if let Some(rules) =
                    self.from.rules(country, &self.from.location(country), library, &mut problems)
                {
                    plan.numbering = rules;
                }
                self.from.location(country)
            }
            _ => Location {
                area_code: self.from.area_code.clone().or_else(|| plan.bank.location.area_code.clone()),
                ..plan.bank.location.clone()
            },
        };
        if let Some(bank) = self.bank(location, library, &mut problems) {
            let name = plan.bank.name.clone();
            plan.bank = Bank { name, on_hook_min: ON_HOOK_MIN.max(plan.numbering.on_hook_min()), ..bank };
        }
        plan.limits.compressed = false;
        // The modem's numbers are gone with the bank.
        plan.checks.toll = None;
        if problems.is_empty() {
            plan.screen_again();
            return Ok(plan);
        }
        Err(problems)
    }

    fn bank(&self, location: Location, library: &Library, problems: &mut Problems) -> Option<Bank> {
        let modem = self.modem(library, problems);
        let (modem, profiles) = modem?;
        Some(Bank {
            name: BankName::try_from(NAMELESS.to_owned()).ok()?,
            path: PathBuf::from("--port"),
            location,
            on_hook_min: ON_HOOK_MIN,
            trunks: BTreeMap::new(),
            modems: vec![modem],
            profiles,
            exchange: None,
            rehearsal: false,
        })
    }

    fn modem(
        &self,
        library: &Library,
        problems: &mut Problems,
    ) -> Option<(BankModem, BTreeMap<String, Arc<Profile>>)> {
        if let Err(error) = self.port.parse::<PortPath>() {
            problems.0.push(at("--port", format!("{} {error}", quoted(&self.port))));
        }
        if let Err(error) = DialString::new(&self.prefix, "") {
            problems.0.push(at("--prefix", error.to_string()));
        }
        let profile = self.profile.clone().unwrap_or_else(|| PROFILE_AUTO.to_owned());
        let names = if profile == PROFILE_AUTO { library.names(Known::Modem) } else { vec![profile.clone()] };
        let mut profiles = BTreeMap::new();
        for name in names {
            match library.load::<Profile>(&name) {
                Ok(loaded) => drop(profiles.insert(name, Arc::new(loaded))),
                Err(error) => told(problems, "--profile", error),
            }
        }
        let modem = BankModem {
            id: self.name()?,
            port: self.port.clone(),
            profile,
            trunk: None,
            prefix: self.prefix.clone(),
            baud: self.baud,
            number: None,
            fingerprint: None,
            reset: None,
            enabled: true,
        };
        problems.is_empty().then_some((modem, profiles))
    }

    /// Its modem is called as its port is, where that is a name: whoever stands there has read it on the command line.
    fn name(&self) -> Option<ModemId> {
        let last = self.port.rsplit('/').next().unwrap_or_default();
        last.parse().or_else(|_| MODEM.parse()).ok()
    }
}

impl LonePlace {
    fn location(&self, country: &str) -> Location {
        Location {
            country: Some(country.to_owned()),
            area_code: self.area_code.clone(),
            ..Location::default()
        }
    }

    /// The dialing rules there.
    fn rules(
        &self,
        country: &str,
        from: &Location,
        library: &Library,
        problems: &mut Problems,
    ) -> Option<Arc<Numbering>> {
        let own = country.to_ascii_lowercase();
        let flag = if self.numbering.is_some() { "--numbering" } else { "--country" };
        let name = self.numbering.as_deref().unwrap_or(&own);
        let numbering = match library.load::<NumberingFile>(name) {
            Ok(numbering) => numbering,
            Err(error) => {
                told(problems, flag, error);
                return None;
            }
        };
        if numbering.country != country {
            let what = format!(
                "{} has the dialing rules of {}, and the modem stands in {country}",
                quoted(name),
                numbering.country
            );
            problems.0.push(at(flag, what));
        }
        let code = self.area_code.as_deref().unwrap_or("0");
        if !((1..=6).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit())) {
            let what = format!("is {}; write its digits, without trunk prefix", quoted(code));
            problems.0.push(at("--area-code", what));
        }
        if let Some(what) = numbering.carrier_problem(from) {
            problems.0.push(at("--country", format!("{what}; name a bank file that says it")));
        }
        Some(Arc::new(numbering))
    }
}

impl LoneLine {
    /// The plan with this line alone.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn alone_in(&self, mut plan: Plan, library: &Library) -> Result<Plan, Problems> {
        let mut problems = Problems::default();
        let console = self.console.as_deref().filter(|name| *name != CONSOLE_NONE);
        let dialog: Option<Arc<Dialog>> = console.and_then(|name| match library.load::<DialogFile>(name) {
            Ok(dialog) => Some(Arc::new(dialog)),
            Err(error) => {
                told(&mut problems, "--console", error);
                None
            }
        });
        let credential =
            self.login.as_ref().and_then(|login| Self::credential(login, &mut plan, &mut problems));
        // A number is a name too: `+` and digits.
        let name = self.number.as_str();
        let (Ok(id), Ok(site)) = (name.parse::<LineId>(), name.parse()) else {
            return Err(at("--number", "is too long for a name").into());
        };
        let country = Countries::new(library).of(&self.number, &plan.numbering);
        let line = Line {
            id,
            site,
            number: self.number.clone(),
            hostname: self.hostname.clone(),
            facets: Facets { country, ..Facets::default() },
        };
        plan.lines = vec![PlannedLine {
            line,
            console: console.map(ToOwned::to_owned),
            dialog,
            consoles: Vec::new(),
            credential,
            zone: None,
            ways: vec![PlannedWay { number: self.number.clone(), carrier: None }],
            hold: None,
            number_confirmed: None,
            preset: None,
            enabled: true,
            hours: None,
        }];
        plan.sites.clear();
        plan.hunt_groups.clear();
        if let Some(Undialable::NoString(what)) = plan.screen_again() {
            problems.0.push(at("--number", what));
        }
        problems.or_value(Some(plan))
    }

    fn credential(login: &Login, plan: &mut Plan, problems: &mut Problems) -> Option<CredentialName> {
        match login {
            Login::Planned(name) if plan.credentials.contains_key(name) => Some(name.clone()),
            Login::Planned(name) => {
                let near = suggestion(name.as_str(), plan.credentials.keys().map(CredentialName::as_str));
                problems.0.push(at("--credential", format!("`{name}` is no credential of this plan{near}")));
                None
            }
            Login::Typed(username, source) => {
                let name: CredentialName = TYPED.parse().ok()?;
                let planned = PlannedCredential {
                    username: username.clone(),
                    source: source.clone(),
                    prove_on: None,
                    at: Place::file("--username"),
                };
                plan.credentials.insert(name.clone(), planned);
                Some(name)
            }
        }
    }
}

impl Plan {
    /// Leaves the lines alone that are named: ids or sites, `*` standing for anything, or their own numbers.
    ///
    /// # Errors
    /// A name is none of them.
    pub fn cut_down(&mut self, names: &[String]) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let mut kept: BTreeSet<usize> = BTreeSet::new();
        for name in names {
            let number = name.parse::<PhoneNumber>().ok();
            let fits = |line: &Line| {
                glob(name, line.id.as_str())
                    || glob(name, line.site.as_str())
                    || number.as_ref() == Some(&line.number)
            };
            let found: Vec<usize> = (0..self.lines.len()).filter(|&at| fits(&self.lines[at].line)).collect();
            if found.is_empty() {
                let known = self
                    .lines
                    .iter()
                    .flat_map(|planned| [planned.line.id.as_str(), planned.line.site.as_str()]);
                let near = suggestion(name, known);
                let what = format!("{} is no line and no site of plan `{}`{near}", quoted(name), self.name);
                problems.0.push(Problem::new(Place::file(self.path.display().to_string()), what));
            }
            kept.extend(found);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut at = 0;
        self.lines.retain(|_| {
            at += 1;
            kept.contains(&(at - 1))
        });
        // A credential is proven on a line that is called, or nowhere.
        for credential in self.credentials.values_mut() {
            let here = |line: &LineId| self.lines.iter().any(|planned| planned.line.id == *line);
            credential.prove_on = credential.prove_on.take().filter(here);
        }
        Ok(())
    }

    /// Screens the lines' numbers anew, after the modems or the dialing rules have changed; why the last one that can't be
    /// dialed can't be.
    fn screen_again(&mut self) -> Option<Undialable> {
        let mut refused = None;
        for planned in &mut self.lines {
            let (mut open, mut screened) = (Vec::new(), None);
            for way in std::mem::take(&mut planned.ways) {
                let carrier = way.carrier.as_ref().and_then(|name| self.carriers.get(name));
                match dialable(&self.numbering, &self.bank, &way.number, carrier) {
                    Ok(()) => open.push(way),
                    Err(why) => {
                        screened.get_or_insert(Preset { fault: Fault::Screened, detail: why.to_string() });
                        refused = Some(why);
                    }
                }
            }
            if open.is_empty() {
                planned.preset = screened.or(planned.preset.take());
            }
            planned.ways = open;
        }
        refused
    }
}

fn nameless(name: PlanName, bank: Bank, numbering: Arc<Numbering>) -> Plan {
    let on_hook_min = bank.on_hook_min.max(numbering.on_hook_min());
    Plan {
        name,
        path: bank.path.clone(),
        bank: Bank { on_hook_min, ..bank },
        numbering,
        lines: Vec::new(),
        sites: BTreeMap::new(),
        hunt_groups: BTreeMap::new(),
        carriers: BTreeMap::new(),
        credentials: BTreeMap::new(),
        policy: crate::fleet::policy::Policy::default(),
        checks: crate::fleet::scheduler::CheckPlan::default(),
        tariff: None,
        budget: crate::fleet::budget::Budget::default(),
        deadline: None,
        zone: None,
        limits: Limits::default(),
        history: HistoryPlan::default(),
        notify: super::notify::NotifyPlan::default(),
        seed: 0,
        warnings: Vec::new(),
    }
}

fn at(flag: &str, what: impl Into<String>) -> Problem {
    Problem::new(Place::file(flag), what.into())
}

fn told(problems: &mut Problems, flag: &str, error: LoadError) {
    match error {
        LoadError::Unknown(what) => problems.0.push(at(flag, what)),
        LoadError::Bad(bad) => problems.0.extend(bad.0),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Overrides, load_plan};

    const BANK: &str = "bank: hq\nlocation: { country: US, area_code: \"919\" }\n\
        modems: [{ id: m00, port: /dev/ttyS0, profile: generic, prefix: \"9,\" }, { id: m01, port: /dev/ttyS1, profile: generic }]\n";
    const PLAN: &str = "plan: nightly\nbank: bank.yaml\nnumbering: us\ndefaults: { console: cisco-ios, credential: oob }\n\
        credentials: { oob: { username: oob, password: { env: X }, prove_on: A1 } }\nlines:\n\
        - { id: A1, site: A, number: \"+1 919 555 0101\" }\n- { id: A2, site: A, number: \"+1 919 555 0102\" }\n\
        - { id: B1, site: B, number: \"+1 704 555 0103\" }\n- { id: P1, site: P, number: \"+1 900 555 0104\" }\n";

    fn plan() -> Plan {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bank.yaml"), BANK).unwrap();
        fs::write(folder.path().join("plan.yaml"), PLAN).unwrap();
        load_plan(&folder.path().join("plan.yaml"), &Overrides::default()).unwrap()
    }

    fn port() -> LonePort {
        let from =
            LonePlace { country: Some("US".to_owned()), area_code: Some("919".to_owned()), numbering: None };
        LonePort { port: "/dev/ttyUSB0".to_owned(), baud: 115_200, from, ..LonePort::default() }
    }

    fn number(text: &str) -> LoneLine {
        LoneLine { number: text.parse().unwrap(), console: None, hostname: None, login: None }
    }

    fn dialed(plan: &Plan) -> Result<String, String> {
        let planned = &plan.lines[0];
        match (&planned.preset, planned.ways.first()) {
            (None, Some(way)) => {
                let dial = plan.dial_string(way, &plan.bank.modems[0]).map_err(|why| why.to_string())?;
                Ok(dial.command())
            }
            (preset, _) => Err(preset.as_ref().map(|preset| preset.fault.to_string()).unwrap_or_default()),
        }
    }

    #[test]
    fn a_modem_and_a_number_without_a_file_are_a_plan_and_screened_like_any() {
        let library = Library::built_in();
        let call =
            |text: &str| dialed(&number(text).alone_in(port().bench(&library).unwrap(), &library).unwrap());
        assert_eq!(call("+1 704 555 0101"), Ok("17045550101".to_owned()));
        assert_eq!(call("+1 919 555 0101"), Ok("9195550101".to_owned()), "within our own area");
        assert_eq!(call("+44 20 7946 0139"), Ok("011442079460139".to_owned()));
        assert_eq!(call("+1 900 555 0143"), Err("screened".to_owned()));
        assert_eq!(call("+44 900 123 4567"), Err("screened".to_owned()));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let wrong = LonePort {
            port: "tcp://".to_owned(),
            profile: Some("curier".to_owned()),
            prefix: "9;".to_owned(),
            ..LonePort::default()
        };
        let told = wrong.bench(&Library::built_in()).unwrap_err().to_string();
        for part in ["--country: is missing", "--port:", "--prefix:", "--profile:", "did you mean `courier`"]
        {
            assert!(told.contains(part), "{part}: {told}");
        }
        let nowhere =
            LonePort { from: LonePlace { country: Some("XX".to_owned()), ..LonePlace::default() }, ..port() };
        assert!(nowhere.bench(&Library::built_in()).unwrap_err().to_string().contains("--country"));
    }

    #[test]
    fn a_modem_takes_the_place_of_a_banks_and_what_it_may_not_dial_is_screened() {
        let library = Library::built_in();
        let bare = LonePort { from: LonePlace::default(), ..port() };
        let mut plan = bare.instead(plan(), &library).unwrap();
        assert_eq!(plan.bank.modems.len(), 1);
        assert_eq!((plan.bank.name.as_str(), plan.bank.location.area_code.as_deref()), ("hq", Some("919")));
        let presets: Vec<bool> = plan.lines.iter().map(|planned| planned.preset.is_some()).collect();
        assert_eq!(presets, [false, false, false, true]);
        plan.cut_down(&["B1".to_owned()]).unwrap();
        assert_eq!(dialed(&plan), Ok("17045550103".to_owned()), "without the prefix of the bank's own modem");
    }

    #[test]
    fn a_plan_is_cut_down_to_what_is_named() {
        let cut = |names: &[&str]| {
            let mut plan = plan();
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            plan.cut_down(&names).map(|()| plan)
        };
        let ids =
            |plan: &Plan| plan.lines.iter().map(|planned| planned.line.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(&cut(&["B", "A1"]).unwrap()), ["A1", "B1"]);
        assert_eq!(ids(&cut(&["A*"]).unwrap()), ["A1", "A2"]);
        assert_eq!(ids(&cut(&["+17045550103"]).unwrap()), ["B1"]);
        let told = cut(&["A3", "A1", "C9"]).unwrap_err().to_string();
        assert!(told.contains("`A3`") && told.contains("`C9`"), "{told}");
        // Nobody waits for a line to prove a credential that is not called.
        let proves = |plan: &Plan| plan.credentials.values().next().unwrap().prove_on.is_some();
        assert!(proves(&cut(&["A"]).unwrap()) && !proves(&cut(&["B"]).unwrap()));
    }
}
