//! `code run`: a file as a block, on the running instance.

use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bulkhead_rpc::executor::{BlockResult, RunEvent};
use serde_json::{Value, json};

use crate::api::Api;
use crate::cli::CodeRun;
use crate::libraries;

/// Larger files are refused by the instance anyway; a device never ends.
const SOURCE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Runs it and shows log lines as they come, then how it ended.
pub(crate) async fn run(run: CodeRun, api: &Api) -> Result<ExitCode> {
    let language = match &run.language {
        Some(language) => language,
        None => language_of(&run.file)?,
    };
    let inputs: Value = serde_json::from_str(&run.inputs).context("--inputs is no JSON")?;
    if !inputs.is_object() {
        bail!("--inputs must be a JSON object, such as '{{\"n\": 1}}'");
    }
    let mut request = json!({ "language": language, "source": read(&run.file)?, "inputs": inputs });
    if !run.libraries.is_empty() {
        request["libraries"] = json!(libraries::by_language(&run.libraries, api).await?);
    }
    if let Some(seconds) = run.time {
        request["wall_ms"] = (seconds * 1000).into();
    }
    if let Some(mib) = run.memory {
        request["memory_bytes"] = mib.saturating_mul(1024 * 1024).into();
    }
    let mut result = None;
    let mut out = std::io::stdout().lock();
    api.stream("/system/code/run", &request, |line| {
        if run.json {
            out.write_all(line)?;
            out.write_all(b"\n")?;
        }
        match serde_json::from_slice(line).context("the instance said something that is no event")? {
            RunEvent::Log(line) if !run.json => eprintln!("{:?}: {}", line.level, line.text),
            RunEvent::Log(_) => {}
            RunEvent::Result(ended) => result = Some(ended),
        }
        Ok(())
    })
    .await?;
    let result = result.context("the instance broke off before the code ended")?;
    if !run.json {
        show(&result, &mut out)?;
    }
    Ok(if result.error.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn show(result: &BlockResult, out: &mut impl Write) -> Result<()> {
    match &result.error {
        None => writeln!(out, "{}", serde_json::to_string_pretty(&result.value)?)?,
        Some(error) => {
            let place = match (error.line, error.column) {
                (Some(line), Some(column)) => format!(" at line {line}, column {column}"),
                (Some(line), None) => format!(" at line {line}"),
                _ => String::new(),
            };
            eprintln!("failed ({}){place}: {}", error.kind, error.message);
        }
    }
    let usage = &result.usage;
    let mib = usage.peak_memory_bytes as f64 / (1024.0 * 1024.0);
    eprintln!("{:.1} ms, {:.1} ms of CPU, {mib:.0} MiB at most", usage.wall_ms, usage.cpu_ms);
    Ok(())
}

fn language_of(file: &Path) -> Result<&'static str> {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("js" | "mjs" | "cjs") => Ok("javascript"),
        Some("py") => Ok("python"),
        _ => bail!("{} does not tell its language: add --language javascript or --language python", file.display()),
    }
}

fn read(file: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().take(SOURCE_BYTES_MAX).read_to_end(&mut bytes).context("read standard input")?;
    } else {
        let opened = std::fs::File::open(file).with_context(|| format!("open {}", file.display()))?;
        opened.take(SOURCE_BYTES_MAX).read_to_end(&mut bytes).with_context(|| format!("read {}", file.display()))?;
    }
    String::from_utf8(bytes).with_context(|| format!("{} is no UTF-8 text", file.display()))
}
