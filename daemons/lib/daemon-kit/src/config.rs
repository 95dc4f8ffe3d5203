//! Configuration: `<daemon>.toml`, then `<daemon>.d/*.toml` in order of name, merged table by table.
//!
//! A file that is missing means the defaults. An unknown key is an error, since a typing mistake that silently means the
//! default is found much later.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bulkhead_mtls::Files;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// A daemon's validated configuration.
pub trait DaemonConfig: Sized {
    /// The shape of the files: `deny_unknown_fields`, kebab-case, a default for every key.
    type Raw: DeserializeOwned;

    /// Checks what types cannot.
    fn from_raw(raw: Self::Raw) -> Result<Self, ConfigFault>;

    /// The key that names daemons on other machines, if one does: it needs `[internal-tls]`.
    fn calls_elsewhere(&self) -> Option<&'static str> {
        None
    }

    /// What a sound configuration needs besides, for whoever has it checked.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A key whose value cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{key}: {message}")]
pub struct ConfigFault {
    /// Dotted key.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl ConfigFault {
    /// A fault of `key`.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into() }
    }

    /// Refuses a path that is relative: a daemon's working directory means nothing.
    pub fn unless_absolute(key: &str, path: &Path, example: &str) -> Result<(), Self> {
        if path.is_absolute() {
            return Ok(());
        }
        Err(Self::new(key, format!("{} is no absolute path: write for example \"{example}\"", path.display())))
    }

    /// Refuses a number that is out of its range.
    pub fn unless_within(key: &str, value: u64, min: u64, max: u64) -> Result<(), Self> {
        if (min..=max).contains(&value) {
            return Ok(());
        }
        Err(Self::new(key, format!("{value} is out of range: write {min} to {max}")))
    }
}

/// Why the configuration was not read.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file is no TOML.
    #[error("{path} is not valid TOML")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The cause, with line and column.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A key is unknown or its value has the wrong type.
    #[error("{path} (with the files of its .d directory) has a key that is not understood")]
    Shape {
        /// The main file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A value is out of its range.
    #[error("{path} (with the files of its .d directory)")]
    Fault {
        /// The main file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: ConfigFault,
    },
}

/// Keys that every daemon has.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct CommonRaw {
    /// `error`, `warn`, `info` or `debug`, or directives such as `info,bulkhead_store=debug`.
    log_level: String,
    /// Seconds that running requests have to end after SIGTERM.
    drain_timeout_s: u32,
    /// The certificate by which other machines know this daemon. Default none: it calls and is called on this machine alone.
    internal_tls: Option<Files>,
}

impl Default for CommonRaw {
    fn default() -> Self {
        Self { log_level: "info".into(), drain_timeout_s: 20, internal_tls: None }
    }
}

pub(crate) struct Common {
    pub(crate) log_level: String,
    pub(crate) drain_timeout: Duration,
    pub(crate) internal_tls: Option<Files>,
}

const COMMON_KEYS: [&str; 3] = ["log-level", "drain-timeout-s", "internal-tls"];

/// Reads and checks the configuration at `path`.
pub(crate) fn load<C: DaemonConfig>(path: &Path) -> Result<(Common, C), ConfigError> {
    let mut table = read(path)?.unwrap_or_default();
    for fragment in fragments(path)? {
        merge(&mut table, read(&fragment)?.unwrap_or_default());
    }
    let mut common = toml::Table::new();
    for key in COMMON_KEYS {
        if let Some(value) = table.remove(key) {
            common.insert(key.to_owned(), value);
        }
    }
    let shape = |source| ConfigError::Shape { path: path.to_owned(), source: Box::new(source) };
    let common: CommonRaw = common.try_into().map_err(shape)?;
    let fault = |source| ConfigError::Fault { path: path.to_owned(), source };
    if common.drain_timeout_s > 600 {
        return Err(fault(ConfigFault::new("drain-timeout-s", "must be at most 600")));
    }
    if let Some(files) = &common.internal_tls {
        check_files(files).map_err(fault)?;
    }
    let raw: C::Raw = table.try_into().map_err(shape)?;
    let config = C::from_raw(raw).map_err(fault)?;
    if let (Some(key), None) = (config.calls_elsewhere(), &common.internal_tls) {
        let message = "names daemons on other machines, and they are called with a certificate alone: write \
                       [internal-tls] with certificate, key and ca (docs/several-machines.md)";
        return Err(fault(ConfigFault::new(key, message)));
    }
    let drain_timeout = Duration::from_secs(common.drain_timeout_s.into());
    Ok((Common { log_level: common.log_level, drain_timeout, internal_tls: common.internal_tls }, config))
}

