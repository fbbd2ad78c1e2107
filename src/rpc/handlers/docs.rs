//! `docs.*`.

use super::{checked, text};
use crate::domain::Refusal;
use crate::hub::DocumentSummary;
use crate::hub::acts::{UpdateDocument, UpdatedDocument};
use crate::protocol::methods::{
    DocsGet, DocsGetParams, DocsGetResult, DocsList, DocsListResult, DocsUpdate, DocsUpdateParams, DocsUpdateResult,
    DocumentObject, NoParams,
};
use crate::protocol::types::DocumentVersion;
use crate::rpc::table::{Call, Handler};

/// Unicode code points of a version text.
const VERSION_LENGTH: u32 = 64;

impl Handler for DocsList {
    async fn handle(call: Call<NoParams, DocsListResult>) {
        let list = call.rpc.hub.list_documents(call.caller).await;
        let object = |DocumentSummary {
                          name,
                          version,
                          editable,
                      }| DocumentObject {
            name,
            version: DocumentVersion::from_json(&version),
            editable,
        };
        call.reply.send(list.map(|list| DocsListResult {
            docs: list.into_iter().map(object).collect(),
        }));
    }
}

impl Handler for DocsGet {
    async fn handle(call: Call<DocsGetParams, DocsGetResult>) {
        let document = call.rpc.hub.document(call.caller, &call.params.name).await;
        call.reply.send(document.map(|document| DocsGetResult {
            name: document.summary.name,
            content: document.content,
            version: DocumentVersion::from_json(&document.summary.version),
            editable: document.summary.editable,
        }));
    }
}

impl Handler for DocsUpdate {
    async fn handle(call: Call<DocsUpdateParams, DocsUpdateResult>) {
        let params = &call.params;
        checked!(
            call,
            text("content", &params.content, call.rpc.hub.limits().document_length)
        );
        if let Some(DocumentVersion::Text(version)) = &params.version {
            if version.is_empty() {
                return call
                    .reply
                    .send(Err(Refusal::InvalidParams("`version` must not be empty".into())));
            }
            checked!(call, text("version", version, VERSION_LENGTH));
        }
        let act = UpdateDocument {
            name: params.name.clone(),
            content: params.content.clone(),
            version: params.version.as_ref().map(DocumentVersion::to_json),
        };
        let hub = call.rpc.hub.clone();
        call.submit(act, move |UpdatedDocument { name, version }| {
            hub.constitution_changed();
            DocsUpdateResult {
                status: "ok",
                name,
                version: DocumentVersion::from_json(&version),
            }
        })
        .await;
    }
}
