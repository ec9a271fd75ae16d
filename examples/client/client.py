#!/usr/bin/env python3
"""Gives a task to an agent: creates a conversation, prints its events as they happen, asks before each action
if you want that, and ends with the run. docs/write-a-client.md explains it; client.ts does the same.

    pip install httpx websockets
    python examples/client/client.py [--confirm] "your task"

Variables: AGENT_SERVER_URL (http://localhost:8000), SESSION_API_KEY, LLM_MODEL (scripted/demo), LLM_API_KEY,
LLM_BASE_URL.
"""

import json
import os
import sys
import time
import uuid

import httpx
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect

SERVER = os.environ.get("AGENT_SERVER_URL", "http://localhost:8000")
KEY = os.environ.get("SESSION_API_KEY")
AUTHENTICATION = {"X-Session-API-Key": KEY} if KEY else {}
ATTEMPTS = 30


class Refused(Exception):
    """An answer or a close code that another attempt would not change."""


def post(path, body):
    """Sends a JSON body. Repeats it while the server cannot be reached or asks for that with Retry-After."""
    # The same key in each attempt: however often the request arrives, it is executed once.
    headers = {**AUTHENTICATION, "Idempotency-Key": str(uuid.uuid4())}
    for attempt in range(1, ATTEMPTS + 1):
        seconds = min(attempt / 4, 5)
        try:
            answer = httpx.post(SERVER + path, json=body, headers=headers, timeout=60)
            if answer.is_success:
                return answer.json()
            if "Retry-After" not in answer.headers or attempt == ATTEMPTS:
                raise Refused(f"{answer.status_code} {explanation(answer)}")
            seconds = min(float(answer.headers["Retry-After"]), 30)
        except httpx.TransportError:
            if attempt == ATTEMPTS:
                raise
        time.sleep(seconds)


def explanation(answer):
    """The `detail` of an error: a text, or for a 422 a list that names the fields."""
    try:
        detail = answer.json()["detail"]
        if isinstance(detail, str):
            return detail
        return "; ".join(".".join(map(str, item["loc"])) + ": " + item["msg"] for item in detail)
    except (ValueError, KeyError, TypeError):
        return answer.text


class Follower:
    """Follows a conversation until its run has ended, over any number of connections."""

    def __init__(self, conversation_id):
        self.id = conversation_id
        self.seq = -1  # The last event that was seen: a new connection continues after it.
        self.pending = {}  # Actions without a result, by the id of their call.
        self.answering = None  # The answer whose pieces are printed as they come: all of them so far.

    def follow(self):
        """Returns the status of the conversation at the end of the run."""
        attempt = 1
        while attempt <= ATTEMPTS:
            before = self.seq
            status = self.connect()
            if status is not None:
                return status
            attempt = 1 if self.seq > before else attempt + 1
            print(f"(the connection was lost; it is resumed after event {self.seq})")
            self.answering = None
            time.sleep(min(attempt / 4, 5))
        raise Refused("the server cannot be reached")

    def connect(self):
        """Returns None when the connection was lost."""
        url = f"{SERVER.replace('http', 'ws', 1)}/sockets/session/{self.id}?after_seq={self.seq}"
        try:
            # An event can be longer than the 1 MiB that the library allows.
            with connect(url, additional_headers=AUTHENTICATION, max_size=None) as socket:
                for frame in socket:
                    status = self.handle(json.loads(frame))
                    if status is not None:
                        return status
                code = socket.close_code
        except InvalidStatus as error:  # A wrong key is answered with 403 before the socket opens.
            if error.response.status_code < 500:
                raise Refused(str(error)) from error
            return None
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd else None
        except (OSError, InvalidHandshake):
            return None
        if code is not None and code >= 4000:  # 4001: the key is missing. 4004: no such conversation.
            raise Refused(f"the server closed the socket with {code}")
        return None

    def handle(self, frame):
        """Returns the status when the run has ended."""
        match frame["type"]:
            case "durable":
                self.seq = frame["seq"]
                self.show(frame["event"])
            case "item_started":
                self.answering = {"id": frame["item_id"], "pieces": 0, "text": ""}
            case "delta":
                self.stream(frame)
            case "item_aborted":
                print("\n(the model begins this answer again)")
                self.answering = None
            case "transient" if frame["event"].get("key") == "full_state":
                return self.decide(frame["event"]["value"]["execution_status"])
            case "error":
                print(f"{frame['code']}: {frame['detail']}")
        return None

    def decide(self, status):
        """Decides by the state, which comes after the replay and at the end of each run."""
        if status in ("idle", "running"):
            return None
        if status != "waiting_for_confirmation":
            return status
        if not self.pending:
            return None
        accept = input(f"Allow {', '.join(self.pending.values())}? [y/N] ").strip().lower() == "y"
        self.pending.clear()
        post(f"/api/conversations/{self.id}/events/respond_to_confirmation", {"accept": accept})
        # No run follows a rejection: the agent waits for a message that says what to do instead.
        return None if accept else "rejected"

    def show(self, event):
        call = event.get("tool_call_id")
        summary = event.get("summary") or event.get("tool_name")
        match event["kind"]:
            case "MessageEvent" if event["source"] == "agent":
                self.answer(event["llm_message"]["content"])
            case "ActionEvent":
                self.answer(event["thought"])
                self.pending[call] = summary
                print(f"> {summary}")
                return
            case "ObservationEvent":
                print(text_of(event["observation"]["content"]))
            case "AgentErrorEvent":
                print(event["error"])
            case "ConversationErrorEvent":
                print(f"{event['code']}: {event['detail']}")
        self.pending.pop(call, None)

    def stream(self, delta):
        """Prints a piece of an answer. Who connects in the middle of one, or reads too slowly, misses pieces:
        the event has the whole text."""
        answering = self.answering
        if not answering or answering["id"] != delta["item_id"] or answering["pieces"] != delta["order"]:
            if answering and answering["text"]:
                print()
            self.answering = None
            return
        answering["pieces"] += 1
        if delta["kind"] == "text":
            answering["text"] += delta["content"]
            print(delta["content"], end="", flush=True)

    def answer(self, content):
        """Prints what the model said, unless its pieces were printed."""
        text = text_of(content)
        if self.answering and self.answering["text"] == text != "":
            print()
        elif text:
            print(text)
        self.answering = None


def text_of(content):
    return "\n".join(part.get("text", "(image)") for part in content)


def main(args):
    task = " ".join(arg for arg in args if arg != "--confirm")
    if not task:
        raise Refused('usage: client.py [--confirm] "your task"')
    conversation = post(
        "/api/conversations",
        {
            "agent": {
                "llm": {
                    "model": os.environ.get("LLM_MODEL", "scripted/demo"),
                    "api_key": os.environ.get("LLM_API_KEY"),
                    "base_url": os.environ.get("LLM_BASE_URL"),
                    "stream": True,
                },
                "tools": [{"name": "terminal"}, {"name": "file_editor"}, {"name": "task_tracker"}],
            },
            "workspace": {"working_dir": "workspace/project"},
            "confirmation_policy": {"kind": "AlwaysConfirm" if "--confirm" in args else "NeverConfirm"},
            "initial_message": {"role": "user", "content": [{"type": "text", "text": task}]},
        },
    )
    print(f"conversation {conversation['id']}")
    status = Follower(conversation["id"]).follow()
    print(f"The conversation is {status}.")
    return 0 if status == "finished" else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Refused, httpx.HTTPError) as problem:
        sys.exit(f"{problem}")
