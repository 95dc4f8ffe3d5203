//! The methods and messages of a server: told by itself and kept for a while, or by a file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::query::QueryMode;
use bulkhead_model::resource::GrpcSchema;
use prost::Message;
use prost_reflect::prost_types::FileDescriptorSet;
use prost_reflect::{DescriptorPool, MethodDescriptor};

use super::reflection::{self, MAX_FILES};
use super::{OWN_BYTES, Pool};
use crate::change::nearest;
use crate::error::QueryError;
use crate::http::Bounds;

/// For how long what a server has told is believed.
const KEPT: Duration = Duration::from_secs(300);
/// Services that are asked for their methods at most.
const MAX_SERVICES: usize = 200;

/// Where methods are looked up.
pub(super) struct Descriptors {
    /// A file of them, as base64, where the server is not asked.
    set: Option<String>,
    /// What the file says.
    given: OnceLock<Result<DescriptorPool, String>>,
    /// What the server has told, by service.
    told: Mutex<HashMap<String, (DescriptorPool, Instant)>>,
}

impl Descriptors {
    pub(super) fn of(schema: &GrpcSchema) -> Self {
        let set = match schema {
            GrpcSchema::Reflection => None,
            GrpcSchema::Descriptors { set } => Some(set.clone()),
        };
        Self { set, given: OnceLock::new(), told: Mutex::default() }
    }

    pub(super) fn are_told(&self) -> bool {
        self.set.is_none()
    }

    /// Whether a file, if that is where they are from, can be read.
    pub(super) fn check(&self) -> Result<(), QueryError> {
        self.given().map(drop)
    }

    /// The method of a service.
    pub(super) async fn method(
        &self,
        pool: &Arc<Pool>,
        (service, method): (&str, &str),
        bounds: Bounds,
    ) -> Result<MethodDescriptor, QueryError> {
        if let Some(given) = self.given()? {
            let services = given.services().map(|service| service.full_name().to_owned()).collect();
            return found(Some(given), service, method, services);
        }
        let kept = self.told().get(service).filter(|(_, since)| since.elapsed() < KEPT).map(|(known, _)| known.clone());
        // A method that is not there may have come with a new version of the server.
        if let Some(known) = kept
            && let Ok(method) = found(Some(&known), service, method, Vec::new())
        {
            return Ok(method);
        }
        let bounds = own(bounds);
        match reflection::service(pool, service, bounds).await? {
            Some(known) => {
                self.keep(service, &known);
                found(Some(&known), service, method, Vec::new())
            }
            None => found(None, service, method, reflection::services(pool, bounds).await?),
        }
    }

    /// The services that the server tells.
    pub(super) async fn services(&self, pool: &Arc<Pool>, bounds: Bounds) -> Result<Vec<String>, QueryError> {
        reflection::services(pool, own(bounds)).await
    }

    /// All that is known of the server.
    pub(super) async fn all(&self, pool: &Arc<Pool>, bounds: Bounds) -> Result<Vec<DescriptorPool>, QueryError> {
        if let Some(given) = self.given()? {
            return Ok(vec![given.clone()]);
        }
        let mut all = Vec::new();
        for service in self.services(pool, bounds).await?.into_iter().take(MAX_SERVICES) {
            if let Some(known) = reflection::service(pool, &service, own(bounds)).await? {
                self.keep(&service, &known);
                all.push(known);
            }
        }
        Ok(all)
    }

    /// Whether something is kept that would have to be asked for again.
    pub(super) fn are_kept(&self) -> bool {
        !self.told().is_empty()
    }

    /// Lets go of what nobody has asked for since `oldest`.
    pub(super) fn forget_old(&self, oldest: Instant) {
        self.told().retain(|_, (_, since)| *since > oldest);
    }

    fn given(&self) -> Result<Option<&DescriptorPool>, QueryError> {
        let Some(set) = &self.set else { return Ok(None) };
        match self.given.get_or_init(|| read_set(set)) {
            Ok(known) => Ok(Some(known)),
            Err(reason) => Err(QueryError::Invalid(format!(
                "the resource's set of descriptors cannot be used: {reason}. Make it with all that its files import: \
                 protoc --include_imports --descriptor_set_out=api.pb, or buf build -o api.pb"
            ))),
        }
    }

    fn keep(&self, service: &str, known: &DescriptorPool) {
        self.told().insert(service.to_owned(), (known.clone(), Instant::now()));
    }

    fn told(&self) -> MutexGuard<'_, HashMap<String, (DescriptorPool, Instant)>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same, for a question of the connector's own.
fn own(bounds: Bounds) -> Bounds {
    Bounds { mode: QueryMode::Read, max_bytes: OWN_BYTES, ..bounds }
}

fn read_set(set: &str) -> Result<DescriptorPool, String> {
    let bytes = STANDARD.decode(set).map_err(|error| format!("it is no base64 ({error})"))?;
    let set =
        FileDescriptorSet::decode(bytes.as_slice()).map_err(|error| format!("it is no FileDescriptorSet ({error})"))?;
    if set.file.len() > MAX_FILES {
        return Err(format!("it has more than {MAX_FILES} files"));
    }
    let mut known = DescriptorPool::global();
    let files = set.file.into_iter().filter(|file| known.get_file_by_name(file.name()).is_none()).collect::<Vec<_>>();
    known.add_file_descriptor_protos(files).map_err(|error| error.to_string())?;
    Ok(known)
}

/// The method, or what there is instead.
fn found(
    known: Option<&DescriptorPool>,
    service: &str,
    method: &str,
    services: Vec<String>,
) -> Result<MethodDescriptor, QueryError> {
    let unknown = |problem: String| QueryError::Field { field: "method".to_owned(), problem };
    let Some(of_service) = known.and_then(|known| known.get_service_by_name(service)) else {
        return Err(unknown(format!("names a service that is not there{}", nearest(service, services.into_iter()))));
    };
    of_service.methods().find(|one| one.name() == method).ok_or_else(|| {
        let names = of_service.methods().map(|method| method.name().to_owned());
        unknown(format!("names no method of {service}{}", nearest(method, names)))
    })
}
