//! US Robotics Courier and Sportster: \[USRV34], \[USR3453], \[PARACAS] of modems.md.

use super::{Family, Form, LockWord, PLAIN, Report};
use crate::sim::file::Firmware;

pub(super) const FAMILY: Family = Family {
    firmware: Firmware::Usr,
    identities: &[
        ["5607", "USRobotics Courier V.Everything Rev. 2.1.1", "", ""],
        ["3366", "USRobotics Courier V.Everything", "U.S. Robotics", "Courier"],
    ],
    info_max: 11,
    factory: &[(7, 60)],
    registers: &[(31, 70)],
    x: (7, 7),
    // Common lore: X5 adds RINGING and VOICE, and X7 drops VOICE again (UNSURE; played as if it did not).
    x_ringing: 5,
    x_voice: 5,
    commands: &[
        ("F", 1),
        ("&A", 3),
        ("&B", 2),
        ("&G", 2),
        ("&H", 3),
        ("&I", 5),
        ("&J", 1),
        ("&K", 3),
        ("&L", 1),
        ("&M", 5),
        ("&N", 99),
        ("&P", 3),
        ("&R", 2),
        ("&S", 1),
        ("&T", 9),
        ("&U", 99),
        ("&W", 1),
        ("&X", 2),
        ("&Y", 3),
        ("&Z", 9),
    ],
    no_dialtone: "NO DIAL TONE",
    // Not what a Courier says, which takes fast busy for BUSY as most do (modems.md 2.1): but the file's `reorder` is to be
    // told apart from its `busy` on the modems that rehearsals are made with.
    reorder: true,
    lock: LockWord::DialingDisabled,
    tone_register: 7,
    tone_x: 3,
    numbers: &[("RINGING", 11), ("VOICE", 12)],
    // Beyond 9600 the numbers are UNSURE.
    rates: &[
        (4800, 18),
        (7200, 20),
        (9600, 13),
        (12_000, 21),
        (14_400, 25),
        (16_800, 43),
        (19_200, 85),
        (21_600, 91),
        (24_000, 99),
        (26_400, 103),
        (28_800, 107),
        (31_200, 151),
        (33_600, 155),
    ],
    form: Form::Usr,
    reports: &[Report::Link, Report::Signal],
    ..PLAIN
};
