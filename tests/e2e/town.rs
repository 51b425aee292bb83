//! A town to audit: branches, written down for the exchange that plays them and for the plan that dials them.
//!
//! Everything is quick unless a test says otherwise: a ring takes some ten milliseconds, a retry waits a fifth of a second.

use std::fmt::Write;
use std::path::Path;

use lineman::model::{Fault, Verdict};

use crate::stage::Stage;

/// What every console of a town takes, unless told otherwise.
pub(crate) const PASSWORD: &str = "Tin-Kettle-19";
/// The variable in which a plan finds it.
pub(crate) const VARIABLE: &str = "TOWN_PASSWORD";

/// One line, at both ends.
#[derive(Debug, Clone)]
pub(crate) struct Branch {
    pub(crate) id: String,
    /// With its `+`.
    pub(crate) number: String,
    /// What stands behind the line: YAML keys of the exchange's entry.
    far: String,
    /// What the plan says of it: YAML keys of the plan's entry.
    near: String,
}

impl Branch {
    /// The `n`th branch: an IOS router that lets `oob` in.
    pub(crate) fn new(n: usize) -> Self {
        let host = format!("br{n:04}-rtr1");
        Self {
            id: format!("BR{n:04}-A"),
            number: format!("+1 704 555 {:04}", 100 + n),
            far: format!(
                "console: cisco-ios, hostname: {host}, username: oob, password: {PASSWORD}, rings: 1"
            ),
            near: format!("hostname: {host}"),
        }
    }

    /// A branch with a fault, as the exchange's file writes it.
    pub(crate) fn with_fault(n: usize, fault: &str) -> Self {
        Self::new(n).far(&format!("fault: {fault}"))
    }

    /// Adds keys to the exchange's entry.
    pub(crate) fn far(mut self, yaml: &str) -> Self {
        let _ = write!(self.far, ", {yaml}");
        self
    }

    /// Takes other keys for the exchange's entry.
    pub(crate) fn far_only(mut self, yaml: &str) -> Self {
        yaml.clone_into(&mut self.far);
        self
    }

    /// Adds keys to the plan's entry.
    pub(crate) fn near(mut self, yaml: &str) -> Self {
        let _ = write!(self.near, ", {yaml}");
        self
    }

    /// A shorter or longer way to ring, in bursts.
    pub(crate) fn rings(mut self, bursts: u32) -> Self {
        self.far = self.far.replace("rings: 1", &format!("rings: {bursts}"));
        self
    }
}

/// A town: what a test changes of it is what the test is about.
#[derive(Debug, Clone)]
pub(crate) struct Town {
    pub(crate) pace: f64,
    /// Id, profile, and more keys of the exchange's entry.
    pub(crate) modems: Vec<(String, String, String)>,
    pub(crate) branches: Vec<Branch>,
    /// Lines of the exchange's `rules`.
    pub(crate) rules: Vec<String>,
    /// Keys of the exchange.
    pub(crate) exchange_keys: String,
    /// Keys of the exchange's `timing`.
    pub(crate) timing: String,
    /// Keys of the plan's `policy`, behind the quick retries.
    pub(crate) policy: String,
    pub(crate) limits: String,
    pub(crate) credentials: String,
    /// Keys of the bank.
    pub(crate) bank_keys: String,
    /// Entries of the plan that no line of the exchange belongs to.
    pub(crate) more_lines: Vec<String>,
    /// Entries of the exchange that no line of the plan belongs to.
    pub(crate) far_lines: Vec<String>,
    /// Keys of the plan, behind all others.
    pub(crate) plan_keys: String,
    /// Each modem has an outside number of its own.
    pub(crate) own_numbers: bool,
}

/// The number of the `n`th modem's own line.
fn own_number(n: usize) -> String {
    format!("+1 704 555 {:04}", 900 + n)
}

impl Town {
    /// A town with these branches, and one modem of a profile for each of `profiles`.
    pub(crate) fn new(profiles: &[&str], branches: impl IntoIterator<Item = Branch>) -> Self {
        let modems = profiles
            .iter()
            .enumerate()
            .map(|(n, profile)| (format!("m{n:02}"), (*profile).to_owned(), String::new()))
            .collect();
        Self {
            pace: 0.02,
            modems,
            branches: branches.into_iter().collect(),
            rules: Vec::new(),
            exchange_keys: String::new(),
            timing: String::new(),
            policy: "attempts: 3, confirm: 2".to_owned(),
            limits: "setup: 5s, dial: 20s, prompt: 3s, login: 4s, grant_wait: 20s, logout: 2s, hangup: 4s, call: 40s"
                .to_owned(),
            credentials: format!("{{ oob: {{ username: oob, password: {{ env: {VARIABLE} }} }} }}"),
            bank_keys: "on_hook_min: 0s".to_owned(),
            more_lines: Vec::new(),
            far_lines: Vec::new(),
            // Whoever counts calls in the exchange's log does not want to count dial tones too.
            plan_keys: "preflight: off".to_owned(),
            own_numbers: false,
        }
    }

