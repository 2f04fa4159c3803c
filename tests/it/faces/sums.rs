//! What is printed as a sum is one, and the same figure is printed alike wherever it stands.

use std::collections::BTreeSet;

use super::read::{Table, between, exact, files, html_tables, unescaped};
use super::{asked, text_of, written};

#[test]
fn every_row_of_sums_is_the_sum_of_the_rows_above_it() {
    for (name, place, asked) in asked() {
        let mut sums = BTreeSet::new();
        for (file, rows) in files(written(&place, "report.zip", &asked)) {
            if file != "report.csv" {
                sums.extend(checked(&format!("{name}, {file}"), &rows).then_some(file));
            }
        }
        let always =
            ["rollforward.csv", "expansion_by_kind.csv", "motion.csv", "segments_product.csv", "cohorts.csv"];
        assert!(always.iter().all(|file| sums.contains(*file)), "{name}: {sums:?}");
        if ["restated", "adjusted"].contains(&name) {
            assert!(sums.contains("prior_period_adjustments.csv"), "{name}: {sums:?}");
            let files = files(written(&place, "report.zip", &asked));
            assert!(files["prior_period_adjustments.csv"].contains(",consolidated,sum,"), "{name}");
        }
        if name == "everything" {
            let all = [
                "fx.csv",
                "expansion_by_cause.csv",
                "contraction_by_cause.csv",
                "price_and_discount.csv",
                "at_risk.csv",
                "pauses.csv",
                "evidence.csv",
                "owners.csv",
                "segments_owner.csv",
                "segments_metadata.region.csv",
                "segments_size_band.csv",
                "segment_months_owner.csv",
                "top_expanders.csv",
                "scheduled.csv",
            ];
            let lacking: Vec<&&str> = all.iter().filter(|file| !sums.contains(**file)).collect();
            assert!(lacking.is_empty(), "no sum in {lacking:?}, only in {sums:?}");
        }
    }
}

/// Holds each row of sums of a file against the rows of its currency above it; tells whether there is one.
fn checked(name: &str, file: &str) -> bool {
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let place = |wanted: &str| head.iter().position(|column| column == wanted).unwrap();
    let (currency, what) = (place("currency"), place("row"));
    let mut above: Vec<csv::StringRecord> = Vec::new();
    let mut has_sums = false;
    for record in reader.records().map(Result::unwrap) {
        above.retain(|row| row[currency] == record[currency]);
        if &record[what] == "sum" {
            for column in what + 1..head.len() {
                // Shares have four decimals and are no sums.
                let is_amount = |cell: &str| cell.split_once('.').is_none_or(|(_, part)| part.len() < 4);
                let total = &record[column];
                if !is_number(total) || !is_amount(total) {
                    continue;
                }
                let parts: i128 = above.iter().map(|row| amount(&row[column])).sum();
                assert_eq!(parts, amount(total), "{name}: {} of {record:?}", head[column]);
            }
            has_sums = true;
        }
        above.push(record);
    }
    has_sums
}

