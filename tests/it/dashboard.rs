//! The dashboard over HTTP: signing in and out, what its cookie and forms are good for, the way from a figure to its
//! proof, closing a month.

mod leads;
mod shown_by;

use serde_json::{Value, json};

use crate::explain::{BEGINS, DAY, event, feed, price, subscription};
use crate::process::{Answer, Place, Server, rows, stories, stories_config};

const TOKEN: &str = "a-token-of-the-tests-0123456789";
const HTML: &str = "Accept: text/html,application/xhtml+xml\r\n";

/// A place where the stories have been backfilled.
fn told() -> Place {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    place.write("stories.ndjson", stories().join("\n"));
    place.output(&["backfill", "stories.ndjson"]);
    place
}

fn get(server: &Server, path: &str, headers: &str) -> Answer {
    server.connect().unwrap().get(path, &format!("{HTML}{headers}")).unwrap()
}

fn shown(server: &Server, path: &str, headers: &str) -> String {
    let answer = get(server, path, headers);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
    answer.body
}

fn send(server: &Server, path: &str, headers: &str, body: &str) -> Answer {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n{HTML}{headers}\r\n",
        body.len()
    );
    server.connect().unwrap().ask(&head, body.as_bytes()).unwrap()
}

/// The cookie that an answer sets, as a header that sends it back.
fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie").unwrap();
    format!("Cookie: {}\r\n", set.split(';').next().unwrap())
}

fn signed_in(server: &Server, token: &str, headers: &str) -> Answer {
    let answer = send(server, "/sign-in", headers, &format!("token={token}&next=%2Fmonths"));
    assert_eq!((answer.status, answer.header("location")), (303, Some("/months")), "{}", answer.body);
    answer
}

