//! A program's three streams at once, each bounded: what it reads, what it prints, what it says besides.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// How much of standard error is kept: its end, where errors say what they are.
const SAID: usize = 16 << 10;

/// What came of it.
pub(super) struct Streams {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
    /// Whether there was more to read than was allowed; the rest was not read.
    pub(super) cut: bool,
}

/// Writes the input and reads both outputs until they end, or until one has given more than it may.
pub(super) async fn exchange(
    input: &[u8],
    most: usize,
    stdin: impl AsyncWrite + Unpin,
    stdout: impl AsyncRead + Unpin,
    stderr: impl AsyncRead + Unpin,
) -> io::Result<Streams> {
    let outputs = async {
        let (read, said) = tokio::join!(all(stdout, most), end(stderr));
        let (stdout, cut) = read?;
        Ok(Streams { stdout, stderr: String::from_utf8_lossy(&said?).trim().to_owned(), cut })
    };
    let (written, streams) = tokio::join!(write(stdin, input), outputs);
    written.and(streams)
}

async fn write(mut stdin: impl AsyncWrite + Unpin, input: &[u8]) -> io::Result<()> {
    match stdin.write_all(input).await {
        // It may end without having read all, or any of it; what it then made of it, its status says.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

async fn all(stdout: impl AsyncRead + Unpin, most: usize) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    stdout.take(limit).read_to_end(&mut bytes).await?;
    let cut = bytes.len() > most;
    bytes.truncate(most);
    Ok((bytes, cut))
}

async fn end(mut stderr: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while stderr.read_buf(&mut bytes).await? > 0 {
        if bytes.len() > 2 * SAID {
            bytes.drain(..bytes.len() - SAID);
        }
    }
    let more = bytes.len().saturating_sub(SAID);
    Ok(bytes.split_off(more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn output_is_bounded_and_errors_keep_their_end() {
        let said = [vec![b'x'; 5 * SAID], b"the end\n".to_vec()].concat();
        let streams = exchange(b"in", 4, tokio::io::sink(), &b"12345"[..], &said[..]).await.unwrap();
        assert_eq!(streams.stdout, b"1234");
        assert!(streams.cut && streams.stderr.len() < 2 * SAID && streams.stderr.ends_with("xthe end"));
        let streams = exchange(b"", 5, tokio::io::sink(), &b"12345"[..], &b""[..]).await.unwrap();
        assert!(!streams.cut && streams.stdout == b"12345");
    }
}
