//! A plan as it is written. Nearly everything may be absent here: what is required is checked with all else at once.

use std::collections::BTreeMap;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::consoles::ConsoleFile;
use super::costs::BudgetFile;
use super::notify::NotifyFile;
use super::written::Row;
use crate::config::credentials::CredentialFile;
use crate::config::history::HistoryFile;
use crate::config::limits::LimitsFile;
use crate::config::policy::PolicyFile;

/// `dialplans/*.yaml`
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PlanFile {
    pub(super) plan: Option<String>,
    pub(super) bank: Option<String>,
    pub(super) numbering: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) preflight: Option<String>,
    pub(super) credentials: BTreeMap<String, Option<CredentialFile>>,
    pub(super) defaults: DefaultsFile,
    pub(super) policy: PolicyFile,
    pub(super) limits: LimitsFile,
    pub(super) tariff: Option<String>,
    pub(super) budget: BudgetFile,
    pub(super) history: HistoryFile,
    pub(super) notify: Option<NotifyFile>,
    pub(super) seed: Option<u64>,
    pub(super) zone: Option<String>,
    pub(super) windows: Option<ListFile>,
    pub(super) holidays: Option<ListFile>,
    pub(super) blackouts: Option<ListFile>,
    pub(super) sites: Option<SitesFile>,
    pub(super) hunt_groups: BTreeMap<String, Option<HuntGroupFile>>,
    pub(super) carriers: BTreeMap<String, Option<CarrierFile>>,
    pub(super) consoles: Option<String>,
    pub(super) lines: Option<LinesFile>,
}

/// `defaults:`
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DefaultsFile {
    pub(super) console: Option<String>,
    pub(super) credential: Option<String>,
}

/// A line; the same names are the columns of a CSV file. Numbers stay text (libraries.md Y6).
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LineFile {
    pub(super) id: Option<String>,
    pub(super) site: Option<String>,
    pub(super) number: Option<String>,
    pub(super) hostname: Option<String>,
    pub(super) console: Option<String>,
    pub(super) credential: Option<String>,
    pub(super) on_hold: Option<String>,
    pub(super) on_hold_until: Option<String>,
    pub(super) number_confirmed: Option<String>,
    pub(super) tags: Option<ListFile>,
    pub(super) priority: Option<String>,
    pub(super) hunt_group: Option<String>,
    pub(super) alternatives: Option<ListFile>,
    pub(super) carriers: Option<ListFile>,
    pub(super) zone: Option<String>,
    pub(super) windows: Option<ListFile>,
    pub(super) blackouts: Option<ListFile>,
    pub(super) enabled: Option<YesNoFile>,
    /// No column: consoles have a CSV file of their own.
    pub(super) consoles: Option<Vec<Option<ConsoleFile>>>,
}

impl Row for LineFile {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "site",
        "number",
        "hostname",
        "console",
        "credential",
        "on_hold",
        "on_hold_until",
        "number_confirmed",
        "tags",
        "priority",
        "hunt_group",
        "alternatives",
        "carriers",
        "zone",
        "windows",
        "blackouts",
        "enabled",
    ];
    const NEEDED: &'static [&'static str] = &["id", "number"];

    fn set(&mut self, column: &str, cell: &str) {
        let text = Some(cell.to_owned());
        let items = || Some(ListFile::of_cell(cell));
        match column {
            "id" => self.id = text,
            "site" => self.site = text,
            "number" => self.number = text,
            "hostname" => self.hostname = text,
            "console" => self.console = text,
            "credential" => self.credential = text,
            "on_hold" => self.on_hold = text,
            "on_hold_until" => self.on_hold_until = text,
            "number_confirmed" => self.number_confirmed = text,
            "tags" => self.tags = items(),
            "priority" => self.priority = text,
            "hunt_group" => self.hunt_group = text,
            "alternatives" => self.alternatives = items(),
            "carriers" => self.carriers = items(),
            "zone" => self.zone = text,
            "windows" => self.windows = items(),
            "blackouts" => self.blackouts = items(),
            "enabled" => self.enabled = Some(YesNoFile(cell.to_owned())),
            _ => {}
        }
    }
}

/// `true` or `false`, or what a spreadsheet makes of it; what else stands there is for the check to say.
#[derive(Debug)]
pub(super) struct YesNoFile(pub(super) String);

impl YesNoFile {
    /// What it means, if it means anything.
    pub(super) fn meaning(&self) -> Option<bool> {
        match self.0.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for YesNoFile {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        bool::deserialize(d).map(|yes| Self(yes.to_string()))
    }
}

/// A site; the same names are the columns of a CSV file. Where it is written inline its name is the key.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SiteFile {
    #[serde(skip)]
    pub(super) site: Option<String>,
    pub(super) zone: Option<String>,
    pub(super) windows: Option<ListFile>,
    pub(super) holidays: Option<ListFile>,
    pub(super) blackouts: Option<ListFile>,
    pub(super) max_calls: Option<String>,
    pub(super) tags: Option<ListFile>,
    pub(super) priority: Option<String>,
    pub(super) latitude: Option<String>,
    pub(super) longitude: Option<String>,
}

