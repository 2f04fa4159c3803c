//! What the catalogue holds, in words.

use super::{Lesson as Told, rfc3339};
use crate::ledger::Taught;
use crate::mrr::{
    CatalogueFact, Coupon, Duration, Lesson, Marks, Off, PriceAmount, PriceTerms, ProductId, Scheme, Topic,
};

/// A lesson as it stands in the store.
pub(super) fn lesson_row(taught: &Taught) -> Told {
    lesson(Some(taught.seq), &taught.fact)
}

/// A lesson, with its number where it has one.
pub(super) fn lesson(seq: Option<i64>, fact: &CatalogueFact) -> Told {
    let (kind, id) = match fact.topic() {
        Topic::Price(id) => ("price", id.to_string()),
        Topic::Product(id) => ("product", id.to_string()),
        Topic::Coupon(id) => ("coupon", id.to_string()),
        Topic::Items(id) => ("items", id.to_string()),
    };
    Told {
        seq,
        kind,
        id,
        since: rfc3339(fact.at),
        says: words(&fact.lesson),
        grade: fact.evidence.grade.as_str(),
        event: fact.evidence.event.to_string(),
        sha256: fact.evidence.sha256.to_string(),
    }
}

fn words(lesson: &Lesson) -> String {
    match lesson {
        Lesson::Price(terms) => price(terms),
        Lesson::Product { marks, .. } => marked("a product".to_owned(), marks),
        Lesson::Coupon(coupon) => coupon_words(coupon),
        Lesson::Items { items, .. } => format!("{} items (R4)", items.len()),
    }
}

fn price(terms: &PriceTerms) -> String {
    let price = &terms.price;
    let mut text = format!("{} of {}: {}", price.currency, price.product, scheme(&price.scheme));
    for (currency, option) in &terms.options {
        text.push_str(&format!("; {currency}: {}", scheme(option)));
    }
    marked(text, &terms.marks)
}

fn scheme(scheme: &Scheme) -> String {
    match scheme {
        Scheme::PerUnit { unit, transform: None } => format!("{unit} a unit (R3)"),
        Scheme::PerUnit { unit, transform: Some(packs) } => {
            format!("{unit} a package of {} (R3)", packs.divide_by)
        }
        Scheme::Tiered { mode, tiers } => {
            let end = |up_to: Option<u64>| up_to.map_or_else(|| "any".to_owned(), |end| end.to_string());
            let tier =
                |tier: &crate::mrr::Tier| format!("to {} {} + {}", end(tier.up_to), tier.unit, tier.flat);
            let tiers: Vec<String> = tiers.iter().map(tier).collect();
            let mode = match mode {
                crate::mrr::TiersMode::Graduated => "graduated",
                crate::mrr::TiersMode::Volume => "volume",
            };
            format!("{mode} tiers {} (R3)", tiers.join(", "))
        }
        Scheme::TiersNotSent | Scheme::AmountNotSent | Scheme::PriceNotSent | Scheme::OptionNotSent => {
            "its amount was not sent (R4)".to_owned()
        }
    }
}

fn coupon_words(coupon: &Coupon) -> String {
    let off = match &coupon.off {
        Off::Percent(rate) => {
            format!("{} % off", PriceAmount(i128::from(*rate) * PriceAmount::ONE / 10_000))
        }
        Off::Amount { amount, currency } => format!("{amount} {currency} off"),
    };
    let duration = match coupon.duration {
        Duration::Once => "once",
        Duration::Repeating => "repeating",
        Duration::Forever => "forever",
    };
    let products = match &coupon.applies_to {
        None => "its products were not sent".to_owned(),
        Some(products) if products.is_empty() => "of all products".to_owned(),
        Some(products) => {
            let names: Vec<&str> = products.iter().map(ProductId::as_str).collect();
            format!("of {}", names.join(", "))
        }
    };
    format!("{off}, {duration}, {products} (R6)")
}

fn marked(mut text: String, marks: &Marks) -> String {
    let Marks { ladder, rank, role, is_seat, succeeds, motion, is_self_serve } = marks;
    let mut mark = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!("; {name} {value} (R21)"));
        }
    };
    mark("ladder", ladder.clone());
    mark("rank", rank.map(|rank| rank.to_string()));
    mark("role", role.map(|role| role.as_str().to_owned()));
    mark("seat", is_seat.map(|is_seat| is_seat.to_string()));
    mark("succeeds", succeeds.as_ref().map(ToString::to_string));
    let mover = motion.map(|motion| format!("; motion {} (R20)", motion.as_str()));
    text.extend(mover);
    if *is_self_serve {
        text.push_str("; sold by a channel where customers serve themselves (R20)");
    }
    text
}
