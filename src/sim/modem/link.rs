//! The lines about a link, from the end of training to CONNECT, as each family words them (modems.md 2.1, 2.2).

use super::family::{Family, Form};
use super::words::code;
use super::{LinkEntry, Settings};

/// What stands behind CONNECT where the port's own rate is shown.
const PORT_BPS: u32 = 115_200;

/// What is printed when training is over.
pub(super) fn carrier(family: &Family, set: &Settings, link: &LinkEntry) -> Vec<u8> {
    let rx = link.to_us();
    let old = || {
        let text = format!("CARRIER {rx}");
        code(set, family.number(&text), &text)
    };
    match family.form {
        Form::Conexant if set.one_line => Vec::new(),
        Form::Conexant | Form::Si24xx if set.mr => {
            let mut out = code(set, None, &format!("+MCR: {}", link.modulation));
            out.extend(code(set, None, &format!("+MRR: {},{rx}", link.tx)));
            out
        }
        Form::Conexant if set.w == 1 => old(),
        Form::Rockwell if set.w == 1 || set.s[95] & 0x04 != 0 => old(),
        Form::Softmodem if set.amp_a >= 1 => {
            code(set, None, &format!("Modulation: {}", dotted(&link.modulation)))
        }
        _ => Vec::new(),
    }
}

/// What is printed when error control and compression are settled.
pub(super) fn negotiated(family: &Family, set: &Settings, link: &LinkEntry) -> Vec<u8> {
    let mut out = Vec::new();
    let mut line = |text: String| out.extend(code(set, family.number(&text), &text));
    let protocol = if link.protocol == "MNP" { "ALT" } else { &link.protocol };
    let compression = match link.compression.as_str() {
        "V42B" => "V.42BIS",
        "MNP5" => "CLASS 5",
        "V44" => "V.44",
        other => other,
    };
    match family.form {
        Form::Conexant if set.one_line => {}
        Form::Conexant | Form::Si24xx if set.er || set.dr => {
            if set.er {
                line(format!("+ER: {protocol}"));
            }
            if set.dr {
                let word = if link.compression == "MNP5" { "ALT" } else { &link.compression };
                line(format!("+DR: {word}"));
            }
        }
        Form::Rockwell | Form::Conexant => {
            let bits = if family.form == Form::Rockwell { set.s[95] } else { 0 };
            if set.w == 1 || bits & 0x08 != 0 {
                line(format!("PROTOCOL: {protocol}"));
            }
            if set.w == 1 || bits & 0x20 != 0 {
                line(format!("COMPRESSION: {compression}"));
            }
        }
        Form::Si24xx if set.one_line => line(protocol_of_si24xx(link)),
        Form::Softmodem => {
            if set.amp_a >= 2 {
                line(format!("Protocol: {protocol}"));
            }
            if set.amp_a >= 3 {
                line(format!("Compression: {compression}"));
            }
        }
        _ => {}
    }
    out
}

/// The one protocol line that an Si24xx has: error control and compression in one word.
fn protocol_of_si24xx(link: &LinkEntry) -> String {
    let word = match (link.protocol.as_str(), link.compression.as_str()) {
        ("NONE", _) => "NONE",
        ("MNP", _) => "ALTERNATE",
        (_, "V42B") => "V42bis",
        (_, "V44") => "V.44",
        _ => "V42",
    };
    format!("PROTOCOL: {word}")
}

/// The CONNECT line.
pub(super) fn connect(family: &Family, set: &Settings, link: &LinkEntry) -> Vec<u8> {
    if set.x == 0 {
        return code(set, Some(1), "CONNECT");
    }
    let rate = link.to_us();
    let plain = link.protocol == "NONE";
    let packed = !plain && link.compression != "NONE";
    let spelled = if link.compression == "V42B" { "V42BIS" } else { &link.compression };
    let text = match family.form {
        Form::Bare | Form::Si24xx => format!("CONNECT {rate}"),
        Form::Usr => {
            let control = match (set.amp_a, plain) {
                (0, _) => "",
                (_, true) => "/NONE",
                (_, false) => "/ARQ",
            };
            let modulation = if set.amp_a >= 2 { format!("/{}", link.modulation) } else { String::new() };
            let rest = match (set.amp_a >= 3 && !plain, packed) {
                (true, true) => format!("/{}/{spelled}", link.protocol),
                (true, false) => format!("/{}", link.protocol),
                (false, _) => String::new(),
            };
            format!("CONNECT {rate}{control}{modulation}{rest}")
        }
        Form::Conexant if set.one_line => {
            let mut parts = vec![format!("CONNECT {PORT_BPS}")];
            // Slower than V.32, no modulation is told.
            parts.extend((rate >= 4800).then(|| link.modulation.clone()));
            parts.push(if link.protocol == "MNP" { "ALT".to_owned() } else { link.protocol.clone() });
            parts.extend(packed.then(|| link.compression.clone()));
            parts.push(rate.to_string());
            parts.join("/")
        }
        Form::Rockwell | Form::Conexant => {
            let line_rate = set.w == 2 || set.s[95] & 0x01 != 0;
            let shown = if line_rate { rate } else { PORT_BPS };
            let control = if set.s[95] & 0x02 != 0 && !plain { "/ARQ" } else { "" };
            let number = Some(family.rate_number(shown));
            return code(set, number, &format!("CONNECT {shown}{control}"));
        }
        Form::Zyxel if set.x >= 5 => {
            let compression = match link.compression.as_str() {
                "V42B" => "/V.42bis",
                "MNP5" => "/MNP5",
                _ => "",
            };
            let control = if plain { "" } else { compression };
            format!("CONNECT {PORT_BPS}/{} {rate}{control}", dotted(&link.modulation))
        }
        Form::Zyxel => {
            let control = match (plain, link.compression.as_str()) {
                (true, _) => "",
                (false, "MNP5") => "/ARQ/MNP5",
                (false, _) => "/ARQ",
            };
            format!("CONNECT {rate}{control}")
        }
        Form::Multitech if set.amp_q == 1 => format!("CONNECT {rate}"),
        Form::Multitech => {
            let control = if plain { String::new() } else { format!(" {}", link.protocol) };
            let packing = if packed { " COMPRESSED" } else { "" };
            if !set.verbose && !set.quiet {
                let letters = [if plain { "" } else { "L" }, if packed { "C" } else { "" }].concat();
                return format!("{}{letters}{}", family.rate_number(rate), char::from(set.s[3])).into_bytes();
            }
            format!("CONNECT {rate}{control}{packing}")
        }
        Form::Microcom if plain => format!("CONNECT {rate}"),
        Form::Microcom => format!("CONNECT {rate}/REL - {}", link.protocol),
        Form::Softmodem => format!("CONNECT {PORT_BPS}"),
    };
    code(set, Some(family.rate_number(rate)), &text)
}

/// A modulation with its dot: `V.34`, `V.32bis`.
pub(super) fn dotted(modulation: &str) -> String {
    match modulation {
        "V32B" => "V.32bis".to_owned(),
        "V22B" => "V.22bis".to_owned(),
        "V32T" => "V.32terbo".to_owned(),
        other => other.strip_prefix('V').map_or_else(|| other.to_owned(), |rest| format!("V.{rest}")),
    }
}
