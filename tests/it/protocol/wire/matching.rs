//! Comparing what came with what a fixture expects.

use serde_json::Value;

/// The first difference between `expected`, which may hold matchers, and `found`.
pub(super) fn difference(expected: &Value, found: &Value) -> Option<String> {
    compare("", expected, found)
}

/// Like [`difference`], but `found` may have further members.
pub(super) fn difference_of_named(expected: &Value, found: &Value) -> Option<String> {
    let members = expected.as_object().into_iter().flatten();
    let mut members = members.map(|(name, expected)| (name, expected, &found[name]));
    members.find_map(|(name, expected, found)| match expected {
        Value::Object(_) => difference_of_named(expected, found),
        _ => compare(name, expected, found),
    })
}

fn compare(path: &str, expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let differing = expected.iter().find_map(|(name, value)| match found.get(name) {
                Some(found) => compare(&format!("{path}.{name}"), value, found),
                None => Some(format!("{path}.{name} is missing")),
            });
            differing.or_else(|| {
                let surplus = found.keys().find(|name| !expected.contains_key(*name))?;
                Some(format!("{path}.{surplus} is not expected"))
            })
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs.find_map(|(place, (expected, found))| compare(&format!("{path}[{place}]"), expected, found))
        }
        (Value::String(matcher), found) if matches(matcher, found).is_some_and(|fits| fits) => None,
        (expected, found) if expected == found => None,
        (expected, found) => Some(format!("{path} is {found}, not {expected}")),
    }
}

/// Whether `found` fits a matcher; `None` for a text that is none.
fn matches(matcher: &str, found: &Value) -> Option<bool> {
    let text = found.as_str();
    Some(match matcher {
        "<any>" => true,
        "<string>" => text.is_some(),
        "<int>" => found.is_i64() || found.is_u64(),
        // From 2020 on, and milliseconds rather than seconds or microseconds.
        "<time>" => found
            .as_i64()
            .is_some_and(|time| (1_577_836_800_000..10_000_000_000_000).contains(&time)),
        "<uuid>" => text.is_some_and(is_uuid),
        "<key>" => text.is_some_and(is_key),
        _ => return None,
    })
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.replace('-', "").bytes().all(is_lower_hex)
}

fn is_key(text: &str) -> bool {
    text.strip_prefix("bl_k_")
        .is_some_and(|random| random.len() == 48 && random.bytes().all(is_lower_hex))
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// Compares what came with what was expected, whatever the order: each expected item takes one that came.
pub(super) fn differences_of_sets(
    expected: &[(String, String, Value)],
    found: &[(String, String, Value)],
) -> Vec<String> {
    let mut left: Vec<&(String, String, Value)> = found.iter().collect();
    let mut problems = Vec::new();
    for (to, method, params) in expected {
        let fits = |item: &&(String, String, Value)| {
            item.0 == *to && item.1 == *method && difference(params, &item.2).is_none()
        };
        match left.iter().position(fits) {
            Some(place) => {
                left.swap_remove(place);
            }
            None => problems.push(format!("`{to}` was not told `{method}` {params}")),
        }
    }
    let surplus = left
        .into_iter()
        .map(|(to, method, params)| format!("`{to}` was told `{method}` {params}"));
    problems.extend(surplus);
    problems
}

#[test]
fn a_difference_of_any_kind_is_found() {
    use serde_json::json;
    let expected = json!({"id": "<uuid>", "at": "<time>", "tags": ["a"], "note": null});
    let found = json!({
        "id": "0190c8a0-0000-7000-8000-000000000001", "at": 1_700_000_000_000_i64, "tags": ["a"], "note": null,
    });
    assert_eq!(difference(&expected, &found), None);
    for (pointer, wrong) in [
        ("/id", json!("0190C8A0-0000-7000-8000-000000000001")),
        ("/at", json!(1_700_000_000)),
        ("/tags", json!([])),
        ("/note", json!("")),
    ] {
        let mut changed = found.clone();
        *changed.pointer_mut(pointer).expect("a member") = wrong;
        assert!(difference(&expected, &changed).is_some(), "{pointer}");
    }
    let mut more = found.clone();
    more["extra"] = json!(1);
    assert!(difference(&expected, &more).is_some());
    assert_eq!(difference_of_named(&expected, &more), None);
    let mut fewer = found;
    fewer.as_object_mut().expect("an object").remove("note");
    assert!(difference(&expected, &fewer).is_some());
}
