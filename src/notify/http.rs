//! One POST request over a connection of its own, to an address that was looked up once and judged.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::rt::{Read, Write};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::NotifyProblem;
use super::address::is_allowed;
use crate::client::Trust;

/// What an address may lead to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reach {
    /// Public addresses.
    Public,
    /// Private networks and this machine too.
    Private,
}

/// Where requests go.
pub(super) struct Target {
    host: String,
    port: u16,
    /// The path in the address, without a `/` at its end.
    path: String,
    /// The value of `Host`.
    authority: HeaderValue,
    tls: Option<(Trust, ServerName<'static>)>,
    reach: Reach,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

/// Why nothing came back. Says nothing of where the request went: addresses hold secrets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the address leads to where it must not")]
    Forbidden,
    #[error("the name cannot be resolved")]
    Unresolved,
    #[error("the server cannot be reached")]
    Unreachable,
    #[error("the server's certificate or encryption is not accepted")]
    Encryption,
    #[error("the server does not answer properly, or with too much")]
    Broken,
    #[error("the server took too long")]
    Slow,
}

impl Target {
    /// Reads an address.
    pub(super) fn parse(url: &str, reach: Reach) -> Result<Self, NotifyProblem> {
        // The address itself is not repeated: it may hold a secret.
        let problem = |text: &str| NotifyProblem(format!("the address for notifications {text}"));
        let uri: Uri = url.parse().map_err(|_| problem("is not valid"))?;
        let encrypted = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(problem("must begin with `http://` or `https://`")),
        };
        let authority = uri.authority().ok_or_else(|| problem("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(problem("must not hold a user name; use a header"));
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        if host.is_empty() {
            return Err(problem("names no host"));
        }
        let tls = if encrypted {
            let name = ServerName::try_from(host.clone()).map_err(|_| problem("names no proper host"))?;
            let file = std::env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty());
            let trust = Trust::in_system(file.as_deref().map(std::path::Path::new));
            Some((trust.map_err(|error| NotifyProblem(error.to_string()))?, name))
        } else {
            None
        };
        Ok(Self {
            port: authority.port_u16().unwrap_or(if encrypted { 443 } else { 80 }),
            path: uri.path_and_query().map_or("", |path| path.as_str()).to_owned(),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| problem("is not valid"))?,
            host,
            tls,
            reach,
        })
    }

    /// Posts JSON to the address, or to `below` its path, within a time; an answer has at most `most` bytes. What is
    /// answered with a redirection is not sent anywhere else.
    pub(super) async fn post(
        &self,
        below: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
        (limit, most): (Duration, usize),
    ) -> Result<Answer, Failure> {
        let path = if below.is_empty() && !self.path.is_empty() {
            self.path.clone()
        } else {
            format!("{}/{below}", self.path.trim_end_matches('/'))
        };
        let mut request = Request::post(path)
            .header(HOST, self.authority.clone())
            .header(CONNECTION, "close")
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body)).map_err(|_| Failure::Broken)?;
        let exchange = async {
            let stream = self.connect().await?;
            match &self.tls {
                None => exchange(TokioIo::new(stream), request, most).await,
                Some((trust, name)) => {
                    let encrypted = trust.encrypt(name.clone(), stream).await;
                    let stream = encrypted.map_err(|_| Failure::Encryption)?;
                    exchange(TokioIo::new(stream), request, most).await
                }
            }
        };
        tokio::time::timeout(limit, exchange)
            .await
            .unwrap_or(Err(Failure::Slow))
    }

    /// Connects to one of the addresses of the host, of which none may be forbidden. They are looked up once: a name that
    /// means something else a moment later changes nothing.
    async fn connect(&self) -> Result<TcpStream, Failure> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let addresses: Vec<SocketAddr> = found.map_err(|_| Failure::Unresolved)?.collect();
        let is_allowed = |address: &SocketAddr| is_allowed(address.ip(), self.reach == Reach::Private);
        if !addresses.iter().all(is_allowed) {
            return Err(Failure::Forbidden);
        }
        for address in addresses {
            if let Ok(stream) = TcpStream::connect(address).await {
                return Ok(stream);
            }
        }
        Err(Failure::Unreachable)
    }
}

/// Sends a request and reads its answer.
async fn exchange<S: Read + Write + Unpin>(
    stream: S,
    request: Request<Full<Bytes>>,
    most: usize,
) -> Result<Answer, Failure> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream)
        .await
        .map_err(|_| Failure::Broken)?;
    let talk = std::pin::pin!(async {
        let answer = sender.send_request(request).await.map_err(|_| Failure::Broken)?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), most).collect().await;
        let body = body.map_err(|_| Failure::Broken)?.to_bytes();
        Ok(Answer { status, body })
    });
    let connection = std::pin::pin!(connection);
    match select(talk, connection).await {
        Either::Left((answer, _)) => answer,
        // What was received before the end is still to be read.
        Either::Right((_, talk)) => talk.await,
    }
}
