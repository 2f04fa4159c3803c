//! The faces of a report, read back from what the binary wrote: the same figure stands in each of them, and
//! what is printed as a sum is one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

use calamine::{Data, Range, Reader, Xlsx};
use serde_json::Value;

use crate::process::{Place, stories, stories_config, story};

/// A section as a face shows it: block, title, head and rows.
pub(crate) type Table = (String, String, Vec<Vec<String>>);

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
pub(crate) fn told() -> Place {
    knowing(&stories(), &[])
}

/// A place where they are told in euros as well, a dollar being another number of them each month.
pub(crate) fn consolidated() -> Place {
    let place = knowing(&stories(), &[("UPSWELL_REPORTING_CURRENCY", "eur")]);
    let months = (0..26).map(|index| (2024 + (11 + index) / 12, (11 + index) % 12 + 1));
    let rates = months.map(|(year, month)| {
        format!("{year}-{month:02}-28,USD,EUR,0.9{month}\n{year}-{month:02}-28,EUR,JPY,16{month}\n")
    });
    place.write("rates.csv", "date,from,to,rate\n".to_owned() + &rates.collect::<String>());
    place.output(&["fx", "rates.csv"]);
    place
}

/// A place where one of them was heard of after December had been closed.
pub(crate) fn restated() -> Place {
    let late = story("founding-customers");
    let before: Vec<String> = stories().into_iter().filter(|event| !late.contains(event)).collect();
    let place = knowing(&before, &[]);
    place.output(&["close", "2025-12"]);
    place.write("late.ndjson", late.join("\n"));
    place.output(&["backfill", "late.ndjson"]);
    place
}

/// The reports that all faces are compared of, each with how it is asked for.
fn asked() -> Vec<(&'static str, Place, Vec<&'static str>)> {
    vec![
        ("a month", told(), OCTOBER.to_vec()),
        ("consolidated", consolidated(), OCTOBER.to_vec()),
        ("restated", restated(), vec!["--month", "2025-12", "--restated"]),
        ("reported", restated(), vec!["--month", "2025-12"]),
        (
            "one currency by product",
            told(),
            [&OCTOBER[..], &["--currency", "usd", "--by", "product"]].concat(),
        ),
    ]
}

/// The bytes of a face.
pub(crate) fn written(place: &Place, name: &str, asked: &[&str]) -> Vec<u8> {
    place.output(&[&["report", "-o", name], asked].concat());
    std::fs::read(place.path(name)).unwrap()
}

