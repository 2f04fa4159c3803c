//! The lists of a report's JSON, tied row by row.

use serde_json::Value;

use super::read::{exact, plain};
use super::tied::{Block, Expect, entries, is_share, micro, rate_name, text, title, titled};

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// The lanes that a segment has a column of.
const SHOWN: [&str; 4] = ["new", "expansion", "contraction", "churn"];

pub(super) fn segments(block: &mut Block<'_>, tables: &Value) {
    let lanes: Vec<String> = entries(&block.json["rollforward"]).map(|(name, _)| name.clone()).collect();
    for table in list(tables) {
        let dimension = text(&table["dimension"]);
        let mut rows = Vec::new();
        for row in list(&table["rows"]) {
            let prefix = format!("segment:{dimension}:{}:", text(&row["segment"]));
            segment_in_csv(block, &prefix, row, &lanes);
            let levels = ["starting_mrr", "ending_mrr"];
            let other = lanes.iter().filter(|lane| !SHOWN.contains(&&***lane) && !levels.contains(&&***lane));
            let mut cells = vec![Expect::plainly(&row["segment"]), Expect::amount(&row["starting_mrr"])];
            cells.extend(SHOWN.map(|lane| Expect::amount(&row[lane])));
            cells.push(Expect::Amount(other.map(|lane| row.get(lane).map_or(0, micro)).sum()));
            let last = ["transfer_in", "transfer_out", "ending_mrr"];
            cells.extend(last.map(|name| Expect::amount(&row[name])));
            cells.extend([Expect::Share(&row["expansion_rate"]), Expect::Share(&row["nrr"])]);
            rows.push(cells);
        }
        let title = format!("By {}", dimension.replace('_', " "));
        block.rows(&title, usize::MAX, &rows);
        foots_across(block, &title);
    }
}

fn segment_in_csv(block: &mut Block<'_>, prefix: &str, row: &Value, lanes: &[String]) {
    let moved = ["transfer_in", "transfer_out"].map(str::to_owned);
    for name in lanes.iter().chain(&moved).filter(|name| row.get(*name).is_some()) {
        block.csv(&format!("{prefix}rollforward"), name, &row[name]);
    }
    for section in ["expansion_by_kind", "contraction_by_kind", "customers"] {
        block.object(&format!("{prefix}{section}"), &row[section]);
    }
    for name in ["core_expansion", "total_expansion", "net_expansion"] {
        block.csv(&format!("{prefix}summary"), name, &row[name]);
    }
    // Of segments it stands in the long form alone.
    block.taken(&format!("{prefix}summary"), "retained_base_growth");
    for name in ["expansion_rate", "nrr", "grr"] {
        block.csv(&format!("{prefix}rates"), name, &row[name]);
    }
}

/// Each row of segments, and of all of them together, foots as printed.
fn foots_across(block: &mut Block<'_>, title: &str) {
    let Some((_, rows)) = block.table(title) else { return };
    for row in rows {
        let amounts: Vec<i128> = row[1..10].iter().map(|cell| exact(&plain(cell))).collect();
        let (end, parts) = amounts.split_last().unwrap();
        assert_eq!(parts.iter().sum::<i128>(), *end, "{title}: {row:?}");
    }
}

pub(super) fn segment_trends(block: &mut Block<'_>, trends: &Value) {
    let months: Vec<String> = list(&block.json["expansion_by_month"])
        .iter()
        .map(|month| text(&month["month"]).to_owned())
        .collect();
    for trend in list(trends) {
        let dimension = text(&trend["dimension"]);
        let mut rows = Vec::new();
        for row in list(&trend["rows"]) {
            let section = format!("segment_months:{dimension}:{}", text(&row["segment"]));
            let amounts = list(&row["core_expansion"]);
            months.iter().zip(amounts).for_each(|(month, amount)| block.csv(&section, month, amount));
            let name = std::iter::once(Expect::plainly(&row["segment"]));
            rows.push(name.chain(amounts.iter().map(Expect::amount)).collect());
        }
        let title = format!("Core expansion by {}, month by month", dimension.replace('_', " "));
        block.rows(&title, 1, &rows);
    }
}

