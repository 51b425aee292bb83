//! What is peculiar to each firmware, as data: one file a family, and what all of them share.
//!
//! The facts are those of modems.md 1 to 4, not those that lineman's parsers expect. What modems.md marks as UNSURE is
//! marked so here too. How the data become bytes is [`super::words`]'s, [`super::link`]'s and [`super::report`]'s.

mod elsa;
mod hayes;
mod lucent;
mod microcom;
mod multitech;
mod rockwell;
mod si24xx;
mod softmodem;
mod usr;
mod v250;
mod zyxel;

use std::time::Duration;

use crate::sim::file::Firmware;

/// A command set with its words.
#[derive(Debug)]
pub(in crate::sim) struct Family {
    /// Which.
    pub(super) firmware: Firmware,
    /// Identities that real modems of the family have: `ATI`, `ATI3`, `+GMI`, `+GMM`; empty where they answer nothing or
    /// ERROR.
    pub(super) identities: &'static [[&'static str; 4]],
    /// The highest `ATIn` that is no ERROR.
    pub(super) info_max: u32,
    /// Registers from the factory that differ from those of all.
    pub(super) factory: &'static [(u8, u8)],
    /// Registers beyond S0 to S30 that it knows, first and last.
    pub(super) registers: &'static [(u8, u8)],
    /// Registers may be set bit by bit: `S38.3=1`.
    pub(super) bits: bool,
    /// X from the factory, and the highest.
    pub(super) x: (u8, u8),
    /// At which X it prints RINGING, and VOICE; `u8::MAX` for never.
    pub(super) x_ringing: u8,
    /// The same for VOICE.
    pub(super) x_voice: u8,
    /// X at which a missing dial tone is told.
    pub(super) x_no_dialtone: &'static [u8],
    /// X from which on busy is told.
    pub(super) x_busy: u8,
    /// Its commands beyond those of all, with the highest number behind them.
    pub(super) commands: &'static [(&'static str, u32)],
    /// The V.250 commands that it knows.
    pub(super) extended: &'static [&'static str],
    /// How it spells a missing dial tone.
    pub(super) no_dialtone: &'static str,
    /// Fast busy has a word of its own; else it is BUSY.
    pub(super) reorder: bool,
    /// What it says at its own redial lock.
    pub(super) lock: LockWord,
    /// NO ANSWER means that it rang until S7 ran out, and not only that `@` found no silence (modems.md 0.6).
    pub(super) no_answer_is_ringback: bool,
    /// With `@` in the string, busy comes back as NO CARRIER (modems.md 1.4).
    pub(super) quiet_hides_busy: bool,
    /// An unused `W` gives up after this register's seconds: S6 in European builds, S7 in American ones.
    pub(super) tone_register: u8,
    /// `W` needs this X at least to be more than a pause of 2 s.
    pub(super) tone_x: u8,
    /// After an incoming ring it dials nothing for 8 s (modems.md 1.4).
    pub(in crate::sim) rests_after_ring: bool,
    /// It resets itself for so long when DTR rises, and hears nothing meanwhile.
    pub(in crate::sim) reset_on_dtr: Duration,
    /// Numbers of its words under V0, beyond the common ones.
    pub(super) numbers: &'static [(&'static str, u16)],
    /// Numbers of CONNECT at these rates, beyond the common ones.
    pub(super) rates: &'static [(u32, u16)],
    /// How it words a link.
    pub(super) form: Form,
    /// Its accounts of the last call.
    pub(super) reports: &'static [Report],
    /// Key 1 of `AT#UD` once answer tone was heard: 7, and 6 in the text of Conexant sets (modems.md 3.3).
    pub(super) answer_tone_key: u8,
    /// Off-line, `%L` and `%Q` are 000; else ERROR.
    pub(super) levels_off_line: bool,
}

/// How the lines about a link look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `CONNECT 33600`.
    Bare,
    /// `CONNECT 33600/ARQ/V34/LAPM/V42BIS`, by `&A`.
    Usr,
    /// `CARRIER`, `PROTOCOL`, `COMPRESSION`, by W and S95.
    Rockwell,
    /// As Rockwell, and `+MCR`, `+MRR`, `+ER`, `+DR`; `\V1` puts all into CONNECT.
    Conexant,
    /// `PROTOCOL` by `\V`, and `+MCR`, `+MRR`, `+ER`, `+DR`.
    Si24xx,
    /// `CONNECT 38400/V.34 33600/V.42bis`, by X.
    Zyxel,
    /// `CONNECT 33600 LAPM COMPRESSED`, but under `&Q1`.
    Multitech,
    /// `CONNECT 33600/REL - LAPM`.
    Microcom,
    /// `Modulation:`, `Protocol:`, `Compression:`, by `&A`.
    Softmodem,
}

