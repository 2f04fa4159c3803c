//! Every key of a report's JSON tied to the long form and to the tables of the page: what is exact in the one is
//! printed rounded in the other. A key that is in no table here fails, and so do a row of CSV and a printed section
//! that belong to no key. All other printed faces are held to the page cell by cell.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::read::{Table, exact, plain};
use super::tied_lists as lists;

/// How a key is held against the other faces.
type Tie = fn(&mut Block<'_>, &Value);

/// Every key of a block.
const TIES: [(&str, Tie); 42] = [
    ("currency", |block, code| assert!(block.shown.ends_with(&text(code).to_uppercase()))),
    ("rollforward", rollforward),
    ("expansion_by_kind", |block, kinds| lane(block, kinds, "expansion", "kind")),
    ("contraction_by_kind", |block, kinds| {
        lane(block, kinds, "contraction", "kind");
        lists::price_and_discount(block);
    }),
    ("expansion_by_cause", |block, causes| lane(block, causes, "expansion", "cause")),
    ("contraction_by_cause", |block, causes| lane(block, causes, "contraction", "cause")),
    ("core_expansion", |block, amount| summed_up(block, "core_expansion", "Core expansion", amount)),
    ("total_expansion", |block, amount| summed_up(block, "total_expansion", "Total expansion", amount)),
    ("net_expansion", |block, amount| summed_up(block, "net_expansion", "Net expansion", amount)),
    ("retained_base_growth", |block, amount| {
        summed_up(block, "retained_base_growth", "Retained-base growth", amount);
    }),
    ("starting_arr", |block, amount| summed_up(block, "starting_arr", "Starting ARR", amount)),
    ("ending_arr", |block, amount| summed_up(block, "ending_arr", "Ending ARR", amount)),
    ("arpa", |block, amount| summed_up(block, "arpa", "ARPA", amount)),
    ("at_risk", |block, amount| summed_up(block, "at_risk", "At-risk MRR (past due)", amount)),
    ("rates", rates),
    ("sources", sources),
    ("customers", customers),
    ("motion", |block, amounts| {
        block.object("motion", amounts);
        block.named("Who moved core expansion", 1, &titled(amounts));
    }),
    ("activity", activity),
    ("segments", lists::segments),
    ("segment_trends", lists::segment_trends),
    ("cohorts", lists::cohorts),
    ("retention", lists::retention),
    ("top_expanders", lists::expanders),
    ("concentration", lists::concentration),
    ("prior_period_adjustments", lists::adjustments),
    ("bridge", lists::bridge),
    ("scheduled", lists::scheduled),
    ("incomplete", lists::incomplete),
    ("late_payers", lists::late_payers),
    ("pauses", lists::pauses),
    ("paused_mrr", |block, amount| {
        block.csv("summary", "paused_mrr", amount);
        block.total("Paused at the month's end", 3, amount);
    }),
    ("expansion_from_outside", |block, amount| block.csv("summary", "expansion_from_outside", amount)),
    ("owners", lists::owners),
    ("targets", lists::targets),
    ("trend", lists::trend),
    ("expansion_by_month", lists::expansion_by_month),
    ("evidence", |block, amounts| {
        block.object("evidence", amounts);
        block.named("What ending MRR rests on", 1, &titled(amounts));
    }),
    ("evidence_shares", |block, shares| {
        block.object("evidence_shares", shares);
        for (grade, share) in entries(shares) {
            let cell = block.cell("What ending MRR rests on", &title(grade), 2);
            is_share(share, &cell);
        }
    }),
    ("first_month", |block, amounts| {
        block.object("first_month", amounts);
        let names = [("Grew by", "expansion"), ("Shrank by", "contraction")];
        let named = names.map(|(printed, name)| (printed.to_owned(), micro(&amounts[name])));
        block.named("New customers' first month", 1, &named);
    }),
    ("summary", |block, sentences| {
        for sentence in sentences.as_array().unwrap() {
            assert!(block.said.contains(text(sentence)), "{} does not say {sentence}", block.shown);
        }
    }),
    ("fx_effects", lists::fx),
];

/// A currency of a report in three faces.
pub(super) struct Block<'r> {
    /// The report, for what its blocks are measured by.
    pub(super) report: &'r Value,
    pub(super) json: &'r Value,
    pub(super) shown: &'r str,
    /// The page, as text.
    pub(super) said: &'r str,
    /// Rows of the long form that nothing was held against yet.
    csv: BTreeMap<(String, String), Vec<String>>,
    page: BTreeMap<&'r str, &'r [Vec<String>]>,
    /// Printed sections that something was held against.
    tied: BTreeSet<String>,
    pub(super) compared: usize,
}

