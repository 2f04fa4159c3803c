//! Statements that have to be answered in time: a network that breaks off without a word would keep them for ever. And
//! what is seen of refused writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sea_orm::sqlx;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement,
};

use super::error::is_of_a_read_only_file;

/// A connection, or what stands for one, whose statements are given up when they are not answered in time. A
/// transaction that is given up leaves nothing behind, unless it was its commit that was not answered.
#[derive(Debug)]
pub(super) struct Limited<C> {
    connection: C,
    limit: Option<Duration>,
    refusal: Refusal,
}

/// Whether a file that may only be read refused a write since it was last asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusal(Arc<AtomicBool>);

impl Refusal {
    /// Whether it did; it is forgotten by that.
    pub(super) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// A transaction, as most of the ledger knows it.
pub(super) type Transaction = Limited<DatabaseTransaction>;

impl<C> Limited<C> {
    /// Without a limit, statements take what they take.
    pub(super) fn new(connection: C, limit: Option<Duration>) -> Self {
        Self::noting(connection, limit, Refusal::default())
    }

    /// The same, that tells of refused writes.
    pub(super) fn noting(connection: C, limit: Option<Duration>, refusal: Refusal) -> Self {
        Self { connection, limit, refusal }
    }

    /// A transaction on this connection.
    pub(super) fn within<T>(&self, transaction: T, limit: Option<Duration>) -> Limited<T> {
        Limited::noting(transaction, limit, self.refusal.clone())
    }

    /// An answer of this connection, in time.
    ///
    /// # Errors
    ///
    /// As of [`within`].
    pub(super) async fn answers<T>(
        &self,
        answer: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<T, DbErr> {
        let answer = within(self.limit, answer).await;
        if answer.as_ref().is_err_and(is_of_a_read_only_file) {
            self.refusal.0.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// The connection itself, for what may take long.
    pub(super) fn unlimited(&self) -> &C {
        &self.connection
    }

    /// How long a statement may take.
    pub(super) fn limit(&self) -> Option<Duration> {
        self.limit
    }
}

impl Transaction {
    /// Commits what was written.
    ///
    /// # Errors
    ///
    /// The store's refusal. Of one that did not answer in time nobody knows whether it committed.
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        within(self.limit, self.connection.commit()).await
    }
}

#[async_trait]
impl<C: ConnectionTrait> ConnectionTrait for Limited<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.answers(self.connection.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.answers(self.connection.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.answers(self.connection.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.answers(self.connection.query_all_raw(statement)).await
    }
}

/// An answer, or the error of a network that broke off if it takes longer.
///
/// # Errors
///
/// The store's own, or that it did not answer.
pub(super) async fn within<T>(
    limit: Option<Duration>,
    answer: impl Future<Output = Result<T, DbErr>>,
) -> Result<T, DbErr> {
    let Some(limit) = limit else { return answer.await };
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(no_answer(limit)),
    }
}

fn no_answer(limit: Duration) -> DbErr {
    let said = format!(
        "the database did not answer within {} s; see that it can be reached and is not overloaded, or raise \
         UPSWELL_STORE_SECONDS",
        limit.as_secs_f32()
    );
    let error = sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, said));
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ledger::error::while_doing;

    #[tokio::test]
    async fn what_is_not_answered_in_time_is_given_up_and_may_be_tried_again() {
        let never = std::future::pending::<Result<(), DbErr>>();
        let error =
            within(Some(Duration::from_millis(5)), never).await.map_err(while_doing("wait")).unwrap_err();
        assert!(error.is_transient(), "{error}");
        let answered = within(Some(Duration::from_secs(60)), async { Ok::<_, DbErr>(7) }).await;
        assert_eq!(answered.unwrap(), 7);
    }
}
