//! Claims on deliveries: what a backfill stores it settles itself, by customer, when all of it is there. As long as
//! its claim lasts nobody else settles those; a run that dies lets its claim lapse, and whoever comes next goes on.

use sea_orm::{ConnectionTrait, FromQueryResult, Value};

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

/// Deliveries marked in one transaction.
const A_TURN: i64 = 5_000;

const MARK: &str = "INSERT INTO disposition (inbox_seq, outcome, decided_at, engine) \
    SELECT inbox_seq, 'settled', ?, ? FROM pending WHERE run = ? AND inbox_seq >= ? AND inbox_seq <= ? \
    ORDER BY inbox_seq \
    ON CONFLICT (inbox_seq) DO UPDATE SET outcome = excluded.outcome, reason = NULL, path = NULL, \
    decided_at = excluded.decided_at, engine = excluded.engine";
const CLEAR: &str = "DELETE FROM pending WHERE run = ? AND inbox_seq >= ? AND inbox_seq <= ?";

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

    /// Marks as settled what waits of a run, those deliveries whose numbers lie between two, both of them included,
    /// for each of some ranges. Deliveries that come meanwhile get their turn now and then.
    ///
    /// # Errors
    ///
    /// The store's refusal; what was marked before it stays so.
    pub async fn mark_settled(
        &self,
        of: Run,
        ranges: &[(i64, i64)],
        (now, engine): (i64, &str),
    ) -> Result<(), LedgerError> {
        let act = "mark what is settled";
        for some in in_turns(ranges) {
            let transaction = self.begin().await?;
            for (first, last) in some {
                let values = [of.0, first, last].map(Value::from);
                let decided = [now.into(), engine.into()].into_iter().chain(values.clone()).collect();
                run(&transaction, act, statement(MARK, decided)).await?;
                run(&transaction, act, statement(CLEAR, values.into())).await?;
            }
            transaction.commit().await.map_err(while_doing(act))?;
        }
        Ok(())
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

/// Ranges in groups that hold so many numbers each, about; long ones are cut.
fn in_turns(ranges: &[(i64, i64)]) -> Vec<Vec<(i64, i64)>> {
    let (mut turns, mut turn, mut room) = (Vec::new(), Vec::new(), A_TURN);
    for (mut first, last) in ranges.iter().copied() {
        while first <= last {
            let cut = last.min(first + room - 1);
            turn.push((first, cut));
            room -= cut - first + 1;
            first = cut + 1;
            if room == 0 {
                turns.push(std::mem::take(&mut turn));
                room = A_TURN;
            }
        }
    }
    turns.extend(Some(turn).filter(|turn| !turn.is_empty()));
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_taken_in_turns_that_leave_none_out_and_take_none_twice() {
        let ranges = [(1, 3), (5, 5), (7, 50_000), (60_000, 60_001)];
        let turns = in_turns(&ranges);
        let held = |turn: &Vec<(i64, i64)>| turn.iter().map(|(first, last)| last - first + 1).sum::<i64>();
        assert!(turns.iter().all(|turn| held(turn) <= A_TURN));
        let told: Vec<i64> = turns.iter().flatten().flat_map(|(first, last)| *first..=*last).collect();
        assert_eq!(told, ranges.iter().flat_map(|(first, last)| *first..=*last).collect::<Vec<_>>());
        assert!(in_turns(&[]).is_empty());
    }
}
