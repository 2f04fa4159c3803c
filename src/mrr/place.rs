//! A line's place among others (R21): ladders, roles, seats and successors, from `upswell.toml` for all
//! time or from learnt metadata as of an instant. Where both speak of one thing, `upswell.toml` wins.

use std::sync::Arc;

use super::known::Known;
use super::{Instant, Lesson, Marks, Motion, Price, PriceId, Role, Topic};

/// A ladder's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ladder {
    /// By its position in `upswell.toml`.
    Configured(usize),
    /// By the word in metadata.
    Learnt(Arc<str>),
}

/// Where a price and its product stand among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The ladders that it, by its price or its product, is a step of.
    pub(super) ladders: Vec<Ladder>,
    /// The ladders that rank its price itself (R17).
    ranked: Vec<Ladder>,
    pub(super) is_add_on: bool,
    /// Whether its units are seats, not packs or blocks (R16).
    pub(super) is_seat: bool,
    /// The price it follows.
    succeeds: Option<PriceId>,
    /// Who moves what is bought at it, as metadata says it (R20).
    pub(super) motion: Option<Motion>,
    /// Whether metadata names a channel of the customer's own (R20).
    pub(super) is_self_serve: bool,
}

impl Place {
    /// Whether a ladder ranks the two prices (R17).
    pub(super) fn is_ranked_with(&self, other: &Self) -> bool {
        self.ranked.iter().any(|ladder| other.ranked.contains(ladder))
    }
}

impl Known<'_> {
    /// The place of a price, as of an instant.
    pub(super) fn place(&self, price: &Price, at: Instant) -> Place {
        let learnt = &self.catalogue.learnt;
        let part = |lesson| marks_in(lesson);
        let of = |topic: Topic| learnt.as_of(&topic, at, part).map(|(marks, _)| marks);
        let own = of(Topic::Price(price.id.clone()));
        let product = of(Topic::Product(price.product.clone()));
        let names = [price.id.as_str(), price.product.as_str()];
        Place {
            ladders: self.ladders(&names, ladder_of(own).or_else(|| ladder_of(product))),
            ranked: self.ladders(
                &names[..1],
                own.filter(|own| own.rank.is_some()).and_then(|own| ladder_of(Some(own))),
            ),
            is_add_on: self.is_add_on(&names, own, product),
            is_seat: self.is_seat(price, own, product),
            succeeds: price.succeeds.clone().or_else(|| own.and_then(|own| own.succeeds.clone())),
            motion: own.and_then(|own| own.motion).or_else(|| product.and_then(|product| product.motion)),
            is_self_serve: [own, product].into_iter().flatten().any(|marks| marks.is_self_serve),
        }
    }

    fn ladders(&self, names: &[&str], learnt: Option<Ladder>) -> Vec<Ladder> {
        let has_step = |ladder: &[String]| ladder.iter().any(|step| names.contains(&step.as_str()));
        let ladders = self.catalogue.ladders.iter().enumerate();
        let configured: Vec<Ladder> = ladders
            .filter(|(_, ladder)| has_step(ladder))
            .map(|(index, _)| Ladder::Configured(index))
            .collect();
        if configured.is_empty() { learnt.into_iter().collect() } else { configured }
    }

    fn is_add_on(&self, names: &[&str], own: Option<&Marks>, product: Option<&Marks>) -> bool {
        let role = own.and_then(|own| own.role).or_else(|| product.and_then(|product| product.role));
        names.iter().any(|name| self.catalogue.add_ons.contains(*name)) || role == Some(Role::AddOn)
    }

    fn is_seat(&self, price: &Price, own: Option<&Marks>, product: Option<&Marks>) -> bool {
        let is_named = [price.id.as_str(), price.product.as_str()]
            .iter()
            .any(|name| self.catalogue.not_seats.contains(*name));
        let marked = own.and_then(|own| own.is_seat).or_else(|| product.and_then(|product| product.is_seat));
        !is_named && price.is_seat && marked != Some(false)
    }

    /// Whether one price follows the other (R16), by `upswell.toml` or by its own metadata.
    pub(super) fn succeeds(&self, after: (&Price, &Place), before: &Price) -> bool {
        match self.catalogue.successors.get(before.id.as_str()) {
            Some(successor) => successor == after.0.id.as_str(),
            None => after.1.succeeds.as_ref() == Some(&before.id),
        }
    }
}

fn marks_in(lesson: &Lesson) -> Option<&Marks> {
    match lesson {
        Lesson::Price(terms) => Some(&terms.marks),
        Lesson::Product { marks, .. } => Some(marks),
        _ => None,
    }
}

fn ladder_of(marks: Option<&Marks>) -> Option<Ladder> {
    marks?.ladder.as_deref().map(|name| Ladder::Learnt(name.into()))
}
