//! W1 to W3: webhook -> code blocks -> response, durable, beside Restate, Temporal and n8n.

use std::time::Duration;

use anyhow::{Context, Result};
use bulkhead_bench::report::Report;
use bulkhead_bench::sample::Sample;
use serde_json::{Value, json};

use super::stages::Stages;
use super::{Bench, OURS, chain_document};
use crate::http_client::{Call, HttpClient};
use crate::load;
use crate::peers::{Peer, free_port};

/// Measures a chain of `blocks` steps.
pub(super) async fn chain(bench: &Bench<'_>, row: &str, blocks: usize, report: &mut Report) -> Result<()> {
    let slug = format!("bench-chain-{blocks}");
    bench.product.release("workflows", &slug, &chain_document(blocks)).await?;
    let call = bench.product.webhook(&slug, "incoming", &json!({ "n": 0 })).await?;
    let (_, body) = HttpClient::new().expect_ok(&call).await?;
    let answer: Value = serde_json::from_slice(&body)?;
    anyhow::ensure!(answer["n"] == blocks, "the chain answered {answer}, not {blocks}");
    let ours = measured(row, &call, bench.arguments.seconds).await?;
    beside_peers(bench, row, Shape::Chain(blocks), &ours, report).await
}

/// Measures `tasks` steps at the same time.
pub(super) async fn fan_out(bench: &Bench<'_>, row: &str, tasks: usize, report: &mut Report) -> Result<()> {
    let slug = format!("bench-fan-{tasks}");
    bench.product.release("workflows", &slug, &fan_document(tasks)).await?;
    let call = bench.product.webhook(&slug, "incoming", &json!({ "n": 0 })).await?;
    let (_, body) = HttpClient::new().expect_ok(&call).await?;
    let answer: Value = serde_json::from_slice(&body)?;
    anyhow::ensure!(answer["n"] == tasks, "the tasks answered {answer}, not {tasks}");
    let ours = measured(row, &call, bench.arguments.seconds).await?;
    beside_peers(bench, row, Shape::Fan(tasks), &ours, report).await
}

/// One at a time, and eight at a time; says where the time went.
async fn measured(row: &str, call: &Call, seconds: f64) -> Result<(Sample, Sample)> {
    let before = Stages::now().await?;
    let alone = load::http(call, 1, seconds, &OURS).await?;
    let between = Stages::now().await?;
    let loaded = load::http(call, 8, seconds, &OURS).await?;
    between.print_since(&before, &format!("{row}, one at a time"));
    Stages::now().await?.print_since(&between, &format!("{row}, eight at a time"));
    Ok((alone, loaded))
}

async fn beside_peers(
    bench: &Bench<'_>,
    row: &str,
    shape: Shape,
    (alone, loaded): &(Sample, Sample),
    report: &mut Report,
) -> Result<()> {
    let seconds = bench.arguments.seconds;
    let peers: &[Kind] = match shape {
        Shape::Chain(_) => &[Kind::Restate, Kind::Temporal, Kind::N8n],
        // n8n has no way to run nodes at the same time.
        Shape::Fan(_) => &[Kind::Restate, Kind::Temporal],
    };
    for peer in peers.iter().copied() {
        let running = start(bench, peer, shape).await.with_context(|| format!("start {peer:?}"))?;
        let processes = running.peers.last().context("a peer")?.processes();
        let peer_alone = load::http(&running.call, 1, seconds, &processes).await?;
        let peer_loaded = load::http(&running.call, 8, seconds, &processes).await?;
        report.add_latency(row, alone, &peer_alone, peer.name());
        report.add(row, "ops_per_s", loaded.per_second, peer_loaded.per_second, peer.name());
    }
    Ok(())
}

/// How the steps follow one another.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// One after the other.
    Chain(usize),
    /// At the same time.
    Fan(usize),
}

impl Shape {
    fn steps(self) -> usize {
        match self {
            Self::Chain(steps) | Self::Fan(steps) => steps,
        }
    }

    /// The peers' word for it.
    fn word(self) -> &'static str {
        match self {
            Self::Chain(_) => "chain",
            Self::Fan(_) => "fan",
        }
    }
}

/// A workflow that runs a block of code for each of `tasks` numbers at the same time, and answers with their sum.
fn fan_document(tasks: usize) -> Value {
    let code = |source: &str| json!({ "type": "code", "language": "javascript", "source": source });
    json!({
        "format": 1, "title": format!("Bench fan-out {tasks}"), "start": "each", "triggers": { "incoming": { "type": "webhook" } },
        "blocks": {
            "each": { "type": "loop", "over": tasks.to_string(), "mode": "parallel", "at-once": tasks.min(50) },
            "task": code("return trigger.body.n + 1"),
            "answer": { "type": "response", "body": "({ n: each.reduce((sum, one) => sum + one, 0) })" },
        },
        "edges": [{ "from": "each", "port": "each", "to": "task" }, { "from": "each", "to": "answer" }],
    })
}

/// The durable peers.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Restate,
    Temporal,
    N8n,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Restate => "Restate, no sandbox",
            Self::Temporal => "Temporal, an activity a step",
            Self::N8n => "n8n webhook + Code nodes",
        }
    }
}

/// A peer that answers `call`; its processes end when this is dropped.
struct Running {
    peers: Vec<Peer>,
    call: Call,
}

