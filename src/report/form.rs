//! The forms in which a report is handed over as a file.

use super::{RangeReport, Report, ReportError};

/// A form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// One self-contained page.
    Html,
    /// A workbook for spreadsheets.
    Xlsx,
    /// Comma-separated values, one figure a row.
    Csv,
    /// An archive with one such file a section.
    Zip,
    /// One JSON object.
    Json,
    /// Markdown.
    Md,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Html, Self::Xlsx, Self::Csv, Self::Zip, Self::Json, Self::Md];

    /// Its word, which is also what its files' names end in.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
            Self::Zip => "zip",
            Self::Json => "json",
            Self::Md => "md",
        }
    }

    /// Reads its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.as_str() == word)
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Zip => "application/zip",
            Self::Json => "application/json",
            Self::Md => "text/markdown; charset=utf-8",
        }
    }

    /// Whether every movement of the month has its place in it.
    #[must_use]
    pub fn holds_register(self) -> bool {
        matches!(self, Self::Html | Self::Xlsx | Self::Zip)
    }

    /// The same of a run of months: a page and a workbook have a column a month, and no place for a year's movements.
    #[must_use]
    pub fn holds_registers(self) -> bool {
        matches!(self, Self::Zip)
    }
}

/// What is a report of whichever kind, in a form: both have a face of each.
macro_rules! in_form {
    ($report:expr, $form:expr) => {
        Ok(match $form {
            Form::Html => $report.to_html()?.into_bytes(),
            Form::Xlsx => $report.to_xlsx()?,
            Form::Csv => $report.to_csv()?.into_bytes(),
            Form::Zip => $report.to_csv_files()?,
            Form::Json => $report.to_json()?.into_bytes(),
            Form::Md => $report.to_markdown().into_bytes(),
        })
    };
}

impl Report {
    /// The report in a form.
    ///
    /// # Errors
    ///
    /// [`ReportError`] of that form.
    pub fn in_form(&self, form: Form) -> Result<Vec<u8>, ReportError> {
        in_form!(self, form)
    }
}

impl RangeReport {
    /// The reports of a run of months in a form.
    ///
    /// # Errors
    ///
    /// [`ReportError`] of that form.
    pub fn in_form(&self, form: Form) -> Result<Vec<u8>, ReportError> {
        in_form!(self, form)
    }
}
