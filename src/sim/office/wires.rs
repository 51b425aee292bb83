//! Ports that are served over RFC 2217, as the exchange's thread sees them: a client that comes or goes is DTR to the
//! modem, unless the server's manners are others.

use nix::poll::PollFlags;

use crate::model::Mono;

use super::worker::{Face, Worker};
use crate::sim::exchange::Input;
use crate::sim::log::{Entry, What};
use crate::sim::rfc2217::Event;

impl Worker {
    /// Somebody calls a port.
    pub(super) fn serve_caller(&mut self, port: usize) {
        // A client that has gone and comes again at once must find the port free.
        self.serve_client(port, PollFlags::POLLIN);
        let now = self.clock.now();
        let Some(server) = self.ports[port].wire() else { return };
        if server.accept(now) {
            let raises_dtr = server.drops_dtr();
            self.handle(now, Input::Opened(port));
            if raises_dtr {
                self.handle(now, Input::Dtr(port, true));
            }
        }
    }

    /// A client says something, takes more, or goes.
    pub(super) fn serve_client(&mut self, port: usize, flags: PollFlags) {
        let Some(server) = self.ports[port].wire() else { return };
        let heard = server.serve(flags);
        let (name, drops_dtr) = (server.name().to_owned(), server.drops_dtr());
        let now = self.clock.now();
        for event in heard.events {
            match event {
                Event::Data(bytes) => self.handle(now, Input::Bytes(port, &bytes)),
                Event::Dtr(up) => self.handle(now, Input::Dtr(port, up)),
                Event::Wrong(text) => {
                    tracing::warn!(modem = name, text, "a client broke the protocol");
                    let entry = Entry {
                        mono_us: self.stamp(),
                        modem: Some(name.clone()),
                        text: Some(text),
                        ..Entry::new(What::ProtocolError)
                    };
                    self.log.add(entry);
                }
            }
        }
        if heard.gone {
            if drops_dtr {
                self.handle(now, Input::Closed(port));
            } else {
                // The modem does not notice.
                let entry =
                    Entry { mono_us: self.stamp(), modem: Some(name), ..Entry::new(What::PortClosed) };
                self.log.add(entry);
            }
        }
    }

    /// Somebody who was refused says something, or goes.
    pub(super) fn serve_refused(&mut self, port: usize) {
        if let Some(server) = self.ports[port].wire() {
            server.see_off();
        }
    }

    /// Tells all servers the time.
    pub(super) fn tend_wires(&mut self, now: Mono) {
        for server in self.ports.iter_mut().filter_map(Face::wire) {
            server.time(now);
        }
    }
}
