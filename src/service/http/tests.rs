//! The server on real sockets: what it answers, to whom, and what hostile and slow clients get.

mod hostile;
mod openapi;
mod told;
