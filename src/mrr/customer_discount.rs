//! The discount of a customer itself through time (R6): told by events of discounts and by what the
//! customer's own events show.

use super::{Discount, DiscountChange, Evidence, Fact, Instant};

/// From an instant on, the discount that a customer has, or that it has none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spell<'a> {
    pub(super) at: Instant,
    pub(super) discount: Option<&'a Discount>,
    pub(super) evidence: &'a Evidence,
}

/// A customer's discount through time.
#[derive(Debug, Clone, Default)]
pub(super) struct CustomerDiscount<'a> {
    spells: Vec<Spell<'a>>,
}

/// One word about it. Within a second what was taken away comes first, then what was given and what
/// was changed, and then what the customer's own event shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    Told(DiscountChange),
    Shown,
}

/// When what was told, by what evidence, about which discount or none.
type Telling<'a> = (Instant, Word, &'a Evidence, Option<&'a Discount>);

impl<'a> CustomerDiscount<'a> {
    pub(super) fn of(facts: &'a [Fact]) -> Self {
        let mut words: Vec<Telling<'a>> = Vec::new();
        for fact in facts {
            match fact {
                Fact::Discount(fact) if fact.subscription.is_none() => {
                    words.push((fact.at, Word::Told(fact.change), &fact.evidence, Some(&fact.discount)));
                }
                Fact::Customer(fact) => {
                    let shown = fact.discount.as_ref();
                    words.extend(shown.map(|shown| (fact.at, Word::Shown, &fact.evidence, shown.as_ref())));
                }
                _ => {}
            }
        }
        words.sort_by(|a, b| (a.0, a.1, &a.2.event).cmp(&(b.0, b.1, &b.2.event)));
        let mut through_time =
            Self { spells: words.iter().find_map(stood_before).flatten().into_iter().collect() };
        for (at, word, evidence, discount) in words {
            through_time.hear(at, word, evidence, discount);
        }
        through_time
    }

    fn hear(&mut self, at: Instant, word: Word, evidence: &'a Evidence, told: Option<&'a Discount>) {
        let stands = self.spells.last().and_then(|spell| spell.discount);
        let discount = match (word, told) {
            (Word::Told(DiscountChange::Deleted), Some(gone)) => {
                stands.filter(|stands| !is_perhaps(stands, gone))
            }
            // The same discount, shown with less than is known of it.
            (_, Some(told)) => match stands {
                Some(stands) if told.coupon.is_none() && is_perhaps(stands, told) => Some(stands),
                _ => Some(told),
            },
            (_, None) => None,
        };
        if discount != stands {
            self.spells.push(Spell { at, discount, evidence });
        }
    }

    /// What stands at an instant, with what proves it.
    pub(super) fn spell(&self, at: Instant) -> Option<Spell<'a>> {
        let begun = self.spells.partition_point(|spell| spell.at <= at);
        self.spells[..begun].last().copied()
    }

    /// The discount at an instant, whether it still runs or not.
    pub(super) fn at(&self, at: Instant) -> Option<&'a Discount> {
        self.spell(at).and_then(|spell| spell.discount)
    }

    pub(super) fn spells(&self) -> &[Spell<'a>] {
        &self.spells
    }
}

/// What stood before all words, if this is the first event of a discount: what it changes or takes away
/// was there (R12). What customers' own events show has no say in that, so that one that comes late
/// changes nothing before itself.
fn stood_before<'a>((_, word, evidence, told): &Telling<'a>) -> Option<Option<Spell<'a>>> {
    match word {
        Word::Told(DiscountChange::Created) => Some(None),
        Word::Told(DiscountChange::Deleted | DiscountChange::Updated) => {
            Some(Some(Spell { at: Instant(i64::MIN), discount: *told, evidence }))
        }
        Word::Shown => None,
    }
}

/// Whether both may be the same discount: one id, or at least one of them without any.
fn is_perhaps(one: &Discount, other: &Discount) -> bool {
    match (&one.id, &other.id) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}
