//! How far the lists of Stripe's API were read, and since when nothing was delivered.

use std::collections::BTreeSet;

use sea_orm::{FromQueryResult, Value};

use super::error::while_doing;
use super::open::run;
use super::sql::{KEYS_A_STATEMENT, Table, all, marks, statement};
use super::{Ledger, LedgerError};

/// A list of an account, or what was made there in a span of time, and how far it was read, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullSlice {
    /// The connected account; empty for the own one.
    pub account: String,
    /// The mode.
    pub livemode: bool,
    /// The list, by a stable word.
    pub list: String,
    /// From when its objects were made; 0 is the beginning.
    pub since: i64,
    /// Until when; what was made in this second is not in it.
    pub until: i64,
    /// The last object that is stored.
    pub after: Option<String>,
    /// When that was made.
    pub reached_at: Option<i64>,
    /// Pages that were read.
    pub pages: i64,
    /// Objects that stood on them.
    pub objects: i64,
    /// When the last page was stored; `None` as long as there are more.
    pub done_at: Option<i64>,
}

/// When the newest delivery of an account came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastDelivery {
    /// The connected account; empty for the own one.
    pub account: String,
    /// The mode.
    pub livemode: bool,
    /// When.
    pub at: i64,
}

#[derive(FromQueryResult)]
struct SliceRow {
    account: String,
    livemode: i64,
    list: String,
    since_at: i64,
    until_at: i64,
    after_id: Option<String>,
    reached_at: Option<i64>,
    pages: i64,
    objects: i64,
    done_at: Option<i64>,
}

#[derive(FromQueryResult)]
struct LastRow {
    account: String,
    livemode: i64,
    received_at: i64,
}

#[derive(FromQueryResult)]
struct EventRow {
    event_id: String,
}

/// Asked for again, a slice is begun again.
const PULL: Table = Table {
    name: "pull",
    columns: &[
        "account",
        "livemode",
        "list",
        "since_at",
        "until_at",
        "after_id",
        "reached_at",
        "pages",
        "objects",
        "done_at",
    ],
    tail: "ON CONFLICT (account, livemode, list, since_at, until_at) DO UPDATE SET after_id = excluded.after_id, reached_at = excluded.reached_at, \
           pages = excluded.pages, objects = excluded.objects, done_at = excluded.done_at",
};

impl PullSlice {
    /// A list, or a span of it, of which nothing was read yet.
    #[must_use]
    pub fn new(account: &str, livemode: bool, list: &str, (since, until): (i64, i64)) -> Self {
        Self {
            account: account.to_owned(),
            livemode,
            list: list.to_owned(),
            since,
            until,
            after: None,
            reached_at: None,
            pages: 0,
            objects: 0,
            done_at: None,
        }
    }
}

