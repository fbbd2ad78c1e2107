//! Commands with placeholders, as link-agent's users have them.
//!
//! There a placeholder was replaced by the value, which let whoever chose the value run commands. Here it becomes a
//! reference to a variable of the environment: the shell puts the value in its place after it has understood the command,
//! so that a value is never understood as a part of one.

use super::NotifyProblem;

/// Everything that a command may be told.
pub(super) const NAMES: [&str; 16] = [
    "event",
    "ts",
    "roomId",
    "peer",
    "permission",
    "from",
    "type",
    "id",
    "text",
    "content",
    "description",
    "question",
    "name",
    "agentId",
    "reason",
    "attempts",
];

/// Programs that take an argument for a command again, and the flags by which they do.
const SHELLS: [&str; 8] = ["sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "su"];
const INTERPRETERS: [&str; 13] = [
    "python",
    "perl",
    "ruby",
    "node",
    "nodejs",
    "deno",
    "bun",
    "php",
    "lua",
    "osascript",
    "sqlite",
    "mysql",
    "psql",
];
const ALWAYS: [&str; 15] = [
    "eval", "ssh", "watch", "awk", "gawk", "mawk", "nawk", "sed", "xargs", "parallel", "tmux", "screen", "expect",
    "tclsh", "pwsh",
];

/// The variable that holds a value, without the part before it: `roomId` is `ROOM_ID`.
pub(super) fn variable(name: &str) -> String {
    let mut variable = String::with_capacity(name.len() + 2);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            variable.push('_');
        }
        variable.push(letter.to_ascii_uppercase());
    }
    variable
}

/// Rewrites the placeholders of a command to references. What is in braces and no placeholder stays as it is.
///
/// # Errors
///
/// [`NotifyProblem`] when a placeholder stands in a command that is about to be understood a second time, by another
/// shell: there the value would be a part of it after all.
pub(super) fn rewrite(command: &str) -> Result<String, NotifyProblem> {
    if command.contains('\0') {
        return Err(NotifyProblem::new("a command must not contain a null character"));
    }
    let mut rewritten = String::with_capacity(command.len());
    let (mut quote, mut found) = (None, false);
    let mut rest = command;
    while let Some(letter) = rest.chars().next() {
        if let Some((name, after)) = placeholder(rest) {
            found = true;
            let variable = variable(name);
            let around = match quote {
                None => "\"",
                Some('"') => "",
                // Nothing is replaced within these, so they end before it and begin again behind it.
                Some(_) => "'\"",
            };
            rewritten.extend([around, "${AGENTLINK_", variable.as_str(), "}"]);
            rewritten.extend(around.chars().rev());
            rest = after;
            continue;
        }
        rewritten.push(letter);
        rest = &rest[letter.len_utf8()..];
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            // What is behind it means itself, a quote included.
            (None | Some('"'), '\\') => {
                if let Some(next) = rest.chars().next() {
                    rewritten.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            }
            _ => {}
        }
    }
    match evaluator(command) {
        Some(word) if found => Err(NotifyProblem(format!(
            "a placeholder cannot be used in a command with `{word}`, which would run the value; write `$AGENTLINK_CONTENT` \
             and the like in single quotes instead"
        ))),
        _ => Ok(rewritten),
    }
}

/// The placeholder at the beginning of a text, and what is behind it.
fn placeholder(text: &str) -> Option<(&'static str, &str)> {
    let (name, after) = text.strip_prefix('{')?.split_once('}')?;
    NAMES
        .into_iter()
        .find(|known| *known == name)
        .map(|known| (known, after))
}

/// The word of a command by which a part of it is understood as a command once more.
fn evaluator(command: &str) -> Option<&str> {
    let separator = |letter: char| letter.is_whitespace() || ";|&()`\"'".contains(letter);
    let words: Vec<&str> = command.split(separator).filter(|word| !word.is_empty()).collect();
    words.iter().enumerate().find_map(|(index, word)| {
        let program = word
            .rsplit('/')
            .next()
            .unwrap_or(word)
            .trim_end_matches(|last: char| last.is_ascii_digit() || last == '.');
        let has_flag = |letters: &str| {
            words[index + 1..].iter().any(|word| {
                word.strip_prefix('-')
                    .is_some_and(|flags| flags.contains(|flag| letters.contains(flag)))
            })
        };
        let again = ALWAYS.contains(&program)
            || SHELLS.contains(&program) && has_flag("c")
            || INTERPRETERS.contains(&program) && has_flag("cerEp");
        again.then_some(*word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_named_after_their_values() {
        assert_eq!(variable("roomId"), "ROOM_ID");
        assert_eq!(variable("peer"), "PEER");
    }

    #[test]
    fn placeholders_become_references_in_whatever_quotes_they_stand() {
        for (command, expected) in [
            ("notify {peer}", r#"notify "${AGENTLINK_PEER}""#),
            (r#"notify "a {peer} b""#, r#"notify "a ${AGENTLINK_PEER} b""#),
            ("notify 'a {peer} b'", r#"notify 'a '"${AGENTLINK_PEER}"' b'"#),
            (r#"notify \"{peer}"#, r#"notify \""${AGENTLINK_PEER}""#),
            (r#"notify "\"{roomId}""#, r#"notify "\"${AGENTLINK_ROOM_ID}""#),
            (r"notify '\'{peer}", r#"notify '\'"${AGENTLINK_PEER}""#),
            ("echo {other} ${HOME} {a,b} {", "echo {other} ${HOME} {a,b} {"),
            ("{content}{from}", r#""${AGENTLINK_CONTENT}""${AGENTLINK_FROM}""#),
            ("echo ä{peer}ö", r#"echo ä"${AGENTLINK_PEER}"ö"#),
        ] {
            assert_eq!(rewrite(command).as_deref(), Ok(expected), "{command}");
        }
    }

    #[test]
    fn a_placeholder_that_would_be_run_after_all_is_refused() {
        for command in [
            "sh -c 'echo {content}'",
            "/bin/bash -lc \"echo {content}\"",
            "eval echo {content}",
            "ssh host notify {content}",
            "python3 -c 'print(\"{content}\")'",
            "node -e 'x({content})'",
            "true; sh -c {content}",
            "osascript -e 'display notification \"{content}\"'",
            "awk 'BEGIN { print \"{content}\" }'",
            "sed s/x/{content}/e file",
            "sqlite3 f.db -cmd \"{content}\"",
        ] {
            rewrite(command).expect_err(command);
        }
        for command in [
            "sh -c 'echo $AGENTLINK_CONTENT'",
            "python3 notify.py {content}",
            "echo -e {content}",
            "grep -c {content} f",
        ] {
            rewrite(command).expect(command);
        }
        rewrite("a\0b").expect_err("a null character");
    }
}
