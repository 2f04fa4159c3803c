//! Which postings are wanted, how they are read, and what they come to.

use chrono_tz::Tz;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Value};

use super::posting::{COLUMNS, PostingRow, STANDS};
use super::sql::{all, statement};
use super::{Ledger, LedgerError, Posting};
use crate::mrr::{Cause, Class, Currency, Delta, Grade, Kind, MICRO, Month, Motion};

/// Which postings are wanted; what is `None` or empty is not asked.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of this book.
    pub book: Option<String>,
    /// Of this customer.
    pub customer: Option<String>,
    /// From this month on.
    pub from_month: Option<Month>,
    /// Up to and with this month.
    pub to_month: Option<Month>,
    /// Of one of these classes.
    pub classes: Vec<Class>,
    /// Of one of these kinds.
    pub kinds: Vec<Kind>,
    /// Of this cause.
    pub cause: Option<Cause>,
    /// Moved by whom.
    pub motion: Option<Motion>,
    /// Of this product: the item's after it, or before it where nothing is left.
    pub product: Option<String>,
    /// Of this price, likewise.
    pub price: Option<String>,
    /// In this currency.
    pub currency: Option<Currency>,
    /// Resting on evidence of this grade.
    pub grade: Option<Grade>,
    /// Of customers only of whom a movement from nothing, of somebody who had never paid, stands in this month.
    pub new_in: Option<Month>,
    /// After this place in the ledger.
    pub since_seq: Option<i64>,
    /// Of this name.
    pub id: Option<String>,
    /// What was posted when its month was closed: the store finds these few by themselves.
    pub late: bool,
    /// What was taken back as well, and the reversals that did.
    pub all: bool,
    /// The first so many.
    pub limit: Option<usize>,
}

/// What postings of one currency come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedSum {
    /// The currency.
    pub currency: Currency,
    /// How many they are.
    pub movements: u64,
    /// Their sum.
    pub delta: Delta,
}

#[derive(FromQueryResult)]
struct SumRow {
    currency: String,
    movements: i64,
    whole: i64,
    part: i64,
}

impl Ledger {
    /// The postings that are wanted, in the ledger's order: those that stand, or all.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn postings(&self, wanted: &Wanted) -> Result<Vec<Posting>, LedgerError> {
        postings_of(self.reader(), wanted).await
    }

    /// What the postings that are wanted come to, a currency each in the order of their codes, whatever limit is set;
    /// `None` where they are more than `most`, for then each of them would have to be read for a page.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn sums_of(&self, wanted: &Wanted, most: usize) -> Result<Option<Vec<WantedSum>>, LedgerError> {
        let (sql, values) = summing(wanted, self.reader().get_database_backend(), most);
        let rows: Vec<SumRow> = all(self.reader(), "sum up", statement(sql, values)).await?;
        let sums: Vec<WantedSum> = rows.into_iter().map(SumRow::restore).collect();
        let movements: u64 = sums.iter().map(|sum| sum.movements).sum();
        Ok((movements <= most as u64).then_some(sums))
    }
}

impl SumRow {
    fn restore(self) -> WantedSum {
        WantedSum {
            currency: self.currency.into(),
            movements: self.movements.unsigned_abs(),
            delta: Delta(i128::from(self.whole) * MICRO + i128::from(self.part)),
        }
    }
}

/// In seconds.
const A_DAY: i64 = 86_400;

/// What is asked of the book where an index by it is of no use: it would have all of its postings sorted again for every
/// page, which are there in the ledger's order.
const ITS_BOOK: &str = "(p.book || '') =";

/// The postings that are wanted.
pub(super) async fn postings_of<C: ConnectionTrait>(
    db: &C,
    wanted: &Wanted,
) -> Result<Vec<Posting>, LedgerError> {
    let (sql, values) = asking_for(wanted, db.get_database_backend());
    let rows: Vec<PostingRow> = all(db, "read postings", statement(sql, values)).await?;
    rows.into_iter().map(PostingRow::restore).collect()
}

/// The statement that reads them.
fn asking_for(wanted: &Wanted, of: DbBackend) -> (String, Vec<Value>) {
    let (terms, values) = terms(wanted, of);
    let columns = COLUMNS.map(|column| format!("p.{column}")).join(", ");
    let limit = wanted.limit.map(|most| format!(" LIMIT {most}")).unwrap_or_default();
    (format!("SELECT p.seq, {columns} FROM posting p WHERE {terms} ORDER BY p.seq{limit}"), values)
}

