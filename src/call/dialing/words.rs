//! What each final word of a dial means by itself.

use std::time::Duration;

use crate::model::{Blame, Fault};
use crate::modem::result_code::ResultCode;

/// Final words whose meaning needs no context.
pub(super) fn meaning(code: &ResultCode) -> Option<(Fault, &'static str)> {
    if let Some(ours) = code.own_line() {
        return Some(ours);
    }
    Some(match code {
        ResultCode::Busy => (Fault::Busy, "BUSY"),
        ResultCode::Reorder => (Fault::Reorder, "REORDER"),
        ResultCode::Voice => (Fault::Voice, "VOICE"),
        ResultCode::Fax => (Fault::Fax, "a fax answered"),
        ResultCode::UnobtainableNumber => {
            (Fault::NoDialtone, "UN-OBTAINABLE NUMBER: our own line takes pulse dialing alone")
        }
        ResultCode::Dialtone => {
            (Fault::NoDialtone, "dial tone after dialing: our own exchange did not take the digits")
        }
        ResultCode::Ring => (Fault::Glare, "RING while dialing: a call came in on our own line"),
        ResultCode::Blacklisted => (Fault::ModemRefused, "BLACKLISTED: the modem's redial lock"),
        ResultCode::BlacklistFull => {
            (Fault::ModemRefused, "BLACKLIST FULL: the modem refuses any new number")
        }
        ResultCode::DialingDisabled => (Fault::ModemRefused, "DIALING DISABLED"),
        ResultCode::DialLocked => (Fault::ModemRefused, "DIAL LOCKED: the modem's redial lock"),
        ResultCode::Error => (Fault::ModemError, "ERROR in answer to the dial command"),
        ResultCode::Ok => (Fault::ModemError, "OK in answer to the dial command: it did not dial"),
        _ => return None,
    })
}

/// Whether a fault is that of something beyond our own exchange: it can't be heard before the number is dialed.
pub(super) fn is_of_the_far_end(fault: Fault) -> bool {
    matches!(fault.blame(), Blame::Network | Blame::FarLine)
}

/// DELAYED, with the time that it names.
pub(super) fn delayed(span: Option<Duration>) -> String {
    span.map_or_else(
        || "DELAYED: the modem's redial lock".to_owned(),
        |span| format!("DELAYED for {} s: the modem's redial lock", span.as_secs()),
    )
}
