use super::*;

const SECRET: &str = "efZQiWvaaoqx1Hpgi-hhLGInZUhWa1UyWjVaVk5ZVldoR2FVZERja3BoV0hWNE4xTjYn";
const OTHER: &str = "00000000000000000000000000000032";

fn single(value: &[u8]) -> Vec<u8> {
    match KeyRing::parse(value).unwrap().0 {
        KeyRing::Single(key) => key.bytes().to_vec(),
        KeyRing::ByWebhook { .. } => panic!("a ring"),
    }
}

/// The sorted ids that have a key, and the problems in the order of the entries.
fn ring(value: &str) -> (Vec<String>, Vec<EntryProblem>) {
    match KeyRing::parse(value.as_bytes()).unwrap() {
        (KeyRing::ByWebhook { keys, .. }, problems) => {
            let mut ids: Vec<String> = keys.into_keys().collect();
            ids.sort();
            (ids, problems)
        }
        (KeyRing::Single(_), _) => panic!("a single key"),
    }
}

fn problem(entry: &str, flaw: impl Into<Flaw>) -> EntryProblem {
    EntryProblem { entry: entry.to_owned(), flaw: flaw.into() }
}

#[test]
fn single_key_loses_one_trailing_newline() {
    assert_eq!(single(SECRET.as_bytes()), SECRET.as_bytes());
    assert_eq!(single(format!("{SECRET}\n").as_bytes()), SECRET.as_bytes());
    assert_eq!(single(format!("{SECRET}\r\n").as_bytes()), SECRET.as_bytes());
    assert_eq!(single(format!("\u{feff}{SECRET}").as_bytes()), SECRET.as_bytes());
    assert_eq!(single("é".repeat(16).as_bytes()), "é".repeat(16).as_bytes());
    assert_eq!(single(&[0xff; 32]), [0xff; 32]);
}

/// White space that a person may copy with a secret. The tests put each one before, into and after a secret.
const SPACES: [&str; 13] = [
    " ", "\t", "\n\n", "\n\r", "\u{b}", "\u{c}", "\u{85}", "\u{a0}", "\u{2009}", "\u{2028}",
    "\u{3000}", "\u{200b}", "\u{feff}",
];

#[test]
fn single_key_with_white_space_except_one_final_newline_is_an_error() {
    for space in SPACES {
        for value in [
            format!("{SECRET}{space}"),
            format!("{SECRET}{space}\n"),
            format!("\u{feff}{space}{SECRET}"),
            format!("{}{space}{}", &SECRET[..20], &SECRET[20..]),
        ] {
            let error = KeyRing::parse(value.as_bytes()).unwrap_err();
            assert_eq!(error, KeyRingError::Single(Unusable::WhiteSpace), "{value:?}");
        }
    }
    for space in [b' ', b'\t', b'\r', b'\n'] {
        let mut bytes = [0xff; 33];
        bytes[0] = space;
        let error = KeyRing::parse(&bytes).unwrap_err();
        assert_eq!(error, KeyRingError::Single(Unusable::WhiteSpace), "{space}");
    }
    // in bytes that are not UTF-8, only ASCII white space counts
    let bytes = [&[0xff; 32][..], "\u{a0}".as_bytes()].concat();
    assert_eq!(single(&bytes), bytes);
}

#[test]
fn ring_has_a_key_for_each_webhook() {
    let (ids, problems) =
        ring(&format!("\u{feff}\n {{\"c0Y6ebVU\":\"{SECRET}\", \"7Rav0hC5\":\"{OTHER}\"}}\n"));
    assert_eq!(ids, ["7Rav0hC5", "c0Y6ebVU"]);
    assert_eq!(problems, []);
}

