//! What a run touches of what it got from its zygote, learnt from one run for all others.
//!
//! The first write to a page after a fork stops the run until the kernel has copied the page. That happens some hundred times in
//! each run, at the same addresses in all of them. So after a trial the supervisor looks at which pages those were, and every later
//! run has them copied before there is work for it.
//!
//! A wrong guess costs time and nothing else.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use serde::{Deserialize, Serialize};

use crate::sys::memory::touch;

const PAGE: usize = 4096;
/// More are not worth the calls; nothing comes near it.
const RANGES_MAX: usize = 3000;
/// Bits of an entry of /proc/PID/pagemap: the page is in memory; no other process has it.
const PRESENT: u64 = 1 << 63;
const OWN: u64 = 1 << 56;

/// Ranges of private memory that was written to, as first page and number of pages.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Touched(Vec<(usize, usize)>);

impl Touched {
    /// What this process has written to since it was forked. It should not run meanwhile.
    pub(crate) fn by(pid: i32) -> io::Result<Self> {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"))?;
        let pages = File::open(format!("/proc/{pid}/pagemap"))?;
        let mut ranges = Vec::new();
        for range in maps.lines().filter_map(private_memory) {
            let first = range.start / PAGE;
            let entries = entries(&pages, &range)?;
            let own = entries.iter().enumerate().filter(|(_, entry)| *entry & (PRESENT | OWN) == PRESENT | OWN);
            own.for_each(|(at, _)| add(&mut ranges, first + at));
        }
        ranges.truncate(RANGES_MAX);
        Ok(Self(ranges))
    }

    /// Has the same pages of this process copied.
    pub(crate) fn touch(&self) {
        for (first, count) in &self.0 {
            // What is not mapped here any more is not needed either.
            let _ = touch(first * PAGE, count * PAGE);
        }
    }
}

/// A line of /proc/PID/maps, if that memory is a copy of the zygote's once it is written to.
fn private_memory(line: &str) -> Option<Range<usize>> {
    let mut words = line.split_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
    (words.next()? == "rw-p").then_some(range)
}

fn entries(pages: &File, range: &Range<usize>) -> io::Result<Vec<u64>> {
    let mut bytes = vec![0; range.len() / PAGE * 8];
    pages.read_exact_at(&mut bytes, (range.start / PAGE * 8) as u64)?;
    Ok(bytes.as_chunks::<8>().0.iter().map(|entry| u64::from_ne_bytes(*entry)).collect())
}

/// Adds a page, which joins the last range if it is the next one.
fn add(ranges: &mut Vec<(usize, usize)>, page: usize) {
    match ranges.last_mut() {
        Some((first, count)) if page == *first + *count => *count += 1,
        _ => ranges.push((page, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_shared_for_good_or_cannot_be_written_to_is_passed_over() {
        assert_eq!(private_memory("00400000-00402000 rw-p 00000000 00:00 0"), Some(0x40_0000..0x40_2000));
        for other in
            ["00400000-00402000 rw-s 00000000 00:01 7 /x", "00400000-00402000 r-xp 00000000 fe:00 7 /usr/bin/node"]
        {
            assert_eq!(private_memory(other), None);
        }
    }

    #[test]
    fn neighbours_are_one_range() {
        let mut ranges = Vec::new();
        [1, 2, 3, 7, 30].into_iter().for_each(|page| add(&mut ranges, page));

        assert_eq!(ranges, [(1, 3), (7, 1), (30, 1)]);
    }

    #[test]
    fn a_page_that_was_written_to_is_among_the_touched() {
        let mut held = vec![0_u8; 64 * PAGE];
        held[32 * PAGE] = 1;
        let page = (&raw const held[32 * PAGE]) as usize / PAGE;

        let touched = Touched::by(std::process::id().cast_signed()).expect("one's own memory may be looked at");

        assert!(touched.0.iter().any(|(first, count)| (*first..first + count).contains(&page)));
        touched.touch();
        assert_eq!(held[32 * PAGE], 1, "touching changes nothing");
    }
}
