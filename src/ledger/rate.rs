//! The table of exchange rates (R9): only added to, the newest row of a day and pair stands.

use std::collections::HashMap;

use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::error::while_doing;
use super::sql::{Table, all, number, statement};
use super::{Ledger, LedgerError, Snapshot};
use crate::mrr::{Currency, ExchangeRate, Instant, Month, Quote, RateTable};

/// A quote and the line of its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedQuote {
    /// What it says.
    pub quote: Quote,
    /// Where it stands, from 1.
    pub line: u64,
}

/// A rate that another one took the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// What stands now.
    pub quote: Quote,
    /// What stood before; it stays on record.
    pub old: ExchangeRate,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateImport {
    /// Rates of days and pairs that had none.
    pub new: usize,
    /// Rates that stood already.
    pub known: usize,
    /// Rates that took the place of others.
    pub replaced: Vec<Replaced>,
}

/// The exchange rates that one file brought.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct RateSource {
    /// The file.
    pub source: String,
    /// How many it added.
    pub count: i64,
    /// The first of their days.
    pub first_date: String,
    /// The last of them.
    pub last_date: String,
    /// When the last was imported.
    pub imported_at: i64,
}

#[derive(FromQueryResult)]
struct RateRow {
    date: String,
    from_currency: String,
    to_currency: String,
    rate: String,
}

const RATES: Table = Table {
    name: "rate",
    columns: &["date", "from_currency", "to_currency", "rate", "source", "line", "imported_at"],
    tail: "",
};

impl Ledger {
    /// Adds what is new among quotes, in one transaction: a rate that stands already is left alone, so
    /// that importing again changes nothing.
    ///
    /// # Errors
    ///
    /// The store's refusal; nothing is added then.
    pub async fn import_rates(
        &self,
        quotes: &[ImportedQuote],
        source: &str,
        now: i64,
    ) -> Result<RateImport, LedgerError> {
        let mut done = RateImport::default();
        let days = || quotes.iter().map(|imported| imported.quote.date);
        let (Some(first), Some(last)) = (days().min(), days().max()) else { return Ok(done) };
        let transaction = self.begin().await?;
        let mut standing: HashMap<(NaiveDate, Currency, Currency), ExchangeRate> = HashMap::new();
        for quote in read(&transaction, (first, last), i64::MAX, None).await? {
            standing.insert((quote.date, quote.from, quote.to), quote.rate);
        }
        let mut values = Vec::new();
        for ImportedQuote { quote, line } in quotes {
            let key = (quote.date, quote.from.clone(), quote.to.clone());
            match standing.insert(key, quote.rate.clone()) {
                Some(old) if old == quote.rate => {
                    done.known += 1;
                    continue;
                }
                Some(old) => done.replaced.push(Replaced { quote: quote.clone(), old }),
                None => done.new += 1,
            }
            values.extend([
                quote.date.to_string().into(),
                quote.from.to_string().into(),
                quote.to.to_string().into(),
                quote.rate.to_string().into(),
                source.into(),
                i64::try_from(*line).unwrap_or(i64::MAX).into(),
                now.into(),
            ]);
        }
        RATES.insert(&transaction, values).await?;
        transaction.commit().await.map_err(while_doing("add rates"))?;
        Ok(done)
    }

    /// Where exchange rates came from, the last first.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn rate_sources(&self) -> Result<Vec<RateSource>, LedgerError> {
        let sql = "SELECT source, COUNT(*) AS count, MIN(date) AS first_date, MAX(date) AS last_date, \
                   MAX(imported_at) AS imported_at FROM rate GROUP BY source ORDER BY MAX(seq) DESC";
        all(self.reader(), "look where rates came from", statement(sql, Vec::new())).await
    }

    /// The place of the last rate, of those that were known by then with `known_by`; 0 if there is none.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn last_rate(&self, known_by: Option<Instant>) -> Result<i64, LedgerError> {
        let known = if known_by.is_some() { "WHERE imported_at <= $1" } else { "" };
        let sql = format!("SELECT MAX(seq) FROM rate {known}");
        let values = known_by.iter().map(|at| at.0.into()).collect();
        Ok(number(self.reader(), "look for rates", statement(sql, values)).await?.unwrap_or_default())
    }

    /// The rates that the months from one to another may need, up to the place of one; with `known_by`, as they were
    /// known by then.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn rates(
        &self,
        months: (Month, Month),
        through: i64,
        known_by: Option<Instant>,
    ) -> Result<RateTable, LedgerError> {
        table(self.reader(), months, through, known_by).await
    }
}

