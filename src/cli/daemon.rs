//! The daemon that a command asks: found by what was typed, else where daemons usually are.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::Failure;
use super::args::Daemon;
use crate::config::credentials::{self, CredentialSource, Outside, PlannedCredential};
use crate::config::problem::Place as Written;
use crate::config::service::socket::{sockets, unnamed};
use crate::service::http::client::{Client, Place};

/// Where to write it where no daemon was named, and none is found.
const HINT: &str = "name one with --config FILE, --socket PATH or --url URL";

/// Whether one was named.
pub(super) const fn is_named(daemon: &Daemon) -> bool {
    daemon.config.is_some() || daemon.socket.is_some() || daemon.url.is_some()
}

/// What asks it.
///
/// # Errors
/// Two are named, or the one that is named has no socket, or its token can't be read.
pub(super) async fn client(daemon: &Daemon) -> Result<Client, Failure> {
    if daemon.url.is_none() && (daemon.token_file.is_some() || daemon.ca.is_some()) {
        return Err(Failure::wrong(
            "--token-file and --ca are for --url; the control socket asks for neither",
        ));
    }
    // What is typed counts before what the environment says, which clap does not tell apart.
    if let Some(url) = &daemon.url {
        if daemon.config.is_some() {
            return Err(Failure::wrong("--config and --url name two daemons; name one"));
        }
        let token = match &daemon.token_file {
            Some(path) => Some(token(path).await?),
            None => None,
        };
        return Ok(Client::new(Place::Url(url.clone()), token, daemon.ca.clone()));
    }
    let socket = match (&daemon.config, &daemon.socket) {
        (Some(config), _) => {
            let places = sockets(config, &|name| std::env::var_os(name)).map_err(Failure::wrong)?;
            first(&places).ok_or_else(|| {
                Failure::wrong(format!("{} says `socket: none`; ask its daemon with --url", config.display()))
            })?
        }
        (None, Some(socket)) => socket.clone(),
        (None, None) => {
            first(&unnamed(&|name| std::env::var_os(name))).ok_or_else(|| Failure::wrong(HINT))?
        }
    };
    Ok(Client::new(Place::Socket(socket), None, None))
}

/// The first that is there; else the first, for what is said of it.
fn first(places: &[PathBuf]) -> Option<PathBuf> {
    places.iter().find(|place| place.exists()).or(places.first()).cloned()
}

async fn token(path: &Path) -> Result<SecretString, Failure> {
    let name = path.display().to_string();
    let wrong = |why: String| Failure::wrong(format!("--token-file: {}", why.replace("password", "token")));
    let planned = PlannedCredential {
        username: String::new(),
        source: CredentialSource::File(path.to_owned()),
        prove_on: None,
        at: Written::default(),
    };
    let mut outside = Outside {
        env: &|name| std::env::var_os(name),
        prompt: &mut |_| Err(std::io::Error::other("it is in a file")),
    };
    let id = "token".parse().map_err(|_| Failure::wrong("no name"))?;
    let resolved =
        credentials::resolve(&id, &planned, &mut outside).await.map_err(|error| wrong(error.to_string()))?;
    resolved.password.ok_or_else(|| wrong(format!("`{name}` is empty")))
}
