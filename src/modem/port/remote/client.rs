//! The client's end of a port on a server: what is negotiated, set and asked, each with its time limit; what comes in as
//! data and as edges of modem-control lines. Pure: bytes and time in, bytes and events out.
//!
//! Servers answer half of what they are asked. So an answer is waited for only where it tells something, silence ends
//! with a limit and is neither success nor failure, and the echo of a SET-CONTROL is never believed: what a drop of DTR
//! did is told by DCD (modems.md 8, libraries.md R1 to R5).

use std::collections::VecDeque;
use std::time::Duration;

use super::com_port::{Control, ModemState, Purge, Reply, Request};
use super::options::{BINARY, COM_PORT, Options, SUPPRESS_GO_AHEAD};
use super::telnet::{Decoder, Item, put_data, put_option, put_sub};
use crate::model::Mono;
use crate::modem::machine::Signal;

/// How long a server may take to answer what we would and would have it use.
pub(super) const NEGOTIATION_LIMIT: Duration = Duration::from_secs(2);
/// How long a server may take to answer a SET, and to tell the modem-control lines for the first time.
pub(super) const SET_LIMIT: Duration = Duration::from_secs(1);
/// How long a fresh connection must be quiet: a server that has a banner, or a reason to refuse us, says it at once.
pub(super) const QUIET: Duration = Duration::from_millis(100);
/// The longest that this quiet is waited for.
pub(super) const QUIET_LIMIT: Duration = Duration::from_secs(1);
/// How long a purge may take to be confirmed, by a server that confirms them.
pub(super) const PURGE_LIMIT: Duration = Duration::from_secs(1);
/// As much as is kept of what a server says before the port is ours.
const BANNER_BYTES_MAX: usize = 512;

/// How the server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Telnet with the com port option, and these settings.
    Rfc2217 { baud: u32, rtscts: bool },
    /// Telnet without it.
    Telnet,
    /// Bytes, and nothing else.
    Raw,
}

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// Bytes from the modem, never empty.
    Data(Vec<u8>),
    /// A modem-control line went to this level.
    Signal(Signal, bool),
}

/// What a server still owes to the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owed {
    Baud,
    DataSize,
    Parity,
    StopSize,
    ModemState,
    Purge,
}

#[derive(Debug)]
enum Stage {
    /// Options are out.
    Negotiating { until: Mono },
    /// Settings are out.
    Setting { until: Mono, owed: Vec<Owed> },
    /// A banner, or a refusal, may come.
    Quiet { until: Mono, limit: Mono },
    /// The port is ours.
    Open,
}

/// The client of one connection.
#[derive(Debug)]
pub(super) struct Client {
    kind: Kind,
    stage: Stage,
    decoder: Decoder,
    options: Options,
    /// As last told on this connection.
    lines: Option<ModemState>,
    /// The server was seen to tell of a line that is high, so there are lines.
    lines_proven: bool,
    /// The server takes nothing for now.
    suspended: bool,
    /// The server was seen to confirm a purge.
    confirms_purges: bool,
    /// Until when data is thrown away, unless the purge is confirmed before.
    purging: Option<Mono>,
    banner: Vec<u8>,
    remarks: Vec<String>,
    events: VecDeque<Event>,
    out: Vec<u8>,
}

impl Client {
    /// A client of a connection that was made just now. `lines_proven` where an earlier connection to this port has
    /// shown that it has modem-control lines.
    pub(super) fn new(kind: Kind, lines_proven: bool, now: Mono) -> Self {
        let mut client = Self {
            kind,
            stage: Stage::Open,
            decoder: Decoder::new(),
            options: Options::default(),
            lines: None,
            lines_proven,
            suspended: false,
            confirms_purges: false,
            purging: None,
            banner: Vec::new(),
            remarks: Vec::new(),
            events: VecDeque::new(),
            out: Vec::new(),
        };
        client.begin(now);
        client
    }

    fn begin(&mut self, now: Mono) {
        if self.kind == Kind::Raw {
            self.be_quiet(now);
            return;
        }
        if let Kind::Rfc2217 { .. } = self.kind {
            // Never DO: ser2net refuses that while it asks the same of us (libraries.md R1).
            self.offer(COM_PORT);
        }
        for option in [BINARY, SUPPRESS_GO_AHEAD] {
            self.offer(option);
            if let Some(verb) = self.options.ask(option) {
                put_option(verb, option, &mut self.out);
            }
        }
        self.stage = Stage::Negotiating { until: now + NEGOTIATION_LIMIT };
    }

    fn offer(&mut self, option: u8) {
        if let Some(verb) = self.options.offer(option) {
            put_option(verb, option, &mut self.out);
        }
    }

