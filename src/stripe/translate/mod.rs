//! From a stored event of any API version to facts about a customer.

mod billed;
mod catalogue;
mod customer;
mod discount;
mod invoice;
mod previous;
mod price;
mod quote;
mod row;
mod schedule;
mod subscription;

use std::collections::BTreeMap;

use crate::mrr::{CatalogueFact, DiscountChange, Evidence, Fact, Grade, Instant, Origin};

use super::envelope::{Delivery, Envelope, Form};
use super::event::Event;
use super::json::Json;
use super::listing;
use super::node::{Node, Unfit, is_time};

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Translation {
    /// Facts, at least one.
    Facts(Vec<Fact>),
    /// Something about prices, products or coupons, and what facts come with it (of a discount, say).
    Learnt {
        /// What the whole book learns, at least one thing.
        catalogue: Vec<CatalogueFact>,
        /// Facts about a customer, maybe none.
        facts: Vec<Fact>,
    },
    /// Nothing about recurring revenue.
    Ignored {
        /// Why, out of a small set of stable texts, so that reasons can be counted.
        reason: &'static str,
    },
    /// It should say something and doesn't fit what this version understands: it is kept, and tried
    /// again after an upgrade.
    Parked {
        /// The JSON path of what doesn't fit.
        path: String,
        /// What was expected there and what was found; never the value itself.
        reason: String,
    },
}

/// What an event says: facts, or why there are none. `body` is the stored delivery that `envelope`
/// was read from, `sha256_hex` the hash of the stored bytes, for the facts' evidence.
#[must_use]
pub fn translate(body: &[u8], envelope: &Envelope, sha256_hex: &str) -> Translation {
    let event = std::str::from_utf8(body).ok().and_then(Event::find);
    translate_event(event.as_ref(), body, envelope, sha256_hex)
}

impl Delivery<'_> {
    /// What it says, as [`translate`] tells it; `sha256_hex` is the hash of its bytes.
    #[must_use]
    pub fn translate(&self, sha256_hex: &str) -> Translation {
        translate_event(self.event.as_ref(), self.body, &self.envelope, sha256_hex)
    }
}

fn translate_event(
    event: Option<&Event<'_>>,
    body: &[u8],
    envelope: &Envelope,
    sha256_hex: &str,
) -> Translation {
    let Some(event) = event else {
        return parked("$", "expected a Stripe event, found JSON that is no object");
    };
    if envelope.form == Form::Unrecognised && event.text("object").is_some_and(|object| object != "event") {
        return parked(&format!("{}.object", event.path), BARE);
    }
    if envelope.form == Form::Unrecognised {
        let missing = if event.text("id").is_some() { "type" } else { "id" };
        let path = format!("{}.{missing}", event.path);
        return parked(&path, "expected a Stripe event, found JSON without an event's id and type");
    }
    if envelope.form == Form::Thin {
        return ignored(
            "thin event: it names its object and leaves it out; send snapshot events to this endpoint",
        );
    }
    if is_placeholder(&envelope.id) {
        return ignored(PLACEHOLDER);
    }
    if envelope.form == Form::Row {
        return row::read(body, envelope, sha256_hex)
            .unwrap_or_else(|unfit| parked(&unfit.path, &unfit.reason));
    }
    match subject(&envelope.kind) {
        Subject::Nothing(reason) => ignored(reason),
        subject => {
            let read = match envelope.form {
                Form::Listing => Source::read_listing(body, envelope, sha256_hex, subject),
                _ => Source::read_facts(event, envelope, sha256_hex, subject),
            };
            read.unwrap_or_else(|unfit| parked(&unfit.path, &unfit.reason))
        }
    }
}

const BARE: &str = "expected a Stripe event, or a list of subscriptions, invoices, customers, subscription schedules, \
                    prices, plans, products, coupons or of one subscription's items; what lists of other objects say \
                    is read by a later version";
const NESTED: &str =
    "expected an object, found JSON that is nested too deeply or holds a broken text or number";
const PLACEHOLDER: &str = "test webhook with placeholder ids";

fn ignored(reason: &'static str) -> Translation {
    Translation::Ignored { reason }
}

