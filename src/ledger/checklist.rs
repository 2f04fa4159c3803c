//! What closing a month would find, looked at without closing it (R24).

use super::{CloseOrder, Closing, Doubts, Ledger, LedgerError, MonthAct};
use crate::mrr::{Instant, Month};

/// How a month stands before it is closed, or after.
#[derive(Debug, Clone)]
pub struct Checklist {
    /// How it was closed; `None` while it is open.
    pub closing: Option<Closing>,
    /// Whether it is over in the reporting time zone.
    pub is_over: bool,
    /// The open months that closing it closes, itself the last; none where nothing belongs to them.
    pub months: Vec<Month>,
    /// The later closed months that opening it again opens with it, itself the first; none of an open one.
    pub opens: Vec<Month>,
    /// Deliveries that wait; closing settles them first.
    pub pending: i64,
    /// Customers whose time to be derived again has come; closing derives them first.
    pub due: i64,
    /// Customers that were settled by other rules than those configured: closing refuses.
    pub other_rules: i64,
    /// What may be missing; closing goes on all the same.
    pub doubts: Doubts,
    /// When it was opened again, and why, the last first.
    pub reopened: Vec<(Instant, String)>,
}

impl Checklist {
    /// Whether closing would be refused whatever is settled first.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.closing.is_some() || !self.is_over || self.months.is_empty() || self.other_rules > 0
    }
}

impl Ledger {
    /// How a month stands before it is closed.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn checklist(&self, order: &CloseOrder) -> Result<Checklist, LedgerError> {
        let closings = self.closings(&order.book).await?;
        let first = match closings.last() {
            Some(last) => Some(last.month.next()),
            None => self.months_posted(&order.book).await?.keys().next().copied(),
        };
        let first = first.unwrap_or_else(|| order.month.next());
        let months = std::iter::successors(Some(first), |month| Some(month.next()));
        let closing = closings.of(order.month);
        let opens = closings.all().map(|closing| closing.month).filter(|month| *month >= order.month);
        let opens = closing.as_ref().map(|_| opens.collect()).unwrap_or_default();
        let waiting = self.waiting(order).await?;
        let mut reopened = Vec::new();
        for act in self.month_acts(&order.book).await? {
            if let MonthAct::Reopen { month, at, why, .. } = act
                && month <= order.month
            {
                reopened.insert(0, (at, why));
            }
        }
        Ok(Checklist {
            closing,
            is_over: order.month.end(order.rules.zone) <= Instant(order.now),
            months: months.take_while(|month| *month <= order.month).collect(),
            opens,
            pending: waiting.pending,
            due: waiting.due,
            other_rules: waiting.other_rules,
            doubts: self.doubts(&order.book).await?,
            reopened,
        })
    }
}
