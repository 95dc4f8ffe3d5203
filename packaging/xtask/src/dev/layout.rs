//! The files of `dev`: configuration, sockets, data, logs.

use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::deb::ZYGOTE_LIBRARY;
use crate::services::Cluster;
use crate::shell::{command, is_root, run_quietly};
use crate::{build, paths};

/// A folder below cargo's target folder that holds everything of `dev`.
pub(crate) struct Layout {
    directory: PathBuf,
}

impl Layout {
    /// The folder, made when it is missing; `fresh` forgets what is in it.
    pub(crate) fn open(fresh: bool) -> Result<Self> {
        let layout = Self { directory: paths::dev()? };
        if fresh {
            for folder in [
                layout.directory.clone(),
                layout.postgres(),
                layout.for_others("default-libraries"),
                layout.for_others("libraries"),
                layout.for_others("library-cache"),
            ] {
                if folder.exists() {
                    std::fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
                }
            }
        }
        for folder in ["config", "logs", "run", "state"] {
            // Keys lie here: nobody else's business.
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(layout.directory.join(folder))?;
        }
        Ok(layout)
    }

    /// Where PostgreSQL keeps its data.
    pub(crate) fn postgres(&self) -> PathBuf {
        self.for_others("postgres")
    }

    /// A path that the other users which root has to start things as can reach. Root's own folders are closed to them, so
    /// root's lies elsewhere, one for each target folder.
    fn for_others(&self, name: &str) -> PathBuf {
        if !is_root() {
            return self.directory.join(name);
        }
        let checkout = hex::encode(Sha256::digest(self.directory.as_os_str().as_encoded_bytes()));
        PathBuf::from(format!("/var/tmp/bulkhead-dev-{name}-{}", &checkout[..12]))
    }

    /// A copy of what interpreters load to be forked, which the user that code runs as can read.
    fn zygote_library(&self) -> Result<PathBuf> {
        let copy = self.for_others("zygote.so");
        // A running daemon may have mapped the old one.
        let fresh = copy.with_extension("new");
        std::fs::copy(paths::binaries()?.join(ZYGOTE_LIBRARY), &fresh).context("copy the zygotes' library")?;
        std::fs::set_permissions(&fresh, PermissionsExt::from_mode(0o644))?;
        std::fs::rename(&fresh, &copy).context("put the zygotes' library in place")?;
        Ok(copy)
    }

    /// The whole of it: keys and credentials lie here too.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// What `bulkheadctl setup` keeps.
    pub(crate) fn state(&self) -> PathBuf {
        self.directory.join("state")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.directory.join("logs")
    }

    pub(crate) fn temporal_database(&self) -> PathBuf {
        self.directory.join("temporal.db")
    }

    /// The socket of a daemon; `name` is `api`, `api-control`, ...
    pub(crate) fn socket(&self, name: &str) -> PathBuf {
        self.directory.join("run").join(format!("{name}.sock"))
    }

    pub(crate) fn configuration(&self, daemon: &str) -> PathBuf {
        self.directory.join("config").join(format!("{daemon}.toml"))
    }

    /// What systemd would pass as `$CREDENTIALS_DIRECTORY`.
    pub(crate) fn credentials(&self, daemon: &str) -> PathBuf {
        self.directory.join("credentials").join(daemon)
    }

    /// A copy of the libraries that JavaScript blocks find, for the same user.
    fn default_libraries(&self) -> Result<PathBuf> {
        let copy = self.for_others("default-libraries");
        run_quietly(command("cp", &["-rT", "--no-preserve=mode"]).arg(build::libraries()?).arg(&copy))?;
        run_quietly(command("chmod", &["-R", "u=rwX,go=rX"]).arg(&copy))?;
        Ok(copy)
    }

    /// Where `bulkheadctl setup keys` puts it.
    fn public_key(&self, daemon: &str) -> PathBuf {
        self.directory.join("keys").join(format!("{daemon}.pub"))
    }

    /// One file for each daemon.
    pub(crate) fn write_configuration(
        &self,
        cluster: &Cluster,
        port: u16,
        temporal_port: u16,
        web: &Path,
    ) -> Result<()> {
        let database =
            format!("[database]\nsocket-directory = {:?}\nport = {}\n", cluster.socket_directory(), cluster.port());
        let socket = |name: &str| format!("{:?}", self.socket(name));
        // Code runs as somebody else when the daemons are root; cgroups are systemd's to give, and there is none here.
        let run_as = if is_root() { "run-as-user = \"nobody\"\n" } else { "" };
        let files = [
            (
                "api",
                format!(
                    "base-url = \"http://127.0.0.1:{port}\"\nweb-root = {web:?}\n{database}\
                     [sockets]\ndb-connector = {}\nssh-connector = {}\ncode-executor = {}\nworkflows-backend = {}\n[keys]\ndb-connector = {:?}\n\
                     jobs-runner = {:?}\nssh-connector = {:?}\nworkflows-backend = {:?}\n",
                    socket("db-connector"),
                    socket("ssh-connector"),
                    socket("code-executor"),
                    socket("workflows-backend"),
                    self.public_key("db-connector"),
                    self.public_key("jobs-runner"),
                    self.public_key("ssh-connector"),
                    self.public_key("workflows-backend"),
                ),
            ),
            (
                "code-executor",
                format!(
                    "allow-missing-cgroup-limits = true\n{run_as}workflows-backend = {}\nzygote-library = {:?}\n\
                     default-libraries = {:?}\nlibraries = {:?}\n",
                    socket("workflows-backend"),
                    self.zygote_library()?,
                    self.default_libraries()?,
                    self.for_others("libraries"),
                ),
            ),
            (
                "library-builder",
                format!(
                    "unpack-here = true\n{run_as}bundles = {:?}\nimages = {:?}\ncache = {:?}\n",
                    self.for_others("library-bundles"),
                    self.for_others("libraries"),
                    self.for_others("library-cache"),
                ),
            ),
            ("db-connector", database.clone()),
            (
                "jobs-runner",
                format!(
                    "library-builder-socket = {}\nwork-directory = {:?}\nruntime-directory = {:?}\n{database}",
                    socket("library-builder"),
                    self.directory.join("git"),
                    self.directory.join("run").join("git"),
                ),
            ),
            ("ssh-connector", database.clone()),
            ("workflows-backend", format!("db-connector-socket = {}\n{database}", socket("db-connector"))),
            (
                "workflows-worker",
                format!(
                    "workflows-backend-socket = {}\ncode-executor-socket = {}\n{database}[temporal]\naddress = \"127.0.0.1:{temporal_port}\"\n",
                    socket("workflows-backend"),
                    socket("code-executor"),
                ),
            ),
        ];
        for (daemon, text) in files {
            let file = self.configuration(daemon);
            std::fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
        }
        Ok(())
    }
}
