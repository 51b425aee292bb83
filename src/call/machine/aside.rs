//! What a call tells the terminal beside its events, and a console of which nothing is known in a technician's hands.
//!
//! The side channel changes nothing that a call finds: it hears the same bytes as the session, and is told what becomes
//! of it.

use std::time::Duration;

use super::{Machine, Output, State};
use crate::call::live::{Live, Wish};
use crate::console::Credential;
use crate::console::aloud::Aloud;
use crate::console::handover::{Back, Due, Handover, HandoverLimits, Stand};
use crate::console::session;
use crate::console::teletype::Teletype;
use crate::model::{Fault, Moment, Mono};
use crate::modem::machine::Action;

/// The side channel's own memory.
#[derive(Debug, Default)]
pub(super) struct Aside {
    wish: Wish,
    /// Somebody looks on.
    aloud: Option<Aloud>,
    /// A technician has the console.
    teletype: Option<Teletype>,
    /// A technician had it, or has.
    handed: bool,
    /// The terminal's columns, if it told them.
    width: Option<u16>,
    /// The password of this call.
    credential: Option<Credential>,
}

impl Aside {
    pub(super) fn new(wish: Option<&Wish>) -> Self {
        let wish = wish.cloned().unwrap_or_default();
        let aloud = wish.watch.then(|| {
            let mut aloud = Aloud::default();
            wish.secrets.iter().for_each(|secret| aloud.mask(secret));
            aloud
        });
        Self { wish, aloud, ..Self::default() }
    }

    /// How long the console may be handed over, if it is to be.
    pub(super) fn handover(&self) -> Option<HandoverLimits> {
        self.wish.handover
    }

    /// A secret that is about to go out.
    pub(super) fn granted(&mut self, credential: &Credential) {
        if let Some(aloud) = &mut self.aloud {
            aloud.mask(credential.password());
        }
        if self.wish.handover.is_some() {
            self.credential = Some(credential.clone());
        }
    }

    pub(super) fn deadline(&self) -> Option<Mono> {
        match &self.teletype {
            Some(teletype) => teletype.deadline(),
            None => self.aloud.as_ref().and_then(Aloud::deadline),
        }
    }

    fn teletype(&self) -> Teletype {
        let mut teletype = Teletype::new();
        self.wish.secrets.iter().for_each(|secret| teletype.mask(secret));
        if let Some(credential) = &self.credential {
            teletype.mask(credential.password());
        }
        if let Some(columns) = self.width {
            teletype.width(columns);
        }
        teletype
    }
}

impl Machine {
    fn tell(&mut self, live: Live) {
        self.outputs.push_back(Output::Live(Box::new(live)));
    }

    /// The console said this.
    pub(super) fn aside_data(&mut self, now: Mono, data: &[u8]) {
        if let Some(teletype) = &mut self.aside.teletype {
            let text = teletype.take(now, data);
            self.words(text);
        } else if let Some(aloud) = &mut self.aside.aloud {
            aloud.take(now, data);
            self.lines();
        }
    }

    /// What it said may have come to rest.
    pub(super) fn aside_time(&mut self, now: Mono) {
        if let Some(teletype) = &mut self.aside.teletype {
            let text = teletype.rest(now);
            self.words(text);
        } else if let Some(aloud) = &mut self.aside.aloud {
            aloud.rest(now);
            self.lines();
        }
    }

    /// Nothing more is said.
    pub(super) fn aside_over(&mut self) {
        if let Some(aloud) = &mut self.aside.aloud {
            aloud.end();
            self.lines();
        }
    }

    /// The call is over: says so if the console was to be handed over and was not.
    pub(super) fn aside_end(&mut self, fault: Option<Fault>, detail: &str) {
        if self.aside.wish.handover.is_none() || self.aside.handed {
            return;
        }
        let why = match (fault, detail) {
            (Some(fault), "") => fault.code().to_owned(),
            (Some(fault), detail) => format!("{}: {detail}", fault.code()),
            (None, _) => "the call was over before".to_owned(),
        };
        self.tell(Live::NotHandedOver { call: self.spec.call.clone(), why });
    }

    fn words(&mut self, text: String) {
        if !text.is_empty() {
            self.tell(Live::Words { call: self.spec.call.clone(), text });
        }
    }

