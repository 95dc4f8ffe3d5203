"""A server of gRPC for tests: its methods answer what they are asked, and it keeps what has happened in `seen.jsonl`.

Arguments: port, directory, and options: `v1`, `v1alpha` (reflection), `tls`, `token`. Its descriptors are written to `set.pb`.
"""

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, duration_pb2, message_factory, struct_pb2, timestamp_pb2, wrappers_pb2
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha import reflection_pb2

PORT, DIRECTORY, OPTIONS = sys.argv[1], sys.argv[2], sys.argv[3:]
Field = descriptor_pb2.FieldDescriptorProto
IMPORTS = [any_pb2, duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2]
lock = threading.Lock()


def note(**what):
    with lock, open(f"{DIRECTORY}/seen.jsonl", "a") as seen:
        seen.write(json.dumps(what) + "\n")


def add_message(holder, name, fields, entry=False):
    """Fields: name, type (a scalar's, or the name of a message or enum) and the options `repeated`, `oneof`, `optional`."""
    message = holder.add(name=name)
    message.options.map_entry = entry
    for number, (field, kind, *how) in enumerate(fields, 1):
        added = message.field.add(name=field, number=number)
        added.label = Field.LABEL_REPEATED if "repeated" in how else Field.LABEL_OPTIONAL
        if kind.startswith("."):
            added.type = Field.TYPE_ENUM if kind.endswith("Level") else Field.TYPE_MESSAGE
            added.type_name = kind
        else:
            added.type = getattr(Field, f"TYPE_{kind.upper()}")
        if "oneof" in how:
            if not message.oneof_decl:
                message.oneof_decl.add(name="kind")
            added.oneof_index = 0
        if "optional" in how:
            added.proto3_optional = True
            message.oneof_decl.add(name=f"_{field}")
            added.oneof_index = len(message.oneof_decl) - 1
    return message


def build():
    levels = descriptor_pb2.FileDescriptorProto(name="shop/level.proto", package="shop.v1", syntax="proto3")
    level = levels.enum_type.add(name="Level")
    for number, name in enumerate(["LEVEL_UNSPECIFIED", "LOW", "HIGH"]):
        level.value.add(name=name, number=number)
    shop = descriptor_pb2.FileDescriptorProto(name="shop/shop.proto", package="shop.v1", syntax="proto3")
    shop.dependency.append("shop/level.proto")
    shop.dependency.extend(part.DESCRIPTOR.name for part in IMPORTS)
    add_message(shop.message_type, "Line", [("sku", "string"), ("pieces", "int32")])
    order = add_message(shop.message_type, "Order", [
        ("order_id", "int64"), ("serial", "uint64"), ("total", "double"), ("small", "float"), ("label", "bytes"),
        ("level", ".shop.v1.Level"), ("card", "string", "oneof"), ("cash", "bool", "oneof"), ("lines", ".shop.v1.Line", "repeated"),
        ("tags", ".shop.v1.Order.TagsEntry", "repeated"), ("note", ".google.protobuf.StringValue"), ("placed", ".google.protobuf.Timestamp"),
        ("took", ".google.protobuf.Duration"), ("more", ".google.protobuf.Any"), ("free", ".google.protobuf.Struct"),
        ("first", ".shop.v1.Line"), ("counts", "uint32", "repeated"), ("rank", "int32", "optional"),
    ])
    tags = add_message(order.nested_type, "TagsEntry", [("key", "string"), ("value", "int64")], entry=True)
    assert tags.options.map_entry
    add_message(shop.message_type, "Ask", [("count", "int32"), ("wait_ms", "int32"), ("code", "int32"), ("text", "string"), ("bytes", "int32")])
    add_message(shop.message_type, "Orders", [("orders", ".shop.v1.Order", "repeated"), ("next", "string")])
    add_message(shop.message_type, "Told", [("metadata", ".shop.v1.Told.MetadataEntry", "repeated"), ("left_ms", "int64")])
    add_message(shop.message_type[-1].nested_type, "MetadataEntry", [("key", "string"), ("value", "string")], entry=True)
    service = shop.service.add(name="Shop")
    for name, takes, gives, *how in METHODS:
        method = service.method.add(name=name, input_type=takes, output_type=gives)
        method.client_streaming, method.server_streaming = "takes-stream" in how, "stream" in how
        if "reads" in how:
            method.options.idempotency_level = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
    return [levels, shop]


METHODS = [
    ("Echo", ".shop.v1.Order", ".shop.v1.Order", "reads"),
    ("Create", ".shop.v1.Order", ".shop.v1.Order"),
    ("List", ".shop.v1.Ask", ".shop.v1.Orders", "reads"),
    ("Tell", ".shop.v1.Ask", ".shop.v1.Told", "reads"),
    ("Fail", ".shop.v1.Ask", ".shop.v1.Orders"),
    ("Watch", ".shop.v1.Ask", ".shop.v1.Order", "stream"),
    ("Times", ".shop.v1.Ask", ".google.protobuf.Timestamp", "stream"),
    ("Upload", ".shop.v1.Order", ".shop.v1.Orders", "takes-stream"),
]
FILES = build()
POOL = descriptor_pool.DescriptorPool()
for part in IMPORTS:
    POOL.AddSerializedFile(part.DESCRIPTOR.serialized_pb)
