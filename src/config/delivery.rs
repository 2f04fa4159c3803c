//! Reports that somebody is to have by themselves: `[[delivery]]` and `[smtp]` of the file. Passwords and addresses that
//! open something come from the environment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::{NaiveTime, Weekday};

use super::build::Variables;
use super::file::{DeliveryTable, File, SmtpTable};
use super::keys::Keys;
use super::{ConfigError, Secret};
use crate::mrr::Currency;

/// The last day that every month has.
const LAST_DAY: u32 = 28;

/// What a webhook is called whose address is in the environment.
const IN_ENVIRONMENT: &str = "environment";

/// The forms of files, those that a file's name may end in.
const FORMATS: [&str; 6] = ["html", "xlsx", "csv", "zip", "json", "md"];

/// For whom reports are laid out.
const VIEWS: [&str; 5] = ["sales", "marketing", "finance", "executive", "owner"];

/// What the name of a file may have in it.
const PLACEHOLDERS: [&str; 5] = ["{month}", "{date}", "{name}", "{book}", "{format}"];

/// A report that somebody is to have by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What it is called: letters, digits, `-` and `_`.
    pub name: String,
    /// When.
    pub when: DeliveryTime,
    /// The book, where there are several.
    pub book: Option<String>,
    /// For whom it is laid out, by the view's word.
    pub view: Option<String>,
    /// Only this currency.
    pub currency: Option<Currency>,
    /// The forms of its files, by their words.
    pub formats: Vec<String>,
    /// Whether it waits until its month is closed.
    pub only_closed: bool,
    /// Whether a message may name customers, by their ids.
    pub names_customers: bool,
    /// Where it goes.
    pub to: DeliveryTarget,
}

/// When a report is due, in the reporting time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryTime {
    /// On a day of each month, for the month before.
    Monthly {
        /// The day, 1 to 28.
        day: u32,
        /// The time.
        at: NaiveTime,
    },
    /// On a day of each week, for the month until then.
    Weekly {
        /// The day.
        weekday: Weekday,
        /// The time.
        at: NaiveTime,
    },
}

/// Where a report goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryTarget {
    /// Into files, whose names are made by a pattern.
    File(String),
    /// To people, by e-mail.
    Mail {
        /// Their addresses.
        to: Vec<Secret>,
        /// What stands in the mail itself.
        body: MailBody,
    },
    /// To a webhook that understands what Slack's does, by its address.
    Webhook(Secret),
}

/// What stands in a mail itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailBody {
    /// The figures in large type, and the sentences.
    Summary,
    /// The whole page.
    Report,
}

/// The mail server that reports are sent by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smtp {
    /// Its name.
    pub host: String,
    /// Its port, if not the usual one.
    pub port: Option<u16>,
    /// How it is spoken to.
    pub security: SmtpSecurity,
    /// Who we are to it: user and password.
    pub account: Option<(Secret, Secret)>,
    /// Whom mails come from.
    pub from: Secret,
    /// A file with the certificates (PEM) of an authority of one's own.
    pub authority: Option<PathBuf>,
}

/// How a mail server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// Encrypted once the server has said that it can; not at all if it can't.
    StartTls,
    /// Encrypted from the start.
    Tls,
    /// In clear, and without a password.
    Plain,
}

/// The deliveries of the file.
pub(super) fn deliveries(
    variables: &Variables<'_>,
    keys: &Keys<'_>,
    file: &File,
) -> Result<Vec<Delivery>, ConfigError> {
    let webhooks = webhooks(variables)?;
    let mut names = BTreeSet::new();
    let mut deliveries = Vec::new();
    for table in &file.delivery {
        let is_word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        let is_new = names.insert(table.name.as_str());
        if table.name.is_empty() || table.name.len() > 64 || !is_word(&table.name) || !is_new {
            let problem = "is no name of its own, of letters, digits, - and _";
            return Err(keys.refused("delivery.name", problem, "name = \"board\""));
        }
        deliveries.push(One { keys, table }.read(file.smtp.is_some(), &webhooks)?);
    }
    Ok(deliveries)
}

