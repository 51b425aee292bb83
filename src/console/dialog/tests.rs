use super::*;
use crate::console::matcher::{self, Prompt};

const LINUX: &str = include_str!("../../../hardware/consoles/linux.yaml");

fn read(text: &str) -> DialogFile {
    serde_yaml::from_str(text).unwrap()
}

fn dialog(text: &str) -> Dialog {
    read(text).compile().unwrap()
}

/// A small valid file, for tests that spoil it.
const SMALL: &str = r"
console: small
prompts: { username: ['login: $'], password: ['Password: $'], command: ['[$] $'] }
logout: [exit]
allow: [exit]
";

fn problems(text: &str) -> Vec<(String, String)> {
    read(text).compile().unwrap_err()
}

#[test]
fn every_file_compiles_and_has_the_name_of_its_file() {
    let mut seen = 0;
    for entry in std::fs::read_dir("hardware/consoles").unwrap() {
        let path = entry.unwrap().path();
        let dialog = dialog(&std::fs::read_to_string(&path).unwrap());
        assert_eq!(Some(dialog.name()), path.file_stem().and_then(|stem| stem.to_str()));
        assert!(dialog.logout.iter().all(|command| dialog.allows(command)) && dialog.wake_times <= 3);
        seen += 1;
    }
    assert!(seen >= 10, "only {seen} files were found");
}

/// Whatever a console asks, no file that is shipped has a word to change it.
#[test]
fn no_file_allows_a_command_that_changes_something() {
    let leaving = ["exit", "logout", "quit", "q", "~."];
    // `y` answers the question whether to log out, `n` and `no` all others; `0`, `8` and `K` are keys of menus.
    let answers = ["y", "n", "no", " ", "0", "8", "K"];
    for entry in std::fs::read_dir("hardware/consoles").unwrap() {
        let file = read(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
        for text in &file.allow {
            let known = leaving.contains(&text.as_str()) || answers.contains(&text.as_str());
            let ports = file.ports.iter().flat_map(PortsFile::typed).any(|(_, typed)| typed == text);
            assert!(known || ports, "{} allows {text:?}", file.console);
        }
        if let Some(ports) = &file.ports {
            let ways = ["{port}", "connect {port}", "connect direct deviceport {port}"];
            assert!(ways.contains(&ports.choose.as_str()), "{} chooses by {}", file.console, ports.choose);
            assert!(ports.open.as_deref().is_none_or(|open| open == "pmshell"));
            assert!(ports.close.as_deref().is_none_or(|close| close == "disconnect"));
        }
        for question in &file.questions {
            let leaves = ["log ?out", "closing connection"].iter().any(|words| question.ask.contains(words));
            let may_agree = leaves && !question.ask.contains("save");
            assert!(question.answer != "y" || may_agree, "{} says y to {}", file.console, question.ask);
        }
    }
}

#[test]
fn a_menu_is_in_front_of_the_login_or_behind_it() {
    let menus = |menus: &str| problems(&format!("{SMALL}menus: [{menus}]\n"));
    for neither_or_both in ["{ see: 'Pick: $' }", "{ see: 'Pick: $', enter: exit, leave: [exit] }"] {
        let found = menus(neither_or_both);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].0 == "menus[0]" && found[0].1.contains("either `enter`"), "{found:?}");
    }
    let found = menus("{ see: '(', leave: [exit, X] }, { see: 'Pick: $', enter: Y }");
    let told: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(told, ["menus[0].leave[1]", "menus[1].enter", "menus[0].see"]);
}

#[test]
fn defaults_are_those_of_the_design() {
    let dialog = dialog(SMALL);
    assert_eq!((dialog.wake_after, dialog.wake_times), (Duration::from_secs(3), 3));
    assert_eq!(dialog.settle, Duration::from_millis(30));
    assert_eq!(dialog.timeouts, TimeoutsFile::default());
}

