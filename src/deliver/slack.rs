//! What is said of a report, in the form that Slack's incoming webhooks take, and many others like them.

use serde_json::{Value, json};

use super::parcel::Message;

/// Slack takes 50 blocks; a header, facts and two for each currency.
const MOST_CURRENCIES: usize = 20;

/// Slack takes ten fields a block.
const MOST_FIGURES: usize = 10;

/// Title, facts, and of each currency its sentences and figures; `text` is what notifications show.
pub(super) fn message(message: &Message) -> Value {
    let mut text = vec![format!("*{}*", escaped(&message.title)), escaped(&message.facts)];
    let mut blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": message.title}}),
        json!({"type": "context", "elements": [{"type": "mrkdwn", "text": escaped(&message.facts)}]}),
    ];
    for summary in message.summaries.iter().take(MOST_CURRENCIES) {
        let named = message.named(summary);
        let said: Vec<String> = summary.said.iter().chain(&named).map(|sentence| escaped(sentence)).collect();
        let said = format!("*{}*\n{}", escaped(&summary.name), said.join("\n"));
        let figure = |figure: &crate::report::Figure| {
            let (name, value, note) = (escaped(&figure.name), escaped(&figure.value), escaped(&figure.note));
            json!({"type": "mrkdwn", "text": format!("{name}\n*{value}*\n{note}")})
        };
        let figures: Vec<Value> = summary.figures.iter().take(MOST_FIGURES).map(figure).collect();
        blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": said}}));
        if !figures.is_empty() {
            blocks.push(json!({"type": "section", "fields": figures}));
        }
        text.push(said);
    }
    if message.summaries.is_empty() {
        let nothing = "No customer had MRR in this month, and none moved.";
        blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": nothing}}));
        text.push(nothing.to_owned());
    }
    json!({"text": text.join("\n"), "blocks": blocks})
}

/// Text that is no markup: what Slack asks for, and without what makes letters bold or struck.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
