//! Signed webhooks over a number of connections that stay open: as fast as they are answered, or at a rate that waits for
//! nobody. What is sent is put together and signed before the clock starts, so that the sender takes little of the
//! machine that it shares with what is measured.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use crate::Fault;
use crate::load::signature;

struct Asked {
    address: String,
    secret: String,
    connections: usize,
    /// How many of the file's events to skip.
    from: usize,
    /// How many to send at most.
    events: usize,
    seconds: u64,
    /// Deliveries a second; as many as are answered without one.
    rate: Option<u32>,
    prefix: String,
}

/// Sends events of a file, each under an id of its own, until all are sent or the time is over.
pub fn run(file: &Path, options: &[&str]) -> Result<Value, Fault> {
    let asked = asked(options)?;
    let lines = BufReader::with_capacity(4 << 20, File::open(file)?).split(b'\n');
    let requests = lines.skip(asked.from).take(asked.events);
    let requests: Vec<Vec<u8>> = requests
        .map(|line| Ok(request(&asked, &of_another(&line?, &asked.prefix))?))
        .collect::<Result<_, Fault>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(send_all(Arc::new(asked), Arc::new(requests)))
}

fn asked(options: &[&str]) -> Result<Asked, Fault> {
    let mut asked = Asked {
        address: "127.0.0.1:8080".to_owned(),
        secret: String::new(),
        connections: 64,
        from: 0,
        events: usize::MAX,
        seconds: 10,
        rate: None,
        prefix: "load".to_owned(),
    };
    for pair in options.chunks(2) {
        match pair {
            ["--address", address] => asked.address = (*address).to_owned(),
            ["--secret", secret] => asked.secret = (*secret).to_owned(),
            ["--connections", number] => asked.connections = number.parse()?,
            ["--from", number] => asked.from = number.parse()?,
            ["--events", number] => asked.events = number.parse()?,
            ["--seconds", seconds] => asked.seconds = seconds.parse()?,
            ["--rate", rate] => asked.rate = Some(rate.parse()?),
            ["--prefix", prefix] => asked.prefix = (*prefix).to_owned(),
            _ => return Err(format!("there is no option like {pair:?}").into()),
        }
    }
    if asked.secret.is_empty() { Err("--secret is needed".into()) } else { Ok(asked) }
}

/// The event of a customer of its own: the file itself, or another run, may be in the same store.
fn of_another(line: &[u8], prefix: &str) -> Vec<u8> {
    let ids = ["evt_", "cus_", "sub_", "si_", "in_", "il_"];
    let text = String::from_utf8_lossy(line).into_owned();
    let named = |text: String, id: &str| text.replace(&format!("\"{id}"), &format!("\"{id}{prefix}"));
    ids.into_iter().fold(text, named).into_bytes()
}

/// A whole request, as it goes over the wire.
fn request(asked: &Asked, body: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut request = format!(
        "POST /webhooks/stripe HTTP/1.1\r\nhost: {}\r\nstripe-signature: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        asked.address,
        signature(&asked.secret, body)?,
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    Ok(request)
}

async fn send_all(asked: Arc<Asked>, requests: Arc<Vec<Vec<u8>>>) -> Result<Value, Fault> {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now() + Duration::from_millis(50);
    let senders: Vec<_> = (0..asked.connections)
        .map(|_| tokio::spawn(send(Arc::clone(&asked), Arc::clone(&requests), Arc::clone(&next), begun)))
        .collect();
    let (mut latencies, mut refused) = (Vec::with_capacity(requests.len()), 0_usize);
    for sender in senders {
        let (of_one, refused_of_one) = sender.await??;
        latencies.extend(of_one);
        refused += refused_of_one;
    }
    let seconds = begun.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |hundredths: usize| {
        let last = latencies.len().saturating_sub(1);
        latencies.get(last * hundredths / 10_000).map(|latency| latency.as_secs_f64() * 1_000.0)
    };
    Ok(json!({
        "what": "webhooks", "connections": asked.connections, "rate": asked.rate, "acknowledged": latencies.len(),
        "refused": refused, "seconds": seconds, "a_second": latencies.len() as f64 / seconds,
        "p50_ms": at(5_000), "p99_ms": at(9_900), "p999_ms": at(9_990), "max_ms": at(10_000),
    }))
}

/// One connection: what each of its answers took, and how many were none of 200.
async fn send(
    asked: Arc<Asked>,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
    begun: Instant,
) -> Result<(Vec<Duration>, usize), Fault> {
    let mut stream = TcpStream::connect(&asked.address).await?;
    stream.set_nodelay(true)?;
    let end = begun + Duration::from_secs(asked.seconds);
    let (mut latencies, mut refused) = (Vec::new(), 0);
    let mut answer = Vec::with_capacity(4_096);
    sleep_until(begun).await;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = requests.get(number) else { break };
        // Its latency counts from when it was due, whether or not a connection was free.
        let mut due = Instant::now();
        if let Some(rate) = asked.rate {
            due = begun + Duration::from_secs_f64(number as f64 / f64::from(rate));
            sleep_until(due).await;
        }
        if Instant::now() >= end {
            break;
        }
        stream.write_all(request).await?;
        if answered(&mut stream, &mut answer).await? == 200 {
            latencies.push(due.elapsed());
        } else {
            refused += 1;
        }
    }
    Ok((latencies, refused))
}

/// Reads an answer to its end; its status.
async fn answered(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<u16, Fault> {
    answer.clear();
    loop {
        if stream.read_buf(answer).await? == 0 {
            return Err("the connection was closed".into());
        }
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap_or("0");
        let whole = head + 4 + length.trim().parse::<usize>()?;
        while answer.len() < whole {
            if stream.read_buf(answer).await? == 0 {
                return Err("the connection was closed".into());
            }
        }
        return Ok(text.split(' ').nth(1).unwrap_or_default().parse()?);
    }
}
