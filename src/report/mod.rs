//! The monthly expansion report: questions over what stands in the ledger, their answers as data, and
//! one file for each face they are shown with.
//!
//! Reading order: [`History`] and [`Settings`] come in, [`month_report`] and [`range_report`] answer
//! with a [`Report`] (section 6 of the rules), and every renderer makes its text of that one model. The
//! room is pure: it knows no clock and no store.

mod as_closed;
mod block;
mod breakdown;
mod bridge;
mod build;
mod cell;
mod choices;
mod closed_sums;
mod compare;
mod compare_faces;
mod consolidated;
mod csv_face;
mod csv_files;
mod customer_rows;
mod effects;
mod error;
mod exchange;
mod figures;
mod fraction;
mod from_kept;
mod history;
mod html;
mod json;
mod kept;
mod lists;
mod markdown;
mod months;
mod movement_rows;
mod ordered;
mod policy_sheet;
mod range;
mod reference;
mod reporter;
mod roll_up;
mod rounding;
mod scale;
mod sections;
mod segment;
mod settings;
mod sheet;
mod sums;
mod table;
mod tally;
mod targets;
mod tiles;
mod trailing;
mod trend_chart;
mod view;
mod waterfall;
mod workbook;
mod workbook_charts;

pub use breakdown::*;
pub use bridge::*;
pub use build::*;
pub use choices::*;
pub use compare::*;
pub use compare_faces::*;
pub use consolidated::{CONSOLIDATED, Consolidation, missing_rates};
pub use csv_face::csv_text;
pub use customer_rows::*;
pub use error::*;
pub use exchange::UsedRate;
pub use figures::*;
pub use fraction::*;
pub use history::*;
pub use months::*;
pub use movement_rows::*;
pub use policy_sheet::*;
pub use reference::*;
pub use reporter::*;
pub use roll_up::KeptProof;
pub use scale::*;
pub use settings::*;
pub use table::plain_table;
pub use targets::*;
pub use view::*;

#[cfg(test)]
mod tests;
