//! `lineman schema KIND`: the JSON Schema of a kind of file, for an editor that knows no tree of ours.

use super::args::Schema;
use super::say;

/// Prints it.
pub(super) fn run(args: &Schema) {
    say(args.kind.schema());
}
