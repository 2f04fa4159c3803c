//! From a figure to what it is made of: the list that it leads to shows the figure again, sums to it or says why it does
//! not, and has the rows that command and API give for the same question.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{get, shown};
use crate::process::{Place, Server, rows, stories, stories_folder};

/// The stories under their own configuration, with owners and regions.
pub(super) fn told() -> Place {
    let place = Place::new().with("UPSWELL_CONFIG", "upswell.toml");
    let own = std::fs::read_to_string(stories_folder().join("upswell.toml")).unwrap();
    let reporting = "[reporting]\nowner = \"metadata.owner\"\nsegments = [\"metadata.region\"]\n\
                     size_bands = [\"100\", \"1000\"]\n";
    place.write("upswell.toml", format!("{own}\n{reporting}"));
    place.write("stories.ndjson", stories().join("\n"));
    place.output(&["backfill", "stories.ndjson"]);
    place
}

pub(super) fn text(html: &str) -> String {
    let mut text = String::new();
    let mut is_inside = false;
    for letter in html.chars() {
        match letter {
            '<' => is_inside = true,
            '>' => is_inside = false,
            letter if !is_inside => text.push(letter),
            _ => {}
        }
    }
    text.replace("&#39;", "'").replace("&#38;", "&").trim().to_owned()
}

/// What leads anywhere on a page: the address, and what stands there.
pub(super) fn links(page: &str) -> Vec<(String, String)> {
    let link = |rest: &str| {
        let (href, rest) = rest.split_once('"').unwrap();
        let (_, rest) = rest.split_once('>').unwrap();
        let (inside, _) = rest.split_once("</a>").unwrap();
        (href.replace("&#38;", "&").replace("&amp;", "&"), text(inside))
    };
    page.split("<a href=\"").skip(1).map(link).collect()
}

/// The figures that a list of movements says it is behind: as printed, and how each stands to the sum.
pub(super) fn figures(page: &str) -> Vec<(String, String)> {
    let Some((_, section)) = page.split_once("<section class=\"behind\"") else { return Vec::new() };
    let (section, _) = section.split_once("</section>").unwrap();
    let cells = |row: &str| row.split("</td>").map(text).collect::<Vec<_>>();
    let figure = |row: &str| match &cells(row)[..] {
        [_, printed, standing, ..] => (printed.clone(), standing.clone()),
        other => panic!("{other:?}"),
    };
    section.split("<tr><td>").skip(1).map(figure).collect()
}

fn sum(page: &str) -> Option<String> {
    page.split_once("<b class=\"sum\">").map(|(_, rest)| rest.split('<').next().unwrap().to_owned())
}

/// What is asked for in an address.
pub(super) fn asked(href: &str) -> BTreeMap<String, String> {
    let (_, query) = href.split_once('?').unwrap();
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect()
}

