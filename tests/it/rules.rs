//! The rules case by case: what Stripe says, and what the domain's rules make of it, worked out by hand.
//!
//! `fixtures/rules/README.md` tells how a case is written; `events` makes Stripe's events of its lines.
//! Every case is derived in several ways, and all have to agree: as told, backwards, twice over, the second
//! half first, and from every checkpoint on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use upswell::config::Config;
use upswell::mrr::{
    Catalogue, Delta, Derivation, Fact, Instant, Learnt, Motion, Movement, Mrr, Policy, Rules, Start,
    Timeline, derive, derive_with_lag, net_month,
};
use upswell::stripe::{Translation, read, translate};

use events::{Teller, instant};

mod events;

/// A time after all cases.
const AS_OF: Instant = Instant(1_830_297_600);
/// Fewer than these would mean that a file was not read.
const AT_LEAST: usize = 190;

/// One case: its lines by what they are.
#[derive(Default)]
struct Case {
    name: String,
    config: String,
    told: Vec<String>,
    moves: Vec<String>,
    months: BTreeMap<String, String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules")
}

/// The price list that the cases share, and the cases.
fn cases() -> (Vec<String>, Vec<Case>) {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "cases"));
    files.sort();
    let (mut prices, mut cases) = (Vec::new(), Vec::<Case>::new());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let rest = rest.trim();
            if word == "price" {
                prices.push(rest.to_owned());
            } else if word == "case" {
                cases.push(Case { name: rest.to_owned(), ..Case::default() });
            } else {
                take(cases.last_mut().unwrap(), word, rest);
            }
        }
    }
    (prices, cases)
}

fn take(case: &mut Case, word: &str, rest: &str) {
    match word {
        "config" => case.config.push_str(&format!("{rest}\n")),
        "move" => case.moves.push(words(rest)),
        "month" => {
            let (month, figures) = rest.split_once(' ').unwrap();
            case.months.insert(month.to_owned(), words(figures));
        }
        "say" => case.told.push(rest.to_owned()),
        other => panic!("{}: `{other}` begins no line", case.name),
    }
}

/// A line with its blanks evened out.
fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is known of one case's only customer.
struct Known {
    facts: Vec<Fact>,
    catalogue: Catalogue,
    policy: Policy,
}

fn known(prices: &[String], case: &Case) -> Known {
    let config = Config::from_given(&[], &case.config).unwrap();
    let mut teller = Teller::new(prices);
    let (mut facts, mut lessons) = (Vec::new(), Vec::new());
    for line in &case.told {
        let body = teller.event(line).to_string();
        let envelope = read(body.as_bytes()).unwrap();
        match translate(body.as_bytes(), &envelope, "") {
            Translation::Facts(told) => facts.extend(told),
            Translation::Learnt { catalogue, facts: told } => {
                lessons.extend(catalogue);
                facts.extend(told);
            }
            Translation::Ignored { .. } => {}
            Translation::Parked { path, reason } => panic!("{}: {line}: {path} {reason}", case.name),
        }
    }
    let learnt = Learnt::from_iter(lessons).into();
    Known { facts, catalogue: Catalogue { learnt, ..config.catalogue }, policy: config.policy }
}

impl Known {
    fn rules(&self) -> Rules<'_> {
        Rules { catalogue: &self.catalogue, policy: &self.policy, as_of: AS_OF }
    }

    fn derive(&self, facts: Vec<Fact>) -> Derivation {
        derive(&Timeline { facts, start: None }, self.rules())
    }

    /// Every other way to the same ledger, by its name.
    fn other_ways(&self) -> Vec<(&'static str, Derivation)> {
        let mut backwards = self.facts.clone();
        backwards.reverse();
        let twice = [self.facts.clone(), self.facts.clone()].concat();
        let mut rotated = self.facts.clone();
        rotated.rotate_left(self.facts.len() / 2);
        vec![
            ("backwards", self.derive(backwards)),
            ("twice", self.derive(twice)),
            ("the second half first", self.derive(rotated)),
        ]
    }

    /// From each checkpoint that was made on the way, the movements behind it.
    fn behind_checkpoints(&self) -> Vec<(Instant, Vec<Movement>)> {
        let times: BTreeSet<Instant> = self.facts.iter().map(Fact::at).collect();
        times.into_iter().filter_map(|now| self.behind_checkpoint(now)).collect()
    }

    /// The movements behind the newest checkpoint of what was known at a time; none if there is none, or if
    /// what came later reaches back to it.
    fn behind_checkpoint(&self, now: Instant) -> Option<(Instant, Vec<Movement>)> {
        let told = self.facts.iter().filter(|fact| fact.at() <= now).cloned().collect();
        let checkpoint =
            derive_with_lag(&Timeline { facts: told, start: None }, self.rules(), 0).checkpoint?;
        let at = checkpoint.at;
        if self.facts.iter().any(|fact| fact.at() > now && fact.reaches_back_to() <= at) {
            return None;
        }
        let base = self.facts.iter().filter_map(|fact| match fact {
            Fact::Subscription(snapshot) if checkpoint.base.contains(&snapshot.evidence.event) => {
                Some(snapshot.clone())
            }
            _ => None,
        });
        let base = base.collect();
        let is_loaded =
            |fact: &&Fact| fact.at() > at || !matches!(fact, Fact::Subscription(_) | Fact::Usage(_));
        let facts = self.facts.iter().filter(is_loaded).cloned().collect();
        let timeline = Timeline { facts, start: Some(Start { checkpoint, base }) };
        Some((at, derive(&timeline, self.rules()).movements))
    }
}

