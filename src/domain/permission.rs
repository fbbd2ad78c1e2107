//! How much two agents that are linked directly let each other do.

use std::fmt;
use std::str::FromStr;

/// What a link between two agents may carry. Each side asks for a level; the more restrictive of the two holds.
///
/// The order is that of restriction: a greater level allows less.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Permission {
    /// Everything, as it is.
    Intimate,
    /// Everything, but what looks like a secret or personal is kept back.
    Helper,
    /// Talk, and nothing else.
    Chat,
}

impl Permission {
    /// Every level, from the one that allows most.
    pub const ALL: [Self; 3] = [Self::Intimate, Self::Helper, Self::Chat];

    /// The word for it on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intimate => "intimate",
            Self::Helper => "helper",
            Self::Chat => "chat",
        }
    }

    /// The level that holds between two sides.
    #[must_use]
    pub fn negotiate(self, other: Self) -> Self {
        self.max(other)
    }

    /// What a peer asks for. Whoever names no level, or an unknown one, is trusted least.
    pub fn requested(word: Option<&str>) -> Self {
        word.and_then(|word| word.parse().ok()).unwrap_or(Self::Chat)
    }

    /// Whether messages of this type may pass. Acknowledgements always do: without them the other side sends for ever.
    pub fn allows(self, message_type: &str) -> bool {
        match self {
            Self::Intimate | Self::Helper => true,
            Self::Chat => matches!(message_type, "chat" | "ack"),
        }
    }

    /// Whether texts pass a filter for what looks secret or personal: only here, as link-agent does it.
    pub fn is_filtered(self) -> bool {
        self == Self::Helper
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is not that of a level.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the level must be `intimate`, `helper` or `chat`")]
pub struct UnknownPermission;

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(word: &str) -> Result<Self, UnknownPermission> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str() == word)
            .ok_or(UnknownPermission)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Permission::{Chat, Helper, Intimate};

    #[test]
    fn the_more_restrictive_side_decides() {
        let table = [
            (Intimate, [Intimate, Helper, Chat]),
            (Helper, [Helper, Helper, Chat]),
            (Chat, [Chat, Chat, Chat]),
        ];
        for (mine, row) in table {
            for (theirs, result) in Permission::ALL.into_iter().zip(row) {
                assert_eq!(mine.negotiate(theirs), result, "{mine} and {theirs}");
            }
        }
    }

    #[test]
    fn whoever_asks_for_no_known_level_is_trusted_least() {
        for word in [None, Some(""), Some("Helper"), Some("root")] {
            assert_eq!(Permission::requested(word), Chat, "{word:?}");
        }
        assert_eq!(Permission::requested(Some("intimate")), Intimate);
    }

    #[test]
    fn a_link_for_talk_carries_talk() {
        for message_type in ["task", "result", "query", "file", "session", "intro", "anything"] {
            assert!(
                !Chat.allows(message_type) && Helper.allows(message_type),
                "{message_type}"
            );
        }
        assert!(Chat.allows("chat") && Chat.allows("ack"));
    }
}
