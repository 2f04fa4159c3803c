//! Of a row, the object that Stripe's API would show, as far as the row tells it: so that prices,
//! subscriptions and coupons are read by one code, whatever they came in.

use std::borrow::Cow;

use super::cells::{Cells, missing};
use super::forms::{CURRENCY, ENDED, Form, ITEMS, Of, PLAN, PRODUCT};
use super::invoice::invoice;
use crate::mrr::minor_decimals;
use crate::stripe::json::Json;
use crate::stripe::node::Unfit;

/// What a row tells.
pub(in crate::stripe) enum Told {
    /// A subscription, as a list shows it when the row is seen.
    Subscription(Object),
    /// An invoice with its lines, as a list shows it.
    Invoice(Object),
    /// A customer, whenever the row is seen.
    Customer(Object),
    /// A price, since it was made.
    Price(Object, i64),
    /// A product, since it was made.
    Product(Object, i64),
    /// A coupon, since it was made.
    Coupon(Object, i64),
    /// A change of an item.
    Change(Change),
    /// Nothing that counts.
    Nothing(&'static str),
}

/// A change of an item's quantity and MRR.
#[derive(Debug)]
pub(in crate::stripe) struct Change {
    pub(in crate::stripe) customer: String,
    pub(in crate::stripe) subscription: String,
    pub(in crate::stripe) item: String,
    pub(in crate::stripe) price: String,
    /// The price's own id where the row names no product.
    pub(in crate::stripe) product: String,
    pub(in crate::stripe) currency: String,
    pub(in crate::stripe) quantity: i64,
    /// Millionths of a minor unit.
    pub(in crate::stripe) mrr: i128,
    pub(in crate::stripe) at: i64,
}

/// An object as the API shows it.
pub(in crate::stripe) type Object = Json<'static>;

/// The columns that hold the id of an object.
pub(super) fn ids_of(of: Of) -> &'static [&'static str] {
    match of {
        Of::Subscription => &["id", "subscription_id"],
        Of::Price => &["price_id", "id"],
        Of::Product => &["id", "product_id"],
        Of::Coupon => &["id", "coupon_id"],
        Of::Customer => &["id", "customer_id"],
        Of::Change => &["subscription_item_id"],
        Of::Invoice | Of::Nothing(_) => {
            &["id", "invoice_id", "line_item_id", "subscription_item_id", "number"]
        }
    }
}

/// What a row's document tells.
pub(in crate::stripe) fn told(document: &Json<'_>) -> Result<Told, Unfit> {
    let unfit = || Unfit { path: "$.kind".to_owned(), reason: "expected a table that is known".to_owned() };
    let form = document.get("kind").and_then(Json::as_text).and_then(Form::of_kind).ok_or_else(unfit)?;
    let rows = document.get("rows").map(Json::elements).unwrap_or_default();
    let rows: Vec<Cells<'_>> = rows.iter().map(|row| Cells::of(row, document)).collect();
    let first = rows.first().ok_or_else(unfit)?;
    let is_sigma = form.kind.starts_with("row.sigma");
    Ok(match form.of {
        Of::Nothing(reason) => Told::Nothing(reason),
        Of::Subscription => subscription(&rows, &under(document, ITEMS), is_sigma)?,
        Of::Invoice => invoice(first, document)?,
        Of::Price => Told::Price(price(first, is_sigma)?, made(first)?),
        Of::Product => product(first)?,
        Of::Coupon => Told::Coupon(coupon(first, is_sigma)?, made(first)?),
        Of::Customer => customer(first)?,
        Of::Change => Told::Change(change(first)?),
    })
}

/// The rows of another table that stand under the document's own, in a member of this name.
pub(super) fn under<'j>(document: &'j Json<'_>, member: &str) -> Vec<Cells<'j>> {
    let rows = document.get(member).map(Json::elements).unwrap_or_default();
    rows.iter().map(|row| Cells::of(row, document)).collect()
}

