//! The ledger for other people's tools: movements and levels as Parquet for a warehouse, with the description that dbt
//! reads; movements as ChartMogul exports them.
//!
//! Everything is written as it is read, so that memory holds a page whatever the ledger's size. Amounts are exact
//! decimals (R1), instants are in UTC.

mod chartmogul;
mod column;
mod dbt;
mod error;
mod levels;
mod movements;
mod parquet;

pub use chartmogul::{CHARTMOGUL_COLUMNS, chartmogul_csv};
pub use column::{Column, Holds};
pub use dbt::{TABLES, TableTold, sources};
pub use error::ExportError;
pub use levels::{LEVELS, LevelsFile, MONTH_ENDS, MonthEndsFile};
pub use movements::{MOVEMENTS, MovementsFile};
pub use parquet::Origin;
