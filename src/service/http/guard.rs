//! Who may do what: the allowance of each peer, the token, and who may read without it. It stands before every handler.
//!
//! Reading takes the token as `Authorization: Bearer`, or as the password of Basic, which a browser asks for by itself.
//! Changing takes `Bearer` alone: no browser sends that on another site's behalf, so nothing can be forged across sites.
//! The control socket asks for nothing: whoever may open it may do everything.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::answer::{Trouble, too_often};
use super::bucket::{Allowance, Buckets};
use crate::modem::clock::Clock;
use crate::service::page;

/// What one address may ask: a page with all its parts, a script that looks at every line, and then some; no flood.
const ALLOWANCE: Allowance = Allowance { burst: 400, per_second: 100 };
/// What a wrong token costs: some ten guesses a second, of a token that has sixteen characters or more.
const WRONG_TOKEN_COST: u32 = 10;
/// Fewest characters of a token: guessing it must be hopeless at the pace that is allowed.
pub const TOKEN_CHARS_MIN: usize = 16;

/// What somebody must be allowed for a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing.
    Nothing,
    /// To read.
    Read,
    /// To change things.
    Change,
}

/// Where a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// The control socket.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is none here"))]
    Socket,
    /// The HTTP server.
    Http {
        /// Whoever is at the other end.
        peer: IpAddr,
        /// Only this host can come in.
        loopback: bool,
        /// It is enciphered.
        tls: bool,
    },
}

/// The token, and who needs it.
#[derive(Debug, Default)]
pub(super) struct Rights {
    /// The token; without one, nothing can be changed.
    pub(super) token: Option<SecretString>,
    /// Everybody may read.
    pub(super) open: bool,
}

/// What stands before every handler.
#[derive(Debug)]
pub(super) struct Guard {
    rights: RwLock<Arc<Rights>>,
    buckets: Mutex<Buckets<IpAddr>>,
    clock: Clock,
}

/// What a request shows.
enum Shown {
    Nothing,
    Bearer(Vec<u8>),
    Basic(Vec<u8>),
    Strange,
}

impl Guard {
    pub(super) fn new(rights: Rights, clock: Clock) -> Self {
        Self { rights: RwLock::new(Arc::new(rights)), buckets: Mutex::new(Buckets::new(ALLOWANCE)), clock }
    }

    /// Other rights from now on.
    pub(super) fn set(&self, rights: Rights) {
        *self.rights.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rights);
    }

    #[expect(clippy::result_large_err, reason = "an answer is as large as it is")]
    fn take(&self, peer: IpAddr, cost: u32) -> Result<(), Response> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.take(&one_peer(peer), cost, self.clock.now()).map_err(too_often)
    }

    /// Whether this may be done; else what is answered.
    #[expect(clippy::result_large_err, reason = "an answer is as large as it is")]
    fn admit(&self, door: Door, headers: &HeaderMap, need: Need) -> Result<(), Response> {
        let Door::Http { peer, loopback, .. } = door else { return Ok(()) };
        self.take(peer, 1)?;
        if need == Need::Nothing {
            return Ok(());
        }
        let rights = Arc::clone(&self.rights.read().unwrap_or_else(PoisonError::into_inner));
        let shown = shown(headers);
        let is_right = |given: &[u8]| {
            rights.token.as_ref().is_some_and(|token| given.ct_eq(token.expose_secret().as_bytes()).into())
        };
        match (&shown, need) {
            (Shown::Bearer(given), _) | (Shown::Basic(given), Need::Read) if is_right(given) => {}
            (Shown::Basic(given), Need::Change) if is_right(given) => {
                return Err(unauthorized(
                    need,
                    Trouble::new(StatusCode::UNAUTHORIZED, "changing needs the token as a bearer's")
                        .hint("send `Authorization: Bearer TOKEN`"),
                ));
            }
            (Shown::Nothing, Need::Read) if rights.open => return from_here(loopback, headers),
            (Shown::Nothing, _) if rights.token.is_some() => {
                return Err(unauthorized(
                    need,
                    Trouble::new(StatusCode::UNAUTHORIZED, "this needs the token")
                        .hint("send `Authorization: Bearer TOKEN`"),
                ));
            }
            _ if rights.token.is_none() => {
                let hint = match need {
                    Need::Change => "configure `http.token`, or use the control socket: `lineman control`",
                    _ => {
                        "configure `http.token` or `http.reading: open`, or use the control socket: `lineman status`"
                    }
                };
                let what = match need {
                    Need::Change => "nothing can be changed over HTTP: no token is configured",
                    _ => "nothing can be read over HTTP: no token is configured",
                };
                return Err(Trouble::new(StatusCode::FORBIDDEN, what).hint(hint).into_response());
            }
            _ => {
                self.take(peer, WRONG_TOKEN_COST)?;
                tracing::warn!(%peer, "a wrong token was shown");
                let trouble = Trouble::new(StatusCode::UNAUTHORIZED, "the token is wrong");
                return Err(unauthorized(need, trouble));
            }
        }
        if need == Need::Change && headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
            let trouble = Trouble::new(StatusCode::FORBIDDEN, "another site's page may change nothing");
            return Err(trouble.into_response());
        }
        Ok(())
    }
}

