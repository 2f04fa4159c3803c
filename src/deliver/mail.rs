//! Reports by e-mail, over SMTP.

use std::fmt;
use std::time::{Duration, SystemTime};

use askama::Template;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Body, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use sha2::{Digest, Sha256};

use super::error::MailTrouble;
use super::parcel::{Message, Parcel};
use super::{AddressError, SendError};
use crate::report::Summary;

/// How long the server may take over one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A mail server, and who we are to it.
#[derive(Debug, Clone)]
pub struct MailServer {
    /// Its name.
    pub host: String,
    /// Its port, if not the usual one: 587 after STARTTLS, 465 with TLS, 25 without.
    pub port: Option<u16>,
    /// How it is spoken to.
    pub security: Security,
    /// Who we are to it.
    pub account: Option<MailAccount>,
    /// Certificates (PEM) of an authority of one's own.
    pub authority: Option<Vec<u8>>,
}

/// User and password at a mail server.
#[derive(Clone)]
pub struct MailAccount {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

/// How a mail server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Encrypted once the server has said that it can; not at all if it can't.
    StartTls,
    /// Encrypted from the start.
    Tls,
    /// In clear.
    Plain,
}

/// Who takes mails to their server.
#[derive(Clone)]
pub struct Postman {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Mails to some people.
#[derive(Clone)]
pub struct Mail {
    postman: Postman,
    to: Vec<Mailbox>,
    is_page: bool,
}

/// The mail itself, where it is no page.
#[derive(Template)]
#[template(path = "mail.html")]
struct Letter<'m> {
    title: &'m str,
    facts: &'m str,
    summaries: &'m [Summary],
    names_customers: bool,
    attached: String,
}

impl fmt::Debug for MailAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailAccount(…)")
    }
}

impl fmt::Debug for Postman {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Postman(…)")
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mail(to {})", self.to.len())
    }
}

impl Postman {
    /// Who takes mails from an address to a server. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// An address or a certificate that can't be used.
    pub fn new(server: &MailServer, from: &str) -> Result<Self, AddressError> {
        let from = from.parse().map_err(|_| AddressError::Mail)?;
        let (tls, usual) = match server.security {
            Security::StartTls => (Tls::Required(tls(server)?), 587),
            Security::Tls => (Tls::Wrapper(tls(server)?), 465),
            Security::Plain => (Tls::None, 25),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.host.as_str())
            .port(server.port.unwrap_or(usual))
            .tls(tls)
            .timeout(Some(PATIENCE));
        if let Some(account) = &server.account {
            let MailAccount { user, password } = account.clone();
            transport = transport.credentials(Credentials::new(user, password));
        }
        Ok(Self { transport: transport.build(), from })
    }
}

fn tls(server: &MailServer) -> Result<TlsParameters, AddressError> {
    let unusable = |_| AddressError::Authority;
    let mut tls = TlsParameters::builder(server.host.clone());
    if let Some(pem) = &server.authority {
        tls = tls.add_root_certificate(Certificate::from_pem(pem).map_err(unusable)?);
    }
    tls.build().map_err(unusable)
}

