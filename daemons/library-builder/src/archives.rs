//! Archives by hash: from the cache, from the administrator's bundles, from a registry. Whatever comes in is hashed on the way and
//! gets its place only if the lock file names that hash; nothing here looks inside.
//!
//! State: the cache, `<hash>/<file name>` for each archive. All of it may be lost.

mod arriving;
mod bundles;

use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::OnceCell;
use url::Url;

use crate::digest::{Algorithm, Digest, Hasher};
use crate::error::BuildError;
use crate::fetch::{Fetcher, Source};
use crate::interpreter::Interpreter;
use crate::lock::{Kind, Package};
use crate::registry::{self, IndexFile};
use crate::wheel;

use arriving::Arriving;
use bundles::Bundles;

/// The name of an npm archive in the cache.
const TARBALL: &str = "package.tgz";
/// Bytes of an index's page.
const MAX_PAGE_BYTES: u64 = 64 * 1024 * 1024;
/// Waits before a download is tried again.
const RETRIES: [Duration; 2] = [Duration::from_millis(250), Duration::from_millis(1500)];

/// Where archives come from.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) fetcher: Fetcher,
    pub(crate) npm_registry: Option<Source>,
    pub(crate) python_index: Option<Source>,
    /// The administrator's directory.
    pub(crate) bundles: PathBuf,
}

/// How much may come in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArchiveLimits {
    /// Of one archive.
    pub(crate) archive_bytes: u64,
    /// Of what one build downloads or takes from bundles.
    pub(crate) download_bytes: u64,
}

/// The cache and what fills it.
pub(crate) struct Archives {
    directory: PathBuf,
    sources: Sources,
    limits: ArchiveLimits,
}

/// What one build has in hand.
pub(crate) struct Errand<'a> {
    /// For wheels.
    pub(crate) interpreter: Option<&'a Interpreter>,
    /// Whether registries are left alone.
    pub(crate) offline: bool,
    bundles: OnceCell<Bundles>,
    downloaded: AtomicU64,
}

impl<'a> Errand<'a> {
    pub(crate) fn new(interpreter: Option<&'a Interpreter>, offline: bool) -> Self {
        Self { interpreter, offline, bundles: OnceCell::new(), downloaded: AtomicU64::new(0) }
    }
}

/// An archive in the cache.
#[derive(Clone, Debug)]
pub(crate) struct Archive {
    pub(crate) path: PathBuf,
    pub(crate) origin: Origin,
}

/// Where an archive was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Cache,
    Bundle,
    Download,
}

impl Archives {
    pub(crate) fn new(directory: PathBuf, sources: Sources, limits: ArchiveLimits) -> Self {
        Self { directory, sources, limits }
    }