/// A page from elsewhere may have its name lead to this host, and so read what is open to this host alone: who names the
/// host by a name of his own is not at home here.
#[expect(clippy::result_large_err, reason = "an answer is as large as it is")]
fn from_here(loopback: bool, headers: &HeaderMap) -> Result<(), Response> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let bare = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    };
    let bare = bare.trim_start_matches('[').trim_end_matches(']');
    let is_own = bare.is_empty()
        || bare.parse::<IpAddr>().is_ok()
        || bare.eq_ignore_ascii_case("localhost")
        || bare.to_ascii_lowercase().ends_with(".localhost");
    if !loopback || is_own {
        return Ok(());
    }
    let trouble = Trouble::new(
        StatusCode::MISDIRECTED_REQUEST,
        "reading without the token is for requests to `localhost` or an address",
    );
    Err(trouble.hint("a proxy must send `Host: localhost`, or the token").into_response())
}

/// Whoever has a network of IPv6 has all its addresses.
fn one_peer(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn unauthorized(need: Need, trouble: Trouble) -> Response {
    let mut answer = trouble.into_response();
    let headers = answer.headers_mut();
    // A browser asks its user for the password of Basic; where that would not do, it must not ask.
    if need == Need::Read {
        headers.append(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"lineman: the password is the token\", charset=\"UTF-8\""),
        );
    }
    headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lineman\""));
    answer
}

fn shown(headers: &HeaderMap) -> Shown {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = all.next() else { return Shown::Nothing };
    if all.next().is_some() {
        return Shown::Strange;
    }
    let bytes = value.as_bytes();
    let Some(gap) = bytes.iter().position(|byte| *byte == b' ') else { return Shown::Strange };
    let (scheme, given) = (&bytes[..gap], bytes[gap..].trim_ascii());
    if scheme.eq_ignore_ascii_case(b"bearer") {
        Shown::Bearer(given.to_vec())
    } else if scheme.eq_ignore_ascii_case(b"basic") {
        let login = unbase64(given).unwrap_or_default();
        match login.iter().position(|byte| *byte == b':') {
            Some(colon) => Shown::Basic(login[colon + 1..].to_vec()),
            None => Shown::Strange,
        }
    } else {
        Shown::Strange
    }
}

/// RFC 4648, section 4, with or without its padding; absent if it is none.
fn unbase64(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let mut bytes = Vec::with_capacity(text.len());
    let (mut held, mut bits) = (0_u32, 0);
    for byte in text {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(six)) & 0xFF_FFFF;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    Some(bytes)
}

/// Before a handler: whether it is reached.
pub(super) async fn admit(
    State((guard, need)): State<(Arc<Guard>, Need)>,
    request: Request,
    next: Next,
) -> Response {
    let Some(door) = request.extensions().get::<Door>().copied() else {
        return Trouble::ours("nobody knows where this request came in").into_response();
    };
    match guard.admit(door, request.headers(), need) {
        Ok(()) => next.run(request).await,
        Err(answer) => answer,
    }
}

