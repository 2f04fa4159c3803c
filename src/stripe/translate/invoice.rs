//! Invoices, as far as usage goes: the metered lines of both generations (R8).

use crate::mrr::{
    Cadence, Delta, Fact, Instant, InvoiceStatus, MICRO, Off, PriceAmount, PriceId, UsageInvoice, UsageLine,
    UsageType, divide_half_even,
};

use super::discount::discounts_of;
use super::price::{cadence, usage_type};
use super::{Json, Node, Source, Translation, Unfit, ignored};

impl Source<'_> {
    /// What an invoice's event says about usage. `told` is what the event's type says about the
    /// invoice's status, which wins over the object's.
    pub(super) fn invoice(
        &self,
        object: &Node<'_, '_>,
        told: Option<InvoiceStatus>,
    ) -> Result<Translation, Unfit> {
        let Some(subscription) = subscription_of(object)? else {
            return Ok(ignored("invoice without a subscription"));
        };
        let period_end = object.instant("period_end")?.unwrap_or(self.at);
        let lines = usage_lines(object, period_end)?;
        let is_cycle = is_whole_cycle(object)?;
        let quote = self.quote_behind(object, subscription)?;
        if lines.is_empty() && !is_cycle {
            let told = quote.map(|quote| Translation::Facts(vec![quote]));
            return Ok(told.unwrap_or_else(|| ignored("invoice without usage")));
        }
        let status = told.map_or_else(|| status(object), Ok)?;
        let usage = Fact::Usage(UsageInvoice {
            customer: object.required_id("customer")?.into(),
            subscription: subscription.into(),
            invoice: object.required_id("id")?.into(),
            at: self.at,
            status,
            is_cycle,
            period_end,
            lines,
            evidence: self.evidence(),
        });
        Ok(Translation::Facts(std::iter::once(usage).chain(quote).collect()))
    }

    /// The quote that an invoice was made from: accepted when the invoice was made (R20).
    fn quote_behind(&self, object: &Node<'_, '_>, subscription: &str) -> Result<Option<Fact>, Unfit> {
        let details = object.expanded("parent").and_then(|parent| parent.expanded("quote_details"));
        let named = details.map_or(Ok(None), |details| details.id("quote"))?;
        let Some(quote) = named.map_or_else(|| object.id("quote"), |named| Ok(Some(named)))? else {
            return Ok(None);
        };
        let made_at = object.instant("created")?.unwrap_or(self.at);
        Ok(Some(self.accepted(quote, object.required_id("customer")?, subscription, made_at)))
    }
}

/// The subscription: in `parent` since basil, on the invoice itself before.
pub(super) fn subscription_of<'t>(object: &Node<'t, '_>) -> Result<Option<&'t str>, Unfit> {
    let parent = object.object("parent")?;
    let details = parent.map_or(Ok(None), |parent| parent.object("subscription_details"))?;
    let named = details.map_or(Ok(None), |details| details.id("subscription"))?;
    named.map_or_else(|| object.id("subscription"), |named| Ok(Some(named)))
}

/// Whether it closes a cycle with all its lines at hand. Of a longer invoice the lines that were
/// left out may be the metered ones, so that their absence says nothing.
fn is_whole_cycle(object: &Node<'_, '_>) -> Result<bool, Unfit> {
    let lines_follow = match object.expanded("lines") {
        Some(lines) => lines.is_true("has_more")?,
        None => false,
    };
    let is_whole = object.list("lines")?.is_some() && !lines_follow;
    Ok(is_whole && object.text("billing_reason")? == Some("subscription_cycle"))
}

