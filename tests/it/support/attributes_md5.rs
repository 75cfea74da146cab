//! The digest with which SQS answers for a message's attributes.

use md5::{Digest, Md5};

/// The algorithm in the developer guide under "Calculating the MD5 message digest for message
/// attributes". Attributes are sorted by name. Each name, type and value follows its length, and a
/// byte for the kind of value stands between type and value.
pub fn attributes_md5<'a>(
    attributes: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> String {
    let mut digest = Md5::new();
    let mut part = |prefix: &[u8], text: &str| {
        digest.update(prefix);
        digest.update(u32::try_from(text.len()).expect("a length").to_be_bytes());
        digest.update(text);
    };
    for (name, value) in attributes {
        part(&[], name);
        part(&[], "String");
        part(&[1], value);
    }
    hex::encode(digest.finalize())
}
