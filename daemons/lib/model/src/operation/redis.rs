//! A command of Redis.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{FillError, TextTemplate, Values};
use crate::Fault;
use crate::query::QueryMode;

/// A command with its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RedisCommand {
    /// Its name as it is written, then its arguments, each one a text with `{{ }}`: `["HGET", "user:{{ id }}", "name"]`.
    pub command: Vec<TextTemplate>,
}

/// Arguments at most.
const MAX_ARGUMENTS: usize = 1000;

/// Commands that change nothing, wherever they are sent.
const READS: &[&str] = &[
    "bitcount",
    "bitfield_ro",
    "bitpos",
    "dbsize",
    "echo",
    "exists",
    "expiretime",
    "geodist",
    "geohash",
    "geopos",
    "georadius_ro",
    "georadiusbymember_ro",
    "geosearch",
    "get",
    "getbit",
    "getrange",
    "hexists",
    "hget",
    "hgetall",
    "hkeys",
    "hlen",
    "hmget",
    "hrandfield",
    "hscan",
    "hstrlen",
    "hvals",
    "keys",
    "lcs",
    "lindex",
    "llen",
    "lpos",
    "lrange",
    "mget",
    "pexpiretime",
    "pfcount",
    "ping",
    "pttl",
    "randomkey",
    "scan",
    "scard",
    "sdiff",
    "sinter",
    "sintercard",
    "sismember",
    "smembers",
    "smismember",
    "sort_ro",
    "srandmember",
    "sscan",
    "strlen",
    "substr",
    "sunion",
    "time",
    "ttl",
    "type",
    "xinfo",
    "xlen",
    "xpending",
    "xrange",
    "xread",
    "xrevrange",
    "zcard",
    "zcount",
    "zdiff",
    "zinter",
    "zintercard",
    "zlexcount",
    "zmscore",
    "zrandmember",
    "zrange",
    "zrangebylex",
    "zrangebyscore",
    "zrank",
    "zrevrange",
    "zrevrangebylex",
    "zrevrangebyscore",
    "zrevrank",
    "zscan",
    "zscore",
    "zunion",
];

impl RedisCommand {
    /// The command's name in lower case.
    pub fn name(&self) -> String {
        self.command.first().map(|name| name.0.trim().to_ascii_lowercase()).unwrap_or_default()
    }

    /// Name and arguments with their values.
    pub fn fill(&self, values: &Values) -> Result<Vec<String>, FillError> {
        self.command.iter().map(|word| word.fill(values)).collect()
    }

    pub(super) fn effect(&self) -> QueryMode {
        if READS.contains(&self.name().as_str()) { QueryMode::Read } else { QueryMode::Write }
    }

    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        let path = format!("{path}.command");
        let name = self.name();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')) {
            faults.push(Fault::new(&path, "must begin with the name of a command, such as GET, which is no binding"));
        }
        if self.command.len() > MAX_ARGUMENTS {
            faults.push(Fault::new(path, format!("has more than {MAX_ARGUMENTS} arguments")));
        }
    }
}
