//! A real browser, driven over WebDriver [W3C WebDriver] and Chromium's own additions to it: Debian's chromium and
//! chromium-driver, headless, on a port that the driver chooses itself.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::patience::{end, wait_until};

/// How long a browser may take for one command; other tests run at the same time.
const COMMAND: Duration = Duration::from_secs(60);

/// A browser with one window. It ends with its value.
pub(crate) struct Browser {
    driver: Child,
    agent: ureq::Agent,
    session: String,
}

impl Browser {
    /// Starts the driver, and a browser by it. Its profile is a folder of the driver's, which goes with it.
    pub(crate) fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the driver starts");
        let mut said = BufReader::new(driver.stdout.take().expect("its stdout is ours")).lines();
        let port = said
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.rsplit_once("successfully on port ").map(|(_, port)| port.to_owned()))
            .expect("the driver says on which port it listens");
        // Nobody reads what it says later; it says little, but a full pipe would stop it.
        std::thread::spawn(move || said.for_each(drop));
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(COMMAND))
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .new_agent();
        let mut browser =
            Self { driver, agent, session: format!("http://127.0.0.1:{}", port.trim_end_matches('.')) };
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"args": [
                "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars",
                // It asks its maker about updates and the like otherwise; nothing here leaves this machine, where daemons listen.
                "--disable-background-networking", "--disable-component-update", "--no-first-run",
                "--proxy-server=127.0.0.1:9", "--proxy-bypass-list=127.0.0.1",
            ]},
        }}});
        let begun = browser.post("/session", &wanted);
        let id = begun["sessionId"].as_str().expect("a session has an id");
        browser.session = format!("{}/session/{id}", browser.session);
        browser
    }

    fn answer(path: &str, response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Value {
        let mut response = response.unwrap_or_else(|error| panic!("{path}: {error}"));
        let body =
            response.body_mut().with_config().limit(64 << 20).read_to_string().expect("an answer is text");
        let mut answer: Value = serde_json::from_str(&body).expect("an answer is JSON");
        assert!(response.status().is_success(), "{path}: {body}");
        answer["value"].take()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let sent = self.agent.post(format!("{}{path}", self.session)).content_type("application/json");
        Self::answer(path, sent.send(body.to_string()))
    }

    /// A command of Chromium's own protocol.
    pub(crate) fn chromium(&self, command: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// Goes to a file, at a place in it (`#...`, or nothing), and waits until it is loaded.
    pub(crate) fn open(&self, file: &Path, place: &str) {
        // Always a load: a change of the place alone would keep the page as it is.
        self.post("/url", &json!({"url": "about:blank"}));
        self.post("/url", &json!({"url": format!("file://{}{place}", file.display())}));
    }

    /// Goes to an address of a server, and waits until it is loaded.
    pub(crate) fn visit(&self, address: &str) {
        self.post("/url", &json!({"url": address}));
    }

    /// What a function's body returns, run in the page.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// What a function's body hands to `done`.
    pub(crate) fn wait_for(&self, script: &str) -> Value {
        let script = format!("const done = arguments[arguments.length - 1];{script}");
        self.post("/execute/async", &json!({"script": script, "args": []}))
    }

    /// A text that a function's body returns.
    pub(crate) fn text(&self, script: &str) -> String {
        self.run(script).as_str().unwrap_or_default().to_owned()
    }

    /// Whether an expression came true.
    pub(crate) fn comes_true(&self, expression: &str) -> bool {
        wait_until(Duration::from_secs(10), || {
            self.run(&format!("return Boolean({expression})")) == Value::Bool(true)
        })
    }

    /// Presses the mouse in the middle of the first element that a selector names, after bringing it into view.
    pub(crate) fn press(&self, selector: &str) {
        let found = self.post("/element", &json!({"using": "css selector", "value": selector}));
        let id = found
            .as_object()
            .and_then(|ids| ids.values().next())
            .and_then(Value::as_str)
            .expect("an element");
        self.post(&format!("/element/{id}/click"), &json!({}));
    }

    /// Types keys into whatever has the focus.
    pub(crate) fn type_keys(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
            })
            .collect();
        self.post("/actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": strokes}]}));
    }

    /// The width of the window, and whether it is a phone's.
    pub(crate) fn size(&self, width: u32, height: u32) {
        let phone = width < 600;
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone});
        self.chromium("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Which colours the system wants (`light`, `dark`), and whether the page is on `screen` or in `print`.
    pub(crate) fn colours(&self, scheme: &str, medium: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.chromium("Emulation.setEmulatedMedia", &json!({"media": medium, "features": features}));
    }

    /// What the browser complained of since it was asked last: faults of scripts, and what the page's policy held back.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({"type": "browser"}));
        let entries = log.as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.agent.delete(&self.session).call();
        end(&mut self.driver, Duration::from_secs(10));
    }
}

// The keys of the keyboard that have no character. [WebDriver, 17.4.2]
/// Escape.
pub(crate) const ESCAPE: &str = "\u{e00c}";
/// Enter.
pub(crate) const ENTER: &str = "\u{e007}";
/// The arrow to the right.
pub(crate) const RIGHT: &str = "\u{e014}";
/// The arrow down.
pub(crate) const DOWN: &str = "\u{e015}";