pub(super) fn cohorts(block: &mut Block<'_>, cohorts: &Value) {
    let mut rows = Vec::new();
    for cohort in list(cohorts) {
        let section = format!("cohort:{}", text(&cohort["cohort"]));
        for name in ["customers", "ending_customers", "starting_mrr", "ending_mrr", "nrr", "grr"] {
            block.csv(&section, name, &cohort[name]);
        }
        rows.push(vec![
            Expect::plainly(&cohort["cohort"]),
            Expect::plainly(&cohort["customers"]),
            Expect::amount(&cohort["starting_mrr"]),
            Expect::amount(&cohort["ending_mrr"]),
            Expect::Share(&cohort["nrr"]),
            Expect::Share(&cohort["grr"]),
        ]);
    }
    block.rows("Cohorts", 2, &rows);
}

pub(super) fn retention(block: &mut Block<'_>, curves: &Value) {
    for cohort in list(curves) {
        let section = format!("retention:{}", text(&cohort["cohort"]));
        for name in ["customers", "brought_forward", "mrr"] {
            block.csv(&section, name, &cohort[name]);
        }
        for month in list(&cohort["months"]) {
            for figure in ["mrr", "nrr", "grr"] {
                block.csv(&section, &format!("{figure} {}", text(&month["month"])), &month[figure]);
            }
        }
    }
    let shown = || list(curves).iter().filter(|cohort| !list(&cohort["months"]).is_empty());
    let longest = shown().map(|cohort| list(&cohort["months"]).len()).max().unwrap_or_default();
    for (rate, kind) in [("nrr", "net"), ("grr", "gross")] {
        let row = |cohort: &'_ Value| {
            let mut cells = vec![
                Expect::plainly(&cohort["cohort"]),
                Expect::plainly(&cohort["customers"]),
                Expect::amount(&cohort["mrr"]),
            ];
            let months = list(&cohort["months"]).len();
            cells.extend((months..longest).map(|_| Expect::Text(String::new())));
            cells
        };
        let rows: Vec<Vec<Expect<'_>>> = shown()
            .map(|cohort| {
                let mut cells = row(cohort);
                let rest = cells.split_off(3);
                cells.extend(list(&cohort["months"]).iter().map(|month| Expect::Share(&month[rate])));
                cells.extend(rest);
                cells
            })
            .collect();
        block.rows(&format!("Cohorts over time: {kind} retention"), 1, &rows);
    }
}

pub(super) fn expanders(block: &mut Block<'_>, expanders: &Value) {
    let mut rows = Vec::new();
    for expander in list(expanders) {
        let customer = text(&expander["customer"]);
        block.csv("top_expanders", customer, &expander["expansion"]);
        block.object(&format!("top_expanders:{customer}"), &expander["by_kind"]);
        rows.push(vec![
            Expect::plainly(&expander["customer"]),
            Expect::amount(&expander["expansion"]),
            Expect::Any,
        ]);
    }
    block.rows("Top expanders", 1, &rows);
    let (_, printed) = block.table("Top expanders").unwrap_or_default();
    for (expander, row) in list(expanders).iter().zip(&printed) {
        let parts: Vec<(&str, &str)> =
            row[2].split(", ").map(|part| part.rsplit_once(' ').unwrap()).collect();
        let kinds = titled(&expander["by_kind"]);
        assert_eq!(parts.len(), kinds.len(), "{row:?}");
        for ((name, amount), (printed_name, printed)) in kinds.iter().zip(&parts) {
            assert_eq!(name, printed_name);
            block.is_printed(*amount, printed);
        }
        let sum: i128 = parts.iter().map(|(_, amount)| exact(&plain(amount))).sum();
        assert_eq!(sum, exact(&plain(&row[1])), "{row:?}");
    }
    if !printed.is_empty() {
        let whole = block.json["total_expansion"].clone();
        block.total("Top expanders", 1, &whole);
    }
}

