//! Microcom DeskPorte and the Microcom modems of Cisco access servers: \[CISCO-CSM] of modems.md, `ATI` of its section 4.
//! Little else is known of them.

use super::{Family, Form, PLAIN};
use crate::sim::file::Firmware;

pub(super) const FAMILY: Family = Family {
    firmware: Firmware::Microcom,
    identities: &[
        ["2884", "Microcom DeskPorte Fast+", "", ""],
        ["2884", "Microcom", "Microcom", "DeskPorte"],
    ],
    commands: &[
        ("&G", 2),
        ("&K", 6),
        ("&P", 3),
        ("&R", 1),
        ("&S", 1),
        ("&T", 9),
        ("&V", 0),
        ("&W", 1),
        ("&Y", 1),
        ("&Z", 9),
        ("\\A", 3),
        ("\\G", 1),
        ("\\J", 1),
        ("\\K", 5),
        ("\\N", 5),
        ("\\Q", 3),
        ("\\V", 9),
        ("\\X", 1),
        ("%C", 3),
        ("%E", 3),
        ("-M", 9),
        ("*H", 2),
    ],
    rates: &[(4800, 11), (9600, 12), (14_400, 13), (19_200, 14), (28_800, 28), (33_600, 33)],
    form: Form::Microcom,
    ..PLAIN
};
