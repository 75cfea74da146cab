//! The URL of an SQS queue, which also tells the queue's Region, account, name and kind.

/// The suffixes of AWS's hosts, from the SDK's list of partitions.
const AWS_SUFFIXES: [&str; 13] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".api.amazonwebservices.com.cn",
    ".api.amazonwebservices.eu",
    ".api.aws",
    ".api.aws.hci.ic.gov",
    ".api.aws.ic.gov",
    ".api.aws.scloud",
    ".c2s.ic.gov",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
    ".sc2s.sgov.gov",
];

/// The URL of an SQS queue.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueUrl(String);

impl QueueUrl {
    /// Parses an HTTP or HTTPS URL whose path ends with the queue's name.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (host, path) = rest.split_once('/')?;
        let is_url = matches!(scheme, "https" | "http") && !host.is_empty() && !path.ends_with('/');
        (is_url && !path.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()))
            .then(|| Self(text.to_owned()))
    }

    /// The text of the URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the queue is a FIFO queue. Only names of FIFO queues end in `.fifo`.
    pub fn is_fifo(&self) -> bool {
        self.0.ends_with(".fifo")
    }

    /// The queue's Region, if the host is one of AWS's hosts (AWS General Reference, "Amazon SQS endpoints and
    /// quotas"). The host of a VPC endpoint has the Region after the endpoint's id.
    pub fn region(&self) -> Option<&str> {
        let host = self.host();
        let labels = AWS_SUFFIXES.iter().find_map(|suffix| host.strip_suffix(suffix))?;
        match labels.split('.').collect::<Vec<_>>()[..] {
            ["sqs" | "sqs-fips", region] => Some(region),
            [_vpc_endpoint, "sqs" | "sqs-fips", region, "vpce"] => Some(region),
            [region, "queue"] => Some(region),
            ["queue"] => Some("us-east-1"), // the oldest host of SQS
            _ => None,
        }
    }

    /// Whether `arn` names this queue. Account and name must be equal, and also the Region if the URL has a
    /// Region.
    pub fn is_queue(&self, arn: &str) -> bool {
        let parts: Vec<&str> = arn.split(':').collect();
        let ["arn", _partition, "sqs", region, account, name] = parts[..] else { return false };
        self.account_and_name() == (Some(account), name)
            && self.region().is_none_or(|own| own == region)
    }

    /// Whether both URLs name the same queue. A queue has several URLs, because SQS has several hosts in a
    /// Region.
    pub fn is_same_queue(&self, other: &Self) -> bool {
        let regions = self.region().zip(other.region());
        self.account_and_name() == other.account_and_name()
            && regions.is_none_or(|(own, others)| own == others)
    }

    fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        rest.split(['/', ':']).next().unwrap_or_default()
    }

    fn account_and_name(&self) -> (Option<&str>, &str) {
        let path = self.0.splitn(4, '/').nth(3).unwrap_or_default();
        let (parents, name) = path.rsplit_once('/').unwrap_or(("", path));
        (parents.rsplit('/').next().filter(|account| !account.is_empty()), name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(url: &str) -> QueueUrl {
        QueueUrl::parse(url).unwrap()
    }

    #[test]
    fn url_needs_a_scheme_a_host_and_a_name() {
        for url in [
            "https://sqs.eu-west-1.amazonaws.com/123456789012/events",
            "http://127.0.0.1:4566/000000000000/events.fifo",
            "http://localhost/events",
        ] {
            assert_eq!(queue(url).as_str(), url);
        }
        for text in [
            "",
            "events",
            "arn:aws:sqs:eu-west-1:123456789012:events",
            "sqs://host/1/events",
            "https://",
            "https://host",
            "https://host/",
            "https:///1/events",
            "https://host/1/",
            "https://host/1/events ",
            " https://host/1/events",
            "https://host/1/ev\u{a0}ents",
            "https://host/1/events\n",
        ] {
            assert_eq!(QueueUrl::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn fifo_queue_is_recognised_by_its_name() {
        assert!(queue("https://host/1/events.fifo").is_fifo());
        assert!(!queue("https://host.fifo/1.fifo/events").is_fifo());
    }

    #[test]
    fn region_is_read_from_every_form_of_aws_host() {
        for (host, region) in [
            ("sqs.eu-west-1.amazonaws.com", "eu-west-1"),
            ("sqs.eu-west-1.amazonaws.com:443", "eu-west-1"),
            ("sqs.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("sqs.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            ("sqs.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
            ("sqs.eu-west-1.api.aws", "eu-west-1"),
            ("sqs.cn-north-1.api.amazonwebservices.com.cn", "cn-north-1"),
            ("sqs-fips.us-east-2.amazonaws.com", "us-east-2"),
            ("sqs-fips.us-east-2.api.aws", "us-east-2"),
            ("eu-west-1.queue.amazonaws.com", "eu-west-1"),
            ("cn-north-1.queue.amazonaws.com.cn", "cn-north-1"),
            ("queue.amazonaws.com", "us-east-1"),
            ("vpce-0a1b-2c3d.sqs.eu-west-1.vpce.amazonaws.com", "eu-west-1"),
            ("vpce-0a1b-2c3d-eu-west-1a.sqs.eu-west-1.vpce.amazonaws.com", "eu-west-1"),
            ("vpce-0a1b-2c3d.sqs-fips.us-east-1.vpce.amazonaws.com", "us-east-1"),
        ] {
            assert_eq!(queue(&format!("https://{host}/1/events")).region(), Some(region), "{host}");
        }
    }

    #[test]
    fn region_of_a_host_outside_aws_is_unknown() {
        for host in [
            "localhost:4566",
            "127.0.0.1",
            "sqs.eu-west-1.localhost.localstack.cloud:4566",
            "sqs.example.com",
            "sqs.eu-west-1.amazonaws.com.example.com",
            "sqs.eu-west-1.notamazonaws.com",
            "sns.eu-west-1.amazonaws.com",
            "sqs.amazonaws.com",
            "amazonaws.com",
        ] {
            assert_eq!(queue(&format!("http://{host}/1/events")).region(), None, "{host}");
        }
    }

    #[test]
    fn arn_matches_the_queue_with_the_same_account_and_name() {
        let known = queue("https://sqs.eu-west-1.amazonaws.com/123456789012/held");
        let unknown = queue("http://localhost:4566/123456789012/held");
        for arn in [
            "arn:aws:sqs:eu-west-1:123456789012:held",
            "arn:aws-cn:sqs:eu-west-1:123456789012:held",
        ] {
            assert!(known.is_queue(arn) && unknown.is_queue(arn), "{arn}");
        }
        let other_region = "arn:aws:sqs:eu-west-2:123456789012:held";
        assert!(!known.is_queue(other_region) && unknown.is_queue(other_region));
        for arn in [
            "",
            "held",
            "arn:aws:sqs:eu-west-1:123456789012",
            "arn:aws:sqs:eu-west-1:123456789012:held:more",
            "arn:aws:sns:eu-west-1:123456789012:held",
            "arn:aws:sqs:eu-west-1:123456789013:held",
            "arn:aws:sqs:eu-west-1::held",
            "arn:aws:sqs:eu-west-1:123456789012:HELD",
            "arn:aws:sqs:eu-west-1:123456789012:held2",
        ] {
            assert!(!known.is_queue(arn) && !unknown.is_queue(arn), "{arn}");
        }
        assert!(!queue("https://localhost/held").is_queue("arn:aws:sqs:eu-west-1::held"));
    }

    #[test]
    fn urls_with_different_hosts_can_name_the_same_queue() {
        let events = queue("https://sqs.eu-west-1.amazonaws.com/1/events");
        for url in [
            "https://eu-west-1.queue.amazonaws.com/1/events",
            "https://vpce-0a1b.sqs.eu-west-1.vpce.amazonaws.com/1/events",
            "http://localhost:4566/1/events",
        ] {
            assert!(events.is_same_queue(&queue(url)), "{url}");
        }
        for url in [
            "https://sqs.eu-west-2.amazonaws.com/1/events",
            "https://sqs.eu-west-1.amazonaws.com/2/events",
            "https://sqs.eu-west-1.amazonaws.com/1/held",
            "https://sqs.eu-west-1.amazonaws.com/events",
        ] {
            assert!(!events.is_same_queue(&queue(url)), "{url}");
        }
    }
}
