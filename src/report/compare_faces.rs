//! A policy that is tried, as table, JSON and CSV: what it changes before anybody adopts it.

use super::cell::Cell;
use super::csv_face::csv_text;
use super::json::pretty;
use super::ordered::{Json, Object, named, object, push_rate, text, word};
use super::policy_sheet::rules;
use super::sections::{Printed, title};
use super::sheet::Section;
use super::table::{listed, section_text};
use super::{
    ChoiceChange, Comparison, CurrencyChange, CustomerChange, Figures, MonthChange, Rate, ReportError, Scale,
};
use crate::ledger::{Posted, SettlementRules};
use crate::mrr::{Currency, CustomerId, Delta, Lane};

/// A policy that is tried on a book.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyTrial {
    /// The file that it stands in.
    pub file: String,
    /// The book.
    pub book: String,
    /// The rules in force, those of most customers.
    pub now: SettlementRules,
    /// The rules that are tried.
    pub then: SettlementRules,
    /// What differs between them.
    pub changes: Vec<ChoiceChange>,
    /// The figures; `None` of a book that nothing has moved in.
    pub comparison: Option<Comparison>,
    /// What adopting it would reverse and post.
    pub posted: Posted,
    /// Customers that can't be derived, and why.
    pub not_derived: Vec<(CustomerId, String)>,
}

impl PolicyTrial {
    /// The trial as text for a terminal.
    #[must_use]
    pub fn to_table(&self) -> String {
        let heading = format!("Policy of {} tried on book {}", self.file, self.book);
        let mut page =
            format!("{heading}\n{}\n\n{}", "═".repeat(heading.chars().count()), listed(&self.facts()));
        let Some(comparison) = &self.comparison else {
            return page + "\nNothing has moved in this book.\n";
        };
        if comparison.months.is_empty() {
            page.push_str("\nNo figure of these months would change.\n");
        }
        for currency in currencies(comparison) {
            for section in sections(comparison, currency) {
                page.push_str(&section_text(&section));
            }
        }
        page
    }

