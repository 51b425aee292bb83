//! The digest machine: examples, and its promises over any course of events.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn failure(line: &str) -> Failure {
    Failure {
        line: line.parse().unwrap(),
        site: "BR1".parse().unwrap(),
        number: "+1 919 555 0101".parse().unwrap(),
        fault: Fault::Busy,
        detail: String::new(),
        at: Timestamp::UNIX_EPOCH,
    }
}

fn at(seconds: u64) -> Mono {
    Mono::ZERO + Duration::from_secs(seconds)
}

fn limits(every_s: u64, max_messages: u32) -> Limits {
    Limits { every: Duration::from_secs(every_s), max_messages, ..Limits::default() }
}

fn lines(batch: &Batch) -> Vec<&str> {
    batch.failures.iter().map(|failure| failure.line.as_str()).collect()
}

#[test]
fn what_comes_together_is_told_together_and_what_comes_later_waits() {
    let mut digest = Digest::new(limits(600, 5));
    assert_eq!(digest.due(), None);
    digest.failed(at(100), failure("A"));
    digest.failed(at(110), failure("B"));
    assert_eq!(digest.due(), Some(at(130)), "half a minute after the first");
    assert_eq!(digest.take(at(129)), None);
    assert_eq!(lines(&digest.take(at(130)).unwrap()), ["A", "B"]);
    digest.failed(at(200), failure("C"));
    assert_eq!(digest.due(), Some(at(730)), "ten minutes after the first message");
    assert_eq!(lines(&digest.take(at(800)).unwrap()), ["C"]);
    assert_eq!(digest.take(at(9000)), None);
}

#[test]
fn a_withdrawn_failure_is_forgotten_or_taken_back() {
    let mut digest = Digest::new(limits(60, 5));
    digest.failed(at(0), failure("A"));
    digest.withdrawn(at(1), &"A".parse().unwrap(), "m1 is bad");
    assert_eq!(digest.due(), None, "nobody knows of it");
    digest.failed(at(2), failure("B"));
    assert_eq!(lines(&digest.take(at(32)).unwrap()), ["B"]);
    digest.withdrawn(at(40), &"B".parse().unwrap(), "m1 is bad");
    digest.withdrawn(at(41), &"C".parse().unwrap(), "never told");
    let batch = digest.take(at(100)).unwrap();
    assert_eq!((lines(&batch).len(), batch.withdrawn.len(), batch.withdrawn[0].line.as_str()), (0, 1, "B"));
    // It fails after all, and again it does not: the second word is never the last.
    digest.failed(at(200), failure("B"));
    digest.take(at(300)).unwrap();
    digest.withdrawn(at(301), &"B".parse().unwrap(), "m2 is bad");
    digest.failed(at(302), failure("B"));
    digest.withdrawn(at(303), &"B".parse().unwrap(), "m3 is bad");
    assert_eq!(digest.finish().withdrawn[0].why, "m3 is bad");
}

#[test]
fn what_did_not_get_through_is_in_the_next_message_and_beyond_the_most_nothing_is_sent() {
    let mut digest = Digest::new(limits(60, 2));
    digest.failed(at(0), failure("A"));
    let lost = digest.take(at(30)).unwrap();
    digest.failed(at(35), failure("B"));
    digest.undelivered(at(40), lost);
    assert_eq!(lines(&digest.take(at(90)).unwrap()), ["A", "B"]);
    digest.failed(at(100), failure("C"));
    assert_eq!(digest.due(), None);
    assert_eq!(lines(&digest.finish()), ["C"]);
}

#[derive(Debug, Clone)]
enum Step {
    Fails(u8),
    Withdrawn(u8),
    Take { delivered: bool },
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..6_u8).prop_map(Step::Fails),
        (0..6_u8).prop_map(Step::Withdrawn),
        any::<bool>().prop_map(|delivered| Step::Take { delivered }),
        (1..400_u64).prop_map(Step::Pass),
    ]
}

proptest! {
    /// Never more often than asked for, never more than the most, and whoever reads all messages and the last word knows
    /// which lines fail.
    #[test]
    fn no_flood_and_nothing_lost(
        every in 0..300_u64,
        most in 0..6_u32,
        steps in prop::collection::vec(step(), 0..80),
    ) {
        let mut digest = Digest::new(limits(every, most));
        let (mut now, mut sent) = (0, Vec::new());
        let mut truth: BTreeMap<String, bool> = BTreeMap::new();
        let mut reader: BTreeMap<String, bool> = BTreeMap::new();
        let read = |reader: &mut BTreeMap<String, bool>, batch: &Batch| {
            for failure in &batch.failures {
                reader.insert(failure.line.to_string(), true);
            }
            for withdrawn in &batch.withdrawn {
                assert_eq!(reader.insert(withdrawn.line.to_string(), false), Some(true), "taken back, and never told");
            }
        };
        for step in steps {
            match step {
                Step::Pass(seconds) => now += seconds,
                // A line fails once before it is withdrawn, as the scheduler has it.
                Step::Fails(n) if !truth.get(&format!("L{n}")).copied().unwrap_or(false) => {
                    truth.insert(format!("L{n}"), true);
                    digest.failed(at(now), failure(&format!("L{n}")));
                }
                Step::Withdrawn(n) if truth.get(&format!("L{n}")).copied().unwrap_or(false) => {
                    truth.insert(format!("L{n}"), false);
                    digest.withdrawn(at(now), &format!("L{n}").parse().unwrap(), "why");
                }
                Step::Fails(_) | Step::Withdrawn(_) => {}
                Step::Take { delivered } => if let Some(batch) = digest.take(at(now)) {
                    prop_assert!(!batch.is_empty());
                    sent.push(now);
                    if delivered { read(&mut reader, &batch) } else { digest.undelivered(at(now), batch) }
                },
            }
        }
        prop_assert!(sent.len() <= most as usize);
        prop_assert!(sent.windows(2).all(|pair| pair[1] - pair[0] >= every), "{sent:?}");
        read(&mut reader, &digest.finish());
        truth.retain(|_, fails| *fails);
        reader.retain(|_, fails| *fails);
        prop_assert_eq!(truth, reader);
    }
}
