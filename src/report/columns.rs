//! The columns of the tables: name and origin of each, in one place, in the order of the design.
//!
//! Columns are only ever added at the end, with a new [`super::SCHEMA`]. `reports/SCHEMA.md` documents each; a test
//! holds it against these tables.

use jiff::Timestamp;

use super::consoles::Found;
use super::modem::ModemFigures;
use super::{RunState, SCHEMA};
use crate::model::charge::ChargeSum;
use crate::model::event::Via;
use crate::model::{CallRecord, Changed, Diagnostics, Fault, Line, Micros, PhaseTimes, Verdict};

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    /// Not known or not applicable: empty, never 0.
    Absent,
    /// A word or name of our own, safe by its type.
    Word(&'a str),
    /// Free text: made safe when it is written.
    Text(&'a str),
    /// Free text that was put together for the cell.
    Owned(String),
    /// A figure.
    Figure(u64),
    /// A figure that may be below zero: a level. It is a number to a spreadsheet, and no formula.
    Signed(i64),
    /// A duration in seconds, from ms.
    Seconds(u128),
    /// Money, in the currency of the row.
    Money(Micros),
    /// An instant.
    Time(Timestamp),
}

/// A column: its name, and where its cell comes from.
pub(super) struct Column<F> {
    pub(super) name: &'static str,
    pub(super) cell: F,
}

/// Where a cell of lines.csv or calls.csv comes from.
pub(super) type LineCell = for<'a> fn(&'a Row<'a>) -> Cell<'a>;
/// Where a cell of consoles.csv comes from.
pub(super) type ConsoleCell = for<'a> fn(&'a ConsoleRow<'a>) -> Cell<'a>;
/// Where a cell of modems.csv comes from.
pub(super) type ModemCell = for<'a> fn(&'a ModemRow<'a>) -> Cell<'a>;

/// A row of lines.csv or calls.csv.
pub(super) struct Row<'a> {
    pub(super) state: &'a RunState,
    pub(super) line: &'a Line,
    /// Of the line, or of the call.
    pub(super) fault: Option<Fault>,
    pub(super) detail: &'a str,
    /// Calls made to the line, up to this row.
    pub(super) attempts: u32,
    /// The call itself, or the one that decided.
    pub(super) call: Option<&'a CallRecord>,
    pub(super) times: PhaseTimes,
    /// What is charged for the call, or for all calls of the line.
    pub(super) charges: ChargeSum,
    /// What the run changed of the line; absent in calls.csv, and where nothing is known of earlier runs.
    pub(super) changed: Option<Changed>,
}

impl Row<'_> {
    /// What the modem told of the call.
    fn told<T>(&self, of: impl FnOnce(&Diagnostics) -> Option<T>) -> Option<T> {
        self.call.and_then(|call| call.diagnostics.as_deref()).and_then(of)
    }

    /// The way that was called, where it was not the line's own number without a carrier.
    fn via(&self) -> Option<&Via> {
        self.call.and_then(|call| call.via.as_ref())
    }

    /// The consoles behind the line: how many, and how many of them failed.
    fn consoles(&self) -> Option<(u64, u64)> {
        let consoles = self.call.map(|call| &call.consoles).filter(|consoles| !consoles.is_empty())?;
        let failed = consoles.iter().filter(|console| Verdict::of(console.fault) == Verdict::Fail);
        Some((consoles.len() as u64, failed.count() as u64))
    }
}

/// A row of consoles.csv.
pub(super) struct ConsoleRow<'a> {
    pub(super) state: &'a RunState,
    pub(super) found: Found<'a>,
}

/// A row of modems.csv.
pub(super) struct ModemRow<'a> {
    pub(super) state: &'a RunState,
    pub(super) modem: &'a ModemFigures,
}

fn figure<'a>(value: Option<impl Into<u64>>) -> Cell<'a> {
    value.map_or(Cell::Absent, |value| Cell::Figure(value.into()))
}

fn signed<'a>(value: Option<impl Into<i64>>) -> Cell<'a> {
    value.map_or(Cell::Absent, |value| Cell::Signed(value.into()))
}

fn text(value: Option<&str>) -> Cell<'_> {
    value.map_or(Cell::Absent, Cell::Text)
}

macro_rules! column {
    ($row:ident, $name:literal, $cell:expr) => {
        Column { name: $name, cell: |$row| $cell }
    };
}

