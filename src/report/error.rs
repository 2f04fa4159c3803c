//! What can go wrong in making a report or one of its faces.

/// Why a report could not be made or rendered.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// `--by` names no dimension.
    #[error(
        "no dimension is called `{word}`; use product, price, currency, country, size_band, tenure, \
         pricing_model, owner or metadata.KEY, for example `--by product`"
    )]
    UnknownDimension {
        /// The word.
        word: String,
    },
    /// `--view` names no view.
    #[error(
        "no view is called `{word}`; use sales, marketing, finance, executive or owner, for example `--view sales`"
    )]
    UnknownView {
        /// The word.
        word: String,
    },
    /// A range that ends before it starts, or is too long to print.
    #[error(
        "the months {from} to {to} are no range of 1 to 120 months; give --from an earlier month than --to"
    )]
    BadRange {
        /// Its first month.
        from: crate::mrr::Month,
        /// Its last.
        to: crate::mrr::Month,
    },
    /// JSON could not be written.
    #[error("the report could not be written as JSON")]
    Json(#[from] serde_json::Error),
    /// CSV could not be written.
    #[error("the report could not be written as CSV")]
    Csv(#[from] csv::Error),
    /// The bytes of a face were no text.
    #[error("the report could not be written as text")]
    Text(#[from] std::string::FromUtf8Error),
    /// CSV could not be finished.
    #[error("the report's last rows could not be written as CSV")]
    Flush(#[from] std::io::Error),
    /// A workbook that no spreadsheet could hold.
    #[error("the report could not be written as a workbook")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
    /// A figure was no number.
    #[error("a figure could not be written into a workbook")]
    Figure(#[from] std::num::ParseFloatError),
    /// The archive of CSV files could not be written.
    #[error("the report could not be written as an archive")]
    Archive(#[from] zip::result::ZipError),
    /// The page could not be rendered.
    #[error("the report could not be written as HTML")]
    Html(#[from] askama::Error),
}

impl ReportError {
    /// Whether trying again may help: never, a report is a pure function of what it is given.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        false
    }
}