    fn lines(&mut self) {
        let lines = self.aside.aloud.as_mut().map(Aloud::lines).unwrap_or_default();
        for text in lines {
            let (call, line) = (self.spec.call.clone(), self.spec.line.id.clone());
            self.tell(Live::Line { call, line, text });
        }
    }

    pub(super) fn handed_over(
        &mut self,
        now: Mono,
        stand: Stand,
        host: Option<String>,
        prompt: &str,
        limits: HandoverLimits,
    ) {
        self.aside_over();
        self.aside.handed = true;
        let (call, line) = (self.spec.call.clone(), self.spec.line.id.clone());
        self.tell(Live::HandedOver { call, line, stand, host, limits });
        let mut teletype = self.aside.teletype();
        let text = teletype.take(now, prompt.as_bytes());
        self.aside.teletype = Some(teletype);
        self.words(text);
    }

    pub(super) fn soon(&mut self, why: Back, left: Duration) {
        self.tell(Live::Soon { call: self.spec.call.clone(), why, left });
    }

    pub(super) fn taken_back(&mut self, why: Back, lasted: Duration) {
        if let Some(mut teletype) = self.aside.teletype.take() {
            // What was held back has nothing to wait for.
            let text = teletype.end();
            self.words(text);
        }
        self.tell(Live::TakenBack { call: self.spec.call.clone(), why, lasted });
    }

    /// The terminal tells something of a console that was handed over. What comes too late is nobody's.
    pub(super) fn key(&mut self, now: Mono, key: &crate::call::live::Key) {
        use crate::call::live::Key;
        match key {
            Key::Width(columns) => {
                self.aside.width = Some(*columns);
                if let Some(teletype) = &mut self.aside.teletype {
                    teletype.width(*columns);
                }
            }
            Key::Typed(keys) => match &mut self.state {
                State::Online { .. } => self.session_input(now, session::Input::Keys(keys)),
                State::Handed { handover } => {
                    let bytes = handover.keys(now, keys);
                    if !bytes.is_empty() {
                        self.outputs.push_back(Output::Port(Action::Write(bytes)));
                    }
                }
                _ => {}
            },
            Key::Back(why) => match self.state {
                State::Online { .. } => self.session_input(now, session::Input::TakeBack(*why)),
                State::Handed { .. } => self.hand_back(now, *why),
                _ => {}
            },
        }
    }

    // --- where no dialog knows the console

    /// Connected, and nothing is to be checked: the technician has what is there.
    pub(super) fn hand_over_bare(&mut self, now: Mono, limits: HandoverLimits) {
        self.state = State::Handed { handover: Box::new(Handover::new(limits, now)) };
        self.handed_over(now, Stand::Connected, None, "", limits);
    }

    pub(super) fn bare_data(&mut self, now: Mono, data: &[u8]) {
        self.carrier.data(now, data);
        self.aside_data(now, data);
    }

    pub(super) fn bare_deadline(&self, handover: &Handover) -> Mono {
        let others = [self.carrier.end(false), self.aside.deadline()];
        others.into_iter().flatten().fold(handover.deadline(), Mono::min)
    }

    pub(super) fn bare_time(&mut self, now: Mono) {
        self.aside_time(now);
        if self.carrier.end(false).is_some_and(|at| now >= at) {
            self.carrier.lose(now);
            self.hand_back(now, Back::CarrierLost);
            return;
        }
        let State::Handed { handover } = &mut self.state else { return };
        match handover.due(now) {
            Some(Due::Soon(why, left)) => self.soon(why, left),
            Some(Due::Over(why)) => self.hand_back(now, why),
            None => {}
        }
    }

    /// It is taken back; there is nothing to log out of that is known.
    pub(super) fn hand_back(&mut self, now: Mono, why: Back) {
        self.close_bare(now, why);
        self.leave(now, None, String::new(), false);
    }

    /// Tells that it is over, before whatever else becomes of the call.
    pub(super) fn close_bare(&mut self, now: Mono, why: Back) {
        let State::Handed { handover } = &self.state else { return };
        let lasted = handover.lasted(now);
        self.observe(now, Moment::HandedBack);
        self.taken_back(why, lasted);
    }
}
