//! `lineman serve` without a file, as somebody who looks for the first time does it: what it says is true, its page is there, its
//! token begins a run, and nothing of it is left behind.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use crate::night::SOON;
use crate::stage::{Stage, end, wait_until};

/// What it answers, whole.
fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens where it says");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    write!(stream, "{request}").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_daemon_to_look_at_says_where_it_is_and_leaves_nothing() {
    let stage = Stage::new();
    let temporary = stage.path("tmp");
    fs::create_dir(&temporary).unwrap();
    let path = stage.path("log");
    let mut command = stage.lineman(["serve"]);
    command.env("TMPDIR", &temporary).stdout(Stdio::null()).stderr(File::create(&path).unwrap());
    let mut daemon = command.spawn().unwrap();
    let said = || fs::read_to_string(&path).unwrap_or_default();
    assert!(wait_until(SOON, || said().contains("listens on http://")), "{}", said());
    let log = said();
    let word = |behind: &str| {
        let rest =
            &log[log.find(behind).unwrap_or_else(|| panic!("no `{behind}` in {log}")) + behind.len()..];
        rest.split_whitespace().next().unwrap_or_default().trim_matches(['`', ';', ',']).to_owned()
    };
    let (address, token) = (word("listens on http://"), word("with this token: "));

    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let page = ask(&address, &get("/"));
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("example"), "{page}");
    let start = r#"{"do":"start","plan":"example"}"#;
    let post = |token: &str| {
        format!(
            "POST /api/v1/control HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{start}",
            start.len()
        )
    };
    let refused = ask(&address, &post("not-the-token-at-all"));
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    let begun = ask(&address, &post(&token));
    assert!(begun.starts_with("HTTP/1.1 200"), "{begun}");

    end(&mut daemon, Duration::from_secs(30));
    assert_eq!(daemon.wait().unwrap().code(), Some(0), "{}", said());
    let left: Vec<_> = fs::read_dir(&temporary).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(left.is_empty(), "{left:?} is left\n{}", said());
    assert!(stage.path("reports/demo").is_dir(), "its runs are where those of the example are");
}
