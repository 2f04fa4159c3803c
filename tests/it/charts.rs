//! The charts of a page and of a workbook: drawn of figures that stand in a table beside them, told in words, and
//! readable without colour.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

use calamine::{Reader, Xlsx};

use crate::faces::read::{Table, between, exact, html_tables, is_sheet_cell, plain, unescaped};
use crate::faces::whole;
use crate::process::{Place, stories, stories_config};

const OCTOBER: [&str; 4] = ["report", "--month", "2026-10", "-o"];

fn told() -> Place {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    place.write("events.ndjson", stories().join("\n"));
    place.output(&["backfill", "events.ndjson"]);
    place
}

fn page(place: &Place, more: &[&str]) -> String {
    place.output(&[&OCTOBER[..], &["page.html"], more].concat());
    std::fs::read_to_string(place.path("page.html")).unwrap()
}

/// What stands between two texts.
fn within<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    between(text, from, to).unwrap_or_else(|| panic!("no {from}")).0
}

/// The charts of a page.
fn charts(page: &str) -> Vec<&str> {
    page.split("<figure").skip(1).map(|rest| rest.split_once("</figure>").unwrap().0).collect()
}

fn title(chart: &str) -> &str {
    within(chart, "<b>", "</b>")
}

/// The charts, each with the sections that have its figures.
const TWINS: [(&str, &[&str]); 9] = [
    ("What moved MRR", &["Roll-forward", "Expansion by kind"]),
    ("Expansion by month and kind", &["Expansion by month and kind"]),
    ("What each month added", &["New and expansion by month"]),
    ("Who moved core expansion", &["Who moved core expansion"]),
    ("Concentration of expansion", &["Concentration of expansion"]),
    (
        "What is left of each cohort",
        &["Cohorts over time: net retention", "Cohorts over time: gross retention"],
    ),
    ("Scheduled in the next 90 days", &["Scheduled in the next 90 days"]),
    ("Core expansion by product, month by month", &["Core expansion by product, month by month"]),
    ("Core expansion by owner, month by month", &["Core expansion by owner, month by month"]),
];

#[test]
fn every_kind_of_chart_is_drawn() {
    let place = whole();
    let page = page(&place, &[]);
    let titles: BTreeSet<&str> = charts(&page).into_iter().map(title).collect();
    for (title, _) in TWINS {
        assert!(titles.contains(title), "no {title} in {titles:?}");
    }
}

/// A bar: its height, or its length where it lies; what it says; its paint.
struct Bar {
    size: (i128, i128),
    said: String,
    paint: String,
}

fn bars(chart: &str) -> Vec<Bar> {
    let attribute =
        |bar: &str, name: &str| within(bar, &format!(" {name}=\""), "\"").parse::<i128>().unwrap();
    let (_, drawn) = chart.split_once("role=\"img\"").unwrap();
    let bar = |bar: &str| Bar {
        size: (attribute(bar, "width"), attribute(bar, "height")),
        said: unescaped(within(bar, "<title>", "</title>")),
        paint: within(bar, "=\"", "\"").to_owned(),
    };
    drawn.split("<rect class").skip(1).map(bar).collect()
}

/// The amount at the end of what a bar says.
fn amount(said: &str) -> i128 {
    exact(&plain(said.rsplit_once(' ').unwrap().1))
}

/// The tables of a chart's figures in its own block.
fn twins<'t>(tables: &'t [Table], page: &str, chart: &str) -> Vec<&'t Table> {
    let before = &page[..page.find(chart).unwrap()];
    let block = before.rsplit_once("<h2>").unwrap().1.split_once("</h2>").unwrap().0;
    let twins = TWINS.iter().find(|(of, _)| *of == title(chart)).map(|(_, twins)| *twins);
    // Segments that are configured are named by their key.
    let own = [title(chart)];
    let twins = twins.unwrap_or(&own);
    let found: Vec<&Table> =
        tables.iter().filter(|table| table.0 == block && twins.contains(&table.1.as_str())).collect();
    assert!(!found.is_empty(), "{block}: {} has its figures in no table", title(chart));
    found
}

