//! The faces of a report, read back from what the binary wrote: the same figure stands in each of them, and
//! what is printed as a sum is one.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use calamine::{Data, Range, Reader, Xlsx};
use serde_json::Value;

use crate::process::{Place, stories, stories_config};

/// A section as a face shows it: block, title, head and rows.
type Table = (String, String, Vec<Vec<String>>);

/// A place where the stories have been told.
fn told() -> Place {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    place.write("events.ndjson", stories().join("\n"));
    place.output(&["backfill", "events.ndjson"]);
    place
}

/// The bytes of a face.
fn written(place: &Place, name: &str, more: &[&str]) -> Vec<u8> {
    place.output(&[&["report", "--month", "2026-10", "-o", name], more].concat());
    std::fs::read(place.path(name)).unwrap()
}

fn text_of(place: &Place, name: &str, more: &[&str]) -> String {
    String::from_utf8(written(place, name, more)).unwrap()
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> Option<(&'t str, &'t str)> {
    let (_, rest) = text.split_once(from)?;
    rest.split_once(to)
}

fn unescaped(text: &str) -> String {
    let marks = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    marks.into_iter().fold(text.to_owned(), |text, (mark, letter)| text.replace(mark, letter))
}

/// The cells of one kind in a row of HTML.
fn cells(row: &str, kind: &str) -> Vec<String> {
    let mark = format!("<{kind}");
    let parts = row.split(&mark).skip(1);
    let cell = |part: &str| {
        let (_, rest) = part.split_once('>').unwrap();
        unescaped(rest.split_once("</").unwrap().0)
    };
    parts.map(cell).collect()
}

fn html_tables(page: &str) -> Vec<Table> {
    let mut tables = Vec::new();
    for block in page.split("<h2>").skip(1) {
        let (name, block) = block.split_once("</h2>").unwrap();
        for section in block.split("<section").skip(1) {
            let (title, rest) = between(section, "<h3>", "</h3>").unwrap();
            let (head, body) = rest.split_once("</thead>").unwrap();
            let mut rows = vec![cells(head.split_once("<tr").unwrap().1, "th")];
            rows.extend(body.split("<tr").skip(1).map(|row| cells(row, "td")));
            tables.push((unescaped(name), unescaped(title), rows));
        }
    }
    tables
}

fn markdown_tables(text: &str) -> Vec<Table> {
    let mut tables = Vec::new();
    for block in text.split("\n## ").skip(1) {
        let (name, block) = block.split_once('\n').unwrap();
        for section in block.split("\n### ").skip(1) {
            let (title, rest) = section.split_once('\n').unwrap();
            let lines = rest.lines().skip_while(|line| !line.starts_with('|'));
            let row = |line: &str| {
                let inner = line.strip_prefix("| ").unwrap().strip_suffix(" |").unwrap();
                inner.split(" | ").map(|cell| cell.replace("**", "").replace('\\', "")).collect()
            };
            let lines = lines.take_while(|line| line.starts_with('|')).enumerate();
            let rows = lines.filter(|(at, _)| *at != 1).map(|(_, line)| row(line)).collect();
            tables.push((name.to_owned(), title.to_owned(), rows));
        }
    }
    tables
}

/// A number as the other faces print it, as a plain decimal; anything else as it is.
fn plain(text: &str) -> String {
    let number = |text: &str| text.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let bare = text.replace(',', "");
    if let Some(percent) = bare.strip_suffix(" %").filter(|percent| number(percent)) {
        let sign = if percent.starts_with('-') { "-" } else { "" };
        let digits: String = percent.chars().filter(char::is_ascii_digit).collect();
        let digits = format!("{digits:0>5}");
        let (whole, part) = digits.split_at(digits.len() - 4);
        return format!("{sign}{whole}.{part}");
    }
    match bare.strip_suffix('×').unwrap_or(&bare) {
        times if !times.is_empty() && number(times) => times.to_owned(),
        _ => text.to_owned(),
    }
}

/// A decimal in ten-thousandths.
fn exact(text: &str) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    sign * format!("{whole}{part:0<4}").parse::<i128>().unwrap()
}