fn check_files(files: &Files) -> Result<(), ConfigFault> {
    ConfigFault::unless_absolute("internal-tls.certificate", &files.certificate, "/etc/bulkhead/pki/api.crt")?;
    ConfigFault::unless_absolute("internal-tls.key", &files.key, "/etc/bulkhead/pki/api.key")?;
    ConfigFault::unless_absolute("internal-tls.ca", &files.ca, "/etc/bulkhead/pki/ca.crt")
}

fn read(path: &Path) -> Result<Option<toml::Table>, ConfigError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ConfigError::Read { path: path.to_owned(), source }),
    };
    text.parse().map(Some).map_err(|source| ConfigError::Syntax { path: path.to_owned(), source: Box::new(source) })
}

/// The files of `api.d/` for `api.toml`, in order of name.
fn fragments(path: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let directory = path.with_extension("d");
    let entries = match std::fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(ConfigError::Read { path: directory, source }),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| ConfigError::Read { path: directory.clone(), source })?;
        if entry.path().extension().is_some_and(|extension| extension == "toml") {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn merge(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
    struct Raw {
        size: u32,
        pool: Pool,
    }

    #[derive(Deserialize, Default)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
    struct Pool {
        max: u32,
        min: u32,
    }

    impl Default for Raw {
        fn default() -> Self {
            Self { size: 7, pool: Pool::default() }
        }
    }

    #[derive(Debug, PartialEq)]
    struct Config(u32, u32, u32);

    impl DaemonConfig for Config {
        type Raw = Raw;

        fn from_raw(raw: Raw) -> Result<Self, ConfigFault> {
            if raw.size == 0 {
                return Err(ConfigFault::new("size", "must be at least 1"));
            }
            Ok(Self(raw.size, raw.pool.max, raw.pool.min))
        }

        fn calls_elsewhere(&self) -> Option<&'static str> {
            (self.0 == 99).then_some("size")
        }
    }

    fn load_from(files: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, text) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        load::<Config>(&directory.path().join("x.toml")).map(|(_, config)| config)
    }

    #[test]
    fn fragments_override_key_by_key_in_order() {
        let files = [
            ("x.toml", "size = 1\n[pool]\nmax = 2\nmin = 1"),
            ("x.d/20.toml", "size = 3"),
            ("x.d/10.toml", "size = 2\npool.max = 9"),
        ];
        assert_eq!(load_from(&files).expect("loads"), Config(3, 9, 1));
    }

    #[test]
    fn no_file_means_the_defaults() {
        assert_eq!(load_from(&[]).expect("loads"), Config(7, 0, 0));
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = load_from(&[("x.toml", "sice = 1")]).expect_err("refused");
        assert!(error.source().expect("a cause").to_string().contains("unknown field `sice`"), "{error:?}");
    }

    #[test]
    fn a_value_out_of_range_names_its_key() {
        let error = load_from(&[("x.toml", "size = 0")]).expect_err("refused");
        assert_eq!(error.source().expect("a cause").to_string(), "size: must be at least 1");
    }

    #[test]
    fn common_keys_belong_to_every_daemon() {
        assert_eq!(load_from(&[("x.toml", "log-level = 'debug'\nsize = 4")]).expect("loads"), Config(4, 0, 0));
        assert!(load_from(&[("x.toml", "drain-timeout-s = 601")]).is_err());
    }

    #[test]
    fn what_calls_other_machines_has_a_certificate() {
        let files = "internal-tls = { certificate = '/a.crt', key = '/a.key', ca = '/ca.crt' }\n";
        assert!(load_from(&[("x.toml", &format!("{files}size = 99"))]).is_ok());
        let fault =
            |text: &str| load_from(&[("x.toml", text)]).expect_err("refused").source().expect("a cause").to_string();
        assert!(fault("size = 99").contains("[internal-tls]"));
        assert!(
            fault("internal-tls = { certificate = 'a.crt', key = '/a.key', ca = '/ca.crt' }")
                .contains("internal-tls.certificate")
        );
        assert!(fault("internal-tls = { certificate = '/a.crt', key = '/a.key' }").contains("missing field `ca`"));
    }
}
