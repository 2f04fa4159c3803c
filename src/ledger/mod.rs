//! The store: the inbox of deliveries as they came, the timelines of customers, the postings, and
//! what follows from them. Rows and SQL stay in here.
//!
//! Inbox and postings are only ever added to; the store itself refuses anything else. A settlement
//! is one transaction, so that there is no state between "the fact is in" and "its movements are".

mod arrivals;
mod aside;
mod ask;
mod books;
mod catalogue;
mod checklist;
mod claim;
mod close;
mod closing;
mod compared;
mod complete;
mod copy;
mod customer;
mod dispatch;
mod error;
mod fact;
mod finding;
mod frozen;
mod gauges;
mod inbox;
mod level;
mod limited;
mod line;
mod mirror;
mod months;
mod open;
mod packed;
mod postgres;
mod posting;
mod project;
mod pull;
mod rate;
mod read;
mod roll_up;
mod roll_up_closed;
mod rules;
mod settle;
mod snapshot;
mod sql;
mod touched;
mod view;
mod wanted;

#[cfg(test)]
mod tests;

pub use arrivals::Arrivals;
pub use aside::{Aside, LAID_AT_MOST, LaidFact, Sorted};
pub use ask::{EventAt, Gap, WaitingEvent};
pub use books::{KeptCustomer, books_digest, place, standing_among};
pub use catalogue::{LearntSoFar, NewLesson, Taught};
pub use checklist::Checklist;
pub use claim::Run;
pub use close::{CloseError, CloseOrder, Closed, Doubts};
pub use closing::{Closing, Closings, MonthAct};
pub use compared::ComparedMonth;
pub use complete::Untold;
pub use customer::{CustomerKey, Known};
pub use dispatch::{Claim, DispatchState, Dispatched, Insistence};
pub use error::LedgerError;
pub use fact::NewFact;
pub use finding::{FindingCounts, FoundFinding};
pub use frozen::Frozen;
pub use gauges::{Gauges, PostedCount};
pub use inbox::{Acceptance, Arrival, Says, Source, Stored};
pub use open::{Ledger, SettlingTurn, StoreTerms};
pub use packed::Packed;
pub use posting::{Posting, movement_id};
pub use pull::{LastDelivery, PullSlice};
pub use rate::{ImportedQuote, RateImport, RateSource, Replaced};
pub use read::{Conflict, Counts, IgnoredEvents, ParkedEvent, Poisoned, SetAside, unreadable};
pub use roll_up::{Fold, RollUp, RollUpMonth, StandingSum};
pub use roll_up_closed::ClosedSums;
pub use rules::{SettlementRules, UsedRules};
pub use settle::{CustomerSettlement, Disposition, Outcome, Posted, Settlement};
pub use snapshot::{Among, Behind, HeldCustomers, Snapshot};
pub use touched::Touched;
pub use view::{Attributes, StatusAt};
pub use wanted::{Wanted, WantedSum};
