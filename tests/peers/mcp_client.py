"""Asks a server of the Model Context Protocol that semac has built, with the official SDK as the client.

mcp_client.py stdio EXECUTABLE | http URL
"""

import asyncio
import sys

from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError


def text(result):
    return [block.text for block in result.content if block.type == "text"]


async def ask(server, mode):
    async with Client(server, mode=mode) as client:
        expected = "2026-07-28" if mode == "auto" else "2025-11-25"
        assert client.protocol_version == expected, client.protocol_version
        assert client.server_capabilities.tools is not None
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert sorted(tools) == ["add", "divide", "greet", "pause", "picture"], tools
        schema = tools["greet"].input_schema
        assert schema["required"] == ["name"], schema
        assert schema["properties"]["manner"]["enum"] == ["short", "long"], schema

        result = await client.call_tool("greet", {"name": "Zoë", "manner": "long"})
        assert text(result) == ["A very good day to you, Zoë."] and not result.is_error, result
        result = await client.call_tool("divide", {"dividend": 1, "divisor": 0})
        assert result.is_error and "zero" in text(result)[0], result
        result = await client.call_tool("greet", {})
        assert result.is_error and "missing key: name" in text(result)[0], result
        result = await client.call_tool("picture", {})
        assert [block.type for block in result.content] == ["text", "image"], result
        assert result.content[1].mime_type == "image/gif", result
        results = await asyncio.gather(*(client.call_tool("pause", {"milliseconds": 20}) for _ in range(20)))
        assert all(text(result) == ["waited 20 ms"] for result in results)
        try:
            await client.call_tool("nobody", {})
            raise AssertionError("a tool that is not there was called")
        except MCPError as error:
            assert error.error.code == -32602, error.error
        try:
            async with asyncio.timeout(0.2):
                await client.call_tool("pause", {"milliseconds": 60000})
            raise AssertionError("a call that was cancelled has ended")
        except TimeoutError:
            pass
        result = await client.call_tool("greet", {"name": "again"})
        assert text(result) == ["Hello, again."], result


async def main(transport, where):
    server = StdioServerParameters(command=where) if transport == "stdio" else where
    for mode in ("legacy", "auto"):
        async with asyncio.timeout(30):
            await ask(server, mode)
        print(f"{transport} {mode}: fine")


asyncio.run(main(*sys.argv[1:]))
