//! What a modem can be set to, and how it comes from the factory (modems.md 1.6, 1.7).

use super::family::Family;

/// What a modem can be set to.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) echo: bool,
    pub(super) quiet: bool,
    pub(super) verbose: bool,
    pub(super) x: u8,
    pub(super) w: u8,
    pub(super) amp_a: u8,
    pub(super) amp_c: u8,
    pub(super) amp_d: u8,
    pub(super) amp_q: u8,
    pub(super) amp_s: u8,
    /// `\V`: all about a link in one line.
    pub(super) one_line: bool,
    /// `%V` of Si24xx: looks for other telephones and for the loop.
    pub(super) look: u8,
    pub(super) mr: bool,
    pub(super) er: bool,
    pub(super) dr: bool,
    pub(super) s: [u8; 256],
}

impl Settings {
    /// As it comes from the factory.
    pub(super) fn factory(family: &Family) -> Self {
        let mut s = [0_u8; 256];
        let common: &[(u8, u8)] = &[
            (2, 43),
            (3, 13),
            (4, 10),
            (5, 8),
            (6, 2),
            (7, 50),
            (8, 2),
            (9, 6),
            (10, 14),
            (11, 95),
            (12, 50),
            (25, 5),
            (38, 20),
        ];
        for (register, value) in common.iter().chain(family.factory) {
            s[usize::from(*register)] = *value;
        }
        Self {
            echo: true,
            quiet: false,
            verbose: true,
            x: family.x.0,
            w: 0,
            amp_a: 3,
            amp_c: 1,
            amp_d: 2,
            amp_q: 0,
            amp_s: 0,
            one_line: false,
            look: 0,
            mr: false,
            er: false,
            dr: false,
            s,
        }
    }
}
