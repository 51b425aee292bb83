//! No run can lock an account, and no secret is ever written: counted by the exchange, and looked for in every byte.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use lineman::sim::log::What;
use nix::sys::signal::Signal;

use crate::night::{Ended, Exchange, RUN, Running, audit, audited, rows, run_of, verdict};
use crate::stage::{Stage, wait_until};
use crate::town::{Branch, PASSWORD, Town, VARIABLE};

/// A password that no console of a town takes, with everything in it that a log could mangle.
const WRONG: &str = "Wr0ng\\\"-p%w{$}";

/// An audit whose password is a wrong one.
fn audited_with(stage: &Stage, password: &str, more: &[&str]) -> Ended {
    let mut command = audit(stage, more);
    command.env(VARIABLE, password);
    Running::start(command).finish(RUN)
}

/// Passwords that reached a console so far.
fn sent(exchange: &Exchange) -> usize {
    exchange.logged(What::Password).len()
}

fn verdicts(stage: &Stage) -> Vec<(String, String)> {
    let lines = rows(&run_of(stage, "latest").join("lines.csv"));
    lines.iter().map(|row| (row["line"].clone(), verdict(row))).collect()
}

/// Files below a folder that hold any of the texts; links are not followed.
fn holding(folder: &Path, texts: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            found.extend(holding(&path, texts));
        } else {
            let bytes = fs::read(&path).unwrap();
            let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            if texts.iter().any(|text| holds(text)) {
                found.push(path);
            }
        }
    }
    found
}

/// Every form in which a secret could slip into a text.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).unwrap();
    let debug = format!("{secret:?}");
    let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let list = secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    let mut forms = vec![
        secret.to_owned(),
        json.trim_matches('"').to_owned(),
        debug.trim_matches('"').to_owned(),
        hex,
        list,
    ];
    // A part of it is a part too many.
    forms.push(secret[..secret.len() - 2].to_owned());
    forms.push(secret[2..].to_owned());
    forms
}

#[test]
fn a_wrong_password_reaches_one_console_once_and_is_remembered_until_the_user_says_so() {
    let branches = (1..=8).map(|n| if n == 5 { Branch::with_fault(n, "busy") } else { Branch::new(n) });
    let town = Town::new(&["courier", "generic", "v250"], branches);
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let first = audited_with(&stage, WRONG, &["-vvv"]);
    let said = first.said();
    assert_eq!(sent(&exchange), 1, "{said}");
    let mut found = verdicts(&stage);
    found.remove(4);
    let refused = found.iter().filter(|(_, verdict)| verdict == "fail login-refused credential").count();
    let unproven =
        found.iter().filter(|(_, verdict)| verdict == "untested credential-unproven credential").count();
    assert_eq!((refused, unproven), (1, 6), "{found:?}\n{said}");
    // The others were dialed, timed, and seen up to the login prompt.
    for row in rows(&run_of(&stage, "latest").join("lines.csv")) {
        let seen = !row["prompt_ms"].is_empty() && row["login_ms"].is_empty();
        assert!(seen || row["line"] == "BR0005-A", "{row:?}\n{said}");
    }
    assert_eq!(first.code(), Some(1), "a busy line was judged\n{said}");

    // The memory is a slow salted hash that nobody else can read.
    let memory = stage.path("home/lineman/refused-secrets.json");
    assert_eq!(fs::metadata(&memory).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&memory).unwrap();
    assert!(text.contains("$argon2id$"), "{text}");

    let again = audited_with(&stage, WRONG, &[]);
    assert_eq!(sent(&exchange), 1, "a refused secret was sent again\n{}", again.said());
    assert!(again.out.contains("was refused on"), "{}", again.said());
    // The right one is another secret.
    let right = audited(&stage, &[]);
    assert_eq!(sent(&exchange), 8, "{}", right.said());
    assert_eq!(verdicts(&stage).iter().filter(|(_, verdict)| verdict == "pass - -").count(), 7);
    let say_so = audited_with(&stage, WRONG, &["--forget-refusal", "oob"]);
    assert_eq!(sent(&exchange), 9, "{}", say_so.said());
    assert!(say_so.err.contains("1 refusal"), "{}", say_so.said());
    let and_again = audited_with(&stage, WRONG, &[]);
    assert_eq!(sent(&exchange), 9, "what was refused anew is remembered anew\n{}", and_again.said());

    // No form of either secret is anywhere.
    let forms: Vec<String> = forms(WRONG).into_iter().chain(forms(PASSWORD)).collect();
    let forms: Vec<&str> = forms.iter().map(String::as_str).collect();
    for folder in ["reports", "home"] {
        assert_eq!(holding(&stage.path(folder), &forms), Vec::<PathBuf>::new());
    }
    for ended in [&first, &again, &right, &say_so, &and_again] {
        for form in &forms {
            assert!(
                !ended.out.contains(form) && !ended.err.contains(form),
                "`{form}` was said: {}",
                ended.said()
            );
        }
    }
    // Much is said there, of the talk with modems too.
    for word in ["a call begins", "> AT", "< ", "password goes out", "judged"] {
        assert!(first.err.contains(word), "-vvv does not say `{word}`:\n{}", first.err);
    }
    for name in ["shown", "no-such"] {
        let unknown = audited(&stage, &["--forget-refusal", name]);
        assert_eq!(unknown.code(), Some(2), "{}", unknown.said());
    }
}

