//! The report in short, for a message: the figures in large type and the sentences, of each currency, as the page
//! prints them. Who the customers are is not said in them.

use super::printed::printed_expanders;
use super::tiles::{said, tiles};
use super::{Report, Scale};

/// One currency of a month, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The currency's code in capitals, or that all are consolidated in it.
    pub name: String,
    /// The figures in large type.
    pub figures: Vec<Figure>,
    /// Three sentences.
    pub said: Vec<String>,
    /// The customers that expanded most, by their ids, each with its expansion.
    pub expanders: Vec<(String, String)>,
}

/// One figure in large type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// Its value as it is printed.
    pub value: String,
    /// What is said below it.
    pub note: String,
}

impl Report {
    /// The report in short, the consolidated figures and the currencies in the order of the page.
    #[must_use]
    pub fn summaries(&self) -> Vec<Summary> {
        let summary = |(name, block): (String, &super::CurrencyBlock)| {
            let scale = Scale::of(&block.currency);
            let figures = tiles(self, block).into_iter().map(|tile| Figure {
                name: tile.name.to_owned(),
                value: tile.value.text,
                note: tile.note,
            });
            let (printed, _) = printed_expanders(block);
            let expanders = block.top_expanders.iter().zip(printed);
            Summary {
                name,
                figures: figures.collect(),
                said: said(self, block),
                expanders: expanders
                    .map(|(of, printed)| (of.customer.to_string(), scale.text(printed.expansion)))
                    .collect(),
            }
        };
        self.blocks().map(summary).collect()
    }
}
