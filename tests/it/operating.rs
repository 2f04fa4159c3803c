//! Running it: what Prometheus and a collector of traces see, a stop under load, a full queue, a backup that is
//! restored, and that the files of `deploy/` speak of what there is.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::business::business;
use crate::process::{Connection, Place, Server, signature, stories, stories_config, story};
use crate::store::Writer;

fn page(server: &Server) -> String {
    let answer = server.connect().unwrap().get("/metrics", "").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    answer.body
}

/// The value of a metric.
fn read(page: &str, name: &str) -> f64 {
    let found = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {name} in\n{page}")).parse().unwrap()
}

/// All movements that the page tells of.
fn movements(page: &str) -> f64 {
    let lines = page.lines().filter(|line| line.starts_with("upswell_movements_total{"));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

fn incomplete_event() -> String {
    let event = story("seats-and-tier-in-one-change")
        .into_iter()
        .find(|event| event.contains("subscription.created"));
    let mut event: Value = serde_json::from_str(&event.unwrap()).unwrap();
    let item = &mut event["data"]["object"]["items"]["data"][0];
    // The tiers of a price are not in the event.
    for of in ["price", "plan"] {
        item[of]["billing_scheme"] = json!("tiered");
        item[of]["tiers_mode"] = json!("graduated");
        for amount in ["unit_amount", "unit_amount_decimal", "amount", "amount_decimal"] {
            if item[of].get(amount).is_some() {
                item[of][amount] = Value::Null;
            }
        }
    }
    event["id"] = json!("evt_incomplete");
    event.to_string().replace("cus_", "cus_other_").replace("sub_", "sub_other_")
}

#[test]
fn every_metric_moves_with_what_it_measures() {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    let server = place.serve();
    let mut connection = server.connect().unwrap();
    let before = page(&server);
    assert_eq!(read(&before, "upswell_store_up"), 1.0);
    for event in story("seats-and-tier-in-one-change") {
        assert_eq!(connection.deliver(event.as_bytes()).unwrap().status, 200);
    }
    let sent = story("seats-and-tier-in-one-change").iter().collect::<BTreeSet<_>>().len();
    connection.deliver(story("seats-and-tier-in-one-change")[0].as_bytes()).unwrap();
    connection.deliver(b"[]").unwrap();
    connection.deliver(incomplete_event().as_bytes()).unwrap();
    connection.deliver(b"no json").unwrap();
    connection.post("", b"{}").unwrap();
    place.output(&["status", "--wait", "--timeout", "60s"]);
    let after = page(&server);
    let stored = read(&after, "upswell_deliveries_total{outcome=\"stored\"}");
    assert!(stored >= f64::from(u32::try_from(sent).unwrap()) && stored > 3.0, "{after}");
    assert!(read(&after, "upswell_deliveries_total{outcome=\"duplicate\"}") >= 1.0);
    assert_eq!(read(&after, "upswell_deliveries_total{outcome=\"not_json\"}"), 1.0);
    assert_eq!(read(&after, "upswell_deliveries_total{outcome=\"signature_missing\"}"), 1.0);
    let answered = stored + read(&after, "upswell_deliveries_total{outcome=\"duplicate\"}");
    assert_eq!(read(&after, "upswell_acknowledge_seconds_count"), answered);
    assert_eq!(read(&after, "upswell_acknowledge_seconds_bucket{le=\"+Inf\"}"), answered);
    assert!(read(&after, "upswell_acknowledge_seconds_sum") > 0.0);
    assert_eq!(read(&after, "upswell_parked"), 1.0);
    assert_eq!(read(&after, "upswell_incomplete"), 1.0);
    assert_eq!(read(&after, "upswell_inbox_pending"), 0.0);
    assert_eq!(read(&after, "upswell_settlement_lag_seconds"), 0.0);
    assert!(read(&after, "upswell_connections") >= 1.0);
    // What the ledger has and what was counted of it are the same, by kind.
    let rows = crate::process::rows(&place.output(&["movements", "--all", "--format", "ndjson"]));
    let posted = rows.iter().filter(|row| row["adjusts"].is_null()).count();
    assert_eq!(movements(&after), f64::from(u32::try_from(posted).unwrap()));
    let seats = rows.iter().filter(|row| row["kind"] == "seat" && row["class"] == "expansion").count();
    assert!(seats > 0);
    let seat = "upswell_movements_total{class=\"expansion\",kind=\"seat\"}";
    assert_eq!(read(&after, seat), f64::from(u32::try_from(seats).unwrap()));
    // Another look counts nothing twice; what another process posts counts too.
    assert_eq!(movements(&page(&server)), movements(&after));
    place.write("more.ndjson", story("a-thousand-a-year").join("\n"));
    place.output(&["backfill", "more.ndjson"]);
    assert!(movements(&page(&server)) > movements(&after));
}

#[test]
fn when_the_store_can_not_keep_up_more_is_refused_before_memory_grows() {
    let place = Place::new().with("UPSWELL_MAX_WAITING", "2");
    let server = place.serve();
    let somebody_else = Writer::begins(&place.url());
    let events: Vec<String> = story("a-thousand-a-year");
    let (mut busy, mut waiting) = (0, Vec::new());
    for number in 0..12 {
        let event = events[0].replace("\"id\":\"evt_", &format!("\"id\":\"evt_{number}_"));
        let mut connection = server.connect().unwrap();
        let head = format!(
            "POST /webhooks/stripe HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n{}\r\n",
            event.len(),
            signature(event.as_bytes())
        );
        assert!(connection.send(head.as_bytes()) && connection.send(event.as_bytes()));
        connection.raw().set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        match connection.answer() {
            Some(answer) => {
                assert_eq!(answer.status, 503, "{}", answer.body);
                assert!(answer.body.contains("\"code\":\"busy\""), "{}", answer.body);
                assert!(answer.header("retry-after").is_some());
                busy += 1;
            }
            None => waiting.push(connection),
        }
    }
    assert!(!waiting.is_empty());
    somebody_else.ends();
    // Those that were taken are answered; on a slow machine some that were not are told so only now.
    for connection in &mut waiting {
        connection.raw().set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let answer = connection.answer().unwrap();
        assert!([200, 503].contains(&answer.status), "{}", answer.body);
        busy += i32::from(answer.status == 503);
    }
    assert!((8..12).contains(&busy), "{busy} of 12 were refused");
    let after = page(&server);
    assert_eq!(read(&after, "upswell_deliveries_total{outcome=\"busy\"}"), f64::from(busy));
}

#[test]
fn when_every_place_is_being_answered_a_new_connection_is_told_to_come_back() {
    let place = Place::new().with("UPSWELL_MAX_CONNECTIONS", "2");
    let server = place.serve();
    let somebody_else = Writer::begins(&place.url());
    let event = story("a-thousand-a-year")[0].clone();
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let (address, event) = (server.address.clone(), event.clone());
            // Until its request is whole it may have to make room, as Stripe's would, and sends again.
            let once = move || Connection::to(&address)?.deliver(event.as_bytes());
            std::thread::spawn(move || {
                std::iter::repeat_with(once)
                    .flatten()
                    .map(|answer| answer.status)
                    .find(|status| *status == 200)
            })
        })
        .collect();
    let refused = loop {
        let mut connection = server.connect().unwrap();
        connection.raw().set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        match connection.answer() {
            Some(answer) => break answer,
            None => continue,
        }
    };
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), Some("5"));
    somebody_else.ends();
    for one in waiting {
        assert_eq!(one.join().unwrap(), Some(200));
    }
}

