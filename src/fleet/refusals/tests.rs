use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn when() -> Timestamp {
    "2026-11-21T02:00:00Z".parse().unwrap()
}

fn plan() -> PlanName {
    "nightly".parse().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_refused_secret_is_known_to_the_next_run_until_it_changes_or_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/refused.json");
    let mut first = Refusals::open(&path).unwrap();
    assert!(!first.is_refused("oob", &secret("hunter2")));
    first.remember("oob", &secret("hunter2"), when(), &plan()).unwrap();
    first.remember("oob", &secret("hunter2"), when(), &plan()).unwrap();

    let mut second = Refusals::open(&path).unwrap();
    assert_eq!(second.refused.len(), 1, "the same secret is remembered once");
    assert!(second.is_refused("oob", &secret("hunter2")));
    assert!(!second.is_refused("oob", &secret("hunter3")), "a changed secret is a new one");
    assert!(second.is_refused("OOB", &secret("hunter2")), "the same account, to most who keep accounts");
    assert!(!second.is_refused("admin", &secret("hunter2")), "another account is another guard");
    assert_eq!(
        second.find("oob", &secret("hunter2")).map(|r| (r.when, r.plan.clone())),
        Some((when(), plan()))
    );

    assert_eq!(second.forget("oob").unwrap(), 1);
    assert_eq!(second.forget("oob").unwrap(), 0);
    assert!(!Refusals::open(&path).unwrap().is_refused("oob", &secret("hunter2")));
}

#[test]
fn the_file_is_ours_alone_and_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refused.json");
    let mut memory = Refusals::open(&path).unwrap();
    memory.remember("oob", &secret("hunter2"), when(), &plan()).unwrap();
    assert_eq!(mode(&path), 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("hunter2") && text.contains("$argon2id$"), "{text}");
    assert!(!format!("{memory:?}").contains("hunter2"));
    memory.remember("oob", &secret("hunter3"), when(), &plan()).unwrap();
    assert_eq!(mode(&path), 0o600, "a rewritten file keeps its mode");
}

#[test]
fn the_same_secret_has_a_new_salt_each_time() {
    assert_ne!(hash(&secret("hunter2")).unwrap(), hash(&secret("hunter2")).unwrap());
}

#[test]
fn what_another_run_wrote_meanwhile_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refused.json");
    let (mut one, mut other) = (Refusals::open(&path).unwrap(), Refusals::open(&path).unwrap());
    one.remember("oob", &secret("a"), when(), &plan()).unwrap();
    other.remember("admin", &secret("b"), when(), &plan()).unwrap();
    let both = Refusals::open(&path).unwrap();
    assert!(both.is_refused("oob", &secret("a")) && both.is_refused("admin", &secret("b")));
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refused.json");
    Refusals::open(&path).unwrap().remember("oob", &secret("a"), when(), &plan()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = Refusals::open(&path).unwrap_err().to_string();
    assert!(error.contains("mode 0640") && error.contains("chmod 600"), "{error}");
}

#[test]
fn a_damaged_file_is_told_and_never_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refused.json");
    let entry = |hash: &str| {
        format!(
            r#"{{"format":1,"refused":[{{"username":"oob","hash":"{hash}","when":"2026-11-21T02:00:00Z","plan":"p"}}]}}"#
        )
    };
    let dear =
        "$argon2id$v=19$m=4194304,t=9,p=1$c2FsdHNhbHRzYWx0c2E$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
    for (text, told) in [
        (String::new(), "line 1"),
        ("{\"format\":1,\"refused\":[{\"user".to_owned(), "line 1"),
        (r#"{"format":1,"refused":[],"more":1}"#.to_owned(), "unknown field `more`"),
        (entry("hunter2"), "entry 1 holds no hash of ours"),
        (entry(dear), "entry 1 holds no hash of ours"),
    ] {
        fs::write(&path, &text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let error = Refusals::open(&path).unwrap_err();
        assert!(matches!(error, RefusalsError::Damaged { .. }), "{text}: {error}");
        let error = error.to_string();
        assert!(
            error.contains(told) && error.contains("restore it") && !error.contains("hunter2"),
            "{error}"
        );
    }
    let mut good = Refusals { path: path.clone(), refused: Vec::new(), changes: 0 };
    assert!(good.remember("oob", &secret("a"), when(), &plan()).is_err(), "it was overwritten");
    assert_eq!(fs::read_to_string(&path).unwrap(), entry(dear));
}

#[test]
fn a_newer_format_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refused.json");
    fs::write(&path, r#"{"format":2,"secrets":{}}"#).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let error = Refusals::open(&path).unwrap_err();
    assert!(matches!(error, RefusalsError::Newer { format: 2, .. }), "{error}");
}
