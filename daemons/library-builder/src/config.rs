//! `/etc/bulkhead/library-builder.toml`.

use std::path::PathBuf;

use bulkhead_daemon_kit::{ConfigFault, DaemonConfig, NetworkPolicy};
use bulkhead_sandbox::Identity;
use serde::Deserialize;
use url::Url;

use crate::archives::ArchiveLimits;
use crate::plan::TreeLimits;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// The file as written; every field may be left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct RawConfig {
    /// Address of the npm registry that archives are downloaded from, wherever a lock file was made. Default none: only bundles.
    npm_registry: Option<String>,
    /// Address of the Python index, up to and without the package's name. Default none: only bundles.
    python_index: Option<String>,
    /// PEM file of the authorities to trust instead of the system's. Default none.
    ca_file: Option<PathBuf>,
    /// Networks (`10.0.0.0/8`) in which registries may be although the built-in policy refuses them: loopback and link-local
    /// addresses, where this machine's own services and cloud metadata are.
    allow_networks: Vec<String>,
    /// Directory in which an administrator puts archives for a machine without a registry.
    bundles: PathBuf,
    /// Directory of the built sets. code-executor mounts them from there.
    images: PathBuf,
    /// Directory of downloaded archives.
    cache: PathBuf,
    /// Absolute path of Python 3, the same that code-executor runs: wheels are chosen for it.
    python: PathBuf,
    /// Packages of one lock file. Default 2000.
    max_packages: usize,
    /// Bytes of one archive. Default 512 MiB.
    archive_limit_bytes: u64,
    /// Bytes that one build may download or take from bundles. Default 2 GiB.
    download_limit_bytes: u64,
    /// Bytes of one set. Default 4 GiB.
    image_limit_bytes: u64,
    /// Files of one set, counting everything in its archives. Default 200000.
    image_limit_files: u64,
    /// Seconds that a build may take. Default 1800.
    build_timeout_s: u64,
    /// Seconds that unpacking may take, of CPU and of the clock. Default 600.
    unpack_timeout_s: u64,
    /// Socket of the unit that starts sandboxes. Default: where its unit puts it.
    unpacker: PathBuf,
    /// Start sandboxes from this process instead, as in a checkout; what happens in them is the same. Default false: the unit of
    /// this daemon may not create namespaces, because it has a network.
    unpack_here: bool,
    /// With `unpack-here`: name of the unprivileged user that archives are unpacked as when the daemon itself is root, as in a checkout. Default
    /// none: root is refused, and any other user unpacks as itself.
    run_as_user: Option<String>,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            npm_registry: None,
            python_index: None,
            ca_file: None,
            allow_networks: Vec::new(),
            bundles: "/var/lib/bulkhead-library-bundles".into(),
            images: "/var/lib/bulkhead-libraries".into(),
            cache: "/var/cache/bulkhead-library-builder".into(),
            python: "/usr/bin/python3".into(),
            max_packages: 2000,
            archive_limit_bytes: 512 * MIB,
            download_limit_bytes: 2 * GIB,
            image_limit_bytes: 4 * GIB,
            image_limit_files: 200_000,
            build_timeout_s: 1800,
            unpack_timeout_s: 600,
            unpacker: "/run/bulkhead-library-builder-unpacker.sock".into(),
            unpack_here: false,
            run_as_user: None,
        }
    }
}

/// The configuration, checked.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) npm_registry: Option<Url>,
    pub(crate) python_index: Option<Url>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) network: NetworkPolicy,
    pub(crate) bundles: PathBuf,
    pub(crate) images: PathBuf,
    pub(crate) cache: PathBuf,
    pub(crate) python: PathBuf,
    pub(crate) max_packages: usize,
    pub(crate) archives: ArchiveLimits,
    pub(crate) tree: TreeLimits,
    pub(crate) build_timeout_s: u64,
    pub(crate) unpack_timeout_s: u64,
    pub(crate) unpacker: Unpacker,
}

/// Who starts the sandboxes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unpacker {
    /// This process, which becomes this user for it.
    Here(Identity),
    /// Whoever listens at this socket.
    Unit(PathBuf),
}