fn parked(path: &str, reason: &str) -> Translation {
    Translation::Parked { path: path.to_owned(), reason: reason.to_owned() }
}

/// What an event type is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Subscription(Origin),
    Invoice(Option<crate::mrr::InvoiceStatus>),
    Customer { is_deleted: bool },
    Price,
    Product,
    Coupon,
    Discount(DiscountChange),
    Items,
    Quote,
    Schedule,
    Nothing(&'static str),
}

/// Sorts an event type; types that say nothing about recurring revenue get the reason why.
fn subject(kind: &str) -> Subject {
    use crate::mrr::InvoiceStatus::{Billed, Withdrawn};
    match kind {
        "customer.subscription.created" => Subject::Subscription(Origin::Created),
        "customer.subscription.updated" => Subject::Subscription(Origin::Updated),
        "customer.subscription.deleted" => Subject::Subscription(Origin::Deleted),
        "customer.created" | "customer.updated" | "listing.customer" => {
            Subject::Customer { is_deleted: false }
        }
        "customer.deleted" => Subject::Customer { is_deleted: true },
        "customer.discount.created" => Subject::Discount(DiscountChange::Created),
        "customer.discount.updated" => Subject::Discount(DiscountChange::Updated),
        "customer.discount.deleted" => Subject::Discount(DiscountChange::Deleted),
        "quote.accepted" => Subject::Quote,
        "listing.price" | "listing.plan" => Subject::Price,
        "listing.subscription" => Subject::Subscription(Origin::Seen),
        "listing.invoice" => Subject::Invoice(None),
        "listing.subscription_schedule" => Subject::Schedule,
        "listing.product" => Subject::Product,
        "listing.coupon" => Subject::Coupon,
        listing::ITEMS => Subject::Items,
        "listing.subscription_item" => Subject::Nothing(
            "item of a subscription by itself: feed the list of all its items as it comes from Stripe",
        ),
        "invoice.finalized" | "invoice.paid" | "invoice.payment_succeeded" => Subject::Invoice(Some(Billed)),
        "invoice.voided" | "invoice.marked_uncollectible" => Subject::Invoice(Some(Withdrawn)),
        "invoice.created"
        | "invoice.deleted"
        | "invoice.upcoming"
        | "invoice.will_be_due"
        | "invoice.finalization_failed" => Subject::Nothing("invoice that bills nothing yet"),
        _ if kind.starts_with("customer.subscription.") => Subject::Subscription(Origin::Seen),
        _ if kind.starts_with("invoice.") => Subject::Invoice(None),
        _ if kind.starts_with("price.") || kind.starts_with("plan.") => Subject::Price,
        _ if kind.starts_with("product.") => Subject::Product,
        _ if kind.starts_with("coupon.") => Subject::Coupon,
        _ if kind.starts_with("subscription_schedule.") => Subject::Schedule,
        _ if kind.starts_with("promotion_code.") => {
            Subject::Nothing("code for a coupon: the coupon's own events tell its terms")
        }
        _ if starts_with_any(kind, WITHOUT_REVENUE) => {
            Subject::Nothing("event type carries no recurring revenue")
        }
        _ => Subject::Nothing("unknown event type"),
    }
}

/// Events of cash, of payment means, of the account, and of what a subscription may become (a quote that is not
/// accepted): the subscription's own events tell what it is.
const WITHOUT_REVENUE: &[&str] = &[
    "account.",
    "application_fee.",
    "balance.",
    "billing.",
    "billing_portal.",
    "bitcoin.",
    "capability.",
    "capital.",
    "cash_balance.",
    "charge.",
    "checkout.",
    "climate.",
    "credit_note.",
    "customer.",
    "customer_cash_balance_transaction.",
    "dispute.",
    "entitlements.",
    "file.",
    "financial_connections.",
    "identity.",
    "invoice_payment.",
    "invoiceitem.",
    "issuing",
    "mandate.",
    "order",
    "payment_intent.",
    "payment_link.",
    "payment_method.",
    "payment_record.",
    "payout.",
    "person.",
    "ping",
    "quote.",
    "radar.",
    "recipient.",
    "refund.",
    "reporting.",
    "review.",
    "setup_intent.",
    "sigma.",
    "sku.",
    "source.",
    "tax.",
    "tax_rate.",
    "terminal.",
    "test_helpers.",
    "topup.",
    "transfer.",
    "treasury.",
    "external_account.",
    "financing",
];

