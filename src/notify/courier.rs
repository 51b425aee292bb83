//! Serves one hook beside a run: takes news as they come, gathers them, sends what is due, and at the end tells the end.
//!
//! Whoever hands news over is never held up: the queue is bounded, and what finds no room in it is left to the end.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::command::{self, Command};
use super::digest::{Batch, Digest, Failure};
use super::options::{Hook, Limits};
use super::payload::{Context, Message};
use super::secret::Failed;
use super::webhook::{self, Webhook};
use crate::model::LineId;
use crate::modem::clock::Clock;

/// News that may wait for a hook that takes its time.
const QUEUE_MAX: usize = 4096;

/// How a hook is reached.
#[derive(Debug, Clone)]
pub enum Way {
    /// A program.
    Command(Command),
    /// A web server.
    Webhook(Webhook),
}

impl Way {
    /// Carries one message.
    ///
    /// # Errors
    /// It was not taken, or not in time.
    pub async fn carry(&self, hook: &Hook, message: &Message, delivery: &str) -> Result<(), Failed> {
        match self {
            Self::Command(command) => command::run(command, message, hook.limit).await,
            Self::Webhook(to) => webhook::send(to, message, delivery, hook.limit).await,
        }
    }
}

/// What a run tells while it goes on.
#[derive(Debug, Clone)]
pub enum News {
    /// A line began to fail; its verdict is confirmed.
    Failed(Failure),
    /// A verdict was taken back.
    Withdrawn {
        /// Of which line.
        line: LineId,
        /// Why, in words.
        why: String,
    },
}

/// Who is told that a hook failed while the run goes on.
pub type Complain = Arc<dyn Fn(&str) + Send + Sync>;

/// The run's end of a courier.
#[derive(Debug)]
pub struct Courier {
    hook: Hook,
    news: mpsc::Sender<News>,
    end: JoinHandle<Rounds>,
}

/// What a courier's rounds came to.
#[derive(Debug)]
struct Rounds {
    way: Way,
    context: Context,
    /// What was not told yet.
    left: Batch,
    /// Messages that were tried, and those that failed.
    tried: u32,
    failed: u32,
}

/// What became of a hook in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The hook's name.
    pub hook: String,
    /// Messages that were sent.
    pub sent: u32,
    /// Messages that failed on the way.
    pub failed: u32,
    /// Why the last one failed, if it did: nothing came after it.
    pub last: Option<Failed>,
}

impl Courier {
    /// Begins its rounds. Needs a tokio runtime.
    pub fn start(hook: Hook, way: Way, context: Context, clock: Clock, complain: Complain) -> Self {
        let (news, incoming) = mpsc::channel(QUEUE_MAX);
        let end = tokio::spawn(rounds(hook.clone(), way, context, clock, complain, incoming));
        Self { hook, news, end }
    }

    /// Whether it wants to be told of new failures.
    pub fn wants_news(&self) -> bool {
        self.hook.failures.is_some()
    }

    /// Its options.
    pub fn hook(&self) -> &Hook {
        &self.hook
    }

    /// Hands news over, without waiting. What finds no room is told with the end.
    pub fn tell(&self, news: News) {
        if self.wants_news() {
            let _ = self.news.try_send(news);
        }
    }

    /// The way by which news are handed over, for a thread that has nothing else of it.
    pub fn sender(&self) -> Option<mpsc::Sender<News>> {
        self.wants_news().then(|| self.news.clone())
    }

    /// Tells the end, if that is due; else what is left to tell.
    pub async fn finish(self, end: Option<Message>) -> Delivered {
        let Self { hook, news, end: task } = self;
        drop(news);
        let rounds = match task.await {
            Ok(rounds) => rounds,
            Err(error) => {
                let last = Some(Failed::new(format!("its courier died: {error}")));
                return Delivered { hook: hook.name, sent: 0, failed: 1, last };
            }
        };
        let Rounds { way, context, left, tried, failed } = rounds;
        let mut delivered = Delivered { hook: hook.name.clone(), sent: tried - failed, failed, last: None };
        let rest = || {
            let limits = hook.failures.unwrap_or_default();
            (!left.is_empty()).then(|| Message::of_batch(&context, &left, &limits))
        };
        let Some(message) = end.or_else(rest) else { return delivered };
        match way.carry(&hook, &message, &delivery(&context, &hook, tried + 1)).await {
            Ok(()) => delivered.sent += 1,
            Err(why) => {
                delivered.failed += 1;
                delivered.last = Some(why);
            }
        }
        delivered
    }
}

/// What tells one message from another, and not one try of it from the next.
fn delivery(context: &Context, hook: &Hook, number: u32) -> String {
    format!("{}.{}.{number}", context.run, hook.name)
}

async fn rounds(
    hook: Hook,
    way: Way,
    context: Context,
    clock: Clock,
    complain: Complain,
    mut incoming: mpsc::Receiver<News>,
) -> Rounds {
    let limits = hook.failures.unwrap_or(Limits { max_messages: 0, ..Limits::default() });
    let mut digest = Digest::new(limits);
    let (mut tried, mut failed) = (0, 0);
    loop {
        let due = digest.due().map(|due| clock.instant(due));
        let wait = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            news = incoming.recv() => match news {
                Some(News::Failed(failure)) => digest.failed(clock.now(), failure),
                Some(News::Withdrawn { line, why }) => digest.withdrawn(clock.now(), &line, &why),
                None => break,
            },
            () = wait => {
                let Some(batch) = digest.take(clock.now()) else { continue };
                tried += 1;
                let message = Message::of_batch(&context, &batch, &limits);
                if let Err(why) = way.carry(&hook, &message, &delivery(&context, &hook, tried)).await {
                    failed += 1;
                    complain(&format!("warning: notify: hook {}: {why}", hook.name));
                    digest.undelivered(clock.now(), batch);
                }
            }
        }
    }
    Rounds { way, context, left: digest.finish(), tried, failed }
}
