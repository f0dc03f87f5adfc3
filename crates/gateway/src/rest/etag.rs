//! Entity tags ([RFC 9110, section
//! 8.8.3](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3)): a record's position as its
//! tag, and the tags in a request's `If-Match` and `If-None-Match`.
//!
//! [`Precondition`] defines the meaning of the tags for a record.

use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use protocol::id::Position;
use protocol::precondition::{Precondition, TAGS_MAX, Tags};

use super::problem::Problem;

/// The tag of a record at a position.
pub(super) fn header(position: Position) -> HeaderValue {
    HeaderValue::try_from(format!("\"{position}\""))
        .unwrap_or_else(|_| unreachable!("digits, a dot and quotes make a header"))
}

/// The precondition of a request.
///
/// # Errors
///
/// Returns an error if a header is neither `*` nor a list of tags, or lists more than
/// [`TAGS_MAX`].
pub(super) fn precondition(headers: &HeaderMap) -> Result<Precondition, Problem> {
    Ok(Precondition {
        if_match: tags(headers, IF_MATCH, Comparison::Strong)?,
        if_none_match: tags(headers, IF_NONE_MATCH, Comparison::Weak)?,
    })
}

/// How a header compares tags (RFC 9110, section 8.8.3.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// A weak tag matches no record.
    Strong,
    /// A weak tag matches the same record as the strong tag.
    Weak,
}