fn starts_with_any(kind: &str, families: &[&str]) -> bool {
    families.iter().any(|family| kind.starts_with(family))
}

/// Whether an id is one of those that the dashboard's "send test webhook" fills in with zeros.
fn is_placeholder(id: &str) -> bool {
    let tail = id.rsplit('_').next().unwrap_or_default();
    tail.len() >= 10 && tail.bytes().all(|byte| byte == b'0')
}

/// An event whose data is being read, or a listed object.
struct Source<'e> {
    envelope: &'e Envelope,
    sha256_hex: &'e str,
    grade: Grade,
    at: Instant,
}

impl Source<'_> {
    fn read_facts(
        event: &Event<'_>,
        envelope: &Envelope,
        sha256_hex: &str,
        subject: Subject,
    ) -> Result<Translation, Unfit> {
        let path = format!("{}.data", event.path);
        let raw = event.raw("data").unwrap_or("null");
        let data: Json<'_> =
            serde_json::from_str(raw).map_err(|_| Unfit { path: path.clone(), reason: NESTED.to_owned() })?;
        let data = Node::object_at(&data, path)?;
        let object = data
            .object("object")?
            .ok_or_else(|| data.unfit("object", "expected an object, found nothing"))?;
        if object.json().get("id").and_then(Json::as_text).is_some_and(is_placeholder) {
            return Ok(ignored(PLACEHOLDER));
        }
        let created =
            event.raw("created").and_then(|raw| raw.parse().ok()).filter(|&at| is_time(at)).map(Instant);
        let source = Source {
            envelope,
            sha256_hex,
            grade: Grade::Event,
            at: created.ok_or_else(|| Unfit {
                path: format!("{}.created", event.path),
                reason: "expected a time in whole seconds".into(),
            })?,
        };
        match subject {
            Subject::Subscription(origin) => source.subscription(&data, &object, origin),
            Subject::Invoice(status) => source.invoice(&object, status),
            Subject::Customer { is_deleted } => source.customer(&object, is_deleted),
            Subject::Discount(change) => source.discount_told(&object, change),
            Subject::Quote => source.quote(&object),
            Subject::Schedule => source.schedule(&object),
            other => source.catalogue(&object, other),
        }
    }

    /// A listed object: it holds since it was made or last changed.
    fn read_listing(
        body: &[u8],
        envelope: &Envelope,
        sha256_hex: &str,
        subject: Subject,
    ) -> Result<Translation, Unfit> {
        let json: Json<'_> = serde_json::from_slice(body)
            .map_err(|_| Unfit { path: "$".to_owned(), reason: NESTED.to_owned() })?;
        let object = Node::object_at(&json, "$")?;
        let at = Instant(envelope.created);
        if at.0 == 0 {
            return Err(object.unfit("created", "expected a time in whole seconds"));
        }
        if json.get("id").and_then(Json::as_text).is_some_and(is_placeholder) {
            return Ok(ignored(PLACEHOLDER));
        }
        let source = Source { envelope, sha256_hex, grade: Grade::Listing, at };
        match subject {
            Subject::Subscription(_) => source.subscription_listed(&object),
            Subject::Invoice(_) => source.invoice_listed(&object),
            Subject::Customer { .. } => source.customer_listed(&object),
            Subject::Schedule => source.schedule(&object),
            subject => source.catalogue(&object, subject),
        }
    }

    fn catalogue(&self, object: &Node<'_, '_>, subject: Subject) -> Result<Translation, Unfit> {
        match subject {
            Subject::Price => self.price_told(object),
            Subject::Product => self.product_told(object),
            Subject::Coupon => self.coupon_told(object),
            Subject::Items => self.items_told(object),
            _ => Ok(ignored("event type carries no recurring revenue")),
        }
    }

    fn evidence(&self) -> Evidence {
        Evidence {
            grade: self.grade,
            event: self.envelope.id.as_str().into(),
            sha256: self.sha256_hex.into(),
        }
    }
}

