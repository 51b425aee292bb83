//! ZyXEL U-1496, 2864 and their kin: \[ZYXEL], \[ZYXEL-U336], \[HYLAFAX] of modems.md.

use super::{Family, Form, PLAIN};
use crate::sim::file::Firmware;

pub(super) const FAMILY: Family = Family {
    firmware: Firmware::Zyxel,
    identities: &[["2864", "ZyXEL 2864", "ZyXEL", "2864"], ["1496", "U-1496E", "", ""]],
    registers: &[(31, 99)],
    bits: true,
    x: (5, 7),
    // At all levels, unless S42.6 is set.
    x_ringing: 0,
    commands: &[
        ("F", 1),
        ("W", 2),
        ("&B", 1),
        ("&G", 2),
        ("&H", 7),
        ("&J", 1),
        ("&K", 9),
        ("&L", 1),
        ("&M", 9),
        ("&N", 99),
        ("&P", 3),
        ("&R", 1),
        ("&S", 1),
        ("&T", 9),
        ("&V", 9),
        ("&W", 9),
        ("&X", 2),
        ("&Y", 1),
        ("&Z", 99),
        ("*B", 9),
        ("*C", 9),
        ("*E", 9),
        ("*I", 9),
    ],
    extended: &["FCLASS", "GMI", "GMM"],
    no_dialtone: "NO DIAL TONE",
    quiet_hides_busy: true,
    numbers: &[("RINGING", 11)],
    // 13 is CONNECT 14400 [CREATIX][ZYXEL]; the others are UNSURE.
    rates: &[(4800, 11), (9600, 12), (14_400, 13), (19_200, 14), (28_800, 24), (33_600, 26)],
    form: Form::Zyxel,
    ..PLAIN
};
