//! Written-out arithmetic, worked out exactly: `(10000 − 500) × 0.8 / 12`, in any number of figures
//! with `and` between them.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive, Zero};
use upswell::mrr::Mrr;

/// The figures of a cell, rounded to the ledger's scale (R1). What stands behind a semicolon explains.
pub fn levels(cell: &str) -> Result<Vec<Mrr>, String> {
    let (figures, _) = cell.split_once(';').unwrap_or((cell, ""));
    figures.split(" and ").map(|figure| level(figure).ok_or(format!("`{figure}` is no arithmetic"))).collect()
}

fn level(text: &str) -> Option<Mrr> {
    let tokens = tokens(text)?;
    let mut rest = tokens.as_slice();
    let exact = sum(&mut rest)?;
    rest.is_empty().then(|| half_even(&(exact * BigRational::from_integer(1_000_000.into()))))?
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(BigRational),
    Sign(char),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_digit() {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            tokens.push(Token::Number(number(&rest[..end])?));
            end
        } else {
            "+−×/()".contains(first).then(|| tokens.push(Token::Sign(first)))?;
            first.len_utf8()
        };
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

fn number(text: &str) -> Option<BigRational> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits: BigInt = format!("{whole}{part}").parse().ok()?;
    Some(BigRational::new(digits, BigInt::from(10).pow(u32::try_from(part.len()).ok()?)))
}

fn take(rest: &mut &[Token], signs: &str) -> Option<char> {
    let Some((Token::Sign(sign), after)) = rest.split_first() else {
        return None;
    };
    signs.contains(*sign).then(|| {
        *rest = after;
        *sign
    })
}

fn sum(rest: &mut &[Token]) -> Option<BigRational> {
    let mut value = product(rest)?;
    while let Some(sign) = take(rest, "+−") {
        let other = product(rest)?;
        value = if sign == '+' { value + other } else { value - other };
    }
    Some(value)
}

fn product(rest: &mut &[Token]) -> Option<BigRational> {
    let mut value = factor(rest)?;
    while let Some(sign) = take(rest, "×/") {
        let other = factor(rest)?;
        value = if sign == '×' { value * other } else { value / other };
    }
    Some(value)
}

fn factor(rest: &mut &[Token]) -> Option<BigRational> {
    if take(rest, "(").is_some() {
        let value = sum(rest)?;
        return take(rest, ")").map(|_| value);
    }
    let (Token::Number(number), after) = rest.split_first()? else {
        return None;
    };
    *rest = after;
    Some(number.clone())
}

fn half_even(exact: &BigRational) -> Option<Mrr> {
    let below = exact.floor().to_integer();
    let twice_the_rest =
        (exact - BigRational::from_integer(below.clone())) * BigRational::from_integer(2.into());
    let is_odd = !(&below % BigInt::from(2)).is_zero();
    let is_up = twice_the_rest > BigRational::one() || (twice_the_rest == BigRational::one() && is_odd);
    (below + BigInt::from(u8::from(is_up))).to_i128().map(Mrr)
}
