//! What holds whatever a far end sends, and whenever.

use proptest::prelude::*;

use super::*;

/// What may happen at the far end, or to the call.
#[derive(Debug, Clone)]
enum Happens {
    Says(Vec<u8>),
    Rests(u64),
    Lost,
    Cancelled,
    Granted,
    Denied,
}

/// Things that consoles say, so that random talks get somewhere.
const WORDS: [&str; 48] = [
    "\r\n",
    "\r",
    "Username: ",
    "login: ",
    "br0001 login: ",
    "br0002 login: ",
    "br0001!login: ",
    "Password: ",
    "\r\nPassword: ",
    "oob\r\n",
    PASSWORD,
    "br0001>",
    "br0001# ",
    "br0002#",
    "br0001(config)#",
    "oob@br0001:~$ ",
    "\r\n$ ",
    "\r\n# ",
    "% Login invalid\r\n",
    "Login incorrect\r\n",
    "Current password: ",
    "You are required to change your password immediately\r\n",
    "Password required, but none set\r\n",
    "% Authentication server 10.0.0.1 is not responding\r\n",
    "In Use\r\n",
    "rommon 1 >",
    "Press RETURN to get started.\r\n",
    " --More-- ",
    "Do you want to log out (y/n)? ",
    "Would you like to enter the initial configuration dialog? [yes/no]: ",
    "*Mar  1 00:00:00.000: %SYS-5-CONFIG_I: x\r\n",
    "[12345.678901] kernel: x\r\n",
    "Debian GNU/Linux 12 br0001 pts/3\r\n",
    "Last login: Sat Nov 21\r\n",
    "\x1b[?2004h\x1b]0;title",
    "\x08\x08\x08",
    "Enter Selection: ",
    "Connect to port > ",
    "Select access or quit [admin] : ",
    " Type 'q' to quit, a valid option [1-8], or anything else to refresh : ",
    "9 Save and exit            Your choice ? ",
    "To select menu item, press item number, or highlight item and press <Enter>.",
    "Do you want to save current configuration [y/n/^C]? ",
    "Press any key to continue",
    "-- MORE --, next page: Space, next line: Enter, quit: Control-C",
    "--:- / cli-> ",
    "\x1b[24;1H",
    "\x1b[2J\x1b[1;1Hbr0001    1-Jan-1990   0:05:41\x1b[2;1H",
];

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        12 => proptest::sample::select(&WORDS[..]).prop_map(|word| Happens::Says(word.as_bytes().to_vec())),
        2 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(Happens::Says),
        8 => prop_oneof![0..100_u64, 0..1500_u64, 0..8000_u64].prop_map(Happens::Rests),
        4 => Just(Happens::Granted),
        1 => prop_oneof![Just(Happens::Lost), Just(Happens::Cancelled), Just(Happens::Denied)],
    ]
}

/// Random talks, half of them after a beginning that goes as it should: without it few would get past the password.
fn talks() -> impl Strategy<Value = Vec<Happens>> {
    let turn = |words: &'static [&'static str]| {
        proptest::sample::select(words)
            .prop_map(|word| vec![Happens::Says(word.as_bytes().to_vec()), Happens::Rests(1200)])
    };
    let user = turn(&["login: ", "Username: ", "br0001 login: "]);
    let password = turn(&["oob\r\nPassword: ", "Password: "]);
    let command = turn(&["\r\nbr0001>", "\r\noob@br0001:~$ ", "\r\n$ ", "\r\nbr0002#"]);
    let beginning = (user, password, command, 0..=3_usize).prop_map(|(user, password, command, len)| {
        let turns = [[user, vec![Happens::Granted, Happens::Rests(10)]].concat(), password, command];
        turns.into_iter().take(len).flatten().collect::<Vec<_>>()
    });
    let rest = proptest::collection::vec(happens(), 0..40);
    (prop_oneof![Just(Vec::new()), beginning], rest).prop_map(|(beginning, rest)| [beginning, rest].concat())
}

/// Everything that a session said, with the time at which it said it.
struct Told {
    outputs: Vec<(Mono, Output)>,
    ended: Mono,
}

const LIMITS: SessionLimits = SessionLimits {
    prompt: Duration::from_secs(20),
    login: Duration::from_secs(45),
    logout: Duration::from_secs(10),
    wait_grant: Duration::from_secs(60),
    round: RoundLimits {
        choose: Duration::from_secs(10),
        console: Duration::from_secs(20),
        leave: Duration::from_secs(10),
    },
    bytes_max: 300,
};

