//! Reports that are sent: since when somebody is to have them, who is sending one, and what was sent. Names of the
//! configuration and periods stand here, no addresses.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::error::while_doing;
use super::limited::Transaction;
use super::open::run;
use super::sql::{Table, all, marks, one, statement};
use super::{Ledger, LedgerError};

/// How a report stands that somebody is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DispatchState {
    /// Somebody is sending it, or was when the process ended.
    Sending,
    /// It could not be sent.
    Failed,
    /// It was sent.
    Sent,
}

/// A report that somebody is to have: how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatched {
    /// Whom it is for, by the configuration's name.
    pub name: String,
    /// Of which period: a month, or the day on which a month to date was due.
    pub period: String,
    /// How it stands.
    pub state: DispatchState,
    /// How often sending it was tried.
    pub tries: i64,
    /// When it was tried first.
    pub first_at: i64,
    /// When it was tried last.
    pub begun_at: i64,
    /// Until when it is its sender's; of one that failed, when it is tried again.
    pub again_at: i64,
    /// When it was sent.
    pub sent_at: Option<i64>,
    /// The digest of what was sent.
    pub sha256: Option<String>,
    /// Why it could not be sent.
    pub reason: Option<String>,
    /// Whether the configuration still has its name.
    pub is_planned: bool,
}

/// What stands in the way of sending a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insistence {
    /// That it was sent, and that a try that failed is not due again yet.
    WhenDue,
    /// That it was sent.
    Now,
    /// Only that somebody is sending it this moment.
    OnceMore,
}

/// The right to send a report, for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Whom it is for.
    pub name: String,
    /// Of which period.
    pub period: String,
    /// The number of this try, from 1 on. A later one takes the right over.
    pub tries: i64,
}

#[derive(FromQueryResult)]
struct PlanRow {
    name: String,
    since_at: i64,
}

#[derive(FromQueryResult)]
struct DispatchRow {
    name: String,
    period: String,
    state: String,
    tries: i64,
    first_at: i64,
    begun_at: i64,
    again_at: i64,
    sent_at: Option<i64>,
    sha256: Option<String>,
    reason: Option<String>,
    planned_since: Option<i64>,
}

const SENDING: &str = "sending";
const FAILED: &str = "failed";
const SENT: &str = "sent";

const PLAN: Table = Table {
    name: "dispatch_plan",
    columns: &["name", "since_at"],
    tail: "ON CONFLICT (name) DO UPDATE SET since_at = dispatch_plan.since_at",
};

const DISPATCH: Table = Table {
    name: "dispatch",
    columns: &["name", "period", "state", "tries", "first_at", "begun_at", "again_at"],
    tail: "ON CONFLICT (name, period) DO UPDATE SET state = excluded.state, tries = excluded.tries, \
           begun_at = excluded.begun_at, again_at = excluded.again_at",
};

const ROWS: &str = "SELECT d.name, d.period, d.state, d.tries, d.first_at, d.begun_at, d.again_at, d.sent_at, d.sha256, \
                    d.reason, p.since_at AS planned_since \
                    FROM dispatch d LEFT JOIN dispatch_plan p ON p.name = d.name";

