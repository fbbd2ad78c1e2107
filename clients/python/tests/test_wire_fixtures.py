"""The client against every case of the shared wire fixtures.

The server's own tests replay the same files, so client and server cannot come to differ unnoticed.
"""

from __future__ import annotations

import asyncio
import inspect
import keyword
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from scripted_server import FAST, Recorder, ScriptedServer, soon
from wire_cases import WIRE, WireCase, load_cases

from wardroom_client import RpcError, WardroomClient, enrol
from wardroom_client.methods import ProtocolMethods

CASES = load_cases()

# protocol method -> (client method, member of the result that it returns, or None for the whole result)
METHODS: dict[str, tuple[str, str | None]] = {
    "agent.invite": ("invite_agent", None),
    "agent.revoke": ("revoke_agent", None),
    "agent.list": ("list_agents", "agents"),
    "agent.kick": ("kick_agent", None),
    "agent.ban": ("ban_agent", None),
    "agent.unban": ("unban_agent", None),
    "agent.createKey": ("create_key", None),
    "agent.rotateKey": ("rotate_key", None),
    "agent.revokeKey": ("revoke_key", None),
    "agent.listKeys": ("list_keys", "keys"),
    "agent.rename": ("rename_agent", None),
    "audit.list": ("list_audit", None),
    "room.create": ("create_room", "room"),
    "room.list": ("list_rooms", "rooms"),
    "room.join": ("join_room", None),
    "room.leave": ("leave_room", None),
    "room.info": ("room_info", None),
    "room.history": ("room_history", "messages"),
    "room.invite": ("invite_to_room", None),
    "room.kick": ("kick_from_room", None),
    "room.visibility": ("set_room_visibility", None),
    "room.update": ("update_room", None),
    "room.delete": ("delete_room", None),
    "room.takeOwnership": ("take_ownership", None),
    "room.pause": ("pause_room", None),
    "room.resume": ("resume_room", None),
    "message.send": ("send_message", None),
    "message.dm": ("send_dm", None),
    "room.follow": ("follow_room", None),
    "message.followDirect": ("follow_direct", None),
    "message.remove": ("remove_message", None),
    "message.search": ("search_messages", None),
    "message.status": ("message_status", "members"),
    "room.markRead": ("mark_read", None),
    "message.markReadDirect": ("mark_read_direct", None),
    "lobby.setMotd": ("set_motd", None),
    "lobby.getMotd": ("get_motd", "motd"),
    "docs.list": ("list_docs", "docs"),
    "docs.get": ("get_doc", None),
    "docs.update": ("update_doc", None),
    "task.create": ("create_task", None),
    "task.claim": ("claim_task", None),
    "task.renew": ("renew_task", None),
    "task.update": ("update_task", None),
    "task.complete": ("complete_task", None),
    "task.fail": ("fail_task", None),
    "task.cancel": ("cancel_task", None),
    "task.list": ("list_tasks", None),
    "task.get": ("get_task", "task"),
    "p2p.open": ("open_to_peers", None),
    "p2p.join": ("join_peer", None),
    "p2p.list": ("list_openings", "openings"),
    "p2p.close": ("close_opening", None),
    "p2p.setPermission": ("set_peer_permission", None),
    "rpc.discover": ("discover", None),
}

TASK_RECEIPT = {"taskId": "t", "state": "accepted", "generation": 1, "revision": 2, "timestamp": 1}

SAMPLE_RESULTS: dict[str, Any] = {
    "message.search": {"found": [{"roomId": "r", "message": {"messageId": "m"}}], "nextCursor": "m"},
    "message.status": {"members": [{"agentId": "a", "displayName": "n", "state": "stored"}]},
    "room.markRead": {"seq": 1, "unread": 0},
    "message.markReadDirect": {"seq": 1, "unread": 0},
    **{f"task.{act}": TASK_RECEIPT for act in ("create", "claim", "renew", "update", "complete", "fail", "cancel")},
    "task.list": {"tasks": [{"taskId": "t"}], "nextCursor": "t"},
    "task.get": {"task": {"taskId": "t"}},
    "agent.invite": {"agentId": "a", "displayName": "n", "apiKey": "k", "role": "participant"},
    "agent.createKey": {"agentId": "a", "apiKey": "k", "key": {}},
    "agent.rotateKey": {"agentId": "a", "apiKey": "k", "key": {}, "previousKeyId": "k", "previousExpiresAt": 1},
    "agent.listKeys": {"keys": []},
    "audit.list": {"entries": [], "intact": True, "brokenAt": None},
    "room.info": {"room": {}, "members": []},
    "message.send": {"messageId": "m", "timestamp": 1, "seq": 1},
    "message.dm": {"messageId": "m", "timestamp": 1, "seq": 1},
    "room.follow": {"epoch": "epoch-1", "seq": 0},
    "message.followDirect": {"epoch": "epoch-1", "seq": 0},
    "docs.get": {"name": "n", "content": "c", "version": 1, "editable": False},
    "p2p.open": {"openingId": "o", "p2pRoomId": "r", "places": []},
    "p2p.join": {"openingId": "o", "places": []},
    "p2p.list": {"openings": [{"openingId": "o"}]},
    "rpc.discover": {"openrpc": "1.3.2", "methods": []},
    "agent.list": {"agents": [{"agentId": "a"}]},
    "room.create": {"room": {"roomId": "r"}},
    "room.list": {"rooms": [{"roomId": "r"}]},
    "room.history": {"messages": [{"messageId": "m"}]},
    "lobby.getMotd": {"motd": "words"},
    "docs.list": {"docs": [{"name": "n"}]},
}


