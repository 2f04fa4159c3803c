//! What came of schedules and was ignored, for older versions did not read them, waits to be read.

use sea_orm_migration::prelude::*;

use crate::schema;

/// Schedules that wait to be read.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0015_schedules"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        schema::run(manager, QUEUE).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        schema::no_way_back(self)
    }
}

/// Once, for it asks every delivery that was ignored what it is of.
const QUEUE: &[&str] = &["INSERT INTO pending (inbox_seq, received_at) \
     SELECT i.seq, i.received_at FROM disposition d JOIN inbox i ON i.seq = d.inbox_seq \
     WHERE d.outcome <> 'settled' AND d.outcome = 'ignored' \
     AND (i.kind LIKE 'subscription_schedule.%' OR i.kind = 'listing.subscription_schedule') \
     ON CONFLICT DO NOTHING"];
