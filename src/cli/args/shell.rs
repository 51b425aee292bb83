//! `lineman completions` and `lineman man`.

use std::path::PathBuf;

use clap::Args;

/// `lineman completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
What is printed asks lineman itself at each TAB, so lineman must be found in the PATH. Beside verbs, options and files it
completes the names of lines, sites, tags and modems: those of the plan that the line names, else those of the last run in
`reports/`.

Examples:
  source <(lineman completions bash)               this shell; in ~/.bashrc, every shell
  lineman completions bash > /etc/bash_completion.d/lineman
  source <(lineman completions zsh)                in ~/.zshrc
  lineman completions fish > ~/.config/fish/completions/lineman.fish

Exit codes: 0 it was printed; 2 usage.")]
pub struct Completions {
    /// The shell: bash, elvish, fish, powershell or zsh.
    #[arg(value_name = "SHELL", value_enum, hide_possible_values = true)]
    pub shell: Shell,
}

/// A shell that can be taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    /// GNU's.
    Bash,
    /// Elvish.
    Elvish,
    /// The friendly one.
    Fish,
    /// Of Microsoft.
    Powershell,
    /// Z.
    Zsh,
}

impl Shell {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Elvish => "elvish",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
            Self::Zsh => "zsh",
        }
    }
}

/// `lineman man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lineman man | man -l -                           read it
  lineman man /usr/local/share/man/man1            lineman.1, lineman-audit.1 and so on, for `man lineman-audit`

Exit codes: 0 it was written; 2 usage, or a page can't be written.")]
pub struct Man {
    /// Where a page for each verb is written, those of an earlier lineman over; without it, the page of lineman is printed.
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