#[test]
fn a_secret_that_is_echoed_back_in_pieces_is_in_no_transcript() {
    // A console that shows what is typed, and one that greets with the password.
    let shown = format!("hint for oob: {PASSWORD}. Good luck");
    let branches = [
        Branch::with_fault(1, "lost-logout").far(&format!("banner: \"{shown}\"")),
        Branch::with_fault(2, "{ kind: drops, at: logged-in, after: 10s }")
            .far(&format!("banner: \"{PASSWORD}\"")),
        Branch::with_fault(3, "echo"),
        Branch::with_fault(4, &format!("{{ kind: wrong-host, text: {PASSWORD} }}")),
    ];
    let stage = Stage::new();
    Town::new(&["courier"], branches).found(&stage);
    let ended = audited(&stage, &["-vvv"]);
    let run = run_of(&stage, "latest");
    assert!(fs::read_dir(run.join("transcripts")).unwrap().count() >= 2, "{}", ended.said());
    assert_eq!(holding(&stage.path("reports"), &[PASSWORD]), Vec::<PathBuf>::new(), "{}", ended.said());
    assert!(!ended.out.contains(PASSWORD) && !ended.err.contains(PASSWORD), "{}", ended.said());
}

#[test]
fn one_line_proves_and_all_others_wait_for_it() {
    // The prover is the slowest of them all, and last in the plan.
    let mut branches: Vec<Branch> = (1..=5).map(Branch::new).collect();
    branches.push(Branch::new(6).rings(6).far("train: 25s"));
    let mut town = Town::new(&["courier"; 6], branches);
    town.credentials =
        format!("{{ oob: {{ username: oob, password: {{ env: {VARIABLE} }}, prove_on: BR0006-A }} }}");
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let ended = audited(&stage, &[]);
    let said = ended.said();
    assert_eq!(ended.code(), Some(0), "{said}");
    let passwords = exchange.logged(What::Password);
    assert_eq!(passwords.len(), 6, "{said}");
    assert_eq!(
        passwords[0].line.as_deref(),
        Some("BR0006-A"),
        "another line proved it: {passwords:?}\n{said}"
    );
    let proof = exchange.logged(What::LoggedIn)[0].mono_us;
    let early: Vec<_> = passwords[1..].iter().filter(|entry| entry.mono_us < proof).collect();
    assert!(early.is_empty(), "sent before it was proven: {early:?}");
    // They were at their prompts long before, and waited there.
    let waiting = exchange.logged(What::Prompted).iter().filter(|entry| entry.mono_us < proof).count();
    assert!(waiting >= 4, "{waiting} were waiting\n{said}");
}

#[test]
fn two_names_of_one_account_share_its_guard() {
    let mut town = Town::new(
        &["courier"; 2],
        (1..=6).map(|n| if n % 2 == 0 { Branch::new(n).near("credential: alias") } else { Branch::new(n) }),
    );
    town.credentials = format!(
        "{{ oob: {{ username: oob, password: {{ env: {VARIABLE} }} }}, alias: {{ username: oob, password: {{ env: {VARIABLE} }} }} }}"
    );
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let ended = audited_with(&stage, WRONG, &[]);
    assert_eq!(sent(&exchange), 1, "{}", ended.said());
    assert_eq!(ended.code(), Some(3), "{}", ended.said());
}

