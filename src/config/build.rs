//! From values to [`Config`]: every check, and the defaults.

use std::path::Path;

use super::delivery;
use super::file::{self, File, ReportingTable};
use super::keys::{Keys, catalogue, policy, size_bands, targets};
use super::limits::limits;
use super::settings::Given;
use super::{Config, ConfigError, Evidence, LogFormat, MetadataKey, Reporting, Secret, Settings, VARIABLES};
use crate::mrr::Currency;

/// A mebibyte, far above any event that Stripe is known to send.
const DEFAULT_MAX_BODY_BYTES: usize = 1 << 20;
/// A publishable key or a webhook secret in its place would be refused by Stripe, and only later.
const API_KEY_PROBLEM: &str = "is not a key of Stripe's API (a restricted one that may read is enough)";
/// What the official SDKs allow.
const DEFAULT_TOLERANCE_SECONDS: i64 = 300;

pub(super) fn config(settings: &Settings, path: &Path, text: &str) -> Result<Config, ConfigError> {
    let file = file::parse(path, text)?;
    let keys = Keys { path };
    let variables = Variables { settings };
    let max_body_bytes = variables
        .read("UPSWELL_MAX_BODY_BYTES", "is not a number of bytes above 0", |text| {
            text.parse().ok().filter(|bytes| *bytes > 0)
        })?
        .unwrap_or(DEFAULT_MAX_BODY_BYTES);
    Ok(Config {
        webhook_secrets: variables.secrets("STRIPE_WEBHOOK_SECRET")?,
        api_key: variables.read("STRIPE_API_KEY", API_KEY_PROBLEM, |text| {
            let is_key = text.bytes().all(|byte| byte.is_ascii_graphic()) && text.contains('_');
            is_key.then(|| Secret::new(text))
        })?,
        api_base: variables.web_address("STRIPE_API_BASE")?,
        database_url: variables.database_url()?,
        listen: variables
            .read("UPSWELL_LISTEN", "is not an address and port", |text| text.parse().ok())?
            .unwrap_or_else(|| std::net::SocketAddr::from(([127, 0, 0, 1], 8080))),
        api_tokens: variables.secrets("UPSWELL_API_TOKEN")?,
        timezone: timezone(&variables, &keys, &file)?,
        tolerance_seconds: variables
            .read(
                "UPSWELL_TOLERANCE_SECONDS",
                "is not a number of seconds above 0 (0 would accept a recorded delivery for ever)",
                |text| text.parse().ok().filter(|seconds| *seconds > 0),
            )?
            .unwrap_or(DEFAULT_TOLERANCE_SECONDS),
        max_body_bytes,
        limits: limits(&variables, max_body_bytes)?,
        trusted_proxies: variables
            .read("UPSWELL_TRUSTED_PROXIES", "is not one or several IP addresses, comma-separated", |text| {
                text.split(',').map(|address| address.trim().parse().ok()).collect()
            })?
            .unwrap_or_default(),
        policy: policy(&keys, &file.policy)?,
        pricing_note: file.policy.pricing_note.clone(),
        reporting: reporting(&variables, &keys, &file.reporting)?,
        targets: targets(&keys, &file)?,
        deliveries: delivery::deliveries(&variables, &keys, &file)?,
        smtp: delivery::smtp(&variables, &keys, file.smtp.as_ref())?,
        log: variables.text("UPSWELL_LOG").unwrap_or("warn,upswell=info").to_owned(),
        evidence: evidence(&variables)?,
        log_format: log_format(&variables)?,
        traces_to: variables.web_address("OTEL_EXPORTER_OTLP_ENDPOINT")?,
        catalogue: catalogue(&keys, file.ladder, file.catalogue)?,
    })
}

/// Values of variables and flags.
pub(super) struct Variables<'a> {
    settings: &'a Settings,
}

