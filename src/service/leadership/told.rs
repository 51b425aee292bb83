//! The two ways in which nothing is to be found out: it is always the primary, or somebody tells.

use tokio::sync::watch;

use super::{Leader, Role, Standing};

/// Always the primary.
pub(super) struct Always(watch::Sender<Standing>);

impl Always {
    pub(super) fn new() -> Self {
        let why = "it has no peers (`leadership: always`)".to_owned();
        Self(watch::Sender::new(Standing { role: Role::Primary, why }))
    }
}

impl Leader for Always {
    fn watch(&self) -> watch::Receiver<Standing> {
        self.0.subscribe()
    }

    fn tell(&self, _: Role) -> Result<(), String> {
        Err("this daemon is always the primary (`leadership: always`)".to_owned())
    }
}

/// Told by control. Nothing is kept: after a restart whoever tells it must tell it again.
pub(super) struct Told(watch::Sender<Standing>);

impl Told {
    pub(super) fn new(initial: Role) -> Self {
        let why = match initial {
            Role::None => "nobody has told it its role yet".to_owned(),
            role => format!("it begins as {role}, until it is told (`initial: {role}`)"),
        };
        Self(watch::Sender::new(Standing { role: initial, why }))
    }
}

impl Leader for Told {
    fn watch(&self) -> watch::Receiver<Standing> {
        self.0.subscribe()
    }

    fn tell(&self, role: Role) -> Result<(), String> {
        self.0.send_replace(Standing { role, why: format!("it was told that it is {role}") });
        Ok(())
    }
}
