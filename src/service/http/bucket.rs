//! How often one peer may ask: a bucket of allowance each, which fills again with time. Pure: the time is handed in.
//!
//! Who a peer is, and what becomes of one that asks too often, is `guard`'s.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::Mono;

/// Peers that are kept in mind. Beyond, the one that was heard of longest ago is forgotten: it begins with a full bucket.
const PEERS_MAX: usize = 4096;
/// Parts of one unit of allowance, so that a slow refill loses nothing.
const PARTS: u64 = 1_000_000;

/// What a peer may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowance {
    /// Units at once.
    pub(super) burst: u32,
    /// Units that come back in a second.
    pub(super) per_second: u32,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    parts: u64,
    at: Mono,
}

/// The buckets of all peers.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    allowance: Allowance,
    peers: BTreeMap<K, Bucket>,
}

impl<K: Ord + Clone> Buckets<K> {
    /// All full.
    pub(super) const fn new(allowance: Allowance) -> Self {
        Self { allowance, peers: BTreeMap::new() }
    }

    /// Takes `cost` units of a peer's allowance. What costs more than a whole bucket takes a whole one.
    ///
    /// # Errors
    /// It has not so much; nothing was taken, and it has so much after this time.
    pub(super) fn take(&mut self, peer: &K, cost: u32, now: Mono) -> Result<(), Duration> {
        let Allowance { burst, per_second } = self.allowance;
        let full = u64::from(burst) * PARTS;
        let per_second = u64::from(per_second.max(1));
        if !self.peers.contains_key(peer) {
            self.make_room();
        }
        let bucket = self.peers.entry(peer.clone()).or_insert(Bucket { parts: full, at: now });
        // Parts are millionths: a microsecond brings as many as a second brings units.
        let passed_us = now.as_micros().saturating_sub(bucket.at.as_micros());
        bucket.parts = bucket.parts.saturating_add(passed_us.saturating_mul(per_second)).min(full);
        bucket.at = bucket.at.max(now);
        let cost = (u64::from(cost) * PARTS).min(full);
        match bucket.parts.checked_sub(cost) {
            Some(left) => {
                bucket.parts = left;
                Ok(())
            }
            None => Err(Duration::from_micros((cost - bucket.parts).div_ceil(per_second))),
        }
    }

    fn make_room(&mut self) {
        if self.peers.len() < PEERS_MAX {
            return;
        }
        let oldest = self.peers.iter().min_by_key(|(_, bucket)| bucket.at).map(|(peer, _)| peer.clone());
        if let Some(oldest) = oldest {
            self.peers.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SLOW: Allowance = Allowance { burst: 3, per_second: 1 };

    fn at(ms: u64) -> Mono {
        Mono::from_millis(ms)
    }

    #[test]
    fn a_burst_goes_through_and_then_one_a_second() {
        let mut buckets = Buckets::new(SLOW);
        for _ in 0..3 {
            assert_eq!(buckets.take(&1, 1, at(0)), Ok(()));
        }
        assert_eq!(buckets.take(&1, 1, at(0)), Err(Duration::from_secs(1)));
        assert_eq!(buckets.take(&1, 1, at(400)), Err(Duration::from_millis(600)));
        assert_eq!(buckets.take(&2, 1, at(400)), Ok(()), "each peer has its own");
        assert_eq!(buckets.take(&1, 1, at(1000)), Ok(()));
    }

    #[test]
    fn a_price_over_the_burst_is_a_whole_bucket() {
        let mut buckets = Buckets::new(SLOW);
        assert_eq!(buckets.take(&1, 10, at(0)), Ok(()));
        assert_eq!(buckets.take(&1, 10, at(0)), Err(Duration::from_secs(3)));
    }

    #[test]
    fn a_crowd_of_peers_takes_no_more_room_than_there_is() {
        let mut buckets = Buckets::new(SLOW);
        for peer in 0..3 * PEERS_MAX {
            assert_eq!(buckets.take(&peer, 1, at(peer as u64)), Ok(()));
            assert!(buckets.peers.len() <= PEERS_MAX);
        }
    }

    proptest! {
        /// Never more than the burst and what came back since, whenever it is asked; and what was promised holds.
        #[test]
        fn nobody_gets_more_than_the_allowance(
            asks in prop::collection::vec((0_u64..3000, 1_u32..5), 1..60),
            burst in 1_u32..6,
            per_second in 1_u32..4,
        ) {
            let mut buckets = Buckets::new(Allowance { burst, per_second });
            let (mut now, mut taken) = (0, 0_u64);
            for (step, cost) in asks {
                now += step;
                let counted = cost.min(burst);
                match buckets.take(&(), cost, at(now)) {
                    Ok(()) => taken += u64::from(counted),
                    Err(wait) => {
                        prop_assert!(!wait.is_zero());
                        now += u64::try_from(wait.as_micros().div_ceil(1000)).unwrap();
                        prop_assert_eq!(buckets.take(&(), cost, at(now)), Ok(()));
                        taken += u64::from(counted);
                    }
                }
                prop_assert!(taken * 1000 <= u64::from(burst) * 1000 + now * u64::from(per_second));
            }
        }
    }
}
