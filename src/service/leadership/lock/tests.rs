//! Two that want one lock: one is the primary, the other follows when it can, and nobody waits by looking again and again.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::{Leader as _, Lock, Role, Standing};

/// What comes later than this does not come.
const LIMIT: Duration = Duration::from_secs(20);

async fn becomes(watch: &mut watch::Receiver<Standing>, role: Role) -> String {
    let reached = timeout(LIMIT, watch.wait_for(|standing| standing.role == role)).await;
    let why = reached.ok().and_then(Result::ok).map(|standing| standing.why.clone());
    why.unwrap_or_else(|| panic!("never became {role}: {:?}", *watch.borrow()))
}

fn lock(path: &Path) -> (Lock, watch::Receiver<Standing>) {
    let lock = Lock::new(path);
    let watch = lock.watch();
    (lock, watch)
}

#[tokio::test]
async fn the_second_follows_when_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lineman.lock");
    let (first, mut one) = lock(&path);
    becomes(&mut one, Role::Primary).await;
    let (_second, mut two) = lock(&path);
    let why = becomes(&mut two, Role::Secondary).await;
    let me = format!("process {}", std::process::id());
    assert!(why.contains(&me) && why.contains("lineman.lock"), "{why}");
    drop(first);
    becomes(&mut two, Role::Primary).await;
}

#[tokio::test]
async fn a_lock_whose_file_is_replaced_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lineman.lock");
    let (_first, mut one) = lock(&path);
    becomes(&mut one, Role::Primary).await;
    let new = folder.path().join("new");
    fs::write(&new, "").unwrap();
    fs::rename(&new, &path).unwrap();
    let why = becomes(&mut one, Role::Secondary).await;
    assert!(why.contains("replaced"), "{why}");
    // It comes back to it, after its peers have had their turn.
    becomes(&mut one, Role::Primary).await;
}

#[tokio::test]
async fn the_peer_that_waits_has_the_lock_when_its_file_was_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lineman.lock");
    let (_first, mut one) = lock(&path);
    becomes(&mut one, Role::Primary).await;
    let (_second, mut two) = lock(&path);
    becomes(&mut two, Role::Secondary).await;
    fs::remove_file(&path).unwrap();
    becomes(&mut one, Role::Secondary).await;
    becomes(&mut two, Role::Primary).await;
    assert_eq!(one.borrow().role, Role::Secondary);
}

#[tokio::test]
async fn what_happens_beside_it_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lineman.lock");
    let (_first, mut one) = lock(&path);
    becomes(&mut one, Role::Primary).await;
    one.mark_unchanged();
    fs::write(folder.path().join("other"), "x").unwrap();
    fs::write(&path, "somebody writes into it").unwrap();
    fs::remove_file(folder.path().join("other")).unwrap();
    let (_second, mut two) = lock(&path);
    let why = becomes(&mut two, Role::Secondary).await;
    assert!(why.contains("somebody writes into it"), "{why}");
    assert!(!one.has_changed().unwrap());
}

#[tokio::test]
async fn a_lock_that_can_not_be_had_makes_nobody_a_primary() {
    let folder = tempfile::tempdir().unwrap();
    let (_lock, mut watch) = lock(&folder.path().join("no/such/folder/lineman.lock"));
    let told = timeout(LIMIT, watch.wait_for(|standing| standing.why.contains("can't be had"))).await;
    assert_eq!(told.unwrap().unwrap().role, Role::None);
}
