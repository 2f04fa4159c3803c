//! Tables as text: rows of cells between commas, semicolons or tabs, whoever saved them last.
//!
//! A row ends with its line, unless a quote is open there. A quote that is never closed costs only the
//! line it stands on, so that one broken row does not take those after it along.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};

use super::ReadError;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// A longer line, or row of several lines, is no row.
const MAX_ROW_BYTES: usize = 4 << 20;
/// No cell goes over more lines.
const MAX_ROW_LINES: usize = 512;

/// A row as it stands, and its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line where it starts, from 1; of a table that has no lines, its number, the header being 1.
    pub line: u64,
    /// Its cells without the quotes around them; as many as the header has, unless it has a flaw.
    pub cells: Vec<String>,
    /// What keeps the cells from being where they belong.
    pub flaw: Option<String>,
}

/// The rows behind a header. Ends after the first error, which is never about one row.
pub struct Table<'s> {
    /// The names of the columns, without the blanks around them.
    pub columns: Vec<String>,
    rows: Box<dyn Iterator<Item = Result<Row, ReadError>> + 's>,
    ahead: VecDeque<Result<Row, ReadError>>,
}

impl<'s> Table<'s> {
    /// A table of named columns and rows.
    pub(super) fn of(columns: Vec<String>, rows: impl Iterator<Item = Result<Row, ReadError>> + 's) -> Self {
        Self { columns, rows: Box::new(rows), ahead: VecDeque::new() }
    }

    /// The next rows, up to so many, which are given again when rows are asked for.
    pub fn look_ahead(&mut self, most: usize) -> impl Iterator<Item = &Row> {
        while self.ahead.len() < most {
            let Some(row) = self.rows.next() else { break };
            self.ahead.push_back(row);
        }
        self.ahead.iter().take(most).filter_map(|row| row.as_ref().ok())
    }
}

impl Iterator for Table<'_> {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.ahead.pop_front().or_else(|| self.rows.next())
    }
}

/// Reads a table of text: its first row that is not blank is the header.
///
/// # Errors
///
/// [`ReadError`] if its beginning can't be read, or it is empty.
pub fn table<'s>(source: impl Read + 's) -> Result<Table<'s>, ReadError> {
    let mut lines = Lines::new(source);
    let broken_off = |line, source| ReadError::BrokenOff { line, source };
    let header = loop {
        match lines.take_line().map_err(|source| broken_off(1, source))? {
            None => {
                let reason = "the file is empty; export it again".to_owned();
                return Err(ReadError::NoTable { line: 1, reason });
            }
            Some((line, text)) if text.trim_ascii().is_empty() => drop((line, text)),
            Some((line, text)) => {
                let text = text.strip_prefix(BYTE_ORDER_MARK).map(<[u8]>::to_vec).unwrap_or(text);
                lines.put_back(line, text);
                break lines.delimiter();
            }
        }
    };
    let mut rows = Rows { lines, delimiter: header, width: None, is_over: false };
    let Some(first) = rows.next().transpose()? else {
        return Err(ReadError::NoTable { line: 1, reason: "the file is empty; export it again".to_owned() });
    };
    let columns: Vec<String> = first.cells.iter().map(|name| name.trim().to_owned()).collect();
    rows.width = Some(columns.len());
    Ok(Table::of(columns, rows))
}

/// The lines of a source, which can be put back.
struct Lines<'s> {
    source: BufReader<Box<dyn Read + 's>>,
    back: VecDeque<(u64, Vec<u8>)>,
    line: u64,
}

impl<'s> Lines<'s> {
    fn new(source: impl Read + 's) -> Self {
        Self { source: BufReader::with_capacity(1 << 16, Box::new(source)), back: VecDeque::new(), line: 0 }
    }

    /// The next line with its end; what is too long for a row is given up to the bound, and passed over.
    fn take_line(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        if let Some(line) = self.back.pop_front() {
            return Ok(Some(line));
        }
        let mut text = Vec::new();
        let bound = MAX_ROW_BYTES as u64 + 1;
        if self.source.by_ref().take(bound).read_until(b'\n', &mut text)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if text.len() > MAX_ROW_BYTES && text.last() != Some(&b'\n') {
            self.source.skip_until(b'\n')?;
        }
        Ok(Some((self.line, text)))
    }

    fn put_back(&mut self, line: u64, text: Vec<u8>) {
        self.back.push_front((line, text));
    }

    /// What stands between the cells: whichever of comma, semicolon and tab the next line has most of,
    /// outside quotes.
    fn delimiter(&self) -> u8 {
        let line = self.back.front().map_or(&[][..], |(_, text)| text);
        delimiter(line)
    }
}

fn delimiter(line: &[u8]) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut is_quoted = false;
    for byte in line {
        is_quoted ^= *byte == b'"';
        let counted = counts.iter_mut().find(|(delimiter, _)| delimiter == byte && !is_quoted);
        counted.into_iter().for_each(|(_, count)| *count += 1);
    }
    let best = counts.iter().rev().max_by_key(|(_, count)| *count);
    best.map_or(b',', |(delimiter, _)| *delimiter)
}

/// Whether a line can be the first of a table: it has cells.
pub(super) fn has_cells(line: &[u8]) -> bool {
    line.contains(&delimiter(line))
}

