//! E-mail addresses: the mailbox of [RFC 5321][mailbox], internationalised by [RFC 6531][atext].
//!
//! [mailbox]: https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2
//! [atext]: https://www.rfc-editor.org/rfc/rfc6531#section-3.3
//!
//! ```text
//! Mailbox         = Local-part "@" ( Domain / address-literal )
//! Local-part      = Dot-string / Quoted-string            ; at most 64 octets
//! Dot-string      = Atom *( "." Atom )
//! Atom            = 1*atext
//! atext           = ALPHA / DIGIT / "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "/"
//!                 / "=" / "?" / "^" / "_" / "`" / "{" / "|" / "}" / "~" / visible
//! Quoted-string   = DQUOTE *( qtext / "\" %d32-126 ) DQUOTE
//! qtext           = %d32-33 / %d35-91 / %d93-126 / visible / a space of Unicode
//! Domain          = label *( "." label )                  ; at most 253 octets, as A-labels
//! label           = LDH-label / U-label                   ; at most 63 octets, as an A-label
//! address-literal = "[" ( IPv4 / "IPv6:" IPv6 / Ldh-str ":" 1*dcontent ) "]"
//! dcontent        = %d33-90 / %d94-126
//! visible         = any character outside ASCII, except those below
//! ```
//!
//! An address is stored unchanged, without normalisation or case folding. Only its own mail
//! server knows which local parts mean the same mailbox.
//!
//! RFC 6531 allows every character outside ASCII. Some of them belong to no script and make two
//! addresses look alike, or an address look like another one. These are refused:
//!
//! - control characters, line and paragraph separators, noncharacters;
//! - marks, embeddings, overrides and isolates of bidirectional text;
//! - invisible characters that only guide line breaks or annotate: soft hyphen, zero width
//!   space, word joiner, byte order mark and similar ones;
//! - Unicode spaces outside quotes.
//!
//! Words of Persian and of Indic scripts need the zero width joiner and non-joiner; emoji need
//! variation selectors and tags. So all of these are allowed. Characters of private use and
//! unassigned ones are allowed too: a later Unicode may assign them.
//!
//! U-labels are checked by [UTS 46](https://www.unicode.org/reports/tr46/) without transitional
//! processing, as mail servers do (Postfix, for example). UTS 46 checks joiners by their
//! context, and the direction of text. It accepts everything it can map to a U-label: upper
//! case, decomposed letters.
//!
//! A label begins and ends with a letter or digit. In between it may hold all of atext, more
//! than LDH allows: names with underscores exist, and earlier releases accepted them.

#[cfg(test)]
mod tests;

use std::net::Ipv6Addr;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

/// The longest local part, in bytes (RFC 5321, section 4.5.3.1.1).
const LOCAL_PART_BYTES_MAX: usize = 64;

/// The longest label, in bytes (RFC 1035, section 2.3.4).
const LABEL_BYTES_MAX: usize = 63;

/// The longest domain, in bytes of its text. The length byte of its first label and the root
/// bring it to the 255 of RFC 1035, section 2.3.4.
const DOMAIN_BYTES_MAX: usize = 253;

/// ASCII characters outside atext. A U-label must not map to any of them.
const NO_ATEXT: AsciiDenyList = AsciiDenyList::new(true, "\"(),:;<>@[\\]");

/// Whether a text is a mailbox. This does not check its total length.
pub(super) fn is_mailbox(text: &str) -> bool {
    let Some(behind) = behind_local_part(text) else { return false };
    let local_part_bytes = text.len().saturating_sub(behind.len());
    let Some(host) = behind.strip_prefix('@') else { return false };
    let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    local_part_bytes <= LOCAL_PART_BYTES_MAX
        && literal.map_or_else(|| is_domain(host), is_address_literal)
}

/// The rest of the text after a local part. It begins with the `@`.
fn behind_local_part(text: &str) -> Option<&str> {
    match text.strip_prefix('"') {
        Some(content) => behind_quote(content),
        None => {
            let (local_part, behind) = text.split_at_checked(text.find('@')?)?;
            is_dot_string(local_part).then_some(behind)
        }
    }
}

/// The rest of the text after the closing quote of a quoted string.
fn behind_quote(content: &str) -> Option<&str> {
    let mut characters = content.chars();
    loop {
        match characters.next()? {
            '"' => return Some(characters.as_str()),
            '\\' if matches!(characters.next()?, ' '..='~') => {}
            character if is_qtext(character) => {}
            _ => return None,
        }
    }
}

fn is_dot_string(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

fn is_atext(character: char) -> bool {
    if character.is_ascii() {
        character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character)
    } else {
        is_visible(character) && !character.is_whitespace()
    }
}

fn is_qtext(character: char) -> bool {
    match character {
        '"' | '\\' => false,
        ' '..='~' => true,
        _ => !character.is_ascii() && is_visible(character),
    }
}

/// Whether an address may hold this character outside ASCII: see the module.
fn is_visible(character: char) -> bool {
    let is_noncharacter =
        matches!(character, '\u{fdd0}'..='\u{fdef}') || u32::from(character) & 0xfffe == 0xfffe;
    let is_bidi_control = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    let is_layout = matches!(
        character,
        '\u{ad}' | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}'
            | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0001}'
    );
    !(character.is_control() || is_noncharacter || is_bidi_control || is_layout)
}

fn is_domain(text: &str) -> bool {
    let mut bytes = 0_usize;
    for label in text.split('.') {
        let Some(label_bytes) = label_bytes(label) else { return false };
        bytes = bytes.saturating_add(label_bytes).saturating_add(1);
    }
    bytes.saturating_sub(1) <= DOMAIN_BYTES_MAX
}

/// The length of a label, as an A-label; none if it is no label.
fn label_bytes(label: &str) -> Option<usize> {
    let may_end = |character: char| !character.is_ascii() || character.is_ascii_alphanumeric();
    if !(label.starts_with(may_end) && label.ends_with(may_end) && label.chars().all(is_atext)) {
        return None;
    }
    if label.is_ascii() {
        return Some(label.len()).filter(|length| *length <= LABEL_BYTES_MAX);
    }
    let mapped = Uts46::new()
        .to_ascii(label.as_bytes(), NO_ATEXT, Hyphens::CheckFirstLast, DnsLength::Verify)
        .ok()?;
    // UTS 46 maps Unicode's other dots to the ASCII dot. That would make two labels of this one.
    (!mapped.contains('.')).then_some(mapped.len())
}

/// Whether the text may stand between the brackets of an address literal (RFC 5321, section 4.1.3).
fn is_address_literal(text: &str) -> bool {
    let Some((tag, content)) = text.split_once(':') else { return is_ipv4_literal(text) };
    if tag.eq_ignore_ascii_case("IPv6") {
        return content.parse::<Ipv6Addr>().is_ok();
    }
    let is_ldh = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_dcontent = |byte: u8| matches!(byte, b'!'..=b'Z' | b'^'..=b'~');
    tag.ends_with(|end: char| end.is_ascii_alphanumeric())
        && tag.bytes().all(is_ldh)
        && !content.is_empty()
        && content.bytes().all(is_dcontent)
}

/// Whether the text is four numbers. Unlike [`Ipv4Addr`](std::net::Ipv4Addr), it allows leading
/// zeros.
fn is_ipv4_literal(text: &str) -> bool {
    let is_number = |digits: &str| {
        (1..=3).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && digits.parse::<u8>().is_ok()
    };
    text.split('.').count() == 4 && text.split('.').all(is_number)
}
