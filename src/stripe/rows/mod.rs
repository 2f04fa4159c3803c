//! Rows of tables: exports of the Dashboard and tables of Sigma. A table is known by its header; a row of it
//! becomes a small JSON document, its cells as texts exactly as they stood, and goes the road of any other.
//!
//! Some objects are told by rows of several tables, an invoice with its lines: such rows are one document.
//!
//! `names` brings spellings together, `forms` knows the tables, `cells` reads cells, `object` and `invoice` make of
//! a row, or of the rows of an object, what Stripe's API would show, as far as they tell it.

mod cells;
mod forms;
mod invoice;
mod names;
mod object;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::amount::Mark;
use super::envelope::{self, Envelope, digest};
use super::event::Event;
use super::json::Json;
use super::node::is_identifier;
use forms::{FORMS, Form, LINES, Of, Part, Role};
use names::{Name, are_sigma_s, name};

pub use cells::date_time;
pub(super) use cells::first_time;
pub use forms::Whole;
pub use names::Clock;
pub(super) use object::{Change, Told, told};

/// What a row's document calls itself.
const OBJECT: &str = "upswell.row";

/// A header that is none of a table that is read, or that leaves out what is needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; looked for {looked_for}")]
pub struct UnknownHeader {
    /// The columns, and what is wrong with them.
    pub what: String,
    /// What was looked for.
    pub looked_for: String,
}

/// A table that is known by its header.
#[derive(Debug, Clone)]
pub struct Sheet {
    form: &'static Form,
    columns: Vec<String>,
    /// Where the object's id stands.
    id: usize,
    mark: Mark,
    /// How its rows are joined with those of other tables, and where the id stands by which they are.
    part: Option<(Part, usize)>,
}

/// A row with the table it is of.
pub type SheetRow<'r> = (&'r Sheet, &'r [String]);

impl Sheet {
    /// The table that a header shows. What stands before the decimals of amounts is found from the rows of
    /// a sample.
    ///
    /// # Errors
    ///
    /// [`UnknownHeader`], with the columns there are and those that were looked for.
    pub fn of<'r>(
        columns: &[String],
        sample: impl Iterator<Item = &'r [String]>,
    ) -> Result<Self, UnknownHeader> {
        let named: Vec<Name> = columns.iter().map(|column| name(column)).collect();
        let keys: Vec<&str> = named.iter().map(Name::key).collect();
        let form = find(columns, &keys)?;
        if let Some(missing) = form.missing(&keys) {
            let missing: Vec<String> = missing.iter().map(|key| format!("`{key}`")).collect();
            let what = format!(
                "this looks like {}, and there is no column {} in {}",
                form.name,
                missing.join(" or "),
                listed(columns)
            );
            return Err(UnknownHeader { what, looked_for: form.looked_for() });
        }
        let ids = object::ids_of(form.of);
        let id = ids.iter().find_map(|id| keys.iter().position(|key| key == id)).unwrap_or_default();
        let is_amount = |place: &usize| form.amounts.contains(&keys[*place]);
        let amounts: Vec<usize> = (0..keys.len()).filter(is_amount).collect();
        let told = sample.flat_map(|row| amounts.iter().filter_map(|place| row.get(*place)));
        let mark = if amounts.is_empty() { Mark::Point } else { Mark::of(told.map(String::as_str)) };
        let part = form.part_in(&keys, are_sigma_s(columns));
        Ok(Self { form, columns: columns.to_vec(), id, mark, part })
    }

    /// The same, where what stands before decimals is known: `.` or `,`.
    #[must_use]
    pub fn with_decimals_after(self, mark: char) -> Self {
        Self { mark: if mark == ',' { Mark::Comma } else { Mark::Point }, ..self }
    }

    /// What the table is, for people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.form.name
    }

    /// The names of its columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// What stands before the decimals of its amounts: `.` or `,`.
    #[must_use]
    pub fn decimals_after(&self) -> char {
        self.mark.of_decimals()
    }

    /// The subscription that a row tells a part of, where a table has one row a plan: rows of one
    /// subscription are one document.
    #[must_use]
    pub fn whole<'r>(&self, row: &'r [String]) -> Option<&'r str> {
        let id = row.get(self.id).map(|id| id.trim()).filter(|id| !id.is_empty());
        id.filter(|_| self.form.of == Of::Subscription)
    }

    /// Whether its rows are joined with those of other tables.
    #[must_use]
    pub fn is_part(&self) -> bool {
        self.part.is_some()
    }

    /// Whether its rows are the objects themselves that rows of other tables stand under.
    #[must_use]
    pub fn is_head(&self) -> bool {
        self.part.is_some_and(|(part, _)| part.role == Role::Head)
    }

    /// The object that a row tells of together with rows of other tables, and its id; none of a row that names none.
    #[must_use]
    pub fn joins<'r>(&self, row: &'r [String]) -> Option<(Whole, &'r str)> {
        let (part, at) = self.part?;
        let id = row.get(at).map(|id| id.trim()).filter(|id| !id.is_empty())?;
        Some((part.whole, id))
    }

    /// Whether rows of other tables, standing under a row of this one, tell what it leaves out.
    #[must_use]
    pub fn is_completed_by(&self, under: &[SheetRow<'_>]) -> bool {
        let has = |member| under.iter().any(|(sheet, _)| sheet.stands_in() == Some(member));
        match self.part.filter(|(part, _)| part.role == Role::Head) {
            Some((part, _)) if part.whole == Whole::Invoice => has(LINES),
            Some(_) => has(forms::ITEMS),
            None => false,
        }
    }

    /// The member of the object that its rows stand in.
    fn stands_in(&self) -> Option<&'static str> {
        match self.part?.0.role {
            Role::Head => None,
            Role::Under(member) => Some(member),
        }
    }

    /// The document of a row, or of all rows of one subscription; of a book that it does not name itself.
    /// The same cells under the same columns make the same document, in whatever order they stand.
    #[must_use]
    pub fn document(&self, rows: &[Vec<String>], book: Option<&str>) -> Vec<u8> {
        self.json(rows, book).to_string().into_bytes()
    }

    /// The document of an object's rows with those of other tables that stand under them. In whatever order the
    /// rows come, and however often each of them does, it is the same.
    #[must_use]
    pub fn document_with(&self, rows: &[Vec<String>], under: &[SheetRow<'_>], book: Option<&str>) -> Vec<u8> {
        let mut document = self.json(rows, book);
        let mut own: Vec<Value> = rows.iter().map(|row| self.cells(row)).collect();
        own.sort_by_cached_key(Value::to_string);
        own.dedup();
        document["rows"] = own.into();
        let mut members: BTreeMap<&str, BTreeMap<(String, String), Value>> = BTreeMap::new();
        for (sheet, row) in under {
            let Some(member) = sheet.stands_in() else { continue };
            let cells = sheet.cells(row);
            let id = row.get(sheet.id).cloned().unwrap_or_default();
            members.entry(member).or_default().insert((id, cells.to_string()), cells);
        }
        for (member, rows) in members {
            document[member] = rows.into_values().collect();
        }
        document.to_string().into_bytes()
    }

    /// The cells of a row that are not empty, by their columns.
    fn cells(&self, row: &[String]) -> Value {
        let filled = self.columns.iter().zip(row).filter(|(_, cell)| !cell.trim().is_empty());
        let members = filled.map(|(column, cell)| (column.clone(), Value::String(cell.clone())));
        Value::Object(members.collect::<Map<_, _>>())
    }

    fn json(&self, rows: &[Vec<String>], book: Option<&str>) -> Value {
        let mut document = json!({
            "object": OBJECT,
            "kind": self.form.kind,
            "rows": rows.iter().map(|row| self.cells(row)).collect::<Vec<_>>(),
        });
        if self.mark == Mark::Comma {
            document["decimals_after"] = ",".into();
        }
        if let Some(book) = book {
            let (account, mode) = book.split_once(':').unwrap_or((book, ""));
            let is_own = matches!(book, "live" | "test");
            document["livemode"] = (mode != "test" && book != "test").into();
            if !is_own {
                document["account"] = account.into();
            }
        }
        document
    }
}

