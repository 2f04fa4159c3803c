//! Prices, and legacy plans, which are the same thing in older words (R3).

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};

use crate::mrr::{
    Cadence, Currency, Interval, Price, PriceAmount, PriceId, ProductId, Scheme, Tier, TiersMode,
    TransformQuantity, UsageType,
};

use super::{Json, Node, Unfit, metadata_word};

/// The price of an item, an invoice line or a subscription without items: its `price`, or else its
/// `plan`. Of an unexpanded one only the id is known.
///
/// `pays_in` is the subscription's currency: where it is not the price's own, the amount is what the
/// price asks in it (R9).
pub(super) fn price_of(holder: &Node<'_, '_>, pays_in: Option<&str>) -> Result<Price, Unfit> {
    let candidates = ["price", "plan"].map(|name| holder.expanded(name));
    let bills = |candidate: &&Node<'_, '_>| candidate.has("interval") || candidate.has("recurring");
    let objects = || candidates.iter().flatten();
    let Some(object) = objects().find(bills).or_else(|| objects().next()) else {
        return unexpanded(holder, pays_in);
    };
    let mut price = price(object, pays_in)?;
    if price.scheme == Scheme::TiersNotSent {
        // Before API 2020-08-27 events carry the tiers on the plan, which is the price in older words.
        let same = objects().filter(|other| other.id("id") == Ok(Some(price.id.as_str())));
        let schemes = same.map(scheme).collect::<Result<Vec<_>, _>>()?;
        let told = schemes.into_iter().find(|scheme| matches!(scheme, Scheme::Tiered { .. }));
        price.scheme = told.unwrap_or(price.scheme);
    }
    Ok(price)
}

/// A price of which only the id was sent: its terms are the catalogue's to know (R4).
fn unexpanded(holder: &Node<'_, '_>, pays_in: Option<&str>) -> Result<Price, Unfit> {
    let name = if holder.has("price") || !holder.has("plan") { "price" } else { "plan" };
    let id = holder.required_id(name)?;
    Ok(Price {
        id: id.into(),
        product: id.into(),
        currency: pays_in
            .and_then(currency)
            .ok_or_else(|| holder.unfit(name, "expected a price, found an id alone and no currency"))?,
        cadence: Cadence::MONTHLY,
        usage_type: UsageType::Licensed,
        scheme: Scheme::PriceNotSent,
        is_seat: true,
        succeeds: None,
    })
}

/// A price or a plan, in the currency that is paid in, or else in its own.
pub(super) fn price(object: &Node<'_, '_>, pays_in: Option<&str>) -> Result<Price, Unfit> {
    let id = object.required_id("id")?;
    let own = object.text("currency")?.and_then(currency);
    let (currency, scheme) = match (pays_in.and_then(currency), own) {
        (Some(paid), Some(own)) if paid != own => {
            let option = options(object)?.remove(&paid);
            (paid, option.unwrap_or(Scheme::OptionNotSent))
        }
        (paid, own) => (
            own.or(paid).ok_or_else(|| object.unfit("currency", "expected a currency's three letters"))?,
            scheme(object)?,
        ),
    };
    let product = object.expanded("product");
    let says_no_seat = |holder: &Node<'_, '_>| metadata_word(holder, "upswell_seat") == Some("false");
    Ok(Price {
        id: id.into(),
        product: ProductId::from(object.id("product")?.unwrap_or(id)),
        currency,
        cadence: cadence(object)?,
        usage_type: usage_type(object)?,
        scheme,
        is_seat: !says_no_seat(object) && !product.as_ref().is_some_and(says_no_seat),
        succeeds: metadata_word(object, "upswell_succeeds")
            .filter(|id| super::super::node::is_identifier(id))
            .map(PriceId::from),
    })
}

/// What a price asks in other currencies, as far as it is sent (`currency_options`).
pub(super) fn options(object: &Node<'_, '_>) -> Result<BTreeMap<Currency, Scheme>, Unfit> {
    let mut options = BTreeMap::new();
    for (code, option) in object.entries("currency_options")? {
        // Of tiers sent or an amount; the mode and the packages are the price's own.
        let tiers = option.objects("tiers")?.unwrap_or_default();
        let scheme = match object.text("billing_scheme")? {
            Some("tiered") if tiers.is_empty() => None,
            Some("tiered") => Some(bands(object, &tiers)?),
            _ => per_unit(&option, object)?,
        };
        if let Some((currency, scheme)) = currency(code).zip(scheme) {
            options.insert(currency, scheme);
        }
    }
    Ok(options)
}