/// The mail server of the file.
pub(super) fn smtp(
    variables: &Variables<'_>,
    keys: &Keys<'_>,
    table: Option<&SmtpTable>,
) -> Result<Option<Smtp>, ConfigError> {
    let Some(table) = table else { return Ok(None) };
    let password = variables.read("UPSWELL_SMTP_PASSWORD", "is empty", |text| Some(Secret::new(text)))?;
    let is_host = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b'/');
    if !is_host(&table.host) {
        return Err(keys.refused("smtp.host", "is no name of a server", "host = \"smtp.example.com\""));
    }
    if !is_address(&table.from) {
        let example = "from = \"upswell <reports@example.com>\"";
        return Err(keys.refused("smtp.from", "is no address of e-mail", example));
    }
    let security = match table.security.as_deref() {
        None | Some("starttls") => SmtpSecurity::StartTls,
        Some("tls") => SmtpSecurity::Tls,
        Some("none") => SmtpSecurity::Plain,
        Some(_) => {
            return Err(keys.refused(
                "smtp.security",
                "is none of starttls, tls, none",
                "security = \"starttls\"",
            ));
        }
    };
    let account = match (&table.user, password) {
        (None, _) => None,
        (Some(user), Some(password)) if security != SmtpSecurity::Plain => {
            Some((Secret::new(user), password))
        }
        (Some(_), Some(_)) => {
            let problem = "none would send the password in clear";
            return Err(keys.refused("smtp.security", problem, "security = \"starttls\""));
        }
        (Some(_), None) => {
            let problem = "has no password: set UPSWELL_SMTP_PASSWORD, or leave the user out";
            return Err(keys.refused("smtp.user", problem, "UPSWELL_SMTP_PASSWORD=the-password"));
        }
    };
    Ok(Some(Smtp {
        host: table.host.clone(),
        port: table.port,
        security,
        account,
        from: Secret::new(&table.from),
        authority: table.authority.clone(),
    }))
}

/// The addresses of webhooks, by the names of their deliveries.
fn webhooks(variables: &Variables<'_>) -> Result<BTreeMap<String, Secret>, ConfigError> {
    let problem = "is not of the form NAME=https://…, one or several, comma-separated";
    let webhooks = variables.read("UPSWELL_DELIVERY_WEBHOOKS", problem, |text| {
        let one = |entry: &str| {
            let (name, address) = entry.trim().split_once('=')?;
            is_web_address(address).then(|| (name.trim().to_owned(), Secret::new(address)))
        };
        text.split(',').map(one).collect()
    })?;
    Ok(webhooks.unwrap_or_default())
}

