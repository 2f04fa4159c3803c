//! What has to hold for every delivery's signature.

use libfuzzer_sys::arbitrary::{Result, Unstructured};

use crate::stripe::{Secret, SignatureError, sign, verify};

const NAMES: &[&str] = &["t", "v1", "v0", "v2", " t ", "v1 ", "T", ""];
const SIGNS: &[&str] = &[",", "=", ",,", " ", "==", "\u{a0}", "t=", ",t=1", ",v1=", "ü"];
/// A secret that the endpoint doesn't know.
const STRANGER: &str = "whsec_of_somebody_else";

/// A header put together from good and bad parts, judged, and the judgement proved.
pub fn check(u: &mut Unstructured<'_>) -> Result<()> {
    let names = ["whsec_1", "whsec_2", "k"];
    let known: Vec<Secret> =
        names[..u.int_in_range(0..=names.len())?].iter().filter_map(|name| Secret::new(name)).collect();
    let at = instant(u)?;
    let now = if u.arbitrary()? { at.saturating_add(i64::from(u.arbitrary::<i16>()?)) } else { instant(u)? };
    let tolerance = i64::from(u.arbitrary::<u16>()?);
    let length = usize::from(u.arbitrary::<u8>()? % 64).min(u.len());
    let body = u.bytes(length)?.to_vec();
    check_good(&known, &body, at, now, tolerance);

    let mut header = Vec::new();
    for _ in 0..u.int_in_range(0..=10_u8)? {
        part(u, &mut header, &known, &body, at)?;
    }
    let header = if u.ratio(1_u8, 16)? { None } else { Some(header.as_slice()) };
    let judged = verify(header, &body, &known, now, tolerance);
    assert_eq!(verify(header, &body, &known, now, tolerance), judged);
    let text = String::from_utf8_lossy(header.unwrap_or_default()).to_lowercase();
    match judged {
        Ok(signed) => {
            assert!(is_signed(&text, &body, &known, signed.at), "accepted unsigned: {text}");
            assert_eq!(signed.is_from_the_future, signed.at > now);
            assert!(now.saturating_sub(signed.at) <= tolerance);
        }
        Err(SignatureError::Stale { age_seconds, tolerance_seconds }) => {
            assert!(age_seconds > tolerance_seconds && tolerance_seconds == tolerance);
            let at = now.saturating_sub(age_seconds);
            let is_cut_off = age_seconds == i64::MAX;
            assert!(is_cut_off || is_signed(&text, &body, &known, at), "a stale forgery: {text}");
        }
        Err(error) => assert!(!error.to_string().contains("whsec_")),
    }
    Ok(())
}

/// What is signed with any known secret verifies, wherever its `v1` stands; with another it does not.
fn check_good(known: &[Secret], body: &[u8], at: i64, now: i64, tolerance: i64) {
    let is_late = now.saturating_sub(at) > tolerance;
    for secret in known {
        let header = format!("v0=ab,v1=00,{},v1=zz", sign(body, secret, at));
        let judged = verify(Some(header.as_bytes()), body, known, now, tolerance);
        assert_eq!(judged.is_err(), is_late, "{judged:?} {header}");
        let altered = [body, b" "].concat();
        let judged = verify(Some(header.as_bytes()), &altered, known, now, tolerance);
        assert_eq!(judged, Err(SignatureError::NoMatch), "an altered body: {header}");
    }
    if let Some(stranger) = Secret::new(STRANGER) {
        let header = sign(body, &stranger, at);
        let judged = verify(Some(header.as_bytes()), body, known, now, tolerance);
        assert_eq!(judged, Err(SignatureError::NoMatch), "a stranger's: {header}");
    }
}

/// Whether a known secret's signature of this time and body stands in the header.
fn is_signed(header: &str, body: &[u8], known: &[Secret], at: i64) -> bool {
    known.iter().any(|secret| {
        let signed = sign(body, secret, at);
        signed.split_once("v1=").is_some_and(|(_, tag)| header.contains(tag))
    })
}

fn part(
    u: &mut Unstructured<'_>,
    header: &mut Vec<u8>,
    known: &[Secret],
    body: &[u8],
    at: i64,
) -> Result<()> {
    match u.int_in_range(0..=9_u8)? {
        0 => header.extend_from_slice(format!("t={at},").as_bytes()),
        1 => header.extend_from_slice(format!("t={},", instant(u)?).as_bytes()),
        2 => header.extend_from_slice(u.choose(NAMES)?.as_bytes()),
        3 => header.extend_from_slice(u.choose(SIGNS)?.as_bytes()),
        4 | 5 if !known.is_empty() => {
            let signed = sign(body, u.choose(known)?, at);
            let tag = signed.split_once("v1=").map_or("", |(_, tag)| tag);
            let tag = if u.arbitrary()? { tag.to_uppercase() } else { tag.to_owned() };
            let name = u.choose(NAMES)?;
            header.extend_from_slice(format!("{name}={tag},").as_bytes());
        }
        6 => {
            let Some(stranger) = Secret::new(STRANGER) else { return Ok(()) };
            header.extend_from_slice(sign(body, &stranger, at).as_bytes());
        }
        7 => header.extend_from_slice(b"v1="),
        _ => {
            let length = usize::from(u.arbitrary::<u8>()? % 16).min(u.len());
            header.extend_from_slice(u.bytes(length)?);
        }
    }
    Ok(())
}

fn instant(u: &mut Unstructured<'_>) -> Result<i64> {
    Ok(match u.int_in_range(0..=5_u8)? {
        0 => i64::MIN,
        1 => i64::MAX,
        2 => u.arbitrary()?,
        _ => 1_700_000_000 + i64::from(u.arbitrary::<u16>()?),
    })
}
