//! Asks a resolver that the user names for the addresses of a host, beside the system's own: over TCP, since an
//! answer on the way is forged less easily there.

use super::dial::{Address, DialError, Purpose, dial};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Kinds of records: addresses of the two families.
const A: u16 = 1;
const AAAA: u16 = 28;

/// The addresses that this resolver has for a name; none where the name does not exist.
///
/// # Errors
/// What keeps it from answering, or what it answers if that is no answer.
pub(crate) async fn ask(resolver: &Address, name: &str) -> io::Result<Vec<IpAddr>> {
    let dialled = dial(resolver, Purpose::Look("")).await;
    let mut stream = dialled.map_err(|error| match error {
        DialError::Name(error) | DialError::Resolver(error) | DialError::Connect(error) => error,
    })?;
    let mut found = Vec::new();
    for kind in [A, AAAA] {
        let question = question(name, kind).ok_or(ErrorKind::InvalidInput)?;
        stream.write_all(&question).await?;
        let length = stream.read_u16().await?;
        let mut answer = vec![0; usize::from(length)];
        stream.read_exact(&mut answer).await?;
        found.extend(addresses(&answer).ok_or(ErrorKind::InvalidData)?);
    }
    Ok(found)
}

/// One question, with its length before it; `None` for what is no name.
fn question(name: &str, kind: u16) -> Option<Vec<u8>> {
    let mut text = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length))?;
        text.push(length);
        text.extend(label.as_bytes());
    }
    text.push(0);
    text.extend(kind.to_be_bytes());
    text.extend([0, 1]);
    let length = u16::try_from(text.len()).ok()?;
    Some([&length.to_be_bytes()[..], &text].concat())
}

/// The addresses of an answer; `None` where it is malformed, or none but a failure.
fn addresses(answer: &[u8]) -> Option<Vec<IpAddr>> {
    let number = |at: usize| Some(u16::from_be_bytes([*answer.get(at)?, *answer.get(at + 1)?]));
    // No error, or: no such name.
    if !matches!(answer.get(3)? & 0x0f, 0 | 3) {
        return None;
    }
    let (questions, answers) = (number(4)?, number(6)?);
    let mut at = 12;
    for _ in 0..questions {
        at = behind_name(answer, at)? + 4;
    }
    let mut found = Vec::new();
    for _ in 0..answers {
        at = behind_name(answer, at)?;
        let (kind, length) = (number(at)?, usize::from(number(at + 8)?));
        let data = answer.get(at + 10..at + 10 + length)?;
        match kind {
            A => found.push(Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?).into()),
            AAAA => found.push(Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?).into()),
            _ => {}
        }
        at += 10 + length;
    }
    Some(found)
}

/// Where a name ends: behind its last label, or behind the pointer that it ends with.
fn behind_name(answer: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *answer.get(at)? {
            0 => return Some(at + 1),
            length if length >= 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer to a question, with these records.
    fn answer(kind: u16, records: &[(u16, &[u8])]) -> Vec<u8> {
        let mut text = question("a.test", kind).unwrap().split_off(2);
        text[2] = 0x81;
        text[7] = records.len() as u8;
        for (kind, data) in records {
            text.extend([0xc0, 12]);
            text.extend(kind.to_be_bytes());
            text.extend([0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
            text.extend(*data);
        }
        text
    }

    #[test]
    fn answers_are_read_and_what_is_none_is_not() {
        let whole = answer(A, &[(5, b"\x01b\x00"), (A, &[192, 0, 2, 7]), (AAAA, &[0; 16])]);
        let want: Vec<IpAddr> = vec!["192.0.2.7".parse().unwrap(), "::".parse().unwrap()];
        assert_eq!(addresses(&whole), Some(want));
        assert_eq!(addresses(&answer(A, &[])), Some(vec![]));
        let mut refused = answer(A, &[]);
        refused[3] = 5;
        assert_eq!(addresses(&refused), None);
        for end in 0..whole.len() {
            assert_eq!(addresses(&whole[..end]), None, "cut at {end}");
        }
        assert_eq!((question("", A), question("a..b", A)), (None, None));
    }

    #[tokio::test]
    async fn a_resolver_is_asked_for_both_families() {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address { host: "127.0.0.1".into(), port: server.local_addr().unwrap().port() };
        tokio::spawn(async move {
            let (mut stream, _) = server.accept().await.unwrap();
            for records in [&[(A, &[192, 0, 2, 7][..])][..], &[]] {
                let length = stream.read_u16().await.unwrap();
                let mut asked = vec![0; usize::from(length)];
                stream.read_exact(&mut asked).await.unwrap();
                let kind = u16::from_be_bytes([asked[asked.len() - 4], asked[asked.len() - 3]]);
                let text = answer(kind, records);
                stream.write_u16(text.len() as u16).await.unwrap();
                stream.write_all(&text).await.unwrap();
            }
        });
        let found = ask(&address, "a.test").await.unwrap();
        assert_eq!(found, ["192.0.2.7".parse::<IpAddr>().unwrap()]);
    }
}
