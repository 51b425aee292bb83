//! What a console said during a call that did not pass, as a file.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::cell;
use crate::model::{CallId, CallRecord, Fault, Line, Verdict};

/// Longest file name without its ending, in bytes; file systems take 255.
const STEM_BYTES_MAX: usize = 200;

/// Name of a call's transcript within `transcripts/`: the call's id and `.txt`. An id that no file system would take
/// is cut, and told from others by a figure made of all of it.
pub(super) fn file_name(call: &CallId) -> String {
    let id = call.as_str();
    if id.len() <= STEM_BYTES_MAX {
        return format!("{id}.txt");
    }
    // FNV-1a, 64 bit: names must be the same in every version and on every host.
    let figure = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let cut = (0..=STEM_BYTES_MAX).rev().find(|&i| id.is_char_boundary(i)).unwrap_or(0);
    format!("{}~{figure:016x}.txt", &id[..cut])
}

/// What is kept of a call's transcript: nothing if the call passed, or the console said nothing.
fn kept(record: &CallRecord) -> Option<(Fault, &str)> {
    let said = record.transcript.as_deref().filter(|said| !said.trim().is_empty())?;
    Some((record.fault?, said))
}

/// Whether the call gets a file.
pub(super) fn is_kept(record: &CallRecord) -> bool {
    kept(record).is_some()
}

/// What was called, which need not be the line's own number.
fn called(line: &Line, record: &CallRecord) -> String {
    let (number, carrier) =
        record.via.as_ref().map_or((None, None), |via| (via.number.as_ref(), via.carrier.as_ref()));
    let other = number.map(|number| format!("{number} (for {})", line.number));
    let through = carrier.map(|carrier| format!(" through {carrier}")).unwrap_or_default();
    format!("{}{through}", other.unwrap_or_else(|| line.number.to_string()))
}

/// What stands between what is known of a call and what the console said in it.
const RULE: &str = "\n---- what the console said ----\n";

/// What the console said, as the file has it, if the call gets one.
pub(super) fn said(record: &CallRecord) -> Option<String> {
    kept(record).map(|(_, said)| {
        let mut text = cell::lines(said);
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text
    })
}

/// The same, out of the file's text. What a console said may hold the rule again: the first one is ours, since the lines
/// above it are ours.
pub(super) fn said_in(file: &str) -> &str {
    file.split_once(RULE).map_or(file, |(_, said)| said)
}

/// What the console said in a call of the run in this folder, at most so many bytes of it; absent where the call has no file.
/// It was cleaned when it was written, and is cleaned again.
pub fn said_in_file(folder: &Path, call: &CallId, bytes_max: usize) -> Option<String> {
    let file = File::open(folder.join(super::render::TRANSCRIPTS).join(file_name(call))).ok()?;
    let mut bytes = Vec::new();
    file.take(bytes_max as u64).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let mut said = cell::lines(said_in(&text));
    if bytes.len() >= bytes_max {
        said.push_str("\n[... cut: the rest is in the run's folder]\n");
    }
    Some(said)
}

/// The file's text, if the call gets one.
pub(super) fn text(line: &Line, record: &CallRecord) -> Option<String> {
    let (fault, _) = kept(record)?;
    let said = said(record)?;
    let mut out = String::with_capacity(said.len() + 512);
    let mut head = |key: &str, value: String| {
        // Writing to a String does not fail.
        let _ = writeln!(out, "{:<9} {}", format!("{key}:"), cell::one_line(&value));
    };
    head("line", format!("{} (site {})", line.id, line.site));
    head("number", format!("{}, dialed {}", called(line, record), record.dialed));
    head("call", format!("{} (attempt {})", record.call, record.attempt));
    head("modem", record.modem.to_string());
    head("started", format!("{:.3}", record.started));
    head("finished", format!("{:.3}", record.finished));
    head("verdict", format!("{} {} (blame: {})", Verdict::of(Some(fault)), fault, fault.blame()));
    if !record.detail.is_empty() {
        head("detail", record.detail.clone());
    }
    out.push_str(RULE);
    out.push_str(&said);
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Fault;
    use crate::model::event::Via;

    #[test]
    fn the_number_is_told_that_was_called() {
        let line = crate::report::sample::line(1);
        let mut record = CallRecord {
            fault: Some(Fault::ConsoleSilent),
            transcript: Some("hello".to_owned()),
            dialed: "9,17045550201".to_owned(),
            ..CallRecord::sample()
        };
        let told = |record: &CallRecord| {
            let text = text(&line, record).unwrap();
            text.lines().find(|line| line.starts_with("number:")).unwrap().to_owned()
        };
        assert_eq!(told(&record), "number:   +19195550101, dialed 9,17045550201");
        let carrier = Some("att".parse().unwrap());
        record.via = Some(Via { number: Some("+17045550201".parse().unwrap()), carrier });
        assert_eq!(
            told(&record),
            "number:   +17045550201 (for +19195550101) through att, dialed 9,17045550201"
        );
    }

    #[test]
    fn what_a_console_said_is_found_again_in_its_file() {
        let line = crate::report::sample::line(1);
        for heard in ["login: ", "a\r\nb\x1b[1m", "x\n---- what the console said ----\ny\n"] {
            let record = CallRecord {
                fault: Some(Fault::ConsoleSilent),
                detail: "---- what the console said ----".to_owned(),
                transcript: Some(heard.to_owned()),
                ..CallRecord::sample()
            };
            assert_eq!(said_in(&text(&line, &record).unwrap()), said(&record).unwrap(), "{heard:?}");
        }
    }

    proptest! {
        #[test]
        fn any_call_has_a_file_name_of_its_own(a in "[\\p{L}0-9:@+_-]{1,64}", attempt in 1_u32..200) {
            let line = a.parse().unwrap();
            let name = file_name(&CallId::new(&line, attempt));
            prop_assert!(name.len() <= 255 && !name.contains('/') && !name.starts_with('.'));
            prop_assert_ne!(name, file_name(&CallId::new(&line, attempt + 1)));
        }
    }
}
