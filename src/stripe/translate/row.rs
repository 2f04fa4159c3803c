//! Rows of tables: what they tell goes through the readers of the listed objects that they are of.

use std::sync::Arc;

use crate::mrr::{Cadence, Delta, Fact, Grade, Instant, ItemChange, Price, Scheme, UsageType};

use super::super::rows::{self, Change, Told};
use super::{Envelope, Evidence, Json, NESTED, Node, Source, Subject, Translation, Unfit, ignored};

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
        Told::Invoice(object) => listed.invoice_listed(&row(&object)?),
        Told::Customer(object) => listed.customer_listed(&row(&object)?),
        Told::Change(change) => Ok(listed.change(change)),
        Told::Price(object, at) => source(at).catalogue(&row(&object)?, Subject::Price),
        Told::Product(object, at) => source(at).catalogue(&row(&object)?, Subject::Product),
        Told::Coupon(object, at) => source(at).catalogue(&row(&object)?, Subject::Coupon),
    }
}

impl Source<'_> {
    /// A change of an item. Of the price the row tells the id and the product (R4).
    fn change(&self, change: Change) -> Translation {
        let price = Price {
            id: change.price.into(),
            product: change.product.into(),
            currency: change.currency.into(),
            cadence: Cadence::MONTHLY,
            usage_type: UsageType::Licensed,
            scheme: Scheme::PriceNotSent,
            is_seat: true,
            succeeds: None,
        };
        Translation::Facts(vec![Fact::Change(ItemChange {
            customer: change.customer.into(),
            subscription: change.subscription.into(),
            item: change.item.into(),
            price: Arc::new(price),
            quantity: change.quantity,
            delta: Delta(change.mrr),
            at: Instant(change.at),
            evidence: Evidence { grade: Grade::Sigma, ..self.evidence() },
        })])
    }
}
