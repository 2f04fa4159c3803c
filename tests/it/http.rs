//! The doors over real connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post as post_route};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use upswell::http::{Access, AccessTerms, Limits, Rooms, router, serve};
use upswell::ledger::{Ledger, Source};
use upswell::metrics::Metrics;
use upswell::pipeline::{Door, DoorTerms, arrival};
use upswell::stripe::{Secret, sign};

const LIMIT: usize = 1024;
const LIMITS: Limits = Limits {
    connections: 64,
    header_bytes: 8 << 10,
    body_bytes: LIMIT,
    form_bytes: 1 << 10,
    waiting_bytes: 1 << 20,
    questions: 4,
    page_rows: 1_000,
    header_seconds: 10,
    body_seconds: 30,
    answer_seconds: 60,
    drain_seconds: 30,
};
const NOW: i64 = 1_790_000_000;
const SECRET: &str = "whsec_of_the_doors";

/// A store in a file of its own.
struct Store {
    ledger: Ledger,
    directory: tempfile::TempDir,
}

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<()>,
    /// Gone with the server.
    _directory: tempfile::TempDir,
}

async fn unmigrated() -> Store {
    let directory = tempfile::tempdir().unwrap();
    let url = crate::store::empty_url(directory.path());
    Store { ledger: Ledger::open(&url).await.unwrap(), directory }
}

async fn store() -> Store {
    let store = unmigrated().await;
    store.ledger.migrate().await.unwrap();
    store
}

async fn start(store: Store, tokens: &[&str], private: Router) -> Server {
    let terms = DoorTerms {
        secrets: vec![Secret::new(SECRET).unwrap()],
        tolerance_seconds: 300,
        waiting: 16,
        patience: Duration::from_secs(20),
        lag_limit_seconds: 300,
    };
    let (door, _) = Door::open(store.ledger, terms, Arc::new(Notify::new()), Arc::default());
    let metrics = Metrics::new().unwrap();
    let (door, trusted_proxies) = (Arc::new(door), Vec::new());
    let rooms = Rooms { door, limits: LIMITS, trusted_proxies, metrics: metrics.clone(), now: || NOW };
    let access = AccessTerms { guesses: 3, guess_seconds: 60, session_seconds: 60 };
    let router = router(rooms, Access::by_tokens(tokens.iter().copied(), access), private);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(async move {
        serve(listener, router, LIMITS, metrics, async {
            let _ = stopped.await;
        })
        .await;
    });
    Server { address, stop, served, _directory: store.directory }
}

async fn server() -> Server {
    start(store().await, &[], Router::new().route("/", get(|| async { "figures" }))).await
}

/// Sends a request as it stands and reads the answer to its end.
async fn exchange(address: SocketAddr, request: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    answer(&mut stream).await
}

