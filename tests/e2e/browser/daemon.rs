//! The daemon's pages in a real browser, over a daemon that works: at three widths and in both colours, read aloud, while a run
//! goes on, and as what somebody asks for is done or refused.

use serde_json::{Value, json};

use super::driver::{Browser, ENTER, ESCAPE};
use super::{CONTRAST, SIZES, browser};
use crate::daemon::house::{Daemon, House};
use crate::night::Exchange;
use crate::stage::Stage;
use crate::town::{Branch, Town};

const TOKEN: &str = "Copper-Lantern-27-of-the-page";

/// A town of eight branches, two of which are dead, with a daemon that answers on a port.
struct Desk {
    stage: Stage,
    _exchange: Exchange,
}

impl Desk {
    fn new() -> Self {
        let stage = Stage::new();
        let branches = (1..=6)
            .map(Branch::new)
            .chain([(7, "busy"), (8, "no-answer")].map(|(n, fault)| Branch::with_fault(n, fault)));
        let exchange = Exchange::of(&Town::new(&["courier", "v250"], branches), &stage);
        Self { stage, _exchange: exchange }
    }

    fn open(&self) -> (House<'_>, Daemon, String) {
        let mut house = House::new(&self.stage);
        house.keys = format!(
            "http: {{ listen: \"127.0.0.1:0\", reading: open, token: {{ command: [printf, \"%s\", {TOKEN}] }} }}"
        );
        let daemon = house.open();
        let address = std::fs::read_to_string(self.stage.path("state/hq.http")).unwrap().trim().to_owned();
        (house, daemon, address)
    }
}

/// What is wrong with a page for whoever does not see it, and what sticks out for whoever does.
const NAMES: &str = "
    const levels = Array.from(document.querySelectorAll('h1, h2, h3, h4')).filter((h) => h.checkVisibility()).map((h) => Number(h.tagName[1]));
    const named = (e) => e.labels?.length || e.textContent.trim() || e.getAttribute('aria-label') || e.getAttribute('aria-labelledby');
    const ids = Array.from(document.querySelectorAll('[id]'), (e) => e.id);
    return {
      lang: document.documentElement.lang,
      first: levels.filter((level) => level === 1).length,
      jumps: levels.filter((level, at) => at > 0 && level > levels[at - 1] + 1).length,
      main: document.querySelectorAll('main').length,
      nameless: Array.from(document.querySelectorAll('a, button, input, select')).filter((e) => e.checkVisibility() && !named(e)).map((e) => e.outerHTML),
      blind: Array.from(document.querySelectorAll('svg')).filter((e) => e.ariaHidden !== 'true' && !e.getAttribute('aria-label') && !document.getElementById((e.getAttribute('aria-labelledby') || '').split(' ')[0])?.textContent).length,
      twice: ids.filter((id, at) => ids.indexOf(id) !== at),
      wide: Math.max(0, document.documentElement.scrollWidth - innerWidth),
      elsewhere: performance.getEntriesByType('resource').map((e) => e.name).filter((name) => !name.startsWith(location.origin)),
    };";

#[test]
fn every_page_reads_well_at_three_widths_in_both_colours() {
    let Some(browser) = browser("the daemon's pages at three widths") else { return };
    let desk = Desk::new();
    let (_house, daemon, address) = desk.open();
    let run = daemon.whole_run();
    let pages =
        ["/", "/lines", "/lines/town/BR0007-A", "/runs", "/modems", "/control", &format!("/runs/town/{run}")];
    for (width, height) in SIZES {
        for scheme in ["light", "dark"] {
            browser.size(width, height);
            browser.colours(scheme, "screen");
            for page in pages {
                let here = format!("{page}, {width} wide, {scheme}");
                browser.visit(&format!("{address}{page}"));
                let found = browser.run(NAMES);
                assert_eq!(
                    found,
                    json!({"lang": "en", "first": 1, "jumps": 0, "main": 1, "nameless": [], "blind": 0, "twice": [], "wide": 0, "elsewhere": []}),
                    "{here}"
                );
                let contrast = browser.run(CONTRAST);
                assert!(contrast["seen"].as_u64() > Some(20), "{here}: {contrast}");
                assert_eq!(contrast["poor"], json!([]), "{here}");
                assert_eq!(browser.complaints(), Vec::<String>::new(), "{here}");
            }
        }
    }
    daemon.close();
}

/// Types the token where it is asked for.
fn give_token(browser: &Browser, token: &str) {
    assert!(browser.comes_true("document.getElementById('token-box').open"));
    browser.type_keys(token);
    browser.type_keys(ENTER);
}

fn said(browser: &Browser) -> String {
    browser.text("return document.getElementById('act-said').textContent")
}

