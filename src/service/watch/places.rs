//! Where a change can change what a path leads to: each link on the way, the file itself, and what is missing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;

/// Links that are followed on the way to one file, as many as Linux follows.
const LINKS_MAX: u32 = 40;

/// The places on the way to some files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// Folders, and the names in them that matter.
    pub(super) names: BTreeMap<PathBuf, BTreeSet<OsString>>,
    /// Folders that are passed through: only they themselves matter.
    pub(super) passed: BTreeSet<PathBuf>,
}

impl Places {
    /// Those of these files, whose paths are absolute, as the way to them is now.
    pub(super) fn of(files: &[PathBuf]) -> Self {
        let mut places = Self::default();
        for file in files {
            places.add(file);
        }
        places
    }

    fn add(&mut self, file: &Path) {
        let mut left: VecDeque<PathBuf> = parts(file);
        let mut at = PathBuf::new();
        let mut links = 0;
        while let Some(part) = left.pop_front() {
            let name = match part.components().next() {
                Some(Component::Normal(name)) => name.to_owned(),
                Some(Component::ParentDir) => {
                    at.pop();
                    continue;
                }
                Some(Component::RootDir | Component::Prefix(_)) => {
                    at.push(&part);
                    continue;
                }
                Some(Component::CurDir) | None => continue,
            };
            let path = at.join(&name);
            let facts = fs::symlink_metadata(&path);
            if facts.as_ref().is_ok_and(fs::Metadata::is_dir) && !left.is_empty() {
                self.passed.insert(path.clone());
                at = path;
                continue;
            }
            self.names.entry(at.clone()).or_default().insert(name);
            let target = facts.ok().filter(fs::Metadata::is_symlink).and_then(|_| fs::read_link(&path).ok());
            // What is no link ends the way: it is the file, or it is in the way, or it is not there.
            let Some(target) = target else { return };
            links += 1;
            if links > LINKS_MAX {
                return;
            }
            if target.is_absolute() {
                at = PathBuf::new();
            }
            for part in parts(&target).into_iter().rev() {
                left.push_front(part);
            }
        }
    }

    /// Whether anything there bears a stamp of `at` or later. Of what is not there its folder's is taken.
    pub(super) fn have_changed_since(&self, at: Timestamp) -> bool {
        self.names.iter().flat_map(|(folder, names)| names.iter().map(move |name| (folder, name))).any(
            |(folder, name)| {
                let facts = fs::symlink_metadata(folder.join(name));
                let facts = facts.or_else(|_| fs::symlink_metadata(folder));
                facts.is_ok_and(|facts| stamp(&facts).is_some_and(|stamp| stamp >= at))
            },
        )
    }
}

fn parts(path: &Path) -> VecDeque<PathBuf> {
    path.components().map(|part| PathBuf::from(part.as_os_str())).collect()
}

/// When a file, or its place, was changed last.
#[cfg(unix)]
fn stamp(facts: &fs::Metadata) -> Option<Timestamp> {
    use std::os::unix::fs::MetadataExt as _;
    // Not the time of its content, which a copy may keep: a renamed file bears the time of its renaming here.
    Timestamp::new(facts.ctime(), i32::try_from(facts.ctime_nsec()).ok()?).ok()
}

#[cfg(not(unix))]
fn stamp(facts: &fs::Metadata) -> Option<Timestamp> {
    facts.modified().ok().and_then(|at| Timestamp::try_from(at).ok())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn each_turn_of_the_way_is_a_place() {
        let stage = tempfile::tempdir().unwrap();
        let root = stage.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("deploy/1/plans")).unwrap();
        fs::write(root.join("deploy/1/plans/nightly.yaml"), "x").unwrap();
        symlink("deploy/1", root.join("now")).unwrap();
        let places =
            Places::of(&[root.join("now/plans/../plans/nightly.yaml"), root.join("gone/too/x.yaml")]);
        let names: Vec<(PathBuf, Vec<OsString>)> =
            places.names.into_iter().map(|(folder, names)| (folder, names.into_iter().collect())).collect();
        assert_eq!(
            names,
            [
                (root.clone(), vec!["gone".into(), "now".into()]),
                (root.join("deploy/1/plans"), vec!["nightly.yaml".into()]),
            ]
        );
        assert!(places.passed.contains(&root.join("deploy/1")) && places.passed.contains(&root));
    }

    #[test]
    fn a_ring_of_links_ends() {
        let stage = tempfile::tempdir().unwrap();
        symlink("b", stage.path().join("a")).unwrap();
        symlink("a", stage.path().join("b")).unwrap();
        let places = Places::of(&[stage.path().join("a")]);
        assert_eq!(places.names.values().map(BTreeSet::len).sum::<usize>(), 2);
    }

    #[test]
    fn what_was_changed_since_is_seen_by_its_stamp() {
        let stage = tempfile::tempdir().unwrap();
        let file = stage.path().join("a");
        fs::write(&file, "x").unwrap();
        let places = Places::of(&[file]);
        let about = stamp(&fs::metadata(stage.path().join("a")).unwrap()).unwrap();
        assert!(places.have_changed_since(about));
        assert!(!places.have_changed_since(about + std::time::Duration::from_millis(1)));
    }
}