#[test]
fn every_bar_is_as_long_as_its_amount_and_the_amount_stands_in_a_table() {
    for place in [whole(), told()] {
        let page = page(&place, &[]);
        let tables = html_tables(&page);
        for chart in charts(&page) {
            let name = title(chart);
            let cells: BTreeSet<i128> = twins(&tables, &page, chart)
                .iter()
                .flat_map(|(_, _, rows)| rows[1..].iter().flatten())
                .filter(|cell| cell.ends_with(|last: char| last.is_ascii_digit()))
                .map(|cell| plain(cell))
                .filter(|cell| cell.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit() || b == b'.'))
                .map(|cell| exact(&cell))
                .collect();
            // Cells of the map and levels above an axis that is cut are as large whatever they say.
            let is_measured = |bar: &&Bar| name != "What is left of each cohort" && bar.paint != "level";
            let bars = bars(chart);
            let lies = name == "Who moved core expansion";
            let mut scales: BTreeMap<String, Vec<(i128, i128)>> = BTreeMap::new();
            for bar in bars.iter().filter(is_measured) {
                // Segments have a scale each, and a day's gains may be of several movements.
                let of = bar.said.rsplit_once(", ").map_or("", |(of, _)| of).to_owned();
                let scale = if name.contains("month by month") { of } else { String::new() };
                let (width, height) = bar.size;
                let amount = amount(&bar.said);
                if name != "Scheduled in the next 90 days" {
                    assert!(cells.contains(&amount), "{name}: {} is in no table", bar.said);
                }
                scales.entry(scale).or_default().push((amount.abs(), if lies { width } else { height }));
            }
            for (of, bars) in scales {
                let (most, longest) = *bars.iter().max().unwrap();
                for (amount, length) in bars {
                    // Either end is rounded to whole points, and what moved at all is seen.
                    let off = (length * most - amount * longest).abs();
                    assert!(off <= 2 * most, "{name} {of}: {amount} is {length} where {most} is {longest}");
                }
            }
        }
    }
}

#[test]
fn a_waterfall_hangs_what_kinds_took_beside_what_they_brought() {
    let place = Place::new();
    place.write("events.ndjson", worked().join("\n"));
    place.output(&["backfill", "events.ndjson"]);
    let page = page(&place, &[]);
    let chart = charts(&page).into_iter().find(|chart| title(chart) == "What moved MRR").unwrap();
    let bars = bars(chart);
    let of = |said: &str| bars.iter().find(|bar| bar.said == said).unwrap_or_else(|| panic!("no {said}"));
    let (up, down) = (of("Upsell 117.00"), of("Seat -39.00"));
    assert!(up.paint != down.paint && up.paint != "loss" && down.paint != "loss");
    assert!((up.size.1 - 3 * down.size.1).abs() <= 4, "{} and {}", up.size.1, down.size.1);
    assert!(chart.contains("<line class=\"target\"") && chart.contains("hang beside the stack"), "{chart}");
    let said = within(chart, "<desc", "</desc>");
    assert!(said.contains("Expansion 78.00 (Upsell 117.00, Seat -39.00)"), "{said}");
}

/// Two customers as in the worked October of the rules: a higher tier, and one of them with a seat less.
fn worked() -> Vec<String> {
    let price = |id: &str, product: &str, unit: i64| {
        serde_json::json!({"id": id, "object": "price", "product": product, "currency": "usd", "type": "recurring",
            "billing_scheme": "per_unit", "unit_amount": unit,
            "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"}})
    };
    let event = |id: &str, kind: &str, at: i64, customer: &str, items: serde_json::Value| {
        serde_json::json!({"id": id, "object": "event", "type": kind, "created": at, "livemode": true,
            "api_version": "2025-03-31.basil", "data": {"object": {
                "id": format!("sub_{customer}"), "object": "subscription", "customer": format!("cus_{customer}"),
                "status": "active", "currency": "usd", "discounts": [],
                "items": {"object": "list", "has_more": false, "data": items}}}})
        .to_string()
    };
    let item = |price: serde_json::Value, quantity: u64| serde_json::json!([{"id": "si_1", "quantity": quantity, "price": price}]);
    let (begun, october) = (1_788_300_000, 1_791_400_000);
    vec![
        event("evt_1", "customer.subscription.created", begun, "g", item(price("low", "basic", 3_000), 10)),
        event("evt_2", "customer.subscription.updated", october, "g", item(price("high", "pro", 3_900), 10)),
        event(
            "evt_3",
            "customer.subscription.updated",
            october + 60,
            "g",
            item(price("high", "pro", 3_900), 9),
        ),
        event("evt_4", "customer.subscription.created", begun, "d", item(price("low", "basic", 3_000), 3)),
        event("evt_5", "customer.subscription.updated", october, "d", item(price("high", "pro", 3_900), 3)),
    ]
}

