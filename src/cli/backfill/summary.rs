//! What became of a file, told.

use std::collections::BTreeMap;

use super::feed::Tally;
use super::parked::PARKED_FILE;
use crate::app::App;

/// What became of a file's rows, for people.
pub(super) async fn summary(
    app: &App,
    name: &str,
    since_seq: i64,
    tally: &Tally,
    is_kept: bool,
) -> anyhow::Result<String> {
    let mut text = format!(
        "{name}: {} rows read, {} accepted, {} already known\n",
        tally.rows, tally.accepted, tally.known
    );
    let mut reasons: BTreeMap<String, i64> = BTreeMap::new();
    for ignored in app.ledger.ignored(since_seq).await? {
        *reasons.entry(ignored.reason).or_default() += ignored.count;
    }
    for (reason, count) in reasons {
        text.push_str(&format!("  ignored {count}: {reason}\n"));
    }
    for parked in app.ledger.parked(since_seq).await? {
        let place = parked.place.unwrap_or(parked.event);
        text.push_str(&format!("  parked {place}: {} at {}\n", parked.reason, parked.path));
    }
    for (line, reason) in &tally.unreadable {
        let kept = if is_kept { format!("; kept in {PARKED_FILE}") } else { String::new() };
        text.push_str(&format!("  parked {name}:{line}: {reason}{kept}\n"));
    }
    if tally.kept_aside > 0 {
        text.push_str(&format!(
            "  kept aside {}: a known event that says something else\n",
            tally.kept_aside
        ));
    }
    if tally.other_books > 0 {
        text.push_str(&format!("  passed over {}: of another book\n", tally.other_books));
    }
    let posted = tally.posted;
    text.push_str(&format!("  movements posted {}, taken back {}\n", posted.posted, posted.reversed));
    Ok(text)
}
