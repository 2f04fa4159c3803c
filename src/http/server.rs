//! The server: connections in, as many as there are places, and on the signal to stop, answers to all that was taken.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

use super::Limits;
use super::around::HEADERS;
use super::outgoing::Outgoing;
use super::places::{Place, Places};
use super::quiet::Quiet;
use crate::metrics::Metrics;

/// A pause when the system gives no connection, out of file descriptors say, instead of a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// The same where another connection is about to go.
const ROOM_PAUSE: Duration = Duration::from_millis(1);
/// What the system says when the process, or the machine, has no file descriptor left (ENFILE, EMFILE).
const NO_MORE_FILES: [i32; 2] = [23, 24];
/// How a connection is answered that finds no place, before the headers of every answer.
const NO_PLACE: &str =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n";

/// Serves until `stop` is done, then answers what was taken and returns.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    metrics: Metrics,
    stop: impl Future<Output = ()>,
) {
    let connections = GracefulShutdown::new();
    let places = Places::new(limits.connections, metrics);
    let no_place = no_place();
    let (full, since) = (Quiet::new(), Instant::now());
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => match places.take() {
                    Some(place) => connect((stream, peer), place, &router, limits, &connections),
                    // Without waiting: who does not take it gets nothing.
                    None => drop(stream.try_write(no_place.as_bytes())),
                },
                // It went away while it waited.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    if let Some(left_out) = full.asks(since.elapsed().as_secs().cast_signed()) {
                        tracing::warn!(%error, left_out, "no connection accepted");
                    }
                    let is_full = error.raw_os_error().is_some_and(|code| NO_MORE_FILES.contains(&code));
                    let is_room_made = is_full && places.make_room_for_files();
                    tokio::time::sleep(if is_room_made { ROOM_PAUSE } else { ACCEPT_PAUSE }).await;
                }
            },
        }
    }
    drop(listener);
    let drained = tokio::time::timeout(Duration::from_secs(limits.drain_seconds), connections.shutdown());
    if drained.await.is_err() {
        tracing::warn!(limits.drain_seconds, "stopped before every request was answered");
    }
}

fn no_place() -> String {
    let headers = HEADERS.into_iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    format!("{NO_PLACE}{}\r\n", headers.collect::<String>())
}

fn connect(
    (stream, peer): (TcpStream, SocketAddr),
    place: Place,
    router: &Router,
    limits: Limits,
    all: &GracefulShutdown,
) {
    let place = Arc::new(place);
    let stream = Outgoing::of(stream, Duration::from_secs(limits.answer_seconds));
    let service = router.clone().layer(Extension(ConnectInfo(peer))).layer(Extension(Arc::clone(&place)));
    let connection = Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.header_seconds))
        .max_header_size(limits.header_bytes)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let watched = all.watch(connection);
    tokio::spawn(async move {
        tokio::select! {
            // A client that goes away or speaks no HTTP is its own affair.
            ended = watched => if let Err(error) = ended {
                tracing::debug!(%error, "connection ended early");
            },
            () = place.asked_to_leave() => tracing::debug!("connection closed to make room"),
        }
    });
}

/// Done when the process is asked to stop: by Ctrl-C, or by SIGTERM where there is one.
///
/// It listens from the moment it is called, not only once it is waited for: who is told to stop in between stops in
/// order and is not ended by the signal itself. A signal that can't be listened to never comes.
#[cfg(unix)]
pub fn shutdown_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{Signal, SignalKind, signal};
    async fn of(heard: std::io::Result<Signal>) {
        match heard {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    }
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        tokio::select! {
            () = of(interrupt) => {}
            () = of(terminate) => {}
        }
    }
}

/// Done when the process is asked to stop, by Ctrl-C. A signal that can't be listened to never comes.
#[cfg(not(unix))]
pub async fn shutdown_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn who_finds_no_place_is_answered_with_the_headers_of_every_answer() {
        let answer = no_place();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "");
        let mut lines = head.split("\r\n");
        assert_eq!(lines.next(), Some("HTTP/1.1 503 Service Unavailable"));
        let told: Vec<(&str, &str)> = lines.map(|line| line.split_once(": ").unwrap()).collect();
        for header in [("Retry-After", "5"), ("Content-Length", "0"), ("cache-control", "no-store")] {
            assert!(told.contains(&header), "{told:?}");
        }
        for (name, value) in HEADERS {
            assert!(told.contains(&(name.as_str(), value)), "{name}: {told:?}");
        }
    }

    #[tokio::test]
    async fn a_signal_before_anybody_waits_for_it_is_heard() {
        let stop = shutdown_signal();
        let process = std::process::id().to_string();
        // Ends this process if nobody listens.
        assert!(std::process::Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
        tokio::time::timeout(Duration::from_secs(60), stop).await.unwrap();
    }
}
