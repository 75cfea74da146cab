//! The digest of a message's attributes in SQS's response.

use md5::{Digest, Md5};

/// The algorithm in the developer guide under "Calculating the MD5 message digest for message
/// attributes". Attributes are sorted by name. Each name, type and value comes after its length. A
/// byte between type and value says what kind of value it is.
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
