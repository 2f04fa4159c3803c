//! Why a report could not be sent: said without addresses, and without the words of servers, which repeat them.

use std::time::Duration;

use crate::ledger::LedgerError;
use crate::report::{AskError, ReportError};

/// Why a report could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The report could not be made.
    #[error("the report could not be made: {0}")]
    Report(#[from] AskError),
    /// One of its files could not be made.
    #[error(transparent)]
    Form(#[from] ReportError),
    /// A reporting currency was asked for, and a rate is missing.
    #[error("not consolidated: {reason}")]
    NotConsolidated {
        /// Which rate.
        reason: String,
    },
    /// A file could not be written.
    #[error("a file could not be written ({kind}); see that its directory may be written to and has room")]
    File {
        /// What kind of trouble the system had.
        kind: std::io::ErrorKind,
    },
    /// A mail could not be put together.
    #[error("the mail could not be put together")]
    Letter,
    /// The mail server could not be spoken to.
    #[error("the mail server {trouble}")]
    MailServer {
        /// What went wrong.
        trouble: MailTrouble,
    },
    /// The mail server said no.
    #[error("the mail server refused it with {code} ({meaning})")]
    MailRefused {
        /// The code of its answer.
        code: u16,
        /// What that means.
        meaning: &'static str,
    },
    /// The webhook could not be reached.
    #[error(
        "the webhook could not be reached; see that its address is right and that this machine may go there"
    )]
    WebhookAway,
    /// The webhook answered otherwise than that all is well.
    #[error("the webhook answered {status}{meaning}")]
    WebhookRefused {
        /// The status of its answer.
        status: u16,
        /// What that means.
        meaning: &'static str,
        /// When it wants to be asked again, in seconds.
        again_in: Option<i64>,
    },
    /// It took too long.
    #[error("it was not taken within {} s", limit.as_secs())]
    TooSlow {
        /// How long it may take.
        limit: Duration,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] LedgerError),
}

/// What can be the matter with a mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailTrouble {
    /// Nobody is there.
    #[error("could not be reached; see smtp.host and smtp.port, and that this machine may go there")]
    Away,
    /// It does not prove that it is itself, or speaks no TLS.
    #[error(
        "could not be spoken to in secret; see smtp.security, and smtp.authority if its certificate is of an authority \
         of your own"
    )]
    NotSecret,
    /// It took too long.
    #[error("did not answer in time")]
    Slow,
    /// It can't do what is asked, or says what nobody understands.
    #[error("did not answer as one does; see smtp.port and smtp.security")]
    Odd,
}

/// An address that can't be used. It is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No address of e-mail.
    #[error("is no address of e-mail")]
    Mail,
    /// No address of the web.
    #[error("is no http or https address")]
    Web,
    /// A file of certificates that can't be used.
    #[error("can't be read as certificates (PEM)")]
    Authority,
}

impl SendError {
    /// When whoever refused wants to be asked again, in seconds.
    #[must_use]
    pub fn again_in(&self) -> Option<i64> {
        match self {
            Self::WebhookRefused { again_in, .. } => *again_in,
            _ => None,
        }
    }
}
