//! Changes as editors and deployments make them, on a real file system. Waits are for a word, with a limit.

use std::fs;
use std::path::Path;

use super::*;

/// Longest wait for a word that must come.
const LIMIT: Duration = Duration::from_secs(20);

/// Long before all files of these tests.
const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;

/// A watch over these files, as they are now.
fn watching(files: &[PathBuf]) -> Watch {
    let mut watch = Watch::new();
    watch.follow(files.iter().cloned(), Timestamp::MAX);
    watch
}

async fn is_told(watch: &mut Watch) -> bool {
    tokio::time::timeout(LIMIT, watch.next()).await.is_ok()
}

/// Nothing is told of what was done just before, for as long as a word of it may take.
async fn is_not_told(watch: &mut Watch) -> bool {
    tokio::time::timeout(TOLD_WITHIN, watch.next()).await.is_err()
}

fn replace(file: &Path, text: &str) {
    let new = file.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(&new, file).unwrap();
}

#[tokio::test]
async fn a_file_that_is_written_replaced_removed_or_put_back_is_told() {
    let stage = tempfile::tempdir().unwrap();
    let file = stage.path().join("lineman.yaml");
    fs::write(&file, "a").unwrap();
    let mut watch = watching(std::slice::from_ref(&file));
    fs::write(&file, "b").unwrap();
    assert!(is_told(&mut watch).await, "written");
    replace(&file, "c");
    assert!(is_told(&mut watch).await, "replaced");
    replace(&file, "d");
    assert!(is_told(&mut watch).await, "replaced a second time");
    fs::remove_file(&file).unwrap();
    assert!(is_told(&mut watch).await, "removed");
    fs::write(&file, "e").unwrap();
    assert!(is_told(&mut watch).await, "put back");
}

#[tokio::test]
async fn many_changes_are_told_once_and_others_never() {
    let stage = tempfile::tempdir().unwrap();
    let file = stage.path().join("lineman.yaml");
    fs::write(&file, "a").unwrap();
    let mut watch = watching(std::slice::from_ref(&file));
    for n in 0..20 {
        fs::write(&file, n.to_string()).unwrap();
        replace(&file, "x");
    }
    assert!(is_told(&mut watch).await);
    fs::write(stage.path().join(".lineman.yaml.swp"), "x").unwrap();
    fs::read(&file).unwrap();
    fs::read_dir(stage.path()).unwrap().count();
    assert!(is_not_told(&mut watch).await);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_that_is_swapped_is_told_and_what_it_leads_to_is_watched() {
    use std::os::unix::fs::symlink;
    let stage = tempfile::tempdir().unwrap();
    // As Kubernetes mounts a ConfigMap: `lineman.yaml` leads through `..data`, which leads to a folder by its time.
    for version in ["1", "2"] {
        fs::create_dir(stage.path().join(version)).unwrap();
        fs::write(stage.path().join(version).join("lineman.yaml"), version).unwrap();
    }
    symlink("1", stage.path().join("..data")).unwrap();
    symlink("..data/lineman.yaml", stage.path().join("lineman.yaml")).unwrap();
    let file = stage.path().join("lineman.yaml");
    let mut watch = watching(std::slice::from_ref(&file));
    symlink("2", stage.path().join("..data_tmp")).unwrap();
    fs::rename(stage.path().join("..data_tmp"), stage.path().join("..data")).unwrap();
    assert!(is_told(&mut watch).await, "swapped");
    assert_eq!(fs::read_to_string(&file).unwrap(), "2");
    fs::write(stage.path().join("1/lineman.yaml"), "old").unwrap();
    assert!(is_not_told(&mut watch).await, "nothing leads there any more");
    fs::write(stage.path().join("2/lineman.yaml"), "new").unwrap();
    assert!(is_told(&mut watch).await, "what it leads to now");
}

#[tokio::test]
async fn a_folder_that_goes_and_comes_back_is_told_both_times() {
    let stage = tempfile::tempdir().unwrap();
    let folder = stage.path().join("etc/lineman/plans");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("nightly.yaml");
    fs::write(&file, "a").unwrap();
    let mut watch = watching(std::slice::from_ref(&file));
    // The folder two above is moved away: nothing happens in the file's own.
    fs::rename(stage.path().join("etc"), stage.path().join("etc.old")).unwrap();
    assert!(is_told(&mut watch).await, "moved away");
    fs::create_dir_all(&folder).unwrap();
    fs::write(&file, "b").unwrap();
    assert!(is_told(&mut watch).await, "put back");
    // The word may have been for the folder; then there is one more for the file, or it was one for both.
    let _ = tokio::time::timeout(TOLD_WITHIN, watch.next()).await;
    replace(&file, "c");
    assert!(is_told(&mut watch).await, "watched again");
    fs::remove_dir_all(stage.path().join("etc")).unwrap();
    assert!(is_told(&mut watch).await, "removed");
}

#[tokio::test]
async fn a_change_between_the_reading_and_the_watch_is_told() {
    let stage = tempfile::tempdir().unwrap();
    let file = stage.path().join("lineman.yaml");
    fs::write(&file, "a").unwrap();
    let mut watch = Watch::new();
    watch.follow([file.clone()], LONG_AGO);
    assert!(is_told(&mut watch).await);
    // A later watch over other files takes the place of the first.
    let other = stage.path().join("other.yaml");
    watch.follow([other.clone()], Timestamp::MAX);
    fs::write(&file, "b").unwrap();
    assert!(is_not_told(&mut watch).await);
    fs::write(&other, "b").unwrap();
    assert!(is_told(&mut watch).await);
}
