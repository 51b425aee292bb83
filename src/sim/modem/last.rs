//! What a modem remembers of the call that it has had: what its accounts are made of.

use std::time::Duration;

use crate::sim::file::LinkEntry;

/// The last call, or the one under way.
#[derive(Debug, Clone, Default)]
pub struct LastCall {
    /// What was agreed upon, if it came so far.
    pub link: Option<LinkEntry>,
    /// CONNECT to the end.
    pub duration: Duration,
    /// What was heard while it was set up.
    pub heard: Heard,
    /// How it ended.
    pub end: CallEnd,
    /// Characters to the far end.
    pub sent: u64,
    /// Characters from there.
    pub received: u64,
}

/// What a modem hears while a call is set up (V.58 key 1, modems.md 3.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Heard {
    /// There was no call.
    #[default]
    NoCall,
    /// No dial tone.
    NoDialtone,
    /// Reorder.
    Reorder,
    /// Busy.
    Busy,
    /// Nothing that it knows; ringing is nothing, too.
    Nothing,
    /// A voice.
    Voice,
    /// Answer tone.
    AnswerTone,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CallEnd {
    /// There was no call.
    #[default]
    NoCall,
    /// It has not.
    UnderWay,
    /// DTR fell.
    Dtr,
    /// `ATH`.
    Command,
    /// `ATZ`.
    Reset,
    /// A key while it was set up.
    Key,
    /// The far modem said good-bye.
    Remote,
    /// The carrier went without a word.
    CarrierLost,
    /// No dial tone.
    NoDialtone,
    /// Reorder.
    Reorder,
    /// Busy.
    Busy,
    /// S7 ran out.
    SetupTimer,
    /// It was answered, and training came to nothing.
    TrainingFailed,
    /// A fax.
    Fax,
    /// A call came in.
    IncomingCall,
    /// Our line is in use by another.
    ExtensionOffHook,
    /// Its own lock, for a while.
    Delayed,
    /// Its own lock.
    Blacklisted,
}

impl CallEnd {
    /// V.58 key 60 (modems.md 3.3).
    pub const fn v58(self) -> u8 {
        match self {
            Self::NoCall => 0x01,
            Self::UnderWay => 0x02,
            Self::Delayed => 0x04,
            Self::Dtr => 0x20,
            Self::Blacklisted => 0x29,
            Self::ExtensionOffHook => 0x2B,
            Self::SetupTimer => 0x2C,
            Self::IncomingCall => 0x2D,
            Self::NoDialtone => 0x2F,
            Self::Reorder => 0x31,
            Self::Busy => 0x33,
            Self::CarrierLost => 0x3C,
            Self::TrainingFailed => 0x3D,
            Self::Fax => 0x42,
            Self::Key => 0x50,
            Self::Command => 0x51,
            Self::Reset => 0x52,
            Self::Remote => 0x5F,
        }
    }

    /// Our own request.
    pub const fn is_local(self) -> bool {
        matches!(self, Self::Dtr | Self::Command | Self::Reset | Self::Key)
    }
}
