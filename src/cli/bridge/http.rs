//! One request to the bridge on this machine.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::json;

use super::token;
use crate::cli::exit::{CommandResult, Exit};

/// How long connecting may take; nothing but this machine lies between.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// A request.
pub(super) struct Request {
    method: &'static str,
    address: String,
    body: Option<String>,
}

impl Request {
    pub(super) fn new(method: &'static str, address: &str, body: Option<String>) -> Self {
        Self {
            method,
            address: address.to_owned(),
            body,
        }
    }

    /// Makes the request and prints the answer on one line.
    pub(super) fn print(&self, port: u16, patience: Duration, strict: bool) -> CommandResult {
        match self.exchange(port, patience) {
            Ok((status, body)) => {
                print_line(body.trim_end())?;
                let failed = strict && status >= 400;
                Ok(if failed { Exit::Failed } else { Exit::Done })
            }
            Err(error) => {
                print_line(&json!({"error": words(&error, port)}).to_string())?;
                Ok(Exit::Failed)
            }
        }
    }

    /// The status of the answer, and its body.
    pub(super) fn exchange(&self, port: u16, patience: Duration) -> io::Result<(u16, String)> {
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), CONNECT_LIMIT)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        let body = self.body.as_deref().unwrap_or_default();
        // The older version of HTTP: the answer is not cut into parts, and ends with the connection.
        let mut request = format!(
            "{} {} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n",
            self.method, self.address
        );
        if let Some(token) = token::read() {
            let _ = write!(request, "Authorization: Bearer {token}\r\n");
        }
        if self.body.is_some() {
            let _ = write!(
                request,
                "Content-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            );
        }
        request.push_str("\r\n");
        request.push_str(body);
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        parse(&String::from_utf8_lossy(&answer))
            .ok_or_else(|| io::Error::other("the bridge's answer is not understood"))
    }
}

fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

/// An error in the words that scripts of link-agent's users know.
fn words(error: &io::Error, port: u16) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("connect ECONNREFUSED 127.0.0.1:{port}"),
        io::ErrorKind::ConnectionReset => "read ECONNRESET".to_owned(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "the bridge did not answer in time".to_owned(),
        _ => error.to_string(),
    }
}

/// Prints a line to the standard output.
pub(super) fn print_line(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// A path with those values that are given.
pub(super) fn address_of(path: &str, pairs: &[(&str, Option<String>)]) -> String {
    let mut address = path.to_owned();
    let given = pairs.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    for (index, (name, value)) in given.enumerate() {
        address.push(if index == 0 { '?' } else { '&' });
        let _ = write!(address, "{name}=");
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                address.push(char::from(byte));
            } else {
                let _ = write!(address, "%{byte:02X}");
            }
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_in_addresses() {
        let pairs = [
            ("room", Some("a b&c/ä".to_owned())),
            ("agent", None),
            ("wait", Some("3".to_owned())),
        ];
        assert_eq!(address_of("/recv", &pairs), "/recv?room=a%20b%26c%2F%C3%A4&wait=3");
        assert_eq!(address_of("/rooms", &[]), "/rooms");
    }

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        let answer = "HTTP/1.0 404 Not Found\r\ncontent-type: application/json\r\n\r\n{\"error\":\"No room\"}";
        assert_eq!(parse(answer), Some((404, "{\"error\":\"No room\"}".to_owned())));
        assert_eq!(parse("nonsense"), None);
    }
}
