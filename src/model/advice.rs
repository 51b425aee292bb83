//! What may be behind a fault, the likeliest first, and what somebody who stands in the wiring closet does about it.
//!
//! [`Fault::advice`] is the one sentence that every report has; here is what follows when that sentence is not enough. The
//! order is that in which the causes are met and the ease with which they are ruled out: what takes a minute and no tool
//! comes before what takes a carrier.

use super::Fault;

/// A likely cause, and how it is found out or cured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What may be the matter.
    pub cause: &'static str,
    /// What to do.
    pub action: &'static str,
}

/// `cause => action`, as a table that lives for ever.
macro_rules! steps {
    ($($cause:literal => $action:literal),+ $(,)?) => { &[$(Step { cause: $cause, action: $action }),+] };
}

impl Fault {
    /// Likely causes, the likeliest first; never empty, and more than one wherever there is more than one thing to try.
    #[expect(
        clippy::too_many_lines,
        reason = "a table: one entry a fault, so that a new fault can't go without"
    )]
    pub const fn steps(self) -> &'static [Step] {
        match self {
            Self::PortOpenFailed => steps![
                "the adaptor is not plugged in, or has another name now" => "plug it in; `lineman modems` lists the ports that there are",
                "this user may not open it" => "put the user into the group of the port (`dialout`), and log in again",
                "the bank names a path that changed at a reboot" => "name it by `/dev/serial/by-path/`, which stays with the socket",
            ],
            Self::PortBusy => steps![
                "an audit or another call is using this modem now" => "wait for its end, or call from another one: `--modem` or `--port`",
                "a getty, ModemManager or minicom holds the port" => "stop it (`fuser -v PORT` tells which), and keep it off this port for good",
            ],
            Self::PortLost => steps![
                "the USB cable or its hub lost its hold" => "push in both ends, leave out the hub, and look at `dmesg`",
                "the adaptor or modem lost its power" => "use a hub with its own supply, or the modem's own",
                "the port server closed the connection" => "look at its log, and at the network to it",
            ],
            Self::ModemSilent => steps![
                "our modem is off, or hangs" => "switch it off, count to ten, switch it on",
                "the cable between port and modem is loose, or a null-modem one" => "push it in; a modem wants a straight cable",
                "the port runs at a speed that this modem does not take" => "try `--baud 9600`, or set `baud:` in the bank",
                "it is no modem's port" => "`lineman modems PORT` asks who is there",
            ],
            Self::ModemError => steps![
                "the profile is another modem's" => "leave `--profile` out, or write `profile: auto`: then it is asked who it is",
                "somebody left it in a mode that refuses commands" => "switch it off and on; then `lineman modems PORT`",
            ],
            Self::ModemRefused => steps![
                "its redial lock holds this number after failed calls" => "wait until it is over (the detail says how long, where the modem does), or power-cycle the modem",
                "its country setting forbids so many calls" => "call from another modem: `--modem` or `--port`",
            ],
            Self::QuarantinedBench => steps![
                "our modems failed where they must not" => "`lineman modems check` tests them one by one",
            ],
            Self::NoDialtone => steps![
                "our cable is in a dead jack, or in the modem's PHONE socket" => "put it into the socket LINE, and try another jack; a telephone there must have a tone",
                "the outside line wants a digit first" => "name it: `prefix: \"9,\"` in the bank, or `--prefix 9,`",
                "the jack is digital, or the tone is one that the modem does not know" => "use an analogue extension; `lineman modems check` listens again",
                "our line is dead" => "have our own carrier or exchange look at it",
            ],
            Self::LineInUse => steps![
                "a telephone, alarm dialer or second modem on our line is off-hook" => "find it and hang it up; one modem wants one line",
            ],
            Self::Glare => steps![
                "somebody called our line while we dialed" => "call again; give the modem a line whose number nobody has",
            ],
            Self::Reorder => steps![
                "the exchange or PBX on the way has no free line, or does not let us call there" => "dial it from a telephone on the same jack: fast busy there too means the PBX or carrier, so call them",
                "the number or its prefix is dialed wrongly from here" => "compare the dial string above with what a telephone here must dial (`prefix:`, `area_code:`)",
                "the far number is not in service" => "ask the branch for its bill, and the carrier for the state of the line",
            ],
            Self::NoRing => steps![
                "an announcement answered, or the number is out of service" => "dial it from a telephone and listen",
                "the call is carried over a path that passes no ringing, or very late" => "allow more time (`limits: { dial: 120s }`), and call again",
                "the carrier lost the line" => "report it with the time of this call",
            ],
            Self::Busy => steps![
                "the far modem hangs off-hook after a call that never ended" => "have somebody there switch it off and on; then call again",
                "somebody is on that line now" => "call again in some minutes; ask who shares it (fax, alarm, telephone)",
                "a telephone on that line was put down badly" => "have every set on it looked at",
                "a short or a wet cable holds the line" => "unplug everything at the far jack: if it is still busy, call the carrier",
            ],
            Self::NoAnswer => steps![
                "the far modem is off, or unplugged from the wall" => "have its lamps looked at: power, and the cable in the socket LINE",
                "it is not set to answer" => "its S0 must be 1 or more (`ATS0=1&W`), its DTR up: the router's or server's port must be configured",
                "it rings elsewhere: wrong jack, or the number was moved" => "put a telephone on the modem's jack and call the number",
                "it answers after more rings than we wait for" => "lower S0 there, or allow more time (`limits: { dial: 120s }`)",
            ],
            Self::Voice => steps![
                "the number was given to somebody else, or is written wrongly" => "compare it with the carrier's bill; do not call again before it is confirmed (`--number-confirmed`)",
                "a telephone on the same line was quicker than the modem" => "leave the modem alone on its line",
                "voicemail or an answering machine took the call" => "have it taken off this line",
            ],
            Self::Fax => steps![
                "the jack was taken for a fax" => "find the fax, and give the jack back to the modem",
                "the number is that of the branch's fax" => "correct the plan",
                "a multifunction printer shares the line and answers first" => "set it to answer after more rings than the modem, or take it off",
            ],
            Self::NoCarrier => steps![
                "the far modem hangs: it answers and does not train" => "have somebody there switch it off and on",
                "noise or a bad splice on the line" => "listen on a telephone there for hum and crackle; have the line measured",
                "the line goes over VoIP with compression, where modems do not train" => "ask the carrier for G.711 with echo cancelling off, or force a slow speed (V.22bis) at both ends",
                "something without a modem answered: a person who said nothing, an alarm panel" => "dial it from a telephone and listen",
            ],
            Self::CarrierLost => steps![
                "the far side hung up: an exec-timeout, a login that gave up, or a reload" => "look at the device's log at the time of the call",
                "noise broke the link, or call waiting beeped into it" => "have call waiting taken off the line; have the line measured",
                "power or cable of the far modem" => "have both looked at",
            ],
            Self::NoConnect => steps![
                "it does not ring, nobody answers, or nothing trains there: this modem can't tell which" => "dial it from a telephone and listen, or call from a modem that tells more (`hardware/README.md`)",
                "the far modem hangs" => "have somebody there switch it off and on",
                "the number is wrong or out of service" => "compare it with the carrier's bill",
            ],
            Self::ConsoleSilent => steps![
                "the cable between far modem and console is out, or is the wrong one" => "push it in; a Cisco AUX port wants a rolled cable and a modem adaptor",
                "the device is off, or hangs" => "look at its lamps; a laptop on the same port must get a prompt",
                "the port runs no login" => "on the AUX line: no `no exec`, `transport input all`, `modem InOut`",
                "the port's speed is another than the modem's" => "set both to the same, usually 9600 8N1",
            ],
            Self::Garbage => steps![
                "console port and far modem run at different speeds" => "set both to the same (9600 8N1), and lock the modem's port speed (`&B1`)",
                "parity or data bits differ" => "set the port to 8 bits, no parity",
                "noise without error control" => "set the far modem to V.42; have the line measured",
            ],
            Self::LoginTimeout => steps![
                "the authentication server can't be reached from there, and the console waits for it" => "give the AUX line a local fallback: out-of-band is for when the network is down",
                "the console is not what the plan says, so that its prompt was not known" => "call with `--watch` and compare; then `console:` in the plan",
                "the device is too busy to answer" => "call again; look at its load",
            ],
            Self::BootPrompt => steps![
                "the device has lost its image or its configuration, and waits at its boot loader" => "it is down: boot it from there (`boot`), or have it replaced",
                "somebody pressed Break on its console" => "`boot` or `continue` starts it",
            ],
            Self::ConsoleBusy => steps![
                "somebody is on that console now" => "ask who, and call again",
                "a session was left there" => "clear the line (`clear line aux 0`), and set an exec-timeout",
            ],
            Self::LoginUnavailable => steps![
                "no password is set on that line, so that it lets nobody in" => "`login local` or a password on the AUX line",
                "/etc/nologin, or a login class without access" => "take it away",
                "its authentication service is down and it has no fallback" => "give it a local one",
            ],
            Self::WrongConsole => steps![
                "the cables of two lines or two routers are crossed" => "compare what answered with what hangs on that jack",
                "the device was replaced or renamed" => "correct `hostname:` in the plan",
                "the number is another branch's" => "compare both with the carrier's bills",
            ],
            Self::OpenConsole => steps![
                "a session was left logged in" => "end it there, and set an `exec-timeout`; find out what was typed",
                "the line asks for no login at all" => "configure `login`: whoever knows this number is in",
            ],
            Self::LoginRefused => steps![
                "the account is not there, or has another password" => "log in at its local console and look; do not try again and again, it may lock",
                "it asks an authentication server that does not know the account" => "have the account made, or a local fallback",
            ],
            Self::PasswordExpired => steps![
                "the password has run out there" => "change it at the device, then give lineman the new one",
            ],
            Self::CredentialUnproven => steps![
                "nothing says how to log in there" => "`credential:` at the line; with a number `--credential NAME` or `--username USER`",
                "this password was refused before, and is not sent again" => "correct it; your word that it may be tried is `--forget-refusal NAME`",
                "another call was to prove it first, and did not come to that" => "call the line on which it worked last",
            ],
            Self::LogoutUnproven => steps![
                "the console went on after the logout" => "look there whether a session is open; set an `exec-timeout`",
                "the dialog's logout is not this device's" => "call with `--watch`; correct `hardware/consoles/`",
            ],
            Self::SlowConnect => steps![
                "noise or loss on the line" => "listen on a telephone there; have the line measured end to end",
                "one of the modems is set to a low speed" => "look at its `&N` or `+MS`",
                "the call goes over VoIP or a radio link" => "ask the carrier; slow and steady may be all that it has",
            ],
            Self::SlowTrain => steps![
                "a noisy line, on which the modems try again and again" => "have it measured before it dies",
                "the far modem begins with modulations that this one has not" => "set both to the fastest that they share (`+MS`)",
            ],
            Self::NoErrorControl => steps![
                "the far modem has error control switched off" => "set it to V.42 (`&M4` or `\\N3`)",
                "noise kept the two from agreeing on it" => "have the line measured",
            ],
            Self::Retrains => steps![
                "noise bursts, or call waiting" => "have call waiting taken off; have the line measured",
                "the call goes over VoIP, and packets are lost" => "ask the carrier for a path without compression",
            ],
            Self::Noisy => steps![
                "a wet splice, a corroded jack, a long drop" => "listen for crackle on a telephone; try another jack there",
                "something else hangs on the line" => "leave the modem alone on it",
            ],
            Self::NeededRetry => steps![
                "somebody was on the line at the first try, or the network dropped it" => "`--repeat 10` shows how often",
                "the far modem answers only sometimes" => "have it switched off and on; then repeat",
            ],
            Self::OutOfWindow => steps![
                "the plan does not let this site be called now" => "wait until it opens, or call all the same: `--any-time`",
            ],
            Self::PastDeadline => steps![
                "the deadline came first" => "call again",
            ],
            Self::OverBudget => steps![
                "what the plan lets calls take or cost is used up" => "raise `budget:`",
                "redial rules allow this number no more calls now" => "wait; the detail says which rule",
            ],
            Self::Screened => steps![
                "the number, as it would be dialed from here, is an emergency, premium-rate or short one" => "compare it with the carrier's bill, and correct the plan; there is no switch that lets it be dialed",
                "the prefix makes another number of it" => "look at `prefix:` and the area code of the bank",
            ],
            Self::OnHold => steps![
                "the plan says that the line is dead" => "call it all the same: `--on-hold`; take `on_hold:` out once it passes",
                "a person answered there" => "confirm the number first, then `--number-confirmed`",
            ],
            Self::Skipped => steps![
                "it was left out by choice" => "name it",
            ],
            Self::Cancelled => steps![
                "the call was stopped" => "call again",
            ],
            Self::Internal => steps![
                "a defect of lineman itself" => "please report it, with events.jsonl",
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_steps_that_can_be_read_in_a_closet() {
        for fault in Fault::ALL {
            let steps = fault.steps();
            assert!(!steps.is_empty(), "{fault}");
            for (index, step) in steps.iter().enumerate() {
                for text in [step.cause, step.action] {
                    assert!(!text.is_empty() && text.len() <= 160, "{fault}: {text}");
                    assert!(!text.ends_with('.') && text.chars().all(|c| !c.is_control()), "{fault}: {text}");
                }
                assert!(steps[..index].iter().all(|earlier| earlier.cause != step.cause), "{fault}");
            }
        }
    }

    #[test]
    fn what_the_issue_names_stands_first() {
        assert!(Fault::NoDialtone.steps()[0].action.contains("another jack"));
        assert!(Fault::Busy.steps()[0].cause.contains("off-hook"));
    }

    #[test]
    fn who_gave_no_password_is_not_told_first_that_it_was_refused() {
        assert!(Fault::CredentialUnproven.steps()[0].action.contains("--username"));
    }
}
