//! Reports that are sent by themselves: the courier as it is configured, and when it looks.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::App;
use crate::config::{
    ConfigError, Delivery, DeliveryTarget, DeliveryTime, MailBody, Secret, Smtp, SmtpSecurity,
};
use crate::deliver::{
    AddressError, Came, Courier, Dispatch, Files, Mail, MailAccount, MailServer, Postman, Schedule, Security,
    Target, Webhook,
};
use crate::metrics::Metrics;
use crate::report::{Form, View};

/// How often what is due is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// How long what is being sent may take once the process is told to stop.
const LAST_CALL: Duration = Duration::from_secs(30);

/// The courier at work.
pub(super) struct Sending {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Sending {
    /// Lets it finish what it is sending, but not for long: what is broken off is sent by the next one, once its time is
    /// over.
    pub(super) async fn stop(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(LAST_CALL, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

impl App {
    /// What sends reports by this configuration.
    ///
    /// # Errors
    ///
    /// An address or a file of certificates that can't be used.
    pub fn courier(&self) -> anyhow::Result<Courier> {
        let config = &self.config;
        let postman = config.smtp.as_ref().map(postman).transpose()?;
        let dispatch = |delivery: &Delivery| dispatch(delivery, postman.as_ref());
        let dispatches = config.deliveries.iter().map(dispatch).collect::<Result<_, ConfigError>>()?;
        Ok(Courier::new(self.ledger.clone(), self.reporter(), config.timezone, dispatches))
    }
}

/// Looks for what is due now and again, and sends it.
pub(super) fn start(courier: Courier, metrics: Metrics, now: fn() -> i64) -> Sending {
    let (stop, mut stopped) = watch::channel(false);
    let task = tokio::spawn(async move {
        while !*stopped.borrow() {
            match courier.look(&now).await {
                Ok(delivered) => {
                    delivered.iter().for_each(|one| metrics.sent_report(matches!(one.came, Came::Sent(_))));
                    if courier.dispatches().is_empty() {
                        return;
                    }
                }
                Err(error) => tracing::error!(%error, "could not look for reports that are due; tried again"),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stopped.changed() => {}
            }
        }
    });
    Sending { stop, task }
}

fn postman(smtp: &Smtp) -> Result<Postman, ConfigError> {
    let authority = smtp.authority.as_ref().map(std::fs::read).transpose();
    let authority =
        authority.map_err(|error| refused("smtp.authority", format!("can't be read ({})", error.kind())))?;
    let account = smtp.account.as_ref().map(|(user, password)| MailAccount {
        user: user.expose().to_owned(),
        password: password.expose().to_owned(),
    });
    let server = MailServer {
        host: smtp.host.clone(),
        port: smtp.port,
        security: match smtp.security {
            SmtpSecurity::StartTls => Security::StartTls,
            SmtpSecurity::Tls => Security::Tls,
            SmtpSecurity::Plain => Security::Plain,
        },
        account,
        authority,
    };
    Postman::new(&server, smtp.from.expose()).map_err(|error| match error {
        AddressError::Authority => refused("smtp.authority", error.to_string()),
        AddressError::Mail | AddressError::Web => refused("smtp.from", error.to_string()),
    })
}

fn dispatch(delivery: &Delivery, postman: Option<&Postman>) -> Result<Dispatch, ConfigError> {
    let wrong = |key: &str, error: AddressError| {
        refused(&format!("delivery.{key}"), format!("of `{}` {error}", delivery.name))
    };
    let to = match &delivery.to {
        DeliveryTarget::File(pattern) => Target::Files(Files::by(pattern)),
        DeliveryTarget::Webhook(address) => {
            let webhook = Webhook::at(address.expose()).map_err(|error| wrong("webhook", error))?;
            Target::Webhook(Box::new(webhook))
        }
        DeliveryTarget::Mail { to, body } => {
            let postman = postman.ok_or_else(|| wrong("email", AddressError::Mail))?;
            let to = to.iter().map(Secret::expose);
            let mail = Mail::to(postman.clone(), to, *body == MailBody::Report);
            Target::Mail(Box::new(mail.map_err(|error| wrong("email", error))?))
        }
    };
    Ok(Dispatch {
        name: delivery.name.clone(),
        when: match delivery.when {
            DeliveryTime::Monthly { day, at } => Schedule::Monthly { day, at },
            DeliveryTime::Weekly { weekday, at } => Schedule::Weekly { weekday, at },
        },
        book: delivery.book.clone(),
        // The words were checked when they were read.
        view: delivery.view.as_deref().and_then(|word| View::parse(word).ok()),
        currency: delivery.currency.clone(),
        forms: delivery.formats.iter().filter_map(|word| Form::parse(word)).collect(),
        only_closed: delivery.only_closed,
        names_customers: delivery.names_customers,
        to,
    })
}

fn refused(named: &str, problem: String) -> ConfigError {
    let example = match named {
        "smtp.authority" => "authority = \"company-ca.pem\"",
        "smtp.from" => "from = \"upswell <reports@example.com>\"",
        "delivery.webhook" => "webhook = \"https://hooks.example.com/…\"",
        _ => "email = [\"cfo@example.com\"]",
    };
    ConfigError::Value { named: named.to_owned(), problem, example: example.to_owned() }
}
