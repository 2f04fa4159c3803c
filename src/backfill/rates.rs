//! Files of exchange rates: the European Central Bank's euro reference rates, of a day or through time,
//! and plain `date,from,to,rate`. Which of them it is, the header says.

use std::io::Read;
use std::path::Path;

use chrono::NaiveDate;

use super::ReadError;

/// The largest file of rates: a century of the longest table there is would be smaller.
const MAX_BYTES: u64 = 64 << 20;

/// The currency that the European Central Bank quotes in.
const EURO: &str = "eur";

/// One rate as its file has it: one of `from` is `rate` of `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateRow {
    /// Where it stands, from 1.
    pub line: u64,
    /// The day.
    pub date: NaiveDate,
    /// A currency's code in lower case.
    pub from: String,
    /// Another one's.
    pub to: String,
    /// The number as it is written.
    pub rate: String,
}

/// A row that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Where it stands, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// What a file of rates says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateFile {
    /// Its rates, in the order of the file.
    pub rows: Vec<RateRow>,
    /// Rows that can't be read.
    pub bad: Vec<BadRow>,
}

/// Which columns hold what.
enum Form {
    /// A column a currency: its rate against the euro.
    Wide(Vec<Option<String>>),
    /// The columns of date, from, to and rate.
    Long([usize; 4]),
}

/// Reads a file of rates, plain or compressed; `-` is standard input.
///
/// # Errors
///
/// [`ReadError`] if it can't be opened or decompressed, or is of no form that is known.
pub fn read_rates(path: &Path) -> Result<RateFile, ReadError> {
    let mut bytes = Vec::new();
    let source = super::source::bytes(path)?;
    let read = source.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|source| ReadError::BrokenOff { line: 1, source })?;
    if bytes.len() as u64 > MAX_BYTES {
        let reason = format!("larger than {} MiB; no table of rates is", MAX_BYTES >> 20);
        return Err(ReadError::NotRates { line: 1, reason });
    }
    rates(&bytes)
}

