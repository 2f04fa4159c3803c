//! The server: connections in, and on the signal to stop, answers to all that was taken.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

/// How long a client may take over its header; slower ones only hold connections open.
const HEADER_SECONDS: u64 = 10;
/// How long requests under way may take once the server is told to stop.
const DRAIN_SECONDS: u64 = 30;
/// A pause when the system gives no connection, out of file descriptors say, instead of a busy loop.
const ACCEPT_PAUSE_MILLIS: u64 = 200;

/// Serves until `stop` is done, then answers what was taken and returns.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => connect(stream, peer, &router, &connections),
                Err(error) => {
                    tracing::warn!(%error, "no connection accepted");
                    tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MILLIS)).await;
                }
            },
        }
    }
    drop(listener);
    let drained = tokio::time::timeout(Duration::from_secs(DRAIN_SECONDS), connections.shutdown());
    if drained.await.is_err() {
        tracing::warn!(DRAIN_SECONDS, "stopped before every request was answered");
    }
}

fn connect(stream: TcpStream, peer: SocketAddr, router: &Router, all: &GracefulShutdown) {
    let service = router.clone().layer(Extension(ConnectInfo(peer)));
    let connection = Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEADER_SECONDS))
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let watched = all.watch(connection);
    tokio::spawn(async move {
        // A client that goes away or speaks no HTTP is its own affair.
        if let Err(error) = watched.await {
            tracing::debug!(%error, "connection ended early");
        }
    });
}

/// Done when the process is asked to stop: by Ctrl-C, or by SIGTERM where there is one.
pub async fn shutdown_signal() {
    tokio::select! {
        () = interrupt() => {}
        () = terminate() => {}
    }
}

/// A signal that can't be listened to never comes.
async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn terminate() {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminate() {
    std::future::pending().await
}
