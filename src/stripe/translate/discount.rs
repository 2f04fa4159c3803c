//! Discounts and coupons in all their places (R6): the singular `discount` with its coupon inside,
//! lists of ids, and `source.coupon` of the newest versions.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Months};

use crate::mrr::{
    Coupon, Currency, Discount, Duration, Instant, Off, PriceAmount, ProductId, divide_half_even,
};

use super::super::node::{is_identifier, is_time};
use super::price::{LARGEST_AMOUNT, currency};
use super::{Json, Node, Unfit};

/// The discounts of a subscription or an item, in order. Versions of 2020 to 2024 send both the list
/// and the singular form of one of them: the list counts, with the terms of the singular form.
pub(super) fn discounts_of(holder: &Node<'_, '_>) -> Result<Vec<Discount>, Unfit> {
    let mut listed = Vec::new();
    for (json, path) in holder.list("discounts")?.unwrap_or_default() {
        listed.push(match json {
            Json::Text(id) if is_identifier(id) => of_id(id),
            _ => discount(&Node::object_at(json, path)?)?,
        });
    }
    let Some(singular) = singular(holder)? else {
        return Ok(listed);
    };
    if listed.is_empty() {
        return Ok(vec![singular]);
    }
    if let Some(same) = listed.iter_mut().find(|one| one.id == singular.id && one.coupon.is_none()) {
        *same = singular;
    }
    Ok(listed)
}

/// The one discount of a holder that has one at most.
pub(super) fn singular(holder: &Node<'_, '_>) -> Result<Option<Discount>, Unfit> {
    match holder.json().present("discount") {
        Some(Json::Text(id)) if is_identifier(id) => Ok(Some(of_id(id))),
        _ => holder.object("discount")?.as_ref().map(discount).transpose(),
    }
}

/// A discount that is sent as its id alone: the catalogue may know its terms (R4).
fn of_id(id: &str) -> Discount {
    Discount { id: Some(id.into()), coupon: None, coupon_id: None, end: None }
}

/// A discount, of either generation: its coupon inside, or behind its `source`.
pub(super) fn discount(object: &Node<'_, '_>) -> Result<Discount, Unfit> {
    let source = object.object("source")?;
    let holder = source.as_ref().filter(|source| source.has("coupon")).unwrap_or(object);
    let expanded = holder.expanded("coupon");
    let coupon = expanded.as_ref().map(coupon).transpose()?.flatten();
    Ok(Discount {
        id: object.id("id")?.map(Into::into),
        coupon_id: holder.id("coupon")?.map(Into::into),
        end: end(object, coupon.as_ref(), expanded.as_ref())?,
        coupon: coupon.map(Arc::new),
    })
}

/// The terms of a coupon; none of a deleted one, which is sent without them.
pub(super) fn coupon(object: &Node<'_, '_>) -> Result<Option<Coupon>, Unfit> {
    let Some(off) = off(object)? else {
        return Ok(None);
    };
    let duration = match object.text("duration")? {
        Some("once") => Duration::Once,
        Some("repeating") => Duration::Repeating,
        Some("forever") => Duration::Forever,
        _ => return Err(object.unfit("duration", "expected once, repeating or forever")),
    };
    Ok(Some(Coupon {
        id: object.required_id("id")?.into(),
        off,
        options: options(object)?,
        duration,
        applies_to: applies_to(object)?,
    }))
}

fn off(object: &Node<'_, '_>) -> Result<Option<Off>, Unfit> {
    if let Some(text) = object.decimal("percent_off")? {
        let unfit = || object.unfit("percent_off", "expected a percentage from 0 to 100");
        return Ok(Some(Off::Percent(millionths(&text).ok_or_else(unfit)?)));
    }
    let Some(amount) = amount_off(object)? else {
        return Ok(None);
    };
    Ok(Some(Off::Amount {
        amount,
        currency: object
            .text("currency")?
            .and_then(currency)
            .ok_or_else(|| object.unfit("currency", "expected a currency's three letters"))?,
    }))
}

/// What an amount is in other currencies.
fn options(object: &Node<'_, '_>) -> Result<BTreeMap<Currency, PriceAmount>, Unfit> {
    let mut options = BTreeMap::new();
    for (code, option) in object.entries("currency_options")? {
        if let Some((currency, amount)) = currency(code).zip(amount_off(&option)?) {
            options.insert(currency, amount);
        }
    }
    Ok(options)
}

