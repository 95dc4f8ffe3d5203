//! Attacks in JavaScript, as blocks: each row is a source and what must come of it. `tried` gives the code or the message of what
//! an attempt failed with, or `worked`.

use serde_json::{Value, json};

use crate::executor::{Executor, LENIENT};

const TRIED: &str = "const fs = require('fs'), cp = require('child_process'), net = require('net'), os = require('os'), vm = require('vm');
const tried = async (attempt) => { try { await attempt(); return 'worked' } catch (error) { return error.code ?? error.name } };
const event = (emitter, name) => new Promise((done, failed) => emitter.on(name, done).on('error', failed));\n";

/// What must become of an attack.
enum Expect {
    /// The block ends well, with this.
    Gives(Value),
    /// One of these codes is what the attempt failed with.
    Fails(&'static str),
    /// The block fails with one of these kinds.
    Ends(&'static str),
}
use Expect::{Ends, Fails, Gives};

fn table(port: u16) -> Vec<(&'static str, String, Expect)> {
    let row = |name, source: &str, expect| (name, source.to_owned(), expect);
    vec![
        // Processes.
        row("spawn", "return tried(() => event(cp.spawn('/usr/bin/id'), 'exit'))", Fails("EPERM")),
        row("exec a shell", "return tried(() => cp.execSync('id'))", Fails("EPERM")),
        row("fork itself", "return tried(() => event(cp.fork('/tmp/x.js'), 'exit'))", Fails("EPERM")),
        row(
            "kill PID 1 of the host",
            "return tried(() => process.kill(1, 0)).then(() => process.pid)",
            Gives(json!(1)),
        ),
        row(
            "kill others",
            "let found = 0; for (let pid = 3; pid < 5000; pid++) if (await tried(() => process.kill(pid, 0)) !== 'ESRCH') found++; return found",
            Gives(json!(0)),
        ),
        row("become root", "return tried(() => process.setuid(0))", Fails("EPERM")),
        row("become group root", "return tried(() => process.setgroups([0]))", Fails("EPERM")),
        row("change its priority", "return tried(() => os.setPriority(-20))", Fails("EPERM|EACCES|ERR_SYSTEM_ERROR")),
        row(
            "debug itself",
            "return tried(() => process.kill(process.pid, 'SIGUSR1')).then(() => new Promise((done) => setTimeout(done, 200))).then(() => require('inspector').url() ?? null)",
            Gives(json!(null)),
        ),
        row(
            "open the inspector",
            "require('inspector').open(0, '127.0.0.1'); return require('inspector').url() ?? null",
            Gives(json!(null)),
        ),
        // Network.
        row(
            "connect",
            &format!("return tried(() => event(net.connect({port}, '127.0.0.1'), 'connect'))"),
            Fails("EPERM"),
        ),
        row("listen", "return tried(() => event(net.createServer().listen(0), 'listening'))", Fails("EPERM")),
        row(
            "listen on a Unix socket",
            "return tried(() => event(net.createServer().listen('/tmp/s'), 'listening'))",
            Fails("EPERM"),
        ),
        row(
            "reach a host's Unix socket",
            "return tried(() => event(net.connect('/run/systemd/private'), 'connect'))",
            Fails("EPERM|ENOENT"),
        ),
        row(
            "send a datagram",
            "const socket = require('dgram').createSocket('udp4'); return tried(() => { socket.send('x', 9, '127.0.0.1'); return event(socket, 'listening') })",
            Fails("EPERM"),
        ),
        row(
            "resolve a name",
            "return tried(() => require('dns').promises.lookup('example.org'))",
            Fails("EAI_AGAIN|EAI_FAIL|ENOTFOUND|EPERM"),
        ),
        row(
            "ask a name server",
            "return tried(() => require('dns').promises.resolve4('example.org'))",
            Fails("ECONNREFUSED|ETIMEOUT|EPERM|ENOTFOUND|ESERVFAIL"),
        ),
        row(
            "http",
            &format!("return tried(() => event(require('http').get('http://127.0.0.1:{port}'), 'response'))"),
            Fails("EPERM"),
        ),
        row(
            "fetch without a right",
            &format!("return tried(() => fetch('http://127.0.0.1:{port}'))"),
            Fails("no-capability"),
        ),
        row(
            "interfaces",
            "return Object.keys(await (async () => { try { return os.networkInterfaces() } catch { return {} } })()).filter((name) => name !== 'lo')",
            Gives(json!([])),
        ),
        // Files.
        row("read the host's secrets", "return tried(() => fs.readFileSync('/etc/shadow'))", Fails("ENOENT|EACCES")),
        row(
            "read through a link",
            "fs.symlinkSync('/proc/self/root/etc/shadow', '/tmp/l'); return tried(() => fs.readFileSync('/tmp/l'))",
            Fails("ENOENT|EACCES"),
        ),
        row("write to the system", "return tried(() => fs.writeFileSync('/usr/lib/x', 'x'))", Fails("EROFS|EACCES")),
        row(
            "write to the runtime",
            "return tried(() => fs.appendFileSync('/run/bulkhead/javascript.js', 'x'))",
            Fails("EROFS|EACCES"),
        ),
        row("list the root", "return tried(() => fs.readdirSync('/'))", Fails("EACCES")),
        row("list /run", "return tried(() => fs.readdirSync('/run'))", Fails("EACCES")),
        row("the environment", "return Object.keys(process.env)", Gives(json!([]))),
        row(
            "watch files of others",
            "return tried(() => event(fs.watch('/usr/bin'), 'change'))",
            Fails("EPERM|EMFILE|ENOSYS"),
        ),
        row(
            "load a native addon from scratch",
            "fs.copyFileSync('/run/bulkhead/zygote.node', '/tmp/a.node'); return tried(() => process.dlopen({ exports: {} }, '/tmp/a.node'))",
            Fails("ERR_DLOPEN_FAILED|ENOENT"),
        ),
        row(
            "make a device",
            "return tried(() => cp.spawnSync('/usr/bin/mknod', ['/tmp/d', 'c', '1', '1']).error && Promise.reject({ code: 'refused' }))",
            Fails("refused"),
        ),
        row(
            "change an owner",
            "fs.writeFileSync('/tmp/x', ''); return tried(() => fs.chownSync('/tmp/x', 0, 0))",
            Fails("EPERM"),
        ),
        // Resources.
        row("a heap bomb", "const all = []; for (;;) all.push(new Array(1e5).fill(Math.random()))", Ends("memory")),
        row("a buffer bomb", "const all = []; for (;;) all.push(Buffer.alloc(1 << 26, 1))", Ends("memory")),
        row(
            "a WebAssembly bomb",
            "const all = []; for (;;) { const m = new WebAssembly.Memory({ initial: 1024 }); new Uint8Array(m.buffer).fill(1); all.push(m) }",
            Ends("memory|thrown"),
        ),
        row(
            "a shared memory bomb",
            "const all = []; for (;;) { const b = new SharedArrayBuffer(1 << 26); new Uint8Array(b).fill(1); all.push(b) }",
            Ends("memory|thrown"),
        ),
        row("a string bomb", "let text = 'x'; for (;;) text += text", Ends("memory|thrown")),
        row(
            "descriptors",
            "let opened = 0; try { for (;;) { fs.openSync('/dev/null'); opened++ } } catch (error) { return [error.code, opened < 128] }",
            Gives(json!(["EMFILE", true])),
        ),
        row("deep recursion", "const f = () => f(); f()", Ends("thrown")),
        row("catastrophic backtracking", "return /^(a+)+$/.test('a'.repeat(50) + 'b')", Ends("wall-time")),
        row(
            "a hook against the end",
            "process.on('exit', () => { for (;;); }); process.exit(0)",
            Ends("no-result|wall-time"),
        ),
        // The channel and the runtime.
        row(
            "spoof a result",
            "const text = Buffer.from(JSON.stringify({ nonce: 'guess', kind: 'result', value: 'forged' })); const head = Buffer.alloc(4); head.writeUInt32BE(text.length); fs.writeSync(3, Buffer.concat([head, text])); return 'own'",
            Ends("protocol"),
        ),
        row("noise on the channel", "fs.writeSync(3, Buffer.alloc(1000, 255)); return 1", Ends("protocol")),
        row(
            "close the channel",
            "fs.closeSync(3); await new Promise((done) => setTimeout(done, 50)); return 1",
            Ends("no-result|crashed|thrown"),
        ),
        row(
            "change what the runtime uses",
            "JSON.stringify = () => '\"forged\"'; Buffer.byteLength = () => 0; Promise.prototype.then = function () {}; Object.prototype.error = { kind: 'memory' }; return 1",
            Gives(json!(1)),
        ),
        row(
            "make up a limit",
            "throw Object.assign(new Error('x'), { kind: 'memory', name: 'wall-time' })",
            Ends("thrown"),
        ),
        row(
            "escape a vm context",
            "return vm.runInNewContext('this.constructor.constructor(\"return typeof process\")()')",
            Gives(json!("object")),
        ),
        row(
            "read the run's nonce",
            "return typeof nonce === 'undefined' && typeof start === 'undefined' && typeof zygote === 'undefined'",
            Gives(json!(true)),
        ),
        row("leave a timer behind", "setInterval(() => {}, 1); return 1", Gives(json!(1))),
        row(
            "a worker thread outlives",
            "const { Worker } = require('worker_threads'); new Worker('for (;;);', { eval: true }).on('error', () => {}); return 1",
            Gives(json!(1)),
        ),
    ]
}

#[tokio::test]
async fn every_attack_in_javascript_ends_as_the_table_says() {
    let executor = Executor::start(LENIENT);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let table = table(listener.local_addr().unwrap().port());
    let mut wrong = Vec::new();
    for (name, source, expect) in &table {
        let mut block = crate::executor::javascript(&format!("{TRIED}{source}"));
        block.limits.wall_ms = 3_000;
        let ended = executor.block(block, Value::Null).await.result;
        let error = ended.error.as_ref().map(|error| error.kind.as_str());
        let held = match expect {
            Gives(value) => error.is_none() && ended.value == *value,
            Fails(codes) => error.is_none() && codes.split('|').any(|code| ended.value == code),
            Ends(kinds) => kinds.split('|').any(|kind| error == Some(kind)),
        };
        if !held {
            wrong.push(format!("{name}: {:?}, {:?}", ended.value, ended.error));
        }
    }
    assert!(wrong.is_empty(), "{} attacks of {}:\n{}", wrong.len(), table.len(), wrong.join("\n"));
    assert_eq!(executor.javascript("return 'well'").await.value(), "well");
}
