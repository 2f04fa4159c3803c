//! An index of metered items that are held, for the page of exceptions, which looks for those that nobody bills; and none
//! of postings by event any more.

use sea_orm_migration::prelude::*;

use crate::schema;

/// Indexes.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0020_indexes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        schema::run(manager, INDEXES).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        schema::no_way_back(self)
    }
}

/// Without the first, all levels of the store are read to find that no metered item is held. The second had a page of its
/// own written for each posting of a large ledger, because ids of events come in no order; which movements rest on an event
/// is asked of the customers that it may concern.
const INDEXES: &[&str] = &[
    "CREATE INDEX level_metered ON level (from_at) WHERE is_metered = 1 AND until_at IS NULL",
    "DROP INDEX posting_event",
];