#[test]
fn told_to_stop_under_load_it_answers_what_it_took_and_settles_it() {
    let place = Place::new();
    let server = place.serve();
    let events: Vec<(String, String)> = (0..6)
        .flat_map(|seed| business(seed, false))
        .filter(|event| !event.is_listed)
        .map(|event| (event.id, event.body))
        .collect();
    let (address, next) = (server.address.clone(), std::sync::atomic::AtomicUsize::new(0));
    let answered: Mutex<BTreeSet<String>> = Mutex::default();
    let ended = std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let Some(mut connection) = Connection::to(&address) else { return };
                while let Some((id, body)) =
                    events.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    // Refused only by a server that is gone: never half answered, never 503.
                    let Some(answer) = connection.deliver(body.as_bytes()) else { return };
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    answered.lock().unwrap().insert(id.clone());
                    if answer.header("connection") == Some("close") {
                        return;
                    }
                }
            });
        }
        while answered.lock().unwrap().len() < 20 {
            std::thread::yield_now();
        }
        server.stop()
    });
    assert!(ended.0.success(), "{}: {}", ended.0, ended.1);
    let answered = answered.into_inner().unwrap();
    let stored = place.stored();
    // What was not answered was not taken either: it was not read any more.
    assert_eq!(answered, stored);
    let status: Value = serde_json::from_str(&place.output(&["status", "--format", "json"])).unwrap();
    assert_eq!((&status["pending"], &status["due"]), (&json!(0), &json!(0)), "{status}");
    place.output(&["verify"]);
}

