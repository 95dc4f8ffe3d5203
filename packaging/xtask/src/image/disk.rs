//! The disk: a partition table, the EFI system partition and the root's file system, written into a file with holes.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::boot;
use super::tree::Tree;
use crate::shell::{command, run_quietly};

/// What partitions are counted in.
pub(super) const SECTOR_BYTES: u64 = 512;
const MIB: u64 = (1 << 20) / SECTOR_BYTES;
/// Partitions begin at whole mebibytes; the first is the table's, the last the table's copy.
const BIOS: u64 = MIB;
const ESP: u64 = 2 * MIB;
const ESP_SECTORS: u64 = 128 * MIB;
const ROOT: u64 = ESP + ESP_SECTORS;

/// Where everything is, and what the file systems are called.
pub(super) struct Layout {
    sectors: u64,
    /// Of the root.
    pub(super) root_uuid: String,
    /// Of the EFI system partition: eight hexadecimal digits.
    esp_id: String,
}

impl Layout {
    /// For a disk of that many GiB.
    pub(super) fn new(gib: u64) -> Result<Self> {
        let esp_id = uuid()?[..8].to_owned();
        Ok(Self { sectors: gib * 1024 * MIB, root_uuid: uuid()?, esp_id })
    }

    /// How `/etc/fstab` names the EFI system partition.
    pub(super) fn esp_uuid(&self) -> String {
        let id = self.esp_id.to_uppercase();
        format!("{}-{}", &id[..4], &id[4..])
    }

    fn root_sectors(&self) -> u64 {
        self.sectors - MIB - ROOT
    }

    /// As sfdisk reads it. The types are those of the UEFI and the discoverable partitions specification; systemd-repart knows the root by
    /// its own.
    fn table(&self) -> String {
        let row = |start: u64, size: u64, kind: &str, name: &str| {
            format!("start={start}, size={size}, type={kind}, name={name}\n")
        };
        [
            "label: gpt\nunit: sectors\n".to_owned(),
            row(BIOS, MIB, "21686148-6449-6E6F-744E-656564454649", "bios"),
            row(ESP, ESP_SECTORS, "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "esp"),
            row(ROOT, self.root_sectors(), "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709", "root"),
        ]
        .concat()
    }
}

fn uuid() -> Result<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/uuid").context("ask the kernel for an id")?;
    Ok(text.trim().to_owned())
}

/// Writes it all.
pub(super) fn write(disk: &Path, tree: &Tree, layout: &Layout) -> Result<()> {
    File::create(disk)?.set_len(layout.sectors * SECTOR_BYTES).context("make the disk")?;
    partition(disk, &layout.table())?;

    let root_kib = layout.root_sectors() * SECTOR_BYTES / 1024;
    let mut mke2fs = command("/usr/sbin/mke2fs", &["-q", "-F", "-t", "ext4", "-L", "root", "-U", &layout.root_uuid]);
    mke2fs.arg("-E").arg(format!("offset={}", ROOT * SECTOR_BYTES));
    run_quietly(mke2fs.arg("-d").arg(&tree.root).arg(disk).arg(root_kib.to_string())).context("write the root")?;

    // A sector a cluster: with larger ones a partition of this size has too few of them to be FAT32.
    let mut vfat = command("/usr/sbin/mkfs.vfat", &["-F", "32", "-s", "1", "-n", "ESP", "-i", &layout.esp_id]);
    vfat.arg(format!("--offset={ESP}")).arg(disk).arg((ESP_SECTORS * SECTOR_BYTES / 1024).to_string());
    run_quietly(&mut vfat).context("make the EFI system partition")?;
    let mut copy = command("mcopy", &["-s", "-i"]);
    copy.arg(format!("{}@@{}", disk.display(), ESP * SECTOR_BYTES)).arg(tree.esp.join("EFI")).arg("::/");
    run_quietly(&mut copy).context("fill the EFI system partition")?;

    boot::write_bios(disk, &tree.bios, BIOS, MIB)
}

fn partition(disk: &Path, table: &str) -> Result<()> {
    let mut sfdisk = command("/usr/sbin/sfdisk", &["--quiet"]);
    let mut child = sfdisk.arg(disk).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().context("start sfdisk")?;
    child.stdin.take().context("a pipe")?.write_all(table.as_bytes()).context("write to sfdisk")?;
    ensure!(child.wait()?.success(), "sfdisk refused this table:\n{table}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_follow_each_other_and_leave_room_for_the_tables_copy() {
        let layout = Layout::new(10).expect("a layout");
        assert_eq!(BIOS + MIB, ESP);
        assert_eq!(ROOT + layout.root_sectors() + MIB, layout.sectors);
        assert_eq!(layout.table().lines().count(), 5);
    }

    #[test]
    fn the_esp_is_named_as_the_kernel_names_it() {
        let layout = Layout { sectors: 0, root_uuid: String::new(), esp_id: "0a1b2c3d".to_owned() };
        assert_eq!(layout.esp_uuid(), "0A1B-2C3D");
    }
}
