//! The token that the bridges of one user take: it lies where only that user can read it.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::cli::agentlink;
use crate::cli::exit::Failure;
use crate::cli::files::{PRIVATE, create_private_directory};
use crate::runtime::clock::{Entropy as _, SystemEntropy};

/// Random bytes of a token; twice as many hexadecimal digits.
const BYTES: usize = 32;

/// The name of the file.
const FILE_NAME: &str = "bridge.token";

fn path() -> Result<PathBuf, Failure> {
    Ok(agentlink::directory()?.join(FILE_NAME))
}

/// The token, if there is one.
pub(super) fn read() -> Option<String> {
    let text = fs::read_to_string(path().ok()?).ok()?;
    let token = text.trim();
    let is_token = token.len() == 2 * BYTES && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_token.then(|| token.to_owned())
}

/// The token; made when there is none yet.
pub(super) fn make() -> Result<String, Failure> {
    if let Some(token) = read() {
        return Ok(token);
    }
    let path = path()?;
    let directory = agentlink::directory()?;
    create_private_directory(&directory).with_context(|| format!("cannot make `{}`", directory.display()))?;
    let mut bytes = [0; BYTES];
    SystemEntropy.fill(&mut bytes).context("no random bytes for a token")?;
    let token = hex::encode(bytes);
    let temporary = directory.join(format!(".{FILE_NAME}.{}", std::process::id()));
    let made = (|| {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(PRIVATE)
            .open(&temporary)?;
        writeln!(file, "{token}")?;
        // The bridge that comes first makes it: a file that is there is not replaced.
        fs::hard_link(&temporary, &path)
    })();
    drop(fs::remove_file(&temporary));
    match made {
        Ok(()) => Ok(token),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read().ok_or_else(|| {
            let message = format!("`{}` does not hold a token; remove it", path.display());
            anyhow::Error::msg(message).into()
        }),
        Err(error) => Err(anyhow::Error::new(error)
            .context(format!("cannot write `{}`", path.display()))
            .into()),
    }
}