impl DaemonConfig for Config {
    type Raw = RawConfig;

    fn from_raw(raw: RawConfig) -> Result<Self, ConfigFault> {
        let identity = Identity::of_user(raw.run_as_user.as_deref());
        let identity = identity.map_err(|message| ConfigFault::new("run-as-user", message));
        let unpacker = match raw.unpack_here {
            true => Unpacker::Here(identity?),
            false => Unpacker::Unit(raw.unpacker.clone()),
        };
        ConfigFault::unless_absolute("unpacker", &raw.unpacker, "/run/bulkhead-library-builder-unpacker.sock")?;
        ConfigFault::unless_absolute("bundles", &raw.bundles, "/var/lib/bulkhead-library-bundles")?;
        ConfigFault::unless_absolute("images", &raw.images, "/var/lib/bulkhead-libraries")?;
        ConfigFault::unless_absolute("cache", &raw.cache, "/var/cache/bulkhead-library-builder")?;
        ConfigFault::unless_absolute("python", &raw.python, "/usr/bin/python3")?;
        if let Some(path) = &raw.ca_file {
            ConfigFault::unless_absolute("ca-file", path, "/etc/bulkhead/registry-ca.pem")?;
        }
        ConfigFault::unless_within("max-packages", raw.max_packages as u64, 1, 20_000)?;
        ConfigFault::unless_within("archive-limit-bytes", raw.archive_limit_bytes, 1, 16 * GIB)?;
        ConfigFault::unless_within("download-limit-bytes", raw.download_limit_bytes, 1, 256 * GIB)?;
        ConfigFault::unless_within("image-limit-bytes", raw.image_limit_bytes, 1, 256 * GIB)?;
        ConfigFault::unless_within("image-limit-files", raw.image_limit_files, 1, 10_000_000)?;
        ConfigFault::unless_within("build-timeout-s", raw.build_timeout_s, 1, 86_400)?;
        ConfigFault::unless_within("unpack-timeout-s", raw.unpack_timeout_s, 1, 86_400)?;
        Ok(Self {
            npm_registry: address("npm-registry", raw.npm_registry.as_deref())?,
            python_index: address("python-index", raw.python_index.as_deref())?,
            ca_file: raw.ca_file,
            network: NetworkPolicy::new(&raw.allow_networks)
                .map_err(|message| ConfigFault::new("allow-networks", message))?,
            bundles: raw.bundles,
            images: raw.images,
            cache: raw.cache,
            python: raw.python,
            max_packages: raw.max_packages,
            archives: ArchiveLimits {
                archive_bytes: raw.archive_limit_bytes,
                download_bytes: raw.download_limit_bytes,
            },
            tree: TreeLimits { bytes: raw.image_limit_bytes, files: raw.image_limit_files },
            build_timeout_s: raw.build_timeout_s,
            unpack_timeout_s: raw.unpack_timeout_s,
            unpacker,
        })
    }
}

/// The address with a slash at its end, so that what is put behind it stays below.
fn address(key: &str, text: Option<&str>) -> Result<Option<Url>, ConfigFault> {
    let Some(text) = text else { return Ok(None) };
    let fault = |message: String| ConfigFault::new(key, message);
    let mut url = Url::parse(text).map_err(|error| fault(format!("`{text}` is no address: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(fault("write https:// and the registry's name (http:// works and anybody can read along)".into()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault(format!("user and password do not belong here: put them into the credential {key}.token")));
    }
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(Some(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound_and_name_no_registry() {
        let config = Config::from_raw(RawConfig::default()).expect("sound");
        assert!(config.npm_registry.is_none() && config.python_index.is_none());
    }

    #[test]
    fn an_address_ends_with_a_slash_and_holds_no_password() {
        let read = |text: &str| address("npm-registry", Some(text));
        let url = read("https://mirror.example/npm?x=1").expect("sound").expect("there");
        assert_eq!(url.as_str(), "https://mirror.example/npm/");
        for bad in ["mirror.example", "ftp://mirror.example", "https://user:word@mirror.example"] {
            assert_eq!(read(bad).expect_err("refused").key, "npm-registry");
        }
    }
}
