//! A load of signed webhooks. Each is due at its own time, whether or not those before it were answered, and its
//! latency counts from then: a server that falls behind can't hide it by holding up the sender.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::time::{Instant, sleep_until};

use crate::Fault;

struct Asked {
    url: String,
    secret: String,
    rate: u32,
    seconds: u32,
    prefix: String,
}

/// Sends events of a file as webhooks, under ids of their own.
pub fn run(file: &Path, options: &[&str]) -> Result<Value, Fault> {
    let asked = asked(options)?;
    let many = usize::try_from(asked.rate * asked.seconds)?;
    let lines = BufReader::new(File::open(file)?).split(b'\n').take(many);
    let bodies: Vec<Bytes> =
        lines.map(|line| line.map(|line| renamed(&line, &asked.prefix))).collect::<Result<_, _>>()?;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?
        .block_on(send(Arc::new(asked), bodies))
}

/// The event under another id: the file itself may be fed to the same store.
fn renamed(line: &[u8], prefix: &str) -> Bytes {
    let id = format!("\"id\":\"evt_{prefix}_");
    let text = String::from_utf8_lossy(line).replacen("\"id\":\"evt_", &id, 1);
    text.into_bytes().into()
}

fn asked(options: &[&str]) -> Result<Asked, Fault> {
    let mut asked = Asked {
        url: "http://127.0.0.1:8080/webhooks/stripe".to_owned(),
        secret: String::new(),
        rate: 500,
        seconds: 60,
        prefix: "load".to_owned(),
    };
    for pair in options.chunks(2) {
        match pair {
            ["--url", url] => asked.url = (*url).to_owned(),
            ["--secret", secret] => asked.secret = (*secret).to_owned(),
            ["--rate", rate] => asked.rate = rate.parse()?,
            ["--prefix", prefix] => asked.prefix = (*prefix).to_owned(),
            ["--seconds", seconds] => asked.seconds = seconds.parse()?,
            _ => return Err(format!("there is no option like {pair:?}").into()),
        }
    }
    if asked.secret.is_empty() { Err("--secret is needed".into()) } else { Ok(asked) }
}

async fn send(asked: Arc<Asked>, bodies: Vec<Bytes>) -> Result<Value, Fault> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let begun = Instant::now() + Duration::from_millis(100);
    let mut sent = Vec::with_capacity(bodies.len());
    for (number, body) in (0_u32..).zip(bodies) {
        let due = begun + Duration::from_secs(1) * number / asked.rate;
        sleep_until(due).await;
        let (client, asked) = (client.clone(), Arc::clone(&asked));
        sent.push(tokio::spawn(async move {
            let request = request(&asked, body)?;
            let status = match client.request(request).await {
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    answer.into_body().collect().await?;
                    status
                }
                // Nobody answered.
                Err(_) => 0,
            };
            Ok::<_, Fault>((status, due.elapsed()))
        }));
    }
    let (mut latencies, mut refused) = (Vec::with_capacity(sent.len()), 0);
    for one in sent {
        let (status, latency) = one.await??;
        refused += u32::from(status != 200);
        latencies.push(latency);
    }
    latencies.sort();
    let at = |hundredths: usize| {
        let last = latencies.len().saturating_sub(1);
        latencies.get(last * hundredths / 10_000).map(|latency| latency.as_secs_f64() * 1_000.0)
    };
    Ok(json!({
        "what": "load", "rate": asked.rate, "sent": latencies.len(), "not_acknowledged": refused,
        "p50_ms": at(5_000), "p99_ms": at(9_900), "p999_ms": at(9_990), "max_ms": at(10_000),
        "seconds": begun.elapsed().as_secs_f64(),
    }))
}

/// The header that signs a body now.
pub fn signature(secret: &str, body: &[u8]) -> Result<String, Fault> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(format!("{now}.").as_bytes());
    mac.update(body);
    Ok(format!("t={now},v1={}", hex::encode(mac.finalize().into_bytes())))
}

fn request(asked: &Asked, body: Bytes) -> Result<Request<Full<Bytes>>, Fault> {
    let signature = signature(&asked.secret, &body)?;
    let request = Request::post(&asked.url).header("stripe-signature", signature);
    Ok(request.header("content-type", "application/json").body(Full::new(body))?)
}