fn amount_off(object: &Node<'_, '_>) -> Result<Option<PriceAmount>, Unfit> {
    let Some(amount) = object.decimal("amount_off")? else {
        return Ok(None);
    };
    let unfit = || object.unfit("amount_off", "expected an amount in minor units");
    PriceAmount::parse(&amount)
        .filter(|amount| (0..=LARGEST_AMOUNT).contains(&amount.0))
        .map(Some)
        .ok_or_else(unfit)
}

/// A percentage's decimal text in millionths of one: 12.5 is 125,000.
pub(super) fn millionths(percent: &str) -> Option<u32> {
    // No percentage has more decimals than a price; what a binary fraction adds behind them is noise.
    let cut =
        percent.split_once('.').map_or(percent.len(), |(whole, part)| whole.len() + 1 + part.len().min(12));
    let percent = PriceAmount::parse(percent.get(..cut)?)?;
    let millionths = divide_half_even(percent.0, PriceAmount::ONE / 10_000);
    u32::try_from(millionths).ok().filter(|&share| share <= 1_000_000)
}

fn applies_to(object: &Node<'_, '_>) -> Result<Option<Vec<ProductId>>, Unfit> {
    let Some(limits) = object.object("applies_to")? else {
        return Ok(None);
    };
    let Some(products) = limits.list("products")? else {
        return Ok(None);
    };
    let id = |(json, path): (&Json<'_>, String)| {
        let reason = "expected a product's id".to_owned();
        json.as_text().map(ProductId::from).ok_or(Unfit { path, reason })
    };
    products.into_iter().map(id).collect::<Result<_, _>>().map(Some)
}

/// When a discount ends: its `end`, or for a repeating one without it, so many calendar months after
/// its start; never, if that is past what calendars know.
fn end(
    object: &Node<'_, '_>,
    coupon: Option<&Coupon>,
    terms: Option<&Node<'_, '_>>,
) -> Result<Option<Instant>, Unfit> {
    let end = object.instant("end")?;
    if end.is_some() || coupon.is_none_or(|coupon| coupon.duration != Duration::Repeating) {
        return Ok(end);
    }
    match (object.instant("start")?, terms) {
        (Some(start), Some(terms)) => months_after(start, terms),
        _ => Ok(None),
    }
}

/// When a repeating coupon's discount ends that was given at an instant: so many calendar months later.
fn months_after(start: Instant, coupon: &Node<'_, '_>) -> Result<Option<Instant>, Unfit> {
    let months = coupon.integer("duration_in_months")?;
    let months = months.and_then(|months| u32::try_from(months).ok()).map(Months::new);
    let start = DateTime::from_timestamp(start.0, 0);
    let sum = start.zip(months).and_then(|(start, months)| start.checked_add_months(months));
    Ok(sum.map(|end| end.timestamp()).filter(|&end| is_time(end)).map(Instant))
}

/// The discounts that a phase of a schedule, or one of its items, gives from an instant on: a list of coupons,
/// codes or discounts that are there already, or the one `coupon` of older versions.
pub(super) fn given_at(holder: &Node<'_, '_>, at: Instant) -> Result<Vec<Discount>, Unfit> {
    let mut given = Vec::new();
    for (json, path) in holder.list("discounts")?.unwrap_or_default() {
        match json {
            Json::Text(id) if is_identifier(id) => given.push(of_id(id)),
            _ => given.extend(redeemed(&Node::object_at(json, path)?, at)?),
        }
    }
    if given.is_empty() && holder.has("coupon") {
        given.extend(redeemed(holder, at)?);
    }
    Ok(given)
}

