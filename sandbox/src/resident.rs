//! The interpreter's own code, held in memory that its copies get.
//!
//! A fork copies the page tables of private memory and not those of mapped files: each copy would fault in again every page of the
//! interpreter that it touches. So what the zygote has used of its program and libraries is put into private memory where large
//! pages fit, each of which costs a fork as much as one small page does. The copies share it as long as nobody writes to it, and
//! nobody can. The rest stays in its file: to copy a page table entry and to take it down again costs more than [`crate::touched`].

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use crate::inherited::read;
use crate::sys::memory::{LARGE_PAGE, replace_by_copy};

const PAGE: usize = 4096;
/// A larger mapping is data, an archive of locales for example.
const LENGTH_MAX: usize = 256 << 20;
/// A large page is worth its memory if so many of its pages have been used.
const USED_OF_LARGE_PAGE: usize = 64;
/// In /proc/PID/pagemap: the page is in the page table.
const PRESENT: u64 = 1 << 63;

/// One read-only mapping of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mapping {
    start: usize,
    end: usize,
    executable: bool,
}

/// Takes what has been used of all mapped files into memory. Where that fails, runs are slower and nothing else.
pub(crate) fn hold_used_files(proc: &OwnedFd) -> io::Result<()> {
    let maps = read(proc, "self/maps")?;
    let pages = std::fs::File::from(openat(proc, "self/pagemap", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?);
    for mapping in maps.lines().filter_map(read_only_file) {
        let mut words = vec![0; (mapping.end - mapping.start) / PAGE * 8];
        pages.read_exact_at(&mut words, (mapping.start / PAGE * 8) as u64)?;
        let used: Vec<bool> =
            words.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word) & PRESENT != 0).collect();
        for (start, end) in worth_it(mapping, &used) {
            replace_by_copy(start, end - start, mapping.executable)?;
        }
    }
    Ok(())
}

/// A line of /proc/PID/maps, if it is one that cannot be written to and is nobody else's.
fn read_only_file(line: &str) -> Option<Mapping> {
    let mut words = line.split_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
    let rights = words.next()?;
    let is_file = words.nth(3)?.starts_with('/');
    let executable = rights == "r-xp";
    let wanted = is_file && (executable || rights == "r--p") && end - start <= LENGTH_MAX;
    wanted.then_some(Mapping { start, end, executable })
}

/// The parts of a mapping to copy, in order and joined where they touch. `used` has an entry for each page.
fn worth_it(mapping: Mapping, used: &[bool]) -> Vec<(usize, usize)> {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    let mut start = mapping.start.next_multiple_of(LARGE_PAGE);
    while start + LARGE_PAGE <= mapping.end {
        let end = start + LARGE_PAGE;
        let pages = &used[(start - mapping.start) / PAGE..(end - mapping.start) / PAGE];
        if pages.iter().filter(|used| **used).count() >= USED_OF_LARGE_PAGE {
            match parts.last_mut() {
                Some(last) if last.1 == start => last.1 = end,
                _ => parts.push((start, end)),
            }
        }
        start = end;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_of_files_that_cannot_be_written_to_are_taken_and_no_others() {
        let text = "55d0c0000000-55d0c0200000 r-xp 00001000 fe:00 131  /usr/bin/node";
        let expected = Mapping { start: 0x55d0_c000_0000, end: 0x55d0_c020_0000, executable: true };

        assert_eq!(read_only_file(text), Some(expected));
        for other in [
            "7ffd0000-7ffd1000 r-xp 00000000 00:00 0  [vdso]",
            "7ffd0000-7ffd1000 r--p 00000000 00:00 0",
            "7ffd0000-7ffd1000 rw-p 00001000 fe:00 131  /usr/bin/node",
            "7ffd0000-7ffd1000 r--s 00001000 fe:00 131  /usr/lib/gconv-modules.cache",
            "7ffd0000-7ffd1000 ---p 00001000 fe:00 131  /usr/bin/node",
        ] {
            assert_eq!(read_only_file(other), None, "{other}");
        }
    }

    #[test]
    fn large_pages_that_are_used_a_little_are_worth_it_and_nothing_smaller_is() {
        let mapping = Mapping { start: LARGE_PAGE - 4 * PAGE, end: 4 * LARGE_PAGE + PAGE, executable: true };
        let mut used = vec![false; (mapping.end - mapping.start) / PAGE];
        used[..4 + USED_OF_LARGE_PAGE].fill(true);
        used[4 + 512] = true;
        used[4 + 1024..].fill(true);

        assert_eq!(worth_it(mapping, &used), [(LARGE_PAGE, 2 * LARGE_PAGE), (3 * LARGE_PAGE, 4 * LARGE_PAGE)]);
    }

    #[test]
    fn a_program_goes_on() {
        let proc = OwnedFd::from(std::fs::File::open("/proc").expect("there is a /proc"));

        hold_used_files(&proc).expect("copied");
    }
}
