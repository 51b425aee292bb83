//! `lineman report prometheus|nagios|zabbix`: one run for a monitoring system. What it says is the report room's.

use super::written;
use crate::cli::Failure;
use crate::cli::args::{Nagios, Prometheus, Zabbix, ZabbixList};
use crate::report::nagios::passive;
use crate::report::prometheus::{self, Detail};
use crate::report::zabbix::{self, Discovery};

const fn detail(verdicts_only: bool) -> Detail {
    if verdicts_only { Detail::Verdicts } else { Detail::Phases }
}

/// `lineman report prometheus`.
pub(super) fn prometheus(args: &Prometheus) -> Result<u8, Failure> {
    written::write(&args.written, |run| {
        let text = prometheus::text(&run.state, detail(args.verdicts_only));
        text.map(String::into_bytes).map_err(|error| written::trouble(&error.into()))
    })
}

/// `lineman report nagios`.
pub(super) fn nagios(args: &Nagios) -> Result<u8, Failure> {
    let asked = passive::Asked {
        form: args.form,
        host: args.host.clone(),
        service: args.service.clone(),
        run_host: args.run_host.clone(),
        all: args.all,
    };
    written::write(&args.written, |run| {
        passive::results(&run.state, &asked).map(String::into_bytes).map_err(Failure::wrong)
    })
}

/// `lineman report zabbix`.
pub(super) fn zabbix(args: &Zabbix) -> Result<u8, Failure> {
    let asked = zabbix::Asked { host: args.host.clone(), detail: detail(args.verdicts_only), all: args.all };
    written::write(&args.written, |run| {
        let text = match args.discovery {
            Some(ZabbixList::Lines) => {
                zabbix::discovery(&run.state, Discovery::Lines).map(|list| list + "\n")
            }
            Some(ZabbixList::Modems) => {
                zabbix::discovery(&run.state, Discovery::Modems).map(|list| list + "\n")
            }
            None => zabbix::sender(&run.state, &asked),
        };
        text.map(String::into_bytes).map_err(|error| written::trouble(&error.into()))
    })
}
