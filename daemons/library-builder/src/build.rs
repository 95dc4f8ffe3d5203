//! One build from request to set: read the lock, gather the archives, unpack them in the sandbox, audit the tree, give it its name.
//! One goes on at a time, so that the same lock asked for twice is built once.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon_kit::{CredentialError, Credentials, DaemonError};
use bulkhead_model::LibraryImage;
use bulkhead_model::LibraryPackage;
use bulkhead_model::workflow::Language;
use bulkhead_rpc::library_builder::{BuildEvent, BuildRequest, BuiltImage};
use futures_util::{StreamExt, TryStreamExt};
use http::HeaderValue;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use url::Url;

use crate::archives::{Archive, Archives, Errand, Origin, Sources};
use crate::audit::audit;
use crate::config::{Config, Unpacker};
use crate::digest::Digest;
use crate::error::{BuildError, RequestError};
use crate::fetch::{Fetcher, Source};
use crate::images::{Images, Manifest, PARTIAL, remove_partial};
use crate::interpreter::Interpreter;
use crate::lock::{self, Kind, Lock, LockLimits, Package};
use crate::metrics::Metrics;
use crate::plan::{Form, PLAN, Plan, PlannedArchive, TreeLimits};
use crate::workshop::{Here, Workshop};

/// Builds that go on or wait.
const MAX_BUILDS: usize = 8;
/// Downloads at once.
const MAX_DOWNLOADS: usize = 6;
/// Modules that a set may preload.
const MAX_PRELOADS: usize = 32;

/// What builds.
pub(crate) struct Builder {
    images: Images,
    archives: Archives,
    cache: PathBuf,
    workshop: Workshop,
    python: PathBuf,
    lock_limits: LockLimits,
    tree_limits: TreeLimits,
    build_timeout_s: u64,
    unpack_timeout_s: u64,
    turn: Arc<Semaphore>,
    places: Arc<Semaphore>,
    metrics: Metrics,
}

/// A request that can be carried out.
#[derive(Debug)]
pub(crate) struct Prepared {
    image: LibraryImage,
    language: Language,
    interpreter: Option<Interpreter>,
    preload: Vec<String>,
    lock: Lock,
    /// Whether registries are left alone.
    offline: bool,
    _place: OwnedSemaphorePermit,
}

impl Builder {
    /// Opens cache and images, and checks that the machine can isolate.
    pub(crate) fn open(config: &Config, credentials: &Credentials, metrics: Metrics) -> Result<Self, DaemonError> {
        let images = Images::open(&config.images)?;
        std::fs::create_dir_all(&config.cache)?;
        remove_partial(&config.cache)?;
        let workshop = match &config.unpacker {
            Unpacker::Here(identity) => Workshop::Here(Here::open(*identity, &config.cache)?),
            Unpacker::Unit(socket) => Workshop::Unit(socket.clone()),
        };
        workshop.check()?;
        let fetcher = Fetcher::new(config.network.clone(), tls(config.ca_file.as_deref())?);
        let sources = Sources {
            fetcher,
            npm_registry: source(config.npm_registry.as_ref(), credentials, "npm-registry.token")?,
            python_index: source(config.python_index.as_ref(), credentials, "python-index.token")?,
            bundles: config.bundles.clone(),
        };
        Ok(Self {
            images,
            archives: Archives::new(config.cache.clone(), sources, config.archives),
            cache: config.cache.clone(),
            workshop,
            python: config.python.clone(),
            lock_limits: LockLimits { packages: config.max_packages },
            tree_limits: config.tree,
            build_timeout_s: config.build_timeout_s,
            unpack_timeout_s: config.unpack_timeout_s,
            turn: Arc::new(Semaphore::new(1)),
            places: Arc::new(Semaphore::new(MAX_BUILDS)),
            metrics,
        })
    }

