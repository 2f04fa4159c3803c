//! Exports of the Dashboard and tables of Sigma, in directories and archives, by the binary: what they say,
//! what is wrong with them, and how a row that was wrong is corrected.

use std::io::{Cursor, Write};
use std::sync::Arc;

use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use serde_json::Value;
use upswell::backfill::table;
use upswell::stripe::{Sheet, Translation, date_time, read, translate};

use crate::process::{Place, assert_same, rows};

/// The exports of an invented business.
const EXPORTS: [&str; 8] = [
    "coupons.csv",
    "customers.csv",
    "invoices.csv",
    "prices.csv",
    "products.csv",
    "sigma_prices.csv",
    "sigma_subscriptions.csv",
    "subscriptions.csv",
];

fn export(name: &str) -> Vec<u8> {
    std::fs::read(format!("fixtures/exports/{name}")).unwrap()
}

/// What is there at the end of a month: customer and MRR.
fn customers(place: &Place) -> Vec<(String, String)> {
    let today = chrono::DateTime::from_timestamp(upswell::app::now(), 0).unwrap().format("%Y-%m").to_string();
    let text = place.output(&["customers", "--month", &today, "--format", "ndjson"]);
    let word = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let mut told: Vec<_> = rows(&text).iter().map(|row| (word(row, "customer"), word(row, "mrr"))).collect();
    told.sort();
    told
}

