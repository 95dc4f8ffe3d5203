//! A fresh database on the cluster that `BULKHEAD_TEST_POSTGRES` names.

use tokio_postgres::{Client, Config, NoTls};

/// A database of its own, dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    cluster: Config,
    name: String,
}

impl TestDatabase {
    /// Creates it, empty.
    pub async fn create() -> Self {
        let cluster: Config =
            super::provided("BULKHEAD_TEST_POSTGRES").parse().expect("BULKHEAD_TEST_POSTGRES is a connection string");
        let name = format!("test_{}", uuid::Uuid::now_v7().simple());
        let client = connect(&cluster).await;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("the database is created");
        Self { cluster, name }
    }

    /// How to connect to it, as the cluster's superuser.
    pub fn config(&self) -> Config {
        let mut config = self.cluster.clone();
        config.dbname(&self.name);
        config
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection to it.
    pub async fn connect(&self) -> Client {
        connect(&self.config()).await
    }
}

async fn connect(config: &Config) -> Client {
    let (client, connection) =
        config.connect(NoTls).await.expect("the test cluster answers: is `cargo xtask test` running?");
    tokio::spawn(connection);
    client
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (config, name) = (self.cluster.clone(), std::mem::take(&mut self.name));
        // A thread with a runtime of its own: drop runs inside the test's runtime, which cannot be blocked on.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let client = connect(&config).await;
                client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.expect("dropped");
            });
        });
        // A failure here must not hide the test's own: the cluster is thrown away anyway.
        let _ = dropped.join();
    }
}
