//! Rows of tables: what they tell goes through the readers of the objects that they are of.

use crate::mrr::{Fact, Grade, Instant, Origin};

use super::super::rows::{self, Told};
use super::{Envelope, Json, NESTED, Node, Source, Subject, Translation, Unfit, ignored};

/// What a row's document says.
pub(super) fn read(body: &[u8], envelope: &Envelope, sha256_hex: &str) -> Result<Translation, Unfit> {
    let json: Json<'_> = serde_json::from_slice(body)
        .map_err(|_| Unfit { path: "$".to_owned(), reason: NESTED.to_owned() })?;
    let (told, is_sigma) = rows::told(&json)?;
    let grade = if is_sigma { Grade::Sigma } else { Grade::Csv };
    let source = |at| Source { envelope, sha256_hex, grade, at: Instant(at) };
    match told {
        Told::Nothing(reason) => Ok(ignored(reason)),
        Told::Subscription(object) => {
            let node = Node::object_at(&object, "row")?;
            source(envelope.created).subscription(&node, &node, Origin::Seen)
        }
        Told::Ended(object, at) => {
            let node = Node::object_at(&object, "row")?;
            source(at).subscription(&node, &node, Origin::Deleted)
        }
        Told::Customer(object) => source(envelope.created).customer(&Node::object_at(&object, "row")?, false),
        Told::Price(object, at) => source(at).catalogue(&Node::object_at(&object, "row")?, Subject::Price),
        Told::Product(object, at) => {
            source(at).catalogue(&Node::object_at(&object, "row")?, Subject::Product)
        }
        Told::Coupon(object, at) => source(at).catalogue(&Node::object_at(&object, "row")?, Subject::Coupon),
    }
}

/// What a row shows as it stands holds since the row was seen: an export does not say of when it is. What has
/// ended, ended when it says.
pub fn seen_at(fact: &mut Fact, received_at: Instant) {
    let is_row = |grade| matches!(grade, Grade::Csv | Grade::Sigma);
    match fact {
        Fact::Subscription(fact) if is_row(fact.evidence.grade) && fact.origin == Origin::Seen => {
            fact.at = fact.at.max(received_at);
        }
        Fact::Customer(fact) if is_row(fact.evidence.grade) => fact.at = fact.at.max(received_at),
        _ => {}
    }
}
