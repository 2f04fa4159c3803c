//! The bare loop: the same bodies, and nothing else, added to a table; each commit is on disk before the next begins.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use postgres::NoTls;
use postgres::types::ToSql;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::Fault;

/// Adds so many bodies a commit to the store of a URL until the time is over, or there are no more.
pub fn run(file: &Path, url: &str, a_commit: usize, seconds: u64) -> Result<Value, Fault> {
    let mut bodies = Vec::new();
    let mut lines = BufReader::with_capacity(4 << 20, File::open(file)?).split(b'\n');
    for line in lines.by_ref().take(MOST) {
        bodies.push(line?);
    }
    let batches = bodies.chunks(a_commit);
    let limit = Duration::from_secs(seconds);
    let (events, took) = match url.strip_prefix("sqlite://") {
        Some(path) => into_sqlite(batches, path, limit)?,
        None => into_postgres(batches, url, limit)?,
    };
    let took = took.as_secs_f64();
    Ok(json!({
        "what": "commits", "a_commit": a_commit, "events": events, "seconds": took, "a_second": events as f64 / took,
    }))
}

/// Bodies held in memory at most.
const MOST: usize = 400_000;

fn into_sqlite<'a>(
    batches: impl Iterator<Item = &'a [Vec<u8>]>,
    path: &str,
    limit: Duration,
) -> Result<(usize, Duration), Fault> {
    let mut store = Connection::open(path)?;
    store.pragma_update(None, "journal_mode", "WAL")?;
    store.pragma_update(None, "synchronous", "FULL")?;
    store.execute("CREATE TABLE inbox (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT", ())?;
    let (begun, mut events) = (Instant::now(), 0);
    for batch in batches {
        let transaction = store.transaction()?;
        for body in batch {
            transaction.prepare_cached("INSERT INTO inbox (body) VALUES (?1)")?.execute([body])?;
        }
        transaction.commit()?;
        events += batch.len();
        if begun.elapsed() > limit {
            break;
        }
    }
    Ok((events, begun.elapsed()))
}

fn into_postgres<'a>(
    batches: impl Iterator<Item = &'a [Vec<u8>]>,
    url: &str,
    limit: Duration,
) -> Result<(usize, Duration), Fault> {
    let mut store = postgres::Client::connect(url, NoTls)?;
    store.batch_execute(
        "DROP TABLE IF EXISTS bare; CREATE TABLE bare (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea NOT NULL)",
    )?;
    let statement = store.prepare("INSERT INTO bare (body) SELECT * FROM unnest($1::bytea[])")?;
    let (begun, mut events) = (Instant::now(), 0);
    for batch in batches {
        let bodies: Vec<&[u8]> = batch.iter().map(Vec::as_slice).collect();
        let values: [&(dyn ToSql + Sync); 1] = [&bodies];
        store.execute(&statement, &values)?;
        events += batch.len();
        if begun.elapsed() > limit {
            break;
        }
    }
    Ok((events, begun.elapsed()))
}