    /// Gives the plan a reference number, behind which a modem answers.
    pub(crate) fn with_reference(mut self, preflight: &str) -> Self {
        self.far_lines.push("id: REF, number: \"+1 704 555 0099\", rings: 1".to_owned());
        self.plan_keys = format!("reference: \"+1 704 555 0099\"\npreflight: {preflight}");
        self
    }

    fn number_key(&self, n: usize) -> String {
        if self.own_numbers { format!(", number: \"{}\"", own_number(n)) } else { String::new() }
    }

    /// Gives a modem more keys in the exchange's file.
    pub(crate) fn modem(mut self, n: usize, yaml: &str) -> Self {
        yaml.clone_into(&mut self.modems[n].2);
        self
    }

    /// Writes `exchange.yaml`, a `bank.yaml` that simulates it, and `plan.yaml`.
    pub(crate) fn found(&self, stage: &Stage) {
        self.write_exchange(stage);
        let modems = self
            .modems
            .iter()
            .enumerate()
            .map(|(n, (id, profile, _))| {
                format!("  - {{ id: {id}, profile: {profile}{} }}\n", self.number_key(n))
            })
            .collect::<Vec<_>>()
            .concat();
        stage.write(
            "bank.yaml",
            &format!("bank: town\nexchange: exchange.yaml\n{}\nmodems:\n{modems}", self.bank_keys),
        );
        self.write_plan(stage);
    }

    /// Writes the same, but the bank has ports in the folder `ports`.
    pub(crate) fn found_on_ports(&self, stage: &Stage, ports: &Path) {
        self.write_exchange(stage);
        let modems = self
            .modems
            .iter()
            .enumerate()
            .map(|(n, (id, profile, _))| {
                let port = ports.join(id);
                let number = self.number_key(n);
                format!("  - {{ id: {id}, port: \"{}\", profile: {profile}{number} }}\n", port.display())
            })
            .collect::<Vec<_>>()
            .concat();
        stage.write(
            "bank.yaml",
            &format!(
                "bank: town\nlocation: {{ country: US, area_code: \"919\" }}\n{}\nmodems:\n{modems}rehearsal: true\n",
                self.bank_keys
            ),
        );
        self.write_plan(stage);
    }

    fn write_exchange(&self, stage: &Stage) {
        let mut text = format!("exchange: town\nseed: 7\npace: {}\n", self.pace);
        text.push_str(&self.exchange_keys);
        text.push('\n');
        if !self.timing.is_empty() {
            let _ = writeln!(text, "timing: {{ {} }}", self.timing);
        }
        text.push_str("modems:\n");
        for (n, (id, profile, more)) in self.modems.iter().enumerate() {
            let more = if more.is_empty() { String::new() } else { format!(", {more}") };
            let more = format!("{}{more}", self.number_key(n));
            let _ = writeln!(text, "  - {{ id: {id}, profile: {profile}{more} }}");
        }
        text.push_str("lines:\n");
        for branch in &self.branches {
            let far = if branch.far.is_empty() { String::new() } else { format!(", {}", branch.far) };
            let _ = writeln!(text, "  - {{ id: {}, number: \"{}\"{far} }}", branch.id, branch.number);
        }
        for line in &self.far_lines {
            let _ = writeln!(text, "  - {{ {line} }}");
        }
        if !self.rules.is_empty() {
            text.push_str("rules:\n");
            for rule in &self.rules {
                let _ = writeln!(text, "  - {{ {rule} }}");
            }
        }
        stage.write("exchange.yaml", &text);
    }

    /// Writes `plan.yaml` alone.
    pub(crate) fn write_plan(&self, stage: &Stage) {
        let mut text = format!(
            "plan: town\nbank: bank.yaml\nnumbering: us\ncredentials: {}\n\
             defaults: {{ console: cisco-ios, credential: oob }}\n\
             policy: {{ {}, retry_after: {{ {} }} }}\nlimits: {{ {} }}\nlines:\n",
            self.credentials,
            self.policy,
            quick_retries(),
            self.limits
        );
        for branch in &self.branches {
            let _ = writeln!(
                text,
                "  - {{ id: {}, site: {}, number: \"{}\", {} }}",
                branch.id,
                branch.id.trim_end_matches("-A"),
                branch.number,
                branch.near
            );
        }
        for line in &self.more_lines {
            let _ = writeln!(text, "  - {{ {line} }}");
        }
        text.push_str(&self.plan_keys);
        text.push('\n');
        stage.write("plan.yaml", &text);
    }
}

/// A fifth of a second before every retry.
fn quick_retries() -> String {
    let retried = Fault::ALL.into_iter().filter(|f| f.verdict() == Verdict::Fail || f.blame().is_bench());
    retried.map(|fault| format!("{fault}: 200ms")).collect::<Vec<_>>().join(", ")
}
