//! `auth` and `rpc.discover`.

use serde_json::Value;

use crate::domain::Refusal;
use crate::protocol::methods::{Auth, AuthParams, AuthResult, NoParams, RpcDiscover};
use crate::rpc::table::{Call, Handler};

impl Handler for Auth {
    /// Strangers are judged by their session; whoever gets here has proved already who it is.
    async fn handle(call: Call<AuthParams, AuthResult>) {
        call.reply.send(Err(Refusal::Forbidden(
            "this connection is authenticated already; open another one",
        )));
    }
}

impl Handler for RpcDiscover {
    async fn handle(call: Call<NoParams, Value>) {
        let document = call.rpc.openrpc().clone();
        call.reply.send(Ok(document));
    }
}