impl Ledger {
    /// Since when each of these names is to have reports: new ones from now on. Names that are not among them are
    /// forgotten, but not what was sent to them.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn plan_dispatches(
        &self,
        names: &[String],
        now: i64,
    ) -> Result<BTreeMap<String, i64>, LedgerError> {
        let act = "read whom reports are for";
        let planned = plan(self.reader()).await?;
        let is_same = planned.len() == names.len() && names.iter().all(|name| planned.contains_key(name));
        if is_same {
            return Ok(planned);
        }
        let transaction = self.begin().await?;
        let values: Vec<Value> = names.iter().map(|name| name.clone().into()).collect();
        let others = if names.is_empty() {
            String::new()
        } else {
            format!(" WHERE name NOT IN ({})", marks(names.len()))
        };
        run(&transaction, act, statement(format!("DELETE FROM dispatch_plan{others}"), values)).await?;
        let rows = names.iter().flat_map(|name| [name.clone().into(), now.into()]).collect();
        PLAN.insert(&transaction, rows).await?;
        let planned = plan(&transaction).await?;
        transaction.commit().await.map_err(while_doing(act))?;
        Ok(planned)
    }

    /// Every report that was sent or is to be, by name and period.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn dispatches(&self) -> Result<Vec<Dispatched>, LedgerError> {
        let sql = format!("{ROWS} ORDER BY d.name, d.period");
        let rows: Vec<DispatchRow> =
            all(self.reader(), "read what was sent", statement(sql, Vec::new())).await?;
        rows.into_iter().map(DispatchRow::restore).collect()
    }

    /// Takes the right to send a report from now on until another instant, after which somebody else may. `Err` of the
    /// inner result says how it stands, where it can't be taken.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn claim_dispatch(
        &self,
        (name, period): (&str, &str),
        (now, until): (i64, i64),
        insistence: Insistence,
    ) -> Result<Result<Claim, Dispatched>, LedgerError> {
        let act = "take over sending a report";
        let transaction = self.begin().await?;
        let found = dispatch(&transaction, name, period).await?;
        if let Some(found) = found.as_ref().filter(|found| found.stands_in_the_way(now, insistence)) {
            return Ok(Err(found.clone()));
        }
        let tries = found.as_ref().map_or(0, |found| found.tries) + 1;
        let first_at = found.as_ref().map_or(now, |found| found.first_at);
        let values = vec![
            name.into(),
            period.into(),
            SENDING.into(),
            tries.into(),
            first_at.into(),
            now.into(),
            until.into(),
        ];
        DISPATCH.insert(&transaction, values).await?;
        transaction.commit().await.map_err(while_doing(act))?;
        Ok(Ok(Claim { name: name.to_owned(), period: period.to_owned(), tries }))
    }

    /// Writes down that a report was sent, by the digest of what was sent. Nothing, if the right to send it was taken
    /// over meanwhile.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn dispatch_sent(&self, claim: &Claim, at: i64, sha256: &str) -> Result<(), LedgerError> {
        let set = "state = $4, sent_at = $5, sha256 = $6, reason = NULL";
        self.end_dispatch(claim, set, vec![SENT.into(), at.into(), sha256.into()]).await
    }

    /// Writes down why a report could not be sent, and when that is tried again.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn dispatch_failed(
        &self,
        claim: &Claim,
        again_at: i64,
        reason: &str,
    ) -> Result<(), LedgerError> {
        let set = "state = $4, again_at = $5, reason = $6";
        self.end_dispatch(claim, set, vec![FAILED.into(), again_at.into(), reason.into()]).await
    }

    async fn end_dispatch(&self, claim: &Claim, set: &str, values: Vec<Value>) -> Result<(), LedgerError> {
        let act = "write down what was sent";
        let sql = format!(
            "UPDATE dispatch SET {set} WHERE name = $1 AND period = $2 AND tries = $3 AND state = 'sending'"
        );
        let key: [Value; 3] = [claim.name.clone().into(), claim.period.clone().into(), claim.tries.into()];
        let transaction = self.begin().await?;
        run(&transaction, act, statement(sql, key.into_iter().chain(values).collect())).await?;
        transaction.commit().await.map_err(while_doing(act))
    }
}

async fn plan<C: ConnectionTrait>(db: &C) -> Result<BTreeMap<String, i64>, LedgerError> {
    let sql = "SELECT name, since_at FROM dispatch_plan ORDER BY name";
    let rows: Vec<PlanRow> = all(db, "read whom reports are for", statement(sql, Vec::new())).await?;
    Ok(rows.into_iter().map(|row| (row.name, row.since_at)).collect())
}

async fn dispatch(db: &Transaction, name: &str, period: &str) -> Result<Option<Dispatched>, LedgerError> {
    let sql = format!("{ROWS} WHERE d.name = $1 AND d.period = $2");
    let values = vec![name.into(), period.into()];
    let row: Option<DispatchRow> = one(db, "read what was sent", statement(sql, values)).await?;
    row.map(DispatchRow::restore).transpose()
}

impl Dispatched {
    /// Whether it must not be sent at `now`.
    #[must_use]
    pub fn stands_in_the_way(&self, now: i64, insistence: Insistence) -> bool {
        match self.state {
            DispatchState::Sending => now < self.again_at,
            DispatchState::Failed => insistence == Insistence::WhenDue && now < self.again_at,
            DispatchState::Sent => insistence != Insistence::OnceMore,
        }
    }
}

impl DispatchRow {
    fn restore(self) -> Result<Dispatched, LedgerError> {
        let state = match self.state.as_str() {
            SENDING => DispatchState::Sending,
            FAILED => DispatchState::Failed,
            SENT => DispatchState::Sent,
            word => {
                return Err(LedgerError::UnknownWord { what: "state of a report", word: word.to_owned() });
            }
        };
        Ok(Dispatched {
            name: self.name,
            period: self.period,
            state,
            tries: self.tries,
            first_at: self.first_at,
            begun_at: self.begun_at,
            again_at: self.again_at,
            sent_at: self.sent_at,
            sha256: self.sha256,
            reason: self.reason,
            is_planned: self.planned_since.is_some(),
        })
    }
}
