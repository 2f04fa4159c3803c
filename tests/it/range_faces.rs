//! The faces of a run of months, read back from what the binary wrote: each shows the same, every month is as its own
//! report has it, and the total is the sum of what is printed beside it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::faces::read::{
    Table, check_sums, compare_workbook, exact, files, html_tables, long_form, markdown_tables, plain,
};
use crate::faces::{consolidated, restated, text_of, told, written};
use crate::process::Place;

/// The runs that all faces are compared of, each with how it is asked for, and how many months it has.
fn asked() -> Vec<(&'static str, Place, Vec<&'static str>, usize)> {
    vec![
        ("consolidated", consolidated(), vec!["--from", "2026-08", "--to", "2026-10"], 3),
        ("a year", told(), vec!["--month", "2026-10", "--trailing"], 12),
        ("reported", restated(), vec!["--from", "2025-11", "--to", "2026-02"], 4),
        ("restated", restated(), vec!["--from", "2025-11", "--to", "2026-02", "--restated"], 4),
        (
            "by product",
            told(),
            vec!["--from", "2026-09", "--to", "2026-10", "--by", "product", "--currency", "usd"],
            2,
        ),
    ]
}

#[test]
fn a_page_a_workbook_and_a_wiki_show_the_same_run_cell_by_cell() {
    for (name, place, asked, months) in asked() {
        let page = html_tables(&text_of(&place, "run.html", &asked));
        let wiki = markdown_tables(&text_of(&place, "run.md", &asked));
        assert!(wiki.len() > 8 && page.len() >= wiki.len(), "{name}: {} and {}", wiki.len(), page.len());
        for table in &wiki {
            assert!(page.contains(table), "{name}: {table:?}");
        }
        for (block, title, rows) in page.iter().filter(|(block, ..)| block != "Beside the figures") {
            let beside = if title == "Against targets" { 4 } else { 2 };
            assert_eq!(rows[0].len(), months + beside, "{name}: {block}, {title}");
        }
        let workbook = written(&place, "run.xlsx", &asked);
        let sheet = |block: &str| block.chars().take(31).collect();
        assert!(compare_workbook(workbook.clone(), &page, sheet) > 200, "{name}");
        assert!(check_sums(workbook) > 10, "{name}");
        let table =
            String::from_utf8(place.run(&[&["report", "--format", "table"][..], &asked].concat()).stdout)
                .unwrap();
        for row in wiki.iter().flat_map(|(_, _, rows)| rows) {
            let cells: Vec<&str> = row.iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
            assert!(
                table.lines().any(|line| squeezed(line) == squeezed(&cells.join(" "))),
                "{name}: {row:?}"
            );
        }
    }
}

fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<&str>>().join(" ")
}

#[test]
fn every_month_of_a_run_is_as_its_own_report_prints_it() {
    let same = [
        ("Roll-forward", 1),
        ("Expansion by kind", 1),
        ("Contraction by kind", 1),
        ("Expansion by cause", 1),
        ("Customers", 1),
        ("Who moved core expansion", 1),
    ];
    let place = consolidated();
    let run = html_tables(&text_of(&place, "run.html", &["--month", "2026-10", "--trailing"]));
    let mut compared = 0;
    for month in ["2026-10", "2026-04"] {
        let own = html_tables(&text_of(&place, "month.html", &["--month", month]));
        for (block, title, rows) in &own {
            let Some((_, value)) = same.iter().find(|(of, _)| of == title) else { continue };
            let (_, _, beside) = run.iter().find(|table| table.0 == *block && table.1 == *title).unwrap();
            let place = beside[0].iter().position(|head| head == month).unwrap();
            for row in &rows[1..] {
                // What is nothing in all months is left out.
                let of_run = beside.iter().find(|other| other[0] == row[0]).map(|row| row[place].as_str());
                let is_same =
                    of_run == Some(&row[*value]) || of_run.is_none() && exact(&plain(&row[*value])) == 0;
                assert!(is_same, "{month} {block}, {title}: {row:?} and {of_run:?}");
                compared += 1;
            }
        }
    }
    assert!(compared > 60, "{compared}");
}

/// What a table's rows of flows print, in ten-thousandths: the months, then the total.
fn flows(rows: &[Vec<String>], months: usize) -> BTreeMap<String, Vec<i128>> {
    let number = |cell: &String| if cell == "–" { 0 } else { exact(&plain(cell)) };
    let row = |row: &Vec<String>| (row[0].clone(), row[1..=months + 1].iter().map(number).collect());
    rows[1..].iter().map(row).collect()
}

fn of<'t>(page: &'t [Table], block: &str, title: &str) -> Option<&'t Vec<Vec<String>>> {
    page.iter().find(|table| table.0 == block && table.1 == title).map(|table| &table.2)
}

