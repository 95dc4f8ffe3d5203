//! The distribution's git as a child: no configuration but ours, no hooks, no filters, no prompts, one protocol, limits of time and size.
//!
//! A repository lives for one job, bare: nothing is ever checked out, so that nothing in a tree has an effect on this machine.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bulkhead_tree::{Entry, EntryKind, Files, check_entries};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::fault::JobError;
use super::remote::Login;

/// The longest that one command may take.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Between two looks at how large the repository has become.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The largest that it may become, in bytes.
const MAX_REPOSITORY_BYTES: u64 = 512 * 1024 * 1024;
/// The most that a command may print, in bytes: a tree's documents, and room for their names.
const MAX_OUTPUT_BYTES: u64 = 96 * 1024 * 1024;
/// The most that is kept of what a command says as it fails.
const MAX_SAID_BYTES: u64 = 64 * 1024;

/// A bare repository for one job.
pub(crate) struct Repository<'a> {
    folder: PathBuf,
    login: &'a Login,
}

/// A commit on top of another one.
pub(crate) struct NewCommit<'a> {
    /// The one before; none in an empty repository.
    pub(crate) parent: Option<&'a str>,
    /// Name and address of the person.
    pub(crate) author: (&'a str, &'a str),
    /// Seconds since 1970.
    pub(crate) time: i64,
    pub(crate) message: &'a str,
    /// Folders that go before the files come.
    pub(crate) removed: Vec<String>,
    /// Whole paths.
    pub(crate) files: Files,
}

impl<'a> Repository<'a> {
    pub(crate) async fn create(folder: PathBuf, login: &'a Login) -> Result<Self, JobError> {
        let repository = Self { folder, login };
        let mut init = repository.command();
        init.args(["init", "--bare", "--quiet", "--template="]);
        repository.run(init, &[]).await?;
        Ok(repository)
    }

    /// The branches of the remote and the commits at their ends.
    pub(crate) async fn branches(&self) -> Result<Vec<(String, String)>, JobError> {
        let mut list = self.command();
        list.args(["ls-remote", "--heads", "--", &self.login.url]);
        let text = self.text(list).await?;
        let branch = |line: &str| {
            let (commit, name) = line.split_once('\t')?;
            Some((name.strip_prefix("refs/heads/")?.to_owned(), commit.to_owned()))
        };
        Ok(text.lines().filter_map(branch).take(5000).collect())
    }

    /// Fetches the newest commit of a branch, without its history.
    pub(crate) async fn fetch(&self, branch: &str) -> Result<String, JobError> {
        let mut fetch = self.command();
        fetch.args([
            "fetch",
            "--quiet",
            "--depth=1",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--",
        ]);
        fetch.arg(&self.login.url).arg(format!("+refs/heads/{branch}:refs/heads/theirs"));
        self.run(fetch, &[]).await?;
        self.resolve("refs/heads/theirs").await
    }

    async fn resolve(&self, what: &str) -> Result<String, JobError> {
        let mut parse = self.command();
        parse.args(["rev-parse", "--verify", "--end-of-options", what]);
        Ok(self.text(parse).await?.trim().to_owned())
    }

    /// The files of a commit that stand in folders of documents, after the whole tree was found to be harmless.
    pub(crate) async fn files(&self, commit: &str) -> Result<Files, JobError> {
        let mut list = self.command();
        list.args(["ls-tree", "-r", "-z", "--long", "--full-tree", commit]);
        let listed = self.run(list, &[]).await?;
        let lines = listed.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        let (entries, ids): (Vec<Entry>, Vec<String>) =
            lines.map(entry).collect::<Option<Vec<_>>>().ok_or_else(odd)?.into_iter().unzip();
        let wanted = check_entries(&entries)?;
        let paths = entries.into_iter().zip(ids).filter_map(|(entry, id)| {
            let path = String::from_utf8(entry.path).ok()?;
            wanted.contains(&path).then_some((path, id))
        });
        let (paths, ids): (Vec<String>, Vec<String>) = paths.unzip();
        let mut batch = self.command();
        batch.args(["cat-file", "--batch"]);
        let asked = ids.iter().flat_map(|id| [id.as_str(), "\n"]).collect::<String>();
        let mut answer = self.run(batch, asked.as_bytes()).await?.into_iter();
        let mut files = Files::new();
        for path in paths {
            // `<id> blob <size>`, then the bytes and a line end.
            let head: Vec<u8> = answer.by_ref().take_while(|byte| *byte != b'\n').collect();
            let head = String::from_utf8(head).map_err(|_| odd())?;
            let size = head
                .rsplit_once(' ')
                .and_then(|(rest, size)| rest.ends_with(" blob").then(|| size.parse().ok()).flatten());
            let size: usize = size.ok_or_else(odd)?;
            let bytes: Vec<u8> = answer.by_ref().take(size).collect();
            if bytes.len() != size || answer.next() != Some(b'\n') {
                return Err(odd());
            }
            files.insert(path, bytes);
        }
        Ok(files)
    }

