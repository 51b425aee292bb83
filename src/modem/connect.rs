//! What a modem says about the link: CONNECT lines in all their forms, and the lines that some modems print between
//! carrier and CONNECT, turned into [`Link`] with one spelling for each thing (`V.32bis`, `LAPM`, `V.42bis`).
//!
//! Which line is a CONNECT at all is `result_code`'s; what a rate means for a verdict is `call`'s.
//!
//! **Which numbers are believed.** `CONNECT 115200` tells the speed of the port on one modem and that of the line on
//! another, by W, S95, X and mood (modems.md 2.1). So a rate is *stated* only where its place or its name says that it
//! is the line's: `TX=28800/RX=28000`, `75TX/1200RX`, `V.32bis 14400`, the last field of Conexant's `\V1` form,
//! `CARRIER n`, `+MRR`. The first number of a CONNECT stays apart as [`Connect::bare_bps`], and [`Connect::settle`]
//! takes it for the line's only where nothing more exact was said before and it cannot be the port's.

use serde::Deserialize;

use crate::model::Link;

/// Highest symmetric line rate, bit/s: V.34. A higher one exists only towards the caller (V.90, x2, K56flex).
pub const SYMMETRIC_BPS_MAX: u32 = 33_600;

/// Highest line rate there is, bit/s. A bare number above it is always the port's.
pub const LINE_BPS_MAX: u32 = 56_000;

/// Lowest rate of the PCM modulations, bit/s.
const PCM_BPS_MIN: u32 = 28_000;

/// Rates that a port may be locked to, bit/s; those up to 19200 are line rates as well, and then ambiguous.
const PORT_BPS: [u32; 12] =
    [110, 300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200, 230_400];

/// Line rates that are no multiple of V.22bis' 2400 bit/s.
const SLOW_LINE_BPS: [u32; 5] = [75, 110, 300, 600, 1_200];

/// Longest name that is taken over as it is where it is not known, in characters.
const WORD_LEN_MAX: usize = 16;

/// A CONNECT line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connect {
    /// The line as it came, blanks at its ends off: words that are not known are kept here.
    pub text: String,
    /// What it states beyond doubt.
    pub link: Link,
    /// The number behind CONNECT, bit/s: the line's rate or the port's, see [`Connect::settle`].
    pub bare_bps: Option<u32>,
}

/// What a family means by the number behind CONNECT, where that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectNumber {
    /// The line's rate.
    Line,
    /// The port's rate (Rockwell with S95 bit 0 clear).
    Port,
}

impl Connect {
    /// Reads a line that begins with CONNECT; `None` where it does not (`CONNECTED`, `CONNECTION ...`).
    ///
    /// A word that is not known never hides a CONNECT.
    pub fn parse(line: &str) -> Option<Self> {
        const WORD: &str = "CONNECT";
        let text = line.trim();
        let (head, rest) = text.split_at_checked(WORD.len())?;
        if !head.eq_ignore_ascii_case(WORD) {
            return None;
        }
        if rest.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '-') {
            return None;
        }
        let mut said = Said::default();
        said.read(rest);
        let (link, bare_bps) = said.into_link();
        Some(Self { text: text.to_owned(), link, bare_bps })
    }

    /// The whole link: what `known` told before (`CARRIER`, `+MRR`, `+ER` ...) and what this line adds.
    ///
    /// A vaguer word does not replace a more exact one: `/ARQ` leaves `LAPM` alone, and the bare number is taken for
    /// the line's rate only if no rate is known and it can't be the port's (`dte_bps`, the rate that our port runs at).
    /// A number that the port could have is believed only on the family's word, or where our port has another rate.
    #[must_use]
    pub fn settle(&self, known: &Link, says: Option<ConnectNumber>, dte_bps: Option<u32>) -> Link {
        fn vague(word: Option<&str>) -> bool {
            matches!(word, None | Some(ARQ | COMPRESSED))
        }
        let mut later = self.link.clone();
        let exact = |word: Option<&String>| word.is_some_and(|w| w != NONE);
        if vague(later.protocol.as_deref()) && exact(known.protocol.as_ref()) {
            later.protocol = None;
        }
        if vague(later.compression.as_deref()) && exact(known.compression.as_ref()) {
            later.compression = None;
        }
        let mut link = known.clone();
        link.absorb(later);
        if link.tx_bps.is_none()
            && link.rx_bps.is_none()
            && let Some(bps) = self.bare_bps.filter(|bps| bare_is_line_rate(*bps, says, dte_bps))
        {
            state_rate(&mut link, bps);
        }
        link
    }
}

