//! Of an invoice's row and the rows of its lines, the invoice as a list of Stripe's API shows it.

use super::cells::{Cells, missing};
use super::forms::{LINE_DISCOUNTS, LINE_ITEM, LINE_PRICE, LINE_TAXES, LINES, OF_LINE, PRODUCT};
use super::object::{Members, Object, Told, are_of_one_export, discount_ids, list, put, text, under};
use crate::stripe::json::Json;
use crate::stripe::node::Unfit;

const ALONE: &str = "invoice without its lines: feed Sigma's `invoices` and `invoice_line_items` together, with all \
                     their columns, or invoices as lists of Stripe's API show them";
const IN_PART: &str = "invoice of which lines are missing: together they are less than its subtotal; feed all of \
                       Sigma's `invoice_line_items` beside it";

const LINE_IDS: &[&str] = &["id", "line_item_id"];
/// What each instant of an invoice's life is called in the API.
const TRANSITIONS: [(&str, &[&str]); 4] = [
    ("finalized_at", &["status_transitions_finalized_at", "finalized_at"]),
    ("marked_uncollectible_at", &["status_transitions_marked_uncollectible_at", "marked_uncollectible_at"]),
    ("voided_at", &["status_transitions_voided_at", "voided_at"]),
    ("paid_at", &["status_transitions_paid_at", "paid_at"]),
];

/// The rows of an invoice's lines and of what lessens them.
struct Beside<'j> {
    lines: Vec<Cells<'j>>,
    discounts: Vec<Cells<'j>>,
    taxes: Vec<Cells<'j>>,
}

/// The invoice, if its lines stand beside it. They are all there if they make the subtotal; where they are less,
/// some are missing, and it is not used, for what is not on it would seem to be gone.
pub(super) fn invoice(row: &Cells<'_>, document: &Json<'_>) -> Result<Told, Unfit> {
    let beside = Beside {
        lines: under(document, LINES),
        discounts: under(document, LINE_DISCOUNTS),
        taxes: under(document, LINE_TAXES),
    };
    if beside.lines.is_empty() {
        return Ok(Told::Nothing(ALONE));
    }
    are_of_one_export(&beside.lines, LINE_IDS, "il_")?;
    let mut lines = Vec::with_capacity(beside.lines.len());
    // Amounts of 64 bits, and not as many of them as would make more than 128.
    let (mut whole, mut off) = (0_i128, 0_i128);
    for line in &beside.lines {
        let amount = line.signed(&["amount"])?.ok_or_else(|| missing(&["amount"]))?;
        let discounts = beside.discounts_of(line)?;
        whole += i128::from(amount);
        off += discounts.iter().map(|(amount, _)| i128::from(*amount)).sum::<i128>();
        lines.push(beside.line(line, amount, discounts)?);
    }
    let subtotal = row.signed(&["subtotal"])?.map(i128::from);
    if subtotal.is_some_and(|subtotal| whole < subtotal) {
        return Ok(Told::Nothing(IN_PART));
    }
    let is_whole = subtotal.is_some_and(|subtotal| whole - off <= subtotal);
    let mut members = of_row(row)?;
    put(&mut members, "lines", Some(list(lines, !is_whole)));
    Ok(Told::Invoice(Json::Object(members)))
}

/// What the invoice's own row tells.
fn of_row(row: &Cells<'_>) -> Result<Members, Unfit> {
    let mut members: Members = Vec::new();
    put(&mut members, "id", Some(text(row.id(&["id", "invoice_id"])?)));
    put(&mut members, "customer", Some(text(row.id(&["customer_id", "customer"])?)));
    put(&mut members, "subscription", row.maybe_id(&["subscription_id", "subscription"])?.map(text));
    put(&mut members, "currency", row.currency(&["currency"])?.map(text));
    put(&mut members, "status", row.word(&["status"]).map(text));
    put(&mut members, "billing_reason", row.word(&["billing_reason"]).map(text));
    put(&mut members, "quote", row.maybe_id(&["quote_id", "quote"])?.map(text));
    let made = row.time(&["created", "date"])?.ok_or_else(|| missing(&["date"]))?;
    put(&mut members, "created", Some(Json::Integer(made)));
    for (name, keys) in [("period_start", ["period_start"]), ("period_end", ["period_end"])] {
        put(&mut members, name, row.time(&keys)?.map(Json::Integer));
    }
    // What told the status before there was one.
    for name in ["paid", "closed", "forgiven", "attempted"] {
        put(&mut members, name, row.any(&[name]).map(|_| Json::Bool(row.is_true(&[name]))));
    }
    let mut turns: Members = Vec::new();
    for (name, keys) in TRANSITIONS {
        put(&mut turns, name, row.time(keys)?.map(Json::Integer));
    }
    put(&mut members, "status_transitions", Some(Json::Object(turns)));
    discounts(row, &mut members)?;
    Ok(members)
}

/// The discounts: their ids, and of a single one the coupon and its times.
fn discounts(row: &Cells<'_>, members: &mut Members) -> Result<(), Unfit> {
    let ids = discount_ids(row);
    let Some(coupon) = row.maybe_id(&["discount_coupon_id"])? else {
        put(members, "discounts", Some(Json::List(ids.into_iter().map(text).collect())));
        return Ok(());
    };
    let mut discount: Members = Vec::new();
    put(&mut discount, "id", ids.first().filter(|_| ids.len() == 1).copied().map(text));
    put(&mut discount, "coupon", Some(text(coupon)));
    for (name, keys) in [("start", ["discount_start"]), ("end", ["discount_end"])] {
        put(&mut discount, name, row.time(&keys)?.map(Json::Integer));
    }
    let given_to: [(&str, &[&str]); 3] = [
        ("invoice", &["discount_invoice"]),
        ("subscription", &["discount_subscription"]),
        ("subscription_item", &["discount_subscription_item"]),
    ];
    for (name, keys) in given_to {
        put(&mut discount, name, row.maybe_id(keys)?.map(text));
    }
    let discount = Json::Object(discount);
    match ids.len() {
        0 | 1 => put(members, "discounts", Some(Json::List(vec![discount]))),
        _ => {
            put(members, "discounts", Some(Json::List(ids.into_iter().map(text).collect())));
            put(members, "discount", Some(discount));
        }
    }
    Ok(())
}

