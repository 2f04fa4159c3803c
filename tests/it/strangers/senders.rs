//! Senders that send much, slowly, or nothing at all.

use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{deliver, event, metric, status};
use crate::process::{Connection, Place, Server, signature};

/// A server with short times and few places.
fn strict() -> Place {
    Place::new()
        .with("UPSWELL_HEADER_SECONDS", "1")
        .with("UPSWELL_BODY_SECONDS", "1")
        .with("UPSWELL_MAX_CONNECTIONS", "8")
        .with("UPSWELL_MAX_BODY_BYTES", "65536")
        .with("UPSWELL_MAX_WAITING_BYTES", "131072")
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// What the server says until it closes the connection; a reset is an end as well.
fn until_closed(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => said.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("the server waits for ever")
            }
            Err(_) => break,
        }
    }
    String::from_utf8(said).unwrap()
}

#[test]
fn who_sends_nothing_or_half_a_header_is_cut_off() {
    let place = strict();
    let server = place.serve();
    for begun in ["", "POST /webhooks/stripe HTTP/1.1\r\nHost: test\r\nX-Slow: "] {
        let begun_at = Instant::now();
        let mut connection = Connection::of(connect(&server));
        assert!(connection.send(begun.as_bytes()));
        // Byte by byte it may go on as long as it likes.
        let drip = std::thread::spawn({
            let mut stream = connection.raw().try_clone().unwrap();
            move || {
                while !begun.is_empty() && std::io::Write::write_all(&mut stream, b"x").is_ok() {
                    std::thread::park_timeout(Duration::from_millis(100));
                }
            }
        });
        until_closed(connection.raw().try_clone().unwrap());
        assert!(begun_at.elapsed() < Duration::from_secs(10), "it took {:?}", begun_at.elapsed());
        drip.join().unwrap();
    }
    deliver(&server, "evt_1");
}

#[test]
fn who_sends_a_body_too_slowly_is_told_so_and_nothing_of_it_is_stored() {
    let place = strict();
    let server = place.serve();
    let body = event("evt_1");
    let mut connection = Connection::of(connect(&server));
    let head = format!(
        "POST /webhooks/stripe HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n{}\r\n",
        body.len(),
        signature(body.as_bytes())
    );
    assert!(connection.send(head.as_bytes()) && connection.send(&body.as_bytes()[..50]));
    let answer = connection.answer().unwrap();
    assert_eq!(answer.status, 408);
    assert!(answer.body.contains("body_too_slow"), "{}", answer.body);
    assert_eq!(metric(&server, "upswell_deliveries_total{outcome=\"body_too_slow\"}"), 1.0);
    assert_eq!(status(&place)["stored"], 0);
}

#[test]
fn a_flood_of_connections_does_not_keep_out_a_delivery() {
    let place = Place::new().with("UPSWELL_MAX_CONNECTIONS", "8");
    let server = place.serve();
    // None of them is cut off by time within this test: they make room.
    let mut flood: Vec<TcpStream> = (0..50).map(|_| connect(&server)).collect();
    for (number, stream) in flood.iter_mut().enumerate() {
        if number % 2 == 0 {
            let head = "POST /webhooks/stripe HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\nhalf";
            let _ = std::io::Write::write_all(stream, head.as_bytes());
        }
    }
    for number in 0..20 {
        deliver(&server, &format!("evt_{number}"));
    }
    assert!(metric(&server, "upswell_connections") <= 8.0);
    assert!(metric(&server, "upswell_connections_shed_total") >= 42.0);
    assert_eq!(status(&place)["stored"], 20);
    drop(flood);
}

#[test]
fn a_flood_that_takes_all_file_descriptors_does_not_keep_out_a_delivery() {
    let place = Place::new();
    let server = place.serve_with_files(96);
    deliver(&server, "evt_before");
    let flood: Vec<TcpStream> = (0..200).map(|_| connect(&server)).collect();
    for number in 0..5 {
        deliver(&server, &format!("evt_{number}"));
    }
    assert_eq!(status(&place)["stored"], 6);
    drop(flood);
}

