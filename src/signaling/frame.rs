//! What passes between a signaling server and its clients, in both directions: one JSON object in each WebSocket frame.
//!
//! A server tells a client its place in the room and who comes and goes; the two clients of a room send each other an
//! offer, an answer and ICE candidates through it. Everything is checked where it is read, by the server and by our own
//! links alike: sizes, types and what a session description may hold. Where candidates lead is judged by whoever connects
//! to them.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::RoomName;

/// Most bytes of a frame.
pub const FRAME_BYTES: usize = 65_536;

/// Most bytes of a session description. One for a data channel takes less than one thousand.
pub const SDP_BYTES: usize = 16_384;

/// Most bytes of the text of one candidate. Usual ones take less than one hundred.
pub const CANDIDATE_BYTES: usize = 1024;

/// Most bytes of the name of the media section that a candidate belongs to.
pub const MID_BYTES: usize = 64;

/// Most bytes of all that a candidate has beside these, written as JSON.
const CANDIDATE_EXTRA_BYTES: usize = 1024;

/// Most bytes that are kept of what a server says about a refusal.
const ERROR_BYTES: usize = 512;

/// Who makes the data channel and the offer, by the place in the room when a client entered.
///
/// A returning client may find itself with either role beside somebody who waits: whoever is in the room when the other
/// one comes makes the offer, whatever its role is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// The room was empty.
    Offerer,
    /// Somebody was there.
    Answerer,
}

impl Role {
    /// The word for it on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offerer => "offerer",
            Self::Answerer => "answerer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a frame is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameProblem {
    /// More than [`FRAME_BYTES`].
    #[error("the frame is too large")]
    TooLarge,
    /// Not a JSON object.
    #[error("the frame is not a JSON object")]
    NotAnObject,
    /// No type that passes between clients.
    #[error("the type of the frame is not known")]
    UnknownType,
    /// The payload is not what the type needs.
    #[error("{0}")]
    Payload(&'static str),
}

/// What a client receives.
#[derive(Clone, PartialEq, Debug)]
pub enum ServerFrame {
    /// The client is in the room.
    Ready {
        /// Its role.
        role: Role,
        /// The room, which the server named if the client did not.
        room: RoomName,
    },
    /// Somebody came in.
    PeerJoined,
    /// The other one has left.
    PeerLeft,
    /// The server refuses something, and mostly closes the connection then. At most 512 bytes are kept.
    Error(String),
    /// The other client sends something.
    Peer(PeerFrame),
}

impl ServerFrame {
    /// Reads a frame; `None` for a type that is not known, which is to be passed over.
    ///
    /// # Errors
    ///
    /// [`FrameProblem`] when it is no frame, or its payload is not what its type needs.
    pub fn parse(text: &str) -> Result<Option<Self>, FrameProblem> {
        let (kind, mut frame) = open(text)?;
        let read = match kind.as_str() {
            "ready" => Self::read_ready(frame.get("payload"))?,
            "peer-joined" => Self::PeerJoined,
            "peer-left" => Self::PeerLeft,
            "error" => match frame.remove("payload") {
                Some(Value::String(told)) => Self::Error(cut(told)),
                _ => Self::Error(String::new()),
            },
            _ => {
                return match PeerFrame::read(&kind, frame) {
                    Ok(peer) => Ok(Some(Self::Peer(peer))),
                    Err(FrameProblem::UnknownType) => Ok(None),
                    Err(problem) => Err(problem),
                };
            }
        };
        Ok(Some(read))
    }

    fn read_ready(payload: Option<&Value>) -> Result<Self, FrameProblem> {
        let member = |name: &str| payload.and_then(|payload| payload.get(name)).and_then(Value::as_str);
        let role = [Role::Offerer, Role::Answerer]
            .into_iter()
            .find(|role| member("role") == Some(role.as_str()))
            .ok_or(FrameProblem::Payload("`ready` names no role"))?;
        let room = member("roomId")
            .and_then(|room| RoomName::parse(room).ok())
            .ok_or(FrameProblem::Payload("`ready` names no room"))?;
        Ok(Self::Ready { role, room })
    }

