//! Who is told of a run: the sinks of its plan with their secrets, fed while it goes on, and told when it has ended.
//!
//! A sink that fails is told, at once and behind the summary, and changes nothing else: no exit code, no verdict.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use lettre::message::Mailbox;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::config::credentials::{
    CredentialSource, Outside, PlannedCredential, ResolvedCredential, foresee as foresee_secrets, resolve,
};
use crate::config::plan::notify::{HookPlan, MailPlan, UrlPlan, WayPlan};
use crate::config::{Place, Plan, Problem};
use crate::journal::RunDir;
use crate::model::{CredentialName, Event, RunId};
use crate::modem::clock::Clock;
use crate::notify::command::Command;
use crate::notify::courier::{Delivered, Way};
use crate::notify::letter::Enclosed;
use crate::notify::payload::Message;
use crate::notify::webhook::Webhook;
use crate::notify::{
    Context, Courier, Failed, Hook, Letter, Limits, Login, Mail, News, Url, When, occasion, smtp,
};
use crate::report::RunState;

use super::{Failure, Host};

/// What the command line wishes of it.
pub(crate) struct Wish<'a> {
    /// Mail goes to these.
    pub(crate) mail: &'a [Mailbox],
    /// Nobody is told.
    pub(crate) nobody: bool,
    /// Somebody asked for it by name: runs on simulated banks are told too.
    pub(crate) asked: bool,
}

/// The sinks of a run with their secrets; before the run has begun.
#[derive(Default)]
pub(crate) struct Told {
    /// The mail, and with what its server is logged into.
    pub(crate) mail: Option<(Mail, Option<Login>)>,
    /// The hooks, and how they are reached.
    pub(crate) hooks: Vec<(Hook, Way)>,
    /// Sinks whose secrets could not be had, and why.
    pub(crate) out: Vec<(String, String)>,
}

impl Told {
    /// Gets what the sinks need. What can't be had leaves its sink out, and is told: nothing else hangs on it.
    pub(crate) async fn prepare(plan: &Plan, wish: &Wish<'_>, host: &Arc<dyn Host>) -> Self {
        let mut told = Self::default();
        if wish.nobody {
            return told;
        }
        let simulated = plan.bank.exchange.is_some() || plan.bank.rehearsal;
        let by_plan = !simulated || plan.notify.simulated || wish.asked;
        if let Some(mail) = wished_mail(plan, wish, by_plan) {
            match login(plan, mail.credential.as_ref(), host.as_ref()).await {
                Ok(login) => told.mail = Some((mail.mail, login)),
                Err(why) => told.out.push(("mail".to_owned(), why)),
            }
        }
        let hooks = if by_plan { plan.notify.hooks.as_slice() } else { &[] };
        for HookPlan { hook, way } in hooks {
            match way_of(plan, way, host.as_ref()).await {
                Ok(way) => told.hooks.push((hook.clone(), way)),
                Err(why) => told.out.push((format!("hook {}", hook.name), why)),
            }
        }
        for (sink, why) in &told.out {
            host.complain(&format!("warning: notify: {sink}: {why}; it is told nothing of this run"));
        }
        told
    }

    /// Begins to tell of a run.
    pub(crate) fn begin(self, context: Context, clock: Clock, host: &Arc<dyn Host>) -> Telling {
        let ear = Arc::clone(host);
        let tell: Arc<dyn Fn(&str) + Send + Sync> = Arc::new(move |text| ear.complain(text));
        let start = |(hook, way)| Courier::start(hook, way, context.clone(), clock, Arc::clone(&tell));
        let couriers = self.hooks.into_iter().map(start).collect();
        Telling { mail: self.mail, couriers, out: self.out, context, clock, host: Arc::clone(host) }
    }
}

/// The mail that is to be sent, if any.
fn wished_mail(plan: &Plan, wish: &Wish<'_>, by_plan: bool) -> Option<MailPlan> {
    if wish.mail.is_empty() {
        return plan.notify.mail.clone().filter(|_| by_plan);
    }
    let to = wish.mail.to_vec();
    Some(match plan.notify.mail.clone() {
        Some(written) => MailPlan { mail: Mail { to, when: When::Always, ..written.mail }, ..written },
        None => MailPlan::local(to),
    })
}

/// What a sink is shown.
async fn login(plan: &Plan, name: Option<&CredentialName>, host: &dyn Host) -> Result<Option<Login>, String> {
    let Some(name) = name else { return Ok(None) };
    let planned = plan.credentials.get(name).ok_or_else(|| format!("there is no credential `{name}`"))?;
    let ResolvedCredential { username, password } =
        secret(name, planned, host).await.map_err(|why| format!("credential `{name}`: {why}"))?;
    let password = password.ok_or_else(|| format!("credential `{name}` has no password"))?;
    Ok(Some(Login { username, password }))
}

