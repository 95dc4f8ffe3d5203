//! A resource's file: `resource.yaml` with its settings, and those of each further environment. No secret is a part of it, and an SSH
//! host is named, not numbered.

use std::collections::BTreeMap;

use bulkhead_model::resource::ResourceConfig;
use bulkhead_model::{Fault, Slug, SshHostId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::parts::{Reader, Writer, shape, spare};
use crate::{Files, ReadError};

const PATH: &str = "resource.yaml";
/// The member that is an id in the settings, and a name here.
const SSH_HOST: &str = "ssh-host";

/// Settings whose SSH host is a name.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedSettings {
    /// The settings, without an SSH host.
    pub config: ResourceConfig,
    /// The SSH host that its server is reached through.
    pub ssh_host: Option<Slug>,
}

/// What a file says of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceFile {
    /// The settings in the default environment.
    pub settings: NamedSettings,
    /// The settings in further environments, by their names.
    pub environments: BTreeMap<Slug, NamedSettings>,
}

/// The shape of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Raw {
    format: u32,
    settings: Map<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    environments: BTreeMap<Slug, Map<String, Value>>,
}

impl NamedSettings {
    /// The settings with the name of their SSH host in the place of its id; nothing when `name` does not know the id.
    pub fn of(config: &ResourceConfig, name: impl Fn(SshHostId) -> Option<Slug>) -> Option<Self> {
        let Some(id) = config.server().and_then(|server| server.ssh_host) else {
            return Some(Self { config: config.clone(), ssh_host: None });
        };
        let mut value = serde_json::to_value(config).ok()?;
        value.as_object_mut()?.remove(SSH_HOST);
        Some(Self { config: serde_json::from_value(value).ok()?, ssh_host: Some(name(id)?) })
    }

    /// The settings with the id of their SSH host; nothing when `id` does not know the name.
    pub fn resolve(&self, id: impl Fn(&Slug) -> Option<SshHostId>) -> Option<ResourceConfig> {
        let Some(name) = &self.ssh_host else { return Some(self.config.clone()) };
        let mut value = serde_json::to_value(&self.config).ok()?;
        value.as_object_mut()?.insert(SSH_HOST.to_owned(), Value::from(id(name)?.to_string()));
        serde_json::from_value(value).ok()
    }

    fn write(&self) -> Map<String, Value> {
        let mut map = spare(&self.config);
        map.extend(self.ssh_host.as_ref().map(|name| (SSH_HOST.to_owned(), Value::from(name.as_str()))));
        map
    }

    fn read(mut map: Map<String, Value>) -> Result<Self, ReadError> {
        let ssh_host = match map.remove(SSH_HOST) {
            None => None,
            Some(name) => {
                Some(serde_json::from_value(name).map_err(|error| shape(PATH, &format!("{SSH_HOST}: {error}")))?)
            }
        };
        Ok(Self { config: crate::parts::part(PATH, map)?, ssh_host })
    }
}

impl ResourceFile {
    pub(crate) fn write(&self) -> Files {
        let environments = self.environments.iter().map(|(name, settings)| (name.clone(), settings.write()));
        let raw = Raw { format: 1, settings: self.settings.write(), environments: environments.collect() };
        let mut writer = Writer::default();
        writer.yaml(PATH, crate::parts::to_map(&raw));
        writer.files
    }

    pub(crate) fn read(files: &Files) -> Result<Self, ReadError> {
        let reader = Reader::new(files);
        let map = reader.yaml(PATH)?;
        let raw: Raw = reader.finish(PATH, map)?;
        if raw.format != 1 {
            return Err(shape(PATH, "format: must be 1; a newer Bulkhead wrote this document"));
        }
        let environments = raw.environments.into_iter().map(|(name, map)| Ok((name, NamedSettings::read(map)?)));
        Ok(Self { settings: NamedSettings::read(raw.settings)?, environments: environments.collect::<Result<_, _>>()? })
    }

    pub(crate) fn validate(&self) -> Vec<Fault> {
        let mut faults = self.settings.config.validate();
        for (name, settings) in &self.environments {
            let below = settings.config.validate().into_iter();
            faults.extend(below.map(|fault| Fault::new(format!("environments.{name}.{}", fault.path), fault.message)));
        }
        faults
    }
}
