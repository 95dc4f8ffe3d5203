"""Takes all messages of a queue and writes them as JSON. Words: port, queue."""

import base64
import json
import sys

import pika

parameters = pika.ConnectionParameters(
    "127.0.0.1", int(sys.argv[1]), credentials=pika.PlainCredentials("tools", "s3cret")
)
channel = pika.BlockingConnection(parameters).channel()
messages = []
while True:
    method, properties, body = channel.basic_get(sys.argv[2], auto_ack=True)
    if method is None:
        break
    message = {name.replace("_", "-"): value for name, value in vars(properties).items() if value is not None}
    message["exchange"] = method.exchange
    message["routing-key"] = method.routing_key
    message["body"] = base64.b64encode(body).decode()
    messages.append(message)
print(json.dumps(messages))
