//! What other rooms' files this room loads, and the copies of all named files that are built into the program.

use super::library::{Known, LibraryFile};
use crate::console::dialog::{Dialog, DialogFile};
use crate::modem::profile::Profile;

/// `dialplans/numbering/`
pub(super) const NUMBERINGS: &[(&str, &str)] = &[
    ("at", include_str!("../../dialplans/numbering/at.yaml")),
    ("au", include_str!("../../dialplans/numbering/au.yaml")),
    ("br", include_str!("../../dialplans/numbering/br.yaml")),
    ("ca", include_str!("../../dialplans/numbering/ca.yaml")),
    ("ch", include_str!("../../dialplans/numbering/ch.yaml")),
    ("de", include_str!("../../dialplans/numbering/de.yaml")),
    ("es", include_str!("../../dialplans/numbering/es.yaml")),
    ("fr", include_str!("../../dialplans/numbering/fr.yaml")),
    ("gb", include_str!("../../dialplans/numbering/gb.yaml")),
    ("ie", include_str!("../../dialplans/numbering/ie.yaml")),
    ("in", include_str!("../../dialplans/numbering/in.yaml")),
    ("it", include_str!("../../dialplans/numbering/it.yaml")),
    ("jp", include_str!("../../dialplans/numbering/jp.yaml")),
    ("mx", include_str!("../../dialplans/numbering/mx.yaml")),
    ("nl", include_str!("../../dialplans/numbering/nl.yaml")),
    ("nz", include_str!("../../dialplans/numbering/nz.yaml")),
    ("se", include_str!("../../dialplans/numbering/se.yaml")),
    ("sg", include_str!("../../dialplans/numbering/sg.yaml")),
    ("us", include_str!("../../dialplans/numbering/us.yaml")),
    ("za", include_str!("../../dialplans/numbering/za.yaml")),
];

/// `dialplans/tariffs/`
pub(super) const TARIFFS: &[(&str, &str)] =
    &[("example", include_str!("../../dialplans/tariffs/example.yaml"))];

/// `hardware/modems/`
pub(super) const MODEMS: &[(&str, &str)] = &[
    ("courier", include_str!("../../hardware/modems/courier.yaml")),
    ("elsa", include_str!("../../hardware/modems/elsa.yaml")),
    ("generic", include_str!("../../hardware/modems/generic.yaml")),
    ("lucent", include_str!("../../hardware/modems/lucent.yaml")),
    ("microcom", include_str!("../../hardware/modems/microcom.yaml")),
    ("multitech", include_str!("../../hardware/modems/multitech.yaml")),
    ("rockwell-conexant", include_str!("../../hardware/modems/rockwell-conexant.yaml")),
    ("si24xx", include_str!("../../hardware/modems/si24xx.yaml")),
    ("softmodem", include_str!("../../hardware/modems/softmodem.yaml")),
    ("unknown", include_str!("../../hardware/modems/unknown.yaml")),
    ("v250", include_str!("../../hardware/modems/v250.yaml")),
    ("zyxel", include_str!("../../hardware/modems/zyxel.yaml")),
];

/// `hardware/consoles/`
pub(super) const CONSOLES: &[(&str, &str)] = &[
    ("avocent-acs", include_str!("../../hardware/consoles/avocent-acs.yaml")),
    ("cisco-ios", include_str!("../../hardware/consoles/cisco-ios.yaml")),
    ("cisco-ios-ts", include_str!("../../hardware/consoles/cisco-ios-ts.yaml")),
    ("cisco-nxos", include_str!("../../hardware/consoles/cisco-nxos.yaml")),
    ("digi", include_str!("../../hardware/consoles/digi.yaml")),
    ("generic", include_str!("../../hardware/consoles/generic.yaml")),
    ("hp-procurve", include_str!("../../hardware/consoles/hp-procurve.yaml")),
    ("junos", include_str!("../../hardware/consoles/junos.yaml")),
    ("lantronix", include_str!("../../hardware/consoles/lantronix.yaml")),
    ("linux", include_str!("../../hardware/consoles/linux.yaml")),
    ("opengear", include_str!("../../hardware/consoles/opengear.yaml")),
];

impl LibraryFile for Profile {
    type Ready = Self;
    const KIND: Known = Known::Modem;

    fn name(&self) -> Option<&str> {
        Some(&self.profile)
    }

    fn ready(self) -> Result<Self, Vec<(String, String)>> {
        let problems = self.problems();
        if problems.is_empty() { Ok(self) } else { Err(problems) }
    }
}

impl LibraryFile for DialogFile {
    type Ready = Dialog;
    const KIND: Known = Known::Console;

    fn name(&self) -> Option<&str> {
        Some(&self.console)
    }

    fn ready(self) -> Result<Dialog, Vec<(String, String)>> {
        self.compile()
    }
}