async fn answer(stream: &mut TcpStream) -> (u16, String) {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let status = text.split(' ').nth(1).and_then(|word| word.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer: {text:?}")), text)
}

fn post(headers: &str, body: &str) -> Vec<u8> {
    let head = "POST /webhooks/stripe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    format!("{head}{headers}\r\n{body}").into_bytes()
}

fn event(length: usize) -> String {
    let start = r#"{"id":"evt_1","object":"event","type":"ping","created":1789999000,"x":""#;
    let end = r#""}"#;
    format!("{start}{}{end}", "x".repeat(length - start.len() - end.len()))
}

fn signature(body: &str) -> String {
    format!("Stripe-Signature: {}\r\n", sign(body.as_bytes(), &Secret::new(SECRET).unwrap(), NOW))
}

fn signed(body: &str) -> Vec<u8> {
    post(&format!("{}Content-Length: {}\r\n", signature(body), body.len()), body)
}

async fn asked(server: &Server, method: &str, path: &str, headers: &str) -> (u16, String) {
    let request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
    exchange(server.address, request.as_bytes()).await
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() {
    let server = server().await;
    let (status, text) = exchange(server.address, &signed(&event(LIMIT))).await;
    assert_eq!(status, 200, "{text}");
    assert!(text.ends_with(r#"{"received":true,"event":"evt_1","duplicate":false}"#), "{text}");
    let (status, text) = exchange(server.address, &signed(&event(LIMIT + 1))).await;
    assert_eq!(status, 413);
    assert!(text.contains("application/problem+json"), "{text}");
    assert!(text.contains(r#""code":"body_too_large""#), "{text}");
}

#[tokio::test]
async fn the_limit_holds_without_a_content_length() {
    let server = server().await;
    for (length, expected) in [(LIMIT, 200), (LIMIT + 1, 413), (LIMIT * 100, 413)] {
        let event = event(length);
        let headers = format!("{}Transfer-Encoding: chunked\r\n", signature(&event));
        let chunked = format!("{length:x}\r\n{event}\r\n0\r\n\r\n");
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // The server may answer before it has read everything.
        let _ = stream.write_all(&post(&headers, &chunked)).await;
        let mut status = [0; 12];
        if stream.read_exact(&mut status).await.is_ok() {
            assert_eq!(&status, format!("HTTP/1.1 {expected}").as_bytes());
        } else {
            assert!(length > LIMIT * 4, "the answer was lost for a body of {length} bytes");
        }
    }
}

#[tokio::test]
async fn a_delivery_without_a_signature_or_with_several_is_refused() {
    let server = server().await;
    let (status, text) = exchange(server.address, &post("Content-Length: 2\r\n", "{}")).await;
    assert_eq!(status, 400, "{text}");
    let twice = "Stripe-Signature: t=1\r\nStripe-Signature: t=2\r\nContent-Length: 2\r\n";
    let (status, text) = exchange(server.address, &post(twice, "{}")).await;
    assert_eq!(status, 400);
    assert!(text.contains("signature_repeated"), "{text}");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let server = server().await;
    let (status, text) = exchange(server.address, &signed("not json")).await;
    assert_eq!(status, 400);
    assert!(text.contains(r#""code":"not_json""#), "{text}");
}

#[tokio::test]
async fn without_a_store_stripe_is_told_to_come_back() {
    let store = store().await;
    let ledger = store.ledger.clone();
    let server = start(store, &[], Router::new()).await;
    ledger.close().await.unwrap();
    let (status, text) = exchange(server.address, &signed(&event(200))).await;
    assert_eq!(status, 503);
    assert!(text.to_lowercase().contains("retry-after: "), "{text}");
    let (status, text) = asked(&server, "GET", "/readyz", "Host: localhost\r\n").await;
    assert_eq!(status, 503);
    assert!(text.contains("store_unavailable"), "{text}");
    assert_eq!(asked(&server, "GET", "/healthz", "Host: localhost\r\n").await.0, 200);
}

#[tokio::test]
async fn ready_means_a_current_schema_and_a_worker_in_time() {
    let host = "Host: localhost\r\n";
    let server = start(unmigrated().await, &[], Router::new()).await;
    let (status, text) = asked(&server, "GET", "/readyz", host).await;
    assert_eq!(status, 503);
    assert!(text.contains(r#""code":"schema_behind""#), "{text}");
    for (waiting_seconds, expected) in [(300, 200), (301, 503)] {
        let store = store().await;
        let source = Source::Backfill { place: "a file:1".to_owned() };
        let waiting = arrival(event(200).as_ref(), None, NOW - waiting_seconds, source).unwrap();
        store.ledger.accept(&[waiting], upswell::stripe::says).await.unwrap();
        let server = start(store, &[], Router::new()).await;
        let (status, text) = asked(&server, "GET", "/readyz", host).await;
        assert_eq!(status, expected, "{text}");
        assert_eq!(text.contains(r#""code":"worker_lagging""#), expected == 503, "{text}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_and_the_wrong_method_405() {
    let server = server().await;
    let (status, text) = asked(&server, "GET", "/nothing", "Host: localhost\r\n").await;
    assert_eq!(status, 404);
    assert!(text.contains("application/problem+json"), "{text}");
    let (status, text) = asked(&server, "GET", "/webhooks/stripe", "Host: localhost\r\n").await;
    assert_eq!(status, 405);
    assert!(text.to_lowercase().contains("allow: post"), "{text}");
    assert!(text.contains(r#""code":"method_not_allowed""#), "{text}");
}

#[tokio::test]
async fn figures_are_for_this_machine_or_for_a_token() {
    let server = server().await;
    assert_eq!(asked(&server, "GET", "/", "Host: localhost\r\n").await.0, 200);
    assert_eq!(asked(&server, "GET", "/", "Host: elsewhere.example\r\n").await.0, 403);
    let private = Router::new().route("/", get(|| async { "figures" }));
    let server = start(store().await, &["secret"], private).await;
    let (status, text) = asked(&server, "GET", "/", "Host: localhost\r\n").await;
    assert_eq!(status, 401);
    assert!(text.to_lowercase().contains("www-authenticate: bearer"), "{text}");
    let bearer = "Host: upswell.example\r\nAuthorization: Bearer secret\r\n";
    assert_eq!(asked(&server, "GET", "/", bearer).await.0, 200);
    assert_eq!(exchange(server.address, &signed(&event(200))).await.0, 200);
}

#[tokio::test]
async fn a_page_of_another_site_can_not_have_a_browser_change_anything() {
    let private = Router::new().route("/", post_route(|| async { "changed" }));
    let server = start(store().await, &[], private).await;
    for (sent, expected) in [
        ("Sec-Fetch-Site: cross-site\r\n", 403),
        ("Sec-Fetch-Site: same-site\r\n", 403),
        ("Origin: https://evil.example\r\n", 403),
        ("Origin: null\r\n", 403),
        ("Sec-Fetch-Site: same-origin\r\nOrigin: http://localhost\r\n", 200),
        ("Origin: http://localhost\r\n", 200),
        ("", 200),
    ] {
        let headers = format!("Host: localhost\r\nContent-Length: 0\r\n{sent}");
        let (status, text) = asked(&server, "POST", "/", &headers).await;
        assert_eq!(status, expected, "{sent}{text}");
        assert_eq!(text.contains(r#""code":"cross_site""#), expected == 403, "{text}");
    }
}

#[tokio::test]
async fn more_questions_than_are_answered_at_once_are_told_to_come_back() {
    let private = Router::new().route("/", get(std::future::pending::<&str>));
    let server = start(store().await, &[], private).await;
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut waiting = Vec::new();
    for _ in 0..LIMITS.questions {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        waiting.push(stream);
    }
    // The first ones may not have been read yet.
    let (status, text) = loop {
        let answered = asked(&server, "GET", "/", "Host: localhost\r\n");
        match tokio::time::timeout(Duration::from_secs(1), answered).await {
            Ok(answer) => break answer,
            Err(_) => continue,
        }
    };
    assert_eq!(status, 503);
    assert!(text.to_lowercase().contains("retry-after: 1"), "{text}");
    assert_eq!(exchange(server.address, &signed(&event(200))).await.0, 200);
}

#[tokio::test]
async fn a_delivery_under_way_is_answered_before_the_server_stops() {
    let Server { address, stop, served, _directory } = server().await;
    let request = signed(&event(500));
    let (first, rest) = request.split_at(request.len() - 100);
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(first).await.unwrap();
    // An answer to a second connection shows that the first has been accepted.
    assert_eq!(exchange(address, &signed(&event(200))).await.0, 200);
    stop.send(()).unwrap();
    stream.write_all(rest).await.unwrap();
    assert_eq!(answer(&mut stream).await.0, 200);
    served.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
