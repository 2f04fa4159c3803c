//! The sections of a sheet that say what the figures rest on and leave out: pauses, exchange rates, exceptions,
//! what they can be compared with, the register of movements.

use chrono_tz::Tz;

use super::cell::Cell;
use super::sections::{Printed, title};
use super::sheet::{Section, local};
use super::{Concern, CurrencyBlock, MovementRow, Report, Scale};
use crate::ledger::ComparedMonth;
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

/// What the month's movements rest on, best evidence first.
pub(super) fn movement_evidence(report: &Report) -> Option<Section> {
    let title = "What the month's movements rest on";
    let mut section = Section::of("movement_evidence", title, &["evidence", "#movements"]);
    for (grade, count) in &report.movements_by_evidence {
        section.row(vec![super::sections::title(grade.as_str()).into(), Cell::count(*count)]);
    }
    section.sum(vec!["Total".into(), Cell::count(report.movements)]);
    (report.movements > 0).then_some(section)
}

/// What the month was compared with, Stripe's own figures by form of file, and what the store knows to be missing.
pub(super) fn reconciliation(report: &Report) -> Section {
    let columns = ["against", "#customers agree", "#explained", "#unknown", "#gap", "compared"];
    let note = format!(
        "Agree: to the last unit, or to less than the file prints. `upswell reconcile FILE --month {}` compares and names \
         the cause of each gap; `upswell verify` derives the stored bytes again. {}",
        report.month,
        missing(report)
    );
    let mut section = Section::of("reconciliation", "Reconciliation", &columns).noted(Some(note));
    let files = [
        ("Stripe's MRR per subscriber", "mrr_per_subscriber"),
        ("Sigma's item changes", "subscription_item_change_events"),
    ];
    for (against, form) in files {
        let found: Vec<&ComparedMonth> = report.compared.iter().filter(|found| found.form == form).collect();
        if found.is_empty() {
            let none = || Cell::from("");
            section.row(vec![against.into(), none(), none(), none(), none(), "never compared".into()]);
        }
        for found in found {
            section.row(vec![
                format!("{against}, {}", found.currency.as_str().to_uppercase()).into(),
                Cell::count(found.agreed + found.rounded),
                Cell::count(found.explained),
                Cell::count(found.unknown),
                Cell::flow(Scale::of(&found.currency), found.theirs - found.ours),
                when(found, report.zone).into(),
            ]);
        }
    }
    section
}

/// When a month was compared, and with a file of when.
fn when(found: &ComparedMonth, zone: Tz) -> String {
    let rows = match found.unreadable {
        0 => String::new(),
        count => format!(", rows that could not be read: {count}"),
    };
    format!("{} with a file of {}{rows}", local(found.compared_at, zone), local(found.exported_at, zone))
}

/// How often something is known not to have come, or could not be used.
fn missing(report: &Report) -> String {
    let count = |concern: Concern| -> u64 {
        report.exceptions.iter().filter(|exception| exception.concern == concern).map(|one| one.count).sum()
    };
    format!(
        "Known to be missing: broken chains {}, deliveries that can't be used {}, customers that can't be derived {}, \
         items without a value {}.",
        count(Concern::BrokenChain),
        count(Concern::Parked),
        count(Concern::NotDerived),
        count(Concern::Incomplete),
    )
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