/// That no two rows say two things of one part: such a table is two exports in one.
pub(super) fn are_of_one_export(rows: &[Cells<'_>], ids: &[&str], prefix: &str) -> Result<(), Unfit> {
    let id = |row: &Cells<'_>| row.any(ids).map(|cell| cell.text.to_owned());
    let mut named: Vec<String> = rows.iter().filter_map(id).filter(|id| id.starts_with(prefix)).collect();
    named.sort();
    if named.windows(2).any(|two| two.first() == two.last()) {
        let reason = "two rows of one id say different things: feed one export of the table at a time";
        let path = format!("column `{}`", ids.first().copied().unwrap_or_default());
        return Err(Unfit { path, reason: reason.to_owned() });
    }
    Ok(())
}

/// When the object was made.
fn made(cells: &Cells<'_>) -> Result<i64, Unfit> {
    cells.time(&["created"])?.ok_or_else(|| missing(&["created"]))
}

const NO_CURRENCY: &str = "subscription without its currency, which Sigma's table of them does not have: feed \
                           `subscription_items` beside it";

pub(super) type Members = Vec<(Cow<'static, str>, Object)>;

pub(super) fn text(text: impl Into<String>) -> Object {
    Json::Text(Cow::Owned(text.into()))
}

/// Puts a member in, if there is one.
pub(super) fn put(members: &mut Members, name: &'static str, value: Option<Object>) {
    members.extend(value.map(|value| (Cow::Borrowed(name), value)));
}

fn metadata(cells: &Cells<'_>) -> Object {
    let told = cells.metadata().iter();
    Json::Object(told.map(|(key, value)| (Cow::Owned(key.clone()), text(*value))).collect())
}

/// Several rows are the plans of one subscription, what else they say of it is the first one's. Where the table of
/// its items stands beside it, that tells the items.
fn subscription(rows: &[Cells<'_>], beside: &[Cells<'_>], is_sigma: bool) -> Result<Told, Unfit> {
    let first = rows.first().ok_or_else(|| missing(ids_of(Of::Subscription)))?;
    let has_currency = !beside.is_empty() || rows.iter().all(|row| row.any(CURRENCY).is_some());
    if is_sigma && !has_currency && !are_left_out(rows) {
        return Ok(Told::Nothing(NO_CURRENCY));
    }
    let id = first.id(ids_of(Of::Subscription))?;
    let status = first.word(&["status"]).ok_or_else(|| missing(&["status"]))?;
    let status = if status == "cancelled" { "canceled".to_owned() } else { status };
    let mut members: Members = Vec::new();
    put(&mut members, "id", Some(text(id)));
    put(&mut members, "customer", Some(text(first.id(&["customer_id"])?)));
    put(&mut members, "status", Some(text(&status)));
    let of_item = beside.first().map_or(Ok(None), |item| item.currency(CURRENCY))?;
    put(&mut members, "currency", first.currency(CURRENCY)?.or(of_item).map(text));
    let times: [(&str, &[&str]); 7] = [
        ("created", &["created"]),
        ("start_date", &["start_date"]),
        ("start", &["start"]),
        ("trial_end", &["trial_end"]),
        ("canceled_at", &["canceled_at"]),
        ("cancel_at", &["cancel_at"]),
        ("current_period_end", &["current_period_end"]),
    ];
    for (name, keys) in times {
        put(&mut members, name, first.time(keys)?.map(Json::Integer));
    }
    put(&mut members, "ended_at", ended_at(first, &status)?.map(Json::Integer));
    let ends = first.is_true(&["cancel_at_period_end"]);
    put(&mut members, "cancel_at_period_end", ends.then_some(Json::Bool(true)));
    let pause = first.any(&["pause_collection", "pause_collection_behavior"]);
    put(&mut members, "pause_collection", pause.map(|_| Json::Object(Vec::new())));
    let reason = first.word(&["cancellation_reason", "cancellation_details_reason"]);
    let details = reason.map(|reason| Json::Object(vec![(Cow::Borrowed("reason"), text(reason))]));
    put(&mut members, "cancellation_details", details);
    put(&mut members, "discounts", discounts(first)?);
    put(&mut members, "metadata", Some(metadata(first)));
    let items = if beside.is_empty() { items(rows, id, is_sigma)? } else { items_beside(beside)? };
    put(&mut members, "items", Some(items));
    Ok(Told::Subscription(Json::Object(members)))
}

/// When it ended: what is over has to say when, or it would end whenever the row is seen.
fn ended_at(row: &Cells<'_>, status: &str) -> Result<Option<i64>, Unfit> {
    let is_over = status == "canceled";
    let keys = if is_over { ENDED } else { &ENDED[..1] };
    let told = row.time(keys)?;
    if is_over && told.is_none() { Err(missing(ENDED)) } else { Ok(told) }
}

/// Whether Sigma's rows name no price, as they do where a subscription has several items.
fn are_left_out(rows: &[Cells<'_>]) -> bool {
    rows.iter().all(|row| row.any(PLAN).is_none())
}

/// The items; Sigma leaves them out where there are several.
fn items(rows: &[Cells<'_>], subscription: &str, is_sigma: bool) -> Result<Object, Unfit> {
    let is_left_out = is_sigma && are_left_out(rows);
    let mut items = Vec::with_capacity(rows.len());
    if !is_left_out {
        for row in rows {
            // No export names items: one is named by the subscription, several by their plans as well.
            let plan = row.id(PLAN)?;
            let id = if rows.len() == 1 { subscription.to_owned() } else { format!("{subscription}:{plan}") };
            items.push(item(row, id, plan, is_sigma)?);
        }
    }
    Ok(list(items, is_left_out))
}

/// A list as the API shows it, all of it or the first of its elements.
pub(super) fn list(elements: Vec<Object>, has_more: bool) -> Object {
    Json::Object(vec![
        (Cow::Borrowed("has_more"), Json::Bool(has_more)),
        (Cow::Borrowed("data"), Json::List(elements)),
    ])
}

/// The items as the rows of Sigma's table of them tell, which names each.
fn items_beside(rows: &[Cells<'_>]) -> Result<Object, Unfit> {
    are_of_one_export(rows, &["id"], "si_")?;
    let items = rows.iter().map(|row| item(row, row.id(&["id"])?.to_owned(), row.id(PLAN)?, true));
    Ok(list(items.collect::<Result<_, _>>()?, false))
}

fn item(row: &Cells<'_>, id: String, plan: &str, is_sigma: bool) -> Result<Object, Unfit> {
    let mut members: Members = vec![(Cow::Borrowed("id"), text(id))];
    let quantity = row.count(&["quantity"])?;
    put(&mut members, "quantity", quantity.map(Json::Integer));
    let period_end = row.time(&["item_current_period_end"])?;
    put(&mut members, "current_period_end", period_end.map(Json::Integer));
    let currency = row.currency(CURRENCY)?;
    let amount = match (is_sigma, &currency) {
        (true, _) => row.minor(&["price_unit_amount_decimal", "price_unit_amount", "plan_amount"])?,
        (false, Some(currency)) => row.major(&["amount"], minor_decimals(&currency.as_str().into()))?,
        (false, None) => return Err(missing(CURRENCY)),
    };
    let interval = row.word(&["interval", "price_recurring_interval", "plan_interval"]);
    // Without an amount the price has tiers, which the catalogue knows, or it is known by its id alone.
    let (Some(amount), Some(interval), Some(currency)) = (amount, interval, currency) else {
        put(&mut members, "price", Some(text(plan)));
        return Ok(Json::Object(members));
    };
    let count = row.count(&["interval_count", "price_recurring_interval_count", "plan_interval_count"])?;
    let usage = row.word(&["usage_type", "price_recurring_usage_type", "plan_usage_type"]);
    // What is metered has no quantity.
    let usage = usage.or_else(|| quantity.is_none().then(|| "metered".to_owned()));
    let mut price: Members = vec![(Cow::Borrowed("id"), text(plan))];
    // A column of this name may hold the product's name.
    let named = row.any(&["product"]).map(|cell| cell.text).filter(|text| text.starts_with("prod_"));
    put(&mut price, "product", row.maybe_id(PRODUCT)?.or(named).map(text));
    put(&mut price, "currency", Some(text(currency)));
    put(&mut price, "unit_amount_decimal", Some(text(amount)));
    put(&mut price, "recurring", Some(recurring(row, &interval, count, usage)?));
    put(&mut members, "price", Some(Json::Object(price)));
    Ok(Json::Object(members))
}

/// How often is billed: `month`, `monthly`, `3 months`, `every 3 months`.
fn recurring(
    row: &Cells<'_>,
    interval: &str,
    count: Option<i64>,
    usage: Option<String>,
) -> Result<Object, Unfit> {
    let words: Vec<&str> = interval.split('_').filter(|word| *word != "every").collect();
    let (number, unit) = match words.as_slice() {
        [unit] => (1, *unit),
        [number, unit] => (number.parse().unwrap_or(0), *unit),
        _ => (0, ""),
    };
    let unit = match unit {
        "day" | "days" | "daily" => "day",
        "week" | "weeks" | "weekly" => "week",
        "month" | "months" | "monthly" => "month",
        "year" | "years" | "yearly" | "annual" | "annually" => "year",
        _ => "",
    };
    if unit.is_empty() || number < 1 {
        let cell = row.any(&["interval", "recurring_interval", "price_recurring_interval", "plan_interval"]);
        let unfit = || missing(&["interval"]);
        return Err(cell.map_or_else(unfit, |cell| cell.unfit("expected day, week, month or year")));
    }
    let mut members: Members = vec![(Cow::Borrowed("interval"), text(unit))];
    put(&mut members, "interval_count", Some(Json::Integer(count.unwrap_or(1) * number)));
    put(&mut members, "usage_type", usage.map(text));
    Ok(Json::Object(members))
}

/// The discounts of a subscription: the coupon that an export names, or the ids of discounts.
fn discounts(row: &Cells<'_>) -> Result<Option<Object>, Unfit> {
    let ids = discount_ids(row);
    if let Some(coupon) = row.maybe_id(&["coupon", "coupon_id", "discount_coupon_id"])? {
        let mut discount: Members = vec![(Cow::Borrowed("coupon"), text(coupon))];
        put(&mut discount, "id", ids.first().filter(|_| ids.len() == 1).copied().map(text));
        put(&mut discount, "end", row.time(&["discount_end"])?.map(Json::Integer));
        return Ok(Some(Json::List(vec![Json::Object(discount)])));
    }
    let ids: Vec<Object> = ids.into_iter().map(text).collect();
    Ok((!ids.is_empty()).then_some(Json::List(ids)))
}

/// The ids of discounts, which stand in one cell.
pub(super) fn discount_ids<'j>(row: &Cells<'j>) -> Vec<&'j str> {
    let ids = row.any(&["discounts"]).map(|cell| cell.text).unwrap_or_default();
    ids.split(',').map(str::trim).filter(|id| !id.is_empty()).collect()
}

fn price(row: &Cells<'_>, is_sigma: bool) -> Result<Object, Unfit> {
    let mut members: Members = vec![(Cow::Borrowed("id"), text(row.id(ids_of(Of::Price))?))];
    put(&mut members, "product", row.maybe_id(&["product_id", "product"])?.map(text));
    let currency = row.currency(&["currency"])?.ok_or_else(|| missing(&["currency"]))?;
    let amount = match is_sigma {
        true => row.minor(&["unit_amount_decimal", "unit_amount"])?,
        false => row.major(&["amount"], minor_decimals(&currency.as_str().into()))?,
    };
    put(&mut members, "currency", Some(text(currency)));
    put(&mut members, "unit_amount_decimal", amount.map(text));
    put(&mut members, "billing_scheme", row.word(&["billing_scheme"]).map(text));
    put(&mut members, "tiers_mode", row.word(&["tiers_mode"]).map(text));
    put(&mut members, "metadata", Some(metadata(row)));
    // A deleted price is shown by an export as any other.
    match row.word(&["interval", "recurring_interval"]) {
        Some(interval) => {
            let count = row.count(&["interval_count", "recurring_interval_count"])?;
            let usage = row.word(&["usage_type", "recurring_usage_type"]);
            put(&mut members, "recurring", Some(recurring(row, &interval, count, usage)?));
        }
        None => put(&mut members, "type", Some(text("one_time"))),
    }
    Ok(Json::Object(members))
}

fn coupon(row: &Cells<'_>, is_sigma: bool) -> Result<Object, Unfit> {
    let mut members: Members = vec![(Cow::Borrowed("id"), text(row.id(ids_of(Of::Coupon))?))];
    let percent = row.decimal(&["percent_off"])?;
    let currency = row.currency(&["currency"])?;
    if percent.is_none() {
        let decimals = minor_decimals(&currency.as_deref().unwrap_or("usd").into());
        let amount = match is_sigma {
            true => row.minor(&["amount_off"])?,
            false => row.major(&["amount_off"], decimals)?,
        };
        put(&mut members, "amount_off", amount.map(text));
    }
    put(&mut members, "percent_off", percent.map(text));
    put(&mut members, "currency", currency.map(text));
    put(&mut members, "duration", row.word(&["duration"]).map(text));
    let months = row.count(&["duration_in_months"])?;
    put(&mut members, "duration_in_months", months.map(Json::Integer));
    Ok(Json::Object(members))
}

fn product(row: &Cells<'_>) -> Result<Told, Unfit> {
    if row.metadata().is_empty() {
        return Ok(Told::Nothing("product without metadata: it says nothing that counts"));
    }
    let id = row.id(ids_of(Of::Product))?;
    let object = vec![(Cow::Borrowed("id"), text(id)), (Cow::Borrowed("metadata"), metadata(row))];
    Ok(Told::Product(Json::Object(object), made(row)?))
}

fn customer(row: &Cells<'_>) -> Result<Told, Unfit> {
    let country = row.any(&["address_country", "country", "shipping_address_country"]);
    if row.metadata().is_empty() && country.is_none() {
        return Ok(Told::Nothing("customer without country and metadata: nothing that figures are cut by"));
    }
    let id = row.id(ids_of(Of::Customer))?;
    let mut members: Members = vec![(Cow::Borrowed("id"), text(id))];
    let address = country.map(|cell| Json::Object(vec![(Cow::Borrowed("country"), text(cell.text))]));
    put(&mut members, "address", address);
    put(&mut members, "metadata", Some(metadata(row)));
    Ok(Told::Customer(Json::Object(members)))
}

fn change(row: &Cells<'_>) -> Result<Change, Unfit> {
    let price = row.id(&["price_id"])?;
    Ok(Change {
        customer: row.id(&["customer_id"])?.to_owned(),
        subscription: row.id(&["subscription_id"])?.to_owned(),
        item: row.id(ids_of(Of::Change))?.to_owned(),
        price: price.to_owned(),
        product: row.maybe_id(&["product_id"])?.unwrap_or(price).to_owned(),
        currency: row.currency(CURRENCY)?.ok_or_else(|| missing(CURRENCY))?,
        quantity: row.signed(&["quantity_change"])?.unwrap_or(0),
        mrr: row.micro(&["mrr_change"])?.ok_or_else(|| missing(&["mrr_change"]))?,
        at: row.time(&["event_timestamp"])?.ok_or_else(|| missing(&["event_timestamp"]))?,
    })
}
