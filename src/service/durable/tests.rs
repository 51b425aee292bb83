//! The state file: what is kept comes back, a damaged one stops everything, a later one is not written over.

use std::fs;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn some() -> Durable {
    let word = || Some(Word { why: "cable work".to_owned(), since: now(), until: Some(now()) });
    let memory = PlanMemory {
        holds: Holds { disabled: word(), stopped: word(), drained: word(), paused: word() },
        lines: BTreeMap::from([("A".parse().unwrap(), word().unwrap())]),
        schedule: "`0 2 * * *` in UTC".to_owned(),
        dealt_with: Some(now()),
        demanded: Some(now()),
        running: Some(Running {
            run: "20261122T020000Z-night".parse().unwrap(),
            due: Some(now()),
            begun: now(),
            until: now(),
            deaths: 3,
        }),
        last: Some(LastRun {
            run: "20261121T020000Z-night".parse().unwrap(),
            ended: now(),
            completed: true,
            counts: BTreeMap::from([("pass".to_owned(), 7)]),
        }),
    };
    Durable {
        format: FORMAT,
        emergency: word(),
        daemon: Holds { paused: word(), ..Holds::default() },
        plans: BTreeMap::from([("night".parse().unwrap(), memory)]),
        modems: BTreeMap::from([(
            "hq".parse().unwrap(),
            BTreeMap::from([("m0".parse().unwrap(), word().unwrap())]),
        )]),
    }
}

#[test]
fn what_is_kept_comes_back_and_nothing_else_is_left_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/hq.json");
    assert_eq!(load(&path, now()).unwrap(), Restored { state: Durable::default(), damaged: None });
    store(&path, &Durable::default()).unwrap();
    store(&path, &some()).unwrap();
    assert_eq!(load(&path, now()).unwrap(), Restored { state: some(), damaged: None });
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn a_damaged_file_is_set_aside_and_everything_is_stopped() {
    let whole = serde_json::to_vec(&some()).unwrap();
    for bad in [&b""[..], b"{", b"[]", b"\xff\xfe", &whole[..whole.len() / 2], b"{\"format\": 0}"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hq.json");
        fs::write(&path, bad).unwrap();
        let restored = load(&path, now()).unwrap();
        let why = restored.state.emergency.unwrap().why;
        assert!(why.contains("is damaged") && why.contains("hq.damaged-20261122T120000Z.json"), "{why}");
        assert!(restored.damaged.is_some() && !path.exists());
        assert_eq!(fs::read(folder.path().join("hq.damaged-20261122T120000Z.json")).unwrap(), bad);
    }
}

#[test]
fn a_later_form_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hq.json");
    for later in ["{\"format\": 2}", "{\"format\": 2, \"plans\": 7}"] {
        fs::write(&path, later).unwrap();
        let said = load(&path, now()).unwrap_err().to_string();
        assert!(said.contains("a later lineman wrote it"), "{said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), later);
    }
}

#[test]
fn a_state_that_can_not_be_written_is_told_and_the_old_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hq.json");
    fs::write(folder.path().join("no-folder"), "").unwrap();
    let said = store(&folder.path().join("no-folder/hq.json"), &some()).unwrap_err().to_string();
    assert!(said.contains("can't be written"), "{said}");
    store(&path, &some()).unwrap();
    assert_eq!(load(&path, now()).unwrap().state, some());
}

proptest! {
    #[test]
    fn no_bytes_make_it_fall_over(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hq.json");
        fs::write(&path, &bytes).unwrap();
        let _ = load(&path, now());
        let mut whole = serde_json::to_vec(&some()).unwrap();
        let at = cut.index(whole.len());
        whole[at] = byte;
        fs::write(&path, &whole).unwrap();
        let _ = load(&path, now());
    }
}
