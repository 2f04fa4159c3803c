//! Lists, page by page, newest first.

use bytes::Bytes;
use miniserde::json::{Number, Object, Value};

use super::{Api, ApiError};

/// The lists that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum List {
    /// Products, active or not.
    Products,
    /// Active prices, with their tiers and what they ask in other currencies.
    Prices,
    /// Prices that are no longer sold, with the same: Stripe lists them only when asked.
    InactivePrices,
    /// Coupons, with what they apply to.
    Coupons,
    /// Events, as far back as Stripe keeps them.
    Events,
    /// The same, of a time in which nobody was there to receive them.
    Missed,
    /// Events of which a delivery failed or is still being tried.
    Undelivered,
    /// Customers.
    Customers,
    /// Subscriptions of every status, with their discounts.
    Subscriptions,
    /// Subscription schedules.
    Schedules,
    /// Invoices.
    Invoices,
    /// The accounts that are connected to the key's own.
    Accounts,
}

/// From when, and until when, the listed objects were made, in seconds since 1970; 0 as the first is the
/// beginning, and the second is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first second.
    pub since: i64,
    /// The second after the last one.
    pub until: i64,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Stripe's answer, byte for byte.
    pub body: Bytes,
    /// What stands on it, in its order.
    pub objects: Vec<Listed>,
    /// Whether another page follows.
    pub has_more: bool,
}

/// What paging needs to know of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// When it was made.
    pub created: Option<i64>,
    /// Whether it is a subscription that has more items than stand there.
    pub has_more_items: bool,
}

type Pairs = &'static [(&'static str, &'static str)];

impl List {
    /// A stable word for the store and for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Prices => "prices",
            Self::InactivePrices => "inactive prices",
            Self::Coupons => "coupons",
            Self::Events => "events",
            Self::Missed => "missed events",
            Self::Undelivered => "undelivered events",
            Self::Customers => "customers",
            Self::Subscriptions => "subscriptions",
            Self::Schedules => "subscription schedules",
            Self::Invoices => "invoices",
            Self::Accounts => "accounts",
        }
    }

    /// The last part of its path.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Prices | Self::InactivePrices => "prices",
            Self::Coupons => "coupons",
            Self::Events | Self::Missed | Self::Undelivered => "events",
            Self::Customers => "customers",
            Self::Subscriptions => "subscriptions",
            Self::Schedules => "subscription_schedules",
            Self::Invoices => "invoices",
            Self::Accounts => "accounts",
        }
    }

    /// Whether it lists events.
    #[must_use]
    pub fn is_of_events(self) -> bool {
        self.path() == "events"
    }

    /// The permission it takes, as the Dashboard names it.
    fn permission(self) -> &'static str {
        match self {
            Self::Products => "Products",
            Self::Prices | Self::InactivePrices => "Prices",
            Self::Coupons => "Coupons",
            Self::Events | Self::Missed | Self::Undelivered => "Events",
            Self::Customers => "Customers",
            Self::Subscriptions | Self::Schedules => "Subscriptions",
            Self::Invoices => "Invoices",
            Self::Accounts => "Accounts (Connect)",
        }
    }

    /// What is asked beside the page. Stripe expands four levels at most, so that the tiers of a subscription's
    /// prices come with the prices.
    fn query(self) -> Pairs {
        match self {
            Self::Prices => &[
                ("active", "true"),
                ("expand[0]", "data.tiers"),
                ("expand[1]", "data.currency_options.tiers"),
            ],
            Self::InactivePrices => &[
                ("active", "false"),
                ("expand[0]", "data.tiers"),
                ("expand[1]", "data.currency_options.tiers"),
            ],
            Self::Coupons => &[("expand[0]", "data.applies_to"), ("expand[1]", "data.currency_options")],
            Self::Undelivered => &[("delivery_success", "false")],
            Self::Subscriptions => &[
                ("status", "all"),
                ("expand[0]", "data.discounts.source.coupon"),
                ("expand[1]", "data.items.data.discounts"),
            ],
            Self::Products
            | Self::Events
            | Self::Missed
            | Self::Customers
            | Self::Schedules
            | Self::Invoices
            | Self::Accounts => &[],
        }
    }
}

impl Api {
    /// Reads a page of a list of the own account, or of a connected one: what was made in a span, after the object
    /// that the page before ended with.
    ///
    /// # Errors
    ///
    /// [`ApiError`], after all tries.
    pub async fn page(
        &self,
        list: List,
        span: Span,
        after: Option<&str>,
        account: Option<&str>,
    ) -> Result<Page, ApiError> {
        let (since, until) = (span.since.to_string(), span.until.to_string());
        let mut query: Vec<(&str, &str)> = list.query().to_vec();
        query.push(("limit", "100"));
        if span.since > 0 {
            query.push(("created[gte]", &since));
        }
        if span.until < i64::MAX {
            query.push(("created[lt]", &until));
        }
        if let Some(after) = after {
            query.push(("starting_after", after));
        }
        let path = format!("/{}", list.path());
        let place = format!("GET /v1{path}");
        let (body, value) = self.get(&path, list.permission(), &query, account).await?;
        let read = page_of(body, &value).filter(|page| !page.is_stuck(after));
        read.ok_or(ApiError::Away { place, what: "a page that is none of a list".to_owned() })
    }
}

impl Page {
    /// Whether another page would be asked for by the same words again, for ever.
    fn is_stuck(&self, after: Option<&str>) -> bool {
        let last = self.objects.last().map(|object| object.id.as_str());
        self.has_more && (last.is_none() || last == after)
    }
}

fn page_of(body: Bytes, value: &Value) -> Option<Page> {
    let Value::Object(page) = value else { return None };
    let Some(Value::Array(data)) = page.get("data") else { return None };
    let objects = data.iter().map(listed).collect::<Option<Vec<_>>>()?;
    Some(Page { body, objects, has_more: is_true(page, "has_more") })
}

fn listed(value: &Value) -> Option<Listed> {
    let Value::Object(object) = value else { return None };
    let Some(Value::String(id)) = object.get("id") else { return None };
    let created = match object.get("created") {
        Some(Value::Number(Number::U64(at))) => i64::try_from(*at).ok(),
        _ => None,
    };
    let has_more_items =
        matches!(object.get("items"), Some(Value::Object(items)) if is_true(items, "has_more"));
    Some(Listed { id: id.clone(), created, has_more_items })
}

fn is_true(object: &Object, name: &str) -> bool {
    matches!(object.get(name), Some(Value::Bool(true)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn page(text: &'static str) -> Option<Page> {
        page_of(Bytes::from_static(text.as_bytes()), &miniserde::json::from_str(text).unwrap())
    }

    #[test]
    fn a_page_tells_what_paging_needs() {
        let page = page(
            r#"{"object":"list","has_more":true,"data":[{"id":"sub_2","created":9,"items":{"has_more":true}},{"id":"sub_1"}]}"#,
        )
        .unwrap();
        let told: Vec<_> =
            page.objects.iter().map(|o| (o.id.as_str(), o.created, o.has_more_items)).collect();
        assert_eq!(told, [("sub_2", Some(9), true), ("sub_1", None, false)]);
        assert!(!page.is_stuck(None) && page.is_stuck(Some("sub_1")));
    }

    #[test]
    fn what_is_no_page_is_none() {
        for text in ["[]", "{}", r#"{"data":7}"#, r#"{"data":[{}]}"#] {
            assert_eq!(page(text), None, "{text}");
        }
        assert!(page(r#"{"data":[],"has_more":true}"#).unwrap().is_stuck(None));
    }
}