impl Mail {
    /// Mails to these people, as they are written in a mail; with `is_page` the mail itself is the report's page.
    ///
    /// # Errors
    ///
    /// An address that is none.
    pub fn to<'a>(
        postman: Postman,
        addresses: impl IntoIterator<Item = &'a str>,
        is_page: bool,
    ) -> Result<Self, AddressError> {
        let address = |text: &str| text.parse::<Mailbox>().map_err(|_| AddressError::Mail);
        let to = addresses.into_iter().map(address).collect::<Result<_, _>>()?;
        Ok(Self { postman, to, is_page })
    }

    /// Whether the mail itself is the report's page.
    pub(super) fn is_page(&self) -> bool {
        self.is_page
    }

    /// How many people it goes to.
    pub(super) fn count(&self) -> usize {
        self.to.len()
    }

    /// Sends a parcel.
    pub(super) async fn send(&self, parcel: &Parcel, at: i64) -> Result<(), SendError> {
        let letter = self.letter(parcel, at)?;
        self.postman.transport.send(letter).await.map(drop).map_err(|error| refused(&error))
    }

    /// The letter. One report has one name, so that one that comes twice can be told by its name.
    fn letter(&self, parcel: &Parcel, at: i64) -> Result<lettre::Message, SendError> {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at.unsigned_abs());
        let by_itself = HeaderName::new_from_ascii_str("Auto-Submitted");
        let mut letter = lettre::Message::builder()
            .from(self.postman.from.clone())
            .date(at)
            .message_id(Some(self.message_id(parcel)))
            .raw_header(HeaderValue::new(by_itself, "auto-generated".to_owned()))
            .subject(parcel.message.title.clone());
        for one in &self.to {
            letter = letter.to(one.clone());
        }
        let page = match &parcel.message.page {
            Some(page) => page.clone(),
            None => written(&parcel.message, parcel)?,
        };
        let said = MultiPart::alternative_plain_html(parcel.message.text(), page);
        let mut parts = MultiPart::mixed().multipart(said);
        for file in &parcel.files {
            parts = parts.singlepart(attachment(parcel, file)?);
        }
        letter.multipart(parts).map_err(|_| SendError::Letter)
    }

    fn message_id(&self, parcel: &Parcel) -> String {
        let named = format!("{}\u{1f}{}\u{1f}{}", parcel.name, parcel.book, parcel.period);
        let digest = hex::encode(&Sha256::digest(named)[..16]);
        format!("<{digest}.upswell@{}>", self.postman.from.email.domain())
    }
}

fn written(message: &Message, parcel: &Parcel) -> Result<String, SendError> {
    let names: Vec<String> = parcel.files.iter().map(|file| parcel.file_name(file.form)).collect();
    let letter = Letter {
        title: &message.title,
        facts: &message.facts,
        summaries: &message.summaries,
        names_customers: message.names_customers,
        attached: names.join(", "),
    };
    letter.render().map_err(|_| SendError::Letter)
}

fn attachment(parcel: &Parcel, file: &super::parcel::ReportFile) -> Result<SinglePart, SendError> {
    let kind = ContentType::parse(file.form.media_type()).map_err(|_| SendError::Letter)?;
    // Byte for byte as it is: as text its lines would end otherwise, and servers refuse those that end as files' do.
    let body = Body::new_with_encoding(file.bytes.clone(), ContentTransferEncoding::Base64);
    Ok(Attachment::new(parcel.file_name(file.form)).body(body.map_err(|_| SendError::Letter)?, kind))
}

/// What the server or the way to it is at fault for. Its own words are not kept: they repeat addresses.
fn refused(error: &lettre::transport::smtp::Error) -> SendError {
    if let Some(code) = error.status() {
        let code = u16::from(code);
        return SendError::MailRefused { code, meaning: meaning(code) };
    }
    let trouble = if error.is_timeout() {
        MailTrouble::Slow
    } else if error.is_tls() || is_unreadable(error) {
        MailTrouble::NotSecret
    } else if error.is_client() || error.is_response() {
        MailTrouble::Odd
    } else {
        MailTrouble::Away
    };
    SendError::MailServer { trouble }
}

/// Whether something came that the other layer could not read: of TLS, a certificate that proves nothing as well.
fn is_unreadable(error: &lettre::transport::smtp::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return error.kind() == std::io::ErrorKind::InvalidData;
        }
        cause = error.source();
    }
    false
}

fn meaning(code: u16) -> &'static str {
    match code {
        530 | 534 | 535 | 538 => "see smtp.user, UPSWELL_SMTP_PASSWORD and smtp.security",
        552 => "it is too large, or a mailbox is full: ask for fewer formats",
        550 | 551 | 553 => "an address it does not take; see the delivery's email and smtp.from",
        554 => "it does not take mails like this one from this account",
        400..500 => "not now",
        _ => "for good",
    }
}
