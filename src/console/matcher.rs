//! Reads the end of a console's output through its dialog: which prompt stands there, what a text means. It decides
//! nothing and remembers nothing.

use crate::model::{Fault, Hostname};

use super::dialog::{Dialog, Patterns};

/// Longest line that can be a prompt, in bytes.
const PROMPT_LEN_MAX: usize = 512;
/// How many lines are looked back over log lines and blank ones.
const LOOK_BACK_LINES: usize = 40;

/// Whether `seen` names the expected host; the other way round than in [`Hostname::is`] too: where the plan has the
/// short name, a banner may show it with its domain.
pub(super) fn names(expected: &Hostname, seen: &str) -> bool {
    let short = seen.split('.').next().unwrap_or(seen);
    expected.is(seen) || (!expected.as_str().contains('.') && expected.is(short))
}

/// What stands at the end of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prompt {
    Username,
    Password,
    Command,
    Boot,
    PressReturn,
    Pager,
    /// Index into the dialog's questions.
    Question(usize),
    /// Index into the dialog's menus.
    Menu(usize),
}

/// The end of the output as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sight {
    /// The prompt, if one stands there.
    pub(super) prompt: Option<Prompt>,
    /// The host that it names.
    pub(super) host: Option<String>,
    /// The last line that has text and is no log line.
    pub(super) line: String,
    /// A log line came.
    pub(super) noise: bool,
}

/// The last line with text, once log lines are taken away.
struct LastLine<'a> {
    /// The line as it stands.
    plain: &'a str,
    /// The line with what stood before the log line that cut it in two.
    joined: Option<String>,
    /// Nothing but log lines came after it.
    at_end: bool,
    noise: bool,
}

fn last_line<'a>(dialog: &Dialog, text: &'a str) -> LastLine<'a> {
    let lines: Vec<&str> = text.rsplit('\n').take(LOOK_BACK_LINES).collect();
    let noise_start = |line: &str| if line.is_empty() { None } else { dialog.noise.earliest(line) };
    let mut noise = false;
    let mut blanks = 0;
    for (index, &line) in lines.iter().enumerate() {
        let start = noise_start(line);
        noise |= start.is_some();
        let plain = start.map_or(line, |start| &line[..start]);
        if plain.trim().is_empty() {
            blanks += usize::from(start.is_none());
            continue;
        }
        // The cursor stands behind it, or a log line moved the cursor away.
        let at_end = index == 0 || noise || blanks == 0;
        let mut before = lines[index + 1..].iter().map(|&line| (line, noise_start(line)));
        let joined = before
            .find(|(line, start)| start.is_none_or(|start| !line[..start].trim().is_empty()))
            .and_then(|(line, start)| start.map(|start| format!("{}{plain}", &line[..start])));
        noise |= joined.is_some();
        return LastLine { plain, joined, at_end, noise };
    }
    LastLine { plain: "", joined: None, at_end: false, noise }
}

/// Reads the end of `text`.
pub(super) fn look(dialog: &Dialog, text: &str) -> Sight {
    let last = last_line(dialog, text);
    let mut sight = Sight { line: last.plain.trim().to_owned(), noise: last.noise, ..Sight::default() };
    // The joined line first: of a prompt that was cut in two, the second half may look like one of another host.
    for line in last.joined.as_deref().into_iter().chain([last.plain]) {
        if line.len() > PROMPT_LEN_MAX || line.trim().is_empty() {
            continue;
        }
        if let Some((prompt, host)) = prompt(dialog, line, last.at_end) {
            sight.prompt = Some(prompt);
            sight.host = host;
            break;
        }
    }
    if sight.prompt.is_none() {
        // Where the cursor was sent to and fro, the last line may be any.
        let drawn = dialog.menus.iter().position(|menu| menu.screen && menu.see.is_match(text));
        sight.prompt = drawn.map(Prompt::Menu);
    }
    sight
}

fn prompt(dialog: &Dialog, line: &str, at_end: bool) -> Option<(Prompt, Option<String>)> {
    if dialog.never.is_match(line) {
        return None;
    }
    if dialog.press_return.is_match(line) {
        return Some((Prompt::PressReturn, None));
    }
    if !at_end {
        return None;
    }
    if let Some(index) = dialog.questions.iter().position(|question| question.ask.is_match(line)) {
        return Some((Prompt::Question(index), None));
    }
    for (index, menu) in dialog.menus.iter().enumerate() {
        if let Some(found) = menu.see.find(line) {
            return Some((Prompt::Menu(index), found.host.map(str::to_owned)));
        }
    }
    let kinds: [(&Patterns, Prompt); 5] = [
        (&dialog.pager, Prompt::Pager),
        (&dialog.boot, Prompt::Boot),
        (&dialog.password, Prompt::Password),
        (&dialog.username, Prompt::Username),
        (&dialog.command, Prompt::Command),
    ];
    kinds.into_iter().find_map(|(patterns, kind)| {
        let found = patterns.find(line)?;
        Some((kind, found.host.map(str::to_owned)))
    })
}

/// The first host that a banner in `text` names and that `is_other` takes for another one, else the first named at
/// all. Whole lines alone count: a name that is still arriving would be another name.
pub(super) fn banner(dialog: &Dialog, text: &str, is_other: impl Fn(&str) -> bool) -> Option<String> {
    let whole = &text[..text.rfind('\n')?];
    let mut hosts = dialog.banners.find_all(whole).filter_map(|found| found.host);
    let first = hosts.next()?;
    let other = std::iter::once(first).chain(hosts).find(|host| is_other(host));
    Some(other.unwrap_or(first).to_owned())
}

/// What a text that stands anywhere in the output means before anything was answered.
pub(super) fn says_before_login(dialog: &Dialog, text: &str) -> Option<(Fault, String)> {
    says(
        text,
        [(&dialog.login_unavailable, Fault::LoginUnavailable), (&dialog.console_busy, Fault::ConsoleBusy)],
    )
}

/// What a text that came after our answers means. An expired password comes first: it is asked for like any other.
pub(super) fn says_during_login(dialog: &Dialog, text: &str) -> Option<(Fault, String)> {
    says(
        text,
        [
            (&dialog.password_expired, Fault::PasswordExpired),
            (&dialog.login_unavailable, Fault::LoginUnavailable),
            (&dialog.console_busy, Fault::ConsoleBusy),
            (&dialog.login_timeout, Fault::LoginTimeout),
            (&dialog.login_refused, Fault::LoginRefused),
        ],
    )
}

fn says<const N: usize>(text: &str, table: [(&Patterns, Fault); N]) -> Option<(Fault, String)> {
    table.into_iter().find_map(|(patterns, fault)| {
        let found = patterns.find(text)?;
        // The whole line tells more than the part that matched.
        let from = text[..found.start].rfind('\n').map_or(0, |at| at + 1);
        let end = found.start + found.text.len();
        let to = text[end..].find('\n').map_or(text.len(), |at| end + at);
        Some((fault, text[from..to].to_owned()))
    })
}

/// Whether a username prompt stands anywhere in `text`, answered or not.
pub(super) fn asked_for_username(dialog: &Dialog, text: &str) -> bool {
    text.lines().any(|line| !dialog.never.is_match(line) && dialog.username.is_match(line))
}