    /// The frame as it is sent.
    pub fn to_text(&self) -> String {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Ready<'a> {
            role: &'a str,
            room_id: &'a str,
            message: &'a str,
        }
        match self {
            Self::Ready { role, room } => {
                let payload = Ready {
                    role: role.as_str(),
                    room_id: room.as_str(),
                    message: match role {
                        Role::Offerer => "Waiting for peer...",
                        Role::Answerer => "Peer found!",
                    },
                };
                write("ready", Some(payload), None)
            }
            Self::PeerJoined => write("peer-joined", None::<()>, None),
            Self::PeerLeft => write("peer-left", None::<()>, None),
            Self::Error(told) => write("error", Some(told), None),
            Self::Peer(peer) => peer.to_text(),
        }
    }
}

/// What one client sends to the other. The server passes on members that are not known, as link-agent's does.
#[derive(Clone, PartialEq, Debug)]
pub struct PeerFrame {
    /// What it says.
    pub body: PeerBody,
    extra: Map<String, Value>,
}

/// What one client tells the other.
#[derive(Clone, PartialEq)]
pub enum PeerBody {
    /// The session description of whoever calls.
    Offer(String),
    /// The session description of whoever is called.
    Answer(String),
    /// One way by which the sender may be reached.
    Ice(Candidate),
}

/// A way by which an agent may be reached.
#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The candidate line, with `a=` before it or without.
    pub candidate: String,
    /// The name of the media section that it belongs to: `0` for the only one there is.
    pub sdp_mid: String,
    /// The number of that section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdp_m_line_index: Option<u16>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl PeerFrame {
    /// An offer.
    pub fn offer(sdp: impl Into<String>) -> Self {
        PeerBody::Offer(sdp.into()).into()
    }

    /// An answer.
    pub fn answer(sdp: impl Into<String>) -> Self {
        PeerBody::Answer(sdp.into()).into()
    }

    /// A candidate of the only media section, without `a=` or with it.
    pub fn ice(candidate: impl Into<String>) -> Self {
        PeerBody::Ice(Candidate::new(candidate)).into()
    }

    /// Reads a frame from a client. Of members that come twice the last one counts.
    ///
    /// # Errors
    ///
    /// [`FrameProblem`] when it is no frame that passes between clients, or its payload is not what its type needs.
    pub fn parse(text: &str) -> Result<Self, FrameProblem> {
        let (kind, frame) = open(text)?;
        Self::read(&kind, frame)
    }

    fn read(kind: &str, mut frame: Map<String, Value>) -> Result<Self, FrameProblem> {
        if !["offer", "answer", "ice"].contains(&kind) {
            return Err(FrameProblem::UnknownType);
        }
        let body = match (kind, frame.remove("payload")) {
            ("ice", Some(Value::Object(payload))) => PeerBody::Ice(Candidate::read(payload)?),
            ("ice", _) => return Err(FrameProblem::Payload("the payload of `ice` is an object")),
            (_, Some(Value::String(sdp))) => {
                check_sdp(&sdp)?;
                if kind == "offer" {
                    PeerBody::Offer(sdp)
                } else {
                    PeerBody::Answer(sdp)
                }
            }
            _ => return Err(FrameProblem::Payload("a session description is a string")),
        };
        Ok(Self { body, extra: frame })
    }

    /// The frame as it is sent.
    pub fn to_text(&self) -> String {
        let extra = Some(&self.extra);
        match &self.body {
            PeerBody::Offer(sdp) => write("offer", Some(sdp), extra),
            PeerBody::Answer(sdp) => write("answer", Some(sdp), extra),
            PeerBody::Ice(candidate) => write("ice", Some(candidate), extra),
        }
    }
}

impl From<PeerBody> for PeerFrame {
    fn from(body: PeerBody) -> Self {
        Self {
            body,
            extra: Map::new(),
        }
    }
}

impl Candidate {
    /// A candidate of the only media section.
    pub fn new(candidate: impl Into<String>) -> Self {
        Self {
            candidate: candidate.into(),
            sdp_mid: "0".to_owned(),
            sdp_m_line_index: Some(0),
            extra: Map::new(),
        }
    }

