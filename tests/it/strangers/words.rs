//! Names and metadata are other people's words: in CSV, HTML, Markdown and SQL they stay words.

use crate::process::{Place, story};

/// What is put where the business has a region, an owner and ids.
const WORDS: [&str; 9] = [
    "=HYPERLINK(\"http://evil.example\",\"click\")",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\u{ff1d}1+1",
    "</td><script>alert(1)</script>\"'&",
    "x'); DROP TABLE inbox; --",
];

/// A story in which one word stands wherever a word of somebody else's may stand.
fn told(word: &str) -> Place {
    let place = Place::new();
    let config = place
        .write("upswell.toml", "[reporting]\nsegments = [\"metadata.region\"]\nowner = \"metadata.owner\"\n");
    let place = place.with("UPSWELL_CONFIG", &config);
    let json = serde_json::to_string(word).unwrap();
    // An id with control characters is none, and its event parked.
    let inner = if word.contains(char::is_control) { "cus_" } else { &json[1..json.len() - 1] };
    let events: Vec<String> = story("seats-and-tier-in-one-change")
        .iter()
        .map(|event| {
            event
                .replace("\"amer\"", &json)
                .replace("\"north\"", &json)
                .replace("cus_Alder", &format!("{inner}cus"))
                .replace("sub_Alder", &format!("{inner}sub"))
                .replace("si_Alder", &format!("{inner}si"))
                .replace("prod_Pro4Wm2", &format!("{inner}prod"))
                .replace("price_pro_monthly_2025", &format!("{inner}price"))
        })
        .collect();
    place.receive(&events);
    place
}

/// Whoever the story is of.
fn customer(place: &Place) -> String {
    place.movements()[0]["customer"].as_str().unwrap().to_owned()
}

/// The cells of a CSV.
fn cells(text: &str) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    reader.records().flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn assert_inert(csv: &str, what: &str) {
    for cell in cells(csv) {
        let is_number = cell.parse::<f64>().is_ok();
        let begins = cell.starts_with([
            '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
        ]);
        assert!(!begins || is_number, "{what}: a spreadsheet would run {cell:?}");
    }
}

#[test]
fn words_stay_words_in_every_output() {
    for word in WORDS {
        let place = told(word);
        let month = ["--month", "2025-10", "--format"];
        let mut seen = false;
        for command in ["report", "movements", "customers"] {
            let mut typed = vec![command];
            typed.extend(month);
            typed.push("csv");
            let csv = place.output(&typed);
            assert_inert(&csv, command);
            seen |= cells(&csv).iter().any(|cell| cell.contains(word));
            if command == "report" {
                assert!(cells(&csv).iter().any(|cell| cell.parse::<f64>().is_ok()), "no number stayed one");
            }
        }
        assert!(seen, "{word:?} came out nowhere: the test tests nothing");
        let html = place.output(&["report", "--month", "2025-10", "--format", "html"]);
        assert!(!html.contains("<script"), "{word:?}");
        let markdown = place.output(&["report", "--month", "2025-10", "--format", "md"]);
        assert!(!markdown.replace("\\<", "").contains("<script"), "{word:?}");
        let server = place.serve();
        let page = server.connect().unwrap().get("/months/2025-10", "").unwrap();
        assert!(page.status == 200 && !page.body.contains("<script"), "{word:?}");
        place.output(&["explain", "--", &customer(&place)]);
        place.output(&["verify"]);
    }
}

#[test]
fn questions_made_to_be_sql_find_nothing_and_change_nothing() {
    let place = told("amer");
    let before = place.movements();
    let evil = "x' OR '1'='1'; DROP TABLE posting; --";
    assert_eq!(place.output(&["movements", "--customer", evil, "--format", "ndjson"]), "");
    for typed in [vec!["explain", evil], vec!["report", "--book", evil], vec!["movements", "--kind", evil]] {
        assert!(!place.run(&typed).status.success(), "{typed:?}");
    }
    assert_eq!(place.movements(), before);
    place.output(&["verify"]);
}
