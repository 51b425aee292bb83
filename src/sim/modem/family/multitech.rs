//! Multi-Tech's own old firmware (MT1432, MT1932, MT2834): \[MT3334], \[MTBA], \[HYLAFAX] of modems.md.

use super::{Family, Form, LockWord, PLAIN};
use crate::sim::file::Firmware;

pub(super) const FAMILY: Family = Family {
    firmware: Firmware::Multitech,
    identities: &[["247", "MT2834", "", ""], ["247", "MultiModem", "Multi-Tech", "MT2834"]],
    commands: &[
        ("F", 1),
        ("&B", 1),
        ("&E", 15),
        ("&G", 2),
        ("&L", 1),
        ("&P", 1),
        ("&Q", 1),
        ("&R", 2),
        ("&S", 1),
        ("&T", 9),
        ("&W", 1),
        ("&Z", 9),
        ("#A", 3),
        ("#L", 3),
    ],
    // A forbidden or delayed number is plain NO CARRIER [MTBA].
    lock: LockWord::NoCarrier,
    numbers: &[],
    // Two digits of kbit/s under its own set; those of the standard set are UNSURE.
    rates: &[(4800, 11), (9600, 12), (14_400, 15), (19_200, 16), (28_800, 28), (33_600, 33)],
    form: Form::Multitech,
    ..PLAIN
};
