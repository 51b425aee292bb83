//! Where requests come in: the TCP port and the control socket, opened.

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::Path;
use std::path::PathBuf;

use tokio::net::TcpListener;

/// Connections that may wait to be taken.
const BACKLOG: u32 = 1024;

/// Why a door could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The port.
    #[error("nothing can listen on {address}: {source}")]
    Port {
        /// Where.
        address: SocketAddr,
        /// As the system says it.
        source: io::Error,
    },
    /// The control socket.
    #[error("the control socket `{path}` could not be made: {source}")]
    Socket {
        /// Where.
        path: PathBuf,
        /// As the system says it.
        source: io::Error,
    },
    /// Somebody answers there.
    #[error("another daemon has the control socket `{path}`; name another with `socket:`, or stop that one")]
    Taken {
        /// Where.
        path: PathBuf,
    },
}

/// Listens on a port.
pub(super) fn port(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let open = || {
        let socket = match address {
            SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4(),
            SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6(),
        }?;
        // A daemon that was just stopped leaves its port to the next one; elsewhere the word means something else.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|source| ListenError::Port { address, source })
}

/// A control socket; it is taken away when this is dropped.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct ControlSocket {
    /// What takes connections.
    pub(super) listener: tokio::net::UnixListener,
    path: PathBuf,
    inode: Option<u64>,
}

#[cfg(unix)]
impl ControlSocket {
    /// Makes it, open to its owner and group. A leftover of a daemon that is no more is replaced.
    pub(super) fn open(path: &Path) -> Result<Self, ListenError> {
        use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};

        let trouble = |source| ListenError::Socket { path: path.to_owned(), source };
        match std::fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(trouble(io::Error::other("something that is no socket stands there")));
            }
            Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
                return Err(ListenError::Taken { path: path.to_owned() });
            }
            _ => {}
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(trouble)?;
        }
        // It gets its mode before anybody can find it by its name.
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let early = path.with_file_name(name);
        let made = || {
            match std::fs::remove_file(&early) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = tokio::net::UnixListener::bind(&early)?;
            std::fs::set_permissions(&early, std::fs::Permissions::from_mode(0o660))?;
            std::fs::rename(&early, path)?;
            Ok(listener)
        };
        let listener = made().map_err(trouble)?;
        let inode = std::fs::symlink_metadata(path).ok().map(|found| found.ino());
        Ok(Self { listener, path: path.to_owned(), inode })
    }
}

#[cfg(unix)]
impl Drop for ControlSocket {
    fn drop(&mut self) {
        use std::os::unix::fs::MetadataExt;

        // Another daemon may have put its own there meanwhile.
        let found = std::fs::symlink_metadata(&self.path).ok().map(|found| found.ino());
        if found.is_some() && found == self.inode {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn a_socket_is_for_owner_and_group_and_goes_with_its_daemon() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("run").join("control.sock");
        let socket = ControlSocket::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        assert!(matches!(ControlSocket::open(&path), Err(ListenError::Taken { .. })));
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_leftover_is_replaced_and_a_file_is_not() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("control.sock");
        // As after kill -9: the name stays, and nobody listens.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let first = ControlSocket::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let second = ControlSocket::open(&path).unwrap();
        drop(first);
        assert!(path.exists(), "it is the second one's");
        drop(second);
        std::fs::write(&path, "mine").unwrap();
        assert!(ControlSocket::open(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    }
}
