//! The flags that a server was started with, kept so that a restart comes back with them. They hold no secrets.

use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::context::{Context, Flags};
use super::exit::Failure;
use super::files::{PRIVATE, write_atomically};

/// The content of `wardroom.start.json`.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct StartFlags {
    config: Option<PathBuf>,
    host: Option<String>,
    port: Option<u16>,
}

impl StartFlags {
    /// `flags` completed by these: what was given now counts more than what was given then.
    pub(super) fn complete(self, flags: &Flags) -> Flags {
        Flags {
            data_dir: flags.data_dir.clone(),
            config: flags.config.clone().or(self.config),
            host: flags.host.clone().or(self.host),
            port: flags.port.or(self.port),
            json: flags.json,
        }
    }
}

/// Keeps the flags of this start.
pub(super) fn save(context: &Context) -> Result<(), Failure> {
    let path = context.data_dir.start_flags();
    let present = StartFlags {
        config: context.config_file.clone(),
        host: context.flags.host.clone(),
        port: context.flags.port,
    };
    let mut bytes = serde_json::to_vec(&present).context("cannot write down the flags of this start")?;
    bytes.push(b'\n');
    write_atomically(&path, &bytes, PRIVATE).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(())
}

/// The flags of the latest start; none were given when no server was ever started.
pub(super) fn load(context: &Context) -> Result<StartFlags, Failure> {
    let path = context.data_dir.start_flags();
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(StartFlags::default()),
        Err(error) => {
            return Err(anyhow::Error::new(error)
                .context(format!("cannot read `{}`", path.display()))
                .into());
        }
    };
    let former = serde_json::from_slice(&bytes).with_context(|| {
        format!(
            "`{}` is not understood; remove it and give `restart` the flags to start with",
            path.display()
        )
    })?;
    Ok(former)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_given_now_count_more_than_those_given_then() {
        let then = StartFlags {
            config: Some("/then".into()),
            host: Some("::1".to_owned()),
            port: Some(1),
        };
        let now = Flags {
            data_dir: Some("/d".into()),
            port: Some(2),
            json: true,
            ..Flags::default()
        };
        let flags = then.complete(&now);
        assert_eq!(flags.data_dir, Some("/d".into()));
        assert_eq!(flags.config, Some("/then".into()));
        assert_eq!(flags.host.as_deref(), Some("::1"));
        assert_eq!((flags.port, flags.json), (Some(2), true));
    }
}