#[test]
fn all_problems_are_told_at_once_with_their_keys() {
    let found = problems(
        r"
console: bad
wake: { after: 100ms, send: HELLO, times: 9 }
settle: 1h
prompts: { username: ['login: $', '(unclosed'], password: ['x*'], command: [] }
banners: ['no host here']
pager: { see: ['--More--'], send: q }
questions: [{ ask: 'sure[?]', answer: 'y' }]
logout: [exit, quit]
allow: [exit, '']
",
    );
    let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    for path in [
        "wake.times",
        "wake.after",
        "wake.send",
        "settle",
        "prompts.username[1]",
        "prompts.password[0]",
        "prompts.command",
        "banners[0]",
        "pager.send",
        "questions[0].answer",
        "logout[1]",
        "allow[1]",
    ] {
        assert!(paths.contains(&path), "{path} is not among {paths:?}");
    }
    assert_eq!(paths.len(), 12, "{found:?}");
    let told = |path: &str| found.iter().find(|(found, _)| found == path).unwrap().1.clone();
    assert_eq!(told("logout[1]"), "`quit` is not in `allow`; nothing else is ever sent");
    assert_eq!(told("prompts.username[1]"), "is no valid pattern: unclosed group");
    assert_eq!(told("prompts.password[0]"), "`x*` matches an empty line, so it would match always");
}

