//! A network in between that can be slow, silent or cut.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

#[derive(Clone, Copy, PartialEq)]
enum Weather {
    Fair,
    /// What is sent arrives so much later.
    Slow(Duration),
    /// What is sent does not arrive, and nobody is told.
    Silent,
    /// Connections are closed.
    Cut,
}

struct Line {
    client: TcpStream,
    store: TcpStream,
    /// Whether its other end is gone without a word.
    is_lost: AtomicBool,
}

struct Network {
    store: String,
    weather: Mutex<Weather>,
    changed: Condvar,
    lines: Mutex<Vec<Arc<Line>>>,
}

/// The network between upswell and a database.
pub struct Relay {
    address: SocketAddr,
    network: Arc<Network>,
}

impl Relay {
    /// To the database of a URL.
    pub fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let network = Arc::new(Network {
            store: host_of(url).to_owned(),
            weather: Mutex::new(Weather::Fair),
            changed: Condvar::new(),
            lines: Mutex::default(),
        });
        let relay = Self { address: listener.local_addr().unwrap(), network: Arc::clone(&network) };
        std::thread::spawn(move || {
            for client in listener.incoming() {
                network.connect(client.unwrap());
            }
        });
        relay
    }

    /// The URL of the same database by way of this network.
    pub fn url(&self, url: &str) -> String {
        url.replace(host_of(url), &self.address.to_string())
    }

    /// From now on what is sent arrives late.
    pub fn slows_down(&self, by: Duration) {
        self.becomes(Weather::Slow(by));
    }

    /// From now on nothing arrives, and nobody is told.
    pub fn falls_silent(&self) {
        self.becomes(Weather::Silent);
    }

    /// Closes every connection, and every one that is made from now on.
    pub fn is_cut(&self) {
        self.becomes(Weather::Cut);
        self.network.lines.lock().unwrap().drain(..).for_each(|line| line.close());
    }

    /// New connections work; those that were there never hear a word again.
    pub fn forgets_its_connections(&self) {
        for line in self.network.lines.lock().unwrap().iter() {
            line.is_lost.store(true, Ordering::SeqCst);
            let _ = line.store.shutdown(Shutdown::Both);
        }
        self.becomes(Weather::Fair);
    }

    /// Everything arrives at once, what was held back too.
    pub fn heals(&self) {
        self.becomes(Weather::Fair);
    }

    fn becomes(&self, weather: Weather) {
        *self.network.weather.lock().unwrap() = weather;
        self.network.changed.notify_all();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        for line in self.network.lines.lock().unwrap().drain(..) {
            line.is_lost.store(false, Ordering::SeqCst);
            line.close();
        }
        self.becomes(Weather::Cut);
    }
}

impl Line {
    fn close(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.store.shutdown(Shutdown::Both);
    }
}

impl Network {
    fn connect(self: &Arc<Self>, client: TcpStream) {
        if *self.weather.lock().unwrap() == Weather::Cut {
            return;
        }
        let Ok(store) = TcpStream::connect(&self.store) else { return };
        for end in [&client, &store] {
            end.set_nodelay(true).unwrap();
        }
        let line = Arc::new(Line { client, store, is_lost: AtomicBool::new(false) });
        self.lines.lock().unwrap().push(Arc::clone(&line));
        for is_asked in [true, false] {
            let (network, line) = (Arc::clone(self), Arc::clone(&line));
            std::thread::spawn(move || network.carry(&line, is_asked));
        }
    }

    /// Carries bytes one way until either end is closed.
    fn carry(&self, line: &Line, is_asked: bool) {
        let (mut from, mut to) =
            if is_asked { (&line.client, &line.store) } else { (&line.store, &line.client) };
        let mut bytes = [0; 16 << 10];
        while let Ok(many @ 1..) = from.read(&mut bytes) {
            if !self.lets_through(line) || to.write_all(&bytes[..many]).is_err() {
                break;
            }
        }
        if self.lets_through(line) || !line.is_lost.load(Ordering::SeqCst) {
            line.close();
        }
    }

    /// Waits for weather in which a line's bytes arrive; whether there is any.
    fn lets_through(&self, line: &Line) -> bool {
        let mut weather = self.weather.lock().unwrap();
        loop {
            let is_lost = line.is_lost.load(Ordering::SeqCst);
            match *weather {
                Weather::Cut => return false,
                Weather::Fair if !is_lost => return true,
                Weather::Slow(by) if !is_lost => {
                    drop(weather);
                    std::thread::sleep(by);
                    return true;
                }
                _ => weather = self.changed.wait(weather).unwrap(),
            }
        }
    }
}

/// The host and the port in a URL of PostgreSQL.
fn host_of(url: &str) -> &str {
    url.split_once('@').unwrap().1.split('/').next().unwrap()
}
