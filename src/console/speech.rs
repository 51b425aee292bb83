//! The one place where bytes for the far end are made: a CR, a text of the dialog's allow-list, or the credential.

use secrecy::ExposeSecret;

use super::{Credential, Dialog};

/// What ends a line that we type. LF after it is a second line for some consoles (modems.md 7), so it is never sent.
const CR: u8 = b'\r';

/// Something to say.
#[derive(Debug, Clone, Copy)]
pub(super) enum Say<'a> {
    /// An empty line.
    Return,
    /// A text of the allow-list, with or without a CR.
    Listed(&'a str, bool),
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
    let (text, cr) = match say {
        Say::Return => ("", true),
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
