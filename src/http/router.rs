//! The paths of the server's port.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use hyper_util::rt::TokioIo;
use serde_json::json;

use super::accept::Arrival;
use super::handshake::{Handshake, judge};
use super::stream::Stream;
use super::{App, Door, connection};
use crate::protocol::VERSION;

/// Every path there is.
pub(super) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", any(websocket))
        .route("/ws", any(websocket))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/openrpc.json", get(openrpc))
        .fallback(async || (StatusCode::NOT_FOUND, "there is nothing here\n"))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard))
        .with_state(app)
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
async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response<Body> {
    let door = request.extensions().get::<Arrival>().map(|arrival| arrival.door);
    let foreign = match door {
        Some(Door::Operator) => None,
        _ => app.admission.check(request.headers()).err(),
    };
    let mut answer = match foreign {
        // The parser goes by what it has to buffer, which is not quite the size of the head.
        _ if size_of_head(&request) > app.limits.head_bytes => {
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response()
        }
        None => next.run(request).await,
        Some(foreign) => {
            app.rpc.hub().metrics().refused_connections.inc();
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

async fn websocket(State(app): State<Arc<App>>, mut request: Request) -> Response<Body> {
    let Some(Arrival { door, pass, since }) = request.extensions().get::<Arrival>().cloned() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if app.stopping.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the server is stopping\n").into_response();
    }
    match judge(&mut request) {
        Handshake::Refuse(answer) => answer,
        Handshake::Accept(answer, upgrade) => {
            let lifecycle = app.lifecycle.clone();
            lifecycle.spawn("websocket", async move {
                let Ok(upgraded) = upgrade.await else { return };
                // What was accepted as a `Stream` comes back as one.
                if let Ok(parts) = upgraded.downcast::<TokioIo<Stream>>() {
                    connection::run(app, (door, since), parts.io.into_inner(), parts.read_buf).await;
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
    let reason = if app.stopping.is_cancelled() {
        Some("the server is stopping")
    } else if app.rpc.hub().metrics().writable.get() == 0 {
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
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.rpc.hub().metrics().page())
}

async fn openrpc(State(app): State<Arc<App>>) -> impl IntoResponse {
    axum::Json(app.rpc.openrpc().clone())
}
