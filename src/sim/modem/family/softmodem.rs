//! Soft modems whose signal processing runs on the host, of Agere's manner: \[PROXIMA], \[USRSOFT], \[ACTIONTEC],
//! \[GATEWAY] of modems.md.

use super::{Family, Form, PLAIN, Report};
use crate::sim::file::Firmware;

pub(super) const FAMILY: Family = Family {
    firmware: Firmware::Softmodem,
    identities: &[
        ["Agere SoftModem Version 2.1.80", "Agere SoftModem", "Agere Systems", "Agere SoftModem"],
        ["SoftModem", "SoftModem V.92", "Host Modem", "SoftModem"],
    ],
    info_max: 11,
    registers: &[(31, 48), (82, 95)],
    commands: &[
        ("F", 1),
        ("W", 2),
        ("&A", 3),
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
        ("%C", 3),
        ("%E", 3),
        ("*B", 0),
        ("#UD", 0),
    ],
    extended: &["DS", "ES", "FCLASS", "GCI", "GMI", "GMM", "GMR", "IFC", "MS"],
    // Its manual lists it as a cause of redialing [GATEWAY].
    reorder: true,
    form: Form::Softmodem,
    reports: &[Report::Unimodem, Report::Connection],
    ..PLAIN
};
