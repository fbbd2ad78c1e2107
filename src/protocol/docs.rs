//! `docs/protocol.md`, made of the tables.

use std::fmt::Write;

use serde_json::Value;

use super::codes::{CloseCode, Code};
use super::{methods, notifications};

const INTRODUCTION: &str = include_str!("introduction.md");

/// The whole document.
pub fn markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    // Writing into a string does not fail, here and below.
    let _ = writeln!(
        page,
        "\n## Methods\n\n| method | who may call it | what it does |\n| --- | --- | --- |"
    );
    let specs = methods::all();
    for spec in &specs {
        let _ = writeln!(
            page,
            "| [`{}`](#{}) | {} | {} |",
            spec.name,
            anchor(spec.name),
            spec.access.as_str(),
            cell(spec.summary)
        );
    }
    for spec in &specs {
        let _ = writeln!(
            page,
            "\n### `{}`\n\n{}\n\nMay be called by: {}.",
            spec.name,
            spec.summary,
            spec.access.as_str()
        );
        fields(&mut page, "Params", &spec.params);
        fields(&mut page, "Result", &spec.result);
        if !spec.errors.is_empty() {
            let errors: Vec<String> = spec
                .errors
                .iter()
                .map(|code| format!("{} {}", code.number(), code.title()))
                .collect();
            let _ = writeln!(page, "\nErrors: {}.", errors.join(", "));
        }
        if !spec.events.is_empty() {
            let events: Vec<String> = spec.events.iter().map(|event| format!("`{event}`")).collect();
            let _ = writeln!(page, "\nCauses: {}.", events.join(", "));
        }
    }
    let _ = writeln!(page, "\n## Events\n\nNotifications from the server; they have no `id`.");
    for event in notifications::all() {
        let _ = writeln!(
            page,
            "\n### `{}` (event)\n\n{}\n\nTold to: {}.",
            event.name, event.summary, event.audience
        );
        fields(&mut page, "Params", &event.params);
    }
    let _ = writeln!(
        page,
        "\n## Error codes\n\n| code | name | retry | meaning |\n| --- | --- | --- | --- |"
    );
    for code in Code::ALL {
        let retry = if code.is_retryable() { "yes" } else { "no" };
        let _ = writeln!(
            page,
            "| {} | {} | {retry} | {} |",
            code.number(),
            code.title(),
            cell(code.meaning())
        );
    }
    let _ = writeln!(
        page,
        "\n## Close codes\n\n| code | meaning | the client should |\n| --- | --- | --- |"
    );
    for (code, meaning, advice) in CloseCode::ALL {
        let _ = writeln!(page, "| {} | {} | {} |", code.number(), cell(meaning), cell(advice));
    }
    page
}

fn fields(page: &mut String, title: &str, schema: &Value) {
    let Some(_) = schema["properties"]
        .as_object()
        .filter(|properties| !properties.is_empty())
    else {
        return;
    };
    let _ = writeln!(page, "\n{title}:\n\n| field | type | meaning |\n| --- | --- | --- |");
    rows(page, "", schema);
}

fn rows(page: &mut String, prefix: &str, schema: &Value) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let optional = if required.contains(&Value::String(name.clone())) {
            ""
        } else {
            " (optional)"
        };
        let meaning = property["description"].as_str().unwrap_or("");
        let _ = writeln!(
            page,
            "| `{prefix}{name}` | {}{optional} | {} |",
            kind(property),
            cell(meaning)
        );
        rows(page, &format!("{prefix}{name}."), property);
        if property["items"].is_object() {
            rows(page, &format!("{prefix}{name}[]."), &property["items"]);
        }
    }
}

fn kind(schema: &Value) -> String {
    if let Some(choices) = schema["enum"].as_array() {
        return choices
            .iter()
            .map(|choice| format!("`{choice}`"))
            .collect::<Vec<_>>()
            .join(" or ");
    }
    if let Some(choices) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
        return choices.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    if let Some(constant) = schema.get("const") {
        return format!("`{constant}`");
    }
    match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any".into(),
    }
}

fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

fn anchor(name: &str) -> String {
    name.to_lowercase().replace('.', "")
}
