//! JSON objects whose members keep their order and their text.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde::ser::{SerializeMap as _, Serializer as _};
use serde_json::value::RawValue;

/// The members of an object as they stand in its text. Of a name that comes twice both are given.
pub(crate) fn members(text: &str) -> Result<Vec<(String, &RawValue)>, serde_json::Error> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let members = reader.deserialize_map(Members)?;
    reader.end()?;
    Ok(members)
}

/// The text of an object with these members.
pub(crate) fn to_text<N: AsRef<str>>(members: &[(N, &RawValue)]) -> Result<String, serde_json::Error> {
    let mut bytes = Vec::new();
    let mut writer = serde_json::Serializer::new(&mut bytes);
    let mut map = writer.serialize_map(Some(members.len()))?;
    for (name, value) in members {
        map.serialize_entry(name.as_ref(), value)?;
    }
    map.end()?;
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_comes_back_as_it_was() {
        let text = r#"{"z":1.0,"a":{"y":[18446744073709551616],"b":null},"\u0065":"ü","z":2}"#;
        let read = members(text).expect("an object");
        assert_eq!(to_text(&read).expect("written"), text.replace("\\u0065", "e"));
        for text in ["", "[]", "{} {}", "{\"a\":}", "1"] {
            assert!(members(text).is_err(), "{text}");
        }
    }
}