#[test]
fn json_and_csv_have_the_total_exactly_and_the_printed_one_foots_both_ways() {
    for (name, place, asked, months) in asked() {
        let report: Value = serde_json::from_str(&text_of(&place, "run.json", &asked)).unwrap();
        let (from, to) = (report["from"].as_str().unwrap(), report["to"].as_str().unwrap());
        let long = text_of(&place, "run.csv", &asked);
        let span = format!("{from}..{to}");
        let head = long.lines().next().unwrap();
        let own: Vec<&str> = long.lines().filter(|line| line.starts_with(&span)).collect();
        let own = format!("{head}\n{}", own.join("\n"));
        let page = html_tables(&text_of(&place, "run.html", &asked));
        let total = &report["total"];
        assert_eq!((&total["months"], &total["lacking"]), (&months.into(), &serde_json::json!([])), "{name}");
        let mut blocks: Vec<(&Value, String, String)> = Vec::new();
        for block in total["currencies"].as_array().unwrap() {
            let code = block["currency"].as_str().unwrap().to_owned();
            blocks.push((block, code.to_uppercase(), code));
        }
        if name == "consolidated" {
            blocks.push((
                &total["consolidated"],
                "Consolidated in EUR".to_owned(),
                "consolidated".to_owned(),
            ));
        } else {
            assert!(total["consolidated"].is_null() && total["consolidated_reason"].is_string(), "{name}");
        }
        assert!(!blocks.is_empty());
        for (block, shown, code) in blocks {
            check_total(name, block, &long_form(&own, &code), |title| {
                of(&page, &shown, title).map(|rows| flows(rows, months))
            });
        }
    }
}

/// A total of JSON against the long form's rows, and against what is printed.
fn check_total(
    name: &str,
    block: &Value,
    figures: &BTreeMap<(String, String), String>,
    printed: impl Fn(&str) -> Option<BTreeMap<String, Vec<i128>>>,
) {
    let sections = [
        "rollforward",
        "expansion_by_kind",
        "contraction_by_kind",
        "expansion_by_cause",
        "contraction_by_cause",
        "rates",
        "sources",
        "motion",
        "customers",
    ];
    for section in sections {
        for (figure, value) in block[section].as_object().unwrap() {
            if figure.ends_with("_reason") {
                continue;
            }
            let told = &figures[&(section.to_owned(), figure.clone())];
            let value = value.as_str().map_or_else(|| value.to_string().replace("null", ""), str::to_owned);
            assert_eq!(&value, told, "{name} {section} {figure}");
        }
    }
    // Printed in ten-thousandths of a major unit, and up to a cent a month off.
    let (minor, slack) = if block["currency"] == "jpy" { (10_000, 130_000) } else { (100, 1_300) };
    let is_near = |exactly: &Value, printed: i128| {
        let exactly = exactly.as_str().unwrap();
        let whole = exactly.split_once('.').map_or(exactly, |(whole, _)| whole).parse::<i128>().unwrap();
        (whole * minor - printed).abs() <= slack
    };
    let roll = printed("Roll-forward").unwrap();
    for (lane, cells) in &roll {
        let key = match lane.as_str() {
            "Starting MRR" => "starting_mrr".to_owned(),
            "Ending MRR" => "ending_mrr".to_owned(),
            "Exchange rates" => "fx".to_owned(),
            lane => lane.to_lowercase().replace([' ', '-'], "_"),
        };
        let (total, months) = cells.split_last().unwrap();
        assert!(is_near(&block["rollforward"][&key], *total), "{name} {lane}: {total}");
        if !lane.ends_with("MRR") {
            assert_eq!(months.iter().sum::<i128>(), *total, "{name} {lane}");
        }
    }
    let levels = ["Starting MRR", "Ending MRR"].map(|level| roll[level].clone());
    for column in 0..levels[0].len() {
        let lanes = roll.iter().filter(|(lane, _)| *lane != "Ending MRR");
        assert_eq!(lanes.map(|(_, cells)| cells[column]).sum::<i128>(), levels[1][column], "{name} {column}");
    }
    let kinds = printed("Expansion by kind").unwrap();
    for column in 0..levels[0].len() {
        let parts = kinds
            .iter()
            .filter(|(kind, _)| !["Total", "Core expansion", "Core for the target"].contains(&kind.as_str()));
        assert_eq!(
            parts.map(|(_, cells)| cells[column]).sum::<i128>(),
            kinds["Total"][column],
            "{name} {column}"
        );
        assert_eq!(kinds["Total"][column], roll["Expansion"][column], "{name} {column}");
    }
    if let Some(causes) = printed("Expansion by cause") {
        let parts = causes.iter().filter(|(cause, _)| *cause != "Total");
        assert_eq!(
            parts.map(|(_, cells)| cells.last().unwrap()).sum::<i128>(),
            *roll["Expansion"].last().unwrap()
        );
    }
}

