//! Which column of a foreign table is which of ours: by names that inventories and spreadsheets are known to use.
//!
//! Headers are held against each other without case, blanks and signs: `OOB phone`, `oob_phone` and `cf_oob_phone` (a
//! custom field of NetBox) are one.

use crate::cli::args::Column;
use crate::config::problem::{list, quoted, suggestion};

/// What a column can be to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Id,
    Site,
    Number,
    Hostname,
    Console,
    Platform,
    Credential,
    Tags,
    Priority,
    Alternatives,
    OnHold,
    Status,
    Zone,
    Latitude,
    Longitude,
    Country,
    Port,
    Peer,
}

impl Role {
    pub(super) const ALL: [Self; 18] = [
        Self::Id,
        Self::Site,
        Self::Number,
        Self::Hostname,
        Self::Console,
        Self::Platform,
        Self::Credential,
        Self::Tags,
        Self::Priority,
        Self::Alternatives,
        Self::OnHold,
        Self::Status,
        Self::Zone,
        Self::Latitude,
        Self::Longitude,
        Self::Country,
        Self::Port,
        Self::Peer,
    ];

    /// Its name, as `--column` and the notices have it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Site => "site",
            Self::Number => "number",
            Self::Hostname => "hostname",
            Self::Console => "console",
            Self::Platform => "platform",
            Self::Credential => "credential",
            Self::Tags => "tags",
            Self::Priority => "priority",
            Self::Alternatives => "alternatives",
            Self::OnHold => "on_hold",
            Self::Status => "status",
            Self::Zone => "zone",
            Self::Latitude => "latitude",
            Self::Longitude => "longitude",
            Self::Country => "country",
            Self::Port => "port",
            Self::Peer => "peer",
        }
    }

    /// Names by which it is known elsewhere, folded; the surer ones first.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Id => &["id", "line", "lineid", "lineno", "circuitid", "circuit", "oobid"],
            Self::Site => &[
                "site",
                "siteid",
                "sitename",
                "branch",
                "branchid",
                "branchname",
                "branchno",
                "store",
                "storeid",
                "storenumber",
                "office",
                "location",
                "standort",
                "filiale",
                "agence",
            ],
            Self::Number => &[
                "number",
                "oobnumber",
                "oobphone",
                "oobphonenumber",
                "ooblinenumber",
                "oobtelephone",
                "oobtel",
                "oobline",
                "oobmodem",
                "oobdialin",
                "modemnumber",
                "modemphone",
                "modemphonenumber",
                "modemline",
                "modemtel",
                "dialinnumber",
                "dialin",
                "dialupnumber",
                "dialup",
                "potsnumber",
                "potsphone",
                "potsline",
                "pots",
                "analogline",
                "analognumber",
                "pstnnumber",
                "pstn",
                "linenumber",
                "phonenumber",
                "phoneno",
                "telephonenumber",
                "telephoneno",
                "telno",
                "lineno",
                "phone",
                "telephone",
                "tel",
                "e164",
                "did",
                "rufnummer",
                "telefon",
                "telefonnummer",
            ],
            Self::Hostname => &[
                "hostname",
                "host",
                "device",
                "devicename",
                "router",
                "routername",
                "consoleserver",
                "oobdevice",
                "fqdn",
                "node",
                "nodename",
                "name",
            ],
            Self::Console => &["console", "consoletype", "dialog"],
            Self::Platform => {
                &["platform", "os", "ostype", "nos", "devicetype", "type", "model", "manufacturer", "vendor"]
            }
            Self::Credential => &["credential", "credentials"],
            Self::Tags => &["tags", "tag"],
            Self::Priority => &["priority"],
            Self::Alternatives => {
                &["alternatives", "secondnumber", "backupnumber", "alternatenumber", "othernumber"]
            }
            Self::OnHold => &["onhold", "hold"],
            Self::Status => &["status", "state"],
            Self::Zone => &["zone", "timezone", "tz"],
            Self::Latitude => &["latitude", "lat"],
            Self::Longitude => &["longitude", "lon", "lng", "long"],
            Self::Country => &["country", "countrycode", "countryiso", "iso2"],
            Self::Port => &["port", "portname", "portnumber"],
            Self::Peer => &[
                "linkpeer",
                "linkpeers",
                "connection",
                "connectedto",
                "connecteddevice",
                "peer",
                "attacheddevice",
            ],
        }
    }
}

/// Which column is what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Columns {
    found: Vec<(Role, usize)>,
}

