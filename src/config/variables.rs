//! Every variable, once: `.env.example`, the flags and the messages follow this list.

/// A variable of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The flag of the same name, without dashes before it.
    pub flag: &'static str,
    /// A value that works.
    pub example: &'static str,
}

const fn read(name: &'static str, flag: &'static str, example: &'static str) -> Variable {
    Variable { name, flag, example }
}

/// Every variable, in the order of `.env.example`.
pub const VARIABLES: &[Variable] = &[
    read("STRIPE_WEBHOOK_SECRET", "stripe-webhook-secret", "whsec_from_the_endpoint"),
    read("DATABASE_URL", "database-url", "sqlite://upswell.db?mode=rwc"),
    read("UPSWELL_LISTEN", "listen", "127.0.0.1:8080"),
    read("UPSWELL_API_TOKEN", "api-token", "a-long-random-text-of-letters-and-digits"),
    read("UPSWELL_EVIDENCE", "evidence", "digests"),
    read("UPSWELL_TIMEZONE", "timezone", "Europe/Paris"),
    read("UPSWELL_REPORTING_CURRENCY", "reporting-currency", "eur"),
    read("UPSWELL_TOLERANCE_SECONDS", "tolerance-seconds", "300"),
    read("UPSWELL_MAX_BODY_BYTES", "max-body-bytes", "1048576"),
    read("UPSWELL_CONFIG", "config", "upswell.toml"),
    read("UPSWELL_LOG", "log", "warn,upswell=info"),
    read("UPSWELL_LOG_FORMAT", "log-format", "text"),
    read("STRIPE_API_KEY", "stripe-api-key", "rk_live_a_restricted_read_key"),
    read("STRIPE_API_BASE", "stripe-api-base", "https://api.stripe.com/"),
    read("UPSWELL_MAX_CONNECTIONS", "max-connections", "512"),
    read("UPSWELL_MAX_HEADER_BYTES", "max-header-bytes", "32768"),
    read("UPSWELL_MAX_FORM_BYTES", "max-form-bytes", "16384"),
    read("UPSWELL_MAX_WAITING", "max-waiting", "4096"),
    read("UPSWELL_MAX_WAITING_BYTES", "max-waiting-bytes", "67108864"),
    read("UPSWELL_MAX_QUESTIONS", "max-questions", "16"),
    read("UPSWELL_MAX_PAGE_ROWS", "max-page-rows", "1000"),
    read("UPSWELL_MAX_TOKEN_GUESSES", "max-token-guesses", "10"),
    read("UPSWELL_GUESS_SECONDS", "guess-seconds", "60"),
    read("UPSWELL_SESSION_SECONDS", "session-seconds", "43200"),
    read("UPSWELL_MAX_LAG_SECONDS", "max-lag-seconds", "300"),
    read("UPSWELL_HEADER_SECONDS", "header-seconds", "10"),
    read("UPSWELL_BODY_SECONDS", "body-seconds", "30"),
    read("UPSWELL_ANSWER_SECONDS", "answer-seconds", "60"),
    read("UPSWELL_COMMIT_SECONDS", "commit-seconds", "20"),
    read("UPSWELL_DRAIN_SECONDS", "drain-seconds", "30"),
    read("UPSWELL_STORE_SECONDS", "store-seconds", "60"),
    read("UPSWELL_CONNECT_SECONDS", "connect-seconds", "5"),
    read("UPSWELL_LOCK_SECONDS", "lock-seconds", "10"),
    read("UPSWELL_STORE_READERS", "store-readers", "4"),
    read("UPSWELL_STORE_WRITERS", "store-writers", "6"),
    read("UPSWELL_TRUSTED_PROXIES", "trusted-proxies", "127.0.0.1,::1"),
    read("UPSWELL_SMTP_PASSWORD", "smtp-password", "the-password-of-the-mail-account"),
    read(
        "UPSWELL_DELIVERY_WEBHOOKS",
        "delivery-webhooks",
        "sales=https://hooks.slack.com/services/T0/B0/secret",
    ),
    read("OTEL_EXPORTER_OTLP_ENDPOINT", "otel-exporter-otlp-endpoint", "http://127.0.0.1:4318"),
];