impl<'a> Variables<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.settings.get(name).map(|given| given.value.trim())
    }

    fn web_address(&self, name: &str) -> Result<Option<String>, ConfigError> {
        self.read(name, "is not an http or https address", |text| {
            let has_host = |scheme| text.strip_prefix(scheme).is_some_and(|host| !host.is_empty());
            (has_host("https://") || has_host("http://")).then(|| text.to_owned())
        })
    }

    pub(super) fn read<T>(
        &self,
        name: &str,
        problem: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(given) = self.settings.get(name) else {
            return Ok(None);
        };
        let value = parse(given.value.trim());
        value.map_or_else(|| Err(refused(name, given, problem)), |value| Ok(Some(value)))
    }

    /// Several secrets stand in one variable while they are rolled; blanks around them are not part
    /// of them.
    fn secrets(&self, name: &str) -> Result<Vec<Secret>, ConfigError> {
        let problem = "has an empty entry (one or several, comma-separated)";
        let secrets = self.read(name, problem, |text| {
            let entries: Vec<_> = text.split(',').map(str::trim).collect();
            let is_whole = entries.iter().all(|entry| !entry.is_empty());
            is_whole.then(|| entries.into_iter().map(Secret::new).collect())
        })?;
        Ok(secrets.unwrap_or_default())
    }

    fn database_url(&self) -> Result<Secret, ConfigError> {
        let problem = "is not a store this version keeps (SQLite in a file, or PostgreSQL)";
        let url = self.read("DATABASE_URL", problem, |text| {
            let is_postgres = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
            let is_kept = is_postgres || text.starts_with("sqlite:") && !text.contains(":memory:");
            is_kept.then(|| Secret::new(text))
        })?;
        Ok(url.unwrap_or_else(|| Secret::new("sqlite://upswell.db?mode=rwc")))
    }
}

fn refused(name: &str, given: &Given, problem: &str) -> ConfigError {
    let example = VARIABLES.iter().find(|v| v.name == name).map_or("", |v| v.example);
    let example = match given.named.strip_prefix("--") {
        Some(flag) => format!("--{flag} {example}"),
        None => format!("{name}={example}"),
    };
    ConfigError::Value { named: given.named.clone(), problem: problem.to_owned(), example }
}

fn timezone(variables: &Variables<'_>, keys: &Keys<'_>, file: &File) -> Result<chrono_tz::Tz, ConfigError> {
    let problem = "is no name of the IANA time zone database";
    if let Some(zone) = variables.read("UPSWELL_TIMEZONE", problem, |text| text.parse().ok())? {
        return Ok(zone);
    }
    let Some(text) = &file.reporting.timezone else {
        return Ok(chrono_tz::UTC);
    };
    text.parse().map_err(|_| keys.refused("reporting.timezone", problem, "timezone = \"Europe/Paris\""))
}

fn evidence(variables: &Variables<'_>) -> Result<Evidence, ConfigError> {
    let evidence = variables.read("UPSWELL_EVIDENCE", "is neither digests nor bytes", |text| match text {
        "digests" => Some(Evidence::Digests),
        "bytes" => Some(Evidence::Bytes),
        _ => None,
    })?;
    Ok(evidence.unwrap_or(Evidence::Digests))
}

fn log_format(variables: &Variables<'_>) -> Result<LogFormat, ConfigError> {
    let format = variables.read("UPSWELL_LOG_FORMAT", "is neither text nor json", |text| match text {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    })?;
    Ok(format.unwrap_or(LogFormat::Text))
}

fn reporting(
    variables: &Variables<'_>,
    keys: &Keys<'_>,
    table: &ReportingTable,
) -> Result<Reporting, ConfigError> {
    let metadata_key = |key: &str, text: &String| {
        MetadataKey::parse(text).ok_or_else(|| {
            let (_, name) = key.rsplit_once('.').unwrap_or(("", key));
            let example = format!("{name} = \"metadata.{name}\"");
            keys.refused(key, "is not of the form metadata.KEY", &example)
        })
    };
    let owner = table.owner.clone().unwrap_or_else(|| "metadata.owner".to_owned());
    let segments = table.segments.iter();
    Ok(Reporting {
        currency: currency(variables, keys, table.currency.as_deref())?,
        owner: metadata_key("reporting.owner", &owner)?,
        segments: segments.map(|text| metadata_key("reporting.segments", text)).collect::<Result<_, _>>()?,
        size_bands: size_bands(keys, &table.size_bands)?,
    })
}

