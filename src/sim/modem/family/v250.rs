//! Any modem with the V.250 reports, of the manner of the newer Conexant sets: \[CX930], \[SCADAPACK5901], \[TORNADO],
//! \[COMTROL] of modems.md.

use super::{Family, Form, PLAIN, Report, rockwell};
use crate::sim::file::Firmware;

pub(super) const FAMILY: Family = Family {
    firmware: Firmware::V250,
    identities: &[["V.250", "1.0", "Acme Data Modems", "AD-56"]],
    registers: &[(36, 48), (82, 95)],
    commands: COMMANDS,
    extended: &[
        "DR", "DS", "DS44", "ER", "ES", "ESA", "EWIND", "FCLASS", "GCAP", "GCI", "GMI", "GMI9", "GMM", "GMR",
        "GSN", "ICF", "IFC", "ILRR", "IPR", "MR", "MS",
    ],
    // See the note at US Robotics.
    reorder: true,
    numbers: rockwell::NUMBERS,
    rates: rockwell::RATES,
    form: Form::Conexant,
    reports: &[Report::Unimodem, Report::S86, Report::Levels],
    answer_tone_key: 6,
    levels_off_line: true,
    ..PLAIN
};

/// Those of a Rockwell set but `&V1`, and `\V`.
const COMMANDS: &[(&str, u32)] = &[
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
    ("\\G", 1),
    ("\\K", 5),
    ("\\N", 5),
    ("\\V", 1),
    ("%C", 3),
    ("%E", 3),
    ("%L", 0),
    ("%Q", 0),
    ("%TCB", 0),
    ("-SMS", 9),
    ("-STE", 7),
    ("*B", 0),
    ("#UD", 0),
];
