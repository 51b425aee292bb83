//! ELSA MicroLink: \[ELSA288], \[MGETTY] of modems.md. Its lock and its reset at DTR are what is known of it.

use std::time::Duration;

use super::{Family, LockWord, PLAIN};
use crate::sim::file::Firmware;

pub(super) const FAMILY: Family = Family {
    firmware: Firmware::Elsa,
    identities: &[["643", "MicroLink 56k", "ELSA", "MicroLink"], ["282", "MicroLink 28.8TL", "", ""]],
    registers: &[(31, 99)],
    commands: &[
        ("F", 1),
        ("W", 2),
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
        ("\\N", 7),
        ("\\Q", 4),
        ("%C", 3),
        ("%E", 2),
    ],
    lock: LockWord::DialLocked,
    reset_on_dtr: Duration::from_millis(1500),
    ..PLAIN
};
