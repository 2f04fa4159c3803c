//! A page: read, cut into its documents, stored, and only then written down as read.

use bytes::Bytes;

use crate::api::{Api, ApiError, List, Page, Span, Wanted};
use crate::backfill::documents;
use crate::ledger::{Acceptance, Arrival, Ledger, LedgerError, PullSlice, Source};
use crate::pipeline::arrival;
use crate::stripe::{book_of, says};

/// What became of the objects of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Objects read.
    pub objects: u64,
    /// Those that say something new.
    pub new: u64,
    /// Those that were known.
    pub known: u64,
    /// Those that can't be read, and are not stored.
    pub unreadable: u64,
}

/// Why a page was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// Stripe refused it or was silent.
    #[error("{0}")]
    Api(#[from] ApiError),
    /// The store refused it.
    #[error("{0}")]
    Ledger(#[from] LedgerError),
}

impl std::ops::AddAssign for Taken {
    fn add_assign(&mut self, more: Self) {
        self.objects += more.objects;
        self.new += more.new;
        self.known += more.known;
        self.unreadable += more.unreadable;
    }
}

/// Reads pages into the store.
#[derive(Debug, Clone)]
pub struct Puller {
    pub(super) ledger: Ledger,
    pub(super) api: Api,
    /// The clock, in unix seconds; it is the app's.
    pub(super) now: fn() -> i64,
}

impl Puller {
    /// A puller from this API.
    #[must_use]
    pub fn new(ledger: Ledger, api: Api, now: fn() -> i64) -> Self {
        Self { ledger, api, now }
    }

    /// Reads the next page of a slice, and moves the slice on. When this returns the page is on disk.
    ///
    /// # Errors
    ///
    /// [`PullError`]; the slice stands where it stood.
    pub async fn page(&self, list: List, slice: &mut PullSlice) -> Result<Taken, PullError> {
        let page = self.read(list, slice).await?;
        let source = if list.is_of_events() { events_of(slice) } else { listed_in(slice, list.path()) };
        let mut taken = self.store(page.body.clone(), &source).await?;
        for object in page.objects.iter().filter(|object| object.has_more_items) {
            taken += self.items(&object.id, slice).await?;
        }
        slice.pages += 1;
        slice.objects += i64::try_from(page.objects.len()).unwrap_or(i64::MAX);
        if let Some(last) = page.objects.last() {
            slice.after = Some(last.id.clone());
            slice.reached_at = last.created.or(slice.reached_at);
        }
        slice.done_at = (!page.has_more).then(|| (self.now)());
        // What is undelivered is looked for anew each time.
        if list != List::Undelivered {
            self.ledger.keep_slices(std::slice::from_ref(slice)).await?;
        }
        Ok(taken)
    }

    /// Reads on behind the last object that is stored; by its date, where it is no more.
    async fn read(&self, list: List, slice: &PullSlice) -> Result<Page, ApiError> {
        let account = account_of(slice);
        let span = Span { since: slice.since, until: slice.until };
        let read = self.api.page(list, span, slice.after.as_deref(), account).await;
        match (&read, &slice.after, slice.reached_at) {
            (Err(ApiError::Gone { .. }), Some(_), Some(reached_at)) => {
                let span = Span { until: slice.until.min(reached_at + 1), ..span };
                self.api.page(list, span, None, account).await
            }
            _ => read,
        }
    }

    /// All items of a subscription that shows ten of them.
    async fn items(&self, subscription: &str, slice: &PullSlice) -> Result<Taken, PullError> {
        let wanted = Wanted::Items(subscription.to_owned());
        match self.api.fetch(&wanted, account_of(slice)).await {
            Ok(fetched) => Ok(self.store(fetched.body, &listed_in(slice, "subscription_items")).await?),
            // It is gone since it was listed.
            Err(ApiError::Gone { .. }) => Ok(Taken::default()),
            Err(error) => Err(error.into()),
        }
    }

    async fn store(&self, body: Bytes, from: &Origin<'_>) -> Result<Taken, LedgerError> {
        let (mut arrivals, mut taken) = arrivals(body, from, (self.now)());
        if from.is_of_events {
            arrivals = self.missing(arrivals, &mut taken).await?;
        }
        if arrivals.is_empty() {
            return Ok(taken);
        }
        for acceptance in self.ledger.accept(&arrivals, says).await? {
            match acceptance {
                Acceptance::New { .. } => taken.new += 1,
                Acceptance::Duplicate { .. } | Acceptance::Conflict => taken.known += 1,
            }
        }
        Ok(taken)
    }

    /// The events that are not stored. The API renders an event by another version than the endpoint may have, so
    /// that one that is stored is no contradiction to it.
    async fn missing(&self, arrivals: Vec<Arrival>, taken: &mut Taken) -> Result<Vec<Arrival>, LedgerError> {
        let mut missing = Vec::with_capacity(arrivals.len());
        let mut arrivals = arrivals;
        while let Some(account) = arrivals.first().map(|arrival| arrival.account.clone()) {
            let (of_it, others): (Vec<_>, Vec<_>) =
                arrivals.into_iter().partition(|arrival| arrival.account == account);
            let events: Vec<String> = of_it.iter().map(|arrival| arrival.event_id.clone()).collect();
            let stored = self.ledger.stored_among(&account, &events).await?;
            taken.known += u64::try_from(stored.len()).unwrap_or(u64::MAX);
            missing.extend(of_it.into_iter().filter(|arrival| !stored.contains(&arrival.event_id)));
            arrivals = others;
        }
        Ok(missing)
    }
}

/// Whose documents they are, and where they come from.
struct Origin<'f> {
    account: Option<&'f str>,
    livemode: bool,
    path: &'static str,
    is_of_events: bool,
}