impl Ledger {
    /// What was read of the lists of an account, and what is left of them.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn pull_slices(&self, account: &str, livemode: bool) -> Result<Vec<PullSlice>, LedgerError> {
        let slices = self.slices("account = $1 AND livemode = $2", vec![account.into(), flag(livemode)]);
        slices.await
    }

    /// What was read of the lists of all accounts, and what is left of them.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn pulls(&self) -> Result<Vec<PullSlice>, LedgerError> {
        self.slices("1 = 1", Vec::new()).await
    }

    /// What is left of the lists of all accounts.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn unfinished_pulls(&self) -> Result<Vec<PullSlice>, LedgerError> {
        self.slices("done_at IS NULL", Vec::new()).await
    }

    async fn slices(&self, which: &str, values: Vec<Value>) -> Result<Vec<PullSlice>, LedgerError> {
        let sql = format!(
            "SELECT account, livemode, list, since_at, until_at, after_id, reached_at, pages, objects, done_at \
             FROM pull WHERE {which} ORDER BY account, livemode, list, until_at DESC"
        );
        let rows: Vec<SliceRow> = all(self.reader(), "read the cursors", statement(sql, values)).await?;
        Ok(rows.into_iter().map(SliceRow::restore).collect())
    }

    /// Writes down how far slices were read, new ones among them, all in one transaction. What was read is to be
    /// durable before.
    ///
    /// # Errors
    ///
    /// The store's refusal; nothing is written then.
    pub async fn keep_slices(&self, slices: &[PullSlice]) -> Result<(), LedgerError> {
        if slices.is_empty() {
            return Ok(());
        }
        let transaction = self.begin().await?;
        PULL.insert(&transaction, slices.iter().flat_map(values).collect()).await?;
        transaction.commit().await.map_err(while_doing("keep the cursors"))
    }

    /// Takes one slice in the place of others, in one transaction.
    ///
    /// # Errors
    ///
    /// The store's refusal; nothing is changed then.
    pub async fn replace_slices(&self, others: &[PullSlice], slice: &PullSlice) -> Result<(), LedgerError> {
        let transaction = self.begin().await?;
        for other in others {
            let sql = "DELETE FROM pull WHERE account = $1 AND livemode = $2 AND list = $3 AND since_at = $4 \
                       AND until_at = $5";
            let key: Vec<Value> = values(other).into_iter().take(5).collect();
            run(&transaction, "keep the cursors", statement(sql, key)).await?;
        }
        PULL.insert(&transaction, values(slice).into()).await?;
        transaction.commit().await.map_err(while_doing("keep the cursors"))
    }

    /// When the newest delivery came, of each account and mode that any came of.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn last_deliveries(&self) -> Result<Vec<LastDelivery>, LedgerError> {
        // From each account to the next by the index: there are few accounts and many deliveries.
        let sql = "WITH RECURSIVE a (account) AS (\
                     SELECT MIN(account) FROM inbox WHERE source = 'webhook' UNION ALL \
                     SELECT (SELECT MIN(account) FROM inbox i WHERE i.source = 'webhook' AND i.account > a.account) \
                     FROM a WHERE a.account IS NOT NULL) \
                   SELECT account, livemode, received_at FROM inbox WHERE seq IN (\
                     SELECT (SELECT MAX(seq) FROM inbox i WHERE i.source = 'webhook' \
                       AND i.account = a.account AND i.livemode = m.livemode) \
                     FROM a, (SELECT 0 AS livemode UNION ALL SELECT 1) AS m) \
                   ORDER BY account, livemode";
        let rows: Vec<LastRow> =
            all(self.reader(), "look for the newest delivery", statement(sql, Vec::new())).await?;
        let last = |row: LastRow| LastDelivery {
            account: row.account,
            livemode: row.livemode != 0,
            at: row.received_at,
        };
        Ok(rows.into_iter().map(last).collect())
    }

    /// Which of an account's events are stored.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn stored_among(
        &self,
        account: &str,
        events: &[String],
    ) -> Result<BTreeSet<String>, LedgerError> {
        let mut stored = BTreeSet::new();
        for chunk in events.chunks(KEYS_A_STATEMENT) {
            let sql = format!(
                "SELECT event_id FROM inbox WHERE account = ? AND event_id IN ({})",
                marks(chunk.len())
            );
            let events = chunk.iter().map(|event| event.clone().into());
            let values = std::iter::once(account.into()).chain(events).collect();
            let rows: Vec<EventRow> =
                all(self.reader(), "look for known events", statement(sql, values)).await?;
            stored.extend(rows.into_iter().map(|row| row.event_id));
        }
        Ok(stored)
    }
}

fn flag(is: bool) -> Value {
    i64::from(is).into()
}

fn values(slice: &PullSlice) -> [Value; 10] {
    [
        slice.account.clone().into(),
        flag(slice.livemode),
        slice.list.clone().into(),
        slice.since.into(),
        slice.until.into(),
        slice.after.clone().into(),
        slice.reached_at.into(),
        slice.pages.into(),
        slice.objects.into(),
        slice.done_at.into(),
    ]
}

impl SliceRow {
    fn restore(self) -> PullSlice {
        PullSlice {
            account: self.account,
            livemode: self.livemode != 0,
            list: self.list,
            since: self.since_at,
            until: self.until_at,
            after: self.after_id,
            reached_at: self.reached_at,
            pages: self.pages,
            objects: self.objects,
            done_at: self.done_at,
        }
    }
}
