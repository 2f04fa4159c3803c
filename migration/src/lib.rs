//! The schema of upswell's store: one file a migration, in the order of their names.
//!
//! Every text here is written for SQLite (`STRICT` tables). What PostgreSQL says differently is confined to
//! `schema`: the words of types and keys, the order of text, the triggers that keep a table append-only, and the
//! numbers of rows that SQLite has by itself.

mod m0001_inbox;
mod m0002_fact;
mod m0003_posting;
mod m0004_projection;
mod m0005_closing;
mod m0006_rate;
mod m0007_catalogue;
mod m0008_codec;
mod m0009_pull;
mod m0010_evidence;
mod m0011_lighter;
mod m0014_packed;
mod m0015_schedules;
mod m0016_dispatch;
mod m0017_roll_up;
mod m0018_views;
mod m0019_looked_up;
mod m0020_indexes;
mod m0021_long_lives;
mod m0022_of_invoices;
mod m0023_compared;
mod schema;

use sea_orm_migration::MigrationTrait;
pub use sea_orm_migration::MigratorTrait;

/// Every migration of the store, oldest first.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_inbox::Migration),
            Box::new(m0002_fact::Migration),
            Box::new(m0003_posting::Migration),
            Box::new(m0004_projection::Migration),
            Box::new(m0005_closing::Migration),
            Box::new(m0006_rate::Migration),
            Box::new(m0007_catalogue::Migration),
            Box::new(m0008_codec::Migration),
            Box::new(m0009_pull::Migration),
            Box::new(m0010_evidence::Migration),
            Box::new(m0011_lighter::Migration),
            Box::new(m0014_packed::Migration),
            Box::new(m0015_schedules::Migration),
            Box::new(m0016_dispatch::Migration),
            Box::new(m0017_roll_up::Migration),
            Box::new(m0018_views::Migration),
            Box::new(m0019_looked_up::Migration),
            Box::new(m0020_indexes::Migration),
            Box::new(m0021_long_lives::Migration),
            Box::new(m0022_of_invoices::Migration),
            Box::new(m0023_compared::Migration),
        ]
    }
}