fn is_sheet_cell(cell: &Data, printed: &str) -> bool {
    match cell {
        Data::Float(value) => {
            let plain = plain(printed);
            let decimals = plain.split_once('.').map_or(0, |(_, part)| part.len());
            format!("{value:.decimals$}").trim_start_matches("-0.00") == plain.trim_start_matches("-0.00")
        }
        Data::Empty => printed.is_empty(),
        Data::String(text) => text == printed,
        _ => false,
    }
}

/// The row of a worksheet that a table's head stands in.
fn head_row(sheet: &Range<Data>, title: &str) -> u32 {
    let at = |row: u32| sheet.get_value((row, 0)).map(ToString::to_string);
    let last = sheet.end().unwrap().0;
    (0..last).find(|row| at(*row).as_deref() == Some(title)).unwrap_or_else(|| panic!("no {title}")) + 1
}

#[test]
fn a_page_a_workbook_and_a_wiki_show_the_same_tables_cell_by_cell() {
    let place = told();
    let page = html_tables(&text_of(&place, "report.html", &[]));
    let wiki = markdown_tables(&text_of(&place, "report.md", &[]));
    assert!(wiki.len() > 10 && page.len() > wiki.len(), "{} and {}", wiki.len(), page.len());
    for table in &wiki {
        assert!(page.contains(table), "{table:?}");
    }
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(written(&place, "report.xlsx", &[]))).unwrap();
    let mut compared = 0;
    for (block, title, rows) in &page {
        let sheet = book.worksheet_range(block).unwrap();
        let first = head_row(&sheet, title);
        for (row, cells) in (first..).zip(rows) {
            for (column, printed) in (0..).zip(cells) {
                let cell = sheet.get_value((row, column)).unwrap_or(&Data::Empty);
                assert!(is_sheet_cell(cell, printed), "{block}, {title}: {cell:?} is not {printed}");
                compared += 1;
            }
        }
    }
    assert!(compared > 500, "{compared}");
}

#[test]
fn sums_in_a_workbook_are_formulas_that_come_to_what_is_printed() {
    let place = told();
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(written(&place, "report.xlsx", &[]))).unwrap();
    let mut sums = 0;
    for name in book.sheet_names() {
        let (values, formulas) =
            (book.worksheet_range(&name).unwrap(), book.worksheet_formula(&name).unwrap());
        let (top, left) = formulas.start().unwrap_or_default();
        for (row, column, formula) in formulas.used_cells() {
            let (row, column) = (top + u32::try_from(row).unwrap(), left + u32::try_from(column).unwrap());
            let (range, _) = between(formula, "SUM(", ")").unwrap();
            let number =
                |cell: &str| cell.trim_start_matches(|c: char| c.is_alphabetic()).parse::<u32>().unwrap();
            let (from, to) = range.split_once(':').unwrap();
            let amount = |row: u32| match values.get_value((row, column)) {
                Some(Data::Float(value)) => exact(&format!("{value:.3}")),
                _ => 0,
            };
            let sum: i128 = (number(from) - 1..number(to)).map(amount).sum();
            assert_eq!(sum, amount(row), "{name}!{range}");
            sums += 1;
        }
    }
    assert!(sums > 5, "{sums}");
}

#[test]
fn an_archive_of_csv_has_a_tidy_file_a_section_and_every_figure_exactly() {
    let place = told();
    let long = text_of(&place, "report.csv", &[]);
    let mut archive = zip::ZipArchive::new(Cursor::new(written(&place, "report.zip", &[]))).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        files.insert(file.name().to_owned(), text);
    }
    assert_eq!(files["report.csv"], long);
    for (block, title, rows) in html_tables(&text_of(&place, "report.html", &[])) {
        let key = match title.as_str() {
            "Roll-forward" => "rollforward.csv",
            "Rates" => "rates.csv",
            "Expansion by kind" => "expansion_by_kind.csv",
            "By product" => "segments_product.csv",
            _ => continue,
        };
        let mut reader = csv::Reader::from_reader(files[key].as_bytes());
        let of_block: Vec<Vec<String>> = reader
            .records()
            .map(|record| record.unwrap().iter().map(str::to_owned).collect())
            .filter(|record: &Vec<String>| record[1] == block.to_lowercase())
            .collect();
        let printed: Vec<Vec<String>> =
            rows[1..].iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
        let tidy: Vec<Vec<String>> = of_block.iter().map(|record| record[3..].to_vec()).collect();
        assert_eq!(tidy, printed, "{block}, {title}");
    }
}

