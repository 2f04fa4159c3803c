//! Subscriptions that only invoices or usage tell of, found where all others are.

use sea_orm_migration::prelude::*;

use crate::schema;

/// Rows for those that are settled already; settlements write them from now on.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0022_of_invoices"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        schema::run(manager, ROWS).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        schema::no_way_back(self)
    }
}

/// They have no attributes, before all time: whatever comes is newer. What tells how a subscription stands has its row.
const ROWS: &[&str] = &["INSERT INTO attribute (book, customer, subscription, country, metadata, at, event)
     SELECT DISTINCT book, customer, subscription, NULL, '{}', -9223372036854775808, ''
     FROM fact WHERE subscription IS NOT NULL AND status IS NULL
     ON CONFLICT (book, customer, subscription) DO NOTHING"];
