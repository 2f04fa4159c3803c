//! What can go wrong in writing an export.

/// Why an export could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The rows could not be written as Parquet: most likely the disk is full.
    #[error("the rows could not be written as Parquet; see that the disk has room")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    /// The rows could not be written as CSV.
    #[error(transparent)]
    Csv(#[from] crate::report::ReportError),
}
