//! `reference:` and `preflight:` of a plan, and the modems' own numbers: what the bench is checked with.
//!
//! These numbers are dialed like those of lines, so they are screened like those of lines, with each modem's prefix.

use super::{PlannedLine, ways};
use crate::config::bank::Bank;
use crate::config::numbering::Numbering;
use crate::config::problem::{quoted, suggestion};
use crate::config::yaml::Doc;
use crate::fleet::scheduler::{CheckPlan, Preflight};
use crate::model::PhoneNumber;

const WORDS: [(&str, Preflight); 3] =
    [("off", Preflight::Off), ("dial-tone", Preflight::DialTone), ("reference", Preflight::Reference)];

/// Checks both keys. A real bank listens for its dial tones first unless the plan says otherwise; a simulated one has
/// an exchange that is always there.
pub(super) fn check(
    reference: Option<&str>,
    preflight: Option<&str>,
    dialing: Option<(&Numbering, &Bank)>,
    lines: &[PlannedLine],
    doc: &Doc,
) -> CheckPlan {
    let number = reference.and_then(|text| match text.parse::<PhoneNumber>() {
        Ok(number) => Some(number),
        Err(error) => {
            doc.problem("reference", error.to_string());
            None
        }
    });
    if let Some(number) = &number {
        if let Some(planned) = lines.iter().find(|planned| planned.has_number(number)) {
            let what = format!(
                "is the number of line `{}`; the reference is a number that is known to answer, and no line of the plan",
                planned.line.id
            );
            doc.problem("reference", what);
        }
        let own = dialing
            .and_then(|(_, bank)| bank.modems.iter().find(|modem| modem.number.as_ref() == Some(number)));
        if let Some(modem) = own {
            let what = format!(
                "is the number of modem `{}` of the bank, which answers only when it is told to",
                modem.id
            );
            doc.problem("reference", what);
        }
        if let Some(why) = dialing.and_then(|(numbering, bank)| undialable(numbering, bank, number)) {
            doc.problem("reference", why);
        }
    }
    let real = dialing.is_some_and(|(_, bank)| !bank.rehearsal);
    let usual = if real { Preflight::DialTone } else { Preflight::Off };
    let preflight = match preflight {
        None => usual,
        Some(word) => WORDS.into_iter().find(|(known, _)| *known == word).map_or_else(
            || {
                let near = suggestion(word, WORDS.map(|(known, _)| known));
                let what = format!("{} is none of `off`, `dial-tone` and `reference`{near}", quoted(word));
                doc.problem("preflight", what);
                usual
            },
            |(_, preflight)| preflight,
        ),
    };
    let peers =
        dialing.map_or(0, |(_, bank)| bank.modems.iter().filter(|modem| modem.number.is_some()).count());
    if preflight == Preflight::Reference && reference.is_none() && peers < 2 && dialing.is_some() {
        doc.problem(
            "preflight",
            "there is no number to call: write `reference: \"+1 ...\"`, a number that is known to answer with a carrier (or the modems' own numbers in the bank)",
        );
    }
    CheckPlan { preflight, reference: number, toll: None }
}

/// Why some modem of the bank may not dial a number.
fn undialable(numbering: &Numbering, bank: &Bank, number: &PhoneNumber) -> Option<String> {
    ways::dialable(numbering, bank, number, None).err().map(|why| why.to_string())
}

/// The modems' own numbers: what can't be dialed, or is a line's too, is told at the bank.
pub(super) fn check_own_numbers(numbering: &Numbering, bank: &Bank, lines: &[PlannedLine], doc: &Doc) {
    for (index, modem) in bank.modems.iter().enumerate() {
        let Some(number) = &modem.number else { continue };
        let key = format!("modems[{index}].number");
        if let Some(planned) = lines.iter().find(|planned| planned.has_number(number)) {
            doc.problem(&key, format!("is the number of line `{}` of the plan", planned.line.id));
        } else if let Some(why) = undialable(numbering, bank, number) {
            doc.problem(&key, why);
        }
    }
}
