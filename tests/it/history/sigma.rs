//! Sigma's tables of one thing, joined: `invoices` with `invoice_line_items`, `subscriptions` with
//! `subscription_items`, as CSV and as Parquet, against lists of the same from Stripe's API.

use std::io::{Cursor, Write};

use chrono::DateTime;
use parquet::basic::Compression;
use serde_json::{Value, json};

use super::files::figures;
use super::life::{Changes, Left, customer};
use super::wire;
use crate::business::Chance;
use crate::catalogue::list;
use crate::exports::parquet;
use crate::process::{Place, assert_same, rows};

/// A table: the names of its columns, and its rows.
struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn of(columns: &str, rows: Vec<Vec<String>>) -> Self {
        let columns: Vec<&'static str> =
            columns.split_whitespace().map(|column| &*column.to_owned().leak()).collect();
        assert!(rows.iter().all(|row| row.len() == columns.len()));
        Self { columns, rows }
    }

    fn csv(&self) -> String {
        let line = |cells: Vec<String>| format!("\"{}\"\n", cells.join("\",\""));
        let header = line(self.columns.iter().map(|column| (*column).to_owned()).collect());
        header + &self.rows.iter().map(|row| line(row.clone())).collect::<String>()
    }

    /// The same in another order of columns and rows.
    fn shuffled(&self, chance: &mut Chance) -> Self {
        let mut order: Vec<usize> = (0..self.columns.len()).collect();
        chance.shuffle(&mut order);
        let rows = self.rows.iter().map(|row| order.iter().map(|at| row[*at].clone()).collect());
        let mut rows: Vec<Vec<String>> = rows.collect();
        chance.shuffle(&mut rows);
        Self { columns: order.iter().map(|at| self.columns[*at]).collect(), rows }
    }

    fn parquet(&self) -> Vec<u8> {
        parquet(self.csv().as_bytes(), true, Compression::SNAPPY)
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A time as Sigma writes it.
fn time(value: &Value) -> String {
    let at = value.as_i64().and_then(|at| DateTime::from_timestamp(at, 0));
    at.map(|at| at.format("%Y-%m-%d %H:%M:%S.000").to_string()).unwrap_or_default()
}

/// What an object names in any generation, the first that is there.
fn first<'v>(object: &'v Value, paths: &[&str]) -> &'v Value {
    paths
        .iter()
        .filter_map(|path| object.pointer(path))
        .find(|value| !value.is_null())
        .unwrap_or(&Value::Null)
}

/// The one discount of an object: id, coupon, start, end.
fn discount(of: &Value) -> [String; 4] {
    let shown = first(of, &["/discounts/0", "/discount"]);
    let coupon = first(shown, &["/coupon/id", "/source/coupon/id"]);
    [text(&shown["id"]), text(coupon), time(&shown["start"]), time(&shown["end"])]
}

const INVOICES: &str = "id amount_due billing_reason currency customer_id date discount_coupon_id discount_end \
    discount_start discount_subscription discounts number paid period_end period_start status \
    status_transitions_finalized_at status_transitions_paid_at status_transitions_voided_at subscription_id subtotal";

fn invoices(left: &Left) -> Table {
    let row = |invoice: &Value| {
        let lines = invoice["lines"]["data"].as_array().unwrap();
        let subtotal: i64 = lines.iter().map(|line| line["amount"].as_i64().unwrap()).sum();
        let named = first(invoice, &["/subscription", "/parent/subscription_details/subscription"]);
        let [id, coupon, start, end] = discount(invoice);
        let given_to = if id.is_empty() { String::new() } else { text(named) };
        let turns = &invoice["status_transitions"];
        vec![
            text(&invoice["id"]),
            subtotal.to_string(),
            text(&invoice["billing_reason"]),
            text(&invoice["currency"]),
            text(&invoice["customer"]),
            time(&invoice["created"]),
            coupon,
            end,
            start,
            given_to,
            id,
            "A-0001".to_owned(),
            "true".to_owned(),
            time(&invoice["period_end"]),
            time(&invoice["period_start"]),
            text(&invoice["status"]),
            time(&turns["finalized_at"]),
            time(&turns["paid_at"]),
            time(&turns["voided_at"]),
            text(named),
            subtotal.to_string(),
        ]
    };
    Table::of(INVOICES, left.invoices.iter().map(row).collect())
}

