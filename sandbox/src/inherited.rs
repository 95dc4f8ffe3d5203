//! What a run would share with its zygote and with the zygote's other runs: memory that is not copied, and descriptors.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

use nix::dir::Dir;
use nix::fcntl::{OFlag, openat, readlinkat};
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::stat::Mode;

use crate::error::{AtStep, StepError};
use crate::sys;

/// What stands for the bytes that a pipe of the zygote's holds; their values mean nothing.
const PENDING: [u8; 16] = [0; 16];
/// Descriptors 0 to 3 are a run's own already.
const FIRST: RawFd = 4;

/// Has children get all memory. V8 asks that they should not get its heap, lest a fork before an `execve` copies it in vain.
/// Memory that stays shared and writable would lead from run to run: it is refused.
pub(crate) fn copy_all_memory(proc: &OwnedFd) -> Result<(), StepError> {
    const STEP: &str = "sharing no memory";
    let map = read(proc, "self/smaps").at(STEP)?;
    let mut range = (0, 0);
    for line in map.lines() {
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else { continue };
        if let Some((start, end)) = parse_range(first) {
            range = (start, end);
            if words.next().is_some_and(|rights| rights.contains('w') && rights.contains('s')) {
                return Err(io::Error::from_raw_os_error(libc::EBUSY)).at_object(STEP, line);
            }
        } else if first == "VmFlags:" && words.any(|flag| flag == "dc") {
            sys::memory::copy_to_children(range.0, range.1 - range.0).at_object(STEP, format!("{:x}", range.0))?;
        }
    }
    Ok(())
}

fn parse_range(word: &str) -> Option<(usize, usize)> {
    let (start, end) = word.split_once('-')?;
    Some((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?))
}

/// The other threads of an interpreter do not exist in its runs: they must all be asleep, so that none holds a lock.
pub(crate) fn require_parked_threads(proc: &OwnedFd) -> Result<(), StepError> {
    const STEP: &str = "waiting for the interpreter's threads to rest";
    for _ in 0..200 {
        let threads = list(proc, "self/task").at(STEP)?;
        // This thread itself is one.
        if count_running(proc, &threads) <= 1 {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(io::Error::from_raw_os_error(libc::EBUSY)).at(STEP)
}

fn count_running(proc: &OwnedFd, threads: &[String]) -> usize {
    let runs = |thread: &&String| {
        let state = read(proc, &format!("self/task/{thread}/stat")).unwrap_or_default();
        state.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('R'))
    };
    threads.iter().filter(runs).count()
}

/// The descriptors that an interpreter has opened for itself.
#[derive(Debug)]
pub(crate) struct Inherited {
    found: Vec<(RawFd, Kind)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Epoll,
    Event {
        flags: i32,
    },
    /// What is in it is a lock, or nothing: libuv has a pipe with one byte that whoever handles signals holds.
    Pipe {
        inode: u64,
        flags: i32,
        pending: usize,
    },
    Other,
}

impl Inherited {
    /// Looks at all descriptors but the ones of the server itself.
    pub(crate) fn take_stock(proc: &OwnedFd, own: &[RawFd]) -> Result<Self, StepError> {
        const STEP: &str = "taking stock of descriptors";
        let mut found = Vec::new();
        for name in list(proc, "self/fd").at(STEP)? {
            let Ok(number) = name.parse::<RawFd>() else { continue };
            if number < FIRST || own.contains(&number) {
                continue;
            }
            // The list's own descriptor is closed by now.
            let Ok(target) = readlinkat(proc, format!("self/fd/{name}").as_str()) else { continue };
            let flags = sys::descriptor::flags_of_foreign(number).at(STEP)?;
            let pending = sys::descriptor::pending_of_foreign(number);
            found.push((number, Kind::of(&target.to_string_lossy(), flags, pending)));
        }
        Ok(Self { found })
    }

    /// In a run: puts a fresh object at the number of each that the interpreter goes on using, and closes the rest.
    pub(crate) fn renew(&self) -> Result<(), StepError> {
        const STEP: &str = "renewing descriptors";
        let mut pipes: BTreeMap<u64, (OwnedFd, OwnedFd)> = BTreeMap::new();
        for (number, kind) in &self.found {
            match *kind {
                Kind::Epoll => {
                    let fresh = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).at(STEP)?;
                    sys::descriptor::replace(*number, fresh.0, libc::O_CLOEXEC).at(STEP)?;
                }
                Kind::Event { flags } => {
                    let fresh = EventFd::from_flags(EfdFlags::from_bits_truncate(flags & libc::O_NONBLOCK)).at(STEP)?;
                    let fresh = fresh.as_fd().try_clone_to_owned().at(STEP)?;
                    sys::descriptor::replace(*number, fresh, libc::O_CLOEXEC).at(STEP)?;
                }
                Kind::Pipe { inode, flags, pending } => {
                    if let std::collections::btree_map::Entry::Vacant(entry) = pipes.entry(inode) {
                        let flags = OFlag::from_bits_truncate(flags & libc::O_NONBLOCK) | OFlag::O_CLOEXEC;
                        let (read_end, write_end) = nix::unistd::pipe2(flags).at(STEP)?;
                        nix::unistd::write(&write_end, &PENDING[..pending.min(PENDING.len())]).at(STEP)?;
                        entry.insert((read_end, write_end));
                    }
                    let (read_end, write_end) = &pipes[&inode];
                    let end = if flags & libc::O_ACCMODE == libc::O_RDONLY { read_end } else { write_end };
                    sys::descriptor::replace(*number, end.try_clone().at(STEP)?, libc::O_CLOEXEC).at(STEP)?;
                }
                Kind::Other => sys::descriptor::close_foreign(*number),
            }
        }
        Ok(())
    }
}

impl Kind {
    fn of(target: &str, flags: i32, pending: usize) -> Self {
        match target {
            "anon_inode:[eventpoll]" => Self::Epoll,
            "anon_inode:[eventfd]" => Self::Event { flags },
            _ => match target.strip_prefix("pipe:[").and_then(|rest| rest.strip_suffix(']')) {
                Some(inode) => Self::Pipe { inode: inode.parse().unwrap_or_default(), flags, pending },
                None => Self::Other,
            },
        }
    }
}

pub(crate) fn read(proc: &OwnedFd, path: &str) -> io::Result<String> {
    let mut text = String::new();
    File::from(openat(proc, path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?).read_to_string(&mut text)?;
    Ok(text)
}

pub(crate) fn list(proc: &OwnedFd, path: &str) -> io::Result<Vec<String>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut directory = Dir::openat(proc, path, flags, Mode::empty())?;
    let own = directory.as_raw_fd().to_string();
    let names = directory.iter().map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: io::Result<Vec<String>> = names.collect();
    Ok(names?.into_iter().filter(|name| !name.starts_with('.') && *name != own).collect())
}