/// The statement that sums them up, and stops at the first that is too many.
fn summing(wanted: &Wanted, of: DbBackend, most: usize) -> (String, Vec<Value>) {
    let (terms, values) = terms(wanted, of);
    let limit = most.saturating_add(1);
    // In two parts: no integer of the store holds every sum.
    let sql = format!(
        "SELECT w.currency, COUNT(*) AS movements, CAST(SUM(w.delta / {MICRO}) AS BIGINT) AS whole, \
         CAST(SUM(w.delta % {MICRO}) AS BIGINT) AS part FROM \
         (SELECT p.currency, p.delta FROM posting p WHERE {terms} LIMIT {limit}) AS w \
         GROUP BY w.currency ORDER BY w.currency"
    );
    (sql, values)
}

/// What holds of the postings that are wanted.
fn terms(wanted: &Wanted, of: DbBackend) -> (String, Vec<Value>) {
    let mut terms = Terms::default();
    // Those of one month lie in the ledger's order in the index by month; of several they would have to be sorted.
    let (from, to) = (wanted.from_month, wanted.to_month);
    let month = from.filter(|_| from == to);
    let (from, to) = if month.is_some() { (None, None) } else { (from, to) };
    // Those lie in an index by book, in the ledger's order or few of them; of several classes they do not.
    let is_by_class = wanted.classes.len() == 1;
    let is_by_book = wanted.customer.is_some() || month.is_some() || is_by_class || wanted.late;
    // SQLite, which knows no numbers of rows, would take the index by class, of all months.
    let is_class_apart = of == DbBackend::Sqlite && (month.is_some() || !is_by_class);
    let written = |month: Option<Month>| month.map(|month| month.to_string());
    terms.is(if is_by_book { "p.book =" } else { ITS_BOOK }, wanted.book.as_deref());
    terms.is("p.customer =", wanted.customer.as_deref());
    // Who was new in a month are few, and few postings are theirs: by customer, and not through all of the month.
    let is_by_customer = wanted.new_in.is_some();
    terms.is(if is_by_customer { "(p.month || '') =" } else { "p.month =" }, written(month).as_deref());
    terms.is("p.month >=", written(from).as_deref());
    terms.is("p.month <=", written(to).as_deref());
    let class = if is_class_apart { "(p.class || '')" } else { "p.class" };
    terms.is_among(class, wanted.classes.iter().map(|class| class.as_str()));
    terms.is_among("p.kind", wanted.kinds.iter().map(|kind| kind.as_str()));
    terms.is("p.cause =", wanted.cause.map(Cause::as_str));
    terms.is("p.motion =", wanted.motion.map(Motion::as_str));
    terms.is("COALESCE(p.product_after, p.product_before) =", wanted.product.as_deref());
    terms.is("COALESCE(p.price_after, p.price_before) =", wanted.price.as_deref());
    terms.is("p.currency =", wanted.currency.as_ref().map(Currency::as_str));
    terms.is("p.grade =", wanted.grade.map(super::mirror::word_of));
    terms.are_of_new_customers(wanted, of);
    terms.is("p.id =", wanted.id.as_deref());
    if let Some(seq) = wanted.since_seq {
        terms.values.push(seq.into());
        terms.texts.push(format!("p.seq > ${}", terms.values.len()));
    }
    if wanted.late {
        terms.texts.push("p.month <> p.posted_in".to_owned());
    }
    if !wanted.all {
        terms.texts.push(STANDS.to_owned());
    }
    let texts = if terms.texts.is_empty() { "1 = 1".to_owned() } else { terms.texts.join(" AND ") };
    (texts, terms.values)
}

/// Terms that hold together, with the values bound in them.
#[derive(Default)]
struct Terms {
    texts: Vec<String>,
    values: Vec<Value>,
}