/// An object's metadata: the texts of `{}`; the `[]` of events of 2014 holds none.
fn metadata(object: &Node<'_, '_>) -> BTreeMap<String, String> {
    let members = object.json().present("metadata").map_or(&[][..], Json::members);
    let texts =
        members.iter().filter_map(|(key, value)| Some((key.to_string(), value.as_text()?.to_owned())));
    texts.collect()
}

/// One word of an object's metadata.
fn metadata_word<'t>(object: &Node<'t, '_>, key: &str) -> Option<&'t str> {
    object.json().get("metadata")?.get(key)?.as_text()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn translated(body: &str) -> Translation {
        let envelope = super::super::read(body.as_bytes()).expect("JSON");
        translate(body.as_bytes(), &envelope, "00")
    }

    fn event(kind: &str, data: &str) -> String {
        format!(r#"{{"id":"evt_1","type":"{kind}","created":1700000000,"data":{data}}}"#)
    }

    fn reason(body: &str) -> &'static str {
        match translated(body) {
            Translation::Ignored { reason } => reason,
            other => panic!("not ignored: {other:?}"),
        }
    }

    fn parked_at(body: &str) -> String {
        match translated(body) {
            Translation::Parked { path, .. } => path,
            other => panic!("not parked: {other:?}"),
        }
    }

    #[test]
    fn what_carries_no_fact_says_why() {
        assert!(reason(&event("promotion_code.created", "{}")).starts_with("code for a coupon"));
        assert_eq!(reason(&event("charge.succeeded", "{}")), "event type carries no recurring revenue");
        assert_eq!(
            reason(&event("customer.tax_id.created", "{}")),
            "event type carries no recurring revenue"
        );
        assert_eq!(reason(&event("moon.landed", "{}")), "unknown event type");
        assert_eq!(reason(&event("invoice.upcoming", r#"{"object":{}}"#)), "invoice that bills nothing yet");
        let thin = r#"{"id":"evt_1","object":"v2.core.event","type":"v2.core.account.updated","created":"2025-01-01T00:00:00Z"}"#;
        assert!(reason(thin).starts_with("thin event"));
    }

    #[test]
    fn placeholder_ids_of_test_webhooks_are_no_customers() {
        let zeroed = event("customer.subscription.created", "{}").replace("evt_1", "evt_00000000000000");
        assert_eq!(reason(&zeroed), PLACEHOLDER);
        let object = event("customer.subscription.created", r#"{"object":{"id":"sub_00000000000000"}}"#);
        assert_eq!(reason(&object), PLACEHOLDER);
    }

    #[test]
    fn what_does_not_fit_is_parked_where_it_does_not_fit() {
        assert_eq!(parked_at("[]"), "$");
        assert_eq!(parked_at("{}"), "$.id");
        assert_eq!(parked_at(r#"{"id":"sub_1"}"#), "$.type");
        assert_eq!(parked_at(r#"{"id":"ch_1","object":"charge"}"#), "$.object");
        assert_eq!(parked_at(r#"{"detail-type":"x","detail":{"id":"evt_1"}}"#), "$.detail.type");
        let kind = "customer.subscription.updated";
        assert_eq!(parked_at(&event(kind, "null")), "$.data");
        assert_eq!(parked_at(&event(kind, "{}")), "$.data.object");
        assert_eq!(parked_at(&event(kind, r#"{"object":"sub_1"}"#)), "$.data.object");
        assert_eq!(parked_at(&event(kind, r#"{"object":{}}"#)), "$.data.object.id");
        assert_eq!(parked_at(&event(kind, r#"{"object":{"id":"sub_1"}}"#)), "$.data.object.customer");
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        assert_eq!(parked_at(&event(kind, &deep)), "$.data");
        let undated = event(kind, r#"{"object":{"id":"sub_1"}}"#).replace("1700000000", "\"soon\"");
        assert_eq!(parked_at(&undated), "$.created");
    }
}
