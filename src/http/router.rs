//! The paths of the server's port.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use bytes::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::time::Instant;

use super::accept::Arrival;
use super::handshake::{Handshake, judge};
use super::stream::Stream;
use super::{App, Door, Front, connection, signaling};
use crate::protocol::VERSION;
use crate::signaling::Rooms;

/// Every path of a hub.
pub(super) fn hub(app: &Arc<App>) -> Router {
    let hub = Router::new()
        .route("/", any(websocket))
        .route("/ws", any(websocket))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/openrpc.json", get(openrpc))
        .with_state(Arc::clone(app));
    let all = match &app.signaling {
        None => hub,
        Some(rooms) => hub.merge(
            Router::new()
                .route("/signal", any(signaling::enter))
                .route("/signal/", any(signaling::enter))
                .route("/signal/{*room}", any(signaling::enter))
                .with_state((Arc::clone(&app.front), Arc::clone(rooms))),
        ),
    };
    let all = all.fallback(async || (StatusCode::NOT_FOUND, "there is nothing here\n"));
    guarded(all, &app.front)
}

/// Every path of a server that does signaling and nothing else: whatever is no page of its own is a room.
pub(super) fn signaling(front: &Arc<Front>, rooms: &Arc<Rooms>) -> Router {
    let all = Router::new()
        .fallback(signaling::enter_or_show)
        .with_state((Arc::clone(front), Arc::clone(rooms)));
    guarded(all, front)
}

fn guarded(router: Router, front: &Arc<Front>) -> Router {
    router.layer(middleware::from_fn_with_state(Arc::clone(front), guard))
}

/// Headers of every answer.
const HARDENING: [(HeaderName, HeaderValue); 5] = [
    // One exchange a connection: what stays open is a WebSocket, which has deadlines of its own.
    (header::CONNECTION, HeaderValue::from_static("close")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// Refuses foreign pages before anything else happens, and hardens every answer.
async fn guard(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response<Body> {
    let door = request.extensions().get::<Arrival>().map(|arrival| arrival.door);
    let foreign = match door {
        Some(Door::Operator) => None,
        _ => front.admission.check(request.headers()).err(),
    };
    let mut answer = match foreign {
        // The parser goes by what it has to buffer, which is not quite the size of the head.
        _ if size_of_head(&request) > front.limits.head_bytes => {
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response()
        }
        None => next.run(request).await,
        Some(foreign) => {
            front.metrics.refused_connections.inc();
            (StatusCode::FORBIDDEN, foreign.advice()).into_response()
        }
    };
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        answer.headers_mut().extend(HARDENING);
    }
    answer
}

/// Bytes of the request line and the headers, line ends included.
fn size_of_head(request: &Request) -> usize {
    let target = request.uri().path_and_query().map_or(1, |target| target.as_str().len());
    let line = request.method().as_str().len() + target + " HTTP/1.1\r\n".len() + 1;
    let headers = request.headers().iter();
    line + headers
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
        .sum::<usize>()
        + "\r\n".len()
}

async fn websocket(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let front = Arc::clone(&app.front);
    upgrade(&front, request, move |arrival, stream, early| {
        connection::run(app, arrival, stream, early)
    })
}

/// Turns a request into a WebSocket that `serve` sees to. It came in by a door at some time, with some bytes behind its head.
pub(super) fn upgrade<F>(
    front: &Front,
    mut request: Request,
    serve: impl FnOnce((Door, Instant), Stream, Bytes) -> F + Send + 'static,
) -> Response<Body>
where
    F: Future<Output = ()> + Send,
{
    let Some(Arrival { door, pass, since }) = request.extensions().get::<Arrival>().cloned() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if front.stopping.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the server is stopping\n").into_response();
    }
    match judge(&mut request) {
        Handshake::Refuse(answer) => answer,
        Handshake::Accept(answer, upgrade) => {
            front.lifecycle.spawn("websocket", async move {
                let Ok(upgraded) = upgrade.await else { return };
                // What was accepted as a `Stream` comes back as one.
                if let Ok(parts) = upgraded.downcast::<TokioIo<Stream>>() {
                    serve((door, since), parts.io.into_inner(), parts.read_buf).await;
                }
                drop(pass);
            });
            answer
        }
    }
}

/// The process is alive.
async fn health() -> impl IntoResponse {
    axum::Json(json!({ "status": "ok", "version": VERSION }))
}

/// The server takes agents and saves what they say.
async fn ready(State(app): State<Arc<App>>) -> impl IntoResponse {
    let reason = if app.front.stopping.is_cancelled() {
        Some("the server is stopping")
    } else if app.front.metrics.writable.get() == 0 {
        Some("the storage refuses changes")
    } else {
        None
    };
    let status = if reason.is_none() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        axum::Json(json!({ "ready": reason.is_none(), "reason": reason })),
    )
}

async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    metrics_page(app.front.metrics.page())
}

/// A page of metrics in the form that Prometheus asks for.
pub(super) fn metrics_page(page: String) -> Response<Body> {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], page).into_response()
}

async fn openrpc(State(app): State<Arc<App>>) -> impl IntoResponse {
    axum::Json(app.rpc.openrpc().clone())
}
