//! What can be done: pause, drain, stop, the emergency stop, plans, modems, the log. What is asked for is sent to the API by the
//! script, with a token that its user typed; nothing on this page changes anything by itself.

use std::collections::BTreeMap;

use minijinja::Value;
use minijinja::context;
use minijinja::value::Serde;

use super::frame::{daemon, stands, tone};
use super::tonight::{plans, queue};
use super::{Here, Lost, Page};
use crate::config::service::{LeadershipPlan, ROOMS};
use crate::report::html::words::clean;
use crate::service::status::Stands;

#[expect(clippy::unnecessary_wraps, reason = "other pages may not be found")]
pub(super) fn page(here: &Here) -> Result<Page, Lost> {
    let status = &here.status;
    let log: BTreeMap<String, String> =
        status.log.iter().map(|(room, level)| (clean(room), format!("{level:?}").to_lowercase())).collect();
    let banks: Vec<Value> = status
        .banks
        .iter()
        .map(|bank| {
            let modems: Vec<Value> = bank
                .modems
                .iter()
                .map(|modem| {
                    context! {
                        modem => modem.modem.to_string(), stands => stands(modem.stands), tone => tone(modem.stands),
                        why => clean(&modem.why), disabled => modem.stands == Stands::Disabled,
                    }
                })
                .collect();
            context! { bank => bank.bank.to_string(), modems }
        })
        .collect();
    let by_token = here.loaded.service.http.as_ref().is_some_and(|http| http.token.is_some());
    Ok(Page {
        template: "control",
        title: "Control".to_owned(),
        section: "control",
        value: context! {
            daemon => Value::from(Serde(daemon(status))),
            is_emergency => status.stands == Stands::EmergencyStopped,
            is_disabled => status.stands == Stands::Disabled,
            is_held => matches!(status.stands, Stands::Paused | Stands::Draining | Stands::Stopped),
            plans => Value::from(Serde(plans(status))),
            queue => Value::from(Serde(queue(status))),
            banks,
            log => Value::from(Serde(log)),
            rooms => ROOMS.to_vec(),
            told => matches!(here.loaded.service.leadership, LeadershipPlan::Told(_)),
            by_token,
        },
    })
}