async fn secret(
    name: &CredentialName,
    planned: &PlannedCredential,
    host: &dyn Host,
) -> Result<ResolvedCredential, String> {
    let mut prompt = |question: &str| host.ask(question);
    let mut outside = Outside { env: &|name| std::env::var_os(name), prompt: &mut prompt };
    resolve(name, planned, &mut outside).await.map_err(|error| error.to_string())
}

async fn way_of(plan: &Plan, way: &WayPlan, host: &dyn Host) -> Result<Way, String> {
    match way {
        WayPlan::Command(words) => {
            Ok(Way::Command(Command { words: words.clone(), hidden: secret_variables(plan) }))
        }
        WayPlan::Webhook { url, credential, attempts, ca } => {
            let url = match url {
                UrlPlan::Written(url) => url.clone(),
                UrlPlan::Secret(planned) => url_of(planned, credential.is_some(), host).await?,
            };
            let login = login(plan, credential.as_ref(), host).await?;
            Ok(Way::Webhook(Webhook { url, login, attempts: *attempts, ca: ca.clone() }))
        }
    }
}

/// An address that is a secret.
async fn url_of(planned: &PlannedCredential, has_credential: bool, host: &dyn Host) -> Result<Url, String> {
    use secrecy::ExposeSecret as _;
    let name: CredentialName = "webhook".parse().map_err(|error| format!("{error}"))?;
    let password = secret(&name, planned, host).await?.password.ok_or("it is not there")?;
    let url: Url = password.expose_secret().parse().map_err(|error| format!("what is there {error}"))?;
    if has_credential && url.is_open() {
        return Err("its address is not `https`, and the credential would go in the clear".to_owned());
    }
    Ok(url)
}

/// Variables of our environment that hold passwords: no program that we start has any business with them.
fn secret_variables(plan: &Plan) -> Vec<OsString> {
    let of = |source: &CredentialSource| match source {
        CredentialSource::Env(name) => Some(OsString::from(name)),
        _ => None,
    };
    let credentials = plan.credentials.values().filter_map(|planned| of(&planned.source));
    let urls = plan.notify.hooks.iter().filter_map(|hook| match &hook.way {
        WayPlan::Webhook { url: UrlPlan::Secret(planned), .. } => of(&planned.source),
        _ => None,
    });
    credentials.chain(urls).collect()
}

/// What every message says of a run.
pub(crate) fn context(plan: &Plan, dir: &RunDir, rehearsal: bool) -> Context {
    context_of(plan, dir.run().clone(), dir.path(), rehearsal)
}

/// The same of a run that was found.
pub(crate) fn context_of(plan: &Plan, run: RunId, folder: &Path, rehearsal: bool) -> Context {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let folder = whole.display().to_string();
    Context { run, plan: plan.name.clone(), host: smtp::host(), folder, rehearsal }
}

/// The scribe's way to the couriers; it waits for none of them.
#[derive(Default)]
pub(crate) struct Herald {
    to: Vec<mpsc::Sender<News>>,
}

impl Herald {
    /// Tells what an event, which `state` has taken already, means to them.
    pub(crate) fn tell(&self, state: &RunState, event: &Event) {
        if self.to.is_empty() {
            return;
        }
        if let Some(news) = occasion::news(state, event) {
            for courier in &self.to {
                // What finds no room in a courier's queue is told at the end, which names every new failure.
                let _ = courier.try_send(news.clone());
            }
        }
    }
}

/// The sinks of a run that goes on.
pub(crate) struct Telling {
    mail: Option<(Mail, Option<Login>)>,
    couriers: Vec<Courier>,
    out: Vec<(String, String)>,
    context: Context,
    clock: Clock,
    host: Arc<dyn Host>,
}

impl Telling {
    /// For whoever sees the events first. It must be gone when [`Self::finish`] is called.
    pub(crate) fn herald(&self) -> Herald {
        Herald { to: self.couriers.iter().filter_map(Courier::sender).collect() }
    }

