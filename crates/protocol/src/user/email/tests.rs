mod specimens;

use proptest::prelude::*;

use self::specimens::{ACCEPTED, REFUSED};
use super::is_mailbox;
use crate::user::{EMAIL_LENGTH_MAX, Email};

fn is_accepted(text: &str) -> bool {
    Email::try_from(text.to_owned()).is_ok()
}

/// Whether an address from a link or a disk is accepted.
fn is_read(text: &str) -> bool {
    serde_json::from_value::<Email>(text.into()).is_ok()
}

#[test]
fn addresses_of_the_whole_grammar_are_accepted_and_kept_as_they_are() {
    for text in ACCEPTED {
        let email = Email::try_from((*text).to_owned());
        assert_eq!(email.as_ref().map(Email::as_str), Ok(*text), "{text:?}");
        assert!(is_read(text), "{text:?}");
    }
}

#[test]
fn what_is_no_address_is_refused() {
    for text in REFUSED {
        assert!(!is_accepted(text), "{text:?}");
    }
}

#[test]
fn a_local_part_has_at_most_64_bytes() {
    let accepted = |local_part: String| is_accepted(&format!("{local_part}@example.org"));
    for character in ["a", "ü", "न", "𠮷"] {
        let most = 64 / character.len();
        assert!(accepted(character.repeat(most)), "{character}");
        assert!(!accepted(character.repeat(most + 1)), "{character}");
    }
    assert!(accepted(format!("\"{}\"", "a".repeat(62))));
    assert!(!accepted(format!("\"{}\"", "a".repeat(63))));
    assert!(accepted(format!("\"{}\"", "\\a".repeat(31))));
    assert!(!accepted(format!("\"{}\"", "\\a".repeat(32))));
}

#[test]
fn a_label_has_at_most_63_bytes_as_an_a_label() {
    let accepted = |label: String| is_accepted(&format!("a@{label}.org"));
    assert!(accepted("a".repeat(63)));
    assert!(!accepted("a".repeat(64)));
    // The label takes 110 bytes itself, but its A-label has only `xn--` and some fifty letters.
    assert!(accepted("ü".repeat(55)));
    assert!(!accepted("ü".repeat(64)));
    // The A-label is longer than the label itself.
    assert!(!accepted("漢ひ한กकஅ例え中ε".to_owned().repeat(2)));
    assert!(accepted("漢ひ한กकஅ例え中ε".to_owned()));
}

#[test]
fn an_address_has_at_most_254_bytes() {
    let labels = |last: usize| format!("{0}.{0}.{1}", "d".repeat(63), "d".repeat(last));
    let address = |last| format!("{}@{}", "a".repeat(64), labels(last));
    assert_eq!(address(61).len(), EMAIL_LENGTH_MAX);
    assert!(is_accepted(&address(61)) && is_read(&address(61)));
    assert!(!is_accepted(&address(62)) && !is_read(&address(62)));
    let quoted = format!("\"a\"@[tag:{}]", "x".repeat(254 - 10));
    assert_eq!(quoted.len(), EMAIL_LENGTH_MAX);
    assert!(is_accepted(&quoted));
    assert!(!is_accepted(&quoted.replace("tag:", "tag:x")));
}

#[test]
fn a_domain_has_at_most_253_bytes_of_a_labels() {
    let domain = |labels: usize| vec!["あ"; labels].join(".");
    // Each label takes the bytes of `xn--l8j` and a dot.
    assert!(is_mailbox(&format!("a@{}", domain(31))));
    assert!(!is_mailbox(&format!("a@{}", domain(32))));
    assert!(domain(32).len() < 253);
}

#[test]
fn what_any_release_accepted_is_read_from_links_and_disks() {
    for text in [
        " <ada@example.org>",
        "\n  <ada@example.org>  ",
        "\"a\tb\"@example.org",
        "a@[]",
        "a@[300.1.1.1]",
        "a@[anything]",
        "a@אa.org",
        "a@漢ひ한กकஅ例え中ε漢ひ한กक",
        "a@\u{1fffe}b",
    ] {
        assert!(is_read(text), "{text:?}");
    }
    for text in ["", "@", "ada", "ada@", "@example.org"] {
        assert!(!is_read(text), "{text:?}");
    }
}

/// Local parts accepted by every release: letters and digits of all scripts, punctuation of
/// ASCII, quoted text of ASCII.
fn local_part_of_before() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\\p{Alphabetic}\\p{N}!#$%&'*+/=?^_`{|}~-]{1,8}(\\.[\\p{Alphabetic}\\p{N}!#$%&'*+/=?^_`{|}~-]{1,8}){0,2}",
        "\"([ !#-\\[\\]-~]|\\\\[!-~]){1,30}\"",
    ]
    .prop_filter("it is too long", |text| text.len() <= 64)
}

/// Possible hosts accepted by every release: names of ASCII, and names with letters of one script.
fn host_of_before() -> impl Strategy<Value = String> {
    let label = |letters: &str, inner: &str| format!("[{letters}]([{inner}]{{0,8}}[{letters}])?");
    let ascii = label("A-Za-z0-9", "A-Za-z0-9!#$%&'*+/=?^_`{|}~-");
    let latin = label("a-zß-öø-ÿ", "a-zß-öø-ÿ0-9-");
    let han = label("一-鿋", "一-鿋0-9-");
    let hangul = label("가-힣", "가-힣0-9-");
    let cyrillic = label("а-яА-Я", "а-яА-Я0-9_-");
    prop_oneof![
        proptest::string::string_regex(&format!("{ascii}(\\.{ascii}){{0,3}}")).unwrap(),
        proptest::string::string_regex(&format!(
            "({latin}|{han}|{hangul}|{cyrillic})(\\.{ascii})?"
        ))
        .unwrap(),
        "\\[(25[0-5]|1?[0-9]{1,2})(\\.(25[0-5]|1?[0-9]{1,2})){3}\\]",
        "\\[IPv6:[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}\\]",
    ]
}

proptest! {
    #[test]
    fn what_was_accepted_before_still_is(local_part in local_part_of_before(), host in host_of_before()) {
        let text = format!("{local_part}@{host}");
        prop_assert!(is_accepted(&text), "{:?}", text);
    }

    #[test]
    fn what_is_accepted_is_read_from_links_and_disks(email: Email) {
        prop_assert!(is_read(email.as_str()));
    }

    #[test]
    fn letters_with_marks_are_letters(text in "[\\p{L}\\p{M}]{1,16}") {
        prop_assert!(is_accepted(&format!("{text}@example.org")), "{:?}", text);
    }

    #[test]
    fn no_accepted_address_has_a_control_character_or_a_space_outside_quotes(
        text in "([\\PC\\pC]{0,8}@[\\PC\\pC]{0,8}|\"[\\PC\\pC]{0,8}\"@[a-z]{1,3})",
    ) {
        if is_accepted(&text) {
            prop_assert!(!text.contains(char::is_control), "{:?}", text);
            prop_assert!(text.starts_with('"') || !text.contains(char::is_whitespace), "{:?}", text);
            prop_assert!(is_read(&text), "{:?}", text);
        }
    }

    #[test]
    fn a_character_that_is_refused_in_a_local_part_is_refused_in_every_part(
        character in any::<char>().prop_filter("it is of ASCII", |character| !character.is_ascii()),
    ) {
        if !is_accepted(&format!("a{character}@example.org")) {
            prop_assert!(!is_accepted(&format!("a@ex{character}ample.org")), "{:?}", character);
            prop_assert!(
                character.is_whitespace() || !is_accepted(&format!("\"{character}\"@example.org")),
                "{:?}", character
            );
        }
    }
}