/// A currency's lower-case code; `None` for what is none.
pub(super) fn currency(code: &str) -> Option<Currency> {
    let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_code.then(|| code.to_ascii_lowercase().into())
}

/// Where interval and usage type stand: in a price's `recurring`, in a plan itself.
fn terms<'t, 'a>(object: &Node<'t, 'a>) -> Result<Node<'t, 'a>, Unfit> {
    Ok(object.object("recurring")?.unwrap_or_else(|| object.clone()))
}

/// How often a price or a plan bills; a missing count is 1.
pub(super) fn cadence(object: &Node<'_, '_>) -> Result<Cadence, Unfit> {
    let terms = terms(object)?;
    let interval = match terms.text("interval")? {
        Some("day") => Interval::Day,
        Some("week") => Interval::Week,
        Some("month") => Interval::Month,
        Some("year") => Interval::Year,
        _ => return Err(terms.unfit("interval", "expected day, week, month or year")),
    };
    let count = u32::try_from(terms.integer("interval_count")?.unwrap_or(1)).ok();
    let count = count.and_then(NonZeroU32::new);
    Ok(Cadence {
        interval,
        count: count.ok_or_else(|| terms.unfit("interval_count", "expected a number above zero"))?,
    })
}

/// Licensed, unless it says metered.
pub(super) fn usage_type(object: &Node<'_, '_>) -> Result<UsageType, Unfit> {
    let terms = terms(object)?;
    match terms.text("usage_type")? {
        None | Some("licensed") => Ok(UsageType::Licensed),
        Some("metered") => Ok(UsageType::Metered),
        Some(_) => Err(terms.unfit("usage_type", "expected licensed or metered")),
    }
}

fn scheme(object: &Node<'_, '_>) -> Result<Scheme, Unfit> {
    if object.text("billing_scheme")? == Some("tiered") {
        return tiered(object);
    }
    Ok(per_unit(object, object)?.unwrap_or(Scheme::AmountNotSent))
}

/// The amount of a unit, or of a package of units as the price makes them; none where none is sent.
fn per_unit(amounts: &Node<'_, '_>, price: &Node<'_, '_>) -> Result<Option<Scheme>, Unfit> {
    let names = ["unit_amount_decimal", "unit_amount", "amount_decimal", "amount"];
    let Some(unit) = first_amount(amounts, &names)? else {
        return Ok(None);
    };
    Ok(Some(Scheme::PerUnit { unit, transform: transform(price)? }))
}

/// A thousand billion of any currency, far above what Stripe takes: what is larger is no amount, and
/// might not be calculated with.
pub(super) const LARGEST_AMOUNT: i128 = 1_000_000_000_000_000 * PriceAmount::ONE;

/// The first of these amounts that is there, decimals before whole ones.
fn first_amount(object: &Node<'_, '_>, names: &[&str]) -> Result<Option<PriceAmount>, Unfit> {
    for name in names {
        if let Some(text) = object.decimal(name)? {
            let amount = PriceAmount::parse(&text).filter(|amount| amount.0.abs() <= LARGEST_AMOUNT);
            let unfit = || object.unfit(name, "expected an amount in minor units with at most 12 decimals");
            return amount.map(Some).ok_or_else(unfit);
        }
    }
    Ok(None)
}

fn transform(object: &Node<'_, '_>) -> Result<Option<TransformQuantity>, Unfit> {
    let transform = match object.object("transform_quantity")? {
        None => object.object("transform_usage")?,
        found => found,
    };
    let Some(transform) = transform else {
        return Ok(None);
    };
    let divide_by = u64::try_from(transform.required_integer("divide_by")?).ok();
    Ok(Some(TransformQuantity {
        divide_by: divide_by
            .and_then(NonZeroU64::new)
            .ok_or_else(|| transform.unfit("divide_by", "expected a number above zero"))?,
        round_up: match transform.text("round")? {
            Some("up") => true,
            Some("down") => false,
            _ => return Err(transform.unfit("round", "expected up or down")),
        },
    }))
}

/// Tiers, where they are sent; events leave them out.
fn tiered(object: &Node<'_, '_>) -> Result<Scheme, Unfit> {
    let tiers = object.objects("tiers")?.unwrap_or_default();
    if tiers.is_empty() {
        return Ok(Scheme::TiersNotSent);
    }
    bands(object, &tiers)
}

