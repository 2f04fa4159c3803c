//! What was told of a customer, event by event, and what came about without a word between them.

use super::case::Case;
use super::steps::{aside, steps};
use super::{EventTold, LineWorth, Taught, Told, Worth, rfc3339};
use crate::ledger::Stored;
use crate::mrr::{
    BilledInvoice, BilledLine, Cause, Counts, Fact, Instant, InvoiceStatus, LineAt, Moment, Occasion,
    ScheduleFact, Status, SubscriptionId, Teacher, UsageType,
};

/// A stored delivery, without what it said.
pub(super) fn event_told(stored: &Stored) -> EventTold {
    EventTold {
        id: stored.event_id.clone(),
        kind: stored.kind.clone(),
        api_version: stored.api_version.clone(),
        created: rfc3339(Instant(stored.created)),
        bytes: stored.body.len(),
        sha256: stored.sha256.clone(),
        signed_at: stored.signed_at.map(|at| rfc3339(Instant(at))),
        place: stored.place.clone(),
        received_at: rfc3339(Instant(stored.received_at)),
    }
}

/// All that was told of the subscriptions asked for at the instants asked for, in the order it took effect.
pub(super) fn told_of(
    case: &Case,
    is_asked: &dyn Fn(&str) -> bool,
    is_in: &dyn Fn(Instant) -> bool,
) -> Vec<Told> {
    let mut told = facts_told(case, &|_| true, is_asked);
    let silent = case.explanation.moments.iter().filter(|moment| is_silent(moment));
    told.extend(silent.filter(|moment| is_asked(moment.subscription.as_str())).map(without_a_word));
    told.retain(|told| is_in(Instant(told.order.0)));
    told.sort_by_key(|told| told.order);
    told
}

/// What one event told of a customer.
pub(super) fn told_of_event(case: &Case, event: &str) -> Vec<Told> {
    facts_told(case, &|stored| stored.event_id == event, &|_| true)
}

fn facts_told(
    case: &Case,
    is_wanted: &dyn Fn(&Stored) -> bool,
    is_asked: &dyn Fn(&str) -> bool,
) -> Vec<Told> {
    let mut told = Vec::new();
    for (stored, heard) in case.stored.iter().filter(|(stored, _)| is_wanted(stored)) {
        let own = heard.facts.iter().filter(|fact| *fact.customer() == case.key.customer);
        for fact in own.filter(|fact| fact.subscription().is_none_or(|id| is_asked(id.as_str()))) {
            let moments = case.explanation.moments.iter().filter(|moment| tells(fact, moment));
            let worth: Vec<Worth> = moments.map(worth_at).collect();
            let at = worth.last().map_or_else(|| rfc3339(fact.at()), |worth| worth.at.clone());
            let moment = case.explanation.moments.iter().rfind(|moment| tells(fact, moment));
            told.push(Told {
                order: (moment.map_or(fact.at(), |moment| moment.at).0, stored.seq),
                at,
                event: Some(event_told(stored)),
                says: words(fact),
                worth,
            });
        }
    }
    told
}

/// Whether a moment is what a fact told, the opening before it included.
fn tells(fact: &Fact, moment: &Moment) -> bool {
    let (subscription, evidence) = match fact {
        Fact::Subscription(fact) => (&fact.subscription, &fact.evidence),
        Fact::Billed(fact) => (&fact.subscription, &fact.evidence),
        Fact::Change(fact) => (&fact.subscription, &fact.evidence),
        _ => return false,
    };
    moment.subscription == *subscription
        && moment.evidence.event == evidence.event
        && matches!(moment.occasion, Occasion::Told { .. } | Occasion::Opening)
}

fn is_silent(moment: &Moment) -> bool {
    !matches!(moment.occasion, Occasion::Told { .. } | Occasion::Opening)
}

fn without_a_word(moment: &Moment) -> Told {
    Told {
        at: rfc3339(moment.at),
        event: None,
        says: occasion(moment).to_owned(),
        worth: vec![worth_at(moment)],
        order: (moment.at.0, i64::MAX),
    }
}

/// What makes a moment one, with its rule.
pub(super) fn occasion(moment: &Moment) -> &'static str {
    match moment.occasion {
        Occasion::Opening => "brought forward from before the first fact (R12)",
        Occasion::Told { .. } => "told",
        Occasion::Usage => "a service period closed, or an invoice was taken back (R8)",
        Occasion::DiscountEnded => "a discount ended by its own date (R6)",
        Occasion::Lapsed => "a late payer lapsed (R5)",
        Occasion::CustomerDeleted => "the customer was deleted: all its subscriptions end (R14)",
        Occasion::Learnt => "something was told of its prices or discounts (R4, R6)",
    }
}