const LINES: &str = "id amount currency discountable invoice_id invoice_item_id period_end period_start plan_id \
    price_id proration proration_details_credited_items_invoice quantity source_id source_type subscription \
    subscription_item_id";

fn line(invoice: &Value, line: &Value) -> Vec<String> {
    let price = first(line, &["/pricing/price_details/price", "/price/id", "/plan/id"]);
    let details = "/parent/subscription_item_details";
    let item = first(line, &["/subscription_item", &format!("{details}/subscription_item")]);
    let proration = first(line, &["/proration", &format!("{details}/proration")]);
    let is_proration = proration.as_bool().unwrap_or(false);
    let credited = line["amount"].as_i64().unwrap() < 0;
    vec![
        // Sigma's ids are of the whole account.
        format!("il_{}_{}", text(&invoice["id"]), text(&line["id"])),
        text(&line["amount"]),
        text(&line["currency"]),
        (!is_proration).to_string(),
        text(&invoice["id"]),
        String::new(),
        time(&line["period"]["end"]),
        time(&line["period"]["start"]),
        text(price),
        text(price),
        is_proration.to_string(),
        if credited { "in_x".to_owned() } else { String::new() },
        text(&line["quantity"]),
        "sli_1".to_owned(),
        if is_proration { "invoice_item" } else { "subscription" }.to_owned(),
        String::new(),
        text(item),
    ]
}

fn lines(left: &Left) -> Table {
    let of_invoice = |invoice: &Value| -> Vec<Vec<String>> {
        invoice["lines"]["data"].as_array().unwrap().iter().map(|shown| line(invoice, shown)).collect()
    };
    Table::of(LINES, left.invoices.iter().flat_map(of_invoice).collect())
}

const SUBSCRIPTIONS: &str = "id cancel_at_period_end canceled_at created current_period_end customer_id \
    discount_coupon_id discount_end discounts ended_at plan_id price_id quantity start_date status trial_end";

fn subscriptions(left: &Left) -> Table {
    let row = |subscription: &Value| {
        let items = subscription["items"]["data"].as_array().unwrap();
        // Sigma has a price and a quantity where there is one item.
        let only = if let [only] = items.as_slice() { only } else { &Value::Null };
        let price = text(first(only, &["/price/id", "/plan/id"]));
        let [id, coupon, _, end] = discount(subscription);
        let period_end = first(subscription, &["/current_period_end", "/items/data/0/current_period_end"]);
        vec![
            text(&subscription["id"]),
            text(&subscription["cancel_at_period_end"]),
            time(&subscription["canceled_at"]),
            time(&subscription["created"]),
            time(period_end),
            text(&subscription["customer"]),
            coupon,
            end,
            id,
            time(&subscription["ended_at"]),
            price.clone(),
            price,
            text(&only["quantity"]),
            time(&subscription["start_date"]),
            text(&subscription["status"]),
            time(&subscription["trial_end"]),
        ]
    };
    Table::of(SUBSCRIPTIONS, left.subscriptions.iter().map(row).collect())
}

const ITEMS: &str = "id created plan_amount plan_currency plan_id plan_interval plan_interval_count price_currency \
    price_id price_product_id price_recurring_interval price_recurring_interval_count price_unit_amount quantity \
    subscription";

fn items(left: &Left) -> Table {
    let of_subscription = |subscription: &Value| -> Vec<Vec<String>> {
        let row = |item: &Value| {
            let (id, product, amount, interval) = wire::PRICES
                .into_iter()
                .find(|(id, ..)| text(first(item, &["/price/id", "/plan/id"])) == *id)
                .unwrap();
            let words = [
                &text(&item["id"]),
                &text(&item["created"]),
                &amount.to_string(),
                "usd",
                id,
                interval,
                "1",
                "usd",
                id,
                product,
                interval,
                "1",
                &amount.to_string(),
                &text(&item["quantity"]),
                &text(&subscription["id"]),
            ];
            words.map(str::to_owned).to_vec()
        };
        subscription["items"]["data"].as_array().unwrap().iter().map(row).collect()
    };
    Table::of(ITEMS, left.subscriptions.iter().flat_map(of_subscription).collect())
}

