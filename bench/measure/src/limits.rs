//! The machine's own limits: what reading and parsing take alone, and what storing the same bytes takes.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Instant;

use postgres::NoTls;
use postgres::binary_copy::BinaryCopyInWriter;
use postgres::types::Type;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::Fault;

/// Lines handed over at once.
const A_BATCH: usize = 500;

/// Reads a file and parses each line into a tree, on all cores.
pub fn parse(file: &Path) -> Result<Value, Fault> {
    let begun = Instant::now();
    let cores = thread::available_parallelism()?.get();
    let (send, receive) = mpsc::sync_channel::<Vec<Vec<u8>>>(2 * cores);
    let receive = Arc::new(Mutex::new(receive));
    let workers: Vec<_> = (0..cores)
        .map(|_| {
            let receive = Arc::clone(&receive);
            thread::spawn(move || -> Result<u64, Fault> {
                let mut events = 0;
                loop {
                    let Ok(batch) = receive.lock().map_err(|_| "a thread broke off")?.recv() else {
                        return Ok(events);
                    };
                    for line in batch {
                        let event: Value = serde_json::from_slice(&line)?;
                        events += u64::from(event.is_object());
                    }
                }
            })
        })
        .collect();
    for batch in batches(file)? {
        send.send(batch?).map_err(|_| "a thread broke off")?;
    }
    drop(send);
    let mut events = 0;
    for worker in workers {
        events += worker.join().map_err(|_| "a thread broke off")??;
    }
    Ok(json!({"what": "parse", "events": events, "seconds": begun.elapsed().as_secs_f64()}))
}

/// Inserts each line as a row, by one prepared statement in one transaction.
pub fn insert(file: &Path, database: &Path) -> Result<Value, Fault> {
    let begun = Instant::now();
    let mut store = Connection::open(database)?;
    store.pragma_update(None, "journal_mode", "WAL")?;
    store.pragma_update(None, "synchronous", "NORMAL")?;
    store.execute("CREATE TABLE inbox (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT", ())?;
    let mut events = 0_u64;
    let transaction = store.transaction()?;
    {
        let mut row = transaction.prepare("INSERT INTO inbox (body) VALUES (?1)")?;
        for batch in batches(file)? {
            for line in batch? {
                row.execute([line])?;
                events += 1;
            }
        }
    }
    transaction.commit()?;
    store.close().map_err(|(_, error)| error)?;
    Ok(json!({"what": "insert", "events": events, "seconds": begun.elapsed().as_secs_f64()}))
}

/// Copies each line as a row of a fresh table of PostgreSQL, by one binary COPY.
pub fn copy(file: &Path, url: &str) -> Result<Value, Fault> {
    let begun = Instant::now();
    let mut store = postgres::Client::connect(url, NoTls)?;
    store.batch_execute(
        "DROP TABLE IF EXISTS bare; CREATE TABLE bare (seq bigint PRIMARY KEY, body bytea NOT NULL)",
    )?;
    let mut rows = BinaryCopyInWriter::new(
        store.copy_in("COPY bare (seq, body) FROM STDIN BINARY")?,
        &[Type::INT8, Type::BYTEA],
    );
    let mut events = 0_i64;
    for batch in batches(file)? {
        for line in batch? {
            events += 1;
            rows.write(&[&events, &line])?;
        }
    }
    rows.finish()?;
    Ok(json!({"what": "copy", "events": events, "seconds": begun.elapsed().as_secs_f64()}))
}

fn batches(file: &Path) -> Result<impl Iterator<Item = Result<Vec<Vec<u8>>, Fault>>, Fault> {
    let mut lines = BufReader::with_capacity(4 << 20, File::open(file)?).split(b'\n');
    Ok(std::iter::from_fn(move || {
        let batch: Result<Vec<Vec<u8>>, Fault> =
            lines.by_ref().take(A_BATCH).map(|line| line.map_err(Fault::from)).collect();
        batch.map(|batch| (!batch.is_empty()).then_some(batch)).transpose()
    }))
}
