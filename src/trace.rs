//! The X-Ray trace of an invocation, which SQS passes on to consumers.

/// An X-Ray trace header: `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
#[derive(Debug, PartialEq)]
pub struct TraceHeader(String);

/// The longest header that is accepted. Lambda's headers have about 120 characters.
const MAX_BYTES: usize = 256;

impl TraceHeader {
    /// Parses a header. It must consist of fields in printable ASCII, and must have exactly one trace id.
    pub fn parse(text: &str) -> Option<Self> {
        let is_printable =
            text.len() <= MAX_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
        let mut fields = Vec::new();
        for field in text.split(';') {
            fields.push(field.split_once('=')?);
        }
        let values = |wanted| {
            fields.iter().filter(move |(name, _)| *name == wanted).map(|(_, value)| *value)
        };
        let one_root = values("Root").count() == 1 && values("Root").all(is_trace_id);
        let parents = values("Parent").all(|parent| is_hex(parent, 16));
        let sampled = values("Sampled").all(|sampled| matches!(sampled, "0" | "1" | "?"));
        (is_printable && one_root && parents && sampled).then(|| Self(text.to_owned()))
    }

    /// The header's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `1-`, the seconds since 1970 in 8 hexadecimal digits, `-`, 24 random hexadecimal digits.
fn is_trace_id(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts[..], ["1", time, random] if is_hex(time, 8) && is_hex(random, 24))
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";

    #[test]
    fn well_formed_header_is_kept_unchanged() {
        for rest in [
            "",
            ";Sampled=1",
            ";Parent=53995c3f42cd8ad8;Sampled=0",
            ";Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0",
        ] {
            let header = format!("{ROOT}{rest}");
            assert_eq!(TraceHeader::parse(&header).unwrap().as_str(), header);
        }
    }

    #[test]
    fn malformed_header_is_ignored() {
        let long = format!("{ROOT};Self={}", "x".repeat(256));
        for header in [
            "",
            "x",
            "Root=",
            "Root=1-5759e988-bd86",
            "Parent=53995c3f42cd8ad8",
            &format!("{ROOT};{ROOT}"),
            &format!("{ROOT};Sampled=yes"),
            &format!("{ROOT};Parent=7"),
            &format!("{ROOT};"),
            &format!("{ROOT};a= "),
            &format!("{ROOT};a=é"),
            &long,
        ] {
            assert_eq!(TraceHeader::parse(header), None, "{header}");
        }
    }
}