fn coupons() -> Table {
    let mut rows = Vec::new();
    for (size, percent, amount) in [("quarter", "25", ""), ("three", "", "300")] {
        for duration in ["forever", "repeating", "once"] {
            let id = format!("coupon_{size}_{duration}");
            let made = "2023-01-01 00:00:00.000";
            rows.push([&id, duration, percent, amount, "usd", made].map(str::to_owned).to_vec());
        }
    }
    Table::of("id duration percent_off amount_off currency created", rows)
}

fn prices() -> Table {
    let row = |(at, price): (usize, wire::Price)| {
        let (id, product, amount, interval) = price;
        let usage = if at == wire::METERED { "metered" } else { "licensed" };
        let made = "2023-11-14 22:13:20.000";
        [id, product, &amount.to_string(), "usd", interval, "1", usage, made].map(str::to_owned).to_vec()
    };
    let columns = "id product_id unit_amount currency recurring_interval recurring_interval_count \
                   recurring_usage_type created";
    Table::of(columns, wire::PRICES.into_iter().enumerate().map(row).collect())
}

/// The same business by lists of Stripe's API, each in a file.
fn by_lists(left: &Left) -> Place {
    let place = Place::new();
    let prices: Vec<Value> = (0..wire::PRICES.len()).map(wire::price).collect();
    let files = [
        place.write("prices.json", list(&prices)),
        place.write("subscriptions.json", list(&left.subscriptions)),
        place.write("invoices.json", list(&left.invoices)),
    ];
    place.output(&["backfill", &files[0], &files[1], &files[2]]);
    place
}

/// A folder with the tables of invoices and what belongs to them, and the list of subscriptions.
fn with_tables(left: &Left) -> Place {
    let place = Place::new();
    std::fs::create_dir(place.path("sigma")).unwrap();
    place.write("sigma/coupons.csv", coupons().csv());
    place.write("sigma/invoices.csv", invoices(left).csv());
    place.write("sigma/invoice_line_items.csv", lines(left).csv());
    place.write("sigma/prices.csv", prices().csv());
    place.write("subscriptions.json", list(&left.subscriptions));
    place
}

fn summary(place: &Place, arguments: &[&str]) -> Value {
    let output = place.run(&[&["backfill", "--format", "json"], arguments].concat());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn file<'s>(summary: &'s Value, name: &str) -> &'s Value {
    let files = summary["files"].as_array().unwrap();
    files.iter().find(|file| file["file"].as_str().unwrap().ends_with(name)).unwrap()
}

fn reasons(file: &Value) -> Vec<String> {
    file["ignored_by_reason"].as_array().unwrap().iter().map(|told| text(&told["reason"])).collect()
}

#[test]
fn invoices_and_their_lines_as_tables_move_what_lists_of_invoices_move() {
    for seed in 1..5 {
        let left = customer(seed, Changes::Billed);
        let place = with_tables(&left);
        place.output(&["backfill", "sigma", "subscriptions.json"]);
        let (told, expected) = (figures(&place), figures(&by_lists(&left)));
        assert!(!expected.is_empty());
        assert_eq!(told, expected, "seed {seed}");
        place.output(&["verify"]);
        let grades: Vec<String> =
            place.movements().iter().map(|row| text(&row["evidence"]["grade"])).collect();
        assert!(grades.contains(&"invoice_line".to_owned()), "{grades:?}");
    }
}

#[test]
fn beside_lists_of_the_same_they_move_nothing() {
    let left = customer(3, Changes::Billed);
    let (place, by_lists) = (with_tables(&left), by_lists(&left));
    let expected = figures(&by_lists);
    for table in ["coupons", "prices", "invoices", "lines"] {
        let name = if table == "lines" { "invoice_line_items" } else { table };
        by_lists
            .write(&format!("{table}.csv"), std::fs::read(place.path(&format!("sigma/{name}.csv"))).unwrap());
    }
    by_lists.output(&["backfill", "lines.csv", "coupons.csv", "prices.csv", "invoices.csv"]);
    assert_eq!(figures(&by_lists), expected);
    by_lists.output(&["verify"]);
}

