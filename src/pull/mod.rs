//! What Stripe has and the store has not, read from Stripe's API list by list and put through the same door as
//! webhooks: everything at once (`upswell backfill --from-api`), or what was missed while nobody was there to
//! receive it (`upswell serve`).
//!
//! A list is read in slices of time, each page after page, several slices at a time under the one rate limit. How
//! far a slice was read is written down once what it held is durable, so that a crash costs the page in flight.

mod catch_up;
mod plan;
mod puller;
mod run;

pub use catch_up::{CatchUp, Caught, LOST, note_absence};
pub use plan::EVENTS_KEPT_SECONDS;
pub use puller::{PullError, Puller, Taken};
pub use run::{Fault, Told, accounts, pull};
