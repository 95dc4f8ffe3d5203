//! The conversation by which a server tells its methods: `grpc.reflection.v1`, or its predecessor `v1alpha`, which differs in its name.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use prost::Message;
use prost_reflect::DescriptorPool;
use prost_reflect::prost_types::FileDescriptorProto;

use super::frame::Frames;
use super::{Call, Pool, begin, broken, descriptors, frame, metadata, status, wire};
use crate::error::QueryError;
use crate::http::Bounds;

/// Where it is asked; the first that the server knows.
const PATHS: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];
/// Files of one service at most, with all that they import.
pub(super) const MAX_FILES: usize = 1000;
/// Services that a server may name; those beyond are called without being told.
const MAX_SERVICES: usize = 10_000;
/// How deep imports lead.
const MAX_ROUNDS: usize = 64;
/// Its code for what is not there.
const NOT_FOUND: i32 = 5;

#[derive(Clone, PartialEq, Message)]
struct Question {
    #[prost(oneof = "Asked", tags = "3, 4, 7")]
    asked: Option<Asked>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Asked {
    #[prost(string, tag = "3")]
    FileByName(String),
    #[prost(string, tag = "4")]
    FileOfSymbol(String),
    #[prost(string, tag = "7")]
    Services(String),
}

/// Its lists are left as they came: they are gone through member by member.
#[derive(Clone, PartialEq, Message)]
struct Reply {
    #[prost(bytes = "bytes", optional, tag = "4")]
    files: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "6")]
    services: Option<Bytes>,
    #[prost(message, optional, tag = "7")]
    error: Option<Refusal>,
}

/// The number of the one list in a reply.
const MEMBERS: u32 = 1;

#[derive(Clone, PartialEq, Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct Refusal {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The services of a server, without those of reflection itself.
pub(super) async fn services(pool: &Arc<Pool>, bounds: Bounds) -> Result<Vec<String>, QueryError> {
    let replies = ask(pool, vec![Asked::Services(String::new())], bounds).await?;
    let services = replies.into_iter().filter_map(|reply| reply.services).flat_map(|list| wire::members(list, MEMBERS));
    let names =
        services.take(MAX_SERVICES).filter_map(|service| Service::decode(service).ok()).map(|service| service.name);
    Ok(names.filter(|name| !name.starts_with("grpc.reflection.")).collect())
}

/// Adds the descriptors of a service to what is known, with all that they need, and takes what they need in memory from `left`. False
/// where the server knows no such service.
pub(super) async fn add(
    pool: &Arc<Pool>,
    known: &mut DescriptorPool,
    name: &str,
    left: &mut usize,
    bounds: Bounds,
) -> Result<bool, QueryError> {
    let mut files: Vec<FileDescriptorProto> = Vec::new();
    let mut names: HashSet<String> = known.files().map(|file| file.name().to_owned()).collect();
    let mut questions = vec![Asked::FileOfSymbol(name.to_owned())];
    for _ in 0..MAX_ROUNDS {
        for reply in ask(pool, questions, bounds).await? {
            if let Some(refusal) = reply.error {
                return match refusal.code {
                    NOT_FOUND if files.is_empty() => Ok(false),
                    _ => Err(failed(format!("it refuses to tell {name}: {}", refusal.message))),
                };
            }
            for file in reply.files.into_iter().flat_map(|files| wire::members(files, MEMBERS)) {
                // What was told before is told again, and takes nothing then.
                let mut left_after = *left;
                let file = descriptors::read_file(file, &mut left_after).map_err(failed)?;
                if names.insert(file.name().to_owned()) {
                    *left = left_after;
                    files.push(file);
                }
                if files.len() > MAX_FILES {
                    return Err(failed(format!("it has more than {MAX_FILES} files for {name}")));
                }
            }
        }
        let missing: BTreeSet<&String> =
            files.iter().flat_map(|file| &file.dependency).filter(|needed| !names.contains(*needed)).collect();
        if missing.is_empty() {
            known.add_file_descriptor_protos(files).map_err(|error| failed(error.to_string()))?;
            return Ok(true);
        }
        questions = missing.into_iter().cloned().map(Asked::FileByName).collect();
    }
    Err(failed(format!("the imports of {name} lead without end")))
}

fn failed(reason: String) -> QueryError {
    let message = format!("the server's reflection gives no schema: {reason}. Give the resource a set of descriptors");
    QueryError::Sql { message, sqlstate: "REFLECTION".to_owned(), position: None }
}

/// Asks all at once, and reads the reply to each.
async fn ask(pool: &Arc<Pool>, questions: Vec<Asked>, bounds: Bounds) -> Result<Vec<Reply>, QueryError> {
    let mut message = BytesMut::new();
    for asked in questions {
        message.extend_from_slice(&frame::framed(&Question { asked: Some(asked) }.encode_to_vec()));
    }
    let message = message.freeze();
    for path in PATHS {
        let mut of_call = HeaderMap::new();
        of_call.extend(metadata::credentials(pool)?.map(|(name, value)| (Some(name), value)));
        let call = Call { path: path.to_owned(), metadata: of_call, message: message.clone() };
        let (loan, response) = begin(pool, call, bounds).await?;
        let (parts, body) = response.into_parts();
        match status::of_response(&parts) {
            Some(status) if status.is_unimplemented() => {
                loan.give_back();
                continue;
            }
            Some(status) if !status.is_ok() => return Err(status.into_error(&pool.target, bounds)),
            _ => {}
        }
        let mut frames = Frames::new(body, bounds.max_bytes as usize, None);
        let (mut replies, mut left) = (Vec::new(), bounds.max_bytes as usize);
        while let Some(message) = frames.next().await.map_err(|error| broken(pool, &error, bounds))? {
            left = left.checked_sub(message.len()).ok_or_else(|| failed("it is larger than 16 MiB".to_owned()))?;
            replies.push(Reply::decode(message).map_err(|error| failed(error.to_string()))?);
        }
        let trailers = frames.trailers().await.map_err(|error| broken(pool, &error, bounds))?;
        loan.give_back();
        // Some servers learn only with the first message that they do not know it.
        if status::of(&trailers).is_some_and(|status| status.is_unimplemented()) {
            continue;
        }
        status::check(&trailers, &pool.target, bounds)?;
        return Ok(replies);
    }
    Err(failed("it offers none (grpc.reflection.v1, v1alpha)".to_owned()))
}
