//! Plans from files: every bad file of `tests/fixtures/config/` says in its head, behind `# > `, all that must be said of it.

use std::fs;
use std::path::Path;

use super::*;
use crate::config::load_plan;

const FIXTURES: &str = "tests/fixtures/config";

fn load(name: &str) -> Result<Plan, String> {
    load_with(name, &Overrides::default())
}

fn load_with(name: &str, overrides: &Overrides) -> Result<Plan, String> {
    let path = Path::new(FIXTURES).join(name);
    load_plan(&path, overrides).map_err(|problems| problems.to_string().replace(&format!("{FIXTURES}/"), ""))
}

fn dials(plan: &Plan) -> Vec<String> {
    let dial = |line: &PlannedLine| plan.dial_string(&line.line, &plan.bank.modems[0]).unwrap().command();
    plan.lines.iter().map(dial).collect()
}

#[test]
fn every_bad_file_gets_its_exact_messages_all_at_once() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for entry in fs::read_dir(FIXTURES).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.ends_with(".yaml") || name.starts_with("good") {
            continue;
        }
        seen += 1;
        let text = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&text);
        let expected: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# > ")).collect();
        let said = load(&name).err().unwrap_or_default();
        if said != expected.join("\n") || expected.is_empty() {
            wrong.push(format!("{name}: expected\n{}\nsaid\n{said}\n", expected.join("\n")));
        }
        assert!(
            !said.contains("hunter2") && !said.contains("4711007"),
            "{name} gives a password away: {said}"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen >= 30, "only {seen} bad files were found");
}
