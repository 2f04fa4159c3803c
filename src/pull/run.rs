//! A whole pull of an account: its lists, several slices at a time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::LOST;
use super::plan::{LISTS, Owner, plan};
use super::puller::{PullError, Puller, Taken};
use crate::api::{ApiError, List, Span};
use crate::ledger::{LedgerError, PullSlice};

/// Slices that are read at a time: a page takes Stripe up to a second, and twenty may be asked for in one.
const READERS: usize = 12;

/// A page that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Its list.
    pub list: List,
    /// What became of its objects.
    pub taken: Taken,
    /// How far back in time it reaches.
    pub reached_at: Option<i64>,
    /// Slices that are left, this one among them until its last page.
    pub left: usize,
}

/// A list that was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The list.
    pub list: List,
    /// Why, with the remedy.
    pub error: ApiError,
}

/// The slices that wait, how many are left, and what can't be read.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<(List, PullSlice)>,
    left: usize,
    faults: BTreeMap<List, ApiError>,
}

/// Reads all lists of the own account, or of a connected one, `since` an instant or all there is, and tells of each
/// page. Where an earlier pull was interrupted, it goes on there.
///
/// # Errors
///
/// The store's refusal. What Stripe refuses is in the faults, by list: the others are read all the same.
pub async fn pull(
    puller: Puller,
    account: Option<String>,
    since: Option<i64>,
    told: mpsc::Sender<Told>,
) -> Result<Vec<Fault>, LedgerError> {
    let account = account.unwrap_or_default();
    let owner = Owner { account: &account, livemode: puller.api.is_live() };
    let waiting = planned(&puller, owner, since).await?;
    let queue = Queue { left: waiting.len(), waiting, ..Queue::default() };
    let queue = Arc::new(Mutex::new(queue));
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        readers.spawn(read_slices(puller.clone(), Arc::clone(&queue), told.clone()));
    }
    while let Some(done) = readers.join_next().await {
        match done {
            Ok(read) => read?,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }
    let faults = std::mem::take(&mut locked(&queue).faults);
    if faults.is_empty() {
        forgive(&puller, owner).await?;
    }
    Ok(faults.into_iter().map(|(list, error)| Fault { list, error }).collect())
}

async fn planned(
    puller: &Puller,
    owner: Owner<'_>,
    since: Option<i64>,
) -> Result<VecDeque<(List, PullSlice)>, LedgerError> {
    let known = puller.ledger.pull_slices(owner.account, owner.livemode).await?;
    let now = (puller.now)();
    let mut waiting = VecDeque::new();
    for list in LISTS {
        let of_it: Vec<_> = known.iter().filter(|slice| slice.list == list.name()).cloned().collect();
        waiting.extend(plan(owner, list, &of_it, since, now).into_iter().map(|slice| (list, slice)));
    }
    let slices: Vec<PullSlice> = waiting.iter().map(|(_, slice)| slice.clone()).collect();
    puller.ledger.keep_slices(&slices).await?;
    Ok(waiting)
}

async fn read_slices(
    puller: Puller,
    queue: Arc<Mutex<Queue>>,
    told: mpsc::Sender<Told>,
) -> Result<(), LedgerError> {
    loop {
        let next = locked(&queue).next();
        let Some((list, mut slice)) = next else { return Ok(()) };
        while slice.done_at.is_none() && !locked(&queue).is_over(list) {
            match puller.page(list, &mut slice).await {
                Ok(taken) => {
                    let left = locked(&queue).left - usize::from(slice.done_at.is_some());
                    // Nobody listens any more: the pull goes on all the same.
                    let _ = told.send(Told { list, taken, reached_at: slice.reached_at, left }).await;
                }
                Err(PullError::Api(error)) => {
                    locked(&queue).faults.entry(list).or_insert(error);
                }
                Err(PullError::Ledger(error)) => return Err(error),
            }
        }
        locked(&queue).left -= 1;
    }
}

/// What an outage left out is told by the lists now.
async fn forgive(puller: &Puller, owner: Owner<'_>) -> Result<(), LedgerError> {
    let known = puller.ledger.pull_slices(owner.account, owner.livemode).await?;
    let lost = known.into_iter().filter(|slice| slice.list == LOST && slice.done_at.is_none());
    let made_up_for: Vec<_> =
        lost.map(|slice| PullSlice { done_at: Some((puller.now)()), ..slice }).collect();
    puller.ledger.keep_slices(&made_up_for).await
}

/// The accounts that are connected to the key's own.
///
/// # Errors
///
/// [`ApiError`], after all tries.
pub async fn accounts(puller: &Puller) -> Result<Vec<String>, ApiError> {
    let span = Span { since: 0, until: i64::MAX };
    let mut accounts: Vec<String> = Vec::new();
    loop {
        let after = accounts.last().map(String::as_str);
        let page = puller.api.page(List::Accounts, span, after, None).await?;
        accounts.extend(page.objects.into_iter().map(|account| account.id));
        if !page.has_more {
            return Ok(accounts);
        }
    }
}

impl Queue {
    fn next(&mut self) -> Option<(List, PullSlice)> {
        loop {
            let (list, slice) = self.waiting.pop_front()?;
            if !self.is_over(list) {
                return Some((list, slice));
            }
            self.left -= 1;
        }
    }

    /// Whether no more is to be asked of a list: it was refused, or the key is that of nobody.
    fn is_over(&self, list: List) -> bool {
        let is_refused = |error: &ApiError| {
            matches!(error, ApiError::Key | ApiError::Configuration | ApiError::Account { .. })
        };
        self.faults.contains_key(&list) || self.faults.values().any(is_refused)
    }
}

fn locked(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}
