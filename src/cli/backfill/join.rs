//! Rows of several tables that tell of one object, an invoice and its lines: put aside on a disk until all files
//! are read, whatever comes first, and then joined.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::parked::{Beside, ParkedRow};
use super::read::checked;
use crate::backfill::{Group, Grouped};
use crate::stripe::{Sheet, SheetRow, Whole};

/// A place, and the document that stands there, or what could not be read.
pub(super) type Joined = (String, Result<Vec<u8>, ParkedRow>);

/// Rows that wait for those of other tables.
pub(super) struct Join {
    rows: Grouped,
    tables: Vec<Table>,
    known: HashMap<(String, Vec<String>), usize>,
    book: Option<String>,
    /// Why not all rows could be put aside: then none of them is joined, for a part would be missing.
    fault: Option<io::Error>,
}

struct Table {
    file: String,
    sheet: Sheet,
}

/// A row as it is put aside.
#[derive(Serialize, Deserialize)]
struct Row {
    table: usize,
    line: u64,
    cells: Vec<String>,
}

impl Join {
    /// None yet; they will lie in a directory.
    pub(super) fn within(directory: &Path, book: Option<String>) -> Self {
        let (tables, known) = (Vec::new(), HashMap::new());
        Self { rows: Grouped::within(directory), tables, known, book, fault: None }
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.fault.is_none()
    }

    /// The number of a table of a file.
    pub(super) fn table(&mut self, file: &str, sheet: Sheet) -> usize {
        let next = self.tables.len();
        let at = *self.known.entry((file.to_owned(), sheet.columns().to_vec())).or_insert(next);
        if at == next {
            self.tables.push(Table { file: file.to_owned(), sheet });
        }
        at
    }

    /// Puts a row of a table aside. One that names no object waits for nothing, and is given back with its document.
    ///
    /// # Errors
    ///
    /// A disk that is full.
    pub(super) fn lay(&mut self, table: usize, line: u64, cells: Vec<String>) -> io::Result<Option<Joined>> {
        let Some(of) = self.tables.get(table) else { return Ok(None) };
        let Some((whole, id)) = of.sheet.joins(&cells) else {
            let rows = [&Row { table, line, cells }];
            return Ok(self.alone(&rows));
        };
        let kind = match whole {
            Whole::Invoice => 'i',
            Whole::Subscription => 's',
        };
        let key = format!("{kind}{id}");
        let laid = serde_json::to_vec(&Row { table, line, cells })
            .map_err(io::Error::other)
            .and_then(|row| self.rows.lay(&key, &row));
        if let Err(error) = &laid {
            self.fault = Some(io::Error::new(error.kind(), error.to_string()));
        }
        laid.map(|()| None)
    }

    /// The documents of the next objects; `None` after the last.
    ///
    /// # Errors
    ///
    /// A disk that fails, or that was full when rows were put aside.
    pub(super) fn take(&mut self) -> io::Result<Option<Vec<Joined>>> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let Some(groups) = self.rows.take()? else { return Ok(None) };
        let mut joined = Vec::new();
        for group in groups {
            joined.extend(self.documents(&self.rows_of(&group)?));
        }
        Ok(Some(joined))
    }

    /// The rows of one object, in the order of their places.
    fn rows_of(&self, group: &Group) -> io::Result<Vec<Row>> {
        let read = |row: &Vec<u8>| serde_json::from_slice::<Row>(row).map_err(io::Error::other);
        let mut rows: Vec<Row> = group.iter().map(read).collect::<io::Result<_>>()?;
        let place = |row: &Row| self.tables.get(row.table).map(|table| (&table.file, row.line));
        rows.sort_by(|a, b| place(a).cmp(&place(b)));
        Ok(rows)
    }

    /// The documents of one object's rows: joined, or each by itself where what the object needs is not there.
    fn documents(&self, rows: &[Row]) -> Vec<Joined> {
        let is_head = |row: &&Row| self.tables.get(row.table).is_some_and(|table| table.sheet.is_head());
        let (heads, under): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(is_head);
        let shown: Vec<SheetRow<'_>> = under.iter().filter_map(|row| self.shown(row)).collect();
        let mut documents = Vec::new();
        let mut is_used = false;
        for heads in self.together(&heads) {
            let sheet = heads.first().and_then(|head| Some(&self.tables.get(head.table)?.sheet));
            if sheet.is_some_and(|sheet| sheet.is_completed_by(&shown)) {
                is_used = true;
                documents.extend(self.whole(&heads, &under));
            } else {
                documents.extend(self.alone(&heads));
            }
        }
        if !is_used {
            documents.extend(under.iter().filter_map(|row| self.alone(&[*row])));
        }
        documents
    }

    /// The rows that are one object's as one table has them: one, or the plans of a subscription.
    fn together<'r>(&self, heads: &[&'r Row]) -> Vec<Vec<&'r Row>> {
        let mut together: Vec<Vec<&Row>> = Vec::new();
        for head in heads {
            let has_plans =
                self.tables.get(head.table).is_some_and(|table| table.sheet.whole(&head.cells).is_some());
            match together.last_mut() {
                Some(last) if has_plans && last.first().is_some_and(|first| first.table == head.table) => {
                    last.push(head);
                }
                _ => together.push(vec![head]),
            }
        }
        together
    }

    fn shown<'r>(&'r self, row: &'r Row) -> Option<SheetRow<'r>> {
        Some((&self.tables.get(row.table)?.sheet, &row.cells))
    }

    /// The document of rows of one table, as it is without any other.
    fn alone(&self, rows: &[&Row]) -> Option<Joined> {
        let first = rows.first()?;
        let Table { file, sheet } = self.tables.get(first.table)?;
        let cells: Vec<Vec<String>> = rows.iter().map(|row| row.cells.clone()).collect();
        let body = checked(sheet.document(&cells, self.book.as_deref()));
        let park = |reason| ParkedRow::of_rows(file, first.line, reason, sheet, cells);
        Some((format!("{file}:{}", first.line), body.map_err(park)))
    }

    /// The document of an object's rows with all that stand under them.
    fn whole(&self, heads: &[&Row], under: &[&Row]) -> Option<Joined> {
        let first = heads.first()?;
        let Table { file, sheet } = self.tables.get(first.table)?;
        let cells: Vec<Vec<String>> = heads.iter().map(|row| row.cells.clone()).collect();
        let with = |under: &[&Row]| {
            let shown: Vec<SheetRow<'_>> = under.iter().filter_map(|row| self.shown(row)).collect();
            checked(sheet.document_with(&cells, &shown, self.book.as_deref()))
        };
        let place = format!("{file}:{}", first.line);
        let reason = match with(under) {
            Ok(body) => return Some((place, Ok(body))),
            Err(reason) => reason,
        };
        let wrong = under.iter().find(|row| with(&[**row]).is_err()).unwrap_or(first);
        let Table { file, sheet } = self.tables.get(wrong.table)?;
        let others = heads.iter().chain(under).filter(|row| !std::ptr::eq(**row, *wrong));
        let others = others.filter_map(|row| {
            let Table { file, sheet } = self.tables.get(row.table)?;
            Some(Beside::of(file, row.line, sheet, &row.cells))
        });
        let parked = ParkedRow::of_rows(file, wrong.line, reason, sheet, vec![wrong.cells.clone()]);
        Some((format!("{file}:{}", wrong.line), Err(parked.with(others.collect()))))
    }
}
