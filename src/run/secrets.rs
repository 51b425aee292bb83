//! The secrets of a run: fetched before anything is dialed, asked for where the plan says so, barred if they were refused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::config::Plan;
use crate::config::credentials::{
    CredentialSource, Outside, PlannedCredential, ResolvedCredential, resolve, resolve_all,
};
use crate::console::Credential;
use crate::fleet::desk::{Desk, DeskEntry, Remember as _};
use crate::fleet::scheduler::Past;
use crate::model::{CredentialName, LineId};
use crate::modem::clock::Clock;

use super::refused::Memory;
use super::{Failure, Host};

/// How often a person is asked for a password, when what was typed is known to be refused.
const ASK_MAX: u32 = 3;

/// The memory of refused secrets, with what the user wants forgotten gone from it.
pub(crate) fn memory(
    plan: &Plan,
    reports: &Path,
    forget: &[CredentialName],
    clock: Clock,
    host: &dyn Host,
) -> Result<Memory, Failure> {
    for name in forget {
        if !plan.credentials.contains_key(name) {
            let known: Vec<&str> = plan.credentials.keys().map(CredentialName::as_str).collect();
            return Err(Failure::wrong(format!(
                "--forget-refusal: the plan has no credential `{name}`; it has: {}",
                known.join(", ")
            )));
        }
    }
    if plan.bank.exchange.is_some() || plan.credentials.is_empty() {
        return Ok(Memory::none(&plan.name, clock));
    }
    let memory = Memory::open(reports, &plan.name, clock)?;
    for (name, credential) in plan.credentials.iter().filter(|(name, _)| forget.contains(name)) {
        let forgotten = memory.forget(&credential.username)?;
        host.note(&format!("credential {name}: {forgotten} refusals forgotten"));
    }
    Ok(memory)
}

/// The desk with all secrets that lines still to be dialed will want. `cut_off` are credentials whose password was on
/// its way when a run was killed; `provers` the lines on which credentials are to be proven.
pub(crate) async fn desk(
    plan: &Plan,
    past: &Past,
    cut_off: &BTreeSet<CredentialName>,
    provers: &BTreeMap<CredentialName, LineId>,
    memory: &Memory,
    host: &dyn Host,
) -> Result<Desk, Failure> {
    let judged: BTreeSet<_> = past.verdicts.iter().map(|verdict| &verdict.line).collect();
    let wanted: BTreeSet<&CredentialName> = plan
        .lines
        .iter()
        .filter(|planned| planned.preset.is_none() && !judged.contains(&planned.line.id))
        .filter_map(|planned| planned.credential.as_ref())
        .collect();
    let used: BTreeMap<CredentialName, PlannedCredential> = plan
        .credentials
        .iter()
        .filter(|(name, _)| wanted.contains(name))
        .map(|(name, credential)| (name.clone(), credential.clone()))
        .collect();
    let mut prompt = |question: &str| host.ask(question);
    let mut outside = Outside { env: &|name| std::env::var_os(name), prompt: &mut prompt };
    let resolved = resolve_all(&used, Outside { env: outside.env, prompt: outside.prompt }).await;
    let mut entries = Vec::new();
    for (name, secret) in resolved.map_err(Failure::wrong)? {
        let Some(planned) = used.get(&name) else { continue };
        let (secret, mut barred) = ask_again(&name, planned, secret, memory, &mut outside, host).await?;
        let ResolvedCredential { username, password } = secret;
        let credential = password
            .ok_or_else(|| "it has no password".to_owned())
            .and_then(|password| Credential::new(username, password).map_err(|error| error.to_string()))
            .map_err(|error| Failure::wrong(format!("credential `{name}`: {error}")))?;
        if barred.is_none() && cut_off.contains(&name) {
            let why = "the run was cut off after its password was sent, before it was proven".to_owned();
            tokio::task::block_in_place(|| memory.refused(&credential, &why));
            barred = Some(why);
        }
        let prove_on = provers.get(&name).cloned();
        entries.push(DeskEntry { name, credential, prove_on, barred });
    }
    Ok(Desk::new(entries, Arc::new(memory.clone())))
}

/// Whether the secret was refused before. A person who typed it is asked for another.
async fn ask_again(
    name: &CredentialName,
    planned: &PlannedCredential,
    mut secret: ResolvedCredential,
    memory: &Memory,
    outside: &mut Outside<'_>,
    host: &dyn Host,
) -> Result<(ResolvedCredential, Option<String>), Failure> {
    for asked in 1.. {
        // Hashing is slow on purpose, and nothing else goes on yet.
        let barred = tokio::task::block_in_place(|| memory.barred(&secret));
        let Some(why) = barred else { break };
        if planned.source != CredentialSource::Prompt || asked == ASK_MAX {
            return Ok((secret, Some(why)));
        }
        host.complain(&format!("credential {name}: {why}"));
        secret = resolve(name, planned, outside).await.map_err(Failure::wrong)?;
    }
    Ok((secret, None))
}