    fn read(mut payload: Map<String, Value>) -> Result<Self, FrameProblem> {
        let (Some(Value::String(candidate)), Some(Value::String(sdp_mid))) =
            (payload.remove("candidate"), payload.remove("sdpMid"))
        else {
            return Err(FrameProblem::Payload("`ice` has the strings `candidate` and `sdpMid`"));
        };
        check_candidate(&candidate, &sdp_mid)?;
        let sdp_m_line_index = match payload.remove("sdpMLineIndex") {
            None | Some(Value::Null) => None,
            Some(number) => {
                let number = number.as_u64().and_then(|number| u16::try_from(number).ok());
                Some(number.ok_or(FrameProblem::Payload("`sdpMLineIndex` is a small number"))?)
            }
        };
        if !payload.is_empty()
            && serde_json::to_string(&payload).map_or(usize::MAX, |text| text.len()) > CANDIDATE_EXTRA_BYTES
        {
            return Err(FrameProblem::Payload("a candidate is too large"));
        }
        Ok(Self {
            candidate,
            sdp_mid,
            sdp_m_line_index,
            extra: payload,
        })
    }
}

// Descriptions and candidates hold addresses, fingerprints and passwords; logs hold none of them.

impl fmt::Debug for PeerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offer(sdp) => write!(f, "Offer({} bytes)", sdp.len()),
            Self::Answer(sdp) => write!(f, "Answer({} bytes)", sdp.len()),
            Self::Ice(candidate) => candidate.fmt(f),
        }
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Candidate({} bytes)", self.candidate.len())
    }
}

/// Checks a session description before anything interprets it: at most [`SDP_BYTES`], lines of printable text of which
/// the first begins with `v=`, and no media section but one for data channels.
///
/// # Errors
///
/// [`FrameProblem::Payload`] with the reason.
pub fn check_sdp(sdp: &str) -> Result<(), FrameProblem> {
    if sdp.len() > SDP_BYTES {
        return Err(FrameProblem::Payload("a session description is too large"));
    }
    if !sdp.starts_with("v=") {
        return Err(FrameProblem::Payload("a session description begins with `v=`"));
    }
    if sdp
        .chars()
        .any(|letter| letter.is_control() && !"\r\n\t".contains(letter))
    {
        return Err(FrameProblem::Payload(
            "a session description holds no control characters",
        ));
    }
    let mut media = sdp.split(['\r', '\n']).filter(|line| line.starts_with("m="));
    match (media.next(), media.next()) {
        (None, _) => Ok(()),
        (Some(section), None) if section.starts_with("m=application ") => Ok(()),
        _ => Err(FrameProblem::Payload("a session description is for data channels only")),
    }
}

/// Checks a candidate before anything interprets it: printable text of at most [`CANDIDATE_BYTES`] and [`MID_BYTES`]. An
/// empty one says that there are no more.
///
/// # Errors
///
/// [`FrameProblem::Payload`] with the reason.
pub fn check_candidate(candidate: &str, sdp_mid: &str) -> Result<(), FrameProblem> {
    if candidate.len() > CANDIDATE_BYTES || sdp_mid.len() > MID_BYTES {
        return Err(FrameProblem::Payload("a candidate is too large"));
    }
    if candidate.chars().chain(sdp_mid.chars()).any(char::is_control) {
        return Err(FrameProblem::Payload("a candidate holds no control characters"));
    }
    Ok(())
}

/// Reads the object of a frame and takes its type out.
fn open(text: &str) -> Result<(String, Map<String, Value>), FrameProblem> {
    if text.len() > FRAME_BYTES {
        return Err(FrameProblem::TooLarge);
    }
    let Ok(Value::Object(mut frame)) = serde_json::from_str(text) else {
        return Err(FrameProblem::NotAnObject);
    };
    match frame.remove("type") {
        Some(Value::String(kind)) => Ok((kind, frame)),
        _ => Err(FrameProblem::UnknownType),
    }
}

/// Writes a frame: its type, its payload, and whatever else it has.
fn write(kind: &str, payload: Option<impl Serialize>, extra: Option<&Map<String, Value>>) -> String {
    #[derive(Serialize)]
    struct Frame<'a, P> {
        r#type: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<P>,
        #[serde(flatten)]
        extra: Option<&'a Map<String, Value>>,
    }
    let frame = Frame {
        r#type: kind,
        payload,
        extra,
    };
    // Strings, numbers and what was read as JSON can always be written.
    serde_json::to_string(&frame).unwrap_or_default()
}

/// The beginning of a text, up to a character.
fn cut(mut text: String) -> String {
    let mut end = text.len().min(ERROR_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
