//! `image`: the disk of a virtual machine with Debian and everything of Bulkhead on it, which makes itself a machine of its own at its
//! first boot. It is put together without a mount or a loop device: a root made by mmdebstrap, packages from the signed repository, file systems
//! that are filled while they are made, boot loaders for UEFI and BIOS.
//!
//! Nothing in it is a secret: what copies would share is taken out of the tree, and a tree with something of that kind makes no image.

mod boot;
mod disk;
mod test;
mod tree;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::pkg::repository::Signer;
use crate::shell::{command, is_root, output, run_quietly, step};
use crate::{install, paths, pkg};

/// What to make.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The folder to write into [default: image in the cache]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Package the programs that are built already in this folder
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// How large the disk is, in GiB; it can be made larger at any time
    #[arg(long, value_name = "GIB", default_value_t = 10, value_parser = clap::value_parser!(u64).range(4..=2048))]
    size: u64,
    /// Which files to write
    #[arg(long, value_enum, default_value_t = Format::Both)]
    format: Format,
    /// The secret key that signs the packages and the checksums, as for `pkg repo`. The image trusts its public half; without it one is made, which the image
    /// forgets
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Where the image finds newer packages: the address of the folder `apt` that `pkg repo` makes
    #[arg(long, value_name = "URL", requires = "key")]
    repository: Option<String>,
    /// Boot it afterwards, in QEMU, and see that it does what it should; takes a quarter of an hour
    #[arg(long)]
    test: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// As a disk has it, with holes
    Raw,
    /// For QEMU, libvirt and Proxmox, compressed
    Qcow2,
    /// Both
    Both,
}

/// Makes it and says where it is.
pub(crate) fn image(options: &Options) -> Result<()> {
    ensure!(is_root(), "making an image needs root, for Debian's files belong to many users: run this with sudo");
    install::ensure(&[install::IMAGE])?;
    if let Some(url) = &options.repository {
        let plain = url.bytes().all(|byte| byte.is_ascii_graphic()) && url.starts_with("https://");
        ensure!(plain, "`{url}` is no address of a repository: it must be like https://packages.example.org/apt");
    }
    let folder = options.out.clone().unwrap_or_else(|| paths::cache().join("image"));
    std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    // Beside the result, so that it is moved and not copied.
    let work = tempfile::Builder::new().prefix(".image-").tempdir_in(&folder)?;
    let files = make(options, &folder, work.path())?;
    drop(work);
    for file in &files {
        println!("{} ({})", file.display(), size(file)?);
    }
    if options.test {
        let disk = files.iter().find(|file| file.extension().is_some_and(|found| found == "qcow2")).or(files.first());
        test::test(disk.context("an image")?)?;
    }
    Ok(())
}

fn make(options: &Options, folder: &Path, work: &Path) -> Result<Vec<PathBuf>> {
    let repository = pkg::repository::build(options.programs.as_deref(), options.key.as_deref(), None)?;
    let name = format!("bulkhead-{}-debian13-amd64", env!("CARGO_PKG_VERSION"));
    let layout = disk::Layout::new(options.size)?;
    let source = tree::Source {
        packages: &repository.folder,
        trusts_key: options.key.is_some(),
        repository: options.repository.as_deref(),
    };
    let tree = tree::make(&work.join("root"), &source, &layout)?;
    let raw = work.join("disk.raw");
    step("writing the disk", || disk::write(&raw, &tree, &layout))?;
    let mut files = Vec::new();
    if options.format != Format::Raw {
        let file = folder.join(format!("{name}.qcow2"));
        step("compressing it", || {
            let partial = work.join("disk.qcow2");
            let mut convert = command("qemu-img", &["convert", "-q", "-c", "-f", "raw", "-O", "qcow2"]);
            run_quietly(convert.arg(&raw).arg(&partial))?;
            std::fs::rename(&partial, &file).with_context(|| format!("put {} in place", file.display()))
        })?;
        files.push(file);
    }
    if options.format != Format::Qcow2 {
        let file = folder.join(format!("{name}.raw"));
        std::fs::rename(&raw, &file).with_context(|| format!("put {} in place", file.display()))?;
        files.push(file);
    }
    let listed = folder.join(format!("{name}.packages"));
    let mut list = command("dpkg-query", &["--show", "--showformat=${Package} ${Version}\n", "--admindir"]);
    std::fs::write(&listed, output(list.arg(tree.root.join("var/lib/dpkg")))?).context("list the packages")?;
    files.push(listed);
    step("adding them up", || checksums(folder, &files, options.key.as_deref()))?;
    Ok(files)
}

/// `SHA256SUMS` of these files, signed where there is a key.
fn checksums(folder: &Path, files: &[PathBuf], key: Option<&Path>) -> Result<()> {
    let mut sum = command("sha256sum", &["--"]);
    sum.args(files.iter().filter_map(|file| file.file_name())).current_dir(folder);
    let sums = folder.join("SHA256SUMS");
    std::fs::write(&sums, output(&mut sum)?).context("write SHA256SUMS")?;
    let Some(key) = key else { return Ok(()) };
    Signer::new(Some(key))?.sign(&sums, "--detach-sign", &folder.join("SHA256SUMS.asc"))
}

/// What a file takes and how large it seems.
fn size(file: &Path) -> Result<String> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(file)?;
    let mib = |bytes: u64| bytes / (1 << 20);
    Ok(format!("{} MiB on this disk, {} MiB long", mib(metadata.blocks() * 512), mib(metadata.len())))
}
