//! `lineman status`, `lineman control` and `lineman why` as an operator types them: at the daemon's socket, and over TLS from
//! elsewhere with nothing but its address, its certificate and the token.

use std::process::{Command, Output};

use super::house::House;
use crate::night::{Exchange, SOON};
use crate::real::can_run_with;
use crate::stage::{Stage, finish};
use crate::town::{Branch, Town};

/// What somebody typed, and what came of it: the exit code, and both of its streams.
fn typed(stage: &Stage, words: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = finish(stage.lineman(words), SOON);
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

#[test]
fn an_operator_looks_calls_holds_and_lets_go_by_the_socket() {
    let stage = Stage::new();
    let _exchange = Exchange::of(&Town::new(&["courier", "generic"], (1..=3).map(Branch::new)), &stage);
    let house = House::new(&stage);
    let absent = typed(&stage, &["status", "--socket", "hq.sock"]);
    assert!(absent.0 == Some(2) && absent.1.contains("no daemon answers"), "{absent:?}");
    let daemon = house.open();
    let by = |words: &[&str]| typed(&stage, &[words, &["--config", "hq.yaml"]].concat());
    let status = by(&["status"]);
    assert!(status.0 == Some(0) && status.1.contains("town") && status.1.contains("m00"), "{status:?}");
    let json = by(&["status", "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json.1).expect("it is JSON")["service"], "hq");
    // A call is watched to its end, and its end is the command's.
    let line = Branch::new(1).id;
    let call = by(&["control", "call", &line]);
    assert!(call.0 == Some(0) && call.1.contains("PASS") && call.1.contains("login"), "{call:?}");
    let nobody = by(&["control", "call", "NOBODY-A"]);
    assert!(nobody.0 == Some(3) && nobody.1.contains("refused"), "{nobody:?}");
    // What is held says so everywhere, with the reason that was given.
    assert_eq!(by(&["control", "pause", "--for", "2h", "--why", "work on the PBX"]).0, Some(0));
    let paused = by(&["status"]);
    assert!(paused.0 == Some(1) && paused.1.contains("work on the PBX"), "{paused:?}");
    let refused = by(&["control", "release"]);
    assert!(refused.0 == Some(1) && refused.1.contains("refused"), "{refused:?}");
    assert_eq!(by(&["control", "resume"]).0, Some(0));
    assert_eq!(by(&["control", "disable", "line", &line, "--why", "it is being moved"]).0, Some(0));
    let why = by(&["why", &line]);
    assert!(why.0 == Some(0) && why.1.contains("it is being moved"), "{why:?}");
    assert_eq!(by(&["why", "nobody"]).0, Some(2));
    assert_eq!(by(&["control", "enable", "line", &line]).0, Some(0));
    assert_eq!(by(&["status"]).0, Some(0));
    daemon.close();
}

#[test]
fn the_same_from_elsewhere_takes_the_certificate_and_the_token() {
    if !can_run_with("a daemon over TLS", &crate::real::lacking(&["openssl"])) {
        return;
    }
    let stage = Stage::new();
    let _exchange = Exchange::of(&Town::new(&["generic"], (1..=1).map(Branch::new)), &stage);
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]);
    openssl
        .args(["-subj", "/CN=localhost", "-keyout"])
        .arg(stage.path("key.pem"))
        .arg("-out")
        .arg(stage.path("cert.pem"));
    assert!(finish(openssl, SOON).status.success());
    for (name, text) in [("token", "open-sesame-0123456789"), ("wrong", "open-sesame-012345678x")] {
        closed(&stage.write(name, text));
    }
    closed(&stage.path("key.pem"));
    let mut house = House::new(&stage);
    house.keys = "http: { listen: \"127.0.0.1:0\", tls: { certificate: cert.pem, key: key.pem }, token: { file: token } }".to_owned();
    let daemon = house.open();
    let url = std::fs::read_to_string(stage.path("state/hq.http")).expect("the daemon tells its address");
    let url = url.trim().replace("127.0.0.1", "localhost");
    assert!(url.starts_with("https://"), "{url}");
    let at = |words: &[&str]| typed(&stage, &[words, &["--url", &url]].concat());
    let all = ["--ca", "cert.pem", "--token-file", "token"];
    assert_eq!(at(&[&["status"][..], &all].concat()).0, Some(0));
    assert_eq!(at(&[&["control", "pause"][..], &all].concat()).0, Some(0));
    for (what, words) in [
        ("certificate", &["status", "--token-file", "token"][..]),
        ("token", &["status", "--ca", "cert.pem"]),
        ("token is wrong", &["control", "resume", "--ca", "cert.pem", "--token-file", "wrong"]),
    ] {
        let (code, said) = at(words);
        assert!(code == Some(2) && said.contains(what), "{what}: {code:?} {said}");
        assert!(!said.contains("open-sesame"), "{said}");
    }
    assert_eq!(daemon.status()["stands"], "paused");
    assert!(!daemon.said().contains("open-sesame"));
    daemon.close();
}

/// Nobody else may read it.
fn closed(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("its mode can be set");
}
