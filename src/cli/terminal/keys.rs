//! Reads the technician's keys while a console is handed over: a thread that waits for a key or for its own end, and that
//! waits for the line where keys come faster than it takes them.

use std::io::{PipeReader, PipeWriter, pipe, stdin};
use std::os::fd::AsFd as _;
use std::thread::JoinHandle;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::sync::mpsc::Sender;

use super::escape::{Escape, Typed};
use super::raw;
use crate::call::live::{Back, KEYS_MAX, Key};

/// What `~?` shows.
const HELP: &str =
    "\r\n--- Ctrl-] or ~. gives the console back; ~~ types ~, and ~ with Ctrl-] behind it Ctrl-]";

/// A console has the keys. Once this is dropped the terminal is as it was.
pub(super) struct Hands {
    /// Its end tells the thread to end.
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Hands {
    /// Puts them on.
    ///
    /// # Errors
    /// The terminal takes no raw mode, or no thread could be had.
    pub(super) fn on(keys: Sender<Key>) -> std::io::Result<Self> {
        let (stopped, stop) = pipe()?;
        raw::begin()?;
        let thread = std::thread::Builder::new().name("keys".to_owned()).spawn(move || read(&stopped, &keys));
        match thread {
            Ok(thread) => Ok(Self { stop: Some(stop), thread: Some(thread) }),
            Err(error) => {
                raw::restore();
                Err(error)
            }
        }
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        self.stop = None;
        raw::restore();
        // It ends by itself: a key that waits for the line is not waited for.
        drop(self.thread.take());
    }
}

fn read(stopped: &PipeReader, keys: &Sender<Key>) {
    let mut escape = Escape::new();
    let mut buffer = [0; 1024];
    loop {
        let input = stdin();
        let mut waits =
            [PollFd::new(input.as_fd(), PollFlags::POLLIN), PollFd::new(stopped.as_fd(), PollFlags::POLLIN)];
        match poll(&mut waits, PollTimeout::NONE) {
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => continue,
            Err(_) => return give_back(keys, Back::TerminalGone),
        }
        let has = |wait: &PollFd<'_>| wait.revents().is_some_and(|events| !events.is_empty());
        if has(&waits[1]) {
            return;
        }
        if !has(&waits[0]) {
            continue;
        }
        // Nobody else reads it, and it is ready; its lock buffers nothing that is not asked for in one piece.
        let got = match nix::unistd::read(input.as_fd(), &mut buffer) {
            Ok(0) => return give_back(keys, Back::TerminalGone),
            Ok(got) => got,
            Err(nix::errno::Errno::EINTR | nix::errno::Errno::EAGAIN) => continue,
            Err(_) => return give_back(keys, Back::TerminalGone),
        };
        for typed in escape.take(&buffer[..got]) {
            match typed {
                Typed::Send(bytes) => {
                    for piece in bytes.chunks(KEYS_MAX) {
                        if keys.blocking_send(Key::Typed(piece.to_vec())).is_err() {
                            return;
                        }
                    }
                }
                Typed::Help => super::aside(HELP),
                Typed::Back => return give_back(keys, Back::Escape),
            }
        }
    }
}

fn give_back(keys: &Sender<Key>, why: Back) {
    let _ = keys.blocking_send(Key::Back(why));
}
