//! The inbox: every delivery exactly as it came, unique on (account, event).

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::error::while_doing;
use super::limited::Transaction;
use super::sql::{KEYS_A_STATEMENT, Table, all, marks, one, statement};
use super::{CustomerKey, Ledger, LedgerError, Packed, Run, claim, open};

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
struct SequenceRow {
    seq: i64,
}

#[derive(FromQueryResult)]
struct BodyRow {
    codec: i64,
    body: Vec<u8>,
}

#[derive(FromQueryResult)]
struct KnownRow {
    seq: i64,
    account: String,
    event_id: String,
    sha256: Vec<u8>,
}

/// What is there of an event.
#[derive(Debug, Clone)]
struct KnownEvent<'a> {
    seq: i64,
    sha256: Cow<'a, [u8]>,
    /// Its body, where it came in the same batch.
    body: Option<&'a Packed>,
}

/// A digest of what a body says, whatever it is wrapped in: two deliveries of one event that have the same
/// are the same.
pub type Says = fn(&[u8]) -> [u8; 32];

const COLUMNS: &str = "seq, book, event_id, kind, created, api_version, sha256, signed_at, received_at, source, place, codec, body";

const DELIVERY: [&str; 15] = [
    "seq",
    "book",
    "account",
    "event_id",
    "kind",
    "created",
    "livemode",
    "api_version",
    "sha256",
    "signed_at",
    "received_at",
    "source",
    "place",
    "codec",
    "body",
];

const INBOX: Table = Table { name: "inbox", columns: &DELIVERY, tail: "" };
const CONFLICT: Table =
    Table { name: "conflict", columns: DELIVERY.split_at(1).1, tail: "ON CONFLICT DO NOTHING" };

impl Ledger {
    /// Stores arrivals, all in one transaction, and says of each what became of it, in their order.
    /// When this returns they are on disk. `says` tells whether what came again under a known event's id is
    /// that event.
    ///
    /// # Errors
    ///
    /// The store's refusal; then none of them is stored.
    pub async fn accept(&self, arrivals: &[Arrival], says: Says) -> Result<Vec<Acceptance>, LedgerError> {
        let transaction = self.begin_accepting().await?;
        let acceptances = store(&transaction, arrivals, says, None).await?;
        transaction.commit().await.map_err(while_doing("store deliveries"))?;
        Ok(acceptances)
    }

    /// Whether deliveries can be stored, found by storing none.
    ///
    /// # Errors
    ///
    /// A store that may only be read, stays locked, or is away.
    pub async fn takes_deliveries(&self) -> Result<(), LedgerError> {
        let transaction = self.begin_accepting().await?;
        let none = statement(WAITS, vec![None::<i64>.into(), i64::MAX.into()]);
        open::run(&transaction, "store deliveries", none).await.map(drop)
    }

    /// [`Ledger::accept`] of deliveries that a run settles itself, so that nobody else looks after them while its
    /// claim lasts, which is until an instant.
    ///
    /// # Errors
    ///
    /// As of [`Ledger::accept`].
    pub async fn accept_for(
        &self,
        run: Run,
        arrivals: &[Arrival],
        says: Says,
        until: i64,
    ) -> Result<Vec<Acceptance>, LedgerError> {
        let transaction = self.begin_accepting().await?;
        claim::claim(&transaction, run, until).await?;
        let acceptances = store(&transaction, arrivals, says, Some(run)).await?;
        transaction.commit().await.map_err(while_doing("store deliveries"))?;
        Ok(acceptances)
    }

    /// The oldest deliveries that are not settled, in the order they came; without those that a run claims as of
    /// now.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn pending(&self, limit: usize, now: i64) -> Result<Vec<Stored>, LedgerError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.stored_where(&format!("seq IN ({UNCLAIMED})"), vec![now.into(), limit.into()]).await
    }

    /// The deliveries after a number that a run stored and did not settle, in the order they came.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn pending_of(&self, run: Run, seq: i64, limit: usize) -> Result<Vec<Stored>, LedgerError> {
        let which = "seq IN (SELECT inbox_seq FROM pending WHERE run = $1 AND inbox_seq > $2 \
                     ORDER BY inbox_seq LIMIT $3)";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.stored_where(which, vec![run.0.into(), seq.into(), limit.into()]).await
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
                   WHERE d.outcome <> 'settled' AND ((d.outcome = 'parked' AND d.engine <> $1) \
                   OR (d.outcome = 'ignored' AND d.reason = 'catalogue event')) ON CONFLICT DO NOTHING";
        let transaction = self.begin().await?;
        let waiting =
            open::run(&transaction, "try parked deliveries again", statement(sql, vec![engine.into()]))
                .await?;
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
}

