//! The configuration, read again beside the loop, and what hangs on a new one here.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Daemon, died_of};
use crate::config::service::{Loaded, Unloaded, load};
use crate::service::keeper::Input;

/// Reads the configuration. Blocks on files.
pub(super) fn read(config: &Path) -> Result<Loaded, Unloaded> {
    tokio::task::block_in_place(|| load(config, &environment))
}

pub(super) fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// The configuration, read again.
pub(super) struct Reread {
    loaded: Result<Result<Loaded, Unloaded>, String>,
    /// When the reading began.
    from: Timestamp,
}

impl Daemon {
    pub(super) fn reload(&mut self) {
        if std::mem::replace(&mut self.reading, true) {
            self.read_again = true;
            return;
        }
        self.systemd.reloading();
        let (config, readings, from) = (self.config.clone(), self.readings.clone(), self.clock.wall());
        let read = self.errands.spawn_blocking(move || load(&config, &environment));
        self.errands.spawn(async move {
            let loaded = read.await.map_err(died_of);
            // The loop may be over.
            let _ = readings.send(Reread { loaded, from }).await;
        });
    }

    /// The configuration was read, for better or worse: from here on what was read is watched.
    pub(super) fn reread(&mut self, Reread { loaded, from }: Reread) {
        self.reading = false;
        let input = match loaded {
            Ok(Ok(loaded)) => {
                self.files.follow(loaded.files.iter().cloned(), from);
                Input::Config(Arc::new(loaded))
            }
            Ok(Err(unread)) => {
                self.files.follow(unread.files.iter().cloned(), from);
                Input::BadConfig(unread.problems)
            }
            Err(why) => {
                tracing::error!("the configuration could not be read: {why}");
                self.systemd.ready(&self.said);
                if std::mem::take(&mut self.read_again) {
                    self.reload();
                }
                return;
            }
        };
        if std::mem::take(&mut self.read_again) {
            // Whoever asked meanwhile may have mended what this reading has not seen: his answer is the next one.
            self.reload();
            return;
        }
        self.inputs.push_back(input);
    }

    /// A new configuration is in force: what hangs on it here.
    pub(super) async fn configured(&mut self, loaded: &Arc<Loaded>) {
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        self.loaded.send_replace(Arc::clone(loaded));
        if let Err(why) = self.server.apply(&loaded.service).await {
            tracing::error!("{why}; it listens as before, as far as it can");
        }
    }
}