impl Name {
    fn key(&self) -> &str {
        match self {
            Self::Own { key, .. } => key,
            Self::Metadata(_) => "",
        }
    }
}

fn find(columns: &[String], keys: &[&str]) -> Result<&'static Form, UnknownHeader> {
    let is_sigma = are_sigma_s(columns);
    if let Some(form) = FORMS.iter().find(|form| form.is_shown_by(keys, is_sigma)) {
        return Ok(form);
    }
    let is_month = |column: &String| crate::mrr::Month::parse(column).is_some();
    if keys.contains(&"customer_id") && columns.iter().any(is_month) {
        let what = "this is MRR per subscriber, a figure and no fact: compare the ledger with it by upswell \
                    reconcile"
            .to_owned();
        return Err(UnknownHeader { what, looked_for: "tables of objects".to_owned() });
    }
    let known = FORMS.iter().map(|form| format!("{} ({})", form.name, form.looked_for()));
    let what = format!("the columns {} are those of no table that is known", listed(columns));
    Err(UnknownHeader { what, looked_for: known.collect::<Vec<_>>().join("; ") })
}

/// Columns for a message. What has no header begins with a row, which may hold a name: it is not repeated.
fn listed(columns: &[String]) -> String {
    let is_row = columns.iter().any(|name| {
        name.contains('@') || ["cus_", "sub_", "price_", "prod_", "in_"].iter().any(|id| name.starts_with(id))
    });
    if is_row {
        return "(line 1 is a row and no header)".to_owned();
    }
    columns.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The envelope of a row's document; `None` of anything else. Its id is made of the object's and of what the
/// row says, so that the same row twice is one.
pub(super) fn envelope_of(event: &Event<'_>, text: &str) -> Option<Envelope> {
    if event.text("object")? != OBJECT {
        return None;
    }
    let json: Json<'_> = serde_json::from_str(text).ok()?;
    let form = Form::of_kind(json.get("kind")?.as_text()?)?;
    let first = json.get("rows")?.elements().first()?;
    let cells = cells::Cells::of(first, &json);
    let id = cells.any(object::ids_of(form.of)).map(|cell| cell.text);
    let id = id.filter(|id| is_identifier(id)).unwrap_or("?");
    let created = first_time(&cells).unwrap_or(0);
    // What the row says itself is true whatever book was named.
    let own_mode = cells.any(&["livemode"]).map(|cell| !cell.text.eq_ignore_ascii_case("false"));
    let digest = digest(form.kind, created, text);
    let account = json.get("account").and_then(Json::as_text).filter(|account| is_identifier(account));
    Some(Envelope {
        id: format!("row:{id}:{}", hex::encode(&digest[..8])),
        kind: form.kind.to_owned(),
        created,
        livemode: own_mode.unwrap_or(json.get("livemode") != Some(&Json::Bool(false))),
        account: account.map(str::to_owned),
        api_version: None,
        form: envelope::Form::Row,
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
