//! What is told, as it is typed: each action with its keys, unknown ones refused. What it means is [`super::Control`].

use jiff::Timestamp;
use serde::Deserialize;

use super::{Control, Level, Role, Subject};
use crate::model::{BankName, LineId, ModemId, PlanName};

/// [`Control`] with each key on its own, since serde can't refuse unknown ones beside flattened ones.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Typed {
    Start { plan: PlanName, anyway: Option<bool> },
    Stop { plan: Option<PlanName>, why: Option<String> },
    Pause { plan: Option<PlanName>, until: Option<Timestamp>, why: Option<String> },
    Resume { plan: Option<PlanName> },
    Drain { plan: Option<PlanName>, why: Option<String> },
    EmergencyStop { why: Option<String> },
    Release {},
    Restart { modem: ModemId, bank: Option<BankName> },
    Enable(Named),
    Disable(NamedWhy),
    Call { plan: Option<PlanName>, line: LineId, anyway: Option<bool> },
    Role { role: Role },
    Log { room: Option<String>, level: Option<Level> },
    Reload {},
}

/// What is to be enabled.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    line: Option<LineId>,
    modem: Option<ModemId>,
    plan: Option<PlanName>,
    bank: Option<BankName>,
    daemon: Option<bool>,
}

/// What is to be disabled.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedWhy {
    line: Option<LineId>,
    modem: Option<ModemId>,
    plan: Option<PlanName>,
    bank: Option<BankName>,
    daemon: Option<bool>,
    why: Option<String>,
}

impl TryFrom<Typed> for Control {
    type Error = &'static str;

    fn try_from(typed: Typed) -> Result<Self, Self::Error> {
        let words = |why: Option<String>| why.map(|why| why.trim().to_owned()).unwrap_or_default();
        Ok(match typed {
            Typed::Start { plan, anyway } => Self::Start { plan, anyway: anyway.unwrap_or_default() },
            Typed::Stop { plan, why } => Self::Stop { plan, why: words(why) },
            Typed::Pause { plan, until, why } => Self::Pause { plan, until, why: words(why) },
            Typed::Resume { plan } => Self::Resume { plan },
            Typed::Drain { plan, why } => Self::Drain { plan, why: words(why) },
            Typed::EmergencyStop { why } => Self::EmergencyStop { why: words(why) },
            Typed::Release {} => Self::Release,
            Typed::Restart { modem, bank } => Self::Restart { modem, bank },
            Typed::Enable(named) => Self::Enable { subject: named.try_into()? },
            Typed::Disable(NamedWhy { line, modem, plan, bank, daemon, why }) => Self::Disable {
                subject: Named { line, modem, plan, bank, daemon }.try_into()?,
                why: words(why),
            },
            Typed::Call { plan, line, anyway } => {
                Self::Call { plan, line, anyway: anyway.unwrap_or_default() }
            }
            Typed::Role { role } => Self::Role { role },
            Typed::Log { room, level } => Self::Log { room, level },
            Typed::Reload {} => Self::Reload,
        })
    }
}

impl TryFrom<Named> for Subject {
    type Error = &'static str;

    fn try_from(named: Named) -> Result<Self, Self::Error> {
        match named {
            Named { line: Some(line), modem: None, plan, bank: None, daemon: None } => {
                Ok(Self::Line { line, plan })
            }
            Named { line: None, modem: Some(modem), plan: None, bank, daemon: None } => {
                Ok(Self::Modem { modem, bank })
            }
            Named { line: None, modem: None, plan: Some(plan), bank: None, daemon: None } => {
                Ok(Self::Plan { plan })
            }
            Named { line: None, modem: None, plan: None, bank: None, daemon: Some(true) } => {
                Ok(Self::Daemon { daemon: true })
            }
            _ => Err("names no one thing: write `line` (and its `plan`), `modem` (and its `bank`), `plan`, \
                 or `\"daemon\": true`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Control, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    fn name<T: std::str::FromStr<Err: std::fmt::Debug> + std::fmt::Debug>() -> impl Strategy<Value = T> {
        "[a-z][a-z0-9-]{0,8}".prop_map(|text| text.parse::<T>().unwrap())
    }

    fn any_control() -> impl Strategy<Value = Control> {
        let plan = || proptest::option::of(name::<PlanName>());
        let why = || "[a-z][a-z ]{0,10}[a-z]|";
        let subject = || {
            prop_oneof![
                (name(), plan()).prop_map(|(line, plan)| Subject::Line { line, plan }),
                (name(), proptest::option::of(name()))
                    .prop_map(|(modem, bank)| Subject::Modem { modem, bank }),
                name().prop_map(|plan| Subject::Plan { plan }),
                Just(Subject::Daemon { daemon: true }),
            ]
        };
        let until =
            proptest::option::of((0_i64..4_000_000_000).prop_map(|s| Timestamp::from_second(s).unwrap()));
        prop_oneof![
            (name(), any::<bool>()).prop_map(|(plan, anyway)| Control::Start { plan, anyway }),
            (plan(), why()).prop_map(|(plan, why)| Control::Stop { plan, why }),
            (plan(), until, why()).prop_map(|(plan, until, why)| Control::Pause { plan, until, why }),
            plan().prop_map(|plan| Control::Resume { plan }),
            (plan(), why()).prop_map(|(plan, why)| Control::Drain { plan, why }),
            why().prop_map(|why| Control::EmergencyStop { why }),
            Just(Control::Release),
            (name(), proptest::option::of(name())).prop_map(|(modem, bank)| Control::Restart { modem, bank }),
            subject().prop_map(|subject| Control::Enable { subject }),
            (subject(), why()).prop_map(|(subject, why)| Control::Disable { subject, why }),
            (plan(), name(), any::<bool>()).prop_map(|(plan, line, anyway)| Control::Call {
                plan,
                line,
                anyway
            }),
            Just(Control::Role { role: Role::Secondary }),
            Just(Control::Log { room: Some("fleet".to_owned()), level: Some(Level::Debug) }),
            Just(Control::Log { room: None, level: None }),
            Just(Control::Reload),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(control in any_control()) {
            let text = serde_json::to_string(&control).unwrap();
            prop_assert_eq!(read(&text), Ok(control), "{}", text);
        }

        /// One key more than an action knows, anywhere in it, and it is refused with the key's name.
        #[test]
        fn an_unknown_key_is_refused(control in any_control(), key in "x[a-z]{1,8}") {
            let mut value = serde_json::to_value(&control).unwrap();
            value.as_object_mut().unwrap().insert(key.clone(), serde_json::json!("x"));
            let error = read(&value.to_string()).unwrap_err();
            prop_assert!(error.contains(&key), "{}", error);
        }
    }

    #[test]
    fn a_subject_is_one_thing() {
        for bad in [
            r#"{"do":"disable"}"#,
            r#"{"do":"disable","daemon":false}"#,
            r#"{"do":"disable","line":"a","modem":"m"}"#,
            r#"{"do":"enable","modem":"m","plan":"p"}"#,
            r#"{"do":"enable","daemon":true,"line":"a"}"#,
            r#"{"do":"enable","bank":"b"}"#,
        ] {
            assert!(read(bad).unwrap_err().contains("names no one thing"), "{bad}");
        }
        assert!(read(r#"{"do":"disable","line":"../a"}"#).is_err());
        assert!(read(r#"{"do":"fly"}"#).unwrap_err().contains("emergency-stop"));
    }
}
