//! The faces of a report, read back from what the binary wrote: the same figure stands in each of them, and
//! what is printed as a sum is one.

pub mod read;
mod sums;
mod tied;
mod tied_lists;
mod whole;

use std::collections::BTreeSet;
use std::io::Cursor;

use calamine::{Reader, Xlsx};
use serde_json::Value;

use self::read::*;
pub use self::whole::whole;
use crate::process::{Place, stories, stories_config, story};

/// The month that is asked for where nothing else is said.
const OCTOBER: [&str; 2] = ["--month", "2026-10"];

/// A place where events are known, with what else it is told.
fn knowing(events: &[String], variables: &[(&'static str, &str)]) -> Place {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    let place = variables.iter().fold(place, |place, (name, value)| place.with(name, value));
    place.write("events.ndjson", events.join("\n"));
    place.output(&["backfill", "events.ndjson"]);
    place
}

/// A place where the stories have been told.
pub fn told() -> Place {
    knowing(&stories(), &[])
}

/// A place where they are told in euros as well, a dollar being another number of them each month.
pub fn consolidated() -> Place {
    let place = knowing(&stories(), &[("UPSWELL_REPORTING_CURRENCY", "eur")]);
    rated(&place);
    place
}

/// Tells a place the rates of the months of the stories.
fn rated(place: &Place) {
    let months = (0..26).map(|index| (2024 + (11 + index) / 12, (11 + index) % 12 + 1));
    let rates = months.map(|(year, month)| {
        format!("{year}-{month:02}-28,USD,EUR,0.9{month}\n{year}-{month:02}-28,EUR,JPY,16{month}\n")
    });
    place.write("rates.csv", "date,from,to,rate\n".to_owned() + &rates.collect::<String>());
    place.output(&["fx", "rates.csv"]);
}

/// A place where one of them was heard of after December had been closed.
pub fn restated() -> Place {
    late(knowing(&before_it(), &[]))
}

/// A place where that is told in euros as well.
pub fn restated_in_euros() -> Place {
    let place = knowing(&before_it(), &[("UPSWELL_REPORTING_CURRENCY", "eur")]);
    rated(&place);
    late(place)
}

/// The stories without the one that is heard of late.
fn before_it() -> Vec<String> {
    let late = story("founding-customers");
    stories().into_iter().filter(|event| !late.contains(event)).collect()
}

fn late(place: Place) -> Place {
    place.output(&["close", "2025-12"]);
    place.write("late.ndjson", story("founding-customers").join("\n"));
    place.output(&["backfill", "late.ndjson"]);
    place
}

/// The reports that all faces are compared of, each with how it is asked for.
fn asked() -> Vec<(&'static str, Place, Vec<&'static str>)> {
    vec![
        ("a month", told(), OCTOBER.to_vec()),
        ("everything", whole(), OCTOBER.to_vec()),
        ("consolidated", consolidated(), OCTOBER.to_vec()),
        ("restated", restated_in_euros(), vec!["--month", "2025-12", "--restated"]),
        ("reported", restated(), vec!["--month", "2025-12"]),
        // The first open month, into which that was posted.
        ("adjusted", restated_in_euros(), vec!["--month", "2026-01"]),
        (
            "one currency by product",
            told(),
            [&OCTOBER[..], &["--currency", "usd", "--by", "product"]].concat(),
        ),
    ]
}

/// The bytes of a face.
pub fn written(place: &Place, name: &str, asked: &[&str]) -> Vec<u8> {
    place.output(&[&["report", "-o", name], asked].concat());
    std::fs::read(place.path(name)).unwrap()
}

pub fn text_of(place: &Place, name: &str, asked: &[&str]) -> String {
    String::from_utf8(written(place, name, asked)).unwrap()
}

#[test]
fn a_page_a_workbook_and_a_wiki_show_the_same_tables_cell_by_cell() {
    for (name, place, asked) in asked() {
        let page = html_tables(&text_of(&place, "report.html", &asked));
        let wiki = markdown_tables(&text_of(&place, "report.md", &asked));
        // All but the register, of which a wiki has the number.
        let whole: Vec<&Table> = page.iter().filter(|table| table.0 != "Movements").collect();
        assert_eq!(whole, wiki.iter().collect::<Vec<_>>(), "{name}");
        assert!(wiki.len() > 20, "{name}: {}", wiki.len());
        // A worksheet's name has room for 31 letters.
        let compared = compare_workbook(written(&place, "report.xlsx", &asked), &page, |block| {
            block.chars().take(31).collect()
        });
        assert!(compared > 500, "{name}: {compared}");
    }
}

#[test]
fn sums_in_a_workbook_are_formulas_that_come_to_what_is_printed() {
    for (name, place, asked) in asked() {
        let sums = check_sums(written(&place, "report.xlsx", &asked));
        assert!(sums > 5, "{name}: {sums}");
    }
}

#[test]
fn an_archive_of_csv_has_a_tidy_file_a_section_and_every_figure_exactly() {
    for (name, place, asked) in asked() {
        let long = text_of(&place, "report.csv", &asked);
        let mut files = files(written(&place, "report.zip", &asked));
        assert_eq!(files.remove("report.csv"), Some(long));
        let page = html_tables(&text_of(&place, "report.html", &asked));
        for (block, title, rows) in &page {
            let columns: Vec<String> = rows[0].iter().map(|head| column_name(head)).collect();
            let printed: Vec<Vec<String>> =
                rows[1..].iter().map(|row| row.iter().map(|cell| inert(&plain(cell))).collect()).collect();
            let code = match block.as_str() {
                "Beside the figures" | "Movements" => String::new(),
                block if block.starts_with("Consolidated") => "consolidated".to_owned(),
                block => block.to_lowercase(),
            };
            let filed: Vec<_> = files.values().map(|file| tidy_rows(file, &code, &columns)).collect();
            let near: Vec<_> = filed.iter().filter(|rows| !rows.is_empty()).collect();
            assert!(filed.contains(&printed), "{name}: {block}, {title} {printed:?} is in no file: {near:?}");
        }
        let titles: BTreeSet<&String> = page.iter().map(|(_, title, _)| title).collect();
        assert_eq!(files.len(), titles.len(), "{name}");
    }
}

#[test]
fn the_register_of_any_report_has_as_many_movements_as_it_says() {
    for (name, place, asked) in asked() {
        let report: Value = serde_json::from_str(&text_of(&place, "report.json", &asked)).unwrap();
        let page = html_tables(&text_of(&place, "report.html", &asked));
        let (_, _, rows) = page.iter().find(|table| table.0 == "Movements").unwrap();
        assert_eq!(report["movements"].as_u64(), u64::try_from(rows.len() - 1).ok(), "{name}");
        assert!(rows.len() > 1, "{name}");
    }
}

#[test]
fn the_register_has_every_movement_of_the_month_and_sums_to_what_moved() {
    let place = told();
    let report: Value = serde_json::from_str(&text_of(&place, "report.json", &OCTOBER)).unwrap();
    let listed = place.output(&["movements", "--month", "2026-10", "--format", "csv"]);
    let standing = csv::Reader::from_reader(listed.as_bytes()).records().count();
    assert_eq!(report["movements"].as_u64(), u64::try_from(standing).ok());
    let page = html_tables(&text_of(&place, "report.html", &OCTOBER));
    let (_, _, rows) = page.iter().find(|table| table.0 == "Movements").unwrap();
    assert_eq!(rows.len() - 1, standing);
    for block in report["currencies"].as_array().unwrap() {
        let code = block["currency"].as_str().unwrap().to_uppercase();
        let of = |table: &&Table| table.0 == code && table.1 == "Roll-forward";
        let (_, _, roll) = page.iter().find(of).unwrap();
        let level = |row: &[String]| exact(&plain(&row[1]));
        let moved: i128 =
            rows[1..].iter().filter(|row| row[8] == code).map(|row| exact(&plain(&row[9]))).sum();
        let (start, end) = (level(&roll[1]), level(roll.last().unwrap()));
        // Each movement is rounded for itself here.
        let slack = 100 * i128::try_from(rows.len()).unwrap();
        assert!((end - start - moved).abs() <= slack, "{code}: {start} and {moved} are not {end}");
    }
}

#[test]
fn every_figure_of_json_is_in_the_long_form_exactly_and_printed_rounded() {
    for (name, place, asked) in asked() {
        let report: Value = serde_json::from_str(&text_of(&place, "report.json", &asked)).unwrap();
        let long = text_of(&place, "report.csv", &asked);
        let text = text_of(&place, "report.html", &asked);
        let page = html_tables(&text);
        let said = unescaped(&text);
        let mut blocks: Vec<(String, &Value)> = report["currencies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|block| (block["currency"].as_str().unwrap().to_uppercase(), block))
            .collect();
        if !report["consolidated"].is_null() {
            blocks.push(("Consolidated in EUR".to_owned(), &report["consolidated"]));
        }
        for (shown, block) in blocks {
            let compared = tied::tie(&report, block, &long, (&shown, &page, &said));
            assert!(compared > 300, "{name}, {shown}: {compared}");
        }
    }
}

/// The keys of a whole report that are figures of it, and those that say how it was made and stand in its header.
const OF_THE_WHOLE: [&str; 18] = [
    "month",
    "timezone",
    "book",
    "status",
    "as",
    "data_through",
    "policy",
    "currencies",
    "consolidated",
    "consolidated_reason",
    "incomplete",
    "closing",
    "targets",
    "exchange_rates",
    "movements",
    "exceptions",
    "movements_by_evidence",
    "reconciliation",
];

#[test]
fn what_a_report_says_of_the_whole_stands_in_every_face() {
    for (name, place, asked) in asked() {
        let report: Value = serde_json::from_str(&text_of(&place, "report.json", &asked)).unwrap();
        let keys: Vec<&String> = report.as_object().unwrap().keys().collect();
        assert!(keys.iter().all(|key| OF_THE_WHOLE.contains(&key.as_str())), "{name}: {keys:?}");
        let long = text_of(&place, "report.csv", &asked);
        let (page, wiki) = (text_of(&place, "report.html", &asked), text_of(&place, "report.md", &asked));
        let (page, wiki) = (unescaped(&page), wiki.replace('\\', ""));
        let table = place.output(&[&["report", "--format", "table"], &asked[..]].concat());
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(written(&place, "report.xlsx", &asked))).unwrap();
        let cover = book.worksheet_range("Report").unwrap();
        let cover: Vec<String> = cover.used_cells().map(|(_, _, cell)| cell.to_string()).collect();
        let cover = cover.join("\n");
        let is_printed = |told: &str| {
            for (face, text) in [("page", &page), ("wiki", &wiki), ("table", &table), ("cover", &cover)] {
                assert!(text.contains(told), "{name}: the {face} does not say {told}");
            }
        };
        let in_long = |told: &str| assert!(long.contains(told), "{name}: the long form does not say {told}");
        let mut told: Vec<String> =
            ["month", "timezone", "book", "as"].map(|key| word(&report[key])).to_vec();
        told.extend(report["closing"].get("digest").map(word));
        for told in told {
            is_printed(&told);
            in_long(&told);
        }
        is_printed(&format!("{} in this month", report["movements"]));
        in_long(&format!(",movements,standing,{},", report["movements"]));
        for rate in report["exchange_rates"].as_array().unwrap() {
            is_printed(&word(&rate["quotes"][0]["date"]));
            let of = format!("{} {}", word(&rate["from"]), word(&rate["month"]));
            in_long(&format!(",exchange_rates,{of},{},", word(&rate["rate"])));
        }
        let exceptions = html_tables(&page).into_iter().find(|table| table.1 == "Exceptions");
        let rows = exceptions.map(|(_, _, rows)| rows[1..].to_vec()).unwrap_or_default();
        let counted = report["exceptions"].as_array().unwrap();
        assert_eq!(rows.len(), counted.len(), "{name}");
        for (exception, row) in counted.iter().zip(&rows) {
            assert_eq!(
                (exception["count"].to_string(), word(&exception["remedy"])),
                (row[1].clone(), row[2].clone())
            );
            let line = format!(",exceptions,{},{},", word(&exception["exception"]), exception["count"]);
            assert!(long.contains(&line), "{name}: {line}");
        }
        let evidence =
            html_tables(&page).into_iter().find(|table| table.1 == "What the month's movements rest on");
        let (_, _, rows) = evidence.unwrap();
        let by_evidence = report["movements_by_evidence"].as_object().unwrap();
        assert_eq!(rows.len(), by_evidence.len() + 2, "{name}: a head, each grade, and their sum");
        for ((grade, count), row) in by_evidence.iter().zip(&rows[1..]) {
            assert_eq!((tied::title(grade), count.to_string()), (row[0].clone(), row[1].clone()), "{name}");
            assert!(long.contains(&format!(",movements_by_evidence,{grade},{count},")), "{name}: {grade}");
        }
        let sum: u64 = by_evidence.values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(
            (Some(sum), rows.last().unwrap()[1].clone()),
            (report["movements"].as_u64(), sum.to_string())
        );
    }
}

fn word(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn a_workbook_is_the_same_bytes_again_and_is_asked_for_by_its_name() {
    let place = told();
    let first = written(&place, "report.xlsx", &OCTOBER);
    assert!(first.starts_with(b"PK"));
    let asked = place.run(&["report", "--month", "2026-10", "--format", "xlsx"]);
    assert_eq!((asked.status.code(), &asked.stdout), (Some(0), &first));
    let archived = written(&place, "report.zip", &OCTOBER);
    assert_eq!(written(&place, "again.zip", &OCTOBER), archived);
}
