//! The real binary: started, asked over HTTP, killed.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use upswell::app::now;
use upswell::ledger::Ledger;

use crate::store;

pub const SECRET: &str = "whsec_of_the_tests";

/// A folder of its own with a store in it, and what the binary is told about it.
pub struct Place {
    pub directory: tempfile::TempDir,
    url: String,
    variables: Vec<(&'static str, String)>,
}

impl Place {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = store::new_url(directory.path());
        Self { directory, url, variables: Vec::new() }
    }

    /// A place whose store has no schema yet.
    pub fn unmigrated() -> Self {
        Self::at(&store::empty_url(Path::new(".")))
    }

    /// A place whose store is a file, whatever the others are about.
    pub fn on_sqlite() -> Self {
        let mut place = Self::at("");
        place.url = format!("sqlite://{}?mode=rwc", place.path("upswell.db").display());
        place
    }

    /// A place whose store is that of a URL, shared with others or of another kind.
    pub fn at(url: &str) -> Self {
        Self { directory: tempfile::tempdir().unwrap(), url: url.to_owned(), variables: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn url(&self) -> String {
        self.url.clone()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_upswell"));
        command
            .current_dir(self.directory.path())
            .env_clear()
            .env("DATABASE_URL", self.url())
            .env("STRIPE_WEBHOOK_SECRET", SECRET)
            .env("UPSWELL_LOG", "warn")
            .envs(self.variables.iter().map(|(name, value)| (*name, value.as_str())));
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a command that has to succeed, for its standard output.
    pub fn output(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "upswell {arguments:?}: {}\n{said}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command with bytes on its standard input.
    pub fn fed(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = self
            .command()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        name.to_owned()
    }

    /// Starts a command and leaves it running.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Starts a server on a free port. It says its address once it listens.
    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// The same with more arguments.
    pub fn serve_with(&self, arguments: &[&str]) -> Server {
        let mut child = self.start(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat());
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut told = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "the server ended before it listened:\n{told}");
            if let Some(rest) = line.strip_prefix("webhooks at http://") {
                break rest.split('/').next().unwrap().to_owned();
            }
            told.push_str(&line);
        };
        Server { child, address, _said: said }
    }

    /// A server that has taken these events and settled them; the server is gone again.
    pub fn receive(&self, events: &[String]) {
        let server = self.serve();
        let mut connection = server.connect().unwrap();
        for event in events {
            let answer = connection.deliver(event.as_bytes()).unwrap();
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        self.output(&["status", "--wait", "--timeout", "120s"]);
    }

    /// The ids of the events in the inbox.
    pub fn stored(&self) -> BTreeSet<String> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let ledger = Ledger::open(&self.url()).await.unwrap();
            let stored = ledger.stored_after(0, 1_000_000).await.unwrap();
            ledger.close().await.unwrap();
            stored.into_iter().map(|stored| stored.event_id).collect()
        })
    }

    /// The standing movements, without what tells when they were posted, in an order of their own.
    pub fn movements(&self) -> Vec<serde_json::Value> {
        let mut rows = rows(&self.output(&["movements", "--format", "ndjson"]));
        for row in &mut rows {
            let row = row.as_object_mut().unwrap();
            row.remove("seq").unwrap();
            row.remove("recorded_at").unwrap();
        }
        rows.sort_by_key(ToString::to_string);
        rows
    }
}

/// Holds that two ledgers have the same movements, and names only those that differ.
pub fn assert_same(got: &[serde_json::Value], expected: &[serde_json::Value], road: &str) {
    let lines = |of: &[serde_json::Value], not_in: &[serde_json::Value]| -> String {
        of.iter().filter(|row| !not_in.contains(row)).map(|row| format!("\n{row}")).collect()
    };
    let (more, less) = (lines(got, expected), lines(expected, got));
    assert!(more.is_empty() && less.is_empty(), "{road}\nmore:{more}\nless:{less}");
    assert_eq!(got.len(), expected.len(), "{road}");
}

/// Lines of JSON.
pub fn rows(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A running `upswell serve`, killed when it goes out of scope.
pub struct Server {
    child: Child,
    pub address: String,
    /// Held open, so that the server can go on saying things.
    _said: BufReader<ChildStderr>,
}

impl Server {
    /// A connection, kept open from request to request; none if there is nobody.
    pub fn connect(&self) -> Option<Connection> {
        Connection::to(&self.address)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// A connection to a server.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub fn to(address: &str) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self { stream: BufReader::new(stream) })
    }

    /// Posts a body to the webhook with the headers given; none if the connection broke.
    pub fn post(&mut self, headers: &str, body: &[u8]) -> Option<Answer> {
        let head = format!(
            "POST /webhooks/stripe HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        self.ask(&head, body)
    }

    /// Posts a body signed as Stripe signs it, now.
    pub fn deliver(&mut self, body: &[u8]) -> Option<Answer> {
        self.post(&signature(body), body)
    }

    fn ask(&mut self, head: &str, body: &[u8]) -> Option<Answer> {
        let stream = self.stream.get_mut();
        // A server may answer before it has read all, so a broken write is not yet the end.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        let mut line = String::new();
        self.stream.read_line(&mut line).ok()?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let mut length = 0;
        loop {
            let mut header = String::new();
            if self.stream.read_line(&mut header).ok()? == 0 {
                return None;
            }
            if header == "\r\n" {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        Some(Answer { status, body: String::from_utf8(body).ok()? })
    }
}

/// The header that signs a body now.
pub fn signature(body: &[u8]) -> String {
    let at = now();
    format!("Stripe-Signature: t={at},v1={}\r\n", tag(SECRET, at, body))
}

/// HMAC-SHA256 of time, dot and body, keyed by the whole secret: as Stripe documents it, and without
/// asking the product.
pub fn tag(secret: &str, at: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// Where the stories are.
pub fn stories_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/stories")
}

/// What is known about the stories' price list.
pub fn stories_config() -> String {
    stories_folder().join("upswell.toml").display().to_string()
}

/// The events of a story, in their order of delivery.
pub fn story(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(stories_folder().join(name).with_extension("ndjson")).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The events of all stories, in their order of delivery.
pub fn stories() -> Vec<String> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(stories_folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "ndjson"));
    files.sort();
    let texts = files.iter().map(|path| std::fs::read_to_string(path).unwrap());
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}
