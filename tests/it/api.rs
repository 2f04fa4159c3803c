//! `/api/v1`, asked over HTTP by the side of the commands: the same question has the same answer.

mod document;

use serde_json::{Value, json};
use upswell::app::now;

use crate::process::{Answer, Place, Server, rows, stories, stories_config, story};

const TOKEN: &str = "a-token-of-the-tests-0123456789";

/// A place where the stories have been backfilled, September closed and more learnt of it since.
fn told() -> Place {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    // One that begins in September and is heard of once that is closed.
    let late = story("ten-basic-become-five-pro");
    let mut events = stories();
    events.retain(|event| !late.contains(event));
    place.write("stories.ndjson", events.join("\n"));
    place.output(&["backfill", "stories.ndjson"]);
    place.output(&["close", "2025-09"]);
    place.write("late.ndjson", late.join("\n"));
    place.output(&["backfill", "late.ndjson"]);
    place
}

fn ask(server: &Server, path: &str) -> Answer {
    server.connect().unwrap().get(path, "").unwrap()
}

fn get(server: &Server, path: &str) -> String {
    let answer = ask(server, path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
    answer.body
}

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

/// A list to its end, by its cursor.
fn all(server: &Server, path: &str, limit: usize) -> Vec<Value> {
    let sign = if path.contains('?') { '&' } else { '?' };
    let mut entries = Vec::new();
    let mut after = String::new();
    loop {
        let page = value(&get(server, &format!("{path}{sign}limit={limit}{after}")));
        let data = page["data"].as_array().unwrap();
        assert!(data.len() <= limit, "{path}");
        entries.extend(data.iter().cloned());
        let Some(next) = page["next"].as_str() else { return entries };
        assert_eq!(data.len(), limit, "{path}: only the last part may be short");
        after = format!("&after={next}");
    }
}

fn problem(server: &Server, path: &str, status: u16, code: &str) -> String {
    let answer = ask(server, path);
    assert_eq!(answer.status, status, "{path}: {}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
    let body = value(&answer.body);
    assert_eq!((&body["code"], &body["status"]), (&json!(code), &json!(status)), "{path}");
    body["detail"].as_str().unwrap().to_owned()
}

#[test]
fn a_report_is_the_command_s_byte_for_byte() {
    let place = told();
    let server = place.serve();
    for (query, flags) in [
        ("", &[][..]),
        ("?currency=USD", &["--currency", "USD"]),
        ("?by=product", &["--by", "product"]),
        ("?restated=true", &["--restated"]),
        (
            "?by=metadata.region&restated=true&currency=eur&book=live",
            &["--by", "metadata.region", "--restated", "--currency", "eur", "--book", "live"],
        ),
        ("?book=test&restated=false", &["--book", "test"]),
    ] {
        for month in ["2025-09", "2025-10", "2026-01", "2031-01"] {
            let command = [&["report", "--month", month, "--format", "json"], flags].concat();
            let path = format!("/api/v1/reports/{month}{query}");
            assert_eq!(get(&server, &path), place.output(&command), "{path}");
        }
    }
    let view = place.output(&["report", "--month", "2025-10", "--format", "json", "--view", "owner"]);
    assert_eq!(get(&server, "/api/v1/reports/2025-10?view=owner"), view);
}

#[test]
fn reports_of_several_months_are_the_command_s_byte_for_byte() {
    let place = told();
    let server = place.serve();
    for (query, flags) in [
        ("from=2025-09&to=2025-11", &["--from", "2025-09", "--to", "2025-11"][..]),
        ("month=2025-10&trailing=true", &["--month", "2025-10", "--trailing"]),
        ("trailing=true", &["--trailing"]),
        (
            "from=2025-10&to=2025-10&trailing=false&by=product&currency=usd&restated=true&view=sales&book=live",
            &[
                "--from",
                "2025-10",
                "--to",
                "2025-10",
                "--by",
                "product",
                "--currency",
                "usd",
                "--restated",
                "--view",
                "sales",
                "--book",
                "live",
            ],
        ),
    ] {
        let command = [&["report", "--format", "json"], flags].concat();
        assert_eq!(get(&server, &format!("/api/v1/reports?{query}")), place.output(&command), "{query}");
    }
}

#[test]
fn consolidated_figures_are_the_command_s_and_without_a_currency_for_them_refused() {
    let place = told();
    problem(&place.serve(), "/api/v1/reports/2025-10?currency=consolidated", 400, "no_reporting_currency");
    let place = place.with("UPSWELL_REPORTING_CURRENCY", "usd");
    let server = place.serve();
    let path = "/api/v1/reports/2025-10?currency=consolidated";
    let output =
        place.run(&["report", "--month", "2025-10", "--currency", "consolidated", "--format", "json"]);
    assert_eq!(get(&server, path), String::from_utf8(output.stdout).unwrap());
}

#[test]
fn lists_have_the_command_s_rows_in_whatever_parts_they_are_read() {
    let place = told();
    let server = place.serve();
    for (query, flags) in [
        ("", &[][..]),
        ("?month=2025-10", &["--month", "2025-10"]),
        ("?class=expansion", &["--class", "expansion"]),
        ("?kind=seat&all=true", &["--kind", "seat", "--all"]),
        ("?all=true&since_seq=9", &["--all", "--since-seq", "9"]),
        ("?customer=cus_nobody", &["--customer", "cus_nobody"]),
        ("?book=test", &["--book", "test"]),
    ] {
        let expected = rows(&place.output(&[&["movements", "--format", "ndjson"], flags].concat()));
        for limit in [1_000, 7] {
            assert_eq!(all(&server, &format!("/api/v1/movements{query}"), limit), expected, "{query}");
        }
    }
    for (query, flags) in [
        ("", &[][..]),
        ("?month=2025-10", &["--month", "2025-10"]),
        ("?month=2025-09&restated=true", &["--month", "2025-09", "--restated"]),
        ("?month=2026-01&all=true", &["--month", "2026-01", "--all"]),
    ] {
        let expected = rows(&place.output(&[&["customers", "--format", "ndjson"], flags].concat()));
        for limit in [1_000, 3] {
            assert_eq!(all(&server, &format!("/api/v1/customers{query}"), limit), expected, "{query}");
        }
    }
    let usual = value(&get(&server, "/api/v1/movements?all=true"));
    let there_are = rows(&place.output(&["movements", "--all", "--format", "ndjson"])).len();
    assert_eq!(usual["data"].as_array().unwrap().len(), there_are.min(100));
}

#[test]
fn whatever_has_an_id_is_explained_as_the_command_explains_it() {
    let place = told();
    let server = place.serve();
    let movements = rows(&place.output(&["movements", "--format", "ndjson"]));
    let movement = &movements[movements.len() / 2];
    let of = |name: &str| movement[name].as_str().unwrap().to_owned();
    let ids = [
        of("customer"),
        of("subscription"),
        of("id"),
        movement["evidence"]["event"].as_str().unwrap().to_owned(),
    ];
    for id in &ids {
        let command = place.output(&["explain", id, "--format", "json"]);
        assert_eq!(get(&server, &format!("/api/v1/explain/{id}")), command);
    }
    let (customer, month) = (&ids[0], of("month"));
    assert_eq!(
        get(&server, &format!("/api/v1/explain/{customer}?month={month}")),
        place.output(&["explain", customer, "--month", &month, "--format", "json"])
    );

    // A customer's life: what the list says of it, and what its explanation does.
    let life = value(&get(&server, &format!("/api/v1/customers/{customer}?month={month}")));
    let explained = value(&place.output(&["explain", customer, "--format", "json"]));
    assert_eq!((&life["customer"], &life["month"]), (&json!(customer), &json!(month)));
    assert_eq!((&life["levels"], &life["months"]), (&explained["levels"], &explained["months"]));
    let mut expected = rows(&place.output(&["customers", "--month", &month, "--all", "--format", "ndjson"]));
    expected.retain(|row| row["customer"] == json!(customer));
    assert_eq!(life["standing"], json!(expected));
    for id in [&ids[1], &ids[2], &ids[3], &"cus_nobody".to_owned()] {
        problem(&server, &format!("/api/v1/customers/{id}"), 404, "unknown_id");
    }
    let said = problem(&server, "/api/v1/explain/%3Cscript%3E", 404, "unknown_id");
    assert!(!said.contains("script"), "{said}");
}

#[test]
fn a_month_is_open_or_closed_or_restated_by_what_came_after() {
    let place = told();
    let server = place.serve();
    let months = all(&server, "/api/v1/months", 1_000);
    assert_eq!(all(&server, "/api/v1/months", 2), months);
    let of = |month: &str| months.iter().find(|row| row["month"] == json!(month)).unwrap();
    let closing = value(&get(&server, "/api/v1/reports/2025-09"))["closing"].clone();
    let restated = of("2025-09");
    assert_eq!(restated["status"], "restated", "{restated}");
    assert!(restated["adjustments"].as_i64().unwrap() > 0);
    for name in ["closed_at", "digest", "postings"] {
        assert_eq!(restated[name], closing[name], "{name}");
    }
    let open = of("2025-10");
    assert_eq!(
        (&open["status"], &open["closed_at"], &open["adjustments"]),
        (&json!("open"), &Value::Null, &json!(0))
    );
    // From the first movement on, without a gap, to this month.
    let first = rows(&place.output(&["movements", "--format", "ndjson"]))
        .iter()
        .map(|row| row["month"].as_str().unwrap().to_owned())
        .min();
    assert_eq!(months[0]["month"].as_str(), first.as_deref());
    let this = upswell::mrr::Month::of(upswell::mrr::Instant(now()), chrono_tz::UTC).to_string();
    assert!(months.iter().any(|row| row["month"] == json!(this)));
    drop(server);

    place.output(&["close", "2025-10"]);
    let server = place.serve();
    let again = all(&server, "/api/v1/months", 1_000);
    let state =
        |month: &str| again.iter().find(|row| row["month"] == json!(month)).unwrap()["status"].clone();
    assert_eq!((state("2025-09"), state("2025-10")), (json!("restated"), json!("closed")));
    assert!(all(&Place::new().serve(), "/api/v1/months", 10).is_empty());
}

#[test]
fn what_can_t_be_asked_so_is_refused_by_its_name() {
    let place = told();
    let server = place.serve();
    for (path, code, says) in [
        ("movements?moth=2025-10", "unknown_parameter", "`moth`"),
        ("movements?month=2025-10&month=2025-11", "invalid_parameter", "`month`"),
        ("movements?month=2025-13", "invalid_parameter", "2026-10"),
        ("movements?class=nonsense", "invalid_parameter", "expansion"),
        ("movements?kind=nonsense", "invalid_parameter", "upsell"),
        ("movements?all=yes", "invalid_parameter", "`true` or `false`"),
        ("movements?since_seq=-1", "invalid_parameter", "`since_seq`"),
        ("movements?after=nonsense", "invalid_parameter", "`next`"),
        ("movements?limit=0", "invalid_parameter", "from 1 to 1000"),
        ("movements?limit=1001", "invalid_parameter", "from 1 to 1000"),
        ("movements?limit=99999999999999999999", "invalid_parameter", "from 1 to 1000"),
        ("customers?after=nonsense", "invalid_parameter", "`next`"),
        ("customers?currency=usd", "unknown_parameter", "restated"),
        ("customers/cus_1?all=true", "unknown_parameter", "`all`"),
        ("months?after=nonsense", "invalid_parameter", "`next`"),
        ("explain/cus_1?restated=true", "unknown_parameter", "`restated`"),
        ("reports/2025-10?by=colour", "invalid_parameter", "pricing_model"),
        ("reports/2025-10?limit=5", "unknown_parameter", "`limit`"),
        ("reports/2025-10?view=ceo", "invalid_parameter", "executive"),
        ("reports", "invalid_parameter", "`from` and `to`"),
        ("reports?month=2025-10", "invalid_parameter", "`trailing=true`"),
        ("reports?trailing=true&from=2025-01&to=2025-02", "invalid_parameter", "`trailing=true`"),
        ("reports?from=2025-10&to=2025-09", "invalid_parameter", "`from` is the earlier"),
        ("reports?from=2025&to=2025-09", "invalid_parameter", "YYYY-MM"),
        ("reports?form=2025-10", "unknown_parameter", "`form`"),
    ] {
        let said = problem(&server, &format!("/api/v1/{path}"), 400, code);
        assert!(said.contains(says), "{path}: {said}");
    }
    let said = problem(&server, "/api/v1/months?%3Cb%3E=1", 400, "unknown_parameter");
    assert!(!said.contains('<'), "{said}");
    problem(&server, "/api/v1/explain/%ff", 400, "invalid_parameter");
    problem(&server, "/api/v1/reports/2025-1", 404, "not_a_month");
    for path in ["movements", "customers", "months", "customers/cus_1", "explain/cus_1", "reports/2025-10"] {
        let said = problem(&server, &format!("/api/v1/{path}?book=nowhere"), 404, "no_such_book");
        assert!(said.contains("live") && !said.contains("nowhere"), "{said}");
    }
    problem(&server, "/api/v1/nothing", 404, "not_found");
    problem(&server, "/api/v2/movements", 404, "not_found");
}

#[test]
fn figures_are_guarded_and_who_has_them_already_is_told_so() {
    let place = told().with("UPSWELL_API_TOKEN", TOKEN);
    let server = place.serve();
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    let ask = |path: &str, headers: &str| server.connect().unwrap().get(path, headers).unwrap();
    for path in [
        "reports/2025-10",
        "movements",
        "customers",
        "customers/cus_1",
        "explain/cus_1",
        "months",
        "../openapi.json",
    ] {
        let path = format!("/api/v1/{path}").replace("/v1/..", "");
        let answer = ask(&path, "");
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("bearer")), "{path}");
        let post = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{bearer}Content-Length: 0\r\n\r\n");
        assert_eq!(server.connect().unwrap().ask(&post, b"").unwrap().status, 405, "{path}");
        if path.contains("cus_1") {
            continue;
        }
        let answer = ask(&path, &bearer);
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (200, Some("private, no-cache")),
            "{path}"
        );
        let tag = answer.header("etag").unwrap();
        let known = ask(&path, &format!("{bearer}If-None-Match: {tag}\r\n"));
        assert_eq!((known.status, known.body.as_str(), known.header("etag")), (304, "", Some(tag)), "{path}");
        assert_eq!(ask(&path, &format!("{bearer}If-None-Match: \"other\"\r\n")).status, 200);
        assert_eq!(ask(&path, &format!("If-None-Match: {tag}\r\n")).status, 401, "{path}");

        let mut connection = server.connect().unwrap();
        assert!(
            connection.send(
                format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\n{bearer}Connection: close\r\n\r\n")
                    .as_bytes()
            )
        );
        let mut head = String::new();
        std::io::Read::read_to_string(&mut connection.raw(), &mut head).unwrap();
        assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", answer.body.len())), "{head}");
    }
}