for file in FILES:
    POOL.Add(file)
for_name = lambda name: message_factory.GetMessageClass(POOL.FindMessageTypeByName(name.lstrip(".")))
Order, Orders, Told = for_name("shop.v1.Order"), for_name("shop.v1.Orders"), for_name("shop.v1.Told")
with open(f"{DIRECTORY}/set.pb", "wb") as out:
    known = []
    for part in IMPORTS:
        known.append(descriptor_pb2.FileDescriptorProto())
        part.DESCRIPTOR.CopyToProto(known[-1])
    out.write(descriptor_pb2.FileDescriptorSet(file=[*known, *FILES]).SerializeToString())


def echo(order, context):
    context.send_initial_metadata((("x-first", "a"), ("x-first", "b"), ("x-raw-bin", b"\x00\xff")))
    context.set_trailing_metadata((("x-last", "z"),))
    return order


def create(order, context):
    note(created=order.order_id)
    if order.card == "slow":
        time.sleep(60)
    if order.card == "busy":
        context.abort(grpc.StatusCode.UNAVAILABLE, "come again")
    return order


def list_orders(ask, context):
    answer = Orders(next="more")
    for number in range(ask.count):
        answer.orders.add(order_id=number + 1, label=b"x" * ask.bytes)
    return answer


def tell(ask, context):
    told = Told(left_ms=int((context.time_remaining() or 0) * 1000))
    for key, value in context.invocation_metadata():
        told.metadata[key] = value.hex() if isinstance(value, bytes) else value
    return told


def fail(ask, context):
    note(failed=ask.code)
    if ask.text == "details":
        # google.rpc.Status with one google.rpc.BadRequest: a violation of the field `name`.
        violation = b"\x0a\x04name\x12\x08is empty"
        bad = b"\x0a" + bytes([len(violation)]) + violation
        detail = any_pb2.Any(type_url="type.googleapis.com/google.rpc.BadRequest", value=bad).SerializeToString()
        context.set_trailing_metadata((("grpc-status-details-bin", b"\x08\x03\x1a" + bytes([len(detail)]) + detail),))
    context.abort(next(code for code in grpc.StatusCode if code.value[0] == ask.code), f"as asked: {ask.text}\nünd so")


def watch(ask, context):
    context.add_callback(lambda: note(ended=ask.text, left=context.code() is None))
    for number in range(ask.count):
        yield Order(order_id=number + 1, card=ask.text, label=b"x" * ask.bytes)
        time.sleep(ask.wait_ms / 1000)
    if ask.code:
        context.abort(grpc.StatusCode.DATA_LOSS, "no more")


def times(ask, context):
    for number in range(ask.count):
        yield timestamp_pb2.Timestamp(seconds=number)


RUN = {"Echo": echo, "Create": create, "List": list_orders, "Tell": tell, "Fail": fail, "Watch": watch, "Times": times, "Upload": lambda orders, _: Orders(orders=list(orders))}


def handlers():
    found = {}
    for name, takes, gives, *how in METHODS:
        codec = {"request_deserializer": for_name(takes).FromString, "response_serializer": lambda message: message.SerializeToString()}
        if "stream" in how:
            found[name] = grpc.unary_stream_rpc_method_handler(RUN[name], **codec)
        elif "takes-stream" in how:
            found[name] = grpc.stream_unary_rpc_method_handler(RUN[name], **codec)
        else:
            found[name] = grpc.unary_unary_rpc_method_handler(RUN[name], **codec)
    return grpc.method_handlers_generic_handler("shop.v1.Shop", found)


class Token(grpc.ServerInterceptor):
    def intercept_service(self, continuation, call):
        if ("authorization", "Bearer s3cret") in call.invocation_metadata:
            return continuation(call)
        return grpc.stream_stream_rpc_method_handler(lambda _, context: context.abort(grpc.StatusCode.UNAUTHENTICATED, "no such token"))


server = grpc.server(ThreadPoolExecutor(16), interceptors=[Token()] if "token" in OPTIONS else [])
server.add_generic_rpc_handlers((handlers(),))
names = ("shop.v1.Shop", reflection.SERVICE_NAME)
if "v1alpha" in OPTIONS:
    reflection.enable_server_reflection(names, server, pool=POOL)
if "v1" in OPTIONS:
    servicer = reflection.ReflectionServicer(names, POOL)
    info = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.reflection.v1.ServerReflection", {"ServerReflectionInfo": info}),))
if "tls" in OPTIONS:
    read = lambda name: open(f"{DIRECTORY}/{name}", "rb").read()
    server.add_secure_port(f"127.0.0.1:{PORT}", grpc.ssl_server_credentials([(read("server.key"), read("server.crt"))]))
else:
    server.add_insecure_port(f"127.0.0.1:{PORT}")
server.start()
server.wait_for_termination()
