//! The report as a workbook: the sheet that the other faces show, with numbers that are numbers, sums that
//! are formulas with their results, and charts that the spreadsheet draws from the cells.

use std::collections::BTreeMap;

use rust_xlsxwriter::{
    Chart, Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Formula, Workbook,
    Worksheet,
};

use super::cell::{Cell, Form, Number};
use super::sheet::{Section, Sheet};
use super::workbook_charts::{Place, charts, run_charts};
use super::workbook_marks::mark;
use super::{RangeReport, Report, ReportError};
use crate::mrr::Instant;

/// The longest name that a worksheet may have.
const LONGEST_NAME: usize = 31;

/// The most movements that one worksheet is given: it holds 1,048,576 rows.
const MOST_ROWS: usize = 1_048_000;

/// The widest that a column is made, in letters.
const WIDEST: usize = 60;

/// How wide a column is that is drawn in.
const DRAWN: usize = 18;

impl Report {
    /// The report as a workbook; the same report gives the same bytes.
    ///
    /// # Errors
    ///
    /// [`ReportError::Workbook`] for what no spreadsheet can hold: a cell of more than 32,767 letters.
    pub fn to_xlsx(&self) -> Result<Vec<u8>, ReportError> {
        workbook(&Sheet::whole(self), self.data_through)
    }
}

impl RangeReport {
    /// The reports as a workbook, one column a month and one for all of them.
    ///
    /// # Errors
    ///
    /// [`ReportError::Workbook`], as of one report.
    pub fn to_xlsx(&self) -> Result<Vec<u8>, ReportError> {
        workbook(&self.whole_sheet(), self.months.last().and_then(|report| report.data_through))
    }
}

/// `made` stands for the time at which the file was made, so that the bytes do not depend on a clock.
fn workbook(sheet: &Sheet, made: Option<Instant>) -> Result<Vec<u8>, ReportError> {
    let mut book = Workbook::new();
    let made = ExcelDateTime::from_timestamp(made.map_or(0, |at| at.0))?;
    let properties = DocProperties::new().set_title(&sheet.title).set_author("upswell");
    book.set_properties(&properties.set_creation_datetime(&made));
    let mut cover = Page::new(book.add_worksheet(), "Report")?;
    cover.heading(&sheet.title, 16)?;
    for (name, value) in &sheet.facts {
        cover.line(&[name.as_str().into(), value.as_str().into()])?;
    }
    if let Some(said) = sheet.quiet() {
        cover.line(&[said.into()])?;
    }
    cover.finish(sheet.is_run)?;
    for block in &sheet.blocks {
        let mut page = Page::new(book.add_worksheet(), &block.currency)?;
        page.heading(&format!("{} · {}", sheet.title, block.currency), 16)?;
        for tile in &block.tiles {
            page.line(&[tile.name.into(), tile.value.clone(), tile.note.as_str().into()])?;
        }
        for sentence in &block.said {
            page.sentence(sentence)?;
        }
        for section in &block.sections {
            page.section(section)?;
        }
        page.finish(sheet.is_run)?;
    }
    if !sheet.rest.is_empty() {
        let mut page = Page::new(book.add_worksheet(), sheet.rest_title)?;
        for section in &sheet.rest {
            page.section(section)?;
        }
        page.finish(sheet.is_run)?;
    }
    if let Some(register) = &sheet.register {
        let mut page = Page::new(book.add_worksheet(), &register.title)?;
        page.section(&register.clone().at_most(MOST_ROWS))?;
        page.finish(sheet.is_run)?;
    }
    Ok(book.save_to_buffer()?)
}

/// A worksheet that is written from top to bottom.
struct Page<'b> {
    worksheet: &'b mut Worksheet,
    name: String,
    row: u32,
    widths: Vec<usize>,
    /// Where the rows of each section stand, for charts.
    places: BTreeMap<String, Place>,
}

impl<'b> Page<'b> {
    fn new(worksheet: &'b mut Worksheet, name: &str) -> Result<Self, ReportError> {
        let name: String = name.chars().take(LONGEST_NAME).collect();
        worksheet.set_name(&name)?;
        worksheet.set_screen_gridlines(false).set_landscape().set_print_fit_to_pages(1, 0);
        Ok(Self { worksheet, name, row: 0, widths: Vec::new(), places: BTreeMap::new() })
    }

    fn heading(&mut self, text: &str, size: u32) -> Result<(), ReportError> {
        let format = Format::new().set_bold().set_font_size(size);
        self.worksheet.write_string_with_format(self.row, 0, text, &format)?;
        self.row += 1;
        Ok(())
    }

