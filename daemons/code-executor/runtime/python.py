# The Python side of one block, inside the sandbox. Used once, then killed.
#
# Speaks with the executor over descriptor 3: frames of a 4-byte big-endian length and JSON. The
# executor's first frame carries the work and a nonce; every frame from here carries the nonce back.
# Status, limits and identity are the executor's to decide: user code shares this process and can at
# worst lie about its own result.
#
# What only an error needs is imported only then: each import is start-up time of every run.
import ast
import io
import json
import os
import sys
import time
from _thread import allocate_lock

CHANNEL = 3
# More of an error's message or stack helps nobody.
TEXT_MAX = 16 * 1024
ZYGOTE_LIBRARY = "/run/bulkhead/zygote.node"
# What blocks find beside Python's own modules: the platform's, those of their library set, the distribution's.
sys.path += ["/run/bulkhead/modules", "/run/bulkhead/python", "/usr/lib/python3/dist-packages"]


def serve_forks():
    """Becomes a zygote; returns in each fork, in its own sandbox, when there is work.

    Before it nothing may be random, be opened or belong to anybody.
    """
    import asyncio  # noqa: F401 - what blocks use most is loaded once, here
    import collections, dataclasses, datetime, decimal, functools, itertools, keyword, linecache, math, random, re, statistics, traceback  # noqa: E401,F401
    import ctypes
    import gc

    preload(sys.argv[2:])
    library = ctypes.PyDLL(ZYGOTE_LIBRARY)
    library.bulkhead_serve_python.restype = library.bulkhead_wait_for_work.restype = None
    rehearse()
    # A collection in a fork would write to, and so copy, every page that an object lies in.
    gc.collect()
    gc.freeze()
    library.bulkhead_serve_python()
    if "numpy.random" in sys.modules:
        # Else its state, which is the zygote's, would be every fork's.
        sys.modules["numpy.random"].seed()
    library.bulkhead_wait_for_work()


def preload(names):
    """Imports modules for all forks. Threads of theirs would not be in a fork, so they are to have none."""
    import importlib

    alone = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    os.environ.update(alone)
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            print(f"{name} is not preloaded: {error}", file=sys.stderr)
    for name in alone:
        del os.environ[name]


class Rehearsed(BaseException):
    """The end of a rehearsal."""


def rehearse():
    """Does what every fork will do, and says nothing."""
    streams = sys.stdout, sys.stderr
    sources = [
        "print(row)\nreturn [row['id'] + 1]",
        "log('text')\nsums = {}\nfor r in [row]:\n    sums[r['name']] = sums.get(r['name'], 0) + r['id']\nreturn [sums, f'{1.5:.2f}']",
        "raise ValueError('thrown')",
    ]
    for source in sources:
        work = {"kind": "code", "language": "python", "source": source}
        inputs = {"row": {"id": 1, "name": "a"}, "not-a-variable": [1.5, None]}
        start = {"nonce": "", "block": "rehearsal", "work": work, "inputs": inputs, "result_bytes": 1 << 20, "log_bytes": 1 << 20}
        try:
            run(json.loads(json.dumps(start)))
        except Rehearsed:
            pass
    sys.stdout, sys.stderr = streams


class CallError(Exception):
    """A call of the platform that failed; `code` is a word for programs."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class QueryError(CallError):
    """A query() that failed."""


class FetchError(CallError):
    """A request that got no answer."""


class WayOut:
    """Sees to it that urllib.request, if it is ever imported, asks the platform instead of a network that is not there."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "urllib.request":
            return None
        sys.meta_path.remove(WayOut)
        specs = (finder.find_spec(name, path, target) for finder in sys.meta_path)
        spec = next(spec for spec in specs if spec)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            import bulkhead_urllib

            bulkhead_urllib.install(module)

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, WayOut)