#[test]
fn neither_the_order_of_rows_columns_and_files_nor_their_form_matters() {
    let left = customer(2, Changes::Billed);
    let place = with_tables(&left);
    place.output(&["backfill", "sigma", "subscriptions.json"]);
    let mut chance = Chance::new(7);
    let (invoices, lines) = (invoices(&left), lines(&left));
    let (invoices, lines) = (invoices.shuffled(&mut chance), lines.shuffled(&mut chance));
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [("a.parquet", lines.parquet()), ("b.csv", invoices.csv().into_bytes())] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    place.write("again.zip", zip.finish().unwrap().into_inner());
    place.write("invoices.parquet", invoices.parquet());
    place.write("lines.csv", lines.csv());
    let known = left.invoices.len();
    let roads: [&[&str]; 4] = [
        &["sigma", "again.zip"],
        &["lines.csv", "invoices.parquet"],
        &["invoices.parquet", "lines.csv"],
        &["again.zip"],
    ];
    for road in roads {
        let told = summary(&place, road);
        assert_eq!(told["total"]["accepted"], 0, "{road:?}: {told:#}");
        let joined = file(&told, "joined rows");
        assert!(joined["known"].as_u64().unwrap() >= known as u64, "{told:#}");
        assert_eq!(told["total"]["movements_posted"], 0);
    }
}

#[test]
fn a_summary_counts_rows_in_their_files_and_objects_where_they_are_joined() {
    let left = customer(2, Changes::Billed);
    let place = with_tables(&left);
    let told = summary(&place, &["sigma"]);
    let (invoices, lines) = (left.invoices.len(), lines(&left).rows.len());
    let read = file(&told, "sigma/invoices.csv");
    assert_eq!((&read["rows"], &read["put_aside"]), (&json!(invoices), &json!(invoices)));
    assert_eq!(file(&told, "invoice_line_items.csv")["put_aside"], json!(lines));
    let joined = file(&told, "joined rows");
    assert_eq!((&joined["rows"], &joined["accepted"]), (&json!(invoices), &json!(invoices)));
    let all = coupons().rows.len() + prices().rows.len() + invoices + lines;
    assert_eq!(told["total"]["rows"], json!(all));
    let place = with_tables(&left);
    let said = place.output(&["backfill", "sigma"]);
    assert!(said.contains(&format!("put aside {lines}: joined with the rows of other tables")), "{said}");
    assert!(said.contains(&format!("joined rows: {invoices} objects, {invoices} accepted")), "{said}");
    assert!(said.contains("all 4 files: "), "{said}");
}

/// Many customers, each with names of its own.
fn business(customers: u64) -> Left {
    let mut all = Left::default();
    for seed in 1..=customers {
        let left = customer(seed, Changes::Billed);
        let own = |objects: Vec<Value>| -> Vec<Value> {
            let text = Value::Array(objects).to_string();
            let text = text.replace("sub_", &format!("sub_{seed}_")).replace("cus_1", &format!("cus_{seed}"));
            serde_json::from_str(&text).unwrap()
        };
        all.invoices.extend(own(left.invoices));
        all.subscriptions.extend(own(left.subscriptions));
    }
    all
}

#[test]
fn a_join_that_was_killed_is_run_again_to_the_same_ledger() {
    let (left, road) = (business(40), ["backfill", "sigma", "subscriptions.json"]);
    let (whole, broken) = (with_tables(&left), with_tables(&left));
    whole.output(&road);
    broken.output(&["migrate"]);
    broken.kill_once(|place| place.stored().iter().any(|id| id.starts_with("row:in_")), &road);
    broken.output(&road);
    assert_same(&broken.movements(), &whole.movements(), "killed");
    assert_eq!(broken.stored(), whole.stored());
    broken.output(&["verify"]);
}

#[test]
fn a_dry_run_joins_and_changes_nothing() {
    let left = customer(2, Changes::Billed);
    let place = with_tables(&left);
    let said = place.output(&["backfill", "--dry-run", "sigma", "subscriptions.json"]);
    assert!(said.contains("cus_1"), "{said}");
    assert_eq!(rows(&place.output(&["status", "--format", "json"]))[0]["stored"], 0);
}

