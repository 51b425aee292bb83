//! Leadership by a lock on a file.

use std::path::Path;

use tokio::sync::watch;

use super::{Leader, Role, Standing};

/// Holds, or waits for, the lock.
pub(super) struct Lock(watch::Sender<Standing>);

impl Lock {
    pub(super) fn new(path: &Path) -> Self {
        let why = format!("waits for the lock on `{}`", path.display());
        Self(watch::Sender::new(Standing { role: Role::None, why }))
    }
}

impl Leader for Lock {
    fn watch(&self) -> watch::Receiver<Standing> {
        self.0.subscribe()
    }

    fn tell(&self, _: Role) -> Result<(), String> {
        Err("its role is found out by a lock (`leadership: { lock: ... }`), and can't be told".to_owned())
    }
}
