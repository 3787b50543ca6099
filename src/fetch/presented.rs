//! What a certificate says of itself, for people: who signed it, for which names, until when.
//!
//! Pure, over DER, and for words alone: nothing is trusted by it.

use super::certificate::{Certificate, Reader, seconds};

/// Object identifiers: organisation, common name, alternative names.
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

/// Names that are shown, at most.
const NAMES: usize = 3;

/// What is read from a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Presented {
    /// Organisation and common name of who signed it.
    pub(super) issuer: String,
    /// The first names that it is for.
    pub(super) names: Vec<String>,
    /// Seconds since 1970.
    pub(super) not_before: i64,
    /// Seconds since 1970.
    pub(super) not_after: i64,
}

/// Reads a certificate; `None` where it is malformed.
pub(super) fn presented(der: &[u8]) -> Option<Presented> {
    let certificate = Certificate::parse(der)?;
    let mut names = Vec::new();
    if let Some(value) = certificate.extension(ALTERNATIVE_NAMES) {
        let mut list = Reader(Reader(value).expect(0x30)?);
        while let Some(name) = list.next() {
            match (name.tag, name.content) {
                (0x82, text) => names.push(String::from_utf8_lossy(text).into_owned()),
                (0x87, &[a, b, c, d]) => names.push(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
                _ => {}
            }
        }
    }
    if names.is_empty() {
        names.extend(part(certificate.subject, COMMON_NAME));
    }
    names.truncate(NAMES);
    let issuer = [ORGANISATION, COMMON_NAME].map(|kind| part(certificate.issuer, kind));
    Some(Presented {
        issuer: issuer.into_iter().flatten().collect::<Vec<_>>().join(" "),
        names,
        not_before: seconds(certificate.not_before)?,
        not_after: seconds(certificate.not_after)?,
    })
}

/// One part of a distinguished name.
fn part(name: &[u8], kind: &[u8]) -> Option<String> {
    let mut sets = Reader(name);
    while let Some(set) = sets.next() {
        let mut pair = Reader(Reader(set.content).expect(0x30)?);
        if pair.expect(0x06)? == kind {
            return Some(String::from_utf8_lossy(pair.next()?.content).into_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair};

    #[test]
    fn who_signed_it_for_whom_and_until_when() {
        let mut params = CertificateParams::new(vec!["a.test".into(), "*.b.test".into()]).unwrap();
        params.distinguished_name.push(DnType::OrganizationName, "Corp");
        params.distinguished_name.push(DnType::CommonName, "Inspection");
        params.not_after = rcgen::date_time_ymd(2050, 1, 1);
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
        let found = presented(&der).unwrap();
        assert_eq!(found.issuer, "Corp Inspection");
        assert_eq!(found.names, ["a.test", "*.b.test"]);
        assert_eq!(found.not_after, 2_524_608_000);
        assert!(found.not_before < found.not_after);
        for end in 0..der.len() {
            // Whatever is cut off, nothing panics.
            let _ = presented(&der[..end]);
        }
    }
}
