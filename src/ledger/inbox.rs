//! The inbox: every delivery exactly as it came, unique on (account, event).

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{FromQueryResult, Value};

use super::error::while_doing;
use super::open::run;
use super::sql::{KEYS_A_STATEMENT, Table, all, marks, statement};
use super::{CustomerKey, Ledger, LedgerError, Packed};

/// Where a delivery came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A signed delivery.
    Webhook,
    /// A row of a file, named `file:line`.
    Backfill {
        /// The file and the line.
        place: String,
    },
    /// An answer of Stripe's API.
    Fetched {
        /// What was asked, as a method and a path.
        place: String,
    },
}

/// A delivery about to be stored.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Its book (R13).
    pub book: String,
    /// The connected account; empty for the own one.
    pub account: String,
    /// The event's id.
    pub event_id: String,
    /// The event's type.
    pub kind: String,
    /// When the event was made.
    pub created: i64,
    /// Whether it is of live mode.
    pub livemode: bool,
    /// The API version that rendered it.
    pub api_version: Option<String>,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
    /// SHA-256 of what the event says, however it was rendered.
    pub digest: [u8; 32],
    /// When it was signed; `None` of a backfill.
    pub signed_at: Option<i64>,
    /// When it came.
    pub received_at: i64,
    /// Where it came from.
    pub source: Source,
    /// The bytes, packed.
    pub body: Packed,
}

/// What became of an arrival; it is durable whichever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// It is stored, and will be settled.
    New {
        /// Its number in the inbox.
        seq: i64,
    },
    /// The event was known, and says the same.
    Duplicate {
        /// The number of the one that is stored.
        seq: i64,
    },
    /// The event was known, and said something else: this one is kept aside, and reported.
    Conflict,
}

/// A stored delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its number in the inbox.
    pub seq: i64,
    /// Its book.
    pub book: String,
    /// The event's id.
    pub event_id: String,
    /// The event's type.
    pub kind: String,
    /// When the event was made.
    pub created: i64,
    /// The API version that rendered it.
    pub api_version: Option<String>,
    /// SHA-256 of the bytes as it was taken on arrival, in hex.
    pub sha256: String,
    /// When it was signed.
    pub signed_at: Option<i64>,
    /// When it came.
    pub received_at: i64,
    /// `webhook`, `backfill` or `api`.
    pub source: String,
    /// The file and line of a backfill, or what was asked of the API.
    pub place: Option<String>,
    /// The bytes as they came.
    pub body: Vec<u8>,
}

#[derive(FromQueryResult)]
struct StoredRow {
    seq: i64,
    book: String,
    event_id: String,
    kind: String,
    created: i64,
    api_version: Option<String>,
    sha256: Vec<u8>,
    signed_at: Option<i64>,
    received_at: i64,
    source: String,
    place: Option<String>,
    codec: i64,
    body: Vec<u8>,
}

#[derive(FromQueryResult)]
struct PendingRow {
    inbox_seq: i64,
}

#[derive(FromQueryResult)]
struct KnownRow {
    seq: i64,
    account: String,
    event_id: String,
    digest: Vec<u8>,
}

const COLUMNS: &str = "seq, book, event_id, kind, created, api_version, sha256, signed_at, received_at, source, place, codec, body";

const DELIVERY: [&str; 15] = [
    "book",
    "account",
    "event_id",
    "kind",
    "created",
    "livemode",
    "api_version",
    "sha256",
    "digest",
    "signed_at",
    "received_at",
    "source",
    "place",
    "codec",
    "body",
];

const INBOX: Table =
    Table { name: "inbox", columns: &DELIVERY, tail: "RETURNING seq, account, event_id, digest" };
const CONFLICT: Table = Table { name: "conflict", columns: &DELIVERY, tail: "ON CONFLICT DO NOTHING" };
const PENDING: Table = Table { name: "pending", columns: &["inbox_seq", "received_at"], tail: "" };

