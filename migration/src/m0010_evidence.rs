//! What each level rests on.

use sea_orm_migration::prelude::*;

use crate::schema;

/// The grade of a level's evidence.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0010_evidence"
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

/// Until now all levels rested on events.
const TABLES: &[&str] = &["ALTER TABLE level ADD COLUMN grade TEXT NOT NULL DEFAULT 'event'"];
