//! How facts lie in the store, as text or compressed.

use sea_orm_migration::prelude::*;

use crate::schema;

/// The codec of stored facts.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0014_packed"
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

/// Rows that are there stay as they are, under codec 0. Of another codec the body is empty, and `packed` holds the
/// fact: facts as text were more than half of a ledger.
const TABLES: &[&str] = &[
    "ALTER TABLE fact ADD COLUMN codec INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE fact ADD COLUMN packed BLOB",
];