pub(super) fn concentration(block: &mut Block<'_>, concentration: &Value) {
    for name in ["expanders", "top_ten_share", "median"] {
        block.csv("concentration", name, &concentration[name]);
    }
    let cell = block.cell("Rates", "Ten largest expanders' share of expansion", 1);
    is_share(&concentration["top_ten_share"], &cell);
    let curve = list(&concentration["curve"]);
    let mut rows = Vec::new();
    for (place, point) in curve.iter().enumerate() {
        let customers = point["customers"].to_string();
        block.csv("concentration_curve", &customers, &point["expansion"]);
        block.csv("concentration_shares", &customers, &point["share"]);
        let name = if place + 1 == curve.len() { format!("All {customers}") } else { customers };
        rows.push(vec![
            Expect::Text(name),
            Expect::amount(&point["expansion"]),
            Expect::Share(&point["share"]),
        ]);
    }
    block.rows("Concentration of expansion", 1, &rows);
}

pub(super) fn adjustments(block: &mut Block<'_>, adjustments: &Value) {
    let mut rows = Vec::new();
    for entry in list(adjustments) {
        let section =
            format!("prior_period_adjustments:{}:{}", text(&entry["month"]), text(&entry["customer"]));
        block.csv(&section, text(&entry["id"]), &entry["delta"]);
        let class = title(text(&entry["class"]));
        let class = if entry["adjusts"].is_null() { class } else { format!("{class}, taken back") };
        rows.push(vec![
            Expect::plainly(&entry["customer"]),
            Expect::plainly(&entry["month"]),
            Expect::plainly(&entry["posted_in"]),
            Expect::Text(class),
            Expect::word(&entry["kind"]),
            Expect::amount(&entry["delta"]),
            Expect::plainly(&entry["event"]),
            Expect::plainly(&entry["id"]),
        ]);
    }
    let is_restated = block.report["as"] == "restated";
    let title = if is_restated { "Adjusted since it was closed" } else { "Prior-period adjustments" };
    block.rows(title, 1, &rows);
    // As reported the list is the figure.
    let sum: i128 = list(adjustments).iter().map(|entry| micro(&entry["delta"])).sum();
    assert!(is_restated || sum == micro(&block.json["rollforward"]["prior_period"]), "{}", block.shown);
}

pub(super) fn bridge(block: &mut Block<'_>, bridge: &Value) {
    let lanes = bridge.get("lanes").map(list).unwrap_or_default();
    for (column, name) in [(1, "reported"), (2, "adjustment"), (3, "restated")] {
        for row in lanes {
            block.csv(&format!("bridge:{name}"), text(&row["lane"]), &row[name]);
        }
        let amounts: Vec<(String, i128)> =
            lanes.iter().map(|row| (title(text(&row["lane"])), micro(&row[name]))).collect();
        block.named("From reported to restated", column, &amounts);
    }
}

pub(super) fn scheduled(block: &mut Block<'_>, scheduled: &Value) {
    let mut rows = Vec::new();
    for entry in list(scheduled) {
        let section = format!("scheduled:{}:{}", text(&entry["effective_at"]), text(&entry["customer"]));
        block.csv(&section, text(&entry["kind"]), &entry["delta"]);
        let at = text(&entry["effective_at"]);
        rows.push(vec![
            Expect::Text(format!("{} {}", &at[..10], &at[11..16])),
            Expect::plainly(&entry["customer"]),
            Expect::word(&entry["class"]),
            Expect::word(&entry["kind"]),
            Expect::word(&entry["cause"]),
            Expect::amount(&entry["delta"]),
        ]);
    }
    block.rows("Scheduled in the next 90 days", 1, &rows);
}

