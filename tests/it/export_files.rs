//! What other people's tools are given: Parquet read back and compared figure by figure with JSON, ChartMogul's columns,
//! dbt's description, and that a large ledger comes whole and once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use parquet::basic::{LogicalType, TimeUnit, Type as Physical};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Value, json};
use upswell::export::{CHARTMOGUL_COLUMNS, Holds, TABLES};

use crate::explain::{BEGINS, event, feed, price, subscription};
use crate::process::{Place, rows, stories, stories_config};
use crate::store;

fn told() -> Place {
    let place =
        Place::new().with("UPSWELL_CONFIG", &stories_config()).with("UPSWELL_TIMEZONE", "Europe/Paris");
    place.write("stories.ndjson", stories().join("\n"));
    place.output(&["backfill", "stories.ndjson"]);
    place
}

fn reader(place: &Place, name: &str) -> SerializedFileReader<File> {
    SerializedFileReader::new(File::open(place.path(name)).unwrap()).unwrap()
}

/// The rows of a file, each value as the contract's JSON has it.
fn read(place: &Place, name: &str) -> Vec<BTreeMap<String, Value>> {
    let value = |field: &Field| match field {
        Field::Null => Value::Null,
        Field::Bool(is_so) => json!(is_so),
        Field::Long(number) => json!(number),
        Field::Str(text) => json!(text),
        Field::TimestampMicros(micros) => {
            assert_eq!(micros % 1_000_000, 0);
            let at = chrono::DateTime::from_timestamp_micros(*micros).unwrap();
            json!(at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
        }
        Field::Date(_) => json!(field.to_string().split(' ').next().unwrap()),
        Field::Decimal(_) => {
            // As JSON writes an amount: without the zeros at its end.
            let text = field.to_string();
            json!(text.trim_end_matches('0').trim_end_matches('.'))
        }
        other => panic!("{other:?}"),
    };
    let row = |record: parquet::record::Row| {
        record.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect()
    };
    reader(place, name).into_iter().map(|record| row(record.unwrap())).collect()
}

/// Millionths of a minor unit.
fn micro(amount: &Value) -> i128 {
    let text = amount.as_str().unwrap();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    sign * format!("{whole}{part:0<6}").parse::<i128>().unwrap()
}

/// A month as the first of its days.
fn first_day(month: &Value) -> Value {
    json!(format!("{}-01", month.as_str().unwrap()))
}

#[test]
fn parquet_says_of_every_movement_what_json_says() {
    let place = told();
    for (arguments, file) in [(&[][..], "standing.parquet"), (&["--all"][..], "all.parquet")] {
        place.output(&[&["movements", "-o", file][..], arguments].concat());
        let written = read(&place, file);
        let told = rows(&place.output(&[&["movements", "--format", "ndjson"][..], arguments].concat()));
        assert_eq!(written.len(), told.len());
        assert!(!told.is_empty());
        for (written, told) in written.iter().zip(&told) {
            for (name, value) in told.as_object().unwrap() {
                match name.as_str() {
                    "month" | "posted_in" => assert_eq!(written[name], first_day(value), "{name} of {told}"),
                    "evidence" => {
                        for part in ["grade", "event", "sha256"] {
                            assert_eq!(written[part], value[part], "{part} of {told}");
                        }
                    }
                    "quantity_before" | "quantity_after" => {
                        let number = value.as_str().map(|text| text.parse::<i64>().unwrap());
                        assert_eq!(written[name], json!(number), "{name} of {told}");
                    }
                    _ => assert_eq!(&written[name], value, "{name} of {told}"),
                }
            }
        }
    }
    let currencies: BTreeSet<(String, i64)> = read(&place, "all.parquet")
        .iter()
        .map(|row| (row["currency"].as_str().unwrap().to_owned(), row["minor_per_major"].as_i64().unwrap()))
        .collect();
    assert!(currencies.contains(&("usd".to_owned(), 100)), "{currencies:?}");
}

#[test]
fn a_filter_is_the_same_for_every_form() {
    let place = told();
    for arguments in [
        &["--month", "2026-10"][..],
        &["--class", "expansion", "--kind", "seat"],
        &["--customer", "cus_Alder"],
        &["--month", "2020-01"],
    ] {
        place.output(&[&["movements", "-o", "some.parquet"][..], arguments].concat());
        let told = rows(&place.output(&[&["movements", "--format", "ndjson"][..], arguments].concat()));
        let seqs: Vec<&Value> = told.iter().map(|row| &row["seq"]).collect();
        let written = read(&place, "some.parquet");
        assert_eq!(written.iter().map(|row| &row["seq"]).collect::<Vec<_>>(), seqs, "{arguments:?}");
        let csv = place.output(&[&["movements", "--format", "csv"][..], arguments].concat());
        assert_eq!(csv.lines().count(), told.len() + 1, "{arguments:?}");
        let chartmogul = place.output(&[&["movements", "--format", "chartmogul"][..], arguments].concat());
        assert_eq!(chartmogul.lines().count(), told.len() + 1, "{arguments:?}");
    }
}

#[test]
fn month_ends_and_levels_sum_to_what_the_report_has_at_each_month_s_end() {
    let place = told();
    let summary: Value =
        serde_json::from_str(&place.output(&["export", "warehouse", "--format", "json"])).unwrap();
    let ends = read(&place, "warehouse/month_ends.parquet");
    let levels = read(&place, "warehouse/levels.parquet");
    assert_eq!((&summary["month_ends"], &summary["levels"]), (&json!(ends.len()), &json!(levels.len())));
    assert_eq!(summary["movements"], json!(read(&place, "warehouse/movements.parquet").len()));
    let mut months: BTreeMap<String, BTreeMap<(String, String), i128>> = BTreeMap::new();
    for row in &ends {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        assert!(micro(&row["mrr"]) > 0 && text("month_end") > text("month"));
        let month = months.entry(text("month")[..7].to_owned()).or_default();
        *month.entry((text("customer"), text("currency"))).or_default() += micro(&row["mrr"]);
    }
    assert!(months.len() > 12, "{months:?}");
    let last = summary["last_month"].as_str().unwrap();
    assert_eq!(months.last_key_value().unwrap().0, last);
    for (month, sums) in &months {
        let told = rows(&place.output(&["customers", "--month", month, "--format", "ndjson"]));
        let told: BTreeMap<(String, String), i128> = told
            .iter()
            .map(|row| {
                let text = |name: &str| row[name].as_str().unwrap().to_owned();
                ((text("customer"), text("currency")), micro(&row["mrr"]))
            })
            .collect();
        assert_eq!(*sums, told, "{month}");
    }
    // What holds now in the one table is what the other has no end of.
    let open: i128 =
        levels.iter().filter(|row| row["valid_to"].is_null()).map(|row| micro(&row["mrr"])).sum();
    assert!(open > 0);
    let keys: BTreeSet<String> = ends
        .iter()
        .map(|row| {
            ["month", "customer", "subscription", "item", "currency"]
                .map(|name| row[name].to_string())
                .join(" ")
        })
        .collect();
    assert_eq!(keys.len(), ends.len(), "an item stands at one level when a month ends");
}

#[test]
fn columns_have_the_types_that_are_told() {
    let place = told();
    place.output(&["export", "warehouse"]);
    let dbt = std::fs::read_to_string(place.path("warehouse/sources.yml")).unwrap();
    let guide = include_str!("../../docs/exports.md");
    for table in TABLES {
        let file = format!("warehouse/{}.parquet", table.name);
        let reader = reader(&place, &file);
        let told = reader.metadata().file_metadata();
        assert!(told.created_by().unwrap().starts_with("upswell "));
        let keys: Vec<&str> =
            told.key_value_metadata().unwrap().iter().map(|told| told.key.as_str()).collect();
        assert!(keys.contains(&"upswell.through_seq") && keys.contains(&"upswell.timezone"), "{keys:?}");
        let schema = told.schema_descr();
        assert_eq!(schema.num_columns(), table.columns.len());
        for (column, found) in table.columns.iter().zip(schema.columns()) {
            assert_eq!((column.name, column.is_optional), (found.name(), found.self_type().is_optional()));
            let logical = found.logical_type_ref();
            let fits = match column.holds {
                Holds::Text => matches!(logical, Some(LogicalType::String)),
                Holds::Number => found.physical_type() == Physical::INT64 && logical.is_none(),
                Holds::Amount => (found.type_precision(), found.type_scale()) == (20, 6),
                Holds::Instant => matches!(
                    logical,
                    Some(LogicalType::Timestamp(time)) if time.is_adjusted_to_u_t_c && time.unit == TimeUnit::MICROS
                ),
                Holds::Day => matches!(logical, Some(LogicalType::Date)),
                Holds::Flag => found.physical_type() == Physical::BOOLEAN,
            };
            assert!(fits, "{}.{}: {logical:?}", table.name, column.name);
            assert!(
                dbt.contains(&format!("- name: {}\n", column.name)),
                "{} is not in sources.yml",
                column.name
            );
            let line = format!("| `{}` | {} | {} |", column.name, column.holds.sql_type(), column.meaning);
            assert!(guide.contains(&line), "docs/exports.md has no line\n{line}");
        }
    }
}

/// A CSV's rows by its head, as a spreadsheet's reader sees them.
fn csv_rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().unwrap().clone();
    let row = |record: csv::StringRecord| {
        head.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect()
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

#[test]
fn chartmogul_s_movements_sum_to_each_customer_s_mrr_in_whole_cents() {
    let place = told();
    let text = place.output(&["movements", "--format", "chartmogul"]);
    assert_eq!(text.lines().next().unwrap(), CHARTMOGUL_COLUMNS.join(","));
    let told = csv_rows(&text);
    let ours = rows(&place.output(&["movements", "--format", "ndjson"]));
    assert_eq!(told.len(), ours.len());
    let types: BTreeSet<&str> = told.iter().map(|row| row["MOVEMENT_TYPE"].as_str()).collect();
    assert!(
        types.is_subset(&BTreeSet::from(["new_biz", "expansion", "contraction", "churn", "reactivation"])),
        "{types:?}"
    );
    assert!(types.len() > 3, "{types:?}");
    let mut levels: BTreeMap<(String, String), i128> = BTreeMap::new();
    let mut order: Vec<usize> = (0..told.len()).collect();
    order.sort_by_key(|place| (told[*place]["DATE"].clone(), ours[*place]["seq"].as_i64()));
    for place in order {
        let (row, own) = (&told[place], &ours[place]);
        let level =
            levels.entry((row["CUSTOMER_EXTERNAL_ID"].clone(), row["CURRENCY_CODE"].clone())).or_default();
        *level += row["MRR_MOVEMENT"].parse::<i128>().unwrap();
        assert_eq!(level.to_string(), row["MRR"], "{row:?}");
        let exact = micro(&own["customer_mrr_after"]);
        assert!((exact - *level * 1_000_000).abs() <= 500_000, "{row:?} {own}");
        assert_eq!(
            (own["id"].as_str(), own["class"] == "new"),
            (Some(row["UUID"].as_str()), row["MOVEMENT_TYPE"] == "new_biz" && own["class"] != "opening")
        );
    }
}

#[test]
fn a_name_that_a_spreadsheet_would_run_is_inert_in_csv_and_itself_in_parquet() {
    let place = Place::new();
    let evil = "=HYPERLINK(\"http://evil\")";
    let mut held = subscription("evil", &price(evil, 1_000), 1);
    held["id"] = json!("@sub");
    feed(&place, &[event("evt_1", "customer.subscription.created", BEGINS, &held, None)]);
    for format in ["csv", "chartmogul"] {
        let text = place.output(&["movements", "--format", format]);
        let row = &csv_rows(&text)[0];
        let cells: Vec<&String> =
            row.values().filter(|cell| cell.contains("HYPERLINK") || cell.contains("@sub")).collect();
        assert!(cells.len() >= 2 && cells.iter().all(|cell| cell.starts_with('\'')), "{format}: {row:?}");
    }
    place.output(&["movements", "-o", "evil.parquet"]);
    let row = &read(&place, "evil.parquet")[0];
    assert_eq!((&row["price"], &row["subscription"]), (&json!(evil), &json!("@sub")));
}

#[test]
fn a_ledger_of_many_pages_comes_whole_in_its_order_and_once() {
    const COPIES: usize = 25_000;
    let place = Place::new();
    feed(
        &place,
        &[event(
            "evt_1",
            "customer.subscription.created",
            BEGINS,
            &subscription("one", &price("p", 900), 1),
            None,
        )],
    );
    let columns = "id, book, customer, subscription, item, product_before, product_after, price_before, price_after, \
                   quantity_before, quantity_after, item_mrr_before, item_mrr_after, currency, class, kind, cause, motion, \
                   is_metered, delta, customer_mrr_before, customer_mrr_after, bridge, effective_at, month, recorded_at, \
                   posted_in, grade, event, sha256, engine, policy, reverses, adjusts";
    store::execute(
        &place.url(),
        &format!(
            "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {COPIES}) \
             INSERT INTO posting ({columns}) SELECT {columns} FROM posting CROSS JOIN n"
        ),
    )
    .unwrap();
    for arguments in [&[][..], &["--month", "2026-01"], &["--customer", "cus_one"]] {
        let told = place.output(&[&["movements", "--format", "ndjson"][..], arguments].concat());
        let seqs: Vec<i64> = rows(&told).iter().map(|row| row["seq"].as_i64().unwrap()).collect();
        assert_eq!(seqs.len(), COPIES + 1, "{arguments:?}");
        assert!(seqs.is_sorted_by(|one, next| one < next), "{arguments:?}");
    }
    place.output(&["movements", "-o", "many.parquet"]);
    let reader = reader(&place, "many.parquet");
    assert_eq!(reader.metadata().file_metadata().num_rows(), i64::try_from(COPIES).unwrap() + 1);
    let csv = place.output(&["movements", "--format", "csv"]);
    assert_eq!(csv.lines().count(), COPIES + 2, "one head");
}

#[test]
fn a_file_is_there_once_it_is_whole() {
    let place = Place::new();
    let refused = place.run(&["movements", "-o", "nowhere/movements.parquet"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("nowhere/movements.parquet"), "{said}");
    place.output(&["export", "warehouse"]);
    let mut names: Vec<String> = std::fs::read_dir(place.path("warehouse"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["levels.parquet", "month_ends.parquet", "movements.parquet", "sources.yml"]);
    assert_eq!(read(&place, "warehouse/movements.parquet").len(), 0, "an empty ledger is an empty table");
}