fn amount(micro: i128) -> String {
    let sign = if micro < 0 { "-" } else { "" };
    let (whole, rest) = (micro.abs() / 1_000_000, micro.abs() % 1_000_000);
    let rest = format!("{rest:06}");
    let rest = rest.trim_end_matches('0');
    format!("{sign}{whole}{}{rest}", if rest.is_empty() { "" } else { "." })
}

fn signed(delta: Delta) -> String {
    let sign = if delta > Delta::ZERO { "+" } else { "" };
    format!("{sign}{}", amount(delta.0))
}

fn move_line(movement: &Movement) -> String {
    let at = chrono::DateTime::from_timestamp(movement.effective_at.0, 0).unwrap();
    let subscription = movement.subscription.as_str().trim_start_matches("sub_");
    let price = movement.face().map_or("-", |side| side.price.as_str());
    let motion = match movement.motion {
        Motion::Unknown => String::new(),
        motion => format!(" {}", motion.as_str()),
    };
    let currency = match movement.currency.as_str() {
        "usd" => String::new(),
        other => format!(" {other}"),
    };
    format!(
        "{} {} {} {} {subscription} {price} {}{currency}{motion}",
        at.format("%m-%dT%H:%M:%S"),
        movement.class.as_str(),
        movement.kind.as_str(),
        movement.cause.as_str(),
        signed(movement.delta),
    )
}

/// A month as its line has it: of each currency what it started with, the lanes, what it ended with.
fn month_line(derived: &Derivation, month: &str) -> String {
    let (start, end) = (instant(&format!("{month}-01")), instant(&format!("{}-01", month_after(month))));
    let net = net_month(&derived.levels, &derived.movements, start, end);
    let mut texts = Vec::new();
    for (currency, net) in &net.currencies {
        let mut lanes: BTreeMap<String, Delta> = BTreeMap::new();
        for cell in &net.cells {
            let kind = cell.kind.map_or(String::new(), |kind| format!(".{}", kind.as_str()));
            *lanes.entry(format!("{}{kind}", cell.lane.as_str())).or_default() += cell.delta;
        }
        let sum: Delta = net.cells.iter().map(|cell| cell.delta).sum();
        assert_eq!(net.start + sum, net.end, "{month} {currency} does not foot");
        lanes.retain(|_, delta| *delta != Delta::ZERO);
        let mut text = if currency.as_str() == "usd" { String::new() } else { format!("{currency} ") };
        if lanes.is_empty() && net.start == Mrr::ZERO {
            continue;
        }
        write!(text, "{}", amount(net.start.0)).unwrap();
        lanes.iter().for_each(|(lane, delta)| write!(text, " {lane} {}", signed(*delta)).unwrap());
        write!(text, " = {}", amount(net.end.0)).unwrap();
        texts.push(text);
    }
    if texts.is_empty() { "nothing".to_owned() } else { texts.join(" | ") }
}

fn month_after(month: &str) -> String {
    upswell::mrr::Month::parse(month).unwrap().next().to_string()
}

/// What is wrong with a case, if anything is.
fn faults(prices: &[String], case: &Case) -> String {
    let mut wrong = String::new();
    let known = known(prices, case);
    let derived = known.derive(known.facts.clone());
    let got: Vec<String> = derived.movements.iter().map(move_line).collect();
    if got != case.moves {
        case.moves.iter().for_each(|line| writeln!(wrong, "  expected {line}").unwrap());
        got.iter().for_each(|line| writeln!(wrong, "       got {line}").unwrap());
    }
    for (month, expected) in &case.months {
        let got = month_line(&derived, month);
        if got != *expected {
            writeln!(wrong, "  {month} expected {expected}\n  {month}      got {got}").unwrap();
        }
    }
    for (way, other) in known.other_ways() {
        if other.movements != derived.movements || other.levels != derived.levels {
            let got: Vec<String> = other.movements.iter().map(move_line).collect();
            writeln!(wrong, "  otherwise when told {way}: {got:#?}").unwrap();
        }
    }
    for (at, behind) in known.behind_checkpoints() {
        let expected: Vec<_> = derived.movements.iter().filter(|moved| moved.effective_at > at).collect();
        if behind.iter().collect::<Vec<_>>() != expected {
            let got: Vec<String> = behind.iter().map(move_line).collect();
            writeln!(wrong, "  otherwise from the checkpoint at {at:?}: {got:#?}").unwrap();
        }
    }
    wrong
}

#[test]
fn every_case_moves_as_its_rule_says() {
    let (prices, cases) = cases();
    let mut wrong = String::new();
    for case in &cases {
        let faults = faults(&prices, case);
        if !faults.is_empty() {
            writeln!(wrong, "{}\n{faults}", case.name).unwrap();
        }
    }
    assert!(cases.len() >= AT_LEAST, "only {} cases", cases.len());
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn no_case_stands_twice_or_says_nothing() {
    let (_, cases) = cases();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.iter().all(|case| !case.told.is_empty() && case.name.contains(" R")));
}