async fn start(bench: &Bench<'_>, kind: Kind, shape: Shape) -> Result<Running> {
    match kind {
        Kind::Restate => restate(bench, shape).await,
        Kind::Temporal => temporal(bench, shape).await,
        Kind::N8n => n8n(bench, shape.steps()).await,
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

async fn restate(bench: &Bench<'_>, shape: Shape) -> Result<Running> {
    let installed = bench.installed();
    let (service_port, ingress, admin, node) = (free_port()?, free_port()?, free_port()?, free_port()?);
    let script = installed.script("restate-service.mjs")?;
    let service = Peer::start("restate-service", &installed.node(), &[&script, &service_port.to_string()], &[])?;
    let state = tempfile_directory("restate")?;
    let mut server = Peer::start(
        "restate-server",
        &installed.restate_server(),
        &["--base-dir", &state],
        &[
            ("RESTATE_INGRESS__BIND_ADDRESS", format!("127.0.0.1:{ingress}")),
            ("RESTATE_ADMIN__BIND_ADDRESS", format!("127.0.0.1:{admin}")),
            ("RESTATE_BIND_ADDRESS", format!("127.0.0.1:{node}")),
        ],
    )?;
    let deployment = json!({ "uri": format!("http://127.0.0.1:{service_port}"), "force": true });
    server.wait_until_ok(&Call::post(format!("http://127.0.0.1:{admin}/deployments"), &deployment), PATIENCE).await?;
    let call = Call::post(
        format!("http://127.0.0.1:{ingress}/chain/{}", shape.word()),
        &json!({ "n": 0, "steps": shape.steps() }),
    );
    server.wait_until_ok(&call, PATIENCE).await?;
    Ok(Running { peers: vec![service, server], call })
}

async fn temporal(bench: &Bench<'_>, shape: Shape) -> Result<Running> {
    let installed = bench.installed();
    let (port, http) = (free_port()?, free_port()?);
    let file = format!("{}/temporal.db", tempfile_directory("temporal")?);
    let arguments = ["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--db-filename", &file, "--port"];
    let port = port.to_string();
    let server = Peer::start("temporal", &bench.arguments.temporal, &[&arguments[..], &[&port]].concat(), &[])?;
    let script = installed.script("temporal_chain.py")?;
    let arguments = [script.as_str(), &port, &http.to_string(), &shape.steps().to_string(), shape.word()];
    let mut worker = Peer::start("temporal-worker", &installed.python(), &arguments, &[])?;
    let call = Call::post(format!("http://127.0.0.1:{http}/run"), &json!({ "n": 0 }));
    worker.wait_until_ok(&call, PATIENCE).await?;
    Ok(Running { peers: vec![server, worker], call })
}

async fn n8n(bench: &Bench<'_>, blocks: usize) -> Result<Running> {
    let installed = bench.installed();
    let port = free_port()?;
    let home = tempfile_directory("n8n")?;
    let workflow = format!("{home}/chain.json");
    std::fs::write(&workflow, n8n_workflow(blocks).to_string())?;
    let environment = [
        ("N8N_USER_FOLDER", home),
        ("N8N_PORT", port.to_string()),
        ("N8N_LISTEN_ADDRESS", "127.0.0.1".to_owned()),
        ("N8N_DIAGNOSTICS_ENABLED", "false".to_owned()),
        ("N8N_VERSION_NOTIFICATIONS_ENABLED", "false".to_owned()),
        ("N8N_RUNNERS_BROKER_PORT", free_port()?.to_string()),
        installed.path(),
    ];
    let program = installed.npm_program("n8n");
    let import = ["import:workflow", "--input", &workflow];
    for arguments in [&import[..], &["publish:workflow", "--id=bench"]] {
        let status = tokio::process::Command::new(&program)
            .args(arguments)
            .envs(environment.iter().map(|(key, value)| (key, value.as_str())))
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .await
            .context("n8n is not installed: run cargo xtask bench --install-peers")?;
        anyhow::ensure!(status.success(), "n8n {} ended with {status}", arguments[0]);
    }
    let mut server = Peer::start("n8n", &program, &["start"], &environment)?;
    let call = Call::post(format!("http://127.0.0.1:{port}/webhook/chain"), &json!({ "n": 0 }));
    server.wait_until_ok(&call, Duration::from_secs(120)).await?;
    Ok(Running { peers: vec![server], call })
}

/// A webhook, `blocks` Code nodes and the last one's item as the answer.
fn n8n_workflow(blocks: usize) -> Value {
    let webhook = json!({
        "name": "Webhook", "type": "n8n-nodes-base.webhook", "typeVersion": 2, "position": [0, 0], "webhookId": "chain",
        "parameters": { "httpMethod": "POST", "path": "chain", "responseMode": "lastNode" },
    });
    let mut nodes = vec![webhook];
    let mut connections = serde_json::Map::new();
    let mut before = "Webhook".to_owned();
    for index in 1..=blocks {
        let name = format!("Step {index}");
        let read = if index == 1 { "$input.first().json.body.n" } else { "$input.first().json.n" };
        nodes.push(json!({
            "name": name, "type": "n8n-nodes-base.code", "typeVersion": 2, "position": [200 * index, 0],
            "parameters": { "jsCode": format!("return [{{ json: {{ n: {read} + 1 }} }}];") },
        }));
        connections.insert(before, json!({ "main": [[{ "node": name, "type": "main", "index": 0 }]] }));
        before = name;
    }
    json!([{ "id": "bench", "name": "chain", "active": true, "nodes": nodes, "connections": connections, "settings": {} }])
}

fn tempfile_directory(name: &str) -> Result<String> {
    let path = std::env::temp_dir().join(format!("bulkhead-bench-{name}-{}", std::process::id()));
    std::fs::remove_dir_all(&path).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    std::fs::create_dir_all(&path)?;
    Ok(path.display().to_string())
}