/// The status; before 2018-11-08 there was none, and flags told.
pub(super) fn status(object: &Node<'_, '_>) -> Result<InvoiceStatus, Unfit> {
    match object.text("status")? {
        Some("draft") => return Ok(InvoiceStatus::Draft),
        Some("open" | "paid") => return Ok(InvoiceStatus::Billed),
        Some("void" | "uncollectible" | "deleted") => return Ok(InvoiceStatus::Withdrawn),
        Some(_) => {
            return Err(object.unfit("status", "expected draft, open, paid, void or uncollectible"));
        }
        None => {}
    }
    let is = |name| object.is_true(name);
    // Closed without having been paid was the end of collecting; attempted was billed.
    Ok(match (is("forgiven")?, is("paid")?, is("closed")?, is("attempted")?) {
        (false, true, _, _) | (false, false, false, true) => InvoiceStatus::Billed,
        (true, ..) | (false, false, true, _) => InvoiceStatus::Withdrawn,
        (false, false, false, false) => InvoiceStatus::Draft,
    })
}

fn usage_lines(object: &Node<'_, '_>, invoice_period_end: Instant) -> Result<Vec<UsageLine>, Unfit> {
    let lines = object.objects("lines")?.unwrap_or_default();
    let discount = WholeDiscount::of(object, &lines)?;
    let usage = lines.iter().map(|line| usage_line(line, invoice_period_end, &discount));
    usage.filter_map(Result::transpose).collect()
}

/// A line that bills usage, or that may: since basil a line with an unexpanded price doesn't say
/// whether it is metered. It is taken if its period is over with the invoice's own, since metered
/// lines bill the period just ended and licensed ones the coming one; whether its item is metered
/// is known where the item is.
fn usage_line(
    line: &Node<'_, '_>,
    invoice_period_end: Instant,
    discount: &WholeDiscount,
) -> Result<Option<UsageLine>, Unfit> {
    let parent = line.object("parent")?;
    let details = parent.map_or(Ok(None), |parent| parent.object("subscription_item_details"))?;
    let is_proration = line.is_true("proration")?
        || details.as_ref().map_or(Ok(false), |details| details.is_true("proration"))?;
    let holder = details.as_ref().unwrap_or(line);
    let Some(item) = holder.id("subscription_item")?.filter(|_| !is_proration) else {
        return Ok(None);
    };
    let Some(period) = line.object("period")? else {
        return Ok(None);
    };
    let period_end = period.required_instant("end")?;
    let Some((price, cadence)) = metered_price(line, period_end <= invoice_period_end)? else {
        return Ok(None);
    };
    Ok(Some(UsageLine {
        item: item.into(),
        price,
        cadence,
        period_start: period.required_instant("start")?,
        period_end,
        amount: Delta(discount.taken_off(line, net_amount(line)?)?),
    }))
}

/// The line's price if it is metered or may be, with its cadence where the line carries it.
fn metered_price(line: &Node<'_, '_>, is_over: bool) -> Result<Option<(PriceId, Option<Cadence>)>, Unfit> {
    let pricing = line.object("pricing")?;
    let details = pricing.map_or(Ok(None), |pricing| pricing.object("price_details"))?;
    let expanded = details.as_ref().and_then(|details| details.expanded("price"));
    let embedded = || ["price", "plan"].iter().find_map(|name| line.expanded(name));
    if let Some(price) = expanded.or_else(embedded) {
        if usage_type(&price)? == UsageType::Licensed {
            return Ok(None);
        }
        return Ok(Some((price.required_id("id")?.into(), Some(cadence(&price)?))));
    }
    let id = details.map_or(Ok(None), |details| details.id("price"))?;
    Ok(id.filter(|_| is_over).map(|id| (id.into(), None)))
}

/// The line's amount in millionths, without its discounts and without tax that is included in it (R7,
/// R8). Prepaid credits pay for usage; they don't lessen it, whichever generation of the line they stand
/// on (`pretax_credit_amounts`).
fn net_amount(line: &Node<'_, '_>) -> Result<i128, Unfit> {
    let mut net = i128::from(line.required_integer("amount")?);
    for discount in line.objects("discount_amounts")?.unwrap_or_default() {
        net -= i128::from(discount.integer("amount")?.unwrap_or(0));
    }
    let (mut included, mut taxable) = (0, 0);
    let name = if line.has("taxes") { "taxes" } else { "tax_amounts" };
    for tax in line.objects(name)?.unwrap_or_default() {
        if tax.is_true("inclusive")? || tax.text("tax_behavior")? == Some("inclusive") {
            included += i128::from(tax.integer("amount")?.unwrap_or(0));
            taxable = i128::from(tax.integer("taxable_amount")?.unwrap_or(0));
        }
    }
    if included <= 0 || taxable <= 0 || !is_paid_by_credits(line)? {
        return Ok((net - included) * MICRO);
    }
    // Only what the credits leave is taxed, and the tax in the whole is at the same rate.
    let product = (net * MICRO).checked_mul(taxable).ok_or_else(|| line.unfit("amount", TOO_LARGE))?;
    Ok(divide_half_even(product, taxable + included))
}

