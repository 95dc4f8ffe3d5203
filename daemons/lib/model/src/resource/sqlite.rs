//! A database of SQLite: a file on the appliance.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::text_fault;
use crate::Fault;

/// Which file it is. It has no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SqliteConfig {
    /// The file's path on the appliance, below one of the directories that `sqlite-directories` in db-connector.toml lists.
    pub path: String,
}

impl SqliteConfig {
    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        text_fault("config.path", &self.path, 4096, faults);
        let is_way_up = self.path.split('/').any(|part| part == "." || part == "..");
        if !self.path.starts_with('/') || self.path.ends_with('/') || is_way_up {
            faults.push(Fault::new("config.path", "must be the whole path of a file, such as /srv/data/shop.db"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_whole_one() {
        for (path, is_sound) in [
            ("/srv/a.db", true),
            ("a.db", false),
            ("/srv/../a.db", false),
            ("/srv/", false),
            ("", false),
            ("/a\0", false),
        ] {
            let mut faults = Vec::new();
            SqliteConfig { path: path.to_owned() }.faults(&mut faults);
            assert_eq!(faults.is_empty(), is_sound, "{path:?}");
        }
    }
}
