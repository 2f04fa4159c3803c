//! How a body lies in the inbox: as it came, or compressed.

use sea_orm_migration::prelude::*;

use crate::schema;

/// The codec of stored bodies.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0008_codec"
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

/// Rows that are there stay as they are, under codec 0. A fact is found by its delivery, and that by its
/// event: an index of facts by event was one more to keep for every fact.
const TABLES: &[&str] = &[
    "ALTER TABLE inbox ADD COLUMN codec INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE conflict ADD COLUMN codec INTEGER NOT NULL DEFAULT 0",
    "DROP INDEX fact_event",
];
