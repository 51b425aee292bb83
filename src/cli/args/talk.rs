//! Options of all verbs: how the program talks.

use clap::Args;

/// How it talks.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "How it talks")]
pub struct Talk {
    /// More talk on stderr: -v what happens, -vv what is said to modems too, -vvv everything; no secret among it. `RUST_LOG`
    /// is honoured, and is stronger.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Less talk: -q no progress, notices or warnings; -qq nothing but errors: the exit code tells.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "verbose")]
    pub quiet: u8,
    /// Colour: auto (on a terminal, unless NO_COLOR or CLICOLOR=0 is set, or everywhere with CLICOLOR_FORCE=1), always, never.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub color: Color,
    /// What goes to stderr: text, or json, an object a line with its time, for a log collector.
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        value_enum,
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub log_format: LogFormat,
}

/// When there is colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// What stderr is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Words, for people.
    #[default]
    Text,
    /// An object a line.
    Json,
}