impl Terms {
    /// A comparison with a text, where there is one.
    fn is(&mut self, compared: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.values.push(text.into());
            self.texts.push(format!("{compared} ${}", self.values.len()));
        }
    }

    /// Those of customers who were new in a month, where one is named.
    fn are_of_new_customers(&mut self, wanted: &Wanted, of: DbBackend) {
        let Some(month) = wanted.new_in else { return };
        self.values.push(wanted.book.clone().into());
        self.values.push(month.to_string().into());
        let last = self.values.len();
        // The customers first: PostgreSQL is given a list, for it would join all of the month. SQLite finds them by the month
        // and not by the class, of which there are those of all months.
        let (before, after, class) = match of {
            DbBackend::Sqlite => ("IN (", ")", "(n.class || '')"),
            _ => ("= ANY (ARRAY(", "))", "n.class"),
        };
        self.texts.push(format!(
            "p.customer {before}SELECT n.customer FROM posting n WHERE n.book = ${} AND n.month = ${last} \
             AND {class} = 'new' AND n.reverses IS NULL \
             AND NOT EXISTS (SELECT 1 FROM posting m WHERE m.reverses = n.seq){after}",
            last - 1
        ));
        // A customer's postings lie in the order of these. Where on earth the month was counted is not known here.
        let (start, end) = (month.start(Tz::UTC), month.end(Tz::UTC));
        for (compared, at) in [(">", start.0 - 2 * A_DAY), ("<", end.0 + 2 * A_DAY)] {
            self.values.push(at.into());
            self.texts.push(format!("p.effective_at {compared} ${}", self.values.len()));
        }
    }

    /// One of some texts, where there are any.
    fn is_among(&mut self, column: &str, texts: impl Iterator<Item = &'static str>) {
        let mark = |text: &'static str| {
            self.values.push(text.into());
            format!("${}", self.values.len())
        };
        let marks: Vec<String> = texts.map(mark).collect();
        match &marks[..] {
            [] => {}
            [mark] => self.texts.push(format!("{column} = {mark}")),
            marks => self.texts.push(format!("{column} IN ({})", marks.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sql::plans::Plans;
    use super::*;

    /// How SQLite goes about a page, in a new store.
    async fn steps(wanted: &Wanted) -> Vec<String> {
        let (sql, values) = asking_for(wanted, DbBackend::Sqlite);
        Plans::of_a_new_store().await.steps(&sql, values).await
    }

    fn page() -> Wanted {
        Wanted { book: Some("live".to_owned()), limit: Some(50), ..Wanted::default() }
    }

    fn of_month() -> Wanted {
        let month = Month::parse("2026-10");
        Wanted { from_month: month, to_month: month, ..page() }
    }

    const LOST: [Class; 2] = [Class::Contraction, Class::Churn];

    #[tokio::test]
    async fn a_page_of_postings_is_read_as_it_lies_and_not_sorted_out_of_all() {
        let (page, of_month) = (page(), of_month());
        let of_class = Wanted { classes: vec![Class::Resume], ..page.clone() };
        let of_new = Wanted { new_in: of_month.from_month, ..of_month.clone() };
        let by = |index: &str| format!("SEARCH p USING INDEX {index}");
        for (wanted, expected) in [
            (page.clone(), "SCAN p".to_owned()),
            (of_month.clone(), by("posting_month (book=? AND month=?)")),
            (
                Wanted { classes: vec![Class::Resume], ..of_month.clone() },
                by("posting_month (book=? AND month=?)"),
            ),
            (Wanted { classes: LOST.to_vec(), ..of_month.clone() }, by("posting_month (book=? AND month=?)")),
            (
                Wanted { cause: Some(Cause::Tier), product: Some("prod_1".to_owned()), ..of_month },
                by("posting_month (book=? AND month=?)"),
            ),
            (of_class.clone(), by("posting_class (book=? AND class=?)")),
            (Wanted { kinds: vec![Kind::Seat], since_seq: Some(9), ..of_class }, by("posting_class")),
            (Wanted { classes: LOST.to_vec(), ..page.clone() }, "SCAN p".to_owned()),
            (Wanted { since_seq: Some(9), ..page.clone() }, "SEARCH p USING INTEGER PRIMARY KEY".to_owned()),
            (Wanted { late: true, ..page.clone() }, by("posting_late")),
        ] {
            let steps = steps(&wanted).await;
            assert!(steps[0].starts_with(&expected), "{wanted:?}: {steps:?}");
            assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{wanted:?}: {steps:?}");
        }
        for (wanted, index) in [
            (Wanted { id: Some("mv_1".to_owned()), limit: None, ..page.clone() }, "posting_id (id=?)"),
            (
                Wanted { customer: Some("cus_1".to_owned()), ..page },
                "posting_customer (book=? AND customer=?)",
            ),
            (of_new, "posting_customer (book=? AND customer=? AND effective_at>? AND effective_at<?)"),
        ] {
            assert!(steps(&wanted).await[0].contains(index), "{wanted:?}");
        }
    }

    #[tokio::test]
    async fn what_a_month_s_movements_come_to_is_asked_of_that_month_alone() {
        for classes in [vec![], vec![Class::Expansion], LOST.to_vec()] {
            let wanted = Wanted { classes, kinds: Kind::CORE.to_vec(), ..of_month() };
            let (sql, values) = summing(&wanted, DbBackend::Sqlite, 9);
            assert!(sql.contains("LIMIT 10"), "it stops at the first that is too many: {sql}");
            let steps = Plans::of_a_new_store().await.steps(&sql, values).await;
            let reads: Vec<&String> = steps.iter().filter(|step| step.contains(" p ")).collect();
            assert_eq!(reads.len(), 1, "{steps:?}");
            assert!(
                reads[0].starts_with("SEARCH p USING INDEX posting_month (book=? AND month=?"),
                "{steps:?}"
            );
        }
    }
}