/// Whether the number behind CONNECT is the line's.
fn bare_is_line_rate(bps: u32, says: Option<ConnectNumber>, dte_bps: Option<u32>) -> bool {
    if !is_line_rate(bps) {
        return false;
    }
    // A rate that no port runs at (28800, 33600, 49333) can only be the line's, whatever the profile hopes for.
    let could_be_port = PORT_BPS.contains(&bps) || dte_bps == Some(bps);
    match says {
        Some(ConnectNumber::Line) => true,
        Some(ConnectNumber::Port) => !could_be_port,
        // A modem locks its port to the rate of our AT, so a number that differs from it is not the port's.
        None => !could_be_port || dte_bps.is_some_and(|dte| dte != bps),
    }
}

/// Whether a telephone line can run at this rate at all.
pub(super) fn is_line_rate(bps: u32) -> bool {
    SLOW_LINE_BPS.contains(&bps)
        || (bps > 0 && bps.is_multiple_of(2_400) && bps <= SYMMETRIC_BPS_MAX)
        || ((PCM_BPS_MIN..=LINE_BPS_MAX).contains(&bps) && bps != 38_400)
}

/// Whether a number that was named as the line's can be one; a garbled one is left out.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the face of `filter`")]
fn is_possible(bps: &u32) -> bool {
    (1..=LINE_BPS_MAX).contains(bps)
}

/// Notes one figure for the link. Above V.34 only the way to us can be so fast, so the other one stays unknown.
fn state_rate(link: &mut Link, bps: u32) {
    link.rx_bps = Some(bps);
    link.tx_bps = (bps <= SYMMETRIC_BPS_MAX).then_some(bps);
}

/// What follows `CARRIER`: `28800`, `75/1200`, `1200TX/75RX`. The number is the line's by definition (modems.md 2.1).
pub fn carrier(rest: &str) -> Link {
    let mut said = Said::default();
    said.read(rest);
    let (mut link, bare) = said.into_link();
    if link.tx_bps.is_none()
        && link.rx_bps.is_none()
        && let Some(bps) = bare.filter(|bps| is_line_rate(*bps))
    {
        state_rate(&mut link, bps);
    }
    link
}

/// What follows `+MRR:`: the rate to the far end, then the rate from it.
pub fn rates(rest: &str) -> Link {
    let numbers = rest.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok());
    let mut numbers = numbers.filter(is_possible);
    let mut link = Link::default();
    match (numbers.next(), numbers.next()) {
        (Some(tx), Some(rx)) => (link.tx_bps, link.rx_bps) = (Some(tx), Some(rx)),
        (Some(one), None) => state_rate(&mut link, one),
        _ => {}
    }
    link
}

/// What follows `+MCR:` or `Modulation:`.
pub fn modulation(rest: &str) -> Link {
    let mut said = Said::default();
    said.read(rest);
    let modulation = said.modulation.map(str::to_owned).or_else(|| plain_word(rest));
    Link { modulation, ..Link::default() }
}

/// What follows `+ER:` or `PROTOCOL:`. `V42bis` and `V.44` here mean LAPM with that compression.
pub fn protocol(rest: &str) -> Link {
    let mut said = Said::default();
    said.read(rest);
    if said.protocol.is_none() && said.compression.is_some_and(|c| c == "V.42bis" || c == "V.44") {
        said.protocol = Some(LAPM);
    }
    let protocol = said.protocol.map(str::to_owned).or_else(|| plain_word(rest));
    Link { protocol, compression: said.compression.map(str::to_owned), ..Link::default() }
}

/// What follows `+DR:` or `COMPRESSION:`. `ALT` and `CLASS 5` are MNP5.
pub fn compression(rest: &str) -> Link {
    let mut said = Said::default();
    said.read(rest);
    let compression = match (said.compression, said.protocol) {
        (Some(compression), _) => Some(compression.to_owned()),
        (None, Some(MNP)) => Some(MNP5.to_owned()),
        (None, Some(NONE)) => Some(NONE.to_owned()),
        (None, _) => plain_word(rest),
    };
    Link { compression, ..Link::default() }
}

