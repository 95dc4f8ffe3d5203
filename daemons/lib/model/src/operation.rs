//! What a resource that speaks no SQL is asked: a request, a command, a message to send.
//!
//! An operation is a document whose texts may hold `{{ }}`. Each kind reads its own variant, and decides where a value may stand and how
//! it is escaped there; none of them splices a value into a text that is parsed again.

mod amqp;
mod elasticsearch;
mod graphql;
mod graphql_document;
mod grpc;
mod http_request;
mod ldap;
mod ldap_filter;
mod mail;
mod mongodb;
mod nats;
mod pages;
mod redis;
mod s3;
mod template;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use utoipa::ToSchema;

pub use amqp::{AmqpBody, AmqpMessage, AmqpProperties, FilledAmqpMessage, MAX_AMQP_TEXT};
pub use elasticsearch::{BulkAction, ElasticsearchRequest};
pub use graphql::GraphqlRequest;
pub use graphql_document::OperationType;
pub use grpc::GrpcCall;
pub use http_request::{HttpMethod, HttpRequest, NamedText, RequestBody};
pub use ldap::{LdapFilterError, LdapScope, LdapSearch};
pub use ldap_filter::{LdapFilter, LdapFormError};
pub use mail::{AttachmentContent, FilledAttachment, FilledMail, MAX_RECIPIENTS, MailAttachment, SendMail};
pub use mongodb::{MANY, MongodbRequest, MongodbSort};
pub use nats::{FilledNatsMessage, NatsMessage};
pub use pages::{Pages, Paging};
pub use redis::RedisCommand;
pub use s3::{
    ByteRange, DeleteObject, HeadObject, ListObjects, ObjectForm, PresignMethod, PresignObject, ReadObject, WriteObject,
};
pub use template::{JsonTemplate, TextTemplate};

use crate::Fault;
use crate::binding::{BindingError, Template};
use crate::query::{MAX_STATEMENT_BYTES, QueryMode};

/// How deep the documents in an operation nest at most.
const MAX_DEPTH: usize = 32;

/// The values of expressions, each by its text.
pub type Values = BTreeMap<String, Value>;

/// What a resource is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Operation {
    /// A command of Redis.
    Command(RedisCommand),
    /// A search in a directory.
    LdapSearch(Box<LdapSearch>),
    /// A message to publish on a broker that speaks AMQP 0-9-1.
    AmqpPublish(Box<AmqpMessage>),
    /// A message to publish on NATS.
    NatsPublish(Box<NatsMessage>),
    /// The same, with an answer to wait for.
    NatsRequest(Box<NatsMessage>),
    /// A message to send by mail.
    SendMail(Box<SendMail>),
    /// The objects of a bucket of S3.
    ListObjects(Box<ListObjects>),
    /// The content of an object of S3.
    ReadObject(Box<ReadObject>),
    /// Makes or replaces an object of S3.
    WriteObject(Box<WriteObject>),
    /// Removes an object of S3.
    DeleteObject(Box<DeleteObject>),
    /// What is known of an object of S3.
    HeadObject(Box<HeadObject>),
    /// An address for an object of S3 that serves for a while.
    PresignObject(Box<PresignObject>),
    /// A request to a server that is asked by HTTP.
    Request(Box<HttpRequest>),
    /// A query or mutation of GraphQL.
    Graphql(Box<GraphqlRequest>),
    /// A call of gRPC.
    Grpc(Box<GrpcCall>),
    /// A request to MongoDB.
    Mongodb(Box<MongodbRequest>),
    /// A request to Elasticsearch or OpenSearch.
    Elasticsearch(Box<ElasticsearchRequest>),
}

/// Why an operation has no values to be asked with.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FillError {
    /// A broken binding.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// An expression without a value. It is never null.
    #[error("parameter `{0}` is missing: give it a value")]
    Missing(String),
    /// A list or an object where a text is wanted.
    #[error("parameter `{0}` is a list or an object, and a text is wanted there: choose what of it is meant")]
    NoText(String),
    /// A value that would change where a request goes.
    #[error(
        "parameter `{0}` is empty, or has `.` or `..` between slashes, which would change the path: give it a value"
    )]
    InPath(String),
}

impl Operation {
    /// Whether it may change anything. What is not known to change nothing, does.
    pub fn effect(&self) -> QueryMode {
        match self {
            Self::Command(command) => command.effect(),
            Self::LdapSearch(_) => QueryMode::Read,
            Self::ListObjects(_) | Self::ReadObject(_) | Self::HeadObject(_) | Self::PresignObject(_) => {
                QueryMode::Read
            }
            Self::WriteObject(_) | Self::DeleteObject(_) => QueryMode::Write,
            Self::AmqpPublish(_) | Self::NatsPublish(_) | Self::NatsRequest(_) | Self::SendMail(_) => QueryMode::Write,
            Self::Request(request) => request.effect(),
            Self::Graphql(request) => request.effect(),
            Self::Grpc(call) => call.effect(),
            Self::Mongodb(request) => request.effect(),
            Self::Elasticsearch(request) => request.effect(),
        }
    }

    /// The expressions whose values it needs, each once.
    pub fn expressions(&self) -> Result<BTreeSet<String>, BindingError> {
        let mut found = BTreeSet::new();
        let mut broken = None;
        each_text(&self.document(), "", &mut |_, text| match Template::parse(text) {
            Ok(template) => found.extend(template.expressions().map(str::to_owned)),
            Err(error) => broken = Some(error),
        });
        broken.map_or(Ok(found), Err)
    }

    /// Faults that can be told without asking the resource; `path` is its place in the document.
    pub(crate) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        let document = self.document();
        let bytes = document.to_string().len();
        if bytes > MAX_STATEMENT_BYTES {
            faults.push(Fault::new(path, format!("is {bytes} bytes long; the most is {MAX_STATEMENT_BYTES}")));
        }
        if template::depth(&document) > MAX_DEPTH {
            faults.push(Fault::new(path, format!("nests deeper than {MAX_DEPTH}")));
            return;
        }
        match self {
            Self::Command(command) => command.faults(path, faults),
            Self::LdapSearch(search) => search.faults(path, faults),
            Self::AmqpPublish(message) => message.faults(path, faults),
            Self::NatsPublish(message) | Self::NatsRequest(message) => message.faults(path, faults),
            Self::SendMail(mail) => mail.faults(path, faults),
            Self::ListObjects(operation) => operation.faults(path, faults),
            Self::ReadObject(operation) => operation.faults(path, faults),
            Self::WriteObject(operation) => operation.faults(path, faults),
            Self::DeleteObject(operation) => operation.faults(path, faults),
            Self::HeadObject(operation) => operation.faults(path, faults),
            Self::PresignObject(operation) => operation.faults(path, faults),
            Self::Request(request) => request.faults(path, faults),
            Self::Graphql(request) => request.faults(path, faults),
            Self::Grpc(call) => call.faults(path, faults),
            Self::Mongodb(request) => request.faults(path, faults),
            Self::Elasticsearch(request) => request.faults(path, faults),
        }
        each_text(&document, path, &mut |place, text| {
            if let Err(error) = Template::parse(text) {
                faults.push(Fault::new(place, error.to_string()));
            }
        });
    }

    fn document(&self) -> Value {
        // A document of texts, numbers and truths has a JSON form.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// Calls `visit` with each text in a document and its place.
fn each_text(value: &Value, path: &str, visit: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => visit(path, text),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| each_text(item, &format!("{path}[{index}]"), visit));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(key, item)| each_text(item, &format!("{path}.{key}"), visit));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