/// Holds a block against the long form and the page; gives how many figures it compared.
pub(super) fn tie(
    report: &Value,
    json: &Value,
    long: &str,
    (shown, page, said): (&str, &[Table], &str),
) -> usize {
    let code = if shown.starts_with("Consolidated") { "consolidated" } else { text(&json["currency"]) };
    let mut csv: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for record in csv::Reader::from_reader(long.as_bytes()).records().map(Result::unwrap) {
        // These are of the whole report.
        let is_beside =
            ["exchange_rates", "closing"].contains(&&record[2]) || record[2].starts_with("reconciliation:");
        if &record[1] == code && !is_beside {
            let key = (record[2].to_owned(), record[3].to_owned());
            csv.entry(key).or_default().push(record[4].to_owned());
        }
    }
    let own = page.iter().filter(|table| table.0 == shown);
    let page = own.map(|(_, title, rows)| (title.as_str(), rows.as_slice())).collect();
    let mut block = Block { report, json, shown, said, csv, page, tied: BTreeSet::new(), compared: 0 };
    for (key, value) in entries(json).filter(|(key, _)| !key.ends_with("_reason")) {
        let (_, tie) =
            TIES.iter().find(|(of, _)| of == key).unwrap_or_else(|| panic!("{key} is tied to nothing"));
        tie(&mut block, value);
    }
    let keys: BTreeSet<&str> = entries(json).map(|(key, _)| key.as_str()).collect();
    let gone: Vec<&str> = TIES.iter().map(|(key, _)| *key).filter(|key| !keys.contains(key)).collect();
    assert!(gone.is_empty(), "{shown} has no {gone:?}");
    block.csv.retain(|_, values| !values.is_empty());
    assert!(block.csv.is_empty(), "{shown}: rows of CSV that are in no JSON: {:?}", block.csv);
    let loose: Vec<&&str> = block.page.keys().filter(|title| !block.tied.contains(**title)).collect();
    assert!(loose.is_empty(), "{shown}: printed sections that are in no JSON: {loose:?}");
    block.compared
}

impl Block<'_> {
    /// A figure stands in the long form exactly.
    pub(super) fn csv(&mut self, section: &str, name: &str, value: &Value) {
        let told = match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        assert_eq!(self.taken(section, name), told, "{} {section} {name}", self.shown);
    }

    /// What the long form has of a name; each row once.
    pub(super) fn taken(&mut self, section: &str, name: &str) -> String {
        self.compared += 1;
        let rows = self.csv.get_mut(&(section.to_owned(), name.to_owned()));
        let row = rows.and_then(|rows| if rows.is_empty() { None } else { Some(rows.remove(0)) });
        row.unwrap_or_else(|| panic!("{}: the long form lacks {section} {name}", self.shown))
    }

    /// An object's figures stand in a section of the long form, by their names.
    pub(super) fn object(&mut self, section: &str, object: &Value) {
        for (name, value) in entries(object).filter(|(name, _)| !name.ends_with("_reason")) {
            self.csv(section, name, value);
        }
    }

    /// A printed section's head and rows.
    pub(super) fn table(&mut self, title: &str) -> Option<(Vec<String>, Vec<Vec<String>>)> {
        let rows = self.page.get(title)?;
        self.tied.insert(title.to_owned());
        Some((rows[0].clone(), rows[1..].to_vec()))
    }

    /// The cell of a row by the row's name.
    pub(super) fn cell(&mut self, title: &str, name: &str, column: usize) -> String {
        let (_, rows) = self.table(title).unwrap_or_else(|| panic!("{} has no {title}", self.shown));
        let row = rows.iter().find(|row| row[0] == name);
        row.unwrap_or_else(|| panic!("{}, {title}: no {name} in {rows:?}", self.shown))[column].clone()
    }

    /// A section's last row is a sum.
    pub(super) fn total(&mut self, title: &str, column: usize, amount: &Value) {
        match self.table(title) {
            Some((_, rows)) => self.is_printed(micro(amount), &rows.last().unwrap()[column]),
            None => assert_eq!(micro(amount), 0, "{}: {title} is not printed", self.shown),
        }
    }

    /// Amounts are printed by their names; what is not printed is nothing, and nothing else is printed.
    pub(super) fn named(&mut self, section: &str, column: usize, amounts: &[(String, i128)]) {
        let (_, rows) = self.table(section).unwrap_or_default();
        for (name, amount) in amounts {
            match rows.iter().find(|row| row[0] == *name) {
                Some(row) => self.is_printed(*amount, &row[column]),
                None => assert!(amount.abs() < 1_000_000, "{}, {section}: no {name}", self.shown),
            }
        }
        let is_other = |row: &&Vec<String>| !amounts.iter().any(|(name, _)| *name == row[0]);
        let others: Vec<&Vec<String>> = rows.iter().filter(is_other).filter(|row| !is_sum(row)).collect();
        assert!(others.is_empty(), "{}, {section}: {others:?} is in no JSON", self.shown);
    }

    /// Rows are printed in their order, then sums; a section of fewer rows than `least` need not be there.
    pub(super) fn rows(&mut self, title: &str, least: usize, expected: &[Vec<Expect<'_>>]) {
        let Some((_, rows)) = self.table(title) else {
            assert!(expected.len() < least, "{} has no {title}", self.shown);
            return;
        };
        assert!(rows.len() >= expected.len(), "{}, {title}: {rows:?}", self.shown);
        for (expected, row) in expected.iter().zip(&rows) {
            assert_eq!(expected.len(), row.len(), "{}, {title}: {row:?}", self.shown);
            for (expected, cell) in expected.iter().zip(row) {
                self.is_expected(expected, cell);
            }
        }
        for row in &rows[expected.len()..] {
            assert!(is_sum(row), "{}, {title}: {row:?} is in no JSON", self.shown);
        }
    }

    fn is_expected(&mut self, expected: &Expect<'_>, cell: &str) {
        self.compared += 1;
        match expected {
            Expect::Any => {}
            Expect::Text(text) => assert_eq!(text, cell, "{}", self.shown),
            Expect::Amount(amount) => self.is_printed(*amount, cell),
            Expect::Share(share) => is_share(share, cell),
        }
    }

    /// What is printed is the exact amount, less than two of the smallest printed units off: one for its own rounding
    /// and one for a sum's.
    pub(super) fn is_printed(&mut self, amount: i128, printed: &str) {
        self.compared += 1;
        let ten_thousandths = if self.json["currency"] == "jpy" { 10_000 } else { 100 };
        let units = exact(&plain(printed)) / ten_thousandths;
        let off = (units * 1_000_000 - amount).abs();
        assert!(off < 2_000_000, "{}: {amount} millionths are not {printed}", self.shown);
    }
}