/// Reads the bytes of a file of rates.
///
/// # Errors
///
/// [`ReadError::NotRates`] if it is of no form that is known, or holds nothing.
pub fn rates(bytes: &[u8]) -> Result<RateFile, ReadError> {
    if bytes.starts_with(b"PK") {
        return Err(not_rates(1, "a zip archive, to be unpacked first"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut file = RateFile::default();
    let mut form = None;
    // Line by line: no row of rates goes over several, and a quote that is left open costs only its own.
    for (line, text) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let cells = cells(text.strip_suffix(b"\r").unwrap_or(text));
        if cells.iter().all(String::is_empty) {
            continue;
        }
        match &form {
            None => {
                let (found, is_header) = form_of(&cells, line)?;
                if !is_header {
                    take(&found, &cells, line, &mut file);
                }
                form = Some(found);
            }
            Some(form) => take(form, &cells, line, &mut file),
        }
    }
    if form.is_none() {
        return Err(not_rates(1, "it is empty"));
    }
    Ok(file)
}

/// The cells of a line; none of one that is blank.
fn cells(line: &[u8]) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new();
    reader.has_headers(false).trim(csv::Trim::All).buffer_capacity(1_024);
    let record = reader.from_reader(line).byte_records().next().and_then(Result::ok).unwrap_or_default();
    record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
}

fn not_rates(line: u64, what: &str) -> ReadError {
    let reason = format!(
        "{what}: no file of exchange rates; the first row is `Date, USD, JPY, …` as the European Central Bank's, or \
         `date,from,to,rate`"
    );
    ReadError::NotRates { line, reason }
}

/// The form, and whether the row that shows it is a header.
fn form_of(cells: &[String], line: u64) -> Result<(Form, bool), ReadError> {
    let names: Vec<String> = cells.iter().map(|cell| cell.to_lowercase()).collect();
    let place = |name: &str| names.iter().position(|cell| cell == name);
    let named = ["date", "from", "to", "rate"].map(place);
    if let [Some(date), Some(from), Some(to), Some(rate)] = named {
        return Ok((Form::Long([date, from, to, rate]), true));
    }
    let is_wide = names.first().is_some_and(|name| name == "date") && names.len() > 1;
    if is_wide {
        let mut columns = vec![None];
        for name in &names[1..] {
            if !name.is_empty() && (code(name).is_none() || columns.contains(&Some(name.clone()))) {
                return Err(not_rates(line, &format!("`{name}` is no currency, or stands there twice")));
            }
            columns.push((!name.is_empty()).then(|| name.clone()));
        }
        return Ok((Form::Wide(columns), true));
    }
    let is_row = cells.len() >= 4 && day(&cells[0]).is_some() && code(&cells[1]).is_some();
    if is_row { Ok((Form::Long([0, 1, 2, 3]), false)) } else { Err(not_rates(line, "the header is unknown")) }
}

/// Reads one row, all of it or nothing.
fn take(form: &Form, cells: &[String], line: u64, file: &mut RateFile) {
    let read = match form {
        Form::Wide(columns) => wide(columns, cells, line),
        Form::Long(places) => long(*places, cells, line),
    };
    match read {
        Ok(rows) => file.rows.extend(rows),
        Err(reason) => file.bad.push(BadRow { line, reason }),
    }
}

fn wide(columns: &[Option<String>], cells: &[String], line: u64) -> Result<Vec<RateRow>, String> {
    let date = date_of(&cells[0])?;
    // A column without a name at the end is a comma at the end of the header.
    let width = columns.iter().rposition(Option::is_some).map_or(1, |last| last + 1);
    if cells.len() < width {
        return Err(format!("it ends after {} of {width} columns; is the file whole?", cells.len()));
    }
    let mut rows = Vec::new();
    for (index, cell) in cells.iter().enumerate().skip(1).filter(|(_, cell)| !is_blank(cell)) {
        let Some(Some(to)) = columns.get(index) else {
            return Err(format!("`{}` stands under no currency", shown(cell)));
        };
        number(cell)?;
        let (from, to) = (EURO.to_owned(), to.clone());
        rows.push(RateRow { line, date, from, to, rate: cell.clone() });
    }
    Ok(rows)
}

fn long([date, from, to, rate]: [usize; 4], cells: &[String], line: u64) -> Result<Vec<RateRow>, String> {
    let cell = |index: usize| cells.get(index).map_or("", String::as_str);
    let currency =
        |text: &str| code(text).ok_or_else(|| format!("`{}` is no currency of three letters", shown(text)));
    let date = date_of(cell(date))?;
    let (from, to) = (currency(cell(from))?, currency(cell(to))?);
    if from == to {
        return Err(format!("{from} is exchanged for itself"));
    }
    if is_blank(cell(rate)) {
        return Ok(Vec::new());
    }
    number(cell(rate))?;
    Ok(vec![RateRow { line, date, from, to, rate: cell(rate).to_owned() }])
}

fn date_of(text: &str) -> Result<NaiveDate, String> {
    day(text).ok_or_else(|| format!("`{}` is no date such as 2026-10-30", shown(text)))
}

/// `2026-10-30`, or `30 October 2026` as the daily file has it.
fn day(text: &str) -> Option<NaiveDate> {
    let is_iso = text.len() == 10 && text.is_char_boundary(4) && text[4..].starts_with('-');
    let form = if is_iso { "%Y-%m-%d" } else { "%d %B %Y" };
    let date = NaiveDate::parse_from_str(text, form).ok()?;
    let plausible = NaiveDate::from_ymd_opt(1900, 1, 1)?..=NaiveDate::from_ymd_opt(2999, 12, 31)?;
    plausible.contains(&date).then_some(date)
}

fn code(text: &str) -> Option<String> {
    let is_code = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_code.then(|| text.to_ascii_lowercase())
}

/// Whether a cell says that there is no rate.
fn is_blank(text: &str) -> bool {
    text.is_empty() || text == "-" || text.eq_ignore_ascii_case("n/a")
}

fn number(text: &str) -> Result<(), String> {
    let is_plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_zero = text.bytes().all(|byte| byte == b'0' || byte == b'.');
    let is_short = whole.len() <= 9 && part.len() <= 20;
    if is_plain(whole) && is_plain(part) && is_short && !is_zero {
        return Ok(());
    }
    Err(format!(
        "`{}` is no rate: a number above zero with a point, of at most 9 digits before and 20 after it, such as 1.0856",
        shown(text)
    ))
}

/// A cell as a message shows it: the beginning is enough to find it.
fn shown(text: &str) -> String {
    text.chars().take(40).map(|letter| if letter.is_control() { '·' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> RateFile {
        rates(text.as_bytes()).unwrap()
    }

    fn told(file: &RateFile) -> Vec<String> {
        assert_eq!(file.bad, []);
        let row = |row: &RateRow| format!("{}: {} {} {} {}", row.line, row.date, row.from, row.to, row.rate);
        file.rows.iter().map(row).collect()
    }

    #[test]
    fn the_banks_table_through_time_is_read_with_its_gaps() {
        let text = "Date,USD,JPY,CYP,\n2026-10-30,1.0856,162.34,N/A,\n2026-10-29,1.0841,,N/A,\n";
        let expected =
            ["2: 2026-10-30 eur usd 1.0856", "2: 2026-10-30 eur jpy 162.34", "3: 2026-10-29 eur usd 1.0841"];
        assert_eq!(told(&read(text)), expected);
    }

    #[test]
    fn the_banks_table_of_a_day_writes_its_date_in_words() {
        let expected = ["2: 2026-10-02 eur usd 1.0856", "2: 2026-10-02 eur jpy 162.34"];
        for date in ["02 October 2026", "2 Oct 2026"] {
            assert_eq!(told(&read(&format!("Date, USD, JPY, \n{date}, 1.0856, 162.34, \n"))), expected);
        }
    }

    #[test]
    fn plain_rows_are_read_with_and_without_a_header_in_any_order_of_columns() {
        let expected = ["2: 2026-10-30 usd eur 0.92"];
        assert_eq!(told(&read("date,from,to,rate\n2026-10-30,USD,eur,0.92\n")), expected);
        assert_eq!(told(&read("Rate,To,From,Date,Note\n0.92,EUR,USD,2026-10-30,x\n")), expected);
        assert_eq!(told(&read("\n2026-10-30,usd,eur,0.92")), expected);
    }

    #[test]
    fn marks_blanks_and_the_line_ends_of_other_systems_do_not_matter() {
        let text = "\u{feff}date,from,to,rate\r\n\r\n\"2026-10-30\" , usd ,eur, 0.92 ,\r\n,,,\r\n2026-10-31,usd,eur,N/A\r\n";
        assert_eq!(read(text).rows.len(), 1);
        assert_eq!(read(text).bad, []);
    }

    #[test]
    fn a_row_that_can_not_be_read_is_named_with_its_line_and_none_of_it_is_taken() {
        let cases = [
            ("2026-13-30,usd,eur,0.92", "date"),
            ("30/10/2026,usd,eur,0.92", "date"),
            ("2026-10-30,dollar,eur,0.92", "dollar"),
            ("2026-10-30,usd,USD,1", "itself"),
            ("2026-10-30,usd,eur,0.000", "above zero"),
            ("2026-10-30,usd,eur,-1", "above zero"),
            ("2026-10-30,usd,eur,1.2.3", "above zero"),
            ("2026-10-30,usd,eur,\"0,92\"", "point"),
            ("2026-10-30,usd,eur,6e-5", "point"),
            ("2026-10-30,usd", "no currency"),
        ];
        for (row, word) in cases {
            let file = read(&format!("date,from,to,rate\n2026-10-29,usd,eur,0.91\n{row}\n"));
            assert_eq!((file.rows.len(), file.bad.len()), (1, 1), "{row}");
            assert_eq!(file.bad[0].line, 3);
            assert!(file.bad[0].reason.contains(word), "{row}: {}", file.bad[0].reason);
        }
        let wide = read("Date,USD,JPY,\n2026-10-30,1.08,broken\n2026-10-29,1.08,160,7\n2026-10-28,1.0");
        assert_eq!((wide.rows.len(), wide.bad.len()), (0, 3));
        assert!(wide.bad[2].reason.contains("2 of 3 columns"), "{}", wide.bad[2].reason);
    }

    #[test]
    fn what_is_no_table_of_rates_is_told_with_the_forms_that_are() {
        for text in [
            "",
            "\n\n",
            "{\"id\": \"evt_1\"}",
            "Date,USD,nonsense\n",
            "Date,USD,USD\n",
            "a,b,c,d\n",
            "PK\u{3}",
        ] {
            let error = rates(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("date,from,to,rate"), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_stop_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200), has_header in any::<bool>()) {
            let header: &[u8] = if has_header { b"Date,USD,JPY\n" } else { b"date,from,to,rate\n" };
            let _ = rates(&[header, &bytes].concat());
            let _ = rates(&bytes);
        }
    }
}
