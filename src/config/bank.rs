//! The bank: `hardware/banks/*.yaml`, our modems and the place where they dial from.

mod modems;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::exchange::load_exchange;
use super::hours::zone::Zone;
use super::library::Library;
use super::problem::quoted;
use super::source::{beside, shown};
use super::yaml::{self, Doc};
use crate::model::{BankName, ModemId, TrunkName, span};
use crate::modem::profile::Profile;
use modems::{ModemFile, check_modems, check_profiles};

pub use modems::BankModem;

/// Least rest on-hook between two calls on a real port; less is a hook flash (modems.md 6: Si24xx S50).
pub const ON_HOOK_MIN: Duration = Duration::from_secs(3);

/// Speed of a port where the bank names none, bit/s.
pub const BAUD: u32 = 115_200;

/// Least time between two resets that a bank may ask for.
pub const RESET_EVERY_MIN: Duration = Duration::from_secs(10);

/// The speeds that a port may have, bit/s.
pub const BAUDS: [u32; 12] =
    [300, 1200, 2400, 4800, 9600, 14_400, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800];

/// The profile's name that means "ask the modem who it is".
pub const PROFILE_AUTO: &str = "auto";

/// The modems of one dial host. Born valid: ids and ports are unique, trunks exist.
#[derive(Debug, Clone)]
pub struct Bank {
    /// Its name.
    pub name: BankName,
    /// The file it was read from.
    pub path: PathBuf,
    /// Where we dial from.
    pub location: Location,
    /// Rest on-hook between two calls on one modem.
    pub on_hook_min: Duration,
    /// Calls at a time on each trunk.
    pub trunks: BTreeMap<TrunkName, u32>,
    /// The modems, in the order of the file; of a simulated bank that lists none, those of its exchange.
    pub modems: Vec<BankModem>,
    /// The profiles that the modems name; all that there are, in the order of their names, where one is to be asked who
    /// it is.
    pub profiles: BTreeMap<String, Arc<Profile>>,
    /// The simulated exchange that takes the place of ports.
    pub exchange: Option<PathBuf>,
    /// The network is a simulated one, whose time may be compressed: no figure of real modems is held against it.
    pub rehearsal: bool,
}

/// Where we dial from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Location {
    /// Country, two capitals; absent in a simulated bank, where the plan's numbering tells.
    pub country: Option<String>,
    /// Our area code without trunk prefix, where numbers in our own area are dialed in another way.
    pub area_code: Option<String>,
    /// Digits of a call within the area; what is left out is for the country's numbering to say.
    pub local: Option<usize>,
    /// The time zone in which the bank stands: of lines, sites and plans that name none.
    pub zone: Option<Zone>,
    /// Digits of our long-distance carrier, where a country wants one dialed; without them the numbering's.
    pub carrier: Option<String>,
}

impl Bank {
    /// The modems that its file disables, each with the words for it.
    pub fn off(&self) -> BTreeMap<ModemId, String> {
        let off = self.modems.iter().filter(|modem| !modem.enabled);
        off.map(|modem| (modem.id.clone(), format!("disabled in `{}`", shown(&self.path)))).collect()
    }

    /// That none of its modems may be used, and why; these are out of service beside those of its file.
    pub fn all_off(&self, others: &BTreeMap<ModemId, String>) -> Option<String> {
        let off = self.off();
        let is_off = |modem: &BankModem| off.contains_key(&modem.id) || others.contains_key(&modem.id);
        (!self.modems.is_empty() && self.modems.iter().all(is_off)).then(|| {
            let first = self.modems.iter().find_map(|modem| {
                Some(format!("`{}` is {}", modem.id, off.get(&modem.id).or_else(|| others.get(&modem.id))?))
            });
            format!("all modems of bank `{}` are disabled: {}", self.name, first.unwrap_or_default())
        })
    }
}

