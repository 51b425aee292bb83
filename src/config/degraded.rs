//! `policy.degraded:` of a plan: what makes a line that passes a bad one. Each rule can be switched off.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::yaml::Doc;
use crate::call::quality::{Rules, TrainRule};
use crate::model::span;

/// The word that switches a rule off; `false` does too.
const OFF: &str = "off";
/// Nights that may be asked for before something is usual: the median of one night is that night, and no more are kept
/// than fourteen.
const NIGHTS: std::ops::RangeInclusive<u32> = 2..=14;

/// `degraded:` as written.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DegradedFile {
    connect_bps: Option<Figure>,
    connect_share: Option<Figure>,
    retrains: Option<Figure>,
    block_errors_per_min: Option<Figure>,
    level_drop_db: Option<Figure>,
    rx_level_dbm: Option<Figure>,
    snr_db: Option<Figure>,
    error_control: Option<Switch>,
    train: Option<TrainFile>,
    needed_retry: Option<Switch>,
    nights: Option<u32>,
}

/// A rule's figure, or that it is off.
#[derive(Debug, Clone, Copy)]
enum Figure {
    Off,
    Is(f64),
}

/// A rule without a figure: on or off.
#[derive(Debug, Clone, Copy)]
struct Switch(bool);

/// The rule of slow training, or that it is off.
#[derive(Debug)]
enum TrainFile {
    Off,
    Is(TrainRuleFile),
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TrainRuleFile {
    deviations: Option<f64>,
    margin: Option<String>,
}

impl DegradedFile {
    /// The rules, defaults where nothing is written.
    pub(super) fn check(&self, doc: &Doc) -> Rules {
        let mut rules = Rules::default();
        let check = Check { doc };
        check.whole("connect_bps", self.connect_bps, (300, 56_000), "bit/s", &mut rules.connect_bps);
        check.whole("retrains", self.retrains, (1, 100), "retrains", &mut rules.retrains);
        check.whole("level_drop_db", self.level_drop_db, (1, 60), "dB", &mut rules.level_drop_db);
        check.whole("rx_level_dbm", self.rx_level_dbm, (-60, -1), "dBm", &mut rules.rx_level_dbm);
        check.whole("snr_db", self.snr_db, (1, 60), "dB", &mut rules.snr_db);
        let share = |share: f64| share > 0.0 && share < 1.0;
        check.real(
            "connect_share",
            self.connect_share,
            share,
            "a share between 0 and 1",
            &mut rules.connect_share,
        );
        let rate = |rate: f64| rate.is_finite() && rate > 0.0;
        let errors = &mut rules.block_errors_per_min;
        check.real("block_errors_per_min", self.block_errors_per_min, rate, "a number above 0", errors);
        rules.error_control = self.error_control.map_or(rules.error_control, |Switch(on)| on);
        rules.needed_retry = self.needed_retry.map_or(rules.needed_retry, |Switch(on)| on);
        match &self.train {
            None => {}
            Some(TrainFile::Off) => rules.train = None,
            Some(TrainFile::Is(written)) => rules.train = rules.train.map(|rule| check.train(written, rule)),
        }
        if let Some(nights) = self.nights {
            if NIGHTS.contains(&nights) {
                rules.nights = nights;
            } else {
                let (least, most) = NIGHTS.into_inner();
                check.problem(
                    "nights",
                    format!("is {nights}; {least} to {most} nights can make something usual"),
                );
            }
        }
        rules
    }
}

struct Check<'a> {
    doc: &'a Doc,
}

impl Check<'_> {
    fn problem(&self, key: &str, what: impl Into<String>) {
        self.doc.problem(&format!("policy.degraded.{key}"), what);
    }

    fn whole<T: TryFrom<i64>>(
        &self,
        key: &str,
        written: Option<Figure>,
        (least, most): (i32, i32),
        unit: &str,
        rule: &mut Option<T>,
    ) {
        match written {
            None => {}
            Some(Figure::Off) => *rule = None,
            Some(Figure::Is(figure)) => {
                // In range and whole, so the cast takes nothing away.
                let fits = figure.fract() == 0.0 && (f64::from(least)..=f64::from(most)).contains(&figure);
                match T::try_from(figure as i64) {
                    Ok(value) if fits => *rule = Some(value),
                    _ => self.problem(
                        key,
                        format!(
                            "is {figure}; write a whole number from {least} to {most} ({unit}), or `{OFF}`"
                        ),
                    ),
                }
            }
        }
    }

    fn real(
        &self,
        key: &str,
        written: Option<Figure>,
        fits: impl Fn(f64) -> bool,
        what: &str,
        rule: &mut Option<f64>,
    ) {
        match written {
            None => {}
            Some(Figure::Off) => *rule = None,
            Some(Figure::Is(figure)) if fits(figure) => *rule = Some(figure),
            Some(Figure::Is(figure)) => self.problem(key, format!("is {figure}; write {what}, or `{OFF}`")),
        }
    }

    fn train(&self, written: &TrainRuleFile, mut rule: TrainRule) -> TrainRule {
        match written.deviations {
            None => {}
            Some(deviations) if deviations.is_finite() && deviations >= 1.0 => rule.deviations = deviations,
            Some(deviations) => {
                self.problem("train.deviations", format!("is {deviations}; write a number from 1 on"));
            }
        }
        match written.margin.as_deref().map(span::parse) {
            None => {}
            Some(Ok(margin)) => rule.margin = margin,
            Some(Err(what)) => self.problem("train.margin", what),
        }
        rule
    }
}

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = Figure;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a number, or `{OFF}`")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Figure, E> {
                // Beyond what any rule takes it may lose its last digits.
                Ok(Figure::Is(number as f64))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Figure, E> {
                Ok(Figure::Is(number as f64))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Figure, E> {
                Ok(Figure::Is(number))
            }

            fn visit_bool<E: de::Error>(self, on: bool) -> Result<Figure, E> {
                if on { Err(E::invalid_type(de::Unexpected::Bool(on), &self)) } else { Ok(Figure::Off) }
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Figure, E> {
                if word == OFF {
                    Ok(Figure::Off)
                } else {
                    Err(E::invalid_type(de::Unexpected::Str(word), &self))
                }
            }
        }

        d.deserialize_any(Number)
    }
}

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct OnOff;

        impl Visitor<'_> for OnOff {
            type Value = Switch;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "`on` or `{OFF}`")
            }

            fn visit_bool<E: de::Error>(self, on: bool) -> Result<Switch, E> {
                Ok(Switch(on))
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Switch, E> {
                match word {
                    "on" => Ok(Switch(true)),
                    OFF => Ok(Switch(false)),
                    _ => Err(E::invalid_type(de::Unexpected::Str(word), &self)),
                }
            }
        }

        d.deserialize_any(OnOff)
    }
}

impl<'de> Deserialize<'de> for TrainFile {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Train;

        impl<'de> Visitor<'de> for Train {
            type Value = TrainFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "`{{ deviations: .., margin: .. }}`, or `{OFF}`")
            }

            fn visit_bool<E: de::Error>(self, on: bool) -> Result<TrainFile, E> {
                if on { Err(E::invalid_type(de::Unexpected::Bool(on), &self)) } else { Ok(TrainFile::Off) }
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<TrainFile, E> {
                if word == OFF {
                    Ok(TrainFile::Off)
                } else {
                    Err(E::invalid_type(de::Unexpected::Str(word), &self))
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TrainFile, A::Error> {
                TrainRuleFile::deserialize(MapAccessDeserializer::new(map)).map(TrainFile::Is)
            }
        }

        d.deserialize_any(Train)
    }
}
