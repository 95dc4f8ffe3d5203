//! Results that are held, within a number of bytes: those that were used longest ago go first.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::{Kept, Key};

/// What an entry takes beside its body, about.
const ENTRY_BYTES: usize = 256;

pub(super) struct Held {
    entries: HashMap<Key, Entry>,
    /// Keys by their last use.
    by_use: BTreeMap<u64, Key>,
    uses: u64,
    bytes: usize,
    max_bytes: usize,
}

struct Entry {
    kept: Kept,
    until: Instant,
    last_use: u64,
}

impl Held {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { entries: HashMap::new(), by_use: BTreeMap::new(), uses: 0, bytes: 0, max_bytes }
    }

    /// Bytes that are held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A result that was read within `lifetime`.
    pub(super) fn get(&mut self, key: &Key, lifetime: Duration, now: Instant) -> Option<Kept> {
        let entry = self.entries.get_mut(key)?;
        if entry.until <= now {
            self.remove(key);
            return None;
        }
        if now.duration_since(entry.kept.read_at) >= lifetime {
            return None;
        }
        self.uses += 1;
        self.by_use.remove(&entry.last_use);
        entry.last_use = self.uses;
        self.by_use.insert(self.uses, *key);
        Some(entry.kept.clone())
    }

    /// Holds a result for `lifetime`, in the place of others if need be.
    pub(super) fn insert(&mut self, key: Key, kept: Kept, lifetime: Duration) {
        self.remove(&key);
        self.uses += 1;
        self.bytes += size(&kept);
        self.by_use.insert(self.uses, key);
        self.entries.insert(key, Entry { until: kept.read_at + lifetime, kept, last_use: self.uses });
        while self.bytes > self.max_bytes {
            let Some(oldest) = self.by_use.first_key_value().map(|(_, key)| *key) else { break };
            self.remove(&oldest);
        }
    }

    /// Forgets results whose time is over.
    pub(super) fn forget_old(&mut self, now: Instant) {
        let old: Vec<Key> = self.entries.iter().filter(|(_, entry)| entry.until <= now).map(|(key, _)| *key).collect();
        old.iter().for_each(|key| self.remove(key));
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.by_use.remove(&entry.last_use);
            self.bytes -= size(&entry.kept);
        }
    }
}

fn size(kept: &Kept) -> usize {
    kept.body.len() + ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn kept(bytes: usize) -> Kept {
        Kept { body: vec![b'x'; bytes].into(), read_at: Instant::now() }
    }

    #[test]
    fn the_least_used_make_room() {
        let now = Instant::now();
        let mut held = Held::new(3 * 1000);
        for key in 0..3 {
            held.insert([key; 32], kept(1000 - ENTRY_BYTES), MINUTE);
        }
        assert!(held.get(&[0; 32], MINUTE, now).is_some());
        held.insert([3; 32], kept(1000 - ENTRY_BYTES), MINUTE);
        let there: Vec<u8> = (0..4).filter(|key| held.get(&[*key; 32], MINUTE, now).is_some()).collect();
        assert_eq!((there, held.bytes()), (vec![0, 2, 3], 3000));
        held.insert([2; 32], kept(500 - ENTRY_BYTES), MINUTE);
        assert_eq!((held.bytes(), held.by_use.len(), held.entries.len()), (2500, 3, 3));
    }

    #[test]
    fn what_is_too_old_for_one_is_not_for_another() {
        let now = Instant::now();
        let mut held = Held::new(10_000);
        held.insert([1; 32], kept(10), MINUTE);
        let later = now + Duration::from_secs(30);
        assert!(held.get(&[1; 32], Duration::from_secs(20), later).is_none());
        assert!(held.get(&[1; 32], MINUTE, later).is_some());
        held.forget_old(now + Duration::from_secs(61));
        assert_eq!(held.bytes(), 0);
        assert!(held.get(&[1; 32], MINUTE, later).is_none());
    }
}