#[test]
fn a_run_is_begun_and_watched_and_its_report_stands_there_when_it_is_over() {
    let Some(browser) = browser("a run on the daemon's page") else { return };
    let desk = Desk::new();
    let (_house, daemon, address) = desk.open();
    browser.size(375, 812);
    // Begun with the token, asked for once, and after a question.
    browser.visit(&format!("{address}/control"));
    // Whoever types while the page looks again keeps the place and what was typed.
    browser.run(
        "window.field = document.querySelector('form[data-do=drain] input'); field.focus(); field.value = 'half a wor'; window.looks = document.getElementById('live').dataset.looks || 0",
    );
    assert!(browser.comes_true("(document.getElementById('live').dataset.looks || 0) > window.looks || document.getElementById('live').dataset.looks > 0"));
    assert_eq!(
        browser.run(
            "return [document.activeElement === window.field, window.field.isConnected, window.field.value]"
        ),
        json!([true, true, "half a wor"])
    );
    browser.press("form[data-do=start] button");
    assert!(browser.comes_true("document.getElementById('sure').open"));
    browser.type_keys(ESCAPE);
    assert!(
        browser.comes_true("document.getElementById('act-said').textContent.startsWith('Left as it was')")
    );
    browser.press("form[data-do=start] button");
    browser.press("#sure button[value=yes]");
    give_token(&browser, "not-the-token-at-all");
    assert!(browser.comes_true("document.getElementById('token-box').open"), "{}", said(&browser));
    give_token(&browser, TOKEN);
    assert!(
        browser.comes_true("document.getElementById('act-said').textContent.includes('has begun')"),
        "{}",
        said(&browser)
    );
    // Live: what each modem is at, and verdicts as they come, without a load.
    browser.visit(&format!("{address}/"));
    browser.run("window.stayed = true");
    assert!(browser.comes_true("document.querySelectorAll('.bank tbody tr').length === 2"));
    assert!(browser.comes_true("document.querySelectorAll('.bank .stands.busy').length > 0"));
    assert!(browser.comes_true("document.querySelectorAll('.verdicts li').length > 2"));
    // Over: its report takes the place, with what failed, and a reader heard of it.
    assert!(
        browser.comes_true("document.querySelector('.last .headline')?.textContent.includes('2 of 8 lines')"),
        "{}",
        browser.text("return document.body.innerText")
    );
    assert!(browser.comes_true("!document.querySelector('.going')"));
    assert_eq!(browser.run("return window.stayed"), Value::Bool(true));
    assert!(
        browser.comes_true("/BR000[78]-A|lines failed/.test(document.getElementById('said').textContent)")
    );
    // From there into the report, with the same address for a line as in the file.
    browser.press(".last .facts a");
    assert!(browser.comes_true("document.querySelectorAll('#table tbody tr').length === 8"));
    browser.run("location.hash = '#line=BR0007-A'");
    assert!(browser.comes_true("document.getElementById('panel').open && document.querySelector('#panel h3').textContent.startsWith('BR0007-A')"));
    browser.run("document.querySelector('#panel a[href^=\"/lines/\"]').click()");
    assert!(browser.comes_true("location.pathname === '/lines/town/BR0007-A' && document.querySelector('h1').textContent.includes('fail')"));
    // The wrong token alone.
    let complaints = browser.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("401"), "{complaints:?}");
    daemon.close();
}

#[test]
fn a_line_is_called_from_its_page_and_the_call_is_watched() {
    let Some(browser) = browser("a call on the daemon's page") else { return };
    let desk = Desk::new();
    let (_house, daemon, address) = desk.open();
    browser.size(375, 812);
    browser.visit(&format!("{address}/lines/town/BR0001-A"));
    assert!(browser.text("return document.body.innerText").contains("knows nothing of it yet"));
    // By keys alone.
    browser.run("document.querySelector('form[data-do=call] button').focus()");
    browser.type_keys(ENTER);
    give_token(&browser, TOKEN);
    assert!(
        browser.comes_true("document.querySelectorAll('.call .steps tr').length > 3"),
        "{}",
        said(&browser)
    );
    assert!(
        browser.comes_true("document.querySelector('.call .outcome .v.pass')"),
        "{}",
        browser.text("return document.body.innerText")
    );
    let steps = browser.text("return document.querySelector('.call .steps').innerText");
    for word in ["dialing", "CONNECT", "logged in", "on-hook"] {
        assert!(steps.contains(word), "{word}: {steps}");
    }
    assert!(browser.text("return location.search").starts_with("?call="));
    // A load later it stands there still; a line that nobody has is told as such.
    browser.visit(&browser.text("return location.href"));
    assert!(browser.comes_true("document.querySelector('.call .outcome .v.pass')"));
    // The token is this tab's, and is not asked for again.
    browser
        .run("document.querySelector('form[data-do=disable] input').value = 'cable cut, ticket <b>4711</b>'");
    browser.press("form[data-do=disable] button");
    assert!(
        browser.comes_true(
            "document.querySelector('#live .warning')?.textContent.includes('ticket <b>4711</b>')"
        ),
        "{}",
        said(&browser)
    );
    browser.press("form[data-do=enable] button");
    assert!(browser.comes_true("!document.querySelector('#live .warning')"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
    daemon.close();
}

#[test]
fn an_emergency_stop_is_asked_about_and_shown_until_it_is_released() {
    let Some(browser) = browser("an emergency stop on the daemon's page") else { return };
    let desk = Desk::new();
    let (_house, daemon, address) = desk.open();
    browser.visit(&format!("{address}/control"));
    browser.run("document.querySelector('form[data-do=emergency-stop] input').value = 'smoke in the closet'");
    browser.press("form[data-do=emergency-stop] button");
    browser.press("#sure button[value=yes]");
    give_token(&browser, TOKEN);
    assert!(
        browser.comes_true("document.getElementById('daemon').textContent.includes('EMERGENCY STOP')"),
        "{}",
        said(&browser)
    );
    assert!(
        browser.text("return document.getElementById('daemon').textContent").contains("smoke in the closet")
    );
    // Refused with the reason, in words.
    browser.press("form[data-do=start] button");
    browser.press("#sure button[value=yes]");
    assert!(
        browser.comes_true("document.getElementById('act-said').classList.contains('fail')"),
        "{}",
        said(&browser)
    );
    browser.press("form[data-do=release] button");
    browser.press("#sure button[value=yes]");
    assert!(
        browser.comes_true("!document.getElementById('daemon').textContent.includes('EMERGENCY')"),
        "{}",
        said(&browser)
    );
    assert_eq!(browser.run("return [localStorage.length, document.cookie]"), json!([0, ""]));
    daemon.close();
}
