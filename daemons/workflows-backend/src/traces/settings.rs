//! The table `[traces]`.

use std::path::PathBuf;
use std::time::Duration;

use bulkhead_daemon_kit::ConfigFault;
use http::Uri;
use serde::Deserialize;

/// The table's shape.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct RawTraces {
    /// Where to send traces, by OTLP over HTTP: `https://collector.example:4318/v1/traces`. None are sent when absent.
    endpoint: Option<String>,
    /// PEM of the authority that signed the collector's certificate; the system's authorities when absent.
    ca: Option<PathBuf>,
    /// Whether to send the headers in the credential `traces-headers`, a line `name: value` each. They are secrets: it needs https.
    headers: bool,
    /// The share of runs that is sent, 0 to 1. A run whose caller sends `traceparent` is sent if the caller keeps its trace.
    sample: f64,
    /// Seconds that a request may take, 1 to 60.
    timeout_s: u32,
    /// Spans of one run at most, 2 to 10000; what is left out is counted at the run's own.
    max_spans: u32,
    /// Hours after its end until a run is given up that no collector took, 1 to 720.
    max_age_h: u32,
    /// Seconds after its start until a run is looked at, up to 3600: more than the clocks of the machines differ.
    delay_s: u32,
}

impl Default for RawTraces {
    fn default() -> Self {
        Self {
            endpoint: None,
            ca: None,
            headers: false,
            sample: 1.0,
            timeout_s: 10,
            max_spans: 1000,
            max_age_h: 24,
            delay_s: 45,
        }
    }
}

/// Where traces go, and how many of them.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// `http` or `https`, with a host and a path.
    pub(crate) endpoint: Uri,
    /// The authority that is trusted; the system's when absent.
    pub(crate) ca: Option<PathBuf>,
    /// Whether headers of a credential go with each request.
    pub(crate) headers: bool,
    /// The share of runs.
    pub(crate) sample: f64,
    /// Of one request.
    pub(crate) timeout: Duration,
    /// Of one run.
    pub(crate) max_spans: i64,
    /// After a run's end.
    pub(crate) max_age: Duration,
    /// After a run's start.
    pub(crate) delay: Duration,
}

impl RawTraces {
    /// The settings, or none where nothing is sent.
    pub(crate) fn check(self) -> Result<Option<TraceSettings>, ConfigFault> {
        if !(0.0..=1.0).contains(&self.sample) {
            return Err(ConfigFault::new("traces.sample", format!("{} is no share: write 0 to 1", self.sample)));
        }
        ConfigFault::unless_within("traces.timeout-s", self.timeout_s.into(), 1, 60)?;
        ConfigFault::unless_within("traces.max-spans", self.max_spans.into(), 2, 10_000)?;
        ConfigFault::unless_within("traces.max-age-h", self.max_age_h.into(), 1, 720)?;
        ConfigFault::unless_within("traces.delay-s", self.delay_s.into(), 0, 3600)?;
        if let Some(ca) = &self.ca {
            ConfigFault::unless_absolute("traces.ca", ca, "/etc/bulkhead/collector-ca.pem")?;
        }
        let Some(endpoint) = self.endpoint else { return Ok(None) };
        let endpoint = endpoint_of(&endpoint)?;
        if self.headers && endpoint.scheme_str() != Some("https") {
            let message = "the headers are secrets, and would be readable on their way: write an https endpoint";
            return Err(ConfigFault::new("traces.headers", message));
        }
        Ok(Some(TraceSettings {
            endpoint,
            ca: self.ca,
            headers: self.headers,
            sample: self.sample,
            timeout: Duration::from_secs(self.timeout_s.into()),
            max_spans: self.max_spans.into(),
            max_age: Duration::from_secs(u64::from(self.max_age_h) * 3600),
            delay: Duration::from_secs(self.delay_s.into()),
        }))
    }
}

/// An endpoint without a path has OTLP's.
fn endpoint_of(text: &str) -> Result<Uri, ConfigFault> {
    let wrong = || {
        let message =
            format!("`{text}` is no endpoint: write for example \"https://collector.example:4318/v1/traces\"");
        ConfigFault::new("traces.endpoint", message)
    };
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let is_known = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority =
        uri.authority().filter(|authority| is_known && !authority.as_str().contains('@')).ok_or_else(wrong)?;
    if uri.path() != "/" {
        return Ok(uri);
    }
    let whole = Uri::builder().scheme(uri.scheme_str().unwrap_or("https")).authority(authority.clone());
    whole.path_and_query("/v1/traces").build().map_err(|_| wrong())
}

impl TraceSettings {
    /// What has to be done outside of the configuration.
    pub(crate) fn note(&self) -> String {
        let host = self.endpoint.host().unwrap_or_default();
        format!(
            "traces.endpoint: bulkhead-workflows-backend has no network unless a drop-in gives it some: `systemctl edit \
             bulkhead-workflows-backend` with [Service], PrivateNetwork=no, RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6, \
             IPAddressAllow= with the addresses of {host} (docs/operations.md, Traces)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(endpoint: &str) -> RawTraces {
        RawTraces { endpoint: Some(endpoint.to_owned()), ..RawTraces::default() }
    }

    #[test]
    fn nothing_is_sent_by_default() {
        assert!(RawTraces::default().check().expect("sound").is_none());
    }

    #[test]
    fn an_endpoint_without_a_path_has_the_usual_one() {
        let path = |text: &str| raw(text).check().expect("sound").expect("settings").endpoint.path().to_owned();
        assert_eq!(path("http://10.0.0.7:4318"), "/v1/traces");
        assert_eq!(path("https://example.org/otlp/v1/traces"), "/otlp/v1/traces");
    }

    #[test]
    fn a_setting_that_cannot_be_used_is_named() {
        for bad in ["collector:4318", "ftp://collector/", "https://", "https://me:secret@collector/", "unix:///run/x"] {
            assert_eq!(raw(bad).check().expect_err(bad).key, "traces.endpoint");
        }
        let good = || raw("http://collector:4318");
        assert_eq!(RawTraces { headers: true, ..good() }.check().expect_err("refused").key, "traces.headers");
        assert_eq!(RawTraces { sample: 1.5, ..good() }.check().expect_err("refused").key, "traces.sample");
        assert_eq!(RawTraces { max_spans: 1, ..good() }.check().expect_err("refused").key, "traces.max-spans");
        assert_eq!(RawTraces { ca: Some("ca.pem".into()), ..good() }.check().expect_err("refused").key, "traces.ca");
    }
}
