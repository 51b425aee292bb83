//! Numbers at which a person answered: nobody rings them again before somebody has said that the number is right.
//!
//! History fills this from what calls found, `cli` adds what people have confirmed, `config` asks it for each line. The
//! number is the key: a line whose number was changed is not on hold, and two lines that share one are on hold together.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{LineId, PhoneNumber, RunId};

/// A person was heard at a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceHeard {
    /// When that call ended.
    pub at: Timestamp,
    /// In this run.
    pub run: RunId,
    /// On the way to this line.
    pub line: LineId,
}

/// What is known of numbers at which a person was heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VoiceHolds {
    numbers: BTreeMap<PhoneNumber, Known>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Known {
    voice: Option<VoiceHeard>,
    modem: Option<Timestamp>,
    confirmed: Option<Timestamp>,
}

impl VoiceHolds {
    /// A call that counts (its modem was not put under quarantine for it) ended with a voice. The last one is kept.
    pub fn voice(&mut self, number: PhoneNumber, heard: VoiceHeard) {
        let voice = &mut self.numbers.entry(number).or_default().voice;
        if voice.as_ref().is_none_or(|known| known.at <= heard.at) {
            *voice = Some(heard);
        }
    }

    /// A modem answered there: whoever was heard before, the number is a line's.
    pub fn modem(&mut self, number: PhoneNumber, at: Timestamp) {
        let modem = &mut self.numbers.entry(number).or_default().modem;
        *modem = (*modem).max(Some(at));
    }

    /// Somebody said that the number is right.
    pub fn confirmed(&mut self, number: PhoneNumber, at: Timestamp) {
        let confirmed = &mut self.numbers.entry(number).or_default().confirmed;
        *confirmed = (*confirmed).max(Some(at));
    }

    /// The voice for which the number is on hold, if it is: nobody has confirmed it since, and no modem has answered there.
    pub fn on_hold(&self, number: &PhoneNumber) -> Option<&VoiceHeard> {
        let known = self.numbers.get(number)?;
        let voice = known.voice.as_ref()?;
        (known.modem.max(known.confirmed) < Some(voice.at)).then_some(voice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(hour)
    }

    fn heard(hour: i64) -> VoiceHeard {
        let run = "20261121T020000Z-nightly".parse().unwrap();
        VoiceHeard { at: at(hour), run, line: "BR0001-A".parse().unwrap() }
    }

    #[test]
    fn a_number_is_on_hold_from_a_voice_until_it_is_confirmed_or_a_modem_answers() {
        let number: PhoneNumber = "+1 919 555 0101".parse().unwrap();
        let mut holds = VoiceHolds::default();
        holds.modem(number.clone(), at(1));
        assert_eq!(holds.on_hold(&number), None);
        holds.voice(number.clone(), heard(5));
        holds.voice(number.clone(), heard(3));
        assert_eq!(
            holds.on_hold(&number),
            Some(&heard(5)),
            "the last one counts, in whatever order they come"
        );
        holds.confirmed(number.clone(), at(4));
        assert_eq!(holds.on_hold(&number), Some(&heard(5)), "it was confirmed before");
        holds.confirmed(number.clone(), at(6));
        assert_eq!(holds.on_hold(&number), None);
        holds.voice(number.clone(), heard(7));
        assert_eq!(holds.on_hold(&number), Some(&heard(7)), "and it was no line after all");
        holds.modem(number.clone(), at(8));
        assert_eq!(holds.on_hold(&number), None);
        assert_eq!(holds.on_hold(&"+1 919 555 0102".parse().unwrap()), None);
    }
}