#[test]
fn each_key_in_a_ring_loses_one_trailing_newline() {
    for end in ["", r"\n", r"\r\n", r"\u000a"] {
        let value = format!(r#"{{"c0Y6ebVU":"{SECRET}{end}","7Rav0hC5":"{OTHER}{end}"}}"#);
        let (ring, problems) = KeyRing::parse(value.as_bytes()).unwrap();
        assert_eq!(problems, []);
        for (id, secret) in [("c0Y6ebVU", SECRET), ("7Rav0hC5", OTHER)] {
            assert_eq!(ring.key(Some(id)).unwrap().bytes(), secret.as_bytes(), "{end}");
        }
    }
}

#[test]
fn entry_with_white_space_except_one_final_newline_is_disabled() {
    for space in SPACES {
        for secret in [
            format!("{SECRET}{space}"),
            format!("{SECRET}{space}\n"),
            format!("{space}{SECRET}"),
            format!("{}{space}{}", &SECRET[..20], &SECRET[20..]),
        ] {
            let value = serde_json::json!({"c0Y6ebVU": SECRET, "7Rav0hC5": secret}).to_string();
            let (ids, problems) = ring(&value);
            assert_eq!(ids, ["c0Y6ebVU"], "{secret:?}");
            assert_eq!(problems, [problem("7Rav0hC5", Unusable::WhiteSpace)], "{secret:?}");
        }
    }
}

#[test]
fn bad_entry_is_disabled_and_reported_and_other_entries_are_used() {
    let (ids, problems) = ring(&format!(
        r#"{{"c0Y6ebVU":"{SECRET}","short":"{}","number":7,"twice":"{SECRET}","twice":"{OTHER}","{SECRET}":"c0Y6ebVU"}}"#,
        "x".repeat(31)
    ));
    assert_eq!(ids, ["c0Y6ebVU"]);
    assert_eq!(
        problems,
        [
            problem("short", Unusable::TooShort),
            problem("number", Unusable::NotAString),
            problem("twice", Unusable::NamedTwice),
            problem("twice", Unusable::NamedTwice),
            problem("number 6", Unusable::TooShort), // a secret in the place of an id is not shown
        ]
    );
}

#[test]
fn entry_whose_name_is_not_a_webhook_id_is_reported_and_used() {
    for name in ["JW_WEBHOOK_SECRET", "secret", "webhook1x", "7Rav0hC", "7Rav-hC5", "7Rav0hC5 ", ""]
    {
        let value = serde_json::json!({"c0Y6ebVU": OTHER, name: SECRET}).to_string();
        let (ring, problems) = KeyRing::parse(value.as_bytes()).unwrap();
        assert_eq!(
            problems.iter().map(|problem| problem.flaw).collect::<Vec<_>>(),
            [Flaw::NotAnId]
        );
        assert_eq!(ring.key(Some(name)).unwrap().bytes(), SECRET.as_bytes(), "{name}");
    }
    let (_, problems) = ring(&format!(r#"{{"JW_WEBHOOK_SECRET":"{SECRET}"}}"#));
    assert_eq!(problems, [problem("number 1", Flaw::NotAnId)]);
    let (ids, problems) = ring(&format!(r#"{{"{PLACEHOLDER}":"{SECRET}"}}"#));
    assert_eq!((ids, problems), (vec![PLACEHOLDER.to_owned()], vec![]));
}

/// A secret may have only letters and digits. Only the length distinguishes such a secret from an id.
#[test]
fn entry_is_reported_by_number_if_its_name_may_be_a_secret() {
    for (id, named) in [
        ("c0Y6ebVU", "c0Y6ebVU"),
        (&"a".repeat(16), &"a".repeat(16)),
        (&"a".repeat(17), "number 2"),
        ("a-secret", "number 2"),
        ("é", "number 2"),
    ] {
        for secret in ["", OTHER] {
            let value = format!(r#"{{"7Rav0hC5":"{SECRET}","{id}":"{secret}"}}"#);
            for problem in ring(&value).1 {
                assert_eq!(problem.entry, named, "{id}");
            }
        }
    }
}

#[test]
fn text_of_a_problem_names_the_entry_and_the_flaw() {
    let text = |entry, flaw: Flaw| problem(entry, flaw).to_string();
    assert_eq!(
        text("7Rav0hC5", Unusable::TooShort.into()),
        "the key ring's entry 7Rav0hC5 is disabled: the key is shorter than 32 bytes"
    );
    assert_eq!(
        text("number 1", Flaw::NotAnId),
        "the key ring's entry number 1 verifies no event: the name is not a webhook id"
    );
}

#[test]
fn error_says_why_a_value_has_no_usable_key() {
    let cases = [
        ("", KeyRingError::Single(Unusable::TooShort)),
        ("\n", KeyRingError::Single(Unusable::TooShort)),
        ("0123456789012345678901234567890", KeyRingError::Single(Unusable::TooShort)),
        ("0123456789012345678901234567890\n", KeyRingError::Single(Unusable::TooShort)),
        ("{}", KeyRingError::NoUsableKey(vec![])),
        (
            r#"{"c0Y6ebVU":"short"}"#,
            KeyRingError::NoUsableKey(vec![problem("c0Y6ebVU", Unusable::TooShort)]),
        ),
        (
            r#"{"c0Y6ebVU":"0123456789012345678901234567890 "}"#,
            KeyRingError::NoUsableKey(vec![problem("c0Y6ebVU", Unusable::WhiteSpace)]),
        ),
        (r#"{"a":"00000000000000000000000000000000""#, KeyRingError::NotARing),
        (r#"["00000000000000000000000000000000"]"#, KeyRingError::NotARing),
        (r#""00000000000000000000000000000000""#, KeyRingError::NotARing),
    ];
    for (value, error) in cases {
        assert_eq!(KeyRing::parse(value.as_bytes()).unwrap_err(), error, "{value}");
    }
}

#[test]
fn single_key_is_for_every_webhook_and_a_key_in_a_ring_for_one_webhook() {
    let (single, _) = KeyRing::parse(SECRET.as_bytes()).unwrap();
    for id in [None, Some(""), Some("c0Y6ebVU")] {
        assert_eq!(single.key(id).unwrap().bytes(), SECRET.as_bytes());
    }
    let value = format!(
        r#"{{"c0Y6ebVU":"{SECRET}","7Rav0hC5":"short","2yW4KmiG":"{SECRET}","2yW4KmiG":"{OTHER}"}}"#
    );
    let (ring, _) = KeyRing::parse(value.as_bytes()).unwrap();
    assert_eq!(ring.key(Some("c0Y6ebVU")).unwrap().bytes(), SECRET.as_bytes());
    for (id, why) in [
        (None, NoKey::Unknown),
        (Some(""), NoKey::Unknown),
        (Some("C0Y6ebVU"), NoKey::Unknown),
        (Some("7Rav0hC5"), NoKey::Disabled),
        (Some("2yW4KmiG"), NoKey::Disabled),
    ] {
        assert_eq!(ring.key(id).unwrap_err(), why, "{id:?}");
    }
}

#[test]
fn rings_are_equal_if_they_verify_the_same_tokens() {
    let ring = |value: &str| KeyRing::parse(value.as_bytes()).unwrap().0;
    let with = |a: &str, b: &str| ring(&format!(r#"{{"c0Y6ebVU":"{a}","7Rav0hC5":"{b}"}}"#));
    assert_eq!(with(SECRET, OTHER), with(&format!(r"{SECRET}\n"), OTHER));
    let other_order = format!("{{\n \"7Rav0hC5\": \"{OTHER}\", \"c0Y6ebVU\": \"{SECRET}\"}}\n");
    assert_eq!(with(SECRET, OTHER), ring(&other_order));
    assert_ne!(with(SECRET, OTHER), with(OTHER, SECRET));
    assert_ne!(with(SECRET, OTHER), with(SECRET, "short"));
    assert_ne!(with(SECRET, "short"), ring(&format!(r#"{{"c0Y6ebVU":"{SECRET}"}}"#)));
    assert_eq!(ring(SECRET), ring(&format!("{SECRET}\n")));
    assert_ne!(ring(SECRET), ring(OTHER));
}

#[test]
fn debug_text_of_a_key_ring_shows_no_key() {
    let (ring, _) =
        KeyRing::parse(format!(r#"{{"a":"{SECRET}","{OTHER}":""}}"#).as_bytes()).unwrap();
    let (single, _) = KeyRing::parse(SECRET.as_bytes()).unwrap();
    assert_eq!(format!("{ring:?} {single:?}"), "ByWebhook(1 keys, 1 disabled) Single(Key(…))");
}
