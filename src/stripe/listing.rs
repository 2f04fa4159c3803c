//! Objects of lists, as the API and its command line give them: no events, and yet what they say about
//! prices, products, coupons and items is learnt from (R4), and what they say about subscriptions, invoices and
//! customers tells of the past.

use super::envelope::{Envelope, Form, digest};
use super::event::Event;
use super::json::Json;
use super::node::{is_identifier, is_time};

/// The kinds of objects whose listings are recognised, and the kinds of their envelopes.
const KINDS: [(&str, &str); 9] = [
    ("price", "listing.price"),
    ("plan", "listing.plan"),
    ("product", "listing.product"),
    ("coupon", "listing.coupon"),
    ("subscription_item", "listing.subscription_item"),
    ("subscription", "listing.subscription"),
    ("invoice", "listing.invoice"),
    ("customer", "listing.customer"),
    ("subscription_schedule", "listing.subscription_schedule"),
];

/// The kind of a whole list of a subscription's items, which says something as a whole only.
pub(super) const ITEMS: &str = "listing.subscription_items";

/// The envelope of a listed object, or of a list of a subscription's items; `None` of anything else. Its
/// id is made of the object's and of what the object says, so that the same object twice is one.
pub(super) fn envelope_of(event: &Event<'_>, text: &str) -> Option<Envelope> {
    let kind = kind_of(event)?;
    let json: Json<'_> = serde_json::from_str(text).ok()?;
    let (name, created, livemode) = if kind == ITEMS { of_items(&json)? } else { of_object(&json)? };
    let digest = digest(kind, created, text);
    Some(Envelope {
        id: format!("listing:{name}:{}", hex::encode(&digest[..8])),
        kind: kind.to_owned(),
        created,
        livemode,
        account: None,
        api_version: None,
        form: Form::Listing,
    })
}

fn kind_of(event: &Event<'_>) -> Option<&'static str> {
    if event.form != Form::Snapshot {
        return None;
    }
    let object = event.text("object")?;
    if object == "list" {
        return event.raw("data").is_some_and(|data| data.starts_with('[')).then_some(ITEMS);
    }
    KINDS.iter().find(|(name, _)| *name == object).map(|(_, kind)| *kind)
}

type Named<'j> = (&'j str, i64, bool);

fn of_object<'j>(json: &'j Json<'_>) -> Option<Named<'j>> {
    let name = json.get("id")?.as_text().filter(|id| is_identifier(id))?;
    let created = time(json, "updated").or_else(|| time(json, "created"));
    Some((name, created.unwrap_or(0), is_live(json)))
}

/// Of a list whose elements all are items; it is named by the subscription of the first.
fn of_items<'j>(json: &'j Json<'_>) -> Option<Named<'j>> {
    let items = json.get("data")?.elements();
    let is_item = |item: &Json<'_>| item.get("object").and_then(Json::as_text) == Some("subscription_item");
    let first = items.first().filter(|_| items.iter().all(is_item))?;
    let name = first.get("subscription")?.as_text().filter(|id| is_identifier(id))?;
    let newest = items.iter().filter_map(|item| time(item, "created")).max();
    Some((name, newest.unwrap_or(0), is_live(first)))
}

/// The mode; an item does not say it, and its price does.
fn is_live(json: &Json<'_>) -> bool {
    let own = json.get("livemode");
    let mode = own.or_else(|| ["price", "plan"].iter().find_map(|name| json.get(name)?.get("livemode")));
    mode != Some(&Json::Bool(false))
}

fn time(json: &Json<'_>, name: &str) -> Option<i64> {
    match json.get(name) {
        Some(Json::Integer(seconds)) if is_time(*seconds) => Some(*seconds),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use crate::stripe::{Envelope, Form, book, read};

    fn envelope(body: &str) -> Envelope {
        read(body.as_bytes()).expect("JSON")
    }

    const PRICE: &str =
        r#"{"id":"price_1","object":"price","type":"recurring","created":1700000000,"livemode":true}"#;

    #[test]
    fn a_listed_object_is_named_by_what_it_says() {
        let price = envelope(PRICE);
        assert_eq!((price.form, price.kind.as_str()), (Form::Listing, "listing.price"));
        assert!(price.id.starts_with("listing:price_1:") && price.id.len() == 32, "{}", price.id);
        assert_eq!((price.created, book(&price)), (1_700_000_000, "live".to_owned()));
        let spaced = PRICE.replace(',', ",\n  ");
        assert_eq!(envelope(&spaced), price);
        let changed = PRICE.replace("recurring", "one_time");
        assert_ne!(envelope(&changed).id, price.id);
        let test = PRICE.replace("\"livemode\":true", "\"livemode\":false");
        assert_eq!(book(&envelope(&test)), "test");
    }

    #[test]
    fn what_tells_of_the_past_is_a_listing() {
        for object in ["subscription", "invoice", "customer", "subscription_schedule"] {
            let listed =
                envelope(&format!(r#"{{"id":"x_1","object":"{object}","created":7,"livemode":false}}"#));
            assert_eq!((listed.form, listed.kind), (Form::Listing, format!("listing.{object}")));
        }
    }

    #[test]
    fn a_product_is_as_old_as_its_last_change() {
        let product = envelope(r#"{"id":"prod_1","object":"product","created":5,"updated":9}"#);
        assert_eq!((product.kind.as_str(), product.created), ("listing.product", 9));
    }

    #[test]
    fn a_list_of_items_is_one_listing_of_its_subscription() {
        let list = envelope(
            r#"{"object":"list","has_more":false,"data":[
                {"id":"si_1","object":"subscription_item","subscription":"sub_1","created":5,"price":{"livemode":false}},
                {"id":"si_2","object":"subscription_item","subscription":"sub_1","created":7}]}"#,
        );
        assert_eq!((list.kind.as_str(), list.created), ("listing.subscription_items", 7));
        assert!(list.id.starts_with("listing:sub_1:"));
        assert_eq!(book(&list), "test");
    }

    #[test]
    fn other_bare_objects_and_lists_are_no_listings() {
        for body in [
            r#"{"id":"ch_1","object":"charge"}"#,
            r#"{"id":"pm_1","object":"payment_method","type":"card"}"#,
            r#"{"object":"list","data":[]}"#,
            r#"{"object":"list","data":[{"object":"charge"}]}"#,
            r#"{"object":"price"}"#,
        ] {
            assert_eq!(envelope(body).form, Form::Unrecognised, "{body}");
        }
    }
}
