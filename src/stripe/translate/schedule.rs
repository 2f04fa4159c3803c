//! A schedule of a subscription, of any version: the phases that are to come.

use std::sync::Arc;

use crate::mrr::{Fact, Instant, Origin, Phase, PhaseItem, ScheduleFact, ScheduleStatus};

use super::discount::given_at;
use super::price::{currency, price_of};
use super::subscription::{inclusive_tax, is_one_time, quantity};
use super::{Json, Node, Source, Translation, Unfit, ignored};

impl Source<'_> {
    /// What an event or a list says of a schedule. Of one that is over its phases don't matter any more.
    pub(super) fn schedule(&self, object: &Node<'_, '_>) -> Result<Translation, Unfit> {
        let Some(customer) = object.id("customer")? else {
            return Ok(ignored("schedule of no customer"));
        };
        let status = self.schedule_status(object)?;
        let mut fact = ScheduleFact {
            customer: customer.into(),
            schedule: object.required_id("id")?.into(),
            subscription: object.id("subscription")?.map(Into::into),
            origin: self.schedule_origin(),
            status,
            cancels_at_end: object.text("end_behavior")? == Some("cancel"),
            phases: Vec::new(),
            lasts_until: None,
            at: self.at,
            evidence: self.evidence(),
        };
        if !fact.is_over() {
            let phases = object.objects("phases")?.unwrap_or_default();
            fact.phases = phases.iter().map(phase).collect::<Result<_, _>>()?;
            fact.lasts_until = self.lasts_until(object, &fact)?;
        }
        Ok(Translation::Facts(vec![Fact::Schedule(fact)]))
    }

    /// How it stands: by the type of the event where that tells of an end, else by its status.
    fn schedule_status(&self, object: &Node<'_, '_>) -> Result<ScheduleStatus, Unfit> {
        let told = object.text("status")?;
        Ok(match self.envelope.kind.strip_prefix("subscription_schedule.") {
            Some("released") => ScheduleStatus::Released,
            Some("canceled" | "aborted") => ScheduleStatus::Canceled,
            Some("completed") => ScheduleStatus::Completed,
            _ => told.and_then(ScheduleStatus::parse).unwrap_or(ScheduleStatus::Unknown),
        })
    }

    fn schedule_origin(&self) -> Origin {
        match self.envelope.kind.as_str() {
            "subscription_schedule.created" => Origin::Created,
            "listing.subscription_schedule" => Origin::Seen,
            _ => Origin::Updated,
        }
    }

    /// A list can't be younger than the phase that it shows as running, or than the beginning that it shows as
    /// still to come.
    fn lasts_until(&self, object: &Node<'_, '_>, fact: &ScheduleFact) -> Result<Option<Instant>, Unfit> {
        if fact.origin != Origin::Seen {
            return Ok(None);
        }
        let until = match fact.status {
            ScheduleStatus::NotStarted => fact.phases.iter().map(|phase| phase.start).min(),
            _ => object.object("current_phase")?.map_or(Ok(None), |now| now.instant("end_date"))?,
        };
        Ok(until.map(|until| Instant(until.0 - 1)))
    }
}

fn phase(object: &Node<'_, '_>) -> Result<Phase, Unfit> {
    let start = object.required_instant("start_date")?;
    let end = object.instant("end_date")?;
    let paid_in = object.text("currency")?;
    let tax = rates(object, "default_tax_rates")?;
    // Until API 2020-08-27 they are plans.
    let items = match object.objects("items")? {
        None => object.objects("plans")?,
        items => items,
    };
    let items = items.ok_or_else(|| object.unfit("items", "expected the phase's items, found nothing"))?;
    let recurring = items.iter().filter(|item| !is_one_time(item));
    let is_trial = object.is_true("trial")?;
    Ok(Phase {
        start,
        end,
        currency: paid_in.and_then(currency),
        items: recurring.map(|item| phase_item(item, paid_in, start, tax)).collect::<Result<_, _>>()?,
        discounts: given_at(object, start)?,
        trial_end: object.instant("trial_end")?.or(end.filter(|_| is_trial)),
    })
}

/// An item, by the id of its price or, where that is expanded, with all of it.
fn phase_item(
    object: &Node<'_, '_>,
    paid_in: Option<&str>,
    start: Instant,
    default_tax: Option<u32>,
) -> Result<PhaseItem, Unfit> {
    let name = if object.has("price") || !object.has("plan") { "price" } else { "plan" };
    let price = object.required_id(name)?;
    let is_whole = |name: &str| {
        let expanded = object.expanded(name);
        expanded.is_some_and(|price| price.has("recurring") || price.has("interval"))
    };
    let terms = match ["price", "plan"].into_iter().any(is_whole) {
        true => Some(price_of(object, paid_in)?).filter(|whole| whole.id.as_str() == price),
        false => None,
    };
    Ok(PhaseItem {
        price: price.into(),
        terms: terms.map(Arc::new),
        quantity: quantity(object)?,
        discounts: given_at(object, start)?,
        inclusive_tax: rates(object, "tax_rates")?.or(default_tax),
    })
}

/// The tax that amounts include by the rates in a list; `None` where none are told, or their ids alone.
fn rates(holder: &Node<'_, '_>, name: &str) -> Result<Option<u32>, Unfit> {
    let listed = holder.list(name)?.unwrap_or_default();
    if listed.iter().any(|(rate, _)| !matches!(rate, Json::Object(_))) {
        return Ok(None);
    }
    inclusive_tax(holder, name)
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
