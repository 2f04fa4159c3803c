//! What is aimed at, and how a month stands against it.

use std::collections::BTreeMap;

use super::{CurrencyBlock, Fraction, Rate};

/// What a business aims at; `upswell.toml`, section `[targets]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets {
    /// Expansion's share of new ARR, at least.
    pub expansion_share_of_new_arr: Fraction,
    /// Expansion's share of an owner's book growth, at least.
    pub owner_book_growth: Fraction,
    /// The same of single owners, by name.
    pub owners: BTreeMap<String, Fraction>,
    /// Core expansion over the base, at least.
    pub expansion_rate: Option<Fraction>,
    /// Net revenue retention, at least.
    pub nrr: Option<Fraction>,
    /// Gross revenue retention, at least.
    pub grr: Option<Fraction>,
    /// Churned over starting customers, at most.
    pub logo_churn: Option<Fraction>,
}

impl Default for Targets {
    fn default() -> Self {
        let thirty_percent = Fraction { numerator: 3, denominator: 10 };
        Self {
            expansion_share_of_new_arr: thirty_percent,
            owner_book_growth: thirty_percent,
            owners: BTreeMap::new(),
            expansion_rate: None,
            nrr: None,
            grr: None,
            logo_churn: None,
        }
    }
}

impl Targets {
    /// What is aimed at for one owner's book.
    #[must_use]
    pub fn of_owner(&self, owner: &str) -> Fraction {
        self.owners.get(owner).copied().unwrap_or(self.owner_book_growth)
    }
}

/// On which side of a target it is good to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// No lower.
    AtLeast,
    /// No higher.
    AtMost,
}

impl Aim {
    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtLeast => "at_least",
            Self::AtMost => "at_most",
        }
    }
}

/// A figure of the month beside its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The figure's name, as `rates` has it.
    pub figure: &'static str,
    /// What it came to.
    pub rate: Rate,
    /// What is aimed at.
    pub target: Fraction,
    /// On which side it is good to be.
    pub aim: Aim,
}

impl Standing {
    /// Whether the target is met; `None` where the month has no such figure.
    #[must_use]
    pub fn is_met(&self) -> Option<bool> {
        self.rate.known().map(|value| match self.aim {
            Aim::AtLeast => value.is_at_least(self.target),
            Aim::AtMost => self.target.is_at_least(value),
        })
    }

    /// How the month stands, in words: whether it is met, and by how many percentage points.
    #[must_use]
    pub fn to_words(&self) -> String {
        let (Some(value), Some(is_met)) = (self.rate.known(), self.is_met()) else {
            return "no figure".to_owned();
        };
        let met = if is_met { "met" } else { "missed" };
        // Both as printed, so that the difference is that of the cells beside it.
        let points = value.hundredths_of_percent() - self.target.hundredths_of_percent();
        let side = if points < 0 { "below" } else { "above" };
        let size = points.unsigned_abs();
        format!("{met}, {}.{:02} points {side}", size / 100, size % 100)
    }
}

impl CurrencyBlock {
    /// How the month stands against each target that there is.
    #[must_use]
    pub fn standings(&self, targets: &Targets) -> Vec<Standing> {
        let wanted = [
            ("expansion_share_of_new_arr", Some(targets.expansion_share_of_new_arr), Aim::AtLeast),
            ("expansion_rate", targets.expansion_rate, Aim::AtLeast),
            ("nrr", targets.nrr, Aim::AtLeast),
            ("grr", targets.grr, Aim::AtLeast),
            ("logo_churn", targets.logo_churn, Aim::AtMost),
        ];
        let rates = self.named_rates();
        let standing = |(figure, target, aim): (&'static str, Option<Fraction>, Aim)| {
            let (_, rate) = rates.iter().find(|(name, _)| *name == figure)?;
            Some(Standing { figure, rate: (*rate).clone(), target: target?, aim })
        };
        wanted.into_iter().filter_map(standing).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(numerator: i128, aim: Aim) -> Standing {
        let rate = Rate::of(numerator, 100, "");
        Standing { figure: "nrr", rate, target: Fraction { numerator: 3, denominator: 10 }, aim }
    }

    #[test]
    fn a_target_is_met_on_the_side_that_is_good() {
        assert_eq!(standing(30, Aim::AtLeast).to_words(), "met, 0.00 points above");
        assert_eq!(standing(26, Aim::AtLeast).to_words(), "missed, 4.00 points below");
        assert_eq!(standing(26, Aim::AtMost).to_words(), "met, 4.00 points below");
        assert_eq!(standing(31, Aim::AtMost).to_words(), "missed, 1.00 points above");
    }
}
