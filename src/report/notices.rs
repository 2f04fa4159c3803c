//! The sections of a sheet that say what the figures rest on and leave out: pauses, exchange rates, exceptions,
//! what they can be compared with, the register of movements.

use chrono_tz::Tz;

use super::cell::Cell;
use super::sections::{Printed, title};
use super::sheet::{Section, local};
use super::{CurrencyBlock, MovementRow, Report, Scale};
use crate::mrr::{Delta, Lane, Mrr, Side};

/// Paused subscriptions, with what stands by.
pub(super) fn pauses(block: &CurrencyBlock, zone: Tz, scale: Scale) -> Option<Section> {
    let note = "In no lane but the pause that took it: it comes back as resume, or churns.".to_owned();
    let columns = ["customer", "subscription", "paused since", "#MRR standing by"];
    let mut section = Section::of("pauses", "Paused at the month's end", &columns).noted(Some(note));
    let parts: Vec<Delta> = block.pauses.iter().map(|paused| paused.mrr - Mrr::ZERO).collect();
    let total = scale.units(block.paused_mrr());
    for (paused, units) in block.pauses.iter().zip(scale.parts(&parts, total)) {
        section.row(vec![
            paused.customer.as_str().into(),
            paused.subscription.as_str().into(),
            local(paused.since, zone).into(),
            Cell::amount(scale, units),
        ]);
    }
    section.sum(vec!["Total".into(), "".into(), "".into(), Cell::amount(scale, total)]);
    (!block.pauses.is_empty()).then_some(section)
}

/// What each currency's change of rate did: the parts of the lane of exchange rates (R9).
pub(super) fn fx(block: &CurrencyBlock, printed: &Printed, scale: Scale) -> Option<Section> {
    let columns = ["currency", "#starting MRR in it", "rate before", "rate", "#effect"];
    let mut section = Section::of("fx", "Effect of exchange rates", &columns);
    let parts: Vec<Delta> = block.fx.iter().map(|fx| fx.effect).collect();
    let total = printed.lane(Lane::Fx);
    for (fx, units) in block.fx.iter().zip(scale.parts(&parts, total)) {
        section.row(vec![
            fx.currency.as_str().to_uppercase().into(),
            Cell::level(Scale::of(&fx.currency), fx.starting_mrr),
            fx.rates.0.clone().into(),
            fx.rates.1.clone().into(),
            Cell::amount(scale, units),
        ]);
    }
    let none = || Cell::from("");
    section.sum(vec!["Total".into(), none(), none(), none(), Cell::amount(scale, total)]);
    (!block.fx.is_empty()).then_some(section)
}

/// What stands between the facts and the figures, each with what to do.
pub(super) fn exceptions(report: &Report) -> Option<Section> {
    let columns = ["exception", "#count", "what to do"];
    let mut section = Section::of("exceptions", "Exceptions", &columns);
    for exception in &report.exceptions {
        section.row(vec![
            exception.concern.title().into(),
            Cell::count(exception.count),
            exception.concern.remedy().into(),
        ]);
    }
    (!report.exceptions.is_empty()).then_some(section)
}

/// What the figures can be compared with: nothing of a comparison is stored.
pub(super) fn reconciliation(report: &Report) -> Section {
    let mut section = Section::of("reconciliation", "Reconciliation", &["against", "how"])
        .noted(Some("A comparison names the cause of each gap; nothing of it is stored.".to_owned()));
    let files = [
        ("Stripe's MRR per subscriber, from the Dashboard's billing overview", "MRR_per_Subscriber.csv"),
        ("Sigma's subscription_item_change_events", "item_changes.csv"),
    ];
    for (against, file) in files {
        let how = format!("upswell reconcile {file} --month {}", report.month);
        section.row(vec![against.into(), how.into()]);
    }
    let how = "upswell verify".to_owned();
    section.row(vec!["The stored bytes of every delivery, derived again".into(), how.into()]);
    section
}

/// The month's standing movements, where they were asked for.
pub(super) fn register(report: &Report) -> Option<Section> {
    let rows = report.register.as_ref()?;
    let columns = [
        "effective",
        "customer",
        "class",
        "kind",
        "cause",
        "motion",
        "product",
        "quantity",
        "currency",
        "#MRR",
        "event",
        "movement",
    ];
    let note = "`upswell explain MOVEMENT` leads to the bytes that prove it.".to_owned();
    let mut section = Section::of("movements", "Movements", &columns).noted(Some(note));
    rows.iter().for_each(|row| section.row(entry(row, report.zone)));
    Some(section)
}

fn entry(row: &MovementRow, zone: Tz) -> Vec<Cell> {
    let movement = &row.movement;
    let quantity =
        |side: &Option<Side>| side.as_ref().map_or_else(|| "–".to_owned(), |side| side.quantity.to_string());
    vec![
        local(movement.effective_at, zone).into(),
        row.customer.as_str().into(),
        title(movement.class.as_str()).into(),
        title(movement.kind.as_str()).into(),
        title(movement.cause.as_str()).into(),
        title(movement.motion.as_str()).into(),
        movement.face().map_or("", |side| side.product.as_str()).into(),
        format!("{} → {}", quantity(&movement.before), quantity(&movement.after)).into(),
        movement.currency.as_str().to_uppercase().into(),
        Cell::flow(Scale::of(&movement.currency), movement.delta),
        movement.evidence.event.to_string().into(),
        row.id.clone().into(),
    ]
}

impl CurrencyBlock {
    /// MRR that pauses hold back at the month's end.
    #[must_use]
    pub fn paused_mrr(&self) -> Mrr {
        self.pauses.iter().map(|paused| paused.mrr).sum()
    }
}
