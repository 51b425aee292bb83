//! What a technician reads of calls to one line: each phase as it comes, what the call found, what to look at, and, where a
//! line was called many times, counts, spread and a picture.
//!
//! Pure: folded from events like every report; time, width and colour are handed in. How it gets onto a terminal is cli's.

mod figure;
mod found;
mod many;
mod picture;
mod watch;

pub use figure::{Figure, ThereUsually};
pub use found::found;
pub use many::many;
pub use picture::Ink;
pub use watch::{Watch, reached};

#[cfg(test)]
mod tests;

/// Seconds as a person says them: fewer decimals the longer it takes.
pub fn seconds(ms: u64) -> String {
    // Durations of calls: far within what f64 holds exactly.
    let s = ms as f64 / 1000.0;
    match ms {
        0..10_000 => format!("{s:.2} s"),
        10_000..100_000 => format!("{s:.1} s"),
        _ => format!("{s:.0} s"),
    }
}

/// The same of a figure that a table of nights has.
fn figure_seconds(ms: i64) -> String {
    seconds(u64::try_from(ms).unwrap_or(0))
}
