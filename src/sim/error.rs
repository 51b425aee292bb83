//! What keeps an exchange from starting.

use std::io;
use std::path::PathBuf;

/// Why an exchange could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The file has problems; each is a key path and what would be right.
    #[error("the exchange file has {} problem(s): {}", .0.len(), told(.0))]
    File(Vec<(String, String)>),
    /// A modem plays a profile that is not there.
    #[error("modem `{modem}` plays profile `{profile}`, which is not among the profiles")]
    NoProfile {
        /// The modem.
        modem: String,
        /// The name.
        profile: String,
    },
    /// The folder of the ports.
    #[error("the folder `{}` can't be used for ports", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something that is no link of ours stands where a port's link belongs.
    #[error("`{}` is there and is no symbolic link; choose another folder, or remove it", .0.display())]
    Occupied(PathBuf),
    /// Something that is no URL of an exchange stands where that of a port belongs.
    #[error("`{}` is there and holds no URL of a port; choose another folder, or remove it", .0.display())]
    NoUrl(PathBuf),
    /// A pty.
    #[error("no pty could be made for `{port}`")]
    Pty {
        /// For which port.
        port: String,
        /// Why.
        source: io::Error,
    },
    /// A TCP port of this host.
    #[error("no TCP port could be opened for `{port}`")]
    Listen {
        /// For which port.
        port: String,
        /// Why.
        source: io::Error,
    },
    /// No ptys, and no thread for sockets.
    #[error(
        "a virtual exchange with ports needs Linux; on this system it runs in tests alone. Name real ports, or ports over the network, in the bank"
    )]
    NotHere,
    /// The thread, its pipe, or its watch on the ports.
    #[error("the exchange could not be set to work")]
    System(#[source] io::Error),
    /// In memory there are no programs and no second ports.
    #[error("line `{0}` has a program or an answering port; an exchange in memory has neither")]
    NotInMemory(String),
}

fn told(problems: &[(String, String)]) -> String {
    problems.iter().map(|(key, what)| format!("`{key}` {what}")).collect::<Vec<_>>().join("; ")
}
