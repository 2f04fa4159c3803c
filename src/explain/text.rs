//! An explanation as text for a terminal.

use std::fmt::Write;

use super::{
    CatalogueExplained, CustomerExplained, EventExplained, EventTold, Explained, Lesson, LevelTold,
    LineWorth, MonthTold, MovementExplained, MovementTold, Settled, SideTold, Step, Told, Worth,
};

impl Explained {
    /// The explanation as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Text in memory takes whatever is written.
        let _ = match self {
            Self::Customer(of) => customer(&mut text, of),
            Self::Event(of) => event(&mut text, of),
            Self::Movement(of) => movement_alone(&mut text, of),
            Self::Catalogue(of) => catalogue(&mut text, of),
        };
        text
    }
}

fn customer(text: &mut String, of: &CustomerExplained) -> std::fmt::Result {
    let only = of.subscription.as_ref().map(|id| format!(", subscription {id}")).unwrap_or_default();
    let month = of.month.as_ref().map(|month| format!(", {month}")).unwrap_or_default();
    writeln!(text, "customer {} in book {}{only}{month}", of.customer, of.book)?;
    settled(text, &of.settled)?;
    writeln!(text, "\nWhat was told, and what it is worth a month")?;
    of.told.iter().try_for_each(|told| told_text(text, told))?;
    writeln!(text, "\nThe levels that it makes")?;
    of.levels.iter().try_for_each(|level| level_text(text, level))?;
    writeln!(text, "\nThe movements that follow")?;
    of.movements.iter().try_for_each(|movement| movement_text(text, movement, false))?;
    if of.movements.is_empty() {
        writeln!(text, "  none")?;
    }
    writeln!(text, "\nThe cells of the report, as restated (R26)")?;
    of.months.iter().try_for_each(|month| month_text(text, month))?;
    if of.months.is_empty() {
        writeln!(text, "  none")?;
    }
    Ok(())
}

fn event(text: &mut String, of: &EventExplained) -> std::fmt::Result {
    writeln!(text, "event {} in book {}", of.event.id, of.book)?;
    event_text(text, &of.event)?;
    let path = of.path.as_ref().map(|path| format!(" at {path}")).unwrap_or_default();
    let reason = of.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    writeln!(text, "    {}{path}{reason}", of.outcome)?;
    if let Some(remedy) = of.remedy {
        writeln!(text, "    {remedy}")?;
    }
    of.told.iter().try_for_each(|told| {
        writeln!(text, "\n  {} {}", told.at, told.says)?;
        told.worth.iter().try_for_each(|worth| worth_text(text, worth))
    })?;
    if !of.teaches.is_empty() {
        writeln!(text, "\nWhat it teaches (R4)")?;
        of.teaches.iter().try_for_each(|lesson| lesson_text(text, lesson))?;
    }
    if !of.derived.is_empty() {
        writeln!(text, "\nThe customers that it made be derived\n  {}", of.derived.join("\n  "))?;
    }
    writeln!(text, "\nThe movements that it proves")?;
    of.movements.iter().try_for_each(|movement| movement_text(text, movement, true))?;
    if of.movements.is_empty() {
        writeln!(text, "  none")?;
    }
    Ok(())
}

fn movement_alone(text: &mut String, of: &MovementExplained) -> std::fmt::Result {
    writeln!(text, "movement {} of customer {} in book {}", of.movement.id, of.customer, of.book)?;
    settled(text, &of.settled)?;
    movement_text(text, &of.movement, true)?;
    writeln!(text, "\nThe event behind it")?;
    of.told.iter().try_for_each(|told| told_text(text, told))
}

fn catalogue(text: &mut String, of: &CatalogueExplained) -> std::fmt::Result {
    writeln!(text, "{} in the catalogue of book {} (R4, R21)", of.id, of.book)?;
    writeln!(text, "\nWhat is known of it")?;
    of.known.iter().try_for_each(|lesson| lesson_text(text, lesson))?;
    if of.known.is_empty() {
        writeln!(text, "  nothing beside what events of subscriptions carry")?;
    }
    writeln!(text, "\nWho asks for it")?;
    of.asked_by.iter().try_for_each(|customer| writeln!(text, "  {customer}"))?;
    if of.asked_by.is_empty() {
        writeln!(text, "  nobody")?;
    }
    Ok(())
}

fn settled(text: &mut String, settled: &Settled) -> std::fmt::Result {
    writeln!(
        text,
        "settled {} by {} under policy {}, months of {}, catalogue up to {}",
        settled.settled_at, settled.engine, settled.policy, settled.timezone, settled.catalogue_seq
    )
}

fn told_text(text: &mut String, told: &Told) -> std::fmt::Result {
    match &told.event {
        Some(event) => {
            writeln!(text, "  {} {} {}: {}", told.at, event.id, event.kind, told.says)?;
            event_text(text, event)?;
        }
        None => writeln!(text, "  {} without a word: {}", told.at, told.says)?,
    }
    told.worth.iter().try_for_each(|worth| worth_text(text, worth))
}

fn event_text(text: &mut String, event: &EventTold) -> std::fmt::Result {
    let signed = match (&event.signed_at, &event.place) {
        (Some(at), _) => format!("signed {at}"),
        (None, place) => {
            format!("not signed: backfilled from {}", place.as_deref().unwrap_or("a file"))
        }
    };
    let version = event.api_version.as_deref().unwrap_or("unknown");
    writeln!(text, "    {} bytes, sha256 {}", event.bytes, event.sha256)?;
    writeln!(text, "    {signed}, received {}, API version {version}", event.received_at)
}

fn worth_text(text: &mut String, worth: &Worth) -> std::fmt::Result {
    writeln!(text, "    {} {}", worth.subscription, worth.why)?;
    worth.lines.iter().try_for_each(|line| line_text(text, line))
}

