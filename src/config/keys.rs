//! Values of the file's keys: checks, and what they mean.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::file::{CatalogueTable, File, LadderTable, PolicyTable};
use super::{ConfigError, Decimal, Targets, seconds_of};
use crate::mrr::{Catalogue, ChurnPolicy, Counting, DiscountPolicy, PastDuePolicy, Policy};

/// Keys of the file.
pub(super) struct Keys<'a> {
    pub(super) path: &'a Path,
}

impl Keys<'_> {
    pub(super) fn refused(&self, key: &str, problem: impl Into<String>, example: &str) -> ConfigError {
        ConfigError::Value {
            named: format!("{key} in {}", self.path.display()),
            problem: problem.into(),
            example: example.to_owned(),
        }
    }

    fn word<T: Copy>(
        &self,
        (key, given): (&str, Option<&String>),
        default: T,
        (parse, words): (fn(&str) -> Option<T>, &str),
    ) -> Result<T, ConfigError> {
        let Some(text) = given else {
            return Ok(default);
        };
        let (_, name) = key.rsplit_once('.').unwrap_or(("", key));
        let first = words.split(", ").next().unwrap_or(words);
        parse(text)
            .ok_or_else(|| self.refused(key, format!("is none of {words}"), &format!("{name} = \"{first}\"")))
    }

    fn decimal(&self, key: &str, given: Option<&String>) -> Result<Option<Decimal>, ConfigError> {
        given
            .map(|text| {
                Decimal::parse(text).ok_or_else(|| {
                    let problem = "is not a decimal with at most six places";
                    self.refused(key, problem, &format!("{key} = \"0.30\""))
                })
            })
            .transpose()
    }
}

pub(super) fn policy(keys: &Keys<'_>, table: &PolicyTable) -> Result<Policy, ConfigError> {
    let default = Policy::default();
    let counting: (fn(&str) -> Option<Counting>, &str) = (Counting::parse, "zero, counts");
    Ok(Policy {
        churn: keys.word(
            ("policy.churn", table.churn.as_ref()),
            default.churn,
            (ChurnPolicy::parse, "ended, requested"),
        )?,
        past_due: past_due(keys, table.past_due.as_ref())?,
        paused: keys.word(("policy.paused", table.paused.as_ref()), default.paused, counting)?,
        trialing: keys.word(("policy.trialing", table.trialing.as_ref()), default.trialing, counting)?,
        discounts: keys.word(
            ("policy.discounts", table.discounts.as_ref()),
            default.discounts,
            (DiscountPolicy::parse, "recurring, all, none"),
        )?,
        usage_window: usage_window(keys, table.usage_window)?,
        transfer_window_seconds: match &table.transfer_window {
            None => default.transfer_window_seconds,
            Some(text) => seconds_of(text).ok_or_else(|| {
                let problem = "is not a number followed by s, m, h or d";
                keys.refused("policy.transfer_window", problem, "transfer_window = \"3d\"")
            })?,
        },
    })
}

fn past_due(keys: &Keys<'_>, given: Option<&toml::Value>) -> Result<PastDuePolicy, ConfigError> {
    let days = match given {
        None => return Ok(PastDuePolicy::Counts),
        Some(toml::Value::String(text)) if text == "counts" => return Ok(PastDuePolicy::Counts),
        Some(value) => value.as_integer().and_then(|days| u32::try_from(days).ok()),
    };
    days.map(PastDuePolicy::LapsesAfterDays).ok_or_else(|| {
        let problem = "is neither \"counts\" nor a number of days after which it lapses";
        keys.refused("policy.past_due", problem, "past_due = 30")
    })
}

fn usage_window(keys: &Keys<'_>, given: Option<i64>) -> Result<u32, ConfigError> {
    let periods = given.map_or(Some(1), |n| u32::try_from(n).ok());
    periods
        .filter(|n| (1..=12).contains(n))
        .ok_or_else(|| keys.refused("policy.usage_window", "is not between 1 and 12", "usage_window = 3"))
}

pub(super) fn size_bands(keys: &Keys<'_>, given: &[String]) -> Result<Vec<Decimal>, ConfigError> {
    let bands: Option<Vec<_>> = given.iter().map(|text| Decimal::parse(text)).collect();
    bands.filter(|bands| bands.is_sorted_by(|low, high| low < high)).ok_or_else(|| {
        let problem = "are not decimals in ascending order";
        let example = "size_bands = [\"100\", \"1000\", \"10000\"]";
        keys.refused("reporting.size_bands", problem, example)
    })
}

pub(super) fn targets(keys: &Keys<'_>, file: &File) -> Result<Targets, ConfigError> {
    let table = &file.targets;
    let share = table.expansion_share_of_new_arr.as_ref();
    let mut owners = BTreeMap::new();
    for (owner, share) in &table.owners {
        let share = keys.decimal("targets.owners", Some(share))?;
        owners.extend(share.map(|share| (owner.clone(), share)));
    }
    Ok(Targets {
        expansion_share_of_new_arr: keys.decimal("targets.expansion_share_of_new_arr", share)?,
        owner_book_growth: keys.decimal("targets.owner_book_growth", table.owner_book_growth.as_ref())?,
        expansion_rate: keys.decimal("targets.expansion_rate", table.expansion_rate.as_ref())?,
        nrr: keys.decimal("targets.nrr", table.nrr.as_ref())?,
        grr: keys.decimal("targets.grr", table.grr.as_ref())?,
        logo_churn: keys.decimal("targets.logo_churn", table.logo_churn.as_ref())?,
        owners,
    })
}

pub(super) fn catalogue(
    keys: &Keys<'_>,
    ladders: Vec<LadderTable>,
    table: CatalogueTable,
) -> Result<Catalogue, ConfigError> {
    for ladder in &ladders {
        let distinct: BTreeSet<_> = ladder.steps.iter().collect();
        if ladder.steps.len() < 2 || distinct.len() != ladder.steps.len() {
            let example = "steps = [\"prod_basic\", \"prod_pro\"]";
            let problem = "are not at least two different products or prices, low to high";
            return Err(keys.refused("ladder.steps", problem, example));
        }
    }
    if table.successors.iter().any(|(price, successor)| price == successor) {
        let example = "successors = { price_2024 = \"price_2026\" }";
        let problem = "has a price that succeeds itself";
        return Err(keys.refused("catalogue.successors", problem, example));
    }
    Ok(Catalogue {
        ladders: ladders.into_iter().map(|ladder| ladder.steps).collect(),
        add_ons: table.add_ons.into_iter().collect(),
        not_seats: table.not_seats.into_iter().collect(),
        successors: table.successors,
        learnt: std::sync::Arc::default(),
    })
}
