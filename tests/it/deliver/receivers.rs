//! Whom reports go to in tests: a mail server and a webhook, over real sockets.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned, crypto};

/// What a webhook was sent.
#[derive(Debug, Clone)]
pub struct Posted {
    pub path: String,
    /// Its head in small letters.
    pub head: String,
    pub body: String,
}

/// A webhook that answers as it is told, and 200 when it is told nothing.
#[derive(Clone)]
pub struct Hook {
    pub address: String,
    posted: Arc<Mutex<Vec<Posted>>>,
    answers: Arc<Mutex<VecDeque<String>>>,
}

impl Hook {
    pub fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let hook = Self {
            address: format!("http://{}/services/hidden", listener.local_addr().unwrap()),
            posted: Arc::default(),
            answers: Arc::default(),
        };
        let own = hook.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let own = own.clone();
                std::thread::spawn(move || own.serve(stream.unwrap()));
            }
        });
        hook
    }

    /// What it answers next: status and headers, or nothing at all where it is empty.
    pub fn answers(&self, answer: &str) {
        self.answers.lock().unwrap().push_back(answer.to_owned());
    }

    pub fn posted(&self) -> Vec<Posted> {
        self.posted.lock().unwrap().clone()
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if reader.read_line(&mut head).unwrap_or(0) == 0 {
                    return;
                }
            }
            let path = head.split(' ').nth(1).unwrap().to_owned();
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let mut body = vec![0; length.trim().parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            // What it answers is settled before it says that something was sent.
            let answer = self.answers.lock().unwrap().pop_front().unwrap_or_else(|| "200 OK\r\n".to_owned());
            self.posted.lock().unwrap().push(Posted { path, head, body });
            if answer.is_empty() {
                // Held until the other side gives up.
                let _ = reader.read_exact(&mut [0]);
                return;
            }
            let answer = format!("HTTP/1.1 {answer}Content-Length: 0\r\n\r\n");
            if reader.get_mut().write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// A mail that came.
#[derive(Debug, Clone, Default)]
pub struct Letter {
    pub from: String,
    pub to: Vec<String>,
    pub account: Option<String>,
    pub was_secret: bool,
    /// All of it, as it came.
    pub text: String,
}

impl Letter {
    /// A header's value.
    pub fn header(&self, name: &str) -> String {
        let (head, _) = self.text.split_once("\r\n\r\n").unwrap();
        let head = head.replace("\r\n ", " ");
        let named = |line: &&str| line.split_once(": ").is_some_and(|(found, _)| found == name);
        head.lines().find(named).unwrap().split_once(": ").unwrap().1.to_owned()
    }

    /// What is attached, by its name.
    pub fn attached(&self) -> Vec<(String, Vec<u8>)> {
        let parts = self.text.split("Content-Disposition: attachment; filename=\"").skip(1);
        let attached = |part: &str| {
            let (name, rest) = part.split_once('"').unwrap();
            let (head, body) = rest.split_once("\r\n\r\n").unwrap();
            let body = part_of(body);
            assert!(head.contains("base64"), "{head}");
            (name.to_owned(), STANDARD.decode(body.replace("\r\n", "")).unwrap())
        };
        parts.map(attached).collect()
    }

    /// The part of a type that is no attachment.
    pub fn said(&self, kind: &str) -> String {
        let at = self.text.find(&format!("Content-Type: {kind}")).unwrap();
        let (head, body) = self.text[at..].split_once("\r\n\r\n").unwrap();
        let body = part_of(body);
        if head.contains("base64") {
            return String::from_utf8(STANDARD.decode(body.replace("\r\n", "")).unwrap()).unwrap();
        }
        if head.contains("quoted-printable") { unquoted(body) } else { body.to_owned() }
    }
}

/// A part up to the boundary, which is a long line of letters and digits.
fn part_of(text: &str) -> &str {
    let is_boundary = |(at, _): &(usize, &str)| {
        let line = text[at + 4..].lines().next().unwrap_or_default().trim_end_matches('-');
        line.len() > 30 && line.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let end = text.match_indices("\r\n--").find(is_boundary);
    end.map_or(text, |(at, _)| &text[..at])
}

/// Text without the quoting of mails, which breaks lines by `=` and writes bytes as `=C3`.
fn unquoted(text: &str) -> String {
    let text = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let coded = (*first == b'=').then(|| after.get(..2)).flatten();
        let byte = coded.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap()
}

/// A mail server that takes every mail, unless it was told to refuse one.
#[derive(Clone)]
pub struct Post {
    pub port: u16,
    tls: Option<Arc<ServerConfig>>,
    letters: Arc<Mutex<Vec<Letter>>>,
    refusals: Arc<Mutex<VecDeque<String>>>,
}

enum Ended {
    Over,
    WantsSecrecy,
}

impl Post {
    /// One that speaks in clear.
    pub fn open() -> Self {
        Self::with(None)
    }

    /// One that wants to be spoken to in secret, by a certificate made in this directory: `authority.pem` proves it.
    pub fn secret(directory: &Path) -> Self {
        let path = |name: &str| directory.join(name).display().to_string();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", &path("key.pem"), "-out", &path("authority.pem")])
            .output()
            .expect("there is no openssl, which makes the certificate of the tests' mail server");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let certificate = CertificateDer::from_pem_file(path("authority.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(path("key.pem")).unwrap();
        let provider = Arc::new(crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self::with(Some(Arc::new(tls)))
    }

    fn with(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let post = Self { port, tls, letters: Arc::default(), refusals: Arc::default() };
        let own = post.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let own = own.clone();
                std::thread::spawn(move || own.serve(stream.unwrap()));
            }
        });
        post
    }

    /// What it answers to the next recipient instead of taking it.
    pub fn refuses(&self, answer: &str) {
        self.refusals.lock().unwrap().push_back(answer.to_owned());
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.letters.lock().unwrap().clone()
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        if reader.get_mut().write_all(b"220 ready\r\n").is_err() {
            return;
        }
        if let Ended::WantsSecrecy = self.talk(&mut reader, false) {
            let connection = ServerConnection::new(self.tls.clone().unwrap()).unwrap();
            let stream = StreamOwned::new(connection, reader.into_inner());
            self.talk(&mut BufReader::new(stream), true);
        }
    }

    fn talk<S: Read + Write>(&self, reader: &mut BufReader<S>, is_secret: bool) -> Ended {
        let mut letter = Letter { was_secret: is_secret, ..Letter::default() };
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return Ended::Over;
            }
            let line = line.trim_end();
            let word = line.split([' ', ':']).next().unwrap().to_uppercase();
            let answer = match word.as_str() {
                "EHLO" if self.tls.is_some() && !is_secret => "250-localhost\r\n250 STARTTLS".to_owned(),
                "EHLO" => "250-localhost\r\n250-8BITMIME\r\n250 AUTH PLAIN".to_owned(),
                "STARTTLS" => "220 go on".to_owned(),
                "AUTH" => {
                    let told = STANDARD.decode(line.rsplit(' ').next().unwrap()).unwrap();
                    letter.account = Some(String::from_utf8(told).unwrap().replace('\0', " "));
                    "235 welcome".to_owned()
                }
                "MAIL" => {
                    letter.from = inside(line);
                    "250 so far".to_owned()
                }
                "RCPT" => match self.refusals.lock().unwrap().pop_front() {
                    Some(refusal) => refusal.replace("{}", &inside(line)),
                    None => {
                        letter.to.push(inside(line));
                        "250 so far".to_owned()
                    }
                },
                "DATA" => "354 go on".to_owned(),
                "QUIT" => "221 bye".to_owned(),
                _ => "250 so far".to_owned(),
            };
            if reader.get_mut().write_all(format!("{answer}\r\n").as_bytes()).is_err() || word == "QUIT" {
                return Ended::Over;
            }
            let _ = reader.get_mut().flush();
            match word.as_str() {
                "STARTTLS" => return Ended::WantsSecrecy,
                "DATA" => {
                    letter.text = body(reader);
                    self.letters.lock().unwrap().push(letter.clone());
                    let _ = reader.get_mut().write_all(b"250 taken\r\n");
                    let _ = reader.get_mut().flush();
                }
                _ => {}
            }
        }
    }
}

/// The address between angles.
fn inside(line: &str) -> String {
    let (_, rest) = line.split_once('<').unwrap();
    rest.split('>').next().unwrap().to_owned()
}

/// A mail up to its point, without the points that were put before those of lines.
fn body<S: Read>(reader: &mut BufReader<S>) -> String {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == ".\r\n" {
            return text;
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