pub(crate) fn text_of(place: &Place, name: &str, asked: &[&str]) -> String {
    String::from_utf8(written(place, name, asked)).unwrap()
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

pub(crate) fn html_tables(page: &str) -> Vec<Table> {
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

pub(crate) fn markdown_tables(text: &str) -> Vec<Table> {
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
pub(crate) fn plain(text: &str) -> String {
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
pub(crate) fn exact(text: &str) -> i128 {
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

/// Whether a workbook shows each cell of some tables; gives how many it compared.
pub(crate) fn compare_workbook(bytes: Vec<u8>, tables: &[Table], sheet_of: impl Fn(&str) -> String) -> usize {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    let mut compared = 0;
    for (block, title, rows) in tables {
        let sheet = book.worksheet_range(&sheet_of(block)).unwrap();
        let first = head_row(&sheet, title);
        for (row, cells) in (first..).zip(rows) {
            for (column, printed) in (0..).zip(cells) {
                let cell = sheet.get_value((row, column)).unwrap_or(&Data::Empty);
                assert!(is_sheet_cell(cell, printed), "{block}, {title}: {cell:?} is not {printed}");
                compared += 1;
            }
        }
    }
    compared
}

#[test]
fn a_page_a_workbook_and_a_wiki_show_the_same_tables_cell_by_cell() {
    for (name, place, asked) in asked() {
        let page = html_tables(&text_of(&place, "report.html", &asked));
        let wiki = markdown_tables(&text_of(&place, "report.md", &asked));
        assert!(wiki.len() > 10 && page.len() > wiki.len(), "{name}: {} and {}", wiki.len(), page.len());
        for table in &wiki {
            assert!(page.contains(table), "{name}: {table:?}");
        }
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

/// Holds every formula of a workbook against what it shows; gives how many there are.
pub(crate) fn check_sums(bytes: Vec<u8>) -> usize {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
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
    sums
}

/// The files of an archive by their names.
pub(crate) fn files(bytes: Vec<u8>) -> BTreeMap<String, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        files.insert(file.name().to_owned(), text);
    }
    files
}

/// What a column of a table is called in the archive.
fn column_name(head: &str) -> String {
    match head.to_lowercase().as_str() {
        "" => "name".to_owned(),
        fixed @ ("month" | "currency" | "row") => format!("of_{fixed}"),
        name => name.replace(' ', "_"),
    }
}

/// The rows of a file of the archive that are a block's, with some of its columns; none if it lacks one of them.
fn tidy_rows(file: &str, code: &str, columns: &[String]) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let places: Option<Vec<usize>> =
        columns.iter().map(|name| head.iter().position(|other| other == name)).collect();
    let Some(places) = places else { return Vec::new() };
    let records = reader.records().map(Result::unwrap).filter(|record| &record[1] == code);
    records.map(|record| places.iter().map(|place| record[*place].to_owned()).collect()).collect()
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

/// A cell as CSV writes it where a spreadsheet would run it.
fn inert(cell: &str) -> String {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_formula = cell.starts_with(['=', '@']) || (cell.starts_with(['+', '-']) && !is_number(&cell[1..]));
    if is_formula { format!("'{cell}") } else { cell.to_owned() }
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

/// The long form's figures of a currency, by section and name.
pub(crate) fn long_form(text: &str, currency: &str) -> BTreeMap<(String, String), String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records = reader.records().map(Result::unwrap);
    let of_currency = records.filter(|record| &record[1] == currency);
    of_currency.map(|record| ((record[2].to_owned(), record[3].to_owned()), record[4].to_owned())).collect()
}

#[test]
fn json_and_csv_say_the_same_exactly_and_what_is_printed_is_that_rounded() {
    for (name, place, asked) in asked() {
        let report: Value = serde_json::from_str(&text_of(&place, "report.json", &asked)).unwrap();
        let long = text_of(&place, "report.csv", &asked);
        let page = html_tables(&text_of(&place, "report.html", &asked));
        for block in report["currencies"].as_array().unwrap() {
            let currency = block["currency"].as_str().unwrap();
            check_block(name, block, &long_form(&long, currency), &currency.to_uppercase(), &page);
        }
        if name == "consolidated" {
            let (block, figures) = (&report["consolidated"], long_form(&long, "consolidated"));
            check_block(name, block, &figures, "Consolidated in EUR", &page);
        }
    }
}

/// A block of JSON against the long form and the page.
fn check_block(
    name: &str,
    block: &Value,
    figures: &BTreeMap<(String, String), String>,
    shown: &str,
    page: &[Table],
) {
    let currency = block["currency"].as_str().unwrap();
    let sections = [
        "rollforward",
        "expansion_by_kind",
        "contraction_by_kind",
        "expansion_by_cause",
        "contraction_by_cause",
        "rates",
        "motion",
    ];
    for section in sections {
        for (figure, value) in block[section].as_object().unwrap() {
            if figure.ends_with("_reason") {
                continue;
            }
            let told = &figures[&(section.to_owned(), figure.clone())];
            assert_eq!(value.as_str().unwrap_or_default(), told, "{name} {shown} {section} {figure}");
        }
    }
    let titled = |title: &str| {
        let of = |table: &&Table| table.0 == shown && table.1 == title;
        page.iter().find(of).map(|table| &table.2)
    };
    // What is printed is in ten-thousandths of a major unit.
    let minor = if currency == "jpy" { 10_000 } else { 100 };
    let is_printed = |exactly: &Value, printed: &str| {
        let exactly = exactly.as_str().unwrap();
        let whole = exactly.split_once('.').map_or(exactly, |(whole, _)| whole).parse::<i128>().unwrap();
        (exact(&plain(printed)) - whole * minor).abs() <= minor
    };
    let roll = titled("Roll-forward").unwrap();
    assert!(is_printed(&block["rollforward"]["ending_mrr"], &roll.last().unwrap()[1]), "{name} {shown}");
    for (cohort, row) in
        block["retention"].as_array().unwrap().iter().zip(
            titled("Cohorts over time: net retention").map(|rows| rows[1..].to_vec()).unwrap_or_default(),
        )
    {
        assert_eq!(
            (cohort["cohort"].as_str(), cohort["customers"].to_string()),
            (Some(&*row[0]), row[1].clone())
        );
        assert!(is_printed(&cohort["mrr"], &row[2]), "{name} {shown} {row:?}");
        for (month, cell) in cohort["months"].as_array().unwrap().iter().zip(&row[3..]) {
            is_share(&month["nrr"], cell);
        }
    }
    for (month, row) in block["expansion_by_month"]
        .as_array()
        .unwrap()
        .iter()
        .zip(titled("Expansion by month and kind").map(|rows| rows[1..].to_vec()).unwrap_or_default())
    {
        let total = &row[row.len() - 3];
        assert_eq!(month["month"].as_str(), Some(&*row[0]));
        assert!(is_printed(&month["total_expansion"], total), "{name} {shown} {row:?}");
        let parts: i128 = row[1..row.len() - 3].iter().map(|cell| exact(&plain(cell))).sum();
        assert_eq!(parts, exact(&plain(total)), "{name} {shown} {row:?}");
    }
    if !block["rates"]["nrr"].is_null() {
        let rates = titled("Rates").unwrap();
        let row = rates.iter().find(|row| row[0] == "Net revenue retention").unwrap();
        is_share(&block["rates"]["nrr"], &row[1]);
    }
}

/// A printed share is the exact one rounded to hundredths of a per cent.
fn is_share(exactly: &Value, printed: &str) {
    let exactly = exactly.as_str().unwrap();
    let told = exactly.to_owned() + if exactly.contains('.') { "" } else { "." } + "0000";
    let cut = told.find('.').unwrap() + 5;
    assert!((exact(&told[..cut]) - exact(&plain(printed))).abs() <= 1, "{exactly} is not {printed}");
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