fn redeemed(holder: &Node<'_, '_>, at: Instant) -> Result<Option<Discount>, Unfit> {
    if let Some(held) = holder.expanded("discount") {
        return discount(&held).map(Some);
    }
    if !["discount", "coupon", "promotion_code"].iter().any(|name| holder.has(name)) {
        return Ok(None);
    }
    let terms = holder.expanded("coupon");
    let coupon = terms.as_ref().map(coupon).transpose()?.flatten();
    let repeats = coupon.as_ref().is_some_and(|coupon| coupon.duration == Duration::Repeating);
    let end = match &terms {
        Some(terms) if repeats => months_after(at, terms)?,
        _ => None,
    };
    let id = holder.id("discount")?.map(Into::into);
    let coupon_id = holder.id("coupon")?.map(Into::into);
    Ok(Some(Discount { id, coupon_id, coupon: coupon.map(Arc::new), end }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn read(holder: &str) -> Result<Vec<Discount>, Unfit> {
        let json: Json<'_> = serde_json::from_str(holder).expect("JSON");
        discounts_of(&Node::object_at(&json, "$").expect("object"))
    }

    fn only(holder: &str) -> Discount {
        let discounts = read(holder).expect("fits");
        assert_eq!(discounts.len(), 1, "{discounts:?}");
        discounts[0].clone()
    }

    fn off_of(coupon: &str) -> Off {
        let discount =
            only(&format!(r#"{{"discount":{{"coupon":{{"id":"c","duration":"forever",{coupon}}}}}}}"#));
        discount.coupon.expect("terms").off.clone()
    }

    #[test]
    fn a_percentage_is_exact() {
        for (text, share) in [
            ("25", 250_000),
            ("12.5", 125_000),
            ("33.3333", 333_333),
            ("100.0", 1_000_000),
            ("\"7.25\"", 72_500),
        ] {
            assert_eq!(off_of(&format!(r#""percent_off":{text}"#)), Off::Percent(share));
        }
        assert_eq!(off_of(r#""percent_off":33.33333333333333"#), Off::Percent(333_333));
        let too_much = read(r#"{"discount":{"coupon":{"id":"c","duration":"once","percent_off":101}}}"#);
        assert_eq!(too_much.expect_err("unfit").path, "$.discount.coupon.percent_off");
    }

    #[test]
    fn an_amount_has_its_currency() {
        let (amount, currency) = (PriceAmount::minor_units(500), "eur".into());
        assert_eq!(
            off_of(r#""amount_off":500,"percent_off":null,"currency":"EUR""#),
            Off::Amount { amount, currency }
        );
    }

    #[test]
    fn a_list_and_the_singular_form_of_one_discount_are_one() {
        let both = r#"{"discounts":["di_1","di_2"],
            "discount":{"id":"di_2","coupon":{"id":"c","percent_off":10,"duration":"forever"}}}"#;
        let discounts = read(both).expect("fits");
        let known: Vec<_> =
            discounts.iter().map(|one| (one.id.clone().expect("id"), one.coupon.is_some())).collect();
        assert_eq!(known, [("di_1".into(), false), ("di_2".into(), true)]);
    }

    #[test]
    fn a_coupon_is_found_behind_its_source() {
        let expanded = r#"{"discounts":[{"id":"di_1","source":{"type":"coupon","coupon":
            {"id":"c","percent_off":10,"duration":"forever","applies_to":{"products":["prod_1"]}}}}]}"#;
        let discount = only(expanded);
        assert_eq!(discount.coupon_id, Some("c".into()));
        assert_eq!(discount.coupon.expect("terms").applies_to, Some(vec!["prod_1".into()]));
        let id = only(r#"{"discounts":[{"id":"di_1","source":{"type":"coupon","coupon":"c"}}]}"#);
        assert_eq!((id.coupon_id, id.coupon), (Some("c".into()), None));
        let null = only(r#"{"discounts":[{"id":"di_1","source":{"type":"coupon","coupon":null}}]}"#);
        assert_eq!((null.coupon_id, null.coupon), (None, None));
    }

    #[test]
    fn a_deleted_coupon_leaves_its_id() {
        let discount =
            only(r#"{"discount":{"id":"di_1","coupon":{"id":"c","object":"coupon","deleted":true}}}"#);
        assert_eq!((discount.coupon_id, discount.coupon), (Some("c".into()), None));
    }

    #[test]
    fn a_repeating_discount_without_an_end_runs_calendar_months() {
        // From 2024-01-31 for one month: to 2024-02-29.
        let coupon = r#""coupon":{"id":"c","percent_off":10,"duration":"repeating","duration_in_months":1}"#;
        let open = only(&format!(r#"{{"discount":{{"start":1706659200,"end":null,{coupon}}}}}"#));
        assert_eq!(open.end, Some(Instant(1_709_164_800)));
        let told = only(&format!(r#"{{"discount":{{"start":1706659200,"end":5,{coupon}}}}}"#));
        assert_eq!(told.end, Some(Instant(5)));
        let coupon = coupon.replace("months\":1}", "months\":500000}");
        let for_ever = only(&format!(r#"{{"discount":{{"start":1706659200,"end":null,{coupon}}}}}"#));
        assert_eq!(for_ever.end, None);
    }

    #[test]
    fn no_discount_is_none() {
        assert_eq!(read(r#"{"discount":null,"discounts":[]}"#).expect("fits"), []);
        assert_eq!(read("{}").expect("fits"), []);
        assert_eq!(read(r#"{"discounts":[7]}"#).expect_err("unfit").path, "$.discounts[0]");
    }
}
