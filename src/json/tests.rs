use super::*;
use proptest::prelude::*;

fn equal(a: &str, b: &str) -> bool {
    Object::parse(a.as_bytes()).unwrap() == Object::parse(b.as_bytes()).unwrap()
}

#[test]
fn order_white_space_and_spelling_of_escapes_do_not_matter() {
    assert!(equal(r#"{"a":1,"b":["x"]}"#, "\t{ \"b\" : [ \"\\u0078\" ] ,\r\n \"a\" : 1 } "));
    assert!(equal(r#"{"emoji":"😀\/"}"#, r#"{"\u0065moji":"\uD83d\ude00/"}"#));
}

#[test]
fn values_of_different_types_and_numbers_of_different_text_differ() {
    let spellings = ["1", "1.0", "10e-1", "true", r#""1""#, "[1]", r#"{"1":1}"#, "null", "-0", "0"];
    for (i, a) in spellings.iter().enumerate() {
        for b in &spellings[i + 1..] {
            assert!(!equal(&format!(r#"{{"v":{a}}}"#), &format!(r#"{{"v":{b}}}"#)), "{a} = {b}");
        }
    }
}

#[test]
fn integers_that_round_to_the_same_float_differ() {
    assert!(!equal(r#"{"v":9007199254740993}"#, r#"{"v":9007199254740992}"#));
}

#[test]
fn duplicate_member_is_an_error_at_any_depth_and_in_any_spelling() {
    for text in
        [r#"{"a":1,"a":1}"#, r#"{"a":1,"b":2,"\u0061":3}"#, r#"{"o":[{"x":{"a":1,"a":2}}]}"#]
    {
        assert_eq!(Object::parse(text.as_bytes()), Err(Error::MemberTwice), "{text}");
    }
}

#[test]
fn depth_may_be_64_and_not_65() {
    let nested =
        |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert!(Object::parse(nested(64).as_bytes()).is_ok());
    assert_eq!(Object::parse(nested(65).as_bytes()), Err(Error::TooDeep));
}

#[test]
fn siblings_do_not_count_as_depth() {
    let many = format!(r#"{{"a":[{}{{}}],"b":{{}}}}"#, "{},[],".repeat(100));
    assert!(Object::parse(many.as_bytes()).is_ok());
}

#[test]
fn integer_may_have_as_many_digits_as_python_accepts() {
    let integer = |digits: usize| format!("{{\"a\":-{}}}", "7".repeat(digits));
    assert!(Object::parse(integer(4300).as_bytes()).is_ok());
    assert_eq!(Object::parse(integer(4301).as_bytes()), Err(Error::IntegerTooLong));
}

#[test]
fn text_that_is_not_an_object_in_utf8_is_an_error() {
    let cases: [(&[u8], Error); 6] = [
        (b"[]", Error::NotAnObject),
        (b"\"{}\"", Error::NotAnObject),
        (b"", Error::Syntax),
        (b"{\"a\":\"\xff\"}", Error::NotUtf8),
        (b"{\"a\":\"\xed\xa0\x80\"}", Error::NotUtf8), // an unescaped surrogate
        (b"\xef\xbb\xbf{}", Error::Syntax),            // a byte order mark
    ];
    for (text, error) in cases {
        assert_eq!(Object::parse(text), Err(error), "{text:?}");
    }
}

#[test]
fn text_that_rfc_8259_does_not_allow_is_an_error() {
    let values = [
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "Infinity",
        "-Infinity",
        "tru",
        "nul",
        "'a'",
        "[1,]",
        "[,]",
        "{,}",
        r#"{"a":1,}"#,
        r#"{"a"}"#,
        r#"{a:1}"#,
        r#"{"a":1 "b":2}"#,
        r#""\x""#,
        r#""\u12g4""#,
        r#""\u12"#,
        "\"\n\"",
        "\"\u{1}\"",
        "[1",
        "{",
        "\"",
        "",
    ];
    for value in values {
        assert_eq!(
            Object::parse(format!(r#"{{"v":{value}}}"#).as_bytes()),
            Err(Error::Syntax),
            "{value}"
        );
    }
    assert_eq!(Object::parse(b"{} x"), Err(Error::Syntax));
}

#[test]
fn lone_surrogate_is_kept_as_a_code_point() {
    let object =
        Object::parse(br#"{"v":"\ud800\u0041","w":"\udc00","x":"\ud83d\ud83d\ude00"}"#).unwrap();
    assert_eq!(object.string("v").unwrap(), b"\xed\xa0\x80A");
    assert_eq!(object.string("w").unwrap(), b"\xed\xb0\x80");
    assert_eq!(
        object.string("x").unwrap(),
        "\u{1f600}".bytes().fold(b"\xed\xa0\xbd".to_vec(), |mut v, b| (v.push(b), v).1)
    );
}

#[test]
fn member_is_found_by_name_and_type() {
    let object = Object::parse(br#"{"b":"2","a":"1","c":3}"#).unwrap();
    assert_eq!(object.string("a"), Some(&b"1"[..]));
    assert_eq!(object.string("c"), None);
    assert_eq!(object.get("c"), Some(&Value::Number("3")));
    assert_eq!(object.get("d"), None);
    assert_eq!(object.members().map(|(name, _)| name).collect::<Vec<_>>(), [b"a", b"b", b"c"]);
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>) {
        let _ = Object::parse(&bytes);
    }

    #[test]
    fn serde_json_accepts_every_text_that_this_parser_accepts(text in r#"\{"a":[\[\]{}",:0-9a-e.+ \\ntrulfs-]{0,12}\}"#) {
        if Object::parse(text.as_bytes()).is_ok() {
            // serde_json parses a number into a float, and rejects a number that is out of range
            let other = serde_json::from_str::<serde_json::Value>(&text);
            prop_assert!(other.as_ref().is_ok_and(serde_json::Value::is_object) || other.is_err_and(|e| e.to_string().contains("out of range")), "{}", text);
        }
    }

    #[test]
    fn escaped_string_is_parsed_to_the_original_string(content: String) {
        let text = serde_json::json!({ "v": content }).to_string();
        let object = Object::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(object.string("v").unwrap(), content.as_bytes());
    }
}
