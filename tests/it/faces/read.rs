//! Faces read back: tables of pages, wikis, worksheets and archives, as rows of texts.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use calamine::{Data, Range, Reader, Xlsx};

/// A section as a face shows it: block, title, head and rows.
pub type Table = (String, String, Vec<Vec<String>>);

pub fn between<'t>(text: &'t str, from: &str, to: &str) -> Option<(&'t str, &'t str)> {
    let (_, rest) = text.split_once(from)?;
    rest.split_once(to)
}

pub fn unescaped(text: &str) -> String {
    let marks = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    marks.into_iter().fold(text.to_owned(), |text, (mark, letter)| text.replace(mark, letter))
}

/// The cells of one kind in a row of HTML.
pub fn cells(row: &str, kind: &str) -> Vec<String> {
    let mark = format!("<{kind}");
    let parts = row.split(&mark).skip(1);
    let cell = |part: &str| {
        let (_, rest) = part.split_once('>').unwrap();
        unescaped(rest.split_once("</").unwrap().0)
    };
    parts.map(cell).collect()
}

pub fn html_tables(page: &str) -> Vec<Table> {
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

pub fn markdown_tables(text: &str) -> Vec<Table> {
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
pub fn plain(text: &str) -> String {
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
pub fn exact(text: &str) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    sign * format!("{whole}{part:0<4}").parse::<i128>().unwrap()
}

pub fn is_sheet_cell(cell: &Data, printed: &str) -> bool {
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
pub fn head_row(sheet: &Range<Data>, title: &str) -> u32 {
    let at = |row: u32| sheet.get_value((row, 0)).map(ToString::to_string);
    let last = sheet.end().unwrap().0;
    (0..last).find(|row| at(*row).as_deref() == Some(title)).unwrap_or_else(|| panic!("no {title}")) + 1
}

/// Whether a workbook shows each cell of some tables; gives how many it compared.
pub fn compare_workbook(bytes: Vec<u8>, tables: &[Table], sheet_of: impl Fn(&str) -> String) -> usize {
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

/// Holds every formula of a workbook against what it shows; gives how many there are.
pub fn check_sums(bytes: Vec<u8>) -> usize {
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
pub fn files(bytes: Vec<u8>) -> BTreeMap<String, String> {
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
pub fn column_name(head: &str) -> String {
    match head.to_lowercase().as_str() {
        "" => "name".to_owned(),
        fixed @ ("month" | "currency" | "row") => format!("of_{fixed}"),
        name => name.replace(' ', "_"),
    }
}

/// The rows of a file of the archive that are a block's, with some of its columns; none if it lacks one of them.
pub fn tidy_rows(file: &str, code: &str, columns: &[String]) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let places: Option<Vec<usize>> =
        columns.iter().map(|name| head.iter().position(|other| other == name)).collect();
    let Some(places) = places else { return Vec::new() };
    let records = reader.records().map(Result::unwrap).filter(|record| &record[1] == code);
    records.map(|record| places.iter().map(|place| record[*place].to_owned()).collect()).collect()
}

/// A cell as CSV writes it where a spreadsheet would run it.
pub fn inert(cell: &str) -> String {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_formula = cell.starts_with(['=', '@']) || (cell.starts_with(['+', '-']) && !is_number(&cell[1..]));
    if is_formula { format!("'{cell}") } else { cell.to_owned() }
}

/// The long form's figures of a currency, by section and name.
pub fn long_form(text: &str, currency: &str) -> BTreeMap<(String, String), String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records = reader.records().map(Result::unwrap);
    let of_currency = records.filter(|record| &record[1] == currency);
    of_currency.map(|record| ((record[2].to_owned(), record[3].to_owned()), record[4].to_owned())).collect()
}
