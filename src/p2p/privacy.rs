//! What of a text looks private: the patterns of link-agent, which apply at level `helper`.

/// Stands in the place of a text that was kept back.
pub(super) const REDACTED: &str =
    "[kept back: the text seemed to hold something private, and this link is at level helper]";

/// Found anywhere in a text, whatever the case.
const WORDS: [&str; 6] = ["token", "password", "secret", "openclaw.json", "memory.md", "soul.md"];

/// The Chinese words for mobile number, mail, telephone, address and position.
const CHINESE: [&str; 5] = ["手机", "邮件", "电话", "地址", "位置"];

/// The first thing in the text that looks private, if there is one.
pub(super) fn private_part(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let found = WORDS.iter().chain(&CHINESE).find(|word| lower.contains(**word));
    found.copied().or_else(|| mentions_api_key(&lower).then_some("api key"))
}

/// `apikey`, `api_key`, `api key`, `api-key`.
fn mentions_api_key(lower: &str) -> bool {
    lower.match_indices("api").any(|(at, found)| {
        let rest = &lower[at + found.len()..];
        rest.strip_prefix(['_', ' ', '-']).unwrap_or(rest).starts_with("key")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_link_agent_calls_private_is_found_in_any_case() {
        for text in [
            "the TOKEN is x",
            "passwords",
            "my Secret",
            "see OpenClaw.json",
            "memory.MD",
            "SOUL.md",
            "apikey",
            "API_KEY=1",
            "an Api key",
            "api-key",
            "我的手机",
            "地址",
        ] {
            assert!(private_part(text).is_some(), "{text}");
        }
    }

    #[test]
    fn other_texts_pass() {
        for text in [
            "",
            "hello",
            "api  key",
            "api.key",
            "the key of an api",
            "memory-md",
            "İapi",
        ] {
            assert_eq!(private_part(text), None, "{text}");
        }
    }
}