/// Stores arrivals, for a run or for whoever settles.
async fn store(
    db: &Transaction,
    arrivals: &[Arrival],
    says: Says,
    run: Option<Run>,
) -> Result<Vec<Acceptance>, LedgerError> {
    let mut known = known_events(db, arrivals).await?;
    let last: Option<SequenceRow> = one(db, "store deliveries", statement(LAST, Vec::new())).await?;
    let last = last.map_or(0, |row| row.seq);
    let mut seq = last;
    let (mut fresh, mut aside) = (Vec::new(), Vec::new());
    let mut acceptances = Vec::with_capacity(arrivals.len());
    for arrival in arrivals {
        let key = (Cow::from(&arrival.account), Cow::from(&arrival.event_id));
        acceptances.push(match known.get(&key) {
            None => {
                seq += 1;
                let sha256 = Cow::from(&arrival.sha256[..]);
                known.insert(key, KnownEvent { seq, sha256, body: Some(&arrival.body) });
                fresh.extend(values(seq, arrival));
                Acceptance::New { seq }
            }
            Some(there) if there.is_same(db, arrival, says).await? => {
                Acceptance::Duplicate { seq: there.seq }
            }
            Some(_) => {
                // It is numbered by the store.
                aside.extend(values(0, arrival).into_iter().skip(1));
                Acceptance::Conflict
            }
        });
    }
    CONFLICT.insert(db, aside).await?;
    INBOX.insert(db, fresh).await?;
    let of = run.map(|run| run.0);
    open::run(db, "store deliveries", statement(WAITS, vec![of.into(), last.into()])).await?;
    Ok(acceptances)
}

/// The newest delivery's number. No other writer gives one meanwhile, for a transaction that accepts is alone.
const LAST: &str = "SELECT COALESCE(MAX(seq), 0) AS seq FROM inbox";
/// What waits and nobody claims as of `$1`, the oldest, so many at most: the index is asked twice, for a run claims a
/// million deliveries that are not to be gone through.
const UNCLAIMED: &str = "SELECT inbox_seq FROM (SELECT inbox_seq FROM pending \
     WHERE run IS NULL ORDER BY inbox_seq LIMIT $2) AS free \
     UNION ALL SELECT inbox_seq FROM (SELECT inbox_seq FROM pending \
     WHERE run IN (SELECT id FROM claim WHERE until <= $1) ORDER BY inbox_seq LIMIT $2) AS lapsed \
     ORDER BY inbox_seq LIMIT $2";
/// What is new waits for settlement.
const WAITS: &str =
    "INSERT INTO pending (inbox_seq, received_at, run) SELECT seq, received_at, ? FROM inbox WHERE seq > ?";

impl KnownEvent<'_> {
    /// Whether what came is the event that is there: the same bytes, or the same said in others.
    async fn is_same<C: ConnectionTrait>(
        &self,
        db: &C,
        arrival: &Arrival,
        says: Says,
    ) -> Result<bool, LedgerError> {
        if *self.sha256 == arrival.sha256 {
            return Ok(true);
        }
        let there = match self.body {
            Some(body) => says(&body.unpacked()),
            None => {
                let sql = "SELECT codec, body FROM inbox WHERE seq = ?";
                let row: Option<BodyRow> =
                    one(db, "read the inbox", statement(sql, vec![self.seq.into()])).await?;
                let Some(BodyRow { codec, body }) = row else { return Ok(false) };
                says(&Packed { codec, bytes: body }.unpacked())
            }
        };
        Ok(there == says(&arrival.body.unpacked()))
    }
}

/// Which of the arrivals' events are stored.
async fn known_events<'a, C: ConnectionTrait>(
    db: &C,
    arrivals: &'a [Arrival],
) -> Result<HashMap<(Cow<'a, str>, Cow<'a, str>), KnownEvent<'a>>, LedgerError> {
    let mut known = HashMap::with_capacity(arrivals.len());
    for chunk in arrivals.chunks(KEYS_A_STATEMENT) {
        let names = marks(chunk.len());
        let sql = format!("SELECT seq, account, event_id, sha256 FROM inbox WHERE event_id IN ({names})");
        let values = chunk.iter().map(|arrival| arrival.event_id.clone().into()).collect();
        let rows: Vec<KnownRow> = all(db, "look for known events", statement(sql, values)).await?;
        let event = |row: KnownRow| {
            let there = KnownEvent { seq: row.seq, sha256: row.sha256.into(), body: None };
            ((row.account.into(), row.event_id.into()), there)
        };
        known.extend(rows.into_iter().map(event));
    }
    Ok(known)
}

fn values(seq: i64, arrival: &Arrival) -> [Value; 15] {
    let (source, place) = match &arrival.source {
        Source::Webhook => ("webhook", None),
        Source::Backfill { place } => ("backfill", Some(place.clone())),
        Source::Fetched { place } => ("api", Some(place.clone())),
    };
    [
        seq.into(),
        arrival.book.clone().into(),
        arrival.account.clone().into(),
        arrival.event_id.clone().into(),
        arrival.kind.clone().into(),
        arrival.created.into(),
        i64::from(arrival.livemode).into(),
        arrival.api_version.clone().into(),
        arrival.sha256.to_vec().into(),
        arrival.signed_at.into(),
        arrival.received_at.into(),
        source.into(),
        place.into(),
        arrival.body.codec.into(),
        arrival.body.bytes.clone().into(),
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