macro_rules! line_columns {
    ($(#[$doc:meta])* $name:ident: $count:literal [$($extra:expr),*]) => {
        $(#[$doc])*
        pub(super) const $name: [Column<LineCell>; $count] = [
            column!(_row, "schema", Cell::Figure(u64::from(SCHEMA))),
            column!(row, "run", Cell::Word(row.state.header().run.as_str())),
            column!(row, "plan", Cell::Word(row.state.header().plan.as_str())),
            column!(row, "line", Cell::Word(row.line.id.as_str())),
            $($extra,)*
            column!(row, "site", Cell::Word(row.line.site.as_str())),
            column!(row, "number", Cell::Word(row.line.number.as_str())),
            column!(row, "result", Cell::Word(Verdict::of(row.fault).word())),
            column!(row, "fault", row.fault.map_or(Cell::Absent, |fault| Cell::Word(fault.code()))),
            column!(row, "blame", row.fault.map_or(Cell::Absent, |fault| Cell::Word(fault.blame().word()))),
            column!(row, "detail", text(Some(row.detail))),
            column!(row, "advice", text(row.fault.map(Fault::advice))),
            column!(row, "attempts", Cell::Figure(u64::from(row.attempts))),
            column!(row, "modem", row.call.map_or(Cell::Absent, |call| Cell::Word(call.modem.as_str()))),
            column!(row, "dialed", text(row.call.map(|call| call.dialed.as_str()))),
            column!(row, "started", row.call.map_or(Cell::Absent, |call| Cell::Time(call.started))),
            column!(row, "finished", row.call.map_or(Cell::Absent, |call| Cell::Time(call.finished))),
            column!(row, "setup_ms", figure(row.times.setup_ms)),
            column!(row, "dial_ms", figure(row.times.dial_ms)),
            column!(row, "post_dial_ms", figure(row.times.post_dial_ms)),
            column!(row, "ring_ms", figure(row.times.ring_ms)),
            column!(row, "train_ms", figure(row.times.train_ms)),
            column!(row, "connect_ms", figure(row.times.connect_ms)),
            column!(row, "prompt_ms", figure(row.times.prompt_ms)),
            column!(row, "login_ms", figure(row.times.login_ms)),
            column!(row, "verify_ms", figure(row.times.verify_ms)),
            column!(row, "logout_ms", figure(row.times.logout_ms)),
            column!(row, "hangup_ms", figure(row.times.hangup_ms)),
            column!(row, "total_ms", figure(row.times.total_ms)),
            column!(row, "ring_train_ms", figure(row.times.ring_train_ms)),
            column!(row, "train_connect_ms", figure(row.times.train_connect_ms)),
            column!(row, "dialed_to_connect_ms", figure(row.times.dialed_to_connect_ms)),
            column!(row, "split_error_ms", figure(row.times.split_error_ms)),
            column!(row, "rings", figure(row.call.and_then(|call| call.rings))),
            column!(row, "modulation", text(row.call.and_then(|call| call.link.modulation.as_deref()))),
            column!(row, "tx_bps", figure(row.call.and_then(|call| call.link.tx_bps))),
            column!(row, "rx_bps", figure(row.call.and_then(|call| call.link.rx_bps))),
            column!(row, "protocol", text(row.call.and_then(|call| call.link.protocol.as_deref()))),
            column!(row, "compression", text(row.call.and_then(|call| call.link.compression.as_deref()))),
            column!(row, "hostname", text(row.call.and_then(|call| call.hostname.as_deref()))),
            column!(
                row,
                "termination",
                row.told(|told| told.termination).map_or(Cell::Absent, |end| Cell::Word(end.word()))
            ),
            column!(row, "tx_level_dbm", signed(row.told(|told| told.tx_level_dbm))),
            column!(row, "rx_level_dbm", signed(row.told(|told| told.rx_level_dbm))),
            column!(row, "snr_db", figure(row.told(|told| told.snr_db))),
            column!(row, "line_quality", figure(row.told(|told| told.line_quality))),
            column!(row, "retrains", figure(row.told(|told| told.retrains))),
            column!(row, "rate_shifts", figure(row.told(|told| told.rate_shifts))),
            column!(row, "block_errors", figure(row.told(|told| told.block_errors))),
            column!(row, "round_trip_ms", figure(row.told(|told| told.round_trip_ms))),
            column!(
                row,
                "disconnect_cause",
                text(row.call.and_then(|call| call.diagnostics.as_deref()?.disconnect_cause.as_deref()))
            ),
            column!(
                row,
                "via",
                row.via().and_then(|via| via.number.as_ref()).map_or(Cell::Absent, |number| Cell::Word(number.as_str()))
            ),
            column!(
                row,
                "carrier",
                row.via().and_then(|via| via.carrier.as_ref()).map_or(Cell::Absent, |name| Cell::Word(name.as_str()))
            ),
            column!(
                row,
                "class",
                row.call.and_then(|call| call.charge).map_or(Cell::Absent, |charge| Cell::Word(charge.class.word()))
            ),
            column!(row, "billed_s", figure(row.charges.billed_s())),
            column!(row, "cost", row.charges.cost().map_or(Cell::Absent, Cell::Money)),
            column!(
                row,
                "currency",
                text(row.charges.cost().and(row.state.header().currency.as_deref()))
            ),
            column!(row, "consoles", figure(row.consoles().map(|(all, _)| all))),
            column!(row, "consoles_failed", figure(row.consoles().map(|(_, failed)| failed))),
            column!(
                row,
                "change",
                row.changed.as_ref().map_or(Cell::Absent, |changed| Cell::Word(changed.change.word()))
            ),
            column!(row, "nights", figure(row.changed.as_ref().and_then(Changed::nights))),
        ];
    };
}

line_columns! {
    /// lines.csv
    LINES: 59 []
}

line_columns! {
    /// calls.csv: the same, with `call` and `attempt` after `line`.
    CALLS: 61 [
        column!(row, "call", row.call.map_or(Cell::Absent, |call| Cell::Word(call.call.as_str()))),
        column!(row, "attempt", figure(row.call.map(|call| call.attempt)))
    ]
}

/// consoles.csv
pub(super) const CONSOLES: [Column<ConsoleCell>; 14] = [
    column!(_row, "schema", Cell::Figure(u64::from(SCHEMA))),
    column!(row, "run", Cell::Word(row.state.header().run.as_str())),
    column!(row, "plan", Cell::Word(row.state.header().plan.as_str())),
    column!(row, "line", Cell::Word(row.found.line.id.as_str())),
    column!(row, "site", Cell::Word(row.found.line.site.as_str())),
    column!(row, "console", Cell::Text(row.found.name)),
    column!(row, "result", Cell::Word(Verdict::of(row.found.fault()).word())),
    column!(row, "fault", row.found.fault().map_or(Cell::Absent, |fault| Cell::Word(fault.code()))),
    column!(row, "blame", row.found.fault().map_or(Cell::Absent, |fault| Cell::Word(fault.blame().word()))),
    column!(row, "detail", Cell::Owned(row.found.detail())),
    column!(row, "advice", text(row.found.advice())),
    column!(row, "hostname", text(row.found.by.and_then(|(_, record)| record.hostname.as_deref()))),
    column!(row, "answer_ms", figure(row.found.by.and_then(|(_, record)| record.answer_ms))),
    column!(row, "call", row.found.by.map_or(Cell::Absent, |(call, _)| Cell::Word(call.call.as_str()))),
];

/// modems.csv
pub(super) const MODEMS: [Column<ModemCell>; 26] = [
    column!(_row, "schema", Cell::Figure(u64::from(SCHEMA))),
    column!(row, "run", Cell::Word(row.state.header().run.as_str())),
    column!(row, "modem", Cell::Word(row.modem.header.id.as_str())),
    column!(row, "port", Cell::Text(&row.modem.header.port)),
    column!(row, "profile", Cell::Text(&row.modem.header.profile)),
    column!(
        row,
        "trunk",
        row.modem.header.trunk.as_ref().map_or(Cell::Absent, |trunk| Cell::Word(trunk.as_str()))
    ),
    column!(row, "calls", Cell::Figure(row.modem.calls)),
    column!(row, "passed", Cell::Figure(row.modem.calls_of(Verdict::Pass))),
    column!(row, "degraded", Cell::Figure(row.modem.calls_of(Verdict::Degraded))),
    column!(row, "failed", Cell::Figure(row.modem.calls_of(Verdict::Fail))),
    column!(row, "untested", Cell::Figure(row.modem.calls_of(Verdict::Untested))),
    column!(row, "bench_faults", Cell::Figure(row.modem.bench_faults)),
    column!(row, "seconds_on_line", Cell::Seconds(row.modem.on_line.as_millis())),
    column!(row, "hangup_unproven", Cell::Figure(row.modem.hangup_unproven)),
    column!(row, "times_out", Cell::Figure(row.modem.times_out)),
    column!(row, "state", row.modem.state.map_or(Cell::Absent, |state| Cell::Word(state.word()))),
    column!(row, "health", Cell::Word(row.modem.health().word())),
    column!(row, "faults", Cell::Owned(faults(row.modem))),
    column!(row, "last_fault", row.modem.last_fault.map_or(Cell::Absent, |fault| Cell::Word(fault.code()))),
    column!(row, "detail", text(Some(&row.modem.detail))),
    column!(row, "answered_failures", Cell::Figure(row.modem.answered_failures)),
    column!(row, "free_failures", Cell::Figure(row.modem.free_failures)),
    column!(row, "checks", Cell::Figure(row.modem.checks)),
    column!(row, "checks_failed", Cell::Figure(row.modem.checks_failed)),
    column!(row, "billed_s", figure(row.modem.charges.total().billed_s())),
    column!(
        row,
        "cost",
        row.state
            .header()
            .currency
            .as_ref()
            .and_then(|_| row.modem.charges.total().cost())
            .map_or(Cell::Absent, Cell::Money)
    ),
];

/// `busy:3 no-carrier:1`, in the order of the design.
fn faults(modem: &ModemFigures) -> String {
    let each: Vec<String> = modem.faults.iter().map(|(fault, count)| format!("{fault}:{count}")).collect();
    each.join(" ")
}
