//! A Stripe of our own that speaks real HTTP: whatever a test wants it to answer, or whole lists with pages,
//! spans of time and faults.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::process::Place;

pub const KEY: &str = "rk_live_of_the_tests";

/// What it is asked.
pub struct Asked {
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub account: Option<String>,
}

/// What it answers.
#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: &'static str,
    pub body: String,
}

impl Reply {
    pub fn of(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: "", body: body.into() }
    }

    /// A refusal with words that are nobody's business.
    pub fn refusal(status: u16, kind: &str) -> Self {
        Self::of(
            status,
            json!({"error": {"type": kind, "message": "of Ada Lovelace, ada@example.com"}}).to_string(),
        )
    }

    pub fn missing() -> Self {
        Self::of(
            404,
            json!({"error": {"type": "invalid_request_error", "code": "resource_missing"}}).to_string(),
        )
    }
}

/// A Stripe of our own, and what it was asked.
pub struct Stripe {
    base: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Stripe {
    /// One that answers so, several at a time.
    pub fn speaking(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (heard, answer) = (Arc::clone(&asked), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (heard, answer) = (Arc::clone(&heard), Arc::clone(&answer));
                // A client that goes away costs nobody anything.
                std::thread::spawn(move || serve(stream, &*answer, &heard));
            }
        });
        Self { base, asked }
    }

    /// What was asked so far, paths with their queries and accounts.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// A place that asks here, by a key of live mode.
    pub fn place(&self) -> Place {
        self.known_to(Place::new())
    }

    /// The same place, asking here.
    pub fn known_to(&self, place: Place) -> Place {
        place.with("STRIPE_API_KEY", KEY).with("STRIPE_API_BASE", &self.base)
    }
}

fn serve(
    stream: TcpStream,
    answer: &(impl Fn(&Asked) -> Reply + ?Sized),
    heard: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let target = decoded(request.split(' ').nth(1).unwrap_or_default());
    let (mut account, mut key) = (None, String::new());
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header == "\r\n" {
            break;
        }
        if let Some((name, value)) = header.trim_end().split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "stripe-account" => account = Some(value.to_owned()),
                "authorization" => value.clone_into(&mut key),
                _ => {}
            }
        }
    }
    assert_eq!(key, format!("Bearer {KEY}"));
    let of = account.as_ref().map(|account| format!(" for {account}")).unwrap_or_default();
    heard.lock().unwrap().push(format!("{target}{of}"));
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let Reply { status, headers, body } = answer(&Asked { path: path.to_owned(), query, account });
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n");
    reader.get_mut().write_all(format!("{head}{body}").as_bytes())
}

fn decoded(target: &str) -> String {
    target.replace("%5B", "[").replace("%5D", "]").replace("%5b", "[").replace("%5d", "]")
}

/// Lists, by account and the last part of their path, with faults that come first.
#[derive(Default)]
pub struct Lists {
    of: BTreeMap<(String, &'static str), Vec<Value>>,
    faults: Mutex<BTreeMap<&'static str, Vec<Reply>>>,
    page: usize,
}

impl Lists {
    /// Lists that are all empty, with so many objects a page at most.
    pub fn paged(page: usize) -> Self {
        Self { page, ..Self::default() }
    }

    pub fn with(self, path: &'static str, objects: Vec<Value>) -> Self {
        self.with_of("", path, objects)
    }

    pub fn with_of(mut self, account: &str, path: &'static str, objects: Vec<Value>) -> Self {
        self.of.insert((account.to_owned(), path), objects);
        self
    }

    /// What a path answers first, one after the other.
    pub fn failing(self, path: &'static str, replies: Vec<Reply>) -> Self {
        self.faults.lock().unwrap().insert(path, replies);
        self
    }

    pub fn answer(&self, asked: &Asked) -> Reply {
        let path = asked.path.trim_start_matches("/v1/");
        if let Some(replies) = self.faults.lock().unwrap().get_mut(path)
            && !replies.is_empty()
        {
            return replies.remove(0);
        }
        const KNOWN: [&str; 10] = [
            "products",
            "prices",
            "coupons",
            "events",
            "customers",
            "subscriptions",
            "subscription_items",
            "subscription_schedules",
            "invoices",
            "accounts",
        ];
        if !KNOWN.contains(&path) {
            return Reply::missing();
        }
        let account = asked.account.clone().unwrap_or_default();
        let found = self.of.iter().find(|((of, name), _)| *of == account && *name == path);
        let mut objects: Vec<&Value> = found.map(|(_, objects)| objects.iter().collect()).unwrap_or_default();
        objects.retain(|object| is_asked(object, &asked.query));
        objects.sort_by_key(|object| std::cmp::Reverse(object["created"].as_i64()));
        if let Some(after) = asked.query.get("starting_after") {
            let Some(at) = objects.iter().position(|object| object["id"] == **after) else {
                return Reply::missing();
            };
            objects.drain(..=at);
        }
        let has_more = objects.len() > self.page;
        objects.truncate(self.page);
        let page = json!({"object": "list", "url": asked.path, "has_more": has_more, "data": objects});
        Reply::of(200, serde_json::to_string_pretty(&page).unwrap())
    }
}

fn is_asked(object: &Value, query: &BTreeMap<String, String>) -> bool {
    let number = |name: &str| query.get(name).map(|text| text.parse::<i64>().unwrap());
    let created = object["created"].as_i64().unwrap_or_default();
    let is_active = |wanted: &String| object["active"].as_bool().unwrap_or(true).to_string() == *wanted;
    let is_undelivered = object["pending_webhooks"].as_i64().unwrap_or_default() > 0;
    number("created[gte]").is_none_or(|since| created >= since)
        && number("created[lt]").is_none_or(|until| created < until)
        && query.get("active").is_none_or(is_active)
        && query.get("subscription").is_none_or(|wanted| object["subscription"] == **wanted)
        && query.get("delivery_success").is_none_or(|_| is_undelivered)
}
