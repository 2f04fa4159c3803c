//! A customer's MRR through time: the sum of its items' levels, changing where one of them does.

use std::collections::{BTreeMap, BTreeSet};

use super::Settings;
use super::reporter::{AskError, Reporter};
use crate::mrr::{Currency, CustomerId, Instant, Level, Mrr};

/// A customer's life in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// The currency.
    pub currency: Currency,
    /// The levels, each from its instant on to the next.
    pub steps: Vec<LifeStep>,
    /// Whether something of what is held now is past due (R5).
    pub is_at_risk: bool,
}

/// What a customer is worth a month from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LifeStep {
    /// From when on.
    pub from: Instant,
    /// Its MRR.
    pub mrr: Mrr,
}

impl Life {
    /// What it is worth a month after the last step.
    #[must_use]
    pub fn mrr(&self) -> Mrr {
        self.steps.last().map_or(Mrr::ZERO, |step| step.mrr)
    }
}

impl Reporter {
    /// A customer's MRR through time, one life a currency, by its code.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn life(&self, settings: &Settings, customer: &CustomerId) -> Result<Vec<Life>, AskError> {
        let levels = self.ledger().levels(&settings.book, Some(customer)).await?;
        Ok(lives(&levels.into_values().next().unwrap_or_default()))
    }
}

/// Levels of one customer's items as its lives.
fn lives(levels: &[Level]) -> Vec<Life> {
    let mut by_currency: BTreeMap<&Currency, Vec<&Level>> = BTreeMap::new();
    for level in levels {
        by_currency.entry(&level.currency).or_default().push(level);
    }
    let life = |(currency, levels): (&Currency, Vec<&Level>)| {
        let instants: BTreeSet<Instant> =
            levels.iter().flat_map(|level| [Some(level.from), level.until]).flatten().collect();
        let holds =
            |level: &&Level, at: Instant| level.from <= at && level.until.is_none_or(|until| at < until);
        let at = |from: Instant| LifeStep {
            from,
            mrr: levels.iter().copied().filter(|level| holds(level, from)).map(|level| level.mrr).sum(),
        };
        let mut steps: Vec<LifeStep> = instants.into_iter().map(at).collect();
        // An item that takes another's place at the same level moves nothing.
        steps.dedup_by_key(|step| step.mrr);
        let is_at_risk = levels.iter().any(|level| level.until.is_none() && level.is_at_risk);
        Life { currency: currency.clone(), steps, is_at_risk }
    };
    by_currency.into_iter().map(life).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mrr::Grade;

    fn level(item: &str, mrr: i128, from: i64, until: Option<i64>) -> Level {
        Level {
            subscription: "sub_1".into(),
            item: item.into(),
            product: "prod_1".into(),
            price: "price_1".into(),
            currency: "usd".into(),
            is_metered: false,
            quantity: 1,
            mrr: Mrr(mrr),
            is_at_risk: false,
            grade: Grade::Event,
            from: Instant(from),
            until: until.map(Instant),
        }
    }

    #[test]
    fn a_life_is_the_sum_of_its_items_and_steps_only_where_it_changes() {
        let lives = lives(&[
            level("si_1", 100, 10, Some(30)),
            level("si_2", 50, 20, Some(40)),
            level("si_1", 150, 30, Some(40)),
            level("si_3", 200, 40, None),
        ]);
        let steps: Vec<(i64, i128)> =
            lives.iter().flat_map(|life| &life.steps).map(|step| (step.from.0, step.mrr.0)).collect();
        assert_eq!(steps, [(10, 100), (20, 150), (30, 200)]);
        assert_eq!(lives.first().map(Life::mrr), Some(Mrr(200)));
    }
}
