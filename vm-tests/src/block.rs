//! Blocks of code by `bulkheadctl code run`, and what became of them.

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use crate::guest::Guest;

/// Code and its limits.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) language: &'static str,
    pub(crate) source: String,
    pub(crate) seconds: u32,
    pub(crate) memory_mib: u32,
}

/// How a block ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) value: Value,
    /// The error's kind and message.
    pub(crate) error: Option<(String, String)>,
    pub(crate) logged: Vec<String>,
    pub(crate) wall_ms: f64,
    pub(crate) cpu_ms: f64,
}

impl Block {
    /// With limits that do not matter.
    pub(crate) fn new(language: &'static str, source: &str) -> Self {
        Self { language, source: source.to_owned(), seconds: 60, memory_mib: 256 }
    }

    /// Runs it; an error is one of the way there, never the code's own.
    pub(crate) fn run(&self, guest: &Guest) -> Result<Ended> {
        let (seconds, memory) = (self.seconds.to_string(), self.memory_mib.to_string());
        let limits = ["--time", &seconds, "--memory", &memory];
        let words = ["bulkheadctl", "code", "run", "--json", "--language", self.language, "-"];
        let output = guest.output(&[&words[..], &limits].concat(), self.source.as_bytes())?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let events: Vec<Value> = printed
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()
            .with_context(|| format!("`code run` printed {printed}"))?;
        let Some((result, log)) = events.split_last() else {
            return Err(anyhow!(
                "`code run` ended with {}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            ));
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let error = result.get("error").map(|error| (text(&error["kind"]), text(&error["message"])));
        Ok(Ended {
            value: result["value"].clone(),
            error,
            logged: log.iter().map(|line| text(&line["text"])).collect(),
            wall_ms: result["usage"]["wall_ms"].as_f64().context("no wall clock")?,
            cpu_ms: result["usage"]["cpu_ms"].as_f64().context("no processor time")?,
        })
    }
}

impl Ended {
    /// The error's kind, empty for a block that ended well.
    pub(crate) fn kind(&self) -> &str {
        self.error.as_ref().map_or("", |(kind, _)| kind)
    }
}
