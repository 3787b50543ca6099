//! HTTP/2, with streams reset and connections sent away on purpose.

use super::fault::Fault;
use super::h1::Wire;
use super::limits::Ceiling;
use super::reply::{Ending, Framing, Reply, Stage};
use super::site::{Asked, Site};
use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::server::TlsStream;

/// What a stream asks of its connection.
enum Order {
    Close,
    Reset,
    GoAway,
}

/// Serves one connection until it ends, one way or the other.
pub(super) async fn serve(stream: TlsStream<TcpStream>, site: Arc<Site>) {
    // The library owns the connection; a second handle on the socket lets the lab cut it.
    let Ok(cut) = rustix::io::dup(stream.socket()) else { return };
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let (order, mut orders) = mpsc::unbounded_channel();
    let ceiling = site.counting.ceiling();
    let mut left = site.counting.limits().of_each();
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let Some(Ok((request, mut respond))) = accepted else { return };
                if left == 0 {
                    // On its way before the leave was heard of.
                    respond.send_reset(Reason::REFUSED_STREAM);
                    continue;
                }
                left -= 1;
                if left == 0 {
                    connection.graceful_shutdown();
                }
                tokio::spawn(answer(request, respond, Arc::clone(&site), ceiling.clone(), order.clone()));
            }
            Some(order) = orders.recv() => {
                match order {
                    Order::Close => {}
                    Order::Reset => {
                        let _ = rustix::net::sockopt::set_socket_linger(&cut, Some(Duration::ZERO));
                    }
                    Order::GoAway => {
                        connection.abrupt_shutdown(Reason::INTERNAL_ERROR);
                        while let Some(Ok(_)) = connection.accept().await {}
                    }
                }
                return;
            }
        }
    }
}

async fn answer(
    request: http::Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    site: Arc<Site>,
    ceiling: Ceiling,
    order: mpsc::UnboundedSender<Order>,
) {
    let target = request.uri().path_and_query().map_or("/", |p| p.as_str()).to_owned();
    let headers = request
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let method = request.method().as_str().to_owned();
    let (record, reply) =
        site.decide(Asked { method, named: target.clone(), target, headers, protocol: "HTTP/2" });
    site.wait_for(&reply).await;
    let mut sent = 0;
    let result = send(&mut respond, &reply, &ceiling, &order, &mut sent).await;
    site.finish(record, &reply, sent, result.is_ok() && reply.ending == Ending::Proper);
}

async fn send(
    respond: &mut SendResponse<Bytes>,
    reply: &Reply,
    ceiling: &Ceiling,
    order: &mpsc::UnboundedSender<Order>,
    sent: &mut usize,
) -> Result<(), h2::Error> {
    let Stage::Body(upto) = reply.stage else {
        // A header is one frame here: there is no middle to break off in.
        return end(respond, reply.ending, order).await;
    };
    let mut head = http::Response::builder().status(reply.answer.status);
    if !reply.answer.kind.is_empty() {
        head = head.header("content-type", reply.answer.kind);
    }
    if let Framing::Length(length) = reply.framing {
        head = head.header("content-length", length);
    }
    for (name, value) in &reply.answer.headers {
        head = head.header(&**name, value);
    }
    let Ok(head) = head.body(()) else { return Ok(()) };
    let mut stream = respond.send_response(head, false)?;
    let body = reply.answer.body.slice(..upto);
    let step = reply.pace.map_or(16 * 1024, |pace| (pace / 10).max(1) as usize);
    let mut at = 0;
    while at < body.len() {
        if let Some(pace) = reply.pace {
            tokio::time::sleep(Duration::from_secs_f64(step as f64 / f64::from(pace))).await;
        }
        stream.reserve_capacity(step.min(body.len() - at));
        let Some(room) = poll_fn(|context| stream.poll_capacity(context)).await else { return Ok(()) };
        let upto = (at + room?.min(step)).min(body.len());
        ceiling.carry(upto - at).await;
        stream.send_data(body.slice(at..upto), false)?;
        *sent += upto - at;
        at = upto;
    }
    if reply.ending == Ending::Proper {
        return stream.send_data(Bytes::new(), true);
    }
    if reply.ending == Ending::StreamReset {
        // What was sent goes out before the reset, which would overtake it.
        tokio::time::sleep(Duration::from_millis(50)).await;
        stream.send_reset(Reason::INTERNAL_ERROR);
        return Ok(());
    }
    if let Some(what) = wish(reply.ending) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        // A connection that is gone already needs no end.
        let _ = order.send(what);
    }
    // Dropped now, the stream would be cancelled politely before the connection ends.
    let _ = poll_fn(|context| stream.poll_reset(context)).await;
    Ok(())
}

/// What an ending asks of the whole connection.
fn wish(ending: Ending) -> Option<Order> {
    match ending {
        Ending::Close | Ending::Endless => Some(Order::Close),
        Ending::Reset => Some(Order::Reset),
        Ending::GoAway => Some(Order::GoAway),
        Ending::Hang | Ending::StreamReset | Ending::Garbage | Ending::Proper => None,
    }
}

async fn end(
    respond: &mut SendResponse<Bytes>,
    ending: Ending,
    order: &mpsc::UnboundedSender<Order>,
) -> Result<(), h2::Error> {
    if matches!(ending, Ending::StreamReset | Ending::Garbage | Ending::Proper) {
        respond.send_reset(Reason::INTERNAL_ERROR);
        return Ok(());
    }
    if let Some(what) = wish(ending) {
        let _ = order.send(what);
    }
    // Dropped now, the stream would be cancelled politely before the connection ends.
    let _ = poll_fn(|context| respond.poll_reset(context)).await;
    Ok(())
}

impl Fault {
    /// Faults of HTTP/2 alone.
    pub(crate) const HTTP2: &'static [Fault] = &[Fault::RstStream, Fault::RstStreamInBody, Fault::GoAway];
}
