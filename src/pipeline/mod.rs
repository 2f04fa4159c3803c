//! The road of an event, in two halves. [`Door::accept`] verifies a delivery and answers it once it
//! is durable; [`Settler::settle`] makes of what is stored what the ledger says: translate, derive,
//! post the difference, in one transaction, so that a crash between any two steps loses nothing and
//! posts nothing twice.

mod adopt;
mod apart;
mod bulk;
mod close;
mod closed_months;
mod complete;
mod contained;
mod door;
mod pace;
mod parallel;
mod settle;
mod shelf;
mod steps;
mod verify;
mod verify_catalogue;
mod watch;
mod what_if;

pub use bulk::{Bulk, Document, Fate, ReadDocument, read_documents};
pub use complete::{Completed, Completer};
pub use door::{AcceptError, Accepted, Door, DoorTerms, Unready, arrival};
pub use pace::Pace;
pub use settle::{ENGINE, NoFacts, Settled, Settler, Told, facts_of, told_by};
pub use verify::{Fault, Proof, verify};
pub use watch::{Readings, Watch};
pub use what_if::{Tried, WhatIf, what_if};
