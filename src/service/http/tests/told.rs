//! What is told, to whom, and what the daemon is told: the API as its users meet it.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::model::EventKind;
use crate::report::{self, sample};
use crate::service::control::Control;
use crate::service::http::client::{Client, ClientError, Live as Heard, Place};
use crate::service::http::stage::{RUN, Stage, TOKEN};

#[tokio::test]
async fn nothing_is_changed_and_nothing_read_without_the_token() {
    let stage = Stage::usual().await;
    for path in ["/api/v1/status", "/api/v1/lines", "/metrics", "/", "/api/v1/events", "/runs"] {
        assert_eq!(stage.ask("GET", path, &[], "").await.status, 401, "{path}");
    }
    for path in ["/-/healthy", "/-/ready", "/api/v1/openapi.json"] {
        assert_eq!(stage.ask("GET", path, &[], "").await.status, 200, "{path}");
    }
    let json = ("Content-Type", "application/json");
    let stop = r#"{"do":"emergency-stop"}"#;
    for headers in [
        vec![json],
        vec![json, ("Authorization", "Bearer open-sesame-012345678")],
        vec![json, ("Authorization", "Basic bWU6b3Blbi1zZXNhbWUtMDEyMzQ1Njc4OQ==")],
        vec![json, ("Cookie", "token=open-sesame-0123456789")],
        vec![json, ("Authorization", "Bearer open-sesame-0123456789"), ("Sec-Fetch-Site", "cross-site")],
    ] {
        let got = stage.ask("POST", "/api/v1/control", &headers, stop).await;
        assert!(matches!(got.status, 401 | 403), "{headers:?}: {got:?}");
        assert!(!got.body.contains(TOKEN) && !got.head.contains(TOKEN));
    }
    assert_eq!(stage.ask("POST", "/-/reload", &[], "").await.status, 401);
    assert!(stage.told.lock().unwrap().is_empty());
    // A browser asks its user for the password of a page; and a page says, in words, what is wrong.
    let page = stage.ask("GET", "/", &[], "").await;
    assert!(page.head.to_lowercase().contains("www-authenticate: basic"), "{page:?}");
    assert_eq!(
        stage
            .ask("GET", "/", &[("Authorization", "Basic bWU6b3Blbi1zZXNhbWUtMDEyMzQ1Njc4OQ==")], "")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_control_reaches_the_loop_and_its_answer_comes_back() {
    let stage = Stage::usual().await;
    let done = stage.post("/api/v1/control", r#"{"do":"pause","why":"work on the PBX"}"#).await;
    assert_eq!((done.status, done.json()), (200, json!({ "said": "done" })));
    assert_eq!(
        *stage.told.lock().unwrap(),
        [Control::Pause { plan: None, until: None, why: "work on the PBX".to_owned() }]
    );
    let unknown = stage.post("/api/v1/control", r#"{"do":"start","plan":"weekly"}"#).await;
    assert_eq!(
        (unknown.status, unknown.json()["error"].as_str().unwrap()),
        (404, "there is no plan `weekly`")
    );
    let refused = stage.post("/api/v1/control", r#"{"do":"release"}"#).await;
    assert_eq!(refused.status, 409);
    for (body, status) in [
        ("{", 400),
        ("", 400),
        (r#"{"do":"fly"}"#, 422),
        (r#"{"do":"pause","untill":"2026-11-22T06:00:00Z"}"#, 422),
        (r#"{"do":"disable","line":"../../etc"}"#, 422),
        (&format!(r#"{{"do":"stop","why":"{}"}}"#, "x".repeat(20_000)), 413),
    ] {
        let got = stage.post("/api/v1/control", body).await;
        assert_eq!(got.status, status, "{body:.60}: {got:?}");
        assert!(got.json()["error"].is_string());
    }
    let bearer = format!("Bearer {TOKEN}");
    let plain = [("Authorization", bearer.as_str()), ("Content-Type", "text/plain")];
    assert_eq!(stage.ask("POST", "/api/v1/control", &plain, r#"{"do":"stop"}"#).await.status, 415);
    assert_eq!(stage.ask("DELETE", "/api/v1/control", &plain, "").await.status, 405);
    assert_eq!(stage.told.lock().unwrap().len(), 3, "what can't be understood never gets there");
}

#[tokio::test]
async fn lines_are_found_by_what_they_are_known_by() {
    let stage = Stage::usual().await;
    stage.record_a_night();
    let ids = |got: &serde_json::Value| -> Vec<String> {
        got["lines"].as_array().unwrap().iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = stage.get("/api/v1/lines").await.json();
    assert_eq!((all["total"].as_u64(), ids(&all).len()), (Some(13), 13));
    let pass = stage.get("/api/v1/lines?result=pass&plan=nightly").await.json();
    assert!(!ids(&pass).is_empty() && ids(&pass).len() < 13, "{pass}");
    assert!(pass["lines"].as_array().unwrap().iter().all(|line| line["last"]["result"] == "pass"));
    let host = stage.get("/api/v1/lines?q=BR0003-rtr1").await.json();
    assert_eq!(ids(&host), ["BR0003-A"]);
    let number = stage.get("/api/v1/lines?q=0104").await.json();
    assert_eq!(ids(&number), ["BR0004-A"]);
    assert_eq!(ids(&stage.get("/api/v1/lines?site=br0005").await.json()), ["BR0005-A"]);
    // Page by page they are the same.
    let (mut paged, mut after) = (Vec::new(), String::new());
    loop {
        let page = stage.get(&format!("/api/v1/lines?limit=5{after}")).await.json();
        paged.extend(ids(&page));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={}", next.replace('/', "%2F")),
            None => break,
        }
    }
    assert_eq!(paged, ids(&all));
    for bad in ["?limit=1001", "?limit=x", "?result=good", "?nonsense=1", "?plan=a&plan=b", "?after=nowhere"]
    {
        assert_eq!(stage.get(&format!("/api/v1/lines{bad}")).await.status, 400, "{bad}");
    }
    assert_eq!(stage.get("/api/v1/lines?plan=weekly").await.status, 404);
    assert_eq!(stage.get("/api/v1/lines/nightly/BR9999-A").await.status, 404);
}

#[tokio::test]
async fn a_line_says_why_it_waits_and_what_was_found() {
    let stage = Stage::usual().await;
    stage.record_a_night();
    let idle = stage.get("/api/v1/lines/nightly/BR0001-A").await.json();
    assert_eq!(idle["last"]["run"], RUN);
    assert_eq!(
        idle["why"], "disabled by an operator: line is being moved",
        "the status of the stage says so"
    );
    assert!(!idle["calls"].as_array().unwrap().is_empty());
    let other = stage.get("/api/v1/lines/nightly/BR0002-A").await.json();
    assert_eq!(other["why"], "no run of its plan is going on");
    // While a run goes on, its journal says it.
    let begun = stage.begin_a_night(8);
    let live = stage.get("/api/v1/lines/nightly/BR0002-A").await.json();
    assert_ne!(live["why"], other["why"], "{live}");
    drop(begun);
}

#[tokio::test]
async fn a_run_is_told_while_it_goes_on_and_from_its_files_afterwards() {
    let stage = Stage::usual().await;
    let (begun, _) = stage.begin_a_night(12);
    let live = stage.get(&format!("/api/v1/runs/nightly/{RUN}")).await.json();
    assert_eq!((live["finished"].is_null(), live["plan"].as_str()), (true, Some("nightly")));
    let runs = stage.get("/api/v1/runs").await.json();
    assert_eq!((runs["runs"][0]["live"].as_bool(), runs["runs"][0]["run"].as_str()), (Some(true), Some(RUN)));
    drop(begun);
    stage.record_a_night();
    for run in [RUN, "latest"] {
        let done = stage.get(&format!("/api/v1/runs/nightly/{run}")).await.json();
        assert_eq!(done["ending"], "completed", "{run}");
    }
    let first = stage.get("/api/v1/runs/nightly/latest/lines?limit=4").await.json();
    let rest = stage.get("/api/v1/runs/nightly/latest/lines?skip=4").await.json();
    assert_eq!((first["total"].as_u64(), first["lines"].as_array().unwrap().len()), (Some(13), 4));
    assert_eq!(rest["lines"].as_array().unwrap().len(), 9);
    let page = stage.get("/api/v1/runs/nightly/latest/report.html").await;
    assert_eq!(page.status, 200);
    assert!(page.head.contains("sandbox allow-scripts") && page.body.contains("<html"), "{}", page.head);
    assert_eq!(stage.get("/api/v1/runs/nightly/20200101T000000Z-nightly").await.status, 404);
    assert_eq!(stage.get("/api/v1/runs?limit=0").await.json()["runs"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn live_events_begin_with_a_picture_and_go_on_where_one_was_cut_off() {
    let stage = Stage::usual().await;
    let (begun, rest) = stage.begin_a_night(6);
    let mut stream = stage.connect().await;
    let request = |id: &str| {
        format!("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n{id}\r\n")
    };
    stream.write_all(request("").as_bytes()).await.unwrap();
    let mut heard = String::new();
    Stage::hear(&mut stream, &mut heard, "event: picture").await;
    Stage::hear(&mut stream, &mut heard, "\n\n").await;
    assert!(heard.contains(RUN) && heard.contains("text/event-stream"), "{heard}");
    let (mut watcher, state) = (begun.watcher(), report::fold(&sample::night()).unwrap());
    let verdict = rest.iter().position(|event| matches!(event.kind, EventKind::Verdict(_))).unwrap();
    for event in &rest[..=verdict] {
        watcher.see(&state, event);
    }
    Stage::hear(&mut stream, &mut heard, "\"event\":\"verdict\"").await;
    Stage::hear(&mut stream, &mut heard, "\n\n").await;
    // The daemon stands otherwise.
    let mut status = (**stage.status.borrow()).clone();
    status.why = "a new word".to_owned();
    stage.status.send_replace(std::sync::Arc::new(status));
    Stage::hear(&mut stream, &mut heard, "a new word").await;
    let id = heard.lines().rfind(|line| line.starts_with("id: ")).unwrap().replace("id: ", "Last-Event-ID: ")
        + "\r\n";
    drop(stream);
    // What comes while nobody reads is there for who comes back, without a picture.
    watcher.see(&state, rest.last().unwrap());
    let mut stream = stage.connect().await;
    stream.write_all(request(&id).as_bytes()).await.unwrap();
    let mut heard = String::new();
    Stage::hear(&mut stream, &mut heard, "\"event\":\"run-ended\"").await;
    assert!(!heard.contains("event: picture") && !heard.contains("\"verdict\""), "{heard}");
    // One of another life begins anew.
    let mut stream = stage.connect().await;
    stream.write_all(request("Last-Event-ID: 1-1\r\n").as_bytes()).await.unwrap();
    Stage::hear(&mut stream, &mut String::new(), "event: picture").await;
    assert!(!heard.contains("transcript"), "{heard}");
}

#[tokio::test]
async fn the_client_asks_over_the_socket_without_a_token_and_over_http_with_one() {
    let stage = Stage::usual().await;
    let socket = Client::new(Place::Socket(stage.path("run/control.sock")), None, None);
    assert_eq!(socket.status().await.unwrap().service, "hq");
    assert_eq!(socket.control(&Control::Reload).await.unwrap().said, "done");
    let refused = socket.control(&Control::Release).await.unwrap_err();
    assert!(matches!(&refused, ClientError::Refused(trouble) if trouble.status == 409), "{refused}");
    let mut events = socket.events().await.unwrap();
    assert!(matches!(events.next().await.unwrap(), Some(Heard::Picture)));
    let url = || Place::Url(format!("http://{}", stage.address).parse().unwrap());
    let with = Client::new(url(), Some(TOKEN.into()), None);
    assert_eq!(with.status().await.unwrap().service, "hq");
    let without = Client::new(url(), None, None).status().await.unwrap_err();
    assert!(matches!(&without, ClientError::Refused(trouble) if trouble.status == 401), "{without}");
    let nobody =
        Client::new(Place::Socket(stage.path("nowhere.sock")), None, None).status().await.unwrap_err();
    assert!(nobody.to_string().contains("no daemon answers at control socket"), "{nobody}");
}

#[tokio::test]
async fn the_end_is_soon_even_with_somebody_looking_on_and_the_socket_goes() {
    let mut stage = Stage::usual().await;
    let mut stream = stage.connect().await;
    let request =
        format!("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    Stage::hear(&mut stream, &mut String::new(), "event: picture").await;
    let idle = stage.connect().await;
    assert!(stage.path("run/control.sock").exists() && stage.path("state/hq.http").exists());
    timeout(Duration::from_secs(3), stage.server.take().unwrap().stop()).await.expect("it ends soon");
    assert!(!stage.path("run/control.sock").exists() && !stage.path("state/hq.http").exists());
    drop(idle);
}

#[tokio::test]
async fn other_configuration_takes_effect_and_what_cannot_be_done_leaves_what_was() {
    let mut stage = Stage::usual().await;
    let first = stage.address;
    stage.configure("token: { file: token }\nreading: open").await.unwrap();
    assert_eq!(stage.address, first, "nothing was said of another port");
    assert_eq!(stage.ask("GET", "/api/v1/status", &[], "").await.status, 200);
    let rebound = stage.ask("GET", "/api/v1/status", &[("X-Forwarded-Host", "x")], "").await;
    assert_eq!(rebound.status, 200);
    let evil =
        stage.raw(b"GET /api/v1/status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").await;
    assert_eq!(evil.status, 421, "a name that leads here is no home");
    // A token that is too short opens nothing, and the one before holds.
    std::fs::write(stage.path("short"), "short").unwrap();
    std::fs::set_permissions(stage.path("short"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    let error = stage.configure("token: { file: short }").await.unwrap_err();
    assert!(error.to_string().contains("can be guessed"), "{error}");
    assert_eq!(stage.get("/api/v1/status").await.status, 200);
    // TLS files that hold nothing of the kind: as it was.
    std::fs::write(stage.path("no.pem"), "nothing").unwrap();
    let error = stage
        .configure("token: { file: token }\ntls: { certificate: no.pem, key: no.pem }")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("holds no certificate"), "{error}");
    assert_eq!(stage.get("/api/v1/status").await.status, 200);
}