#[test]
fn a_backup_made_while_serving_is_restored_elsewhere_to_the_same_figures() {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    place.receive(&stories());
    let server = place.serve();
    let mut connection = server.connect().unwrap();
    let backup = place.path("backup.db");
    let name = backup.display().to_string();
    std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            for event in business(1, false).into_iter().filter(|event| !event.is_listed) {
                assert_eq!(connection.deliver(event.body.as_bytes()).unwrap().status, 200);
            }
        });
        place.output(&["backup", &name]);
        load.join().unwrap();
    });
    // One that is there is left alone.
    let size = std::fs::metadata(&backup).unwrap().len();
    let again = place.run(&["backup", &name]);
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(std::fs::metadata(&backup).unwrap().len(), size);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // Restored: the file alone, in another place.
    let elsewhere = Place::on_sqlite().with("UPSWELL_CONFIG", &stories_config());
    std::fs::copy(&backup, elsewhere.path("upswell.db")).unwrap();
    elsewhere.output(&["verify"]);
    let asked = ["movements", "--customer", "cus_Alder", "--format", "ndjson"];
    assert_eq!(elsewhere.output(&asked), place.output(&asked));
    // What the backup lacks Stripe's files bring again, and the rest of the road leads to the same report.
    let rest: Vec<String> =
        business(1, false).into_iter().filter(|event| !event.is_listed).map(|event| event.body).collect();
    elsewhere.write("rest.ndjson", rest.join("\n"));
    elsewhere.output(&["backfill", "rest.ndjson"]);
    place.output(&["status", "--wait", "--timeout", "60s"]);
    let report = ["report", "--month", "2026-10", "--book", "live", "--format", "json"];
    assert_eq!(elsewhere.output(&report), place.output(&report));
    assert_eq!(elsewhere.movements(), place.movements());
}

/// A collector of traces: answers everything, and keeps what it was sent.
fn collector() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let kept = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&kept);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            loop {
                let (mut head, mut line) = (String::new(), String::new());
                while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                    head.push_str(&std::mem::take(&mut line));
                }
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(": ")?;
                    name.eq_ignore_ascii_case("content-length").then(|| value.parse().unwrap())
                });
                let Some(length) = length else { break };
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let mut heard = heard.lock().unwrap();
                heard.extend_from_slice(head.as_bytes());
                heard.extend_from_slice(&body);
                drop(heard);
                reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            }
        }
    });
    (address, kept)
}

#[test]
fn traces_go_to_the_collector_and_hold_no_word_of_anybody() {
    let (address, kept) = collector();
    let place = Place::new().with("OTEL_EXPORTER_OTLP_ENDPOINT", &address);
    let server = place.serve();
    let mut connection = server.connect().unwrap();
    for event in story("seats-and-tier-in-one-change") {
        connection.deliver(event.as_bytes()).unwrap();
    }
    connection.get("/months/2026-10?who=secret-of-a-query", "").unwrap();
    assert!(server.stop().0.success());
    let kept = kept.lock().unwrap();
    let told = String::from_utf8_lossy(&kept);
    let words = [
        "POST /v1/traces",
        "application/x-protobuf",
        "upswell",
        "service.version",
        "request",
        "commit",
        "settle",
    ];
    for word in words.iter().chain(&["/webhooks/stripe", "/months/{month}"]) {
        assert!(told.contains(word), "{word} is not in the traces");
    }
    for word in ["cus_Alder", "secret-of-a-query", crate::process::SECRET, "v1="] {
        assert!(!told.contains(word), "{word} is in the traces");
    }
}

