//! What a modem's own account of a call adds to what was heard: whether it is of this call at all, and whether it tells
//! an ambiguous end from its neighbours.
//!
//! NO CARRIER is one word for many ends (modems.md 0.6). Where the modem says afterwards what it heard, the fault follows
//! that; a word that says it all by itself (BUSY, VOICE, NO ANSWER) is never overruled, and no account makes a failure of
//! a pass or a pass of a failure.

use std::time::Duration;

use crate::model::{CallSetup, Diagnostics, Fault, Link, Termination};
use crate::modem::diagnostics::Account;
use crate::modem::profile::Report;

/// How much longer than our own clock's span a modem may say that its call was.
const LAST_CALL_SLACK: Duration = Duration::from_secs(2);

/// What is known of the call apart from its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// CONNECT came.
    pub connected: bool,
    /// The carrier was seen: CONNECT, or a line or wire that marks it.
    pub carrier: bool,
    /// The wire showed answer tone.
    pub answer_tone: bool,
    /// The dial ended with NO CARRIER; else with another word, or with our own limit.
    pub said_no_carrier: bool,
    /// The family says NO ANSWER where it rang to the end, so that NO CARRIER tells that it did not.
    pub no_answer_means_ringback: bool,
    /// Dial command to on-hook.
    pub span: Option<Duration>,
}

/// The accounts that can be of this call, without the figures that can't be.
///
/// Most reports are wiped by ATZ alone, so that after a call that never got through they may still tell of an earlier one. One
/// is not believed that
/// - says itself that there was no call, or that one is going on;
/// - tells that characters came in, or of a link, where there was no carrier (`AT#UD`, which each ATD wipes, may tell of
///   the link);
/// - tells of a call that was longer than ours;
/// - tells of an end, or of a call set-up, that a call with a CONNECT can't have had;
/// - is a blank form, where there was a CONNECT: its `Protocol NONE` is nobody's link.
///
/// Of a call without carrier, levels and counters are taken only from an `AT#UD` that heard answer tone: there was nothing
/// else to be measured.
pub fn believed(accounts: Vec<Account>, facts: &Facts) -> Vec<Account> {
    let of_this_call = |account: &Account| {
        let longer =
            account.last_call.zip(facts.span).is_some_and(|(said, ours)| said > ours + LAST_CALL_SLACK);
        if account.no_call || longer {
            return false;
        }
        if facts.connected {
            let end = account.told.termination;
            let is_form = matches!(account.report, Report::I6 | Report::I11 | Report::V1);
            return (!is_form || account.tells_call())
                && !end.is_some_and(never_connected)
                && matches!(account.told.call_setup, None | Some(CallSetup::AnswerTone));
        }
        if account.received.is_some_and(|characters| characters > 0) {
            return false;
        }
        match account.report {
            Report::Ud | Report::S86 => true,
            Report::Level | Report::Quality => facts.carrier,
            // It must show that it knows of a call in which nothing was received.
            Report::I6 => facts.carrier || (!account.tells_link() && account.received == Some(0)),
            Report::I11 | Report::V1 => facts.carrier || !account.tells_link(),
        }
    };
    let mut accounts: Vec<Account> = accounts.into_iter().filter(of_this_call).collect();
    if !facts.carrier {
        let of_a_modem = |account: &Account| account.told.call_setup == Some(CallSetup::AnswerTone);
        for account in accounts.iter_mut().filter(|account| !of_a_modem(account)) {
            let Diagnostics { termination, disconnect_cause, call_setup, s86, more, .. } =
                std::mem::take(&mut account.told);
            account.told = Diagnostics {
                termination,
                disconnect_cause,
                call_setup,
                s86,
                more,
                ..Diagnostics::default()
            };
        }
    }
    accounts
}

