//! A webhook as a hook: the message POSTed as JSON, tried again where that may help, never redirected.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::ExposeSecret;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::options::Url;
use super::payload::Message;
use super::secret::{Failed, Login, base64, traces};
use super::smtp::pem;

/// Pause before the second try; each later one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// Most of an answer that is read.
const ANSWER_BYTES_MAX: u64 = 4096;

/// Where a webhook is, and how it is reached.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// The address.
    pub url: Url,
    /// With what: a bearer token where there is no username, else as RFC 7617 has it.
    pub login: Option<Login>,
    /// How often it is tried.
    pub attempts: u32,
    /// A file of certificates (PEM) that are trusted beside the host's own.
    pub ca: Option<PathBuf>,
}

/// What came of one try.
enum Try {
    Taken,
    /// It may be otherwise later; the server may say when.
    Later(Failed, Option<Duration>),
    Refused(Failed),
}

/// Sends a message. `delivery` is the same for each try, so that a receiver can tell a second copy.
///
/// # Errors
/// It was not taken, or not in time.
pub async fn send(hook: &Webhook, message: &Message, delivery: &str, limit: Duration) -> Result<(), Failed> {
    let late = || Failed::new(format!("{} took nothing within {} s", hook.url, limit.as_secs_f64()));
    let agent = agent(hook, limit)?;
    let mut last = None;
    let tries = async {
        let mut pause = PAUSE;
        for attempt in 1.. {
            let (agent, one, json) = (agent.clone(), hook.clone(), message.json.clone());
            let delivery = delivery.to_owned();
            // The client blocks; a thread that hangs longer than the limit ends with its own.
            let tried = tokio::task::spawn_blocking(move || post(&agent, &one, &json, &delivery));
            let tried = tried.await.unwrap_or_else(|error| Try::Refused(Failed::new(error)));
            match tried {
                Try::Taken => return Ok(()),
                Try::Refused(why) => return Err(why),
                Try::Later(why, _) if attempt >= hook.attempts => return Err(why),
                Try::Later(why, after) => {
                    last = Some(why);
                    tokio::time::sleep(after.unwrap_or(pause)).await;
                    pause *= 2;
                }
            }
        }
        Ok(())
    };
    let ended = tokio::time::timeout(limit, tries).await;
    ended.unwrap_or_else(|_| Err(last.unwrap_or_else(late)))
}

fn agent(hook: &Webhook, limit: Duration) -> Result<ureq::Agent, Failed> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(limit))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(concat!("lineman/", env!("CARGO_PKG_VERSION")));
    let mut config = config;
    if hook.url.uri().scheme_str() == Some("https") {
        config = config.tls_config(TlsConfig::builder().root_certs(roots(hook)?).build());
    }
    Ok(config.build().new_agent())
}

/// Whom this host trusts, and whom the plan names.
fn roots(hook: &Webhook) -> Result<RootCerts, Failed> {
    let own = rustls_native_certs::load_native_certs().certs;
    let mut trusted: Vec<Certificate<'static>> =
        own.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    if let Some(path) = &hook.ca {
        let text = pem(path)?;
        let before = trusted.len();
        for item in parse_pem(&text) {
            match item {
                Ok(PemItem::Certificate(certificate)) => trusted.push(certificate),
                Ok(_) => {}
                Err(error) => return Err(Failed::of(&error, &[])),
            }
        }
        if trusted.len() == before {
            return Err(Failed::new(format!("{} holds no certificate", path.display())));
        }
    }
    Ok(RootCerts::new_with_certs(&trusted))
}

fn post(agent: &ureq::Agent, hook: &Webhook, json: &str, delivery: &str) -> Try {
    let mut secrets = traces(hook.login.as_ref());
    secrets.extend(hook.url.traces());
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let mut request = agent
        .post(hook.url.uri().clone())
        .header(CONTENT_TYPE, "application/json")
        .header("Lineman-Delivery", delivery);
    if let Some(login) = &hook.login {
        request = request.header(AUTHORIZATION, authorization(login));
    }
    let mut answer = match request.send(json) {
        Ok(answer) => answer,
        Err(error) => return Try::Later(Failed::without(format!("{}: {error}", hook.url), &secrets), None),
    };
    let status = answer.status();
    if status.is_success() {
        return Try::Taken;
    }
    let after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let said = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).lossy_utf8(true).read_to_string();
    let first = said.unwrap_or_default().lines().next().unwrap_or_default().trim().to_owned();
    let said = if first.is_empty() { String::new() } else { format!(": {first}") };
    let moved = if status.is_redirection() { " (it is somewhere else; name the new address)" } else { "" };
    let why = Failed::without(format!("{} answered {status}{moved}{said}", hook.url), &secrets);
    let later = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
    if later { Try::Later(why, after.map(Duration::from_secs)) } else { Try::Refused(why) }
}

fn authorization(login: &Login) -> String {
    let password = login.password.expose_secret();
    if login.username.is_empty() {
        return format!("Bearer {password}");
    }
    format!("Basic {}", base64(format!("{}:{password}", login.username).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_alone_and_a_user_with_a_password() {
        let login = |user: &str| Login { username: user.to_owned(), password: "open sesame".into() };
        assert_eq!(authorization(&login("")), "Bearer open sesame");
        assert_eq!(authorization(&login("Aladdin")), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }
}