/// What the forms of a page bring with them.
fn made_for(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"form\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// The first address on a page that begins so, as a browser reads it.
fn href(page: &str, begins: &str) -> String {
    let found = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut fitting = found
        .map(|href| href.replace("&amp;", "&").replace("&#38;", "&"))
        .filter(|href| href.starts_with(begins));
    fitting.next().unwrap_or_else(|| panic!("nothing leads to {begins}"))
}

/// The digits of a digest after a mark.
fn digest(page: &str, mark: &str) -> String {
    page.split_once(mark).unwrap().1.chars().take(64).collect()
}

#[test]
fn a_browser_without_a_session_is_led_to_sign_in_and_back_and_a_program_is_told() {
    let server_of = Place::new().with("UPSWELL_API_TOKEN", TOKEN);
    let server = server_of.serve();
    let answer = get(&server, "/movements?month=2026-10&class=new", "");
    let sign_in = "/sign-in?next=%2fmovements%3fmonth%3d2026-10%26class%3dnew";
    assert_eq!((answer.status, answer.header("location")), (303, Some(sign_in)));
    let page = shown(&server, &answer.header("location").unwrap().replace("%2f", "%2F"), "");
    assert!(page.contains("name=\"next\" value=\"/movements?month=2026-10&#38;class=new\""), "{page}");
    // A program is told in its own words, on the API whatever it accepts.
    assert_eq!(server.connect().unwrap().get("/months", "").unwrap().status, 401);
    let answer = get(&server, "/api/v1/months", "");
    assert_eq!((answer.status, answer.header("content-type")), (401, Some("application/problem+json")));
    // Nobody is led to another host.
    for next in ["//evil.example", "https://evil.example", "/\\evil.example"] {
        let answer = send(&server, "/sign-in", "", &format!("token={TOKEN}&next={next}"));
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{next}");
    }
    // A link on another site's page leads to the page, once the browser shows its session.
    let answer = get(&server, "/months/2026-10", "Sec-Fetch-Site: cross-site\r\n");
    assert_eq!(answer.status, 200);
    assert!(
        answer.body.contains("http-equiv=\"refresh\" content=\"0;url=/months/2026-10\""),
        "{}",
        answer.body
    );
}

#[test]
fn a_session_is_a_cookie_that_tells_nothing_and_is_shown_to_nobody_else() {
    let place = Place::new().with("UPSWELL_API_TOKEN", TOKEN).with("UPSWELL_TRUSTED_PROXIES", "127.0.0.1");
    let server = place.serve();
    let plain = signed_in(&server, TOKEN, "");
    let set = plain.header("set-cookie").unwrap();
    assert!(set.starts_with("upswell_session=") && !set.contains("secure"), "{set}");
    let over_tls = signed_in(&server, TOKEN, "X-Forwarded-Proto: https\r\n");
    let secure = over_tls.header("set-cookie").unwrap();
    assert!(secure.starts_with("__host-upswell_session=") && secure.contains("; secure"), "{secure}");
    for set in [set, secure] {
        for flag in ["; path=/", "; httponly", "; samesite=strict", "; max-age=43200"] {
            assert!(set.contains(flag), "{set}");
        }
        assert!(!set.contains(TOKEN) && !set.contains("domain"), "{set}");
    }
    assert_eq!(get(&server, "/months", &cookie(&plain)).status, 200);
    // It reads the API as well.
    let answer = get(&server, "/api/v1/months", &cookie(&plain));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    // One digit otherwise, and it is none.
    let forged = cookie(&plain).replace("Cookie: upswell_session=1", "Cookie: upswell_session=2");
    assert_eq!(get(&server, "/months", &forged).status, 303);
    // A wrong token beside it is a wrong token.
    let both = format!("Authorization: Bearer wrong\r\n{}", cookie(&plain));
    assert_eq!(server.connect().unwrap().get("/months", &both).unwrap().status, 401);
}

#[test]
fn guesses_at_the_sign_in_are_counted_with_those_at_the_api() {
    let place = Place::new().with("UPSWELL_API_TOKEN", TOKEN).with("UPSWELL_MAX_TOKEN_GUESSES", "3");
    let server = place.serve();
    let session = cookie(&signed_in(&server, TOKEN, ""));
    for guess in 0..2 {
        let answer = send(&server, "/sign-in", "", &format!("token=guess-{guess}"));
        assert_eq!(answer.status, 401);
        assert!(
            answer.body.contains("none of the tokens") && !answer.body.contains("guess-"),
            "{}",
            answer.body
        );
    }
    assert_eq!(
        server.connect().unwrap().get("/months", "Authorization: Bearer guess\r\n").unwrap().status,
        401
    );
    let answer = send(&server, "/sign-in", "", &format!("token={TOKEN}"));
    assert_eq!(answer.status, 429, "with the right one too");
    assert!(answer.header("retry-after").is_some() && answer.header("set-cookie").is_none());
    assert_eq!(get(&server, "/months", &session).status, 200, "who is in, is in");
}

#[test]
fn who_signs_out_is_out_and_a_token_that_goes_takes_its_sessions_along() {
    let place = Place::new().with("UPSWELL_API_TOKEN", &format!("{TOKEN},another-token-0123456789"));
    let server = place.serve();
    let [one, two] = [TOKEN, "another-token-0123456789"].map(|token| cookie(&signed_in(&server, token, "")));
    assert_eq!(send(&server, "/sign-out", &one, "form=").status, 403, "no other page can do it");
    let form = made_for(&shown(&server, "/months", &one));
    let answer = send(&server, "/sign-out", &one, &format!("form={form}"));
    assert_eq!((answer.status, answer.header("location")), (303, Some("/sign-in")));
    assert!(answer.header("set-cookie").unwrap().contains("max-age=0"));
    assert_eq!(get(&server, "/months", &one).status, 303, "whoever kept it");
    assert_eq!(get(&server, "/months", &two).status, 200);
    drop(server);
    let renewed = place.with("UPSWELL_API_TOKEN", TOKEN);
    let server = renewed.serve();
    assert_eq!(get(&server, "/months", &two).status, 303, "its token is gone");
    let again = cookie(&signed_in(&server, TOKEN, ""));
    assert_eq!(get(&server, "/months", &again).status, 200);
}

#[test]
fn every_page_is_shown_and_what_leads_anywhere_leads_somewhere() {
    let place = told();
    let server = place.serve();
    let mut open: Vec<String> =
        vec!["/months/2026-10".to_owned(), "/imports".to_owned(), "/search?q=cus_".to_owned()];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(path) = open.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let answer = get(&server, &path, "");
        assert!([200, 307].contains(&answer.status), "{path}: {}", answer.status);
        let of = |path: &str| path.split(['/', '?']).nth(1).unwrap_or_default().to_owned();
        let hrefs = answer.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        for href in hrefs.map(|href| href.replace("&#38;", "&")).filter(|href| href.starts_with('/')) {
            // A few of each sort: there are thousands.
            let alike = seen.iter().chain(&open).filter(|known| of(known) == of(&href)).count();
            if alike < 12 {
                open.push(href);
            }
        }
    }
    for sort in ["/months", "/customers", "/movements", "/exceptions", "/imports", "/explain", "/search"] {
        assert!(seen.iter().any(|path| path.starts_with(sort)), "{sort}: {seen:?}");
    }
    for (path, status) in [
        ("/months/2026-13", 404),
        ("/customers/cus_nobody", 404),
        ("/explain/mv_nothing", 404),
        ("/movements?clas=new", 400),
        ("/movements?class=news", 400),
        ("/customers?book=nothing", 404),
        ("/nothing", 404),
    ] {
        let answer = get(&server, path, "");
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        assert!(answer.body.contains("<h1>") && !answer.body.contains("news"), "{path}: {}", answer.body);
    }
}