/// The command's rows for what a page is asked.
pub(super) fn rows_of(place: &Place, asked: &BTreeMap<String, String>) -> Vec<Value> {
    let mut arguments = vec!["movements".to_owned(), "--format".to_owned(), "ndjson".to_owned()];
    for (name, value) in asked {
        arguments.extend([format!("--{name}"), value.clone()]);
    }
    rows(&place.output(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// Cents of dollars, of rows whose amounts are whole cents.
fn cents(rows: &[Value]) -> i64 {
    rows.iter().map(|row| row["delta"].as_str().unwrap().parse::<i64>().unwrap()).sum()
}

fn printed_cents(printed: &str) -> i64 {
    printed.chars().filter(|c| c.is_ascii_digit() || *c == '-').collect::<String>().parse().unwrap()
}

#[test]
fn a_figure_that_leads_to_movements_stands_above_them_and_is_their_sum_or_says_why_not() {
    let place = told();
    let server = place.serve();
    let mut seen = BTreeSet::new();
    let mut standings: BTreeMap<String, u64> = BTreeMap::new();
    for view in ["", "?view=sales", "?view=marketing", "?view=finance", "?view=executive", "?view=owner"] {
        let month = shown(&server, &format!("/months/2026-10{view}"), "");
        for (href, printed) in links(&month) {
            if let Some(section) = href.strip_prefix('#') {
                assert!(month.contains(&format!(" id=\"{section}\"")), "{view}: nothing is called {section}");
            }
            if !href.starts_with("/movements?month=2026-10&") || !seen.insert((href.clone(), printed.clone()))
            {
                continue;
            }
            let page = shown(&server, &href, "");
            let found = figures(&page);
            let is_this = |(figure, _): &&(String, String)| {
                *figure == printed || figure.strip_prefix(&printed).is_some_and(|rest| rest.starts_with(' '))
            };
            let (_, standing) =
                found.iter().find(is_this).unwrap_or_else(|| panic!("{href} hides {printed}: {found:?}"));
            *standings.entry(standing.clone()).or_default() += 1;
            if standing == "their sum" && printed_cents(&printed) != 0 {
                let sum = sum(&page).unwrap();
                assert_eq!(sum.trim_start_matches('+').split(' ').next(), Some(&*printed), "{href}");
            }
        }
    }
    // In the stories' October most figures are plain sums, and some customers' months are netted.
    assert!(standings["their sum"] > 40, "{standings:?}");
    assert!(standings.contains_key("netted per customer (R26)"), "{standings:?}");
    assert!(standings.contains_key(""), "rates and counts: {standings:?}");
}

#[test]
fn tiles_and_lists_come_to_the_same() {
    let place = told();
    let server = place.serve();
    let month = shown(&server, "/months/2026-10?view=sales", "");
    let tile = |name: &str| {
        let (_, rest) = month.split_once(&format!("<span class=\"name\">{name}</span>")).unwrap();
        links(rest).remove(0)
    };
    let (href, core) = tile("Core expansion");
    assert_eq!(href, "/movements?month=2026-10&class=expansion&kind=core&currency=usd");
    let rows = rows_of(&place, &asked(&href));
    assert_eq!(cents(&rows), printed_cents(&core), "{core}");
    let page = shown(&server, &href, "");
    assert_eq!(sum(&page), Some(format!("+{core} USD")));
    assert!(page.contains(&format!("<p>{} movements, together", rows.len())), "{page}");
    // What a section of the same page lists is there, and what nobody lists leads nowhere.
    assert_eq!(tile("Books on target").0, "#usd-owners");
    assert!(month.contains("<section id=\"usd-owners\""));
    assert!(!month.contains("-scheduled\""), "nothing is scheduled");
}

#[test]
fn what_was_posted_for_a_closed_month_is_listed_in_the_reporting_currency_too() {
    let place = crate::faces::restated_in_euros();
    let server = place.serve();
    let month = shown(&server, "/months/2026-01?view=finance", "");
    let (_, rest) = month.split_once("<span class=\"name\">Prior period</span>").unwrap();
    let (href, printed) = links(rest).remove(0);
    assert_eq!(href, "#consolidated-prior_period_adjustments");
    assert_ne!(printed_cents(&printed), 0);
    let (_, list) = month.split_once("<section id=\"consolidated-prior_period_adjustments\"").unwrap();
    let (list, _) = list.split_once("</section>").unwrap();
    let rows: Vec<&str> = list.split("<tr").skip(2).collect();
    let amount =
        |row: &&str| printed_cents(&text(row.split("</td>").nth(5).unwrap().split_once('>').unwrap().1));
    let (total, parts) = rows.split_last().unwrap();
    assert!(!parts.is_empty());
    assert_eq!(parts.iter().map(amount).sum::<i64>(), printed_cents(&printed));
    assert_eq!(amount(total), printed_cents(&printed));
}

/// A question, and which rows it is of.
type Cut = (&'static str, Box<dyn Fn(&Value) -> bool>);

#[test]
fn page_command_and_api_cut_movements_alike() {
    let place = told();
    let server = place.serve();
    let all = rows(&place.output(&["movements", "--format", "ndjson"]));
    let is_core =
        |row: &Value| ["upsell", "cross_sell", "seat", "usage"].contains(&row["kind"].as_str().unwrap());
    let is_net =
        |row: &Value| ["expansion", "contraction", "churn"].contains(&row["class"].as_str().unwrap());
    let has = |name: &'static str, word: &'static str| move |row: &Value| row[name] == word;
    let cuts: Vec<Cut> = vec![
        ("cause=discount_ended", Box::new(has("cause", "discount_ended"))),
        ("motion=deliberate", Box::new(has("motion", "deliberate"))),
        ("product=prod_Pro4Wm2", Box::new(has("product", "prod_Pro4Wm2"))),
        ("price=price_pro_monthly_2025", Box::new(has("price", "price_pro_monthly_2025"))),
        ("currency=eur", Box::new(has("currency", "eur"))),
        ("kind=core", Box::new(is_core)),
        ("class=net_expansion", Box::new(is_net)),
        (
            "month=2026-10&class=expansion&kind=core&motion=organic",
            Box::new(move |row| {
                row["month"] == "2026-10"
                    && row["class"] == "expansion"
                    && is_core(row)
                    && row["motion"] == "organic"
            }),
        ),
    ];
    for (query, is_meant) in cuts {
        let expected: Vec<&Value> = all.iter().filter(|row| is_meant(row)).collect();
        assert!(!expected.is_empty() && expected.len() < all.len(), "{query}: {}", expected.len());
        let by_command = rows_of(&place, &asked(&format!("?{query}")));
        assert_eq!(by_command.iter().collect::<Vec<_>>(), expected, "{query}");
        let by_api = get(&server, &format!("/api/v1/movements?limit=1000&{query}"), "");
        let by_api: Value = serde_json::from_str(&by_api.body).unwrap();
        assert_eq!(by_api["data"].as_array().unwrap().iter().collect::<Vec<_>>(), expected, "{query}");
        let page = shown(&server, &format!("/movements?{query}"), "");
        assert_eq!(page.matches("href=\"/explain/mv_").count(), 2 * expected.len().min(100), "{query}");
    }
    for query in ["cause=because", "motion=up", "class=net", "kind=cores"] {
        assert_eq!(get(&server, &format!("/movements?{query}"), "").status, 400, "{query}");
        assert_eq!(get(&server, &format!("/api/v1/movements?{query}"), "").status, 400, "{query}");
        let (name, word) = query.split_once('=').unwrap();
        assert_eq!(place.run(&["movements", &format!("--{name}"), word]).status.code(), Some(2), "{query}");
    }
}

#[test]
fn a_movement_that_counts_elsewhere_says_where() {
    let place = told();
    let server = place.serve();
    // A customer who begins and upgrades in one month is new with all of it (R26).
    let all = rows(&place.output(&["movements", "--format", "ndjson"]));
    let key = |row: &Value| (row["customer"].clone(), row["month"].clone());
    let begun: Vec<_> = all.iter().filter(|row| row["class"] == "new").map(key).collect();
    let grown = all.iter().find(|row| row["class"] == "expansion" && begun.contains(&key(row))).unwrap();
    let (customer, month) = (grown["customer"].as_str().unwrap(), grown["month"].as_str().unwrap());
    let page = shown(&server, &format!("/movements?month={month}&customer={customer}&class=expansion"), "");
    assert!(page.contains("in the report new: the customer began the month at nothing"), "{page}");
    // One that counts as it is called says nothing.
    let page = shown(&server, &format!("/movements?month={month}&customer={customer}&class=new"), "");
    assert!(!page.contains("in the report new") && page.contains(customer), "{page}");
}

/// The MRR of the customers that an address lists, in cents.
fn listed(server: &Server, href: &str) -> i64 {
    let page = shown(server, href, "");
    let rows = page.split("<tr><td><a href=\"/customers/").skip(1);
    rows.map(|row| {
        printed_cents(&text(row.split("<td class=\"number\">").nth(1).unwrap().split('<').next().unwrap()))
    })
    .sum()
}

#[test]
fn a_segment_and_a_cohort_lead_to_their_customers_who_come_to_the_figure() {
    let place = told();
    let server = place.serve();
    let page = shown(&server, "/months/2026-10", "");
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for block in ["usd", "eur"] {
        // Of products and prices the list has whole customers, each with all that it holds.
        for section in ["tenure", "size_band", "country", "owner", "metadata.region", "currency"] {
            let id = format!("<section id=\"{block}-segments_{section}\"");
            let Some((_, table)) = page.split_once(&id) else { continue };
            let (table, _) = table.split_once("</section>").unwrap();
            for row in table.split("<tr").skip(2) {
                let of_ending = links(row)
                    .into_iter()
                    .rev()
                    .find(|(href, _)| href.starts_with("/customers?month=2026-10"));
                let Some((href, printed)) = of_ending.filter(|(_, printed)| printed.contains('.')) else {
                    continue;
                };
                let of_block = |server: &Server| -> i64 {
                    let page = shown(server, &href, "");
                    let code = format!(" {}</td>", block.to_uppercase());
                    let rows =
                        page.split("<tr><td><a href=\"/customers/").skip(1).filter(|row| row.contains(&code));
                    rows.map(|row| {
                        printed_cents(
                            row.split("<td class=\"number\">").nth(1).unwrap().split(' ').next().unwrap(),
                        )
                    })
                    .sum()
                };
                assert_eq!(of_block(&server), printed_cents(&printed), "{href}");
                *kinds.entry(section.to_owned()).or_default() += 1;
            }
        }
    }
    for section in ["tenure", "size_band", "country", "owner", "metadata.region"] {
        assert!(kinds.get(section).is_some_and(|count| *count > 0), "{section}: {kinds:?}");
    }
    let (_, cohorts) = page
        .split_once("<section id=\"eur-cohorts\"")
        .or(page.split_once("<section id=\"usd-cohorts\""))
        .unwrap();
    let (cohorts, _) = cohorts.split_once("</section>").unwrap();
    let since = links(cohorts).into_iter().find(|(href, _)| href.contains("since=")).unwrap();
    assert!(listed(&server, &since.0) > 0, "{since:?}");
    for refused in
        ["by=owner", "segment=north", "by=colour&segment=red", "since=2026-01&by=owner&segment=north"]
    {
        assert_eq!(get(&server, &format!("/customers?{refused}"), "").status, 400, "{refused}");
    }
}

#[test]
fn a_report_is_taken_along_in_every_form_as_the_command_writes_it() {
    let place = told();
    let server = place.serve();
    let page = shown(&server, "/months/2026-10?view=finance", "");
    let types = [
        ("html", "text/html; charset=utf-8"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("csv", "text/csv; charset=utf-8"),
        ("zip", "application/zip"),
        ("json", "application/json"),
        ("md", "text/markdown; charset=utf-8"),
    ];
    for (form, media_type) in types {
        let href = format!("/months/2026-10/report/{form}?view=finance");
        assert!(page.contains(&format!("<a href=\"{href}\" download>{form}</a>")), "{page}");
        let answer = get(&server, &href, "");
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(media_type)), "{form}");
        let name = format!("attachment; filename=\"expansion-report-2026-10.{form}\"");
        assert_eq!(answer.header("content-disposition"), Some(&*name));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let file = format!("report.{form}");
        place.output(&["report", "--month", "2026-10", "--view", "finance", "-o", &file]);
        assert!(
            std::fs::read(place.path(&file)).unwrap() == answer.bytes,
            "{form} differs from the command's"
        );
    }
    for (path, status) in [
        ("/months/2026-10/report/pdf", 404),
        ("/months/2026-13/report/csv", 404),
        ("/months/2026-10/report/csv?vew=finance", 400),
    ] {
        assert_eq!(get(&server, path, "").status, status, "{path}");
    }
    let guarded = told().with("UPSWELL_API_TOKEN", super::TOKEN);
    assert_eq!(get(&guarded.serve(), "/months/2026-10/report/csv", "").status, 303, "to the sign-in");
}

#[test]
fn stored_bytes_are_given_out_where_that_is_set_to_who_is_let_in_and_as_they_are() {
    let place = told();
    let event = stories().into_iter().find(|event| event.contains("customer.subscription.updated")).unwrap();
    let id = serde_json::from_str::<Value>(&event).unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(place.run(&["explain", &id, "--bytes"]).stdout, event.as_bytes());
    assert_eq!(place.run(&["explain", "evt_nothing", "--bytes"]).status.code(), Some(2));
    let path = format!("/explain/{id}/bytes");
    let server = place.serve();
    let answer = get(&server, &path, "");
    assert_eq!(answer.status, 404, "not unless it is set");
    assert!(answer.body.contains("UPSWELL_EVIDENCE=bytes"), "{}", answer.body);
    assert!(!shown(&server, &format!("/explain/{id}"), "").contains(&path));
    drop(server);
    let place = place.with("UPSWELL_EVIDENCE", "bytes").with("UPSWELL_API_TOKEN", super::TOKEN);
    let server = place.serve();
    assert_eq!(get(&server, &path, "").status, 303, "to the sign-in");
    let session = super::cookie(&super::signed_in(&server, super::TOKEN, ""));
    let page = shown(&server, &format!("/explain/{id}"), &session);
    assert!(page.contains(&format!("<a href=\"{path}\" download>")), "{page}");
    let answer = get(&server, &path, &session);
    assert_eq!(answer.status, 200);
    assert!(answer.bytes == event.as_bytes(), "the bytes as they came");
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    let attached = format!("attachment; filename=\"{id}.json\"").to_ascii_lowercase();
    assert_eq!(answer.header("content-disposition"), Some(&*attached));
    assert_eq!(get(&server, "/explain/evt_nothing/bytes", &session).status, 404);
    let (_, said) = server.stop();
    assert!(!said.contains(&id) && !said.contains("prod_"), "{said}");
}
