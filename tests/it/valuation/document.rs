//! Reading the document: blocks of Stripe's objects, and tables of cases that name them by their ids.

use std::collections::BTreeMap;

use serde_json::Value;
use upswell::mrr::{ChurnPolicy, Counting, DiscountPolicy, Mrr, PastDuePolicy, Policy};

/// One row.
#[derive(Debug)]
pub struct Case {
    line: usize,
    pub number: usize,
    name: String,
    /// The subscription, with the objects that it names in their places.
    pub subscription: Value,
    pub policy: Policy,
    /// Each item's level.
    expected: Vec<Mrr>,
    pub arithmetic: String,
    /// How a report prints the sum, where the row says so.
    pub printed: Option<String>,
}

impl Case {
    /// A message about this case.
    pub fn says(&self, message: &str) -> String {
        format!("line {}, case {} ({}): {message}", self.line, self.number, self.name)
    }

    /// Whether levels are those of the document.
    pub fn must_be(&self, what: &str, levels: &[Mrr]) -> Result<(), String> {
        if levels == self.expected {
            return Ok(());
        }
        let text = |levels: &[Mrr]| {
            levels.iter().map(|level| six_decimals(*level)).collect::<Vec<_>>().join(" and ")
        };
        Err(self.says(&format!("{what} is {}, the document says {}", text(levels), text(&self.expected))))
    }
}

fn six_decimals(level: Mrr) -> String {
    format!("{}.{:06}", level.0 / 1_000_000, level.0.unsigned_abs() % 1_000_000)
}

/// The document's cases, in order; of one that does not read, the line and the reason.
pub fn cases(text: &str) -> Vec<Result<Case, String>> {
    let mut reader = Reader { links: links(text), ..Reader::default() };
    let mut cases = Vec::new();
    for (index, line) in text.lines().enumerate() {
        match reader.line(index + 1, line) {
            Ok(case) => cases.extend(case.map(Ok)),
            Err(reason) => cases.push(Err(format!("line {}: {reason}", index + 1))),
        }
    }
    cases
}

/// The pages that sources may name.
fn links(text: &str) -> Vec<String> {
    let pages = text.lines().filter_map(|line| line.split_once("]: https://docs.stripe.com/"));
    pages.map(|(name, _)| name.trim_start_matches('[').to_owned()).collect()
}

#[derive(Default)]
struct Reader {
    links: Vec<String>,
    /// Stripe's objects, by id.
    objects: BTreeMap<String, Value>,
    /// The block that is being read.
    block: Option<String>,
    /// The columns of the table that is being read.
    columns: Vec<String>,
    /// How many cases were seen.
    seen: usize,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<Option<Case>, String> {
        if let Some(mut block) = self.block.take() {
            if line.starts_with("```") {
                return self.learn(&block).map(|()| None);
            }
            block.push_str(line);
            self.block = Some(block);
        } else if line.starts_with("```") {
            self.block = Some(String::new());
        } else if !line.starts_with('|') {
            self.columns.clear();
        } else if self.columns.is_empty() {
            self.columns = cells(line);
        } else if !line.starts_with("|---") {
            self.seen += 1;
            return self.case(number, &cells(line)).map(Some);
        }
        Ok(None)
    }

    fn learn(&mut self, block: &str) -> Result<(), String> {
        let objects: Vec<Value> =
            serde_json::from_str(block).map_err(|error| format!("the block above: {error}"))?;
        for object in objects {
            let id = object["id"].as_str().ok_or("an object of the block above has no id")?.to_owned();
            if self.objects.insert(id.clone(), object).is_some() {
                return Err(format!("two objects have the id `{id}`"));
            }
        }
        Ok(())
    }

