//! The policy in force, book by book, beside the one that is configured.

use super::ReportError;
use super::choices::{choice_changes, choices};
use super::json::{policy, pretty};
use super::ordered::{Json, named, object, text, word};
use super::table::plain_table;
use crate::ledger::{SettlementRules, UsedRules};

/// Values longer than this are cut in the table; JSON has them whole.
const SHOWN: usize = 32;

/// The policy that is configured, and those that books were settled by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyInForce {
    /// What is configured.
    pub configured: SettlementRules,
    /// Free text on pricing, which changes no figure.
    pub pricing_note: String,
    /// Each book with the rules of its customers, those of most customers first.
    pub books: Vec<(String, Vec<UsedRules>)>,
}

impl PolicyInForce {
    /// The policy as text for a terminal: a row a key, with its rule and its meaning.
    #[must_use]
    pub fn to_table(&self) -> String {
        let mut head = vec!["key".to_owned(), "rule".to_owned(), "configured".to_owned()];
        let mut columns = Vec::new();
        for (book, used) in &self.books {
            for of in used {
                let name = if used.len() == 1 { book.clone() } else { format!("{book}, {}", customers(of)) };
                head.push(name);
                columns.push(choices(&of.rules));
            }
        }
        head.push("what is configured means".to_owned());
        let configured = choices(&self.configured);
        let rows = configured.iter().enumerate().map(|(index, choice)| {
            let in_force = columns.iter().map(|column| shown(&column[index].value));
            let cells = [choice.key.to_owned(), choice.rule.to_owned(), shown(&choice.value)].into_iter();
            cells.chain(in_force).chain([choice.meaning.clone()]).collect::<Vec<String>>()
        });
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        let table = plain_table(&head, &[], rows);
        let note = if self.pricing_note.is_empty() { "none" } else { &self.pricing_note };
        format!("{table}\npolicy.pricing_note: {note}\n\n{}", self.said())
    }

    /// What is in force, in words.
    fn said(&self) -> String {
        let mut said = String::new();
        let mut is_adopted = true;
        for (book, used) in &self.books {
            if used.len() > 1 {
                let sets = used.len();
                said.push_str(&format!(
                    "{book}: its customers were settled by {sets} different sets of rules.\n"
                ));
            }
            for of in used {
                let keys = self.differing(of);
                let by = if keys.is_empty() {
                    "what is configured".to_owned()
                } else {
                    format!("other rules than configured, in {}", keys.join(", "))
                };
                said.push_str(&format!("{book}: {} settled by {by}.\n", customers(of)));
                is_adopted &= keys.is_empty();
            }
        }
        if !is_adopted {
            said.push_str(
                "The next `upswell serve` or `upswell backfill` adopts what is configured and posts the difference;\n\
                 `upswell policy --try FILE` shows it before.\n",
            );
        }
        if said.is_empty() { "No customer has been settled yet.\n".to_owned() } else { said }
    }

    fn differing(&self, used: &UsedRules) -> Vec<&'static str> {
        choice_changes(&used.rules, &self.configured).into_iter().map(|change| change.now.key).collect()
    }

    /// The policy as JSON, indented.
    ///
    /// # Errors
    ///
    /// [`ReportError::Json`], which does not happen for text in memory.
    pub fn to_json(&self) -> Result<String, ReportError> {
        let key = |choice: super::Choice| {
            object([
                ("key", word(choice.key)),
                ("rule", word(choice.rule)),
                ("value", text(&choice.value)),
                ("meaning", text(&choice.meaning)),
            ])
        };
        let used = |of: &UsedRules| {
            let keys = self.differing(of).into_iter().map(word).collect();
            object([
                ("customers", Json::Count(of.customers)),
                ("rules", rules(&of.rules, None)),
                ("differs_in", Json::List(keys)),
            ])
        };
        let book = |(book, all): &(String, Vec<UsedRules>)| {
            let settled_by = all.iter().map(used).collect();
            object([("book", text(book)), ("settled_by", Json::List(settled_by))])
        };
        pretty(&object([
            ("configured", rules(&self.configured, Some(&self.pricing_note))),
            ("keys", Json::List(choices(&self.configured).into_iter().map(key).collect())),
            ("books", Json::List(self.books.iter().map(book).collect())),
        ]))
    }
}

/// Rules as JSON, by the names of `upswell.toml`.
pub(super) fn rules(rules: &SettlementRules, pricing_note: Option<&str>) -> Json {
    let list = |words: &mut dyn Iterator<Item = &String>| Json::List(words.map(text).collect());
    let catalogue = &rules.catalogue;
    let successors =
        catalogue.successors.iter().map(|(price, next)| (price.clone().into(), text(next))).collect();
    Json::Object(named([
        ("policy", policy(&rules.policy, pricing_note)),
        ("timezone", text(&rules.zone.name())),
        ("ladders", Json::List(catalogue.ladders.iter().map(|steps| list(&mut steps.iter())).collect())),
        (
            "catalogue",
            object([
                ("add_ons", list(&mut catalogue.add_ons.iter())),
                ("not_seats", list(&mut catalogue.not_seats.iter())),
                ("successors", Json::Object(successors)),
            ]),
        ),
        ("version", text(&rules.engine)),
    ]))
}

fn customers(used: &UsedRules) -> String {
    let s = if used.customers == 1 { "" } else { "s" };
    format!("{} customer{s}", used.customers)
}

/// A value as far as a column is wide.
fn shown(value: &str) -> String {
    if value.chars().count() <= SHOWN {
        return value.to_owned();
    }
    value.chars().take(SHOWN - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::mrr::{Catalogue, Counting, Policy};

    fn used(policy: Policy, customers: u64) -> UsedRules {
        let catalogue =
            Catalogue { ladders: vec![vec!["basic".to_owned(), "pro".to_owned()]], ..Catalogue::default() };
        let engine = "upswell 1".to_owned();
        UsedRules { rules: SettlementRules { engine, policy, catalogue, zone: chrono_tz::UTC }, customers }
    }

    #[test]
    fn customers_that_were_settled_by_other_rules_have_their_own_column_and_are_told() {
        let counts = used(Policy { paused: Counting::Counts, ..Policy::default() }, 1);
        let zero = used(Policy::default(), 12);
        let policy = PolicyInForce {
            configured: zero.rules.clone(),
            pricing_note: "list prices".to_owned(),
            books: vec![("live".to_owned(), vec![zero, counts])],
        };
        let table = policy.to_table();
        for part in [
            "live, 12 customers",
            "live, 1 customer ",
            "policy.pricing_note: list prices",
            "live: its customers were settled by 2 different sets of rules.",
            "live: 12 customers settled by what is configured.",
            "live: 1 customer settled by other rules than configured, in policy.paused.",
            "basic < pro",
        ] {
            assert!(table.contains(part), "no `{part}` in\n{table}");
        }
        let json: serde_json::Value = serde_json::from_str(&policy.to_json().unwrap()).unwrap();
        let settled_by = &json["books"][0]["settled_by"];
        assert_eq!((&settled_by[0]["customers"], &settled_by[1]["customers"]), (&12.into(), &1.into()));
        assert_eq!(settled_by[1]["differs_in"].to_string(), "[\"policy.paused\"]");
        assert_eq!(settled_by[0]["rules"]["ladders"].to_string(), "[[\"basic\",\"pro\"]]");
    }

    #[test]
    fn a_long_value_is_cut_in_the_table() {
        assert_eq!(shown("short"), "short");
        assert_eq!(shown(&"x".repeat(40)).chars().count(), SHOWN);
    }
}