fn bands(object: &Node<'_, '_>, tiers: &[Node<'_, '_>]) -> Result<Scheme, Unfit> {
    let mode = match object.text("tiers_mode")? {
        Some("graduated") => TiersMode::Graduated,
        Some("volume") => TiersMode::Volume,
        _ => return Err(object.unfit("tiers_mode", "expected graduated or volume")),
    };
    let tiers = tiers.iter().map(tier).collect::<Result<_, _>>()?;
    Ok(Scheme::Tiered { mode, tiers })
}

fn tier(object: &Node<'_, '_>) -> Result<Tier, Unfit> {
    // Older versions write the last band's bound as "inf".
    let is_last = object.json().get("up_to").and_then(Json::as_text) == Some("inf");
    let up_to = if is_last { None } else { object.integer("up_to")? };
    let unfit = |_| object.unfit("up_to", "expected a number of units");
    let amount = |names| first_amount(object, names).map(Option::unwrap_or_default);
    Ok(Tier {
        up_to: up_to.map(u64::try_from).transpose().map_err(unfit)?,
        flat: amount(&["flat_amount_decimal", "flat_amount"])?,
        // Plans of 2018 called it `amount`.
        unit: amount(&["unit_amount_decimal", "unit_amount", "amount"])?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn read(holder: &str) -> Result<Price, Unfit> {
        let json: Json<'_> = serde_json::from_str(holder).expect("JSON");
        price_of(&Node::object_at(&json, "$").expect("object"), Some("usd"))
    }

    fn of_price(rest: &str) -> Result<Price, Unfit> {
        read(&format!(
            r#"{{"price":{{"id":"price_1","product":"prod_1","currency":"usd","recurring":{{"interval":"month"}}{rest}}}}}"#
        ))
    }

    fn per_unit(unit: PriceAmount) -> Scheme {
        Scheme::PerUnit { unit, transform: None }
    }

    #[test]
    fn a_plan_is_a_price_in_older_words() {
        let plan =
            read(r#"{"plan":{"id":"gold","amount":5000,"currency":"USD","interval":"year","name":"Gold"}}"#);
        let plan = plan.expect("fits");
        assert_eq!(
            (plan.id.as_str(), plan.product.as_str(), plan.currency.as_str()),
            ("gold", "gold", "usd")
        );
        assert_eq!((plan.cadence.interval, plan.cadence.count.get()), (Interval::Year, 1));
        assert_eq!(plan.scheme, per_unit(PriceAmount::minor_units(5000)));
        assert_eq!(plan.usage_type, UsageType::Licensed);
    }

    #[test]
    fn a_decimal_amount_comes_before_a_whole_one() {
        let price = of_price(r#","unit_amount":null,"unit_amount_decimal":"0.5""#).expect("fits");
        assert_eq!(price.scheme, per_unit(PriceAmount(500_000_000_000)));
        let number = of_price(r#","unit_amount_decimal":0.5"#).expect("fits");
        assert_eq!(number.scheme, price.scheme);
        assert_eq!(of_price("").expect("fits").scheme, Scheme::AmountNotSent);
    }

    #[test]
    fn an_expanded_product_is_its_id() {
        let price =
            of_price(r#","product":{"id":"prod_9","metadata":{"upswell_seat":"false"}}"#).expect("fits");
        assert_eq!(price.product.as_str(), "prod_9");
        assert!(!price.is_seat);
        assert_eq!(of_price(r#","product":null"#).expect("fits").product.as_str(), "price_1");
    }

    #[test]
    fn an_id_alone_is_a_price_without_an_amount() {
        let price = read(r#"{"price":"price_7"}"#).expect("fits");
        assert_eq!((price.id.as_str(), price.scheme), ("price_7", Scheme::PriceNotSent));
        let beside = read(r#"{"price":"price_7","plan":{"id":"price_7","amount":1,"interval":"month"}}"#)
            .expect("fits");
        assert_eq!(beside.scheme, per_unit(PriceAmount::minor_units(1)));
        assert_eq!(read("{}").expect_err("nothing").path, "$.price");
    }

    #[test]
    fn tiers_are_read_where_they_are_sent() {
        assert_eq!(of_price(r#","billing_scheme":"tiered""#).expect("fits").scheme, Scheme::TiersNotSent);
        let tiers = r#","billing_scheme":"tiered","tiers_mode":"graduated","tiers":[
            {"up_to":5,"flat_amount":1000,"unit_amount":null},
            {"up_to":"inf","unit_amount_decimal":"0.25"}]"#;
        let Scheme::Tiered { mode, tiers } = of_price(tiers).expect("fits").scheme else {
            panic!("not tiered");
        };
        assert_eq!(mode, TiersMode::Graduated);
        let first = Tier { up_to: Some(5), flat: PriceAmount::minor_units(1000), unit: PriceAmount(0) };
        let last = Tier { up_to: None, flat: PriceAmount(0), unit: PriceAmount(250_000_000_000) };
        assert_eq!(tiers, [first, last]);
    }

    #[test]
    fn tiers_that_only_the_plan_beside_a_price_carries_are_read() {
        let price = r#""price":{"id":"p","currency":"usd","billing_scheme":"tiered","tiers_mode":"volume",
            "recurring":{"interval":"month"}}"#;
        let plan = |id: &str| {
            format!(
                r#""plan":{{"id":"{id}","currency":"usd","billing_scheme":"tiered","tiers_mode":"volume",
                "interval":"month","tiers":[{{"up_to":null,"unit_amount":7}}]}}"#
            )
        };
        let told = read(&format!("{{{price},{}}}", plan("p"))).expect("fits");
        let only = Tier { up_to: None, flat: PriceAmount(0), unit: PriceAmount::minor_units(7) };
        assert_eq!(told.scheme, Scheme::Tiered { mode: TiersMode::Volume, tiers: vec![only] });
        let another = read(&format!("{{{price},{}}}", plan("q"))).expect("fits");
        assert_eq!(another.scheme, Scheme::TiersNotSent);
    }

    #[test]
    fn packages_and_metadata_are_read() {
        let price = of_price(
            r#","unit_amount":9,"transform_quantity":{"divide_by":10,"round":"up"},
            "metadata":{"upswell_seat":"false","upswell_succeeds":"price_0"}"#,
        )
        .expect("fits");
        let Scheme::PerUnit { transform: Some(transform), .. } = price.scheme else {
            panic!("no packages");
        };
        assert_eq!((transform.divide_by.get(), transform.round_up), (10, true));
        assert!(!price.is_seat);
        assert_eq!(price.succeeds, Some(PriceId::from("price_0")));
    }

    #[test]
    fn what_is_no_price_is_named() {
        let path = |rest: &str| of_price(rest).expect_err("unfit").path;
        assert_eq!(path(r#","recurring":{"interval":"fortnight"}"#), "$.price.recurring.interval");
        assert_eq!(
            path(r#","recurring":{"interval":"month","interval_count":0}"#),
            "$.price.recurring.interval_count"
        );
        assert_eq!(
            path(r#","recurring":{"interval":"month","usage_type":"x"}"#),
            "$.price.recurring.usage_type"
        );
        assert_eq!(path(r#","recurring":null"#), "$.price.interval");
        assert_eq!(path(r#","unit_amount":9000000000000000000"#), "$.price.unit_amount");
        assert_eq!(path(r#","unit_amount_decimal":"1e3""#), "$.price.unit_amount_decimal");
        assert_eq!(
            path(r#","unit_amount":1,"transform_quantity":{"divide_by":0}"#),
            "$.price.transform_quantity.divide_by"
        );
    }

    #[test]
    fn a_subscription_in_another_currency_pays_the_prices_option_in_it() {
        let in_euro = r#","currency":"eur","unit_amount":900"#;
        let price = of_price(in_euro).expect("fits");
        assert_eq!((price.currency.as_str(), price.scheme), ("usd", Scheme::OptionNotSent));
        let sent = format!(r#"{in_euro},"currency_options":{{"usd":{{"unit_amount_decimal":"1000.5"}}}}"#);
        let price = of_price(&sent).expect("fits");
        assert_eq!(price.currency.as_str(), "usd");
        assert_eq!(price.scheme, per_unit(PriceAmount(1_000_500_000_000_000)));
        let tiered = r#","currency":"eur","billing_scheme":"tiered","tiers_mode":"volume",
            "currency_options":{"usd":{"tiers":[{"up_to":null,"unit_amount":7}]},"gbp":{"unit_amount":null}}"#;
        assert!(matches!(of_price(tiered).expect("fits").scheme, Scheme::Tiered { .. }));
    }

    #[test]
    fn a_currency_that_is_none_gives_way_to_the_subscriptions() {
        assert_eq!(of_price(r#","currency":"currency""#).expect("fits").currency.as_str(), "usd");
    }
}
