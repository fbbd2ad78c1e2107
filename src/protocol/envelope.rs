//! JSON-RPC 2.0: reading requests and writing answers.
//!
//! The error objects are jsonrpsee's types. Ids are kept as the raw JSON that the client sent, because the specification
//! allows any number and an answer must repeat it exactly, while jsonrpsee's `Id` holds unsigned integers only.

use jsonrpsee_types::ErrorObjectOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::codes::Code;

/// The id of a request, exactly as it was sent: a string, a number or null.
#[derive(Clone, Debug)]
pub struct Id(Box<RawValue>);

impl Id {
    /// The id of an answer to something whose own id could not be read.
    pub fn null() -> Self {
        Self(RawValue::NULL.to_owned())
    }

    fn read(raw: &RawValue) -> Option<Self> {
        let allowed = raw
            .get()
            .starts_with(|first: char| first == '"' || first == '-' || first == 'n' || first.is_ascii_digit());
        allowed.then(|| Self(raw.to_owned()))
    }
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Its id; `None` for a notification, which is never answered.
    pub id: Option<Id>,
    /// The name of the method.
    pub method: String,
    /// The parameters as they were sent.
    pub params: Option<&'a RawValue>,
}

/// What cannot be executed: the id to answer under, and why.
pub type Rejected = (Id, ErrorObjectOwned);

/// What a frame holds.
#[derive(Debug)]
pub enum Frame<'a> {
    /// One request, or what should have been one.
    Single(Result<Request<'a>, Rejected>),
    /// A batch: answered as one array.
    Batch(Vec<Result<Request<'a>, Rejected>>),
}

/// Bounds of a frame.
#[derive(Clone, Copy, Debug)]
pub struct FrameLimits {
    /// How deeply arrays and objects may be nested; 0 is no limit but that of the frame's size.
    pub depth: usize,
    /// Requests of one batch; 0 is no limit but that of the frame's size.
    pub batch: usize,
    /// Bytes of an id; 0 is no limit but that of the frame's size.
    pub id: usize,
}

/// Reads a frame. What is wrong with it becomes part of the result: everything can be answered.
pub fn read(text: &str, limits: FrameLimits) -> Frame<'_> {
    let reject = |code: Code, message: String| Frame::Single(Err((Id::null(), code.error(message, &[]))));
    if limits.depth > 0 && is_deeper_than(text, limits.depth) {
        return reject(
            Code::InvalidRequest,
            format!("nested deeper than {} levels", limits.depth),
        );
    }
    let value: &RawValue = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return reject(Code::ParseError, format!("not JSON: {error}")),
    };
    if !value.get().starts_with('[') {
        return Frame::Single(request(value, limits.id));
    }
    let entries: Vec<&RawValue> = match serde_json::from_str(value.get()) {
        Ok(entries) => entries,
        Err(error) => return reject(Code::ParseError, format!("not JSON: {error}")),
    };
    if entries.is_empty() {
        return reject(Code::InvalidRequest, "a batch must hold at least one request".into());
    }
    if limits.batch > 0 && entries.len() > limits.batch {
        return reject(
            Code::InvalidRequest,
            format!(
                "a batch may hold {} requests, this one holds {}; split it",
                limits.batch,
                entries.len()
            ),
        );
    }
    Frame::Batch(entries.into_iter().map(|entry| request(entry, limits.id)).collect())
}

/// The members of a request, present or not, whatever they hold.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
}

/// Tells a member that is null from one that is absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

fn request(value: &RawValue, id_bytes: usize) -> Result<Request<'_>, Rejected> {
    let invalid = |id: Id, message: &str| (id, Code::InvalidRequest.error(message, &[]));
    let members: Members<'_> = serde_json::from_str(value.get())
        .map_err(|_| invalid(Id::null(), "a request must be an object with each member at most once"))?;
    let id = match members.id {
        None => None,
        Some(raw) if id_bytes > 0 && raw.get().len() > id_bytes => {
            return Err((
                Id::null(),
                Code::InvalidRequest.error(format!("`id` must have at most {id_bytes} bytes"), &[]),
            ));
        }
        Some(raw) => Some(Id::read(raw).ok_or_else(|| invalid(Id::null(), "`id` must be a string, a number or null"))?),
    };
    let answer_to = || id.clone().unwrap_or_else(Id::null);
    if members.jsonrpc.is_none_or(|version| version.get() != r#""2.0""#) {
        return Err(invalid(answer_to(), "`jsonrpc` must be \"2.0\""));
    }
    let method = members
        .method
        .and_then(|method| serde_json::from_str::<String>(method.get()).ok());
    let Some(method) = method else {
        return Err(invalid(answer_to(), "`method` must be a string"));
    };
    Ok(Request {
        id,
        method,
        params: members.params,
    })
}

/// Whether arrays and objects are nested deeper than `limit`, seen without parsing: one pass, no allocation.
fn is_deeper_than(text: &str, limit: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[derive(Serialize)]
struct Success<'a, R> {
    jsonrpc: &'static str,
    result: &'a R,
    id: &'a RawValue,
}

#[derive(Serialize)]
struct Failure<'a> {
    jsonrpc: &'static str,
    error: &'a ErrorObjectOwned,
    id: &'a RawValue,
}

/// The answer to a request that was carried out.
pub fn success<R: Serialize>(id: &Id, result: &R) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Success {
        jsonrpc: "2.0",
        result,
        id: &id.0,
    })
}

/// The answer to a request that was refused.
pub fn failure(id: &Id, error: &ErrorObjectOwned) -> Vec<u8> {
    // An error object is a number, a text and plain JSON: there is nothing in it that could fail to be written.
    serde_json::to_vec(&Failure {
        jsonrpc: "2.0",
        error,
        id: &id.0,
    })
    .unwrap_or_default()
}

/// The answer to a batch; `None` when nothing in it wants an answer.
pub fn batch(answers: &[Vec<u8>]) -> Option<Vec<u8>> {
    if answers.is_empty() {
        return None;
    }
    let mut joined = Vec::with_capacity(answers.iter().map(|answer| answer.len() + 1).sum::<usize>() + 1);
    for (index, answer) in answers.iter().enumerate() {
        joined.push(if index == 0 { b'[' } else { b',' });
        joined.extend_from_slice(answer);
    }
    joined.push(b']');
    Some(joined)
}

#[cfg(test)]
mod tests;
