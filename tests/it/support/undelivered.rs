//! Joins the parts of `undelivered` records without the library's code.

use serde_json::Value;

/// The maximum length of a record's line, with its newline.
pub const MAX_LINE_BYTES: usize = 32_768;

struct Record {
    /// All members except the body.
    members: Value,
    bodies: Vec<String>,
    parts: usize,
}

/// The records in these lines, ordered by their first parts. Checks each line's length, and that no
/// part is missing.
pub fn records<'l>(lines: impl IntoIterator<Item = &'l String>) -> Vec<Value> {
    let mut records = Vec::<Record>::new();
    for text in lines {
        let mut line: Value = serde_json::from_str(text).unwrap_or_default();
        let Some(mut members) = line.get_mut("undelivered").map(Value::take) else { continue };
        let bytes = text.len() + "\n".len();
        assert!(bytes <= MAX_LINE_BYTES, "{bytes} bytes in the line {text}");
        let number =
            |name: &str| line[name].as_u64().and_then(|number| usize::try_from(number).ok());
        let (Some(part), Some(parts)) = (number("part"), number("parts")) else {
            panic!("not a part of a record: {text}")
        };
        let Value::String(body) = members["body"].take() else { panic!("no body: {text}") };
        let began = records.iter_mut().find(|record| {
            (&record.members, record.parts, record.bodies.len()) == (&members, parts, part - 1)
        });
        match began {
            Some(record) => record.bodies.push(body),
            None => {
                assert_eq!(part, 1, "a part without the part before it: {text}");
                records.push(Record { members, bodies: vec![body], parts });
            }
        }
    }
    let whole = records.into_iter().map(|record| {
        assert_eq!(record.bodies.len(), record.parts, "the log lacks parts of {}", record.members);
        let mut members = record.members;
        members["body"] = record.bodies.concat().into();
        members
    });
    whole.collect()
}
