//! madvise: memory that a child would not get.

use std::io;

use super::check;

/// Has children get a range of this process's memory, although something asked that they should not.
pub(crate) fn copy_to_children(start: usize, length: usize) -> io::Result<()> {
    // SAFETY: the advice changes neither content nor protection; a range that is not mapped is an error.
    check(unsafe { libc::madvise(start as *mut libc::c_void, length, libc::MADV_DOFORK) }.into())?;
    Ok(())
}

/// Has the kernel do now what it would do at the first write to each page of a range. Linux 5.14.
pub(crate) fn touch(start: usize, length: usize) -> io::Result<()> {
    // SAFETY: the advice changes neither content nor protection; a range that is not mapped so is an error.
    check(unsafe { libc::madvise(start as *mut libc::c_void, length, libc::MADV_POPULATE_WRITE) }.into())?;
    Ok(())
}

/// The C library's heap grows by so much at once, so that what a child needs is there already.
const HEAP_ROOM: libc::c_int = 1 << 20;
/// Larger pieces have mappings of their own, and the end of the heap is given back when it is so large: what the C library comes to by
/// itself where such pieces are freed, and does not any more once it was told how to grow.
const OWN_MAPPING: libc::c_int = 32 << 20;
/// The largest piece of free memory that is looked for between what is used.
const HOLE: usize = 32 << 10;
/// No heap has holes of more in all. One that grew downwards would seem to have no end of them.
const HOLES_MAX: usize = 16 << 20;

/// Closes the heap of the C library for children: what they allocate comes from its end, in a row, and not from holes all over it, each
/// of which would cost them the copy of a page.
///
/// Free memory is given back where that can be done, and put together; the holes that are left are taken, and never freed.
pub(crate) fn close_heap() {
    // SAFETY: integers are passed, and pointers that `malloc` gave and nobody else has; the allocator's own locks keep it apart from other
    // threads.
    unsafe {
        libc::mallopt(libc::M_TOP_PAD, HEAP_ROOM);
        libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_MAPPING);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 2 * OWN_MAPPING);
        libc::malloc_trim(0);
        let mut taken = 0;
        // The end is where a piece has little behind it; large holes are taken on the way there.
        let room = HEAP_ROOM as usize + 4 * HOLE;
        let mut end = libc::malloc(2 * HOLE);
        while (libc::sbrk(0) as usize).checked_sub(end as usize).is_some_and(|behind| behind > room)
            && taken < HOLES_MAX
        {
            taken += 2 * HOLE;
            end = libc::malloc(2 * HOLE);
        }
        libc::free(end);
        for size in (1..=HOLE / 16).rev().map(|units| units * 16) {
            loop {
                let hole = libc::malloc(size);
                if hole >= end || hole.is_null() || taken > HOLES_MAX {
                    libc::free(hole);
                    break;
                }
                taken += size;
            }
        }
    }
}

/// The size of a large page, where transparent ones are to be had.
pub(crate) const LARGE_PAGE: usize = 2 << 20;
/// MADV_COLLAPSE (Linux 6.1).
const COLLAPSE: libc::c_int = 25;

/// Puts a copy in private memory in the place of a read-only mapping, at the same addresses and with the same rights. The copy is
/// of large pages where it is aligned so. On an error the mapping is what it was.
///
/// The range must be mapped, readable and not writable, whole pages, and nobody may change its mappings meanwhile.
pub(crate) fn replace_by_copy(start: usize, length: usize, executable: bool) -> io::Result<()> {
    let read_write = libc::PROT_READ | libc::PROT_WRITE;
    let rights = if executable { libc::PROT_READ | libc::PROT_EXEC } else { libc::PROT_READ };
    let anonymous = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // As large as it takes to find a part in it that is aligned like the original, so that large pages stay large when they move.
    let reserved_length = length + LARGE_PAGE;
    // SAFETY: a new mapping at an address of the kernel's choice touches nobody's memory.
    let reserved = unsafe { libc::mmap(std::ptr::null_mut(), reserved_length, read_write, anonymous, -1, 0) };
    if reserved == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let reserved = reserved as usize;
    let copy = reserved + (start.wrapping_sub(reserved)) % LARGE_PAGE;
    // SAFETY: `copy..copy + length` lies within the new mapping, which is writable and nobody else's; the caller promises that the
    // original is readable. Advice changes no content, and that it is not taken is no error. `mremap` takes the original's place
    // in one step, with equal content and rights, so code that runs there at this moment goes on; if it fails, nothing has changed.
    let moved = unsafe {
        libc::madvise(copy as *mut libc::c_void, length, libc::MADV_HUGEPAGE);
        std::ptr::copy_nonoverlapping(start as *const u8, copy as *mut u8, length);
        libc::madvise(copy as *mut libc::c_void, length, COLLAPSE);
        if libc::mprotect(copy as *mut libc::c_void, length, rights) != 0 {
            Err(io::Error::last_os_error())
        } else {
            let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
            let moved = libc::mremap(copy as *mut libc::c_void, length, length, flags, start as *mut libc::c_void);
            if moved == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
        }
    };
    let unmap = |from: usize, to: usize| {
        if from < to {
            // SAFETY: called only for parts of the new mapping that are still there and that nobody else knows.
            unsafe { libc::munmap(from as *mut libc::c_void, to - from) };
        }
    };
    unmap(reserved, copy);
    unmap(copy + length, reserved + reserved_length);
    if moved.is_err() {
        unmap(copy, copy + length);
    }
    moved
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_copy_has_the_place_and_the_content_of_what_it_replaces() {
        let content: Vec<u8> = (0..LARGE_PAGE * 2).map(|at| (at / 4096) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        // SAFETY: a new mapping at an address of the kernel's choice; the file is nobody else's and does not change.
        let start = unsafe {
            libc::mmap(std::ptr::null_mut(), content.len(), libc::PROT_READ, libc::MAP_PRIVATE, file.as_raw_fd(), 0)
        };
        assert_ne!(start, libc::MAP_FAILED);

        replace_by_copy(start as usize, content.len(), false).unwrap();

        // SAFETY: mapped above and replaced by what is readable too; nothing unmaps it.
        let copy = unsafe { std::slice::from_raw_parts(start.cast::<u8>(), content.len()) };
        assert!(copy == content);
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| line.starts_with(&format!("{:x}-", start as usize))).unwrap();
        assert!(!line.contains("deleted"), "it is a file's no longer: {line}");
    }
}
