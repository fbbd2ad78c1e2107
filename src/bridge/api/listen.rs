//! Accepting connections.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::receipt::{Receipts, Watched};
use super::{Api, routes};

/// Connections that are open at once; further ones wait to be accepted.
const CONNECTIONS: usize = 512;

/// How long a request's head may take, and how long a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// Bytes of a request's head.
const HEAD_BYTES: usize = 32 * 1024;

/// How long to wait before accepting again when that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long an answer may take to be written when the bridge stops.
const STOP_PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn run(api: Arc<Api>, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let stop = api.lifecycle.soft_stop();
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((place, listener.accept().await))
        };
        let accepted = tokio::select! {
            accepted = accepted => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            None => return,
            Some((place, Ok((stream, _)))) => serve(&api, stream, place),
            // The other end gave up, or there are no descriptors left for the moment.
            Some((_, Err(_))) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

fn serve(api: &Arc<Api>, stream: TcpStream, place: OwnedSemaphorePermit) {
    let lifecycle = api.lifecycle.clone();
    let api = Arc::clone(api);
    // Answers are waited for; a failure to say so costs time only.
    let _ = stream.set_nodelay(true);
    lifecycle.spawn("bridge connection", async move {
        let receipts = Receipts::new(api.rooms.clone());
        let socket = TokioIo::new(Watched::new(stream, receipts.clone()));
        let stop = api.lifecycle.soft_stop();
        let service = service_fn(move |request| {
            let (api, receipts) = (Arc::clone(&api), receipts.clone());
            async move { Ok::<_, Infallible>(routes::answer(&api, &receipts, request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(socket, service);
        let mut connection = std::pin::pin!(connection);
        // What goes wrong here is the other end's affair.
        tokio::select! {
            _ = connection.as_mut() => {}
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                let _ = tokio::time::timeout(STOP_PAUSE, connection).await;
            }
        }
        drop(place);
    });
}
