//! `upswell openapi`: the description of the HTTP API.

use anyhow::Context;
use clap::Args;

use super::{Outcome, emit};
use crate::http::openapi;

/// What `upswell openapi` takes: nothing.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell openapi > openapi.json")]
pub struct OpenApiArgs {}

/// Prints what `GET /api/openapi.json` answers.
///
/// # Errors
///
/// Standard output's.
pub fn run(_: &OpenApiArgs) -> anyhow::Result<Outcome> {
    emit(openapi().context("the API can't be described")?)?;
    Ok(Outcome::Done)
}
