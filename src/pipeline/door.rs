//! The first half of the road: verify, read the envelope, store, answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::Instrument;

use super::Pace;
use super::contained::says_contained;
use crate::ledger::{Acceptance, Arrival, Ledger, LedgerError, Packed, Source};
use crate::stripe::{Delivery, EnvelopeError, Form, Secret, SignatureError, book, verify};

/// Deliveries that share a commit at most.
const A_COMMIT: usize = 256;

/// A delivery that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The event's id.
    pub event: String,
    /// Whether it was known already.
    pub duplicate: bool,
    /// Whether it was known and said something else, and so is kept aside.
    pub conflict: bool,
    /// By how many seconds it was signed ahead of our clock.
    pub ahead_seconds: i64,
}

/// By which terms a door takes deliveries.
#[derive(Debug, Clone)]
pub struct DoorTerms {
    /// The secrets, any of which may have signed.
    pub secrets: Vec<Secret>,
    /// How old a signature may be.
    pub tolerance_seconds: i64,
    /// Deliveries that may wait for a commit; more are told to come back, before memory grows.
    pub waiting: usize,
    /// How long one waits for its commit before its sender is told to come back.
    pub patience: Duration,
    /// How far behind the worker may be and the process still call itself ready.
    pub lag_limit_seconds: i64,
}

/// Why a delivery was not taken; nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The signature is missing, malformed, wrong or stale.
    #[error("{0}")]
    Signature(#[from] SignatureError),
    /// The body is not JSON.
    #[error("{0}")]
    NotJson(#[from] EnvelopeError),
    /// More deliveries wait to be stored than may.
    #[error("too many deliveries wait to be stored")]
    Busy,
    /// The store can't be reached.
    #[error("the store can't be reached")]
    Unavailable,
}

impl AcceptError {
    /// A stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Signature(SignatureError::Missing) => "signature_missing",
            Self::Signature(SignatureError::Malformed { .. }) => "signature_malformed",
            Self::Signature(SignatureError::NoV1) => "signature_no_v1",
            Self::Signature(SignatureError::NoMatch) => "signature_wrong",
            Self::Signature(SignatureError::Stale { .. }) => "signature_stale",
            Self::NotJson(_) => "not_json",
            Self::Busy => "busy",
            Self::Unavailable => "store_unavailable",
        }
    }
}

/// Why events can't be taken now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unready {
    /// The store does not answer.
    #[error("the store can't be reached; look at DATABASE_URL and its disk")]
    Store,
    /// Migrations are missing.
    #[error("the schema is behind this version; run `upswell migrate`")]
    Schema,
    /// There are migrations that this version does not have.
    #[error(
        "a newer upswell than this one, {}, brought the schema up to date; update this one to that version",
        env!("CARGO_PKG_VERSION")
    )]
    Newer,
    /// What is stored is not settled in time.
    #[error("the worker is {lag_seconds} s behind, over its limit; see `upswell status`")]
    Lag {
        /// The age of the oldest delivery that is not settled.
        lag_seconds: i64,
    },
}

/// A delivery on its way to a commit, and who waits for it.
struct Intake {
    arrival: Arrival,
    answer: oneshot::Sender<Option<Acceptance>>,
}

/// The door for signed deliveries. All that arrive while a commit is under way share the next one,
/// and each is answered after its own.
#[derive(Debug)]
pub struct Door {
    ledger: Ledger,
    terms: DoorTerms,
    intake: mpsc::Sender<Intake>,
    /// Whether what it takes is settled by this process too.
    settles: bool,
}

impl Door {
    /// Opens the door. `stored` is told after each commit, which keeps step with `pace`; the task ends, all
    /// answered, when the door is dropped.
    #[must_use]
    pub fn open(
        ledger: Ledger,
        terms: DoorTerms,
        stored: Arc<Notify>,
        pace: Arc<Pace>,
    ) -> (Self, JoinHandle<()>) {
        let (intake, waiting) = mpsc::channel(terms.waiting.max(1));
        let committer = tokio::spawn(commit_all(ledger.clone(), waiting, stored, pace));
        (Self { ledger, terms, intake, settles: true }, committer)
    }

    /// The same door where another process settles: that one may be late, and this one takes events all the same.
    #[must_use]
    pub fn settled_elsewhere(self) -> Self {
        Self { settles: false, ..self }
    }

