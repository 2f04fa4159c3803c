//! The real binary: started, asked over HTTP, killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use upswell::stripe::{Secret, sign};

pub const SECRET: &str = "whsec_of_the_tests";

/// A folder of its own with a store in it, and what the binary is told about it.
pub struct Place {
    pub directory: tempfile::TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Place {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn url(&self) -> String {
        format!("sqlite://{}?mode=rwc", self.path("upswell.db").display())
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

    /// Starts a server on a free port and waits until it is ready.
    pub fn serve(&self) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let child = self.command().args(["serve", "--listen", &address]).stdout(Stdio::null()).spawn().unwrap();
        let server = Server { child, address };
        let begun = Instant::now();
        while server.connect().and_then(|mut to| to.get("/readyz")).is_none_or(|answer| answer.status != 200) {
            assert!(begun.elapsed() < Duration::from_secs(30), "the server is not ready after 30 s");
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }
}

/// A running `upswell serve`, killed when it goes out of scope.
pub struct Server {
    child: Child,
    pub address: String,
}

impl Server {
    /// A connection, kept open from request to request; none if there is nobody.
    pub fn connect(&self) -> Option<Connection> {
        Connection::to(&self.address)
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

    pub fn get(&mut self, path: &str) -> Option<Answer> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"), b"")
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
    let secret = Secret::new(SECRET).unwrap();
    format!("Stripe-Signature: {}\r\n", sign(body, &secret, now()))
}

pub fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// The events of all stories, in their order of delivery.
pub fn stories() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/stories");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "ndjson"));
    files.sort();
    let texts = files.iter().map(|path| std::fs::read_to_string(path).unwrap());
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}