/// What a page may load, and who may load it; where an answer does not say it itself.
const HEADERS: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, page::POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Behind every handler: what a browser is told to be careful about.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let tls = matches!(request.extensions().get::<Door>(), Some(Door::Http { tls: true, .. }));
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if tls {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(year);
    }
    answer
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::notify::secret::base64;

    const TOKEN: &str = "open-sesame-0123456789";

    fn guard(token: Option<&str>, open: bool) -> Guard {
        Guard::new(Rights { token: token.map(Into::into), open }, Clock::start())
    }

    const HERE: Door =
        Door::Http { peer: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), loopback: true, tls: false };

    fn asked(guard: &Guard, need: Need, headers: &[(&str, &str)]) -> u16 {
        let headers =
            headers.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
        let headers: HeaderMap = headers.collect();
        guard.admit(HERE, &headers, need).map_or_else(|answer| answer.status().as_u16(), |()| 200)
    }

    #[test]
    fn changing_takes_the_token_as_a_bearers_alone() {
        let guard = guard(Some(TOKEN), true);
        let bearer = format!("Bearer {TOKEN}");
        let basic = format!("Basic {}", base64(format!("me:{TOKEN}").as_bytes()));
        assert_eq!(asked(&guard, Need::Change, &[("authorization", &bearer)]), 200);
        assert_eq!(asked(&guard, Need::Change, &[("authorization", &format!("bearer  {TOKEN} "))]), 200);
        assert_eq!(asked(&guard, Need::Change, &[("authorization", &basic)]), 401);
        assert_eq!(asked(&guard, Need::Change, &[]), 401);
        assert_eq!(asked(&guard, Need::Change, &[("cookie", &format!("token={TOKEN}"))]), 401);
        let site = [("authorization", bearer.as_str()), ("sec-fetch-site", "cross-site")];
        assert_eq!(asked(&guard, Need::Change, &site), 403);
        for wrong in [
            "Bearer",
            "Bearer ",
            "Bearer open-sesame-012345678",
            "Bearer open-sesame-01234567890",
            "Digest x",
            TOKEN,
        ] {
            assert_eq!(asked(&guard, Need::Change, &[("authorization", wrong)]), 401, "{wrong}");
        }
    }

    #[test]
    fn reading_takes_the_token_either_way_or_nothing_where_it_is_open() {
        let closed = guard(Some(TOKEN), false);
        let basic = format!("Basic {}", base64(format!("me:{TOKEN}").as_bytes()));
        assert_eq!(asked(&closed, Need::Read, &[("authorization", &basic)]), 200);
        assert_eq!(asked(&closed, Need::Read, &[]), 401);
        assert_eq!(asked(&closed, Need::Nothing, &[]), 200);
        let open = guard(Some(TOKEN), true);
        assert_eq!(asked(&open, Need::Read, &[("host", "localhost:9467")]), 200);
        assert_eq!(asked(&open, Need::Read, &[("host", "[::1]:9467")]), 200);
        assert_eq!(asked(&open, Need::Read, &[("host", "127.0.0.1")]), 200);
        assert_eq!(asked(&open, Need::Read, &[("host", "evil.example:9467")]), 421);
        let wrong = [("authorization", "Bearer wrong"), ("host", "localhost")];
        assert_eq!(asked(&open, Need::Read, &wrong), 401, "a wrong token is told, not passed over");
        let none = guard(None, false);
        assert_eq!(asked(&none, Need::Read, &[]), 403);
        assert_eq!(asked(&none, Need::Change, &[("authorization", "Bearer ")]), 403);
    }

    #[test]
    fn guesses_are_slowed_down_and_the_right_token_is_not_kept_out() {
        let guard = guard(Some(TOKEN), false);
        let codes: Vec<u16> =
            (0..100).map(|_| asked(&guard, Need::Read, &[("authorization", "Bearer wrong")])).collect();
        assert_eq!(
            codes.iter().filter(|code| **code == 401).count(),
            codes.iter().position(|code| *code == 429).unwrap()
        );
        assert!(codes.contains(&429));
    }

    #[test]
    fn the_control_socket_asks_for_nothing() {
        let guard = guard(None, false);
        assert!(guard.admit(Door::Socket, &HeaderMap::new(), Need::Change).is_ok());
    }

    proptest! {
        #[test]
        fn base64_is_read_as_it_is_written(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(unbase64(base64(&bytes).as_bytes()), Some(bytes));
        }

        #[test]
        fn any_login_is_taken_or_refused(value in prop::collection::vec(32_u8..127, 0..60)) {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_bytes(&value).unwrap());
            prop_assert!(guard(Some(TOKEN), false).admit(HERE, &headers, Need::Read).is_err());
        }
    }
}