/// The long form's figures of a currency, by section and name.
fn long_form(text: &str, currency: &str) -> BTreeMap<(String, String), String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records = reader.records().map(Result::unwrap);
    let of_currency = records.filter(|record| &record[1] == currency);
    of_currency.map(|record| ((record[2].to_owned(), record[3].to_owned()), record[4].to_owned())).collect()
}

#[test]
fn json_and_csv_say_the_same_exactly_and_what_is_printed_is_that_rounded() {
    let place = told();
    let report: Value = serde_json::from_str(&text_of(&place, "report.json", &[])).unwrap();
    let long = text_of(&place, "report.csv", &[]);
    let page = html_tables(&text_of(&place, "report.html", &[]));
    for block in report["currencies"].as_array().unwrap() {
        let currency = block["currency"].as_str().unwrap();
        let figures = long_form(&long, currency);
        for section in ["rollforward", "expansion_by_kind", "contraction_by_kind", "rates", "motion"] {
            for (name, value) in block[section].as_object().unwrap() {
                if name.ends_with("_reason") {
                    continue;
                }
                let told = &figures[&(section.to_owned(), name.clone())];
                assert_eq!(value.as_str().unwrap_or_default(), told, "{currency} {section} {name}");
            }
        }
        let titled = |title: &str| {
            let of = |table: &&Table| table.0.to_lowercase() == currency && table.1 == title;
            &page.iter().find(of).unwrap().2
        };
        let ending = block["rollforward"]["ending_mrr"].as_str().unwrap();
        let printed = exact(&plain(&titled("Roll-forward").last().unwrap()[1]));
        // What is printed is in ten-thousandths of a major unit.
        let minor = if currency == "jpy" { 10_000 } else { 100 };
        let whole = ending.split_once('.').map_or(ending, |(whole, _)| whole).parse::<i128>().unwrap();
        assert!((printed - whole * minor).abs() <= minor, "{currency} {ending} {printed}");
        for row in &titled("Rates")[1..] {
            if row[0] == "Net revenue retention" && !block["rates"]["nrr"].is_null() {
                let nrr = block["rates"]["nrr"].as_str().unwrap();
                let (told, shown) =
                    (nrr.to_owned() + if nrr.contains('.') { "" } else { "." }, plain(&row[1]));
                let told = format!("{told}0000");
                let cut = told.find('.').unwrap() + 5;
                assert!((exact(&told[..cut]) - exact(&shown)).abs() <= 1, "{currency} {nrr} {shown}");
            }
        }
    }
}

#[test]
fn a_workbook_is_the_same_bytes_again_and_is_asked_for_by_its_name() {
    let place = told();
    let first = written(&place, "report.xlsx", &[]);
    assert!(first.starts_with(b"PK"));
    let asked = place.run(&["report", "--month", "2026-10", "--format", "xlsx"]);
    assert_eq!((asked.status.code(), &asked.stdout), (Some(0), &first));
    let archived = written(&place, "report.zip", &[]);
    assert_eq!(written(&place, "again.zip", &[]), archived);
    place.output(&["report", "--from", "2026-08", "--to", "2026-10", "-o", "months.xlsx"]);
    let mut book: Xlsx<_> = calamine::open_workbook(place.path("months.xlsx")).unwrap();
    let months = book.worksheet_range("Months").unwrap();
    assert!(head_row(&months, "USD roll-forward") > 0);
    let refused = place.run(&["report", "--from", "2026-08", "--to", "2026-10", "-o", "months.zip"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("--output"));
}