/// An account of the last call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    /// `ATI6` of US Robotics.
    Link,
    /// `ATI11` of US Robotics.
    Signal,
    /// `AT&V1`.
    Termination,
    /// `AT#UD`.
    Unimodem,
    /// `ATI11` of Lucent and of soft modems.
    Connection,
    /// Register S86.
    S86,
    /// `AT%L` and `AT%Q`.
    Levels,
    /// `AT%B`: the redial lock's list.
    Blacklist,
}

/// What a modem says at its own redial lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LockWord {
    /// `BLACKLISTED`, or `DELAYED hh:mm:ss` where its entry says so.
    Blacklisted,
    /// `DIALING DISABLED`.
    DialingDisabled,
    /// `DIAL LOCKED`.
    DialLocked,
    /// `NO CARRIER`, as if the line had failed (modems.md 0.9).
    NoCarrier,
}

/// The commands that all have, with the highest number behind them.
pub(super) const COMMON: &[(&str, u32)] = &[
    ("B", 99),
    ("C", 1),
    ("L", 3),
    ("M", 3),
    ("N", 9),
    ("P", 0),
    ("T", 0),
    ("Y", 1),
    ("&C", 1),
    ("&D", 3),
    ("&F", 2),
];

/// The numbers that all have under V0 (modems.md 1.3).
pub(super) const NUMBERS: &[(&str, u16)] = &[
    ("OK", 0),
    ("CONNECT", 1),
    ("RING", 2),
    ("NO CARRIER", 3),
    ("ERROR", 4),
    ("NO DIALTONE", 6),
    ("NO DIAL TONE", 6),
    ("BUSY", 7),
    ("NO ANSWER", 8),
];

/// CONNECT at these rates has the same number everywhere.
pub(super) const RATES: &[(u32, u16)] = &[(300, 1), (1200, 5), (2400, 10)];

/// Most of it: each family says what differs.
pub(super) const PLAIN: Family = Family {
    firmware: Firmware::Hayes,
    identities: &[["240", "", "", ""]],
    info_max: 9,
    factory: &[],
    registers: &[],
    bits: false,
    x: (4, 4),
    x_ringing: u8::MAX,
    x_voice: u8::MAX,
    x_no_dialtone: &[2, 4, 5, 6, 7],
    x_busy: 3,
    commands: &[],
    extended: &["FCLASS"],
    no_dialtone: "NO DIALTONE",
    reorder: false,
    lock: LockWord::Blacklisted,
    no_answer_is_ringback: false,
    quiet_hides_busy: false,
    tone_register: 6,
    tone_x: 0,
    rests_after_ring: false,
    reset_on_dtr: Duration::ZERO,
    numbers: &[],
    rates: &[],
    form: Form::Bare,
    reports: &[],
    answer_tone_key: 7,
    levels_off_line: false,
};

impl Family {
    /// That of a firmware.
    pub(in crate::sim) const fn of(firmware: Firmware) -> &'static Self {
        match firmware {
            Firmware::Usr => &usr::FAMILY,
            Firmware::Rockwell => &rockwell::FAMILY,
            Firmware::V250 => &v250::FAMILY,
            Firmware::Hayes => &hayes::FAMILY,
            Firmware::Si24xx => &si24xx::FAMILY,
            Firmware::Zyxel => &zyxel::FAMILY,
            Firmware::Multitech => &multitech::FAMILY,
            Firmware::Lucent => &lucent::FAMILY,
            Firmware::Microcom => &microcom::FAMILY,
            Firmware::Elsa => &elsa::FAMILY,
            Firmware::Softmodem => &softmodem::FAMILY,
        }
    }

    /// Whether it has this account.
    pub(super) fn tells(&self, report: Report) -> bool {
        self.reports.contains(&report)
    }

    /// Whether it knows this register.
    pub(super) fn knows_register(&self, register: u8) -> bool {
        register <= 30 || self.registers.iter().any(|(first, last)| (*first..=*last).contains(&register))
    }

    /// The command at the beginning of `text` (capitals, no blanks): its name and the highest number behind it. The
    /// longest name wins.
    pub(super) fn command(&self, text: &str) -> Option<(&'static str, u32)> {
        let all = COMMON.iter().chain(self.commands);
        all.filter(|(name, _)| text.starts_with(name)).max_by_key(|(name, _)| name.len()).copied()
    }

    /// The number of a word under V0.
    pub(super) fn number(&self, word: &str) -> Option<u16> {
        let of = |table: &[(&str, u16)]| table.iter().find(|(known, _)| *known == word).map(|(_, n)| *n);
        of(self.numbers).or_else(|| of(NUMBERS))
    }

    /// The number of CONNECT at a rate; the next lower one that it has a number for.
    pub(super) fn rate_number(&self, rate: u32) -> u16 {
        let known = RATES.iter().chain(self.rates).filter(|(known, _)| *known <= rate);
        known.max_by_key(|(known, _)| *known).map_or(1, |(_, number)| *number)
    }
}
