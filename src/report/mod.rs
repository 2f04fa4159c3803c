//! The monthly expansion report: questions over what stands in the ledger, their answers as data, and
//! one file for each face they are shown with.
//!
//! Reading order: [`History`] and [`Settings`] come in, [`month_report`] and [`range_report`] answer
//! with a [`Report`] (section 6 of the rules), and every renderer makes its text of that one model. The
//! room is pure: it knows no clock and no store.

mod as_closed;
mod bar_charts;
mod block;
mod breakdown;
mod bridge;
mod build;
mod cell;
mod charts;
mod choices;
mod compare;
mod compare_faces;
mod consolidated;
mod csv_face;
mod csv_files;
mod csv_sections;
mod curve_chart;
mod customer_rows;
mod drawing;
mod effects;
mod error;
mod exceptions;
mod exchange;
mod figures;
mod fraction;
mod heat_map;
mod history;
mod html;
mod json;
mod json_sections;
mod listed;
mod lists;
mod markdown;
mod months;
mod movement_rows;
mod notices;
mod ordered;
mod over_time;
mod pauses;
mod policy_sheet;
mod range;
mod reference;
mod register;
mod remedy;
mod reporter;
mod retention;
mod rounding;
mod scale;
mod schedule_chart;
mod sections;
mod segment;
mod segment_trend;
mod settings;
mod sheet;
mod spread;
mod table;
mod tally;
mod targets;
mod tiles;
mod trailing;
mod trend_chart;
mod view;
mod waterfall;
mod window;
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
pub use exceptions::*;
pub use exchange::{FxEffect, UsedRate};
pub use figures::*;
pub use fraction::*;
pub use history::*;
pub use months::*;
pub use movement_rows::*;
pub use pauses::*;
pub use policy_sheet::*;
pub use reference::*;
pub use remedy::*;
pub use reporter::*;
pub use retention::*;
pub use scale::*;
pub use segment_trend::*;
pub use settings::*;
pub use table::plain_table;
pub use targets::*;
pub use view::*;

#[cfg(test)]
mod tests;
