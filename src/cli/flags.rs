//! The settings that every command takes, named as their variables are.

use clap::Args;

use crate::config::VARIABLES;

/// Settings; each wins over its variable. They are checked by `config`, which knows the rules.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Settings")]
pub struct Flags {
    /// Where the store is [env: DATABASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// The file of policy, catalogue and segments [env: UPSWELL_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<String>,
    /// Where the server listens [env: UPSWELL_LISTEN]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// The time zone whose months are the periods [env: UPSWELL_TIMEZONE]
    #[arg(long, global = true, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// The currency to consolidate in [env: UPSWELL_REPORTING_CURRENCY]
    #[arg(long, global = true, value_name = "CODE")]
    pub reporting_currency: Option<String>,
    /// How old a signature may be [env: UPSWELL_TOLERANCE_SECONDS]
    #[arg(long, global = true, value_name = "SECONDS")]
    pub tolerance_seconds: Option<String>,
    /// How large a delivery may be [env: UPSWELL_MAX_BODY_BYTES]
    #[arg(long, global = true, value_name = "BYTES")]
    pub max_body_bytes: Option<String>,
    /// Signing secrets; others on this machine can see flags, so rather set the variable
    /// [env: STRIPE_WEBHOOK_SECRET]
    #[arg(long, global = true, value_name = "SECRETS", hide_short_help = true)]
    pub stripe_webhook_secret: Option<String>,
    /// Bearer tokens; others on this machine can see flags, so rather set the variable
    /// [env: UPSWELL_API_TOKEN]
    #[arg(long, global = true, value_name = "TOKENS", hide_short_help = true)]
    pub api_token: Option<String>,
    /// What the dashboard gives out of the evidence, digests or bytes [env: UPSWELL_EVIDENCE]
    #[arg(long, global = true, value_name = "WHAT", hide_short_help = true)]
    pub evidence: Option<String>,
    /// A key that reads Stripe's API; others on this machine can see flags, so rather set the variable
    /// [env: STRIPE_API_KEY]
    #[arg(long, global = true, value_name = "KEY", hide_short_help = true)]
    pub stripe_api_key: Option<String>,
    /// Another address for Stripe's API [env: STRIPE_API_BASE]
    #[arg(long, global = true, value_name = "URL", hide_short_help = true)]
    pub stripe_api_base: Option<String>,
    /// What is logged [env: UPSWELL_LOG]
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
    /// The form of the log, text or json [env: UPSWELL_LOG_FORMAT]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// How many connections are held at once [env: UPSWELL_MAX_CONNECTIONS]
    #[arg(long, global = true, value_name = "NUMBER", hide_short_help = true)]
    pub max_connections: Option<String>,
    /// How large a request's header may be [env: UPSWELL_MAX_HEADER_BYTES]
    #[arg(long, global = true, value_name = "BYTES", hide_short_help = true)]
    pub max_header_bytes: Option<String>,
    /// How large a form of the dashboard may be [env: UPSWELL_MAX_FORM_BYTES]
    #[arg(long, global = true, value_name = "BYTES", hide_short_help = true)]
    pub max_form_bytes: Option<String>,
    /// How many deliveries may wait to be stored [env: UPSWELL_MAX_WAITING]
    #[arg(long, global = true, value_name = "NUMBER", hide_short_help = true)]
    pub max_waiting: Option<String>,
    /// How many bytes of deliveries are held in memory at once [env: UPSWELL_MAX_WAITING_BYTES]
    #[arg(long, global = true, value_name = "BYTES", hide_short_help = true)]
    pub max_waiting_bytes: Option<String>,
    /// How many requests for figures are answered at once [env: UPSWELL_MAX_QUESTIONS]
    #[arg(long, global = true, value_name = "NUMBER", hide_short_help = true)]
    pub max_questions: Option<String>,
    /// How many entries a part of a list of the API may have [env: UPSWELL_MAX_PAGE_ROWS]
    #[arg(long, global = true, value_name = "NUMBER", hide_short_help = true)]
    pub max_page_rows: Option<String>,
    /// How many wrong tokens an address may try in the time for them [env: UPSWELL_MAX_TOKEN_GUESSES]
    #[arg(long, global = true, value_name = "NUMBER", hide_short_help = true)]
    pub max_token_guesses: Option<String>,
    /// For how long wrong tokens are counted, from the first [env: UPSWELL_GUESS_SECONDS]
    #[arg(long, global = true, value_name = "SECONDS", hide_short_help = true)]
    pub guess_seconds: Option<String>,
    /// How long a browser stays signed in [env: UPSWELL_SESSION_SECONDS]
    #[arg(long, global = true, value_name = "SECONDS", hide_short_help = true)]
    pub session_seconds: Option<String>,
    /// How late the worker may be and the server call itself ready [env: UPSWELL_MAX_LAG_SECONDS]
    #[arg(long, global = true, value_name = "SECONDS", hide_short_help = true)]
    pub max_lag_seconds: Option<String>,
    /// How long a sender may take over a header [env: UPSWELL_HEADER_SECONDS]
    #[arg(long, global = true, value_name = "SECONDS", hide_short_help = true)]
    pub header_seconds: Option<String>,
    /// How long a sender may take over a body [env: UPSWELL_BODY_SECONDS]
    #[arg(long, global = true, value_name = "SECONDS", hide_short_help = true)]
    pub body_seconds: Option<String>,
    /// How long a reader may take over 16 KiB of an answer [env: UPSWELL_ANSWER_SECONDS]
    #[arg(long, global = true, value_name = "SECONDS", hide_short_help = true)]
    pub answer_seconds: Option<String>,
    /// How long a delivery waits to be stored [env: UPSWELL_COMMIT_SECONDS]
    #[arg(long, global = true, value_name = "SECONDS", hide_short_help = true)]
    pub commit_seconds: Option<String>,
    /// How long PostgreSQL may take over a statement [env: UPSWELL_STORE_SECONDS]
    #[arg(long, global = true, value_name = "SECONDS", hide_short_help = true)]
    pub store_seconds: Option<String>,
    /// How long a connection to PostgreSQL is waited for [env: UPSWELL_CONNECT_SECONDS]
    #[arg(long, global = true, value_name = "SECONDS", hide_short_help = true)]
    pub connect_seconds: Option<String>,
    /// How long somebody else's lock in the store is waited for [env: UPSWELL_LOCK_SECONDS]
    #[arg(long, global = true, value_name = "SECONDS", hide_short_help = true)]
    pub lock_seconds: Option<String>,
    /// How many connections read the store [env: UPSWELL_STORE_READERS]
    #[arg(long, global = true, value_name = "NUMBER", hide_short_help = true)]
    pub store_readers: Option<String>,
    /// How many connections write to PostgreSQL [env: UPSWELL_STORE_WRITERS]
    #[arg(long, global = true, value_name = "NUMBER", hide_short_help = true)]
    pub store_writers: Option<String>,
    /// How long requests under way may take at the end [env: UPSWELL_DRAIN_SECONDS]
    #[arg(long, global = true, value_name = "SECONDS", hide_short_help = true)]
    pub drain_seconds: Option<String>,
    /// The proxies whose X-Forwarded-For counts [env: UPSWELL_TRUSTED_PROXIES]
    #[arg(long, global = true, value_name = "ADDRESSES", hide_short_help = true)]
    pub trusted_proxies: Option<String>,
    /// The password of the mail account; others on this machine can see flags, so rather set the variable
    /// [env: UPSWELL_SMTP_PASSWORD]
    #[arg(long, global = true, value_name = "PASSWORD", hide_short_help = true)]
    pub smtp_password: Option<String>,
    /// Addresses of webhooks by name; others on this machine can see flags, so rather set the variable
    /// [env: UPSWELL_DELIVERY_WEBHOOKS]
    #[arg(long, global = true, value_name = "NAME=URL", hide_short_help = true)]
    pub delivery_webhooks: Option<String>,
    /// Where traces go [env: OTEL_EXPORTER_OTLP_ENDPOINT]
    #[arg(long, global = true, value_name = "URL", hide_short_help = true)]
    pub otel_exporter_otlp_endpoint: Option<String>,
}

