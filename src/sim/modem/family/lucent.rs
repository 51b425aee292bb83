//! Lucent and Agere sets, as in the Multi-Tech MT5634ZBA: modems.md 2.2, 3.4 and 4. Its protocol lines are as Rockwell's,
//! which is UNSURE for each model.

use super::{Family, Form, PLAIN, Report, rockwell};
use crate::sim::file::Firmware;

pub(super) const FAMILY: Family = Family {
    firmware: Firmware::Lucent,
    identities: &[
        [
            "LT V.92 1.0 MT5634ZBA-USB-V92 Data/Fax Modem Version 1.25g",
            "LT V.92 Data+Fax Modem",
            "Agere",
            "MT5634ZBA",
        ],
        ["LT V.90 1.0 MT5634ZBA", "LT V.90 Data+Fax Modem", "Lucent", "LT V.90"],
    ],
    info_max: 11,
    registers: &[(31, 48), (82, 95)],
    commands: &[
        ("F", 1),
        ("W", 2),
        ("&G", 2),
        ("&K", 6),
        ("&P", 3),
        ("&Q", 9),
        ("&R", 1),
        ("&S", 1),
        ("&T", 9),
        ("&V", 0),
        ("&W", 1),
        ("&Y", 1),
        ("&Z", 9),
        ("\\N", 5),
        ("\\V", 1),
        ("%C", 3),
        ("%E", 3),
    ],
    extended: &["DR", "DS", "ER", "ES", "FCLASS", "GCI", "GMI", "GMM", "GMR", "IFC", "ILRR", "MR", "MS"],
    numbers: rockwell::NUMBERS,
    rates: rockwell::RATES,
    form: Form::Conexant,
    reports: &[Report::Connection],
    ..PLAIN
};
