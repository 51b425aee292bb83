//! What each format says of each line, read as its users read it: result and fault. None of this is lineman's own code.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value;

/// Of each line its result, and its fault; of a pass that is empty. Without a verdict a line is not there.
pub(crate) type Verdicts = BTreeMap<String, (String, String)>;

fn pair(result: &str, fault: &str) -> (String, String) {
    (result.to_owned(), fault.to_owned())
}

pub(crate) fn csv(text: &str) -> Verdicts {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.deserialize::<BTreeMap<String, String>>();
    rows.map(|row| row.expect("a row"))
        .map(|row| (row["line"].clone(), pair(&row["result"], &row["fault"])))
        .collect()
}

pub(crate) fn json(text: &str) -> Verdicts {
    let run: Value = serde_json::from_str(text).expect("one object");
    let word = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let rows = run["lines"].as_array().expect("an array").iter();
    rows.map(|row| (word(row, "line"), (word(row, "result"), word(row, "fault")))).collect()
}

/// summary.json names only lines that did not pass.
pub(crate) fn summary(text: &str) -> Verdicts {
    let run: Value = serde_json::from_str(text).expect("one object");
    let word = |row: &Value, key: &str| row[key].as_str().expect("a word").to_owned();
    let rows = run["not_passed"].as_array().expect("an array").iter();
    rows.map(|row| (word(row, "line"), (word(row, "result"), word(row, "fault")))).collect()
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut all = element.attributes().map(|attribute| attribute.expect("an attribute"));
    let found = all.find(|attribute| attribute.key.as_ref() == name)?;
    Some(found.normalized_value(quick_xml::XmlVersion::default()).expect("a value").into_owned())
}

/// A failure is a fail, output is what a degraded line has, skipped and errors are untested. The fault is the type; where
/// there is none, it stands in the first words.
pub(crate) fn junit(text: &str) -> Verdicts {
    let mut reader = Reader::from_str(text);
    let mut verdicts = Verdicts::new();
    let (mut line, mut reads) = (None, false);
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(element) | Event::Empty(element) => match element.name().as_ref() {
                "testcase" => {
                    let name = attribute(&element, "name").expect("a name");
                    verdicts.insert(name.clone(), pair("pass", ""));
                    line = Some(name);
                }
                "system-out" => reads = line.is_some(),
                kind @ ("failure" | "error" | "skipped") => {
                    let line = line.clone().expect("within a case");
                    let fault = attribute(&element, "type").expect("a type");
                    let result = if kind == "failure" { "fail" } else { "untested" };
                    // Who reads only the message is told the same.
                    let message = attribute(&element, "message").expect("a message");
                    if fault == "no-verdict" {
                        verdicts.remove(&line);
                    } else {
                        assert!(message.starts_with(&format!("{result} {fault} (blame: ")), "{message}");
                        verdicts.insert(line, pair(result, &fault));
                    }
                }
                "properties" => line = None,
                _ => {}
            },
            Event::Text(text) if reads => {
                let mut words = text.split_whitespace();
                let (result, fault) = (words.next().expect("a result"), words.next().expect("a fault"));
                verdicts.insert(line.clone().expect("within a case"), pair(result, fault));
                reads = false;
            }
            Event::End(element) if element.name().as_ref() == "testsuite" => line = None,
            Event::End(element) if element.name().as_ref() == "testcase" => (line, reads) = (None, false),
            Event::Eof => return verdicts,
            _ => {}
        }
    }
}

/// The rows of the page's table of lines, as it is without scripts.
pub(crate) fn html(text: &str) -> Verdicts {
    let (_, rest) = text.split_once("<!--rows-->").expect("a table of lines");
    let (rows, _) = rest.split_once("<!--end-->").expect("its end");
    let words = |cell: &str| -> String {
        let text = cell.split_once('>').map_or("", |(_, text)| text);
        text.split('<').next().unwrap_or_default().trim().to_owned()
    };
    rows.split("<tr>")
        .skip(1)
        .map(|row| {
            let cells: Vec<&str> = row.split("<td").collect();
            let (_, name) = cells[0].split_once("\">").expect("a link to the line's section");
            (name.split('<').next().unwrap_or_default().to_owned(), (words(cells[3]), words(cells[4])))
        })
        .filter(|(_, (result, _))| !result.is_empty())
        .collect()
}

/// `name{label="value",...} 1`.
pub(crate) fn prometheus(text: &str) -> Verdicts {
    let samples = text.lines().filter_map(|line| line.strip_prefix("lineman_line_verdict{"));
    samples
        .map(|sample| {
            let (labels, value) = sample.rsplit_once("} ").expect("a sample");
            assert_eq!(value, "1");
            // No value of these has a comma or a quote in it.
            let labels: BTreeMap<&str, &str> = labels
                .split(',')
                .map(|label| label.split_once('=').expect("a label"))
                .map(|(name, value)| (name, value.trim_matches('"')))
                .collect();
            let fault = Some(labels["reason"]).filter(|reason| *reason != "none").unwrap_or_default();
            (labels["line"].to_owned(), pair(labels["result"], fault))
        })
        .collect()
}

/// What numbers Nagios and Zabbix have for results.
const RESULTS: [&str; 4] = ["pass", "degraded", "fail", "untested"];

/// `[time] PROCESS_SERVICE_CHECK_RESULT;host;service;code;output`; the output names result and fault too.
pub(crate) fn nagios(text: &str) -> Verdicts {
    text.lines()
        .map(|line| {
            let fields: Vec<&str> = line.splitn(5, ';').collect();
            let name = fields[2].strip_prefix("lineman ").expect("the service of a line");
            let result = RESULTS[fields[3].parse::<usize>().expect("a code")];
            let (_, said) = fields[4].split_once(&format!("{name} ")).expect("the line's name");
            let found = said.split(['|', '\\']).next().unwrap_or_default();
            let fault = match found.split_once(": ") {
                Some((told, rest)) => {
                    assert_eq!(told, result, "{line}");
                    rest.split(' ').next().unwrap_or_default()
                }
                None => "",
            };
            (name.to_owned(), pair(result, fault))
        })
        .collect()
}

/// `host "lineman.line.result[LINE]" time "0"` and `lineman.line.reason[LINE]`.
pub(crate) fn zabbix(text: &str) -> Verdicts {
    let mut verdicts = Verdicts::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let (key, value) = (fields[1].trim_matches('"'), fields[3].trim_matches('"'));
        let of = |kind: &str| key.strip_prefix(kind).and_then(|rest| rest.strip_suffix(']'));
        if let Some(line) = of("lineman.line.result[") {
            let result = RESULTS[value.parse::<usize>().expect("a code")];
            result.clone_into(&mut verdicts.entry(line.to_owned()).or_default().0);
        } else if let Some(line) = of("lineman.line.reason[") {
            let fault = if value == "none" { "" } else { value };
            fault.clone_into(&mut verdicts.entry(line.to_owned()).or_default().1);
        }
    }
    verdicts
}