    /// The archive of `package`.
    pub(crate) async fn obtain(&self, package: &Package, errand: &Errand<'_>) -> Result<Archive, BuildError> {
        if let Some(path) = self.cached(package, errand).await? {
            return Ok(Archive { path, origin: Origin::Cache });
        }
        if let Some(path) = self.take_from_bundle(package, errand).await? {
            return Ok(Archive { path, origin: Origin::Bundle });
        }
        if errand.offline {
            return Err(BuildError::NotInBundle { package: package.label() });
        }
        let mut waits = RETRIES.iter();
        loop {
            match self.download(package, errand).await {
                Ok(path) => return Ok(Archive { path, origin: Origin::Download }),
                Err(BuildError::Fetch { source, .. }) if source.is_passing() && waits.len() > 0 => {
                    tracing::info!("a download of {} is tried again: {source}", package.label());
                    tokio::time::sleep(waits.next().copied().unwrap_or_default()).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn cached(&self, package: &Package, errand: &Errand<'_>) -> Result<Option<PathBuf>, BuildError> {
        let storage = BuildError::storage("reading the cache");
        let mut fitting: Vec<(Option<wheel::Fit>, PathBuf, &Digest)> = Vec::new();
        for digest in &package.hashes {
            let entries = match std::fs::read_dir(self.directory.join(digest.to_string())) {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(storage(error)),
            };
            for entry in entries {
                let entry = entry.map_err(&storage)?;
                let name = entry.file_name().to_string_lossy().into_owned();
                fitting.extend(fits(package, errand, &name).map(|fit| (fit, entry.path(), digest)));
            }
        }
        let Some((_, path, digest)) = fitting.into_iter().max() else { return Ok(None) };
        let (file, wanted) = (path.clone(), digest.clone());
        let hashed = tokio::task::spawn_blocking(move || Ok(hash_file(&file, wanted.algorithm)? == wanted)).await;
        if hashed.map_err(std::io::Error::other).and_then(|hashed| hashed).map_err(&storage)? {
            return Ok(Some(path));
        }
        tracing::warn!("{} is damaged and fetched again", path.display());
        tokio::fs::remove_file(&path).await.map_err(&storage)?;
        Ok(None)
    }

    async fn take_from_bundle(&self, package: &Package, errand: &Errand<'_>) -> Result<Option<PathBuf>, BuildError> {
        let limit = self.limits.archive_bytes;
        let bundles = errand.bundles.get_or_try_init(|| Bundles::scan(self.sources.bundles.clone(), limit)).await?;
        let found = package.hashes.iter().flat_map(|digest| bundles.find(digest));
        let fitting = found.filter_map(|file| fits(package, errand, &file.name).map(|fit| (fit, file)));
        let Some((_, file)) = fitting.max_by_key(|(fit, _)| *fit) else { return Ok(None) };
        let mut arriving = self.arrive(package).await?;
        let storage = BuildError::storage("reading a bundle");
        let mut content = tokio::fs::File::open(&file.path).await.map_err(&storage)?;
        let mut buffer = vec![0; 128 * 1024];
        loop {
            let length = tokio::io::AsyncReadExt::read(&mut content, &mut buffer).await.map_err(&storage)?;
            if length == 0 {
                break;
            }
            self.count(errand, length)?;
            arriving.write(&buffer[..length]).await?;
        }
        // Hashed once more, since it may have changed since the scan.
        arriving.finish(&file_name(package, &file.name)).await.map(Some)
    }

    async fn download(&self, package: &Package, errand: &Errand<'_>) -> Result<PathBuf, BuildError> {
        let failed = |source| BuildError::Fetch { package: package.label(), source };
        let (source, url, name) = match &package.kind {
            Kind::Npm { resolved, .. } => {
                let source = self.source(&self.sources.npm_registry, package, "npm-registry")?;
                (source, registry::npm_archive(&source.base, package, resolved.as_deref()), TARBALL.to_owned())
            }
            Kind::Wheel => {
                let source = self.source(&self.sources.python_index, package, "python-index")?;
                let file = self.look_up(package, source, errand).await?;
                (source, file.url, file.filename)
            }
        };
        let mut answer = self.sources.fetcher.get(source, url, "*/*").await.map_err(failed)?;
        let mut arriving = self.arrive(package).await?;
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            self.count(errand, chunk.len())?;
            arriving.write(&chunk).await?;
        }
        arriving.finish(&name).await
    }

    fn source<'a>(
        &self,
        source: &'a Option<Source>,
        package: &Package,
        key: &'static str,
    ) -> Result<&'a Source, BuildError> {
        source.as_ref().ok_or_else(|| BuildError::NotConfigured { package: package.label(), key })
    }

    /// The wheel to download.
    async fn look_up(&self, package: &Package, source: &Source, errand: &Errand<'_>) -> Result<IndexFile, BuildError> {
        let failed = |source| BuildError::Fetch { package: package.label(), source };
        let url: Url = registry::index_page(&source.base, package);
        let mut answer = self.sources.fetcher.get(source, url, registry::ACCEPT).await.map_err(failed)?;
        let text = answer.text(MAX_PAGE_BYTES).await.map_err(failed)?;
        let files = registry::parse(answer.content_type(), &text, &answer.url)
            .map_err(|reason| BuildError::Page { package: package.label(), reason })?;
        let interpreter = errand.interpreter.expect("a lock of wheels was read for an interpreter");
        registry::choose(&files, package, interpreter).cloned()
    }

    async fn arrive(&self, package: &Package) -> Result<Arriving, BuildError> {
        Arriving::begin(&self.directory, package, self.limits.archive_bytes).await
    }

    fn count(&self, errand: &Errand<'_>, length: usize) -> Result<(), BuildError> {
        let before = errand.downloaded.fetch_add(length as u64, Ordering::Relaxed);
        let limit = self.limits.download_bytes;
        if before.saturating_add(length as u64) > limit { Err(BuildError::DownloadTooLarge(limit)) } else { Ok(()) }
    }
}

/// Whether a file of that name will do, and how well; npm archives always do.
fn fits(package: &Package, errand: &Errand<'_>, name: &str) -> Option<Option<wheel::Fit>> {
    match &package.kind {
        Kind::Npm { .. } => Some(None),
        Kind::Wheel => wheel::fit(name, errand.interpreter?).map(Some),
    }
}

fn file_name(package: &Package, name: &str) -> String {
    match &package.kind {
        Kind::Npm { .. } => TARBALL.to_owned(),
        Kind::Wheel => name.to_owned(),
    }
}

/// Hashed each time that it is used, because a disk may lose what it once had.
fn hash_file(path: &std::path::Path, algorithm: Algorithm) -> std::io::Result<Digest> {
    let (mut file, mut hasher) = (std::fs::File::open(path)?, Hasher::new(algorithm));
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            length => hasher.update(&buffer[..length]),
        }
    }
}

/// Where an archive with that hash is.
fn place(directory: &std::path::Path, digest: &Digest) -> PathBuf {
    directory.join(digest.to_string())
}
