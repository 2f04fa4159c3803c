//! The ledger against Stripe's own figures: every customer's month, and what makes each gap.
//!
//! Reading order: [`read_file`] makes an [`Export`] of files in whatever form; [`reconcile()`] compares it
//! with a book and answers with a [`Reconciliation`], whose gaps are the exact sum of their causes. A
//! cause is named only if it is proved: the customer is derived again from its stored facts with that
//! one choice made otherwise, and comes to Stripe's figure to the last unit.

mod cause;
mod changes;
mod compare;
mod export;
mod faces;
mod file;
mod gap;
mod ours;
mod search;
mod subscribers;

pub use cause::Cause;
pub use compare::{Question, reconcile};
pub use export::{Export, Fault, Form};
pub use faces::{reconciliation_csv, reconciliation_json, reconciliation_table};
pub use file::{ExportError, read, read_file};
pub use gap::{Gap, ItemGap, MonthLine, Reconciliation};