pub(super) fn incomplete(block: &mut Block<'_>, incomplete: &Value) {
    let row = |entry: &Value| {
        vec![
            Expect::plainly(&entry["customer"]),
            Expect::plainly(&entry["subscription"]),
            Expect::plainly(&entry["item"]),
            Expect::plainly(&entry["missing"]),
            Expect::Any,
            Expect::plainly(&entry["remedy"]),
        ]
    };
    let rows: Vec<Vec<Expect<'_>>> = list(incomplete).iter().map(row).collect();
    block.rows("Incomplete", 1, &rows);
}

pub(super) fn late_payers(block: &mut Block<'_>, payers: &Value) {
    let mut rows = Vec::new();
    for payer in list(payers) {
        block.csv("late_payers", text(&payer["customer"]), &payer["mrr"]);
        rows.push(vec![Expect::plainly(&payer["customer"]), Expect::amount(&payer["mrr"])]);
    }
    block.rows("At risk: past due", 1, &rows);
    let whole = block.json["at_risk"].clone();
    block.total("At risk: past due", 1, &whole);
}

pub(super) fn pauses(block: &mut Block<'_>, pauses: &Value) {
    let mut rows = Vec::new();
    for entry in list(pauses) {
        let section = format!("pauses:{}", text(&entry["customer"]));
        block.csv(&section, text(&entry["subscription"]), &entry["mrr"]);
        rows.push(vec![
            Expect::plainly(&entry["customer"]),
            Expect::plainly(&entry["subscription"]),
            Expect::Any,
            Expect::amount(&entry["mrr"]),
        ]);
    }
    block.rows("Paused at the month's end", 1, &rows);
}

pub(super) fn owners(block: &mut Block<'_>, owners: &Value) {
    let mut rows = Vec::new();
    for book in list(owners) {
        let owner = text(&book["owner"]);
        for name in ["core_expansion", "growth", "owner_book_growth"] {
            block.csv(&format!("owner:{owner}"), name, &book[name]);
        }
        rows.push(vec![
            Expect::Text(owner.to_owned()),
            Expect::amount(&book["core_expansion"]),
            Expect::amount(&book["growth"]),
            Expect::Share(&book["owner_book_growth"]),
            Expect::Text(aimed_at(&block.report["targets"], book)),
        ]);
    }
    block.rows("Owners' books", 1, &rows);
    let sum = |name: &str| list(owners).iter().map(|book| micro(&book[name])).sum::<i128>();
    if !list(owners).is_empty() {
        assert_eq!(sum("core_expansion"), micro(&block.json["core_expansion"]), "{}", block.shown);
    }
}

/// What an owner's row says of the target, worked out from the report's own.
fn aimed_at(targets: &Value, book: &Value) -> String {
    let owner = text(&book["owner"]);
    if owner == "(none)" {
        return String::new();
    }
    let target = targets["owners"].get(owner).unwrap_or(&targets["owner_book_growth"]);
    let share = &book["owner_book_growth"];
    let met = match (share.is_null(), micro(share) >= micro(target)) {
        (true, _) => "(n/a)",
        (_, true) => "met",
        (_, false) => "not met",
    };
    let percent = micro(target) / 100;
    let (whole, part) = (percent / 100, percent % 100);
    let percent = if part == 0 { whole.to_string() } else { format!("{whole}.{part:02}") };
    format!("{percent} % {met}")
}

pub(super) fn targets(block: &mut Block<'_>, standings: &Value) {
    let mut rows = Vec::new();
    for standing in list(standings) {
        let figure = text(&standing["figure"]);
        block.csv("targets", figure, &standing["target"]);
        block.csv("targets_met", figure, &standing["met"]);
        rows.push(vec![
            Expect::Text(rate_name(figure).to_owned()),
            Expect::Share(&standing["value"]),
            Expect::Any,
            Expect::Any,
        ]);
    }
    block.rows("Against targets", 1, &rows);
    let (_, printed) = block.table("Against targets").unwrap();
    for (standing, row) in list(standings).iter().zip(&printed) {
        let side = if standing["aim"] == "at_least" { "at least" } else { "at most" };
        let met = match standing["met"].as_bool() {
            None => "no figure",
            Some(true) => "met, ",
            Some(false) => "missed, ",
        };
        assert!(row[2].starts_with(side) && row[3].starts_with(met), "{row:?}");
    }
}

