//! What go asks of certificates beyond what the TLS library asks.
//!
//! Pure, over DER. The library takes a few certificates that go rejects: a root that has expired or may
//! not sign, an intermediate that may not sign, a serial number below zero, an extension that stands
//! twice. Whatever is refused here is left to go, so that a doubt costs a detour and nothing else.

use std::time::{Duration, SystemTime};

/// Of a certificate, what is looked at.
pub(super) struct Certificate<'a> {
    /// Version 1 has no extensions, and so no constraints.
    is_first_version: bool,
    serial: &'a [u8],
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    pub(super) not_before: &'a [u8],
    pub(super) not_after: &'a [u8],
    /// Object identifier, whether it is critical, and value of each.
    extensions: Vec<(&'a [u8], bool, &'a [u8])>,
}

const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];

/// Extensions that go understands, and so may be critical: key usage, names, basic and name
/// constraints, extended key usage, policies and what constrains them.
const UNDERSTOOD: &[&[u8]] = &[
    KEY_USAGE,
    &[0x55, 0x1d, 0x11],
    BASIC_CONSTRAINTS,
    &[0x55, 0x1d, 0x1e],
    &[0x55, 0x1d, 0x20],
    EXTENDED_KEY_USAGE,
];

/// `serverAuth` and `anyExtendedKeyUsage`.
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];

/// The bit of key usage that allows to sign certificates.
const CERT_SIGN: u8 = 0x04;

/// A root that may not sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lone {
    der: Vec<u8>,
    /// The name that it would sign with.
    subject: Vec<u8>,
}

/// What go would trust a root for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// For whatever it has signed.
    Signer,
    /// For itself alone, where a server presents it.
    Itself(Lone),
    /// For nothing.
    No,
}

/// What go would trust this root for at `now`.
pub(super) fn trust(der: &[u8], now: SystemTime) -> Trust {
    let judged = Certificate::parse(der).and_then(|root| {
        let valid =
            seconds(root.not_before)? <= now_seconds(now) && now_seconds(now) <= seconds(root.not_after)?;
        Some(match (valid && root.is_well_formed()?, root.may_sign()?) {
            (false, _) => Trust::No,
            (true, true) => Trust::Signer,
            (true, false) => Trust::Itself(Lone { der: der.to_vec(), subject: root.subject.to_vec() }),
        })
    });
    judged.unwrap_or(Trust::No)
}

/// Whether go takes this certificate, which is among the roots as it stands, from a server: the chain is
/// then that one certificate, an authority's or not (`Verify` in crypto/x509). Name and time are others'
/// to check.
pub(super) fn may_stand_alone(der: &[u8]) -> bool {
    Certificate::parse(der).and_then(|c| Some(c.is_well_formed()? && c.may_serve()?)).unwrap_or(false)
}

/// Whether go would take the certificates that a server presented, its own first, once the library has
/// found a trusted chain among them. `lone` are roots that are trusted for themselves alone.
pub(super) fn are_presentable(presented: &[&[u8]], lone: &[Lone]) -> bool {
    let Some((own, others)) = presented.split_first() else { return false };
    let own_is_fine = Certificate::parse(own).and_then(|c| c.is_well_formed()).unwrap_or(false);
    if lone.iter().any(|root| root.der == *own) {
        return own_is_fine;
    }
    let signs =
        |der: &&[u8]| Certificate::parse(der).and_then(|ca| Some(ca.is_well_formed()? && ca.may_sign()?));
    let by_lone = |der: &&[u8]| {
        let issuer = Certificate::parse(der).map(|c| c.issuer);
        lone.iter().any(|root| issuer.is_none_or(|issuer| issuer == root.subject))
    };
    own_is_fine && others.iter().all(|der| signs(der).unwrap_or(false)) && !presented.iter().any(by_lone)
}

