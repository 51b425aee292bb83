//! Silicon Laboratories Si24xx: \[AN93], \[SI2457] of modems.md. No account of the last call is known (3.6).

use super::{Family, Form, PLAIN, Report};
use crate::sim::file::Firmware;

pub(super) const FAMILY: Family = Family {
    firmware: Firmware::Si24xx,
    identities: &[["Si2457", "C", "Silicon Laboratories", "Si2457"], ["2457", "D", "Silabs", "Si24xx"]],
    // The blacklist is off (S42); two attempts, 180 s, and 3 s on-hook between calls.
    factory: &[(43, 2), (44, 180), (50, 3)],
    registers: &[(31, 51), (80, 84)],
    x: (4, 5),
    x_ringing: 5,
    x_no_dialtone: &[2, 4, 5],
    commands: &[
        ("&G", 17),
        ("&H", 11),
        ("&P", 3),
        ("&T", 8),
        ("&X", 2),
        ("&Z", 9),
        ("\\B", 9),
        ("\\N", 5),
        ("\\P", 1),
        ("\\Q", 3),
        ("\\T", 17),
        ("\\U", 0),
        ("\\V", 4),
        ("%B", 0),
        ("%C", 3),
        ("%O", 2),
        ("%V", 2),
    ],
    extended: &[
        "DR", "DS", "DS44", "ER", "ES", "FCLASS", "GCI", "GMI", "GMM", "GMR", "IFC", "ILRR", "MR", "MS",
    ],
    numbers: &[
        ("RINGING", 9),
        ("X", 33),
        ("BLACKLIST FULL", 40),
        ("BLACKLISTED", 41),
        ("NO LINE", 42),
        ("LINE IN USE", 43),
        ("POLARITY REVERSAL", 44),
        ("NO POLARITY REVERSAL", 45),
        ("PROTOCOL: NONE", 70),
        ("PROTOCOL: V42", 77),
        ("PROTOCOL: V42bis", 79),
        ("PROTOCOL: ALTERNATE", 80),
        ("PROTOCOL: V.44", 84),
        ("UN-OBTAINABLE NUMBER", 102),
    ],
    // 4800 is that of AN93; the others are UNSURE.
    rates: &[
        (4800, 11),
        (7200, 13),
        (9600, 12),
        (12_000, 14),
        (14_400, 15),
        (19_200, 16),
        (21_600, 17),
        (24_000, 18),
        (26_400, 19),
        (28_800, 20),
        (31_200, 21),
        (33_600, 22),
    ],
    form: Form::Si24xx,
    reports: &[Report::Blacklist],
    ..PLAIN
};