impl Ledger {
    /// Stores arrivals, all in one transaction, and says of each what became of it, in their order.
    /// When this returns they are on disk.
    ///
    /// # Errors
    ///
    /// The store's refusal; then none of them is stored.
    pub async fn accept(&self, arrivals: Vec<Arrival>) -> Result<Vec<Acceptance>, LedgerError> {
        let transaction = self.begin().await?;
        let mut known = self.known_events(&transaction, &arrivals).await?;
        let received_at: Vec<i64> = arrivals.iter().map(|arrival| arrival.received_at).collect();
        let keys: Vec<(String, String)> =
            arrivals.iter().map(|arrival| (arrival.account.clone(), arrival.event_id.clone())).collect();
        let mut fresh = Vec::new();
        let mut aside = Vec::new();
        let mut fate: Vec<Option<Acceptance>> = Vec::with_capacity(arrivals.len());
        for (arrival, key) in arrivals.into_iter().zip(&keys) {
            let found = known.get(key).map(|(seq, digest)| (*seq, digest[..] == arrival.digest[..]));
            fate.push(match found {
                None => {
                    known.insert(key.clone(), (0, arrival.digest.to_vec()));
                    fresh.extend(values(arrival));
                    None
                }
                Some((seq, true)) => Some(Acceptance::Duplicate { seq }),
                Some((_, false)) => {
                    aside.extend(values(arrival));
                    Some(Acceptance::Conflict)
                }
            });
        }
        CONFLICT.insert(&transaction, aside).await?;
        let stored = INBOX.insert(&transaction, fresh).await?;
        for row in &stored {
            let row = KnownRow::from_query_result(row, "").map_err(while_doing("store deliveries"))?;
            known.insert((row.account, row.event_id), (row.seq, row.digest));
        }
        let number = |key: &(String, String)| known.get(key).map_or(0, |(seq, _)| *seq);
        let mut pending = Vec::with_capacity(stored.len() * 2);
        let mut acceptances = Vec::with_capacity(fate.len());
        for ((fate, key), received_at) in fate.into_iter().zip(&keys).zip(received_at) {
            let seq = number(key);
            acceptances.push(match fate {
                None => {
                    pending.extend([Value::from(seq), received_at.into()]);
                    Acceptance::New { seq }
                }
                // Told twice in one batch: the first of them has its number by now.
                Some(Acceptance::Duplicate { .. }) => Acceptance::Duplicate { seq },
                Some(fate) => fate,
            });
        }
        PENDING.insert(&transaction, pending).await?;
        transaction.commit().await.map_err(while_doing("store deliveries"))?;
        Ok(acceptances)
    }

