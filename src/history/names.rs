//! Names to keys: each name is entered once, and looked up once in an ingest.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};

use crate::model::event::RunHeader;
use crate::model::{
    BankName, CarrierName, Facets, Fault, GroupName, Hostname, Line, Link, PhoneNumber, TrunkName,
};

use super::night::ModemNight;

/// A key of one of the tables of names.
pub(super) type Key = i64;

/// The names of one change of the database.
pub(super) struct Names<'a> {
    change: &'a Transaction<'a>,
    bank: &'a BankName,
    faults: HashMap<String, Key>,
    numbers: HashMap<PhoneNumber, Key>,
    carriers: HashMap<CarrierName, Key>,
    links: HashMap<LinkName, Key>,
}

type LinkName = (Option<u32>, Option<u32>, Option<String>, Option<String>, Option<String>);

impl<'a> Names<'a> {
    pub(super) fn of(change: &'a Transaction<'a>, bank: &'a BankName) -> rusqlite::Result<Self> {
        let mut faults = HashMap::new();
        let mut known = change.prepare("SELECT code, id FROM fault")?;
        let mut rows = known.query([])?;
        while let Some(row) = rows.next()? {
            faults.insert(row.get(0)?, row.get(1)?);
        }
        Ok(Self {
            change,
            bank,
            faults,
            numbers: HashMap::new(),
            carriers: HashMap::new(),
            links: HashMap::new(),
        })
    }

    /// 0 is a pass.
    pub(super) fn fault(&self, fault: Option<Fault>) -> Key {
        fault.and_then(|fault| self.faults.get(fault.code())).copied().unwrap_or(0)
    }

    pub(super) fn number(&mut self, number: &PhoneNumber) -> rusqlite::Result<Key> {
        if let Some(key) = self.numbers.get(number) {
            return Ok(*key);
        }
        let key = number_key(self.change, self.bank, number)?;
        self.numbers.insert(number.clone(), key);
        Ok(key)
    }

    pub(super) fn carrier(&mut self, carrier: &CarrierName) -> rusqlite::Result<Key> {
        if let Some(key) = self.carriers.get(carrier) {
            return Ok(*key);
        }
        let key = found_or_entered(
            self.change,
            "SELECT id FROM carrier WHERE name = ?1",
            "INSERT INTO carrier (name) VALUES (?1)",
            params![carrier.as_str()],
        )?;
        self.carriers.insert(carrier.clone(), key);
        Ok(key)
    }

    /// Absent where the modem told nothing.
    pub(super) fn link(&mut self, link: &Link) -> rusqlite::Result<Option<Key>> {
        if *link == Link::default() {
            return Ok(None);
        }
        let name = (
            link.tx_bps,
            link.rx_bps,
            link.modulation.clone(),
            link.protocol.clone(),
            link.compression.clone(),
        );
        if let Some(key) = self.links.get(&name) {
            return Ok(Some(*key));
        }
        let key = found_or_entered(
            self.change,
            "SELECT id FROM link WHERE tx_bps IS ?1 AND rx_bps IS ?2 AND modulation IS ?3 AND protocol IS ?4
                 AND compression IS ?5",
            "INSERT INTO link (tx_bps, rx_bps, modulation, protocol, compression) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![name.0, name.1, name.2, name.3, name.4],
        )?;
        self.links.insert(name, key);
        Ok(Some(key))
    }

    pub(super) fn modem(&self, modem: &ModemNight<'_>) -> rusqlite::Result<Key> {
        found_or_entered(
            self.change,
            "SELECT id FROM modem WHERE bank = ?1 AND name = ?2 AND family = ?3 AND trunk IS ?4",
            "INSERT INTO modem (bank, name, family, trunk) VALUES (?1, ?2, ?3, ?4)",
            params![self.bank.as_str(), modem.id.as_str(), modem.family, modem.trunk.map(TrunkName::as_str)],
        )
    }

    pub(super) fn facets(&self, line: &Line) -> rusqlite::Result<Key> {
        // Which consoles stand behind it is each run's own: their findings are in its journal.
        let Facets { tags, priority, country, hunt_group, consoles: _ } = &line.facets;
        let tags = if tags.is_empty() { String::new() } else { format!(",{},", tags.join(",")) };
        found_or_entered(
            self.change,
            "SELECT id FROM facets WHERE site = ?1 AND hostname IS ?2 AND country IS ?3 AND hunt_group IS ?4
                 AND priority = ?5 AND tags = ?6",
            "INSERT INTO facets (site, hostname, country, hunt_group, priority, tags)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                line.site.as_str(),
                line.hostname.as_ref().map(Hostname::as_str),
                country,
                hunt_group.as_ref().map(GroupName::as_str),
                priority,
                tags
            ],
        )
    }

    /// The line's key and its facets'. What is newest of it is noted where `run` is the newest that has it.
    pub(super) fn line(&mut self, series: Key, line: &Line, run: i64) -> rusqlite::Result<(Key, Key)> {
        let number = self.number(&line.number)?;
        let facets = self.facets(line)?;
        let key = self
            .change
            .prepare_cached(
                "INSERT INTO line (series, name, number, facets, last_run, untested_runs)
                 VALUES (?1, ?2, ?3, ?4, ?5, 0)
                 ON CONFLICT (series, name, number) DO UPDATE SET
                     facets = CASE WHEN excluded.last_run >= last_run THEN excluded.facets ELSE facets END,
                     last_run = max(last_run, excluded.last_run)
                 RETURNING id",
            )?
            .query_row(params![series, line.id.as_str(), number, facets, run], |row| row.get(0))?;
        Ok((key, facets))
    }
}

/// The key of a plan on a bank.
pub(super) fn series(change: &Transaction<'_>, header: &RunHeader) -> rusqlite::Result<Key> {
    found_or_entered(
        change,
        "SELECT id FROM series WHERE plan = ?1 AND bank = ?2",
        "INSERT INTO series (plan, bank) VALUES (?1, ?2)",
        params![header.plan.as_str(), header.bank.as_str()],
    )
}

/// The key of a number as it is called from a bank.
pub(super) fn number_key(
    change: &Transaction<'_>,
    bank: &BankName,
    number: &PhoneNumber,
) -> rusqlite::Result<Key> {
    found_or_entered(
        change,
        "SELECT id FROM number WHERE bank = ?1 AND number = ?2",
        "INSERT INTO number (bank, number) VALUES (?1, ?2)",
        params![bank.as_str(), number.as_str()],
    )
}

fn found_or_entered(
    change: &Transaction<'_>,
    find: &str,
    enter: &str,
    names: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<Key> {
    let found = change.prepare_cached(find)?.query_row(names, |row| row.get(0)).optional()?;
    if let Some(key) = found {
        return Ok(key);
    }
    change.prepare_cached(enter)?.execute(names)?;
    Ok(change.last_insert_rowid())
}
