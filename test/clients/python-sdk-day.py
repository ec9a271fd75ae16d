"""Uses the features of the Python SDK of OpenHands (`openhands-sdk` 1.58.2) against the server at argv[1].

Started by python-sdk.mjs. Each step prints a line. Failures are printed, and after the last step the exit code is 1.
"""

import os
import subprocess
import sys
import threading
import time
import traceback
import uuid

import httpx
from pydantic import SecretStr

import openhands.tools.file_editor  # noqa: F401  registers the types in events
import openhands.tools.task_tracker  # noqa: F401
import openhands.tools.terminal  # noqa: F401
from openhands.sdk import LLM, Agent, Conversation, Tool, Workspace
from openhands.sdk.conversation import RemoteConversation
from openhands.sdk.conversation.state import ConversationExecutionStatus as Status
from openhands.sdk.event import ActionEvent
from openhands.sdk.security.confirmation_policy import AlwaysConfirm, NeverConfirm
from openhands.sdk.tool import ClientToolSpec, ToolAnnotations

HOST, KEY, FOLDER = sys.argv[1:4]
PATIENCE = 30
# Print nothing, and keep the conversation when its object is closed.
QUIET = {"visualizer": None, "delete_on_close": False}
failures = []


def step(name):
    """Runs a step immediately; the other steps run even if it fails."""

    def run(work):
        try:
            work()
            print("ok   ", name, flush=True)
        except Exception as error:  # noqa: BLE001
            failures.append(name)
            print("FAILS", name, "-", type(error).__name__, str(error)[:500], flush=True)
            if os.environ.get("VERBOSE"):
                traceback.print_exc()

    return run


