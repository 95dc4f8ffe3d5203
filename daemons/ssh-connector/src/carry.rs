//! Carrying bytes between a client and its tunnel until one of them ends, or the daemon does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

/// After how much silence a tunnel is taken for idle while the daemon stops: it then ends at once instead of holding up the
/// restart, during which no new tunnel can open.
const QUIET: Duration = Duration::from_secs(1);
/// Bytes read at once; an SSH packet carries at most as many.
const BUFFER_BYTES: usize = 32 * 1024;

/// Copies both ways. When either side ends, so does the tunnel: no database protocol goes on in one direction alone.
pub(crate) async fn carry<C, T>(
    client: C,
    tunnel: T,
    shutdown: &CancellationToken,
    bytes: &Counter,
) -> std::io::Result<()>
where
    C: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (client_read, client_write) = tokio::io::split(client);
    let (tunnel_read, tunnel_write) = tokio::io::split(tunnel);
    let moved = AtomicU64::new(0);
    tokio::select! {
        up = copy(client_read, tunnel_write, &moved, bytes) => up,
        down = copy(tunnel_read, client_write, &moved, bytes) => down,
        () = quiet_in_shutdown(shutdown, &moved) => Ok(()),
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    moved: &AtomicU64,
    bytes: &Counter,
) -> std::io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..count]).await?;
        to.flush().await?;
        moved.fetch_add(count as u64, Ordering::Relaxed);
        bytes.inc_by(count as u64);
    }
}

async fn quiet_in_shutdown(shutdown: &CancellationToken, moved: &AtomicU64) {
    shutdown.cancelled().await;
    let mut seen = moved.load(Ordering::Relaxed);
    loop {
        tokio::time::sleep(QUIET).await;
        let now = moved.load(Ordering::Relaxed);
        if now == seen {
            return;
        }
        seen = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_one_side_wrote_before_it_ended_arrives() {
        let (client, mut client_end) = tokio::io::duplex(64);
        let (tunnel, mut tunnel_end) = tokio::io::duplex(64);
        let bytes = Counter::default();
        let counted = bytes.clone();
        let carrying = tokio::spawn(async move { carry(client, tunnel, &CancellationToken::new(), &counted).await });
        tokio::spawn(async move {
            tunnel_end.write_all(&[7; 100_000]).await.expect("written");
        });
        let mut received = Vec::new();
        client_end.read_to_end(&mut received).await.expect("read");
        assert_eq!(received, vec![7; 100_000]);
        carrying.await.expect("ended").expect("without an error");
        assert_eq!(bytes.get(), 100_000);
    }

    #[tokio::test]
    async fn in_a_shutdown_a_busy_tunnel_goes_on_and_a_quiet_one_ends() {
        let (client, mut client_end) = tokio::io::duplex(64);
        let (tunnel, mut tunnel_end) = tokio::io::duplex(64);
        let shutdown = CancellationToken::new();
        let stopping = shutdown.clone();
        let carrying = tokio::spawn(async move { carry(client, tunnel, &stopping, &Counter::default()).await });
        shutdown.cancel();
        for _ in 0..4 {
            tunnel_end.write_all(b"row").await.expect("written");
            let mut row = [0; 3];
            client_end.read_exact(&mut row).await.expect("read");
            tokio::time::sleep(QUIET / 2).await;
        }
        assert!(!carrying.is_finished(), "busy until now");
        let ended = tokio::time::timeout(QUIET * 3, carrying).await;
        ended.expect("ends soon").expect("ended").expect("without an error");
    }
}