    /// Makes a commit, here alone. None when it would change nothing.
    pub(crate) async fn commit(&self, commit: &NewCommit<'_>) -> Result<Option<String>, JobError> {
        let mut import = self.command();
        import.args(["fast-import", "--quiet"]);
        self.run(import, &commit.stream()).await?;
        let made = self.resolve("refs/heads/ours").await?;
        let is_new = match commit.parent {
            None => !commit.files.is_empty(),
            Some(parent) => {
                self.resolve(&format!("{made}^{{tree}}")).await? != self.resolve(&format!("{parent}^{{tree}}")).await?
            }
        };
        Ok(is_new.then_some(made))
    }

    /// Pushes a commit to a branch that ends at `expected`, or is not there.
    pub(crate) async fn push(&self, commit: &str, branch: &str, expected: Option<&str>) -> Result<(), JobError> {
        let mut push = self.command();
        push.args(["push", "--quiet", "--porcelain", "--no-verify"]);
        push.arg(format!("--force-with-lease=refs/heads/{branch}:{}", expected.unwrap_or_default()));
        push.arg("--").arg(&self.login.url).arg(format!("{commit}:refs/heads/{branch}"));
        self.run(push, &[]).await.map(drop)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command
            .env_clear()
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let fixed = [
            ("PATH", "/usr/bin:/bin:/usr/local/bin"),
            ("LC_ALL", "C"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_ASKPASS", "/bin/false"),
            ("SSH_ASKPASS", "/bin/false"),
            ("GIT_PROTOCOL_FROM_USER", "0"),
            ("GIT_ALLOW_PROTOCOL", self.login.protocol),
        ];
        command
            .envs(fixed)
            .env("GIT_DIR", &self.folder)
            .env("HOME", &self.folder)
            .env("GIT_SSH_COMMAND", &self.login.ssh_command);
        let ours = [
            ("core.hooksPath", "/dev/null"),
            ("core.symlinks", "false"),
            ("core.fsmonitor", "false"),
            ("core.attributesFile", "/dev/null"),
            ("credential.helper", ""),
            ("fetch.fsckObjects", "true"),
            ("transfer.fsckObjects", "true"),
            ("fetch.recurseSubmodules", "false"),
            ("submodule.recurse", "false"),
            ("gc.auto", "0"),
            ("maintenance.auto", "false"),
            ("http.followRedirects", "false"),
            ("http.sslVerify", "true"),
            ("http.lowSpeedLimit", "100"),
            ("http.lowSpeedTime", "30"),
            ("init.defaultBranch", "main"),
            ("pack.threads", "1"),
            ("ssh.variant", "ssh"),
        ];
        let of_login = self.login.config.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let mut count = 0;
        // In the environment and not among the arguments, which every process of the machine may read.
        for (key, value) in ours.into_iter().chain(of_login) {
            command.env(format!("GIT_CONFIG_KEY_{count}"), key).env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string()).process_group(0).kill_on_drop(true);
        command
    }

    async fn text(&self, command: Command) -> Result<String, JobError> {
        String::from_utf8(self.run(command, &[]).await?).map_err(|_| odd())
    }

    /// Runs a command to its end, or ends it with all that it has started.
    async fn run(&self, mut command: Command, input: &[u8]) -> Result<Vec<u8>, JobError> {
        let missing =
            |error| JobError::new("git-missing", format!("git does not start ({error}): install the package git"));
        let mut child = command.spawn().map_err(missing)?;
        let mut group = Group::of(&child);
        let ended = tokio::select! {
            ended = converse(&mut child, input) => ended?,
            () = tokio::time::sleep(TIMEOUT) => {
                return Err(JobError::new("unreachable", format!("the server took longer than {} s: try again", TIMEOUT.as_secs())));
            }
            () = outgrown(&self.folder) => {
                let most = MAX_REPOSITORY_BYTES / 1024 / 1024;
                return Err(JobError::new("tree-refused", format!("the repository is larger than {most} MB without its history: use one of its own for Bulkhead")));
            }
        };
        // It has ended by itself; its number may be another's by now.
        group.0 = None;
        let (status, output, said) = ended;
        if status.success() {
            return Ok(output);
        }
        let all = format!(
            "{}\n{}",
            String::from_utf8_lossy(&said),
            if said.is_empty() { String::from_utf8_lossy(&output) } else { "".into() }
        );
        Err(JobError::of_git(&all, self.login.fingerprint.as_deref()))
    }
}

/// Gives a child its input and takes all that it says.
async fn converse(child: &mut Child, input: &[u8]) -> Result<(std::process::ExitStatus, Vec<u8>, Vec<u8>), JobError> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let give = async move {
        if let Some(mut stdin) = stdin {
            // One that ends early says why itself.
            let _ = stdin.write_all(input).await;
        }
    };
    let (mut output, mut said) = (Vec::new(), Vec::new());
    let take = async {
        if let Some(stdout) = stdout {
            stdout.take(MAX_OUTPUT_BYTES + 1).read_to_end(&mut output).await?;
        }
        Ok::<_, std::io::Error>(())
    };
    let hear = async {
        if let Some(mut stderr) = stderr {
            (&mut stderr).take(MAX_SAID_BYTES).read_to_end(&mut said).await?;
            tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await?;
        }
        Ok::<_, std::io::Error>(())
    };
    let ((), taken, heard) = tokio::join!(give, take, hear);
    taken.and(heard)?;
    if output.len() as u64 > MAX_OUTPUT_BYTES {
        return Err(JobError::new("tree-refused", "the repository has more documents than fit into one answer of git"));
    }
    Ok((child.wait().await?, output, said))
}

