//! Keys of backups: those of [age](https://age-encryption.org), so that its own tools make and use them too.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use age::secrecy::{ExposeSecret, SecretString};
use age::x25519::{Identity, Recipient};
use anyhow::{Context, Result, ensure};
use zeroize::Zeroizing;

use super::archive::Key;
use crate::cli::{Backup, ReadingKey};

/// Longer files are none of these.
const BYTES_MAX: u64 = 64 * 1024;
/// A shorter passphrase is found by trying.
const PASSPHRASE_MIN: usize = 12;

/// What a backup is written for, and with what it is read again at once.
pub(super) struct WritingKey {
    pub(super) write: Key,
    pub(super) verify: Key,
}

/// The key that the command line, or the configuration, names.
pub(super) fn writing(backup: &Backup, configured: &Path) -> Result<WritingKey> {
    if let Some(file) = &backup.passphrase_file {
        let passphrase = passphrase(file)?;
        let long_enough = passphrase.expose_secret().chars().count() >= PASSPHRASE_MIN;
        ensure!(long_enough, "a passphrase has at least {PASSPHRASE_MIN} characters");
        return Ok(WritingKey { write: Key::Passphrase(passphrase.clone()), verify: Key::Passphrase(passphrase) });
    }
    let mut recipients = backup.recipient.iter().map(|text| recipient(text)).collect::<Result<Vec<_>>>()?;
    let file = backup.recipients_file.as_deref();
    let file = file.or_else(|| Some(configured).filter(|file| recipients.is_empty() && file.exists()));
    if let Some(file) = file {
        let text = read(file)?;
        for line in lines(&text) {
            recipients.push(recipient(line).with_context(|| format!("in {}", file.display()))?);
        }
    }
    ensure!(
        !recipients.is_empty(),
        "nobody could read this backup: give --recipient KEY or --passphrase-file FILE, or write public keys into {} \
         (`bulkheadctl backup key FILE` makes a pair)",
        configured.display()
    );
    // Public keys cannot read what was written, so one more pair lives for as long as that takes.
    let own = Identity::generate();
    recipients.push(own.to_public());
    Ok(WritingKey { write: Key::Recipients(recipients), verify: Key::Identities(vec![own]) })
}

/// The key that opens a backup.
pub(super) fn reading(key: &ReadingKey) -> Result<Key> {
    if let Some(file) = &key.passphrase_file {
        return Ok(Key::Passphrase(passphrase(file)?));
    }
    let file = key.identity.as_ref().context("give --identity FILE or --passphrase-file FILE")?;
    let text = read(file)?;
    let identity = |line: &str| {
        let parsed = line.parse::<Identity>().map_err(anyhow::Error::msg);
        parsed.with_context(|| format!("{} holds a line that is no private key (AGE-SECRET-KEY-1...)", file.display()))
    };
    let identities = lines(&text).map(identity).collect::<Result<Vec<_>>>()?;
    ensure!(!identities.is_empty(), "{} holds no private key", file.display());
    Ok(Key::Identities(identities))
}

/// Makes a pair.
pub(super) fn make(file: &Path) -> Result<()> {
    let identity = Identity::generate();
    let text =
        Zeroizing::new(format!("# public key: {}\n{}\n", identity.to_public(), identity.to_string().expose_secret()));
    let mut options = fs::OpenOptions::new();
    let made = options.write(true).create_new(true).mode(0o600).open(file);
    let mut made = made.with_context(|| format!("make {}", file.display()))?;
    made.write_all(text.as_bytes())
        .and_then(|()| made.sync_all())
        .with_context(|| format!("write {}", file.display()))?;
    println!("The private key is in {}: keep it elsewhere, without it no backup can be read.", file.display());
    println!("public-key: {}", identity.to_public());
    Ok(())
}

fn recipient(text: &str) -> Result<Recipient> {
    let parsed = text.parse::<Recipient>().map_err(anyhow::Error::msg);
    parsed.with_context(|| format!("`{text}` is no public key (age1...)"))
}

/// What stands in it, without comments.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn passphrase(file: &Path) -> Result<SecretString> {
    let text = read(file)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    ensure!(!text.is_empty(), "the passphrase is empty");
    Ok(SecretString::from(text.to_owned()))
}

fn read(file: &Path) -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let from: Box<dyn Read> = match file == Path::new("-") {
        true => Box::new(std::io::stdin()),
        false => Box::new(fs::File::open(file).with_context(|| format!("open {}", file.display()))?),
    };
    from.take(BYTES_MAX).read_to_string(&mut text).with_context(|| format!("read {}", file.display()))?;
    Ok(text)
}
