//! Indexes that nothing, or only the few rows that are not settled, are looked for by.

use sea_orm_migration::prelude::*;

use crate::schema;

/// Lighter indexes.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0011_lighter"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        schema::run(manager, TABLES).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        schema::no_way_back(self)
    }
}

/// A fact is found by its customer, and nearly all dispositions say that all is well: a statement that looks for
/// the others has to say `outcome <> 'settled'` for SQLite to see that this index will do.
const TABLES: &[&str] = &[
    "DROP INDEX fact_inbox",
    "DROP INDEX disposition_outcome",
    "CREATE INDEX disposition_unsettled ON disposition (outcome, reason) WHERE outcome <> 'settled'",
];
