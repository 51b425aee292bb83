use std::ops::RangeInclusive;

use super::*;
use crate::console::DialogFile;

mod behind;
mod behind_property;
mod consoles;
mod handed;
mod logins;
mod property;
mod traps;

const PASSWORD: &str = "s3cret-w0rd";

/// Every dialog that is shipped; compiled once.
pub(super) fn dialogs() -> &'static [Arc<Dialog>] {
    use std::sync::LazyLock;
    static ALL: LazyLock<Vec<Arc<Dialog>>> = LazyLock::new(|| {
        let files = std::fs::read_dir("hardware/consoles").unwrap();
        let mut paths: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let compiled = paths.iter().map(|path| {
            let file: DialogFile = serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
            Arc::new(file.compile().unwrap_or_else(|wrong| panic!("{}: {wrong:?}", path.display())))
        });
        compiled.collect()
    });
    &ALL
}

fn dialog(name: &str) -> Arc<Dialog> {
    let found = dialogs().iter().find(|dialog| dialog.name() == name);
    Arc::clone(found.expect("there is such a dialog"))
}

fn credential() -> Credential {
    Credential::new("oob", PASSWORD.into()).unwrap()
}

/// A call seen from the far end: what it says, how long it rests, what it got.
struct Talk {
    session: Session,
    now: Mono,
    grants: bool,
    sent: String,
    moments: Vec<(Moment, Mono)>,
    outcome: Option<Outcome>,
    asked: bool,
    passwords: u32,
    finding: Option<Finding>,
    handed: Option<(Stand, Option<String>, String)>,
    back: Option<Back>,
}

impl Talk {
    fn new(name: &str, expected: Option<&str>) -> Self {
        Self::with(dialog(name), expected, SessionLimits::default())
    }

    fn with(dialog: Arc<Dialog>, expected: Option<&str>, limits: SessionLimits) -> Self {
        let expect = Expect { hostname: expected.map(|name| name.parse().unwrap()) };
        let now = Mono::from_millis(1000);
        Self {
            session: Session::new(dialog, expect, limits, now),
            now,
            grants: true,
            sent: String::new(),
            moments: Vec::new(),
            outcome: None,
            asked: false,
            passwords: 0,
            finding: None,
            handed: None,
            back: None,
        }
    }

    fn input(&mut self, input: Input<'_>) {
        self.session.handle(self.now, input);
        while let Some(output) = self.session.poll() {
            assert!(self.finding.is_none(), "{output:?} after the end");
            match output {
                Output::Send(bytes) => self.sent.push_str(std::str::from_utf8(&bytes).unwrap()),
                Output::AskCredential => {
                    self.asked = true;
                    if self.grants {
                        self.session.handle(self.now, Input::Granted(credential()));
                    }
                }
                Output::PasswordSent => self.passwords += 1,
                Output::Moment(moment, at) => self.moments.push((moment, at)),
                Output::CredentialOutcome(outcome) => {
                    assert!(self.outcome.is_none() && self.passwords == 1);
                    self.outcome = Some(outcome);
                }
                Output::HandedOver { stand, host, prompt, .. } => self.handed = Some((stand, host, prompt)),
                Output::Soon(..) => {}
                Output::TakenBack(why, _) => self.back = Some(why),
                Output::Done(finding) => self.finding = Some(*finding),
            }
        }
    }

    /// The far end says this.
    fn says(&mut self, text: &str) -> &mut Self {
        self.input(Input::Bytes(text.as_bytes()));
        self
    }

    /// Nothing comes for this long; timers run when they are due.
    fn rests(&mut self, ms: u64) -> &mut Self {
        let end = self.now + Duration::from_millis(ms);
        for _ in 0..1000 {
            let due = self.session.deadline();
            if self.finding.is_some() || due > end {
                self.now = end;
                return self;
            }
            self.now = self.now.max(due);
            self.input(Input::Time);
        }
        panic!("timers without end");
    }

    /// The far end says this, and 200 ms later it has got exactly `answer`.
    fn exchange(&mut self, text: &str, answer: &str) -> &mut Self {
        self.says(text).rests(200);
        assert_eq!(std::mem::take(&mut self.sent), answer, "after {text:?}; {:?}", self.finding);
        self
    }

    /// It ends, at the latest within this many ms; nothing more is sent until then.
    fn ends(&mut self, within: RangeInclusive<u64>) -> Finding {
        let begin = self.now;
        self.rests(*within.end());
        assert_eq!(self.sent, "", "sent before the end");
        let finding = self.finding.clone().expect("it has not ended");
        let took = self.now.since(begin).as_millis();
        assert!(took >= u128::from(*within.start()), "ended after {took} ms: {finding:?}");
        finding
    }

    fn has(&self, moment: Moment) -> bool {
        self.moments.iter().any(|(seen, _)| *seen == moment)
    }

    fn at(&self, moment: Moment) -> Mono {
        self.moments.iter().find(|(seen, _)| *seen == moment).expect("the moment was told").1
    }
}

fn fails(finding: &Finding, fault: Fault, part: &str) {
    assert_eq!(finding.fault, Some(fault), "{finding:?}");
    assert!(finding.detail.contains(part), "{:?} does not say {part:?}", finding.detail);
    assert!(!finding.detail.contains('\n') && !finding.transcript.contains(PASSWORD));
}
