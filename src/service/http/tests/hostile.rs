//! Slow, broken and hostile clients: none of them keeps others out, takes more than it may, or gets what is not for it.

use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::service::http::stage::{RUN, Stage, TOKEN};

/// For what must not wait for anybody.
const AT_ONCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_thousand_idle_connections_keep_nobody_out() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    // Both ends of all of them are in this process.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let stage = Stage::open("token: { file: token }\nmax_connections: 64").await;
    let mut idle = Vec::new();
    for n in 0..1000 {
        let mut stream = stage.connect().await;
        // Some say nothing, some half of something.
        if n % 2 == 0 {
            let _ = stream.write_all(b"GET /api/v1/status HT").await;
        }
        idle.push(stream);
    }
    let got = timeout(AT_ONCE, stage.get("/api/v1/status")).await.expect("it is served at once");
    assert_eq!(got.status, 200);
    assert!(stage.server.as_ref().unwrap().connections() <= 64 + 1);
    // The oldest of them were shown out.
    let mut byte = [0];
    let read = timeout(AT_ONCE, idle[0].read(&mut byte)).await.expect("it is closed");
    assert!(matches!(read, Ok(0) | Err(_)));
}

#[tokio::test]
async fn when_all_are_being_served_one_more_is_told_so_and_the_socket_still_serves() {
    let stage = Stage::open("token: { file: token }\nmax_connections: 3").await;
    let request =
        format!("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    let mut readers = Vec::new();
    for _ in 0..3 {
        let mut stream = stage.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        Stage::hear(&mut stream, &mut String::new(), "event: picture").await;
        readers.push(stream);
    }
    let full = stage.get("/api/v1/status").await;
    assert_eq!(full.status, 503);
    assert!(full.json()["error"].is_string() && full.head.contains("Retry-After"));
    let mut socket = tokio::net::UnixStream::connect(stage.path("run/control.sock")).await.unwrap();
    socket.write_all(b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    Stage::hear(&mut socket, &mut String::new(), "\"service\"").await;
    // A seat that gets free is had again.
    drop(readers);
    let served = async {
        while stage.get("/api/v1/status").await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(AT_ONCE, served).await.expect("it is served again");
}

/// Under paused time every limit passes as soon as nothing else happens: whoever waits for good would hang here.
#[tokio::test(start_paused = true)]
async fn half_a_request_and_half_a_body_are_given_up() {
    let stage = Stage::usual().await;
    let body = format!(
        "POST /api/v1/control HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"do\":"
    );
    for (request, status) in
        [("", 0), ("GET /api", 0), ("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", 0), (body.as_str(), 408)]
    {
        let mut stream = tokio::net::TcpStream::connect(stage.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut got = Vec::new();
        let _ = stream.read_to_end(&mut got).await;
        let got = String::from_utf8_lossy(&got);
        assert!(got.is_empty() || got.contains("408"), "{request}: {got}");
        assert!(status == 0 || got.contains(&status.to_string()), "{request}: {got}");
    }
    assert!(stage.told.lock().unwrap().is_empty());
}

#[tokio::test]
async fn huge_heads_are_refused() {
    let stage = Stage::usual().await;
    let long = format!("GET /-/healthy HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET /-/healthy HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-Many: x\r\n".repeat(500));
    let path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(100_000));
    for request in [long, many, path] {
        let got = stage.raw(request.as_bytes()).await;
        assert!(matches!(got.status, 431 | 414 | 0), "{got:?}");
    }
    for nonsense in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\0\0\0\0\r\n\r\n",
        b"HELO x\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ] {
        let got = stage.raw(nonsense).await;
        assert!(matches!(got.status, 400 | 505 | 0), "{got:?}");
    }
    assert_eq!(stage.get("/-/healthy").await.status, 200);
}

#[tokio::test]
async fn no_path_leads_out_of_the_reports() {
    let stage = Stage::usual().await;
    stage.record_a_night();
    std::fs::write(stage.path("reports/nightly").join(RUN).join("secret.txt"), "SECRET").unwrap();
    std::os::unix::fs::symlink(stage.path("token"), stage.path("reports/nightly/20260101T000000Z-nightly"))
        .unwrap();
    std::fs::remove_file(stage.path("reports/nightly").join(RUN).join("modems.csv")).unwrap();
    std::os::unix::fs::symlink(
        stage.path("token"),
        stage.path("reports/nightly").join(RUN).join("modems.csv"),
    )
    .unwrap();
    for path in [
        "/api/v1/runs/nightly/../../token",
        "/api/v1/runs/nightly/..%2F..%2F..%2Ftoken/lines.csv",
        "/api/v1/runs/..%2F..%2F/latest/lines.csv",
        "/api/v1/runs/nightly/%2e%2e/events.jsonl",
        "/api/v1/runs/nightly/latest/..%2F..%2F..%2Ftoken",
        "/api/v1/runs/nightly/latest/%2e%2e%2f%2e%2e%2ftoken",
        "/api/v1/runs/nightly/latest/secret.txt",
        "/api/v1/runs/nightly/latest/modems.csv",
        "/api/v1/runs/nightly/latest/lines.csv%00.html",
        "/api/v1/runs/nightly/20260101T000000Z-nightly/events.jsonl",
        "/static/..%2F..%2Ftoken",
        "/static/../../../token",
        "//etc/passwd",
        "/runs/nightly/..%2f..%2f",
        "/api/v1/lines/nightly/%ff%fe",
    ] {
        let got = stage.get(path).await;
        assert!(matches!(got.status, 400 | 404), "{path}: {got:?}");
        assert!(
            !got.body.contains(TOKEN) && !got.body.contains("SECRET") && !got.body.contains("root:"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_was_asked_for_is_told_back_without_its_control_characters() {
    let stage = Stage::usual().await;
    let got = stage.get("/api/v1/lines?plan=%1b%5b31mred%0d%0aX:%20y").await;
    assert_eq!(got.status, 404);
    assert!(!got.body.contains('\u{1b}') && !got.head.contains("X: y"), "{got:?}");
}

#[tokio::test]
async fn a_peer_that_asks_too_often_is_told_when_it_may_ask_again() {
    let stage = Stage::usual().await;
    let mut stream = stage.connect().await;
    // Many requests on one connection: each is answered in its turn.
    let many = "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n".repeat(700);
    let (mut read, mut write) = stream.split();
    let mut heard = String::new();
    let (sent, ()) =
        tokio::join!(write.write_all(many.as_bytes()), Stage::hear(&mut read, &mut heard, " 429 "));
    sent.unwrap();
    Stage::hear(&mut read, &mut heard, "retry-after: 1").await;
}

#[tokio::test]
async fn every_answer_is_careful_about_browsers() {
    let stage = Stage::usual().await;
    for path in ["/", "/-/healthy", "/api/v1/status", "/nowhere", "/api/v1/runs/x/y/z/a/b"] {
        let head = stage.get(path).await.head.to_lowercase();
        for header in [
            "content-security-policy: ",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
        ] {
            assert!(head.contains(header), "{path}: {head}");
        }
        assert!(!head.contains("access-control-allow") && !head.contains("set-cookie"), "{path}: {head}");
        assert!(!head.contains("unsafe-inline"), "{path}: {head}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 8, ..ProptestConfig::default() })]

    /// Whatever comes, it is answered or closed, nothing is changed by it, and the next one is served.
    #[test]
    fn any_bytes_are_answered_or_closed(bytes in prop::collection::vec(any::<u8>(), 0..400), verb in "GET|POST|PUT|OPTIONS|", path in "/[ -~]{0,40}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stage = Stage::usual().await;
            let mut request = format!("{verb} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", bytes.len()).into_bytes();
            request.extend_from_slice(&bytes);
            for request in [&request[..], &bytes[..]] {
                let mut stream = stage.connect().await;
                let _ = stream.write_all(request).await;
                let _ = stream.shutdown().await;
                let mut got = Vec::new();
                let _ = timeout(AT_ONCE, stream.read_to_end(&mut got)).await.expect("it is closed");
            }
            assert!(stage.told.lock().unwrap().is_empty());
            assert_eq!(stage.get("/-/healthy").await.status, 200);
        });
    }
}