def run(rehearsal=None):
    # --- Frames -------------------------------------------------------------------------------

    def read_exactly(length):
        parts = []
        while length:
            part = os.read(CHANNEL, length)
            if not part:
                os._exit(1)
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def receive():
        return json.loads(read_exactly(int.from_bytes(read_exactly(4), "big")))

    def send(frame, raw=b""):
        # Half a surrogate pair is no text to anybody else.
        data = json.dumps({"nonce": nonce, **frame}, ensure_ascii=False).encode("utf-8", "replace")
        if raw:
            data = data[:-1] + b', "value": ' + raw + b"}"
        data = memoryview(len(data).to_bytes(4, "big") + data)
        if rehearsal:
            return
        while data:
            data = data[os.write(CHANNEL, data):]

    start = rehearsal or receive()
    nonce = start["nonce"]
    file_name = start["block"] + ".py"
    source = start["work"]["source"]
    # What it may call of its workflow, by the names of the files that their code says it is in.
    specs = {f"functions/{name}.py": (name, spec) for name, spec in start["work"].get("functions", {}).items()}

    # --- Logs ---------------------------------------------------------------------------------

    budget = [start["log_bytes"]]

    def emit(level, text):
        if budget[0] < 0:
            return
        # One byte more than the budget tells the executor to write its marker.
        text = text[: budget[0] + 1].encode("utf-8", "replace").decode()
        budget[0] -= len(text.encode()) or 1
        send({"kind": "log", "level": level, "time_ms": int(time.time() * 1000), "text": text})

    class Lines(io.TextIOBase):
        """A stream that becomes log lines."""

        def __init__(self, level):
            self.level = level
            self.open = ""

        def writable(self):
            return True

        def write(self, text):
            *lines, self.open = (self.open + text).split("\n")
            for line in lines:
                emit(self.level, line)
            return len(text)

        def finish(self):
            if self.open:
                emit(self.level, self.open)

    sys.stdout, sys.stderr = Lines("info"), Lines("error")
    streams = (sys.stdout, sys.stderr)

    def log(*values):
        emit("info", " ".join(str(value) for value in values))

    # --- Calls --------------------------------------------------------------------------------

    asking = allocate_lock()

    def ask(kind, failure, **fields):
        # One at a time: answers come in no other order, and threads would take those of one another.
        with asking:
            send({"kind": kind, **fields})
            answer = receive()
        if answer.get("error"):
            raise failure(answer["error"]["code"], answer["error"]["message"])
        return answer.get("value")

    def query(name, parameters=None):
        if not isinstance(name, str):
            raise TypeError("query(name, parameters): name must be a string")
        if not isinstance(parameters or {}, dict):
            raise TypeError("query(name, parameters): parameters must be a dict, for example {'id': 7}")
        return ask("query", QueryError, query=name, parameters=json.loads(encode(parameters or {})))

    def secret(name):
        if not isinstance(name, str):
            raise TypeError("secret(name): name must be a string")
        return ask("secret", CallError, secret=name)

    def fetch(method, url, headers=(), body=None, redirect="follow"):
        request = {"method": method, "url": url, "headers": list(headers), "redirect": redirect}
        if body is not None:
            import base64

            request["body"] = base64.b64encode(body).decode()
        return ask("fetch", FetchError, fetch=request)

    # For modules, and for functions that are not in the block itself.
    platform = type(sys)("bulkhead", "What a block can ask of the platform.")
    platform.__dict__.update(query=query, secret=secret, log=log, fetch=fetch, QueryError=QueryError, FetchError=FetchError)
    sys.modules["bulkhead"] = platform

    # --- The end ------------------------------------------------------------------------------

    def encode(value):
        return json.dumps(value, default=plain, allow_nan=False, ensure_ascii=False).encode()

    def plain(value):
        # Dates and times, also pandas'; decimals as text, so that no digit is lost.
        if hasattr(value, "isoformat"):
            return value.isoformat()
        if type(value).__name__ == "Decimal":
            return str(value)
        if hasattr(value, "item") and callable(value.item):
            return value.item()
        raise TypeError(f"a value of type {type(value).__name__} has no JSON")

    def finish(frame, raw=b""):
        for stream in streams:
            stream.finish()
        send(frame, raw)
        if rehearsal:
            raise Rehearsed
        # The executor ends a fork when it has looked at what was used.
        while forked:
            time.sleep(60)
        os._exit(0)

    def fail(kind, **fields):
        for name in ("name", "message", "stack"):
            if len(fields.get(name) or "") > TEXT_MAX:
                fields[name] = fields[name][:TEXT_MAX] + " [cut]"
        finish({"kind": "error", "error": {"kind": kind, **fields}})

    def fail_with(error):
        if isinstance(error, SystemExit):
            code = error.code if isinstance(error.code, int) else int(error.code is not None)
            for stream in streams:
                stream.finish()
            os._exit(code & 255)
        if isinstance(error, MemoryError):
            # The block's frames hold what it held, and with that there is no memory to say anything.
            error.__traceback__ = error.__context__ = error.__cause__ = None
            fail("memory", name="MemoryError", message="the code ran out of memory")
        import linecache
        import traceback

        name = type(error).__name__
        if isinstance(error, SyntaxError) and error.filename == file_name:
            fail("syntax", name=name, message=str(error.msg), line=error.lineno, column=error.offset)
        if isinstance(error, SyntaxError) and error.filename in specs:
            fail("syntax", message=f"{within(error.filename, error.lineno)}{name}: {error.msg}")
        sources = {file: spec["source"] for file, (_, spec) in specs.items() if spec["kind"] == "code"}
        for file, text in {**sources, file_name: source}.items():
            linecache.cache[file] = (len(text), None, (text + "\n").splitlines(True), file)
        summary = traceback.extract_tb(error.__traceback__)
        frames = [frame for frame in summary if frame.filename == file_name or frame.filename in specs]
        place = {}
        # What arose in a function has the place of the call in the block, and says its own.
        for frame in reversed(frames):
            if frame.filename == file_name:
                place["line"] = frame.lineno
                column = getattr(frame, "colno", None)
                if column is not None:
                    place["column"] = column + 1
                break
        if frames:
            place["stack"] = "".join(traceback.format_list(frames)).rstrip()
        kind = "query-failed" if isinstance(error, QueryError) else "thrown"
        try:
            text = str(error)
        except BaseException:
            text = "the code raised an error that cannot be described"
        if frames and frames[-1].filename in specs:
            fail(kind, message=f"{within(frames[-1].filename, frames[-1].lineno)}{name}: {text}", **place)
        fail(kind, name=name, message=text, **place)

    def within(file, line):
        """A function in the words of an error. The source of a query is nobody's."""
        name, spec = specs[file]
        return f"function `{name}`: " if spec["kind"] == "query" else f"function `{name}`, line {line}: "

    # --- User code ----------------------------------------------------------------------------

    def awaits(node):
        """Whether the body itself, and not a function in it, awaits."""
        if isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
            return True
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return False
        if isinstance(node, ast.comprehension) and node.is_async:
            return True
        return any(awaits(child) for child in ast.iter_child_nodes(node))

    def compile_body(name, file, source, variables, scope):
        """The source as the body of a function, so that `return` works and inputs can be assigned to.

        The tree is wrapped and not the text: lines, columns and strings over several lines stay
        what they were.
        """
        body = ast.parse(source, file).body or [ast.Pass(lineno=1, col_offset=0)]
        asynchronous = any(awaits(node) for node in body)
        # Under a name of ours: one such as `round` would hide Python's own from the body.
        module = ast.parse(f"{'async ' if asynchronous else ''}def __body__(): pass", file)
        module.body[0].body = body
        module.body[0].args.args = [ast.arg(arg=name, lineno=1, col_offset=0) for name in variables]
        scope = {"__name__": "__main__", "__builtins__": __builtins__, **scope}
        exec(compile(module, file, "exec"), scope)
        function = scope.pop("__body__")
        function.__name__ = function.__qualname__ = name
        function.__code__ = function.__code__.replace(co_name=name)
        return function, asynchronous

    class Functions:
        """What the code may call of its workflow. A function is compiled when it is first asked for: a mention in a text is no call.

        They see their parameters, one another and the platform, and nothing of the run.
        """

        def __getattr__(self, name):
            file = f"functions/{name}.py"
            if file not in specs:
                raise AttributeError(f"functions.{name}: the workflow has no such function for Python; add it, or mend the name")
            spec = specs[file][1]
            parameters = spec["parameters"]
            bound = ", ".join(f"{parameter!r}: {parameter}" for parameter in parameters)
            text = f"return query({name!r}, {{{bound}}})" if spec["kind"] == "query" else spec["source"]
            scope = {"query": query, "secret": secret, "log": log, "QueryError": QueryError, "functions": self}
            function, _ = compile_body(name, file, text, parameters, scope)
            setattr(self, name, function)
            return function

    inputs = start["inputs"]
    given = {"inputs": inputs, "query": query, "secret": secret, "log": log, "QueryError": QueryError}
    from keyword import iskeyword

    for name, value in inputs.items():
        # inputs['class'] stays reachable where `class` cannot be a variable.
        if name not in given and name.isidentifier() and not iskeyword(name):
            given[name] = value
    try:
        if specs:
            given["functions"] = Functions()
        block, asynchronous = compile_body("block", file_name, source, list(given), {})
        value = block(*given.values())
        if asynchronous:
            import asyncio

            value = asyncio.run(value)
    except BaseException as error:
        fail_with(error)
    try:
        result = encode(value)
    except MemoryError as error:
        fail_with(error)
    except Exception as error:
        fail("result-not-json", name=type(error).__name__, message=f"the result cannot be written as JSON: {error}")
    if len(result) > start["result_bytes"]:
        limit = start["result_bytes"]
        message = f"the result takes {len(result)} bytes and may take {limit}: return less, or page through it"
        fail("result-too-large", name="ValueError", message=message)
    finish({"kind": "result"}, result)


forked = sys.argv[1:2] == ["zygote"]
if forked:
    serve_forks()
    del sys.argv[1:]
run()
