//! The program from outside: the binary itself, run over files, ptys and real programs, and held against what it wrote.
//! One module a theme; what they share stands in `stage`, `town` and `night`.

#![allow(clippy::unwrap_used, reason = "a test says best where it failed by failing there")]

mod bad_input;
mod bench;
mod browser;
mod call;
mod consoles;
mod crash;
mod credentials;
mod daemon;
mod determinism;
mod disk;
mod faults;
mod formats;
mod habits;
mod handover;
mod history;
mod init;
mod limits;
mod mixed;
mod modems;
mod monitor;
mod morning;
mod night;
mod notify;
mod patience;
mod ports;
mod real;
mod remote;
mod signals;
mod stage;
mod terminal;
mod town;
mod truth;
mod usual;
mod view;
mod ways;
mod why;
mod wires;