/// The bank as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BankFile {
    bank: Option<String>,
    location: Option<LocationFile>,
    on_hook_min: Option<String>,
    trunks: BTreeMap<String, Option<TrunkFile>>,
    modems: Vec<Option<ModemFile>>,
    exchange: Option<String>,
    /// The ports lead to a simulated exchange (`lineman sim`).
    rehearsal: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LocationFile {
    country: Option<String>,
    area_code: Option<String>,
    local: Option<usize>,
    carrier: Option<String>,
    zone: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TrunkFile {
    max_calls: Option<u32>,
}

/// A bank that was read, with the marks of its file, so that what names it can complain at the right place.
#[derive(Debug)]
pub(super) struct ReadBank {
    /// The bank; absent where its form is past use.
    pub(super) bank: Option<Bank>,
    /// Marks and problems.
    pub(super) doc: Doc,
}

/// Reads a bank file, and the profiles that it names.
pub(super) fn read(path: &Path, library: &Library) -> ReadBank {
    let yaml::Decoded { value, doc } = yaml::read::<BankFile>(path);
    let bank = value.and_then(|file| file.check(path, library, &doc));
    ReadBank { bank, doc }
}

impl BankFile {
    fn check(self, path: &Path, library: &Library, doc: &Doc) -> Option<Bank> {
        let simulated = self.exchange.is_some();
        let name = match self.bank.as_deref().map(str::parse::<BankName>) {
            Some(Ok(name)) => Some(name),
            Some(Err(error)) => {
                doc.problem("bank", error.to_string());
                None
            }
            None => {
                missing(doc, "bank", "the bank has no name; write `bank: NAME`");
                None
            }
        };
        let location = self.location.as_ref().map(|file| file.check(doc)).unwrap_or_default();
        if location.country.is_none() && !simulated && !doc.is_pruned("location.country") {
            doc.problem(
                "location",
                "does not say the country that we dial from; write `location: { country: US, area_code: \"919\" }`",
            );
        }
        let on_hook_min = match self.on_hook_min.as_deref().map(span::parse) {
            Some(Ok(span)) => span,
            Some(Err(what)) => {
                doc.problem("on_hook_min", what);
                ON_HOOK_MIN
            }
            None if simulated => Duration::ZERO,
            None => ON_HOOK_MIN,
        };
        let trunks = check_trunks(&self.trunks, doc);
        let exchange = self.exchange.as_deref().map(|exchange| beside(path, exchange));
        let played = match exchange.as_deref().map(load_exchange) {
            None => Vec::new(),
            Some(Ok((file, _))) => file.modems.into_iter().map(|modem| (modem.id, modem.profile)).collect(),
            Some(Err(problems)) => {
                problems.0.into_iter().for_each(|problem| doc.push(problem));
                Vec::new()
            }
        };
        let mut modems =
            check_modems(&self.modems, &trunks, exchange.is_some().then_some(&played), path, doc);
        if self.modems.is_empty() {
            modems = played.iter().map(BankModem::played).collect();
        }
        let profiles = check_profiles(&modems, &self.modems, library, doc);
        if !simulated && self.modems.is_empty() && !doc.is_pruned("modems") {
            doc.problem(
                "modems",
                "the bank has no modems; list them under `modems:`, or name an `exchange:`",
            );
        }
        Some(Bank {
            name: name?,
            path: path.to_owned(),
            location,
            on_hook_min,
            trunks,
            modems,
            profiles,
            exchange,
            rehearsal: simulated || self.rehearsal,
        })
    }
}

/// Notes that a key is missing, unless what stood there was told as wrong already.
pub(super) fn missing(doc: &Doc, key: &str, what: &str) {
    if !doc.is_pruned(key) {
        doc.problem(key, what);
    }
}

impl LocationFile {
    fn check(&self, doc: &Doc) -> Location {
        let country = self.country.as_deref().map(str::to_ascii_uppercase);
        if let Some(country) = &country
            && !(country.len() == 2 && country.chars().all(|c| c.is_ascii_uppercase()))
        {
            doc.problem(
                "location.country",
                format!("is {}; write two letters, as `US`, `GB` or `DE`", quoted(country)),
            );
        }
        if let Some(code) = &self.area_code
            && !(!code.is_empty() && code.len() <= 6 && code.chars().all(|c| c.is_ascii_digit()))
        {
            doc.problem(
                "location.area_code",
                format!("is {}; write its digits, without trunk prefix", quoted(code)),
            );
        }
        if self.local.is_some() && self.area_code.is_none() && !doc.is_pruned("location.area_code") {
            doc.problem("location.local", "has no meaning without `area_code`; write our area code too");
        }
        let is_carrier =
            |digits: &str| (1..=6).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit());
        let carrier = self.carrier.clone().filter(|carrier| {
            if !is_carrier(carrier) {
                let what = format!("is {}; write its digits, in quotes", quoted(carrier));
                doc.problem("location.carrier", what);
            }
            is_carrier(carrier)
        });
        let zone = self.zone.as_deref().and_then(|text| match Zone::named(text) {
            Ok(zone) => Some(zone),
            Err(what) => {
                doc.problem("location.zone", what);
                None
            }
        });
        Location { country, area_code: self.area_code.clone(), local: self.local, zone, carrier }
    }
}

fn check_trunks(file: &BTreeMap<String, Option<TrunkFile>>, doc: &Doc) -> BTreeMap<TrunkName, u32> {
    let mut trunks = BTreeMap::new();
    for (name, trunk) in file {
        let key = format!("trunks.{name}");
        let name = match name.parse::<TrunkName>() {
            Ok(name) => name,
            Err(error) => {
                doc.problem(&key, error.to_string());
                continue;
            }
        };
        let limit_key = format!("{key}.max_calls");
        let max_calls = match trunk.as_ref().and_then(|trunk| trunk.max_calls) {
            Some(0) => {
                doc.problem(&limit_key, "is 0; a trunk that takes no call can't be used");
                1
            }
            Some(max_calls) => max_calls,
            None => {
                missing(doc, &limit_key, "is missing; write how many calls the trunk takes at a time");
                1
            }
        };
        trunks.insert(name, max_calls);
    }
    trunks
}