    fn facts(&self) -> Vec<(String, String)> {
        let mut facts: Vec<(&str, String)> = Vec::new();
        for (index, change) in self.changes.iter().enumerate() {
            let ChoiceChange { now, then } = change;
            let name = if index == 0 { "Changed" } else { "" };
            facts.push((
                name,
                format!("{} ({}): {} → {}: {}", now.key, now.rule, now.value, then.value, then.meaning),
            ));
        }
        if self.changes.is_empty() {
            facts.push(("Changed", "nothing: the file says what is in force".to_owned()));
        }
        if let Some(comparison) = &self.comparison {
            let (differ, quiet) = (comparison.months.len(), comparison.unchanged.len());
            let months = format!(
                "{} to {}: {differ} differ, {quiet} do not and are left out",
                comparison.from, comparison.to
            );
            facts.push(("Months", months));
            let closed: Vec<String> = comparison
                .months
                .iter()
                .filter(|month| month.is_closed)
                .map(|month| month.month.to_string())
                .collect();
            if !closed.is_empty() {
                let stay = "stay as reported; their difference would go to the open month (R24)";
                facts.push(("Closed", format!("{} {stay}", closed.join(", "))));
            }
            let customers =
                format!("{} of {} differ", comparison.customers_that_differ, comparison.customers);
            facts.push(("Customers", customers));
        }
        let Posted { posted, reversed } = self.posted;
        facts.push((
            "Adopting it",
            format!("would reverse {reversed} movements of this book and post {posted}"),
        ));
        for (customer, reason) in &self.not_derived {
            facts.push(("Not derived", format!("{customer}: {reason}")));
        }
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The trial as JSON, indented; amounts and ratios are exact.
    ///
    /// # Errors
    ///
    /// [`ReportError::Json`], which does not happen for text in memory.
    pub fn to_json(&self) -> Result<String, ReportError> {
        let change = |change: &ChoiceChange| {
            object([
                ("key", word(change.now.key)),
                ("rule", word(change.now.rule)),
                ("now", text(&change.now.value)),
                ("then", text(&change.then.value)),
                ("now_means", text(&change.now.meaning)),
                ("then_means", text(&change.then.meaning)),
            ])
        };
        let failed = |(customer, reason): &(CustomerId, String)| {
            object([("customer", text(customer)), ("reason", text(reason))])
        };
        let mut entries = named([
            ("book", text(&self.book)),
            ("file", text(&self.file)),
            ("now", rules(&self.now, None)),
            ("then", rules(&self.then, None)),
            ("changed", Json::List(self.changes.iter().map(change).collect())),
            (
                "adopting",
                object([("posted", count(self.posted.posted)), ("reversed", count(self.posted.reversed))]),
            ),
            ("not_derived", Json::List(self.not_derived.iter().map(failed).collect())),
        ]);
        let Some(comparison) = &self.comparison else {
            entries.extend(named([
                ("from", Json::Null),
                ("to", Json::Null),
                ("months", Json::List(Vec::new())),
            ]));
            return pretty(&Json::Object(entries));
        };
        let largest = comparison.largest.iter().map(|(currency, changes)| {
            let changes = changes.iter().map(customer).collect();
            object([("currency", text(currency)), ("customers", Json::List(changes))])
        });
        entries.extend(named([
            ("from", text(&comparison.from)),
            ("to", text(&comparison.to)),
            ("customers", count(comparison.customers)),
            ("customers_that_differ", count(comparison.customers_that_differ)),
            ("months", Json::List(comparison.months.iter().map(month).collect())),
            ("months_without_difference", Json::List(comparison.unchanged.iter().map(text).collect())),
            ("largest_differences", Json::List(largest.collect())),
        ]));
        pretty(&Json::Object(entries))
    }

    /// Every figure of the months that differ as a row of CSV; a ratio without a value is empty.
    ///
    /// # Errors
    ///
    /// [`ReportError::Csv`], which does not happen for text in memory.
    pub fn to_csv(&self) -> Result<String, ReportError> {
        let head = ["month", "currency", "section", "name", "now", "then", "difference", "unit"];
        let comparison = self.comparison.as_ref();
        let months = comparison.into_iter().flat_map(|comparison| &comparison.months);
        let changes = months.flat_map(|month| month.currencies.iter().map(move |change| (month, change)));
        let figures = changes.flat_map(|(month, change)| csv_rows(month, change));
        let largest = comparison.into_iter().flat_map(|comparison| &comparison.largest);
        let customers = largest.flat_map(|(currency, changes)| {
            changes.iter().map(move |change| {
                let (section, name) = (format!("customer:{}", change.customer), change.figure);
                amount_row(&change.month.to_string(), currency, (&section, name), (change.now, change.then))
            })
        });
        csv_text(&head, figures.chain(customers))
    }
}

fn count(count: usize) -> Json {
    Json::Count(count as u64)
}

/// Every amount of a month's figures, in the order of the roll-forward: section, name, now, then.
type Amounts = Vec<(&'static str, &'static str, Delta, Delta)>;

fn amounts(change: &CurrencyChange) -> Amounts {
    let of = |figures: &Figures| {
        let roll = &figures.rollforward;
        let zero = crate::mrr::Mrr::ZERO;
        let mut amounts = vec![("rollforward", "starting_mrr", roll.starting_mrr - zero)];
        amounts.extend(roll.lanes.iter().map(|(lane, amount)| ("rollforward", lane.as_str(), *amount)));
        amounts.push(("rollforward", "ending_mrr", roll.ending_mrr - zero));
        let up = figures.expansion_by_kind.iter();
        amounts.extend(up.map(|(kind, amount)| ("expansion_by_kind", kind.as_str(), *amount)));
        let down = figures.contraction_by_kind.iter();
        amounts.extend(down.map(|(kind, amount)| ("contraction_by_kind", kind.as_str(), *amount)));
        amounts.push(("summary", "core_expansion", figures.core_expansion));
        amounts.push(("summary", "total_expansion", figures.total_expansion));
        amounts
    };
    let pairs = of(&change.now).into_iter().zip(of(&change.then));
    pairs.map(|((section, name, now), (_, _, then))| (section, name, now, then)).collect()
}

fn rates(change: &CurrencyChange) -> [(&'static str, &Rate, &Rate); 4] {
    let (now, then) = (&change.now, &change.then);
    [
        ("expansion_rate", &now.expansion_rate, &then.expansion_rate),
        ("total_expansion_rate", &now.total_expansion_rate, &then.total_expansion_rate),
        ("nrr", &now.nrr, &then.nrr),
        ("grr", &now.grr, &then.grr),
    ]
}

fn amount(now: Delta, then: Delta) -> Json {
    object([("now", text(&now)), ("then", text(&then)), ("difference", text(&(then - now)))])
}

fn month(change: &MonthChange) -> Json {
    object([
        ("month", text(&change.month)),
        ("status", word(if change.is_closed { "closed" } else { "open" })),
        ("currencies", Json::List(change.currencies.iter().map(currency).collect())),
    ])
}

fn currency(change: &CurrencyChange) -> Json {
    let mut entries =
        named([("currency", text(&change.currency)), ("customers_that_differ", count(change.customers))]);
    for section in ["rollforward", "expansion_by_kind", "contraction_by_kind"] {
        let own = amounts(change).into_iter().filter(|(of, ..)| *of == section);
        let own: Object = own.map(|(_, name, now, then)| (name.into(), amount(now, then))).collect();
        entries.push((section.into(), Json::Object(own)));
    }
    let summary = amounts(change).into_iter().filter(|(of, ..)| *of == "summary");
    entries.extend(summary.map(|(_, name, now, then)| (name.into(), amount(now, then))));
    let mut ratios = Object::new();
    for (name, now, then) in rates(change) {
        let (mut pair, mut other) = (Object::new(), Object::new());
        push_rate(&mut pair, "now", now);
        push_rate(&mut other, "then", then);
        pair.extend(other);
        ratios.push((name.into(), Json::Object(pair)));
    }
    entries.push(("rates".into(), Json::Object(ratios)));
    Json::Object(entries)
}

fn customer(change: &CustomerChange) -> Json {
    object([
        ("customer", text(&change.customer)),
        ("months", count(change.months)),
        ("month", text(&change.month)),
        ("figure", word(change.figure)),
        ("now", text(&change.now)),
        ("then", text(&change.then)),
        ("difference", text(&(change.then - change.now))),
    ])
}

fn amount_row(
    month: &str,
    currency: &Currency,
    (section, name): (&str, &str),
    (now, then): (Delta, Delta),
) -> Vec<String> {
    let difference = then - now;
    let unit = format!("{currency}_minor");
    let cells = [month, currency.as_str(), section, name];
    let amounts = [now.to_string(), then.to_string(), difference.to_string(), unit];
    cells.into_iter().map(str::to_owned).chain(amounts).collect()
}

fn csv_rows(month: &MonthChange, change: &CurrencyChange) -> Vec<Vec<String>> {
    let at = month.month.to_string();
    let amounts = amounts(change).into_iter();
    let mut rows: Vec<Vec<String>> = amounts
        .map(|(section, name, now, then)| amount_row(&at, &change.currency, (section, name), (now, then)))
        .collect();
    let mut row = |section: &str, name: &str, cells: [String; 3], unit: &str| {
        let head = [at.as_str(), change.currency.as_str(), section, name].map(str::to_owned);
        rows.push(head.into_iter().chain(cells).chain([unit.to_owned()]).collect());
    };
    for (name, now, then) in rates(change) {
        let exact = |rate: &Rate| rate.known().map_or_else(String::new, super::Fraction::to_decimal);
        row("rates", name, [exact(now), exact(then), String::new()], "ratio");
    }
    let differ = change.customers.to_string();
    row("customers", "that_differ", [String::new(), String::new(), differ], "customers");
    rows
}

fn currencies(comparison: &Comparison) -> Vec<&Currency> {
    let mut currencies = Vec::new();
    for change in comparison.months.iter().flat_map(|month| &month.currencies) {
        if !currencies.contains(&&change.currency) {
            currencies.push(&change.currency);
        }
    }
    currencies
}

fn sections(comparison: &Comparison, currency: &Currency) -> Vec<Section> {
    let name = currency.as_str().to_uppercase();
    let columns = ["month", "", "#now", "#then", "#difference"];
    let mut lanes = Section::of("rollforward", &format!("{name} roll-forward"), &columns);
    let columns = ["month", "#customers", "#NRR", "#then", "#GRR", "#then", "#expansion rate", "#then"];
    let mut ratios = Section::of("rates", &format!("{name} rates, and customers that differ"), &columns);
    for month in &comparison.months {
        for change in month.currencies.iter().filter(|change| change.currency == *currency) {
            lane_rows(&mut lanes, month, change);
            let mut cells = vec![month.month.to_string().into(), Cell::count(change.customers as u64)];
            for name in ["nrr", "grr", "expansion_rate"] {
                let pair = rates(change).into_iter().find(|(of, ..)| *of == name);
                cells.extend(
                    pair.into_iter().flat_map(|(_, now, then)| [Cell::short(now), Cell::short(then)]),
                );
            }
            ratios.row(cells);
        }
    }
    let columns = ["customer", "#months", "month", "", "#now", "#then", "#difference"];
    let mut largest = Section::of("largest", &format!("{name} largest differences"), &columns);
    let scale = Scale::of(currency);
    for change in comparison.largest.get(currency).into_iter().flatten() {
        largest.row(vec![
            change.customer.as_str().into(),
            change.months.to_string().into(),
            change.month.to_string().into(),
            title(change.figure).into(),
            Cell::flow(scale, change.now),
            Cell::flow(scale, change.then),
            Cell::flow(scale, change.then - change.now),
        ]);
    }
    vec![lanes, ratios, largest]
}

/// A month's lanes with their kinds, those of nothing on both sides left out; both columns foot, and so
/// does their difference.
fn lane_rows(section: &mut Section, month: &MonthChange, change: &CurrencyChange) {
    let scale = Scale::of(&change.currency);
    let (now, then) = (Printed::of(&change.now, scale), Printed::of(&change.then, scale));
    let row = |first: &str, name: String, now: i128, then: i128| {
        let amounts = [now, then, then - now].map(|units| Cell::amount(scale, units));
        [first.into(), name.into()].into_iter().chain(amounts).collect()
    };
    let (before, after) = (&change.now.rollforward, &change.then.rollforward);
    let (start, end) = (scale.units(before.starting_mrr), scale.units(after.starting_mrr));
    section.level(row(&month.month.to_string(), "Starting MRR".to_owned(), start, end));
    for lane in Lane::ALL {
        if before.lane(*lane) == Delta::ZERO && after.lane(*lane) == Delta::ZERO {
            continue;
        }
        section.row(row("", title(lane.as_str()), now.lane(*lane), then.lane(*lane)));
        let kinds = match lane {
            Lane::Expansion => now.expansion.iter().zip(&then.expansion),
            Lane::Contraction => now.contraction.iter().zip(&then.contraction),
            _ => continue,
        };
        for ((kind, now), (_, then)) in kinds.filter(|((_, now), (_, then))| (*now, *then) != (0, 0)) {
            section.row(row("", format!("· {}", title(kind.as_str())), *now, *then));
        }
    }
    let (start, end) = (scale.units(before.ending_mrr), scale.units(after.ending_mrr));
    section.level(row("", "Ending MRR".to_owned(), start, end));
}
