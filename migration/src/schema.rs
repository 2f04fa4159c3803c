//! What the migrations share: running statements, and the triggers of append-only tables.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{MigrationTrait, SchemaManager};

/// Runs one statement after the other.
///
/// # Errors
///
/// The store's refusal of one of them.
pub(crate) async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

/// Makes the store itself refuse to change or remove a row of the table: a ledger is corrected by
/// adding to it.
///
/// # Errors
///
/// The store's refusal.
pub(crate) async fn append_only(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    for act in ["UPDATE", "DELETE"] {
        let name = act.to_lowercase();
        let trigger = format!(
            "CREATE TRIGGER {table}_refuses_{name} BEFORE {act} ON {table} \
             BEGIN SELECT RAISE(ABORT, 'the {table} is append-only'); END"
        );
        run(manager, &[&trigger]).await?;
    }
    Ok(())
}

/// The answer to every request to undo: the ledger never forgets.
///
/// # Errors
///
/// Always.
pub(crate) fn no_way_back(migration: &impl MigrationTrait) -> Result<(), DbErr> {
    Err(DbErr::Migration(format!(
        "{} can't be undone: the ledger is append-only; restore a backup taken before it instead",
        migration.name()
    )))
}