fn line_text(text: &mut String, line: &LineWorth) -> std::fmt::Result {
    let held = if line.is_metered { "metered".to_owned() } else { format!("{} held", line.quantity) };
    let level = match (&line.level, &line.missing) {
        (Some(level), _) => format!("{level} {} a month", line.currency),
        (None, missing) => {
            format!("not known for want of {} (R4)", missing.as_deref().unwrap_or("something"))
        }
    };
    writeln!(text, "      {} {} of {}, {held}: {level}", line.item, line.price, line.product)?;
    steps_text(text, &line.steps)?;
    for aside in &line.set_aside {
        writeln!(text, "        {} of the {} takes nothing off: {}", aside.discount, aside.of, aside.why)?;
    }
    for taught in &line.learnt {
        writeln!(
            text,
            "        {} as learnt from {} (since {}, sha256 {})",
            taught.about, taught.event, taught.since, taught.sha256
        )?;
    }
    match &line.stands {
        Some(stands) if line.level.as_ref() != Some(stands) => {
            writeln!(text, "        what stands is {stands} {}", line.currency)
        }
        _ => Ok(()),
    }
}

fn steps_text(text: &mut String, steps: &[Step]) -> std::fmt::Result {
    for step in steps {
        let note = step.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
        match step.step {
            "quantity" => writeln!(text, "        {:<3} {} units", step.rule, step.result)?,
            _ => writeln!(text, "        {:<3} {} = {}{note}", step.rule, step.arithmetic, step.result)?,
        }
    }
    Ok(())
}

fn level_text(text: &mut String, level: &LevelTold) -> std::fmt::Result {
    let until = level.until.as_ref().map_or_else(|| "on".to_owned(), |until| format!("to {until}"));
    writeln!(
        text,
        "  {} {until} {} {} {} × {}: {} {} ({})",
        level.from,
        level.subscription,
        level.item,
        level.quantity,
        level.price,
        level.mrr,
        level.currency,
        level.because
    )
}

fn movement_text(text: &mut String, movement: &MovementTold, with_steps: bool) -> std::fmt::Result {
    let of = movement;
    writeln!(
        text,
        "  {} {} {} {} ({}; {}) {} {}",
        of.effective_at,
        of.id,
        of.class,
        of.kind,
        of.cause,
        of.rules.join(", "),
        of.delta,
        of.currency
    )?;
    if let Some(part) = of.part {
        writeln!(text, "    step {part} (R17)")?;
    }
    writeln!(text, "    {} {}: {} -> {}", of.subscription, of.item, side(&of.before), side(&of.after))?;
    if with_steps {
        for (name, side) in [("before", &of.before), ("after", &of.after)] {
            let Some(side) = side else { continue };
            let how = match side.valued {
                "between" => ", between two states (R17)",
                "held" => ", the last known level (R4)",
                _ => "",
            };
            writeln!(text, "      {name}: {} × {} = {}{how}", side.quantity, side.price, side.mrr)?;
            steps_text(text, &side.steps)?;
        }
    }
    writeln!(
        text,
        "    customer {} -> {}, motion {} (R20), evidence {} {} sha256 {}",
        of.customer_mrr_before, of.customer_mrr_after, of.motion, of.grade, of.event, of.sha256
    )?;
    posting_text(text, movement)
}

fn posting_text(text: &mut String, movement: &MovementTold) -> std::fmt::Result {
    let (posting, cell) = (&movement.posting, &movement.cell);
    let adjusts = posting.adjusts.as_ref().map(|id| format!(", takes back {id}")).unwrap_or_default();
    let reversed =
        posting.reversed_by.map(|seq| format!(", taken back by posting {seq}")).unwrap_or_default();
    writeln!(
        text,
        "    posting {} of {}, posted in {} at {} by {} under policy {}{adjusts}{reversed} (R23)",
        posting.seq, posting.month, posting.posted_in, posting.recorded_at, posting.engine, posting.policy
    )?;
    let lane = match (cell.lane, cell.kind) {
        (Some(lane), Some(kind)) => format!("{lane}, {kind}: {} {}", cell.netted, movement.currency),
        (Some(lane), None) => format!("{lane}: {} {}", cell.netted, movement.currency),
        (None, _) => "no lane".to_owned(),
    };
    writeln!(text, "    report {}: {lane}; {}", cell.month, cell.why)?;
    match &cell.prior_period_of {
        Some(month) => {
            writeln!(
                text,
                "    as reported: a prior-period adjustment of {month}, for {} was closed (R24)",
                cell.month
            )
        }
        None => Ok(()),
    }
}

fn side(side: &Option<SideTold>) -> String {
    side.as_ref().map_or_else(
        || "nothing".to_owned(),
        |side| format!("{} × {} = {}", side.quantity, side.price, side.mrr),
    )
}

fn month_text(text: &mut String, month: &MonthTold) -> std::fmt::Result {
    for of in &month.currencies {
        writeln!(
            text,
            "  {} {}: starting {} + brought {}, ending {}; the customer {}",
            month.month, of.currency, of.starting_mrr, of.brought, of.ending_mrr, month.customer
        )?;
        for cell in &of.cells {
            let kind = cell.kind.map(|kind| format!(", {kind}")).unwrap_or_default();
            writeln!(text, "    {}{kind}: {} ({} of {})", cell.lane, cell.delta, cell.price, cell.product)?;
        }
    }
    Ok(())
}

fn lesson_text(text: &mut String, lesson: &Lesson) -> std::fmt::Result {
    writeln!(text, "  since {} {} {}: {}", lesson.since, lesson.kind, lesson.id, lesson.says)?;
    writeln!(text, "    {} {}, sha256 {}", lesson.grade, lesson.event, lesson.sha256)
}