#[test]
fn every_chart_is_told_in_words_and_its_paints_can_be_told_apart() {
    for place in [whole(), told()] {
        let page = page(&place, &[]);
        let mut ids = BTreeSet::new();
        for chart in charts(&page) {
            let name = title(chart);
            let labelled = within(chart, "aria-labelledby=\"", "\"");
            let [title, desc] = labelled.split(' ').collect::<Vec<_>>()[..] else { panic!("{labelled}") };
            assert_eq!(within(chart, &format!("<title id=\"{title}\">"), "</title>"), name);
            assert!(within(chart, &format!("<desc id=\"{desc}\">"), "</desc>").len() > 20, "{name}");
            assert!(ids.insert(title) && ids.insert(desc), "{name} has the name of another");
            // Whoever can't tell colours apart tells paints apart: each of a legend is another, and is drawn.
            let (legend, drawn) = chart.split_once("</figcaption>").unwrap();
            let paints = |text: &str, mark: &str| -> Vec<String> {
                let mark = format!("<{mark} class=\"");
                let parts = text.split(&mark).skip(1);
                parts.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
            };
            let fills = paints(legend, "rect");
            assert_eq!(fills.iter().collect::<BTreeSet<_>>().len(), fills.len(), "{name}: {fills:?}");
            let lines = [paints(drawn, "line"), paints(drawn, "polyline")].concat();
            // The target's line is of the legend's ink, and the dashes are those of the line they stand for.
            let line = |key: &str| match key {
                "line" => "target".to_owned(),
                "dashes" => "alike".to_owned(),
                other => other.to_owned(),
            };
            for key in paints(legend, "path") {
                assert!(
                    lines.contains(&line(&key)),
                    "{name}: {key} is in the legend and not drawn: {lines:?}"
                );
            }
            assert!(drawn.contains("<rect") || drawn.contains("<polyline"), "{name} draws nothing");
        }
        assert!(!page.contains(" style=") && !page.contains("<script") && !page.contains("http://"));
    }
}

#[test]
fn a_view_draws_only_what_it_has_the_tables_of() {
    let page = page(&told(), &["--view", "executive"]);
    let titles: Vec<&str> = charts(&page).into_iter().map(title).collect();
    assert!(
        titles.contains(&"What moved MRR") && !titles.contains(&"What is left of each cohort"),
        "{titles:?}"
    );
    assert!(!page.contains("<h3>Cohorts over time: net retention</h3>"));
}

/// The charts of a workbook: the section that each is of, and the columns of its values, from the left.
const IN_WORKBOOKS: [(&str, &str, &[usize]); 8] = [
    ("What moved MRR", "Roll-forward", &[1]),
    ("Expansion by kind", "Expansion by kind", &[1]),
    ("Expansion by month and kind", "Expansion by month and kind", &[]),
    ("What each month added", "New and expansion by month", &[2, 1]),
    ("Who moved core expansion", "Who moved core expansion", &[1]),
    ("Concentration of expansion", "Concentration of expansion", &[2]),
    ("Ending MRR by product", "By product", &[9]),
    ("Scheduled in the next 90 days", "Scheduled in the next 90 days", &[5]),
];

/// The worksheet, column and first and last row, from nought, of a range like `'USD'!$B$5:$B$9`.
fn range(formula: &str) -> (String, u32, u32, u32) {
    let (sheet, range) = formula.rsplit_once('!').unwrap();
    let (from, to) = range.split_once(':').unwrap();
    let place = |cell: &str| {
        let (column, row) = cell.trim_start_matches('$').split_once('$').unwrap();
        let letters = column.bytes().fold(0, |sum, letter| sum * 26 + u32::from(letter - b'A' + 1));
        (letters - 1, row.parse::<u32>().unwrap() - 1)
    };
    let ((column, first), (last_column, last)) = (place(from), place(to));
    assert_eq!(column, last_column, "{formula}");
    (sheet.trim_matches('\'').to_owned(), column, first, last)
}

#[test]
fn charts_of_a_workbook_are_drawn_from_the_cells_of_their_tables() {
    let place = whole();
    place.output(&[&OCTOBER[..], &["report.xlsx"]].concat());
    let bytes = std::fs::read(place.path("report.xlsx")).unwrap();
    let page = html_tables(&page(&place, &[]));
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes.clone())).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    let mut drawn = BTreeSet::new();
    for name in names.iter().filter(|name| name.starts_with("xl/charts/chart")) {
        let mut xml = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut xml).unwrap();
        let title = unescaped(within(&xml, "<a:t>", "</a:t>"));
        let (_, section, columns) =
            IN_WORKBOOKS.iter().find(|(of, _, _)| *of == title).unwrap_or_else(|| panic!("{title}?"));
        let formulas = |kind: &str| -> Vec<String> {
            let mark = format!("<c:{kind}>");
            xml.split(&mark).skip(1).map(|rest| within(rest, "<c:f>", "</c:f>").to_owned()).collect()
        };
        let (sheet, _, _, _) = range(&formulas("val")[0]);
        let rows = page.iter().find(|table| table.0.starts_with(&sheet) && table.1 == *section);
        let (_, _, rows) = rows.unwrap_or_else(|| panic!("{sheet} has no {section}"));
        let expected: Vec<usize> = match columns {
            // All kinds: total, core and what the target asks for follow them.
            [] => (1..rows[0].len() - 3).collect(),
            some => some.to_vec(),
        };
        let cells = book.worksheet_range(&sheet).unwrap();
        let is_shown = |formula: &str, column: usize| {
            let (of, at, first, last) = range(formula);
            assert_eq!((of, at as usize), (sheet.clone(), column), "{title}");
            let shown: Vec<_> = (first..=last).map(|row| cells.get_value((row, at)).unwrap()).collect();
            let skipped = usize::from(*section == "Roll-forward");
            let printed = rows[1 + skipped..].iter().map(|row| &row[column]);
            assert!(shown.len() >= rows.len() - 3 - skipped, "{title}: {} of {}", shown.len(), rows.len());
            for (shown, printed) in shown.iter().zip(printed) {
                assert!(is_sheet_cell(shown, printed), "{title}: {shown:?} is not {printed}");
            }
        };
        formulas("cat").iter().for_each(|formula| is_shown(formula, 0));
        let values = formulas("val");
        assert_eq!(values.len(), expected.len(), "{title}");
        values.iter().zip(expected).for_each(|(formula, column)| is_shown(formula, column));
        drawn.insert(title);
    }
    let lacking: Vec<&str> =
        IN_WORKBOOKS.iter().map(|(of, _, _)| *of).filter(|of| !drawn.contains(*of)).collect();
    assert!(lacking.is_empty(), "not drawn: {lacking:?}");
}

