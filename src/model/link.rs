//! What two modems agreed upon, as far as ours told it.

use serde::{Deserialize, Serialize};

/// The link behind a CONNECT. Every field is absent where the modem did not say it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Modulation, in the V-series' own spelling where known: `V.34`, `V.32bis`, `V.22bis`, `HST`.
    pub modulation: Option<String>,
    /// Line rate towards the far end, bit/s.
    pub tx_bps: Option<u32>,
    /// Line rate from the far end, bit/s.
    pub rx_bps: Option<u32>,
    /// Error control: `LAPM`, `MNP`, `NONE`; `ARQ` where the modem says only that there is one.
    pub protocol: Option<String>,
    /// Data compression: `V.42bis`, `V.44`, `MNP5`, `NONE`.
    pub compression: Option<String>,
}

impl Link {
    /// Takes over what `other` knows. Later lines of a modem are more exact than earlier ones.
    pub fn absorb(&mut self, other: Self) {
        fn newer<T>(slot: &mut Option<T>, value: Option<T>) {
            if value.is_some() {
                *slot = value;
            }
        }
        newer(&mut self.modulation, other.modulation);
        newer(&mut self.tx_bps, other.tx_bps);
        newer(&mut self.rx_bps, other.rx_bps);
        newer(&mut self.protocol, other.protocol);
        newer(&mut self.compression, other.compression);
    }
}