impl<'a> Certificate<'a> {
    pub(super) fn parse(der: &'a [u8]) -> Option<Certificate<'a>> {
        let mut whole = Reader(Reader(der).expect(0x30)?);
        let mut tbs = Reader(whole.expect(0x30)?);
        let is_first_version = tbs.optional(0xa0)?.is_none();
        let serial = tbs.expect(0x02)?;
        tbs.expect(0x30)?;
        let issuer = tbs.expect(0x30)?;
        let mut validity = Reader(tbs.expect(0x30)?);
        let (not_before, not_after) = (validity.next()?.whole, validity.next()?.whole);
        let subject = tbs.expect(0x30)?;
        tbs.expect(0x30)?;
        tbs.optional(0x81)?;
        tbs.optional(0x82)?;
        let mut extensions = Vec::new();
        if let Some(list) = tbs.optional(0xa3)? {
            let mut list = Reader(Reader(list).expect(0x30)?);
            while !list.0.is_empty() {
                let mut one = Reader(list.expect(0x30)?);
                let name = one.expect(0x06)?;
                let critical = one.optional(0x01)?.is_some_and(|value| value != [0]);
                extensions.push((name, critical, one.expect(0x04)?));
            }
        }
        Some(Certificate { is_first_version, serial, issuer, subject, not_before, not_after, extensions })
    }

    pub(super) fn extension(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.extensions.iter().find(|(oid, ..)| *oid == name).map(|(.., value)| *value)
    }

    /// What go asks of every certificate.
    fn is_well_formed(&self) -> Option<bool> {
        let positive = self.serial.first()? & 0x80 == 0;
        let twice = |at: usize| self.extensions[..at].iter().any(|e| e.0 == self.extensions[at].0);
        let understood = |(oid, critical, _): &(&[u8], bool, &[u8])| !critical || UNDERSTOOD.contains(oid);
        Some(positive && !(0..self.extensions.len()).any(twice) && self.extensions.iter().all(understood))
    }

    /// Whether it may sign certificates of servers.
    fn may_sign(&self) -> Option<bool> {
        if let Some(usage) = self.extension(KEY_USAGE) {
            let bits = Reader(usage).expect(0x03)?;
            if bits.get(1)? & CERT_SIGN == 0 {
                return Some(false);
            }
        }
        if !self.may_serve()? {
            return Some(false);
        }
        let Some(constraints) = self.extension(BASIC_CONSTRAINTS) else { return Some(self.is_first_version) };
        let constraints = Reader(constraints).expect(0x30)?;
        Some(Reader(constraints).optional(0x01)?.is_some_and(|value| value != [0]))
    }
}

impl Certificate<'_> {
    /// Whether its extended key usage, if it has one, allows to be a server.
    fn may_serve(&self) -> Option<bool> {
        let Some(usages) = self.extension(EXTENDED_KEY_USAGE) else { return Some(true) };
        let mut list = Reader(Reader(usages).expect(0x30)?);
        let mut serves = false;
        while !list.0.is_empty() {
            let usage = list.expect(0x06)?;
            serves |= usage == SERVER_AUTH || usage == ANY_USAGE;
        }
        Some(serves)
    }
}

/// Reads DER, one value after the other.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

pub(super) struct Value<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// With tag and length.
    whole: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn next(&mut self) -> Option<Value<'a>> {
        let (tag, first) = (*self.0.first()?, *self.0.get(1)?);
        let (length, start) = if first < 0x80 {
            (usize::from(first), 2)
        } else {
            let digits = usize::from(first & 0x7f);
            if !(1..=3).contains(&digits) {
                return None;
            }
            let bytes = self.0.get(2..2 + digits)?;
            (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), 2 + digits)
        };
        let end = start.checked_add(length)?;
        let value = Value { tag, content: self.0.get(start..end)?, whole: &self.0[..end] };
        self.0 = &self.0[end..];
        Some(value)
    }

    /// The content of the next value, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|value| value.tag == tag).map(|value| value.content)
    }

    /// The content of the next value where it has this tag; the outer `None` for broken DER.
    #[expect(clippy::option_option, reason = "absent and broken are two things")]
    fn optional(&mut self, tag: u8) -> Option<Option<&'a [u8]>> {
        if self.0.first() == Some(&tag) { self.expect(tag).map(Some) } else { Some(None) }
    }
}

