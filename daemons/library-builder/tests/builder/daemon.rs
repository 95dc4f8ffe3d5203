//! Starts the daemon under socket activation and speaks with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;

use bulkhead_model::workflow::Language;
use bulkhead_rpc::library_builder::{BUILD, BuildEvent, BuildRequest, BuiltImage, FailureKind, IMPORT};
use bulkhead_rpc::{RpcClient, RpcError};
use bulkhead_test_kit::activated;
use http::Method;
use http_body_util::BodyExt;

/// A machine with a daemon; ended and removed with this value.
pub(crate) struct Machine {
    process: Child,
    directory: tempfile::TempDir,
    client: RpcClient,
}

impl Machine {
    /// Starts a daemon with this in its configuration, beside what a test needs.
    pub(crate) fn start(config: &str) -> Self {
        Self::with_credential(config, None)
    }

    /// [`Self::start`], with a credential by name.
    pub(crate) fn with_credential(config: &str, credential: Option<(&str, &str)>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        // The sandbox may be another user than the test.
        fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        for folder in ["bundles", "credentials", "images", "cache"] {
            fs::create_dir(path.join(folder)).unwrap();
            fs::set_permissions(path.join(folder), PermissionsExt::from_mode(0o755)).unwrap();
        }
        if let Some((name, text)) = credential {
            fs::write(path.join("credentials").join(name), text).unwrap();
        }
        let run_as = if nix::unistd::geteuid().is_root() { "run-as-user = 'nobody'" } else { "" };
        let folder = |name: &str| path.join(name).display().to_string();
        let text = format!(
            "unpack-here = true\n{run_as}\nbundles = '{}'\nimages = '{}'\ncache = '{}'\n{config}\n",
            folder("bundles"),
            folder("images"),
            folder("cache")
        );
        fs::write(path.join("library-builder.toml"), text).unwrap();
        let (process, client) = activate(path);
        Self { process, directory, client }
    }

    /// Kills the daemon at once, without a chance to clean up.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts a new daemon on what the old one left.
    pub(crate) async fn restart(&mut self) {
        fs::remove_file(self.directory.path().join("builder.sock")).unwrap();
        (self.process, self.client) = activate(self.directory.path());
        // Its first answer comes after it has looked around.
        drop(self.remove("not-an-image").await);
    }

    pub(crate) fn images(&self) -> PathBuf {
        self.directory.path().join("images")
    }

    pub(crate) fn bundles(&self) -> PathBuf {
        self.directory.path().join("bundles")
    }

    /// Overwrites every archive in the cache.
    pub(crate) fn damage_cache(&self) {
        let mut folders = vec![self.directory.path().join("cache")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else if entry.file_name() == "package.tgz" {
                    fs::write(entry.path(), "damaged").unwrap();
                }
            }
        }
    }

    /// Everything that is there of sets, whole or not.
    pub(crate) fn entries(&self) -> Vec<String> {
        let entries = fs::read_dir(self.images()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// What is in a file of a set.
    pub(crate) fn file(&self, image: &BuiltImage, path: &str) -> Option<String> {
        fs::read_to_string(self.tree(image).join(path)).ok()
    }

    pub(crate) fn tree(&self, image: &BuiltImage) -> PathBuf {
        self.images().join(image.image.as_str()).join("tree")
    }

    /// Builds, and gives all events.
    pub(crate) async fn events(&self, path: &str, request: &BuildRequest) -> Result<Vec<BuildEvent>, RpcError> {
        let response = self.client.stream(Method::POST, path, request).await?;
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(lines.map(|line| serde_json::from_slice(line).unwrap()).collect())
    }

    /// Builds, and gives the end.
    pub(crate) async fn build(&self, request: &BuildRequest) -> Ended {
        end(self.events(BUILD, request).await.unwrap())
    }

    /// Builds without a network, and gives the end.
    pub(crate) async fn import(&self, request: &BuildRequest) -> Ended {
        end(self.events(IMPORT, request).await.unwrap())
    }

    /// Begins a build and listens no further than its first event.
    pub(crate) async fn begin(&self, request: &BuildRequest) {
        let mut response = self.client.stream(Method::POST, BUILD, request).await.unwrap();
        response.frame().await.unwrap().unwrap();
        // The connection closes here; the build goes on.
    }

    /// Removes a set.
    pub(crate) async fn remove(&self, image: &str) -> Result<(), RpcError> {
        self.client.call(Method::DELETE, &format!("/v1/images/{image}"), &()).await
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Ended already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn activate(directory: &Path) -> (Child, RpcClient) {
    let socket = directory.join("builder.sock");
    let mut command = activated(env!("CARGO_BIN_EXE_bulkhead-library-builder"), &socket, "rpc");
    command.arg("--config").arg(directory.join("library-builder.toml"));
    let process = command.env("CREDENTIALS_DIRECTORY", directory.join("credentials")).spawn().unwrap();
    // The socket is bound before the daemon runs; connections wait in it.
    while !socket.exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    (process, RpcClient::new("library-builder", socket))
}

/// The end of a build.
#[derive(Debug)]
pub(crate) enum Ended {
    Built(BuiltImage),
    Failed(FailureKind, String),
}

impl Ended {
    #[track_caller]
    pub(crate) fn built(self) -> BuiltImage {
        match self {
            Self::Built(image) => image,
            Self::Failed(kind, message) => panic!("failed ({kind:?}): {message}"),
        }
    }

    #[track_caller]
    pub(crate) fn failed(self) -> (FailureKind, String) {
        match self {
            Self::Failed(kind, message) => (kind, message),
            Self::Built(image) => panic!("built: {image:?}"),
        }
    }
}

fn end(events: Vec<BuildEvent>) -> Ended {
    match events.into_iter().next_back() {
        Some(BuildEvent::Built(image)) => Ended::Built(image),
        Some(BuildEvent::Failed { kind, message }) => Ended::Failed(kind, message),
        other => panic!("no end but {other:?}"),
    }
}

pub(crate) fn request(language: Language, lock: &str) -> BuildRequest {
    BuildRequest { language, lock: lock.to_owned(), preload: Vec::new() }
}
