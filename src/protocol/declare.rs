//! How the table of events is declared: each event is a type, and the table is made of all of them.

use serde_json::Value;

/// Declares events: their doc comments are their descriptions in every document.
macro_rules! notifications {
    ($(
        $(#[doc = $summary:literal])+
        $name:ident = $wire:literal, to $audience:literal {
            $($(#[doc = $field_doc:literal])+ $(#[$rule:meta])* $field:ident: $kind:ty,)+
        }
    )+) => {
        $(
            $(#[doc = $summary])+
            #[derive(Clone, Debug, Serialize, JsonSchema)]
            #[serde(rename_all = "camelCase")]
            pub struct $name {
                $($(#[doc = $field_doc])+ $(#[$rule])* pub $field: $kind,)+
            }

            impl $name {
                /// The method of the notification.
                pub const NAME: &'static str = $wire;
            }
        )+

        /// The one table of events, for documents and tests.
        pub fn all() -> Vec<NotificationSpec> {
            vec![$(NotificationSpec {
                name: $wire,
                summary: concat!($($summary),+).trim_ascii(),
                audience: $audience,
                params: schema::of::<$name>(),
            }),+]
        }
    };
}
pub(super) use notifications;

/// An event in the table.
#[derive(Clone, Debug)]
pub struct NotificationSpec {
    /// The method of the notification.
    pub name: &'static str,
    /// What happened.
    pub summary: &'static str,
    /// Who is told.
    pub audience: &'static str,
    /// The JSON Schema of its params.
    pub params: Value,
}
