//! JSON values that a reader of Stripe's objects may meet, likely and unlikely ones.

use std::fmt::Write as _;

use libfuzzer_sys::arbitrary::{Result, Unstructured};

/// A text that no message may repeat.
pub(crate) const HUSH: &str = "hush-this-value-is-private";

/// Words with a meaning somewhere.
const WORDS: &[&str] = &[
    "",
    "active",
    "amount",
    "aud",
    "canceled",
    "cancellation_requested",
    "currency",
    "day",
    "deleted",
    "deliberate",
    "down",
    "draft",
    "eur",
    "false",
    "flat",
    "forever",
    "forgiven",
    "graduated",
    "inclusive",
    "incomplete",
    "incomplete_expired",
    "inf",
    "licensed",
    "list",
    "metered",
    "month",
    "never_heard_of",
    "once",
    "one_time",
    "open",
    "organic",
    "package",
    "paid",
    "past_due",
    "paused",
    "payment_failed",
    "per_unit",
    "portal",
    "recurring",
    "repeating",
    "self_serve",
    "subscription",
    "subscription_create",
    "subscription_cycle",
    "tiered",
    "trialing",
    "true",
    "uncollectible",
    "unpaid",
    "up",
    "USD",
    "usd",
    "void",
    "volume",
    "week",
    "year",
    "2017-04-06",
    "2025-03-31.basil",
    HUSH,
];

/// Ids, of which the same one should turn up in several places.
const IDS: &[&str] = &[
    "cus_1",
    "cus_2",
    "sub_1",
    "si_1",
    "si_2",
    "price_1",
    "price_2",
    "gold",
    "prod_1",
    "prod_2",
    "di_1",
    "di_2",
    "co_1",
    "in_1",
    "sub_00000000000000",
    "a\\u0000b",
    "é",
];

/// Names of members.
const NAMES: &[&str] = &[
    "active",
    "address",
    "amount",
    "amount_decimal",
    "amount_off",
    "applies_to",
    "attempted",
    "billing_reason",
    "billing_scheme",
    "cancel_at",
    "cancel_at_period_end",
    "canceled_at",
    "cancellation_details",
    "closed",
    "country",
    "coupon",
    "created",
    "currency",
    "currency_options",
    "current_period_end",
    "customer",
    "data",
    "deleted",
    "discount",
    "discount_amounts",
    "discountable",
    "discounts",
    "divide_by",
    "duration",
    "duration_in_months",
    "end",
    "ended_at",
    "flat_amount",
    "flat_amount_decimal",
    "forgiven",
    "has_more",
    "id",
    "inclusive",
    "interval",
    "interval_count",
    "items",
    "lines",
    "metadata",
    "object",
    "paid",
    "parent",
    "pause_collection",
    "percent_off",
    "percent_off_precise",
    "period",
    "period_end",
    "plan",
    "price",
    "price_details",
    "pricing",
    "product",
    "products",
    "proration",
    "quantity",
    "reason",
    "recurring",
    "round",
    "schedule",
    "source",
    "start",
    "status",
    "subscription",
    "subscription_details",
    "subscription_item",
    "subscription_item_details",
    "tax_amounts",
    "tax_behavior",
    "taxes",
    "tiers",
    "tiers_mode",
    "transform_quantity",
    "transform_usage",
    "trial_end",
    "type",
    "unit_amount",
    "unit_amount_decimal",
    "up_to",
    "upswell_channel",
    "upswell_ladder",
    "upswell_motion",
    "upswell_rank",
    "upswell_role",
    "upswell_seat",
    "upswell_succeeds",
    "usage_type",
];

/// Numbers at the edge of something.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "-1",
    "2",
    "12",
    "100",
    "101",
    "1e2",
    "0.5",
    "12.5",
    "33.3333333333",
    "1.0",
    "-0.0",
    "1E400",
    "1e-400",
    "253402300799",
    "253402300800",
    "1000000000000",
    "1000000000001",
    "1000000000000000",
    "1000000000000001",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "4294967295",
    "4294967296",
    "2147483647",
    "1700000000",
    "1759399200",
    "0.000000000001",
    "0.0000000000001",
    "999999999999.999999999999",
];

