//! The conversation by which a server tells its methods: `grpc.reflection.v1`, or its predecessor `v1alpha`, which differs in its name.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use prost::Message;
use prost_reflect::DescriptorPool;
use prost_reflect::prost_types::FileDescriptorProto;

use super::frame::Frames;
use super::{Call, Pool, begin, broken, frame, metadata, status};
use crate::error::QueryError;
use crate::http::Bounds;

/// Where it is asked; the first that the server knows.
const PATHS: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];
/// Files of one service at most, with all that they import.
pub(super) const MAX_FILES: usize = 1000;
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

#[derive(Clone, PartialEq, Message)]
struct Reply {
    #[prost(message, optional, tag = "4")]
    files: Option<Files>,
    #[prost(message, optional, tag = "6")]
    services: Option<Services>,
    #[prost(message, optional, tag = "7")]
    error: Option<Refusal>,
}

#[derive(Clone, PartialEq, Message)]
struct Files {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    files: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    services: Vec<Service>,
}

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
    let services = replies.into_iter().filter_map(|reply| reply.services).flat_map(|services| services.services);
    Ok(services.map(|service| service.name).filter(|name| !name.starts_with("grpc.reflection.")).collect())
}

/// The descriptors of a service, with all that they need. Nothing where the server knows no such service.
pub(super) async fn service(
    pool: &Arc<Pool>,
    name: &str,
    bounds: Bounds,
) -> Result<Option<DescriptorPool>, QueryError> {
    // The well-known types are at hand: servers tell them in several versions.
    let mut known = DescriptorPool::global();
    let mut files: Vec<FileDescriptorProto> = Vec::new();
    let mut names: HashSet<String> = known.files().map(|file| file.name().to_owned()).collect();
    let mut questions = vec![Asked::FileOfSymbol(name.to_owned())];
    for _ in 0..MAX_ROUNDS {
        for reply in ask(pool, questions, bounds).await? {
            if let Some(refusal) = reply.error {
                return match refusal.code {
                    NOT_FOUND if files.is_empty() => Ok(None),
                    _ => Err(failed(format!("it refuses to tell {name}: {}", refusal.message))),
                };
            }
            for file in reply.files.map(|files| files.files).unwrap_or_default() {
                let file = FileDescriptorProto::decode(file).map_err(|error| failed(error.to_string()))?;
                if names.insert(file.name().to_owned()) {
                    files.push(file);
                }
            }
        }
        if files.len() > MAX_FILES {
            return Err(failed(format!("it has more than {MAX_FILES} files for {name}")));
        }
        let missing: BTreeSet<&String> =
            files.iter().flat_map(|file| &file.dependency).filter(|needed| !names.contains(*needed)).collect();
        if missing.is_empty() {
            known.add_file_descriptor_protos(files).map_err(|error| failed(error.to_string()))?;
            return Ok(Some(known));
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
