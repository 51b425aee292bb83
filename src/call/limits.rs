//! How long each stretch of a call may take. Every wait of a call has one of these.
//!
//! The dial limit of a first call may be shortened by what is usual on its line; whether it is (a second call must be
//! able to follow) is the scheduler's to say.

use std::time::Duration;

use crate::console::{Behind, Dialog, RoundLimits};
use crate::model::{Fault, Usual};

/// What a call may end with when its limit comes and nobody has answered, as far as is known: such a one alone is cut
/// short.
pub const UNANSWERED: [Fault; 3] = [Fault::NoAnswer, Fault::NoRing, Fault::NoConnect];
/// Whether a call that ends with this might have gone on to a better end, had it had more time.
pub fn needs_time(fault: Fault) -> bool {
    UNANSWERED.contains(&fault) || fault == Fault::NoCarrier
}

/// Nights on which a line must have passed before its first call is cut short.
pub const SHORT_NIGHTS_MIN: u32 = 5;
/// A shortened limit is at least so many times the longest time that the line ever took, ..
const SHORT_LONGEST_TIMES: f64 = 1.5;
/// .. and so many deviations beyond its median, ..
const SHORT_DEVIATIONS: f64 = 10.0;
/// .. and this beyond both: a ringing more or two, a network that is slow tonight.
const SHORT_MARGIN: Duration = Duration::from_secs(10);
/// No first call is cut shorter than this, however quick the line was: four or five ringings.
const SHORT_LEAST: Duration = Duration::from_secs(25);
/// What is saved must be worth a second call.
const SHORT_SAVING_MIN: Duration = Duration::from_secs(5);

/// The limits of one call. Defaults are those of the design; a plan changes them, and a console file may have longer
/// ones for its own stretches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The modem's set-up, from taking the port to `OK` on its last line.
    pub setup: Duration,
    /// From the CR of the dial command to CONNECT or a failure. The modem's own S7 should not be shorter.
    pub dial: Duration,
    /// From CONNECT to a login prompt.
    pub prompt: Duration,
    /// From the login prompt to the command prompt.
    pub login: Duration,
    /// How long a call may wait at the login prompt until another one has proven the credential. It must stay below
    /// the far end's own login time-out (30 s on IOS, 60 s on many others).
    pub grant_wait: Duration,
    /// From the first logout command to its proof.
    pub logout: Duration,
    /// Of each console behind a console server: from its choice until the server has connected it.
    pub choose: Duration,
    /// From there until a prompt of that console.
    pub console: Duration,
    /// From the escape until the console server's prompt is back.
    pub leave: Duration,
    /// From the decision to hang up to the proof.
    pub hangup: Duration,
    /// From the CR of the dial command to the decision to hang up; each console behind a console server adds its own three
    /// limits to that.
    pub call: Duration,
    /// The network's time may be compressed, as on simulated banks and behind ptys: no figure of real modems (the least time that a
    /// number takes to be dialed, S7) is held against what comes.
    pub compressed: bool,
}

/// What set-up, hang-up and the port's own ways add to their limits, at most.
const ROOM_MARGIN: Duration = Duration::from_secs(7);

impl Default for Limits {
    fn default() -> Self {
        Self {
            setup: Duration::from_secs(15),
            dial: Duration::from_secs(90),
            prompt: Duration::from_secs(20),
            login: Duration::from_secs(45),
            grant_wait: Duration::from_secs(25),
            logout: Duration::from_secs(10),
            choose: Duration::from_secs(10),
            console: Duration::from_secs(20),
            leave: Duration::from_secs(10),
            hangup: Duration::from_secs(10),
            call: Duration::from_secs(240),
            compressed: false,
        }
    }
}

impl Limits {
    /// The limits of the round over the consoles behind a console server.
    pub fn round(&self) -> RoundLimits {
        RoundLimits { choose: self.choose, console: self.console, leave: self.leave }
    }

    /// From the CR of the dial command to the decision to hang up, with these consoles behind this one.
    pub fn call_with(&self, server: Option<&Dialog>, consoles: &[Behind]) -> Duration {
        self.call + server.map_or(Duration::ZERO, |server| self.round().all(server, consoles))
    }

