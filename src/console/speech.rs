//! The one place where bytes for the far end are made: a CR, a text of the dialog's allow-list, the credential, and at a
//! console server a choice of that list with the plan's port in it, and its escape; of a
//! console that was handed over, a technician's keys and the Ctrl-C that ends what they began.

use secrecy::ExposeSecret;

use super::{Credential, Dialog};

/// What ends a line that we type. LF after it is a second line for some consoles (modems.md 7), so it is never sent.
const CR: u8 = b'\r';

/// Ctrl-C.
const INTERRUPT: &str = "\u{3}";

/// Something to say.
#[derive(Debug, Clone, Copy)]
pub(super) enum Say<'a> {
    /// An empty line.
    Return,
    /// A text of the allow-list, with or without a CR.
    Listed(&'a str, bool),
    /// The choice of a port of a console server.
    Choice(&'a str),
    /// The escape that leaves a port.
    Escape,
    /// What a technician types to whom the console was handed over.
    Keys(&'a [u8]),
    /// Ctrl-C, when it is taken back.
    Interrupt,
    /// The username and a CR.
    Username(&'a Credential),
    /// The password and a CR.
    Password(&'a Credential),
}

/// The bytes of it.
///
/// # Panics
/// Where a text is not in the allow-list: a defect of this program, which must cost the call and not reach a console.
pub(super) fn bytes(dialog: &Dialog, say: Say<'_>) -> Vec<u8> {
    if let Say::Keys(keys) = say {
        return keys.to_vec();
    }
    let choice;
    let (text, cr) = match say {
        Say::Return | Say::Keys(_) => ("", true),
        Say::Interrupt => (INTERRUPT, false),
        Say::Choice(port) => {
            let ports = dialog.ports.as_ref();
            let known = ports.filter(|ports| ports.problem(port, dialog.allow()).is_none());
            choice = known.map(|ports| (ports.choice(port), ports.cr));
            assert!(choice.is_some(), "a port that is none was about to be chosen");
            choice.as_ref().map_or(("", false), |(text, cr)| (text, *cr))
        }
        Say::Escape => (dialog.ports.as_ref().map_or("", |ports| &ports.leave), false),
        Say::Listed(text, cr) => {
            assert!(dialog.allows(text), "a text outside of the allow-list was about to be sent");
            (text, cr)
        }
        Say::Username(credential) => (credential.username(), true),
        Say::Password(credential) => (credential.password().expose_secret(), true),
    };
    let mut bytes = Vec::with_capacity(text.len() + 1);
    bytes.extend_from_slice(text.as_bytes());
    if cr {
        bytes.push(CR);
    }
    bytes
}