    /// The oldest deliveries that are not settled, in the order they came.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn pending(&self, limit: usize) -> Result<Vec<Stored>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM inbox WHERE seq IN \
             (SELECT inbox_seq FROM pending ORDER BY inbox_seq LIMIT $1) ORDER BY seq"
        );
        self.stored(sql, vec![i64::try_from(limit).unwrap_or(i64::MAX).into()]).await
    }

    /// Deliveries that are not settled, after a number, in the order they came.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn pending_after(&self, seq: i64, limit: usize) -> Result<Vec<Stored>, LedgerError> {
        let which = "seq IN (SELECT inbox_seq FROM pending WHERE inbox_seq > $1 ORDER BY inbox_seq LIMIT $2)";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.stored_where(which, vec![seq.into(), limit.into()]).await
    }

    /// Whether more deliveries than so many are not settled.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn is_pending(&self, more_than: usize) -> Result<bool, LedgerError> {
        let sql = "SELECT inbox_seq FROM pending LIMIT 1 OFFSET $1";
        let values = vec![i64::try_from(more_than).unwrap_or(i64::MAX).into()];
        let rows: Vec<PendingRow> =
            all(self.reader(), "read what is pending", statement(sql, values)).await?;
        Ok(!rows.is_empty())
    }

    /// Which of these deliveries are not settled.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn still_pending(&self, seqs: &[i64]) -> Result<BTreeSet<i64>, LedgerError> {
        let mut waiting = BTreeSet::new();
        for chunk in seqs.chunks(KEYS_A_STATEMENT) {
            let sql = format!("SELECT inbox_seq FROM pending WHERE inbox_seq IN ({})", marks(chunk.len()));
            let values = chunk.iter().map(|seq| Value::from(*seq)).collect();
            let rows: Vec<PendingRow> =
                all(self.reader(), "read what is pending", statement(sql, values)).await?;
            waiting.extend(rows.into_iter().map(|row| row.inbox_seq));
        }
        Ok(waiting)
    }

    /// Lets deliveries wait for settlement again that another version parked, or ignored because it did not
    /// learn from events of the catalogue, and gives their number: nothing that is parked is dropped.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn retry_parked(&self, engine: &str) -> Result<u64, LedgerError> {
        let sql = "INSERT INTO pending (inbox_seq, received_at) \
                   SELECT i.seq, i.received_at FROM disposition d JOIN inbox i ON i.seq = d.inbox_seq \
                   WHERE (d.outcome = 'parked' AND d.engine <> $1) \
                   OR (d.outcome = 'ignored' AND d.reason = 'catalogue event') ON CONFLICT DO NOTHING";
        let transaction = self.begin().await?;
        let waiting =
            run(&transaction, "try parked deliveries again", statement(sql, vec![engine.into()])).await?;
        transaction.commit().await.map_err(while_doing("try parked deliveries again"))?;
        Ok(waiting)
    }

    /// The delivery of an event, in any book, or in the one named.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn stored_event(&self, event: &str, book: Option<&str>) -> Result<Option<Stored>, LedgerError> {
        let sql =
            format!("SELECT {COLUMNS} FROM inbox WHERE event_id = $1 AND ($2 IS NULL OR book = $2) LIMIT 1");
        let found = self.stored(sql, vec![event.into(), book.map(str::to_owned).into()]).await?;
        Ok(found.into_iter().next())
    }

    /// The deliveries that a customer's facts come from, in the order they came.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn stored_of(&self, key: &CustomerKey) -> Result<Vec<Stored>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM inbox WHERE seq IN \
             (SELECT inbox_seq FROM fact WHERE book = $1 AND customer = $2) ORDER BY seq"
        );
        self.stored(sql, vec![key.book.clone().into(), key.customer.to_string().into()]).await
    }

    /// The deliveries that taught a book something, after a number of the inbox, so many at most.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn stored_lessons(
        &self,
        book: &str,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Stored>, LedgerError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let which = "seq IN (SELECT DISTINCT inbox_seq FROM catalogue WHERE book = $1 AND inbox_seq > $2 \
                     ORDER BY inbox_seq LIMIT $3)";
        self.stored_where(which, vec![book.into(), after.into(), limit.into()]).await
    }

    /// The deliveries after a number, in the order they came, so many at most.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn stored_after(&self, seq: i64, limit: usize) -> Result<Vec<Stored>, LedgerError> {
        let sql = format!("SELECT {COLUMNS} FROM inbox WHERE seq > $1 ORDER BY seq LIMIT $2");
        self.stored(sql, vec![seq.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()]).await
    }

    /// The deliveries that a condition on their row names, in the order they came.
    pub(super) async fn stored_where(
        &self,
        which: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Stored>, LedgerError> {
        self.stored(format!("SELECT {COLUMNS} FROM inbox WHERE {which} ORDER BY seq"), values).await
    }

    async fn stored(&self, sql: String, values: Vec<Value>) -> Result<Vec<Stored>, LedgerError> {
        let rows: Vec<StoredRow> = all(self.reader(), "read the inbox", statement(sql, values)).await?;
        Ok(rows.into_iter().map(StoredRow::restore).collect())
    }

    /// Which of the arrivals' events are stored: their numbers and digests.
    async fn known_events<C: sea_orm::ConnectionTrait>(
        &self,
        db: &C,
        arrivals: &[Arrival],
    ) -> Result<BTreeMap<(String, String), (i64, Vec<u8>)>, LedgerError> {
        let mut known = BTreeMap::new();
        for chunk in arrivals.chunks(KEYS_A_STATEMENT) {
            let names = marks(chunk.len());
            let sql = format!("SELECT seq, account, event_id, digest FROM inbox WHERE event_id IN ({names})");
            let values = chunk.iter().map(|arrival| arrival.event_id.clone().into()).collect();
            let rows: Vec<KnownRow> = all(db, "look for known events", statement(sql, values)).await?;
            known.extend(rows.into_iter().map(|row| ((row.account, row.event_id), (row.seq, row.digest))));
        }
        Ok(known)
    }
}

fn values(arrival: Arrival) -> [Value; 15] {
    let (source, place) = match arrival.source {
        Source::Webhook => ("webhook", None),
        Source::Backfill { place } => ("backfill", Some(place)),
        Source::Fetched { place } => ("api", Some(place)),
    };
    [
        arrival.book.into(),
        arrival.account.into(),
        arrival.event_id.into(),
        arrival.kind.into(),
        arrival.created.into(),
        i64::from(arrival.livemode).into(),
        arrival.api_version.into(),
        arrival.sha256.to_vec().into(),
        arrival.digest.to_vec().into(),
        arrival.signed_at.into(),
        arrival.received_at.into(),
        source.into(),
        place.into(),
        arrival.body.codec.into(),
        arrival.body.bytes.into(),
    ]
}

impl StoredRow {
    fn restore(self) -> Stored {
        Stored {
            seq: self.seq,
            book: self.book,
            event_id: self.event_id,
            kind: self.kind,
            created: self.created,
            api_version: self.api_version,
            sha256: hex::encode(self.sha256),
            signed_at: self.signed_at,
            received_at: self.received_at,
            source: self.source,
            place: self.place,
            body: Packed { codec: self.codec, bytes: self.body }.unpack(),
        }
    }
}