#[test]
fn a_proven_password_that_is_refused_twice_in_a_row_is_stopped() {
    let mut town = Town::new(
        &["courier"],
        [Branch::new(1), Branch::with_fault(2, "refused-password"), Branch::new(3)]
            .into_iter()
            .chain([4, 5].map(|n| Branch::with_fault(n, "refused-password")))
            .chain([Branch::new(6)]),
    );
    town.policy.push_str(", in_order: true");
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let ended = audited(&stage, &[]);
    let said = ended.said();
    let found: Vec<String> = verdicts(&stage).into_iter().map(|(_, verdict)| verdict).collect();
    let (pass, refused) = ("pass - -", "fail login-refused credential");
    // One refusal is that line's own; two in a row may be the account's.
    assert_eq!(
        found,
        [pass, refused, pass, refused, refused, "untested credential-unproven credential"],
        "{said}"
    );
    assert_eq!(sent(&exchange), 5, "{said}");
}

#[test]
fn a_password_that_was_on_its_way_when_the_run_was_killed_is_not_sent_again() {
    let mut town = Town::new(&["courier"], [Branch::with_fault(1, "login-stalls"), Branch::new(2)]);
    town.policy.push_str(", in_order: true");
    town.limits = town.limits.replace("login: 4s", "login: 30s");
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let run = Running::start(audit(&stage, &["--plain"]));
    assert!(wait_until(RUN, || sent(&exchange) == 1));
    run.signal(Signal::SIGKILL);
    run.finish(RUN);
    exchange.wait_for("the line on-hook", |_| exchange.off_hook().is_empty());
    let ended = audited(&stage, &["--plain", "--resume"]);
    let said = ended.said();
    assert_eq!(sent(&exchange), 1, "{said}");
    let found: Vec<String> = verdicts(&stage).into_iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(found, ["untested credential-unproven credential"; 2], "{said}");
    // Whether it was refused nobody knows; but the account is not risked in a run of its own, either.
    assert_eq!(ended.code(), Some(3), "{said}");
}

#[test]
fn secrets_come_from_files_that_nobody_else_can_read_and_from_commands() {
    let stage = Stage::new();
    let mut town = Town::new(&["courier"], [Branch::new(1)]);
    town.credentials = "{ oob: { username: oob, password: { file: secret.txt } } }".to_owned();
    let exchange = Exchange::of(&town, &stage);
    let file = stage.write("secret.txt", &format!("{PASSWORD}\n"));
    for (mode, code) in [(0o644, 2), (0o640, 2), (0o604, 2), (0o600, 0), (0o400, 0)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let before = exchange.dialed().len();
        let ended = audited_with(&stage, "", &[]);
        let said = format!("mode {mode:o}: {}", ended.said());
        assert_eq!(ended.code(), Some(code), "{said}");
        assert_eq!(exchange.dialed().len() - before, usize::from(code == 0), "{said}");
        if code == 2 {
            assert!(ended.err.contains("secret.txt") && ended.err.contains("chmod"), "{said}");
            assert!(!stage.path("reports/current").exists(), "{said}");
        }
    }
    town.credentials =
        format!("{{ oob: {{ username: oob, password: {{ command: [printf, \"%s\", {PASSWORD}] }} }} }}");
    town.write_plan(&stage);
    assert_eq!(audited_with(&stage, "", &[]).code(), Some(0));
    for (command, named) in [
        ("[\"false\"]", "false"),
        ("[no-such-program-here]", "no-such-program-here"),
        ("[\"true\"]", "empty"),
    ] {
        town.credentials = format!("{{ oob: {{ username: oob, password: {{ command: {command} }} }} }}");
        town.write_plan(&stage);
        let ended = audited_with(&stage, "", &[]);
        assert_eq!(ended.code(), Some(2), "{}", ended.said());
        assert!(ended.err.contains("oob") && ended.err.contains(named), "{}", ended.said());
    }
}
