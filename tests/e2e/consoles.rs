//! The shipped example of console servers, seen from outside: each console has its verdict in a table of its own, its line
//! that of the first that failed, and what one showed that did not pass is kept.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::night::rows;
use crate::stage::{Stage, finish};

/// It waits for real seconds: at each console one before the CR, and one behind its prompt.
const LIMIT: Duration = Duration::from_secs(150);

#[test]
fn the_example_of_console_servers_tells_of_every_console() {
    let stage = Stage::new();
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans/consoles.yaml");
    let (plan, reports) = (plan.display().to_string(), stage.path("reports").display().to_string());
    let output = finish(stage.lineman(["audit", &plan, "--reports", &reports]), LIMIT);
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{said}");
    let run = stage.path("reports/latest");
    let told = |row: &crate::stage::Row| format!("{} {} {}", row["console"], row["result"], row["fault"]);
    let consoles: Vec<String> = rows(&run.join("consoles.csv")).iter().map(told).collect();
    assert_eq!(
        consoles,
        [
            "rdu10-srv1 pass ",
            "core switch pass ",
            "rdu10-fw1 pass ",
            "clt10-srv1 pass ",
            "clt10-sw1 fail open-console",
            "clt10-sw2 fail console-busy",
            "power fail console-silent",
            "atl10-srv1 pass ",
            "atl10-srv2 degraded logout-unproven",
            "atl10-srv3 fail wrong-console",
            "mia10-srv1 fail wrong-console",
            "mia10-srv2 pass ",
        ],
        "{said}"
    );
    let lines: Vec<String> = rows(&run.join("lines.csv"))
        .iter()
        .map(|row| format!("{} {} {}", row["line"], row["fault"], row["consoles"]))
        .collect();
    let expected =
        ["RDU10-A  3", "CLT10-A open-console 4", "ATL10-A wrong-console 3", "MIA10-A wrong-console 2"];
    assert_eq!(lines, expected, "{said}");
    assert!(
        said.contains("12 consoles behind console servers: 6 pass, 1 degraded, 5 fail, 0 not reached"),
        "{said}"
    );
    crate::formats::is_a_data_package(&run);
    let transcript = fs::read_to_string(run.join("transcripts/CLT10-A.1.txt")).expect("it did not pass");
    assert!(transcript.contains("---- console power (port clt10-pdu1) ----"), "{transcript}");
    assert!(!transcript.contains("console clt10-srv1"), "who passed has no transcript: {transcript}");
}