#[test]
fn a_figure_leads_to_its_movements_and_a_movement_to_the_digest_of_what_is_stored() {
    let place = told();
    let server = place.serve();
    let page = shown(&server, "/months/2026-10", "");
    let movements = href(&page, "/movements?month=2026-10&class=expansion&kind=seat&currency=usd");
    let listed = shown(&server, &movements, "");
    let flags =
        ["movements", "--month", "2026-10", "--class", "expansion", "--kind", "seat", "--format", "ndjson"];
    let mut expected = rows(&place.output(&flags));
    expected.retain(|row| row["currency"] == "usd");
    assert!(!expected.is_empty());
    assert_eq!(
        listed.matches("href=\"/explain/mv_").count(),
        expected.len() * 2,
        "each by its time and its amount"
    );
    for row in &expected {
        let id = row["id"].as_str().unwrap();
        let told = shown(&server, &format!("/explain/{id}"), "");
        let sha256 = row["evidence"]["sha256"].as_str().unwrap();
        assert_eq!(digest(&told, "<code class=\"digest\">"), sha256, "{id}");
        let event = shown(
            &server,
            &href(&told, &format!("/explain/{}", row["evidence"]["event"].as_str().unwrap())),
            "",
        );
        assert_eq!(digest(&event, "<code class=\"digest\">"), sha256, "{id}");
        assert!(event.contains("stories.ndjson:"), "where it was backfilled from");
    }
    // A file of its own leads nowhere.
    let file = place.output(&["report", "--month", "2026-10", "--format", "html"]);
    assert!(!file.contains("href="));
}

#[test]
fn pages_show_the_figures_that_the_commands_give() {
    let place = told();
    let server = place.serve();
    let table = place.output(&["report", "--month", "2026-10", "--format", "csv"]);
    assert!(table.contains("nrr"));
    let months = shown(&server, "/months", "");
    let report = place.output(&["report", "--month", "2026-10", "--format", "md"]);
    let (_, line) = months.split_once("href=\"/months/2026-10\"").unwrap();
    let (line, _) = line.split_once("</tr>").unwrap();
    let numbers: Vec<&str> =
        line.split("<td class=\"number\">").skip(1).filter_map(|rest| rest.split('<').next()).collect();
    assert_eq!(numbers.len(), 4, "{line}");
    for number in numbers {
        assert!(report.contains(number), "{number} is not in the report");
    }
    let customers = shown(&server, "/customers?month=2026-10", "");
    let expected = rows(&place.output(&["customers", "--month", "2026-10", "--format", "ndjson"]));
    assert_eq!(customers.matches("href=\"/customers/cus_").count(), expected.len());
    // A customer's last step is what the list says of it.
    let id = expected[0]["customer"].as_str().unwrap();
    let life = shown(&server, &format!("/customers/{id}"), "");
    assert!(life.contains("<path class=\"line\" d=\"M0 174H0V"), "{life}");
    assert_eq!(
        get(&server, &format!("/search?q={id}"), "").header("location"),
        Some(&*format!("/customers/{}", id.to_lowercase()))
    );
}