/// A word that is not known, as it came, cut to a sane length.
fn plain_word(rest: &str) -> Option<String> {
    let word: String = rest
        .trim()
        .chars()
        .take_while(|c| c.is_ascii_graphic() && *c != ',')
        .take(WORD_LEN_MAX)
        .collect::<String>()
        .to_ascii_uppercase();
    (!word.is_empty()).then_some(word)
}

const ARQ: &str = "ARQ";
const COMPRESSED: &str = "COMPRESSED";
const LAPM: &str = "LAPM";
const MNP: &str = "MNP";
const MNP5: &str = "MNP5";
const NONE: &str = "NONE";

/// What the words of one line have told so far.
#[derive(Debug, Default)]
struct Said {
    modulation: Option<&'static str>,
    protocol: Option<&'static str>,
    compression: Option<&'static str>,
    bare: Option<u32>,
    line: Option<u32>,
    tx: Option<u32>,
    rx: Option<u32>,
}

impl Said {
    /// Reads the fields behind the first word; `/` parts them.
    fn read(&mut self, rest: &str) {
        let mut first_is_plain_number = false;
        for (index, field) in rest.split('/').enumerate() {
            let words = words(field);
            if let [word] = words.as_slice()
                && let Ok(bps) = word.parse::<u32>()
            {
                match index {
                    0 => {
                        self.bare = Some(bps);
                        first_is_plain_number = true;
                    }
                    1 if first_is_plain_number => self.pair(bps),
                    _ => self.line = Some(bps).filter(|bps| is_line_rate(*bps)).or(self.line),
                }
                continue;
            }
            self.field(index, &words);
        }
    }

    /// `1200/75`: two plain numbers. All notations that were found put transmit first (modems.md 2.1).
    fn pair(&mut self, second: u32) {
        match self.bare {
            Some(first) if is_line_rate(first) && is_line_rate(second) => {
                (self.tx, self.rx, self.bare) = (Some(first), Some(second), None);
            }
            // The first is the port's: `57600/33600`.
            _ => self.line = Some(second).filter(|bps| is_line_rate(*bps)),
        }
    }

    /// One field that holds more than a number.
    fn field(&mut self, index: usize, words: &[String]) {
        let mut words = words.iter().peekable();
        let mut number: Option<u32> = None;
        while let Some(word) = words.next() {
            if let Ok(bps) = word.parse::<u32>() {
                if let Some(earlier) = number.replace(bps) {
                    self.number(index, earlier);
                }
                continue;
            }
            match word.as_str() {
                "TX" | "RX" => {
                    // `1200 TX`, or `TX=1200`.
                    let bps = number.take().or_else(|| {
                        let bps = words.peek()?.parse().ok()?;
                        words.next();
                        Some(bps)
                    });
                    let bps = bps.filter(is_possible);
                    if word == "TX" { self.tx = bps.or(self.tx) } else { self.rx = bps.or(self.rx) }
                }
                "CLASS" if words.next_if(|next| *next == "5").is_some() => self.word(MNP5),
                "CLASS" => drop(words.next()),
                other => self.word(other),
            }
        }
        if let Some(bps) = number {
            self.number(index, bps);
        }
    }

    /// A number without a name: the first of the line is bare, one beside a modulation or further back is the line's.
    fn number(&mut self, index: usize, bps: u32) {
        if index == 0 && self.bare.is_none() {
            self.bare = Some(bps);
        } else if is_line_rate(bps) {
            self.line = Some(bps);
        }
    }

