//! Reads Rust as far as the rules need it: what is code and not comment or literal, and which paths it names.

/// A path that a file names, cut down to what the rules ask for.
#[derive(Debug, PartialEq)]
pub(crate) struct Import {
    pub(crate) line: usize,
    /// Whether it leads into this crate: then `first` is a folder of `src/`, otherwise a library.
    pub(crate) inside: bool,
    pub(crate) first: String,
}

#[derive(Debug)]
struct Token<'a> {
    line: usize,
    text: &'a str,
}

/// Every path in `text`, wherever it stands (`use`, a type, an attribute), resolved against the module it is written in.
pub(crate) fn imports(text: &str, module: &[String]) -> Vec<Import> {
    let code = code_only(text);
    let tokens = tokens(&code);
    let mut found = Vec::new();
    // The inline modules around the token, each with the depth of braces at which it ends.
    let mut inline: Vec<(String, usize)> = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < tokens.len() {
        let text_at = |index: usize| tokens.get(index).map_or("", |token: &Token<'_>| token.text);
        match tokens[at].text {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inline.pop_if(|(_, ends)| *ends == depth);
            }
            "mod" if text_at(at + 2) == "{" => inline.push((text_at(at + 1).to_owned(), depth)),
            name if is_identifier(name) => {
                let previous = if at == 0 { "" } else { text_at(at - 1) };
                let alone = previous == "use" && matches!(text_at(at + 1), ";" | "as");
                if previous != "." && (text_at(at + 1) == "::" || alone) {
                    let line = tokens[at].line;
                    let mut paths = Vec::new();
                    at = read_path(&tokens, at, &[], &mut paths);
                    let mut around: Vec<&str> = module.iter().map(String::as_str).collect();
                    around.extend(inline.iter().map(|(name, _)| name.as_str()));
                    found.extend(paths.iter().filter_map(|path| resolve(path, &around, line)));
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    found.dedup();
    found
}

/// Reads the path that starts at `at`, with every branch of its groups, and returns where it ends.
fn read_path<'a>(tokens: &[Token<'a>], mut at: usize, before: &[&'a str], paths: &mut Vec<Vec<&'a str>>) -> usize {
    let mut path = before.to_vec();
    while at < tokens.len() {
        if tokens[at].text == "{" {
            at += 1;
            while at < tokens.len() && tokens[at].text != "}" {
                if tokens[at].text == "," {
                    at += 1;
                } else {
                    at = read_path(tokens, at, &path, paths);
                }
            }
            return at + 1;
        }
        path.push(tokens[at].text);
        at += 1;
        let renamed = tokens.get(at).is_some_and(|token| token.text == "as");
        if renamed {
            at += 2;
        }
        let goes_on = tokens.get(at).is_some_and(|token| token.text == "::")
            && tokens
                .get(at + 1)
                .is_some_and(|token| token.text == "{" || token.text == "*" || is_identifier(token.text));
        if !goes_on {
            break;
        }
        at += 1;
    }
    paths.push(path);
    at
}

/// `None` for a path that stays in its own module or ends at the crate's root.
fn resolve(path: &[&str], around: &[&str], line: usize) -> Option<Import> {
    let outside = |first: &str| {
        Some(Import {
            line,
            inside: false,
            first: first.to_owned(),
        })
    };
    let inside = |first: &str| {
        Some(Import {
            line,
            inside: true,
            first: first.to_owned(),
        })
    };
    match *path.first()? {
        "crate" | "wardroom" => inside(path.get(1)?),
        "self" | "Self" | "super" => {
            let up = path.iter().filter(|part| **part == "super").count();
            let rest = path
                .iter()
                .find(|part| !matches!(**part, "self" | "Self" | "super" | "*"));
            match around.len().checked_sub(up)? {
                0 => inside(rest?),
                _ => inside(around.first()?),
            }
        }
        first => outside(first),
    }
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Identifiers, `::`, and single punctuation marks, each with its line.
fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    for (number, text) in code.lines().enumerate() {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let length = if first.is_alphanumeric() || first == '_' {
                rest.find(|next: char| !next.is_alphanumeric() && next != '_')
                    .unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let (token, after) = rest.split_at(length);
            if !token.trim().is_empty() {
                found.push(Token {
                    line: number + 1,
                    text: token,
                });
            }
            rest = after;
        }
    }
    found
}

/// The text with comments and the insides of literals blanked, so that only code is left, on the same lines.
pub(crate) fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let in_word = code.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let blanked = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if first == '"' {
            literal(rest, '"')
        } else if !in_word && (rest.starts_with("r\"") || rest.starts_with("r#\"") || rest.starts_with("r##\"")) {
            raw_literal(rest)
        } else if first == '\'' && is_character(rest) {
            literal(rest, '\'')
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        let (blank, after) = rest.split_at(blanked);
        code.extend(blank.chars().map(|each| if each == '\n' { '\n' } else { ' ' }));
        rest = after;
    }
    code
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

fn literal(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, each) in text.char_indices().skip(1) {
        match each {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if each == quote => return at + each.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn raw_literal(text: &str) -> usize {
    let hashes = text[1..].chars().take_while(|each| *each == '#').count();
    let start = hashes + 2;
    let end = format!("\"{}", "#".repeat(hashes));
    text[start..].find(&end).map_or(text.len(), |at| start + at + end.len())
}

/// Tells `'x'` and `'\n'` from the lifetime `'x`.
fn is_character(text: &str) -> bool {
    let mut inner = text.chars().skip(1);
    inner.next() == Some('\\') || inner.next() == Some('\'')
}
