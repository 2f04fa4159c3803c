//! Reports sent by themselves: when one is due, to whom it goes, and that everybody has it once.
//!
//! Reading order: [`Schedule`] says when what is due; a [`Courier`] takes the right to send it, which the ledger gives to
//! one at a time, has the report made and hands it on, as files, by e-mail or to a webhook. What fails is tried again.
//! Neither addresses nor what a server answers reach an error or the log, for a server repeats addresses.

mod courier;
mod error;
mod files;
mod mail;
mod parcel;
mod schedule;
mod slack;
mod webhook;

pub use courier::{Came, Courier, Delivered, Wish};
pub use error::{AddressError, MailTrouble, SendError};
pub use files::Files;
pub use mail::{Mail, MailAccount, MailServer, Postman, Security};
pub use schedule::{Due, Period, Schedule};
pub use webhook::Webhook;

use crate::mrr::Currency;
use crate::report::{Form, View};

/// A report that somebody is to have.
#[derive(Debug, Clone)]
pub struct Dispatch {
    /// What it is called.
    pub name: String,
    /// When it is due.
    pub when: Schedule,
    /// The book, where there are several.
    pub book: Option<String>,
    /// For whom it is laid out.
    pub view: Option<View>,
    /// Only this currency.
    pub currency: Option<Currency>,
    /// The forms of its files.
    pub forms: Vec<Form>,
    /// Whether it waits until its month is closed.
    pub only_closed: bool,
    /// Whether a message may name customers, by their ids.
    pub names_customers: bool,
    /// Where it goes.
    pub to: Target,
}

/// Where a report goes.
#[derive(Debug, Clone)]
pub enum Target {
    /// Into files.
    Files(Files),
    /// To people, by e-mail.
    Mail(Box<Mail>),
    /// To a webhook.
    Webhook(Box<Webhook>),
}