/// Objects that have a meaning somewhere.
const PARTS: &[&str] = &[
    r#"{"id":"price_2","product":"prod_2","currency":"usd","unit_amount":900,"recurring":{"interval":"week","interval_count":2}}"#,
    r#"{"id":"price_1","product":{"id":"prod_1","metadata":{"upswell_seat":"false"}},"currency":"eur","unit_amount_decimal":"0.000000000001","recurring":{"interval":"month","usage_type":"metered"}}"#,
    r#"{"id":"gold","amount":1000,"currency":"usd","interval":"year","usage_type":"licensed"}"#,
    r#"{"id":"di_1","start":1700000000,"end":null,"coupon":{"id":"co_1","duration":"repeating","duration_in_months":3,"percent_off":12.5}}"#,
    r#"{"id":"di_2","source":{"type":"coupon","coupon":{"id":"co_2","duration":"forever","amount_off":500,"currency":"usd","applies_to":{"products":["prod_1"]}}}}"#,
    r#"{"id":"co_1","duration":"once","amount_off":100,"currency":"usd"}"#,
    r#"[{"up_to":10,"flat_amount":500,"unit_amount":null},{"up_to":null,"unit_amount_decimal":"12.5"}]"#,
    r#"{"divide_by":5,"round":"up"}"#,
    r#"{"object":"list","data":[],"has_more":true}"#,
    r#"{"id":"si_2","quantity":3,"price":{"id":"price_2","currency":"usd","unit_amount":5,"recurring":{"interval":"day"}},"discounts":["di_1"]}"#,
    r#"{"start":1690000000,"end":1700000000}"#,
    r#"{"behavior":"void"}"#,
    r#"{"upswell_motion":"organic","upswell_seat":"false","upswell_rank":"2","upswell_ladder":"main"}"#,
    "[]",
    "{}",
    "[[[[]]]]",
];

/// Appends a value.
pub(crate) fn value(u: &mut Unstructured<'_>, into: &mut String, depth: u8) -> Result<()> {
    match u.int_in_range(0..=13_u8)? {
        0 => into.push_str("null"),
        1 => into.push_str(if u.arbitrary()? { "true" } else { "false" }),
        2 => _ = write!(into, "{}", u.arbitrary::<u8>()?),
        3 => _ = write!(into, "{}", u.arbitrary::<i64>()?),
        4 | 5 => into.push_str(u.choose(NUMBERS)?),
        6 => quoted(into, u.choose(NUMBERS)?),
        7 => quoted(into, u.choose(WORDS)?),
        8 => quoted(into, u.choose(IDS)?),
        9 => any_text(u, into)?,
        10 | 11 => into.push_str(u.choose(PARTS)?),
        12 if depth > 0 => {
            into.push('[');
            for index in 0..u.int_in_range(0..=3_u8)? {
                into.push_str(if index > 0 { "," } else { "" });
                value(u, into, depth - 1)?;
            }
            into.push(']');
        }
        13 if depth > 0 => {
            into.push('{');
            for index in 0..u.int_in_range(0..=3_u8)? {
                into.push_str(if index > 0 { "," } else { "" });
                name(u, into)?;
                into.push(':');
                value(u, into, depth - 1)?;
            }
            into.push('}');
        }
        _ => into.push_str("{}"),
    }
    Ok(())
}

/// Appends a member's name.
pub(crate) fn name(u: &mut Unstructured<'_>, into: &mut String) -> Result<()> {
    quoted(into, u.choose(NAMES)?);
    Ok(())
}

fn quoted(into: &mut String, text: &str) {
    into.push('"');
    into.push_str(text);
    into.push('"');
}

/// Any text, escaped.
fn any_text(u: &mut Unstructured<'_>, into: &mut String) -> Result<()> {
    let length = usize::from(u.int_in_range(0..=12_u8)?);
    let text = String::from_utf8_lossy(u.bytes(length.min(u.len()))?).into_owned();
    into.push_str(&serde_json::Value::String(text).to_string());
    Ok(())
}