#[test]
fn slow_bodies_that_fill_the_memory_make_room_for_quick_ones() {
    let place =
        Place::new().with("UPSWELL_MAX_BODY_BYTES", "65536").with("UPSWELL_MAX_WAITING_BYTES", "131072");
    let server = place.serve();
    let mut slow: Vec<Connection> = (0..6).map(|_| Connection::of(connect(&server))).collect();
    for connection in &mut slow {
        let head = "POST /webhooks/stripe HTTP/1.1\r\nHost: test\r\nContent-Length: 65536\r\n\r\n";
        let _ = connection.send(head.as_bytes()) && connection.send(&[b' '; 60_000]);
    }
    // Two of them find room, and each further one takes the place of the one that was there for longest.
    while metric(&server, "upswell_connections_shed_total") < 4.0 {
        std::thread::yield_now();
    }
    let whole = format!("{}{}", event("evt_1"), " ".repeat(50_000));
    let answer = server.connect().unwrap().deliver(whole.as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(status(&place)["stored"], 1);
}

#[test]
fn a_giant_header_is_431_and_many_headers_are_refused() {
    let place = Place::new();
    let server = place.serve();
    let one = format!("X-Large: {}\r\n", "x".repeat(200_000));
    let many: String = (0..10_000).map(|number| format!("X-{number}: x\r\n")).collect();
    let path = format!("/{}", "a".repeat(200_000));
    let asked = |head: String| {
        let mut connection = server.connect().unwrap();
        connection.ask(&head, b"").map_or(431, |answer| answer.status)
    };
    assert_eq!(asked(format!("GET /healthz HTTP/1.1\r\nHost: test\r\n{one}\r\n")), 431);
    assert_eq!(asked(format!("GET /healthz HTTP/1.1\r\nHost: test\r\n{many}\r\n")), 431);
    let long = asked(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
    assert!([414, 431].contains(&long), "{long}");
    deliver(&server, "evt_1");
}

/// The memory that a process holds, in bytes.
fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1_024)
}

#[test]
fn a_giant_body_is_413_and_never_in_memory() {
    let place = Place::new();
    let server = place.serve();
    deliver(&server, "evt_1");
    let before = resident(server.pid());
    let head = |length: u64| {
        format!("POST /webhooks/stripe HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n")
    };
    for _ in 0..3 {
        let mut connection = server.connect().unwrap();
        assert!(connection.send(head(4 << 30).as_bytes()));
        let piece = vec![b' '; 1 << 20];
        // Until the server has had enough.
        let sent = (0..64).take_while(|_| connection.send(&piece)).count();
        assert!(sent < 64, "it read everything");
        if let Some(answer) = connection.answer() {
            assert_eq!(answer.status, 413);
        }
    }
    if let (Some(before), Some(after)) = (before, resident(server.pid())) {
        assert!(after < before + (32 << 20), "{before} bytes became {after}");
    }
    // A length that is only claimed costs nothing.
    let claims: Vec<Connection> = (0..200)
        .map(|_| {
            let mut connection = server.connect().unwrap();
            assert!(connection.send(head(1 << 20).as_bytes()) && connection.send(b"{"));
            connection
        })
        .collect();
    deliver(&server, "evt_2");
    if let (Some(before), Some(after)) = (before, resident(server.pid())) {
        assert!(after < before + (64 << 20), "{before} bytes became {after}");
    }
    drop(claims);
    assert_eq!(status(&place)["stored"], 2);
}

#[test]
fn who_does_not_read_its_answers_is_cut_off() {
    let place = Place::new().with("UPSWELL_ANSWER_SECONDS", "1");
    let server = place.serve();
    let mut connection = Connection::of(connect(&server));
    // More than the system holds for who does not read.
    let asked = "GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2_000);
    assert!(connection.send(asked.as_bytes()));
    let begun = Instant::now();
    while metric(&server, "upswell_connections") > 1.0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the server waits for ever");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let mut taken = Vec::new();
    // A reset is an end as well.
    let _ = connection.raw().read_to_end(&mut taken);
    let one = server.connect().unwrap().get("/api/openapi.json", "").unwrap();
    assert!(taken.len() < 2_000 * one.body.len(), "it was answered everything");
    // Who reads at its leisure, and does read, gets all of its answers.
    let mut slow = Connection::of(connect(&server));
    assert!(slow.send(&asked.as_bytes()[..asked.len() / 20]));
    for _ in 0..100 {
        assert_eq!(slow.answer().unwrap().body, one.body);
    }
}