    /// Tells the end, each sink beside the others; `impatience` ends the waiting. How that went, in words, if anybody was to be
    /// told.
    pub(crate) async fn finish(
        self,
        folder: &Path,
        state: Option<&RunState>,
        failure: Option<&Failure>,
        impatience: impl Future<Output = ()>,
    ) -> Option<String> {
        let Self { mail, couriers, out, context, clock, host } = self;
        if mail.is_none() && couriers.is_empty() && out.is_empty() {
            return None;
        }
        let mut rows: Vec<Row> =
            out.into_iter().map(|(sink, why)| Row { sink, how: How::Failed(why) }).collect();
        let mut under_way = JoinSet::new();
        let mut waited_for = Vec::new();
        if let Some((mail, login)) = mail {
            let sink = format!("mail to {} through {}", names(&mail.to), mail.server);
            let letter = letter(&mail, &context, folder, state, failure.map(|failure| failure.text.as_str()));
            match letter {
                None => rows.push(Row { sink, how: How::NotDue(mail.when) }),
                Some(letter) => {
                    waited_for.push(sink.clone());
                    let (id, at) = (context.run.to_string(), clock.wall());
                    under_way.spawn(async move {
                        let how = match post(&letter, &mail, login.as_ref(), &id, at).await {
                            Ok(()) => How::Sent(1),
                            Err(why) => How::Failed(why.to_string()),
                        };
                        Row { sink, how }
                    });
                }
            }
        }
        for courier in couriers {
            let message = end_message(courier.hook(), &context, state, failure);
            waited_for.push(format!("hook {}", courier.hook().name));
            under_way.spawn(async move {
                let when = courier.hook().when;
                Row::of(courier.finish(message).await, when)
            });
        }
        let all = async {
            while let Some(done) = under_way.join_next().await {
                rows.extend(done);
            }
        };
        let given_up = tokio::select! {
            () = all => false,
            () = impatience => true,
        };
        if given_up {
            for sink in waited_for {
                if !rows.iter().any(|row| row.sink == sink) {
                    rows.push(Row { sink, how: How::Failed("it was not waited for".to_owned()) });
                }
            }
        }
        rows.sort_by_key(|row| row.sink.starts_with("hook "));
        Some(tell(&rows, host.as_ref()))
    }
}

/// What became of one sink.
struct Row {
    sink: String,
    how: How,
}

enum How {
    Sent(u32),
    NotDue(When),
    Failed(String),
}

impl Row {
    fn of(delivered: Delivered, when: When) -> Self {
        let Delivered { hook, sent, failed, last } = delivered;
        let sink = format!("hook {hook}");
        let how = match (last, sent, failed) {
            (Some(why), ..) => How::Failed(why.to_string()),
            (None, 0, 0) => How::NotDue(when),
            (None, sent, _) => How::Sent(sent),
        };
        Self { sink, how }
    }
}

/// Words for behind the summary; what failed is complained of too: a night's stdout often goes nowhere.
fn tell(rows: &[Row], host: &dyn Host) -> String {
    let mut page = String::from("\nTold\n");
    for Row { sink, how } in rows {
        let how = match how {
            How::Sent(1) => "1 message sent".to_owned(),
            How::Sent(sent) => format!("{sent} messages sent"),
            How::NotDue(when) => format!("nothing to tell (when: {})", when.word()),
            How::Failed(why) => {
                host.complain(&format!("warning: notify: {sink}: {why}"));
                format!("FAILED: {why}")
            }
        };
        let _ = writeln!(page, "  {sink}: {how}");
    }
    page
}

fn names(to: &[Mailbox]) -> String {
    to.iter().map(|to| to.email.to_string()).collect::<Vec<_>>().join(", ")
}

/// The mail, if one is due.
fn letter(
    mail: &Mail,
    context: &Context,
    folder: &Path,
    state: Option<&RunState>,
    failure: Option<&str>,
) -> Option<Letter> {
    match (failure, state) {
        (None, Some(state)) => {
            occasion::is_due(mail.when, state).then(|| Letter::of_run(context, state, enclosed(mail, folder)))
        }
        (why, _) => Some(Letter::of_breakdown(context, why.unwrap_or("it left no record"))),
    }
}

/// What a hook is told at the end, if that is due.
fn end_message(
    hook: &Hook,
    context: &Context,
    state: Option<&RunState>,
    failure: Option<&Failure>,
) -> Option<Message> {
    let max_lines = hook.failures.unwrap_or_default().max_lines;
    match (failure, state) {
        (None, Some(state)) => {
            occasion::is_due(hook.when, state).then(|| Message::of_end(context, state, max_lines))
        }
        _ if hook.when == When::Never => None,
        (why, _) => Some(Message::of_breakdown(
            context,
            why.map_or("it left no record", |failure| failure.text.as_str()),
        )),
    }
}

