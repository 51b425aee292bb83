//! Whole runs in memory, under paused time: what a run promises, whatever goes wrong.

mod behind;
mod bench;
mod cancel;
mod consoles;
mod cost;
mod credentials;
mod deadline;
mod diagnostics;
#[path = "../bench/drawn.rs"]
mod drawn;
mod families;
mod hours;
mod identity;
mod orders;
mod panics;
mod pictures;
mod played;
mod ports;
mod promises;
mod quality;
mod random;
mod resumed;
mod stage;
mod verdicts;
mod wires;
