//! `upswell deliver`: sends reports to whom they are for, now.

use clap::Args;

use super::args::month;
use super::{Outcome, SummaryFormat, UsageError, emit, instant};
use crate::app::{App, now};
use crate::deliver::{Came, Courier, Delivered, Dispatch, Wish};
use crate::mrr::{Instant, Month};

/// What `upswell deliver` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  upswell deliver --dry-run\n  upswell deliver --month 2026-10 --to board"
)]
pub struct DeliverArgs {
    /// Only to this one of the sections `[[delivery]]` of the configuration; several, if it is given several times
    #[arg(long, value_name = "NAME")]
    pub to: Vec<String>,
    /// The month [default: the last full one; the one under way where the delivery is weekly]
    #[arg(long, value_parser = month)]
    pub month: Option<Month>,
    /// Also what was sent before
    #[arg(long)]
    pub again: bool,
    /// Make everything and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The form of the answer [default: table on a terminal, else json]
    #[arg(long, value_enum)]
    pub format: Option<SummaryFormat>,
}

#[derive(serde::Serialize)]
struct Row<'r> {
    delivery: &'r str,
    period: &'r str,
    outcome: &'static str,
    how: Option<&'r str>,
    message: Option<&'r str>,
    reason: Option<&'r str>,
    at: Option<String>,
}

/// Sends them one after the other, and says what became of each.
///
/// # Errors
///
/// A name that is none; the store's.
pub async fn run(args: &DeliverArgs, app: &App) -> anyhow::Result<Outcome> {
    let courier = app.courier()?;
    let wish = Wish { month: args.month, once_more: args.again, is_dry: args.dry_run };
    let mut delivered = Vec::new();
    for dispatch in meant(&courier, &args.to)? {
        delivered.push(courier.fulfil(dispatch, wish, &now).await?);
    }
    emit(&match SummaryFormat::or_by_reader(args.format) {
        SummaryFormat::Table => delivered.iter().map(line).collect::<String>(),
        SummaryFormat::Json => {
            format!("{}\n", serde_json::to_string(&delivered.iter().map(row).collect::<Vec<_>>())?)
        }
    })?;
    let has_failed = delivered.iter().any(|one| matches!(one.came, Came::Failed(..)));
    Ok(if has_failed { Outcome::FaultFound } else { Outcome::Done })
}

/// Those that are named, or all.
fn meant<'c>(courier: &'c Courier, names: &[String]) -> Result<Vec<&'c Dispatch>, UsageError> {
    let all = courier.dispatches();
    if all.is_empty() {
        return Err(UsageError {
            what: "nobody is to have reports: upswell.toml has no [[delivery]]".to_owned(),
            example: "[[delivery]]\nname = \"board\"\nfile = \"reports/{month}.{format}\"".to_owned(),
        });
    }
    let known = || all.iter().map(|dispatch| dispatch.name.as_str()).collect::<Vec<_>>();
    if let Some(unknown) = names.iter().find(|name| !known().contains(&name.as_str())) {
        return Err(UsageError {
            what: format!("--to {unknown} is none of {}", known().join(", ")),
            example: format!("upswell deliver --to {}", known().first().unwrap_or(&"board")),
        });
    }
    Ok(all.iter().filter(|dispatch| names.is_empty() || names.contains(&dispatch.name)).collect())
}

fn line(one: &Delivered) -> String {
    let Delivered { name, period, came } = one;
    let told = match came {
        Came::Sent(how) => format!("sent: {how}"),
        Came::Would(how, message) => {
            let message = message.as_deref().unwrap_or_default();
            let lines: String = message.lines().map(|line| format!("    {line}\n")).collect();
            let said = if lines.is_empty() { lines } else { format!("\n{}", lines.trim_end_matches('\n')) };
            format!("would be sent: {how}{said}")
        }
        Came::Failed(reason, _) => format!("could not be sent: {reason}"),
        Came::SentBefore(at) => {
            format!("sent before, at {}; --again sends it once more", instant(Instant(*at)))
        }
        Came::InOtherHands => {
            "is being sent by another process, or was until it ended: ask again in some minutes".to_owned()
        }
    };
    format!("{name}  {period}  {told}\n")
}

fn row(one: &Delivered) -> Row<'_> {
    let none = Row {
        delivery: &one.name,
        period: &one.period,
        outcome: "in_other_hands",
        how: None,
        message: None,
        reason: None,
        at: None,
    };
    match &one.came {
        Came::Sent(how) => Row { outcome: "sent", how: Some(how), ..none },
        Came::Would(how, message) => {
            Row { outcome: "would_send", how: Some(how), message: message.as_deref(), ..none }
        }
        Came::Failed(reason, _) => Row { outcome: "failed", reason: Some(reason), ..none },
        Came::SentBefore(at) => Row { outcome: "sent_before", at: Some(instant(Instant(*at))), ..none },
        Came::InOtherHands => none,
    }
}
