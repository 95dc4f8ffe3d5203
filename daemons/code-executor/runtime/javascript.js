// The JavaScript side of one block, inside the sandbox. Used once, then killed.
//
// Speaks with the executor over descriptor 3: frames of a 4-byte big-endian length and JSON. The
// executor's first frame carries the work and a nonce; every frame from here carries the nonce back,
// which user code does not know. Status, limits and identity are the executor's to decide: user code
// shares this process and can at worst lie about its own result.
//
// Everything used after user code has run is taken out of reach first, so that a block which changes
// a prototype breaks its own code and not its own error message.
'use strict';

(() => {
  const fs = require('fs');
  const net = require('net');
  const v8 = require('v8');
  const vm = require('vm');
  const { Console } = require('console');
  const { Writable } = require('stream');

  const CHANNEL = 3;
  // More of an error's message or stack helps nobody.
  const TEXT_MAX = 16 * 1024;
  // Where import() looks for libraries from.
  const HOME = '/run/bulkhead/';
  // The names of the sources of functions begin so.
  const FUNCTIONS = `${HOME}functions/`;
  const { parse, stringify } = JSON;
  const { writeSync, readSync } = fs;
  const byteLength = Buffer.byteLength;
  const now = Date.now;
  const sleepCell = new Int32Array(new SharedArrayBuffer(4));

  // Started with this word, the process is a zygote.
  const zygote = process.argv[2] === 'zygote' ? loadZygote() : null;
  const exit = zygote ? zygote.exit : process.reallyExit.bind(process);
  // Where frames come from and go to; a rehearsal has others.
  let incoming = CHANNEL;
  let outgoing = CHANNEL;
  let rehearsing = false;

  function loadZygote() {
    const library = { exports: {} };
    process.dlopen(library, '/run/bulkhead/zygote.node');
    return library.exports;
  }

  // --- Frames -----------------------------------------------------------------------------------

  function readExactly(length) {
    const buffer = Buffer.alloc(length);
    for (let at = 0; at < length; ) {
      const got = readSync(incoming, buffer, at, length - at);
      if (got === 0) exit(1);
      at += got;
    }
    return buffer;
  }

  // Blocking, so that a log line is out before the line of code after it runs, and an endless loop
  // still shows what it logged. The descriptor turns non-blocking with the first query().
  function send(json) {
    const body = Buffer.from(json, 'utf8');
    const frame = Buffer.allocUnsafe(4 + body.length);
    frame.writeUInt32BE(body.length, 0);
    body.copy(frame, 4);
    for (let at = 0; at < frame.length; ) {
      try {
        at += writeSync(outgoing, frame, at, frame.length - at);
      } catch (error) {
        if (error.code !== 'EAGAIN') exit(1);
        Atomics.wait(sleepCell, 0, 0, 1);
      }
    }
  }

  // JSON.stringify writes half a surrogate pair as an escape, which is no text to anybody else.
  function wellFormed(json) {
    if (!json.includes('\\ud')) return json;
    return stringify(parse(json), (_, value) => (typeof value === 'string' ? Buffer.from(value).toString() : value));
  }

  const receive = () => parse(readExactly(readExactly(4).readUInt32BE(0)).toString('utf8'));

  // --- The work ---------------------------------------------------------------------------------

  // What the executor's first frame says, and what follows from it.
  let start, fileName, userFrame, functionFrame, head, logBudget, callable, names, values;

  function begin(frame) {
    start = frame;
    fileName = `${HOME}${start.block}.js`;
    userFrame = new RegExp(`[ (]${fileName.replace('.', '\\.')}:(\\d+):(\\d+)\\)?$`);
    functionFrame = new RegExp(`[ (]${FUNCTIONS}(\\w+)\\.js:(\\d+):(\\d+)\\)?$`);
    head = `{"nonce":${stringify(start.nonce)},"kind":`;
    logBudget = start.log_bytes;
    callable = noFunctions();
    const given = new Map(Object.entries({ inputs: start.inputs, query, secret, log, require, ...(start.work.functions && { functions: callable }) }));
    for (const [name, value] of Object.entries(start.inputs)) {
      // `inputs.class` stays reachable where `class` cannot be a variable.
      if (!given.has(name) && isVariable(name)) given.set(name, value);
    }
    names = [...given.keys()];
    values = [...given.values()];
  }

  // --- Logs -------------------------------------------------------------------------------------

  function emit(level, text) {
    if (logBudget < 0) return;
    // One byte more than the budget tells the executor to write its marker.
    if (text.length > logBudget) text = text.slice(0, logBudget + 1);
    logBudget -= byteLength(text) || 1;
    // A lone surrogate is no JSON text; the way through a buffer replaces it.
    send(`${head}"log","level":"${level}","time_ms":${now()},"text":${stringify(Buffer.from(text).toString())}}`);
  }

  const sink = (level) => ({ write: (text) => emit(level, text.endsWith('\n') ? text.slice(0, -1) : text) });
  const consoleOf = (level) => new Console({ stdout: sink(level), stderr: sink(level), ignoreErrors: false });
  const console = consoleOf('info');
  for (const [method, level] of [['debug', 'debug'], ['warn', 'warn'], ['error', 'error'], ['trace', 'error'], ['assert', 'error']]) {
    const other = consoleOf(level);
    console[method] = other[method].bind(other);
  }
  globalThis.console = console;

  // A stream of lines, for code that writes to process.stdout itself.
  function lines(level) {
    let open = '';
    return new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        const parts = (open + chunk).split('\n');
        open = parts.pop();
        for (const line of parts) emit(level, line);
        done();
      },
    });
  }
  for (const [name, level] of [['stdout', 'info'], ['stderr', 'error']]) {
    Object.defineProperty(process, name, { value: lines(level), configurable: true });
  }

  // There is no /proc to read the resident size from.
  process.memoryUsage = () => {
    const heap = v8.getHeapStatistics();
    return {
      rss: process.resourceUsage().maxRSS * 1024,
      heapTotal: heap.total_heap_size,
      heapUsed: heap.used_heap_size,
      external: heap.external_memory,
      arrayBuffers: heap.external_memory,
    };
  };

  // --- Calls ------------------------------------------------------------------------------------

  class QueryError extends Error {
    name = 'QueryError';
  }

  // The executor answers by the number of the call, which is the order in which they were sent.
  const pending = new Map();
  // No more are under way than the executor makes at once: sending more, this side would wait for it to read, and it for this side.
  const CALLS_IN_FLIGHT = 16;
  const unsent = [];
  let calls = 0;
  let socket = null;

  function listen() {
    socket = new net.Socket({ fd: CHANNEL, readable: true, writable: false });
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= 4 + received.readUInt32BE(0)) {
        const end = 4 + received.readUInt32BE(0);
        answer(parse(received.toString('utf8', 4, end)));
        received = received.subarray(end);
      }
    });
    socket.on('error', () => exit(1));
  }

  function answer(frame) {
    const waiting = pending.get(frame.call);
    pending.delete(frame.call);
    sendCalls();
    if (pending.size === 0) socket.unref();
    if (frame.error) waiting.reject(Object.assign(waiting.failure, frame.error));
    else waiting.resolve(frame.value);
  }

  // `failure` is made by the caller, so that its stack shows the call and not the arrival of the answer.
  function ask(kind, fields, failure) {
    if (socket === null) listen();
    socket.ref();
    return new Promise((resolve, reject) => {
      unsent.push({ json: wellFormed(`${head}"${kind}",${fields}}`), resolve, reject, failure });
      sendCalls();
    });
  }

  function sendCalls() {
    while (unsent.length > 0 && pending.size < CALLS_IN_FLIGHT) {
      const call = unsent.shift();
      pending.set(calls++, call);
      send(call.json);
    }
  }

  function query(name, parameters = {}) {
    if (typeof name !== 'string') throw new TypeError("query(name, parameters): name must be a string");
    if (parameters === null || typeof parameters !== 'object' || Array.isArray(parameters)) {
      throw new TypeError("query(name, parameters): parameters must be an object, for example { id: 7 }");
    }
    return ask('query', `"query":${stringify(name)},"parameters":${stringify(parameters)}`, new QueryError());
  }

  function secret(name) {
    if (typeof name !== 'string') throw new TypeError("secret(name): name must be a string");
    return ask('secret', `"secret":${stringify(name)}`, new Error());
  }

  // There is no network here: the platform makes the request, if an administrator allows the host. Request and Response are Node's
  // own, which load when they are first used.
  globalThis.fetch = async function fetch(input, init) {
    const failure = new TypeError('fetch failed');
    const { Request, Response } = globalThis;
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    const bytes = request.body === null ? null : Buffer.from(await request.arrayBuffer()).toString('base64');
    const { url, method, redirect } = request;
    const fetching = stringify({ url, method, redirect, headers: [...request.headers], ...(bytes && { body: bytes }) });
    const aborted = new Promise((_, reject) => {
      request.signal.addEventListener('abort', () => reject(request.signal.reason), { once: true });
    });
    const got = await Promise.race([ask('fetch', `"fetch":${fetching}`, failure), aborted]);
    const hasBody = method !== 'HEAD' && ![204, 205, 304].includes(got.status);
    const response = new Response(hasBody ? Buffer.from(got.body, 'base64') : null, { status: got.status, headers: got.headers });
    return Object.defineProperties(response, { url: { value: got.url }, redirected: { value: got.redirected } });
  };

  const log = (...values) => console.log(...values);

  // --- The end ----------------------------------------------------------------------------------

  function finish(json) {
    send(json);
    if (rehearsing) return;
    // The executor ends a fork when it has looked at what was used.
    while (zygote) Atomics.wait(sleepCell, 0, 0);
    exit(0);
  }

  function fail(kind, fields) {
    for (const name of ['name', 'message', 'stack']) if (fields[name]?.length > TEXT_MAX) fields[name] = `${fields[name].slice(0, TEXT_MAX)} [cut]`;
    finish(wellFormed(`${head}"error","error":${stringify({ kind, ...fields })}}`));
  }

  // Where in the user's source an error arose, and the frames of the user's own code. What arose in a function has the place of the
  // call in the block, and says its own.
  function place(error, sourceLines) {
    const stack = String(error.stack);
    const isBlocks = (line) => line.match(userFrame)?.[1] <= sourceLines;
    const isFunctions = (line) => {
      const [, name, at] = line.match(functionFrame) ?? [];
      return at <= (start.work.functions?.[name]?.source?.split('\n').length ?? 1);
    };
    // A syntax error begins with the place and a line of carets instead of a frame.
    const [first, , carets] = stack.split('\n');
    const uncompiledAt = first.startsWith(FUNCTIONS) ? functionAt(` ${first}:1`) : '';
    const frames = stack.split('\n').filter((line) => /^\s+at /.test(line) && (isBlocks(line) || isFunctions(line)));
    if (frames.length > 0) {
      const at = frames.find(isBlocks)?.match(userFrame);
      return {
        within: uncompiledAt || functionAt(frames[0]),
        ...(at && { line: Number(at[1]), column: Number(at[2]) }),
        stack: frames.map((line) => line.trim().replaceAll(HOME, '')).join('\n'),
      };
    }
    if (uncompiledAt) return { within: uncompiledAt };
    const line = first.startsWith(`${fileName}:`) && first.slice(fileName.length + 1).match(/^\d+/);
    if (!line) return sourceLines === 1 ? { line: 1 } : {};
    const column = carets ? carets.indexOf('^') + 1 : 0;
    return { line: clamp(line[0], sourceLines), ...(column > 0 && { column }) };
  }

  // The function that a frame is in, in the words of an error. The source of a query is nobody's.
  function functionAt(frame) {
    const [, name, line] = frame.match(functionFrame) ?? [];
    const spec = start.work.functions?.[name];
    if (spec === undefined) return '';
    return spec.kind === 'query' ? `function \`${name}\`: ` : `function \`${name}\`, line ${clamp(line, spec.source.split('\n').length)}: `;
  }

  // A source that ends too early fails in the wrapper's last line.
  const clamp = (line, sourceLines) => Math.max(1, Math.min(Number(line), sourceLines));

  function failWith(error, source, prefix = '', compiling = false) {
    try {
      const sourceLines = source.split('\n').length;
      if (error === null || typeof error !== 'object' || !('message' in error)) {
        return fail('thrown', { message: `${prefix}${textOf(error)}` });
      }
      const name = String(error.name);
      const message = String(error.message);
      let kind = compiling || uncompiled.has(error) ? 'syntax' : 'thrown';
      if (error instanceof QueryError) kind = 'query-failed';
      if (name === 'RangeError' && /allocation failed|Invalid array buffer length|Unable to grow instance memory/i.test(message)) kind = 'memory';
      const { within, ...at } = place(error, sourceLines);
      const before = `${prefix}${within ?? ''}`;
      // With words before it the name stands behind them.
      const described = before ? { message: `${before}${name}: ${message}` } : { name, message };
      fail(kind, { ...described, ...at });
    } catch {
      fail('thrown', { message: `${prefix}the code threw a value that cannot be described` });
    }
  }

  const textOf = (value) => (typeof value === 'string' ? value : stringify(value) ?? String(value));

  // JSON of a result; what has no JSON is an error that says so.
  function encode(value) {
    const json = stringify(value) ?? 'null';
    const size = byteLength(json);
    if (size > start.result_bytes) {
      const error = new Error(`the result takes ${size} bytes and may take ${start.result_bytes}: return less, or page through it`);
      error.kind = 'result-too-large';
      throw error;
    }
    return json;
  }

  function failEncoding(error) {
    const kind = error && error.kind === 'result-too-large' ? 'result-too-large' : 'result-not-json';
    const message = kind === 'result-too-large' ? error.message : `the result cannot be written as JSON: ${error && error.message}`;
    fail(kind, { message });
  }

  // --- User code --------------------------------------------------------------------------------

  // What a parameter of an async function cannot be called.
  const RESERVED = new Set(
    ('await break case catch class const continue debugger default delete do else enum export extends false finally for function if ' +
      'import in instanceof new null return super switch this throw true try typeof var void while with').split(' '),
  );
  const isVariable = (name) => /^[A-Za-z_$][\w$]*$/.test(name) && !RESERVED.has(name);

  function compile(before, source, after, filename = fileName, parameters = names) {
    // Older than Node 20.12 there is no import() here, only require().
    const importModuleDynamically = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
    const options = { filename, lineOffset: -1, importModuleDynamically };
    // Two functions, so that code may declare a variable with the name of an input.
    const text = `(function (${parameters.join(', ')}) { return (async () => {${before}\n${source}\n${after}})(); })`;
    return new vm.Script(text, options).runInThisContext();
  }

  // What the code may call of its workflow. It says so itself where there is no such function.
  const noFunctions = () =>
    new Proxy(Object.create(null), {
      get(functions, name) {
        if (name in functions || typeof name === 'symbol') return functions[name];
        throw new TypeError(`functions.${name}: the workflow has no such function for JavaScript; add it, or mend the name`);
      },
    });

  // The errors of functions that do not compile.
  const uncompiled = new WeakSet();

  // Makes the functions. They see their parameters, one another and the platform, and nothing of the run. One is compiled when it is first
  // called: a mention in a text or a comment is no call.
  function defineFunctions() {
    const platform = { query, secret, log, require, functions: callable };
    for (const [name, spec] of Object.entries(start.work.functions)) {
      const { kind, parameters } = spec;
      const known = Object.keys(platform).filter((one) => !parameters.includes(one));
      const own = known.map((one) => platform[one]);
      const source = kind === 'query' ? `return query(${stringify(name)}, { ${parameters.join(', ')} })` : spec.source;
      let body;
      callable[name] = (given = {}, ...more) => {
        body ??= compileFunction(source, `${FUNCTIONS}${name}.js`, [...known, ...parameters]);
        return body(...own, ...argumentsOf(name, parameters, given, more));
      };
    }
  }

  function compileFunction(source, filename, parameters) {
    try {
      return compile('', source, '', filename, parameters);
    } catch (error) {
      uncompiled.add(error);
      throw error;
    }
  }

  function argumentsOf(name, parameters, given, more) {
    const call = `functions.${name}(${parameters.length > 0 ? `{ ${parameters.join(', ')} }` : ''})`;
    const isObject = given !== null && typeof given === 'object' && !Array.isArray(given);
    if (!isObject || more.length > 0) throw new TypeError(`functions.${name} takes its parameters by their names: ${call}`);
    const unknown = Object.keys(given).find((key) => !parameters.includes(key));
    if (unknown !== undefined) throw new TypeError(`functions.${name} has no parameter \`${unknown}\`: ${call}`);
    const missing = parameters.find((parameter) => given[parameter] === undefined);
    if (missing !== undefined) throw new TypeError(`functions.${name} needs \`${missing}\`, which is undefined; give null for nothing: ${call}`);
    return parameters.map((parameter) => given[parameter]);
  }

  async function runCode(source) {
    let block;
    try {
      if (start.work.functions) defineFunctions();
      block = compile('', source, '');
    } catch (error) {
      return failWith(error, source, '', true);
    }
    let value;
    try {
      value = await block(...values);
    } catch (error) {
      return failWith(error, source);
    }
    let json;
    try {
      json = encode(value);
    } catch (error) {
      return failEncoding(error);
    }
    finish(`${head}"result","value":${json}}`);
  }

  async function runExpressions(expressions) {
    const parts = [];
    for (const [key, source] of Object.entries(expressions)) {
      const prefix = `{{ ${source.trim()} }}: `;
      let expression;
      try {
        expression = compile(' return (', source, ');');
      } catch (error) {
        return failWith(error, source, prefix, true);
      }
      let value;
      try {
        value = await expression(...values);
      } catch (error) {
        return failWith(error, source, prefix);
      }
      try {
        parts.push(`${stringify(key)}:${encode(value)}`);
      } catch (error) {
        return failEncoding(error);
      }
    }
    finish(`${head}"result","value":{${parts.join(',')}}}`);
  }

  function handleFailures() {
    for (const event of ['uncaughtException', 'unhandledRejection']) {
      process.on(event, (error) => failWith(error, start.work.source ?? ''));
    }
  }

  function work() {
    if (start.work.kind === 'code') return runCode(start.work.source);
    return runExpressions(start.work.expressions);
  }

  // --- A zygote ---------------------------------------------------------------------------------

  // Serves forks; what follows `serve()` happens in each of them, in its own sandbox, when there is work. Before it nothing may
  // be random, be opened or belong to anybody.
  async function serveForks() {
    // What blocks use most is loaded once, here.
    for (const name of ['async_hooks', 'crypto', 'events', 'stream/promises', 'timers/promises', 'url', 'util', 'zlib']) require(name);
    for (const name of process.argv.splice(3)) {
      try {
        require(name);
      } catch (error) {
        process._rawDebug(`${name} is not preloaded: ${error.message}`);
      }
    }
    handleFailures();
    process.on('exit', exit);
    // Often enough for V8 to have compiled it, and too seldom for it to optimise.
    for (let times = 0; times < 5; times += 1) await rehearse();
    collect();
    const random = zygote.serve();
    // Math.random would be the same in every fork: the seed is 31 bits, so some numbers of its sequence are skipped too.
    v8.setFlagsFromString(`--random-seed=${1 + (random % 0x7fffffff)}`);
    for (let skipped = Math.floor(random / 0x7fffffff) % 256; skipped > 0; skipped -= 1) Math.random();
    // The threads that Node would wait for at its end have not been copied.
    process.reallyExit = exit;
    Object.defineProperty(process, 'pid', { value: 1, configurable: true });
    process.argv.pop();
    zygote.waitForWork();
  }

  // Does once what every fork will do, so that none has to compile it: V8 compiles a function when it is first called.
  async function rehearse() {
    rehearsing = true;
    outgoing = fs.openSync('/dev/null', 'w');
    const limits = { nonce: '', block: 'rehearsal', inputs: { row: { id: 1, name: 'a' }, 'not-a-variable': [1.5, null] }, result_bytes: 1e6, log_bytes: 1e6 };
    const sources = [
      'console.log(row); await null; return { rows: [row].map(({ id }) => ({ id })) };',
      'console.log(row, "text", 1); console.error(new Error("shown")); log(row); return new Date(0);',
      'await null; const sum = [1, 2].reduce((a, b) => a + b, 0); return `${sum} ${JSON.stringify(inputs)}`;',
      'throw new TypeError("thrown")',
      'this is no JavaScript',
    ];
    const functions = { gross: { kind: 'code', parameters: ['net'], source: 'return net * 2' } };
    for (const rehearsed of [...sources.map((source) => ({ source })), { source: 'return functions.gross({ net: row.id })', functions }]) {
      const body = stringify({ ...limits, work: { kind: 'code', ...rehearsed } });
      fs.writeFileSync('/tmp/frame', `\0\0${String.fromCharCode(body.length >> 8, body.length & 255)}${body}`, 'latin1');
      incoming = fs.openSync('/tmp/frame');
      begin(receive());
      fs.closeSync(incoming);
      await work();
    }
    await runExpressions({ one: 'row.id', two: 'row.name ?? ""', three: 'row.id >= 1' });
    await runExpressions({ four: 'nothing.at.all' });
    fs.unlinkSync('/tmp/frame');
    fs.closeSync(outgoing);
    incoming = outgoing = CHANNEL;
    rehearsing = false;
  }

  // What the zygote leaves behind would be collected in every fork.
  function collect() {
    v8.setFlagsFromString('--expose-gc');
    vm.runInNewContext('gc')();
    v8.setFlagsFromString('--no-expose-gc');
    // V8 sweeps when it next allocates, which would be in every fork, unless somebody asks for something that it has to walk for.
    v8.getHeapCodeStatistics();
  }

  if (zygote) {
    serveForks().then(() => {
      begin(receive());
      work();
    });
  } else {
    begin(receive());
    handleFailures();
    work();
  }
})();