/// Plays a talk to its end. With `cuts`, what is said comes in pieces, with no time between them.
fn play(dialog: &Arc<Dialog>, events: &[Happens], cuts: Option<&[usize]>) -> Told {
    let expect = Expect { hostname: Some("br0001".parse().unwrap()) };
    let mut now = Mono::from_millis(500);
    let mut session = Session::new(Arc::clone(dialog), expect, LIMITS, now);
    let mut outputs = Vec::new();
    let mut is_done = false;
    let mut input = |session: &mut Session, now: Mono, input: Input<'_>| {
        session.handle(now, input);
        while let Some(output) = session.poll() {
            assert!(!is_done, "{output:?} after the end");
            is_done = matches!(output, Output::Done(_));
            outputs.push((now, output));
        }
        is_done
    };
    let rests = |session: &mut Session,
                 now: &mut Mono,
                 ms: u64,
                 input: &mut dyn FnMut(&mut Session, Mono, Input<'_>) -> bool| {
        let end = *now + Duration::from_millis(ms);
        for _ in 0..2000 {
            let due = session.deadline();
            if due > end {
                *now = end;
                return false;
            }
            *now = (*now).max(due);
            if input(session, *now, Input::Time) {
                return true;
            }
        }
        panic!("timers without end");
    };
    let mut cuts = cuts.unwrap_or_default().iter().cycle();
    let mut over = false;
    for event in events {
        over = match event {
            Happens::Says(bytes) => {
                let mut rest = bytes.as_slice();
                for &cut in cuts.by_ref() {
                    if rest.is_empty() {
                        break;
                    }
                    let (piece, after) = rest.split_at(cut.min(rest.len()));
                    over = over || input(&mut session, now, Input::Bytes(piece));
                    over = over || input(&mut session, now, Input::Time);
                    rest = after;
                }
                over || input(&mut session, now, Input::Bytes(rest))
            }
            Happens::Rests(ms) => rests(&mut session, &mut now, *ms, &mut input),
            Happens::Lost => input(&mut session, now, Input::CarrierLost),
            Happens::Cancelled => input(&mut session, now, Input::Cancel),
            Happens::Granted => input(&mut session, now, Input::Granted(credential())),
            Happens::Denied => input(&mut session, now, Input::Denied("stopped".into())),
        };
        if over {
            break;
        }
    }
    assert!(over || rests(&mut session, &mut now, 200_000, &mut input), "it did not end");
    session.handle(now + Duration::from_secs(999), Input::Bytes(b"Password: "));
    assert_eq!(session.poll(), None, "it goes on after its end");
    Told { outputs, ended: now }
}

/// The rules that no far end can break.
fn check(dialog: &Dialog, told: &Told) {
    let (mut returns, mut usernames, mut passwords, mut outcomes) = (0, 0, 0, 0);
    let mut announced = false;
    let mut moments: Vec<(Moment, Mono)> = Vec::new();
    for (at, output) in &told.outputs {
        match output {
            Output::Send(bytes) => {
                let text = std::str::from_utf8(bytes).unwrap();
                if text == format!("{PASSWORD}\r") {
                    assert!(announced, "the password went out unannounced");
                    passwords += 1;
                } else if text == "oob\r" {
                    usernames += 1;
                } else if text == "\r" {
                    returns += 1;
                } else {
                    assert!(
                        dialog.allows(text.strip_suffix('\r').unwrap_or(text)),
                        "{text:?} is not allowed"
                    );
                }
            }
            Output::PasswordSent => announced = true,
            Output::CredentialOutcome(_) => outcomes += 1,
            Output::Moment(moment, when) => {
                assert!(when <= at, "{moment:?} lies in the future");
                if let Some((before, then)) = moments.last() {
                    assert!(before < moment && then <= when, "{moment:?} after {before:?}");
                }
                moments.push((*moment, *when));
            }
            Output::Done(finding) => {
                let named = |name: Moment| moments.iter().any(|(moment, _)| *moment == name);
                let shown = format!("{finding:?}");
                assert!((passwords == 0 || !shown.contains(PASSWORD)) && !finding.detail.contains('\n'));
                assert_eq!(finding.logout_proven, named(Moment::LoggedOut));
                if finding.fault.is_none() {
                    assert!(named(Moment::Verified) && finding.logout_proven && passwords + usernames > 0);
                }
                if finding.fault != Some(Fault::WrongConsole) && named(Moment::LoggedIn) {
                    assert!(named(Moment::Verified), "{finding:?}");
                }
            }
            Output::AskCredential => {}
            Output::HandedOver { .. } | Output::Soon(..) | Output::TakenBack(..) => {
                panic!("{output:?}, and nobody wants it");
            }
        }
    }
    assert!(passwords <= 1 && usernames <= USERNAMES_MAX);
    assert!(returns <= dialog.wake_times + REFRESHES_MAX + ANSWERS_MAX, "{returns} CRs");
    assert_eq!(outcomes, passwords, "one outcome for one password");
    assert!(matches!(told.outputs.last(), Some((_, Output::Done(_)))));
    let limit = LIMITS.prompt * 2 + LIMITS.wait_grant + LIMITS.login + LIMITS.logout;
    assert!(told.ended.since(Mono::from_millis(500)) <= limit, "it took until {:?}", told.ended);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn no_far_end_gets_more_than_it_may_and_every_call_ends(
        which in any::<prop::sample::Index>(),
        events in talks(),
        cuts in proptest::collection::vec(1..9_usize, 1..20),
    ) {
        let dialog = Arc::clone(which.get(dialogs()));
        let whole = play(&dialog, &events, None);
        check(&dialog, &whole);
        let pieces = play(&dialog, &events, Some(&cuts));
        prop_assert_eq!(whole.outputs, pieces.outputs, "the pieces of a stream changed what was made of it");
    }
}
