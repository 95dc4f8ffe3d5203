//! LISTEN: what other daemons announce through PostgreSQL.
//!
//! A notification is a hint, never the truth: one may be lost while the connection is down, so every listener also looks for
//! itself now and then, and once after each reconnect.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::broadcast;
use tokio_postgres::AsyncMessage;

use crate::Database;
use crate::database::Connector;

/// A stream of the payloads of one channel. An empty payload means "look for yourself": the connection was made anew.
#[derive(Debug)]
pub struct Notifications {
    sender: broadcast::Sender<String>,
    task: tokio::task::JoinHandle<()>,
}

impl Notifications {
    /// Listens on `channel` for ever, reconnecting when the connection is lost.
    pub fn listen(database: &Database, channel: &'static str) -> Self {
        let (sender, _) = broadcast::channel(4096);
        let connector = database.connector();
        let sink = sender.clone();
        let task = tokio::spawn(async move {
            loop {
                if let Err(error) = listen_once(&connector, channel, &sink).await {
                    tracing::debug!("listening on {channel} was interrupted: {error}");
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
        Self { sender, task }
    }

    /// A receiver of what is announced from now on. One that lags sees an error and should look for itself.
    pub fn subscribe(&self) -> broadcast::Receiver<String> {
        self.sender.subscribe()
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen_once(
    connector: &Connector,
    channel: &str,
    sink: &broadcast::Sender<String>,
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = connector.connect().await?;
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    let statement = format!("LISTEN {channel}");
    let listening = client.batch_execute(&statement);
    tokio::pin!(listening);
    let mut announced = false;
    loop {
        tokio::select! {
            result = &mut listening, if !announced => {
                result?;
                announced = true;
                let _ = sink.send(String::new());
            }
            message = messages.next() => match message {
                // Nobody listening is fine: `send` fails only then.
                Some(Ok(AsyncMessage::Notification(notification))) => drop(sink.send(notification.payload().to_owned())),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            }
        }
    }
}
