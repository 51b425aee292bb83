//! The example plan: that of the tree we stand in, else the copy that is built in.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Failure;

/// Where the example plan lies in the tree.
pub(super) const PLAN: &str = "dialplans/example.yaml";
/// Where its runs are written, unless `--reports` says otherwise.
pub(super) const REPORTS: &str = "reports/demo";

/// The files of the example that are not looked up by name, and so must lie beside each other.
const FILES: [(&str, &str); 3] = [
    (PLAN, include_str!("../../dialplans/example.yaml")),
    ("hardware/banks/demo.yaml", include_str!("../../hardware/banks/demo.yaml")),
    ("hardware/exchanges/demo.yaml", include_str!("../../hardware/exchanges/demo.yaml")),
];

/// The example plan's file; the folder around it lives as long as this.
#[derive(Debug)]
pub(super) struct Example {
    pub(super) plan: PathBuf,
    _unpacked: Option<TempDir>,
}

impl Example {
    /// Finds it, or unpacks it.
    ///
    /// # Errors
    /// It can't be unpacked.
    pub(super) fn find() -> Result<Self, Failure> {
        if Path::new(PLAN).is_file() {
            return Ok(Self { plan: PathBuf::from(PLAN), _unpacked: None });
        }
        Self::unpack().map_err(|error| Failure::wrong(format!("the example plan can't be unpacked: {error}")))
    }

    fn unpack() -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("lineman-example-").tempdir()?;
        for (name, text) in FILES {
            let path = folder.path().join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(path, text)?;
        }
        Ok(Self { plan: folder.path().join(PLAN), _unpacked: Some(folder) })
    }
}
