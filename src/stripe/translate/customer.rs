//! A customer's own events.

use crate::mrr::{CustomerFact, Discount, DiscountChange, DiscountFact, Fact};

use super::catalogue::told;
use super::discount::singular;
use super::{Json, Node, Source, Translation, Unfit, metadata};

impl Source<'_> {
    /// What a customer's event says: whether it is gone, its discount, and what it is segmented by. Its
    /// name and e-mail are left where they are.
    pub(super) fn customer(&self, object: &Node<'_, '_>, is_deleted: bool) -> Result<Translation, Unfit> {
        let discount = discount(object)?;
        let terms = discount.as_ref().and_then(Option::as_ref).and_then(|discount| discount.coupon.as_ref());
        let catalogue = self.embedded(terms);
        let fact = CustomerFact { is_deleted, discount, ..self.attributes_of(object)? };
        Ok(told(catalogue, vec![Fact::Customer(fact)]))
    }

    /// What a list shows of a customer. Its discount is one since its own `start`; that it has none when the
    /// list is made says nothing about the past.
    pub(super) fn customer_listed(&self, object: &Node<'_, '_>) -> Result<Translation, Unfit> {
        let attributes = self.attributes_of(object)?;
        let mut facts = Vec::new();
        let mut catalogue = Vec::new();
        if let Some(discount) = singular(object)? {
            let start = object.expanded("discount").map_or(Ok(None), |discount| discount.instant("start"))?;
            catalogue = self.embedded(discount.coupon.as_ref());
            facts.push(Fact::Discount(DiscountFact {
                customer: attributes.customer.clone(),
                subscription: None,
                discount,
                change: DiscountChange::Created,
                at: start.unwrap_or(self.at),
                evidence: self.evidence(),
            }));
        }
        facts.push(Fact::Customer(attributes));
        Ok(told(catalogue, facts))
    }

    fn attributes_of(&self, object: &Node<'_, '_>) -> Result<CustomerFact, Unfit> {
        Ok(CustomerFact {
            customer: object.required_id("id")?.into(),
            at: self.at,
            is_deleted: false,
            country: country(object),
            metadata: metadata(object),
            discount: None,
            evidence: self.evidence(),
        })
    }
}

/// The discount that the customer has, as far as the payload says: nothing where it leaves it out, none
/// where it is null.
fn discount(object: &Node<'_, '_>) -> Result<Option<Option<Discount>>, Unfit> {
    match object.json().get("discount") {
        None => Ok(None),
        Some(Json::Null) => Ok(Some(None)),
        Some(_) => singular(object).map(Some),
    }
}

/// The country of the address, if it is given as two letters.
fn country(object: &Node<'_, '_>) -> Option<String> {
    let address = object.expanded("address")?;
    let country = address.text("country").ok()??;
    let is_code = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_code.then(|| country.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn fact(kind: &str, object: &str) -> CustomerFact {
        let body = format!(r#"{{"id":"evt_1","type":"{kind}","created":7,"data":{{"object":{object}}}}}"#);
        let envelope = crate::stripe::read(body.as_bytes()).expect("JSON");
        match crate::stripe::translate(body.as_bytes(), &envelope, "00") {
            Translation::Facts(facts) | Translation::Learnt { facts, .. } => match facts.as_slice() {
                [Fact::Customer(fact)] => fact.clone(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_customer_is_its_country_and_metadata_and_nothing_personal() {
        let object = r#"{"id":"cus_1","name":"Ada Lovelace","email":"ada@example.com",
            "address":{"country":"gb","city":"London"},"metadata":{"owner":"kim","seen":null}}"#;
        let fact = fact("customer.updated", object);
        assert_eq!(fact.country.as_deref(), Some("GB"));
        assert_eq!(fact.metadata.into_iter().collect::<Vec<_>>(), [("owner".into(), "kim".into())]);
        assert!(!fact.is_deleted);
    }

    #[test]
    fn a_discount_left_out_is_not_a_discount_taken_away() {
        let of =
            |discount: &str| fact("customer.updated", &format!(r#"{{"id":"cus_1"{discount}}}"#)).discount;
        assert_eq!(of(""), None);
        assert_eq!(of(r#","discount":null"#), Some(None));
        let coupon = r#","discount":{"id":"di_1","coupon":{"id":"c","percent_off":10,"duration":"forever"}}"#;
        assert!(of(coupon).unwrap().unwrap().coupon.is_some());
        let id = of(r#","discount":{"id":"di_1","source":{"type":"coupon","coupon":"c"}}"#).unwrap().unwrap();
        assert_eq!((id.coupon_id, id.coupon), (Some("c".into()), None));
    }

    #[test]
    fn a_deleted_customer_is_gone() {
        assert!(fact("customer.deleted", r#"{"id":"cus_1","address":null,"metadata":[]}"#).is_deleted);
    }
}
