//! The charts of a page: drawn of figures that stand in a table on it, told in words, and readable without colour.

use std::collections::BTreeSet;

use crate::process::{Place, stories, stories_config};

fn page(more: &[&str]) -> String {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    place.write("events.ndjson", stories().join("\n"));
    place.output(&["backfill", "events.ndjson"]);
    place.output(&[&["report", "--month", "2026-10", "--format", "html"], more].concat())
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).unwrap_or_else(|| panic!("no {from}")).0
}

/// The charts of a page.
fn charts(page: &str) -> Vec<&str> {
    page.split("<figure").skip(1).map(|rest| rest.split_once("</figure>").unwrap().0).collect()
}

#[test]
fn the_stories_are_drawn_in_every_kind_of_chart() {
    let page = page(&[]);
    let titles: BTreeSet<&str> =
        charts(&page).into_iter().map(|chart| between(chart, "<b>", "</b>")).collect();
    for title in [
        "What moved MRR",
        "Expansion by month and kind",
        "What each month added",
        "Who moved core expansion",
        "Concentration of expansion",
        "What is left of each cohort",
        "Core expansion by product, month by month",
    ] {
        assert!(titles.contains(title), "no {title} in {titles:?}");
    }
}

#[test]
fn every_chart_is_told_in_words_and_has_its_figures_in_a_table() {
    let page = page(&[]);
    let mut ids = BTreeSet::new();
    for chart in charts(&page) {
        let name = between(chart, "<b>", "</b>");
        let labelled = between(chart, "aria-labelledby=\"", "\"");
        let [title, desc] = labelled.split(' ').collect::<Vec<_>>()[..] else { panic!("{labelled}") };
        assert_eq!(between(chart, &format!("<title id=\"{title}\">"), "</title>"), name);
        assert!(between(chart, &format!("<desc id=\"{desc}\">"), "</desc>").len() > 20, "{name}");
        assert!(ids.insert(title) && ids.insert(desc), "{name} has the name of another");
        // Whoever can't tell colours apart tells paints apart: each of a legend is another.
        let keys: Vec<&str> =
            chart.split("<rect class=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        let legend = chart.split("<figcaption>").nth(1).unwrap().split("</figcaption>").next().unwrap();
        let named: Vec<&str> =
            legend.split("<rect class=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len(), "{name}: {named:?}");
        assert!(!keys.is_empty() || chart.contains("<polyline"), "{name} draws nothing");
    }
    assert!(!page.contains(" style=") && !page.contains("<script") && !page.contains("http://"));
}

#[test]
fn a_view_draws_only_what_it_has_the_tables_of() {
    let page = page(&["--view", "executive"]);
    let titles: Vec<&str> = charts(&page).into_iter().map(|chart| between(chart, "<b>", "</b>")).collect();
    assert!(
        titles.contains(&"What moved MRR") && !titles.contains(&"What is left of each cohort"),
        "{titles:?}"
    );
    assert!(!page.contains("<h3>Cohorts over time: net retention</h3>"));
}
