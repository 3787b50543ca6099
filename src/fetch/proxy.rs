//! HTTP and SOCKS proxies on the way: their addresses, and what is said to them. Their answers are read
//! here, so that a proxy's own refusal is told from the trouble of the host behind it.

use super::fault::{Blame, Fault};
use super::login::Login;
use crate::formats::authority::{self, Url};
use crate::machine::dial::Address;
use crate::vocabulary::Cause;
use std::net::IpAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

/// Largest head of an answer to CONNECT, in bytes.
const HEAD: usize = 64 << 10;

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// HTTP over TCP.
    Http,
    /// HTTP over TLS.
    Https,
    /// SOCKS 5; names are resolved there, as with go.
    Socks5,
}

/// What is known of the proxies on the way.
#[derive(Default)]
pub(super) struct Entrance {
    /// One has let somebody through.
    pub(super) is_open: bool,
    /// What the latest who tried has met. Who waited meanwhile has met it too.
    pub(super) failed: Option<(Instant, Fault)>,
}

impl Entrance {
    /// Notes what somebody has met there.
    pub(super) fn fails(&mut self, fault: &Fault) {
        self.failed = Some((Instant::now(), fault.clone()));
    }
}

/// A proxy, as the environment names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) scheme: Scheme,
    pub(super) address: Address,
    pub(super) login: Option<Login>,
}

impl Proxy {
    /// Reads HTTP_PROXY or HTTPS_PROXY: a URL, or its host alone. `None` where it is nothing that is
    /// understood here: to go without is no way then, for go may understand it.
    pub(super) fn parse(text: &str) -> Option<Proxy> {
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::split(&whole)?;
        let (scheme, port) = match url.scheme.to_ascii_lowercase().as_str() {
            "http" => (Scheme::Http, 80),
            "https" => (Scheme::Https, 443),
            "socks5" | "socks5h" => (Scheme::Socks5, 1080),
            _ => return None,
        };
        let login = match url.user {
            Some(info) => Some(Login::of_user_info(info)?),
            None => None,
        };
        if scheme == Scheme::Socks5 && login.as_ref().is_some_and(|login| login.user.is_empty()) {
            return None;
        }
        Some(Proxy { scheme, address: address(url.host, port)?, login })
    }
}

/// Host and port, the port being optional.
fn address(text: &str, default: u16) -> Option<Address> {
    let (host, port) = authority::split_port(text);
    let port = match port {
        None | Some("") => default,
        Some(digits) => digits.parse().ok()?,
    };
    let whole = text.starts_with('[') == text.contains(']') && (!text.starts_with('[') || host.contains(':'));
    let usable = |c: char| !c.is_whitespace() && !c.is_control() && !"\"<>\\^`{|}%[]".contains(c);
    (whole && !host.is_empty() && host.chars().all(usable)).then(|| Address { host: host.to_owned(), port })
}

/// Asks an HTTP proxy for a way to `to`.
pub(super) async fn tunnel<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    to: &Address,
    proxy: &Proxy,
) -> Result<(), Fault> {
    let mut head = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nUser-Agent: {}\r\n", super::USER_AGENT);
    if let Some(login) = &proxy.login {
        let value = login.header();
        head.push_str(&format!("Proxy-Authorization: {}\r\n", value.to_str().unwrap_or_default()));
    }
    head.push_str("\r\n");
    let broken = |error: std::io::Error| Fault::of(&error).blaming(Blame::Proxy);
    stream.write_all(head.as_bytes()).await.map_err(broken)?;
    let answer = read_head(stream).await.map_err(broken)?;
    let line = String::from_utf8_lossy(answer.split(|b| *b == b'\n').next().unwrap_or_default()).into_owned();
    let line = line.trim_end();
    let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse::<u16>().ok());
    let named = |what: &str| format!("HTTP proxy {} {what}: {line}", proxy.address);
    match status {
        Some(200..=299) => Ok(()),
        Some(407) => Err(Fault::new(Cause::Http403, named("wants other credentials")).blaming(Blame::Login)),
        // The host behind it is what does not answer.
        Some(502..=504) => Err(Fault::new(Cause::Http5xx, format!("no way to {to}, says {}", named("")))),
        Some(400..=499) => Err(Fault::new(Cause::Http403, named("refuses")).blaming(Blame::Refusal)),
        Some(_) => Err(Fault::new(Cause::Http5xx, named("fails")).blaming(Blame::Proxy)),
        None => Err(Fault::new(Cause::CaptiveOrHtml, named("speaks no HTTP")).blaming(Blame::Proxy)),
    }
}

