"""Rows W1 to W3 on Temporal: one activity a step. Usage: temporal_chain.py TEMPORAL_PORT HTTP_PORT STEPS chain|fan

Serves POST /run itself, so that all peers are measured through one HTTP request.
"""

import asyncio
import json
import sys
import uuid
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker


@activity.defn
async def step(value: int) -> int:
    return value + 1


@workflow.defn
class Chain:
    @workflow.run
    async def run(self, value: int, steps: int) -> int:
        for _ in range(steps):
            value = await workflow.execute_activity(step, value, start_to_close_timeout=timedelta(seconds=10))
        return value


@workflow.defn
class Fan:
    @workflow.run
    async def run(self, value: int, steps: int) -> int:
        timeout = timedelta(seconds=10)
        tasks = [workflow.execute_activity(step, value, start_to_close_timeout=timeout) for _ in range(steps)]
        return sum(await asyncio.gather(*tasks))


async def connect(port: str) -> Client:
    for _ in range(100):
        try:
            return await Client.connect(f"127.0.0.1:{port}")
        except RuntimeError:
            await asyncio.sleep(0.2)
    raise SystemExit("the Temporal server does not answer")


async def serve(client: Client, port: int, steps: int, shape: str) -> None:
    run = Fan.run if shape == "fan" else Chain.run

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            except asyncio.IncompleteReadError:
                writer.close()
                return
            length = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:")), 0)
            body = json.loads(await reader.readexactly(length))
            value = await client.execute_workflow(
                run, args=[body["n"], steps], id=str(uuid.uuid4()), task_queue="chain"
            )
            answer = json.dumps({"n": value}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(answer), answer))
            await writer.drain()

    async with await asyncio.start_server(handle, "127.0.0.1", port) as server:
        await server.serve_forever()


async def main() -> None:
    temporal_port, http_port, steps, shape = sys.argv[1:5]
    client = await connect(temporal_port)
    async with Worker(client, task_queue="chain", workflows=[Chain, Fan], activities=[step]):
        await serve(client, int(http_port), int(steps), shape)


# The SDK imports this module again in its workflow sandbox.
if __name__ == "__main__":
    asyncio.run(main())