impl Row for SiteFile {
    const COLUMNS: &'static [&'static str] = &[
        "site",
        "zone",
        "windows",
        "holidays",
        "blackouts",
        "max_calls",
        "tags",
        "priority",
        "latitude",
        "longitude",
    ];
    const NEEDED: &'static [&'static str] = &["site"];

    fn set(&mut self, column: &str, cell: &str) {
        let text = Some(cell.to_owned());
        let items = || Some(ListFile::of_cell(cell));
        match column {
            "site" => self.site = text,
            "zone" => self.zone = text,
            "windows" => self.windows = items(),
            "holidays" => self.holidays = items(),
            "blackouts" => self.blackouts = items(),
            "max_calls" => self.max_calls = text,
            "tags" => self.tags = items(),
            "priority" => self.priority = text,
            "latitude" => self.latitude = text,
            "longitude" => self.longitude = text,
            _ => {}
        }
    }
}

/// What separates the items of a list in one cell of a CSV file, or in one text: commas and semicolons separate cells,
/// and commas stand within windows.
pub(super) const BETWEEN_ITEMS: char = '|';

/// A list of texts; one text is a list of one, or of those between its `|`. Its way is `KEY[n]`, and in a cell or a
/// single text `KEY`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct ListFile {
    pub(super) items: Vec<Option<String>>,
    /// It was written as one text.
    pub(super) one_text: bool,
}

impl ListFile {
    /// The items of a cell.
    pub(super) fn of_cell(cell: &str) -> Self {
        let items = cell.split(BETWEEN_ITEMS).map(str::trim).filter(|item| !item.is_empty());
        Self { items: items.map(|item| Some(item.to_owned())).collect(), one_text: true }
    }

    /// Its items with the key of each, as `tags[1]`; where it is one text, the key of all of them. An empty item is
    /// `None`.
    pub(super) fn keyed<'a>(&'a self, key: &'a str) -> impl Iterator<Item = (String, Option<&'a str>)> {
        self.items.iter().enumerate().map(move |(index, item)| {
            let key = if self.one_text { key.to_owned() } else { format!("{key}[{index}]") };
            (key, item.as_deref().map(str::trim).filter(|item| !item.is_empty()))
        })
    }
}

impl<'de> Deserialize<'de> for ListFile {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Items;

        impl<'de> Visitor<'de> for Items {
            type Value = ListFile;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of texts, or one text in quotes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ListFile, E> {
                Ok(ListFile::of_cell(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<ListFile, A::Error> {
                let items = Vec::deserialize(SeqAccessDeserializer::new(seq))?;
                Ok(ListFile { items, one_text: false })
            }
        }

        d.deserialize_any(Items)
    }
}

/// A hunt group: a busy number of it rolls over to the next.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HuntGroupFile {
    pub(super) max_calls: Option<u32>,
}

/// A carrier: what is dialed before the number.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CarrierFile {
    pub(super) prefix: Option<String>,
    pub(super) code: Option<String>,
}

/// `sites:`: the sites by their names, or the CSV file that has them.
#[derive(Debug)]
pub(super) enum SitesFile {
    Inline(BTreeMap<String, Option<SiteFile>>),
    Csv(String),
}

impl<'de> Deserialize<'de> for SitesFile {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Sites;

        impl<'de> Visitor<'de> for Sites {
            type Value = SitesFile;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(
                    "sites by their names (`BR0001: { zone: America/New_York }`), or the name of a CSV file",
                )
            }

            fn visit_str<E: de::Error>(self, path: &str) -> Result<SitesFile, E> {
                Ok(SitesFile::Csv(path.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SitesFile, A::Error> {
                BTreeMap::deserialize(MapAccessDeserializer::new(map)).map(SitesFile::Inline)
            }
        }

        d.deserialize_any(Sites)
    }
}

/// `lines:`: the lines, or the CSV file that has them.
#[derive(Debug)]
pub(super) enum LinesFile {
    Inline(Vec<Option<LineFile>>),
    Csv(String),
}

impl<'de> Deserialize<'de> for LinesFile {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Lines;

        impl<'de> Visitor<'de> for Lines {
            type Value = LinesFile;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of lines, or the name of a CSV file")
            }

            fn visit_str<E: de::Error>(self, path: &str) -> Result<LinesFile, E> {
                Ok(LinesFile::Csv(path.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<LinesFile, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(LinesFile::Inline)
            }
        }

        d.deserialize_any(Lines)
    }
}