def test_there_are_fixtures() -> None:
    assert CASES, f"no wire fixtures in {WIRE}"


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.method}: {case.name}") for case in CASES])
async def test_fixture(server: ScriptedServer, case: WireCase) -> None:
    if case.method == "auth" and (names := auth_arguments(case.params)) is not None:
        await replay_auth(server, case, names)
    elif case.method == "agent.enrol" and isinstance(case.params.get("token"), str):
        await replay_enrolment(server, case)
    else:
        await replay_call(server, case)


def auth_arguments(params: Any) -> dict[str, str] | None:
    """The constructor's arguments that make the client send these params; None if it never would."""
    spelling = {"apiKey": "api_key", "displayName": "display_name"}
    if not isinstance(params, dict) or "apiKey" not in params or not set(params) <= set(spelling):
        return None
    if not all(isinstance(value, str) and value for value in params.values()):
        return None
    return {spelling[name]: value for name, value in params.items()}


async def replay_auth(server: ScriptedServer, case: WireCase, arguments: dict[str, str]) -> None:
    client = WardroomClient(server.url, arguments["api_key"], arguments.get("display_name"), options=FAST)
    recorders = record(client, case)
    connecting = asyncio.create_task(client.connect())
    peer = await server.accept()
    request = await peer.expect("auth")
    assert request["params"] == case.params
    await peer.send(id=request["id"], **case.answer)
    if "error" in case.answer:
        await check_error(connecting, case)
        assert client.role is None
    else:
        await soon(connecting)
        result = case.answer["result"]
        assert (client.agent_id, client.role) == (result["agentId"], result["role"])
        assert (client.display_name, client.motd) == (result["displayName"], result["motd"])
        assert (client.lobby_id, client.lobby_name) == (result["lobby"]["roomId"], result["lobby"]["name"])
        assert (client.epoch, client.durability, client.server_version) == (
            result.get("epoch"),
            result.get("durability"),
            result.get("version"),
        )
        await check_events(peer.event, case, recorders)
    await soon(client.close())


async def replay_enrolment(server: ScriptedServer, case: WireCase) -> None:
    asking = asyncio.create_task(
        enrol(case.params["token"], server.url, key_name=case.params.get("keyName"), options=FAST)
    )
    peer = await server.accept()
    request = await peer.expect("agent.enrol")
    assert request["params"] == case.params
    await peer.send(id=request["id"], **case.answer)
    if "error" in case.answer:
        await check_error(asking, case)
    else:
        assert await soon(asking) == case.answer["result"]


async def replay_call(server: ScriptedServer, case: WireCase) -> None:
    client = server.client()
    recorders = record(client, case)
    async with server.meet(client) as peer:
        call, unwrapped = invocation(client, case.method, case.params)
        calling = asyncio.ensure_future(call)
        request = await peer.expect(case.method)
        assert same_params(request.get("params"), case.params)
        await peer.send(id=request["id"], **case.answer)
        if "error" in case.answer:
            await check_error(calling, case)
        else:
            result = case.answer["result"]
            assert await soon(calling) == (result if unwrapped is None else result[unwrapped])
        await check_events(peer.event, case, recorders)


def invocation(client: WardroomClient, method: str, params: Any) -> tuple[Awaitable[Any], str | None]:
    """The client's own method where its signature can express the params, else `call`."""
    if method in METHODS:
        name, unwrapped = METHODS[method]
        function = getattr(client, name)
        arguments = expressed(function, params)
        if arguments is not None:
            return function(**arguments), unwrapped
    elif method not in {"auth", "agent.enrol"} and not method.startswith("operator."):
        pytest.fail(f"the client has no method for `{method}`")
    return client.call(method, params), None


