//! Has sets of libraries built: the database says which, library-builder does it, the database is told what came of it.

use std::time::Duration;

use bulkhead_rpc::library_builder::{BUILD, BuildEvent, BuildRequest, BuiltImage};
use bulkhead_rpc::{RpcClient, RpcError};
use bulkhead_store::library_sets::{BuiltLibraries, LibraryBuild};
use bulkhead_store::{Database, StoreError};
use http::Method;
use http_body_util::BodyExt;

/// Between two looks for a set that waits.
const PAUSE: Duration = Duration::from_secs(2);
/// The longest line that the builder may write, in bytes: the list of a set's packages is one.
const MAX_LINE_BYTES: usize = 4 * 1024 * 1024;

/// The builds of this process.
#[derive(Clone, Debug)]
pub(crate) struct Libraries {
    database: Database,
    /// One on each machine that runs code.
    builders: Vec<RpcClient>,
}

impl Libraries {
    pub(crate) fn new(database: Database, builders: Vec<RpcClient>) -> Self {
        Self { database, builders }
    }

    /// Has one set built after the other, for ever.
    pub(crate) async fn run(&self) {
        loop {
            match self.next().await {
                Ok(true) => {}
                Ok(false) => tokio::time::sleep(PAUSE).await,
                Err(error) => {
                    tracing::warn!("a set of libraries was not built: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Builds the set that has waited longest; whether there was one.
    async fn next(&self) -> Result<bool, StoreError> {
        let Some(LibraryBuild { id, name, generation, set }) = self.database.claim_library_build().await? else {
            return Ok(false);
        };
        tracing::info!(library.name = name, "building the libraries {name}");
        let mut log = String::new();
        let request = BuildRequest { language: set.language, lock: set.lock, preload: set.preload };
        let built = self.build_everywhere(&request, &mut log).await;
        let built = built.map(|BuiltImage { image, packages, bytes, .. }| BuiltLibraries { image, packages, bytes });
        let outcome = built.as_ref().map_err(String::as_str);
        if let Err(message) = outcome {
            tracing::warn!(library.name = name, "the libraries {name} were not built: {message}");
        }
        self.database.finish_library_build(id, generation, outcome, &log).await?;
        Ok(true)
    }

    /// Has every builder build it: the set is there when it is on each machine, and all of them have built the same.
    async fn build_everywhere(&self, request: &BuildRequest, log: &mut String) -> Result<BuiltImage, String> {
        let mut first: Option<BuiltImage> = None;
        for builder in &self.builders {
            let place = builder.address();
            if self.builders.len() > 1 {
                log.push_str(&format!("on {place}\n"));
            }
            let built = Self::build(builder, request, log).await.map_err(|message| match self.builders.len() {
                1 => message,
                _ => format!("{place}: {message}"),
            })?;
            match &first {
                Some(first) if first.image != built.image => {
                    return Err(format!(
                        "{place} has built another set than the first machine: the versions of Node.js or Python differ"
                    ));
                }
                Some(_) => {}
                None => first = Some(built),
            }
        }
        first.ok_or_else(|| "there is no builder: set library-builder-socket".to_owned())
    }

    /// Asks a builder, keeps its log, and gives what it built or why it did not.
    async fn build(builder: &RpcClient, request: &BuildRequest, log: &mut String) -> Result<BuiltImage, String> {
        let answer = builder.stream(Method::POST, BUILD, request).await.map_err(|error| match error {
            RpcError::Problem(problem) => problem.detail,
            other => format!("{other}: systemctl status bulkhead-library-builder"),
        })?;
        let mut body = answer.into_body();
        let mut open = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| format!("the builder broke off: {error}"))?;
            open.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            while let Some(end) = open.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = open.drain(..=end).collect();
                match serde_json::from_slice(&line) {
                    Ok(BuildEvent::Log { text }) => {
                        log.push_str(&text);
                        log.push('\n');
                    }
                    Ok(BuildEvent::Built(built)) => return Ok(built),
                    Ok(BuildEvent::Failed { message, .. }) => return Err(message),
                    Err(error) => return Err(format!("the builder said something that is no event: {error}")),
                }
            }
            if open.len() > MAX_LINE_BYTES {
                return Err("the builder wrote a line without an end".to_owned());
            }
        }
        Err("the builder broke off before the set was built: build it again".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_store::test_support::migrated;

    use super::*;

    #[tokio::test]
    async fn a_set_without_a_builder_fails_with_what_to_look_at() {
        let (test, database) = migrated().await;
        let client = test.connect().await;
        let insert = "INSERT INTO library_sets (id, name, language, lock, preload)
            VALUES ('018f0000-0000-7000-8000-000000000001', 'science', 'python', 'x==1', '{}')";
        client.batch_execute(insert).await.expect("inserts");
        let libraries = Libraries::new(database, vec![RpcClient::new("bulkhead-library-builder", "/nowhere")]);

        assert!(libraries.next().await.expect("works"));
        assert!(!libraries.next().await.expect("works"), "it does not wait any more");

        let row = client.query_one("SELECT status, error FROM library_sets", &[]).await.expect("reads");
        assert_eq!(row.get::<_, &str>(0), "failed");
        assert!(row.get::<_, &str>(1).contains("bulkhead-library-builder"), "{row:?}");
    }
}