fn is_web_address(text: &str) -> bool {
    let has_host = |scheme| text.strip_prefix(scheme).is_some_and(|rest: &str| !rest.is_empty());
    (has_host("https://") || has_host("http://")) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// What looks like an address of e-mail; a mail server has the last word.
fn is_address(text: &str) -> bool {
    let bare = text.rsplit_once('<').map_or(text, |(_, rest)| rest.trim_end_matches('>')).trim();
    let parts = bare.rsplit_once('@');
    let is_clean = !text.chars().any(char::is_control) && !bare.contains(char::is_whitespace);
    is_clean && parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

/// A table that is read.
struct One<'t> {
    keys: &'t Keys<'t>,
    table: &'t DeliveryTable,
}

impl One<'_> {
    /// Refuses a key, and says of which delivery it is.
    fn refused(&self, key: &str, problem: &str, example: &str) -> ConfigError {
        let problem = format!("of `{}` {problem}", self.table.name);
        self.keys.refused(&format!("delivery.{key}"), problem, example)
    }

    fn read(&self, has_smtp: bool, webhooks: &BTreeMap<String, Secret>) -> Result<Delivery, ConfigError> {
        let table = self.table;
        let view = table.view.as_deref();
        if view.is_some_and(|view| !VIEWS.contains(&view)) {
            let problem = format!("is none of {}", VIEWS.join(", "));
            return Err(self.refused("view", &problem, "view = \"executive\""));
        }
        let is_code = |text: &String| {
            text == "consolidated" || text.len() == 3 && text.bytes().all(|b| b.is_ascii_alphabetic())
        };
        if table.currency.as_ref().is_some_and(|code| !is_code(code)) {
            let problem = "is neither a currency code of three letters nor consolidated";
            return Err(self.refused("currency", problem, "currency = \"eur\""));
        }
        let to = self.target(has_smtp, webhooks)?;
        Ok(Delivery {
            name: table.name.clone(),
            when: self.when()?,
            book: table.book.clone(),
            view: table.view.clone(),
            currency: table.currency.as_ref().map(|code| Currency::from(code.to_ascii_lowercase())),
            formats: self.formats(&to)?,
            only_closed: table.only_closed,
            names_customers: table.names_customers,
            to,
        })
    }

    fn when(&self) -> Result<DeliveryTime, ConfigError> {
        let at = self.table.at.as_deref().unwrap_or("07:00");
        let at = NaiveTime::parse_from_str(at, "%H:%M")
            .map_err(|_| self.refused("at", "is no time of the day", "at = \"07:00\""))?;
        match (self.table.day, self.table.weekday.as_deref()) {
            (None, None) => Ok(DeliveryTime::Monthly { day: 2, at }),
            (Some(day), None) if (1..=LAST_DAY).contains(&day) => Ok(DeliveryTime::Monthly { day, at }),
            (Some(_), None) => {
                Err(self.refused("day", "is not between 1 and 28, the days that every month has", "day = 2"))
            }
            (None, Some(weekday)) => {
                let weekday = weekday
                    .parse()
                    .map_err(|_| self.refused("weekday", "is no day of the week", "weekday = \"monday\""))?;
                Ok(DeliveryTime::Weekly { weekday, at })
            }
            (Some(_), Some(_)) => Err(self.refused(
                "weekday",
                "stands beside a day of the month; make two deliveries of it",
                "weekday = \"monday\"",
            )),
        }
    }

    fn formats(&self, to: &DeliveryTarget) -> Result<Vec<String>, ConfigError> {
        let ending = |pattern: &str| pattern.rsplit_once('.').map(|(_, ending)| ending.to_owned());
        let usual = || match to {
            DeliveryTarget::File(pattern) if pattern.contains("{format}") => vec!["html".to_owned()],
            DeliveryTarget::File(pattern) => ending(pattern).into_iter().collect(),
            DeliveryTarget::Mail { .. } => vec!["html".to_owned(), "xlsx".to_owned()],
            DeliveryTarget::Webhook(_) => Vec::new(),
        };
        let formats: Vec<String> = self.table.formats.clone().unwrap_or_else(usual);
        let distinct: BTreeSet<&String> = formats.iter().collect();
        if formats.iter().any(|format| !FORMATS.contains(&format.as_str())) || distinct.len() < formats.len()
        {
            let problem = format!("are not some of {}", FORMATS.join(", "));
            return Err(self.refused("formats", &problem, "formats = [\"html\", \"xlsx\"]"));
        }
        match to {
            DeliveryTarget::File(_) if formats.is_empty() => Err(self.refused(
                "formats",
                "are none, and the file's name does not end in one",
                "formats = [\"html\"]",
            )),
            DeliveryTarget::File(pattern) if formats.len() > 1 && !pattern.contains("{format}") => {
                let example = "file = \"reports/{month}.{format}\"";
                Err(self.refused("file", "has no {format}, and there are several of them", example))
            }
            DeliveryTarget::Webhook(_) if !formats.is_empty() => Err(self.refused(
                "formats",
                "are of no use: a webhook is told the figures, and takes no files",
                "formats = []",
            )),
            _ => Ok(formats),
        }
    }

    fn target(
        &self,
        has_smtp: bool,
        webhooks: &BTreeMap<String, Secret>,
    ) -> Result<DeliveryTarget, ConfigError> {
        let table = self.table;
        match (&table.file, table.email.as_slice(), table.webhook.as_deref()) {
            (Some(pattern), [], None) => self.file(pattern),
            (None, [], Some(IN_ENVIRONMENT)) => {
                let found = webhooks.get(&table.name).cloned().map(DeliveryTarget::Webhook);
                found.ok_or_else(|| {
                    let example =
                        format!("UPSWELL_DELIVERY_WEBHOOKS={}=https://hooks.example.com/…", table.name);
                    self.refused("webhook", "is not in UPSWELL_DELIVERY_WEBHOOKS", &example)
                })
            }
            (None, [], Some(address)) if is_web_address(address) => {
                Ok(DeliveryTarget::Webhook(Secret::new(address)))
            }
            (None, [], Some(_)) => {
                let problem = "is neither an http or https address nor \"environment\"";
                Err(self.refused("webhook", problem, "webhook = \"environment\""))
            }
            (None, addresses @ [_, ..], None) => self.mail(addresses, has_smtp),
            _ => Err(self.refused(
                "file",
                "is to say where it goes, or email or webhook instead: just one of them",
                "email = [\"cfo@example.com\"]",
            )),
        }
    }

    fn file(&self, pattern: &str) -> Result<DeliveryTarget, ConfigError> {
        let mut rest = pattern.to_owned();
        for placeholder in PLACEHOLDERS {
            rest = rest.replace(placeholder, "");
        }
        if rest.contains(['{', '}']) || pattern.trim().is_empty() {
            let problem = format!("has something in it that is none of {}", PLACEHOLDERS.join(", "));
            return Err(self.refused("file", &problem, "file = \"reports/{month}.{format}\""));
        }
        Ok(DeliveryTarget::File(pattern.to_owned()))
    }

    fn mail(&self, addresses: &[String], has_smtp: bool) -> Result<DeliveryTarget, ConfigError> {
        if !has_smtp {
            let example = "[smtp]\nhost = \"smtp.example.com\"\nfrom = \"reports@example.com\"";
            return Err(self.refused("email", "needs the mail server that it is sent by", example));
        }
        if !addresses.iter().all(|address| is_address(address)) {
            let example = "email = [\"cfo@example.com\"]";
            return Err(self.refused("email", "has an entry that is no address", example));
        }
        let body = match self.table.body.as_deref() {
            None | Some("summary") => MailBody::Summary,
            Some("report") => MailBody::Report,
            Some(_) => {
                return Err(self.refused("body", "is neither summary nor report", "body = \"summary\""));
            }
        };
        Ok(DeliveryTarget::Mail { to: addresses.iter().map(Secret::new).collect(), body })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::Config;
    use crate::mrr::Month;
    use crate::report::{Form, View};

    const SMTP: &str = "[smtp]\nhost = \"mail.example.com\"\nfrom = \"reports@example.com\"\n";

    fn read(environment: &[(&'static str, &str)], text: &str) -> Result<Config, ConfigError> {
        Config::from_given(environment, text)
    }

    fn delivery(lines: &str) -> String {
        format!("{SMTP}[[delivery]]\nname = \"board\"\n{lines}\n")
    }

    #[test]
    fn what_is_left_out_is_the_second_of_the_month_at_seven() {
        let config = read(&[], &delivery("email = [\"cfo@example.com\"]")).unwrap();
        let seven = NaiveTime::from_hms_opt(7, 0, 0).unwrap();
        assert_eq!(config.deliveries[0].when, DeliveryTime::Monthly { day: 2, at: seven });
        assert_eq!(config.deliveries[0].formats, ["html", "xlsx"]);
        let named = read(&[], &delivery("weekday = \"friday\"\nfile = \"out/{month}.md\"")).unwrap();
        assert_eq!(named.deliveries[0].when, DeliveryTime::Weekly { weekday: Weekday::Fri, at: seven });
        assert_eq!(named.deliveries[0].formats, ["md"]);
    }

    #[test]
    fn a_webhook_s_address_may_come_from_the_environment_and_is_never_printed() {
        let environment =
            [("UPSWELL_DELIVERY_WEBHOOKS", "other=http://a/b, board=https://hooks.example.com/hidden")];
        let config = read(&environment, &delivery("webhook = \"environment\"")).unwrap();
        let told = format!("{config:?}");
        assert!(!told.contains("hidden") && !told.contains("reports@"), "{told}");
        let DeliveryTarget::Webhook(address) = &config.deliveries[0].to else { unreachable!() };
        assert_eq!(address.expose(), "https://hooks.example.com/hidden");
    }

    #[test]
    fn what_can_not_be_delivered_is_named_without_addresses() {
        for (lines, named) in [
            ("", "delivery.file"),
            ("file = \"a.html\"\nwebhook = \"https://hidden\"", "delivery.file"),
            ("file = \"{customer}.html\"", "delivery.file"),
            ("file = \"a.html\"\nformats = [\"html\", \"csv\"]", "delivery.file"),
            ("file = \"report\"", "delivery.formats"),
            ("file = \"report.pdf\"", "delivery.formats"),
            ("file = \"a.{format}\"\nformats = [\"pdf\"]", "delivery.formats"),
            ("webhook = \"ftp://hidden\"", "delivery.webhook"),
            ("webhook = \"environment\"", "delivery.webhook"),
            ("webhook = \"https://hidden/\"\nformats = [\"html\"]", "delivery.formats"),
            ("email = [\"hidden\"]", "delivery.email"),
            ("email = [\"a@hidden\"]\nbody = \"page\"", "delivery.body"),
            ("email = [\"a@hidden\"]\nday = 29", "delivery.day"),
            ("email = [\"a@hidden\"]\nday = 1\nweekday = \"monday\"", "delivery.weekday"),
            ("email = [\"a@hidden\"]\nweekday = \"someday\"", "delivery.weekday"),
            ("email = [\"a@hidden\"]\nat = \"25:00\"", "delivery.at"),
            ("email = [\"a@hidden\"]\nview = \"ceo\"", "delivery.view"),
            ("email = [\"a@hidden\"]\ncurrency = \"dollars\"", "delivery.currency"),
            ("email = [\"a@hidden\"]\n[[delivery]]\nname = \"board\"\nfile = \"a.html\"", "delivery.name"),
        ] {
            let error = read(&[], &delivery(lines)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{named} in upswell.toml: ")), "{lines}: {error}");
            assert!(error.contains("; for example ") && !error.contains("hidden"), "{error}");
        }
        let without =
            read(&[], "[[delivery]]\nname = \"a\"\nemail = [\"a@hidden\"]").unwrap_err().to_string();
        assert!(without.contains("[smtp]"), "{without}");
    }

    #[test]
    fn a_password_is_not_sent_in_clear_and_not_left_out() {
        let user = format!("{SMTP}user = \"us\"\n");
        let password = [("UPSWELL_SMTP_PASSWORD", "hidden")];
        assert!(read(&[], &user).unwrap_err().to_string().contains("UPSWELL_SMTP_PASSWORD"));
        let clear = read(&password, &format!("{user}security = \"none\"")).unwrap_err().to_string();
        assert!(clear.starts_with("smtp.security") && !clear.contains("hidden"), "{clear}");
        let config = read(&password, &user).unwrap();
        assert_eq!(config.smtp.as_ref().unwrap().security, SmtpSecurity::StartTls);
        assert!(!format!("{config:?}").contains("hidden"));
    }

    #[test]
    fn the_example_of_the_file_can_be_used_without_its_signs_of_comments() {
        let (_, example) = include_str!("../../upswell.example.toml").split_once("# Reports that").unwrap();
        let lines = example.lines().filter_map(|line| line.strip_prefix("# "));
        let is_toml = |line: &&str| line.starts_with('[') || line.contains(" = ");
        let text: String = lines.filter(is_toml).map(|line| format!("{line}\n")).collect();
        let environment =
            [("UPSWELL_SMTP_PASSWORD", "hidden"), ("UPSWELL_DELIVERY_WEBHOOKS", "sales=https://a/b")];
        let config = read(&environment, &text).unwrap();
        let names: Vec<&str> = config.deliveries.iter().map(|delivery| delivery.name.as_str()).collect();
        assert_eq!((names, config.smtp.is_some()), (vec!["board", "books", "sales"], true));
    }

    #[test]
    fn the_words_are_those_of_the_report() {
        assert_eq!(Form::ALL.map(Form::as_str), FORMATS);
        assert_eq!(View::ALL.map(View::as_str), VIEWS);
        assert_eq!(Month::new(2026, 2).unwrap().last_day().format("%d").to_string(), LAST_DAY.to_string());
    }
}
