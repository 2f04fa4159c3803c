//! The road: what comes in through the door is stored, then settled.

use bytes::Bytes;

/// A delivery that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The event's id.
    pub event: String,
    /// Whether it was known already.
    pub duplicate: bool,
}

/// Why a delivery was not taken; nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The signature is missing, malformed, wrong or stale.
    #[error("{detail}")]
    Signature {
        /// A stable word for programs.
        code: &'static str,
        /// What is wrong and what to do, safe to return.
        detail: String,
    },
    /// The body is not JSON.
    #[error("the body is not JSON: {reason}")]
    NotJson {
        /// Where and what, without the body's content.
        reason: String,
    },
    /// The store can't be reached.
    #[error("the store can't be reached")]
    Unavailable,
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
    /// What is stored is not settled in time.
    #[error("the worker is {lag_seconds} s behind, over its limit; see `upswell status`")]
    Lag {
        /// The age of the oldest delivery that is not settled.
        lag_seconds: i64,
    },
}

/// The one door for deliveries, by webhook or by backfill.
#[derive(Debug, Clone, Default)]
pub struct Door {
    unready: Option<Unready>,
}

impl Door {
    /// A door that says why it is not ready.
    #[must_use]
    pub fn unready(reason: Unready) -> Self {
        Self {
            unready: Some(reason),
        }
    }

    /// Takes a delivery.
    ///
    /// # Errors
    ///
    /// [`AcceptError`] if it was not taken.
    pub async fn accept(
        &self,
        body: Bytes,
        signature: Option<&[u8]>,
        _now: i64,
    ) -> Result<Accepted, AcceptError> {
        if self.unready.is_some() {
            return Err(AcceptError::Unavailable);
        }
        if signature.is_none() {
            return Err(AcceptError::Signature {
                code: "signature_missing",
                detail: "there is no Stripe-Signature header".to_owned(),
            });
        }
        let value: serde_json::Value =
            serde_json::from_slice(&body).map_err(|error| AcceptError::NotJson {
                reason: error.to_string(),
            })?;
        Ok(Accepted {
            event: value["id"].as_str().unwrap_or_default().to_owned(),
            duplicate: false,
        })
    }

    /// Whether events can be taken now.
    ///
    /// # Errors
    ///
    /// [`Unready`] says why not.
    pub async fn readiness(&self, _now: i64) -> Result<(), Unready> {
        self.unready.clone().map_or(Ok(()), Err)
    }
}