def expressed(function: Callable[..., Any], params: Any) -> dict[str, Any] | None:
    """The params as keyword arguments; None for params that the function is made to refuse or to leave out."""
    if params is None:
        params = {}
    if not isinstance(params, dict):
        return None
    arguments = {snake_case(name): value for name, value in params.items()}
    if not all(name.isidentifier() for name in arguments):
        return None
    signature = inspect.signature(function)
    try:
        signature.bind(**arguments)
    except TypeError:
        return None
    if any(value is None and signature.parameters[name].default is None for name, value in arguments.items()):
        return None
    return arguments


def snake_case(name: str) -> str:
    """The name of a parameter in Python, whose own words get an underscore behind them."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return f"{snake}_" if keyword.iskeyword(snake) else snake


def same_params(sent: Any, expected: Any) -> bool:
    """Exactly the same, types included; left out, null and `{}` all say that there are none."""
    return repr(normal(sent or {})) == repr(normal(expected or {}))


def normal(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: normal(value[name]) for name in sorted(value)}
    return [normal(member) for member in value] if isinstance(value, list) else value


def record(client: WardroomClient, case: WireCase) -> dict[str, Recorder]:
    return {name: client.on(name, Recorder()) for name in {event["method"] for event in case.events}}


async def check_events(send: Callable[..., Awaitable[None]], case: WireCase, recorders: dict[str, Recorder]) -> None:
    for event in case.events:
        params = event.get("params") or {}
        await send(event["method"], **params)
        assert await recorders[event["method"]].next() == params
    assert all(recorder.is_empty for recorder in recorders.values())


async def check_error(calling: Awaitable[Any], case: WireCase) -> None:
    expected = case.answer["error"]
    with pytest.raises(RpcError) as caught:
        await soon(calling)
    assert (caught.value.code, caught.value.message) == (expected["code"], expected["message"])
    assert caught.value.data == expected.get("data")


@pytest.mark.parametrize("method", METHODS)
async def test_every_method_has_a_call_of_its_own(server: ScriptedServer, method: str) -> None:
    """Each sends its method with every parameter under its own name, and unwraps the result."""
    client = server.client()
    name, unwrapped = METHODS[method]
    function = getattr(client, name)
    parameters = inspect.signature(function).parameters
    result = SAMPLE_RESULTS.get(method, {"status": "ok"})
    async with server.meet(client) as peer:
        calling = asyncio.ensure_future(function(**{parameter: f"value of {parameter}" for parameter in parameters}))
        request = await peer.expect(method)
        sent = request.get("params") or {}
        assert {snake_case(key): value for key, value in sent.items()} == {
            parameter: f"value of {parameter}" for parameter in parameters
        }
        await peer.reply(request, result)
        assert await soon(calling) == (result if unwrapped is None else result[unwrapped])

        # what is not given is not sent: the server tells a missing parameter from null
        required = {name for name, parameter in parameters.items() if parameter.default is parameter.empty}
        calling = asyncio.ensure_future(function(**{parameter: "given" for parameter in required}))
        request = await peer.expect(method)
        assert {snake_case(key) for key in request.get("params") or {}} == required
        await peer.reply(request, result)
        await soon(calling)


def test_the_table_above_is_complete() -> None:
    public = {name for base in ProtocolMethods.__mro__ for name in vars(base) if not name.startswith("_")}
    assert {name for name, _ in METHODS.values()} == public - {"call", "room_history_page"}


@pytest.mark.parametrize(("told", "more"), [({}, False), ({"more": True}, True)])
async def test_a_page_of_history_says_whether_it_was_cut_short(
    server: ScriptedServer, told: dict[str, Any], more: bool
) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        calling = asyncio.create_task(client.room_history_page("room-1", limit=2, before=9))
        request = await peer.expect("room.history")
        assert request["params"] == {"roomId": "room-1", "limit": 2, "before": 9}
        await peer.reply(request, {"messages": [{"messageId": "m"}], **told})
        assert await soon(calling) == {"messages": [{"messageId": "m"}], "more": more}


async def test_null_is_sent_where_it_has_a_meaning(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        calls: list[tuple[Awaitable[Any], dict[str, Any]]] = [
            (client.set_motd(None), {"content": None}),
            (client.update_room("room-1", description=None), {"roomId": "room-1", "description": None}),
        ]
        for call, params in calls:
            calling = asyncio.ensure_future(call)
            request = await peer.receive()
            assert request["params"] == params
            await peer.reply(request, {"status": "ok"})
            await soon(calling)


async def test_no_motd_is_none(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        calling = asyncio.create_task(client.get_motd())
        await peer.reply(await peer.expect("lobby.getMotd"), {"motd": None})
        assert await soon(calling) is None