fn is_paid_by_credits(line: &Node<'_, '_>) -> Result<bool, Unfit> {
    let amounts = line.objects("pretax_credit_amounts")?.unwrap_or_default();
    Ok(amounts.iter().any(|amount| amount.has("credit_balance_transaction")))
}

/// The discount of an invoice from before lines carried their `discount_amounts` (2020): on the
/// invoice alone, a share of every discountable line.
enum WholeDiscount {
    /// None, or told line by line.
    None,
    /// This part of every line's amount.
    Share {
        /// Its numerator.
        off: i128,
        /// Its denominator, above zero.
        of: i128,
    },
}

impl WholeDiscount {
    fn of(invoice: &Node<'_, '_>, lines: &[Node<'_, '_>]) -> Result<Self, Unfit> {
        if lines.iter().any(|line| line.has("discount_amounts")) {
            return Ok(Self::None);
        }
        let discounts = discounts_of(invoice)?;
        let Some(coupon) = discounts.first().and_then(|discount| discount.coupon.as_ref()) else {
            return Ok(Self::None);
        };
        let (off, of) = match &coupon.off {
            Off::Percent(millionths) => (i128::from(*millionths), MICRO),
            Off::Amount { amount, .. } => (amount.0 / PriceAmount::ONE, discountable_total(lines)?),
        };
        let off = off.min(of);
        Ok(if of > 0 { Self::Share { off, of } } else { Self::None })
    }

    /// A line's net amount, in millionths, without its share.
    fn taken_off(&self, line: &Node<'_, '_>, net: i128) -> Result<i128, Unfit> {
        match self {
            Self::Share { off, of } if discountable_amount(line)? > 0 => {
                let product = net.checked_mul(*off).ok_or_else(|| line.unfit("amount", TOO_LARGE))?;
                Ok(net - divide_half_even(product, *of))
            }
            _ => Ok(net),
        }
    }
}

const TOO_LARGE: &str = "expected an amount that can be calculated with, found a larger one";

fn discountable_total(lines: &[Node<'_, '_>]) -> Result<i128, Unfit> {
    lines.iter().map(discountable_amount).sum()
}