/// Reads byte by byte to the empty line: what comes after it belongs to the host behind.
async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") {
        if head.len() >= HEAD {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "an endless head"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

/// Asks a SOCKS 5 proxy for a way to `to` (RFC 1928, 1929).
pub(super) async fn socks5<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    to: &Address,
    proxy: &Proxy,
) -> Result<(), Fault> {
    let broken = |error: std::io::Error| Fault::of(&error).blaming(Blame::Proxy);
    let named = |what: &str| format!("SOCKS proxy {} {what}", proxy.address);
    let verdict = |what: &str| Fault::new(Cause::Http403, named(what)).blaming(Blame::Refusal);
    let login = |what: &str| verdict(what).blaming(Blame::Login);
    let methods: &[u8] = if proxy.login.is_some() { &[5, 2, 0, 2] } else { &[5, 1, 0] };
    stream.write_all(methods).await.map_err(broken)?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await.map_err(broken)?;
    match (chosen, &proxy.login) {
        ([5, 0], _) => {}
        ([5, 2], Some(Login { user, password })) => {
            let (Ok(user_length), Ok(length)) = (u8::try_from(user.len()), u8::try_from(password.len()))
            else {
                return Err(login("takes no password as long as this"));
            };
            let greeting = [&[1, user_length], &user[..], &[length], &password[..]].concat();
            stream.write_all(&greeting).await.map_err(broken)?;
            let mut answer = [0; 2];
            stream.read_exact(&mut answer).await.map_err(broken)?;
            if answer[1] != 0 {
                return Err(login("rejects user and password"));
            }
        }
        ([5, _], _) => return Err(login("wants other credentials")),
        _ => return Err(Fault::new(Cause::CaptiveOrHtml, named("speaks no SOCKS 5")).blaming(Blame::Proxy)),
    }
    let mut request = vec![5, 1, 0];
    match to.host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            request.push(1);
            request.extend(ip.octets());
        }
        Ok(IpAddr::V6(ip)) => {
            request.push(4);
            request.extend(ip.octets());
        }
        Err(_) => {
            let length = u8::try_from(to.host.len()).map_err(|_| verdict("takes no name as long as this"))?;
            request.extend([3, length]);
            request.extend(to.host.as_bytes());
        }
    }
    request.extend(to.port.to_be_bytes());
    stream.write_all(&request).await.map_err(broken)?;
    let mut reply = [0; 4];
    stream.read_exact(&mut reply).await.map_err(broken)?;
    let host = |cause, what: &str| Err(Fault::new(cause, format!("{to}: {what}, says {}", named(""))));
    match reply[1] {
        0 => {}
        1 => return host(Cause::Unreachable, "general failure"),
        2 => return Err(verdict("does not allow it")),
        3 => return host(Cause::Unreachable, "network unreachable"),
        4 => return host(Cause::Unreachable, "host unreachable"),
        5 => return host(Cause::ConnRefused, "connection refused"),
        6 => return host(Cause::Timeout, "time to live expired"),
        _ => return Err(verdict("does not know the command or the kind of address")),
    }
    let rest = match reply[3] {
        1 => 4,
        3 => usize::from(stream.read_u8().await.map_err(broken)?),
        4 => 16,
        _ => return Err(Fault::new(Cause::CaptiveOrHtml, named("speaks no SOCKS 5")).blaming(Blame::Proxy)),
    };
    let mut bound = vec![0; rest + 2];
    stream.read_exact(&mut bound).await.map_err(broken)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_takes_for_a_proxy_is_understood_or_refused_but_never_ignored() {
        let of = |text: &str| Proxy::parse(text).map(|p| (p.scheme, p.address.to_string()));
        assert_eq!(of("proxy.test:3128"), Some((Scheme::Http, "proxy.test:3128".into())));
        assert_eq!(of("HTTP://proxy.test/x?y"), Some((Scheme::Http, "proxy.test:80".into())));
        assert_eq!(of("https://[::1]"), Some((Scheme::Https, "[::1]:443".into())));
        assert_eq!(of("socks5h://u:p@proxy.test"), Some((Scheme::Socks5, "proxy.test:1080".into())));
        let login = |text: &str| Proxy::parse(text).unwrap().login.unwrap();
        assert_eq!(login("http://u%2F:p%2Fw@h").password, b"p/w");
        assert_eq!(login("http://u:p@ss@h").password, b"p@ss");
        for bad in
            ["", "ftp://h", "http://", "h:99999", "h:x", "http://u:p w@h", "[::1", "http://u:%zz@h", "a b"]
        {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    async fn answered<F>(reply: &'static [u8], ask: F) -> (Result<(), Fault>, Vec<u8>)
    where
        F: AsyncFnOnce(&mut tokio::io::DuplexStream) -> Result<(), Fault>,
    {
        let (mut here, mut there) = tokio::io::duplex(4096);
        there.write_all(reply).await.unwrap();
        let result = ask(&mut here).await;
        drop(here);
        let mut said = Vec::new();
        there.read_to_end(&mut said).await.unwrap();
        (result, said)
    }

    #[tokio::test]
    async fn an_answer_to_connect_is_the_proxys_word_or_the_hosts_trouble() {
        let to = Address { host: "far.test".into(), port: 443 };
        let proxy = Proxy::parse("http://u:p@proxy.test:3128").unwrap();
        for (reply, want) in [
            (&b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n"[..], None),
            (b"HTTP/1.0 200 Connection established\n\n", None),
            (b"HTTP/1.1 407 Wanted\r\n\r\n", Some((Cause::Http403, Blame::Login))),
            (b"HTTP/1.1 403 Forbidden\r\n\r\n", Some((Cause::Http403, Blame::Refusal))),
            (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", Some((Cause::Http5xx, Blame::Host))),
            (b"HTTP/1.1 500 Oops\r\n\r\n", Some((Cause::Http5xx, Blame::Proxy))),
            (b"<html>\r\n\r\n", Some((Cause::CaptiveOrHtml, Blame::Proxy))),
        ] {
            let (result, said) = answered(reply, async |s| tunnel(s, &to, &proxy).await).await;
            assert_eq!(result.err().map(|f| (f.cause, f.blame)), want, "{}", String::from_utf8_lossy(reply));
            let said = String::from_utf8(said).unwrap();
            assert!(said.starts_with("CONNECT far.test:443 HTTP/1.1\r\n"), "{said}");
            assert!(said.contains("\r\nProxy-Authorization: Basic dTpw\r\n"), "{said}");
        }
    }

    #[tokio::test]
    async fn a_socks_reply_is_the_proxys_word_or_the_hosts_trouble() {
        let to = Address { host: "far.test".into(), port: 80 };
        let with = |text: &str| Proxy::parse(text).unwrap();
        let open = with("socks5://proxy.test");
        for (code, want) in [
            (0, None),
            (2, Some((Cause::Http403, Blame::Refusal))),
            (4, Some((Cause::Unreachable, Blame::Host))),
            (5, Some((Cause::ConnRefused, Blame::Host))),
        ] {
            let reply: &'static [u8] = vec![5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0].leak();
            let (result, said) = answered(reply, async |s| socks5(s, &to, &open).await).await;
            assert_eq!(result.err().map(|f| (f.cause, f.blame)), want, "{code}");
            assert_eq!(said, b"\x05\x01\x00\x05\x01\x00\x03\x08far.test\x00\x50");
        }
        let login = with("socks5://u:p%2F@proxy.test");
        let (result, said) = answered(b"\x05\x02\x01\x01", async |s| socks5(s, &to, &login).await).await;
        assert_eq!(result.unwrap_err().blame, Blame::Login);
        assert_eq!(said, b"\x05\x02\x00\x02\x01\x01u\x02p/");
        let (result, _) = answered(b"\x05\xff", async |s| socks5(s, &to, &open).await).await;
        assert_eq!(result.unwrap_err().blame, Blame::Login);
    }
}
