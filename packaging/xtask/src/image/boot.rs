//! What starts the kernel: Debian's signed shim and GRUB for UEFI, so that Secure Boot may be on, and GRUB's core in a partition of its own for
//! BIOS. Both read the same menu from the root. What grub-install would write with the disk in hand is written here without one.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::disk::SECTOR_BYTES;

/// Both consoles, the last of which has what the system says while it starts. `/etc/default/grub.d` says the same for later menus.
const CONSOLES: &str = "console=tty0 console=ttyS0,115200";

/// Modules of GRUB's core for BIOS: what it takes to find the rest of them on the root.
pub(super) const BIOS_MODULES: &str = "biosdisk part_gpt ext2 search search_fs_uuid normal configfile linux";

/// Finds the root by its id and reads the menu there.
pub(super) fn finder(root_uuid: &str) -> String {
    format!("search.fs_uuid {root_uuid} root\nset prefix=($root)'/boot/grub'\n")
}

/// The first menu. `/vmlinuz` and `/initrd.img` are Debian's names for the newest ones.
pub(super) fn menu(root_uuid: &str) -> String {
    format!(
        "# The image's own; `update-grub` replaces it, which every new kernel runs.
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=1
menuentry 'Debian GNU/Linux with Bulkhead' {{
    search --no-floppy --fs-uuid --set=root {root_uuid}
    linux /vmlinuz root=UUID={root_uuid} ro {CONSOLES}
    initrd /initrd.img
}}
"
    )
}

/// Lays out the EFI system partition in `esp`, from the packages in `root`. The same files stand twice: where firmware looks that knows of no
/// installed system, and where Debian's packages keep theirs up to date.
pub(super) fn fill_esp(root: &Path, esp: &Path, root_uuid: &str) -> Result<()> {
    let files = [
        ("usr/lib/shim/shimx64.efi.signed", "shimx64.efi"),
        ("usr/lib/shim/mmx64.efi.signed", "mmx64.efi"),
        ("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "grubx64.efi"),
    ];
    for folder in ["EFI/BOOT", "EFI/debian"] {
        let folder = esp.join(folder);
        std::fs::create_dir_all(&folder)?;
        for (from, to) in files {
            std::fs::copy(root.join(from), folder.join(to)).with_context(|| format!("copy {from}"))?;
        }
    }
    std::fs::rename(esp.join("EFI/BOOT/shimx64.efi"), esp.join("EFI/BOOT/BOOTX64.EFI"))?;
    // The signed GRUB looks in its distributor's folder, wherever it was started from.
    let text = format!("{}configfile $prefix/grub.cfg\n", finder(root_uuid));
    std::fs::write(esp.join("EFI/debian/grub.cfg"), text).context("write the EFI system partition's menu")
}

/// GRUB for BIOS, taken out of the root.
pub(super) struct Bios {
    /// `boot.img`: the first sector's code.
    pub(super) boot: PathBuf,
    /// `core.img`, made for this root.
    pub(super) core: PathBuf,
}

/// Writes both as grub-bios-setup does: the first sector's code up to the partition table, with the sector where the core begins; the core into
/// its partition, with where its own rest is. The offsets are those of GRUB's `boot.S` and `diskboot.S`.
pub(super) fn write_bios(disk: &Path, bios: &Bios, start: u64, sectors: u64) -> Result<()> {
    const CODE_BYTES: usize = 440;
    const CORE_SECTOR: usize = 0x5c;
    const DRIVE_CHECK: usize = 0x66;
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("read {}", path.display()));
    let mut boot = read(&bios.boot)?;
    ensure!(boot.len() == 512, "{} is no boot sector", bios.boot.display());
    boot[CORE_SECTOR..CORE_SECTOR + 8].copy_from_slice(&start.to_le_bytes());
    // Not a floppy: whatever drive the BIOS names is right.
    boot[DRIVE_CHECK..DRIVE_CHECK + 2].copy_from_slice(&[0x90, 0x90]);
    let core = place_core(read(&bios.core)?, start, sectors)?;
    let disk = OpenOptions::new().write(true).open(disk)?;
    disk.write_all_at(&boot[..CODE_BYTES], 0).context("write the boot sector")?;
    disk.write_all_at(&core, start * SECTOR_BYTES).context("write GRUB's core")
}

/// The core, padded to whole sectors, whose first sector says where the others are and where in memory they go.
fn place_core(mut core: Vec<u8>, start: u64, sectors: u64) -> Result<Vec<u8>> {
    const LIST: usize = 512 - 12;
    const SEGMENT: u16 = 0x820;
    core.resize(core.len().next_multiple_of(512), 0);
    let length = core.len() as u64 / SECTOR_BYTES;
    ensure!((2..=sectors).contains(&length), "GRUB's core takes {length} sectors of {sectors}");
    core[LIST..LIST + 8].copy_from_slice(&(start + 1).to_le_bytes());
    core[LIST + 8..LIST + 10].copy_from_slice(&u16::try_from(length - 1)?.to_le_bytes());
    core[LIST + 10..].get_mut(..2).context("a first sector")?.copy_from_slice(&SEGMENT.to_le_bytes());
    Ok(core)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cores_first_sector_names_the_rest() {
        let core = place_core(vec![7; 1300], 2048, 2048).expect("fits");
        assert_eq!(core.len(), 1536);
        assert_eq!(core[500..512], [1, 8, 0, 0, 0, 0, 0, 0, 2, 0, 0x20, 8]);
        assert!(place_core(vec![7; 1300], 2048, 2).is_err(), "a core that does not fit is refused");
    }
}