    fn case(&self, line: usize, row: &[String]) -> Result<Case, String> {
        if row.len() != self.columns.len() {
            return Err(format!("{} cells below {} headings", row.len(), self.columns.len()));
        }
        let optional = |name: &str| {
            let at = self.columns.iter().position(|column| column == name);
            at.map(|at| row[at].clone())
        };
        let cell = |name: &str| optional(name).ok_or(format!("the table has no column `{name}`"));
        let number = cell("#")?.parse().map_err(|_| "the case has no number")?;
        if number != self.seen {
            return Err(format!("case {number}; expected case {}", self.seen));
        }
        self.check_source(&cell("source")?)?;
        Ok(Case {
            line,
            number,
            name: cell("case")?,
            subscription: self.subscription(&cell("subscription")?)?,
            policy: optional("policy").map_or(Ok(Policy::default()), |words| policy(&words))?,
            expected: cell("MRR")?.split(" and ").map(level).collect::<Result<_, _>>()?,
            arithmetic: cell("arithmetic")?,
            printed: optional("printed"),
        })
    }

    /// A source is rules, or pages that the document links to.
    fn check_source(&self, source: &str) -> Result<(), String> {
        let is_rule = |part: &str| part.strip_prefix('R').is_some_and(|number| number.parse::<u8>().is_ok());
        let page = |part: &str| Some(part.strip_prefix('[')?.strip_suffix(']')?.to_owned());
        for part in source.split(", ") {
            match page(part) {
                Some(page) if self.links.contains(&page) => {}
                Some(page) => return Err(format!("source: no link to a page of Stripe's for [{page}]")),
                None if is_rule(part) => {}
                None => return Err(format!("source: `{part}` is neither a rule nor a [page]")),
            }
        }
        Ok(())
    }

    fn subscription(&self, cell: &str) -> Result<Value, String> {
        let code = cell.trim_matches('`');
        let mut subscription: Value =
            serde_json::from_str(code).map_err(|error| format!("subscription: {error}"))?;
        self.expand(&mut subscription)?;
        for item in subscription["items"].as_array_mut().into_iter().flatten() {
            self.expand(item)?;
        }
        Ok(subscription)
    }

    /// Puts objects in the places where their ids stand.
    fn expand(&self, holder: &mut Value) -> Result<(), String> {
        let members = holder.as_object_mut().ok_or("subscription: expected objects")?;
        for name in ["price", "plan", "discount", "discounts", "tax_rates", "default_tax_rates"] {
            let places = match members.get_mut(name) {
                Some(Value::Array(list)) => list.iter_mut().collect(),
                Some(one) => vec![one],
                None => Vec::new(),
            };
            for place in places {
                let id = place.as_str().ok_or(format!("`{name}`: expected the id of an object above"))?;
                let object = self.objects.get(id).ok_or(format!("nothing above has the id `{id}`"))?;
                *place = object.clone();
            }
        }
        Ok(())
    }
}

fn cells(line: &str) -> Vec<String> {
    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// A level, written with all its decimals.
fn level(text: &str) -> Result<Mrr, String> {
    let parts = text.split_once('.').filter(|(_, decimals)| decimals.len() == 6);
    let digits = parts.and_then(|(whole, decimals)| format!("{whole}{decimals}").parse().ok());
    digits.map(Mrr).ok_or(format!("`{text}` is no amount with six decimals"))
}

/// One setting of `upswell.toml`.
fn policy(cell: &str) -> Result<Policy, String> {
    let default = Policy::default();
    Ok(match cell.trim_matches('`').split_once(" = ") {
        Some(("trialing", "\"counts\"")) => Policy { trialing: Counting::Counts, ..default },
        Some(("paused", "\"counts\"")) => Policy { paused: Counting::Counts, ..default },
        Some(("churn", "\"requested\"")) => Policy { churn: ChurnPolicy::Requested, ..default },
        Some(("discounts", "\"none\"")) => Policy { discounts: DiscountPolicy::None, ..default },
        Some(("discounts", "\"all\"")) => Policy { discounts: DiscountPolicy::All, ..default },
        Some(("past_due", days)) => {
            let days = days.parse().map_err(|_| format!("policy: `{days}` is no number of days"))?;
            Policy { past_due: PastDuePolicy::LapsesAfterDays(days), ..default }
        }
        _ => return Err(format!("policy: {cell} is not known here")),
    })
}