impl Columns {
    /// Of a header; what the user named is stronger than what is known.
    ///
    /// # Errors
    /// What the user named is none of ours, or is meant for no column of this header (told as `Ok`: it may stand in
    /// another file).
    pub(super) fn of(header: &[String], named: &[Column]) -> Self {
        let folded: Vec<String> = header.iter().map(|name| fold(name)).collect();
        let mut found: Vec<(Role, usize)> = Vec::new();
        for column in named {
            let at = header.iter().position(|name| name.trim().eq_ignore_ascii_case(&column.theirs));
            let at = at.or_else(|| folded.iter().position(|name| *name == fold(&column.theirs)));
            if let (Some(role), Some(at)) = (role(&column.ours), at) {
                found.retain(|(known, _)| *known != role);
                found.push((role, at));
            }
        }
        for role in Role::ALL {
            if found.iter().any(|(known, _)| *known == role) {
                continue;
            }
            let free = |at: &usize| found.iter().all(|(_, taken)| taken != at);
            let at = role
                .names()
                .iter()
                .find_map(|known| (0..folded.len()).filter(free).find(|at| is(&folded[*at], known)));
            found.extend(at.map(|at| (role, at)));
        }
        found.sort_unstable();
        Self { found }
    }

    pub(super) fn at(&self, role: Role) -> Option<usize> {
        self.found.iter().find(|(known, _)| *known == role).map(|(_, at)| *at)
    }

    pub(super) fn has(&self, role: Role) -> bool {
        self.at(role).is_some()
    }

    /// A column is not what its name made us think.
    pub(super) fn drop(&mut self, role: Role) {
        self.found.retain(|(known, _)| *known != role);
    }

    /// Gives the column of one role to another.
    pub(super) fn turn(&mut self, from: Role, to: Role) {
        if let Some(at) = self.at(from) {
            self.found.retain(|(known, _)| *known != from && *known != to);
            self.found.push((to, at));
            self.found.sort_unstable();
        }
    }

    /// Whether a column is one of these.
    pub(super) fn uses(&self, column: usize, roles: &[Role]) -> bool {
        self.found.iter().any(|(role, at)| *at == column && roles.contains(role))
    }

    /// What each of these is, in words; those that are called alike are left out.
    pub(super) fn told(&self, header: &[String], roles: &[Role]) -> Vec<String> {
        let found = self.found.iter().filter(|(role, _)| roles.contains(role));
        let named = found.filter_map(|(role, at)| Some((role.word(), header.get(*at)?)));
        named
            .filter(|(ours, theirs)| ours != theirs)
            .map(|(ours, theirs)| format!("{ours} is {}", quoted(theirs)))
            .collect()
    }
}

/// The role of one of our own names.
fn role(word: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role.word() == word)
}

/// What is wrong with what the user named, in all files together.
pub(super) fn misnamed(named: &[Column], headers: &[&[String]]) -> Vec<String> {
    let mut wrong = Vec::new();
    for Column { ours, theirs } in named {
        if role(ours).is_none() {
            let known = || Role::ALL.into_iter().map(Role::word);
            let near = suggestion(ours, known());
            wrong.push(format!(
                "--column: {} is none of our columns{near} ({})",
                quoted(ours),
                list(known())
            ));
        }
        let all = || headers.iter().flat_map(|header| header.iter().map(String::as_str));
        if !all().any(|name| fold(name) == fold(theirs)) {
            let near = suggestion(theirs, all());
            wrong.push(format!("--column: no file has a column {}{near} ({})", quoted(theirs), list(all())));
        }
    }
    wrong
}

fn is(folded: &str, known: &str) -> bool {
    folded == known || folded.strip_prefix("cf").is_some_and(|field| field == known)
}

/// Letters and digits alone, small.
fn fold(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(header: &str, named: &[&str]) -> Vec<String> {
        let header: Vec<String> = header.split(',').map(ToOwned::to_owned).collect();
        let named: Vec<Column> = named.iter().map(|text| text.parse().unwrap()).collect();
        Columns::of(&header, &named).told(&header, &Role::ALL)
    }

    #[test]
    fn columns_are_known_by_the_names_that_inventories_use() {
        assert!(told("Site,Phone no.,Device name", &[]).contains(&"number is `Phone no.`".to_owned()));
        assert_eq!(
            told("Name,Status,Site,Location,Platform,OOB phone,Serial number", &[]),
            [
                "site is `Site`",
                "number is `OOB phone`",
                "hostname is `Name`",
                "platform is `Platform`",
                "status is `Status`"
            ]
        );
        assert_eq!(told("name,site,cf_oob_phone", &[]), ["number is `cf_oob_phone`", "hostname is `name`"]);
        assert_eq!(
            told("Branch No,Tel,Router", &[]),
            ["site is `Branch No`", "number is `Tel`", "hostname is `Router`"]
        );
        assert!(told("id,site,number,hostname,console", &[]).is_empty(), "our own need no words");
    }

    #[test]
    fn what_the_user_named_wins() {
        let named = ["number=Line 2"];
        assert_eq!(told("Branch,Phone,Line 2", &named), ["site is `Branch`", "number is `Line 2`"]);
        let header = ["Branch".to_owned(), "Phone".to_owned()];
        let wrong = misnamed(&["nummer=Phone".parse().unwrap(), "number=Fone".parse().unwrap()], &[&header]);
        assert!(
            wrong[0].contains("did you mean `number`") && wrong[1].contains("did you mean `Phone`"),
            "{wrong:?}"
        );
    }
}
