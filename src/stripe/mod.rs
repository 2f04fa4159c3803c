//! Stripe's wire: whether a delivery is signed, which event it carries, and what that event says in
//! the words of [`crate::mrr`], whatever API version rendered it. Stripe's own words stop here.
//!
//! A delivery's road through this room: [`verify`] its signature over the raw bytes, [`read`] its
//! envelope (all that the inbox needs), and later, when it is settled, [`translate`] it. Nothing
//! here does I/O or knows the time.

mod amount;
mod envelope;
mod event;
mod event_types;
mod json;
mod listing;
mod node;
mod rows;
mod signature;
mod translate;

pub use amount::{Decimal, Mark};
pub use envelope::{Delivery, Envelope, EnvelopeError, Form, book, book_of, read, says};
pub use event_types::EVENT_TYPES;
pub use rows::{Clock, Sheet, SheetRow, UnknownHeader, Whole, date_time};
pub use signature::{Secret, SignatureError, Signed, sign, verify};
pub use translate::{Translation, translate};