/// Rows out of lines.
struct Rows<'s> {
    lines: Lines<'s>,
    delimiter: u8,
    /// How many cells a row has; `None` while the header is read.
    width: Option<usize>,
    is_over: bool,
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            match self.row() {
                Ok(Some(row)) if row.cells.iter().all(|cell| cell.trim().is_empty()) => {}
                Ok(row) => {
                    self.is_over = row.is_none();
                    return row.map(Ok);
                }
                Err(source) => {
                    self.is_over = true;
                    return Some(Err(ReadError::BrokenOff { line: self.lines.line, source }));
                }
            }
        }
        None
    }
}

impl Rows<'_> {
    fn row(&mut self) -> io::Result<Option<Row>> {
        let Some((line, first)) = self.lines.take_line()? else { return Ok(None) };
        if !is_open(&first) {
            return Ok(Some(self.read(line, &first, None)));
        }
        let mut text = first.clone();
        let mut more = Vec::new();
        while is_open(&text) && more.len() < MAX_ROW_LINES && text.len() <= MAX_ROW_BYTES {
            let Some(next) = self.lines.take_line()? else { break };
            text.extend_from_slice(&next.1);
            more.push(next);
        }
        let is_closed = !is_open(&text);
        let row = self.read(line, &text, None);
        if is_closed && row.flaw.is_none() {
            return Ok(Some(row));
        }
        // The quote is no cell's beginning, or was never closed: the lines after it are rows of their own.
        more.into_iter().rev().for_each(|(line, text)| self.lines.put_back(line, text));
        Ok(Some(self.read(line, &first, Some("a quote is not closed"))))
    }

    fn read(&self, line: u64, text: &[u8], flaw: Option<&str>) -> Row {
        let is_text = std::str::from_utf8(text).is_ok();
        let cells = cells(&String::from_utf8_lossy(text), self.delimiter);
        let wants = self.width.unwrap_or(cells.len());
        let has = cells.len();
        let flaw = match flaw {
            _ if text.len() > MAX_ROW_BYTES => Some("the row is over the limit of 4 MiB".to_owned()),
            _ if !is_text => Some("the row is not UTF-8; export it again as UTF-8".to_owned()),
            None if has != wants => Some(format!("the row has {has} cells, the header {wants}")),
            Some(_) if has == wants => None,
            flaw => flaw.map(str::to_owned),
        };
        Row { line, cells, flaw }
    }
}

/// Whether a quote is open at a text's end.
fn is_open(text: &[u8]) -> bool {
    text.iter().filter(|byte| **byte == b'"').count() % 2 == 1
}

/// The cells of one row.
fn cells(text: &str, delimiter: u8) -> Vec<String> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if !text.contains('"') {
        return text.split(char::from(delimiter)).map(str::to_owned).collect();
    }
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .buffer_capacity(text.len().max(1))
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(true) => record.iter().map(str::to_owned).collect(),
        _ => vec![text.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<Row>) {
        let table = table(text.as_bytes()).unwrap();
        (table.columns.clone(), table.map(Result::unwrap).collect())
    }

    fn told(text: &str) -> Vec<(u64, Vec<String>, Option<String>)> {
        read(text).1.into_iter().map(|row| (row.line, row.cells, row.flaw)).collect()
    }

    fn good(line: u64, cells: &[&str]) -> (u64, Vec<String>, Option<String>) {
        (line, cells.iter().map(|cell| (*cell).to_owned()).collect(), None)
    }

    #[test]
    fn rows_are_read_whatever_stands_between_their_cells() {
        for text in ["a,b\n1,2\n", "\u{feff}a;b\r\n1;2", "\n\na\tb\n\n1\t2\n\n", "\"a\",\"b\"\n\"1\",\"2\""] {
            let (columns, rows) = read(text);
            assert_eq!((columns.join("|"), rows[0].cells.join("|")), ("a|b".to_owned(), "1|2".to_owned()));
        }
    }

    #[test]
    fn quoted_cells_may_hold_delimiters_quotes_and_line_breaks() {
        let text = "id,name,n\n1,\"Alder\n& \"\"Sons\"\", Ltd\",2\n3,Bramble,4\n";
        let alder = good(2, &["1", "Alder\n& \"Sons\", Ltd", "2"]);
        assert_eq!(told(text), [alder, good(4, &["3", "Bramble", "4"])]);
    }

    #[test]
    fn a_quote_that_is_never_closed_costs_only_its_line() {
        let rows = told("id,name,n\n1,\"Alder,2\n3,Bramble,4\n5,Clover,6\n");
        assert_eq!((rows[0].0, rows[0].2.as_deref()), (2, Some("a quote is not closed")));
        assert_eq!(rows[1..], [good(3, &["3", "Bramble", "4"]), good(4, &["5", "Clover", "6"])]);
        // One within a cell is a character of it.
        assert_eq!(told("id,name\n1,5\" pipe\n2,b\n"), [good(2, &["1", "5\" pipe"]), good(3, &["2", "b"])]);
    }

    #[test]
    fn a_row_with_cells_too_many_says_so() {
        let rows = told("a,b\n1,2,3\n4,5\n");
        assert_eq!(rows[0].2.as_deref(), Some("the row has 3 cells, the header 2"));
        assert_eq!(rows[1], good(3, &["4", "5"]));
    }

    #[test]
    fn what_was_looked_at_ahead_is_given_all_the_same() {
        let mut table = table("a,b\n1,2\n3,4\n5,6\n".as_bytes()).unwrap();
        assert_eq!(table.look_ahead(2).count(), 2);
        assert_eq!(table.map(|row| row.unwrap().line).collect::<Vec<_>>(), [2, 3, 4]);
    }
}