    /// Reads the lock file. What cannot be built at all is refused here.
    pub(crate) async fn prepare(&self, request: BuildRequest, offline: bool) -> Result<Prepared, RequestError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| RequestError::Busy(MAX_BUILDS))?;
        let BuildRequest { language, lock, preload } = request;
        check_preload(&preload)?;
        let (interpreter, lock) = match language {
            Language::Javascript => (None, lock::javascript(&lock, self.lock_limits)),
            Language::Python => {
                let interpreter = self.interpreter().await?;
                let lock = lock::python(&lock, &interpreter, self.lock_limits);
                (Some(interpreter), lock)
            }
        };
        let lock = lock.map_err(RequestError::Lock)?;
        let image = lock::image(language, interpreter.as_ref(), &preload, &lock);
        Ok(Prepared { image, language, interpreter, preload, lock, offline, _place: place })
    }

    /// Asked each time, since an upgrade of Python may come between two builds.
    async fn interpreter(&self) -> Result<Interpreter, RequestError> {
        let (workshop, python) = (self.workshop.clone(), self.python.clone());
        let asked = tokio::task::spawn_blocking(move || workshop.interpreter(&python)).await;
        let asked = asked.map_err(|error| RequestError::Storage(io::Error::other(error)))?;
        let interpreter = asked.map_err(RequestError::Python)?;
        if interpreter.is_supported() { Ok(interpreter) } else { Err(RequestError::UnsupportedPython) }
    }

    /// Carries a request out, and tells what happens. It goes on when nobody listens any more.
    pub(crate) async fn run(self: Arc<Self>, prepared: Prepared, events: mpsc::Sender<BuildEvent>) {
        self.metrics.running.inc();
        let image = prepared.image.clone();
        tracing::info!(library.image = %image, "building the set of libraries {image}");
        let limit = self.build_timeout_s;
        let built = tokio::time::timeout(Duration::from_secs(limit), self.build(&prepared, &events)).await;
        let event = match built.unwrap_or(Err(BuildError::Timeout(limit))) {
            Ok((built, outcome)) => {
                tracing::info!(library.image = %image, "the set of libraries {image} is {outcome}");
                self.metrics.count(outcome);
                BuildEvent::Built(built)
            }
            Err(error) => {
                let message = bulkhead_daemon_kit::chain(&error);
                tracing::warn!(library.image = %image, "the set of libraries {image} is not built: {message}");
                let kind = error.kind();
                self.metrics.count(&format!("{kind:?}").to_lowercase());
                BuildEvent::Failed { kind, message }
            }
        };
        tell(&events, event).await;
        self.metrics.running.dec();
    }

    async fn build(
        &self,
        prepared: &Prepared,
        events: &mpsc::Sender<BuildEvent>,
    ) -> Result<(BuiltImage, &'static str), BuildError> {
        let turn = match Arc::clone(&self.turn).try_acquire_owned() {
            Ok(turn) => Ok(turn),
            Err(_) => {
                log(events, "another build goes on; this one waits for its end").await;
                Arc::clone(&self.turn).acquire_owned().await
            }
        };
        let turn = turn.expect("nobody closes the semaphore");
        if let Some(present) = self.images.find(&prepared.image).map_err(BuildError::storage("looking for the set"))? {
            return Ok((present, "present"));
        }
        for note in &prepared.lock.notes {
            log(events, note).await;
        }
        let archives = self.gather(prepared, events).await?;
        log(events, &format!("unpacking {} archives", archives.len())).await;
        let built = self.assemble(prepared, archives, turn).await?;
        Ok((built, "built"))
    }

    /// The archives of all packages; one that is installed in two places is gathered once.
    async fn gather(
        &self,
        prepared: &Prepared,
        events: &mpsc::Sender<BuildEvent>,
    ) -> Result<BTreeMap<Vec<Digest>, PathBuf>, BuildError> {
        let errand = Errand::new(prepared.interpreter.as_ref(), prepared.offline);
        let unique: BTreeMap<&Vec<Digest>, &Package> =
            prepared.lock.packages.iter().map(|package| (&package.hashes, package)).collect();
        let gathering: Vec<_> = unique.into_values().map(|package| self.gather_one(package, &errand, events)).collect();
        futures_util::stream::iter(gathering).buffer_unordered(MAX_DOWNLOADS).try_collect().await
    }

    async fn gather_one(
        &self,
        package: &Package,
        errand: &Errand<'_>,
        events: &mpsc::Sender<BuildEvent>,
    ) -> Result<(Vec<Digest>, PathBuf), BuildError> {
        let Archive { path, origin } = self.archives.obtain(package, errand).await?;
        let found = match origin {
            Origin::Cache => "is in the cache",
            Origin::Bundle => "is in a bundle",
            Origin::Download => {
                self.metrics.downloads.inc();
                "downloaded"
            }
        };
        log(events, &format!("{}: {found}", package.label())).await;
        Ok((package.hashes.clone(), path))
    }

    /// Unpacks, audits and names the set.
    async fn assemble(
        &self,
        prepared: &Prepared,
        archives: BTreeMap<Vec<Digest>, PathBuf>,
        turn: OwnedSemaphorePermit,
    ) -> Result<BuiltImage, BuildError> {
        let (images, workshop) = (self.images.clone(), self.workshop.clone());
        let (limits, wall_s) = (self.tree_limits, self.unpack_timeout_s);
        let image = prepared.image.clone();
        let staging = self.cache.join(format!("staging{PARTIAL}"));
        let packages = prepared.lock.packages.clone();
        let (language, preload) = (prepared.language, prepared.preload.clone());
        let assembled = tokio::task::spawn_blocking(move || {
            // Kept to the end of this, which comes after the end of a build that takes too long.
            let _turn = turn;
            stage(&staging, &packages, &archives, limits).map_err(BuildError::storage("staging the archives"))?;
            let partial = images.begin(&image).map_err(BuildError::storage("beginning the set"))?;
            let unpacked = workshop.unpack(&staging, &partial.tree(), limits, wall_s);
            // Links to the cache: nothing is lost, and nothing kept if it stays behind.
            let _ = std::fs::remove_dir_all(&staging);
            unpacked?;
            let contents = audit(&partial.tree(), limits).map_err(BuildError::Audit)?;
            let mut versions: Vec<LibraryPackage> = packages
                .into_iter()
                .map(|package| LibraryPackage { name: package.name, version: package.version })
                .collect();
            versions.sort();
            versions.dedup();
            let (bytes, files) = (contents.bytes, contents.files);
            let manifest = Manifest { language, preload, packages: versions, bytes, files };
            partial.finish(manifest).map_err(BuildError::storage("finishing the set"))
        });
        assembled.await.map_err(|error| BuildError::storage("building")(io::Error::other(error)))?
    }

    /// Removes a set.
    pub(crate) async fn remove(&self, image: LibraryImage) -> Result<(), RequestError> {
        let images = self.images.clone();
        let removed = tokio::task::spawn_blocking(move || images.remove(&image)).await;
        let removed = removed.map_err(|error| RequestError::Storage(io::Error::other(error)))?;
        if removed.map_err(RequestError::Storage)? { Ok(()) } else { Err(RequestError::NoImage) }
    }
}

