//! Rows of tables: what they tell goes through the readers of the listed objects that they are of.

use crate::mrr::{Grade, Instant};

use super::super::rows::{self, Told};
use super::{Envelope, Json, NESTED, Node, Source, Subject, Translation, Unfit, ignored};

/// What a row's document says: what a list would say that was made when the row was seen, for an export
/// does not tell of when it is. A price's and a coupon's terms hold since they were made.
pub(super) fn read(body: &[u8], envelope: &Envelope, sha256_hex: &str) -> Result<Translation, Unfit> {
    let json: Json<'_> = serde_json::from_slice(body)
        .map_err(|_| Unfit { path: "$".to_owned(), reason: NESTED.to_owned() })?;
    let source = |at| Source { envelope, sha256_hex, grade: Grade::Csv, at: Instant(at) };
    let listed = source(envelope.created);
    let row = |object| Node::object_at(object, "row");
    match rows::told(&json)? {
        Told::Nothing(reason) => Ok(ignored(reason)),
        Told::Subscription(object) => listed.subscription_listed(&row(&object)?),
        Told::Customer(object) => listed.customer_listed(&row(&object)?),
        Told::Price(object, at) => source(at).catalogue(&row(&object)?, Subject::Price),
        Told::Product(object, at) => source(at).catalogue(&row(&object)?, Subject::Product),
        Told::Coupon(object, at) => source(at).catalogue(&row(&object)?, Subject::Coupon),
    }
}