fn events_of(slice: &PullSlice) -> Origin<'_> {
    Origin { is_of_events: true, ..listed_in(slice, "events") }
}

fn listed_in<'f>(slice: &'f PullSlice, path: &'static str) -> Origin<'f> {
    Origin { account: account_of(slice), livemode: slice.livemode, path, is_of_events: false }
}

fn account_of(slice: &PullSlice) -> Option<&str> {
    (!slice.account.is_empty()).then_some(slice.account.as_str())
}

/// The documents of an answer, each as it came.
fn arrivals(body: Bytes, from: &Origin<'_>, now: i64) -> (Vec<Arrival>, Taken) {
    let (mut arrivals, mut taken) = (Vec::new(), Taken::default());
    let Ok(documents) = documents(std::io::Cursor::new(body)) else {
        return (arrivals, Taken { unreadable: 1, ..taken });
    };
    for document in documents {
        taken.objects += 1;
        let read = document.ok().and_then(|document| arrival_of(&document.bytes, from, now));
        match read {
            Some(arrival) => arrivals.push(arrival),
            None => taken.unreadable += 1,
        }
    }
    (arrivals, taken)
}

/// An object does not say whose account it is of, and an event of a connected one that was listed there need not;
/// the mode is the key's.
fn arrival_of(body: &[u8], from: &Origin<'_>, now: i64) -> Option<Arrival> {
    let place = format!("api:{}", from.path);
    // What an answer of the API says of the catalogue is not asked for again; an event leaves things out.
    let source = if from.is_of_events { Source::Backfill { place } } else { Source::Fetched { place } };
    let arrival = arrival(body, None, now, source).ok()?;
    if from.is_of_events && from.account.is_none() {
        return Some(arrival);
    }
    let (account, livemode) = (from.account.unwrap_or_default().to_owned(), from.livemode);
    Some(Arrival { account, livemode, book: book_of(from.account, livemode), ..arrival })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PAGE: &[u8] =
        br#"{"object":"list","data":[{"id":"evt_1","object":"event","type":"x","livemode":true,"created":7},
        {"id":"price_1","object":"price","created":8,"livemode":true}],"has_more":false}"#;

    #[test]
    fn documents_come_as_they_are_into_the_book_of_the_account() {
        let from = Origin { account: Some("acct_1"), livemode: true, path: "prices", is_of_events: false };
        let (arrivals, taken) = arrivals(Bytes::from_static(PAGE), &from, 9);
        assert_eq!((arrivals.len(), taken.objects, taken.unreadable), (2, 2, 0));
        assert_eq!(
            arrivals[1].body,
            crate::ledger::Packed::of(br#"{"id":"price_1","object":"price","created":8,"livemode":true}"#)
        );
        assert!(arrivals.iter().all(|arrival| arrival.account == "acct_1" && arrival.book == "acct_1"));
        assert_eq!(arrivals[1].source, Source::Fetched { place: "api:prices".to_owned() });
    }

    #[test]
    fn an_event_of_the_own_account_says_itself_whose_it_is() {
        let slice = PullSlice::new("", false, "events", (0, 9));
        let (arrivals, _) = arrivals(Bytes::from_static(PAGE), &events_of(&slice), 9);
        assert_eq!((arrivals[0].book.as_str(), arrivals[0].account.as_str()), ("live", ""));
        assert_eq!(arrivals[0].source, Source::Backfill { place: "api:events".to_owned() });
    }
}
