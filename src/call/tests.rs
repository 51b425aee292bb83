//! One call at a time, over an in-memory port, under paused time, against a modem and console played line by line.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::machine::Cancel;
use super::shell::{CallOver, Grant, Notice, run};
use super::{CallSpec, Limits};
use crate::console::{Credential, Dialog, DialogFile};
use crate::model::event::Hangup;
use crate::model::{CredentialName, DialString, Fault, Line, Moment, PhaseTimes};
use crate::modem::clock::Clock;
use crate::modem::port::memory::{EndEvent, MemoryEnd, pair};
use crate::modem::profile::Profile;

/// What the far side does, in order.
enum Play {
    /// Waits until these bytes came from us.
    Hear(&'static str),
    /// Says these.
    Say(&'static str),
    /// Lets time pass, ms.
    Wait(u64),
    /// Is gone.
    Vanish,
}

fn spec(dialog: Option<Arc<Dialog>>) -> CallSpec {
    CallSpec {
        call: "BR1.1".parse().unwrap(),
        line: Line {
            id: "BR1".parse().unwrap(),
            site: "BR1".parse().unwrap(),
            number: "+19195550101".parse().unwrap(),
            hostname: Some("br1-rtr1".parse().unwrap()),
            facets: crate::model::Facets::default(),
        },
        attempt: 1,
        modem: "m00".parse().unwrap(),
        dial: DialString::new("9,", "5550101").unwrap(),
        via: None,
        credential: dialog.as_ref().map(|_| "oob".parse::<CredentialName>().unwrap()),
        dialog,
        consoles: Vec::new(),
        port_bps: Some(115_200),
        limits: Limits::default(),
        short_dial: None,
        quality: crate::call::Quality::default(),
        price: crate::model::Price::unknown(crate::model::NumberClass::National),
        ring_cadence: Duration::from_secs(6),
        tap: None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as a spec takes it")]
fn ios() -> Option<Arc<Dialog>> {
    let text = include_str!("../../hardware/consoles/cisco-ios.yaml");
    let file: DialogFile = serde_yaml::from_str(text).unwrap();
    Some(Arc::new(file.compile().unwrap()))
}

async fn play(end: MemoryEnd, script: Vec<Play>) -> MemoryEnd {
    let mut heard = String::new();
    for act in script {
        match act {
            Play::Hear(wanted) => {
                while !heard.contains(wanted) {
                    match end.recv().await {
                        Some(EndEvent::Bytes(bytes, ..)) => heard.push_str(&String::from_utf8_lossy(&bytes)),
                        Some(_) => {}
                        None => panic!("closed before {wanted:?}; heard {heard:?}"),
                    }
                }
                let after = heard.find(wanted).map_or(0, |at| at + wanted.len());
                heard.drain(..after);
            }
            Play::Say(text) => {
                end.send(text.as_bytes()).await;
            }
            Play::Wait(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Play::Vanish => end.vanish(),
        }
    }
    end
}

async fn call(
    spec: CallSpec,
    profile: &str,
    script: Vec<Play>,
    cancel_after_ms: Option<(u64, Cancel)>,
) -> (CallOver, Vec<String>) {
    let clock = Clock::start();
    let (mut port, end) = pair(clock);
    let profile: Arc<Profile> = Arc::new(serde_yaml::from_str(profile).unwrap());
    let (notices, mut notices_in) = mpsc::channel(64);
    let (cancel, cancel_in) = watch::channel(None);
    let told = tokio::spawn(async move {
        let mut told = Vec::new();
        while let Some((_, notice)) = notices_in.recv().await {
            match notice {
                Notice::Moment(..) => {}
                Notice::Ask(reply) => {
                    let credential = Credential::new("oob", "s3cret".to_owned().into()).unwrap();
                    reply.send(Grant::Granted(credential)).unwrap();
                }
                other => told.push(format!("{other:?}")),
            }
        }
        told
    });
    let player = tokio::spawn(play(end, script));
    if let Some((ms, how)) = cancel_after_ms {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            cancel.send_replace(Some(how));
            std::future::pending::<()>().await;
        });
    }
    let over = run(spec, profile, false, &mut port, clock, notices, cancel_in).await;
    player.abort();
    (over, told.await.unwrap())
}

use Play::{Hear, Say, Vanish, Wait};

const GENERIC: &str = "{ profile: generic }";
const COURIER: &str = "{ profile: courier, marks: { ringing: true } }";

#[tokio::test(start_paused = true)]
async fn a_call_that_passes_has_every_instant_that_was_seen_and_no_other() {
    let script = vec![
        Hear("AT\r"),
        Say("\r\nOK\r\n"),
        Hear("ATDT9,5550101\r"),
        Wait(3000),
        Say("\r\nRINGING\r\n"),
        Wait(6000),
        Say("\r\nRINGING\r\n"),
        Wait(9000),
        Say("\r\nCONNECT 33600/ARQ/V34/LAPM/V42BIS\r\n"),
        Wait(500),
        Say("\r\n\r\nUser Access Verification\r\n\r\nUsername: "),
        Hear("oob\r"),
        Say("oob\r\nPassword: "),
        Hear("s3cret\r"),
        Wait(200),
        Say("\r\n\r\nbr1-rtr1>"),
        Hear("\r"),
        Say("exit\r\n\r\nNO CARRIER\r\n"),
        Hear("AT\r"),
        Say("\r\nOK\r\n"),
    ];
    let (over, told) = call(spec(ios()), COURIER, script, None).await;
    let record = &over.record;
    assert_eq!((record.fault, record.detail.as_str()), (None, ""), "{record:?}");
    assert_eq!(record.hangup, Hangup::Proven);
    assert_eq!(record.rings, Some(2));
    assert_eq!(record.link.modulation.as_deref(), Some("V.34"));
    assert_eq!(record.hostname.as_deref(), Some("br1-rtr1"));
    assert_eq!(told, ["PasswordSent", "Credential(Accepted)"]);
    let times = PhaseTimes::of(&record.timeline);
    assert_eq!(times.post_dial_ms, Some(3000));
    assert_eq!(times.dialed_to_connect_ms, Some(18_000));
    assert_eq!((times.ring_ms, times.split_error_ms), (Some(9000), Some(3000)));
    assert_eq!(times.train_connect_ms, Some(6000));
    assert_eq!((times.train_ms, times.dial_ms), (None, None));
    for moment in [Moment::Prompted, Moment::LoggedIn, Moment::Verified, Moment::LoggedOut, Moment::OnHook] {
        assert!(record.timeline.get(moment).is_some(), "{moment:?}");
    }
    assert_eq!(record.dialed, "9,5550101");
    assert!(!format!("{over:?}").contains("s3cret"));
}

#[tokio::test(start_paused = true)]
async fn a_leftover_of_the_last_call_is_not_this_ones_result() {
    let script = vec![
        Say("\r\nNO CARRIER\r\n"),
        Hear("AT\r"),
        Say("\r\nRING\r\n\r\nOK\r\n"),
        Hear("ATDT"),
        Wait(4000),
        Say("\r\nBUSY\r\n"),
        Hear("AT\r"),
        Say("\r\nOK\r\n"),
    ];
    let (over, _) = call(spec(None), GENERIC, script, None).await;
    assert_eq!((over.record.fault, over.record.hangup), (Some(Fault::Busy), Hangup::Proven));
}

#[tokio::test(start_paused = true)]
async fn without_a_console_the_call_ends_at_connect_and_is_hung_up() {
    let script = vec![
        Hear("AT\r"),
        Say("\r\nOK\r\n"),
        Hear("ATDT"),
        Wait(20_000),
        Say("\r\nCONNECT\r\n"),
        Hear("+++"),
        Say("\r\nOK\r\n"),
        Hear("ATH"),
        Say("\r\nOK\r\n"),
        Hear("AT\r"),
        Say("\r\nOK\r\n"),
    ];
    let profile = "{ profile: generic, hangup: [escape] }";
    let (over, _) = call(spec(None), profile, script, None).await;
    assert_eq!((over.record.fault, over.record.hangup), (None, Hangup::Proven), "{}", over.hangup_detail);
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_says_nothing_after_dialing_is_stopped_at_the_limit() {
    let script = vec![
        Hear("AT\r"),
        Say("\r\nOK\r\n"),
        Hear("ATDT"),
        Hear("\r\r"),
        Say("\r\nNO CARRIER\r\n"),
        Hear("AT\r"),
        Say("\r\nOK\r\n"),
    ];
    let (over, _) = call(spec(None), GENERIC, script, None).await;
    assert_eq!(over.record.fault, Some(Fault::NoConnect));
    assert_eq!(over.record.hangup, Hangup::Proven, "{}", over.hangup_detail);
    assert!(over.record.detail.contains("no result within 90 s"), "{}", over.record.detail);
}

#[tokio::test(start_paused = true)]
async fn a_port_that_vanishes_is_the_benchs_fault_and_a_sent_password_counts_as_refused() {
    let script = vec![
        Hear("AT\r"),
        Say("\r\nOK\r\n"),
        Hear("ATDT"),
        Wait(5000),
        Say("\r\nCONNECT 9600\r\n\r\nUsername: "),
        Hear("oob\r"),
        Say("oob\r\nPassword: "),
        Hear("s3cret\r"),
        Vanish,
        Wait(1_000_000),
    ];
    let (over, told) = call(spec(ios()), GENERIC, script, None).await;
    assert_eq!(over.record.fault, Some(Fault::PortLost), "{:?}", over.record);
    assert!(over.port_lost);
    assert_eq!(told, ["PasswordSent", "Credential(Refused)"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_dial_is_aborted_and_hung_up() {
    let script = vec![
        Hear("AT\r"),
        Say("\r\nOK\r\n"),
        Hear("ATDT9,5550101\r"),
        Hear("\r"),
        Say("\r\nNO CARRIER\r\n"),
        Hear("AT\r"),
        Say("\r\nOK\r\n"),
    ];
    let (over, _) = call(spec(None), GENERIC, script, Some((9000, Cancel::LogOut))).await;
    assert_eq!((over.record.fault, over.record.hangup), (Some(Fault::Cancelled), Hangup::Proven));
}

/// Up to the command prompt, one second after CONNECT.
fn logged_in() -> Vec<Play> {
    vec![
        Hear("AT\r"),
        Say("\r\nOK\r\n"),
        Hear("ATDT"),
        Wait(5000),
        Say("\r\nCONNECT 9600\r\n\r\nUsername: "),
        Hear("oob\r"),
        Say("oob\r\nPassword: "),
        Hear("s3cret\r"),
        Wait(1000),
        Say("\r\nbr1-rtr1>"),
        Hear("exit\r"),
    ]
}

fn hung_up() -> Vec<Play> {
    vec![Hear("+++"), Say("\r\nOK\r\n"), Hear("ATH"), Say("\r\nOK\r\n"), Hear("AT\r"), Say("\r\nOK\r\n")]
}

const ESCAPES: &str = "{ profile: generic, hangup: [escape] }";

/// The logout has a limit of its own: the call's does not make a blemish of one that goes on.
#[tokio::test(start_paused = true)]
async fn the_calls_limit_does_not_cut_off_a_logout() {
    let mut spec = spec(ios());
    spec.limits.call = Duration::from_secs(7);
    let mut script = logged_in();
    script.extend([Wait(4000), Say("\r\n\r\nUser Access Verification\r\n\r\nUsername: ")]);
    script.extend(hung_up());
    let (over, told) = call(spec, ESCAPES, script, None).await;
    let record = &over.record;
    assert_eq!(record.fault, None, "{record:?}");
    assert_eq!(told, ["PasswordSent", "Credential(Accepted)"]);
    assert_eq!(record.hangup, Hangup::Proven, "{}", over.hangup_detail);
}

#[tokio::test(start_paused = true)]
async fn a_logout_without_an_answer_ends_by_its_own_limit_and_leaves_the_login_what_it_was() {
    let mut spec = spec(ios());
    spec.limits.call = Duration::from_secs(7);
    let script = logged_in().into_iter().chain(hung_up()).collect();
    let (over, told) = call(spec, ESCAPES, script, None).await;
    let record = &over.record;
    assert_eq!(record.fault, Some(Fault::LogoutUnproven), "{record:?}");
    assert_eq!(told, ["PasswordSent", "Credential(Accepted)"]);
    assert_eq!(record.hangup, Hangup::Proven, "{}", over.hangup_detail);
    assert!(record.hostname.is_some() && record.transcript.is_some());
}

#[tokio::test(start_paused = true)]
async fn the_calls_limit_while_the_password_is_on_its_way_tells_what_became_of_it() {
    let mut spec = spec(ios());
    spec.limits.call = Duration::from_secs(10);
    let mut script: Vec<Play> = logged_in();
    script.truncate(8);
    script.extend(hung_up());
    let (over, told) = call(spec, ESCAPES, script, None).await;
    assert_eq!(over.record.fault, Some(Fault::LoginTimeout), "{:?}", over.record);
    assert_eq!(told, ["PasswordSent", "Credential(Refused)"]);
    assert!(over.record.transcript.is_some_and(|text| text.contains("Password:")));
}

#[tokio::test(start_paused = true)]
async fn a_garbled_echo_of_the_dial_command_tells_no_access_code() {
    let mut spec = spec(None);
    spec.dial = DialString::new("9,471199W", "5550101").unwrap();
    let script = vec![
        Hear("AT\r"),
        Say("\r\nOK\r\n"),
        Hear("ATDT"),
        // The modem lost a digit of the number: no line that holds it.
        Say("ATDT9,471199W550101\r"),
        Wait(5000),
        Say("\r\nBUSY\r\n"),
        Hear("AT\r"),
        Say("\r\nOK\r\n"),
    ];
    let (over, _) = call(spec, GENERIC, script, None).await;
    assert_eq!(over.record.unknown, ["ATDT9,xxxxW550101"], "{:?}", over.record);
}
