"""A provider that reads requests and writes replies with the official SDKs' own types.

It listens at a free port, says so on standard error, and says on standard output what it thinks of each request.
"""

import json
import sys
import traceback
import typing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What the SDKs declare as iterable would be validated when it is iterated, if ever: a list is validated at once.
typing.Iterable = typing.List

import pydantic
from anthropic import types as anthropic
from anthropic.types import message_create_params
from google.genai import types as gemini
from openai.types import chat as openai
from openai.types.chat import completion_create_params


def check(shape, body):
    # Newest types of Anthropic leave the temperature out, which models before them take.
    unknown = set(body) - set(typing.get_type_hints(shape)) - {"temperature"}
    assert not unknown, f"{shape.__name__} has no {unknown}"
    pydantic.TypeAdapter(shape).validate_python(body)


def from_openai(body):
    streams = body.get("stream", False)
    check(
        completion_create_params.CompletionCreateParamsStreaming
        if streams
        else completion_create_params.CompletionCreateParamsNonStreaming,
        body,
    )
    about = {"id": "1", "created": 1, "model": "m-2"}
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    if streams:
        def chunk(choices, **more):
            data = {**about, "object": "chat.completion.chunk", "choices": choices, **more}
            return openai.ChatCompletionChunk.model_validate(data).model_dump_json()

        pieces = [chunk([{"index": 0, "delta": {"content": text}}]) for text in ("one", " two")]
        pieces.append(chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}]))
        return "sse", [*pieces, chunk([], usage=usage), "[DONE]"]
    message = {"role": "assistant", "content": "fine"}
    if "tools" in body and body["messages"][-1]["role"] != "tool":
        call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1, "b": 2}'}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    reply = {**about, "object": "chat.completion", "choices": [choice], "usage": usage}
    return "json", openai.ChatCompletion.model_validate(reply).model_dump_json()


def from_anthropic(body):
    streams = body.get("stream", False)
    check(
        message_create_params.MessageCreateParamsStreaming
        if streams
        else message_create_params.MessageCreateParamsNonStreaming,
        body,
    )
    usage = {"input_tokens": 5, "output_tokens": 2}
    message = {"id": "1", "type": "message", "role": "assistant", "model": "m-2", "usage": usage, "content": []}
    if streams:
        events = [
            anthropic.RawMessageStartEvent(type="message_start", message=anthropic.Message.model_validate(message)),
            anthropic.RawContentBlockStartEvent.model_validate(
                {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
            ),
            *(
                anthropic.RawContentBlockDeltaEvent.model_validate(
                    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
                )
                for text in ("one", " two")
            ),
            anthropic.RawContentBlockStopEvent(type="content_block_stop", index=0),
            anthropic.RawMessageDeltaEvent.model_validate(
                {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}
            ),
            anthropic.RawMessageStopEvent(type="message_stop"),
        ]
        return "sse", [event.model_dump_json() for event in events]
    last = body["messages"][-1]["content"]
    has_result = isinstance(last, list) and any(block["type"] == "tool_result" for block in last)
    message["content"] = [{"type": "text", "text": "fine"}]
    if "tools" in body and not has_result:
        message["content"] = [{"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1, "b": 2}}]
    return "json", anthropic.Message.model_validate({**message, "stop_reason": "end_turn"}).model_dump_json()


def from_gemini(body, streams):
    known = {"contents", "systemInstruction", "generationConfig", "tools"}
    assert set(body) <= known, set(body) - known
    contents = [gemini.Content.model_validate(content) for content in body["contents"]]
    assert all(content.role in ("user", "model") for content in contents)
    if "systemInstruction" in body:
        gemini.Content.model_validate(body["systemInstruction"])
    gemini.GenerationConfig.model_validate(body["generationConfig"])
    for tool in body.get("tools", []):
        gemini.Tool.model_validate(tool)
    usage = {"prompt_token_count": 5, "candidates_token_count": 2}

    def reply(part):
        content = {"role": "model", "parts": [part]}
        data = {"candidates": [{"content": content}], "model_version": "m-2", "usage_metadata": usage}
        response = gemini.GenerateContentResponse.model_validate(data)
        return response.model_dump_json(by_alias=True, exclude_none=True)

    if streams:
        return "sse", [reply({"text": text}) for text in ("one", " two")]
    has_result = any(part.function_response for part in contents[-1].parts)
    if "tools" in body and not has_result:
        return "json", reply({"function_call": {"name": "add", "args": {"a": 1, "b": 2}}})
    return "json", reply({"text": "fine"})


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        try:
            if self.path.endswith("/chat/completions"):
                assert self.headers["authorization"] == "Bearer k"
                name, (form, reply) = "openai", from_openai(body)
            elif self.path.endswith("/v1/messages"):
                assert self.headers["x-api-key"] == "k" and self.headers["anthropic-version"]
                name, (form, reply) = "anthropic", from_anthropic(body)
            else:
                assert self.headers["x-goog-api-key"] == "k"
                name, (form, reply) = "gemini", from_gemini(body, "stream" in self.path)
        except Exception:
            print(f"{self.path} {json.dumps(body)}\n{traceback.format_exc()}", flush=True)
            self.send_error(400)
            return
        print(name, "fine", flush=True)
        content = reply if form == "json" else "".join(f"data: {event}\n\n" for event in reply)
        content = content.encode()
        self.send_response(200)
        self.send_header("content-type", "application/json" if form == "json" else "text/event-stream")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"Listening on 127.0.0.1:{server.server_port}", file=sys.stderr, flush=True)
server.serve_forever()