fn is_number(cell: &str) -> bool {
    let digits = cell.trim_start_matches('-');
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn amount(cell: &str) -> i128 {
    if is_number(cell) { exact(cell) } else { 0 }
}

/// Where one figure is printed: the section, the row, and the column, both from the left and from the right.
type Spot = (&'static str, &'static str, isize);

const CORE: [Spot; 5] = [
    ("Summary", "Core expansion", 1),
    ("Who moved core expansion", "Core expansion", 1),
    ("Owners' books", "Total", 1),
    ("New and expansion by month", "2026-10", 2),
    ("Expansion by month and kind", "2026-10", -2),
];
const EXPANSION: [Spot; 8] = [
    ("Summary", "Total expansion", 1),
    ("Roll-forward", "Expansion", 1),
    ("Expansion by kind", "Total", 1),
    ("Expansion by cause", "Total", 1),
    ("By product", "Total", 3),
    ("By owner", "Total", 3),
    ("Top expanders", "Total", 1),
    ("Expansion by month and kind", "2026-10", -3),
];
const NEW: [Spot; 3] =
    [("Roll-forward", "New", 1), ("By size band", "Total", 2), ("New and expansion by month", "2026-10", 1)];
const CONTRACTION: [Spot; 4] = [
    ("Roll-forward", "Contraction", 1),
    ("Contraction by kind", "Total", 1),
    ("Contraction by cause", "Total", 1),
    ("By tenure", "Total", 4),
];
const ENDING: [Spot; 5] = [
    ("Summary", "Ending MRR", 1),
    ("Roll-forward", "Ending MRR", 1),
    ("What ending MRR rests on", "Ending MRR", 1),
    ("Cohorts", "Total", 3),
    ("By pricing model", "Total", 9),
];
const STARTING: [Spot; 3] =
    [("Roll-forward", "Starting MRR", 1), ("Cohorts", "Total", 2), ("By country", "Total", 1)];
const AT_RISK: [Spot; 2] = [("Summary", "At-risk MRR (past due)", 1), ("At risk: past due", "Total", 1)];

/// The figures of a block by what they are called in large type.
const FIGURES: [(&str, &[Spot]); 7] = [
    ("Core expansion", &CORE),
    ("Expansion", &EXPANSION),
    ("New MRR", &NEW),
    ("Contraction", &CONTRACTION),
    ("Ending MRR", &ENDING),
    ("Starting MRR", &STARTING),
    ("At-risk MRR", &AT_RISK),
];

#[test]
fn a_figure_is_printed_alike_wherever_it_stands() {
    let place = super::whole();
    let page = text_of(&place, "report.html", &super::OCTOBER);
    let tables = html_tables(&page);
    let blocks: BTreeSet<&str> =
        tables.iter().filter(|table| table.1 == "Roll-forward").map(|table| table.0.as_str()).collect();
    assert_eq!(blocks.len(), 4, "three currencies and all of them in one");
    let views = ["sales", "marketing", "finance", "executive", "owner"];
    let views =
        views.map(|view| text_of(&place, "v.html", &[&super::OCTOBER[..], &["--view", view]].concat()));
    for block in blocks {
        for (figure, spots) in FIGURES {
            let mut printed: BTreeSet<String> =
                spots.iter().filter_map(|spot| at(&tables, block, spot)).collect();
            let places = printed.len();
            printed.extend(views.iter().filter_map(|page| tile(page, block, figure)));
            assert_eq!((printed.len(), places), (1, 1), "{block}: {figure} is {printed:?}");
        }
        let to_come = at(&tables, block, &("Scheduled in the next 90 days", "Total", 5));
        let told: Vec<String> = views.iter().filter_map(|page| tile(page, block, "Scheduled")).collect();
        assert_eq!(told.len(), 2, "sales and owners look ahead");
        told.into_iter().for_each(|told| assert_eq!(to_come.clone().unwrap_or_else(|| zero(&told)), told));
    }
}

/// Nothing, as the currency of an amount prints it.
fn zero(like: &str) -> String {
    if like.contains('.') { "0.00".to_owned() } else { "0".to_owned() }
}

/// What a section prints at a spot; `None` where the block has no such section.
fn at(tables: &[Table], block: &str, (title, name, column): &Spot) -> Option<String> {
    let (_, _, rows) = tables.iter().find(|table| table.0 == block && table.1 == *title)?;
    let row =
        rows.iter().rfind(|row| row[0] == *name).unwrap_or_else(|| panic!("{block}, {title}: no {name}"));
    let column = usize::try_from(*column).unwrap_or_else(|_| row.len() - column.unsigned_abs());
    Some(row[column].clone())
}

/// A block's figure in large type.
fn tile(page: &str, block: &str, name: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("<h2>{block}</h2>"))?;
    let block = rest.split("<h2>").next()?;
    let (_, rest) = block.split_once(&format!("<span class=\"name\">{name}</span><span class=\"value\">"))?;
    Some(unescaped(rest.split_once("</span>")?.0))
}

#[test]
fn a_terminals_table_shows_rows_of_the_page_and_says_where_the_others_are() {
    for (name, place, asked) in asked() {
        let table = place.output(&[&["report", "--format", "table"], &asked[..]].concat());
        let page = html_tables(&text_of(&place, "report.html", &asked));
        let rest = table.lines().last().unwrap();
        assert!(rest.contains("--format md, html or xlsx") && rest.contains("--by"), "{name}: {rest}");
        let shown = between(&table, "── ", "Every section:").unwrap().0;
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines: BTreeSet<String> = shown.lines().map(words).collect();
        let mut sections = 0;
        for (block, title, rows) in page.iter().filter(|(_, title, _)| lines.contains(title)) {
            sections += 1;
            for row in rows {
                let row = words(&row.join(" "));
                assert!(lines.contains(&row), "{name}: {block}, {title} has no line {row:?}");
            }
        }
        assert!(sections > 10, "{name}: {sections}");
    }
}
