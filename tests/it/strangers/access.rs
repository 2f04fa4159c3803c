//! Who tries to see figures, or to have somebody else's browser do it.

use super::{deliver, event, metric, status};
use crate::process::{Answer, Connection, Place, SECRET, Server, tag};
use upswell::app::now;

const TOKEN: &str = "a-token-of-the-tests-0123456789";

fn guarded() -> Place {
    Place::new().with("UPSWELL_API_TOKEN", TOKEN)
}

fn ask(server: &Server, path: &str, headers: &str) -> Answer {
    server.connect().unwrap().get(path, headers).unwrap()
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

#[test]
fn every_page_of_figures_asks_for_the_token() {
    let place = guarded().with("UPSWELL_MAX_TOKEN_GUESSES", "100");
    let server = place.serve();
    for path in ["/", "/months/2026-10", "/metrics"] {
        for headers in ["", &bearer("wrong"), &bearer(&TOKEN[..30]), &bearer(&format!("{TOKEN}0"))] {
            let answer = ask(&server, path, headers);
            assert_eq!(answer.status, 401, "{path} {headers}");
            assert_eq!(answer.header("www-authenticate"), Some("bearer"));
        }
        let basic = format!("Authorization: Basic {TOKEN}\r\n");
        assert_eq!(ask(&server, path, &basic).status, 401);
        let answer = ask(&server, path, &bearer(TOKEN));
        assert!([200, 307].contains(&answer.status), "{path}: {}", answer.status);
    }
}

#[test]
fn who_guesses_tokens_is_not_listened_to_and_others_are() {
    let place = guarded().with("UPSWELL_MAX_TOKEN_GUESSES", "5").with("UPSWELL_TRUSTED_PROXIES", "127.0.0.1");
    let server = place.serve();
    let from = |address: &str, token: &str| {
        ask(&server, "/metrics", &format!("X-Forwarded-For: {address}\r\n{}", bearer(token)))
    };
    for guess in 0..5 {
        assert_eq!(from("203.0.113.1", &format!("guess-{guess}")).status, 401);
    }
    let answer = from("203.0.113.1", "guess-6");
    assert_eq!(answer.status, 429);
    let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    // Not even with the right one: else it could be guessed all the same.
    assert_eq!(from("203.0.113.1", TOKEN).status, 429);
    // What the guesser writes before its address does not make it another.
    assert_eq!(from("198.51.100.7, 203.0.113.1", TOKEN).status, 429);
    assert_eq!(from("203.0.113.2", TOKEN).status, 200);
    deliver(&server, "evt_1");
    let page = from("203.0.113.2", TOKEN);
    assert!(page.body.contains("upswell_refusals_total{code=\"too_many_guesses\"} 3"), "{}", page.body);
}

#[test]
fn without_trusted_proxies_nobody_gets_new_guesses_by_naming_another_address() {
    let place = guarded().with("UPSWELL_MAX_TOKEN_GUESSES", "2");
    let server = place.serve();
    let statuses: Vec<u16> = (0..4)
        .map(|guess| {
            ask(&server, "/", &format!("X-Forwarded-For: 203.0.113.{guess}\r\n{}", bearer("x"))).status
        })
        .collect();
    assert_eq!(statuses, [401, 401, 429, 429]);
}

#[test]
fn every_answer_carries_the_headers_that_bind_a_browser() {
    let place = Place::new().with("UPSWELL_TRUSTED_PROXIES", "127.0.0.1");
    let server = place.serve();
    for path in ["/", "/months/2026-10", "/metrics", "/healthz", "/readyz", "/nothing", "/months/x"] {
        let answer = ask(&server, path, "");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("deny"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("strict-transport-security"), None, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
        assert_eq!(answer.header("server"), None, "{path}");
    }
    let over_tls = ask(&server, "/healthz", "X-Forwarded-Proto: https\r\n");
    assert!(over_tls.header("strict-transport-security").is_some());
    let untrusting = Place::new();
    let server = untrusting.serve();
    let claimed = ask(&server, "/healthz", "X-Forwarded-Proto: https\r\n");
    assert_eq!(claimed.header("strict-transport-security"), None);
}

#[test]
fn the_page_s_style_is_the_one_that_its_policy_lets_in_and_there_is_no_other() {
    use sha2::Digest;
    let place = Place::new();
    let server = place.serve();
    let page = ask(&server, "/months/2026-10", "");
    assert_eq!(page.status, 200);
    let styles: Vec<&str> =
        page.body.split("<style>").skip(1).filter_map(|rest| rest.split("</style>").next()).collect();
    assert!(!styles.is_empty());
    for style in styles {
        let digest = hex::encode(sha2::Sha256::digest(style));
        // Headers are read in small letters here, so the digest is compared so too.
        let allowed = base64_of(&digest);
        assert!(page.head.contains(&format!("'sha256-{}'", allowed.to_lowercase())), "{}", page.head);
    }
    for forbidden in ["style=\"", "<script", " onclick", "javascript:", "<iframe"] {
        assert!(!page.body.contains(forbidden), "{forbidden}");
    }
    // What is sent is sent here, and what is loaded is the icon.
    assert!(
        page.head.contains("form-action 'self'") && page.head.contains("img-src 'self'"),
        "{}",
        page.head
    );
    assert_eq!(page.body.matches("<form").count(), page.body.matches("action=\"/").count());
    assert_eq!(
        page.body.matches("<link").count(),
        page.body.matches("<link rel=\"icon\" href=\"/icon.svg\"").count()
    );
}

fn base64_of(hexadecimal: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes = hex::decode(hexadecimal).unwrap();
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits =
            three.iter().chain([&0, &0]).take(3).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        for place in 0..4 {
            let letter = char::from(LETTERS[usize::try_from(bits >> (18 - 6 * place) & 63).unwrap()]);
            text.push(if place <= three.len() { letter } else { '=' });
        }
    }
    text
}

#[test]
fn another_site_s_page_can_neither_read_nor_change_anything() {
    let place = Place::new();
    let server = place.serve();
    // A name of its own that leads here (DNS rebinding), and a tunnel.
    assert_eq!(ask(&server, "/", "Host: evil.example\r\n").status, 403);
    assert_eq!(ask(&server, "/", "X-Forwarded-For: 203.0.113.1\r\n").status, 403);
    // What only shows takes nothing from a page: no method but GET.
    for path in ["/", "/metrics", "/months/2026-10", "/healthz"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(server.connect().unwrap().ask(&head, b"").unwrap().status, 405, "{path}");
    }
    assert_eq!(metric(&server, "upswell_refusals_total{code=\"not_local\"}"), 2.0);
}

#[test]
fn no_path_leads_out_of_the_pages() {
    let place = Place::new();
    let server = place.serve();
    let secret_file = place.write("secret.txt", "root:x:0:0");
    for path in [
        "/../secret.txt",
        "/months/../../secret.txt",
        "/months/..%2f..%2fsecret.txt",
        "/months/%2e%2e/%2e%2e/etc/passwd",
        "/months/2026-10%00.html",
        "/months/2026-10/../../metrics/../../etc/passwd",
        "//etc/passwd",
        "/months/%ff%fe",
        "/months/<script>alert(1)</script>",
        "/months/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/metrics/..;/",
        "/healthz/../metrics",
    ] {
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = server.connect().unwrap().ask(&head, b"").unwrap();
        assert!([400, 404].contains(&answer.status), "{path}: {}", answer.status);
        assert!(
            !answer.body.contains("root:") && !answer.body.contains("<script"),
            "{path}: {}",
            answer.body
        );
    }
    assert!(place.path(&secret_file).exists());
    for method in ["TRACE", "CONNECT", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        let head = format!("{method} /webhooks/stripe HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let status = server.connect().unwrap().ask(&head, b"").map_or(400, |answer| answer.status);
        assert!([400, 404, 405].contains(&status), "{method}: {status}");
    }
}

/// Two requests in one: what a proxy takes for a body, and a server for a second request.
#[test]
fn requests_that_two_readers_would_read_differently_are_refused() {
    let place = Place::new();
    let server = place.serve();
    let hidden = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for head in [
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", hidden.len()),
        "Content-Length: 5\r\nContent-Length: 6\r\n".to_owned(),
        "Content-Length: -1\r\n".to_owned(),
        "Content-Length: 1e3\r\n".to_owned(),
        "Transfer-Encoding: xchunked\r\n".to_owned(),
    ] {
        let request =
            format!("POST /webhooks/stripe HTTP/1.1\r\nHost: localhost\r\n{head}\r\n0\r\n\r\n{hidden}");
        let mut connection = server.connect().unwrap();
        let answer = connection.ask(&request, b"");
        assert!(answer.is_none_or(|answer| answer.status == 400), "{head}");
        assert!(connection.answer().is_none_or(|second| second.status == 400), "{head}: smuggled");
    }
    assert_eq!(status(&place)["stored"], 0);
}

#[test]
fn a_recorded_delivery_counts_once_however_it_is_played_again() {
    let place = Place::new().with("UPSWELL_TOLERANCE_SECONDS", "60");
    let server = place.serve();
    let body = event("evt_1");
    let at = now();
    let right = tag(SECRET, at, body.as_bytes());
    let play = |header: &str| {
        let line = format!("Stripe-Signature: {header}\r\n");
        Connection::to(&server.address).unwrap().post(&line, body.as_bytes()).unwrap()
    };
    let recorded = format!("t={at},v1={right}");
    assert_eq!(play(&recorded).status, 200);
    for _ in 0..5 {
        assert!(play(&recorded).body.contains("\"duplicate\":true"));
    }
    // The time is signed too: a younger one does not refresh what was recorded.
    let (younger, older) = (at + 30, at - 61);
    for forged in [
        format!("t={younger},v1={right}"),
        format!("t={at},t={younger},v1={}", tag(SECRET, younger - 1, body.as_bytes())),
        format!("t={older},v1={}", tag(SECRET, older, body.as_bytes())),
        format!("t={at},v1={right}00"),
        format!("t={at},v1="),
        format!("t={at},v1={}", "g".repeat(64)),
        format!("t={at};v1={right}"),
        format!("t= ,v1={right}"),
        format!("t=99999999999999999999,v1={right}"),
        format!("t=-1,v1={right}"),
        format!("{},v1={right}", "t=1,".repeat(1_000)),
    ] {
        let answer = play(&forged);
        assert_eq!(answer.status, 400, "{forged}: {}", answer.body);
    }
    // Two headers leave open which one counts; another secret's signature is nobody's.
    let two =
        format!("Stripe-Signature: t={at},v1={right}\r\nStripe-Signature: t={at},v1={}\r\n", "0".repeat(64));
    assert_eq!(server.connect().unwrap().post(&two, body.as_bytes()).unwrap().status, 400);
    for secret in ["", " ", "whsec_", "null"] {
        assert_eq!(play(&format!("t={at},v1={}", tag(secret, at, body.as_bytes()))).status, 400);
    }
    assert_eq!(status(&place)["stored"], 1);
    assert_eq!(metric(&server, "upswell_deliveries_total{outcome=\"duplicate\"}"), 5.0);
    assert!(metric(&server, "upswell_deliveries_total{outcome=\"signature_wrong\"}") >= 8.0);
    assert_eq!(metric(&server, "upswell_deliveries_total{outcome=\"signature_stale\"}"), 1.0);
}