    /// Whether the com port option is in force.
    fn has_com_port(&self) -> bool {
        self.options.ours(COM_PORT)
    }

    fn request(&mut self, request: Request) {
        put_sub(COM_PORT, &request.said(), &mut self.out);
    }

    // --- inputs

    /// Takes bytes that came.
    pub(super) fn receive(&mut self, now: Mono, bytes: &[u8]) {
        if self.kind == Kind::Raw {
            self.data(now, bytes.to_vec());
            return;
        }
        let mut rest = bytes;
        while let Some(item) = self.decoder.next(&mut rest, self.options.theirs(BINARY)) {
            match item {
                Item::Data(data) => self.data(now, data),
                Item::Option(verb, option) => {
                    if let Some(answer) = self.options.hear(verb, option) {
                        put_option(answer, option, &mut self.out);
                    }
                    self.negotiated(now);
                }
                // Said before the option is agreed it is kept all the same: some tell the lines in their first words.
                Item::Sub(COM_PORT, said) if matches!(self.kind, Kind::Rfc2217 { .. }) => {
                    if let Some(reply) = Reply::read(&said) {
                        self.reply(now, reply);
                    }
                }
                Item::Sub(..) => {}
            }
        }
    }

    fn data(&mut self, now: Mono, data: Vec<u8>) {
        match &mut self.stage {
            Stage::Open => {
                if self.purging.is_none_or(|until| now >= until) {
                    self.purging = None;
                    self.events.push_back(Event::Data(data));
                }
            }
            stage => {
                let room = BANNER_BYTES_MAX.saturating_sub(self.banner.len());
                self.banner.extend(data.into_iter().take(room));
                if let Stage::Quiet { until, limit } = stage {
                    *until = (now + QUIET).min(*limit);
                }
            }
        }
    }

    fn reply(&mut self, now: Mono, reply: Reply) {
        match reply {
            Reply::Baud(got) => {
                if let Kind::Rfc2217 { baud, .. } = self.kind
                    && self.is_owed(Owed::Baud)
                    && got != baud
                {
                    self.remarks.push(format!("its speed is {got} instead of {baud} bit/s"));
                }
                self.settle(now, Owed::Baud);
            }
            Reply::DataSize(got) => self.is_set(now, Owed::DataSize, got, 8, "data bits"),
            Reply::Parity(got) => self.is_set(now, Owed::Parity, got, 1, "parity (1 is none)"),
            Reply::StopSize(got) => self.is_set(now, Owed::StopSize, got, 1, "stop bits"),
            Reply::ModemState(state) => self.modem_state(now, state),
            Reply::Suspend => self.suspended = true,
            Reply::Resume => self.suspended = false,
            Reply::Purged => {
                self.confirms_purges = true;
                self.purging = None;
                self.settle(now, Owed::Purge);
            }
            Reply::Other => {}
        }
    }

    fn is_set(&mut self, now: Mono, owed: Owed, got: u8, asked: u8, what: &str) {
        if self.is_owed(owed) && got != asked {
            self.remarks.push(format!("{what}: {got} instead of {asked}"));
        }
        self.settle(now, owed);
    }

    fn modem_state(&mut self, now: Mono, state: ModemState) {
        let before = self.lines.replace(state).unwrap_or_default();
        self.lines_proven |= state.any();
        if let Stage::Open = self.stage {
            for signal in [Signal::Dsr, Signal::Dcd, Signal::Ri] {
                if before.level(signal) != state.level(signal) {
                    self.events.push_back(Event::Signal(signal, state.level(signal)));
                }
            }
        }
        self.settle(now, Owed::ModemState);
    }

    /// Time has passed.
    pub(super) fn time(&mut self, now: Mono) {
        if self.purging.is_some_and(|until| now >= until) {
            self.purging = None;
        }
        match &self.stage {
            Stage::Negotiating { until } if now >= *until => self.after_negotiation(now),
            Stage::Setting { until, .. } if now >= *until => self.after_settings(now),
            Stage::Quiet { until, .. } if now >= *until => self.stage = Stage::Open,
            Stage::Negotiating { .. } | Stage::Setting { .. } | Stage::Quiet { .. } | Stage::Open => {}
        }
    }

    /// When [`Self::time`] is due if nothing else happens.
    pub(super) fn deadline(&self) -> Option<Mono> {
        match &self.stage {
            Stage::Negotiating { until } | Stage::Setting { until, .. } | Stage::Quiet { until, .. } => {
                Some(*until)
            }
            Stage::Open => self.purging,
        }
    }

    // --- the way to an open port

    fn negotiated(&mut self, now: Mono) {
        if matches!(self.stage, Stage::Negotiating { .. }) && self.options.are_settled() {
            self.after_negotiation(now);
        }
    }

