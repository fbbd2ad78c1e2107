//! Lines of standard input, without keeping a thread of the runtime.

use std::io::{BufRead as _, Read as _};
use std::thread;

use tokio::sync::mpsc;

/// Lines that wait to be sent; reading waits when there are more, and whoever writes them does in the end.
const LINES: usize = 16;

/// Bytes of a line: more than the largest message that goes over a link.
const LONGEST: u64 = 16 * 1024 * 1024;

/// One line of standard input.
pub(super) enum Line {
    /// A line without its end; what is not UTF-8 in it is replaced.
    Text(String),
    /// Longer than anything that can be sent, and left out.
    TooLong,
}

/// Starts to read standard input. The receiver ends with it.
pub(super) fn lines() -> mpsc::Receiver<Line> {
    let (sender, lines) = mpsc::channel(LINES);
    thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        while let Some(line) = next(&mut input) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    lines
}

fn next(input: &mut std::io::StdinLock<'_>) -> Option<Line> {
    let mut bytes = Vec::new();
    input.by_ref().take(LONGEST).read_until(b'\n', &mut bytes).ok()?;
    match bytes.last() {
        None => None,
        Some(b'\n') => {
            bytes.pop();
            Some(Line::Text(String::from_utf8_lossy(&bytes).into_owned()))
        }
        Some(_) if bytes.len() as u64 == LONGEST => {
            skip(input)?;
            Some(Line::TooLong)
        }
        // The last line has no end.
        Some(_) => Some(Line::Text(String::from_utf8_lossy(&bytes).into_owned())),
    }
}

/// Reads on to the end of the line.
fn skip(input: &mut std::io::StdinLock<'_>) -> Option<()> {
    loop {
        let buffer = input.fill_buf().ok()?;
        if buffer.is_empty() {
            return Some(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let bytes = end.map_or(buffer.len(), |end| end + 1);
        input.consume(bytes);
        if end.is_some() {
            return Some(());
        }
    }
}
