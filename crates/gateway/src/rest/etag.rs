//! Positions as entity tags ([RFC 9110, section 8.8.3](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3)).

use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, HeaderValue};
use protocol::id::Position;

use super::problem::Problem;

/// No record is ever at it, so it matches none.
const NO_POSITION: Position = Position::ZERO;

/// The tag of a record at a position.
pub(super) fn header(position: Position) -> HeaderValue {
    HeaderValue::try_from(format!("\"{position}\""))
        .unwrap_or_else(|_| unreachable!("digits, a dot and quotes make a header"))
}

/// The position that `If-Match` asks for; none if any will do.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    let mut values = headers.get_all(IF_MATCH).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let malformed = || {
        Problem::malformed("If-Match must be one tag in quotes, as in the ETag of a response, or *")
    };
    let text = value.to_str().map_err(|_| malformed())?.trim();
    if values.next().is_some() {
        return Err(malformed());
    }
    if text == "*" {
        return Ok(None);
    }
    // Weak tags never match in If-Match (RFC 9110, section 13.1.1), and ours are strong.
    let (opaque, is_weak) = text.strip_prefix("W/").map_or((text, false), |rest| (rest, true));
    let tag =
        opaque.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(malformed)?;
    if tag.contains('"') {
        return Err(malformed());
    }
    let position = tag.parse().ok().filter(|_| !is_weak);
    Ok(Some(position.unwrap_or(NO_POSITION)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::id::{Epoch, Seq};

    fn asked(value: &str) -> Result<Option<Position>, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(IF_MATCH, HeaderValue::from_str(value).unwrap());
        if_match(&headers)
    }

    #[test]
    fn a_tag_asks_for_the_position_that_made_it() {
        let position = Position { epoch: Epoch(3), seq: Seq(17) };
        let tag = header(position);
        assert_eq!(asked(tag.to_str().unwrap()).unwrap(), Some(position));
        assert_eq!(if_match(&HeaderMap::new()).unwrap(), None);
        assert_eq!(asked("*").unwrap(), None);
    }

    #[test]
    fn a_tag_that_is_not_ours_matches_nothing() {
        for foreign in ["\"abc\"", "W/\"3.17\"", "\"\"", "\"3.17.1\""] {
            assert_eq!(asked(foreign).unwrap(), Some(NO_POSITION), "{foreign}");
        }
    }

    #[test]
    fn what_is_no_tag_is_malformed() {
        for bad in ["3.17", "\"3.17", "\"3.17\", \"3.18\"", "\""] {
            assert!(asked(bad).is_err(), "{bad}");
        }
    }
}