fn tags(
    headers: &HeaderMap,
    name: HeaderName,
    comparison: Comparison,
) -> Result<Option<Tags>, Problem> {
    let lines = headers.get_all(&name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
    if lines.is_empty() {
        return Ok(None);
    }
    // Several lines of a header are one list (RFC 9110, section 5.3).
    match parse(&lines.join(&b','), comparison) {
        Some(tags) => Ok(Some(tags)),
        None => Err(Problem::malformed(format!(
            "{name} must be * or a list of 1 to {TAGS_MAX} tags in quotes, as in the ETag of a response"
        ))),
    }
}

/// Reads `*` or a list of tags. Elements of the list may be empty (RFC 9110, section 5.6.1.2).
fn parse(list: &[u8], comparison: Comparison) -> Option<Tags> {
    if list.trim_ascii() == b"*" {
        return Some(Tags::Any);
    }
    let (mut rest, mut count, mut positions) = (list, 0, Vec::new());
    while let Some(element) = skip_empty(rest) {
        let (tag, after) = EntityTag::split_from(element)?;
        rest = after;
        count += 1;
        if count > TAGS_MAX {
            return None;
        }
        if comparison == Comparison::Weak || !tag.is_weak {
            positions.extend(tag.position());
        }
        if !matches!(rest.trim_ascii_start().first(), None | Some(b',')) {
            return None;
        }
    }
    (count > 0).then_some(Tags::Listed(positions))
}

/// Skips empty elements. Returns the list from its next element on.
fn skip_empty(list: &[u8]) -> Option<&[u8]> {
    let is_skipped = |byte: &u8| matches!(byte, b',' | b' ' | b'\t');
    let start = list.iter().position(|byte| !is_skipped(byte))?;
    list.get(start..)
}

struct EntityTag<'a> {
    is_weak: bool,
    opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    /// Splits a text into the tag at its beginning and the text after it.
    fn split_from(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (is_weak, quoted) = match text.strip_prefix(b"W/") {
            Some(quoted) => (true, quoted),
            None => (false, text),
        };
        let mut parts = quoted.strip_prefix(b"\"")?.splitn(2, |byte| *byte == b'"');
        let (opaque, after) = (parts.next()?, parts.next()?);
        // RFC 9110 allows no spaces there. Tags of other servers may contain some. They match
        // no record.
        let is_allowed = |byte: &u8| matches!(byte, 0x20..=0x7e | 0x80..);
        opaque.iter().all(is_allowed).then_some((Self { is_weak, opaque }, after))
    }

    /// The position in the tag; `None` if no record can have this tag.
    fn position(&self) -> Option<Position> {
        std::str::from_utf8(self.opaque).ok()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::id::{COUNTED_MAX, Epoch, Seq};

    fn at(seq: u64) -> Position {
        Position { epoch: Epoch(3), seq: Seq(seq) }
    }

    fn headers(lines: &[(&HeaderName, &[u8])]) -> HeaderMap {
        let line = |(name, value): &(&HeaderName, &[u8])| {
            ((*name).clone(), HeaderValue::from_bytes(value).unwrap())
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(line) {
            headers.append(name, value);
        }
        headers
    }

    /// The tags of a value, in `If-Match` and in `If-None-Match`.
    fn both(value: &str) -> [Option<Tags>; 2] {
        let of = |name| precondition(&headers(&[(name, value.as_bytes())])).unwrap();
        [of(&IF_MATCH).if_match, of(&IF_NONE_MATCH).if_none_match]
    }

    fn listed(seqs: &[u64]) -> Option<Tags> {
        Some(Tags::Listed(seqs.iter().copied().map(at).collect()))
    }

    #[test]
    fn a_tag_asks_for_the_position_that_made_it() {
        let tag = header(at(17));
        assert_eq!(both(tag.to_str().unwrap()), [listed(&[17]), listed(&[17])]);
        assert_eq!(precondition(&HeaderMap::new()).unwrap(), Precondition::NONE);
        for star in ["*", " *", "*\t"] {
            assert_eq!(both(star), [Some(Tags::Any), Some(Tags::Any)]);
        }
    }

    #[test]
    fn a_list_asks_for_each_of_its_positions() {
        for list in [
            r#""3.17","3.18""#,
            r#""3.17", "3.18""#,
            "\"3.17\"\t ,\t \"3.18\"",
            r#",,"3.17", , ,"3.18",,"#,
            r#""3.17","foreign","3.18""#,
            r#""a,b", "3.17", ",", "3.18""#,
        ] {
            assert_eq!(both(list), [listed(&[17, 18]), listed(&[17, 18])], "{list}");
        }
        let lines: [(&HeaderName, &[u8]); 3] =
            [(&IF_MATCH, b"\"3.17\""), (&IF_NONE_MATCH, b"*"), (&IF_MATCH, b"\"3.18\", ")];
        let expected = Precondition { if_match: listed(&[17, 18]), if_none_match: Some(Tags::Any) };
        assert_eq!(precondition(&headers(&lines)).unwrap(), expected);
    }

    #[test]
    fn a_weak_tag_matches_in_if_none_match_alone() {
        assert_eq!(both(r#"W/"3.17""#), [listed(&[]), listed(&[17])]);
        assert_eq!(both(r#"W/"3.17", "3.18""#), [listed(&[18]), listed(&[17, 18])]);
    }

    #[test]
    fn a_tag_that_no_record_can_have_matches_nothing() {
        let uncounted = format!("\"1.{}\"", COUNTED_MAX + 1);
        for foreign in [
            r#""abc""#,
            r#""""#,
            r#""3.17.1""#,
            r#""03.17""#,
            r#""*""#,
            r#""a,b""#,
            r#"W/"""#,
            &uncounted,
        ] {
            assert_eq!(both(foreign), [listed(&[]), listed(&[])], "{foreign}");
        }
        let not_ascii = headers(&[(&IF_MATCH, b"\"\xc3\xbc\", \"\xff\"")]);
        assert_eq!(precondition(&not_ascii).unwrap().if_match, listed(&[]));
    }

    #[test]
    fn what_is_no_list_of_tags_is_malformed() {
        let malformed: [&[u8]; 18] = [
            b"3.17",
            b"\"3.17",
            b"3.17\"",
            b"\"",
            b"",
            b",",
            b" , ,",
            b"'3.17'",
            b"w/\"3.17\"",
            b"W/ \"3.17\"",
            b"W\"3.17\"",
            b"\"3.17\" \"3.18\"",
            b"\"3.17\"\"3.18\"",
            b"\"3.17\";\"3.18\"",
            b"\"3\t17\"",
            b"*, \"3.17\"",
            b"\"3.17\", *",
            b"**",
        ];
        for value in malformed {
            for name in [&IF_MATCH, &IF_NONE_MATCH] {
                let text = String::from_utf8_lossy(value);
                assert!(precondition(&headers(&[(name, value)])).is_err(), "{text}");
            }
        }
        assert!(precondition(&headers(&[(&IF_MATCH, b"*"), (&IF_MATCH, b"*")])).is_err());
    }

    #[test]
    fn a_list_has_a_bound_that_counts_foreign_tags_too() {
        for tag in [r#""3.17""#, r#""x""#, r#"W/"3.17""#] {
            let list = |count: usize| vec![tag; count].join(", ");
            assert!(both(&list(TAGS_MAX)).iter().all(Option::is_some));
            let many = list(TAGS_MAX + 1);
            assert!(precondition(&headers(&[(&IF_MATCH, many.as_bytes())])).is_err());
        }
        let empty = format!("{}\"3.17\"", ",".repeat(10_000));
        assert_eq!(both(&empty), [listed(&[17]), listed(&[17])]);
    }
}
