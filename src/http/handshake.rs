//! The upgrade from HTTP to WebSocket (RFC 6455, section 4.2).

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, Version, header};
use axum::response::IntoResponse;
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// What to do with a request that wants to become a WebSocket.
pub(super) enum Handshake {
    /// Answer with this and go on as a WebSocket.
    Accept(Response<Body>, OnUpgrade),
    /// Answer with this.
    Refuse(Response<Body>),
}

/// Judges a request. Extensions and sub-protocols that are offered are not taken up.
pub(super) fn judge(request: &mut Request<Body>) -> Handshake {
    let headers = request.headers();
    if !has_token(headers, header::UPGRADE, "websocket") {
        return refuse(
            StatusCode::UPGRADE_REQUIRED,
            "this is a WebSocket endpoint; see `docs/protocol.md`",
        );
    }
    if request.method() != Method::GET || request.version() != Version::HTTP_11 {
        return refuse(
            StatusCode::BAD_REQUEST,
            "a WebSocket handshake is a GET request of HTTP/1.1",
        );
    }
    if !has_token(headers, header::CONNECTION, "upgrade") {
        return refuse(
            StatusCode::BAD_REQUEST,
            "a WebSocket handshake has `Connection: Upgrade`",
        );
    }
    if headers
        .get(header::SEC_WEBSOCKET_VERSION)
        .is_none_or(|version| version != "13")
    {
        return refuse(
            StatusCode::UPGRADE_REQUIRED,
            "only version 13 of the WebSocket protocol is supported",
        );
    }
    let Some(key) = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .filter(|key| is_nonce(key.as_bytes()))
    else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "`Sec-WebSocket-Key` must be 16 bytes in base64",
        );
    };
    let accept = derive_accept_key(key.as_bytes());
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return refuse(StatusCode::BAD_REQUEST, "this connection cannot be upgraded");
    };
    let answer = [
        (header::CONNECTION, "Upgrade"),
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_ACCEPT, &accept),
    ];
    Handshake::Accept((StatusCode::SWITCHING_PROTOCOLS, answer).into_response(), upgrade)
}

fn refuse(status: StatusCode, message: &'static str) -> Handshake {
    let headers = [(header::UPGRADE, "websocket"), (header::SEC_WEBSOCKET_VERSION, "13")];
    Handshake::Refuse((status, headers, format!("{message}\n")).into_response())
}

/// Whether `key` is 16 bytes in base64.
fn is_nonce(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    key.strip_suffix(b"==")
        .is_some_and(|digits| digits.len() == 22 && digits.iter().all(is_digit))
}

fn has_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}