fn now_seconds(now: SystemTime) -> i64 {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// UTCTime or GeneralizedTime as seconds since 1970.
pub(super) fn seconds(time: &[u8]) -> Option<i64> {
    let value = Reader(time).next()?;
    let text = std::str::from_utf8(value.content).ok()?.strip_suffix('Z')?;
    let (year, rest) = match value.tag {
        0x17 => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        0x18 => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    if rest.len() != 10 || !rest.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| rest[at..at + 2].parse::<i64>().ok();
    let (month, day) = (part(0)?, part(2)?);
    // Days from civil: the year begins in March, so that the leap day is its last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + part(4)? * 3600 + part(6)? * 60 + part(8)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, CustomExtension, IsCa, KeyPair, KeyUsagePurpose};

    fn made(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn is_good(der: &[u8]) -> bool {
        trust(der, SystemTime::now()) == Trust::Signer
    }

    #[test]
    fn times_are_read() {
        let utc = |text: &str| seconds(&[&[0x17, text.len() as u8], text.as_bytes()].concat());
        let generalized = |text: &str| seconds(&[&[0x18, text.len() as u8], text.as_bytes()].concat());
        assert_eq!(utc("700101000000Z"), Some(0));
        assert_eq!(utc("240229123456Z"), Some(1_709_210_096));
        assert_eq!(generalized("20500101000000Z"), Some(2_524_608_000));
        assert_eq!((utc("24022912345Z"), utc("240229123456"), generalized("x")), (None, None, None));
    }

    #[test]
    fn roots_that_go_would_not_trust_are_left_out() {
        assert!(is_good(&made(|_| {})));
        assert!(!is_good(&made(|p| p.not_after = rcgen::date_time_ymd(2020, 1, 1))), "expired");
        assert!(!is_good(&made(|p| p.not_before = rcgen::date_time_ymd(2090, 1, 1))), "not yet valid");
        assert!(!is_good(&made(|p| p.is_ca = IsCa::ExplicitNoCa)), "no authority");
        assert!(!is_good(&made(|p| p.key_usages = vec![KeyUsagePurpose::DigitalSignature])), "may not sign");
        assert!(is_good(&made(|p| p.key_usages = vec![KeyUsagePurpose::KeyCertSign])));
        let usage = |usage| move |p: &mut CertificateParams| p.extended_key_usages = vec![usage];
        assert!(!is_good(&made(usage(rcgen::ExtendedKeyUsagePurpose::ClientAuth))), "for clients");
        assert!(is_good(&made(usage(rcgen::ExtendedKeyUsagePurpose::ServerAuth))));
        let mut unknown = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 1], vec![5, 0]);
        unknown.set_criticality(true);
        assert!(!is_good(&made(|p| p.custom_extensions = vec![unknown])), "not understood");
        let twice = || CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 1], vec![5, 0]);
        assert!(!is_good(&made(|p| p.custom_extensions = vec![twice(), twice()])), "twice");
    }

    #[test]
    fn a_root_may_be_the_server_itself() {
        assert!(may_stand_alone(&made(|_| {})) && may_stand_alone(&made(|p| p.is_ca = IsCa::NoCa)));
        let usage = |usage| move |p: &mut CertificateParams| p.extended_key_usages = vec![usage];
        assert!(may_stand_alone(&made(usage(rcgen::ExtendedKeyUsagePurpose::ServerAuth))));
        assert!(!may_stand_alone(&made(usage(rcgen::ExtendedKeyUsagePurpose::ClientAuth))));
    }

    #[test]
    fn what_a_server_presents_is_looked_at_as_well() {
        let leaf = made(|p| p.is_ca = IsCa::NoCa);
        let mute = made(|p| p.key_usages = vec![KeyUsagePurpose::DigitalSignature]);
        let good = made(|_| {});
        let take = |chain: &[&[u8]]| are_presentable(chain, &[]);
        assert!(take(&[&leaf]) && take(&[&leaf, &good]));
        assert!(!take(&[]) && !take(&[&leaf, &mute]) && !take(&[&leaf, &leaf]));
        let Trust::Itself(lone) = trust(&leaf, SystemTime::now()) else { panic!("a leaf signs") };
        let lone = [lone];
        let other = made(|p| p.serial_number = Some(7.into()));
        assert!(are_presentable(&[&leaf], &lone), "itself");
        assert!(!are_presentable(&[&other], &lone), "the same issuer: perhaps signed by what may not sign");
        for end in 0..good.len() {
            assert!(!is_good(&good[..end]), "cut at {end}");
        }
    }
}