/// The files that go with a mail, as they lie in the run's folder.
pub(crate) fn enclosed(mail: &Mail, folder: &Path) -> Enclosed {
    let read = |name: &str| -> Option<Result<Vec<u8>, String>> {
        let path = folder.join(name);
        let read = match std::fs::metadata(&path) {
            // A file that can't go with it need not be read for that.
            Ok(about) if about.len() > mail.attach_max => {
                let (size, most) = (about.len() as f64 / 1e6, mail.attach_max as f64 / 1e6);
                return Some(Err(format!("it has {size:.1} MB, and all attachments may have {most:.1} MB")));
            }
            Ok(_) => std::fs::read(&path),
            Err(error) => Err(error),
        };
        match read {
            // Only plans with console servers have it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && name == "consoles.csv" => None,
            read => Some(read.map_err(|error| format!("it can't be read: {error}"))),
        }
    };
    Enclosed::pack(mail.attach.iter().map(|name| (name.as_str(), read(name))), mail.attach_max)
}

/// Sends a mail.
pub(crate) async fn post(
    letter: &Letter,
    mail: &Mail,
    login: Option<&Login>,
    id: &str,
    at: jiff::Timestamp,
) -> Result<(), Failed> {
    let message = smtp::message(letter, mail, id, at)?;
    smtp::send(&message, mail, login).await
}

/// What can be seen to be wrong without telling anybody anything: for `check`.
pub(crate) fn foresee(plan: &Plan) -> Vec<Problem> {
    let mut problems = Vec::new();
    let file = plan.path.display().to_string();
    let mut missing = |key: String, path: &Path| {
        if let Err(error) = std::fs::metadata(path) {
            let what = format!("`{}` can't be had: {error}", path.display());
            problems.push(Problem::new(Place { file: file.clone(), line: None, key }, what));
        }
    };
    let mut urls = BTreeMap::new();
    if let Some(ca) = plan.notify.mail.as_ref().and_then(|mail| mail.mail.ca.as_ref()) {
        missing("notify.mail.ca".to_owned(), ca);
    }
    for HookPlan { hook, way } in &plan.notify.hooks {
        let key = |part: &str| format!("notify.hooks.{}.{part}", hook.name);
        match way {
            WayPlan::Command(words) => {
                if let Some(program) = words.first().filter(|program| program.contains('/')) {
                    missing(key("command"), Path::new(program));
                }
            }
            WayPlan::Webhook { url, ca, .. } => {
                if let Some(ca) = ca {
                    missing(key("ca"), ca);
                }
                if let (UrlPlan::Secret(planned), Ok(name)) = (url, hook.name.parse::<CredentialName>()) {
                    urls.insert(name, (**planned).clone());
                }
            }
        }
    }
    let mut secrets = foresee_secrets(&urls, &|name| std::env::var_os(name));
    for problem in &mut secrets {
        // What is looked for there is an address, whatever finds it calls it.
        problem.at.key.truncate(problem.at.key.trim_end_matches(".password").len());
    }
    problems.extend(secrets);
    problems
}

/// Who is told of a run of a plan, a line each; absent where nobody is.
pub(crate) fn text(plan: &Plan) -> Option<Vec<String>> {
    let notify = &plan.notify;
    let mut told = Vec::new();
    if let Some(MailPlan { mail, credential }) = &notify.mail {
        let login = credential.as_ref().map(|name| format!(", logged in with `{name}`")).unwrap_or_default();
        told.push(format!(
            "mail to {} through {}{login} ({})",
            names(&mail.to),
            mail.server,
            mail.when.word()
        ));
    }
    for HookPlan { hook, way } in &notify.hooks {
        let way = match way {
            WayPlan::Command(words) => format!("command {}", words.first().map_or("", String::as_str)),
            WayPlan::Webhook { url: UrlPlan::Written(url), .. } => format!("webhook {url}"),
            WayPlan::Webhook { url: UrlPlan::Secret(_), .. } => "webhook, its address a secret".to_owned(),
        };
        let failures = hook.failures.map_or(String::new(), |Limits { every, max_messages, .. }| {
            let every = every.as_secs();
            format!("; new failures as they are found, every {every} s and {max_messages} times at most")
        });
        told.push(format!("hook {}: {way} ({}{failures})", hook.name, hook.when.word()));
    }
    let simulated = plan.bank.exchange.is_some() || plan.bank.rehearsal;
    if !told.is_empty() && simulated && !notify.simulated {
        told.push(
            "but the bank is simulated: nobody is told, unless with `simulated: true` under `notify:`"
                .to_owned(),
        );
    }
    (!told.is_empty()).then_some(told)
}
