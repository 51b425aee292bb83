//! The Hayes minimum: CONNECT and nothing before it.

use super::{Family, PLAIN};

pub(super) const FAMILY: Family = Family {
    // The second is what a Cisco router's MICA modems say.
    identities: &[["240", "", "", ""], ["Modem product ID = 242", "", "", ""]],
    commands: &[
        ("F", 1),
        ("&G", 2),
        ("&J", 1),
        ("&K", 6),
        ("&L", 1),
        ("&P", 3),
        ("&Q", 9),
        ("&R", 1),
        ("&S", 1),
        ("&T", 9),
        ("&V", 0),
        ("&W", 1),
        ("&X", 2),
        ("&Y", 1),
        ("&Z", 9),
    ],
    // See the note at US Robotics.
    reorder: true,
    ..PLAIN
};