pub(super) fn trend(block: &mut Block<'_>, months: &Value) {
    let mut rows = Vec::new();
    for month in list(months) {
        let section = format!("trend:{}", text(&month["month"]));
        for name in ["new", "core_expansion", "expansion_share_of_new_arr"] {
            block.csv(&section, name, &month[name]);
        }
        rows.push(vec![
            Expect::plainly(&month["month"]),
            Expect::amount(&month["new"]),
            Expect::amount(&month["core_expansion"]),
            Expect::Share(&month["expansion_share_of_new_arr"]),
        ]);
    }
    block.rows("New and expansion by month", 2, &rows);
}

pub(super) fn expansion_by_month(block: &mut Block<'_>, months: &Value) {
    const NAME: &str = "Expansion by month and kind";
    let head = block.table(NAME).map(|(head, _)| head).unwrap_or_default();
    let mut rows = Vec::new();
    for month in list(months) {
        let section = format!("expansion_by_month:{}", text(&month["month"]));
        block.object(&section, &month["by_kind"]);
        for name in ["total_expansion", "core_expansion", "new"] {
            block.csv(&section, name, &month[name]);
        }
        let aimed = &month["core_expansion_for_target"];
        if !aimed.is_null() {
            block.csv(&section, "core_expansion_for_target", aimed);
        }
        let kinds = titled(&month["by_kind"]);
        let cell = |name: &String| match name.as_str() {
            "month" => Expect::plainly(&month["month"]),
            "total" => Expect::amount(&month["total_expansion"]),
            "core" => Expect::amount(&month["core_expansion"]),
            "core for the target" if aimed.is_null() => Expect::Text("n/a".to_owned()),
            "core for the target" => Expect::amount(aimed),
            kind => Expect::Amount(kinds.iter().find(|(name, _)| name == kind).unwrap().1),
        };
        rows.push(head.iter().map(cell).collect());
    }
    block.rows(NAME, usize::MAX, &rows);
    let (_, printed) = block.table(NAME).unwrap_or_default();
    for row in &printed {
        let total = row.len() - 3;
        let parts: i128 = row[1..total].iter().map(|cell| exact(&plain(cell))).sum();
        assert_eq!(parts, exact(&plain(&row[total])), "{row:?}");
    }
}

pub(super) fn fx(block: &mut Block<'_>, effects: &Value) {
    let mut rows = Vec::new();
    for fx in list(effects) {
        let code = text(&fx["currency"]);
        block.csv("fx_effects", code, &fx["effect"]);
        for name in ["starting_mrr", "rate_before", "rate"] {
            block.csv(&format!("fx_effects:{code}"), name, &fx[name]);
        }
        rows.push(vec![
            Expect::Text(code.to_uppercase()),
            Expect::Any,
            Expect::plainly(&fx["rate_before"]),
            Expect::plainly(&fx["rate"]),
            Expect::amount(&fx["effect"]),
        ]);
    }
    block.rows("Effect of exchange rates", 1, &rows);
}

/// The kinds that are no core, up and down.
pub(super) fn price_and_discount(block: &mut Block<'_>) {
    let kinds = ["price", "discount", "term"];
    let amounts = |lane: &str| -> Vec<(String, i128)> {
        kinds.iter().map(|kind| (title(kind), micro(&block.json[lane][*kind]))).collect()
    };
    let (up, down) = (amounts("expansion_by_kind"), amounts("contraction_by_kind"));
    let net: Vec<(String, i128)> =
        up.iter().zip(&down).map(|((name, up), (_, down))| (name.clone(), up + down)).collect();
    for (column, amounts) in [(1, up), (2, down), (3, net)] {
        block.named("Price, discount and term", column, &amounts);
    }
}
