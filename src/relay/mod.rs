//! The relay: a module proxy on the loopback interface, alive only while gox's child runs.
//!
//! go is given the relay as its GOPROXY; what go asks is put to the fetcher, and go gets its answer.
//! Nothing is decided here.
//!
//! Reading order: `path` (what is asked), `server` (the loopback side), `delivery` (the body of an
//! answer), `rewrite` (what people see of it).

mod delivery;
pub(crate) mod path;
pub(crate) mod rewrite;
mod server;
#[cfg(test)]
#[path = "../../tests/inside/relay/mod.rs"]
mod tests;

pub(crate) use rewrite::Rewriter;
pub(crate) use server::CONNECTIONS;

use crate::fetch::{Engine, Fetcher};
use server::Serving;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// A running relay. Dropping it stops it.
pub(crate) struct Relay {
    serving: Arc<Serving>,
    address: SocketAddr,
    stop: Option<server::Stop>,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Relay {
    /// Starts a relay on 127.0.0.1, a free port, below a path that nobody can guess. It serves what
    /// `fetcher` gets, on the thread of `engine`, over at most `room` connections at a time.
    ///
    /// # Errors
    /// Where there is no loopback interface, free port or random number to be had. The caller then
    /// goes the plain way.
    pub(crate) fn start(engine: &Engine, fetcher: Arc<Fetcher>, room: usize) -> io::Result<Relay> {
        let mut secret = [0u8; 16];
        getrandom::fill(&mut secret).map_err(|error| io::Error::other(error.to_string()))?;
        let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = {
            let _entered = engine.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let serving = Arc::new(Serving { secret, fetcher, names: rewrite::Names::default(), room });
        let (stop, stopped) = server::stop();
        engine.spawn(server::run(listener, serving.clone(), stopped));
        Ok(Relay { serving, address, stop: Some(stop) })
    }

    /// Whose answers it serves.
    pub(crate) fn fetcher(&self) -> &Fetcher {
        &self.serving.fetcher
    }

    /// The value for the child's GOPROXY: the relay, and around it what stays go's.
    pub(crate) fn goproxy(&self) -> String {
        self.serving.fetcher.goproxy(&format!("http://{}/{}", self.address, self.serving.secret))
    }

    /// Rewrites a stream of go's words so that it names the real upstreams.
    pub(crate) fn rewriter(&self) -> Rewriter {
        Rewriter::new(
            self.address.to_string(),
            &self.serving.secret,
            self.serving.fetcher.urls(),
            self.serving.names.clone(),
        )
    }
}

impl Drop for Relay {
    /// Stops listening and ends every connection.
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.now();
        }
    }
}
