//! What can be chosen, key by key of `upswell.toml`, with its rule and what it means: printed on
//! reports and by `upswell policy`.

use crate::ledger::SettlementRules;
use crate::mrr::{ChurnPolicy, Counting, DiscountPolicy, PastDuePolicy, Policy};

/// One choice that changes figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its key in `upswell.toml`, with its table; `version` of upswell itself.
    pub key: &'static str,
    /// The rule that it bears on.
    pub rule: &'static str,
    /// What is chosen, as the file writes it.
    pub value: String,
    /// What that means.
    pub meaning: String,
}

/// A choice that differs between two sets of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChoiceChange {
    /// As it is.
    pub now: Choice,
    /// As it would be.
    pub then: Choice,
}

/// All choices of a set of rules, in the order of the file.
#[must_use]
pub fn choices(rules: &SettlementRules) -> Vec<Choice> {
    let mut all = policy_choices(&rules.policy);
    let catalogue = &rules.catalogue;
    let names = |names: &mut dyn Iterator<Item = String>| {
        let names: Vec<String> = names.collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    all.extend([
        choice("reporting.timezone", "R14", rules.zone.name(), "whose calendar months are the periods"),
        choice(
            "ladder",
            "R18",
            &names(&mut catalogue.ladders.iter().map(|steps| steps.join(" < "))),
            "a step on it is a tier: upsell or downgrade",
        ),
        choice(
            "catalogue.add_ons",
            "R16",
            &names(&mut catalogue.add_ons.iter().cloned()),
            "cross-sell of an add-on, replacing nothing",
        ),
        choice(
            "catalogue.not_seats",
            "R16",
            &names(&mut catalogue.not_seats.iter().cloned()),
            "more of them is upsell, not seats",
        ),
        choice(
            "catalogue.successors",
            "R16",
            &names(&mut catalogue.successors.iter().map(|(price, next)| format!("{price} = {next}"))),
            "from one to the next is a change of price",
        ),
        choice("version", "R23", &rules.engine, "whose reading of the rules it is"),
    ]);
    all
}

/// The choices in which two sets of rules differ.
#[must_use]
pub fn choice_changes(now: &SettlementRules, then: &SettlementRules) -> Vec<ChoiceChange> {
    let pairs = choices(now).into_iter().zip(choices(then));
    pairs
        .filter(|(now, then)| now.value != then.value)
        .map(|(now, then)| ChoiceChange { now, then })
        .collect()
}

fn choice(key: &'static str, rule: &'static str, value: &str, meaning: &str) -> Choice {
    Choice { key, rule, value: value.to_owned(), meaning: meaning.to_owned() }
}

/// The table `[policy]`, without the note.
pub(super) fn policy_choices(policy: &Policy) -> Vec<Choice> {
    let Policy { churn, past_due, paused, trialing, discounts, usage_window, transfer_window_seconds } =
        policy;
    let (past_due, lapse) = match past_due {
        PastDuePolicy::Counts => ("counts".to_owned(), "late payers count, and are at risk".to_owned()),
        PastDuePolicy::LapsesAfterDays(days) => {
            (days.to_string(), format!("late payers count for {days} days, then lapse"))
        }
    };
    let counting = |what: &str, counting: &Counting| match counting {
        Counting::Zero => format!("{what} count for nothing"),
        Counting::Counts => format!("{what} count"),
    };
    let periods = match usage_window {
        1 => "usage is that of the last closed period".to_owned(),
        periods => format!("usage is the mean of the last {periods} closed periods"),
    };
    let window = duration(*transfer_window_seconds);
    let moved = format!("gone no longer than {window} and back on another subscription: moved, not churned");
    let asked = match churn {
        ChurnPolicy::Ended => "an end counts when the subscription has ended",
        ChurnPolicy::Requested => "an end counts when it is asked for",
    };
    let net = match discounts {
        DiscountPolicy::Recurring => "MRR is net of coupons for ever and of repeating ones while they run",
        DiscountPolicy::All => "MRR is net of all coupons, those used once as well",
        DiscountPolicy::None => "MRR is before discounts",
    };
    vec![
        choice("policy.churn", "R14", churn.as_str(), asked),
        choice("policy.past_due", "R5", &past_due, &lapse),
        choice("policy.paused", "R5", paused.as_str(), &counting("paused subscriptions", paused)),
        choice("policy.trialing", "R5", trialing.as_str(), &counting("trials", trialing)),
        choice("policy.discounts", "R6", discounts.as_str(), net),
        choice("policy.usage_window", "R8", &usage_window.to_string(), &periods),
        choice("policy.transfer_window", "R19", &window, &moved),
    ]
}

/// Seconds as the file writes a duration: `3d`, `12h`, `90s`.
fn duration(seconds: i64) -> String {
    match (seconds % 86_400, seconds % 3_600, seconds % 60) {
        (0, _, _) => format!("{}d", seconds / 86_400),
        (_, 0, _) => format!("{}h", seconds / 3_600),
        (_, _, 0) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::mrr::Catalogue;

    fn rules(policy: Policy) -> SettlementRules {
        let engine = "upswell 1".to_owned();
        SettlementRules { engine, policy, catalogue: Catalogue::default(), zone: chrono_tz::UTC }
    }

    #[test]
    fn what_is_not_changed_is_not_among_the_changes() {
        let now = rules(Policy::default());
        assert_eq!(choice_changes(&now, &now), []);
        let then = rules(Policy { past_due: PastDuePolicy::LapsesAfterDays(30), ..Policy::default() });
        let changes = choice_changes(&now, &then);
        assert_eq!(changes.len(), 1);
        let change = &changes[0];
        assert_eq!((change.now.key, change.now.rule), ("policy.past_due", "R5"));
        assert_eq!((change.now.value.as_str(), change.then.value.as_str()), ("counts", "30"));
    }

    #[test]
    fn every_choice_of_rules_is_told_where_it_differs() {
        let now = rules(Policy::default());
        let then = SettlementRules {
            engine: "upswell 2".to_owned(),
            policy: Policy {
                churn: ChurnPolicy::Requested,
                past_due: PastDuePolicy::LapsesAfterDays(0),
                paused: Counting::Counts,
                trialing: Counting::Counts,
                discounts: DiscountPolicy::All,
                usage_window: 3,
                transfer_window_seconds: 90,
            },
            catalogue: Catalogue {
                ladders: vec![vec!["a".to_owned(), "b".to_owned()]],
                add_ons: ["c".to_owned()].into(),
                not_seats: ["d".to_owned()].into(),
                successors: [("e".to_owned(), "f".to_owned())].into(),
                learnt: std::sync::Arc::default(),
            },
            zone: chrono_tz::Asia::Tokyo,
        };
        assert_eq!(choice_changes(&now, &then).len(), choices(&now).len());
    }

    #[test]
    fn a_duration_is_as_the_file_writes_it() {
        for (seconds, text) in [(259_200, "3d"), (0, "0d"), (43_200, "12h"), (300, "5m"), (90, "90s")] {
            assert_eq!(duration(seconds), text);
        }
    }
}
