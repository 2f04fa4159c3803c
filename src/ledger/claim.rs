//! Claims on deliveries: what a backfill stores it settles itself, by customer, when all of it is there. As long as
//! its claim lasts nobody else settles those; a run that dies lets its claim lapse, and whoever comes next goes on.

use sea_orm::{ConnectionTrait, FromQueryResult};

use super::error::while_doing;
use super::open::run;
use super::sql::{one, statement};
use super::{Ledger, LedgerError};

/// A run that settles itself what it stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run(pub(super) i64);

#[derive(FromQueryResult)]
struct RunRow {
    id: i64,
}

#[derive(FromQueryResult)]
struct UntilRow {
    until: Option<i64>,
}

impl Ledger {
    /// Begins a run, whose claim lasts until an instant, or until a later one that it stores something with.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn begin_run(&self, until: i64) -> Result<Run, LedgerError> {
        let transaction = self.begin().await?;
        let sql = "INSERT INTO claim (until) VALUES (?) RETURNING id";
        let row: Option<RunRow> =
            one(&transaction, "begin a run", statement(sql, vec![until.into()])).await?;
        transaction.commit().await.map_err(while_doing("begin a run"))?;
        Ok(Run(row.map_or(0, |row| row.id)))
    }

    /// Gives a run what others left whose claims lasted no longer than an instant.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn take_over(&self, to: Run, lapsed: i64) -> Result<(), LedgerError> {
        let transaction = self.begin().await?;
        let sql =
            "UPDATE pending SET run = ? WHERE run IN (SELECT id FROM claim WHERE id <> ? AND until <= ?)";
        let values = vec![to.0.into(), to.0.into(), lapsed.into()];
        run(&transaction, "take over what is left", statement(sql, values)).await?;
        let sql = "DELETE FROM claim WHERE id <> ? AND until <= ?";
        run(&transaction, "take over what is left", statement(sql, vec![to.0.into(), lapsed.into()])).await?;
        transaction.commit().await.map_err(while_doing("take over what is left"))
    }

    /// Gives a run what waits and nobody claims.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn take_unclaimed(&self, to: Run) -> Result<(), LedgerError> {
        let transaction = self.begin().await?;
        let sql = "UPDATE pending SET run = ? WHERE run IS NULL";
        run(&transaction, "take what waits", statement(sql, vec![to.0.into()])).await?;
        transaction.commit().await.map_err(while_doing("take what waits"))
    }

    /// Until when the last of the other runs' claims lasts; `None` if there is no other.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn claimed_beside(&self, mine: Run) -> Result<Option<i64>, LedgerError> {
        let sql = "SELECT MAX(until) AS until FROM claim WHERE id <> ?";
        let row: Option<UntilRow> =
            one(self.reader(), "look for other runs", statement(sql, vec![mine.0.into()])).await?;
        Ok(row.and_then(|row| row.until))
    }

    /// Leaves what a run stored and did not settle to whoever settles.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn release(&self, of: Run) -> Result<(), LedgerError> {
        let transaction = self.begin().await?;
        let sql = "UPDATE pending SET run = NULL WHERE run = ?";
        run(&transaction, "leave what waits", statement(sql, vec![of.0.into()])).await?;
        transaction.commit().await.map_err(while_doing("leave what waits"))
    }

    /// Ends a run: what it left waits for whoever settles.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn end_run(&self, ended: Run) -> Result<(), LedgerError> {
        self.release(ended).await?;
        let transaction = self.begin().await?;
        run(&transaction, "end a run", statement("DELETE FROM claim WHERE id = ?", vec![ended.0.into()]))
            .await?;
        transaction.commit().await.map_err(while_doing("end a run"))
    }

    /// Keeps a run's claim until a later instant.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn keep_claim(&self, of: Run, until: i64) -> Result<(), LedgerError> {
        let transaction = self.begin().await?;
        claim(&transaction, of, until).await?;
        transaction.commit().await.map_err(while_doing("keep a claim"))
    }
}

/// Claims what a run stores until an instant, also if its claim had lapsed meanwhile.
pub(super) async fn claim<C: ConnectionTrait>(db: &C, of: Run, until: i64) -> Result<(), LedgerError> {
    let sql =
        "INSERT INTO claim (id, until) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET until = excluded.until";
    run(db, "keep a claim", statement(sql, vec![of.0.into(), until.into()])).await.map(drop)
}
