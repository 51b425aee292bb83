//! How well a server keeps to RFC 2217: strictly, or as some in the field do. What is known of those stands in modems.md
//! section 8 and libraries.md section 6 (R1 to R3).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How SET-CONTROL is answered. It is done in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// With the value in force.
    Right,
    /// Not at all for DTR and RTS, and a question about these comes back as it was put (ser2net).
    NoLines,
    /// With 1, whatever was asked (sredird).
    AlwaysOne,
    /// Never.
    Never,
}

/// What a server says first, unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Greeting {
    /// What it wants to have on: eight bits both ways, no go-aheads.
    Plain,
    /// ser2net's: that it echoes, COM-PORT-OPTION, and the modem lines at once.
    Forward,
}

/// The manners of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manners {
    pub(super) name: &'static str,
    pub(super) greeting: Greeting,
    /// Commands are obeyed although COM-PORT-OPTION was not agreed. A client that takes the server's DO for an agreement
    /// and forgets its own WILL finds out only elsewhere.
    pub(super) obeys_early: bool,
    /// SET-CONTROL.
    pub(super) control: Control,
    /// Answers about the speed have four bytes too many.
    pub(super) long_baud: bool,
    /// The modem lines are looked at this often; `None`: each change is told at once.
    pub(super) notify_every: Option<Duration>,
    /// Closing the connection leaves DTR up.
    pub(super) keep_dtr: bool,
    /// DTR is not wired: it is answered, and reaches no modem.
    pub(super) no_dtr: bool,
}

impl Manners {
    /// As the RFC has it.
    pub fn strict() -> Self {
        Self {
            name: "strict",
            greeting: Greeting::Plain,
            obeys_early: false,
            control: Control::Right,
            long_baud: false,
            notify_every: None,
            keep_dtr: false,
            no_dtr: false,
        }
    }

    /// As ser2net.
    pub fn ser2net() -> Self {
        Self {
            name: "ser2net",
            greeting: Greeting::Forward,
            obeys_early: true,
            control: Control::NoLines,
            notify_every: Some(Duration::from_secs(1)),
            ..Self::strict()
        }
    }

    /// As sredird.
    pub fn sredird() -> Self {
        Self {
            name: "sredird",
            obeys_early: true,
            control: Control::AlwaysOne,
            long_baud: true,
            notify_every: Some(Duration::from_millis(100)),
            ..Self::strict()
        }
    }

    /// With SET-CONTROL answered this way.
    #[must_use]
    pub fn control(self, control: Control) -> Self {
        Self { control, ..self }
    }

    /// With the modem lines looked at this often; `None`: each change is told at once.
    #[must_use]
    pub fn notify_every(self, every: Option<Duration>) -> Self {
        Self { notify_every: every.filter(|every| !every.is_zero()), ..self }
    }

    /// With DTR left up when a client goes.
    #[must_use]
    pub fn keep_dtr(self) -> Self {
        Self { keep_dtr: true, ..self }
    }

    /// With DTR not wired to the modem.
    #[must_use]
    pub fn no_dtr(self) -> Self {
        Self { no_dtr: true, ..self }
    }
}

/// Written manners that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is none of `strict`, `ser2net`, `sredird`, `control=right|no-lines|always-one|never`, `notify=MSms`, \
     `keep-dtr`, `no-dtr`"
)]
pub struct BadManners(String);

impl FromStr for Manners {
    type Err = BadManners;

    /// Words between commas: a name first, `strict` if there is none, then what differs from it:
    /// `ser2net,notify=250ms,keep-dtr`.
    fn from_str(text: &str) -> Result<Self, BadManners> {
        let mut words = text.split(',').map(str::trim).peekable();
        let known = words.peek().and_then(|name| match *name {
            "strict" => Some(Self::strict()),
            "ser2net" => Some(Self::ser2net()),
            "sredird" => Some(Self::sredird()),
            _ => None,
        });
        let mut manners = if let Some(known) = known {
            words.next();
            known
        } else {
            Self::strict()
        };
        for word in words {
            let bad = || BadManners(word.to_owned());
            manners = match word.split_once('=') {
                None if word == "keep-dtr" => manners.keep_dtr(),
                None if word == "no-dtr" => manners.no_dtr(),
                Some(("control", how)) => manners.control(match how {
                    "right" => Control::Right,
                    "no-lines" => Control::NoLines,
                    "always-one" => Control::AlwaysOne,
                    "never" => Control::Never,
                    _ => return Err(bad()),
                }),
                Some(("notify", every)) => {
                    let ms =
                        every.strip_suffix("ms").and_then(|ms| ms.parse::<u32>().ok()).ok_or_else(bad)?;
                    manners.notify_every(Some(Duration::from_millis(ms.into())))
                }
                _ => return Err(bad()),
            };
        }
        Ok(manners)
    }
}

impl fmt::Display for Manners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manners_are_read_from_words() {
        for (text, expected) in [
            ("strict", Manners::strict()),
            ("ser2net", Manners::ser2net()),
            ("sredird,keep-dtr", Manners::sredird().keep_dtr()),
            ("keep-dtr,no-dtr", Manners::strict().keep_dtr().no_dtr()),
            ("ser2net, notify=0ms", Manners::ser2net().notify_every(None)),
            ("notify=250ms", Manners::strict().notify_every(Some(Duration::from_millis(250)))),
            ("strict,control=never", Manners::strict().control(Control::Never)),
            ("ser2net,control=right", Manners::ser2net().control(Control::Right)),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn other_words_are_refused_by_name() {
        for (text, word) in [
            ("", ""),
            ("moxa", "moxa"),
            ("strict,ser2net", "ser2net"),
            ("strict,notify=1", "notify=1"),
            ("control=maybe", "control=maybe"),
            ("strict,", ""),
        ] {
            assert_eq!(text.parse::<Manners>(), Err(BadManners(word.to_owned())), "{text}");
        }
    }
}