fn fed(place: &Place, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = place.run(&[&["backfill"], arguments].concat());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What the exports say: Alder has three seats at 20, Bramble 1,200 a year, Clover two plans, Dogwood 50 net
/// of 10, Elder is over, Fir has tiers that nobody told, Ginkgo is Sigma's.
fn expected() -> Vec<(String, String)> {
    let told = [
        ("cus_Alder", "6000"),
        ("cus_Bramble", "10000"),
        ("cus_Clover", "13000"),
        ("cus_Dogwood", "4000"),
        ("cus_Ginkgo", "7500"),
    ];
    told.map(|(customer, mrr)| (customer.to_owned(), mrr.to_owned())).to_vec()
}

fn zipped(names: &[&str]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for name in names {
        zip.start_file(format!("stripe/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&export(name)).unwrap();
    }
    zip.start_file("__MACOSX/._prices.csv", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"\0\x05\x16\x07").unwrap();
    zip.finish().unwrap().into_inner()
}

fn tarred(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        tar.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    tar.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_directory_of_exports_is_a_ledger() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("exports/more")).unwrap();
    for (at, name) in EXPORTS.iter().enumerate() {
        let below = if at % 2 == 0 { "exports" } else { "exports/more" };
        place.write(&format!("{below}/{name}"), export(name));
    }
    place.write("exports/.hidden.csv", "colour,size\n1,2\n");
    let (code, told, said) = fed(&place, &["exports"]);
    assert_eq!(code, Some(0), "{told}{said}");
    assert!(
        told.contains("exports/more/subscriptions.csv: 6 rows read, 6 accepted, 0 already known\n"),
        "{told}"
    );
    assert!(told.contains("all 8 files: "), "{told}");
    assert_eq!(customers(&place), expected());
    place.output(&["verify"]);
    // Elder is over: what it held was brought forward and left when it ended.
    let movements = place.movements();
    let elder: Vec<(&str, &str)> = movements
        .iter()
        .filter(|movement| movement["customer"] == "cus_Elder")
        .map(|movement| (movement["class"].as_str().unwrap(), movement["effective_at"].as_str().unwrap()))
        .collect();
    assert_eq!(elder, [("churn", "2026-02-01T00:00:00Z"), ("opening", "2026-02-01T00:00:00Z")]);
    let (code, told, _) = fed(&place, &["exports"]);
    assert_eq!(code, Some(0));
    assert!(
        told.contains("exports/more/subscriptions.csv: 6 rows read, 0 accepted, 6 already known\n"),
        "{told}"
    );
}

#[test]
fn archives_of_any_kind_say_the_same_and_name_their_entries() {
    let files: Vec<(&str, Vec<u8>)> = EXPORTS.iter().map(|name| (*name, export(name))).collect();
    let tar = tarred(&files);
    let nested = tarred(&[("inner/exports.zip", zipped(&EXPORTS))]);
    let archives: [(&str, Vec<u8>, &str); 6] = [
        ("export.zip", zipped(&EXPORTS), "export.zip/stripe/subscriptions.csv"),
        ("export.tar", tar.clone(), "export.tar/subscriptions.csv"),
        ("export.tar.gz", gzip(&tar), "export.tar.gz/subscriptions.csv"),
        ("export.tar.zst", zstd::encode_all(&tar[..], 1).unwrap(), "export.tar.zst/subscriptions.csv"),
        ("nested.bin", gzip(&nested), "nested.bin/inner/exports.zip/stripe/subscriptions.csv"),
        ("zipped.gz", gzip(&zipped(&EXPORTS)), "zipped.gz/stripe/subscriptions.csv"),
    ];
    for (name, bytes, inside) in archives {
        let place = Place::new();
        place.write(name, bytes);
        let (code, told, said) = fed(&place, &[name]);
        assert_eq!(code, Some(0), "{name}: {told}{said}");
        assert!(told.contains(&format!("{inside}: 6 rows read, 6 accepted")), "{name}: {told}");
        assert_eq!(customers(&place), expected(), "{name}");
    }
}

/// A table of text as Parquet: numbers and times as such, or all of them as texts.
pub fn parquet(csv: &[u8], is_typed: bool, compression: Compression) -> Vec<u8> {
    let table = table(csv).unwrap();
    let columns = table.columns.clone();
    let rows: Vec<Vec<String>> = table.map(|row| row.unwrap().cells).collect();
    let times = ["timestamp", "date", "_start", "_end", "_at"];
    let is_time = |column: &str| is_typed && times.iter().any(|end| column.ends_with(end));
    let numbers = ["_change", "amount", "quantity", "subtotal"];
    let is_number = |column: &str| is_typed && numbers.iter().any(|end| column.ends_with(end));
    let fields = columns.iter().map(|column| match () {
        () if is_time(column) => format!("optional int64 {column} (TIMESTAMP(NANOS,false));"),
        () if is_number(column) => format!("optional int64 {column};"),
        () => format!("optional binary {column} (STRING);"),
    });
    let schema = format!("message table {{ {} }}", fields.collect::<String>());
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    for rows in rows.chunks(10) {
        let mut group = writer.next_row_group().unwrap();
        for (at, column) in columns.iter().enumerate() {
            let filled = rows.iter().map(|row| row[at].as_str()).filter(|cell| !cell.is_empty());
            let levels: Vec<i16> = rows.iter().map(|row| i16::from(!row[at].is_empty())).collect();
            let mut into = group.next_column().unwrap().unwrap();
            if is_time(column) {
                let nanos = |cell: &str| date_time(cell).unwrap().and_utc().timestamp_nanos_opt().unwrap();
                let values: Vec<i64> = filled.map(nanos).collect();
                into.typed::<Int64Type>().write_batch(&values, Some(&levels), None).unwrap();
            } else if is_number(column) {
                let values: Vec<i64> = filled.map(|cell| cell.parse().unwrap()).collect();
                into.typed::<Int64Type>().write_batch(&values, Some(&levels), None).unwrap();
            } else {
                let values: Vec<ByteArray> = filled.map(ByteArray::from).collect();
                into.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
            }
            into.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

#[test]
fn a_table_is_one_whether_it_came_as_csv_or_as_parquet() {
    let csv = export(CHANGES);
    let place = Place::new();
    place.write("changes.csv", &csv);
    let (code, told, said) = fed(&place, &["changes.csv"]);
    assert_eq!(code, Some(0), "{told}{said}");
    let tables = [
        parquet(&csv, true, Compression::SNAPPY),
        parquet(&csv, false, Compression::ZSTD(ZstdLevel::default())),
        gzip(&parquet(&csv, true, Compression::GZIP(GzipLevel::default()))),
        tarred(&[("data/part-0.parquet", parquet(&csv, true, Compression::UNCOMPRESSED))]),
    ];
    for (at, bytes) in tables.into_iter().enumerate() {
        let name = format!("part-{at}");
        place.write(&name, bytes);
        let (code, told, said) = fed(&place, &[&name]);
        assert_eq!(code, Some(0), "{told}{said}");
        assert!(told.contains(": 21 rows read, 0 accepted, 21 already known"), "{told}");
    }
    let prices = export("sigma_prices.csv");
    place.write("prices", parquet(&prices, false, Compression::SNAPPY));
    assert!(fed(&place, &["prices"]).1.contains("prices: 1 rows read, 1 accepted"));
}

#[test]
fn a_parquet_file_that_is_damaged_is_named_with_the_remedy() {
    let place = Place::new();
    let whole = parquet(&export(CHANGES), true, Compression::SNAPPY);
    place.write("cut", &whole[..whole.len() / 2]);
    let (code, told, _) = fed(&place, &["cut"]);
    assert_eq!(code, Some(1));
    assert!(told.contains("cut: 0 rows read") && told.contains("write it again, or as CSV"), "{told}");
}

#[test]
fn an_unknown_header_names_the_file_and_its_columns_and_stops_nothing_else() {
    let place = Place::new();
    place.write("a.csv", "colour,size\nred,2\n");
    place.write("b.csv", export("subscriptions.csv"));
    place.write("prices.csv", export("prices.csv"));
    place.write("coupons.csv", export("coupons.csv"));
    let (code, told, _) = fed(&place, &["a.csv", "prices.csv", "coupons.csv", "b.csv"]);
    assert_eq!(code, Some(1));
    assert!(told.contains("a.csv: 0 rows read"), "{told}");
    assert!(
        told.contains("fault: the columns `colour`, `size` are those of no table that is known"),
        "{told}"
    );
    assert!(told.contains("b.csv: 6 rows read, 6 accepted"), "{told}");
}

/// Breaks a row of the subscriptions and leaves the others.
fn with_a_broken_row() -> String {
    String::from_utf8(export("subscriptions.csv")).unwrap().replacen("1200,00", "twelve hundred", 1)
}

#[test]
fn a_parked_row_is_corrected_where_it_lies_and_fed_again() {
    let place = Place::new();
    place.write("coupons.csv", export("coupons.csv"));
    place.write("subscriptions.csv", with_a_broken_row());
    place.write("events.ndjson", "{\"id\":\"evt_1\",\"type\":\"ping\",\"created\":1700000000\n");
    let (code, told, _) = fed(&place, &["coupons.csv", "subscriptions.csv", "events.ndjson"]);
    assert_eq!(code, Some(1));
    assert!(told.contains("parked subscriptions.csv:4: column `Amount`: expected an amount"), "{told}");
    assert!(!told.contains("twelve hundred"), "a cell is not repeated: {told}");
    assert!(!customers(&place).iter().any(|(customer, _)| customer == "cus_Bramble"));
    let parked = std::fs::read_to_string(place.path("upswell.parked")).unwrap();
    let kept = rows(&parked);
    assert_eq!((kept[0]["file"].as_str(), kept[0]["line"].as_u64()), (Some("subscriptions.csv"), Some(4)));
    assert!(kept[1]["row"].as_str().unwrap().starts_with("{\"id\":\"evt_1\""), "{parked}");

    // Read again, it is kept once.
    fed(&place, &["subscriptions.csv"]);
    assert_eq!(std::fs::read_to_string(place.path("upswell.parked")).unwrap(), parked);

    // Fed as it is, it stays what it is.
    let (code, _, _) = fed(&place, &["upswell.parked"]);
    assert_eq!(code, Some(1));
    assert_eq!(rows(&std::fs::read_to_string(place.path("upswell.parked")).unwrap()).len(), 2);

    let corrected = parked.replace("twelve hundred", "1200,00").replace("1700000000\"", "1700000000}\"");
    place.write("upswell.parked", corrected);
    let (code, told, said) = fed(&place, &["upswell.parked"]);
    assert_eq!(code, Some(0), "{told}{said}");
    assert!(told.contains("upswell.parked: 2 rows read, 2 accepted"), "{told}");
    assert!(customers(&place).contains(&("cus_Bramble".to_owned(), "10000".to_owned())));
    assert!(!place.path("upswell.parked").exists());
    let (_, told, _) = fed(&place, &["subscriptions.csv"]);
    assert!(told.contains("5 already known"), "{told}");
}

#[test]
fn a_summary_as_json_tells_each_file_and_the_sums() {
    let place = Place::new();
    place.write("coupons.csv", export("coupons.csv"));
    place.write("subscriptions.csv", with_a_broken_row());
    place.write("invoices.csv", export("invoices.csv"));
    let files = ["--format", "json", "coupons.csv", "invoices.csv", "subscriptions.csv"];
    let (code, told, said) = fed(&place, &files);
    assert_eq!(code, Some(1));
    assert!(said.contains("subscriptions.csv: 6 rows read, 5 accepted"), "{said}");
    let summary: Value = serde_json::from_str(&told).unwrap();
    let subscriptions = &summary["files"][2];
    assert_eq!(subscriptions["form"], "the Dashboard's subscriptions");
    assert_eq!((&subscriptions["rows"], &subscriptions["accepted"]), (&6.into(), &5.into()));
    assert_eq!(subscriptions["parked_rows"][0]["place"], "subscriptions.csv:4");
    assert_eq!(summary["files"][1]["ignored"], 1);
    assert!(
        summary["files"][1]["ignored_by_reason"][0]["reason"]
            .as_str()
            .unwrap()
            .starts_with("invoice without")
    );
    assert_eq!((&summary["total"]["rows"], &summary["total"]["parked"]), (&8.into(), &1.into()));
    assert!(summary["total"]["movements_posted"].as_u64().unwrap() > 0);
}

#[test]
fn a_dry_run_of_exports_changes_nothing() {
    let place = Place::new();
    place.write("subscriptions.csv", with_a_broken_row());
    let (code, told, _) = fed(&place, &["--dry-run", "subscriptions.csv"]);
    assert_eq!(code, Some(1));
    assert!(told.contains("cus_Alder"), "{told}");
    assert!(!place.path("upswell.parked").exists());
    assert_eq!(rows(&place.output(&["status", "--format", "json"]))[0]["stored"], 0);
}

const CHANGES: &str = "subscription_item_change_events.csv";

/// A customer's movements: class, month and delta.
fn movements_of(place: &Place, customer: &str) -> Vec<String> {
    let word = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let of_customer = |row: &&Value| row["customer"] == customer;
    let mut told: Vec<String> = place
        .movements()
        .iter()
        .filter(of_customer)
        .map(|row| {
            let grade = row["evidence"]["grade"].as_str().unwrap();
            format!("{} {} {} {grade}", word(row, "month"), word(row, "class"), word(row, "delta"))
        })
        .collect();
    told.sort();
    told
}

#[test]
fn sigma_s_item_changes_are_the_history_before_the_first_event() {
    let place = Place::new();
    place.write("changes.csv", export(CHANGES));
    let (code, told, said) = fed(&place, &["changes.csv"]);
    assert_eq!(code, Some(0), "{told}{said}");
    assert!(told.contains("changes.csv: 21 rows read, 21 accepted"), "{told}");
    // Alone they make Stripe's own figures: first told in March, one seat more in July.
    let by_changes = ["2026-03 new 2000 sigma", "2026-07 expansion 1000 sigma"];
    assert_eq!(movements_of(&place, "cus_Myrtle"), by_changes);
    assert_eq!(movements_of(&place, "cus_Larch"), ["2026-05 new 2000 sigma", "2026-06 churn -2000 sigma"]);
    place.output(&["verify"]);
    let (code, _, _) = fed(&place, &["changes.csv"]);
    assert_eq!((code, place.movements().len()), (Some(0), 17), "a row counts once");

    // Events tell of Myrtle from July on; what is before them stays.
    place.write("events.ndjson", export("business.ndjson"));
    let (code, _, _) = fed(&place, &["events.ndjson"]);
    assert_eq!(code, Some(0));
    assert_eq!(
        movements_of(&place, "cus_Myrtle"),
        ["2026-03 new 2000 sigma", "2026-07 expansion 1000 event"]
    );
    // It asked on 5 June to end on 9 July, and events tell that.
    assert_eq!(movements_of(&place, "cus_Larch"), ["2026-05 new 2000 event", "2026-07 churn -2000 event"]);
    place.output(&["verify"]);
    let other = Place::new();
    other.write("events.ndjson", export("business.ndjson"));
    other.write("changes.csv", export(CHANGES));
    fed(&other, &["events.ndjson", "changes.csv"]);
    assert_same(&other.movements(), &place.movements(), "events first");
}

#[test]
fn a_row_of_changes_that_does_not_fit_is_parked_by_its_column() {
    let place = Place::new();
    let text = String::from_utf8(export(CHANGES)).unwrap();
    place.write("changes.csv", text.replacen("\"8333\"", "\"83,33\"", 1));
    let (code, told, _) = fed(&place, &["changes.csv"]);
    assert_eq!(code, Some(1));
    assert!(told.contains("parked changes.csv:10: column `mrr_change`: expected an amount"), "{told}");
    place.write("local.csv", text.replacen("\"event_timestamp\"", "\"at\"", 1));
    let (_, told, _) = fed(&place, &["local.csv"]);
    assert!(told.contains("there is no column `event_timestamp`"), "{told}");
}

#[test]
fn a_row_without_a_product_is_of_the_one_that_its_price_is_of() {
    let place = Place::new();
    place.write("subscriptions.csv", export("subscriptions.csv"));
    place.write("prices.csv", export("prices.csv"));
    fed(&place, &["subscriptions.csv"]);
    let product = |place: &Place| {
        let movements = place.movements();
        let alder = movements.iter().find(|movement| movement["customer"] == "cus_Alder").unwrap();
        alder["product"].as_str().unwrap().to_owned()
    };
    assert_eq!(product(&place), "price_Seat");
    fed(&place, &["prices.csv"]);
    assert_eq!(product(&place), "prod_Seat");
}

/// A table as text: its columns in an order, between delimiters, cells quoted or not.
fn written(rows: &[Vec<String>], order: &[usize], delimiter: char, quoted: &[bool], marked: bool) -> String {
    let mut text = String::from(if marked { "\u{feff}" } else { "" });
    for row in rows {
        let cells = order.iter().map(|column| {
            let cell = &row[*column];
            let must = cell.contains([delimiter, '"', '\n', '\r']);
            match must || quoted[*column % quoted.len()] {
                true => format!("\"{}\"", cell.replace('"', "\"\"")),
                false => cell.clone(),
            }
        });
        text.push_str(&cells.collect::<Vec<_>>().join(&delimiter.to_string()));
        text.push_str(if quoted[0] { "\r\n" } else { "\n" });
    }
    text
}

/// What the rows of a text tell, without the names of their documents, which a decimal comma changes.
fn told(text: &str) -> Vec<String> {
    let mut table = table(text.as_bytes()).unwrap();
    let columns = table.columns.clone();
    let sheet = Sheet::of(&columns, table.look_ahead(10).map(|row| row.cells.as_slice())).unwrap();
    table
        .map(|row| {
            let row = row.unwrap();
            assert_eq!(row.flaw, None);
            let body = sheet.document(&[row.cells], None);
            let mut envelope = read(&body).unwrap();
            envelope.id = "row".to_owned();
            let told = translate(&body, &envelope, "");
            assert!(matches!(told, Translation::Facts(_)), "{told:?}");
            format!("{told:?}")
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn a_table_gives_the_same_facts_however_it_is_written(
        order in Just((0..9).collect::<Vec<usize>>()).prop_shuffle(),
        delimiter in prop::sample::select(vec![',', ';', '\t']),
        quoted in prop::collection::vec(any::<bool>(), 1..8),
        marked in any::<bool>(),
        name in "[a-z ,;\"\n\t]{0,12}",
        cents in 0_u32..10_000_000,
        is_comma in any::<bool>(),
    ) {
        let header = "id,Customer ID,Customer Name,Plan,Quantity,Currency,Interval,Amount,Status,Created (UTC)";
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        let name = format!("x{name}x");
        let row = |amount: &str| -> Vec<String> {
            ["sub_1", "cus_1", &name, "price_1", "3", "usd", "month", amount, "active", "2026-03-01 10:00"]
                .map(str::to_owned)
                .to_vec()
        };
        let order: Vec<usize> = order.into_iter().chain([9]).collect();
        let plain: Vec<usize> = (0..10).collect();
        let expected = told(&written(&[header.clone(), row(&amount)], &plain, ',', &[false], false));
        let saved = if is_comma { amount.replace('.', ",") } else { amount };
        let other = told(&written(&[header, row(&saved)], &order, delimiter, &quoted, marked));
        prop_assert_eq!(other, expected);
    }
}