#[test]
fn an_archive_of_a_run_has_the_files_of_its_months_with_the_runs_rows_after_theirs() {
    let place = told();
    let asked = ["--from", "2026-08", "--to", "2026-10"];
    let mut run = files(written(&place, "run.zip", &asked));
    assert_eq!(run.remove("report.csv"), Some(text_of(&place, "run.csv", &asked)));
    assert_eq!(written(&place, "again.zip", &asked), written(&place, "run.zip", &asked));
    let page = html_tables(&text_of(&place, "run.html", &asked));
    let mut compared = 0;
    for (file, title, value) in [
        ("rollforward.csv", "Roll-forward", "mrr"),
        ("expansion_by_kind.csv", "Expansion by kind", "mrr"),
        ("expansion_by_cause.csv", "Expansion by cause", "mrr"),
        ("motion.csv", "Who moved core expansion", "mrr"),
        ("customers.csv", "Customers", "count"),
        ("summary.csv", "Summary", "amount"),
    ] {
        let mut reader = csv::Reader::from_reader(run[file].as_bytes());
        let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let value = head.iter().position(|name| name == value).unwrap();
        let printed = of(&page, "USD", title).unwrap();
        for record in reader.records().map(Result::unwrap).filter(|record| &record[1] == "usd") {
            let month = if record[0].contains("..") { "total" } else { &record[0] };
            let column = printed[0].iter().position(|head| head == month).unwrap();
            let row = printed.iter().find(|row| row[0] == record[3]).unwrap();
            assert_eq!(plain(&row[column]), record[value], "{file} {record:?}");
            compared += usize::from(month == "total");
        }
    }
    assert!(compared > 30, "{compared}");
    let of_month = files(written(&place, "month.zip", &["--month", "2026-10"]));
    for name in of_month.keys().filter(|name| *name != "report.csv") {
        assert!(run.contains_key(name), "{name}");
    }
}

#[test]
fn a_view_of_a_run_and_the_flags_that_belong_together() {
    let place = told();
    let year = ["report", "--month", "2026-10", "--trailing", "--format", "md"];
    let seen = place.output(&[&year[..], &["--view", "finance"]].concat());
    assert!(seen.starts_with("# Expansion report 2025-11 to 2026-10, finance view"), "{seen}");
    assert!(seen.find("### Roll-forward") < seen.find("### Summary") && !seen.contains("### Customers"));
    let same = ["report", "--from", "2025-11", "--to", "2026-10", "--format", "md"];
    assert_eq!(place.output(&year), place.output(&same));
    let json: Value =
        serde_json::from_str(&place.output(&["report", "--trailing", "--format", "json"])).unwrap();
    assert_eq!((json["months"].as_array().unwrap().len(), &json["total"]["months"]), (12, &12.into()));
    for wrong in
        [&["--trailing", "--from", "2026-01", "--to", "2026-02"][..], &["--trailing", "--month", "2026"]]
    {
        assert_eq!(place.run(&[&["report"][..], wrong].concat()).status.code(), Some(2), "{wrong:?}");
    }
}

/// A register's rows of a month, as they stand in its file.
fn of_month<'f>(file: &'f str, month: &str) -> Vec<&'f str> {
    file.lines().filter(|line| line.starts_with(&format!("{month},"))).collect()
}

#[test]
fn an_archive_of_a_run_has_every_movement_of_its_months_and_they_foot_with_it() {
    for (name, place, asked, _) in asked() {
        let run: Value = serde_json::from_str(&text_of(&place, "run.json", &asked)).unwrap();
        let all = files(written(&place, "run.zip", &asked));
        let register = &all["movements.csv"];
        let mut standing = 0;
        for report in run["months"].as_array().unwrap() {
            let month = report["month"].as_str().unwrap();
            let rows = of_month(register, month);
            assert_eq!(report["movements"].as_u64(), u64::try_from(rows.len()).ok(), "{name}, {month}");
            let more = asked.iter().skip_while(|word| !["--restated", "--by"].contains(word)).copied();
            let alone: Vec<&str> = ["--month", month].into_iter().chain(more).collect();
            let own = files(written(&place, "month.zip", &alone));
            let own = own.get("movements.csv").map_or("", String::as_str);
            assert_eq!(rows, of_month(own, month), "{name}, {month}");
            standing += rows.len();
        }
        assert_eq!(register.lines().count(), standing + 1, "{name}");
        assert!(standing > 5, "{name}: {standing}");
    }
}

#[test]
fn the_movements_of_a_year_are_what_lies_between_its_ends() {
    let place = told();
    let asked = ["--month", "2026-10", "--trailing"];
    let all = files(written(&place, "run.zip", &asked));
    let mut moved: BTreeMap<String, (i128, i128)> = BTreeMap::new();
    for record in csv::Reader::from_reader(all["movements.csv"].as_bytes()).records().map(Result::unwrap) {
        let sum = moved.entry(record[11].to_lowercase()).or_default();
        *sum = (sum.0 + exact(&record[12]), sum.1 + 1);
    }
    assert!(moved.len() > 1, "{moved:?}");
    let page = html_tables(&text_of(&place, "run.html", &asked));
    for (code, (moved, count)) in moved {
        let roll = of(&page, &code.to_uppercase(), "Roll-forward").unwrap();
        let level = |row: &Vec<String>| exact(&plain(row.last().unwrap()));
        let (start, end) = (level(&roll[1]), level(roll.last().unwrap()));
        // Each movement is rounded for itself here.
        assert!((end - start - moved).abs() <= 100 * count, "{code}: {start} and {moved} are not {end}");
    }
}
