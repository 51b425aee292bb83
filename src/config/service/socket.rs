//! Where a daemon's control socket may be, by its file: read leniently, since a daemon is asked above all when its file is
//! wrong.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::written::{SOCKET, default_state};
use crate::config::problem::Problems;
use crate::config::source::beside;
use crate::config::yaml;

/// What systemd makes of `RuntimeDirectory=lineman`.
const RUNTIME: &str = "/run/lineman";

/// What is wanted of the file.
#[derive(Debug, Deserialize)]
struct Loose {
    socket: Option<String>,
    state: Option<String>,
}

/// Where the control socket may be, the likeliest first; none where the file says that there is none.
///
/// # Errors
/// The file can't be read at all.
pub fn sockets(path: &Path, env: &dyn Fn(&str) -> Option<OsString>) -> Result<Vec<PathBuf>, Problems> {
    let yaml::Decoded { value, doc } = yaml::read::<Loose>(path);
    let Some(file) = value else { return Err(doc.into_problems().in_order()) };
    Ok(match (file.socket.as_deref().map(str::trim), file.state) {
        (Some("none"), _) => Vec::new(),
        (Some(text), _) => vec![beside(path, text)],
        (None, Some(state)) => vec![beside(path, state.trim()).join(SOCKET), Path::new(RUNTIME).join(SOCKET)],
        (None, None) => unnamed(env),
    })
}

/// Where the control socket of a daemon may be of which nothing is known.
pub fn unnamed(env: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let mut places = vec![Path::new(RUNTIME).join(SOCKET)];
    places.extend(default_state(env).map(|state| state.join(SOCKET)));
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<PathBuf> {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("lineman.yaml");
        std::fs::write(&path, text).unwrap();
        let found = sockets(&path, &|name| (name == "HOME").then(|| "/home/me".into())).unwrap();
        found.iter().map(|found| found.strip_prefix(folder.path()).unwrap_or(found).to_owned()).collect()
    }

    #[test]
    fn a_file_that_is_wrong_elsewhere_still_says_where_its_socket_is() {
        assert_eq!(of("socket: run/x.sock\nplans: 7\nnonsense: true\n"), [Path::new("run/x.sock")]);
        assert_eq!(of("state: st\n"), [Path::new("st/control.sock"), Path::new("/run/lineman/control.sock")]);
        assert_eq!(of("socket: none\n"), Vec::<PathBuf>::new());
        let unnamed = of("service: hq\n");
        assert_eq!(unnamed[0], Path::new("/run/lineman/control.sock"));
        assert!(unnamed[1].starts_with("/home/me"), "{unnamed:?}");
    }
}
