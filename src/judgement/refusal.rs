//! Whether a refusal gives a reason.
//!
//! Pure. A host that says why it refuses is a gate, and nobody else is asked in its place: package
//! firewalls and curated proxies answer with a sentence of their own. What servers send without
//! being told to (a bare status, nginx' page, an object store's `AccessDenied`) says nothing.

/// Words of answers that no person wrote for this case: the phrases of the status codes, and the
/// stock pages of Apache, nginx, S3, CloudFront, Google's front end.
const STOCK: &[&str] = &[
    "a",
    "access",
    "accessdenied",
    "an",
    "apache",
    "are",
    "at",
    "bad",
    "client",
    "cloudflare",
    "cloudfront",
    "code",
    "denied",
    "do",
    "doctype",
    "does",
    "don",
    "error",
    "errors",
    "for",
    "forbidden",
    "from",
    "google",
    "have",
    "head",
    "host",
    "hostid",
    "html",
    "http",
    "https",
    "id",
    "is",
    "legal",
    "message",
    "microsoft",
    "nginx",
    "not",
    "on",
    "openresty",
    "or",
    "page",
    "permission",
    "port",
    "public",
    "ray",
    "reasons",
    "request",
    "requested",
    "requestid",
    "resource",
    "s",
    "server",
    "status",
    "t",
    "tengine",
    "that",
    "the",
    "this",
    "to",
    "unauthorized",
    "unavailable",
    "url",
    "utf",
    "varnish",
    "version",
    "xml",
    "you",
    "your",
];

/// A longer word of Latin letters is an identifier.
const LONGEST_WORD: usize = 16;

/// True where the body of a refusal tells more than that something was refused.
pub(crate) fn gives_reason(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let mut in_tag = false;
    let plain: String = text
        .chars()
        .map(|c| {
            in_tag |= c == '<';
            let shown = if in_tag { ' ' } else { c };
            in_tag &= c != '>';
            shown
        })
        .collect();
    plain
        .split(|c: char| c.is_whitespace() || (c.is_ascii_punctuation() && c != '-'))
        // What holds a digit is a number, a version or an identifier.
        .filter(|word| !word.is_ascii() || word.len() <= LONGEST_WORD)
        .filter(|word| !word.chars().any(|c| c.is_ascii_digit()) && word.chars().any(char::is_alphabetic))
        .any(|word| !STOCK.contains(&word.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stock_pages_say_nothing() {
        for body in [
            "",
            "403 Forbidden",
            "Forbidden\n",
            "403 from this server",
            "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1>\
             </center>\r\n<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>\r\n",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied\
             </Message><RequestId>4442587FB7D0A2F9</RequestId><HostId>Tgk2sPMRSB9vVt1dFkhl</HostId></Error>",
            "You don't have permission to access this resource.",
        ] {
            assert!(!gives_reason(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn a_sentence_of_somebodys_own_is_a_reason() {
        for body in [
            "This module version is not available.",
            "blocked by policy: CVE-2024-1234",
            "{\"errors\":[{\"status\":403,\"message\":\"quarantined\"}]}",
            "<html><body><h1>403 Forbidden</h1><p>Your licence does not cover this.</p></body></html>",
            "\u{8be5}\u{6a21}\u{5757}\u{5df2}\u{88ab}\u{7981}\u{6b62}",
            "licence not allowed",
        ] {
            assert!(gives_reason(body.as_bytes()), "{body}");
        }
    }
}