    /// Cells that belong to no table.
    fn line(&mut self, cells: &[Cell]) -> Result<(), ReportError> {
        for (column, cell) in (0..).zip(cells) {
            self.cell(column, cell, false, None)?;
        }
        self.row += 1;
        Ok(())
    }

    fn section(&mut self, section: &Section) -> Result<(), ReportError> {
        self.row += 1;
        self.heading(&section.title, 12)?;
        let head = Format::new().set_bold().set_border_bottom(FormatBorder::Thin);
        for (column, of) in (0..).zip(&section.columns) {
            let format = if of.is_number { head.clone().set_align(FormatAlign::Right) } else { head.clone() };
            self.worksheet.write_string_with_format(self.row, column, &of.name, &format)?;
            self.widen(column, of.name.chars().count());
        }
        let at = self.row;
        self.row += 1;
        let first = self.row;
        for row in &section.rows {
            for (column, cell) in (0..).zip(&row.cells) {
                self.cell(column, cell, row.is_total, row.is_sum.then_some(first))?;
            }
            self.row += 1;
        }
        if let Some(drawn) = mark(self.worksheet, &self.name, section, at)? {
            self.widen(drawn, DRAWN);
        }
        if let Some(place) = Place::of(section, at) {
            self.places.insert(section.key.clone(), place);
        }
        section.note.iter().try_for_each(|note| self.sentence(note))
    }

    /// A line of text that makes no column wider.
    fn sentence(&mut self, text: &str) -> Result<(), ReportError> {
        let format = Format::new().set_italic().set_font_color(Color::RGB(0x005F_6B7A));
        self.worksheet.write_string_with_format(self.row, 0, text, &format)?;
        self.row += 1;
        Ok(())
    }

    /// Writes a cell; with `sum_from`, an amount as the sum of the rows from there to the one above.
    fn cell(
        &mut self,
        column: u16,
        cell: &Cell,
        is_total: bool,
        sum_from: Option<u32>,
    ) -> Result<(), ReportError> {
        let mut format = Format::new();
        if is_total {
            format = format.set_bold().set_border_top(FormatBorder::Thin);
        }
        let is_amount = |number: &Number| matches!(number.form, Form::Amount(_));
        match (&cell.number, sum_from) {
            (Some(number), Some(first)) if is_amount(number) && self.row > first => {
                let letter = rust_xlsxwriter::utility::column_number_to_name(column);
                let formula = format!("SUM({letter}{}:{letter}{})", first + 1, self.row);
                let formula = Formula::new(formula).set_result(&number.decimal);
                let format = format.set_num_format(code(number.form));
                self.worksheet.write_formula_with_format(self.row, column, formula, &format)?;
            }
            (Some(number), _) => {
                let format = format.set_num_format(code(number.form));
                let value = number.decimal.parse::<f64>()?;
                self.worksheet.write_number_with_format(self.row, column, value, &format)?;
            }
            (None, _) => {
                self.worksheet.write_string_with_format(self.row, column, &cell.text, &format)?;
            }
        }
        self.widen(column, cell.text.chars().count());
        Ok(())
    }

    fn widen(&mut self, column: u16, letters: usize) {
        let column = usize::from(column);
        if self.widths.len() <= column {
            self.widths.resize(column + 1, 8);
        }
        self.widths[column] = self.widths[column].max(letters.min(WIDEST));
    }

    fn finish(self, is_run: bool) -> Result<(), ReportError> {
        for (column, letters) in (0..).zip(&self.widths) {
            self.worksheet.set_column_width(column, u32::try_from(letters + 2).unwrap_or(8))?;
        }
        let beside = u16::try_from(self.widths.len() + 1).unwrap_or(1);
        let mut row = 1;
        let charts = if is_run { run_charts } else { charts };
        for chart in charts(&self.name, &self.places) {
            self.worksheet.insert_chart(row, beside, &Chart::clone(&chart))?;
            row += 17;
        }
        Ok(())
    }
}

/// How a spreadsheet is told to print a number as the other faces do.
fn code(form: Form) -> String {
    match form {
        Form::Amount(0) | Form::Count => "#,##0".to_owned(),
        Form::Amount(decimals) => format!("#,##0.{}", "0".repeat(decimals as usize)),
        Form::Percent => "0.00\\ %".to_owned(),
        Form::Times => "0.00\"×\"".to_owned(),
    }
}
