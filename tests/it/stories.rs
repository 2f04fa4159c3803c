//! The stories: what their events must make of the ledger, movement by movement.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use upswell::config::Config;
use upswell::mrr::{
    Catalogue, Class, CustomerId, Fact, Instant, Kind, Movement, Policy, Rules, Side, Timeline, derive,
};
use upswell::stripe::{Translation, book, read, translate};

use crate::process::{stories_config, stories_folder};

/// A time after the last story.
const AS_OF: Instant = Instant(1_795_000_000);

/// What is known about the stories' price list, read as a user's is.
fn catalogue() -> Catalogue {
    let text = fs::read_to_string(stories_config()).unwrap();
    Config::from_given(&[], &text).unwrap().catalogue
}

fn lines(movements: &[(CustomerId, Movement)]) -> String {
    let mut text = String::new();
    for (customer, m) in movements {
        let price = |side: &Option<Side>| side.as_ref().map_or("-".to_owned(), |side| side.price.to_string());
        let quantity =
            |side: &Option<Side>| side.as_ref().map_or("-".to_owned(), |side| side.quantity.to_string());
        let sign = if m.delta.0 > 0 { "+" } else { "" };
        let at = chrono::DateTime::from_timestamp(m.effective_at.0, 0).unwrap().format("%Y-%m-%dT%H:%M:%SZ");
        writeln!(
            text,
            "{at} {} {} {} {customer} {} {} {}->{} {}->{} {sign}{} {} {}->{}",
            m.class.as_str(),
            m.kind.as_str(),
            m.cause.as_str(),
            m.subscription,
            m.item,
            price(&m.before),
            price(&m.after),
            quantity(&m.before),
            quantity(&m.after),
            m.delta,
            m.currency,
            m.customer_mrr_before,
            m.customer_mrr_after,
        )
        .unwrap();
    }
    text
}

#[test]
fn every_story_makes_the_ledger_that_is_expected_of_it() {
    let mut wrong = String::new();
    let catalogue = catalogue();
    let mut stories: Vec<_> =
        fs::read_dir(stories_folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    stories.retain(|path| path.extension().is_some_and(|extension| extension == "ndjson"));
    stories.sort();
    for story in stories {
        let mut facts: BTreeMap<CustomerId, Vec<Fact>> = BTreeMap::new();
        for line in fs::read_to_string(&story).unwrap().lines() {
            let envelope = read(line.as_bytes()).unwrap();
            if book(&envelope) != "live" {
                continue;
            }
            match translate(line.as_bytes(), &envelope, "") {
                Translation::Facts(told) | Translation::Learnt { facts: told, .. } => {
                    for fact in told {
                        facts.entry(fact.customer().clone()).or_default().push(fact);
                    }
                }
                Translation::Ignored { .. } => {}
                Translation::Parked { path, reason } => {
                    writeln!(wrong, "{story:?} parked {path} {reason}").unwrap();
                }
            }
        }
        let mut movements = Vec::new();
        for (customer, facts) in facts {
            let rules = Rules { catalogue: &catalogue, policy: &Policy::default(), as_of: AS_OF };
            let derived = derive(&Timeline { facts, start: None }, rules);
            movements.extend(derived.movements.into_iter().map(|movement| (customer.clone(), movement)));
        }
        let expected = fs::read_to_string(story.with_extension("expected")).unwrap();
        let got = lines(&movements);
        for line in expected.lines().filter(|line| !got.contains(line)) {
            writeln!(wrong, "{}\n  - {line}", story.file_stem().unwrap().to_string_lossy()).unwrap();
        }
        for line in got.lines().filter(|line| !expected.contains(line)) {
            writeln!(wrong, "{}\n  + {line}", story.file_stem().unwrap().to_string_lossy()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn the_stories_show_every_class_and_every_kind() {
    let folder = stories_folder();
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let expected = files.filter(|path| path.extension().is_some_and(|extension| extension == "expected"));
    let text: String = expected.map(|path| fs::read_to_string(path).unwrap()).collect();
    let shown =
        |column: usize, word: &str| text.lines().any(|line| line.split(' ').nth(column) == Some(word));
    let classes = Class::ALL.iter().filter(|class| !shown(1, class.as_str()));
    assert_eq!(classes.collect::<Vec<_>>(), Vec::<&Class>::new());
    let kinds = Kind::ALL.iter().filter(|kind| !shown(2, kind.as_str()));
    assert_eq!(kinds.collect::<Vec<_>>(), Vec::<&Kind>::new());
}