#[test]
fn a_collector_that_is_not_there_holds_nobody_up() {
    let place = Place::new().with("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    let server = place.serve();
    for event in story("a-thousand-a-year") {
        assert_eq!(server.connect().unwrap().deliver(event.as_bytes()).unwrap().status, 200);
    }
    assert!(server.stop().0.success());
}

/// The names of metrics in a text: words that begin so, without the endings that a histogram gives.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let words = words.filter(|word| word.starts_with("upswell_"));
    let bare = |word: &str| {
        let ending = ["_bucket", "_sum", "_count"].into_iter().find_map(|ending| word.strip_suffix(ending));
        ending.unwrap_or(word).to_owned()
    };
    words.map(bare).collect()
}

#[test]
fn dashboard_and_alerts_name_metrics_that_there_are_and_miss_none() {
    let place = Place::new();
    let server = place.serve();
    let page = page(&server);
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let exported: BTreeSet<String> = types.map(str::to_owned).collect();
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let text = |name: &str| std::fs::read_to_string(deploy.join(name)).unwrap();
    let dashboard: Value = serde_json::from_str(&text("grafana/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let queries: String = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| format!("{}\n", target["expr"].as_str().unwrap()))
        .collect();
    let alerts = text("prometheus/alerts.yaml");
    for (file, used) in [("dashboard.json", named(&queries)), ("alerts.yaml", named(&alerts))] {
        assert!(!used.is_empty(), "{file} names no metric");
        let unknown: Vec<&String> = used.difference(&exported).collect();
        assert!(unknown.is_empty(), "{file} names metrics that are not exported: {unknown:?}");
    }
    let shown: BTreeSet<String> = named(&queries);
    let missing: Vec<&String> = exported.difference(&shown).collect();
    assert!(missing.is_empty(), "the dashboard does not show {missing:?}");
    let guide = std::fs::read_to_string(deploy.join("../docs/operating.md")).unwrap();
    let untold: Vec<&String> = exported.iter().filter(|name| !guide.contains(name.as_str())).collect();
    assert!(untold.is_empty(), "docs/operating.md does not tell of {untold:?}");
}

#[test]
fn the_files_of_deploy_name_variables_that_there_are() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    for file in ["upswell.service", "Dockerfile", "compose.yaml"] {
        let text = std::fs::read_to_string(deploy.join(file)).unwrap();
        let words = text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
        let known = |word: &str| upswell::config::VARIABLES.iter().any(|variable| variable.name == word);
        for word in words.filter(|word| word.starts_with("UPSWELL_") || word.starts_with("STRIPE_")) {
            assert!(known(word), "deploy/{file}: {word} is no variable of upswell");
        }
    }
}

/// What the image asks to know whether it is well.
fn health_check() -> Vec<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/Dockerfile")).unwrap();
    let line = text.lines().find(|line| line.starts_with("HEALTHCHECK ")).unwrap();
    let (_, command) = line.split_once(" CMD ").unwrap();
    let mut words: Vec<String> = serde_json::from_str(command).unwrap();
    assert_eq!(words.remove(0), "/usr/local/bin/upswell");
    words
}

#[test]
fn the_health_check_of_the_image_asks_the_server_and_nothing_of_the_store() {
    let words = health_check();
    let place = Place::new();
    let mut server = place.serve();
    // As it listens in a container, on every address.
    let everywhere = server.address.replace("127.0.0.1", "0.0.0.0");
    let asks = Place::at("sqlite://nowhere/upswell.db").with("UPSWELL_LISTEN", &everywhere);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(asks.output(&words), "alive\n");
    server.kill();
    let refused = asks.run(&words);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("no server is alive at 127.0.0.1") && said.contains("UPSWELL_LISTEN"), "{said}");
    // Nor is somebody else who listens there, or who never says a word.
    let somebody_else = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (at, silent_at) = (somebody_else.local_addr().unwrap(), silent.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = somebody_else.accept().unwrap();
        assert!(stream.read(&mut [0; 1_024]).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 404 Not Found\r\n\r\n").unwrap();
    });
    for (listen, expected) in [(at, "answers `HTTP/1.1 404 Not Found`"), (silent_at, "within 1 s")] {
        let asks = Place::at("").with("UPSWELL_LISTEN", &listen.to_string());
        let refused = asks.run(&[&words[..], &["--timeout", "1s"]].concat());
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}