    /// The longest that a call can take with these limits, from taking the port to proven on-hook: the set-up, which may have
    /// to be made twice, the call, the way out that begins as its limit comes, the hang-up. `server` is what answers, whose
    /// file may have longer limits, and `consoles` stand behind it.
    pub fn room(&self, server: Option<&Dialog>, consoles: &[Behind]) -> Duration {
        let logout = server.map_or(self.logout, |server| self.logout.max(server.logout_limit()));
        // The last console is left, and its connection ended.
        let leave = server.filter(|_| !consoles.is_empty()).map(|server| self.round().at(server).leave * 2);
        let out = leave.unwrap_or_default() + logout;
        self.setup * 2 + self.call_with(server, consoles) + out + self.hangup + ROOM_MARGIN
    }
}

/// A dial limit that was shortened by what is usual on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortDial {
    /// From the CR of the dial command; always shorter than the full limit.
    pub limit: Duration,
    /// The longest time that the line took to connect, ..
    pub longest: Duration,
    /// .. and on how many nights it was seen.
    pub nights: u32,
}

impl ShortDial {
    /// The limit for a first call to a line, if enough is known of it and it is worth it. It holds only as long as nobody
    /// has answered: what happens then takes the time that it takes.
    pub fn of(limits: &Limits, usual: &Usual) -> Option<Self> {
        let spread = usual.dialed_to_connect_ms.filter(|spread| spread.nights >= SHORT_NIGHTS_MIN)?;
        let longest = spread.most as f64 * SHORT_LONGEST_TIMES;
        let steady = spread.median as f64 + SHORT_DEVIATIONS * spread.deviation();
        let wanted = Duration::try_from_secs_f64((longest.max(steady) / 1000.0).ceil()).ok()? + SHORT_MARGIN;
        let limit = wanted.max(SHORT_LEAST);
        let full = limits.dial.min(limits.call);
        (limit + SHORT_SAVING_MIN <= full).then_some(Self {
            limit,
            longest: Duration::from_millis(u64::try_from(spread.most).ok()?),
            nights: spread.nights,
        })
    }

    /// Why a call ended so early, for its detail.
    pub fn why(&self) -> String {
        let longest_s = self.longest.as_secs_f64().ceil();
        format!("shortened: this line connects in {longest_s:.0} s ({} nights)", self.nights)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::usual::Spread;

    fn short(connect_ms: &[i64], dial_s: u64) -> Option<ShortDial> {
        let usual = Usual { dialed_to_connect_ms: Spread::of(connect_ms), ..Usual::default() };
        let limits = Limits { dial: Duration::from_secs(dial_s), ..Limits::default() };
        ShortDial::of(&limits, &usual)
    }

    #[test]
    fn a_line_that_always_connects_in_22_s_is_not_waited_for_90() {
        let short = short(&[21_300, 21_000, 22_000, 21_900, 20_800, 21_500], 90).unwrap();
        assert_eq!(short.limit, Duration::from_secs(43));
        assert_eq!(short.why(), "shortened: this line connects in 22 s (6 nights)");
    }

    #[test]
    fn too_few_nights_or_too_little_to_save_shortens_nothing() {
        assert_eq!(short(&[22_000; 4], 90), None);
        assert_eq!(short(&[], 90), None);
        assert_eq!(short(&[22_000; 5], 45), None);
        assert!(short(&[22_000; 5], 48).is_some());
        assert_eq!(short(&[70_000; 9], 90), None);
    }

    #[test]
    fn a_line_that_wavers_gets_more_time() {
        assert_eq!(short(&[4_000; 9], 90).unwrap().limit, SHORT_LEAST);
        let wavers = [20_000, 24_000, 20_000, 26_000, 22_000, 18_000, 25_000];
        assert_eq!(short(&wavers, 200).unwrap().limit, Duration::from_secs(62));
        assert_eq!(
            short(&[20_000, 20_000, 20_000, 20_000, 20_000, 60_000], 200).unwrap().limit.as_secs(),
            100
        );
    }

    proptest! {
        #[test]
        fn it_is_shorter_than_the_full_limit_and_longer_than_any_night(
            nights in proptest::collection::vec(0_i64..300_000, 0..20),
            dial_s in 1_u64..300,
        ) {
            if let Some(short) = short(&nights, dial_s) {
                prop_assert!(short.limit < Duration::from_secs(dial_s));
                prop_assert!(nights.len() >= SHORT_NIGHTS_MIN as usize);
                let longest = u128::try_from(*nights.iter().max().unwrap()).unwrap();
                prop_assert!(short.limit.as_millis() >= longest + SHORT_MARGIN.as_millis());
            }
        }
    }
}