/// What a fact says, without names and addresses.
fn words(fact: &Fact) -> String {
    match fact {
        Fact::Subscription(fact) => {
            let paused = if fact.state.collection_paused { ", collection paused" } else { "" };
            let items = match fact.state.items.len() {
                1 => "1 item".to_owned(),
                items => format!("{items} items"),
            };
            let status = status(fact.state.status);
            let grade = match fact.evidence.grade {
                grade if grade.is_event() => String::new(),
                grade => format!(" (grade {})", grade.as_str()),
            };
            format!("{} is {status}{paused}, {items}{grade}", fact.subscription)
        }
        Fact::Usage(fact) => {
            let status = match fact.status {
                InvoiceStatus::Draft => "a draft, which says nothing yet",
                InvoiceStatus::Billed => "billed",
                InvoiceStatus::Withdrawn => "voided or uncollectible: its usage is taken back",
            };
            format!(
                "invoice {} of {} is {status}, {} metered lines (R8)",
                fact.invoice,
                fact.subscription,
                fact.lines.len()
            )
        }
        Fact::Customer(fact) if fact.is_deleted => {
            "the customer was deleted: all its subscriptions end".to_owned()
        }
        Fact::Customer(fact) => match &fact.discount {
            Some(Some(discount)) => format!("the customer has the discount {} (R6)", discount.name()),
            Some(None) => "the customer has no discount (R6)".to_owned(),
            None => "attributes of the customer: no figure".to_owned(),
        },
        Fact::Quote(fact) => {
            format!(
                "quote {} of {} was accepted: its change is deliberate (R20)",
                fact.quote, fact.subscription
            )
        }
        Fact::Schedule(fact) => schedule(fact),
        Fact::Billed(fact) => billed(fact),
        Fact::Change(fact) => format!(
            "{} of {} at {}: quantity {:+}, MRR {} {} by Stripe's figure (grade {})",
            fact.item,
            fact.subscription,
            fact.price.id,
            fact.quantity,
            fact.delta,
            fact.price.currency,
            fact.evidence.grade.as_str()
        ),
        Fact::Discount(fact) => {
            let of = fact.subscription.as_ref().map_or("the customer", |id| id.as_str());
            let change = match fact.change {
                crate::mrr::DiscountChange::Deleted => "taken away from",
                crate::mrr::DiscountChange::Created => "given to",
                crate::mrr::DiscountChange::Updated => "changed for",
            };
            format!("the discount {} was {change} {of} (R6)", fact.discount.name())
        }
    }
}

/// How a schedule stands, and how much is still to come by it.
fn schedule(fact: &ScheduleFact) -> String {
    let of = fact.subscription.as_ref().map_or("a subscription to come", SubscriptionId::as_str);
    let phases = match fact.phases.len() {
        1 => "1 phase".to_owned(),
        phases => format!("{phases} phases"),
    };
    let status = fact.status.as_str();
    format!("schedule {} of {of} is {status}, {phases}: it moves nothing by itself (R14)", fact.schedule)
}

/// What an invoice bills of what was held, line by line.
fn billed(fact: &BilledInvoice) -> String {
    let line = |line: &BilledLine| {
        let kind = match (line.is_proration, line.is_credit) {
            (true, true) => "unused, ",
            (true, false) => "remaining, ",
            (false, _) => "",
        };
        let (from, to) = (rfc3339(line.period_start), rfc3339(line.period_end));
        format!("{} {kind}{} × {} from {from} to {to}", line.item, line.quantity, line.price.id)
    };
    let lines: Vec<String> = fact.lines.iter().map(line).collect();
    let grade = fact.evidence.grade.as_str();
    let status = if fact.status == InvoiceStatus::Billed { "bills" } else { "was not sent, or voided:" };
    format!("invoice {} of {} {status} {} (grade {grade})", fact.invoice, fact.subscription, lines.join("; "))
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Incomplete => "incomplete",
        Status::IncompleteExpired => "incomplete_expired",
        Status::Trialing => "trialing",
        Status::Active => "active",
        Status::PastDue => "past_due",
        Status::Canceled => "canceled",
        Status::Unpaid => "unpaid",
        Status::Paused => "paused",
        Status::Unknown => "of a status that this version does not know",
    }
}

/// A subscription at a moment.
fn worth_at(moment: &Moment) -> Worth {
    let (counts, why) = match moment.counts {
        Counts::Levels => ("levels", "counts (R5)".to_owned()),
        Counts::Paused => ("paused", "counts for nothing while it is paused (R5)".to_owned()),
        Counts::Zero(cause) => ("zero", format!("counts for nothing ({})", zero(moment, cause))),
    };
    let mut why =
        if moment.occasion == Occasion::Opening { format!("{}, {why}", occasion(moment)) } else { why };
    if let Occasion::Told { at, is_chain_broken, .. } = moment.occasion {
        if at != moment.at {
            why.push_str(&format!("; told at {}, and takes effect when it ended (R14)", rfc3339(at)));
        }
        if is_chain_broken {
            why.push_str("; does not follow the state before it: something was missed (R10)");
        }
    }
    Worth {
        at: rfc3339(moment.at),
        subscription: moment.subscription.to_string(),
        counts,
        why,
        lines: moment.lines.iter().map(line).collect(),
    }
}

fn zero(moment: &Moment, cause: Cause) -> String {
    match moment.status {
        _ if cause == Cause::CustomerDeleted => "the customer was deleted, R14".to_owned(),
        Status::Active | Status::PastDue => format!("{}, R5, R14", cause.as_str()),
        _ => format!("{}, R5", status(moment.status)),
    }
}

fn line(line: &LineAt) -> LineWorth {
    let level = line.valuation.level.as_ref();
    LineWorth {
        item: line.item.to_string(),
        product: line.price.product.to_string(),
        price: line.price.id.to_string(),
        currency: line.price.currency.to_string(),
        quantity: line.quantity.to_string(),
        is_metered: line.price.usage_type == UsageType::Metered,
        steps: steps(&line.valuation.steps),
        set_aside: line.set_aside.iter().map(aside).collect(),
        learnt: line.teachers.iter().map(taught).collect(),
        level: level.ok().map(ToString::to_string),
        missing: level.err().map(ToString::to_string),
        stands: line.stands.map(|level| level.to_string()),
    }
}

fn taught(teacher: &Teacher) -> Taught {
    Taught {
        about: teacher.about.clone(),
        since: rfc3339(teacher.since),
        event: teacher.evidence.event.to_string(),
        sha256: teacher.evidence.sha256.to_string(),
    }
}
