//! What a settlement needs of a customer with a long past, without reading that past: the levels that last, and the facts
//! about the customer itself.

use sea_orm_migration::prelude::*;

use crate::schema;

/// Indexes.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0021_long_lives"
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

/// Each has in it what else is asked, so that of what is over nothing but the index is read.
const INDEXES: &[&str] = &[
    "DROP INDEX level_customer",
    "CREATE INDEX level_customer ON level (book, customer, until_at, from_at)",
    "CREATE INDEX fact_customer ON fact (book, customer, at) WHERE subscription IS NULL",
];