/// Whether a call that ended so can't have had a CONNECT.
const fn never_connected(end: Termination) -> bool {
    match end {
        Termination::NoAnswer
        | Termination::TrainingFailed
        | Termination::Network
        | Termination::OwnLine
        | Termination::Refused => true,
        Termination::Local
        | Termination::Remote
        | Termination::CarrierLost
        | Termination::ErrorControl
        | Termination::LineTooBad
        | Termination::Inactivity
        | Termination::Other => false,
    }
}

/// Puts what was told later of the link (by lines behind CONNECT, by a report) where nothing was told before.
pub fn fill(link: &mut Link, later: Link) {
    let mut all = later;
    all.absorb(std::mem::take(link));
    *link = all;
}

/// The finding, sharpened where it was ambiguous. `cause` is key 60 of `AT#UD`.
pub fn refine(
    fault: Fault,
    detail: String,
    told: &Diagnostics,
    cause: Option<u32>,
    facts: &Facts,
) -> (Fault, String) {
    let Some((refined, why)) = evidence(fault, told, cause, facts) else { return (fault, detail) };
    let detail = if detail.is_empty() { why } else { format!("{detail}; {why}") };
    (refined, detail)
}

/// What the account makes of an ambiguous fault, and in which words; `None` where it adds nothing.
fn evidence(fault: Fault, told: &Diagnostics, cause: Option<u32>, facts: &Facts) -> Option<(Fault, String)> {
    match fault {
        // Nothing is known of what the far end did.
        Fault::NoConnect | Fault::NoRing => refused(told, cause)
            .or_else(|| own_line(told, cause, facts))
            .or_else(|| far_end(told, cause))
            .or_else(|| trained(told, facts))
            .or_else(|| nothing(fault, told, facts)),
        // NO CARRIER came too soon for the network to have a part in it: whatever says otherwise is of another call.
        Fault::ModemRefused if facts.said_no_carrier => {
            refused(told, cause).or_else(|| own_line(told, cause, facts))
        }
        // It rang, or answer tone was heard: that stands, and only what answered is open.
        Fault::NoCarrier => {
            let (refined, why) = far_end(told, cause)?;
            match refined {
                Fault::Voice if facts.answer_tone => None,
                Fault::Voice | Fault::Fax | Fault::NoCarrier => Some((refined, why)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The modem's own redial lock.
fn refused(told: &Diagnostics, cause: Option<u32>) -> Option<(Fault, String)> {
    // Whoever heard something has dialed.
    if !matches!(told.call_setup, None | Some(CallSetup::Nothing)) {
        return None;
    }
    let why = match cause {
        Some(0x04) => "#UD: the modem delayed the number".to_owned(),
        Some(0x29) => "#UD: the modem has the number on its blacklist".to_owned(),
        Some(0x2a) => "#UD: the modem's limit of attempts is reached".to_owned(),
        _ if told.termination == Some(Termination::Refused) => said(told)?,
        _ => return None,
    };
    Some((Fault::ModemRefused, why))
}

/// Our own outside line.
fn own_line(told: &Diagnostics, cause: Option<u32>, facts: &Facts) -> Option<(Fault, String)> {
    let (fault, why) = match (told.call_setup, cause) {
        (Some(CallSetup::NoDialtone), _) | (None | Some(CallSetup::Nothing), Some(0x2f)) => {
            (Fault::NoDialtone, "#UD: no dial tone")
        }
        (None | Some(CallSetup::Nothing), Some(0x2b)) => {
            (Fault::LineInUse, "#UD: another telephone on our line was off-hook")
        }
        (None | Some(CallSetup::Nothing), Some(0x2d)) => {
            (Fault::Glare, "#UD: a call came in while it dialed")
        }
        (None | Some(CallSetup::Nothing), _) if facts.said_no_carrier && told.s86 == Some(25) => (
            Fault::LineInUse,
            "S86=025: another telephone on our line was picked up, or its polarity reversed",
        ),
        _ => return None,
    };
    Some((fault, why.to_owned()))
}

/// What the modem recognised from beyond our exchange.
fn far_end(told: &Diagnostics, cause: Option<u32>) -> Option<(Fault, String)> {
    let (fault, why) = match (told.call_setup, cause) {
        (_, Some(0x42)) => (Fault::Fax, "#UD: a fax was detected"),
        (Some(CallSetup::Busy), _) => (Fault::Busy, "#UD: busy tone was heard"),
        (Some(CallSetup::Reorder), _) => (Fault::Reorder, "#UD: reorder tone was heard"),
        (Some(CallSetup::Voice), _) => (Fault::Voice, "#UD: a voice was heard"),
        (Some(CallSetup::AnswerTone), Some(0x3d)) => {
            (Fault::NoCarrier, "#UD: answer tone was heard, and training failed")
        }
        (Some(CallSetup::AnswerTone), Some(0x3e)) => {
            (Fault::NoCarrier, "#UD: answer tone was heard, and the modems have no modulation in common")
        }
        (Some(CallSetup::AnswerTone), _) => (Fault::NoCarrier, "#UD: answer tone was heard"),
        (None | Some(CallSetup::Nothing), Some(0x33)) => (Fault::Busy, "#UD: the call was cleared as busy"),
        (None | Some(CallSetup::Nothing), Some(0x31)) => {
            (Fault::Reorder, "#UD: the call was cleared as reorder")
        }
        (None, Some(0x3d)) => (Fault::NoCarrier, "#UD: training failed"),
        (None, Some(0x3e)) => (Fault::NoCarrier, "#UD: the modems have no modulation in common"),
        _ => return None,
    };
    Some((fault, why.to_owned()))
}

/// Ends that only modems have that were on speaking terms; from the reports that are no `#UD`.
fn trained(told: &Diagnostics, facts: &Facts) -> Option<(Fault, String)> {
    // What `#UD` heard goes before. Where it was our own limit that ended the call, an account that tells of another end
    // is of another call.
    if told.call_setup.is_some() || !facts.said_no_carrier {
        return None;
    }
    // The first event behind NO CARRIER. Its 4 and 12 are left alone: whether 4 is also said where no carrier ever came
    // is not documented, and 12 is what a good call leaves there.
    let why = match told.s86 {
        Some(5) => "no error control was found at the far end",
        Some(9) => "the modems had no protocol in common",
        Some(13) => "10 retransmissions were not answered",
        Some(14) => "the far end broke the protocol",
        _ => "",
    };
    if let Some(register) = told.s86.filter(|_| !why.is_empty()) {
        return Some((Fault::CarrierLost, format!("S86={register:03}: it trained, and {why}")));
    }
    match told.termination {
        Some(Termination::TrainingFailed) => Some((Fault::NoCarrier, said(told)?)),
        Some(Termination::ErrorControl | Termination::LineTooBad) if told.s86.is_none() => {
            Some((Fault::CarrierLost, said(told)?))
        }
        _ => None,
    }
}

/// Nothing that it knows was heard: nobody answered. Ringback is not among what it knows, so whether it rang stays open but
/// where the family has a word for that.
fn nothing(fault: Fault, told: &Diagnostics, facts: &Facts) -> Option<(Fault, String)> {
    if told.call_setup != Some(CallSetup::Nothing) {
        return None;
    }
    let why = "#UD: neither answer tone nor busy was heard";
    Some(match fault {
        // Ringback to the end would have been NO ANSWER there (modems.md 0.6).
        Fault::NoConnect if facts.said_no_carrier && facts.no_answer_means_ringback => {
            (Fault::NoRing, format!("{why}, and it did not ring to the end"))
        }
        other => (other, why.to_owned()),
    })
}

/// The modem's own words for the end.
fn said(told: &Diagnostics) -> Option<String> {
    told.disconnect_cause.as_ref().map(|cause| format!("the modem says `{cause}`"))
}

#[cfg(test)]
#[path = "evidence/tests.rs"]
mod tests;