/// What a printed cell has to be.
pub(super) enum Expect<'v> {
    Any,
    Text(String),
    /// Millionths of the minor unit.
    Amount(i128),
    Share(&'v Value),
}

impl Expect<'_> {
    pub(super) fn word(value: &Value) -> Self {
        Self::Text(title(text(value)))
    }

    pub(super) fn plainly(value: &Value) -> Self {
        Self::Text(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    pub(super) fn amount(value: &Value) -> Self {
        Self::Amount(micro(value))
    }
}

fn is_sum(row: &[String]) -> bool {
    let sums = ["Total", "Core expansion", "Ending MRR"];
    sums.contains(&row[0].as_str()) || row[0].starts_with("others (")
}

fn rollforward(block: &mut Block<'_>, roll: &Value) {
    block.object("rollforward", roll);
    block.named("Roll-forward", 1, &titled(roll));
    block.named("Summary", 1, &summary(block));
}

/// The amounts of the summary, each of which is a key of its own.
fn summary(block: &Block<'_>) -> Vec<(String, i128)> {
    let own = [
        ("Starting ARR", "starting_arr"),
        ("Ending ARR", "ending_arr"),
        ("Core expansion", "core_expansion"),
        ("Total expansion", "total_expansion"),
        ("Net expansion", "net_expansion"),
        ("Retained-base growth", "retained_base_growth"),
        ("ARPA", "arpa"),
        ("At-risk MRR (past due)", "at_risk"),
    ];
    let mut amounts: Vec<(String, i128)> =
        own.iter().map(|(name, key)| ((*name).to_owned(), micro(&block.json[*key]))).collect();
    amounts.push(("Ending MRR".to_owned(), micro(&block.json["rollforward"]["ending_mrr"])));
    // Without customers it is `n/a`.
    amounts.retain(|(name, _)| name != "ARPA" || !block.json["arpa"].is_null());
    amounts.extend(block.json["arpa"].is_null().then(|| ("ARPA".to_owned(), 0)));
    amounts
}

fn summed_up(block: &mut Block<'_>, name: &str, printed: &str, amount: &Value) {
    block.csv("summary", name, amount);
    let cell = block.cell("Summary", printed, 1);
    if amount.is_null() {
        assert!(cell.starts_with("n/a"), "{cell}");
    } else {
        block.is_printed(micro(amount), &cell);
    }
}

/// Kinds or causes of a lane.
fn lane(block: &mut Block<'_>, amounts: &Value, lane: &str, by: &str) {
    block.object(&format!("{lane}_by_{by}"), amounts);
    let section = format!("{} by {by}", title(lane));
    block.named(&section, 1, &titled(amounts));
    let whole = block.json["rollforward"][lane].clone();
    block.total(&section, 1, &whole);
}

const RATES: [(&str, &str); 15] = [
    ("expansion_rate", "Expansion rate (core)"),
    ("total_expansion_rate", "Expansion rate (total)"),
    ("nrr", "Net revenue retention"),
    ("grr", "Gross revenue retention"),
    ("expansion_share_of_new_arr", "Expansion share of new ARR"),
    ("upsell_rate", "Upsell rate"),
    ("cross_sell_rate", "Cross-sell rate"),
    ("seat_rate", "Seat rate"),
    ("usage_rate", "Usage rate"),
    ("quick_ratio", "Quick ratio"),
    ("logo_churn", "Logo churn"),
    ("ttm_expansion_rate", "Expansion rate, trailing 12 months"),
    ("expansion_share_of_new_arr_3m", "Expansion share of new ARR, 3 months"),
    ("expansion_share_of_new_arr_12m", "Expansion share of new ARR, 12 months"),
    ("attach_rate", "Attach rate"),
];

/// What a rate is called in print.
pub(super) fn rate_name(name: &str) -> &'static str {
    RATES.iter().find(|(of, _)| *of == name).unwrap_or_else(|| panic!("{name} has no printed name")).1
}

