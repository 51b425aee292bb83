//! What two modems agree upon, and what a fault makes of it.

use serde::Deserialize;

/// What two modems agree upon; the words are those that modems print.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinkEntry {
    /// `V34`, `V32B`, `V22B`.
    pub modulation: String,
    /// Line rate from us, bit/s.
    pub tx: u32,
    /// Line rate to us, bit/s; as `tx` if left out.
    pub rx: Option<u32>,
    /// `LAPM`, `MNP`, `NONE`.
    pub protocol: String,
    /// `V42B`, `V44`, `MNP5`, `NONE`.
    pub compression: String,
    /// Retrains that its diagnostics tell after the call.
    pub retrains: u32,
    /// Block errors that its diagnostics tell after the call.
    pub block_errors: u32,
    /// Signal-to-noise ratio that its diagnostics tell, dB.
    pub snr: u32,
    /// Level that we receive, dBm.
    pub rx_level_dbm: i16,
    /// Level that we send at, dBm.
    pub tx_level_dbm: i16,
    /// Changes of rate without a retrain.
    pub rate_shifts: u32,
    /// Round trip to the far modem, ms.
    pub round_trip_ms: u32,
}

impl Default for LinkEntry {
    fn default() -> Self {
        Self {
            modulation: "V34".to_owned(),
            tx: 33_600,
            rx: None,
            protocol: "LAPM".to_owned(),
            compression: "V42B".to_owned(),
            retrains: 0,
            block_errors: 0,
            snr: 34,
            rx_level_dbm: -23,
            tx_level_dbm: -16,
            rate_shifts: 0,
            round_trip_ms: 3,
        }
    }
}

impl LinkEntry {
    /// Line rate to us, bit/s.
    pub fn to_us(&self) -> u32 {
        self.rx.unwrap_or(self.tx)
    }

    /// The same link as the other modem sees it.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        Self { tx: self.to_us(), rx: Some(self.tx), ..self.clone() }
    }
}

/// What a fault makes of a link; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinkChange {
    /// See [`LinkEntry::modulation`].
    pub modulation: Option<String>,
    /// See [`LinkEntry::tx`].
    pub tx: Option<u32>,
    /// See [`LinkEntry::rx`].
    pub rx: Option<u32>,
    /// See [`LinkEntry::protocol`].
    pub protocol: Option<String>,
    /// See [`LinkEntry::compression`].
    pub compression: Option<String>,
    /// See [`LinkEntry::retrains`].
    pub retrains: Option<u32>,
    /// See [`LinkEntry::block_errors`].
    pub block_errors: Option<u32>,
    /// See [`LinkEntry::snr`].
    pub snr: Option<u32>,
    /// See [`LinkEntry::rx_level_dbm`].
    pub rx_level_dbm: Option<i16>,
    /// See [`LinkEntry::tx_level_dbm`].
    pub tx_level_dbm: Option<i16>,
    /// See [`LinkEntry::rate_shifts`].
    pub rate_shifts: Option<u32>,
    /// See [`LinkEntry::round_trip_ms`].
    pub round_trip_ms: Option<u32>,
}

impl LinkChange {
    /// Changes a link.
    pub fn apply(&self, link: &mut LinkEntry) {
        fn put<T: Clone>(to: &mut T, from: Option<&T>) {
            if let Some(value) = from {
                to.clone_from(value);
            }
        }
        put(&mut link.modulation, self.modulation.as_ref());
        put(&mut link.tx, self.tx.as_ref());
        link.rx = self.rx.or(if self.tx.is_some() { None } else { link.rx });
        put(&mut link.protocol, self.protocol.as_ref());
        put(&mut link.compression, self.compression.as_ref());
        put(&mut link.retrains, self.retrains.as_ref());
        put(&mut link.block_errors, self.block_errors.as_ref());
        put(&mut link.snr, self.snr.as_ref());
        put(&mut link.rx_level_dbm, self.rx_level_dbm.as_ref());
        put(&mut link.tx_level_dbm, self.tx_level_dbm.as_ref());
        put(&mut link.rate_shifts, self.rate_shifts.as_ref());
        put(&mut link.round_trip_ms, self.round_trip_ms.as_ref());
    }
}