    /// A word, without its dots and hyphens.
    fn word(&mut self, word: &str) {
        if let Some(name) = modulation_name(word) {
            // USR names the modulation, then its error control, and HST is both.
            if self.modulation.is_some() && name == "HST" {
                self.protocol = Some("HST");
            } else {
                self.modulation = self.modulation.or(Some(name));
            }
            return;
        }
        match word {
            "ARQ" | "REL" | "RELIABLE" => self.protocol = self.protocol.or(Some(ARQ)),
            "LAPM" | "V42" => self.protocol = Some(LAPM),
            "MNP" | "MNP2" | "MNP3" | "MNP4" | "ALT" | "ALTERNATE" => self.protocol = Some(MNP),
            "MNP10" => self.protocol = Some("MNP10"),
            "MNP10EC" => self.protocol = Some("MNP10EC"),
            "SYNC" => self.protocol = Some("SYNC"),
            // Class 5 is MNP with compression.
            "MNP5" => {
                self.compression = Some(MNP5);
                if matches!(self.protocol, None | Some(ARQ)) {
                    self.protocol = Some(MNP);
                }
            }
            "V42BIS" | "V42B" => self.compression = Some("V.42bis"),
            "V44" => self.compression = Some("V.44"),
            "COMPRESSED" | "COMP" => self.compression = self.compression.or(Some(COMPRESSED)),
            "NONE" if self.protocol.is_none() => self.protocol = Some(NONE),
            "NONE" => self.compression = self.compression.or(Some(NONE)),
            _ => {}
        }
    }

    fn into_link(mut self) -> (Link, Option<u32>) {
        // V.23 alone runs at 75 bit/s one way.
        if self.modulation.is_none() && matches!((self.tx, self.rx), (Some(75), _) | (_, Some(75))) {
            self.modulation = Some("V.23");
        }
        let mut link = Link {
            modulation: self.modulation.map(str::to_owned),
            protocol: self.protocol.map(str::to_owned),
            compression: self.compression.map(str::to_owned),
            ..Link::default()
        };
        if let Some(bps) = self.line {
            state_rate(&mut link, bps);
        }
        if self.tx.is_some() || self.rx.is_some() {
            (link.tx_bps, link.rx_bps) = (self.tx, self.rx);
        }
        (link, self.bare)
    }
}

/// The V-series' own spelling of a modulation.
fn modulation_name(word: &str) -> Option<&'static str> {
    Some(match word {
        "V21" => "V.21",
        "V22" => "V.22",
        "V22BIS" | "V22B" => "V.22bis",
        "V23" | "V23C" | "V23S" => "V.23",
        "V32" => "V.32",
        "V32BIS" | "V32B" => "V.32bis",
        "V32TERBO" | "V32TER" | "V32T" => "V.32terbo",
        "VFC" | "VFAST" => "V.FC",
        "V34" | "V34+" | "V34BIS" | "V34B" | "V34S" => "V.34",
        "V90" => "V.90",
        "V92" => "V.92",
        "K56" | "K56FLEX" | "KFLEX" => "K56flex",
        "X2" => "x2",
        "B103" | "BELL103" => "Bell 103",
        "B212" | "B212A" | "BELL212" | "BELL212A" => "Bell 212A",
        "HST" => "HST",
        _ => return None,
    })
}

/// The words of a field, in capitals, without dots and hyphens; numbers without their commas and blanks.
fn words(field: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for piece in field.split(|c: char| c.is_whitespace() || matches!(c, ';' | ':' | '=')) {
        if piece.contains(',') && is_grouped(piece) {
            push_word(&mut out, &piece.replace(',', ""));
        } else {
            piece.split(',').for_each(|word| push_word(&mut out, word));
        }
    }
    out
}

/// `33,600`, as one manual prints it.
fn is_grouped(text: &str) -> bool {
    let mut groups = text.split(',');
    let digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    groups.next().is_some_and(|first| (1..=3).contains(&first.len()) && digits(first))
        && groups.all(|group| group.len() == 3 && digits(group))
}

fn push_word(out: &mut Vec<String>, raw: &str) {
    let word: String =
        raw.chars().filter(|c| !matches!(c, '.' | '-')).collect::<String>().to_ascii_uppercase();
    if word.is_empty() {
        return;
    }
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    // `75TX`.
    if let Some((digits, way)) = word.split_at_checked(word.len().saturating_sub(2))
        && matches!(way, "TX" | "RX")
        && !digits.is_empty()
        && number(digits)
    {
        out.push(digits.to_owned());
        out.push(way.to_owned());
        return;
    }
    if let Some(last) = out.last_mut() {
        // `V.42 bis`, and `33 600`.
        let spelled_apart = matches!(word.as_str(), "BIS" | "TERBO") && last.starts_with('V');
        let grouped = number(&word) && word.len() == 3 && number(last) && (1..=2).contains(&last.len());
        if spelled_apart || grouped {
            last.push_str(&word);
            return;
        }
    }
    out.push(word);
}

#[cfg(test)]
mod tests;