    /// How many deliveries wait for a commit.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.intake.max_capacity() - self.intake.capacity()
    }

    /// Takes a delivery: verified first, then stored, and only then accepted.
    ///
    /// # Errors
    ///
    /// [`AcceptError`] if it was not taken.
    pub async fn accept(
        &self,
        body: Bytes,
        signature: Option<&[u8]>,
        now: i64,
    ) -> Result<Accepted, AcceptError> {
        let terms = &self.terms;
        let signed = verify(signature, &body, &terms.secrets, now, terms.tolerance_seconds)?;
        if signed.is_from_the_future {
            tracing::warn!(ahead_seconds = signed.at - now, "delivery signed in the future: check the clock");
        }
        let arrival = arrival(&body, Some(signed.at), now, Source::Webhook)?;
        // What waits is kept packed; the bytes as they came are done with.
        drop(body);
        let event = arrival.event_id.clone();
        let (answer, answered) = oneshot::channel();
        self.intake.try_send(Intake { arrival, answer }).map_err(|refused| match refused {
            TrySendError::Full(_) => AcceptError::Busy,
            TrySendError::Closed(_) => AcceptError::Unavailable,
        })?;
        match tokio::time::timeout(terms.patience, answered).await {
            Ok(Ok(Some(acceptance))) => Ok(Accepted {
                event,
                duplicate: !matches!(acceptance, Acceptance::New { .. }),
                conflict: matches!(acceptance, Acceptance::Conflict),
                ahead_seconds: (signed.at - now).max(0),
            }),
            Ok(Ok(None) | Err(_)) | Err(_) => Err(AcceptError::Unavailable),
        }
    }

    /// Whether events can be taken now.
    ///
    /// # Errors
    ///
    /// [`Unready`] says why not.
    pub async fn readiness(&self, now: i64) -> Result<(), Unready> {
        match self.ledger.is_current().await {
            Ok(true) => {}
            Ok(false) => return Err(Unready::Schema),
            Err(LedgerError::Newer { .. }) => return Err(Unready::Newer),
            Err(_) => return Err(Unready::Store),
        }
        if !self.settles {
            return Ok(());
        }
        let lag_seconds = self.ledger.lag_seconds(now).await.map_err(|_| Unready::Store)?;
        if lag_seconds > self.terms.lag_limit_seconds { Err(Unready::Lag { lag_seconds }) } else { Ok(()) }
    }
}

/// What is stored of a delivery.
///
/// # Errors
///
/// [`EnvelopeError`] if it is not JSON.
pub fn arrival(
    body: &[u8],
    signed_at: Option<i64>,
    now: i64,
    source: Source,
) -> Result<Arrival, EnvelopeError> {
    Ok(arrival_of(&Delivery::read(body)?, body, signed_at, now, source))
}

/// What is stored of a delivery that is read.
pub(super) fn arrival_of(
    delivery: &Delivery<'_>,
    body: &[u8],
    signed_at: Option<i64>,
    now: i64,
    source: Source,
) -> Arrival {
    let envelope = &delivery.envelope;
    if envelope.form == Form::Unrecognised {
        tracing::warn!(event = envelope.id, "delivery is JSON and no event: kept and parked");
    }
    Arrival {
        book: book(envelope),
        account: envelope.account.clone().unwrap_or_default(),
        event_id: envelope.id.clone(),
        kind: envelope.kind.clone(),
        created: envelope.created,
        livemode: envelope.livemode,
        api_version: envelope.api_version.clone(),
        sha256: Sha256::digest(body).into(),
        signed_at,
        received_at: now,
        source,
        body: Packed::of(body),
    }
}

/// Commits whatever waits, as one transaction, until the door is closed.
async fn commit_all(
    ledger: Ledger,
    mut waiting: mpsc::Receiver<Intake>,
    stored: Arc<Notify>,
    pace: Arc<Pace>,
) {
    let mut batch = Vec::with_capacity(A_COMMIT);
    while waiting.recv_many(&mut batch, A_COMMIT).await > 0 {
        let (arrivals, answers): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|intake| (intake.arrival, intake.answer)).unzip();
        let came = arrivals.iter().map(|arrival| arrival.received_at).max();
        let span = tracing::info_span!("commit", deliveries = arrivals.len());
        let committed = tokio::spawn(commit(ledger.clone(), arrivals).instrument(span)).await;
        // A defect costs this commit, and its senders come again: the door stays open.
        let acceptances = committed.unwrap_or_else(|_| vec![None; answers.len()]);
        stored.notify_one();
        let new = acceptances.iter().filter_map(|acceptance| match acceptance {
            Some(Acceptance::New { seq }) => Some(*seq),
            _ => None,
        });
        let newest = new.max().zip(came);
        for (answer, acceptance) in answers.into_iter().zip(acceptances) {
            // A sender that has gone away will deliver again and be told of a duplicate.
            let _ = answer.send(acceptance);
        }
        if let Some((seq, came)) = newest {
            pace.keep(seq, came).await;
        }
    }
}

/// One transaction for all; if it fails, each on its own, so that one bad row costs only itself.
async fn commit(ledger: Ledger, arrivals: Vec<Arrival>) -> Vec<Option<Acceptance>> {
    let error = match ledger.accept(&arrivals, says_contained).await {
        Ok(acceptances) => return acceptances.into_iter().map(Some).collect(),
        Err(error) => error,
    };
    tracing::error!(%error, deliveries = arrivals.len(), "commit failed");
    if arrivals.len() == 1 || error.is_transient() {
        return vec![None; arrivals.len()];
    }
    let mut acceptances = Vec::with_capacity(arrivals.len());
    for arrival in arrivals.chunks(1) {
        let accepted = ledger.accept(arrival, says_contained).await;
        acceptances.push(accepted.ok().and_then(|one| one.into_iter().next()));
    }
    acceptances
}
