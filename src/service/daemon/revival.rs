//! What the loop does when its brain has died of a panic: runs end cleanly, whoever waits is told, and another brain begins with
//! what was kept on the disk.

use std::sync::Arc;

use super::Daemon;
use crate::call::machine::Cancel;
use crate::fleet::order::{self, Order};
use crate::service::control::{Control, Refused};
use crate::service::durable;
use crate::service::keeper::Input;

impl Daemon {
    /// Its brain has died of a panic: whoever waits is told, and what goes on ends cleanly, for another one to go on with.
    pub(super) fn brain_died(&mut self, why: &str) {
        tracing::error!(
            "the daemon's brain died, which is a defect: {why}; runs log out, and go on with another one"
        );
        if self.keeper.is_hopeless() {
            self.given_up = Some(format!("the daemon's brain died again and again: {why}"));
        }
        self.inputs.retain(|input| !matches!(input, Input::Control { .. }));
        for (_, reply) in std::mem::take(&mut self.tickets) {
            let why = "the daemon has met with an error of its own, and begins anew; ask again".to_owned();
            let _ = reply.send(Err(Refused { why, unknown: false }));
        }
        self.stop_all(Cancel::LogOut);
    }

    /// Ends all that goes on, whatever anybody thinks of it.
    pub(super) fn stop_all(&self, how: Cancel) {
        let why = "the daemon begins anew after an error of its own";
        for at_work in self.at_work.values() {
            let (orders, order) = (at_work.orders.clone(), Order::Stop { how, why: Some(why.to_owned()) });
            self.errands.spawn(async move {
                // It may be over.
                let _ = orders.send(order::Told { order, reply: None }).await;
            });
        }
    }

    /// No brain lives: if nothing goes on any more, another one begins with what was kept; whether it has. What happens until
    /// then waits, but for a word that nothing may hold up.
    pub(super) fn come_round(&mut self) -> bool {
        if !self.jobs.is_empty() {
            let now_at_all_events = |input: &Input| {
                matches!(
                    input,
                    Input::Terminate(Cancel::HangUp)
                        | Input::Control { control: Control::EmergencyStop { .. }, .. }
                )
            };
            if self.inputs.iter().any(now_at_all_events) {
                self.stop_all(Cancel::HangUp);
            }
            return false;
        }
        if self.given_up.is_some() {
            self.over = true;
            return false;
        }
        let now = self.now();
        let restored = tokio::task::block_in_place(|| durable::load(&self.state, now.wall));
        let loaded = Arc::clone(&self.loaded.borrow());
        let begun = match restored {
            Ok(restored) => self.keeper.begin(&now, loaded, restored.state),
            Err(why) => Err(why.to_string()),
        };
        match begun {
            Ok(first) => {
                tracing::info!("another brain has begun, with what was kept");
                self.carry_out(first);
                // What is loaded now came while none lived, perhaps; how things stand among its peers it is told first.
                let waiting = std::mem::take(&mut self.inputs);
                self.tell_role();
                self.inputs.extend(waiting);
                true
            }
            Err(why) => {
                self.given_up = Some(format!("no other brain could begin: {why}"));
                self.over = true;
                false
            }
        }
    }
}