/// What a discount may take from: nothing of a line that says so, nothing of a credit.
fn discountable_amount(line: &Node<'_, '_>) -> Result<i128, Unfit> {
    let is_discountable = line.json().get("discountable") != Some(&Json::Bool(false));
    let amount = i128::from(line.required_integer("amount")?);
    Ok(if is_discountable { amount.max(0) } else { 0 })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn translated(kind: &str, invoice: &str) -> Translation {
        let body =
            format!(r#"{{"id":"evt_1","type":"{kind}","created":2000,"data":{{"object":{invoice}}}}}"#);
        let envelope = crate::stripe::read(body.as_bytes()).expect("JSON");
        crate::stripe::translate(body.as_bytes(), &envelope, "00")
    }

    fn usage(kind: &str, invoice: &str) -> UsageInvoice {
        match translated(kind, invoice) {
            Translation::Facts(facts) => match facts.as_slice() {
                [Fact::Usage(invoice)] => invoice.clone(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    fn legacy(lines: &str, rest: &str) -> String {
        format!(
            r#"{{"id":"in_1","customer":"cus_1","subscription":"sub_1","period_end":1000,
            "lines":{{"object":"list","data":[{lines}]}}{rest}}}"#
        )
    }

    fn basil(lines: &str) -> String {
        format!(
            r#"{{"id":"in_1","customer":"cus_1","status":"open","period_end":1000,"billing_reason":"subscription_cycle",
            "parent":{{"type":"subscription_details","subscription_details":{{"subscription":"sub_1"}}}},
            "lines":{{"object":"list","data":[{lines}]}}}}"#
        )
    }

    const METERED: &str = r#"{"amount":700,"period":{"start":0,"end":1000},"proration":false,"type":"subscription",
        "subscription_item":"si_1","price":{"id":"price_1","recurring":{"interval":"month","usage_type":"metered"}},
        "discount_amounts":[{"amount":100,"discount":"di_1"}],
        "tax_amounts":[{"amount":50,"inclusive":true},{"amount":70,"inclusive":false}]}"#;

    const BASIL: &str = r#"{"amount":700,"period":{"start":0,"end":1000},"parent":{"type":"subscription_item_details",
        "subscription_item_details":{"subscription":"sub_1","subscription_item":"si_1","proration":false}},
        "pricing":{"type":"price_details","price_details":{"price":"price_1","product":"prod_1"}},
        "discount_amounts":[{"amount":100,"discount":"di_1"}],
        "taxes":[{"amount":50,"tax_behavior":"inclusive"},{"amount":70,"tax_behavior":"exclusive"}]}"#;

    #[test]
    fn both_generations_tell_the_same_usage() {
        let old = usage("invoice.finalized", &legacy(METERED, r#","billing_reason":"subscription_cycle""#));
        let new = usage("invoice.finalized", &basil(BASIL));
        let line = &old.lines[0];
        assert_eq!((line.item.as_str(), line.price.as_str()), ("si_1", "price_1"));
        assert_eq!(line.amount, Delta(550_000_000));
        assert_eq!(line.cadence, Some(Cadence::MONTHLY));
        let mut undated = old.clone();
        undated.lines[0].cadence = None;
        assert_eq!(new, undated);
    }

    #[test]
    fn prepaid_credits_pay_for_usage_and_do_not_lessen_it() {
        let credits = r#""pretax_credit_amounts":[{"amount":100,"type":"discount","discount":"di_1"},
            {"amount":350,"type":"credit_balance_transaction","credit_balance_transaction":"cbtxn_1"}],"#;
        let paid = |taxes: &str| {
            let line = BASIL.replace(
                r#""taxes":[{"amount":50,"tax_behavior":"inclusive"},"#,
                &format!(r#"{credits}"taxes":[{taxes}"#),
            );
            assert_ne!(line, BASIL);
            usage("invoice.paid", &basil(&line)).lines[0].amount
        };
        assert_eq!(paid(""), Delta(600_000_000));
        // 600 of which 350 are paid by credits: of the 250 left, 50 are tax, a quarter of the 200 taxed.
        let included = r#"{"amount":50,"tax_behavior":"inclusive","taxable_amount":200},"#;
        assert_eq!(paid(included), Delta(480_000_000));
    }

    #[test]
    fn licensed_lines_and_prorations_are_left_out() {
        let licensed = METERED.replace("metered", "licensed");
        let proration = METERED.replace("\"proration\":false", "\"proration\":true");
        let plan = METERED.replace("\"price\":", "\"plan\":").replace(
            "\"recurring\":{\"interval\":\"month\",\"usage_type\":\"metered\"}",
            "\"interval\":\"month\"",
        );
        let ended = BASIL.replace("\"end\":1000", "\"end\":2000");
        let basil_proration = BASIL.replace("\"proration\":false", "\"proration\":true");
        let lines =
            usage("invoice.paid", &basil(&[licensed, proration, plan, ended, basil_proration].join(",")))
                .lines;
        assert_eq!(lines, []);
    }

    #[test]
    fn a_cycle_without_usage_is_told_and_another_invoice_is_not() {
        let cycle = usage("invoice.paid", &legacy("", r#","billing_reason":"subscription_cycle""#));
        assert!(cycle.is_cycle && cycle.lines.is_empty());
        let ignored = |kind, invoice: &str| matches!(translated(kind, invoice), Translation::Ignored { .. });
        assert!(ignored("invoice.paid", &legacy("", r#","billing_reason":"manual""#)));
        assert!(ignored(
            "invoice.paid",
            r#"{"id":"in_1","customer":"cus_1","subscription":null,"lines":null}"#
        ));
    }

    #[test]
    fn a_cycle_whose_lines_go_on_says_nothing_about_those_it_left_out() {
        let more = basil(BASIL).replace("\"object\":\"list\"", "\"object\":\"list\",\"has_more\":true");
        let invoice = usage("invoice.paid", &more);
        assert!(!invoice.is_cycle);
        assert_eq!(invoice.lines.len(), 1);
    }

    #[test]
    fn the_events_type_wins_over_the_status() {
        let open = basil(BASIL);
        assert_eq!(usage("invoice.voided", &open).status, InvoiceStatus::Withdrawn);
        assert_eq!(usage("invoice.updated", &open).status, InvoiceStatus::Billed);
        let of = |status: &str| usage("invoice.updated", &open.replace("open", status)).status;
        assert_eq!(of("draft"), InvoiceStatus::Draft);
        assert_eq!(of("uncollectible"), InvoiceStatus::Withdrawn);
    }

    #[test]
    fn before_there_was_a_status_flags_told() {
        let of = |flags: &str| usage("invoice.updated", &legacy(METERED, flags)).status;
        assert_eq!(of(r#","paid":true,"closed":true"#), InvoiceStatus::Billed);
        assert_eq!(of(r#","paid":false,"closed":false,"attempted":true"#), InvoiceStatus::Billed);
        assert_eq!(of(r#","paid":false,"closed":true,"attempted":true"#), InvoiceStatus::Withdrawn);
        assert_eq!(of(r#","paid":true,"forgiven":true"#), InvoiceStatus::Withdrawn);
        assert_eq!(of(r#","paid":false,"attempted":false"#), InvoiceStatus::Draft);
    }

    #[test]
    fn a_discount_of_the_whole_invoice_takes_its_share_of_each_line() {
        let line = r#"{"amount":700,"period":{"start":0,"end":1000},"subscription_item":"si_1",
            "plan":{"id":"p","interval":"month","usage_type":"metered"}}"#;
        let other = r#"{"amount":300,"plan":{"id":"q","interval":"month"}}"#;
        let amount = |coupon: &str| {
            let discount = format!(r#","discount":{{"coupon":{{"id":"c","duration":"forever",{coupon}}}}}"#);
            usage("invoice.paid", &legacy(&[line, other].join(","), &discount)).lines[0].amount
        };
        assert_eq!(amount(r#""percent_off":10"#), Delta(630_000_000));
        assert_eq!(amount(r#""amount_off":500,"currency":"usd""#), Delta(350_000_000));
        assert_eq!(amount(r#""amount_off":5000,"currency":"usd""#), Delta(0));
    }

    #[test]
    fn an_invoice_without_its_lines_says_nothing() {
        let cut = r#"{"id":"in_1","customer":"cus_1","subscription":"sub_1","lines":{},"billing_reason":"subscription_cycle"}"#;
        assert!(matches!(translated("invoice.paid", cut), Translation::Ignored { .. }));
    }

    #[test]
    fn absurd_amounts_and_times_never_stop_the_reader() {
        let discount =
            r#","discount":{"coupon":{"id":"c","duration":"once","amount_off":9e18,"currency":"usd"}}"#;
        let line = METERED.replace("discount_amounts", "x").replace(":700", ":9223372036854775807");
        for from in
            ["\"start\":0", "\"end\":1000", ":700", "\"period_end\":1000", "\"usage_type\":\"metered\""]
        {
            for to in ["9223372036854775807", "-9223372036854775808", "1e300", "[]", "{}", "\"x\"", "null"] {
                for line in [METERED, &line, BASIL] {
                    let name = from.split_once("\":").map_or("", |(name, _)| name);
                    let odd = if name.is_empty() { format!(":{to}") } else { format!("{name}\":{to}") };
                    let invoice = legacy(&[line, line].join(","), discount).replace(from, &odd);
                    let _ = translated("invoice.updated", &invoice);
                }
            }
        }
    }
}