#[test]
fn a_table_without_its_partner_is_told_and_joined_when_both_are_fed() {
    let left = customer(2, Changes::Billed);
    let place = with_tables(&left);
    let told = summary(&place, &["sigma/invoice_line_items.csv"]);
    let joined = file(&told, "joined rows");
    assert_eq!(joined["ignored"], json!(lines(&left).rows.len()));
    assert!(reasons(joined)[0].contains("feed Sigma's `invoices` beside it"), "{joined:#}");
    let told = summary(&place, &["sigma/invoices.csv"]);
    assert!(reasons(file(&told, "joined rows"))[0].contains("`invoice_line_items` together"), "{told:#}");
    assert!(place.movements().is_empty());
    place.output(&["backfill", "sigma", "subscriptions.json"]);
    assert_eq!(figures(&place), figures(&by_lists(&left)));
    let items = summary_of_items(&place, &left);
    assert!(reasons(file(&items, "joined rows"))[0].contains("`subscriptions` beside it"), "{items:#}");
}

fn summary_of_items(place: &Place, left: &Left) -> Value {
    place.write("subscription_items.csv", items(left).csv());
    summary(place, &["subscription_items.csv"])
}

#[test]
fn an_invoice_of_which_lines_are_missing_is_told_and_not_used() {
    let left = customer(2, Changes::Billed);
    let place = with_tables(&left);
    let mut all = lines(&left);
    let dear = all.rows.iter().position(|row| row[1].parse::<i64>().unwrap() > 0).unwrap();
    let (kept, cut) = (all.csv(), all.rows.remove(dear)[4].clone());
    place.write("sigma/invoice_line_items.csv", all.csv());
    let told = summary(&place, &["sigma"]);
    let joined = file(&told, "joined rows");
    let shows = all.rows.iter().any(|row| row[4] == cut);
    let wanted = if shows { "less than its subtotal" } else { "without its lines" };
    assert!(reasons(joined)[0].contains(wanted), "{joined:#}");
    assert_eq!(joined["ignored"], 1);
    // With all of them it is the invoice that it is.
    place.write("sigma/invoice_line_items.csv", kept);
    place.output(&["backfill", "sigma", "subscriptions.json"]);
    assert_eq!(figures(&place), figures(&by_lists(&left)));
}

#[test]
fn a_line_that_is_wrong_is_parked_with_its_invoice_and_fed_again_with_it() {
    let left = customer(2, Changes::Billed);
    let place = with_tables(&left);
    let mut all = lines(&left);
    all.rows[0][12] = "many".to_owned();
    place.write("sigma/invoice_line_items.csv", all.csv());
    let output = place.run(&["backfill", "sigma", "subscriptions.json"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let wanted = "parked sigma/invoice_line_items.csv:2: column `quantity`: expected a whole number";
    assert!(said.contains(wanted) && !said.contains("many"), "{said}");
    let parked = std::fs::read_to_string(place.path("upswell.parked")).unwrap();
    assert_eq!(parked.lines().count(), 1, "{parked}");
    let is_fed = |text: &str| {
        place.write("upswell.parked", text);
        place.run(&["backfill", "upswell.parked"]).status.code() == Some(0)
    };
    assert!(!is_fed(&parked));
    assert_eq!(std::fs::read_to_string(place.path("upswell.parked")).unwrap(), parked);
    assert!(is_fed(&parked.replace("many", &lines(&left).rows[0][12])));
    assert!(!place.path("upswell.parked").exists());
    assert_eq!(figures(&place), figures(&by_lists(&left)));
}

#[test]
fn subscriptions_and_their_items_as_tables_are_what_lists_of_them_are() {
    for seed in 1..5 {
        let left = customer(seed, Changes::Billed);
        let place = with_tables(&left);
        place.write("sigma/subscription_items.csv", items(&left).csv());
        place.write("sigma/subscriptions.csv", subscriptions(&left).csv());
        place.output(&["backfill", "sigma"]);
        assert_eq!(figures(&place), figures(&by_lists(&left)), "seed {seed}");
        place.output(&["verify"]);
        place.write("items.parquet", items(&left).parquet());
        place.write("subscriptions.csv", subscriptions(&left).shuffled(&mut Chance::new(seed)).csv());
        let again = summary(&place, &["subscriptions.csv", "items.parquet"]);
        assert_eq!(again["total"]["accepted"], 0, "{again:#}");
    }
}
