//! TLS with one host: what it shows, and what an end without a connection means.

use super::{Hop, STEP, ahead_of, millis, of_io};
use crate::fetch::fault::Fault;
use crate::fetch::line::{Duplex, Opened, handshake_http1, handshake_http2};
use crate::fetch::presented::{Presented, presented};
use crate::fetch::surroundings::Way;
use crate::fetch::tls::Shown;
use crate::judgement::diagnosis::{Found, Stage};
use crate::machine::dial::dial;
use crate::redact;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

/// How long one more handshake may take, with another name.
const AGAIN: Duration = Duration::from_secs(2);

/// A name that nobody filters, and that tells nothing.
const ANOTHER_NAME: &str = "example.com";

impl Hop<'_> {
    /// TLS, and a connection that speaks what it chose.
    pub(super) async fn shake_hands(&mut self, stream: Box<dyn Duplex>) -> Result<Opened, Found> {
        let begun = Instant::now();
        let looked = self.within(STEP, self.prober.tls.look(&self.address.host, stream, None)).await;
        let (result, shown) = looked.unwrap_or_else(|| (Err(io::ErrorKind::TimedOut.into()), Shown::new()));
        let own = shown.first().and_then(|der| presented(der));
        self.sight.issuer = own.as_ref().map(|own| redact::line(&own.issuer));
        let secure = match result {
            Ok(secure) => secure,
            Err(error) => {
                let found = self.unsafe_end(&error, &shown, own.as_ref()).await;
                if let (Some(own), Found::Expired(_) | Found::NotYet) = (&own, &found) {
                    self.sight.clock = self.within(AGAIN, self.clock_there(own)).await.flatten();
                }
                return Err(found);
            }
        };
        let http2 = secure.get_ref().1.alpn_protocol() == Some(b"h2");
        let protocol = if http2 { "HTTP/2" } else { "HTTP/1.1" };
        let until = own.map(|own| format!(", until {}", day(own.not_after))).unwrap_or_default();
        let by = self.sight.issuer.as_ref().map(|by| format!(", {by}")).unwrap_or_default();
        self.sight.steps.push(format!("TLS {} ms ({protocol}{by}{until})", millis(begun)));
        self.speak(secure, http2).await
    }

    /// A connection that speaks the protocol which was chosen.
    async fn speak(&self, secure: TlsStream<Box<dyn Duplex>>, http2: bool) -> Result<Opened, Found> {
        let room = self.prober.room.clone().acquire_owned().await;
        let room = room.map_err(|_| Found::Broken(Stage::Http))?;
        let opened = async {
            Ok::<_, Fault>(match http2 {
                true => Opened::Http2(handshake_http2(Box::new(secure), room).await?),
                false => Opened::Http1(handshake_http1(Box::new(secure), room).await?),
            })
        };
        match self.within(STEP, opened).await {
            None => Err(Found::Silent(Stage::Http)),
            Some(opened) => opened.map_err(|_| Found::Broken(Stage::Http)),
        }
    }

    /// What a handshake that failed means. What was shown tells more than which fault the library met first.
    async fn unsafe_end(&self, error: &io::Error, shown: &Shown, own: Option<&Presented>) -> Found {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let (Some(der), Some(own)) = (shown.first(), own) {
            let name = ServerName::try_from(self.address.host.clone());
            let is_for = |name: &ServerName<'_>| {
                ParsedCertificate::try_from(der)
                    .is_ok_and(|parsed| rustls::client::verify_server_name(&parsed, name).is_ok())
            };
            if name.is_ok_and(|name| !is_for(&name)) {
                return Found::OtherName(redact::line(&own.names.join(", ")));
            }
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
            let now = i64::try_from(now).unwrap_or(i64::MAX);
            if now > own.not_after {
                return Found::Expired(day(own.not_after));
            }
            if now < own.not_before {
                return Found::NotYet;
            }
        }
        match tls {
            Some(rustls::Error::InvalidCertificate(_) | rustls::Error::General(_)) => Found::Untrusted,
            Some(rustls::Error::InvalidMessage(_)) => Found::Odd("no TLS".into()),
            Some(other) => Found::Odd(redact::line(&other.to_string())),
            None => {
                let found = of_io(error.kind(), Stage::Tls);
                if self.answers_to_another_name().await { Found::NameCut } else { found }
            }
        }
    }

    /// One more connection to the same address.
    async fn again(&self) -> Option<Box<dyn Duplex>> {
        Some(match self.prober.surroundings.way("https", &self.address) {
            Ok(Way::Straight) => Box::new(dial(&self.address, self.purpose).await.ok()?),
            Ok(Way::Through(proxy)) => self.through(&proxy).await.ok()?,
            Err(_) => return None,
        })
    }

    /// Whether the same address goes on with TLS where another name is said.
    async fn answers_to_another_name(&self) -> bool {
        let again = async {
            let (result, shown) = self.prober.tls.look(ANOTHER_NAME, self.again().await?, None).await;
            let said = match &result {
                Ok(_) => true,
                // An alert is an answer too.
                Err(error) => error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()),
            };
            Some(said || !shown.is_empty())
        };
        self.within(AGAIN, again).await.flatten().unwrap_or(false)
    }

    /// By how many seconds this clock is ahead, by the word of a host whose certificate is right but for the
    /// time. Nothing but its first page is asked for, without a login.
    async fn clock_there(&self, own: &Presented) -> Option<i64> {
        let middle = own.not_before + (own.not_after - own.not_before) / 2;
        let at = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(middle).ok()?));
        let (result, _) = self.prober.tls.look(&self.address.host, self.again().await?, Some(at)).await;
        let secure = result.ok()?;
        let http2 = secure.get_ref().1.alpn_protocol() == Some(b"h2");
        let opened = self.speak(secure, http2).await.ok()?;
        let page = format!("https://{}/", self.sight.host).parse().ok()?;
        let response = self.ask(page, opened, None, None).await.ok()?;
        ahead_of(&response.headers)
    }
}

/// A day, as people write it.
fn day(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds);
    time.map_or_else(|_| seconds.to_string(), |time| time.strftime("%Y-%m-%d").to_string())
}
