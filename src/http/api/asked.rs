//! What a request asks for. The parameters that are read are those that are described: another one is refused by
//! its name, for a filter with a typing error would answer another question.

use std::collections::BTreeMap;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, Uri};
use utoipa::IntoParams;
use utoipa::openapi::path::ParameterIn;

use super::refusal;
use crate::http::Problem;
use crate::mrr::{Cause, Currency, Grade, Month, Motion};
use crate::report::{Classes, Kinds, MovementFilter};

/// How long a name may be that is repeated to whoever sent it.
const LONGEST_NAME: usize = 40;

/// The parameters of a request that are not read yet.
pub(in crate::http) struct Asked(BTreeMap<String, String>);

impl Asked {
    /// The parameters of a request, all of them among those of `P`.
    ///
    /// # Errors
    ///
    /// One that is none of them, that comes twice, or that can't be read.
    pub(in crate::http) fn of<P: IntoParams>(uri: &Uri) -> Result<Self, Problem> {
        Self::among(uri, &parameters::<P>())
    }

    /// The parameters of a request, all of them among those of a list.
    ///
    /// # Errors
    ///
    /// As of [`Asked::of`].
    pub(in crate::http) fn among(uri: &Uri, known: &[String]) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| {
            refused("the query can't be read; write it as `name=value&name=value`".to_owned())
        })?;
        let mut asked = BTreeMap::new();
        for (name, value) in pairs {
            if !known.contains(&name) {
                return Err(unknown(&name, known));
            }
            if asked.insert(name.clone(), value).is_some() {
                return Err(refused(format!("`{name}` is there twice; give it once")));
            }
        }
        Ok(Self(asked))
    }

    /// A parameter as it was sent; an empty one counts as none.
    pub(in crate::http) fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).filter(|value| !value.is_empty())
    }

    /// A month.
    ///
    /// # Errors
    ///
    /// Something else.
    pub(in crate::http) fn month(&mut self, name: &str) -> Result<Option<Month>, Problem> {
        let read = |text: String| {
            Month::parse(&text)
                .ok_or_else(|| refused(format!("`{name}` is a month, written YYYY-MM, for example 2026-10")))
        };
        self.text(name).map(read).transpose()
    }

    /// Whether something is wanted that is not unless asked for.
    ///
    /// # Errors
    ///
    /// Neither `true` nor `false`.
    pub(in crate::http) fn flag(&mut self, name: &str) -> Result<bool, Problem> {
        match self.text(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(refused(format!("`{name}` is `true` or `false`"))),
        }
    }

    /// A whole number, not below `least`.
    ///
    /// # Errors
    ///
    /// Something else.
    pub(in crate::http) fn number(&mut self, name: &str, least: i64) -> Result<Option<i64>, Problem> {
        let read = |text: String| {
            text.parse()
                .ok()
                .filter(|number| *number >= least)
                .ok_or_else(|| refused(format!("`{name}` is a whole number, {least} or more")))
        };
        self.text(name).map(read).transpose()
    }

    /// What movements are cut by.
    ///
    /// # Errors
    ///
    /// A month, class, kind, cause, motion or grade of evidence that is none; who was new, of no month.
    pub(in crate::http) fn movements(&mut self) -> Result<MovementFilter, Problem> {
        let (month, new_customers) = (self.month("month")?, self.flag("new_customers")?);
        if new_customers && month.is_none() {
            return Err(refused("`new_customers` are those of a month: name `month` too".to_owned()));
        }
        Ok(MovementFilter {
            month,
            customer: self.text("customer"),
            class: self.word("class", &Classes::ALL, Classes::as_str)?,
            kind: self.word("kind", &Kinds::ALL, Kinds::as_str)?,
            cause: self.word("cause", Cause::ALL, Cause::as_str)?,
            motion: self.word("motion", Motion::ALL, Motion::as_str)?,
            product: self.text("product"),
            price: self.text("price"),
            currency: self.text("currency").map(|code| Currency::from(code.to_lowercase())),
            grade: self.word("grade", Grade::ALL, Grade::as_str)?,
            new_customers,
        })
    }

    /// One of the words of a list.
    ///
    /// # Errors
    ///
    /// Another word, with those that there are.
    pub(in crate::http) fn word<W: Copy>(
        &mut self,
        name: &str,
        all: &[W],
        text: fn(W) -> &'static str,
    ) -> Result<Option<W>, Problem> {
        let Some(asked) = self.text(name) else { return Ok(None) };
        let found = all.iter().copied().find(|word| text(*word) == asked);
        found.map(Some).ok_or_else(|| {
            let words: Vec<&str> = all.iter().map(|word| text(*word)).collect();
            refused(format!("`{name}` is one of {}", words.join(", ")))
        })
    }
}

/// The names of the parameters that are described.
pub(in crate::http) fn parameters<P: IntoParams>() -> Vec<String> {
    P::into_params(|| Some(ParameterIn::Query)).into_iter().map(|parameter| parameter.name).collect()
}

/// What the path names.
///
/// # Errors
///
/// Bytes that are no text.
pub(in crate::http) fn named(path: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    path.map(|Path(name)| name).map_err(|_| refused("the path is no text in UTF-8".to_owned()))
}

/// A parameter that can't be used as it is.
pub(in crate::http) fn refused(detail: String) -> Problem {
    refusal::INVALID_PARAMETER.problem(detail)
}

fn unknown(name: &str, known: &[String]) -> Problem {
    // What was sent is repeated only where it can be nothing but a name.
    let is_name = name.len() <= LONGEST_NAME
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    let named =
        if is_name && !name.is_empty() { format!("`{name}`") } else { "one that was sent".to_owned() };
    let there_are = if known.is_empty() {
        "there are none here".to_owned()
    } else {
        format!("there are {}", known.join(", "))
    };
    Problem::new(
        StatusCode::BAD_REQUEST,
        refusal::UNKNOWN_PARAMETER.code,
        format!("no parameter is called {named}; {there_are}"),
    )
}
