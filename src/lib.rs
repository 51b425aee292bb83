//! lineman walks a company's out-of-band telephone lines: it dials all of them from a bank of serial modems, in
//! parallel, times how each call is set up, logs into the console behind it, proves that it is the right one, logs
//! out, hangs up, proves that too, and writes a verdict, a fault and a blame for every line.
//!
//! The rooms, and who may use whom, are drawn in ARCHITECTURE.md; a test holds them.

pub mod call;
pub mod cli;
pub mod config;
pub mod console;
pub mod fleet;
pub mod history;
pub mod journal;
pub mod model;
pub mod modem;
pub mod notify;
pub mod report;
pub mod run;
pub mod service;
pub mod sim;
