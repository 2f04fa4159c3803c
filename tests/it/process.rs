//! The real binary: started, asked over HTTP, killed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;
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
        let mut place = Self::at("");
        place.url = store::empty_url(place.directory.path());
        place
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

    /// The same place by another URL.
    pub fn at_url(mut self, other: impl FnOnce(&str) -> String) -> Self {
        self.url = other(&self.url);
        self
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
            .envs(self.variables.iter().map(|(name, value)| (*name, value.as_str())));
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command().args(arguments).stdin(Stdio::null()).output().unwrap();
        keep_log(&output.stderr);
        output
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
        let output = child.wait_with_output().unwrap();
        keep_log(&output.stderr);
        output
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        name.to_owned()
    }

    /// Starts a command and leaves it running.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::null()).stdout(log()).stderr(log());
        command.spawn().unwrap()
    }

    /// Starts a command and kills it as soon as it has come so far, unless it ends before.
    pub fn kill_once(&self, has_come_so_far: impl Fn(&Self) -> bool, arguments: &[&str]) {
        // A look takes time from what is looked at.
        const LOOK_AGAIN: Duration = Duration::from_millis(20);
        let mut child = self.start(arguments);
        while child.try_wait().unwrap().is_none() && !has_come_so_far(self) {
            std::thread::sleep(LOOK_AGAIN);
        }
        let _ = child.kill();
        child.wait().unwrap();
    }

    /// Starts a server on a free port. It says its address once it listens.
    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// The same with more arguments.
    pub fn serve_with(&self, arguments: &[&str]) -> Server {
        let mut command = self.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        Self::served_by(command)
    }

    /// The same, of a process that may have so many files open.
    pub fn serve_with_files(&self, limit: u32) -> Server {
        self.serve_under(&format!("ulimit -n {limit}"))
    }

    /// The same, of a process whose files may have so many bytes, as on a disk that is full then; until it is told
    /// otherwise.
    pub fn serve_with_room(&self, bytes: u32) -> Server {
        self.serve_under(&format!("trap '' XFSZ; ulimit -S -f {}", bytes / 512))
    }

    fn serve_under(&self, limits: &str) -> Server {
        let command = self.command();
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{limits}; exec \"$0\" serve --listen 127.0.0.1:0")]);
        shell.arg(command.get_program()).current_dir(self.directory.path()).env_clear();
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Self::served_by(shell)
    }

    fn served_by(mut command: Command) -> Server {
        let mut child = command.stdin(Stdio::null()).stdout(log()).stderr(Stdio::piped()).spawn().unwrap();
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
        // Read to its end, so that the server can go on saying things.
        let said = std::thread::spawn(move || {
            let _ = said.read_to_string(&mut told);
            keep_log(told.as_bytes());
            told
        });
        Server { child, address, said: Some(said) }
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

    /// Whether anything is posted.
    pub fn has_posted(&self) -> bool {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let ledger = Ledger::open(&self.url()).await.unwrap();
            let last = ledger.snapshot().await.unwrap().last_posting().await.unwrap();
            ledger.close().await.unwrap();
            last > 0
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
    said: Option<JoinHandle<String>>,
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

    /// Asks it to stop as a service manager does, and waits for its end; what it said.
    pub fn stop(mut self) -> (ExitStatus, String) {
        let asked = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().unwrap();
        assert!(asked.success());
        let ended = self.child.wait().unwrap();
        (ended, self.said.take().unwrap().join().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(said) = self.said.take() {
            let _ = said.join();
        }
    }
}

/// The file that UPSWELL_TEST_LOGS names, if it does, for what processes say that nobody is to read: at its end `./test`
/// looks whether a secret is in there.
#[allow(clippy::disallowed_methods, reason = "the test run's own variable, not upswell's")]
fn log_file() -> Option<File> {
    let path = std::env::var_os("UPSWELL_TEST_LOGS")?;
    Some(File::options().create(true).append(true).open(path).unwrap())
}

/// That file as where a process writes.
fn log() -> Stdio {
    log_file().map_or_else(Stdio::null, Stdio::from)
}

/// Keeps there what a process wrote to standard error.
fn keep_log(said: &[u8]) {
    if let Some(mut file) = log_file() {
        file.write_all(said).unwrap();
    }
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The status line and the headers, in small letters.
    pub head: String,
    /// The body as text; what is none in it is replaced.
    pub body: String,
    /// The body as it came.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The value of a header, in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &'_ &str| line.split_once(':').is_some_and(|(found, _)| found == name);
        self.head.lines().find(named)?.split_once(':').map(|(_, value)| value.trim())
    }
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
        Some(Self::of(stream))
    }

    pub fn of(stream: TcpStream) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// The socket itself.
    pub fn raw(&self) -> &TcpStream {
        self.stream.get_ref()
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

    /// Asks for an address with the headers given.
    pub fn get(&mut self, path: &str, headers: &str) -> Option<Answer> {
        let host = if headers.contains("Host:") { "" } else { "Host: localhost\r\n" };
        self.ask(&format!("GET {path} HTTP/1.1\r\n{host}{headers}\r\n"), b"")
    }

    /// Sends bytes as they stand; whether they could be sent.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.get_mut().write_all(bytes).is_ok()
    }

    /// Sends a head and a body as they stand and reads the answer.
    pub fn ask(&mut self, head: &str, body: &[u8]) -> Option<Answer> {
        // A server may answer before it has read all, so a broken write is not yet the end.
        let _ = self.send(head.as_bytes()) && self.send(body);
        self.answer()
    }

    /// Reads an answer; none if the connection broke.
    pub fn answer(&mut self) -> Option<Answer> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        head.make_ascii_lowercase();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let mut answer = Answer { status, head, body: String::new(), bytes: Vec::new() };
        let length = answer.header("content-length").map_or(Some(0), |length| length.parse().ok())?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        answer.body = String::from_utf8_lossy(&body).into_owned();
        answer.bytes = body;
        Some(answer)
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