def eventually(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true")
        time.sleep(0.05)


def llm(name="scripted/first"):
    return LLM(model=name, api_key=SecretStr("sk-not-used"), usage_id="agent")


def workspace():
    return Workspace(host=HOST, api_key=KEY, working_dir=FOLDER)


def texts(conversation, kind):
    return [event for event in conversation.state.events if type(event).__name__ == kind]


def status(conversation):
    return conversation.state.execution_status


seen = []
agent = Agent(llm=llm(), tools=[Tool(name="terminal"), Tool(name="file_editor")])
conversation = Conversation(agent=agent, workspace=workspace(), callbacks=[seen.append], **QUIET)
assert isinstance(conversation, RemoteConversation)


@step("run")
def _():
    conversation.send_message("RUN: echo hello > hello.txt\nFINISH: written")
    conversation.run(poll_interval=0.1)
    assert status(conversation) == Status.FINISHED, status(conversation)
    assert open(os.path.join(FOLDER, "hello.txt")).read() == "hello\n"
    eventually(lambda: any(type(event).__name__ == "ObservationEvent" for event in seen), "a callback")


@step("events of the conversation, each once")
def _():
    ids = [event.id for event in conversation.state.events]
    assert len(ids) == len(set(ids)), "an event twice"
    assert len(texts(conversation, "ActionEvent")) == 2


@step("secrets")
def _():
    conversation.update_secrets({"TOKEN": "s3cr3t-value"})
    conversation.send_message("RUN: echo token=$TOKEN\nFINISH: told")
    conversation.run(poll_interval=0.1)
    shown = texts(conversation, "ObservationEvent")[-2].model_dump_json()
    assert "token=<secret-hidden>" in shown and "s3cr3t-value" not in shown, shown[:400]


@step("reject")
def _():
    conversation.set_confirmation_policy(AlwaysConfirm())
    conversation.send_message("RUN: touch never\nFINISH: done")
    conversation.run(poll_interval=0.1)
    assert status(conversation) == Status.WAITING_FOR_CONFIRMATION, status(conversation)
    conversation.reject_pending_actions("not today")
    eventually(lambda: texts(conversation, "UserRejectObservation"), "the rejection")
    assert not os.path.exists(os.path.join(FOLDER, "never"))


@step("confirm")
def _():
    conversation.send_message("RUN: touch confirmed\nFINISH: done")
    for _ in range(4):
        conversation.run(poll_interval=0.1)
        if status(conversation) == Status.FINISHED:
            break
    assert os.path.exists(os.path.join(FOLDER, "confirmed"))
    conversation.set_confirmation_policy(NeverConfirm())


@step("pause and resume")
def _():
    conversation.send_message("RUN: touch begun; sleep 1; echo one\nRUN: echo two > two.txt\nFINISH: both")
    conversation.run(blocking=False)
    eventually(lambda: os.path.exists(os.path.join(FOLDER, "begun")), "the first command")
    conversation.pause()
    eventually(lambda: status(conversation) == Status.PAUSED, "the pause")
    assert not os.path.exists(os.path.join(FOLDER, "two.txt"))
    conversation.run(poll_interval=0.1)
    assert open(os.path.join(FOLDER, "two.txt")).read() == "two\n"


@step("interrupt")
def _():
    conversation.send_message("RUN: sleep 1000\nFINISH: never")
    conversation.run(blocking=False)
    eventually(lambda: status(conversation) == Status.RUNNING, "the run")
    conversation.interrupt()
    eventually(lambda: status(conversation) == Status.PAUSED, "the end of the run")


@step("ask")
def _():
    answer = conversation.ask_agent("SAY: forty-two")
    # The scripted model takes its answer from the question, including what the server adds to it.
    assert answer.startswith("forty-two"), repr(answer)


@step("title")
def _():
    conversation.set_title("A day")


@step("fork")
def _():
    fork = conversation.fork(title="Another day")
    assert fork.id != conversation.id
    assert len(fork.state.events) >= 5
    fork.send_message("RUN: touch forked\nFINISH: apart")
    fork.run(poll_interval=0.1)
    assert os.path.exists(os.path.join(FOLDER, "forked"))
    fork.close()


@step("navigate in the history")
def _():
    first = texts(conversation, "MessageEvent")[0]
    conversation.navigate_to(first.id)


@step("switch the model")
def _():
    client = conversation.workspace.client
    route = f"/api/conversations/{conversation.id}"
    body = {"llm": llm("scripted/second").model_dump(mode="json", context={"expose_secrets": True})}
    answer = client.post(f"{route}/switch_llm", json=body)
    assert answer.status_code == 200, answer.text
    eventually(lambda: conversation.state.agent.llm.model == "scripted/second", "the switch")


@step("attach again and find all events")
def _():
    # Snapshots of the state are sent but not stored.
    there = {event.id for event in conversation.state.events if getattr(event, "key", "") != "full_state"}
    again = Conversation(agent=agent, workspace=workspace(), conversation_id=conversation.id, **QUIET)
    here = {event.id for event in again.state.events}
    assert there <= here, f"{len(there - here)} events are gone"
    again.close()


@step("several conversations at once")
def _():
    def work(number):
        other = Conversation(agent=agent, workspace=workspace(), conversation_id=uuid.uuid4(), **QUIET)
        other.send_message(f"RUN: echo {number} > n{number}.txt\nFINISH: {number}")
        other.run(poll_interval=0.1)
        other.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert all(os.path.exists(os.path.join(FOLDER, f"n{number}.txt")) for number in range(4))


MAP = ClientToolSpec(
    name="show_map",
    description="Shows a map.",
    parameters={
        "type": "object",
        "properties": {
            "lat": {"type": "number", "minimum": -90, "maximum": 90},
            "mode": {"enum": ["a", "b"]},
            "pins": {"type": "array", "items": {"type": "number"}},
        },
        "required": ["lat"],
        "additionalProperties": False,
    },
)
BEEP = ClientToolSpec(name="beep", description="Beeps.", annotations=ToolAnnotations(readOnlyHint=True))
with_tools = None


@step("client tools")
def _():
    global with_tools
    calls = []

    def execute(event):
        if isinstance(event, ActionEvent) and event.tool_name in ("show_map", "beep"):
            calls.append(event)

    with_tools = Conversation(
        agent=agent, workspace=workspace(), client_tools=[MAP, BEEP], callbacks=[execute], **QUIET
    )
    lines = [
        'TOOL: show_map {"lat": 3, "mode": "a", "pins": ["1", 2]}',
        "TOOL: beep {}",
        'TOOL: show_map {"mode": "a"}',
        "FINISH: shown",
    ]
    with_tools.send_message("\n".join(lines))
    with_tools.run(poll_interval=0.1)
    eventually(lambda: len(calls) == 3, "the calls")
    action = calls[0].action
    assert type(action).__name__ == "ClientAction_show_map", type(action)
    assert (action.lat, action.mode, action.pins) == (3.0, "a", [1.0, 2.0]), action
    assert type(calls[1].action).__name__ == "ClientAction_beep", calls[1]
    assert calls[2].action is None
    (error,) = texts(with_tools, "AgentErrorEvent")
    assert "lat\n  Field required" in error.error, error.error
    dispatched = [event.observation for event in texts(with_tools, "ObservationEvent")][:2]
    assert all(type(seen).__name__ == "ClientToolObservation" for seen in dispatched), dispatched
    (prompt,) = texts(with_tools, "SystemPromptEvent")
    shown = [tool for tool in prompt.tools if type(tool).__name__ == "ClientTool"]
    assert [tool.name for tool in shown] == ["show_map", "beep"], shown
    assert shown[0].annotations is None and shown[1].annotations.readOnlyHint
    sent = shown[0].to_openai_tool()["function"]["parameters"]
    assert sent["properties"]["lat"] == MAP.parameters["properties"]["lat"], sent
    # The client reports in a message what it did.
    with_tools.send_message("The map was shown.\nFINISH: good")
    with_tools.run(poll_interval=0.1)
    assert status(with_tools) == Status.FINISHED
    # The server lists the client tools among those of the agent.
    names = [tool.name for tool in with_tools.state.agent.tools]
    assert names[-2:] == ["show_map", "beep"], names


@step("client tools of a conversation that another program attaches to")
def _():
    program = """
import sys
import openhands.tools.file_editor, openhands.tools.terminal
from openhands.sdk import LLM, Agent, Conversation, Tool, Workspace

host, key, folder, conversation_id = sys.argv[1:]
agent = Agent(llm=LLM(model="scripted/first", api_key="x"), tools=[Tool(name="terminal"), Tool(name="file_editor")])
conversation = Conversation(
    agent=agent,
    workspace=Workspace(host=host, api_key=key, working_dir=folder),
    conversation_id=conversation_id,
    visualizer=None,
)
actions = [event.action for event in conversation.state.events if type(event).__name__ == "ActionEvent"]
assert type(actions[0]).__name__ == "ClientAction_show_map" and actions[0].lat == 3.0, actions
conversation.send_message('TOOL: show_map {"lat": 4}\\nFINISH: again')
conversation.run(poll_interval=0.1)
"""
    result = subprocess.run(
        [sys.executable, "-c", program, HOST, KEY, FOLDER, str(with_tools.id)],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    eventually(lambda: len(texts(with_tools, "ActionEvent")) == 7, "the events of the other program")


@step("client tools of a fork")
def _():
    fork = with_tools.fork(title="Another map")
    fork.send_message('TOOL: show_map {"lat": -5.5}\nFINISH: forked')
    fork.run(poll_interval=0.1)
    assert texts(fork, "ActionEvent")[-2].action.lat == -5.5
    fork.close()
    with_tools.close()


@step("commands in the workspace")
def _():
    result = workspace().execute_command("echo out; echo err >&2; exit 3", cwd=FOLDER, timeout=20)
    assert (result.exit_code, result.stdout, result.stderr) == (3, "out\n", "err\n"), result
    late = workspace().execute_command("echo begun; sleep 100", timeout=1)
    assert late.exit_code == -1 and late.stdout in ("", "begun\n"), late


@step("files of the workspace")
def _():
    here, there, back = (os.path.join(FOLDER, name) for name in ("local.bin", "deep/r\u00e9mote.bin", "back.bin"))
    content = bytes(range(256)) * 5000
    with open(here, "wb") as file:
        file.write(content)
    sent = workspace().file_upload(here, there)
    assert sent.success and sent.file_size == len(content), sent
    got = workspace().file_download(there, back)
    assert got.success and open(back, "rb").read() == content, got
    assert not workspace().file_download(there + ".none", back).success


@step("git of the workspace")
def _():
    repository = os.path.join(FOLDER, "repo")
    script = (
        "git init -q repo && cd repo && echo one > 'a b.txt' && git add . "
        "&& git -c user.name=A -c user.email=a@x commit -qm first && echo two > 'a b.txt'"
    )
    assert workspace().execute_command(script, cwd=FOLDER).exit_code == 0
    changes = workspace().git_changes(repository)
    assert [(change.status.value, str(change.path)) for change in changes] == [("UPDATED", "a b.txt")], changes
    diff = workspace().git_diff(os.path.join(repository, "a b.txt"))
    assert (diff.original, diff.modified) == ("one", "two"), diff


@step("the workspace of a conversation")
def _():
    from openhands.sdk.workspace import RemoteWorkspace

    scoped = RemoteWorkspace(
        host=HOST, api_key=KEY, working_dir=FOLDER, runtime_conversation_id=conversation.id
    )
    assert scoped.execute_command("pwd").stdout.strip() == os.path.realpath(FOLDER)
    assert scoped.execute_command("pwd", cwd="/").exit_code == -1
    assert not scoped.file_download("/etc/hostname", os.path.join(FOLDER, "never-here")).success


@step("refuse to condense without a condenser")
def _():
    try:
        conversation.condense()
    except httpx.HTTPStatusError as error:
        assert error.response.status_code == 409, error.response.text
        assert "No condenser configured" in error.response.text
    else:
        raise AssertionError("it was not refused")


conversation.close()
print("all done" if not failures else f"{len(failures)} steps failed: {', '.join(failures)}")
sys.exit(1 if failures else 0)
