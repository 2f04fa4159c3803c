//! The steps of a valuation as written-out arithmetic, which a person or a test can work out again.

use super::{DiscountAside, Step, rfc3339};
use crate::mrr::{
    Cadence, Exact, Interval, NotApplied, Off, PriceAmount, Scope, SetAside, TiersMode, ValuationStep,
};

/// Steps as written-out arithmetic.
pub(super) fn steps(steps: &[ValuationStep]) -> Vec<Step> {
    steps.iter().map(step).collect()
}

fn step(step: &ValuationStep) -> Step {
    let told = |rule, step, arithmetic: String, result: &dyn ToString| Step {
        rule,
        step,
        arithmetic,
        result: result.to_string(),
        note: None,
    };
    match step {
        ValuationStep::Quantity { units } => told("R3", "quantity", units.to_string(), units),
        ValuationStep::Packages { units, transform, packages } => {
            let way = if transform.round_up { "up" } else { "down" };
            let note = Some(format!("packages of {}, rounded {way}", transform.divide_by));
            Step { note, ..told("R3", "packages", format!("{units} / {}", transform.divide_by), packages) }
        }
        ValuationStep::Units { units, unit, amount } => {
            told("R3", "units", format!("{units} × {unit}"), amount)
        }
        ValuationStep::Band { mode, number, units, unit, flat, amount } => {
            let mode = match mode {
                TiersMode::Graduated => "graduated: each unit at its own tier's rate",
                TiersMode::Volume => "volume: all units at one tier's rate",
            };
            let note = Some(format!("tier {number}, {mode}"));
            Step { note, ..told("R3", "band", format!("{units} × {unit} + {flat}"), amount) }
        }
        ValuationStep::Period { amount, cadence } => {
            Step { note: Some(every(*cadence)), ..told("R3", "period", amount.to_string(), amount) }
        }
        ValuationStep::Discount { scope, discount, off, eligible, before, after } => {
            let (arithmetic, off) = discounted(off, eligible.as_ref(), before, after);
            let note = Some(format!("{} of the {}: {off}", discount.name(), of(*scope)));
            Step { note, ..told("R6", "discount", arithmetic, after) }
        }
        ValuationStep::WithoutTax { inclusive_tax, before, after } => {
            let rate = millionths(*inclusive_tax);
            let note = Some("the tax that the amount includes, taken out".to_owned());
            Step { note, ..told("R7", "tax", format!("{before} / (1 + {rate})"), after) }
        }
        ValuationStep::Usage { period_start, period_end, event, billed, scale, factor, after } => {
            let scaled =
                if scale.0 == scale.1 { String::new() } else { format!(" × {} / {}", scale.0, scale.1) };
            let arithmetic = format!("{billed} × {} / {}{scaled}", factor.0, factor.1);
            let note =
                Some(format!("billed by {event} for {} to {}", rfc3339(*period_start), rfc3339(*period_end)));
            Step { note, ..told("R8", "usage", arithmetic, after) }
        }
        ValuationStep::Mean { periods, before, after } => {
            let note = Some(format!("mean of the last {periods} closed periods"));
            Step { note, ..told("R8", "mean", format!("{before} / {periods}"), after) }
        }
        ValuationStep::Month { factor, before, after } => {
            told("R2", "month", format!("{before} × {} / {}", factor.0, factor.1), after)
        }
        ValuationStep::Rounded { before, level } => {
            let note = Some("rounded once, half to even".to_owned());
            Step { note, ..told("R1", "round", before.to_string(), level) }
        }
    }
}

/// What a discount does to an amount, and what it is.
fn discounted(off: &Off, eligible: Option<&Exact>, before: &Exact, after: &Exact) -> (String, String) {
    match off {
        Off::Percent(rate) => {
            let percent = PriceAmount(i128::from(*rate) * PriceAmount::ONE / 10_000);
            (format!("{before} × (1 − {})", millionths(*rate)), format!("{percent} % off"))
        }
        Off::Amount { amount, currency } => {
            let off = format!("{amount} {currency} off");
            let eligible = eligible.map(ToString::to_string).unwrap_or_default();
            if after.to_string() == "0" {
                return ("0".to_owned(), format!("{off}, and never below zero"));
            }
            let spread = format!("{off}, spread over {eligible}");
            (format!("{before} − {amount} × ({before}) / ({eligible})"), spread)
        }
    }
}

fn millionths(rate: u32) -> PriceAmount {
    PriceAmount(i128::from(rate) * PriceAmount::ONE / 1_000_000)
}

fn every(cadence: Cadence) -> String {
    let unit = match cadence.interval {
        Interval::Day => "day",
        Interval::Week => "week",
        Interval::Month => "month",
        Interval::Year => "year",
    };
    match cadence.count.get() {
        1 => format!("every {unit}"),
        count => format!("every {count} {unit}s"),
    }
}

fn of(scope: Scope) -> &'static str {
    match scope {
        Scope::Item => "item",
        Scope::Shared => "subscription",
        Scope::Customer => "customer",
    }
}

/// A discount that takes nothing off, and why.
pub(super) fn aside(aside: &SetAside) -> DiscountAside {
    let why = match &aside.why {
        NotApplied::Policy => "the policy counts no discounts (R6)".to_owned(),
        NotApplied::Once => "it is used once (R6)".to_owned(),
        NotApplied::Over(end) => format!("it ended at {} (R6)", rfc3339(*end)),
        NotApplied::OtherProducts => "its coupon is limited to other products (R6)".to_owned(),
        NotApplied::OtherCurrency => "its coupon has no amount in this currency (R6)".to_owned(),
        NotApplied::Metered => "what an invoice bills of usage is net of it already (R8)".to_owned(),
        NotApplied::StandsAside => {
            "the subscription has a running discount of its own, so that the customer's stands aside (R6)"
                .to_owned()
        }
    };
    DiscountAside { discount: aside.discount.name(), of: of(aside.scope), why }
}
