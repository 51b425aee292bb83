//! What a technician's call takes from a plan's rules, and what it leaves: one call a line, now, told at once; and what
//! somebody who stands beside the line may lift by his own word.

use std::time::Duration;

use crate::config::Plan;
use crate::fleet::policy::BenchPolicy;
use crate::fleet::scheduler::{CheckPlan, Preflight};
use crate::model::{CredentialName, Fault};

/// Longest wait for a modem of ours: somebody stands there and looks.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest pause that a plan's own pauses make between two calls of one `--repeat`; national law is beside that.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Pause between two calls of one `--repeat` on a real network: the far modem and its console must see that the last call is
/// over, or the next one meets a busy line that is our own doing.
const PAUSE: Duration = Duration::from_secs(10);

/// What a technician wishes of a call.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// So many calls, one after the other.
    pub(crate) repeat: u32,
    /// Pause between two of them, where it is not the usual one.
    pub(crate) pause: Option<Duration>,
    /// Whatever the line's windows say.
    pub(crate) any_time: bool,
    /// Although it is on hold.
    pub(crate) on_hold: bool,
    /// Somebody has confirmed the numbers.
    pub(crate) number_confirmed: bool,
    /// Credentials whose refusals are to be forgotten.
    pub(crate) forget_refusal: Vec<CredentialName>,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            repeat: 1,
            pause: None,
            any_time: false,
            on_hold: false,
            number_confirmed: false,
            forget_refusal: Vec::new(),
        }
    }
}

/// Lifts what the user's word lifts; what is to be told of that.
pub(crate) fn lift(wish: &Wish, plan: &mut Plan) -> Vec<String> {
    let mut told = Vec::new();
    for planned in &mut plan.lines {
        let line = &planned.line.id;
        if wish.any_time && planned.hours.take().is_some() {
            told.push(format!("line `{line}` is called now, whatever its windows say"));
        }
        let held = planned.preset.as_ref().is_some_and(|preset| preset.fault == Fault::OnHold);
        if let Some(hold) = planned.hold.take_if(|_| held && wish.on_hold) {
            planned.preset = None;
            told.push(format!("line `{line}` is on hold, and called all the same: {}", hold.told()));
        }
    }
    told
}

/// Makes the plan's rules those of single calls; what is to be told of that.
pub(crate) fn one_call(wish: &Wish, plan: &mut Plan) -> Vec<String> {
    let policy = &mut plan.policy;
    (policy.attempts, policy.confirm, policy.repeat) = (wish.repeat, wish.repeat, wish.repeat);
    (policy.adaptive, policy.in_order, policy.bench_calls_per_modem) = (false, true, 1);
    policy.repeat_pause = wish.pause.unwrap_or(if plan.bank.rehearsal { Duration::ZERO } else { PAUSE });
    for fault in Fault::ALL {
        let pause = if fault.blame().is_bench() {
            Duration::ZERO
        } else {
            policy.retry_after(fault).min(PAUSE_MAX).max(policy.repeat_pause)
        };
        policy.retry_after.insert(fault, pause);
    }
    let setups_max = u32::from(wish.repeat > 1);
    policy.bench = BenchPolicy { patience: PATIENCE, setups_max, ..BenchPolicy::default() };
    plan.checks = CheckPlan { preflight: Preflight::Off, reference: None, toll: None };
    plan.deadline = None;
    let mut told = Vec::new();
    for planned in &mut plan.lines {
        if planned.ways.len() > 1 {
            let others: Vec<String> = planned.ways.drain(1..).map(|way| way.told()).collect();
            told.push(format!(
                "line `{}` has other ways, which are not called now: {}",
                planned.line.id,
                others.join(", ")
            ));
        }
    }
    told
}
