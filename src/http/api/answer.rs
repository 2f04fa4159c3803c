//! An answer of the API: JSON that only who asked may keep, and only after asking whether it still holds.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// Figures change with the next delivery, so a copy is worth something only together with its tag.
const REVALIDATED: &str = "private, no-cache";

/// JSON as it is answered, or that the asker has it already.
pub(super) fn json(asked: &HeaderMap, body: String) -> Response {
    let tag = format!("\"{}\"", &hex::encode(Sha256::digest(&body))[..32]);
    let has_it = is_known(asked, &tag);
    let mut response = if has_it {
        (StatusCode::NOT_MODIFIED, Body::empty()).into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(REVALIDATED));
    headers.insert(header::VARY, HeaderValue::from_static("Authorization"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// Whether one of the tags that the asker names is this one; a weak one names the same bytes here (RFC 9110, 13.1.2).
fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    let named = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    named
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn status(known: &str) -> StatusCode {
        let mut asked = HeaderMap::new();
        asked.insert(header::IF_NONE_MATCH, known.parse().unwrap());
        json(&asked, "{}".to_owned()).status()
    }

    #[test]
    fn only_who_has_these_very_bytes_is_told_so() {
        let tag =
            json(&HeaderMap::new(), "{}".to_owned()).headers()[header::ETAG].to_str().unwrap().to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            assert_eq!(status(&known), StatusCode::NOT_MODIFIED, "{known}");
        }
        for known in ["\"other\"", "", &tag[..20]] {
            assert_eq!(status(known), StatusCode::OK, "{known}");
        }
    }
}