#[test]
fn a_month_is_closed_by_its_form_and_by_nothing_else_and_opened_with_a_reason() {
    let place = told();
    let server = place.serve();
    let page = shown(&server, "/months/2025-12/close", "");
    assert!(page.contains("The month is over in UTC") && page.contains("Closed with it"), "{page}");
    let form = made_for(&page);
    let close = "/months/2025-12/close";
    for (headers, body) in [
        ("", ""),
        ("", "form=0000"),
        ("Sec-Fetch-Site: cross-site\r\n", &*format!("form={form}")),
        ("Origin: https://evil.example\r\n", &*format!("form={form}")),
    ] {
        assert_eq!(send(&server, close, headers, body).status, 403, "{headers}{body}");
    }
    let is_closed = || place.output(&["movements", "--format", "ndjson"]).len();
    let before = is_closed();
    let answer = send(&server, close, "Sec-Fetch-Site: same-origin\r\n", &format!("form={form}"));
    assert_eq!((answer.status, answer.header("location")), (303, Some(close)));
    let closed = shown(&server, close, "");
    let report = place.output(&["report", "--month", "2025-12", "--format", "md"]);
    assert!(report.contains(&digest(&closed, "<code id=\"digest\">")), "the digest that the report prints");
    assert_eq!(before, is_closed());
    place.output(&["verify"]);
    // Again, or too early: the remedy is told.
    let answer = send(&server, close, "", &format!("form={form}"));
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("is closed already"), "{}", answer.body);
    let early = shown(&server, "/months/2999-01/close", "");
    assert!(early.contains("not over yet") && !early.contains("class=\"act\""), "{early}");
    assert_eq!(send(&server, "/months/2999-01/close", "", &format!("form={form}")).status, 409);
    let reopen = "/months/2025-12/reopen";
    assert_eq!(send(&server, reopen, "", &format!("form={form}&why=+")).status, 409, "not without a reason");
    let answer = send(&server, reopen, "", &format!("form={form}&why=September+%26+%3Cmore%3E"));
    assert_eq!(answer.status, 303);
    let opened = shown(&server, close, "");
    assert!(opened.contains("September &#38; &#60;more&#62;"), "{opened}");
}

#[test]
fn a_session_s_form_is_no_other_session_s() {
    let place = told().with("UPSWELL_API_TOKEN", TOKEN);
    let server = place.serve();
    let [mine, theirs] = [0, 1].map(|_| cookie(&signed_in(&server, TOKEN, "")));
    let form = made_for(&shown(&server, "/months/2025-12/close", &theirs));
    let answer = send(&server, "/months/2025-12/close", &mine, &format!("form={form}"));
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("form_not_yours"), "{}", answer.body);
    assert_eq!(send(&server, "/months/2025-12/close", &theirs, &format!("form={form}")).status, 303);
}

#[test]
fn what_the_doctor_finds_stands_on_the_page_of_exceptions() {
    let place = told();
    let server = place.serve();
    let page = shown(&server, "/exceptions", "");
    let text = String::from_utf8(place.run(&["doctor", "--format", "table"]).stdout).unwrap();
    let titles = text.lines().filter(|line| !line.starts_with(' ') && !line.starts_with("Nothing"));
    for title in titles {
        let title = title.replace('\'', "&#39;");
        assert!(page.contains(&title), "{title}");
    }
    let imports = shown(&server, "/imports", "");
    let stored = stories().iter().collect::<std::collections::BTreeSet<_>>().len();
    assert!(imports.contains("stories.ndjson") && imports.contains(&format!("{stored}</td>")), "{imports}");
}

#[test]
fn the_page_of_exceptions_names_the_first_of_very_many_and_the_doctor_names_them_all() {
    let place = Place::new();
    let events = (0..103).flat_map(|number| {
        let id = format!("gap{number:03}");
        let at = |quantity| subscription(&id, &price("price_1", 1_000), quantity);
        let before = json!({"items": {"data": [at(2)["items"]["data"][0]]}});
        let [first, second] = ["first", "second"].map(|which| format!("evt_{which}_{id}"));
        [
            event(&first, "customer.subscription.created", BEGINS, &at(1), None),
            event(&second, "customer.subscription.updated", BEGINS + DAY, &at(3), Some(&before)),
        ]
    });
    feed(&place, &events.collect::<Vec<_>>());
    let server = place.serve();
    let page = shown(&server, "/exceptions", "");
    for part in ["Broken chains: something was missed before", "Gaps: what to export and backfill"] {
        let (_, part) = page.split_once(&format!("<section aria-label=\"{part}\">")).unwrap();
        let (part, _) = part.split_once("</section>").unwrap();
        assert!(part.contains(">103") && part.contains("The first 100 of 103"), "{part}");
        assert_eq!(part.matches("<li>").count(), 100);
        assert!(part.contains("cus_gap000") && part.contains("cus_gap099") && !part.contains("cus_gap100"));
    }
    // An id leads where it stands, and is not said again.
    assert_eq!(page.matches("<a href=\"/customers/cus_gap000\">cus_gap000</a>").count(), 1, "{page}");
    assert!(page.contains(">evt_second_gap000</a>)"), "{page}");
    let found: Value = serde_json::from_slice(&place.run(&["doctor", "--format", "json"]).stdout).unwrap();
    for part in ["broken_chains", "gaps"] {
        assert_eq!(found[part].as_array().unwrap().len(), 103);
    }
}