/// A directory with the archives of this build and no others, and the plan.
fn stage(
    staging: &Path,
    packages: &[Package],
    archives: &BTreeMap<Vec<Digest>, PathBuf>,
    limits: TreeLimits,
) -> io::Result<()> {
    if staging.exists() {
        std::fs::remove_dir_all(staging)?;
    }
    std::fs::create_dir(staging)?;
    std::fs::set_permissions(staging, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let mut names = BTreeMap::new();
    for (index, (hashes, path)) in archives.iter().enumerate() {
        let name = format!("archive-{index}");
        std::fs::hard_link(path, staging.join(&name))?;
        names.insert(hashes, name);
    }
    let planned = packages.iter().filter_map(|package| {
        let form = match &package.kind {
            Kind::Npm { path, .. } => Form::Npm { path: path.clone() },
            Kind::Wheel => Form::Wheel,
        };
        Some(PlannedArchive { file: names.get(&package.hashes)?.clone(), package: package.label(), form })
    });
    let plan = Plan { limits, archives: planned.collect() };
    let path = staging.join(PLAN);
    std::fs::write(&path, serde_json::to_vec(&plan)?)?;
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644))
}

fn check_preload(preload: &[String]) -> Result<(), RequestError> {
    if preload.len() > MAX_PRELOADS {
        return Err(RequestError::TooManyPreloads(preload.len(), MAX_PRELOADS));
    }
    let plain = |module: &&String| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./@".contains(&byte);
        !(1..=214).contains(&module.len()) || !module.bytes().all(allowed) || module.contains("..")
    };
    match preload.iter().find(plain) {
        Some(module) => Err(RequestError::Preload(module.chars().take(100).collect())),
        None => Ok(()),
    }
}

async fn log(events: &mpsc::Sender<BuildEvent>, text: &str) {
    tell(events, BuildEvent::Log { text: text.to_owned() }).await;
}

/// Nobody may be listening any more, and the set is built nevertheless.
async fn tell(events: &mpsc::Sender<BuildEvent>, event: BuildEvent) {
    let _ = events.send(event).await;
}

/// A registry with its credential, if there is one.
fn source(base: Option<&Url>, credentials: &Credentials, name: &str) -> Result<Option<Source>, DaemonError> {
    let Some(base) = base else { return Ok(None) };
    let token = match credentials.read_text(name) {
        Ok(token) => token,
        Err(CredentialError::NoDirectory(_)) => return Ok(Some(Source { base: base.clone(), authorization: None })),
        Err(CredentialError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(Some(Source { base: base.clone(), authorization: None }));
        }
        Err(error) => return Err(error.into()),
    };
    let token = token.trim();
    // `user:password` or a token; neither has a space.
    let value = if token.contains(':') {
        use base64::Engine;
        zeroize::Zeroizing::new(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(token)))
    } else {
        zeroize::Zeroizing::new(format!("Bearer {token}"))
    };
    let mut value = HeaderValue::from_str(&value)
        .map_err(|_| format!("the credential {name} is neither a token nor user:password"))?;
    value.set_sensitive(true);
    Ok(Some(Source { base: base.clone(), authorization: Some(value) }))
}

/// What registries' certificates are checked against: the authorities of a file, or the system's.
fn tls(ca_file: Option<&Path>) -> Result<rustls::ClientConfig, DaemonError> {
    let mut roots = rustls::RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let fault = |error: &dyn std::fmt::Display| format!("ca-file {} cannot be used: {error}", path.display());
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| fault(&error))? {
                roots.add(certificate.map_err(|error| fault(&error))?).map_err(|error| fault(&error))?;
            }
        }
        None => {
            // One that does not parse is left out. With none at all every HTTPS registry is refused, and bundles still work.
            let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