/// The first and last place, column and row from nought, of a range like `USD!B5:N5`.
fn corners(range: &str) -> [(u32, u32); 2] {
    let range = range.rsplit('!').next().unwrap().replace('$', "");
    let (from, to) = range.split_once(':').unwrap();
    [from, to].map(|cell| {
        let letters = cell.trim_end_matches(|c: char| c.is_ascii_digit());
        let column = letters.bytes().fold(0, |sum, letter| sum * 26 + u32::from(letter - b'A' + 1));
        (column - 1, cell[letters.len()..].parse::<u32>().unwrap() - 1)
    })
}

#[test]
fn cohorts_are_shaded_in_a_workbook_and_segments_months_drawn_beside_their_rows() {
    let place = whole();
    for asked in [&OCTOBER[..], &["report", "--from", "2026-08", "--to", "2026-10", "-o"]] {
        let page = {
            place.output(&[asked, &["page.html"]].concat());
            html_tables(&std::fs::read_to_string(place.path("page.html")).unwrap())
        };
        place.output(&[asked, &["report.xlsx"]].concat());
        let bytes = std::fs::read(place.path("report.xlsx")).unwrap();
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes.clone())).unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut marked: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, sheet) in book.sheet_names().into_iter().enumerate() {
            let mut xml = String::new();
            let name = format!("xl/worksheets/sheet{}.xml", index + 1);
            archive.by_name(&name).unwrap().read_to_string(&mut xml).unwrap();
            let shaded: Vec<[(u32, u32); 2]> = xml
                .split("<conditionalFormatting sqref=\"")
                .skip(1)
                .map(|rest| {
                    assert!(rest.contains("<cfRule type=\"colorScale\""));
                    corners(rest.split('"').next().unwrap())
                })
                .collect();
            let drawn: BTreeMap<String, [(u32, u32); 2]> = xml
                .split("<x14:sparkline>")
                .skip(1)
                .map(|rest| {
                    let at = within(rest, "<xm:sqref>", "</xm:sqref>");
                    (at.to_owned(), corners(within(rest, "<xm:f>", "</xm:f>")))
                })
                .collect();
            let cells = book.worksheet_range(&sheet).unwrap();
            let mut expected = 0;
            for (_, title, rows) in page.iter().filter(|table| table.0.chars().take(31).eq(sheet.chars())) {
                let head = crate::faces::read::head_row(&cells, title);
                let last = u32::try_from(rows[0].len()).unwrap() - 1;
                let end = head + u32::try_from(rows.len()).unwrap() - 1;
                if title.starts_with("Cohorts over time") {
                    assert!(shaded.contains(&[(3, head + 1), (last, end)]), "{sheet}, {title}: {shaded:?}");
                    *marked.entry("cohorts").or_default() += 1;
                }
                if title.ends_with(", month by month") {
                    let months = if rows[0].last().unwrap() == "total" { last - 1 } else { last };
                    for row in head + 1..=end {
                        let own = drawn.values().filter(|range| **range == [(1, row), (months, row)]);
                        assert_eq!(own.count(), 1, "{sheet}, {title}, row {row}: {drawn:?}");
                    }
                    expected += rows.len() - 1;
                    *marked.entry("segments").or_default() += 1;
                }
            }
            assert_eq!(drawn.len(), expected, "{sheet}");
        }
        let cohorts = if asked[1] == "--month" { Some(&2) } else { None };
        assert!(marked["segments"] > 1 && marked.get("cohorts") >= cohorts, "{marked:?}");
    }
}
