//! `lineman sim`: runs a virtual exchange until it is stopped.

use std::fs::File;
use std::io::LineWriter;

use crate::config::load_exchange;
use crate::sim::Exchange;
use crate::sim::log::Log;

use super::args;
use super::{Failure, say, stop};

/// The exchange's log, in its folder.
const LOG: &str = "exchange.jsonl";

/// Runs it; the exit code.
pub(super) async fn run(args: &args::Sim) -> Result<u8, Failure> {
    let (mut file, profiles) = load_exchange(&args.exchange).map_err(Failure::wrong)?;
    if let Some(seed) = args.seed {
        file.seed = seed;
    }
    let path = args.dir.join(LOG);
    let log = std::fs::create_dir_all(&args.dir)
        .and_then(|()| File::create(&path))
        .map_err(|error| Failure::wrong(format!("{} can't be written: {error}", path.display())))?;
    let mut stops = stop::listen()?;
    let log = Log::to(LineWriter::new(log));
    let exchange = match &args.rfc2217 {
        None => Exchange::start(file, &profiles, &args.dir, log),
        Some(manners) => Exchange::start_rfc2217(file, &profiles, &args.dir, manners, log),
    };
    let exchange = exchange.map_err(Failure::wrong)?;
    for (modem, port) in exchange.ports() {
        say(&format!("modem {modem} on {}", port.display()));
    }
    for (modem, url) in exchange.urls() {
        say(&format!("modem {modem} on {url}"));
    }
    for (line, port) in exchange.answering_ports() {
        say(&format!("line {line} answers on {}", port.display()));
    }
    say(&format!("log {}\nready", path.display()));
    stops.recv().await;
    exchange.stop().await;
    Ok(0)
}
