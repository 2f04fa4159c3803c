//! The road of an event, in two halves. [`Door::accept`] verifies a delivery and answers it once it
//! is durable; [`Settler::settle`] makes of what is stored what the ledger says: translate, derive,
//! post the difference, in one transaction, so that a crash between any two steps loses nothing and
//! posts nothing twice.

mod close;
mod closed_months;
mod door;
mod settle;
mod verify;

pub use door::{AcceptError, Accepted, Door, Unready, arrival};
pub use settle::{A_BULK, ENGINE, NoFacts, Settled, Settler, facts_of};
pub use verify::{Fault, Proof, verify};