impl Beside<'_> {
    /// The amounts that discounts take off a line, with the discounts' ids where they are told.
    fn discounts_of(&self, line: &Cells<'_>) -> Result<Vec<(i64, Option<String>)>, Unfit> {
        let mut told = Vec::new();
        for discount in of_line(&self.discounts, line) {
            let amount = discount.signed(&["amount"])?.ok_or_else(|| missing(&["amount"]))?;
            let id = discount.maybe_id(&["discount", "discount_id"])?;
            told.push((amount.saturating_abs(), id.map(str::to_owned)));
        }
        if told.is_empty() {
            let total = line.signed(&["total_discount"])?;
            told.extend(total.map(|total| (total.saturating_abs(), None)));
        }
        Ok(told)
    }

    /// The line as versions before 2025-03-31 showed it, with the price's id as those after it do.
    fn line(
        &self,
        row: &Cells<'_>,
        amount: i64,
        discounts: Vec<(i64, Option<String>)>,
    ) -> Result<Object, Unfit> {
        let mut members: Members = Vec::new();
        put(&mut members, "id", Some(text(row.id(LINE_IDS)?)));
        put(&mut members, "type", row.word(&["source_type", "type"]).map(text));
        put(&mut members, "amount", Some(Json::Integer(amount)));
        put(&mut members, "currency", row.currency(&["currency"])?.map(text));
        let quantity = row.count(&["quantity"])?;
        put(&mut members, "quantity", quantity.map(Json::Integer));
        put(&mut members, "quantity_decimal", row.decimal(&["quantity_decimal"])?.map(text));
        put(&mut members, "proration", Some(Json::Bool(row.is_true(&["proration"]))));
        let is_discountable = row.any(&["discountable"]).map(|_| row.is_true(&["discountable"]));
        put(&mut members, "discountable", is_discountable.map(Json::Bool));
        let item = row.maybe_id(LINE_ITEM)?;
        put(&mut members, "subscription_item", item.map(text));
        put(&mut members, "pricing", pricing(row)?);
        put(&mut members, "period", period(row, item.is_some())?);
        put(&mut members, "proration_details", credited(row));
        let discounts: Vec<Object> = discounts.into_iter().map(discount_amount).collect();
        put(&mut members, "discount_amounts", (!discounts.is_empty()).then_some(Json::List(discounts)));
        let taxes = of_line(&self.taxes, row).map(tax_amount).collect::<Result<Vec<_>, _>>()?;
        put(&mut members, "tax_amounts", (!taxes.is_empty()).then_some(Json::List(taxes)));
        Ok(Json::Object(members))
    }
}

/// Those rows that are of a line.
fn of_line<'b, 'j>(rows: &'b [Cells<'j>], line: &Cells<'_>) -> impl Iterator<Item = &'b Cells<'j>> {
    let id = line.any(LINE_IDS).map(|cell| cell.text.to_owned());
    rows.iter().filter(move |row| row.any(OF_LINE).map(|cell| cell.text) == id.as_deref())
}

fn object<const N: usize>(members: [(&'static str, Option<Object>); N]) -> Object {
    let mut put_in: Members = Vec::with_capacity(N);
    members.into_iter().for_each(|(name, value)| put(&mut put_in, name, value));
    Json::Object(put_in)
}

/// The price; of old lines the plan, which is the price of that id.
fn pricing(row: &Cells<'_>) -> Result<Option<Object>, Unfit> {
    let Some(price) = row.maybe_id(LINE_PRICE)? else { return Ok(None) };
    let product = row.maybe_id(PRODUCT)?.map(text);
    let details = object([("price", Some(text(price))), ("product", product)]);
    Ok(Some(object([("price_details", Some(details))])))
}

/// The period; a line of a subscription's item has one.
fn period(row: &Cells<'_>, is_needed: bool) -> Result<Option<Object>, Unfit> {
    let (start, end) = (row.time(&["period_start"])?, row.time(&["period_end"])?);
    match (start, end) {
        (Some(_), Some(_)) => {
            Ok(Some(object([("start", start.map(Json::Integer)), ("end", end.map(Json::Integer))])))
        }
        (None, _) if is_needed => Err(missing(&["period_start"])),
        (_, None) if is_needed => Err(missing(&["period_end"])),
        _ => Ok(None),
    }
}

/// What a credit gives back, which shows that it is one.
fn credited(row: &Cells<'_>) -> Option<Object> {
    let invoice = row.any(&["proration_details_credited_items_invoice"])?;
    let items = object([("invoice", Some(text(invoice.text)))]);
    Some(object([("credited_items", Some(items))]))
}

fn discount_amount((amount, id): (i64, Option<String>)) -> Object {
    object([("amount", Some(Json::Integer(amount))), ("discount", id.map(text))])
}

fn tax_amount(row: &Cells<'_>) -> Result<Object, Unfit> {
    let amount = row.signed(&["amount"])?.map(Json::Integer);
    let taxable = row.signed(&["taxable_amount"])?.map(Json::Integer);
    let is_inclusive = Json::Bool(row.is_true(&["inclusive"]));
    Ok(object([("amount", amount), ("taxable_amount", taxable), ("inclusive", Some(is_inclusive))]))
}