    fn after_negotiation(&mut self, now: Mono) {
        let Kind::Rfc2217 { baud, rtscts } = self.kind else {
            self.be_quiet(now);
            return;
        };
        if !self.has_com_port() {
            let how = if self.options.is_settled(COM_PORT) { "refuses" } else { "does not answer to" };
            self.remarks.push(format!(
                "its server {how} RFC 2217: its speed and modem-control lines are out of our hands"
            ));
            self.be_quiet(now);
            return;
        }
        let flow = if rtscts { Control::FlowRtsCts } else { Control::FlowNone };
        for request in [
            Request::Baud(baud),
            Request::DataSize(8),
            Request::Parity(1),
            Request::StopSize(1),
            Request::Control(flow),
            Request::Control(Control::DtrOn),
            Request::Control(Control::RtsOn),
            Request::LineStateMask(0),
            Request::ModemStateMask(u8::MAX),
            Request::Purge(Purge::Both),
        ] {
            self.request(request);
        }
        let mut owed = vec![Owed::Baud, Owed::DataSize, Owed::Parity, Owed::StopSize, Owed::Purge];
        if self.lines.is_none() {
            owed.push(Owed::ModemState);
        }
        self.stage = Stage::Setting { until: now + SET_LIMIT, owed };
    }

    fn is_owed(&self, what: Owed) -> bool {
        matches!(&self.stage, Stage::Setting { owed, .. } if owed.contains(&what))
    }

    fn settle(&mut self, now: Mono, what: Owed) {
        if let Stage::Setting { owed, .. } = &mut self.stage {
            owed.retain(|owed| *owed != what);
            if owed.is_empty() {
                self.after_settings(now);
            }
        }
    }

    fn after_settings(&mut self, now: Mono) {
        if let Stage::Setting { owed, .. } = &self.stage {
            let silent = [
                (Owed::Baud, "its speed"),
                (Owed::DataSize, "its data bits"),
                (Owed::Parity, "its parity"),
                (Owed::StopSize, "its stop bits"),
            ];
            let silent: Vec<&str> =
                silent.iter().filter(|(what, _)| owed.contains(what)).map(|(_, name)| *name).collect();
            if !silent.is_empty() {
                self.remarks.push(format!("its server does not say whether it set {}", silent.join(", ")));
            }
        }
        self.be_quiet(now);
    }

    fn be_quiet(&mut self, now: Mono) {
        self.stage = Stage::Quiet { until: now + QUIET, limit: now + QUIET_LIMIT };
    }

    // --- what the port does

    /// Whether the port is ours: negotiation and settings are through, and nobody refused us.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open)
    }

    /// What the server said before the port was ours.
    pub(super) fn banner(&self) -> &[u8] {
        &self.banner
    }

    /// What a user should know of this port; told once.
    pub(super) fn take_remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }

    /// Whether the server has shown that there are modem-control lines: the option is agreed, and a line was told as
    /// high. A server tells all lines as low where there are none.
    pub(super) fn has_lines(&self) -> bool {
        self.has_com_port() && self.lines_proven
    }

    /// The level of a line as last told.
    pub(super) fn level(&self, signal: Signal) -> Option<bool> {
        self.lines.filter(|_| self.has_lines()).map(|lines| lines.level(signal))
    }

    /// Whether the server asked us to send nothing for now.
    pub(super) const fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// The next thing that came in.
    pub(super) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What is to be sent.
    pub(super) fn take_out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Sends data to the modem.
    pub(super) fn send(&mut self, data: &[u8]) {
        if self.kind == Kind::Raw {
            self.out.extend_from_slice(data);
        } else {
            put_data(data, self.options.ours(BINARY), &mut self.out);
        }
    }

    /// Raises or drops DTR, where the option is agreed; false where nothing can be asked. What came of it is for DCD to
    /// tell.
    pub(super) fn dtr(&mut self, up: bool) -> bool {
        let can = self.has_com_port();
        if can {
            self.request(Request::Control(if up { Control::DtrOn } else { Control::DtrOff }));
        }
        can
    }

    /// Throws away what came from the modem and was not read; edges stay. What is still on its way here is thrown away
    /// too where the server confirms purges: its confirmation comes behind it.
    pub(super) fn purge(&mut self, now: Mono) {
        self.events.retain(|event| !matches!(event, Event::Data(_)));
        if !self.has_com_port() {
            return;
        }
        self.request(Request::Purge(Purge::FromModem));
        if self.confirms_purges {
            self.purging = Some(now + PURGE_LIMIT);
        }
    }
}

#[cfg(test)]
mod tests;