impl Flags {
    /// The flags that were given, by the names of their variables.
    #[must_use]
    pub fn given(&self) -> Vec<(&'static str, String)> {
        let variables = VARIABLES.iter();
        variables.filter_map(|variable| Some((variable.name, self.value(variable.flag)?.clone()))).collect()
    }

    fn value(&self, flag: &str) -> Option<&String> {
        let value = match flag {
            "database-url" => &self.database_url,
            "config" => &self.config,
            "listen" => &self.listen,
            "timezone" => &self.timezone,
            "reporting-currency" => &self.reporting_currency,
            "tolerance-seconds" => &self.tolerance_seconds,
            "max-body-bytes" => &self.max_body_bytes,
            "stripe-webhook-secret" => &self.stripe_webhook_secret,
            "api-token" => &self.api_token,
            "evidence" => &self.evidence,
            "smtp-password" => &self.smtp_password,
            "delivery-webhooks" => &self.delivery_webhooks,
            "stripe-api-key" => &self.stripe_api_key,
            "stripe-api-base" => &self.stripe_api_base,
            "log" => &self.log,
            "log-format" => &self.log_format,
            "max-connections" => &self.max_connections,
            "max-header-bytes" => &self.max_header_bytes,
            "max-form-bytes" => &self.max_form_bytes,
            "max-waiting" => &self.max_waiting,
            "max-waiting-bytes" => &self.max_waiting_bytes,
            "max-questions" => &self.max_questions,
            "max-page-rows" => &self.max_page_rows,
            "max-token-guesses" => &self.max_token_guesses,
            "guess-seconds" => &self.guess_seconds,
            "session-seconds" => &self.session_seconds,
            "max-lag-seconds" => &self.max_lag_seconds,
            "header-seconds" => &self.header_seconds,
            "body-seconds" => &self.body_seconds,
            "answer-seconds" => &self.answer_seconds,
            "commit-seconds" => &self.commit_seconds,
            "drain-seconds" => &self.drain_seconds,
            "store-seconds" => &self.store_seconds,
            "connect-seconds" => &self.connect_seconds,
            "lock-seconds" => &self.lock_seconds,
            "store-readers" => &self.store_readers,
            "store-writers" => &self.store_writers,
            "trusted-proxies" => &self.trusted_proxies,
            "otel-exporter-otlp-endpoint" => &self.otel_exporter_otlp_endpoint,
            _ => return None,
        };
        value.as_ref()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use super::VARIABLES;
    use crate::cli::Cli;

    #[test]
    fn every_variable_that_is_read_has_its_flag() {
        for variable in VARIABLES {
            let typed = ["upswell", "verify", &format!("--{}", variable.flag), variable.example];
            let cli = Cli::try_parse_from(typed).unwrap();
            assert_eq!(cli.flags.given(), [(variable.name, variable.example.to_owned())]);
        }
    }
}