/// Ends when the folder is larger than a repository may be.
async fn outgrown(folder: &Path) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if size(folder) > MAX_REPOSITORY_BYTES {
            return;
        }
    }
}

fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let one = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.flatten().map(one).sum()
}

/// A child with all that it started: ended when this goes.
struct Group(Option<nix::unistd::Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).map(nix::unistd::Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // One that has just ended is as good.
            let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
        }
    }
}

/// `<mode> <type> <id> <size>\t<path>`.
fn entry(line: &[u8]) -> Option<(Entry, String)> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let mut words = std::str::from_utf8(&line[..tab]).ok()?.split_ascii_whitespace();
    let (mode, _, id, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let entry =
        Entry { kind: EntryKind::of_mode(mode), path: line[tab + 1..].to_vec(), bytes: size.parse().unwrap_or(0) };
    Some((entry, id.to_owned()))
}

fn odd() -> JobError {
    JobError::new("git-failed", "git answered something that is not understood: check its version (2.36 or newer)")
}

impl NewCommit<'_> {
    /// For `git fast-import`. Lengths stand before what people write, so that nothing in it is read as a command.
    fn stream(&self) -> Vec<u8> {
        let word = |text: &str| text.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect::<String>();
        let (name, email) = (word(self.author.0), word(self.author.1));
        let mut stream = Vec::new();
        stream.extend(
            format!("commit refs/heads/ours\nauthor {} <{}> {} +0000\n", name.trim(), email.trim(), self.time).bytes(),
        );
        stream.extend(format!("committer Bulkhead <bulkhead@localhost> {} +0000\n", self.time).bytes());
        data(self.message.as_bytes(), &mut stream);
        if let Some(parent) = self.parent {
            stream.extend(format!("from {parent}\n").bytes());
        }
        for folder in &self.removed {
            stream.extend(format!("D {folder}\n").bytes());
        }
        for (path, bytes) in &self.files {
            stream.extend(format!("M 100644 inline {path}\n").bytes());
            data(bytes, &mut stream);
        }
        stream.extend(b"\ndone\n");
        stream
    }
}

fn data(bytes: &[u8], stream: &mut Vec<u8>) {
    stream.extend(format!("data {}\n", bytes.len()).bytes());
    stream.extend(bytes);
    stream.push(b'\n');
}