fn rates(block: &mut Block<'_>, rates: &Value) {
    block.object("rates", rates);
    for (name, rate) in entries(rates).filter(|(name, _)| !name.ends_with("_reason")) {
        let cell = block.cell("Rates", rate_name(name), 1);
        if name == "quick_ratio" && !rate.is_null() {
            let off = parts_of_a_million(text(rate)) - exact(&plain(&cell)) * 100;
            assert!(off.abs() <= 10_000, "{rate} is not {cell}");
        } else {
            is_share(rate, &cell);
        }
    }
}

fn sources(block: &mut Block<'_>, sources: &Value) {
    block.object("sources", sources);
    let cell = block.cell("Rates", "Sources: upsell : seat and usage : cross-sell", 1);
    let names = ["upsell", "seat_and_usage", "cross_sell"];
    let cells: Vec<&str> = cell.split(" : ").collect();
    assert_eq!(cells.len(), names.len(), "{cell}");
    names.iter().zip(cells).for_each(|(name, cell)| is_share(&sources[*name], cell));
}

fn customers(block: &mut Block<'_>, counts: &Value) {
    block.object("customers", counts);
    for (name, count) in entries(counts) {
        let printed = if name == "transferred" { "Between subscriptions".to_owned() } else { title(name) };
        assert_eq!(block.cell("Customers", &printed, 1), count.to_string(), "{name}");
    }
}

/// What moved before netting stands beside the lanes.
fn activity(block: &mut Block<'_>, activity: &Value) {
    block.object("activity", &activity["by_class"]);
    block.object("activity_by_kind", &activity["by_kind"]);
    for (class, kinds) in entries(&activity["by_class_and_kind"]) {
        block.object(&format!("activity_by_kind:{class}"), kinds);
    }
    for class in ["expansion", "contraction"] {
        assert_eq!(activity[class], activity["by_class"][class]);
    }
    let (_, rows) = block.table("Roll-forward").unwrap();
    for (class, amount) in entries(&activity["by_class"]) {
        if let Some(row) = rows.iter().find(|row| row[0] == title(class)) {
            block.is_printed(micro(amount), &row[2]);
        }
    }
}

pub(super) fn entries(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().unwrap().iter()
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// An object's amounts by their printed names.
pub(super) fn titled(amounts: &Value) -> Vec<(String, i128)> {
    entries(amounts).map(|(name, amount)| (title(name), micro(amount))).collect()
}

/// A word of the contract as it is printed.
pub(super) fn title(word: &str) -> String {
    let words = match word {
        "starting_mrr" => "starting MRR".to_owned(),
        "ending_mrr" => "ending MRR".to_owned(),
        "cross_sell" => "cross-sell".to_owned(),
        "add_on" => "add-on".to_owned(),
        "fx" => "exchange rates".to_owned(),
        other => other.replace('_', " "),
    };
    words[..1].to_uppercase() + &words[1..]
}

/// An exact amount in millionths of the minor unit.
pub(super) fn micro(value: &Value) -> i128 {
    if value.is_null() { 0 } else { parts_of_a_million(text(value)) }
}

fn parts_of_a_million(text: &str) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    sign * format!("{whole}{part:0<6}").parse::<i128>().unwrap()
}

/// A printed share is the exact one rounded to hundredths of a per cent, or says that there is none.
pub(super) fn is_share(exactly: &Value, printed: &str) {
    if exactly.is_null() {
        assert!(printed.starts_with("n/a"), "{printed}");
        return;
    }
    let off = parts_of_a_million(text(exactly)) - exact(&plain(printed)) * 100;
    assert!(off.abs() <= 51, "{exactly} is not {printed}");
}
