//! Who sends reports: what is due, once for each name and period, whatever ends in between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;

use super::parcel::Parcel;
use super::{Dispatch, Due, Period, SendError, Target};
use crate::ledger::{Claim, DispatchState, Dispatched, Insistence, Ledger, LedgerError};
use crate::mrr::{Instant, Month};
use crate::report::Reporter;

/// How long making and sending a report may take.
const LIMIT: Duration = Duration::from_secs(480);

/// How long the right to send one is kept, in seconds: longer than that takes, so that nobody else begins meanwhile.
const LEASE: i64 = 600;

/// How long after a first failure another try is made, in seconds; twice as long after each further one, but not longer
/// than an hour.
const FIRST_PAUSE: i64 = 60;
const LONGEST_PAUSE: i64 = 3_600;

/// How long tries are made by themselves, in seconds.
const PERSISTENCE: i64 = 7 * 86_400;

/// How long a report waits for deliveries that came before it was due and are not settled yet, in seconds.
const WAIT_FOR_SETTLEMENT: i64 = 3_600;

/// How often writing down that something was sent is tried: without it, it is sent again.
const WRITE_TRIES: u32 = 5;
const WRITE_PAUSE: Duration = Duration::from_secs(1);

/// Sends reports to whom they are for.
#[derive(Debug, Clone)]
pub struct Courier {
    ledger: Ledger,
    reporter: Reporter,
    zone: Tz,
    dispatches: Arc<[Dispatch]>,
}

/// What a person wants sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Of this month; else what its schedule has at hand.
    pub month: Option<Month>,
    /// Even if it was sent already.
    pub once_more: bool,
    /// Everything but sending it.
    pub is_dry: bool,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Whom it is for.
    pub name: String,
    /// What it is of.
    pub period: String,
    /// What became of it.
    pub came: Came,
}

/// What can become of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// It was sent: how.
    Sent(String),
    /// It would be sent: how, and what a message says.
    Would(String, Option<String>),
    /// It could not be: why, and when it is tried again if it was due.
    Failed(String, Option<i64>),
    /// It was sent before, then.
    SentBefore(i64),
    /// Somebody is sending it.
    InOtherHands,
}

/// What was handed over.
struct Handed {
    how: String,
    digest: String,
}

impl Courier {
    /// A courier for these reports.
    #[must_use]
    pub fn new(ledger: Ledger, reporter: Reporter, zone: Tz, dispatches: Vec<Dispatch>) -> Self {
        Self { ledger, reporter, zone, dispatches: dispatches.into() }
    }

    /// Whom reports are for.
    #[must_use]
    pub fn dispatches(&self) -> &[Dispatch] {
        &self.dispatches
    }

    /// Sends what is due, and says what became of it. What is due to a name counts from when it was first seen: a new one
    /// is not sent the past. One of several processes sends each.
    ///
    /// # Errors
    ///
    /// The store's; what it is about is tried again by the next look.
    pub async fn look(&self, now: &(impl Fn() -> i64 + Sync)) -> Result<Vec<Delivered>, LedgerError> {
        let names: Vec<String> = self.dispatches.iter().map(|dispatch| dispatch.name.clone()).collect();
        let since = self.ledger.plan_dispatches(&names, now()).await?;
        let known = self.ledger.dispatches().await?.into_iter();
        let known: BTreeMap<(String, String), Dispatched> =
            known.map(|known| ((known.name.clone(), known.period.clone()), known)).collect();
        let mut delivered = Vec::new();
        for dispatch in self.dispatches.iter() {
            let Some(since) = since.get(&dispatch.name) else { continue };
            for due in dispatch.when.due(Instant(*since), Instant(now()), self.zone) {
                let key = (dispatch.name.clone(), due.period.to_string());
                if known.get(&key).is_some_and(|known| is_left_alone(known, now()))
                    || !self.is_ready(dispatch, due, now()).await?
                {
                    continue;
                }
                let came = self.send(dispatch, due.period, Insistence::WhenDue, now).await?;
                if matches!(came, Came::Sent(_) | Came::Failed(..)) {
                    delivered.push(Delivered { name: key.0, period: key.1, came });
                }
            }
        }
        Ok(delivered)
    }