fn currency(
    variables: &Variables<'_>,
    keys: &Keys<'_>,
    in_file: Option<&str>,
) -> Result<Option<Currency>, ConfigError> {
    let problem = "is not a currency code of three letters";
    let code = |text: &str| {
        let is_code = text.len() == 3 && text.bytes().all(|b| b.is_ascii_alphabetic());
        is_code.then(|| Currency::from(text.to_ascii_lowercase()))
    };
    if let Some(found) = variables.read("UPSWELL_REPORTING_CURRENCY", problem, code)? {
        return Ok(Some(found));
    }
    in_file
        .map(|text| {
            code(text).ok_or_else(|| keys.refused("reporting.currency", problem, "currency = \"eur\""))
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::config::Decimal;
    use crate::mrr::{ChurnPolicy, Counting, DiscountPolicy, PastDuePolicy, Policy};

    fn from_file(text: &str) -> Result<Config, ConfigError> {
        config(&Settings::default(), Path::new("upswell.toml"), text)
    }

    fn from_environment(name: &'static str, value: &str) -> Result<Config, ConfigError> {
        let settings = Settings::from_given(&[(name, value)], &[]);
        config(&settings, Path::new("upswell.toml"), "")
    }

    #[test]
    fn nothing_given_is_the_defaults() {
        let config = from_file("").unwrap();
        assert_eq!(config.policy, Policy::default());
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!((config.tolerance_seconds, config.max_body_bytes), (300, 1 << 20));
        assert_eq!(config.timezone, chrono_tz::UTC);
        assert_eq!(config.reporting.owner.key(), "owner");
        assert_eq!(config.database_url.expose(), "sqlite://upswell.db?mode=rwc");
    }

    #[test]
    fn the_whole_file_of_the_contract_is_read() {
        let config = from_file(include_str!("../../upswell.example.toml")).unwrap();
        assert_eq!(config.policy, Policy::default());
        assert_eq!(config.timezone, chrono_tz::Europe::Paris);
        assert_eq!(config.reporting.currency, Some(Currency::from("eur")));
        assert_eq!(config.reporting.segments[0].key(), "region");
        assert_eq!(config.reporting.size_bands.len(), 3);
        assert_eq!(config.catalogue.ladders[0].len(), 3);
        assert!(config.catalogue.add_ons.contains("prod_sso"));
        assert_eq!(config.catalogue.successors["price_2024"], "price_2026");
        assert_eq!(config.targets.owner_book_growth, Decimal::parse("0.3"));
        assert_eq!((config.deliveries.len(), config.smtp.is_some()), (0, false), "nobody is sent an example");
    }

    #[test]
    fn late_payers_may_lapse_after_days() {
        let config = from_file("[policy]\npast_due = 30").unwrap();
        assert_eq!(config.policy.past_due, PastDuePolicy::LapsesAfterDays(30));
    }

    #[test]
    fn every_choice_of_policy_is_read() {
        let text = "[policy]\nchurn = \"requested\"\npast_due = 0\npaused = \"counts\"\ntrialing = \"counts\"\n\
                    discounts = \"none\"\nusage_window = 12\ntransfer_window = \"12h\"\npricing_note = \"list prices\"";
        let config = from_file(text).unwrap();
        let expected = Policy {
            churn: ChurnPolicy::Requested,
            past_due: PastDuePolicy::LapsesAfterDays(0),
            paused: Counting::Counts,
            trialing: Counting::Counts,
            discounts: DiscountPolicy::None,
            usage_window: 12,
            transfer_window_seconds: 43_200,
        };
        assert_eq!((config.policy, config.pricing_note.as_str()), (expected, "list prices"));
        let all = from_file("[policy]\ndiscounts = \"all\"").unwrap();
        assert_eq!(all.policy.discounts, DiscountPolicy::All);
    }

    #[test]
    fn a_value_of_another_type_is_told_with_its_line() {
        for text in
            ["[policy]\nusage_window = \"three\"", "[policy]\ntransfer_window = 3", "[policy]\nchurn = 1"]
        {
            let error = from_file(text).unwrap_err().to_string();
            let (_, line) = text.split_once('\n').unwrap();
            assert!(
                error.contains("upswell.toml") && error.contains(line) && error.contains("line 2"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let settings = Settings::from_given(&[("UPSWELL_TIMEZONE", "Asia/Tokyo")], &[]);
        let text = "[reporting]\ntimezone = \"Europe/Paris\"";
        let config = config(&settings, Path::new("upswell.toml"), text).unwrap();
        assert_eq!(config.timezone, chrono_tz::Asia::Tokyo);
    }

    #[test]
    fn secrets_are_split_trimmed_and_never_printed() {
        let config = from_environment("STRIPE_WEBHOOK_SECRET", " whsec_a , whsec_b\n").unwrap();
        let exposed: Vec<_> = config.webhook_secrets.iter().map(Secret::expose).collect();
        assert_eq!(exposed, ["whsec_a", "whsec_b"]);
        assert!(!format!("{config:?}").contains("whsec_"));
    }

    #[test]
    fn what_can_not_be_used_is_named_with_an_example_and_without_its_value() {
        for (name, value) in [
            ("STRIPE_WEBHOOK_SECRET", "whsec_a,,bad-value"),
            ("UPSWELL_API_TOKEN", "bad-value,"),
            ("DATABASE_URL", "mysql://bad-value"),
            ("DATABASE_URL", "sqlite::memory:?bad-value"),
            ("UPSWELL_LISTEN", "bad-value"),
            ("UPSWELL_TIMEZONE", "bad-value"),
            ("UPSWELL_REPORTING_CURRENCY", "bad-value"),
            ("UPSWELL_TOLERANCE_SECONDS", "0"),
            ("UPSWELL_TOLERANCE_SECONDS", "-1"),
            ("UPSWELL_MAX_BODY_BYTES", "0"),
            ("UPSWELL_LOG_FORMAT", "bad-value"),
        ] {
            let error = from_environment(name, value).unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
            assert!(error.contains(&format!("for example {name}=")), "{error}");
            assert!(!error.contains("bad-value"), "{error}");
        }
    }

    #[test]
    fn a_bad_flag_is_named_as_a_flag() {
        let settings = Settings::from_given(&[], &[("UPSWELL_LISTEN", "nowhere".to_owned())]);
        let error = config(&settings, Path::new("upswell.toml"), "").unwrap_err().to_string();
        assert_eq!(error, "--listen: is not an address and port; for example --listen 127.0.0.1:8080");
    }

    #[test]
    fn a_key_that_is_not_known_is_named_with_its_file() {
        let error = from_file("[policy]\nchrun = \"ended\"").unwrap_err().to_string();
        assert!(error.contains("upswell.toml") && error.contains("chrun"), "{error}");
    }

    #[test]
    fn a_value_that_is_not_known_is_named_with_its_key() {
        for (text, key) in [
            ("[policy]\nchurn = \"never\"", "policy.churn"),
            ("[policy]\nchurn = \"Requested\"", "policy.churn"),
            ("[policy]\npaused = \"count\"", "policy.paused"),
            ("[policy]\ntrialing = \"\"", "policy.trialing"),
            ("[policy]\ndiscounts = \"once\"", "policy.discounts"),
            ("[policy]\npast_due = \"30\"", "policy.past_due"),
            ("[policy]\npast_due = true", "policy.past_due"),
            ("[policy]\npast_due = \"sometimes\"", "policy.past_due"),
            ("[policy]\npast_due = -1", "policy.past_due"),
            ("[policy]\nusage_window = 0", "policy.usage_window"),
            ("[policy]\nusage_window = 13", "policy.usage_window"),
            ("[policy]\ntransfer_window = \"3 days\"", "policy.transfer_window"),
            ("[reporting]\ntimezone = \"Paris\"", "reporting.timezone"),
            ("[reporting]\nowner = \"owner\"", "reporting.owner"),
            ("[reporting]\nsegments = [\"region\"]", "reporting.segments"),
            ("[reporting]\nsize_bands = [\"10\", \"5\"]", "reporting.size_bands"),
            ("[targets]\nowner_book_growth = \"30%\"", "targets.owner_book_growth"),
            ("[targets]\nnrr = \"110 %\"", "targets.nrr"),
            ("[targets.owners]\nAnn = \"much\"", "targets.owners"),
            ("[[ladder]]\nsteps = [\"prod_a\"]", "ladder.steps"),
            ("[catalogue]\nsuccessors = { a = \"a\" }", "catalogue.successors"),
            ("[smtp]\nhost = \"\"", "smtp.host"),
        ] {
            let error = from_file(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{key} in upswell.toml: ")), "{error}");
            assert!(error.contains("; for example "), "{error}");
        }
    }
}