#[test]
fn a_pattern_that_would_eat_the_memory_is_refused() {
    let found = problems(&SMALL.replace("'login: $'", "'(?:a{1000}){1000}'"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "prompts.username[0]");
    assert!(found[0].1.contains("make it simpler"), "{}", found[0].1);
}

#[test]
fn who_can_log_in_must_be_able_to_log_out() {
    let found = problems(&SMALL.replace("logout: [exit]", "logout: []"));
    assert_eq!(found, [("logout".to_owned(), "is empty: who can log in must be able to log out".to_owned())]);
}

#[test]
fn a_line_end_can_not_be_allowed() {
    let found = problems(&SMALL.replace("allow: [exit]", "allow: [exit, \"reload\\r\"]"));
    assert_eq!(found[0].0, "allow[1]");
}

#[test]
fn unknown_keys_are_errors() {
    for (right, wrong) in [
        ("logout:", "log_out:"),
        ("username:", "user:"),
        ("allow: [exit]", "allow: [exit]\nwake: { every: 3s }"),
    ] {
        assert!(
            serde_yaml::from_str::<DialogFile>(&SMALL.replace(right, wrong)).is_err(),
            "{wrong} was taken"
        );
    }
}

fn prompt_of(dialog: &Dialog, line: &str) -> Option<(Prompt, Option<String>)> {
    let sight = matcher::look(dialog, line);
    sight.prompt.map(|prompt| (prompt, sight.host))
}

#[test]
fn lines_that_are_prompts_and_lines_that_are_none() {
    let ios = dialog(include_str!("../../../hardware/consoles/cisco-ios.yaml"));
    let linux = dialog(LINUX);
    let host = |prompt| Some((prompt, Some("br0001".to_owned())));
    let bare = |prompt| Some((prompt, None));
    for (dialog, line, expected) in [
        (&ios, "Username: ", bare(Prompt::Username)),
        (&ios, "Kerberos username: ", bare(Prompt::Username)),
        (&ios, "Please login: ", bare(Prompt::Username)),
        (&ios, "Password: ", bare(Prompt::Password)),
        (&ios, "br0001>", host(Prompt::Command)),
        (&ios, "br0001#", host(Prompt::Command)),
        (&ios, "br0001(config-if)#", host(Prompt::Command)),
        (&ios, "rommon 1 >", bare(Prompt::Boot)),
        (&ios, "switch:", bare(Prompt::Boot)),
        (&ios, "Press RETURN to get started.\n\n\n", bare(Prompt::PressReturn)),
        (&ios, " --More-- ", bare(Prompt::Pager)),
        (&ios, "Username: x", None),
        (&ios, "Username: \n", None),
        (&ios, "####", None),
        (&ios, "use # or >", None),
        (&ios, "New password:", None),
        (&linux, "br0001 login: ", host(Prompt::Username)),
        (&linux, "br0001!login: ", host(Prompt::Username)),
        (&linux, "br0001 console login: ", host(Prompt::Username)),
        (&linux, "login: ", bare(Prompt::Username)),
        (&linux, "Your login: ", bare(Prompt::Username)),
        (&linux, "Last login: ", None),
        (&linux, "Last failed login: ", None),
        (&linux, "1 failed login: ", None),
        (&linux, "Password: ", bare(Prompt::Password)),
        (&linux, "oob's password: ", bare(Prompt::Password)),
        (&linux, "Current password: ", None),
        (&linux, "$ ", bare(Prompt::Command)),
        (&linux, "# ", bare(Prompt::Command)),
        (&linux, "~ # ", bare(Prompt::Command)),
        (&linux, "sh-5.2$ ", bare(Prompt::Command)),
        (&linux, "oob@br0001:~$ ", host(Prompt::Command)),
        (&linux, "root@br0001:/var/log# ", host(Prompt::Command)),
        (&linux, "[oob@br0001 ~]$ ", host(Prompt::Command)),
        (&linux, "br0001:~# ", host(Prompt::Command)),
        (&linux, "grub rescue> ", bare(Prompt::Boot)),
        (&linux, "it costs 5 $ ", None),
    ] {
        assert_eq!(prompt_of(dialog, line), expected, "{line:?}");
    }
}

#[test]
fn log_lines_are_looked_through() {
    let linux = dialog(LINUX);
    for text in [
        "br0001 login: \n[12345.678901] usb 1-1: new device\n",
        "br0001 login: [12345.678901] usb 1-1: new device",
        "br0001 login: \nNov 21 02:00:00 br0001 sshd[123]: Server listening\n[  OK  ] Started something.\n\n",
        "br0001 lo[12345.678901] one\n[12345.678901] two\ngin: ",
    ] {
        assert_eq!(prompt_of(&linux, text), Some((Prompt::Username, Some("br0001".to_owned()))), "{text:?}");
    }
    for text in ["br0001 login: \nwelcome\n[12345.678901] one\n", "[12345.678901] one\n", ""] {
        assert_eq!(prompt_of(&linux, text), None, "{text:?}");
    }
}

#[test]
fn a_console_servers_ports_are_checked_like_all_that_is_typed() {
    let ports = |keys: &str| {
        let text =
            SMALL.replace("[exit]\nallow: [exit]", "[exit]\nallow: [exit, 'c {port}', '{port}', open]");
        problems(&format!("{text}ports: {{ {keys} }}\n"))
    };
    let first = |keys: &str| ports(keys).remove(0);
    let (key, what) = first("choose: 'c port', leave: \"\\x1a\"");
    assert!(key == "ports.choose" && what.contains("not in `allow`"), "{what}");
    let all = ports("choose: exit, leave: \"\\x1a\"");
    assert!(all[0].1.contains("must hold `{port}` once"), "{all:?}");
    for leave in ["", "\\x1a\\r", "123456789", "\u{e4}"] {
        assert_eq!(first(&format!("choose: 'c {{port}}', leave: \"{leave}\"")).0, "ports.leave", "{leave:?}");
    }
    assert_eq!(first("choose: 'c {port}', leave: x, open: open").0, "ports.open");
    assert_eq!(first("choose: 'c {port}', leave: x, port: '['").0, "ports.port");
    let menu = format!("{SMALL}menus: [{{ see: 'Pick: $', leave: [exit], ports: true }}]\n");
    assert_eq!(problems(&menu)[0].0, "menus[0].ports");
}

#[test]
fn a_port_is_a_name_and_nothing_that_a_command_line_could_take_for_more() {
    let dialog = |name: &str| {
        let text = std::fs::read_to_string(format!("hardware/consoles/{name}.yaml")).unwrap();
        read(&text).compile().unwrap()
    };
    let (menu, names) = (dialog("opengear"), dialog("cisco-ios-ts"));
    for good in ["1", "48"] {
        assert_eq!(menu.port_problem(good), None);
    }
    for bad in ["", "q", "1 2", "1;2", "0x1", "1\r", "-1", "1234", "~."] {
        assert!(menu.port_problem(bad).is_some(), "{bad:?}");
    }
    assert_eq!(names.port_problem("br1-sw1"), None);
    for bad in ["sw1 /debug", "sw1|x", "sw1\n", "$(x)", "sw1?", "", " sw1", "\u{e4}", &"x".repeat(41)] {
        assert!(names.port_problem(bad).is_some(), "{bad:?}");
    }
    assert!(dialog("linux").port_problem("1").is_some_and(|what| what.contains("knows of none")));
}
