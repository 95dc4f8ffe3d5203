//! The methods and messages of a server: told by itself and kept for a while, or by a file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::query::QueryMode;
use bulkhead_model::resource::GrpcSchema;
use bytes::Bytes;
use prost::Message;
use prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use prost_reflect::prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};
use prost_reflect::{DescriptorPool, MethodDescriptor};

use super::reflection::{self, MAX_FILES};
use super::{OWN_BYTES, Pool, wire};
use crate::change::nearest;
use crate::error::QueryError;
use crate::http::Bounds;

/// For how long what a server has told is believed.
const KEPT: Duration = Duration::from_secs(300);
/// Services that are asked for their methods at most.
const MAX_SERVICES: usize = 200;
/// What the descriptors of a server may take in memory, in bytes, and what is kept of them: some 80,000 fields.
const MOST_BYTES: usize = 96 * 1024 * 1024;

const TOO_MUCH: &str = "it describes more than is read here";

/// Where methods are looked up.
pub(super) struct Descriptors {
    /// A file of them, as base64, where the server is not asked.
    set: Option<String>,
    /// What the file says.
    given: OnceLock<Result<DescriptorPool, String>>,
    /// What the server has told, by service.
    told: Mutex<HashMap<String, Told>>,
}

struct Told {
    known: DescriptorPool,
    since: Instant,
    /// What it takes in memory, in bytes.
    bytes: usize,
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
        let kept = self.told().get(service).filter(|told| told.since.elapsed() < KEPT).map(|told| told.known.clone());
        // A method that is not there may have come with a new version of the server.
        if let Some(known) = kept
            && let Ok(method) = found(Some(&known), service, method, Vec::new())
        {
            return Ok(method);
        }
        let bounds = own(bounds);
        // The well-known types are at hand: servers tell them in several versions.
        let (mut known, mut left) = (DescriptorPool::global(), MOST_BYTES);
        if reflection::add(pool, &mut known, service, &mut left, bounds).await? {
            self.keep(service, &known, MOST_BYTES - left);
            found(Some(&known), service, method, Vec::new())
        } else {
            found(None, service, method, reflection::services(pool, bounds).await?)
        }
    }

    /// The services that the server tells.
    pub(super) async fn services(&self, pool: &Arc<Pool>, bounds: Bounds) -> Result<Vec<String>, QueryError> {
        reflection::services(pool, own(bounds)).await
    }

    /// All that is known of the server.
    pub(super) async fn all(&self, pool: &Arc<Pool>, bounds: Bounds) -> Result<DescriptorPool, QueryError> {
        if let Some(given) = self.given()? {
            return Ok(given.clone());
        }
        let (mut known, mut left) = (DescriptorPool::global(), MOST_BYTES);
        for service in self.services(pool, bounds).await?.into_iter().take(MAX_SERVICES) {
            // A file that was told for one service tells others, too.
            if known.get_service_by_name(&service).is_none() {
                reflection::add(pool, &mut known, &service, &mut left, own(bounds)).await?;
            }
        }
        Ok(known)
    }

    /// Whether something is kept that would have to be asked for again.
    pub(super) fn are_kept(&self) -> bool {
        !self.told().is_empty()
    }

    /// Lets go of what nobody has asked for since `oldest`.
    pub(super) fn forget_old(&self, oldest: Instant) {
        self.told().retain(|_, told| told.since > oldest);
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

    /// Keeps what was told of a service; what was told longest ago makes room.
    fn keep(&self, service: &str, known: &DescriptorPool, bytes: usize) {
        let mut told = self.told();
        told.remove(service);
        while told.values().map(|told| told.bytes).sum::<usize>() + bytes > MOST_BYTES {
            let oldest = told.iter().min_by_key(|(_, told)| told.since).map(|(name, _)| name.clone());
            let Some(oldest) = oldest else { break };
            told.remove(&oldest);
        }
        told.insert(service.to_owned(), Told { known: known.clone(), since: Instant::now(), bytes });
    }

    fn told(&self) -> MutexGuard<'_, HashMap<String, Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same, for a question of the connector's own.
fn own(bounds: Bounds) -> Bounds {
    Bounds { mode: QueryMode::Read, max_bytes: OWN_BYTES, ..bounds }
}

fn read_set(set: &str) -> Result<DescriptorPool, String> {
    let bytes = STANDARD.decode(set).map_err(|error| format!("it is no base64 ({error})"))?;
    let mut known = DescriptorPool::global();
    let mut left = MOST_BYTES;
    let sized = known.get_message_by_name("google.protobuf.FileDescriptorSet");
    if sized.is_some_and(|of_sets| !wire::fits(&of_sets, &bytes, &mut left)) {
        return Err(TOO_MUCH.to_owned());
    }
    let set =
        FileDescriptorSet::decode(bytes.as_slice()).map_err(|error| format!("it is no FileDescriptorSet ({error})"))?;
    if set.file.len() > MAX_FILES {
        return Err(format!("it has more than {MAX_FILES} files"));
    }
    let files = set.file.into_iter().filter(|file| known.get_file_by_name(file.name()).is_none()).collect::<Vec<_>>();
    files.iter().try_for_each(|file| check_maps(&file.message_type))?;
    known.add_file_descriptor_protos(files).map_err(|error| error.to_string())?;
    Ok(known)
}

/// A file that a server has told. What it needs in memory is taken from `left`.
pub(super) fn read_file(file: Bytes, left: &mut usize) -> Result<FileDescriptorProto, String> {
    let sized = DescriptorPool::global().get_message_by_name("google.protobuf.FileDescriptorProto");
    if sized.is_some_and(|of_files| !wire::fits(&of_files, &file, left)) {
        return Err(TOO_MUCH.to_owned());
    }
    let file = FileDescriptorProto::decode(file).map_err(|error| error.to_string())?;
    check_maps(&file.message_type)?;
    Ok(file)
}

/// No compiler writes the entries of a map in another way, and what reads them relies on it.
fn check_maps(messages: &[DescriptorProto]) -> Result<(), String> {
    for message in messages {
        let is_entry = message.options.as_ref().is_some_and(|options| options.map_entry());
        let one = |number: i32| {
            let mut found = message.field.iter().filter(|field| field.number() == number);
            found.next().filter(|field| field.label() != Label::Repeated)
        };
        let is_key = |field: &FieldDescriptorProto| {
            !matches!(
                field.r#type(),
                Type::Double | Type::Float | Type::Bytes | Type::Enum | Type::Message | Type::Group
            )
        };
        if is_entry && !(one(1).is_some_and(is_key) && one(2).is_some()) {
            return Err(format!("{} is said to be an entry of a map, and has no key and value of one", message.name()));
        }
        check_maps(&message.nested_type)?;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use prost_reflect::prost_types::MessageOptions;

    use super::*;

    fn field(number: i32, kind: Type) -> FieldDescriptorProto {
        let mut field = FieldDescriptorProto { number: Some(number), ..FieldDescriptorProto::default() };
        field.name = Some(format!("f{number}"));
        field.set_type(kind);
        field.set_label(Label::Optional);
        field
    }

    fn set(entry: Vec<FieldDescriptorProto>) -> String {
        let options = MessageOptions { map_entry: Some(true), ..MessageOptions::default() };
        let entry = DescriptorProto { field: entry, options: Some(options), ..named("Entry") };
        let holder = DescriptorProto { nested_type: vec![entry], ..named("Holder") };
        let file = FileDescriptorProto {
            name: Some("a.proto".to_owned()),
            message_type: vec![holder],
            ..FileDescriptorProto::default()
        };
        STANDARD.encode(FileDescriptorSet { file: vec![file] }.encode_to_vec())
    }

    fn named(name: &str) -> DescriptorProto {
        DescriptorProto { name: Some(name.to_owned()), ..DescriptorProto::default() }
    }

    #[test]
    fn entries_of_maps_are_what_compilers_write() {
        assert!(read_set(&set(vec![field(1, Type::String), field(2, Type::Bytes)])).is_ok());
        for odd in [
            vec![],
            vec![field(1, Type::String)],
            vec![field(2, Type::String)],
            vec![field(1, Type::Double), field(2, Type::String)],
        ] {
            assert!(read_set(&set(odd.clone())).expect_err("refused").contains("Entry is said to be"), "{odd:?}");
        }
    }

    #[test]
    fn a_set_is_refused_that_is_small_and_takes_much() {
        // A file of 400,000 messages without a name, in two bytes each.
        let messages = [0x22, 0x00].repeat(400_000);
        let mut set = vec![0x0a];
        prost::encoding::encode_varint(messages.len() as u64, &mut set);
        set.extend_from_slice(&messages);
        assert_eq!(read_set(&STANDARD.encode(&set)).expect_err("refused"), TOO_MUCH);
        assert_eq!(read_file(messages.into(), &mut { MOST_BYTES }).expect_err("refused"), TOO_MUCH);
    }

    #[test]
    fn what_was_told_longest_ago_makes_room() {
        let descriptors = Descriptors::of(&GrpcSchema::Reflection);
        for name in ["a", "b", "c"] {
            descriptors.keep(name, &DescriptorPool::new(), MOST_BYTES / 2);
        }
        let mut kept: Vec<String> = descriptors.told().keys().cloned().collect();
        kept.sort_unstable();
        assert_eq!(kept, ["b", "c"]);
        descriptors.keep("d", &DescriptorPool::new(), MOST_BYTES);
        assert_eq!(descriptors.told().len(), 1);
    }
}