    /// Sends a report because somebody asks for it.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn fulfil(
        &self,
        dispatch: &Dispatch,
        wish: Wish,
        now: &(impl Fn() -> i64 + Sync),
    ) -> Result<Delivered, LedgerError> {
        let period = match wish.month {
            Some(month) => Period::Month(month),
            None => dispatch.when.at_hand(Instant(now()), self.zone),
        };
        let insistence = if wish.once_more { Insistence::OnceMore } else { Insistence::Now };
        let came = if wish.is_dry {
            match Parcel::of(&self.reporter, dispatch, period, is_page(dispatch)).await {
                Ok(parcel) => {
                    let is_message = !matches!(dispatch.to, Target::Files(_));
                    Came::Would(how(dispatch, &parcel), is_message.then(|| parcel.message.text()))
                }
                Err(error) => Came::Failed(error.to_string(), None),
            }
        } else {
            self.send(dispatch, period, insistence, now).await?
        };
        Ok(Delivered { name: dispatch.name.clone(), period: period.to_string(), came })
    }

    /// Whether what is due can be sent: its month is closed, where it waits for that, and what came before is settled.
    async fn is_ready(&self, dispatch: &Dispatch, due: Due, now: i64) -> Result<bool, LedgerError> {
        if dispatch.only_closed {
            // A book that is not there is told by the sending.
            if let Ok(settings) = self.reporter.settings(dispatch.book.as_deref()).await {
                let closings = self.ledger.closings(&settings.book).await?;
                if closings.of(due.period.month()).is_none() {
                    return Ok(false);
                }
            }
        }
        let waiting = self.ledger.gauges().await?.oldest_pending_at;
        Ok(waiting.is_none_or(|oldest| oldest > due.at.0) || now - due.at.0 > WAIT_FOR_SETTLEMENT)
    }

    async fn send(
        &self,
        dispatch: &Dispatch,
        period: Period,
        insistence: Insistence,
        now: &(impl Fn() -> i64 + Sync),
    ) -> Result<Came, LedgerError> {
        let (name, of, at) = (dispatch.name.as_str(), period.to_string(), now());
        let claimed = self.ledger.claim_dispatch((name, &of), (at, at + LEASE), insistence).await?;
        let claim = match claimed {
            Ok(claim) => claim,
            Err(found) => {
                let before = found.sent_at.filter(|_| found.state == DispatchState::Sent);
                return Ok(before.map_or(Came::InOtherHands, Came::SentBefore));
            }
        };
        let handed = tokio::time::timeout(LIMIT, self.hand_over(dispatch, period, at)).await;
        match handed.unwrap_or(Err(SendError::TooSlow { limit: LIMIT })) {
            Ok(handed) => {
                self.write_down(&claim, now(), &handed.digest).await?;
                tracing::info!(name, period = of, claim.tries, "report sent");
                Ok(Came::Sent(handed.how))
            }
            Err(error) => {
                let again_at = now() + pause(claim.tries).max(error.again_in().unwrap_or_default());
                let reason = error.to_string();
                tracing::warn!(name, period = of, claim.tries, reason, "report could not be sent");
                self.ledger.dispatch_failed(&claim, again_at, &reason).await?;
                Ok(Came::Failed(reason, Some(again_at)))
            }
        }
    }

    async fn hand_over(&self, dispatch: &Dispatch, period: Period, at: i64) -> Result<Handed, SendError> {
        let parcel = Parcel::of(&self.reporter, dispatch, period, is_page(dispatch)).await?;
        match &dispatch.to {
            Target::Files(files) => files.write(&parcel)?,
            Target::Mail(mail) => mail.send(&parcel, at).await?,
            Target::Webhook(webhook) => webhook.tell(&parcel).await?,
        }
        Ok(Handed { how: how(dispatch, &parcel), digest: parcel.digest() })
    }

    /// Writes down that a report was sent. A store that is away for a moment is waited for.
    async fn write_down(&self, claim: &Claim, at: i64, digest: &str) -> Result<(), LedgerError> {
        for _ in 1..WRITE_TRIES {
            match self.ledger.dispatch_sent(claim, at, digest).await {
                Err(error) if error.is_transient() => tokio::time::sleep(WRITE_PAUSE).await,
                written => return written,
            }
        }
        self.ledger.dispatch_sent(claim, at, digest).await
    }
}

/// Whether a report is not to be sent by itself now: it was, somebody does, or it failed and is not tried again yet, or
/// was tried for long enough.
fn is_left_alone(known: &Dispatched, now: i64) -> bool {
    let is_given_up = known.state == DispatchState::Failed && now - known.first_at > PERSISTENCE;
    is_given_up || known.stands_in_the_way(now, Insistence::WhenDue)
}

/// How long it is waited after so many tries.
fn pause(tries: i64) -> i64 {
    let doublings = u32::try_from(tries - 1).unwrap_or(u32::MAX).min(10);
    (FIRST_PAUSE << doublings).min(LONGEST_PAUSE)
}

fn is_page(dispatch: &Dispatch) -> bool {
    matches!(&dispatch.to, Target::Mail(mail) if mail.is_page())
}

/// How a parcel goes, without addresses.
fn how(dispatch: &Dispatch, parcel: &Parcel) -> String {
    let size = |bytes: &[u8]| format!("{} KiB", bytes.len().div_ceil(1_024));
    match &dispatch.to {
        Target::Files(files) => {
            let file = |file: &super::parcel::ReportFile| {
                format!("{} ({})", files.path(parcel, file.form).display(), size(&file.bytes))
            };
            parcel.files.iter().map(file).collect::<Vec<_>>().join(", ")
        }
        Target::Mail(mail) => {
            let file = |file: &super::parcel::ReportFile| {
                format!("{} ({})", parcel.file_name(file.form), size(&file.bytes))
            };
            let count = mail.count();
            let addresses = if count == 1 { "1 address".to_owned() } else { format!("{count} addresses") };
            let files: Vec<String> = parcel.files.iter().map(file).collect();
            let with = if files.is_empty() { String::new() } else { format!(" with {}", files.join(", ")) };
            format!("e-mail to {addresses}{with}")
        }
        Target::Webhook(_) => "a message to its webhook".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::pause;

    #[test]
    fn tries_come_less_often_but_at_least_every_hour() {
        let pauses: Vec<i64> = (1..10).map(pause).collect();
        assert_eq!(pauses, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
        assert_eq!(pause(i64::MAX), 3_600);
    }
}
