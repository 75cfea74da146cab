//! The input is two JSON texts with 0xff between them. The forwarder's parser must return the same
//! values as another parser. Both must agree on whether the two texts are equal.
#![no_main]

use jw_webhook_forwarder::event_id::event_id;
use jw_webhook_forwarder::json::{Error, Object, Value};
use jw_webhook_forwarder_fuzz::json::{Json, parse};
use libfuzzer_sys::fuzz_target;

fn same(ours: &Value, theirs: &Json) -> bool {
    match (ours, theirs) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(ours), Json::Bool(theirs)) => ours == theirs,
        (Value::Number(ours), Json::Number(theirs)) => ours == theirs,
        (Value::String(ours), Json::Text(theirs)) => ours.as_ref() == theirs.as_slice(),
        (Value::Array(ours), Json::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same(a, b))
        }
        (Value::Object(ours), _) => same_object(ours, theirs),
        _ => false,
    }
}

fn same_object(ours: &Object, theirs: &Json) -> bool {
    let Json::Object(theirs) = theirs else { return false };
    ours.members().count() == theirs.len()
        && ours
            .members()
            .all(|(name, ours)| theirs.get(name).is_some_and(|theirs| same(ours, theirs)))
}

fn read(text: &[u8]) -> Option<(Object<'_>, Json)> {
    match (Object::parse(text), parse(text)) {
        (Ok(ours), Ok(theirs)) => {
            assert!(same_object(&ours, &theirs), "{ours:?} is not {theirs:?}");
            Some((ours, theirs))
        }
        (Ok(ours), Err(error)) => panic!("only the other parser rejects {ours:?}: {error}"),
        (Err(Error::TooDeep), Ok(theirs)) => {
            assert!(theirs.depth() > 64);
            None
        }
        (Err(Error::IntegerTooLong), Ok(theirs)) => {
            assert!(theirs.longest_integer() > 4300);
            None
        }
        (Err(error), Ok(Json::Object(theirs))) => panic!("only ours rejects {theirs:?}: {error}"),
        (Err(_), _) => None,
    }
}

fuzz_target!(|data: &[u8]| {
    let mut texts = data.splitn(2, |byte| *byte == 0xff);
    let one = texts.next().and_then(read);
    let other = texts.next().and_then(read);
    if let (Some((one, theirs)), Some((other, other_theirs))) = (one, other) {
        assert_eq!(one == other, theirs == other_theirs, "{one:?} and {other:?}");
        let (id, other_id) = (event_id(&one), event_id(&other));
        assert!(id.len() == 64 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
        assert!(one != other || id == other_id, "equal events have two IDs: {one:?}");
    }
});
