//! What movements are cut by, in the words that leads, pages, API and command share.

use crate::ledger::Wanted;
use crate::mrr::{Cause, Class, Currency, Grade, Kind, Month, Motion};

/// Movements of some sort; what is `None` is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MovementFilter {
    /// Of this month.
    pub month: Option<Month>,
    /// Of this customer.
    pub customer: Option<String>,
    /// Of this class, or of these.
    pub class: Option<Classes>,
    /// Of this kind, or of these.
    pub kind: Option<Kinds>,
    /// Of this cause.
    pub cause: Option<Cause>,
    /// Moved by whom (R20).
    pub motion: Option<Motion>,
    /// Of this product: the item's after it, or before it where nothing is left.
    pub product: Option<String>,
    /// Of this price, likewise.
    pub price: Option<String>,
    /// In this currency.
    pub currency: Option<Currency>,
    /// Resting on evidence of this grade.
    pub grade: Option<Grade>,
    /// Of customers only who were new in that month: asked of a month.
    pub new_customers: bool,
}

/// A class, or classes that a figure puts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Classes {
    /// This one.
    Of(Class),
    /// Those of net expansion: expansion, contraction, churn.
    NetExpansion,
}

/// A kind, or kinds that a figure puts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinds {
    /// This one.
    Of(Kind),
    /// Those of core expansion: upsell, cross-sell, seats, usage (R16).
    Core,
}

impl Classes {
    /// All there are, single classes first.
    pub const ALL: [Self; Class::ALL.len() + 1] = {
        let mut all = [Self::NetExpansion; Class::ALL.len() + 1];
        let mut place = 0;
        while place < Class::ALL.len() {
            all[place] = Self::Of(Class::ALL[place]);
            place += 1;
        }
        all
    };

    /// The word that asks for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Of(class) => class.as_str(),
            Self::NetExpansion => "net_expansion",
        }
    }

    fn classes(self) -> Vec<Class> {
        match self {
            Self::Of(class) => vec![class],
            Self::NetExpansion => vec![Class::Expansion, Class::Contraction, Class::Churn],
        }
    }
}

impl Kinds {
    /// All there are, single kinds first.
    pub const ALL: [Self; Kind::ALL.len() + 1] = {
        let mut all = [Self::Core; Kind::ALL.len() + 1];
        let mut place = 0;
        while place < Kind::ALL.len() {
            all[place] = Self::Of(Kind::ALL[place]);
            place += 1;
        }
        all
    };

    /// The word that asks for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Of(kind) => kind.as_str(),
            Self::Core => "core",
        }
    }

    fn kinds(self) -> Vec<Kind> {
        match self {
            Self::Of(kind) => vec![kind],
            Self::Core => Kind::CORE.to_vec(),
        }
    }
}

impl MovementFilter {
    /// The names of its parameters, in the order of the fields.
    pub const NAMES: [&str; 11] = [
        "month",
        "customer",
        "class",
        "kind",
        "cause",
        "motion",
        "product",
        "price",
        "currency",
        "grade",
        "new_customers",
    ];

    /// What the ledger is asked for: of a book, what stands.
    #[must_use]
    pub fn wanted(&self, book: &str) -> Wanted {
        Wanted {
            book: Some(book.to_owned()),
            customer: self.customer.clone(),
            from_month: self.month,
            to_month: self.month,
            classes: self.class.map(Classes::classes).unwrap_or_default(),
            kinds: self.kind.map(Kinds::kinds).unwrap_or_default(),
            cause: self.cause,
            motion: self.motion,
            product: self.product.clone(),
            price: self.price.clone(),
            currency: self.currency.clone(),
            grade: self.grade,
            new_in: self.month.filter(|_| self.new_customers),
            ..Wanted::default()
        }
    }

    /// It as parameters, each with its word, in the order of the fields.
    #[must_use]
    pub fn words(&self) -> Vec<(&'static str, String)> {
        let words = [
            self.month.map(|month| month.to_string()),
            self.customer.clone(),
            self.class.map(|class| class.as_str().to_owned()),
            self.kind.map(|kind| kind.as_str().to_owned()),
            self.cause.map(|cause| cause.as_str().to_owned()),
            self.motion.map(|motion| motion.as_str().to_owned()),
            self.product.clone(),
            self.price.clone(),
            self.currency.as_ref().map(ToString::to_string),
            self.grade.map(|grade| grade.as_str().to_owned()),
            self.new_customers.then(|| "true".to_owned()),
        ];
        Self::NAMES.into_iter().zip(words).filter_map(|(name, word)| Some((name, word?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_asks_for_what_it_names_and_two_ask_for_several() {
        let classes: Vec<&str> = Classes::ALL.into_iter().map(Classes::as_str).collect();
        let named: Vec<&str> = Class::ALL.iter().map(|class| class.as_str()).collect();
        assert_eq!(classes, [&named[..], &["net_expansion"]].concat());
        assert_eq!(
            Kinds::ALL.into_iter().map(|kinds| kinds.kinds().len()).sum::<usize>(),
            Kind::ALL.len() + 4
        );
        assert_eq!(Classes::NetExpansion.classes(), [Class::Expansion, Class::Contraction, Class::Churn]);
        let filter = MovementFilter {
            kind: Some(Kinds::Core),
            class: Some(Classes::Of(Class::Expansion)),
            ..MovementFilter::default()
        };
        let wanted = filter.wanted("live");
        assert_eq!((wanted.classes, wanted.kinds), (vec![Class::Expansion], Kind::CORE.to_vec()));
        assert_eq!(filter.words(), [("class", "expansion".to_owned()), ("kind", "core".to_owned())]);
    }
}