impl Snapshot {
    /// The rates that the months from one to another may need, up to the place of one.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn rates(&self, months: (Month, Month), through: i64) -> Result<RateTable, LedgerError> {
        table(self.db(), months, through, None).await
    }
}

async fn table<C: ConnectionTrait>(
    db: &C,
    (from, to): (Month, Month),
    through: i64,
    known_by: Option<Instant>,
) -> Result<RateTable, LedgerError> {
    let mut table = RateTable::default();
    for quote in read(db, (from.first_day(), to.last_day()), through, known_by).await? {
        table.add(quote);
    }
    Ok(table)
}

/// Every row of a run of days, in the order they were added.
async fn read<C: ConnectionTrait>(
    db: &C,
    (first, last): (NaiveDate, NaiveDate),
    through: i64,
    known_by: Option<Instant>,
) -> Result<Vec<Quote>, LedgerError> {
    let sql = "SELECT date, from_currency, to_currency, rate FROM rate WHERE date BETWEEN $1 AND $2 AND seq <= $3 \
               AND imported_at <= $4 ORDER BY seq";
    let known_by = known_by.map_or(i64::MAX, |at| at.0);
    let values = vec![first.to_string().into(), last.to_string().into(), through.into(), known_by.into()];
    let rows: Vec<RateRow> = all(db, "read the rates", statement(sql, values)).await?;
    rows.into_iter().map(quote).collect()
}

fn quote(row: RateRow) -> Result<Quote, LedgerError> {
    let (date, rate) = (row.date.parse().ok(), ExchangeRate::parse(&row.rate));
    let (Some(date), Some(rate)) = (date, rate) else {
        let pair = format!("{} in {}", row.from_currency, row.to_currency);
        return Err(LedgerError::NoRate { pair, date: row.date });
    };
    Ok(Quote { date, from: row.from_currency.into(), to: row.to_currency.into(), rate })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn quote(rate: &str) -> [ImportedQuote; 1] {
        let (date, rate) = ("2026-10-30".parse().unwrap(), ExchangeRate::parse(rate).unwrap());
        [ImportedQuote { quote: Quote { date, from: "usd".into(), to: "eur".into(), rate }, line: 2 }]
    }

    #[tokio::test]
    async fn a_rate_that_was_replaced_stays_on_record_and_can_not_be_removed() {
        let directory = tempfile::tempdir().unwrap();
        let url = crate::ledger::tests::new_url(directory.path()).await;
        let ledger = Ledger::open(&url).await.unwrap();
        ledger.migrate().await.unwrap();
        for (rate, new, known, replaced) in
            [("0.92", 1, 0, 0), ("0.920", 0, 1, 0), ("0.93", 0, 0, 1), ("0.92", 0, 0, 1)]
        {
            let done = ledger.import_rates(&quote(rate), "rates.csv", 100).await.unwrap();
            assert_eq!((done.new, done.known, done.replaced.len()), (new, known, replaced), "{rate}");
        }
        let october = Month::parse("2026-10").unwrap();
        let found = ledger.rates((october, october), i64::MAX, None).await.unwrap();
        let found = found.of_month(&"usd".into(), &"eur".into(), october).unwrap();
        assert_eq!(found.quotes[0].rate.to_string(), "0.92");
        let days = (october.first_day(), october.last_day());
        assert_eq!(read(ledger.reader(), days, i64::MAX, None).await.unwrap().len(), 3);
        for act in ["UPDATE rate SET rate = '1'", "DELETE FROM rate"] {
            let transaction = ledger.begin().await.unwrap();
            let refused = transaction.execute_unprepared(act).await.unwrap_err().to_string();
            assert!(refused.contains("append-only"), "{act}: {refused}");
        }
    }
}
