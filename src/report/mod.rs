//! The monthly expansion report: questions over what stands in the ledger, their answers as data, and
//! one file for each face they are shown with.
//!
//! Reading order: [`History`] and [`Settings`] come in, [`month_report`] and [`range_report`] answer
//! with a [`Report`] (section 6 of the rules), and every renderer makes its text of that one model. The
//! room is pure: it knows no clock and no store.

mod block;
mod build;
mod error;
mod figures;
mod fraction;
mod history;
mod scale;
mod segment;
mod settings;
mod tally;
mod trailing;

pub use build::*;
pub use error::*;
pub use figures::*;
pub use fraction::*;
pub use history::*;
pub use scale::*;
pub use settings::*;
