//! Which console answers on a platform, as inventories name platforms.

/// Words of a platform's name, and the console that answers there; the first that fits wins.
const KNOWN: &[(&str, &str)] = &[
    ("nxos", "cisco-nxos"),
    ("nexus", "cisco-nxos"),
    ("opengear", "opengear"),
    ("avocent", "avocent-acs"),
    ("lantronix", "lantronix"),
    ("digi", "digi"),
    ("procurve", "hp-procurve"),
    ("junos", "junos"),
    ("juniper", "junos"),
    ("iosxr", ""),
    ("catos", ""),
    ("ios", "cisco-ios"),
    ("linux", "linux"),
    ("debian", "linux"),
    ("ubuntu", "linux"),
    ("cumulus", "linux"),
    ("vyos", "linux"),
];

/// The console of a platform, if it is known: `Cisco IOS-XE` is `cisco-ios`.
pub(super) fn console(platform: &str) -> Option<&'static str> {
    let small = platform.to_lowercase();
    let words: Vec<&str> =
        small.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let joined = words.concat();
    let fits = |known: &str| match known {
        // Too short to be looked for within words (`studios`, `digital`).
        "ios" => words.contains(&"ios") || words.iter().any(|word| ["iosxe", "ciscoios"].contains(word)),
        "digi" => words.contains(&known),
        _ => joined.contains(known),
    };
    let (_, console) = KNOWN.iter().find(|(word, _)| fits(word))?;
    Some(*console).filter(|console| !console.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::library::{Known, Library};

    #[test]
    fn a_platform_tells_the_console_or_nothing() {
        for (platform, known) in [
            ("Cisco IOS", Some("cisco-ios")),
            ("cisco_ios_xe", Some("cisco-ios")),
            ("IOS-XE", Some("cisco-ios")),
            ("Cisco NX-OS", Some("cisco-nxos")),
            ("Juniper Junos", Some("junos")),
            ("OpenGear OM1208", Some("opengear")),
            ("Debian 12", Some("linux")),
            ("IOS-XR", None),
            ("Biostar", None),
            ("Digital UNIX", None),
            ("Arista EOS", None),
        ] {
            assert_eq!(console(platform), known, "{platform}");
        }
        let there = Library::built_in().names(Known::Console);
        assert!(KNOWN.iter().all(|(_, name)| name.is_empty() || there.iter().any(|known| known == name)));
    }
}
