//! What every command knows: its flags, the environment and the data directory.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::exit::{Exit, Failure};
use crate::config::{Config, LoadOptions, Loaded, data_dir, environment};
use crate::runtime::control_socket;
use crate::store::DirectoryLock;

/// Flags that every command takes.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Flags {
    /// Directory of the configuration, the database and the log [default: `~/.wardroom`, or `WARDROOM_DATA_DIR`]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Configuration file [default: `wardroom.json` or `broodlink.json` in the data directory, or `WARDROOM_CONFIG`]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Address to bind, instead of the configured one
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(super) host: Option<String>,
    /// Port to bind, instead of the configured one; 0 takes a free one
    #[arg(long, global = true, value_name = "PORT")]
    pub(super) port: Option<u16>,
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// Flags, environment and data directory of one run. Making it reads no file and writes none.
#[derive(Debug)]
pub(super) struct Context {
    /// The flags as they were given.
    pub(super) flags: Flags,
    pub(super) data_dir: DataDir,
    /// The configuration file that a flag or the environment names, absolute: a server in the background has another
    /// working directory.
    pub(super) config_file: Option<PathBuf>,
    environment: Vec<(String, String)>,
}

impl Context {
    pub(super) fn new(flags: Flags) -> Result<Self, Failure> {
        let environment = environment::relevant(std::env::vars_os());
        let directory = data_dir::resolve(flags.data_dir.as_deref(), &environment)?;
        let named = flags.config.clone().or_else(|| {
            environment
                .iter()
                .find(|(name, value)| name == "WARDROOM_CONFIG" && !value.is_empty())
                .map(|(_, value)| PathBuf::from(value))
        });
        let config_file = named
            .map(std::path::absolute)
            .transpose()
            .context("cannot use the configuration file named")?;
        Ok(Self {
            flags,
            data_dir: DataDir(directory),
            config_file,
            environment,
        })
    }

    /// Reads and checks the configuration.
    pub(super) fn load(&self) -> Result<Loaded, Failure> {
        let directory = self.data_dir.path();
        if directory.metadata().is_ok_and(|metadata| !metadata.is_dir()) {
            let message = format!(
                "`{}` is not a directory; name another with `--data-dir`",
                directory.display()
            );
            return Err(Failure::new(Exit::DataDirectory, message));
        }
        let options = LoadOptions {
            config_file: self.config_file.clone(),
            data_dir: directory.to_owned(),
            host: self.flags.host.clone(),
            port: self.flags.port,
            environment: self.environment.clone(),
        };
        Ok(Config::load(&options)?)
    }

    /// The flags for another run of this program on the same data directory.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let mut arguments = vec!["--data-dir".into(), self.data_dir.path().into()];
        if let Some(config) = &self.config_file {
            arguments.extend(["--config".into(), config.into()]);
        }
        if let Some(host) = &self.flags.host {
            arguments.extend(["--host".into(), host.into()]);
        }
        if let Some(port) = self.flags.port {
            arguments.extend(["--port".into(), port.to_string().into()]);
        }
        arguments
    }

    /// A command of this program as a person would type it for this data directory.
    pub(super) fn hint(&self, command: &str) -> String {
        match &self.flags.data_dir {
            Some(_) => format!("wardroom {command} --data-dir {}", shell_word(self.data_dir.path())),
            None => format!("wardroom {command}"),
        }
    }
}

/// The data directory and the files in it that the command line knows.
#[derive(Debug)]
pub(super) struct DataDir(PathBuf);

impl DataDir {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The id of the server's process, for people; no decision is made by it.
    pub(super) fn pid(&self) -> PathBuf {
        self.0.join("wardroom.pid")
    }

    /// The operator's socket.
    pub(super) fn socket(&self) -> PathBuf {
        self.0.join(control_socket::FILE_NAME)
    }

    /// Locked by the one server that may use the directory.
    pub(super) fn lock(&self) -> PathBuf {
        self.0.join(DirectoryLock::FILE_NAME)
    }

    /// The log of a server in the background.
    pub(super) fn log(&self) -> PathBuf {
        self.0.join("wardroom.log")
    }

    /// The flags that the latest server was started with.
    pub(super) fn start_flags(&self) -> PathBuf {
        self.0.join("wardroom.start.json")
    }

    /// The client libraries.
    pub(super) fn clients(&self) -> PathBuf {
        self.0.join("clients")
    }
}

/// A path as a POSIX shell reads it back.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@%,".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_only_where_a_shell_needs_it() {
        for (path, expected) in [
            ("/srv/wardroom", "/srv/wardroom"),
            ("/a b", "'/a b'"),
            ("/it's", r"'/it'\''s'"),
            ("/$HOME", "'/$HOME'"),
        ] {
            assert_eq!(shell_word(Path::new(path)), expected);
        }
    }

    #[test]
    fn the_arguments_name_the_same_server() {
        let flags = Flags {
            data_dir: Some("/srv/w".into()),
            config: Some("/etc/w.json".into()),
            host: Some("::1".to_owned()),
            port: Some(0),
            json: true,
        };
        let context = Context::new(flags).expect("usable");
        let expected = [
            "--data-dir",
            "/srv/w",
            "--config",
            "/etc/w.json",
            "--host",
            "::1",
            "--port",
            "0",
        ];
        assert_eq!(context.arguments(), expected.map(OsString::from));
        assert_eq!(context.hint("stop"), "wardroom stop --data-dir /srv/w");
    }
}
