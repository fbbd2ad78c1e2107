//! The message of the day.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NoParams, method, present};
use crate::protocol::types::Status;

method! {
    /// Sets the message of the day.
    LobbySetMotd = "lobby.setMotd", Controller, Change, LobbySetMotdParams => Status,
    errors [InvalidParams, Forbidden], events ["lobby.motd"]
}

/// Parameters of `lobby.setMotd`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct LobbySetMotdParams {
    /// The text, up to `limits.documentLength` characters (65,536 by default); null or an empty text clears it. Must be there.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<String>")]
    pub content: Option<Option<String>>,
}

method! {
    /// Reads the message of the day.
    LobbyGetMotd = "lobby.getMotd", Agent, Read, NoParams => LobbyGetMotdResult,
    errors [], events []
}

/// Result of `lobby.getMotd`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LobbyGetMotdResult {
    /// The text; null when there is none.
    pub motd: Option<String>,
}
